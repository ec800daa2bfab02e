//! Saving what came of a call, and what is to be done next, in one transaction.

use jiff::{SignedDuration, Timestamp};
use workflow::{Run, Status};

use crate::attributes::{number, text};
use crate::item::{self, Held, Registers, StoredRun};
use crate::table::{Condition, Item, Put, Reason, Table, Test, TransactAnswer};
use crate::{CallEntry, Ledger, LedgerError};

/// When an open run that was given back is looked at, if nothing else brings it back. Doubles with every taking, so that an
/// outage of a day does not become a storm.
const CHECK_AFTER: SignedDuration = SignedDuration::from_mins(15);
const LATEST_CHECK: SignedDuration = SignedDuration::from_hours(6);

/// Transactions on one run conflict only with a holder that has just lost it, so a few tries are plenty.
const CONFLICT_TRIES: u32 = 4;

/// What becomes of the lease with this save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// The run stays ours.
    Keep,
    /// The run is free at once.
    Now,
    /// The run is free at once, and there is no use in looking at it before then: what it waits for has an end.
    Until(Timestamp),
    /// The run is free at once and waits for the other side.
    Waiting,
}

impl<T: Table> Ledger<T> {
    /// When this returns, the run stands in the table as given, with its call log and links. On an error the table may
    /// hold it or not; the holder must stop, and the next one reads what is there.
    pub async fn save(
        &self,
        held: &mut Held,
        run: Run,
        calls: &[CallEntry],
        release: Release,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let old = &held.stored;
        let registers = Registers::of(&run);
        written_once(old.registers.customer_id.as_deref(), registers.customer_id.as_deref())?;
        if !planted!(ChangesRegisters) {
            written_once(old.registers.invoice_id.as_deref(), registers.invoice_id.as_deref())?;
        }
        let mut chain = old.chain.clone();
        let mut others = Vec::new();
        for call in calls.iter().filter(|_| !planted!(DropsCalls)) {
            let (entry, next) = chain.append(&run.id, call)?;
            let is_first = match planted!(SavesWithoutFence) {
                false => Condition::Absent,
                true => Condition::AbsentOr(Test::Missing("nothing")),
            };
            others.push(Put::when(entry, is_first));
            chain = next;
        }
        let link = new_link(&old.registers, &registers);
        if let Some(stripe_id) = &link {
            // Guarded against: one invoice serving two deals.
            let ours = match planted!(LinksTwice) {
                false => Condition::AbsentOr(Test::Is("run", text(run.id.to_string()))),
                true => Condition::AbsentOr(Test::Missing("nothing")),
            };
            others.push(Put::when(item::link(stripe_id, &run.id, now)?, ours));
        }
        let is_done = run.status() == Status::Done;
        let stored = StoredRun {
            status: run.status().as_str().to_owned(),
            run,
            version: old.version + 1,
            lease_until: if release == Release::Keep { old.lease_until } else { now },
            waiting_since: match release {
                Release::Waiting => old.waiting_since.or(Some(now)),
                // A failure while it waits must not make it wait from the beginning; nor must an event that comes after it was
                // put before a person.
                Release::Keep | Release::Now | Release::Until(_) => old.waiting_since.filter(|_| !is_done),
            },
            updated_at: now,
            chain,
            registers,
            ..old.clone()
        };
        let check_at = match release {
            Release::Keep => stored.lease_until,
            Release::Until(until) => until.max(now),
            Release::Now | Release::Waiting => now.saturating_add(check_after(stored.attempts)).unwrap_or(now),
        };
        let own = Put::when(stored.write(check_at)?, still_ours(&held.stored));
        self.transact(std::iter::once(own).chain(others).collect(), &stored, link.as_deref()).await?;
        held.stored = stored;
        held.is_new = false;
        Ok(())
    }

    async fn transact(&self, puts: Vec<Put>, stored: &StoredRun, link: Option<&str>) -> Result<(), LedgerError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let reasons = match self.table.transact(puts.clone()).await? {
                TransactAnswer::Done => return Ok(()),
                TransactAnswer::Canceled(reasons) => reasons,
            };
            match judge(&reasons, stored, link) {
                Canceled::IsOurs => return Ok(()),
                Canceled::Conflict if tries < CONFLICT_TRIES => self.table.pause(tries).await,
                Canceled::Conflict => {
                    return Err(LedgerError::Unavailable("saving the run: other writes of it are under way".into()));
                }
                Canceled::Failed(error) => return Err(error),
            }
        }
    }
}

fn check_after(attempts: u32) -> SignedDuration {
    let doubled = CHECK_AFTER.checked_mul(2i32.saturating_pow(attempts.saturating_sub(1)));
    doubled.unwrap_or(LATEST_CHECK).min(LATEST_CHECK)
}

/// Guarded against: a holder that was frozen past its lease and goes on as if nothing had happened; and two saves of one
/// register.
fn still_ours(old: &StoredRun) -> Condition {
    let register = |name: &'static str, stored: &Option<String>| match stored {
        Some(id) => Test::Is(name, text(id)),
        None => Test::Missing(name),
    };
    if planted!(NoFence) {
        return Condition::All(Vec::new());
    }
    if planted!(SavesWithoutFence) {
        return Condition::All(vec![
            register("stripe_customer_id", &old.registers.customer_id),
            register("stripe_invoice_id", &old.registers.invoice_id),
        ]);
    }
    Condition::All(vec![
        Test::Is("fence", number(old.fence)),
        Test::Is("version", number(old.version)),
        Test::Is("owner", text(&old.owner)),
        register("stripe_customer_id", &old.registers.customer_id),
        register("stripe_invoice_id", &old.registers.invoice_id),
    ])
}

enum Canceled {
    /// The transaction had succeeded before, and its answer was lost.
    IsOurs,
    Conflict,
    Failed(LedgerError),
}

fn judge(reasons: &[Reason], stored: &StoredRun, link: Option<&str>) -> Canceled {
    let failed = |index: usize| match reasons.get(index) {
        Some(Reason::ConditionFailed(old)) => Some(old.as_ref()),
        _ => None,
    };
    if let Some(old) = failed(0) {
        let ours = old.filter(|_| !planted!(IsNotItsOwn)).is_some_and(|old: &Item| {
            old.get("owner") == Some(&text(&stored.owner)) && old.get("version") == Some(&number(stored.version))
        });
        return if ours { Canceled::IsOurs } else { Canceled::Failed(LedgerError::Lost) };
    }
    // The link, if there is one, is the last action.
    if let Some(link) = link.filter(|_| failed(reasons.len().saturating_sub(1)).is_some()) {
        return Canceled::Failed(LedgerError::LinkTaken(link.to_owned()));
    }
    if reasons.contains(&Reason::Conflict) {
        return Canceled::Conflict;
    }
    let codes: Vec<_> =
        reasons.iter().filter(|reason| **reason != Reason::None).map(|why| format!("{why:?}")).collect();
    let why: String = codes.join(", ").chars().take(200).collect();
    Canceled::Failed(LedgerError::Unavailable(format!("the transaction was canceled: {why}")))
}

/// A register may be set, or given up after its draft was deleted; it may not change from one id to another.
fn written_once(stored: Option<&str>, given: Option<&str>) -> Result<(), LedgerError> {
    match (stored, given) {
        (Some(stored), Some(given)) if stored != given => {
            Err(LedgerError::RegisterChanged { stored: stored.into(), given: given.into() })
        }
        _ => Ok(()),
    }
}

/// An invoice leads back to one deal. Customers have no link: several accounts may share one that was made by hand.
fn new_link(old: &Registers, new: &Registers) -> Option<String> {
    if old.invoice_id.is_none() && !planted!(ForgetsTheLink) { new.invoice_id.clone() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_taken_up_in_vain_is_looked_at_less_and_less_often() {
        let minutes: Vec<_> = [1, 2, 3, 5, 6, 7, 40].map(|attempts| check_after(attempts).as_mins()).into();
        assert_eq!(minutes, [15, 30, 60, 240, 360, 360, 360]);
    }

    #[test]
    fn a_register_is_written_once() {
        assert!(written_once(None, None).is_ok());
        assert!(written_once(None, Some("in_1")).is_ok());
        assert!(written_once(Some("in_1"), Some("in_1")).is_ok());
        assert!(written_once(Some("in_1"), None).is_ok());
        assert!(matches!(written_once(Some("in_1"), Some("in_2")), Err(LedgerError::RegisterChanged { .. })));
    }
}
