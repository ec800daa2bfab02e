//! Payments that failed: what is seen of them, and whose business they are.

use domain::{InvoiceId, Money};
use mapping::{CaseSeen, Code, Failure, Search};
use workflow::payment_failed::Point;
use workflow::{CollectingSeen, Fact, Run, RunId, State};

use crate::convert;
use crate::triage::Triage;
use crate::{Clock, Engine, Errand, Outcome, Pause, Scope, Stripe, World};

impl<W: World> Engine<W> {
    pub(crate) async fn read_collecting(&self, id: &InvoiceId) -> Result<Fact, stripe::Error> {
        let at = self.clock.now();
        let seen = self.stripe.collecting(id).await?;
        Ok(Fact::CollectingRead { seen: Box::new(collecting(seen, &self.scope)), at })
    }

    pub(crate) async fn read_case(&self, failure: &Failure) -> Result<Fact, salesforce::Error> {
        let queries = failure.queries(&self.settings);
        let (answers, unread) = self.ask_for_rules(failure.asking(&self.settings), &queries).await?;
        Ok(Fact::CaseRead(Box::new(CaseSeen::of(queries.into_iter().zip(answers), unread))))
    }

    pub(crate) async fn look_up(&self, search: &Search) -> Result<Fact, salesforce::Error> {
        Ok(Fact::LookedUp(Box::new(search.found(self.ask(&search.queries()).await?))))
    }

    pub(crate) fn run_of_failure(&self, invoice_id: &InvoiceId) -> RunId {
        let organization_id = self.scope.organization_id.clone();
        RunId::PaymentFailed { organization_id, invoice_id: invoice_id.clone() }
    }

    /// Somebody else's invoice leaves no trace here.
    pub(crate) async fn payment_failed(&self, invoice_id: &InvoiceId, errand: &Errand<'_>) -> Result<Triage, Pause> {
        let ignored = |code| Ok(Triage::Ended(Outcome::Ignored { code }));
        if !self.settings.follows_failures() {
            return ignored("payment_cases_off");
        }
        let stored = self.kept(&self.run_of_failure(invoice_id)).await?;
        // One that comes late tells of nothing that was not seen since.
        let is_late = |point: &Point| point.was_seen_since(errand.envelope.event.occurred_at());
        let tells_nothing = |run: &Run| looks_after(run).is_some_and(is_late) || is_told(run, errand);
        if errand.envelope.parked.is_none() && stored.as_ref().is_some_and(tells_nothing) {
            return ignored("collection_seen");
        }
        let is_ours = stored.is_some() || self.is_made_here(self.stripe.whole_invoice_metadata(invoice_id).await)?;
        match is_ours {
            true => Ok(Triage::Runs(vec![self.failure_claimed(invoice_id)])),
            false => ignored(Code::NotOurs.as_str()),
        }
    }

    /// What is looked after because it was not collected, and is not over; nothing else is anybody's business here.
    pub(crate) async fn failure_to_end(
        &self,
        invoice_id: &InvoiceId,
        errand: &Errand<'_>,
    ) -> Result<Option<Run>, Pause> {
        if self.settings.payment_cases.is_none() || planted!(LeavesCasesOpen) {
            return Ok(None);
        }
        let stored = self.kept(&self.run_of_failure(invoice_id)).await?;
        let is_asked_for = errand.envelope.parked.is_some();
        let is_over = |run: &Run| looks_after(run).is_some_and(Point::is_over);
        let goes_on = stored.is_some_and(|run| is_asked_for || !is_over(&run) && !is_told(&run, errand));
        Ok(goes_on.then(|| self.failure_claimed(invoice_id)))
    }

    fn failure_claimed(&self, invoice_id: &InvoiceId) -> Run {
        let point = Point::claimed(invoice_id.clone());
        Run::new(self.run_of_failure(invoice_id), State::PaymentFailed(point))
    }
}

fn looks_after(run: &Run) -> Option<&Point> {
    match &run.state {
        State::PaymentFailed(point) => Some(point),
        _ => None,
    }
}

/// One that rests waits for nothing that this event has told before.
fn is_told(run: &Run, errand: &Errand<'_>) -> bool {
    looks_after(run).is_some_and(Point::rests) && run.has_answered(&errand.envelope.id)
}

/// An invoice bills the deal that its subscription went on for when it was made.
fn collecting(seen: stripe::Collecting, scope: &Scope) -> CollectingSeen {
    CollectingSeen {
        opportunity_id: convert::billed_for(&seen.metadata, scope),
        invoice_id: seen.id,
        status: convert::invoice_status(seen.status),
        remaining: Money::from_minor_units(seen.amount_remaining, seen.currency),
        attempts: seen.attempt_count,
        next_attempt: seen.next_attempt,
        number: seen.number,
        page: seen.hosted_invoice_url,
        reason: seen.declined.and_then(|declined| declined.words()),
        due_at: seen.due_at,
    }
}
