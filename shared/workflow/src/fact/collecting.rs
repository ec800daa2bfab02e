//! How the collection of an invoice stands, as Stripe says it, and what Salesforce is to say of it.

use domain::{InvoiceId, Money, OpportunityId};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mapping::{Dues, Failure};

use super::InvoiceStatus;

/// An invoice as Stripe just answered it, with what it tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectingSeen {
    pub invoice_id: InvoiceId,
    /// The deal that it bills; `None` where this deployment did not make it.
    pub opportunity_id: Option<OpportunityId>,
    pub status: InvoiceStatus,
    pub remaining: Money,
    pub attempts: u32,
    pub next_attempt: Option<Timestamp>,
    pub number: Option<String>,
    pub page: Option<String>,
    /// Why the last attempt failed, in Stripe's words.
    pub reason: Option<String>,
    pub due_at: Option<Timestamp>,
}

impl CollectingSeen {
    /// As it was at that moment.
    pub(crate) fn failure(self, at: Timestamp) -> Option<Failure> {
        let dues = match self.status {
            InvoiceStatus::Paid | InvoiceStatus::Void => Dues::Settled,
            InvoiceStatus::Open => Dues::Open,
            InvoiceStatus::Uncollectible => Dues::GivenUp,
            InvoiceStatus::Draft | InvoiceStatus::Other => Dues::Unknown,
        };
        Some(Failure {
            opportunity_id: self.opportunity_id?,
            invoice_id: self.invoice_id,
            dues,
            remaining: self.remaining,
            attempts: self.attempts,
            next_attempt: self.next_attempt,
            number: self.number,
            page: self.page,
            reason: self.reason,
            due_on: self.due_at.filter(|due_at| *due_at <= at).map(|due_at| TimeZone::UTC.to_datetime(due_at).date()),
            remark: None,
        })
    }
}
