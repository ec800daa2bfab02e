//! What people do to invoices.

use domain::InvoiceId;
use jiff::{SignedDuration, Timestamp};
use stripe::InvoiceStatus;

use super::{Act, Performed};
use crate::model::{Models, count};

impl Act {
    pub(super) fn on_invoice(&self, now: Timestamp, models: &mut Models) -> Performed {
        let (deal, status) = match self {
            Self::Pay { deal, .. }
            | Self::FailPayment { deal, .. }
            | Self::PayPart(deal)
            | Self::Void(deal)
            | Self::WriteOff(deal) => (deal, InvoiceStatus::Open),
            Self::Refund(deal) | Self::Dispute { deal, .. } => (deal, InvoiceStatus::Paid),
            Self::FinalizeDraft { deal, .. } | Self::DeleteDraft { deal, .. } | Self::AddToDraft { deal, .. } => {
                (deal, InvoiceStatus::Draft)
            }
            _ => return Performed::done_or_not(false),
        };
        let of_deal = |invoice: &&crate::model::stripe::Invoice| {
            // What is written off may be voided still; where nobody follows it, it is not tried.
            let is_written_off = matches!(self, Self::Void(_))
                && models.stripe.payments_fail
                && invoice.status() == InvoiceStatus::Uncollectible;
            (invoice.status() == status || is_written_off) && invoice.says("sf_opportunity_id") == Some(deal.as_str())
        };
        let Some(id) = models.stripe.invoices().find(of_deal).map(|invoice| invoice.id().clone()) else {
            return Performed { again: self.later(now), ..Performed::done_or_not(false) };
        };
        let done = self.on_this_invoice(now, models, &id);
        if done && !matches!(self, Self::Pay { .. } | Self::FailPayment { .. } | Self::PayPart(_)) {
            count(&mut models.facts, self.fact());
        }
        let again = if done { None } else { self.later(now) };
        Performed { again, ..Performed::is(format!("{} {id}", if done { "done to" } else { "not possible for" })) }
    }

    fn on_this_invoice(&self, now: Timestamp, models: &mut Models, id: &InvoiceId) -> bool {
        match self {
            Self::Pay { .. } => models.stripe.pay(now, id),
            Self::FailPayment { .. } => models.stripe.fail_payment(now, id),
            Self::PayPart(_) => models.stripe.pay_part(now, id),
            Self::Refund(_) => models.stripe.refund(now, id),
            Self::Dispute { .. } => models.stripe.dispute_payment(now, id),
            Self::Void(_) => {
                let is_void = models.stripe.void(now, id);
                // Where deals are billed anew, one that a person voided is, too, when it is changed and a person asks.
                if is_void && models.amends {
                    models.salesforce.voided.insert(id.to_string());
                }
                is_void
            }
            Self::WriteOff(_) => models.stripe.mark_uncollectible(now, id),
            Self::FinalizeDraft { .. } => models.stripe.finalize_by_hand(now, id),
            Self::DeleteDraft { .. } => models.stripe.delete_draft(id),
            Self::AddToDraft { .. } => models.stripe.add_line_by_hand(id, 990),
            _ => false,
        }
    }

    fn fact(&self) -> &'static str {
        match self {
            Self::Refund(_) => "a person gave money back",
            Self::Dispute { .. } => "a payment was disputed",
            Self::Void(_) => "a person voided an invoice",
            Self::WriteOff(_) => "a person wrote an invoice off",
            Self::FinalizeDraft { .. } => "a person finalized a draft by hand",
            Self::DeleteDraft { .. } => "a person deleted a draft",
            _ => "a person changed a draft",
        }
    }

    /// The same act when there may be something to act on: a draft lives for seconds, an unpaid invoice for days.
    pub(super) fn later(&self, now: Timestamp) -> Option<(Timestamp, Act)> {
        let mut act = self.clone();
        let (tries, wait) = match &mut act {
            Self::Pay { tries, .. } | Self::FailPayment { tries, .. } | Self::Dispute { tries, .. } => {
                (tries, SignedDuration::from_hours(12))
            }
            Self::FinalizeDraft { tries, .. }
            | Self::DeleteDraft { tries, .. }
            | Self::CancelSubscription { tries, .. }
            | Self::AddToDraft { tries, .. } => (tries, SignedDuration::from_millis(700)),
            _ => return None,
        };
        *tries = tries.checked_sub(1)?;
        let at = now.checked_add(wait).ok()?;
        Some((at, act))
    }
}
