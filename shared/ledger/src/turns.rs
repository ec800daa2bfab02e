//! Turns at something that takes only so many a second from everybody together: one item for each, which says when the next turn is free.
//! Whoever takes a turn moves that on by a put whose condition is what it has seen, so no two get the same.

use jiff::{SignedDuration, Timestamp};

use crate::attributes::{get_number, item, text};
use crate::table::{Condition, Item, Put, PutAnswer, Table, Test, Value};
use crate::{Ledger, LedgerError};

const TURNS: &str = "turns";
const FREE_AT: &str = "free_at";

/// What so many others take in between is given up: the message is worth another try later.
const MOST_TRIES: u32 = 12;

/// A turn so far away was taken by a clock that is wrong, and holds up nobody.
const FARTHEST: SignedDuration = SignedDuration::from_secs(30);

/// How the turns are dealt out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turns {
    /// From one turn to the next.
    pub every: SignedDuration,
    /// After a rest so much of what was not used is made up for, at once.
    pub ahead: SignedDuration,
    /// A turn that is farther away is not taken.
    pub longest: SignedDuration,
}

impl<T: Table> Ledger<T> {
    /// How long to wait for the next turn, which is taken by that; `None` where it is too far away.
    pub async fn turn(&self, at: &str, turns: Turns, now: Timestamp) -> Result<Option<SignedDuration>, LedgerError> {
        self.move_on(at, now, |free_at| {
            let free_at = free_at.max(now.as_microsecond() - micros(turns.ahead));
            let wait = SignedDuration::from_micros((free_at - now.as_microsecond()).max(0));
            (wait <= turns.longest).then_some((free_at + micros(turns.every), wait))
        })
        .await
    }

    /// Nobody takes a turn for so long, however many say so; whoever has one already does.
    pub async fn rest(&self, at: &str, rest: SignedDuration, now: Timestamp) -> Result<(), LedgerError> {
        let rested = |free_at: i64| Some((free_at.max(now.as_microsecond() + micros(rest)), SignedDuration::ZERO));
        self.move_on(at, now, rested).await.map(drop)
    }

    /// From when the next turn is free to when the one after it is, in microseconds.
    async fn move_on(
        &self,
        at: &str,
        now: Timestamp,
        next: impl Fn(i64) -> Option<(i64, SignedDuration)>,
    ) -> Result<Option<SignedDuration>, LedgerError> {
        let pk = format!("{TURNS}#{at}");
        let mut seen = self.table.get(&pk, TURNS).await?;
        for _ in 0..MOST_TRIES {
            let free_at = seen.as_ref().and_then(|item| get_number::<i64>(item, FREE_AT));
            let farthest = now.as_microsecond() + micros(FARTHEST);
            let Some((moved, wait)) = next(free_at.filter(|free_at| *free_at <= farthest).unwrap_or(i64::MIN)) else {
                return Ok(None);
            };
            let moved: Item = item([("pk", text(&pk)), ("sk", text(TURNS)), (FREE_AT, Value::Number(moved))]);
            let unchanged = match free_at {
                Some(free_at) => Condition::All(vec![Test::Is(FREE_AT, Value::Number(free_at))]),
                None if seen.is_some() => Condition::All(vec![Test::Missing(FREE_AT)]),
                None => Condition::Absent,
            };
            match self.table.put(Put::when(moved, unchanged)).await? {
                PutAnswer::Done => return Ok(Some(wait)),
                PutAnswer::Failed(found) => seen = found,
            }
        }
        Ok(None)
    }
}

fn micros(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
