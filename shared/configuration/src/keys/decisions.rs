//! What a rule decides.

use super::selling::{TAX, TERMS};
use super::{Key, Kind, LABEL};

/// What a rule decides.
pub(crate) const DECISIONS: &[Key] = &[
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
        says: "Its recurring lines are billed once, with the rest; `false` says nothing. It needs subscriptions.begin.",
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
