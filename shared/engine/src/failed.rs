//! Payments that failed: what is seen of them, and whose business they are.

use domain::{InvoiceId, Money, OpportunityId};
use mapping::{CaseSeen, Code, Failure};
use queue::{Envelope, Source};
use workflow::{CollectingSeen, Declined, Fact, Run, RunId, State, payment_failed};

use crate::advance::ledger_pause;
use crate::convert::{self, RENEWED_FOR};
use crate::triage::Triage;
use crate::{Clock, Engine, Errand, Ledger, Outcome, Pause, Salesforce, Scope, Stripe, World};

impl<W: World> Engine<W> {
    pub(crate) async fn read_collecting(&self, id: &InvoiceId) -> Result<Fact, stripe::Error> {
        let at = self.clock.now();
        let seen = self.stripe.collecting(id).await?;
        Ok(Fact::CollectingRead { seen: Box::new(collecting(seen, &self.scope)), at })
    }

    pub(crate) async fn read_case(&self, failure: &Failure) -> Result<Fact, salesforce::Error> {
        let queries = failure.queries();
        let answers = self.salesforce.read(&queries.iter().map(convert::soql).collect::<Vec<_>>()).await?;
        Ok(Fact::CaseRead(Box::new(CaseSeen::of(queries.into_iter().zip(answers)))))
    }

    pub(crate) fn run_of_failure(&self, invoice_id: &InvoiceId) -> RunId {
        let organization_id = self.scope.organization_id.clone();
        RunId::PaymentFailed { organization_id, invoice_id: invoice_id.clone() }
    }

    /// Somebody else's invoice leaves no trace here.
    pub(crate) async fn payment_failed(&self, invoice_id: &InvoiceId, errand: &Errand<'_>) -> Result<Triage, Pause> {
        let ignored = |code| Ok(Triage::Ended(Outcome::Ignored { code }));
        if self.settings.payment_cases.is_none() {
            return ignored("payment_cases_off");
        }
        let stored = self.failure(invoice_id).await?;
        // One that comes late tells of nothing that was not seen since.
        let is_stripes = errand.envelope.source != Source::Worker && errand.envelope.parked.is_none();
        if is_stripes && stored.as_ref().is_some_and(|run| is_seen(run, errand.envelope)) {
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
        let stored = self.failure(invoice_id).await?;
        let is_asked_for = errand.envelope.parked.is_some();
        let is_over = |run: &Run| matches!(&run.state, State::PaymentFailed(point) if point.is_over());
        let is_answered = |run: &Run| {
            let rests = matches!(&run.state, State::PaymentFailed(point) if point.rests());
            rests && run.has_answered(&errand.envelope.id)
        };
        let goes_on = stored.is_some_and(|run| is_asked_for || !is_over(&run) && !is_answered(&run));
        Ok(goes_on.then(|| self.failure_claimed(invoice_id)))
    }

    async fn failure(&self, invoice_id: &InvoiceId) -> Result<Option<Run>, Pause> {
        let stored = self.ledger.run(&self.run_of_failure(invoice_id).to_string()).await;
        Ok(stored.map_err(|error| ledger_pause(&error))?.map(|stored| stored.run))
    }

    fn failure_claimed(&self, invoice_id: &InvoiceId) -> Run {
        let point = payment_failed::Point::claimed(invoice_id.clone());
        Run::new(self.run_of_failure(invoice_id), State::PaymentFailed(point))
    }
}

/// One that rests waits for nothing that this event has told before.
fn is_seen(run: &Run, envelope: &Envelope) -> bool {
    let State::PaymentFailed(point) = &run.state else { return false };
    point.was_seen_since(envelope.event.occurred_at()) || point.rests() && run.has_answered(&envelope.id)
}

/// An invoice bills the deal that its subscription went on for when it was made.
fn collecting(seen: stripe::Collecting, scope: &Scope) -> CollectingSeen {
    let named = seen.metadata.get(RENEWED_FOR).or(seen.metadata.get("sf_opportunity_id"));
    let opportunity_id = named.filter(|_| scope.made(&seen.metadata)).and_then(|id| OpportunityId::parse(id).ok());
    let declined = |stripe::Declined { code, decline_code, message }| Declined { code, decline_code, message };
    CollectingSeen {
        opportunity_id,
        invoice_id: seen.id,
        status: convert::invoice_status(seen.status),
        remaining: Money::from_minor_units(seen.amount_remaining, seen.currency),
        attempts: seen.attempt_count,
        next_attempt: seen.next_attempt,
        number: seen.number,
        page: seen.hosted_invoice_url,
        declined: seen.declined.map(declined),
    }
}
