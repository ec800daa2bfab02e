//! Rows that are held by a write. Salesforce lets another write of such a row wait for up to ten seconds, and refuses it then with
//! `UNABLE_TO_LOCK_ROW`; here nobody waits, which is as if the holder were slow.

use std::collections::BTreeMap;

use super::error::{self, ApiError};

/// Requests that wrote something, and those of them that met a row which another one held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Writes {
    pub made: u64,
    pub locked: u64,
}

#[derive(Debug, Default)]
pub struct Locks {
    /// For how long; nothing is held where that is not said.
    hold_ms: Option<i64>,
    /// Until when.
    held: BTreeMap<String, i64>,
    /// By the transaction that is under way, which is not in its own way.
    taken: Vec<String>,
    is_writing: bool,
    is_locked: bool,
    writes: Writes,
}

impl Locks {
    /// Counts anew, too.
    pub fn new(hold_ms: Option<i64>) -> Self {
        Self { hold_ms, ..Self::default() }
    }

    pub fn writes(&self) -> Writes {
        self.writes
    }

    pub fn take(&mut self, row: &str, now_ms: i64) -> Result<(), ApiError> {
        if self.hold_ms.is_none() {
            return Ok(());
        }
        self.is_writing = true;
        if self.taken.iter().any(|taken| taken == row) {
            return Ok(());
        }
        if self.held.get(row).is_some_and(|until_ms| *until_ms > now_ms) {
            self.is_locked = true;
            return Err(error::locked(row));
        }
        self.taken.push(row.to_owned());
        Ok(())
    }

    /// A place to go back to: what was not written holds nothing.
    pub fn mark(&self) -> usize {
        self.taken.len()
    }

    pub fn rollback(&mut self, mark: usize) {
        self.taken.truncate(mark);
    }

    /// The transaction is over, and what it wrote is held from now on.
    pub fn commit(&mut self, now_ms: i64) {
        let Some(hold_ms) = self.hold_ms else { return };
        self.held.retain(|_, until_ms| *until_ms > now_ms);
        self.held.extend(self.taken.drain(..).map(|row| (row, now_ms + hold_ms)));
        self.writes.made += u64::from(std::mem::take(&mut self.is_writing));
        self.writes.locked += u64::from(std::mem::take(&mut self.is_locked));
    }
}
