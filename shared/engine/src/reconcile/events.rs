//! Payments, and changes of subscriptions, that Stripe made an event of, and that never arrived here.

use domain::{Event, InvoiceId, Neighbour};
use jiff::{SignedDuration, Timestamp};
use stripe::webhook::{self, Notification};
use stripe::{Cursor, Listed};
use workflow::invoice_changed::Dispute;
use workflow::{Run, RunId, State, Status};

use super::difference::Cause;
use super::place::Place;
use super::{MOST_PAGES, OVERLAP, Walk, page_limit};
use crate::convert::stripe_pause;
use crate::{Engine, Pause, Stripe, World};

/// Stripe keeps events for 30 days. What is older shows in the invoices themselves.
const KEPT: SignedDuration = SignedDuration::from_hours(29 * 24);

impl<W: World> Engine<W> {
    pub(super) async fn missed_events(&self, mut place: Place, walk: &mut Walk) -> Result<(), Pause> {
        let began_at = place.began_at();
        let since = asked_since(place.seen_until().unwrap_or(walk.in_use_since), began_at);
        let mut after = self.stripe_cursor(&mut place).await?;
        let types = self.asked_for();
        for _ in 0..MOST_PAGES {
            self.time_left(walk)?;
            let page = self.stripe.events_since(&types, since, after.as_ref()).await;
            let page = page.map_err(|error| stripe_pause(&error))?;
            let mut envelopes = Vec::new();
            for listed in &page.items {
                self.time_left(walk)?;
                // Most payments of the account are for what somebody else billed.
                let is_ours = listed.metadata.as_ref().is_none_or(|metadata| self.scope.made(metadata));
                let is_of_ours = listed.of_subscription.as_ref().is_some_and(|metadata| self.scope.made(metadata));
                let told = told(listed);
                // What says nothing of whose it is itself is asked for the invoice or the subscription that it belongs to.
                let may_be_stray = matches!(told, Some(Event::InvoicePaid { .. })) && self.looks_up_strays();
                if !is_ours && !is_of_ours && !may_be_stray && !told.as_ref().is_some_and(is_of_something_else) {
                    continue;
                }
                match told {
                    Some(event) if self.was_missed(&listed.id, &event, is_ours).await? => {
                        envelopes.push(self.envelope(listed.id.clone(), event));
                    }
                    Some(_) => {}
                    None => {
                        tracing::warn!(stripe.event_id = %listed.id, "an event cannot be read");
                        walk.differs(Cause::Unreadable.difference());
                    }
                }
            }
            self.requeue(envelopes, walk).await?;
            let Some(next) = page.next else { return self.close(&mut place).await };
            self.advance_to(&mut place, next.to_string()).await?;
            after = Some(next);
        }
        Err(page_limit())
    }

    /// A key that need not be allowed to read subscriptions is not asked for their events. Stripe takes twenty types at once: what is
    /// scheduled is told by the subscription itself when it comes about, and of a deleted customer nothing is begun.
    fn asked_for(&self) -> Vec<&'static str> {
        let of_failures = self.settings.follows_failures();
        let of_subscriptions = self.settings.mirrors_standings() && !planted!(MissesSubscriptionEvents);
        let followed = &self.settings.followed;
        let is_wanted = |name: &str| match Neighbour::of_type(name) {
            // The case of one that is not to be collected any more is closed, whether that is shown or not.
            Some(Neighbour::InvoiceVoided | Neighbour::InvoiceMarkedUncollectible) => {
                of_failures || followed.wants(name)
            }
            Some(Neighbour::SubscriptionSchedule | Neighbour::CustomerDeleted) => false,
            _ => followed.wants(name),
        };
        webhook::TYPES
            .into_iter()
            .filter(|name| is_wanted(name))
            .filter(|name| of_subscriptions || !name.starts_with("customer.subscription."))
            .filter(|name| of_failures || *name != "invoice.payment_failed")
            .collect()
    }

    /// A later period's invoice is nobody's payment here; that it was not collected is.
    async fn was_missed(&self, event_id: &str, event: &Event, is_ours: bool) -> Result<bool, Pause> {
        let looks_after = self.settings.payment_cases.is_some();
        match event {
            Event::InvoicePaid { invoice_id, .. } => {
                let of_payment = (is_ours || self.looks_up_strays())
                    && self.lacks(&self.run_of_payment(invoice_id), true, event_id, event).await?
                    && (is_ours || self.is_told(invoice_id).await?);
                Ok(of_payment || looks_after && self.failure_lacks(invoice_id, event_id, event).await?)
            }
            Event::InvoiceClosed { invoice_id, .. } => {
                let is_shown = self.settings.followed.follows_ends();
                Ok(is_shown && self.standing_lacks(invoice_id, event_id, event).await?
                    || looks_after && self.failure_lacks(invoice_id, event_id, event).await?)
            }
            Event::InvoiceChanged { invoice_id, .. } => self.standing_lacks(invoice_id, event_id, event).await,
            Event::InvoiceOverdue { invoice_id, .. } => {
                let is_asked = self.settings.follows_failures();
                Ok(self.standing_lacks(invoice_id, event_id, event).await?
                    || is_asked && self.lacks(&self.run_of_failure(invoice_id), true, event_id, event).await?)
            }
            Event::CreditNoteCreated { .. } | Event::ChargeRefunded { .. } | Event::DisputeCreated { .. } => {
                let about = match self.invoices_of(event).await {
                    Ok(about) => about,
                    // A key that may not read charges keeps nobody's payment from being found.
                    Err(pause) if pause.code == "stripe_not_allowed" => {
                        tracing::warn!(stripe.event_id = event_id, detail = %pause.detail, "an event cannot be followed");
                        return Ok(false);
                    }
                    Err(pause) => return Err(pause),
                };
                for invoice_id in about.invoice_ids {
                    let is_ours = self.is_made_here(self.stripe.whole_invoice_metadata(&invoice_id).await)?;
                    if let Some(dispute) = about.dispute.as_ref().filter(|_| is_ours && !planted!(MissesDisputes))
                        && self.dispute_lacks(&invoice_id, event_id, dispute).await?
                    {
                        return Ok(true);
                    }
                    if is_ours
                        && (self.standing_lacks(&invoice_id, event_id, event).await?
                            || looks_after && self.failure_lacks(&invoice_id, event_id, event).await?)
                    {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Event::PaymentFailed { invoice_id, .. } => {
                let is_asked = self.settings.follows_failures() && !planted!(MissesFailures);
                Ok(is_asked && self.lacks(&self.run_of_failure(invoice_id), true, event_id, event).await?)
            }
            Event::SubscriptionChanged { subscription_id, .. } => {
                self.lacks(&self.run_of_subscription(subscription_id), true, event_id, event).await
            }
            // It names no more than itself. Of the whole Stripe makes an event of its own.
            Event::PaymentReceived { invoice_payment_id, .. } => {
                let Some(invoice_id) = self.payment_in_part(invoice_payment_id).await? else { return Ok(false) };
                // Nor does it say whose it is.
                let of_payment = self.is_told(&invoice_id).await?
                    && self.lacks(&self.run_of_payment(&invoice_id), true, event_id, event).await?;
                Ok(of_payment || looks_after && self.failure_lacks(&invoice_id, event_id, event).await?)
            }
            _ => Ok(false),
        }
    }

    async fn standing_lacks(&self, invoice_id: &InvoiceId, event_id: &str, event: &Event) -> Result<bool, Pause> {
        Ok(self.settings.followed.follows_invoices()
            && self.lacks(&self.run_of_standing(invoice_id), true, event_id, event).await?)
    }

    async fn dispute_lacks(&self, invoice_id: &InvoiceId, event_id: &str, dispute: &Dispute) -> Result<bool, Pause> {
        let run = self.kept(&self.run_of_standing(invoice_id)).await?;
        Ok(run.is_none_or(|run| is_unheard(&run, event_id, dispute)))
    }

    /// Only what was not collected before is looked after.
    async fn failure_lacks(&self, invoice_id: &InvoiceId, event_id: &str, event: &Event) -> Result<bool, Pause> {
        self.lacks(&self.run_of_failure(invoice_id), false, event_id, event).await
    }

    /// Whether nobody brings the event to this run. One that is not there may have to be begun by it.
    async fn lacks(&self, id: &RunId, begins: bool, event_id: &str, event: &Event) -> Result<bool, Pause> {
        let run = self.kept(id).await?;
        Ok(run.map_or(begins, |run| is_unanswered(&run, event_id, event.occurred_at())))
    }

    pub(crate) fn run_of_payment(&self, invoice_id: &InvoiceId) -> RunId {
        let organization_id = self.scope.organization_id.clone();
        RunId::InvoicePaid { organization_id, invoice_id: invoice_id.clone() }
    }

    /// Where a walk through a list of Stripe's goes on.
    pub(super) async fn stripe_cursor(&self, place: &mut Place) -> Result<Option<Cursor>, Pause> {
        match place.cursor().map(str::parse) {
            None => Ok(None),
            Some(Ok(cursor)) => Ok(Some(cursor)),
            Some(Err(_)) => self.forget(place).await.map(|()| None),
        }
    }
}

/// Whether nobody brings this event back. An open run comes up by itself. A payment that is told stays so; of a subscription it is told how it
/// stood when it was read.
fn is_unanswered(run: &Run, event_id: &str, occurred_at: Timestamp) -> bool {
    match (&run.state, run.status()) {
        // One that rests comes up by itself when somebody is to follow it up, which is too late for this.
        (State::PaymentFailed(point), status) if point.rests() || status == Status::Done => {
            !run.has_answered(event_id) && !point.is_over() && !point.was_seen_since(occurred_at)
        }
        (_, Status::Open) => false,
        (State::SubscriptionChanged(point), Status::Done) => {
            !run.has_answered(event_id) && !point.was_seen_since(occurred_at)
        }
        (State::InvoiceChanged(point), Status::Done) => {
            !run.has_answered(event_id) && !point.was_seen_since(occurred_at)
        }
        (State::InvoicePaid(point), Status::Done) if point.is_of_a_part() => !run.has_answered(event_id),
        (_, Status::Done) => false,
        (_, Status::Rejected | Status::Review) => !run.has_answered(event_id),
    }
}

/// Whoever looks how an invoice stands does not see that a bank waits for an answer: nothing but the dispute's own event tells of it.
fn is_unheard(run: &Run, event_id: &str, dispute: &Dispute) -> bool {
    let is_to_say = matches!(&run.state, State::InvoiceChanged(point) if point.is_to_say(dispute));
    !run.has_answered(event_id) && !is_to_say
}

/// After a long stop it is all of the time since that is asked for, as far back as Stripe keeps its events. Passes may have failed since the
/// first one began.
fn asked_since(seen_until: Timestamp, began_at: Timestamp) -> Timestamp {
    super::before(seen_until, OVERLAP).max(super::before(began_at, KEPT))
}

/// A charge, a dispute and a credit note know nothing of whose invoice theirs is.
fn is_of_something_else(event: &Event) -> bool {
    matches!(event, Event::CreditNoteCreated { .. } | Event::ChargeRefunded { .. } | Event::DisputeCreated { .. })
}

/// What the event tells of, exactly as the webhook's door reads it.
fn told(listed: &Listed<Notification>) -> Option<Event> {
    webhook::event(listed.object.as_ref()?).ok().flatten()
}

#[cfg(test)]
mod tests {
    use mapping::{Code, Stop};
    use workflow::invoice_paid::Point;
    use workflow::subscription_changed::{self, Watch};

    use super::*;
    use crate::samples;

    /// A payment that lies before a person is said once, and not again with every pass.
    #[test]
    fn a_payment_that_was_answered_is_not_asked_for_again() {
        let invoice_id = || samples::invoice_id("in_1");
        let stopped = |stop| Point::Stopped { invoice_id: invoice_id(), stop, reported: true };
        let opportunity_id = samples::opportunity_id();
        let paid_at = Some(Timestamp::UNIX_EPOCH);
        let payment = mapping::Received {
            invoice_id: invoice_id(),
            opportunity_id,
            paid_at,
            amounts: None,
            stage: None,
            won_stages: vec![mapping::WON.to_owned()],
            shows_status: false,
            customer_id: None,
            is_found: false,
            ruled: Default::default(),
            undecided: None,
        };
        let part = mapping::Received { paid_at: None, ..payment.clone() };
        for (point, is_asked_for) in [
            (Point::claimed(invoice_id(), true), false),
            (Point::Done { payment }, false),
            // The rest may have come in.
            (Point::Done { payment: part }, true),
            (stopped(Stop::review(Code::NotPaid, "a person decides")), true),
            (stopped(Stop::not_billable(Code::NotPaid, "there was nothing to do")), true),
        ] {
            let id = RunId::InvoicePaid { organization_id: samples::organization_id(), invoice_id: invoice_id() };
            let mut run = Run::new(id, State::InvoicePaid(point));
            assert_eq!(is_unanswered(&run, "evt_1", Timestamp::UNIX_EPOCH), is_asked_for, "{run:?}");
            run.answer("evt_1");
            assert!(!is_unanswered(&run, "evt_1", Timestamp::UNIX_EPOCH), "{run:?}");
            assert_eq!(is_unanswered(&run, "evt_2", Timestamp::UNIX_EPOCH), is_asked_for, "{run:?}");
        }
    }

    /// One that rests until it is followed up is told of what was lost before that; one that is over of nothing.
    #[test]
    fn a_failure_that_rests_is_asked_for_what_it_has_not_seen() {
        use workflow::payment_failed::{Point, Watch};

        let invoice_id = samples::invoice_id("in_1");
        let id = RunId::PaymentFailed { organization_id: samples::organization_id(), invoice_id: invoice_id.clone() };
        let at = |time: &str| time.parse::<Timestamp>().expect("valid");
        let (seen_at, until) = (at("2026-11-30T12:00:00Z"), at("2026-12-02T12:00:00Z"));
        let watch = Watch { seen_at: Some(seen_at), ..Watch::new(invoice_id) };
        let settled = Watch { is_settled: true, ..watch.clone() };
        for (point, after, before) in [
            (Point::Resting { watch: watch.clone(), until }, true, false),
            (Point::Done { watch: watch.clone() }, true, false),
            (Point::Done { watch: settled }, false, false),
            (Point::Claimed { watch }, false, false),
        ] {
            let mut run = Run::new(id.clone(), State::PaymentFailed(point));
            for (time, is_asked_for) in [("2026-11-30T12:30:00Z", after), ("2026-11-30T11:00:00Z", before)] {
                assert_eq!(is_unanswered(&run, "evt_1", at(time)), is_asked_for, "{time} {run:?}");
            }
            run.answer("evt_1");
            assert!(!is_unanswered(&run, "evt_1", at("2026-11-30T12:30:00Z")), "{run:?}");
        }
    }

    /// Of a subscription every change counts, until it was read after it.
    #[test]
    fn a_change_is_asked_for_until_the_subscription_was_read_after_it() {
        let subscription_id = domain::SubscriptionId::parse("sub_1").expect("valid");
        let at = |time: &str| time.parse::<Timestamp>().expect("valid");
        let id = RunId::SubscriptionChanged {
            organization_id: samples::organization_id(),
            subscription_id: subscription_id.clone(),
        };
        let seen_at = at("2026-11-30T12:00:00Z");
        let watch = Watch { seen_at: Some(seen_at), ..Watch::new(subscription_id.clone()) };
        let done = subscription_changed::Point::Done { watch };
        let mut run = Run::new(id.clone(), State::SubscriptionChanged(done));
        for (occurred_at, is_asked_for) in [
            ("2026-11-30T11:49:59Z", false),
            // Clocks differ.
            ("2026-11-30T11:50:01Z", true),
            ("2026-11-30T12:00:01Z", true),
        ] {
            assert_eq!(is_unanswered(&run, "evt_1", at(occurred_at)), is_asked_for, "{occurred_at}");
        }
        run.answer("evt_1");
        assert!(!is_unanswered(&run, "evt_1", at("2026-11-30T12:00:01Z")));
        // One that is under way reads it anyway.
        let claimed = subscription_changed::Point::claimed(subscription_id);
        assert!(!is_unanswered(&Run::new(id, State::SubscriptionChanged(claimed)), "evt_1", seen_at));
    }

    /// That its invoice was read since says nothing of it. Who knows of it, or has answered it, is not told again.
    #[test]
    fn a_dispute_is_asked_for_though_its_invoice_was_read_since() {
        use workflow::invoice_changed::{Point, Watch};

        let invoice_id = samples::invoice_id("in_1");
        let dispute = Dispute { dispute_id: domain::DisputeId::parse("du_1").expect("valid"), due_by: None };
        let id = RunId::InvoiceChanged { organization_id: samples::organization_id(), invoice_id: invoice_id.clone() };
        let read = Watch { seen_at: Some(Timestamp::MAX), ..Watch::new(invoice_id.clone()) };
        for (point, is_asked_for) in [
            (Point::Done { watch: read.clone() }, true),
            (Point::Doubting { watch: read, until: Timestamp::MAX }, true),
            (Point::claimed(invoice_id, Some(dispute.clone())), false),
        ] {
            let mut run = Run::new(id.clone(), State::InvoiceChanged(point));
            assert_eq!(is_unheard(&run, "evt_1", &dispute), is_asked_for, "{run:?}");
            run.answer("evt_1");
            assert!(!is_unheard(&run, "evt_1", &dispute), "{run:?}");
        }
    }

    #[test]
    fn after_a_long_stop_every_event_is_asked_for_that_stripe_still_has() {
        let at = |time: &str| time.parse::<Timestamp>().expect("valid");
        let now = at("2026-11-30T12:00:00Z");
        for (seen_until, since) in [
            ("2026-11-30T12:00:00Z", "2026-11-30T10:00:00Z"),
            ("2026-11-30T11:45:00Z", "2026-11-30T09:45:00Z"),
            ("2026-11-10T12:00:00Z", "2026-11-10T10:00:00Z"),
            ("2026-11-01T13:59:00Z", "2026-11-01T12:00:00Z"),
            ("2026-09-01T12:00:00Z", "2026-11-01T12:00:00Z"),
        ] {
            assert_eq!(asked_since(at(seen_until), now), at(since), "{seen_until:?}");
        }
    }
}
