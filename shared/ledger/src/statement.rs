//! The daily statement, as it is kept: what both sides come to, and every difference with its cause. It names deals and
//! invoices by their ids, and nobody by name.

use std::collections::BTreeMap;

use domain::{Currency, InvoiceId, Money, OpportunityId};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The last day that it is about, in UTC.
    pub day: Date,
    pub made_at: Timestamp,
    pub of_day: Books,
    /// From the first of the month to the end of the day.
    pub of_month: Books,
}

/// Sums are of the deals that were won in the time that they are about, and of the invoices of these deals, whenever they
/// were made. An invoice that no won deal stands for belongs to the time it was made in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// Won deals that ask to be billed.
    pub deals: Sums,
    /// Those of them that are being billed right now, so that a missing invoice is no difference yet.
    pub under_way: Sums,
    /// What of the deals is billed by later invoices: the periods of a subscription that have not begun.
    #[serde(default)]
    pub later: Sums,
    /// Invoices that are neither drafts nor void.
    pub invoices: Sums,
    /// Those of them that are paid.
    pub paid: Sums,
    /// The first of them, if there are very many.
    pub differences: Vec<Difference>,
    pub difference_count: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sums(pub BTreeMap<Currency, Sum>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    pub count: u64,
    pub minor_units: i64,
}

impl Sums {
    /// One more. An amount is below 10¹², so some nine million of them fit.
    pub fn add(&mut self, amount: Money) {
        let sum = self.0.entry(amount.currency()).or_default();
        sum.count += 1;
        sum.minor_units = sum.minor_units.saturating_add(amount.minor_units());
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Difference {
    /// A code, and after a colon the code of the run's own reason where it has one: `refused:no_lines`.
    pub cause: String,
    pub opportunity_id: Option<OpportunityId>,
    pub invoice_id: Option<InvoiceId>,
    /// What the deal comes to.
    pub in_salesforce: Option<Amount>,
    /// What the invoice comes to.
    pub at_stripe: Option<Amount>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Amount {
    pub currency: Currency,
    pub minor_units: i64,
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self { currency: money.currency(), minor_units: money.minor_units() }
    }
}
