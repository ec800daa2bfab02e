//! Payments that the bank of whoever paid wants back. Nobody answers it here.

use domain::{DisputeId, InvoiceId};
use jiff::{SignedDuration, Timestamp};
use stripe::{Error, InvoiceStatus};

use super::reads::no_such;
use super::{Invoice, Stripe, Tells};

/// How long a bank waits for an answer: longer than any history lasts.
const ANSWERED_WITHIN: SignedDuration = SignedDuration::from_hours(20 * 24);

/// A dispute has the number of its invoice.
pub fn dispute_of(id: &InvoiceId) -> DisputeId {
    DisputeId::parse(&id.as_str().replacen("in_", "du_", 1)).expect("a prefix and digits")
}

impl Stripe {
    /// What was paid by a charge can be disputed, once.
    pub fn dispute_payment(&mut self, now: Timestamp, id: &InvoiceId) -> bool {
        let is_paid = |invoice: &Invoice| invoice.status() == InvoiceStatus::Paid && invoice.paid_in_cash() > 0;
        let can_be = self.invoices.get(id).is_some_and(is_paid) && !self.is_disputed(id);
        if can_be {
            self.disputed.insert(id.clone(), now);
            self.tell_of_standing(now, Tells::Disputed(dispute_of(id)));
        }
        can_be
    }

    pub fn is_disputed(&self, id: &InvoiceId) -> bool {
        self.disputed.contains_key(id)
    }

    pub fn disputed(&self) -> impl Iterator<Item = &InvoiceId> {
        self.disputed.keys()
    }

    pub fn dispute(&mut self, id: &DisputeId) -> Result<stripe::Dispute, Error> {
        let found = self.disputed.iter().find(|(invoice_id, _)| dispute_of(invoice_id) == *id);
        let (invoice_id, since) = found.ok_or_else(|| no_such("dispute", id.as_str()))?;
        let due_by = since.checked_add(ANSWERED_WITHIN).ok();
        Ok(stripe::Dispute { invoices: vec![invoice_id.clone()], needs_response: true, due_by })
    }
}
