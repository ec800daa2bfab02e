#![doc = include_str!("../README.md")]

/// A mistake that only the simulation can switch on, to show that it would be found.
#[cfg(feature = "planted")]
macro_rules! planted {
    ($bug:ident) => {
        planted::is(planted::Bug::$bug)
    };
}
#[cfg(not(feature = "planted"))]
macro_rules! planted {
    ($bug:ident) => {
        false
    };
}

mod access;
mod advance;
mod asked;
mod clients;
#[cfg(feature = "cloud")]
mod cloud;
mod convert;
mod credit;
mod failed;
mod intent;
mod invoices;
mod lane;
mod line;
mod look;
mod notification;
mod pace;
mod perform;
mod ports;
mod reconcile;
mod renewed;
mod rulebook;
#[cfg(test)]
mod samples;
mod standing;
mod triage;
mod write;

use domain::{Event, Urgency};
use jiff::{SignedDuration, Timestamp};
use mapping::{Settings, Stop};
use queue::Envelope;
use workflow::Run;

pub use access::Access;
pub use clients::SystemClock;
#[cfg(feature = "cloud")]
pub use cloud::Cloud;
pub use convert::soql;
pub use intent::Scope;
pub use lane::Room;
#[cfg(feature = "cloud")]
pub use line::StripeLine;
pub use line::{REST, turns};
pub use pace::{Pace, Pause, QUIESCENCE, RUN_IS_HELD, STOPPED_BY_OPERATOR, delay};
pub use ports::{Clock, Ledger, Notifier, Reporter, Salesforce, Stripe, World};
pub use reconcile::{Cause, Pass, PassKind, Reconciled};
pub use rulebook::{Reads, Rulebook};

/// How long before the invocation's deadline no further call is begun: the longest call, and a save.
const LAST_CALL: SignedDuration = SignedDuration::from_secs(14);

/// How long after the invocation's deadline a lease ends: clocks differ, and a killed process may have a request on the
/// way.
const LEASE_MARGIN: SignedDuration = SignedDuration::from_secs(30);

/// Brings events to the end of their runs.
pub struct Engine<W: World> {
    pub ledger: W::Ledger,
    pub stripe: W::Stripe,
    pub salesforce: W::Salesforce,
    pub reporter: W::Reporter,
    pub notifier: W::Notifier,
    pub clock: W::Clock,
    pub scope: Scope,
    pub settings: Settings,
    pub rulebook: Rulebook,
    pub access: Access,
    pub room: Room,
}

/// One delivery of one event.
#[derive(Debug, Clone)]
pub struct Errand<'a> {
    pub envelope: &'a Envelope,
    /// Unique to this delivery. It is how a holder recognises its own writes.
    pub owner: String,
    /// When the process that works on it will be ended.
    pub deadline: Timestamp,
    pub queued: Option<Queued>,
}

/// By the clock of the queues, which no worker's clock has a part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queued {
    pub at: Timestamp,
    /// Whoever works on it looked at nothing before.
    pub taken_at: Timestamp,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The run reached its goal, now or earlier.
    Done { run: String },
    /// The event asks for nothing, or whoever sent it will ask again.
    Ignored { code: &'static str },
    /// The run stands still with a reason. If a person is needed, the event lies in the dead-letter queue.
    Stopped { run: String, stop: Stop },
    /// Not yet. The message is to be given back.
    Retry(Pause),
}

impl<W: World> Engine<W> {
    /// When this returns anything but `Retry`, everything that the event asked for has happened and is saved, or stands
    /// in the ledger with a reason.
    pub async fn handle(&self, errand: &Errand<'_>) -> Outcome {
        self.stripe.in_turn(errand.envelope.event.urgency() != Urgency::First);
        let seeds = match self.triage(errand).await {
            Ok(triage::Triage::Runs(seeds)) => seeds,
            Ok(triage::Triage::Ended(outcome)) => return outcome,
            Err(pause) => return later(errand, pause),
        };
        let seeds = asked_for(seeds, errand.envelope);
        let mut outcomes = Vec::with_capacity(seeds.len());
        for seed in seeds {
            outcomes.push(self.bring_on(seed, errand).await);
        }
        told_of(outcomes)
    }

    async fn bring_on(&self, seed: Run, errand: &Errand<'_>) -> Outcome {
        let run = seed.id.to_string();
        match self.advance(seed.clone(), errand).await {
            // What was under way was older news of the customer.
            Ok(ended) if advance::has_news(&ended, &seed) => {
                later(errand, Pause::backoff(RUN_IS_HELD, "the customer was being told something older"))
            }
            Ok(ended) => match ended.stop() {
                Some(stop) => Outcome::Stopped { run, stop: stop.clone() },
                None => Outcome::Done { run },
            },
            Err(pause) => later(errand, pause),
        }
    }
}

/// What a person sends again is the business of the run that put it aside.
fn asked_for(mut seeds: Vec<Run>, envelope: &Envelope) -> Vec<Run> {
    let by = envelope.parked.as_ref().map(|parked| parked.run.as_str());
    if let Some(by) = by.filter(|by| seeds.iter().any(|seed| seed.id.to_string() == *by)) {
        seeds.retain(|seed| seed.id.to_string() == by);
    }
    seeds
}

/// Of several runs, the outcome that asks for the most: whoever has ended is not brought on again by the same event.
fn told_of(outcomes: Vec<Outcome>) -> Outcome {
    let asks = |outcome: &Outcome| match outcome {
        Outcome::Retry(_) => 0,
        Outcome::Stopped { .. } => 1,
        Outcome::Done { .. } => 2,
        Outcome::Ignored { .. } => 3,
    };
    outcomes.into_iter().min_by_key(asks).unwrap_or(Outcome::Ignored { code: "nothing_to_do" })
}

/// The reconciler says it again for as long as a run is due; a message for each time that waits on its own would pile up.
fn later(errand: &Errand<'_>, pause: Pause) -> Outcome {
    match errand.envelope.event {
        _ if planted!(DropsWhileHeld) && pause.code == RUN_IS_HELD => Outcome::Ignored { code: pause.code },
        Event::RunDue { .. } if errand.envelope.parked.is_none() => Outcome::Ignored { code: pause.code },
        _ => Outcome::Retry(pause),
    }
}

#[cfg(test)]
mod tests {
    use workflow::RunId;

    use super::*;

    /// Both of what one event brings on, but where a person sends again what one of them put aside.
    #[test]
    fn what_is_sent_again_is_for_the_run_that_put_it_aside() {
        let invoice_id = samples::invoice_id("in_1");
        let organization_id = samples::organization_id();
        let paid = RunId::InvoicePaid { organization_id: organization_id.clone(), invoice_id: invoice_id.clone() };
        let failed = RunId::PaymentFailed { organization_id, invoice_id: invoice_id.clone() };
        let seeds = || {
            let payment = workflow::invoice_paid::Point::claimed(invoice_id.clone(), true);
            let failure = workflow::payment_failed::Point::claimed(invoice_id.clone());
            let of_payment = Run::new(paid.clone(), workflow::State::InvoicePaid(payment));
            vec![of_payment, Run::new(failed.clone(), workflow::State::PaymentFailed(failure))]
        };
        let event = Event::InvoicePaid { invoice_id: invoice_id.clone(), occurred_at: Timestamp::UNIX_EPOCH };
        let mut envelope = Envelope::new("evt", queue::Source::StripeWebhook, event, Timestamp::UNIX_EPOCH);
        let ids = |envelope: &Envelope| asked_for(seeds(), envelope).into_iter().map(|run| run.id).collect::<Vec<_>>();
        assert_eq!(ids(&envelope), [paid.clone(), failed.clone()]);
        for (run, expected) in [
            (failed.to_string(), vec![failed.clone()]),
            (paid.to_string(), vec![paid.clone()]),
            ("another".to_owned(), vec![paid.clone(), failed.clone()]),
        ] {
            let (code, reason, at) = ("code".to_owned(), String::new(), Timestamp::UNIX_EPOCH);
            envelope.parked = Some(queue::Parked { code, reason, run, at });
            assert_eq!(ids(&envelope), expected);
        }
    }

    /// Only what the reconciler says again by itself is let go. Neither is what a person sent.
    #[test]
    fn what_is_not_done_yet_is_given_back_unless_it_is_said_again() {
        let occurred_at = Timestamp::UNIX_EPOCH;
        let due = Event::RunDue { run: "opportunity-won#1".into(), occurred_at };
        let opportunity_id = domain::OpportunityId::parse("006000000000001AAA").expect("valid");
        let changed = Event::OpportunityChanged { opportunity_id, occurred_at };
        let parked = queue::Parked {
            code: "no_lines".into(),
            reason: String::new(),
            run: String::new(),
            at: Timestamp::UNIX_EPOCH,
        };
        let pause = || Pause::backoff(RUN_IS_HELD, "busy");
        for (event, parked, is_let_go) in [
            (due.clone(), None, true),
            (due, Some(parked.clone()), false),
            (changed.clone(), None, false),
            (changed, Some(parked), false),
        ] {
            let mut envelope = Envelope::new("evt", queue::Source::Reconciler, event, occurred_at);
            envelope.parked = parked;
            let (owner, deadline, queued) = (String::new(), Timestamp::UNIX_EPOCH, None);
            let errand = Errand { envelope: &envelope, owner, deadline, queued };
            let expected = match is_let_go {
                true => Outcome::Ignored { code: RUN_IS_HELD },
                false => Outcome::Retry(pause()),
            };
            assert_eq!(later(&errand, pause()), expected, "{:?}", envelope.event);
        }
    }
}
