//! How subscriptions stand: what is seen of them, and who is told that there is something to see.

use domain::{Event, OpportunityId, SubscriptionId};
use mapping::{Code, Naming, Standing, Stop};
use queue::{Envelope, Source};
use workflow::{Cancellation, Fact, Run, RunId, StandingSeen, State, Status, SubscriptionStatus, subscription_changed};

use crate::advance::ledger_pause;
use crate::convert::{self, RENEWED_FOR};
use crate::triage::Triage;
use crate::{Clock, Engine, Errand, Ledger, Outcome, Pause, Reporter, Scope, Stripe, World};

impl<W: World> Engine<W> {
    pub(crate) async fn read_standing(&self, id: &SubscriptionId) -> Result<Fact, stripe::Error> {
        let at = self.clock.now();
        let seen = self.stripe.subscription(id).await?;
        let items = self.items_of(&seen).await?;
        Ok(Fact::StandingRead { seen: Box::new(standing(&seen, &items, &self.scope)), at })
    }

    pub(crate) async fn read_naming(&self, standing: &Standing) -> Result<Fact, salesforce::Error> {
        let queries = standing.queries(&self.settings);
        let answers = self.ask(&queries).await?;
        Ok(Fact::NamingRead(Naming::of(queries.into_iter().zip(answers))))
    }

    /// Somebody else's subscription leaves no trace here.
    pub(crate) async fn subscription_changed(
        &self,
        subscription_id: &SubscriptionId,
        errand: &Errand<'_>,
    ) -> Result<Triage, Pause> {
        if !self.settings.mirrors_standings() {
            return Ok(Triage::Ended(Outcome::Ignored { code: "standings_off" }));
        }
        let id = self.run_of_subscription(subscription_id);
        let stored = self.ledger.run(&id.to_string()).await.map_err(|error| ledger_pause(&error))?;
        if stored.as_ref().is_some_and(|stored| is_seen(&stored.run, errand)) {
            return Ok(Triage::Ended(Outcome::Ignored { code: "standing_seen" }));
        }
        let is_ours = stored.is_some()
            || errand.envelope.source == Source::Worker
            || self.is_made_here(self.stripe.subscription_metadata(subscription_id).await)?;
        if !is_ours {
            return Ok(Triage::Ended(Outcome::Ignored { code: Code::NotOurs.as_str() }));
        }
        let point = subscription_changed::Point::claimed(subscription_id.clone());
        Ok(Triage::Runs(vec![Run::new(id, State::SubscriptionChanged(point))]))
    }

    pub(crate) fn run_of_subscription(&self, subscription_id: &SubscriptionId) -> RunId {
        let organization_id = self.scope.organization_id.clone();
        RunId::SubscriptionChanged { organization_id, subscription_id: subscription_id.clone() }
    }

    /// When this returns, they are on the work queue.
    pub(crate) async fn enqueue(&self, envelopes: &[Envelope]) -> Result<(), Pause> {
        let sent = self.reporter.enqueue(envelopes).await;
        sent.map_err(|error| Pause::backoff("queue_unavailable", error))
    }

    /// A deal that has come to name its subscription says so, before it is saved that it has: whoever comes after a death says it
    /// again, and once is enough. Stripe's own events come when they come.
    pub(crate) async fn announce_subscription(&self, ended: &mut Run) -> Result<(), Pause> {
        let Some((id, subscription_id)) = to_announce(ended).filter(|_| self.settings.mirrors_standings()) else {
            return Ok(());
        };
        if planted!(TellsNobodyOfSubscriptions) {
            return Ok(());
        }
        let now = self.clock.now();
        let event = Event::SubscriptionChanged { subscription_id: subscription_id.clone(), occurred_at: now };
        self.enqueue(&[Envelope::new(id, Source::Worker, event, now)]).await?;
        ended.announced = Some(subscription_id);
        Ok(())
    }
}

/// One of Stripe's that comes late tells of nothing that was not seen since; nor does one for which somebody has looked since it came, on
/// account of another one. That a deal names it is not seen at Stripe, and what a person sends again is looked for.
pub(crate) fn is_seen(run: &Run, errand: &Errand<'_>) -> bool {
    let occurred_at = errand.envelope.event.occurred_at();
    let was_seen = match &run.state {
        State::InvoiceChanged(point) => point.was_seen_since(occurred_at),
        State::SubscriptionChanged(point) => point.was_seen_since(occurred_at),
        _ => false,
    };
    let is_told = errand.queued.is_some_and(|queued| run.has_told(queued.at));
    let is_stripes = errand.envelope.source != Source::Worker && errand.envelope.parked.is_none();
    is_stripes && (was_seen || is_told)
}

/// The event of a deal that has come to name its subscription, by the same id whoever tells of it.
pub(crate) fn announcement(opportunity_id: &OpportunityId, subscription_id: &SubscriptionId) -> String {
    format!("named:{opportunity_id}:{subscription_id}")
}

/// The id of the event and its subscription, if the deal names it and nobody was told.
fn to_announce(ended: &Run) -> Option<(String, SubscriptionId)> {
    let RunId::OpportunityWon { opportunity_id, .. } = &ended.id else { return None };
    let is_written = ids_are_written(ended);
    let subscription_id = ended.subscription_id().filter(|id| is_written && ended.announced.as_ref() != Some(*id))?;
    Some((announcement(opportunity_id, subscription_id), subscription_id.clone()))
}

/// Whatever came between after it was billed, its ids are written; but for a record that takes none.
pub(crate) fn ids_are_written(ended: &Run) -> bool {
    let takes_none = |stop: &Stop| matches!(stop.code, Code::SalesforceRefused | Code::OpportunityNotFound);
    match ended.status() {
        Status::Done => true,
        // One that begins a subscription may stop before its first invoice was sent. One that renews has none.
        Status::Review => {
            !ended.stop().is_some_and(takes_none) && (ended.billed().is_some() || ended.invoice_id().is_none())
        }
        Status::Open | Status::Rejected => false,
    }
}

fn standing(seen: &stripe::Subscription, items: &[stripe::SubscriptionItem], scope: &Scope) -> StandingSeen {
    let (began, renewed) = (seen.metadata.get("sf_opportunity_id"), seen.metadata.get(RENEWED_FOR));
    let stripe::CancellationDetails { reason, feedback, comment } = seen.cancellation.clone();
    StandingSeen {
        subscription_id: seen.id.clone(),
        opportunity_id: convert::billed_for(&seen.metadata, scope),
        customer_id: seen.customer.clone(),
        is_renewed: renewed.is_some_and(|renewed| Some(renewed) != began),
        status: status(&seen.status),
        is_collection_paused: seen.is_collection_paused,
        has_discount: seen.has_discount,
        currency: seen.currency,
        items: items.iter().map(convert::item).collect(),
        cancellation: Cancellation { reason, feedback, comment },
    }
}

fn status(text: &str) -> SubscriptionStatus {
    match text {
        "incomplete" => SubscriptionStatus::Incomplete,
        "incomplete_expired" => SubscriptionStatus::IncompleteExpired,
        "trialing" => SubscriptionStatus::Trialing,
        "active" => SubscriptionStatus::Active,
        "past_due" => SubscriptionStatus::PastDue,
        "canceled" => SubscriptionStatus::Canceled,
        "unpaid" => SubscriptionStatus::Unpaid,
        "paused" => SubscriptionStatus::Paused,
        other => SubscriptionStatus::Other(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_it_is_written() {
        let all = "incomplete incomplete_expired trialing active past_due canceled unpaid paused of_tomorrow";
        for text in all.split(' ') {
            assert_eq!(status(text).as_str(), text);
            assert_eq!(matches!(status(text), SubscriptionStatus::Other(_)), text == "of_tomorrow");
        }
    }
}
