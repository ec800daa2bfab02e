//! The half of "never lost" that events cannot give. A pass compares the ledger, Salesforce and Stripe with each other and
//! puts an event on the work queue for whatever was missed; the work itself is done where all work is done. It changes
//! nothing at either vendor but one thing: drafts and customers that were made and never used are taken away.
//!
//! A pass has parts. Each walks page by page and keeps its place in the ledger, so that the next pass goes on where this
//! one ran out of time or was told to slow down. Only a pass whose every part came to its end counts as a success.

mod accounts;
mod activations;
mod customers;
mod deals;
mod difference;
mod events;
mod gather;
mod invoices;
mod mended;
mod place;
mod runs;
mod statement;
mod subscriptions;
mod truth;

use std::collections::BTreeSet;

use domain::Event;
use jiff::{SignedDuration, Timestamp};
use ledger::{Difference, Statement};
use mapping::{Subscriptions, activations};
use queue::{Envelope, Source};
use workflow::Restored;

use crate::{Engine, Pace, Pause, World};
pub use difference::Cause;
use place::Place;

/// No further page is begun this long before the invocation's end: the longest page, and a save.
const STOP_BEFORE: SignedDuration = SignedDuration::from_secs(20);

/// How many pages of one part a pass reads at most.
const MOST_PAGES: usize = 200;

/// How far before the last walk a walk begins again: clocks differ, and both vendors show some changes late.
const OVERLAP: SignedDuration = SignedDuration::from_hours(2);

/// A sweep compares the invoices of these days: a deal is billed within a day and a half even through a long outage.
const SWEPT_DAYS: i64 = 3;

/// A deep pass goes back a quarter, which is what finance closes its books by. Payments of older invoices come by their
/// events.
const DEEP_DAYS: i64 = 90;

/// A deep pass is asked for once a day. One that was never begun, since its invocation was lost, a sweep begins.
const DEEP_WITHIN: SignedDuration = SignedDuration::from_hours(26);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassKind {
    /// What has changed of late.
    Sweep,
    /// That, everything of the last quarter, and the statement of the day before.
    Deep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    pub kind: PassKind,
    /// When the process will be ended.
    pub deadline: Timestamp,
}

/// What a pass found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Every part of what was asked for came to its end, and no call failed.
    pub is_finished: bool,
    /// Events that were put on the work queue.
    pub requeued: u64,
    pub orphans_deleted: u64,
    pub differences: BTreeSet<Difference>,
    /// The statement, if this pass made it.
    pub statement: Option<Statement>,
    /// What kept parts from their end, by the part's name.
    pub pauses: Vec<(&'static str, Pause)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Runs,
    Deals,
    Activations,
    Accounts,
    Mended,
    Events,
    Invoices { days: i64 },
    Customers { days: i64 },
    Subscriptions { days: i64 },
    Statement,
}

const SWEEP: [Part; 9] = [
    Part::Runs,
    Part::Deals,
    Part::Activations,
    Part::Events,
    Part::Subscriptions { days: SWEPT_DAYS },
    Part::Invoices { days: SWEPT_DAYS },
    Part::Customers { days: SWEPT_DAYS },
    // Last, since a job may have touched every account that there is.
    Part::Accounts,
    Part::Mended,
];

const DEEP: [Part; 4] = [
    Part::Subscriptions { days: DEEP_DAYS },
    Part::Invoices { days: DEEP_DAYS },
    Part::Customers { days: DEEP_DAYS },
    Part::Statement,
];

impl Part {
    /// The part's name in the ledger and in logs.
    fn name(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Deals => "deals",
            Self::Activations => "activations",
            Self::Accounts => "accounts",
            Self::Mended => "mended",
            Self::Events => "events",
            Self::Invoices { days: DEEP_DAYS } => "invoices_deep",
            Self::Invoices { .. } => "invoices",
            Self::Customers { days: DEEP_DAYS } => "customers_deep",
            Self::Customers { .. } => "customers",
            Self::Subscriptions { days: DEEP_DAYS } => "subscriptions_deep",
            Self::Subscriptions { .. } => "subscriptions",
            Self::Statement => "statement",
        }
    }

    fn needs(self, system: &str) -> bool {
        match self {
            Self::Runs => false,
            Self::Deals | Self::Activations | Self::Accounts | Self::Mended => system == "salesforce",
            Self::Events | Self::Subscriptions { .. } => system == "stripe",
            Self::Invoices { .. } | Self::Customers { .. } | Self::Statement => {
                matches!(system, "stripe" | "salesforce")
            }
        }
    }
}

/// A pass under way.
struct Walk {
    deadline: Timestamp,
    restored: Option<Restored>,
    /// When the reconciler was first used here. What was over by then is nobody's business of ours.
    in_use_since: Timestamp,
    /// When deals first waited for orders or contracts here, if they do.
    waiting_since: Timestamp,
    /// Since when a deep pass is under way, if one is.
    deep_since: Option<Timestamp>,
    /// Whether this pass has looked at any part of it.
    has_looked_deep: bool,
    done: Reconciled,
}

impl<W: World> Engine<W> {
    /// Whatever it returns, everything that it found is on the work queue, in the ledger or in its answer; what it could not
    /// come to, the next pass does.
    pub async fn reconcile(&self, pass: &Pass) -> Reconciled {
        let now = self.now();
        let (deadline, done) = (pass.deadline, Reconciled::default());
        let mut walk = Walk {
            deadline,
            restored: None,
            in_use_since: now,
            waiting_since: now,
            deep_since: None,
            has_looked_deep: false,
            done,
        };
        match self.whole_pass(pass, &mut walk).await {
            Ok(is_finished) => walk.done.is_finished = is_finished,
            Err(pause) => walk.done.pauses.push(("pass", pause)),
        }
        walk.done
    }

    async fn whole_pass(&self, pass: &Pass, walk: &mut Walk) -> Result<bool, Pause> {
        walk.restored = self.allowed().await?.restored;
        walk.in_use_since = self.first_used("in_use").await?;
        // Kept before anything is read: whatever keeps the part from its first walk, nothing since then is lost.
        if !activations(&self.settings).is_empty() {
            walk.waiting_since = self.first_used("activations_in_use").await?;
        }
        let mut sweep = self.place("sweep").await?;
        let mut deep = self.place("deep").await?;
        let last_deep = deep.seen_until().unwrap_or(walk.in_use_since);
        let is_overdue = self.now().duration_since(last_deep) > DEEP_WITHIN;
        if (pass.kind == PassKind::Deep || is_overdue) && !deep.is_under_way() {
            self.begin(&mut deep).await?;
        }
        walk.deep_since = deep.is_under_way().then_some(deep.began_at());
        let is_swept = self.parts(&SWEEP, walk).await;
        if is_swept {
            self.close(&mut sweep).await?;
        }
        // A deep pass that ran out of time goes on with the sweeps.
        let mut is_deep_done = walk.deep_since.is_none() || self.deeply(&mut deep, walk).await?;
        // Two that were at work at once have left one open with nothing to look at. Whoever asks for a deep pass is not told of that one
        // that there is nothing.
        if is_deep_done && pass.kind == PassKind::Deep && !walk.has_looked_deep {
            let mut deep = self.place("deep").await?;
            self.begin(&mut deep).await?;
            walk.deep_since = Some(deep.began_at());
            is_deep_done = self.deeply(&mut deep, walk).await?;
        }
        Ok(is_swept && (is_deep_done || pass.kind == PassKind::Sweep))
    }

    async fn deeply(&self, deep: &mut Place, walk: &mut Walk) -> Result<bool, Pause> {
        let is_done = self.parts(&DEEP, walk).await;
        if is_done {
            self.close(deep).await?;
        }
        Ok(is_done)
    }

    /// Whether all of them came to their end. One that fails keeps those from being tried that need the same system.
    async fn parts(&self, parts: &[Part], walk: &mut Walk) -> bool {
        let mut is_finished = true;
        for part in parts {
            let failed = walk.done.pauses.iter().map(|(_, pause)| system(pause));
            if failed.into_iter().any(|system| system == "here" || part.needs(system)) {
                is_finished = false;
                continue;
            }
            if let Err(pause) = self.part(*part, walk).await {
                tracing::warn!(part = part.name(), code = pause.code, detail = %pause.detail, "not finished");
                walk.done.pauses.push((part.name(), pause));
                is_finished = false;
            }
        }
        is_finished
    }

    async fn part(&self, part: Part, walk: &mut Walk) -> Result<(), Pause> {
        let is_skipped = match part {
            // Where there are none, the key need not be allowed to read them.
            Part::Subscriptions { .. } => self.settings.subscriptions == Subscriptions::Off,
            Part::Activations => activations(&self.settings).is_empty() || planted!(MissesActivations),
            Part::Accounts => planted!(NeverTellsAccounts),
            Part::Mended => planted!(ForgetsRefusals),
            _ => false,
        };
        if is_skipped {
            return Ok(());
        }
        let place = self.place(part.name()).await?;
        let is_done = DEEP.contains(&part) && place.is_done_since(walk.deep_since);
        walk.has_looked_deep |= DEEP.contains(&part) && !is_done;
        match part {
            // A deep part that is done waits for the others of the same deep pass.
            _ if is_done => Ok(()),
            Part::Runs => self.due_runs(place, walk).await,
            Part::Deals => self.won_deals(place, walk).await,
            Part::Activations => self.activated(place, walk).await,
            Part::Accounts => self.edited_accounts(place, walk).await,
            Part::Mended => self.mended_deals(place, walk).await,
            Part::Events => self.missed_events(place, walk).await,
            Part::Invoices { days } => self.true_invoices(place, days, walk).await,
            Part::Customers { days } => self.unused_customers(place, days, walk).await,
            Part::Subscriptions { days } => self.true_subscriptions(place, days, walk).await,
            Part::Statement => self.statement(place, walk).await,
        }
    }

    fn time_left(&self, walk: &Walk) -> Result<(), Pause> {
        if walk.deadline.duration_since(self.now()) < STOP_BEFORE {
            return Err(Pause::new(Pace::Now, "out_of_time", "the next pass goes on"));
        }
        Ok(())
    }

    /// When this returns, the events are on the work queue.
    async fn requeue(&self, envelopes: Vec<Envelope>, walk: &mut Walk) -> Result<(), Pause> {
        if envelopes.is_empty() {
            return Ok(());
        }
        self.enqueue(&envelopes).await?;
        for envelope in &envelopes {
            tracing::info!(event.id = %envelope.id, event.name = envelope.event.name(), "put on the work queue");
        }
        walk.done.requeued += u64::try_from(envelopes.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    pub(crate) fn envelope(&self, id: String, event: Event) -> Envelope {
        Envelope::new(id, Source::Reconciler, event, self.now())
    }

    /// When the first pass began that had this. It is asked for only once, and kept.
    async fn first_used(&self, name: &'static str) -> Result<Timestamp, Pause> {
        let mut place = self.place(name).await?;
        if !place.is_under_way() {
            self.begin(&mut place).await?;
        }
        Ok(place.began_at())
    }
}

impl Walk {
    fn differs(&mut self, difference: Difference) {
        self.done.differences.insert(difference);
    }
}

impl Place {
    fn is_done_since(&self, deep_since: Option<Timestamp>) -> bool {
        deep_since.is_some_and(|since| self.seen_until().is_some_and(|seen| seen >= since))
    }
}

/// Whose failure it is: another part that needs the same one would only fail again. Everything needs what is here.
fn system(pause: &Pause) -> &'static str {
    match pause.code {
        code if code.starts_with("stripe_") => "stripe",
        code if code.starts_with("salesforce_") => "salesforce",
        "page_limit" | "another_pass" => "none",
        _ => "here",
    }
}

fn before(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_sub(by).unwrap_or(time)
}

fn page_limit() -> Pause {
    Pause::new(Pace::Now, "page_limit", "there is more than one pass reads; the next one goes on")
}

#[cfg(test)]
mod tests;
