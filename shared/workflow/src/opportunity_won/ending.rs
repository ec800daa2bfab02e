//! A subscription that is to end before its term does, or after all not: the opportunity says from which day on it is not billed any more.
//!
//! Only whole periods are left out, and none that is billed: so nothing is prorated, nothing given back, and what was billed stays what the
//! deal says. Whoever began the subscription says it, or whoever renewed it last.

use domain::{CustomerId, InvoiceId, Money, OpportunityId, Record, SubscriptionId};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use mapping::{Code, Plan, Settings, Stop, Subscriptions, canceled_on, midnight};
use serde::{Deserialize, Serialize};

use super::renewal::{Extended, Renewal, fit};
use super::{Invoice, Point, written};
use crate::{Call, Fact, Next, RenewableSeen};

/// A billed deal whose subscription is to end then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    of: Of,
    /// The first day that is not billed any more; without one, it goes on until its term ends.
    on: Option<Date>,
    step: Step,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Of {
    /// The deal that began it.
    Invoice(Invoice),
    /// The deal that renewed it.
    Renewal(Extended),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// What has become of it?
    Looking,
    /// It can. After `latest` whatever is asked for may come too late.
    Ready { ends_at: Option<Timestamp>, latest: Timestamp },
}

/// The deal that began it, and that is the same as ever, says another end than Stripe was told.
pub(super) fn of_invoice(invoice: &Invoice, opportunity: &Record, settings: &Settings) -> Option<Point> {
    wanted(is_told(invoice, opportunity), opportunity, settings, || Of::Invoice(invoice.clone()))
}

pub(super) fn of_renewal(extended: &Extended, opportunity: &Record, settings: &Settings) -> Option<Point> {
    let is_told = extended.plan.canceled_on == canceled_on(opportunity);
    wanted(is_told, opportunity, settings, || Of::Renewal(extended.clone()))
}

/// Stripe was told what this record of the deal says of its subscription's end, as far as it is one's.
pub(super) fn is_told(invoice: &Invoice, opportunity: &Record) -> bool {
    invoice.subscription.is_none() || invoice.plan.canceled_on == canceled_on(opportunity) || planted!(NeverEnds)
}

/// Where subscriptions are off the day is not read, which is not that it was taken back.
fn wanted(is_told: bool, opportunity: &Record, settings: &Settings, of: impl Fn() -> Of) -> Option<Point> {
    let is_read = settings.subscriptions != Subscriptions::Off;
    let on = canceled_on(opportunity);
    (is_read && !is_told && !planted!(NeverEnds)).then(|| Ending { of: of(), on, step: Step::Looking }.into())
}

impl Of {
    fn plan(&self) -> &Plan {
        match self {
            Self::Invoice(invoice) => &invoice.plan,
            Self::Renewal(extended) => &extended.plan,
        }
    }

    fn customer_id(&self) -> &CustomerId {
        match self {
            Self::Invoice(invoice) => &invoice.customer_id,
            Self::Renewal(extended) => &extended.customer_id,
        }
    }

    fn subscription_id(&self) -> Option<&SubscriptionId> {
        match self {
            Self::Invoice(invoice) => invoice.subscription.as_ref().map(|(id, _)| id),
            Self::Renewal(extended) => Some(&extended.subscription_id),
        }
    }

    /// The end of the run, as it was before; or what Salesforce did not keep, which is still to be told.
    fn done(self) -> Point {
        match self {
            Self::Invoice(invoice) if written::keeps_less(&invoice) => Point::Sent { invoice, interrupted: true },
            Self::Invoice(invoice) => Point::Done { invoice },
            Self::Renewal(extended) => Renewal::Done { extended }.into(),
        }
    }

    /// The deal is read once more: meanwhile it may have changed, and a note of what was wrong may stand there.
    fn revisiting(self) -> Point {
        match self {
            Self::Invoice(invoice) if written::keeps_less(&invoice) => Point::Verifying { invoice },
            Self::Invoice(invoice) => Point::Revisiting { invoice },
            Self::Renewal(extended) => Renewal::Revisiting { extended }.into(),
        }
    }

    /// Stripe was told, or it is so already.
    fn told(mut self, on: Option<Date>) -> Self {
        match &mut self {
            Self::Invoice(invoice) => invoice.plan.canceled_on = on,
            Self::Renewal(extended) => extended.plan.canceled_on = on,
        }
        self
    }

    fn stopped(mut self, stop: Stop) -> Point {
        // A note that was put back once is another one now.
        match &mut self {
            Self::Invoice(invoice) => invoice.not_kept = written::but_notes(std::mem::take(&mut invoice.not_kept)),
            Self::Renewal(extended) => extended.not_kept = written::but_notes(std::mem::take(&mut extended.not_kept)),
        }
        self.done().stopped(stop)
    }
}

impl Ending {
    pub(super) fn next(&self) -> Next {
        let subscription_id = self.of.subscription_id().cloned();
        Next::Call(match (subscription_id, self.step) {
            (Some(subscription_id), Step::Ready { ends_at, latest }) => {
                Call::EndSubscription { subscription_id, on: self.on, at: ends_at, latest }
            }
            (named, _) => Call::FindRenewed { customer_id: self.of.customer_id().clone(), named },
        })
    }

    pub(super) fn name(&self) -> &'static str {
        match self.step {
            Step::Looking => "ending_looking",
            Step::Ready { .. } => "ending_ready",
        }
    }

    /// What was to be sent may have been, and its key leads to it.
    pub(super) fn resume(self) -> Point {
        match self.step {
            Step::Looking => self.of.revisiting(),
            Step::Ready { .. } => self.into(),
        }
    }

    /// Nothing was sent yet: what the deal says now is asked first.
    pub(crate) fn unless_ready(self) -> Point {
        self.of.revisiting()
    }

    pub(super) fn opportunity_id(&self) -> &OpportunityId {
        &self.of.plan().opportunity_id
    }

    pub(super) fn customer_id(&self) -> &CustomerId {
        self.of.customer_id()
    }

    pub(super) fn invoice_id(&self) -> Option<&InvoiceId> {
        match &self.of {
            Of::Invoice(invoice) => Some(&invoice.invoice_id),
            Of::Renewal(_) => None,
        }
    }

    pub(super) fn subscription_id(&self) -> Option<&SubscriptionId> {
        self.of.subscription_id()
    }

    pub(super) fn billed(&self) -> Option<(Money, Money)> {
        self.of.clone().done().billed()
    }
}

impl From<Ending> for Point {
    fn from(ending: Ending) -> Self {
        Self::Ending(Box::new(ending))
    }
}

/// What a fact means while a subscription is to end; given back if it is none of these.
pub(super) fn record(point: Point, fact: Fact, _: &Settings) -> Result<Point, Box<(Point, Fact)>> {
    let Point::Ending(ending) = point else { return Err(Box::new((point, fact))) };
    let Ending { of, on, step } = *ending;
    Ok(match (step, fact) {
        (Step::Looking, Fact::RenewableSeen { mut found, at }) => match found.pop() {
            Some(seen) => looked(of, on, &seen, at),
            None => of.stopped(Stop::review(
                Code::InvoiceChangedInStripe,
                "Stripe does not know the deal's subscription any more: look whether the key is of the right account.",
            )),
        },
        (Step::Ready { .. }, Fact::SubscriptionRenewed(seen)) if renewed_by_another(of.plan(), &seen).is_some() => {
            let message = format!(
                "Stripe subscription {} was told to end by what this opportunity says in Stripe Cancel On, and another deal renewed it in the \
                 same moment: compare its end with both, and correct it by hand.",
                seen.subscription_id
            );
            of.told(on).stopped(Stop::review(Code::InvoiceChangedInStripe, message))
        }
        (Step::Ready { ends_at, .. }, Fact::SubscriptionRenewed(seen)) => match seen.is_over || seen.ends_at == ends_at
        {
            true => of.told(on).revisiting(),
            false => {
                let message = format!(
                    "Stripe subscription {} was to end by what the opportunity says in Stripe Cancel On, and does not: somebody has changed it \
                     since. Correct its end by hand, then send the event again.",
                    seen.subscription_id
                );
                of.stopped(Stop::review(Code::InvoiceChangedInStripe, message))
            }
        },
        (Step::Ready { .. }, Fact::SubscriptionNotRenewed) => of.revisiting(),
        (_, Fact::Refused(why)) => of.stopped(Stop::review(why.stop.code, why.stop.message)),
        (step, fact) => return Err(Box::new((Ending { of, on, step }.into(), fact))),
    })
}

fn looked(of: Of, on: Option<Date>, seen: &RenewableSeen, at: Timestamp) -> Point {
    match fits(of.plan(), on, seen, at) {
        Ok(Some(ends_at)) => {
            let sooner = ends_at.into_iter().chain(seen.ends_at).min();
            let latest = sooner.and_then(|end| end.checked_sub(fit::LATEST).ok()).unwrap_or(Timestamp::MAX);
            Ending { of, on, step: Step::Ready { ends_at, latest } }.into()
        }
        Ok(None) => of.told(on).revisiting(),
        Err(stop) => of.stopped(stop),
    }
}

fn renewed_by_another<'a>(plan: &Plan, seen: &'a RenewableSeen) -> Option<&'a OpportunityId> {
    seen.renewed_for.as_ref().filter(|other| **other != plan.opportunity_id)
}

/// When it is to end, if that is not when it does already.
fn fits(plan: &Plan, on: Option<Date>, seen: &RenewableSeen, at: Timestamp) -> Result<Option<Option<Timestamp>>, Stop> {
    let id = &seen.subscription_id;
    let refused = |message: String| Err(Stop::review(Code::CancellationNotPossible, message));
    let of_term = plan.subscription.as_ref().and_then(mapping::Subscription::ends_at);
    let ends_at = on.map(midnight).or(of_term);
    match (seen.is_over, on) {
        (false, _) => {}
        // Nothing is billed any more.
        (true, Some(_)) => return Ok(None),
        (true, None) => {
            return refused(format!(
                "Stripe subscription {id} has ended, and goes on no more: fill in the day again that stood there, and sell what is to be billed by \
                 another opportunity."
            ));
        }
    }
    if let Some(other) = renewed_by_another(plan, seen) {
        // Then its end is that deal's to say, and this one says nothing of it any more.
        if on.is_none() {
            return Ok(None);
        }
        return refused(format!(
            "Opportunity {other} has renewed Stripe subscription {id} since: empty Stripe Cancel On here, and fill it in there."
        ));
    }
    if seen.ends_at == ends_at {
        return Ok(None);
    }
    let billed_until = seen.items.iter().map(|item| item.period_end).max();
    let next = billed_until.map(|until| TimeZone::UTC.to_datetime(until).date().to_string()).unwrap_or_default();
    if let Some(day) = on {
        let is_boundary = plan
            .lines
            .iter()
            .filter_map(|line| plan.term_of(line))
            .all(|term| fit::is_boundary(seen, term.every, midnight(day)));
        if !is_boundary && !planted!(EndsInside) {
            return refused(format!(
                "Stripe subscription {id} cannot end on {day}, which is inside a period: fill in the first day of one, {next} or a later one."
            ));
        }
        if billed_until.is_some_and(|until| midnight(day) < until) && !planted!(EndsInside) {
            return refused(format!(
                "Stripe subscription {id} is billed until {next}: fill in that day or a later one, and give back by hand what is not to be paid."
            ));
        }
        if of_term.is_some_and(|end| midnight(day) > end) {
            return refused(format!("Stripe subscription {id} ends before {day}: empty Stripe Cancel On."));
        }
    }
    let is_soon = |end: Timestamp| end.duration_since(at) <= fit::LATEST;
    if ends_at.is_some_and(is_soon) || seen.ends_at.is_some_and(is_soon) {
        return refused(format!(
            "It is too late to change when Stripe subscription {id} ends: fill in the first day of a later period, or look at it when the next \
             has begun."
        ));
    }
    Ok(Some(ends_at))
}
