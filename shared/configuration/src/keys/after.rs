//! What becomes of a deal after it is billed, and what of the vendors' limits is used.

use super::decisions::{CASE_RULES, PAID_RULES, TELL_RULES};
use super::{Key, Kind, LABEL, Section};

pub(super) const SUBSCRIPTIONS: Section = Section {
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
            kind: Kind::Choice(&[("owner", "whoever looks after its account; see owners.accounts"), ("off", "nobody")]),
            default: "\"owner\"",
            says: "Who is given a task when a subscription has ended. It says nothing where `status` is off.",
            example: "\"off\"",
        },
    ],
};

pub(super) const CHANGES: Section = Section {
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

pub(super) const OWNERS: Section = Section {
    name: "owners",
    says: "Who is given what somebody has to look after.",
    keys: &[Key {
        name: "accounts",
        kind: Kind::Users,
        default: "[\"account.CSM__c\", \"account.OwnerId\"]",
        says: "Who looks after an account, for cases and tasks: fields that name a user, of the account or of the opportunity. The first whose user is active counts. Where none is active, or the list is empty, a case goes to failures.queue, and what has no queue to the opportunity's owner.",
        example: "[\"account.Collector__c\", \"account.OwnerId\"]",
    }],
};

pub(super) const ATTEMPTS: Kind = Kind::Whole { least: 1, most: 100, unit: "attempts" };

pub(super) const HOURS: Kind = Kind::Whole { least: 0, most: 720, unit: "hours" };

pub(super) const PAYMENTS: Section = Section {
    name: "payments",
    says: "What becomes of a deal whose invoice is paid whole.",
    keys: &[Key {
        name: "rules",
        kind: Kind::Rules(&PAID_RULES),
        default: "",
        says: "To which stage its opportunity is moved in place of won.paid_stage, one rule after the other; see Rules above.",
        example: "[{ name = \"Software\", when = 'opportunity.Type == \"Software\"', then = { stage = \"Onboarding\" } }]",
    }],
};

pub(super) const FAILURES: Section = Section {
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
            says: "The queue that is given a case where nobody of owners.accounts is active, by its id. Without one it is the opportunity's owner.",
            example: "\"00G000000000001EAA\"",
        },
        Key {
            name: "high_from_attempt",
            kind: ATTEMPTS,
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
            kind: HOURS,
            default: "48",
            says: "How many hours after its first failure was seen whoever has the case is given a task, if the invoice is unpaid then. With 0 nobody is.",
            example: "24",
        },
        Key {
            name: "rules",
            kind: Kind::Rules(&CASE_RULES),
            default: "",
            says: "What is decided otherwise about some failures, one rule after the other; see Rules above.",
            example: "[{ name = \"Large\", when = 'invoice.amount_remaining > 10000', then = { high_from_attempt = 1 } }]",
        },
    ],
};

pub(super) const NOTIFICATIONS: Section = Section {
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
        Key {
            name: "rules",
            kind: Kind::Rules(&TELL_RULES),
            default: "",
            says: "What is decided otherwise about some of it, one rule after the other; see Rules above. Each day's statement is about no deal, so it is told whatever they say.",
            example: "[{ name = \"Small\", when = 'about == \"wins\" && opportunity.Amount < 1000', then = { skip = \"No news\" } }]",
        },
    ],
};

pub(super) const PACING: Section = Section {
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
