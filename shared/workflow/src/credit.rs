//! What is credited of an invoice that was paid, or a part of it.

use domain::{InvoiceId, Money, OpportunityId};
use serde::{Deserialize, Serialize};

use crate::InvoiceSeen;

/// A credit note over everything that an invoice billed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCredit {
    pub opportunity_id: OpportunityId,
    pub invoice_id: InvoiceId,
    /// What was paid of the invoice, its tax included: so much goes to the customer's balance, and Stripe takes no note that gives back
    /// anything else. The rest of the note is what is still due.
    pub amount: i64,
    pub lines: Vec<CreditLine>,
    /// What is billed in its place.
    pub total: Money,
    pub is_approved: bool,
}

/// A line of the invoice that is credited as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditLine {
    /// Stripe's id of the invoice's line.
    pub line_id: String,
    pub amount: CreditAmount,
}

/// As Stripe takes it: a share of what was billed, by the number; or where that is a fraction, an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreditAmount {
    Quantity(i64),
    /// Minor units, without tax.
    Untaxed(i64),
}

/// What credit notes took of an invoice, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credited {
    /// Before it was paid.
    pub before: i64,
    /// After it was paid.
    pub after: i64,
    /// Both, by the run that made the invoice.
    pub by_us: i64,
}

impl Credited {
    pub(crate) fn is_nothing(self) -> bool {
        self.before == 0 && self.after == 0
    }
}

/// What became of the money that an invoice brought in, and what its lines are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    pub invoice: InvoiceSeen,
    /// `None` if one of them cannot be credited.
    pub lines: Option<Vec<CreditLine>>,
    pub money: MoneyIn,
    /// The customer is there, and its balance is in the invoice's currency, or in none yet.
    pub is_of_balance: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyIn {
    /// It is here.
    Kept,
    /// It went back, or a part of it.
    Refunded,
    /// A payer disputes it.
    Disputed,
    /// Some of it may still come, or not.
    UnderWay,
    /// It came by a way that does not say what became of it.
    Unknown,
}
