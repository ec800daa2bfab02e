//! Object truth: an invoice of ours against its run and its deal. Nothing is read or written here.

use domain::{Event, OpportunityId};
use jiff::{SignedDuration, Timestamp};
use ledger::Difference;
use mapping::{Code, DealSeen};
use stripe::{Invoice, InvoiceStatus};
use workflow::{Restored, Run, RunId, State, Status, invoice_paid};

use super::difference::Cause;
use super::statement::{billed_later, gave_up};

/// Younger than this, whatever looks unfinished is most likely being worked on.
pub(crate) const SETTLES_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// Everything that is known about one invoice. The deal was read last: what the run and its payment had done by then shows
/// in it.
pub(crate) struct Truth<'a> {
    pub(crate) invoice: &'a Invoice,
    pub(crate) opportunity_id: &'a OpportunityId,
    /// The run that the invoice's metadata names, and as it stands in the ledger.
    pub(crate) run_id: &'a RunId,
    pub(crate) run: Option<&'a Run>,
    /// The run that the ledger's link leads to.
    pub(crate) link: Option<&'a RunId>,
    /// The run that brings its payment back.
    pub(crate) payment: Option<&'a Run>,
    /// `None` if the opportunity is gone, or hidden from us.
    pub(crate) deal: Option<&'a DealSeen>,
    pub(crate) restored: Option<Restored>,
    pub(crate) now: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// An event brings it in order. The id is the same for the same state of things, so that it is answered once.
    Mend { id: String, event: Event },
    /// A draft that nobody works on and nobody will come back to.
    Orphan,
    /// No event brings it in order.
    Differs(Difference),
}

/// How the ids begin of what a sweep found.
pub(crate) const SWEEP: &str = "sweep:";

/// The id of the event that tells of a change, whoever finds it: one state of one record is looked at once.
pub(crate) fn changed_id(deal: &DealSeen) -> String {
    format!("{SWEEP}{}:{}", deal.opportunity_id, deal.modified_at.as_millisecond())
}

fn waited_in_vain(payment: &Run) -> bool {
    payment.stop().is_some_and(|stop| matches!(stop.code, Code::InvoiceNotLinked | Code::InvoiceLinkedElsewhere))
}

impl Truth<'_> {
    pub(crate) fn judge(&self) -> Vec<Verdict> {
        match self.invoice.status {
            InvoiceStatus::Draft => self.draft().into_iter().collect(),
            InvoiceStatus::Void => self.void().into_iter().collect(),
            InvoiceStatus::Open | InvoiceStatus::Paid | InvoiceStatus::Uncollectible | InvoiceStatus::Other => {
                self.deal_side().into_iter().chain(self.payment_side()).collect()
            }
        }
    }

    fn draft(&self) -> Option<Verdict> {
        if self.now.duration_since(self.invoice.created) < SETTLES_WITHIN {
            return None;
        }
        match self.run {
            // The ledger was restored. The run that comes to be will say what the draft is.
            None => Some(self.look_again(format!("draft:{}", self.invoice.id), Cause::InvoiceWithoutRun)),
            Some(run) if run.status() == Status::Open || self.is_of(run) => None,
            // It cannot be deleted. What it is a draft of is looked at by itself.
            Some(_) if self.invoice.subscription.is_some() => None,
            Some(_) if self.link.is_some_and(|link| link != self.run_id) => {
                Some(self.differs(Cause::InvoiceLinkedElsewhere))
            }
            Some(_) => Some(Verdict::Orphan),
        }
    }

    fn void(&self) -> Option<Verdict> {
        let is_billed_by_it = self.run.is_some_and(|run| run.status() == Status::Done && self.is_of(run));
        let is_meant = self.deal.is_some_and(|deal| deal.is_won() && self.is_named_by(deal));
        (is_billed_by_it && is_meant).then(|| self.differs(Cause::VoidAtStripe))
    }

    /// Whether the deal has this invoice, and this invoice has the deal.
    fn deal_side(&self) -> Option<Verdict> {
        let is_forgotten = self.run.is_none_or(|run| run.invoice_id().is_none());
        match self.run {
            Some(run) if self.is_of(run) => self.billed_deal(run),
            Some(run) if run.replaced.contains(&self.invoice.id) => None,
            // It may be looking for this very invoice.
            Some(run) if run.status() == Status::Open => None,
            // The ledger was restored. Where the run will look before it makes another one, it is asked to.
            _ if is_forgotten && self.is_found_again() => {
                let epoch = self.restored.map_or(0, |restored| restored.epoch);
                Some(self.look_again(format!("found:{}:{epoch}", self.invoice.id), Cause::InvoiceWithoutRun))
            }
            Some(run) if gave_up(run, self.invoice) => None,
            Some(run) if run.invoice_id().is_some() => Some(self.differs(Cause::SecondInvoice)),
            _ => Some(self.differs(Cause::InvoiceWithoutRun)),
        }
    }

    fn billed_deal(&self, run: &Run) -> Option<Verdict> {
        // One that is not done is worked on, or lies before a person with its reason.
        if run.status() != Status::Done {
            return None;
        }
        let Some(deal) = self.deal else { return Some(self.differs(Cause::InvoiceWithoutDeal)) };
        if !self.is_named_by(deal) {
            // A write of the one before came late, from a process that stood still. Whoever looks writes the right one back.
            let names_replaced = run.replaced.iter().any(|id| deal.names_invoice.as_deref() == Some(id.as_str()));
            return Some(match names_replaced {
                true => self.look_again(changed_id(deal), Cause::InvoiceNotNamed),
                false => self.differs(Cause::InvoiceNotNamed),
            });
        }
        if self.invoice.is_credited() {
            return Some(self.differs(Cause::CreditedAtStripe));
        }
        let is_equal = matches!(&deal.amount, Ok(amount)
            if amount.minor_units() - billed_later(run) == self.invoice.before_tax() && amount.currency() == self.invoice.currency);
        if is_equal {
            return None;
        }
        // The deal was edited, and nobody told us.
        Some(
            self.look_again(
                changed_id(deal),
                if deal.is_won() { Cause::AmountDiffers } else { Cause::InvoiceWithoutDeal },
            ),
        )
    }

    /// Whether the deal says of the payment what Stripe says.
    fn payment_side(&self) -> Option<Verdict> {
        let deal = self.deal.filter(|deal| self.is_named_by(deal))?;
        // Until the one in its place is named, nobody asks whether it is paid.
        if self.run.is_some_and(|run| gave_up(run, self.invoice)) || self.invoice.is_paid_by_note() {
            return None;
        }
        let invoice_id = self.invoice.id.clone();
        match (self.invoice.status == InvoiceStatus::Paid, deal.is_marked_paid) {
            (true, false) => {
                let occurred_at = self.invoice.paid_at.unwrap_or(self.now);
                let linked_id = format!("linked:{invoice_id}");
                let mend = |id: String| Verdict::Mend { id, event: Event::InvoicePaid { invoice_id, occurred_at } };
                match self.payment {
                    None => Some(mend(format!("paid:{}", self.invoice.id))),
                    Some(payment) if payment.status() == Status::Open => None,
                    // It waited in vain for the opportunity to name its invoice, which it does now.
                    Some(payment) if waited_in_vain(payment) && !payment.has_answered(&linked_id) => {
                        Some(mend(linked_id))
                    }
                    // It was told on another deal, which had it for a while.
                    Some(payment) if self.is_told_elsewhere(payment) && !payment.has_answered(&linked_id) => {
                        Some(mend(linked_id))
                    }
                    // A late write said that it is not: one that names an invoice in the place of one that was paid says so.
                    Some(payment) if self.run.is_some_and(|run| run.unmarks) => {
                        let id = format!("unmarked:{}:{}", self.invoice.id, deal.modified_at.as_millisecond());
                        Some(if payment.has_answered(&id) { self.differs(Cause::PaidNotMarked) } else { mend(id) })
                    }
                    Some(_) => Some(self.differs(Cause::PaidNotMarked)),
                }
            }
            (false, true) => Some(self.differs(Cause::MarkedNotPaid)),
            (true, true) | (false, false) => None,
        }
    }

    fn is_told_elsewhere(&self, payment: &Run) -> bool {
        matches!(&payment.state, State::InvoicePaid(invoice_paid::Point::Done { payment })
            if payment.opportunity_id != *self.opportunity_id)
    }

    fn is_of(&self, run: &Run) -> bool {
        run.invoice_id() == Some(&self.invoice.id)
    }

    fn is_named_by(&self, deal: &DealSeen) -> bool {
        deal.names_invoice.as_deref() == Some(self.invoice.id.as_str())
    }

    /// A run without an invoice takes up the one that its deal names, and after a restore that an operator told of it looks
    /// before it makes one. Any other would make a second.
    fn is_found_again(&self) -> bool {
        let is_outdated = self.restored.is_some_and(|restored| {
            self.run.is_none_or(|run| run.epoch() < restored.epoch) && self.invoice.created >= restored.since
        });
        is_outdated || self.deal.is_some_and(|deal| self.is_named_by(deal))
    }

    /// An event, unless the run has answered it before and things are as they were: then it is a difference.
    fn look_again(&self, id: String, otherwise: Cause) -> Verdict {
        if self.run.is_some_and(|run| run.has_answered(&id)) {
            return self.differs(otherwise);
        }
        let opportunity_id = self.opportunity_id.clone();
        Verdict::Mend { id, event: Event::OpportunityChanged { opportunity_id, occurred_at: self.now } }
    }

    fn differs(&self, cause: Cause) -> Verdict {
        let in_salesforce = self.deal.and_then(|deal| deal.amount.as_ref().ok()).map(|amount| (*amount).into());
        let opportunity_id = Some(self.opportunity_id.clone());
        Verdict::Differs(Difference { opportunity_id, in_salesforce, ..cause.of_invoice(self.invoice) })
    }
}

#[cfg(test)]
mod tests;
