//! What rules decide.

use super::after::{ATTEMPTS, HOURS};
use super::selling::{TAX, TERMS};
use super::{Asks, Key, Kind, LABEL, Of};

/// In the order of the file's sections.
pub(crate) const ALL: [&Asks; 4] = [&WON_RULES, &PAID_RULES, &CASE_RULES, &TELL_RULES];

pub(super) const WON_RULES: Asks =
    Asks { section: "won", what: "a deal", of: Of::Deal, decisions: WON, ends: &["skip", "refuse"] };

pub(super) const PAID_RULES: Asks = Asks {
    section: "payments",
    what: "an invoice that is paid whole",
    of: Of::Payment,
    decisions: PAID,
    ends: &["skip"],
};

pub(super) const CASE_RULES: Asks =
    Asks { section: "failures", what: "a payment that failed", of: Of::Failure, decisions: CASES, ends: &["skip"] };

pub(super) const TELL_RULES: Asks =
    Asks { section: "notifications", what: "what people are told", of: Of::News, decisions: TELLS, ends: &["skip"] };

const WON: &[Key] = &[
    Key {
        name: "skip",
        kind: Kind::Text { most: LABEL },
        default: "",
        says: "The deal is not billed, and nobody has to do anything. The text says why.",
        example: "\"Internal deals are not billed\"",
    },
    Key {
        name: "refuse",
        kind: Kind::Text { most: LABEL },
        default: "",
        says: "The deal waits until it is changed. The text says what a person has to do.",
        example: "\"Ask finance to approve deals above 50,000\"",
    },
    Key {
        name: "days_until_due",
        kind: Kind::WholeOrExpression { least: 0, most: mapping::LATEST_DUE as i64, unit: "days" },
        default: "",
        says: "Within how many days its invoice is to be paid, whatever its quote says.",
        example: "60",
    },
    Key {
        name: "collection",
        kind: TERMS.keys[1].kind,
        default: "",
        says: "How its invoice is collected; see terms.collection.",
        example: "\"charge_automatically\"",
    },
    Key {
        name: "tax",
        kind: TAX.keys[0].kind,
        default: "",
        says: "What its amounts are; see tax.calculation.",
        example: "\"inclusive\"",
    },
    Key {
        name: "bill_once",
        kind: Kind::Flag,
        default: "",
        says: "Its recurring lines are billed once, with the rest; `false` is as good as leaving it out.",
        example: "true",
    },
    Key {
        name: "discount_percent",
        kind: Kind::PercentOrExpression,
        default: "",
        says: "So much less than the deal's amount is billed, each line at its share, to the minor unit. The reconciler compares invoices with amounts without reading lines, so nothing in such a rule can ask of `lines`.",
        example: "12.5",
    },
];

const PAID: &[Key] = &[
    Key {
        name: "skip",
        kind: Kind::Text { most: LABEL },
        default: "",
        says: "Its opportunity stays in its stage. The text says why.",
        example: "\"Renewals stay where they are\"",
    },
    Key {
        name: "stage",
        kind: Kind::Text { most: LABEL },
        default: "",
        says: "The stage that its opportunity is moved to, in place of won.paid_stage; one that counts as won.",
        example: "\"Onboarding\"",
    },
];

const CASES: &[Key] = &[
    Key {
        name: "skip",
        kind: Kind::Text { most: LABEL },
        default: "",
        says: "There is no case and no task for it. One that is open already is left to people until nothing is due any more. The text says why.",
        example: "\"Key accounts are called by their manager\"",
    },
    Key {
        name: "queue",
        kind: Kind::QueueId,
        default: "",
        says: "The queue that is given its case, whoever looks after the account. Where Salesforce refuses that, it is failures.queue.",
        example: "\"00G000000000001EAA\"",
    },
    Key {
        name: "high_from_attempt",
        kind: ATTEMPTS,
        default: "",
        says: "From which of Stripe's attempts on its case is of high priority; see failures.high_from_attempt.",
        example: "1",
    },
    Key {
        name: "follow_up_hours",
        kind: HOURS,
        default: "",
        says: "How many hours after its first failure somebody is given a task; see failures.follow_up_hours.",
        example: "4",
    },
];

const TELLS: &[Key] = &[
    Key {
        name: "skip",
        kind: Kind::Text { most: LABEL },
        default: "",
        says: "Nobody is told. The text says why.",
        example: "\"Small deals are no news\"",
    },
    Key {
        name: "channels",
        kind: Kind::Choices(&[("slack", "the channel of Slack"), ("email", "the topic of SNS")]),
        default: "",
        says: "Where people are told, of those that the deployment has.",
        example: "[\"email\"]",
    },
];
