//! How an invoice stands, as Stripe says it.

use domain::{CustomerId, InvoiceId, Money, OpportunityId};
use jiff::Timestamp;
use mapping::InvoiceStanding;

use super::InvoiceStatus;

/// An invoice as Stripe just answered it, with what became of what was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceStandingSeen {
    pub invoice_id: InvoiceId,
    /// The deal that it bills; `None` where this deployment did not make it.
    pub opportunity_id: Option<OpportunityId>,
    pub customer_id: Option<CustomerId>,
    pub status: InvoiceStatus,
    pub due_at: Option<Timestamp>,
    pub total: Money,
    pub credited: Money,
    pub refunded: Money,
    pub is_disputed: bool,
    /// Why Stripe could not finalize it, in Stripe's words.
    pub not_finalized: Option<String>,
    /// It bills a later period of a subscription than the first, which no opportunity names.
    pub is_of_later_period: bool,
}

impl InvoiceStandingSeen {
    /// As its opportunity is to say it. Nobody has seen a draft but us.
    pub(crate) fn standing(&self, at: Timestamp) -> Option<InvoiceStanding> {
        let is_overdue = self.due_at.is_some_and(|due_at| due_at <= at) && !planted!(HidesOverdue);
        let status = match self.status {
            InvoiceStatus::Open if is_overdue => "overdue",
            InvoiceStatus::Open => "open",
            InvoiceStatus::Paid => "paid",
            InvoiceStatus::Void => "void",
            InvoiceStatus::Uncollectible => "uncollectible",
            InvoiceStatus::Draft | InvoiceStatus::Other => return None,
        };
        Some(InvoiceStanding {
            invoice_id: self.invoice_id.clone(),
            opportunity_id: self.opportunity_id.clone()?,
            status: status.to_owned(),
            credited: self.credited,
            refunded: self.refunded,
            is_disputed: self.is_disputed,
        })
    }
}
