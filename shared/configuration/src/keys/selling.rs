//! Which deals are billed, and how.

use super::decisions::WON_RULES;
use super::{Key, Kind, LABEL, Of, Section};

pub(super) const CURRENCIES: Section = Section {
    name: "currencies",
    says: "In which currencies the organization sells.",
    keys: &[
        Key {
            name: "organization",
            kind: Kind::Currency,
            default: "\"USD\"",
            says: "The organization's corporate currency, by its ISO 4217 code: the currency of every record where there are not several.",
            example: "\"EUR\"",
        },
        Key {
            name: "several",
            kind: Kind::Flag,
            default: "false",
            says: "The organization has several currencies switched on, so that each record has a CurrencyIsoCode. Where it has not, the field does not exist.",
            example: "true",
        },
    ],
};

pub(super) const WON: Section = Section {
    name: "won",
    says: "Which opportunities are billed, and where their lines are.",
    keys: &[
        Key {
            name: "stages",
            kind: Kind::Texts { most: LABEL },
            default: "[\"Closed Won\"]",
            says: "The stages that ask for a bill, as StageName holds them. The Flow in infra/salesforce that tells of a win has to look for the same ones.",
            example: "[\"Signed\", \"Signed (Partner)\"]",
        },
        Key {
            name: "lines_from",
            kind: Kind::Choice(&[
                ("opportunity_products", "the products on the opportunity itself"),
                ("cpq_quote", "the lines of its primary Salesforce CPQ quote"),
                ("orders", "the products of its activated orders"),
            ]),
            default: "\"opportunity_products\"",
            says: "Where a deal's lines are.",
            example: "\"cpq_quote\"",
        },
        Key {
            name: "when",
            kind: Kind::Condition(Of::Opportunity),
            default: "",
            says: "Which opportunities of these stages are billed; without it, all. The others are left out, with nobody told.",
            example: "'opportunity.RecordType.DeveloperName == \"New_Business\" && !opportunity.Bill_By_Hand__c'",
        },
        Key {
            name: "rules",
            kind: Kind::Rules(&WON_RULES),
            default: "",
            says: "What is decided otherwise for some deals, one rule after the other; see Rules above.",
            example: "[{ name = \"Partners\", when = 'account.Type == \"Partner\"', then = { days_until_due = 60 } }]",
        },
        Key {
            name: "paid_stage",
            kind: Kind::Text { most: LABEL },
            default: "\"\"",
            says: "The stage that a won opportunity is moved to when its invoice is paid whole; one that counts as won. Without one it stays where it is.",
            example: "\"Paid\"",
        },
    ],
};

pub(super) const TERMS: Section = Section {
    name: "terms",
    says: "How invoices are to be paid.",
    keys: &[
        Key {
            name: "days_until_due",
            kind: Kind::WholeOrExpression { least: 0, most: mapping::LATEST_DUE as i64, unit: "days" },
            default: "30",
            says: "Within how many days an invoice is to be paid, where no quote says otherwise.",
            example: "'default(account.Payment_Days__c, 30)'",
        },
        Key {
            name: "collection",
            kind: Kind::Choice(&[
                ("send_invoice", "the customer gets it, and pays within the days"),
                (
                    "charge_automatically",
                    "the customer's default payment method is charged; who has none gets the invoice",
                ),
            ]),
            default: "\"send_invoice\"",
            says: "How the invoice of a one-time deal is collected. First invoices of subscriptions are sent.",
            example: "\"charge_automatically\"",
        },
    ],
};

pub(super) const TAX: Section = Section {
    name: "tax",
    says: "Whether Stripe Tax calculates tax. It has to be set up at Stripe first.",
    keys: &[
        Key {
            name: "calculation",
            kind: Kind::Choice(&[
                ("off", "nothing is calculated"),
                ("exclusive", "the amounts in Salesforce are without tax, which comes on top"),
                ("inclusive", "the amounts in Salesforce contain it"),
            ]),
            default: "\"off\"",
            says: "Whether it does, and what the amounts in Salesforce are.",
            example: "\"exclusive\"",
        },
        Key {
            name: "shipping_address",
            kind: Kind::Choice(&[
                ("off", "customers have none"),
                ("account", "the account's, where it is another one than its billing address"),
            ]),
            default: "\"off\"",
            says: "Whether customers at Stripe have a shipping address. Stripe Tax taxes by it, and does not fall back on the billing address.",
            example: "\"account\"",
        },
    ],
};
