//! Saving what came of a call, and what is to be done next, in one transaction.

use jiff::{SignedDuration, Timestamp};
use workflow::{Run, Status};

use crate::attributes::{number, text};
use crate::item::{self, Held, Registers, StoredRun};
use crate::table::{Condition, Item, Put, Reason, Table, Test, TransactAnswer};
use crate::{CallEntry, Ledger, LedgerError};

/// When an open run that nobody holds is looked at, if nothing else brings it back.
const CHECK_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// Transactions on one run conflict only with a holder that has just lost it, so a few tries are plenty.
const CONFLICT_TRIES: u32 = 4;

/// What becomes of the lease with this save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// The run stays ours.
    Keep,
    /// The run is free at once.
    Now,
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
        written_once(old.registers.invoice_id.as_deref(), registers.invoice_id.as_deref())?;
        let mut chain = old.chain.clone();
        let mut others = Vec::new();
        for call in calls {
            let (entry, next) = chain.append(&run.id, call)?;
            others.push(Put::when(entry, Condition::Absent));
            chain = next;
        }
        let link = new_link(&old.registers, &registers);
        if let Some(stripe_id) = &link {
            // Guarded against: one invoice serving two deals.
            let ours = Condition::AbsentOr(Test::Is("run", text(run.id.to_string())));
            others.push(Put::when(item::link(stripe_id, &run.id, now)?, ours));
        }
        let is_open = run.status() == Status::Open;
        let stored = StoredRun {
            status: run.status().as_str().to_owned(),
            run,
            version: old.version + 1,
            lease_until: if release == Release::Keep { old.lease_until } else { now },
            waiting_since: match release {
                Release::Waiting => old.waiting_since.or(Some(now)),
                // A failure while it waits must not make it wait from the beginning.
                Release::Keep | Release::Now => old.waiting_since.filter(|_| is_open),
            },
            updated_at: now,
            chain,
            registers,
            ..old.clone()
        };
        let check_at = now.saturating_add(CHECK_AFTER).unwrap_or(now).max(stored.lease_until);
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

/// Guarded against: a holder that was frozen past its lease and goes on as if nothing had happened; and two saves of one
/// register.
fn still_ours(old: &StoredRun) -> Condition {
    let register = |name: &'static str, stored: &Option<String>| match stored {
        Some(id) => Test::Is(name, text(id)),
        None => Test::Missing(name),
    };
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
        let ours = old.is_some_and(|old: &Item| {
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
    if old.invoice_id.is_none() { new.invoice_id.clone() } else { None }
}
