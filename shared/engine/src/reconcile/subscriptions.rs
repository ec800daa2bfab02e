//! Subscriptions that were made for a deal which then settled on another one, or on none. Their first invoice is a draft for an
//! hour, so they are taken away before a customer sees anything of them.

use domain::{Event, OpportunityId};
use jiff::{SignedDuration, Timestamp};
use stripe::{InvoiceStatus, Listed, Subscription};
use workflow::{Run, RunId, Status};

use super::difference::Cause;
use super::place::Place;
use super::{MOST_PAGES, Walk, page_limit};
use crate::advance::ledger_pause;
use crate::convert::stripe_pause;
use crate::standing::announcement;
use crate::{Engine, Ledger, Pause, Stripe, World};

/// A request is under way for ten minutes at most; and a sweep of a quarter of an hour comes twice in the hour that a draft has.
const ORPHANED_AFTER: SignedDuration = SignedDuration::from_mins(15);

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    InOrder,
    Orphan,
    /// A customer has an invoice of it.
    Second,
}

impl<W: World> Engine<W> {
    pub(super) async fn true_subscriptions(&self, mut place: Place, days: i64, walk: &mut Walk) -> Result<(), Pause> {
        let since = place.days_back(days);
        let mut after = self.stripe_cursor(&mut place).await?;
        for _ in 0..MOST_PAGES {
            self.time_left(walk)?;
            let page = self.stripe.subscriptions_created_since(since, after.as_ref()).await;
            let page = page.map_err(|error| stripe_pause(&error))?;
            for listed in &page.items {
                self.true_subscription(listed, walk).await?;
            }
            let Some(next) = page.next else { return self.close(&mut place).await };
            self.advance_to(&mut place, next.to_string()).await?;
            after = Some(next);
        }
        Err(page_limit())
    }

    async fn true_subscription(&self, listed: &Listed<Subscription>, walk: &mut Walk) -> Result<(), Pause> {
        let Some((subscription, opportunity_id, run_id)) = self.our_subscription(listed) else { return Ok(()) };
        // It may just be about to be settled on, so the run is read after the list was.
        let run = self.known_run(&run_id).await?;
        match judge(subscription, run.as_ref(), self.now()) {
            Verdict::InOrder => self.never_looked_at(subscription, &opportunity_id, run.as_ref(), walk).await,
            Verdict::Orphan => {
                if !self.disarmed(subscription, walk).await? {
                    return Ok(());
                }
                let write = stripe::Write::cancel_subscription(&subscription.id);
                self.delete(&write, subscription.id.as_str(), walk).await
            }
            Verdict::Second => {
                let invoice = subscription.latest_invoice.as_ref();
                let difference = invoice.map(|invoice| Cause::SecondSubscription.of_invoice(invoice));
                if let Some(difference) = difference {
                    walk.differs(ledger::Difference { opportunity_id: Some(opportunity_id), ..difference });
                }
                Ok(())
            }
        }
    }

    /// Its deal has come to name it, and nobody has ever looked how it stands: what the deal said of it was lost, or it was begun before
    /// anybody was to be told.
    async fn never_looked_at(
        &self,
        subscription: &Subscription,
        opportunity_id: &OpportunityId,
        run: Option<&Run>,
        walk: &mut Walk,
    ) -> Result<(), Pause> {
        let is_its = |run: &&Run| run.subscription_id() == Some(&subscription.id) && run.status() != Status::Open;
        if !self.settings.mirrors_standings() || run.filter(is_its).is_none() {
            return Ok(());
        }
        let standing = self.run_of_subscription(&subscription.id).to_string();
        if self.ledger.run(&standing).await.map_err(|error| ledger_pause(&error))?.is_some() {
            return Ok(());
        }
        let id = announcement(opportunity_id, &subscription.id);
        let event = Event::SubscriptionChanged { subscription_id: subscription.id.clone(), occurred_at: self.now() };
        self.requeue(vec![self.envelope(id, event)], walk).await
    }

    /// Its run may settle on it in this very moment, and Stripe cancels what is sent as well. Of sending and disarming one comes first: what
    /// was sent cannot be disarmed, and then it is no orphan; what is disarmed cannot be sent, and its run looks what has become of it.
    async fn disarmed(&self, subscription: &Subscription, walk: &mut Walk) -> Result<bool, Pause> {
        let Some(invoice) = &subscription.latest_invoice else { return Ok(true) };
        self.allowed().await?;
        self.time_left(walk)?;
        let write = stripe::Write::disarm_invoice(&invoice.id);
        // It does the same however often it is sent, and a key of days ago says nothing any more.
        let today = jiff::tz::TimeZone::UTC.to_datetime(self.now()).date();
        match self.stripe.write(&write, &format!("orphan:{}:{today}", invoice.id)).await {
            Ok(_) => Ok(true),
            Err(stripe::Error::Refused(refusal)) => {
                tracing::info!(stripe.object_id = %invoice.id, status = refusal.status, "an orphan's invoice is sent");
                Ok(false)
            }
            Err(error) => Err(stripe_pause(&error)),
        }
    }

    fn our_subscription<'a>(
        &self,
        listed: &'a Listed<Subscription>,
    ) -> Option<(&'a Subscription, OpportunityId, RunId)> {
        let metadata = listed.metadata.as_ref().filter(|metadata| self.scope.made(metadata))?;
        let opportunity_id = OpportunityId::parse(metadata.get("sf_opportunity_id")?).ok()?;
        let run_id = self.run_of_deal(&opportunity_id);
        let is_named = metadata.get("closedwon_run") == Some(&run_id.to_string());
        let subscription = listed.object.as_ref().filter(|_| is_named)?;
        Some((subscription, opportunity_id, run_id))
    }
}

fn judge(subscription: &Subscription, run: Option<&Run>, now: Timestamp) -> Verdict {
    // Where there is no run, the ledger was restored: the run that comes to be looks for what was made.
    let Some(run) = run else { return Verdict::InOrder };
    let is_of_run = run.subscription_id() == Some(&subscription.id);
    let is_young = now.duration_since(subscription.created) < ORPHANED_AFTER;
    if is_young || is_of_run || run.status() == Status::Open {
        return Verdict::InOrder;
    }
    let invoice = subscription.latest_invoice.as_ref();
    let is_first = invoice.is_none_or(|invoice| subscription.has_begun_with(invoice));
    match invoice.map(|invoice| invoice.status) {
        // Of one that a restored ledger has forgotten, a later period's draft is not the first invoice.
        None | Some(InvoiceStatus::Draft) if is_first && !subscription.is_over => Verdict::Orphan,
        None | Some(InvoiceStatus::Draft | InvoiceStatus::Void) if subscription.is_over => Verdict::InOrder,
        _ => Verdict::Second,
    }
}

#[cfg(test)]
mod tests;
