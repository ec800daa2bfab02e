//! What is promised of payments that are disputed: somebody has to answer each of them, and is told once.

use domain::{InvoiceId, OrganizationId};
use jiff::{SignedDuration, Timestamp};
use ledger::Item;
use mapping::Code;
use queue::Parked;
use workflow::RunId;

use super::commits::text;
use super::deal_of;
use super::ended::Ended;
use crate::model::{Models, count};

/// Whoever said it may have stood still before, and its clock may differ from that of whoever saved that it was said.
const LATEST: SignedDuration = SignedDuration::from_mins(31 + 20);

/// What waits for its deal waits for a day.
const WAITS: SignedDuration = SignedDuration::from_hours(26);

/// Of a run of an invoice.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// How often it was put before a person.
    said: u32,
    /// When it was first saved that it was.
    saved_at: Option<Timestamp>,
}

fn run_of(organization_id: &OrganizationId, invoice_id: &InvoiceId) -> RunId {
    RunId::InvoiceChanged { organization_id: organization_id.clone(), invoice_id: invoice_id.clone() }
}

impl Models {
    /// To be called with whatever is put before a person, and when that was sent. What is saved as said is not said again, whichever event tells of
    /// it. Who sends letters again asks for it, and a restore has forgotten what was said.
    pub fn is_parked(&mut self, now: Timestamp, sent_at: Timestamp, parked: &Parked, is_asked_for: bool) {
        if parked.code != Code::PaymentDisputed.as_str() {
            return;
        }
        let told = self.watch.disputes.entry(parked.run.clone()).or_default();
        told.said += 1;
        let is_known = told.saved_at.is_some_and(|saved_at| sent_at.duration_since(saved_at) > LATEST);
        let said = told.said;
        if is_known && !is_asked_for {
            let detail = format!("{} was put before a person {said} times", parked.run);
            self.violate(now, "a_dispute_is_said_once", detail);
        } else if said > 1 {
            count(&mut self.facts, "a dispute was put before a person again");
        }
    }

    /// It is saved that a person was told.
    pub(super) fn dispute_committed(&mut self, now: Timestamp, old: &Item, new: &Item) {
        let is_said = |item: &Item| {
            text(item, "status") == Some("review") && text(item, "code") == Some(Code::PaymentDisputed.as_str())
        };
        if is_said(new) && !is_said(old) {
            let told = self.watch.disputes.entry(text(new, "pk").unwrap_or_default().to_owned()).or_default();
            told.saved_at.get_or_insert(now);
        }
    }

    /// Where the reconciler ran: each dispute that there is an event of was put before a person.
    pub(super) fn disputes_are_said(&mut self, ended: &Ended<'_>) {
        let is_ours = |id: &&InvoiceId| self.stripe.find_invoice(id).is_some_and(|invoice| deal_of(invoice).is_some());
        let disputed: Vec<InvoiceId> = self.stripe.disputed().filter(is_ours).cloned().collect();
        for id in disputed.into_iter().filter(|_| ended.differences.is_some()) {
            let run_id = run_of(ended.organization_id, &id);
            if self.watch.disputes.get(&run_id.to_string()).is_some_and(|told| told.said > 0) {
                count(&mut self.facts, "a dispute was put before a person");
                continue;
            }
            if self.stripe.was_invoice_never_told(&id) || ended.has_letter_about(id.as_str()) {
                count(&mut self.facts, "nobody could be told of a dispute");
                continue;
            }
            let run = ended.run(&run_id);
            let since = self.stripe.told_of_standing(&id, ended.now);
            if since.is_some_and(|at| ended.now.duration_since(at) < WAITS)
                && run.as_ref().is_some_and(|run| run.status == "open")
            {
                continue;
            }
            let status = run.map(|run| format!("{} at {} ({:?})", run.status, run.point, run.code));
            let detail = format!("nobody was told that {id} is disputed; its run: {status:?}");
            self.violate(ended.now, "a_dispute_is_before_a_person", detail);
        }
    }
}
