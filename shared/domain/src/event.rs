//! The closed set of things that happen outside and matter here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{InvoiceId, OpportunityId};

/// A hint that something may have to be done. Events are never truth: the record or object is read again before anything
/// is decided, so neither their order nor their age nor their number matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// An opportunity was won, or one that may be won was edited.
    OpportunityChanged { opportunity_id: OpportunityId, occurred_at: Timestamp },
    /// Stripe says that an invoice is paid.
    InvoicePaid { invoice_id: InvoiceId, occurred_at: Timestamp },
    /// The reconciler found a run that is not finished and that nobody works on; its key in the ledger.
    RunDue { run: String, occurred_at: Timestamp },
    /// Salesforce lost change events and cannot say which records they were about (`GAP_OVERFLOW`).
    OpportunitiesLost { occurred_at: Timestamp },
}

impl Event {
    pub fn name(&self) -> &'static str {
        match self {
            Self::OpportunityChanged { .. } => "opportunity_changed",
            Self::InvoicePaid { .. } => "invoice_paid",
            Self::RunDue { .. } => "run_due",
            Self::OpportunitiesLost { .. } => "opportunities_lost",
        }
    }

    pub fn occurred_at(&self) -> Timestamp {
        match self {
            Self::OpportunityChanged { occurred_at, .. }
            | Self::InvoicePaid { occurred_at, .. }
            | Self::RunDue { occurred_at, .. }
            | Self::OpportunitiesLost { occurred_at } => *occurred_at,
        }
    }
}
