//! Every key that the file may have: its type, its default, and what it decides. What is read, checked and documented is this table.

/// A table of the file.
#[derive(Debug)]
pub(crate) struct Section {
    pub name: &'static str,
    pub says: &'static str,
    pub keys: &'static [Key],
}

#[derive(Debug)]
pub(crate) struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// As the file would say it.
    pub default: &'static str,
    pub says: &'static str,
    /// As somebody may write it, where the default is no example.
    pub example: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Flag,
    Whole {
        least: i64,
        most: i64,
        unit: &'static str,
    },
    /// One of these words, each with what it means.
    Choice(&'static [(&'static str, &'static str)]),
    /// Any of them, as a list.
    Choices(&'static [(&'static str, &'static str)]),
    /// Without an empty one.
    Text {
        most: usize,
    },
    /// At least one, no two of them alike.
    Texts {
        most: usize,
    },
    Currency,
    /// Of a queue of Salesforce's, or nothing.
    QueueId,
}

pub(crate) const VERSION: i64 = 1;

/// What Salesforce keeps of a picklist's value.
const LABEL: usize = 255;

pub(crate) const SECTIONS: &[Section] =
    &[CURRENCIES, WON, TERMS, TAX, SUBSCRIPTIONS, CHANGES, FAILURES, NOTIFICATIONS, PACING];

const CURRENCIES: Section = Section {
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

const WON: Section = Section {
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
            name: "paid_stage",
            kind: Kind::Text { most: LABEL },
            default: "\"\"",
            says: "The stage that a won opportunity is moved to when its invoice is paid whole; one that counts as won. Without one it stays where it is.",
            example: "\"Paid\"",
        },
    ],
};

const TERMS: Section = Section {
    name: "terms",
    says: "How invoices are to be paid.",
    keys: &[
        Key {
            name: "days_until_due",
            kind: Kind::Whole { least: 0, most: mapping::LATEST_DUE as i64, unit: "days" },
            default: "30",
            says: "Within how many days an invoice is to be paid, where no quote says otherwise.",
            example: "14",
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

const TAX: Section = Section {
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

const SUBSCRIPTIONS: Section = Section {
    name: "subscriptions",
    says: "What becomes of a deal's recurring lines.",
    keys: &[
        Key {
            name: "begin",
            kind: Kind::Choice(&[
                (
                    "off",
                    "they begin none: a CPQ quote that has them is refused, elsewhere the billing frequency is not read and they are billed once",
                ),
                ("closed_won", "their subscription begins when the deal is won"),
                ("contract_activated", "it begins when the deal is won and its contract is activated"),
            ]),
            default: "\"off\"",
            says: "When they become a subscription.",
            example: "\"closed_won\"",
        },
        Key {
            name: "renewals",
            kind: Kind::Choice(&[
                ("off", "it is not billed"),
                ("extend", "the subscription that it renews goes on with its lines, for its term"),
            ]),
            default: "\"off\"",
            says: "What becomes of a won opportunity of type Renewal.",
            example: "\"extend\"",
        },
        Key {
            name: "proration",
            kind: Kind::Choice(&[
                ("always_invoice", "the difference is invoiced at once"),
                ("create_prorations", "it comes with the next invoice"),
                ("none", "it stays as it was billed"),
            ]),
            default: "\"always_invoice\"",
            says: "How the rest of a period is settled that a renewal begins inside of, in Stripe's words.",
            example: "\"create_prorations\"",
        },
        Key {
            name: "status",
            kind: Kind::Choice(&[
                (
                    "mirrored",
                    "status, MRR, end of the period and the reason of a cancellation are written as they change",
                ),
                ("off", "nothing of it is"),
            ]),
            default: "\"mirrored\"",
            says: "Whether opportunities and contracts are told how their subscriptions stand.",
            example: "\"off\"",
        },
        Key {
            name: "cancellation_task",
            kind: Kind::Choice(&[
                ("owner", "the account's customer success manager, else its owner"),
                ("off", "nobody"),
            ]),
            default: "\"owner\"",
            says: "Who is given a task when a subscription has ended. It says nothing where `status` is off.",
            example: "\"off\"",
        },
    ],
};

const CHANGES: Section = Section {
    name: "changes",
    says: "What becomes of what was changed, or made, by hand.",
    keys: &[
        Key {
            name: "amendments",
            kind: Kind::Choice(&[
                ("review", "a person is told, and decides"),
                ("void_and_reissue", "an invoice that nothing is paid of is voided, and the deal billed anew"),
                (
                    "credit_and_reissue",
                    "that; and one that is paid is credited to the customer's balance. The Stripe key then needs write on Credit Notes and read on Charges",
                ),
            ]),
            default: "\"review\"",
            says: "What becomes of an invoice whose deal is changed after it was sent.",
            example: "\"void_and_reissue\"",
        },
        Key {
            name: "stray_invoices",
            kind: Kind::Choice(&[
                ("ignore", "nothing"),
                ("look_up", "it is looked for in Salesforce, and its opportunity is told"),
            ]),
            default: "\"ignore\"",
            says: "What becomes of a one-time invoice that somebody made at Stripe by hand, when it is paid.",
            example: "\"look_up\"",
        },
    ],
};

const FAILURES: Section = Section {
    name: "failures",
    says: "Who looks after what Stripe could not collect.",
    keys: &[
        Key {
            name: "cases",
            kind: Kind::Choice(&[
                ("open", "one for each invoice, closed when nothing is due any more"),
                ("off", "none"),
            ]),
            default: "\"open\"",
            says: "Whether a case is opened in Salesforce. The Stripe key must read PaymentIntents.",
            example: "\"off\"",
        },
        Key {
            name: "queue",
            kind: Kind::QueueId,
            default: "\"\"",
            says: "The queue that is given a case where neither the account's customer success manager nor its owner is active, by its id. Without one it is the opportunity's owner.",
            example: "\"00G000000000001EAA\"",
        },
        Key {
            name: "high_from_attempt",
            kind: Kind::Whole { least: 1, most: 100, unit: "attempts" },
            default: "3",
            says: "From which of Stripe's attempts on a case is of high priority. Before that it is of medium.",
            example: "2",
        },
        Key {
            name: "closed_status",
            kind: Kind::Text { most: LABEL },
            default: "\"Closed\"",
            says: "The status of a case that is closed, as the organization calls it.",
            example: "\"Resolved\"",
        },
        Key {
            name: "follow_up_hours",
            kind: Kind::Whole { least: 0, most: 720, unit: "hours" },
            default: "48",
            says: "How many hours after its first failure was seen whoever has the case is given a task, if the invoice is unpaid then. With 0 nobody is.",
            example: "24",
        },
    ],
};

const NOTIFICATIONS: Section = Section {
    name: "notifications",
    says: "What people are told of in Slack and by e-mail, where the deployment has a way to.",
    keys: &[
        Key {
            name: "about",
            kind: Kind::Choices(&[
                ("wins", "deals that are billed"),
                ("refusals", "what waits for a person"),
                ("failures", "the first failure of a payment"),
                ("digests", "each day's statement"),
            ]),
            default: "[\"wins\", \"refusals\", \"failures\", \"digests\"]",
            says: "What they are told of.",
            example: "[\"refusals\", \"failures\"]",
        },
        Key {
            name: "window_minutes",
            kind: Kind::Whole { least: 1, most: 10_080, unit: "minutes" },
            default: "60",
            says: "For how many minutes the same is not said again.",
            example: "240",
        },
    ],
};

const PACING: Section = Section {
    name: "pacing",
    says: "How much of the vendors' limits is used.",
    keys: &[
        Key {
            name: "stripe_requests_per_second",
            kind: Kind::Whole { least: 1, most: 1000, unit: "requests" },
            default: "25",
            says: "How many requests a second Stripe takes from the account at each endpoint. What comes by the thousand keeps just below it, whatever the number of workers. 25 unless Stripe gave you more; less leaves some to other integrations.",
            example: "10",
        },
        Key {
            name: "salesforce_reserve_percent",
            kind: Kind::Whole { least: 0, most: 90, unit: "percent" },
            default: "10",
            says: "The share of the organization's daily API calls that is left for deals, payments and failures. When less is left, what only tells how invoices and subscriptions stand waits. 0 reserves nothing.",
            example: "20",
        },
    ],
};
