//! What is promised of payments that failed.

use domain::{Event, InvoiceId, Money, OpportunityId};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use queue::Envelope;
use stripe::InvoiceStatus;
use workflow::RunId;

use super::deal_of;
use super::ended::Ended;
use crate::model::stripe::Failures;
use crate::model::{Models, count};

/// When somebody is asked to follow it up, and how long that may take where passes come every three hours in the end.
const FOLLOWED_UP_AFTER: SignedDuration = SignedDuration::from_hours(48);
const LAST_PASSES: SignedDuration = SignedDuration::from_hours(8);

/// So often time passes for Stripe at least.
pub(super) const MOMENT: SignedDuration = SignedDuration::from_mins(90);

/// The clocks of two processes differ by as much.
const SKEW: SignedDuration = SignedDuration::from_mins(20);

impl Models {
    /// Of an invoice that a person looks after.
    pub fn close_case(&mut self, deal: &OpportunityId) -> bool {
        let is_its = |about: &str| {
            let invoice = InvoiceId::parse(about).ok().and_then(|id| self.stripe.find_invoice(&id));
            invoice.is_some_and(|invoice| deal_of(invoice).as_ref() == Some(deal))
        };
        let about = self.salesforce.cases().map(|(about, _)| about).find(|about| is_its(about)).map(str::to_owned);
        let is_closed = about.is_some_and(|about| self.salesforce.close_case_by_hand(&about));
        if is_closed {
            count(&mut self.facts, "a person closed a case");
        }
        is_closed
    }

    /// While what failed is unpaid there is a case for it, which says how often; once nothing is due, nothing is open.
    pub(super) fn failures_are_looked_after(&mut self, ended: &Ended<'_>) {
        let failures: Vec<(InvoiceId, Failures)> =
            self.stripe.failures().map(|(id, failures)| (id.clone(), *failures)).collect();
        let others = self
            .salesforce
            .cases()
            .map(|(about, _)| about)
            .chain(self.salesforce.tasks().map(|(about, _)| about).filter(|about| about.starts_with("in_")));
        let without_cause: Vec<_> =
            others.filter(|about| !failures.iter().any(|(id, _)| id.as_str() == *about)).map(str::to_owned).collect();
        for about in without_cause {
            self.violate(ended.now, "what_failed_is_looked_after", format!("nothing failed of {about}"));
        }
        for (id, failures) in failures {
            // It fell due a moment ago, and nobody may have asked Stripe for anything since.
            if ended.now.duration_since(failures.first) < MOMENT {
                continue;
            }
            if self.stripe.was_invoice_never_told(&id) || ended.is_failure_before_a_person(&id) {
                continue;
            }
            self.is_looked_after_as_it_stands(ended, &id, failures);
        }
    }

    fn is_looked_after_as_it_stands(&mut self, ended: &Ended<'_>, id: &InvoiceId, failures: Failures) {
        let Some(invoice) = self.stripe.find_invoice(id) else { return };
        let (shown, due_at, high_from) = (invoice.shown(), invoice.due_at(), self.high_from);
        let case = self.salesforce.case(id.as_str()).cloned();
        let task = self.salesforce.tasks().find(|(about, _)| *about == id.as_str()).map(|(_, task)| task.clone());
        let mut wrong = |why: String| self.violate(ended.now, "what_failed_is_looked_after", format!("{id}: {why}"));
        if let Some(task) = &task
            && task.made_at.duration_since(failures.first) < FOLLOWED_UP_AFTER - SKEW
        {
            wrong("it was followed up too soon".to_owned());
        }
        if matches!(shown.status, InvoiceStatus::Paid | InvoiceStatus::Void) {
            if case.as_ref().is_some_and(|case| !case.is_closed) {
                wrong("nothing is due, and its case is open".to_owned());
            }
            if task.as_ref().is_some_and(|task| !task.is_closed) {
                wrong("nothing is due, and its task is open".to_owned());
            }
            if case.is_some() {
                count(&mut self.facts, "a case was closed");
            }
            return;
        }
        let Some(case) = case else { return wrong("it failed, and has no case".to_owned()) };
        // What a person closed says what it said then.
        if !case.is_closed {
            let remaining = Money::from_minor_units(shown.amount_remaining, shown.currency).to_string();
            let said = case.description.unwrap_or_default();
            let is_told = match (failures.count, shown.status) {
                (0, InvoiceStatus::Uncollectible) => true,
                (0, _) => due_at
                    .is_some_and(|at| said.contains(&format!("was due on {}", TimeZone::UTC.to_datetime(at).date()))),
                (count, _) => said.contains(&format!("so far: {count}.")),
            };
            let is_said = said.contains(&remaining) && is_told;
            if !is_said {
                wrong(format!("{remaining} and {} attempts, and the case says: {said}", failures.count));
            }
        } else if !case.is_closed_by_hand {
            wrong("it is due, and its case was closed".to_owned());
        }
        let is_high = case.priority.as_deref() == Some("High");
        if is_high != (failures.count >= high_from) && !case.is_closed {
            wrong(format!("after {} attempts its priority is {:?}", failures.count, case.priority));
        }
        // From when it was known.
        let is_due = case.made_at.is_some_and(|at| ended.now.duration_since(at) > FOLLOWED_UP_AFTER + LAST_PASSES);
        if is_due && task.is_none() {
            wrong("nobody was asked to follow it up".to_owned());
        }
        if high_from == 2 && failures.count >= 1 {
            count(&mut self.facts, "a rule was asked of a failure");
        }
        let fact = match (failures.count, task.is_some()) {
            (0, true) => "an overdue invoice was followed up",
            (0, false) => "an overdue invoice has a case",
            (_, true) => "a failure was followed up",
            (_, false) => "a failure has a case",
        };
        count(&mut self.facts, fact);
    }
}

impl Ended<'_> {
    /// By a dead letter that says why, or because a message of it was received too often.
    fn is_failure_before_a_person(&self, id: &InvoiceId) -> bool {
        let organization_id = self.organization_id.clone();
        let run_id = RunId::PaymentFailed { organization_id, invoice_id: id.clone() };
        let is_told = self.run(&run_id).is_some_and(|run| run.status() == "review")
            && self.has_reasoned_letter(&run_id.to_string());
        let is_of = |letter: &&Envelope| match &letter.event {
            Event::PaymentFailed { invoice_id, .. }
            | Event::InvoiceOverdue { invoice_id, .. }
            | Event::InvoiceClosed { invoice_id, .. }
            | Event::InvoicePaid { invoice_id, .. } => invoice_id == id,
            _ => false,
        };
        is_told || self.dead_letters.iter().filter(is_of).any(|letter| letter.parked.is_none())
    }
}
