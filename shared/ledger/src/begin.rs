//! Taking a run: make it if it does not exist, or take it over when nobody holds it.

use jiff::Timestamp;
use workflow::{Restored, Run, Status};

use crate::attributes::{number, text};
use crate::item::{Chain, Held, Registers, StoredRun};
use crate::table::{Condition, Item, Put, PutAnswer, Table, Test};
use crate::{Ledger, LedgerError};

/// Who wants the run, and until when.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Unique to this attempt: it is how our own write is recognised when its answer was lost.
    pub owner: String,
    pub reopen: Reopen,
    pub now: Timestamp,
    pub lease_until: Timestamp,
    /// The restore that the control item tells of. A run from before it may have done more than it knows.
    pub restored: Option<Restored>,
}

/// When an ended run is taken up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reopen {
    /// For an event that it has not answered yet.
    ForNewEvent(String),
    /// Unless it has reached its goal.
    UnlessDone,
    /// In any case: a person sent the event again.
    Always,
}

impl Reopen {
    fn takes_up(&self, run: &Run) -> bool {
        match (run.status(), self) {
            (Status::Open, _) | (_, Self::Always) => true,
            (_, Self::ForNewEvent(_)) if planted!(EndedIsEnded) => false,
            (_, Self::ForNewEvent(event_id)) => !run.has_answered(event_id),
            (status, Self::UnlessDone) => status != Status::Done,
        }
    }
}

#[derive(Debug)]
pub enum Begun {
    /// The run is ours.
    Held(Box<Held>),
    /// Somebody else holds it.
    Busy { until: Timestamp },
    /// The run has ended, and this event gives no reason to take it up again.
    Answered(Box<Run>),
}

impl<T: Table> Ledger<T> {
    /// When this returns `Held`, the run exists and no other holder's save will succeed. `new` is the run to make if
    /// there is none.
    pub async fn begin(&self, new: Run, claim: &Claim) -> Result<Begun, LedgerError> {
        let key = new.id.to_string();
        let fresh = StoredRun {
            status: new.status().as_str().to_owned(),
            // The table may have held this run before it was restored.
            run: Run { restored: claim.restored, ..new },
            fence: 1,
            version: 1,
            owner: claim.owner.clone(),
            lease_until: claim.lease_until,
            attempts: 1,
            waiting_since: None,
            created_at: claim.now,
            updated_at: claim.now,
            chain: Chain::default(),
            registers: Registers::default(),
        };
        // Crash guarded against: two deliveries of one event at once. Only one of them makes the item.
        match self.table.put(Put::when(fresh.write(claim.lease_until)?, if_absent())).await? {
            PutAnswer::Done => Ok(Begun::Held(Box::new(Held { stored: fresh, is_new: true }))),
            PutAnswer::Failed(old) => {
                let old = StoredRun::read(&key, &there(old)?)?;
                // The answer to our own put was lost, and the SDK's second attempt found the first one's item.
                if old.owner == claim.owner && old.version == 1 && !planted!(IsNotItsOwn) {
                    return Ok(Begun::Held(Box::new(Held { stored: old, is_new: true })));
                }
                self.take_over(old, claim).await
            }
        }
    }

    pub(crate) async fn take_over(&self, old: StoredRun, claim: &Claim) -> Result<Begun, LedgerError> {
        let is_outdated = old.run.restored.map(|restored| restored.epoch) < claim.restored.map(|now| now.epoch);
        if !is_outdated && !claim.reopen.takes_up(&old.run) {
            return Ok(Begun::Answered(Box::new(old.run)));
        }
        if old.lease_until > claim.now && !planted!(StealsLeases) {
            return Ok(Begun::Busy { until: old.lease_until });
        }
        let mut run = old.run;
        if is_outdated {
            run.restored = claim.restored.map(|restored| restored.after(run.restored));
            // What it told since the backup was made may be gone again, or something else.
            run.noted = None;
            // And if whoever looks again dies before it has, the event is still to be answered.
            run.answered.clear();
        }
        // Whatever the last holder sent, it sent before its lease ended. Had it given the run back, the lease had ended then;
        // so it died, and what came of its last request is not known.
        let died = old.lease_until > old.updated_at;
        let last_held = old.lease_until.max(old.updated_at).min(claim.now);
        for intent in run.intents.values_mut().filter(|intent| intent.is_open() && !planted!(ForgetsWhenSent)) {
            intent.last_sent = intent.last_sent.max(last_held);
            intent.ambiguous |= died && !planted!(ForgetsTheDead);
        }
        let taken = StoredRun {
            run,
            fence: old.fence + 1,
            version: old.version + 1,
            owner: claim.owner.clone(),
            lease_until: claim.lease_until,
            attempts: old.attempts + 1,
            updated_at: claim.now,
            ..old
        };
        // Crash guarded against: two workers find the same expired lease. The fence lets one of them through.
        let unchanged = Condition::All(vec![
            Test::Is("fence", number(taken.fence - 1)),
            Test::Is("version", number(taken.version - 1)),
        ]);
        let unchanged = if planted!(TakesOverAtOnce) { Condition::All(Vec::new()) } else { unchanged };
        match self.table.put(Put::when(taken.write(claim.lease_until)?, unchanged)).await? {
            PutAnswer::Done => Ok(Begun::Held(Box::new(Held { stored: taken, is_new: false }))),
            // The answer to our own put was lost, and the SDK's second attempt found the first one's item.
            PutAnswer::Failed(Some(now))
                if !planted!(IsNotItsOwn)
                    && now.get("owner") == Some(&text(&claim.owner))
                    && now.get("version") == Some(&number(taken.version)) =>
            {
                Ok(Begun::Held(Box::new(Held { stored: taken, is_new: false })))
            }
            PutAnswer::Failed(now) => {
                let now = StoredRun::read(&taken.run.id.to_string(), &there(now)?)?;
                Ok(Begun::Busy { until: now.lease_until.max(claim.now) })
            }
        }
    }
}

fn if_absent() -> Condition {
    if planted!(BeginsTwice) { Condition::AbsentOr(Test::Missing("nothing")) } else { Condition::Absent }
}

fn there(old: Option<Item>) -> Result<Item, LedgerError> {
    old.ok_or_else(|| LedgerError::Unavailable("a condition failed without the old item".into()))
}
