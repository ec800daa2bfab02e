//! Payments that fail.

use domain::InvoiceId;
use jiff::Timestamp;
use stripe::{Error, InvoiceStatus};

use super::{Invoice, Stripe, Tells};
use crate::model::count;

/// How often an invoice could not be collected, and when that was first. It may also only be overdue.
#[derive(Debug, Clone, Copy)]
pub struct Failures {
    pub first: Timestamp,
    pub count: u32,
}

impl Stripe {
    pub fn fail_payment(&mut self, now: Timestamp, id: &InvoiceId) -> bool {
        let is_open = self.invoices.get(id).is_some_and(|invoice| invoice.status() == InvoiceStatus::Open);
        if is_open && self.payments_fail {
            let failures = self.failures.entry(id.clone()).or_insert(Failures { first: now, count: 0 });
            failures.count += 1;
            count(&mut self.facts, "a payment failed");
            self.tell(now, Tells::Failed(id.clone()));
        }
        is_open
    }

    /// Where nobody looks after that, nobody is told of it.
    pub(super) fn tell_of_end(&mut self, now: Timestamp, id: &InvoiceId) {
        if self.payments_fail {
            self.tell(now, Tells::Closed(id.clone()));
        }
    }

    pub fn failures(&self) -> impl Iterator<Item = (&InvoiceId, &Failures)> {
        self.failures.iter()
    }

    /// Of what period it may be, it says whose it is.
    pub fn collecting(&mut self, now: Timestamp, id: &InvoiceId) -> Result<stripe::Collecting, Error> {
        let shown = self.invoice(now, id)?;
        let due_at = self.invoices.get(id).and_then(Invoice::due_at);
        let of = shown.subscription.as_ref().and_then(|of| self.subscriptions.get(of));
        let mut metadata = of.map(|of| of.metadata.clone()).unwrap_or_default();
        metadata.extend(shown.metadata);
        let failures = self.failures.get(id).map_or(0, |failures| failures.count);
        let declined = || stripe::Declined {
            code: Some("card_declined".into()),
            decline_code: Some("insufficient_funds".into()),
            message: None,
        };
        Ok(stripe::Collecting {
            status: shown.status,
            currency: shown.currency,
            amount_remaining: shown.amount_remaining,
            attempt_count: failures,
            next_attempt: None,
            due_at,
            number: shown.number,
            hosted_invoice_url: shown.hosted_invoice_url,
            declined: (failures > 0).then(declined),
            metadata,
            id: shown.id,
        })
    }
}
