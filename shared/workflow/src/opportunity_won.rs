//! A won opportunity becomes one sent invoice, and the opportunity says which.
//!
//! In order: read the deal and freeze it as a plan; find the account's customer; make an empty draft; add the lines;
//! check that the draft equals the plan; send it; write its ids back. Until it is sent, everything at Stripe is invisible
//! to the customer and is taken away when the deal turns out to be different. Sending acts on one id, and that id is
//! chosen once.
//!
//! After an interruption the run does not know what its last call did, so it looks before it goes on: at the invoice, and
//! at the deal, which may have been edited meanwhile.

mod gate;
mod judge;
mod point;

use domain::OpportunityId;
use mapping::{Code, Settings, Stop, plan, sync_note};

use crate::{Call, End, Fact, InvoiceSeen, InvoiceStatus, Next, OutOfOrder};
use gate::Gate;
pub use point::{Correction, Draft, Invoice, Point, Stage};

impl Point {
    /// The one thing to do at each point.
    pub fn next(&self) -> Next {
        match self {
            Self::Claimed { opportunity_id } => read_deal(opportunity_id),
            Self::Planned { plan, details, named_by_salesforce } => Next::EnsureCustomer {
                account_id: plan.account_id.clone(),
                details: details.clone(),
                named_by_salesforce: named_by_salesforce.clone(),
            },
            Self::CustomerKnown { plan, customer_id, .. } => Next::Call(Call::CreateInvoice {
                opportunity_id: plan.opportunity_id.clone(),
                customer_id: customer_id.clone(),
                currency: plan.total.currency(),
                days_until_due: plan.days_until_due,
            }),
            Self::Drafted { draft, batch } => Next::Call(Call::AddLines {
                invoice_id: draft.invoice_id.clone(),
                batch: *batch,
                lines: draft.lines(*batch),
            }),
            Self::Filled { draft, .. } => Next::Call(Call::ReadLines { invoice_id: draft.invoice_id.clone() }),
            Self::Correcting { draft, corrections, batch } => Next::Call(Call::CorrectLines {
                invoice_id: draft.invoice_id.clone(),
                batch: *batch,
                lines: draft.corrected_lines(corrections, *batch),
            }),
            Self::Ready { draft } => Next::Call(Call::SendInvoice { invoice_id: draft.invoice_id.clone() }),
            Self::Sent { invoice } => Next::Call(Call::UpdateRecords { updates: judge::write_back(invoice) }),
            Self::Done { .. } => Next::End(End::Done),

            Self::Checking { draft, .. } => Next::Call(Call::ReadInvoice { invoice_id: draft.invoice_id.clone() }),
            Self::Comparing { draft, .. } => read_deal(&draft.plan.opportunity_id),
            Self::Verifying { invoice } => {
                Next::Call(Call::ReadBilling { opportunity_id: invoice.plan.opportunity_id.clone() })
            }
            Self::Revisiting { invoice } => read_deal(&invoice.plan.opportunity_id),
            Self::Abandoning { draft, .. } => Next::Call(Call::DeleteDraft { invoice_id: draft.invoice_id.clone() }),

            Self::Stopped { opportunity_id, stop, told: false, .. } => {
                Next::Call(Call::UpdateRecords { updates: vec![sync_note(opportunity_id, stop)] })
            }
            Self::Stopped { stop, reported: false, .. } => Next::Call(Call::Report { stop: stop.clone() }),
            Self::Stopped { stop, .. } => Next::End(End::Stopped(stop.clone())),
        }
    }

    /// What a fact means at each point: every legal transition, and nothing else.
    pub fn record(self, fact: Fact, settings: &Settings) -> Result<Self, OutOfOrder> {
        Ok(match (self, fact) {
            // Claim: the deal as it is now, whatever the event said about it.
            (Self::Claimed { opportunity_id }, Fact::DealRead(deal)) => judge::claim(opportunity_id, &deal, settings),
            (Self::Claimed { opportunity_id }, Fact::RecordMissing) => judge::not_found(opportunity_id),
            (point @ Self::Claimed { .. }, Fact::Refused(why)) => point.stopped(why.stop),

            // Customer: its own run has found or made it.
            (Self::Planned { plan, .. }, Fact::CustomerKnown { customer_id }) => {
                Self::CustomerKnown { plan, customer_id, interrupted: false }
            }
            (Self::Planned { plan, .. }, Fact::CustomerStopped(stop)) => Self::claimed(plan).stopped(stop),

            // Draft: empty, and finalized by nobody but us.
            (Self::CustomerKnown { plan, customer_id, interrupted }, Fact::InvoiceRead(seen)) => {
                let draft = Draft { plan, customer_id, invoice_id: seen.invoice_id.clone() };
                let stage = Stage::Lines { batch: 0 };
                match gate::is_our_empty_draft(&draft, &seen) {
                    true if interrupted => Self::Comparing { draft, seen, stage },
                    true => Self::Drafted { draft, batch: 0 },
                    false => Self::Checking { draft, stage, refused: None },
                }
            }
            (Self::CustomerKnown { plan, .. }, Fact::Refused(why)) => Self::claimed(plan).stopped(why.stop),

            // Lines: batch by batch, then the equality gate.
            (Self::Drafted { draft, batch }, Fact::InvoiceRead(seen)) => match draft.has_batch(batch + 1) {
                true => Self::Drafted { draft, batch: batch + 1 },
                false => Self::through_gate(draft, seen, false),
            },
            (Self::Filled { draft, mut seen, corrected }, Fact::LinesRead(lines)) => {
                seen.first_lines = lines;
                seen.has_more_lines = false;
                Self::through_gate(draft, seen, corrected)
            }
            (Self::Correcting { draft, corrections, batch }, Fact::InvoiceRead(seen)) => {
                match point::has_batch(corrections.len(), batch + 1) {
                    true => Self::Correcting { draft, corrections, batch: batch + 1 },
                    false => Self::through_gate(draft, seen, true),
                }
            }
            (
                Self::Drafted { draft, .. } | Self::Filled { draft, .. } | Self::Correcting { draft, .. },
                Fact::Refused(why),
            ) => Self::Abandoning { draft, stop: Some(why.stop) },

            // The pivot. A refusal does not say that nobody sent or voided the invoice by hand, so it is looked at.
            (Self::Ready { draft }, Fact::InvoiceRead(seen)) => Self::after_pivot(draft, &seen),
            (point @ Self::Ready { .. }, Fact::Refused(why)) => point.checking(Some(why.stop)),

            // Write-back: Salesforce holds what was written, or a person looks.
            (Self::Sent { invoice }, Fact::RecordsUpdated(records)) => judge::written_back(invoice, &records),
            (Self::Verifying { invoice }, Fact::BillingRead(record)) => judge::verified(invoice, &record),
            (point @ (Self::Sent { .. } | Self::Verifying { .. }), Fact::Refused(why)) => {
                point.stopped(Stop::review(why.stop.code, why.stop.message))
            }
            (point @ (Self::Sent { .. } | Self::Verifying { .. }), Fact::RecordMissing) => point
                .stopped(Stop::review(Code::OpportunityNotFound, "The invoice is sent, and its opportunity is gone.")),

            // After an interruption, the invoice: what has become of it, and then of the deal.
            (Self::Checking { draft, stage, refused }, Fact::InvoiceRead(seen)) => match (seen.status, refused) {
                (InvoiceStatus::Draft, Some(stop)) => Self::Abandoning { draft, stop: Some(stop) },
                (InvoiceStatus::Draft, None) => Self::Comparing { draft, seen, stage },
                _ => Self::after_pivot(draft, &seen),
            },
            // Somebody deleted the draft by hand, maybe before we knew of it.
            (Self::CustomerKnown { plan, .. }, Fact::InvoiceMissing) => Self::claimed(plan),
            (
                Self::Drafted { draft, .. }
                | Self::Filled { draft, .. }
                | Self::Correcting { draft, .. }
                | Self::Ready { draft }
                | Self::Checking { draft, .. },
                Fact::InvoiceMissing,
            ) => Self::claimed(draft.plan),
            (Self::Comparing { draft, seen, stage }, Fact::DealRead(deal)) => match plan(&deal, settings) {
                Ok((plan, _)) if plan == draft.plan && judge::names_only(&deal.opportunity, &draft) => {
                    Self::continued(draft, seen, stage)
                }
                _ => Self::Abandoning { draft, stop: None },
            },
            (Self::Comparing { draft, .. }, Fact::RecordMissing) => Self::Abandoning { draft, stop: None },
            (point @ (Self::Checking { .. } | Self::Comparing { .. }), Fact::Refused(why)) => {
                point.stopped(Stop::review(why.stop.code, why.stop.message))
            }

            // After the end: the deal was edited, or somebody only said so again.
            (Self::Revisiting { invoice }, Fact::DealRead(deal)) => judge::revisited(invoice, &deal, settings),
            (Self::Revisiting { invoice }, Fact::RecordMissing | Fact::Refused(_)) => Self::Done { invoice },

            // The draft is gone: tell why, or plan anew from what the deal says now.
            (Self::Abandoning { draft, stop: Some(stop) }, Fact::DraftDeleted) => {
                Self::claimed(draft.plan).stopped(stop)
            }
            (Self::Abandoning { draft, stop: None }, Fact::DraftDeleted) => Self::claimed(draft.plan),
            // It is no draft any more, so it is not ours to take away.
            (point @ Self::Abandoning { .. }, Fact::Refused(_)) => point.checking(None),

            // A stop. A note that Salesforce does not take must not hide the stop itself: it is reported all the same.
            (
                Self::Stopped { opportunity_id, stop, reported, back_to, .. },
                Fact::RecordsUpdated(_) | Fact::Refused(_),
            ) => Self::Stopped { opportunity_id, stop, told: true, reported, back_to },
            (Self::Stopped { opportunity_id, stop, told, back_to, .. }, Fact::Reported) => {
                Self::Stopped { opportunity_id, stop, told, reported: true, back_to }
            }

            (point, fact) => {
                return Err(OutOfOrder { point: point.name(), fact: format!("{fact:?}") });
            }
        })
    }

    /// Where to go on when a run is taken up again, or when a new event arrives for one that had ended.
    pub fn resume(self) -> Self {
        match self {
            // Nothing is at Stripe yet but the customer: begin with what the deal says now.
            Self::Planned { plan, .. } => Self::claimed(plan),
            // A draft may have been made without our knowing. Its key leads to it.
            Self::CustomerKnown { plan, customer_id, .. } => {
                Self::CustomerKnown { plan, customer_id, interrupted: true }
            }
            point @ (Self::Drafted { .. }
            | Self::Filled { .. }
            | Self::Correcting { .. }
            | Self::Ready { .. }
            | Self::Comparing { .. }) => point.checking(None),
            Self::Sent { invoice } => Self::Verifying { invoice },
            Self::Done { invoice } => Self::Revisiting { invoice },
            Self::Stopped { back_to, .. } => back_to.resume(),
            point @ (Self::Claimed { .. }
            | Self::Checking { .. }
            | Self::Verifying { .. }
            | Self::Revisiting { .. }
            | Self::Abandoning { .. }) => point,
        }
    }

    /// The only way to `Ready`: the draft equals the plan, line by line.
    fn through_gate(draft: Draft, seen: InvoiceSeen, corrected: bool) -> Self {
        match gate::compare(&draft.plan, &seen) {
            Gate::Equal => Self::Ready { draft },
            Gate::LinesHidden => Self::Filled { draft, seen, corrected },
            Gate::Correctable(corrections) if !corrected => Self::Correcting { draft, corrections, batch: 0 },
            Gate::Correctable(_) | Gate::Different => {
                let message = "The draft at Stripe does not come to the deal's amounts: compare the products' Stripe \
                               prices, and tax rates or discounts of the Stripe account, with the opportunity's products.";
                Self::Abandoning { draft, stop: Some(Stop::refused(Code::InvoiceDiffersFromDeal, message)) }
            }
        }
    }

    /// What an invoice that is no draft means: it was sent, or somebody took it out of our hands.
    fn after_pivot(draft: Draft, seen: &InvoiceSeen) -> Self {
        let plan_total = draft.plan.total;
        let invoice = draft.into_invoice(seen);
        let invoice_id = &invoice.invoice_id;
        match seen.status {
            InvoiceStatus::Open | InvoiceStatus::Paid if seen.total == plan_total.minor_units() => {
                Self::Sent { invoice }
            }
            InvoiceStatus::Open | InvoiceStatus::Paid => {
                let message = format!(
                    "Stripe invoice {invoice_id} is sent and does not come to the deal's {plan_total}: compare them, then \
                     void the invoice or write a credit note."
                );
                Self::Sent { invoice }.stopped(Stop::review(Code::InvoiceDiffersFromDeal, message))
            }
            _ => {
                let message = format!(
                    "Stripe invoice {invoice_id} was voided or written off while the deal was being billed: decide whether \
                     the deal is to be billed, and by which invoice."
                );
                Self::Sent { invoice }.stopped(Stop::review(Code::InvoiceChangedInStripe, message))
            }
        }
    }

    /// Goes on where the run was interrupted, with the invoice as it was just seen.
    fn continued(draft: Draft, seen: InvoiceSeen, stage: Stage) -> Self {
        match stage {
            Stage::Lines { batch } => Self::Drafted { draft, batch },
            Stage::Corrections { corrections, batch } => Self::Correcting { draft, corrections, batch },
            Stage::Gate { corrected } => Self::through_gate(draft, seen, corrected),
        }
    }
}

fn read_deal(opportunity_id: &OpportunityId) -> Next {
    Next::Call(Call::ReadDeal { opportunity_id: opportunity_id.clone() })
}

#[cfg(test)]
mod tests;
