//! Invoices whose day has gone by. Stripe tells of them so long after it as an automation in its dashboard says, and without one not at all.

use domain::InvoiceId;
use jiff::Timestamp;
use stripe::InvoiceStatus;

use super::{Failures, Invoice, Stripe, Tells};
use crate::model::count;

impl Stripe {
    pub(super) fn falls_due(&mut self, id: &InvoiceId) {
        let due_at = self.invoices.get(id).and_then(Invoice::due_at);
        let told_at = due_at.zip(self.overdue_after).and_then(|(due_at, after)| due_at.checked_add(after).ok());
        self.falling_due.extend(told_at.map(|told_at| (told_at, id.clone())));
    }

    /// What is not paid by then is looked after like a payment that failed.
    pub(super) fn tell_overdue(&mut self, now: Timestamp) {
        while let Some((at, id)) = self.falling_due.first().filter(|(at, _)| *at <= now).cloned() {
            self.falling_due.pop_first();
            let is_open = self.invoices.get(&id).is_some_and(|invoice| invoice.status() == InvoiceStatus::Open);
            if is_open {
                self.failures.entry(id.clone()).or_insert(Failures { first: at, count: 0 });
                count(&mut self.facts, "an invoice was overdue");
                self.tell_of_standing(at, Tells::Overdue(id));
            }
        }
    }

    /// When Stripe last told of how the invoice stands, beside its payment, by that moment.
    pub fn told_of_standing(&self, id: &InvoiceId, by: Timestamp) -> Option<Timestamp> {
        let of_it =
            self.events.iter().filter(|event| event.is_of_standing() && event.of_invoice().as_ref() == Some(id));
        of_it.map(|event| event.at).filter(|at| *at <= by).max()
    }
}
