//! A won opportunity becomes one sent invoice, and the opportunity says which.
//!
//! In order: read the deal, and what its products cost at Stripe; freeze it as a plan, or tell everything that stands in its way; find
//! the account's customer; make an empty draft; add the lines; check that the draft equals the plan; send it; write its ids back. Until it is sent, everything at Stripe is invisible
//! to the customer and is taken away when the deal turns out to be different. Sending acts on one id, and that id is
//! chosen once.
//!
//! A deal with recurring lines becomes a subscription (`subscription.rs`) on the same road: on the first day of its term, find or
//! make the prices that were agreed, see that nothing else waits for the customer, begin the subscription, and hold the draft of
//! its first invoice; from there on it is a draft like any other, but that it goes by being disarmed and canceled.
//!
//! A deal that is changed after that goes before a person, or has its unpaid invoice voided and is billed anew (`amendment.rs`).
//!
//! After an interruption the run does not know what its last call did, so it looks before it goes on: at the invoice, and
//! at the deal, which may have been edited meanwhile.

mod amendment;
mod basket;
mod contract;
mod customer;
mod draft;
mod ending;
mod gate;
mod judge;
mod point;
mod preflight;
mod renewal;
mod standing;
mod subscription;
mod written;

use domain::{InvoiceId, OpportunityId, SubscriptionId};
use mapping::{Code, Plan, Settings, Stop, may_be_written, no_note, plan, sync_note};

use crate::{Call, End, Fact, Next, OutOfOrder};
pub use basket::{Basket, Item, ItemPrice, Once, Start};
pub use customer::{Apart, Heard};
pub use draft::{Draft, Invoice};
pub use ending::Ending;
pub use point::{Point, Stage};
pub use preflight::Preflight;
pub use renewal::Renewal;
pub use subscription::Started;
pub(crate) use written::not_kept;

impl Point {
    /// The one thing to do at each point.
    pub fn next(&self) -> Next {
        match self {
            Self::Claimed { opportunity_id }
            | Self::CustomerGone { opportunity_id, .. }
            | Self::CurrencyTaken { opportunity_id, .. } => read_deal(opportunity_id),
            Self::Preflight(preflight) => preflight.next(),
            Self::Planned { plan, details, named_by_salesforce, heard, .. } => {
                customer::ensure(plan, details, named_by_salesforce.as_ref(), heard)
            }
            Self::NamedOtherwise { named_by_salesforce, .. } => {
                Next::Call(Call::ReadCustomer { customer_id: named_by_salesforce.clone() })
            }
            Self::InvoiceNamed { invoice_id, .. } => Next::Call(Call::ReadInvoice { invoice_id: invoice_id.clone() }),
            Self::CustomerKnown { plan: Plan { renews: Some(renews), .. }, customer_id, .. } => {
                renewal::seek(renews, customer_id)
            }
            Self::CustomerKnown { plan, customer_id, is_charged: None, .. } if plan.collection.charges() => {
                Next::Call(Call::ReadPaymentMethod { customer_id: customer_id.clone() })
            }
            Self::CustomerKnown { plan, customer_id, is_charged, .. } => {
                Next::Call(draft::create(plan, customer_id, is_charged.unwrap_or_default()))
            }
            Self::Drafted { draft, batch } => Next::Call(Call::AddLines {
                invoice_id: draft.invoice_id.clone(),
                batch: *batch,
                lines: draft.lines(*batch),
            }),
            Self::Filled { draft, .. } => Next::Call(Call::ReadLines { invoice_id: draft.invoice_id.clone() }),
            Self::Ready { draft, .. } => Next::Call(Call::SendInvoice {
                invoice_id: draft.invoice_id.clone(),
                total: draft.to_be_approved(),
                is_approved: draft.plan.is_approved_for(draft.to_be_approved()),
                is_charged: draft.is_charged,
            }),
            Self::Sent { .. } if planted!(SkipsTheWriteBack) => Next::End(End::Done),
            Self::Sent { invoice, .. } => Next::Call(Call::UpdateRecords { updates: written::written(invoice) }),
            Self::Done { .. } => Next::End(End::Done),

            Self::Checking { draft, .. } => Next::Call(Call::ReadInvoice { invoice_id: draft.invoice_id.clone() }),
            Self::Comparing { draft, .. } => read_deal(&draft.plan.opportunity_id),
            Self::Verifying { invoice } => {
                Next::Call(Call::ReadBilling { opportunity_id: invoice.plan.opportunity_id.clone() })
            }
            Self::Revisiting { invoice } => read_deal(&invoice.plan.opportunity_id),
            Self::Clearing { invoice } => {
                Next::Call(Call::UpdateRecords { updates: vec![no_note(&invoice.plan.opportunity_id)] })
            }
            Self::Amending { plan, is_untouched: true, .. } | Self::Crediting { plan, is_priced: false, .. } => {
                Next::Call(Call::ReadPrices { price_ids: basket::named_prices(plan).into_keys().collect() })
            }
            Self::Amending { invoice, .. } | Self::Doubting { invoice, .. } => {
                Next::Call(Call::ReadInvoice { invoice_id: invoice.invoice_id.clone() })
            }
            Self::Crediting { invoice, plan, credit, .. } => Next::Call(amendment::credit(invoice, plan, credit)),
            Self::Settling { invoice, .. } => {
                Next::Call(Call::ReadSettlement { invoice_id: invoice.invoice_id.clone() })
            }
            Self::Voiding { invoice, plan, .. } => Next::Call(Call::VoidInvoice {
                invoice_id: invoice.invoice_id.clone(),
                total: plan.total,
                is_approved: plan.is_approved_for(plan.total),
            }),
            Self::Abandoning { draft, .. } => Next::Call(match draft.subscription_id() {
                None => Call::DeleteDraft { invoice_id: draft.invoice_id.clone() },
                Some(subscription_id) => Call::CancelSubscription { subscription_id: subscription_id.clone() },
            }),

            // Deals with recurring lines come by here.
            Self::Scheduled { starts_at, .. } => Next::End(End::Resting { until: *starts_at }),
            Self::Pricing { start, looked } => Next::Call(start.call(*looked)),
            Self::Subscribing { start, is_clear: false, .. } => Next::Call(Call::ReadPending {
                customer_id: start.customer_id.clone(),
                currency: start.plan.total.currency(),
            }),
            Self::Subscribing { start, .. } => Next::Call(start.call(true)),
            Self::Holding { draft, .. } => Next::Call(Call::HoldInvoice {
                opportunity_id: draft.plan.opportunity_id.clone(),
                invoice_id: draft.invoice_id.clone(),
            }),
            Self::Disarming { draft, .. } => Next::Call(Call::DisarmInvoice { invoice_id: draft.invoice_id.clone() }),
            Self::SubscriptionNamed { seen, .. } => {
                read_subscription_or_invoice(seen.subscription_id.as_ref(), &seen.invoice_id)
            }
            Self::Reviving { draft, .. } => read_subscription_or_invoice(draft.subscription_id(), &draft.invoice_id),

            Self::Renewal(renewal) => renewal.next(),
            Self::Ending(ending) => ending.next(),
            Self::Stopped { opportunity_id, stop, told: false, .. } => {
                Next::Call(Call::UpdateRecords { updates: vec![sync_note(opportunity_id, stop)] })
            }
            Self::Stopped { stop, reported: false, .. } => Next::Call(Call::Report { stop: stop.clone() }),
            Self::Stopped { stop, .. } => Next::End(End::Stopped(stop.clone())),
        }
    }

    /// What a fact means at each point: every legal transition, and nothing else.
    pub fn record(self, fact: Fact, settings: &Settings) -> Result<Self, OutOfOrder> {
        let mut unknown = (self, fact);
        for road in [customer::record, subscription::record, amendment::record, renewal::record, ending::record] {
            match road(unknown.0, unknown.1, settings) {
                Ok(point) => return Ok(point),
                Err(not_its) => unknown = *not_its,
            }
        }
        Ok(match unknown {
            // Claim: the deal as it is now, whatever the event said about it.
            (Self::Claimed { opportunity_id }, Fact::DealRead(deal)) => judge::claim(opportunity_id, &deal, settings),
            (Self::Claimed { opportunity_id }, Fact::RecordMissing) => judge::not_found(opportunity_id),
            (point @ Self::Claimed { .. }, Fact::Refused(why)) => point.stopped(why.stop),

            // Preflight: what it costs at Stripe, and with that everything that stands in its way.
            (Self::Preflight(preflight), Fact::PricesRead(prices)) => preflight.priced(&prices),
            (Self::Preflight(preflight), Fact::Refused(why)) => preflight.unpriced(why.stop),

            // Customer: its own run has found or made it.
            (
                Self::Planned { plan, named_by_salesforce, heard, basket, .. },
                Fact::CustomerKnown { customer_id, is_apart },
            ) => customer::known(plan, customer_id, is_apart, named_by_salesforce, heard.gone, basket),
            (Self::Planned { plan, .. }, Fact::CustomerStopped(stop)) => Self::claimed(plan).stopped(stop),

            // Salesforce names an invoice. If it is the deal's own, only the ledger has forgotten it.
            (Self::InvoiceNamed { plan, stop, noted, .. }, Fact::InvoiceRead(seen)) => {
                judge::invoice_named(plan, stop, noted, &seen)
            }
            (Self::InvoiceNamed { plan, stop, noted, .. }, Fact::InvoiceMissing | Fact::Refused(_)) => {
                Self::claimed(plan).stopped_noted(stop, noted)
            }

            // Who has a payment method is charged, where that is wanted.
            (
                Self::CustomerKnown { plan, customer_id, account_is_linked, is_apart, interrupted, basket, .. },
                Fact::PaymentMethodRead { is_any },
            ) => {
                let is_charged = Some(is_any);
                Self::CustomerKnown { plan, customer_id, account_is_linked, is_apart, interrupted, basket, is_charged }
            }

            // Draft: empty, and finalized by nobody but us.
            (
                Self::CustomerKnown { plan, customer_id, account_is_linked, interrupted, basket, .. },
                Fact::InvoiceRead(seen),
            ) => {
                let invoice_id = seen.invoice_id.clone();
                let (customer_id, account_is_linked) = subscription::billed_to(&seen, customer_id, account_is_linked);
                let once = basket.once;
                let is_charged = seen.is_charged;
                let draft = Draft { plan, customer_id, invoice_id, account_is_linked, is_charged, once, started: None };
                let stage = Stage::Lines { batch: 0 };
                match gate::is_our_empty_draft(&draft, &seen) {
                    true if interrupted => Self::Comparing { draft, seen, stage },
                    true => Self::Drafted { draft, batch: 0 },
                    false => Self::Checking { draft, stage, refused: None },
                }
            }
            (Self::CustomerKnown { plan, .. }, Fact::Refused(why)) => Self::claimed(plan).stopped(why.stop),
            (Self::CustomerKnown { plan, customer_id, .. }, Fact::CustomerMissing) => {
                Self::CustomerGone { opportunity_id: plan.opportunity_id, customer_id, apart: None }
            }

            // Lines: batch by batch, then the equality gate.
            (Self::Drafted { draft, batch }, Fact::InvoiceRead(seen)) => match draft.has_batch(batch + 1) {
                true if !planted!(FirstBatchOnly) => Self::Drafted { draft, batch: batch + 1 },
                _ => Self::through_gate(draft, seen),
            },
            (Self::Filled { draft, mut seen }, Fact::LinesRead(lines)) => {
                seen.first_lines = lines;
                seen.has_more_lines = false;
                Self::through_gate(draft, seen)
            }
            (Self::Drafted { draft, .. } | Self::Filled { draft, .. }, Fact::Refused(why)) => {
                judge::abandon(draft, Some(why.stop))
            }

            // The pivot. A refusal does not say that nobody sent or voided the invoice by hand, so it is looked at.
            (Self::Ready { draft, interrupted: false }, Fact::InvoiceRead(seen)) => judge::after_pivot(draft, &seen),
            (Self::Ready { draft, interrupted: true }, Fact::InvoiceRead(seen)) => {
                judge::after_pivot(draft, &seen).verifying()
            }
            (point @ Self::Ready { .. }, Fact::Refused(why)) => point.checking(Some(why.stop)),
            (Self::Ready { draft, .. }, Fact::NotApproved { ceiling, total }) => {
                judge::not_approved(draft, ceiling, total)
            }

            // Write-back: Salesforce holds what was written, or a person looks.
            (Self::Sent { invoice, interrupted }, Fact::RecordsUpdated(records)) => {
                written::written_back(invoice, interrupted, &records)
            }
            (Self::Verifying { invoice }, Fact::BillingRead(record)) => written::verified(invoice, &record),
            (point @ (Self::Sent { .. } | Self::Verifying { .. }), Fact::Refused(why)) => {
                written::not_taken(point, why.stop)
            }
            (point @ (Self::Sent { .. } | Self::Verifying { .. }), Fact::RecordMissing) => point
                .stopped(Stop::review(Code::OpportunityNotFound, "The invoice is sent, and its opportunity is gone.")),

            // After an interruption, the invoice: what has become of it, and then of the deal.
            (Self::Checking { draft, stage, refused }, Fact::InvoiceRead(seen)) => {
                judge::checked(draft, stage, refused, seen)
            }
            // Somebody deleted the draft by hand, maybe before we knew of it.
            (Self::CustomerKnown { plan, .. }, Fact::InvoiceMissing) => Self::claimed(plan),
            (
                point @ (Self::Holding { .. }
                | Self::Disarming { .. }
                | Self::Drafted { .. }
                | Self::Filled { .. }
                | Self::Ready { .. }),
                Fact::InvoiceMissing,
            ) => point.checking(None),
            (Self::Checking { draft, stage, .. }, Fact::InvoiceMissing) => judge::gone(draft, &stage),
            (Self::Comparing { draft, seen, stage }, Fact::DealRead(deal)) => match plan(&deal, settings) {
                _ if planted!(IgnoresEdits) => Self::continued(draft, seen, stage),
                Ok((plan, _))
                    if plan.plans_the_same_as(&draft.plan) && judge::names_only(&deal.opportunity, &draft) =>
                {
                    match may_be_written(&deal, &plan, settings) {
                        Ok(()) => Self::continued(Draft { plan, ..draft }, seen, stage),
                        Err(stop) => judge::abandon(draft, Some(stop)),
                    }
                }
                _ => judge::abandon(draft, None),
            },
            (Self::Comparing { draft, .. }, Fact::RecordMissing) => judge::abandon(draft, None),
            (point @ (Self::Reviving { .. } | Self::Checking { .. } | Self::Comparing { .. }), Fact::Refused(why)) => {
                point.stopped(Stop::review(why.stop.code, why.stop.message))
            }

            // After the end: the deal was edited, or somebody only said so again.
            (Self::Revisiting { invoice }, Fact::DealRead(deal)) => judge::revisited(invoice, &deal, settings),
            (Self::Clearing { invoice }, Fact::RecordsUpdated(records)) => written::cleared(invoice, &records),
            (point @ (Self::Revisiting { .. } | Self::Clearing { .. }), Fact::RecordMissing) => point
                .stopped(Stop::review(Code::OpportunityNotFound, "The deal is billed, and its opportunity is gone.")),
            (point @ (Self::Revisiting { .. } | Self::Clearing { .. }), Fact::Refused(why)) => {
                point.stopped(Stop::review(why.stop.code, why.stop.message))
            }

            // The draft is gone: tell why, or plan anew from what the deal says now.
            (Self::Abandoning { draft, stop: Some(stop) }, Fact::DraftDeleted | Fact::SubscriptionCanceled) => {
                Self::claimed(draft.plan).stopped(stop)
            }
            (Self::Abandoning { draft, stop: None }, Fact::DraftDeleted | Fact::SubscriptionCanceled) => {
                Self::claimed(draft.plan)
            }
            // Most likely it is no draft any more, and then it is not ours to take away.
            (Self::Abandoning { draft, stop }, Fact::Refused(_)) => {
                Self::Checking { draft, stage: Stage::Deleting, refused: stop }
            }

            // A stop. A note that Salesforce does not take must not hide the stop itself: it is reported all the same.
            (
                Self::Stopped { opportunity_id, stop, reported, back_to, .. },
                Fact::RecordsUpdated(_) | Fact::Refused(_),
            ) => Self::Stopped { opportunity_id, stop, told: true, reported, back_to },
            (Self::Stopped { opportunity_id, stop, told, back_to, .. }, Fact::Reported) => {
                Self::Stopped { opportunity_id, stop, told, reported: true, back_to }
            }

            (point, fact) => return Err(OutOfOrder { point: point.name(), fact: fact.name() }),
        })
    }

    /// Where to go on when a run is taken up again, or when a new event arrives for one that had ended.
    pub fn resume(self) -> Self {
        match self {
            point @ (Self::CustomerKnown { .. }
            | Self::Drafted { .. }
            | Self::Filled { .. }
            | Self::Ready { .. }
            | Self::Sent { .. })
                if planted!(ResumesBlindly) =>
            {
                point
            }
            // Nothing is at Stripe yet but the customer: begin with what the deal says now.
            Self::Preflight(preflight) => preflight.resume(),
            Self::Planned { plan, .. }
            | Self::NamedOtherwise { plan, .. }
            | Self::InvoiceNamed { plan, .. }
            | Self::SubscriptionNamed { plan, .. } => Self::claimed(plan),
            // Nor has a subscription been begun before its prices are known.
            Self::CustomerKnown { plan, .. } if plan.subscription.is_some() => Self::claimed(plan),
            Self::Pricing { start, .. } => Self::claimed(start.plan),
            Self::Renewal(renewal) => renewal.resume(),
            Self::Ending(ending) => ending.resume(),
            // It was time, or the deal was edited before it was.
            Self::Scheduled { opportunity_id, .. } => Self::Claimed { opportunity_id },
            // Its key leads to it, as it does to a draft.
            Self::Subscribing { start, is_clear: true, .. } => {
                Self::Subscribing { start, interrupted: true, is_clear: true }
            }
            Self::Subscribing { start, .. } => Self::claimed(start.plan),
            // Stripe would cancel it even if its invoice was sent meanwhile.
            Self::Abandoning { draft, stop } | Self::Disarming { draft, stop } if draft.started.is_some() => {
                Self::looking(draft, Stage::Canceling, stop)
            }
            // A draft may have been made without our knowing. Its key leads to it.
            Self::CustomerKnown { plan, customer_id, account_is_linked, is_apart, basket, is_charged, .. } => {
                let interrupted = true;
                Self::CustomerKnown { plan, customer_id, account_is_linked, is_apart, interrupted, basket, is_charged }
            }
            point @ (Self::Holding { .. }
            | Self::Drafted { .. }
            | Self::Filled { .. }
            | Self::Ready { .. }
            | Self::Comparing { .. }) => point.checking(None),
            Self::Sent { invoice, .. } | Self::Doubting { invoice, stop: Some(_), .. } => Self::Verifying { invoice },
            Self::Done { invoice }
            | Self::Clearing { invoice }
            | Self::Amending { invoice, .. }
            | Self::Settling { invoice, .. }
            | Self::Doubting { invoice, stop: None, .. } => Self::Revisiting { invoice },
            Self::Stopped { back_to, .. } => back_to.resume(),
            // One whose invoice was looked at may have been canceled since.
            Self::Checking { draft, stage, refused } => Self::looking(draft, stage, refused),
            point @ (Self::Claimed { .. }
            | Self::CustomerGone { .. }
            | Self::CurrencyTaken { .. }
            | Self::Reviving { .. }
            | Self::Verifying { .. }
            | Self::Revisiting { .. }
            // It may be void or credited already: there is no way back.
            | Self::Voiding { .. }
            | Self::Crediting { .. }
            | Self::Disarming { .. }
            | Self::Abandoning { .. }) => point,
        }
    }
}

fn read_deal(opportunity_id: &OpportunityId) -> Next {
    Next::Call(Call::ReadDeal { opportunity_id: opportunity_id.clone() })
}

/// What a subscription's first invoice has become is told by the subscription.
fn read_subscription_or_invoice(subscription_id: Option<&SubscriptionId>, invoice_id: &InvoiceId) -> Next {
    Next::Call(match subscription_id {
        Some(subscription_id) => Call::ReadSubscription { subscription_id: subscription_id.clone() },
        None => Call::ReadInvoice { invoice_id: invoice_id.clone() },
    })
}

#[cfg(test)]
mod tests;
