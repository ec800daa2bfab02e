//! Unfinished runs that nobody works on.

use domain::Event;

use super::place::Place;
use super::{MOST_PAGES, Walk};
use crate::advance::ledger_pause;
use crate::{Engine, Ledger, Pause, World};

impl<W: World> Engine<W> {
    pub(super) async fn due_runs(&self, mut place: Place, walk: &mut Walk) -> Result<(), Pause> {
        for _ in 0..MOST_PAGES {
            self.time_left(walk)?;
            let due = self.ledger.due_runs(self.now(), place.cursor()).await.map_err(|error| ledger_pause(&error))?;
            let envelopes = due.runs.into_iter().map(|run| {
                // The same until somebody works on it, so that two passes ask for it once.
                let id = format!("due:{}:{}", run.key, run.next_check_at.as_millisecond());
                self.envelope(id, Event::RunDue { run: run.key, occurred_at: run.next_check_at })
            });
            self.requeue(envelopes.collect(), walk).await?;
            let Some(next) = due.next else { return self.close(&mut place).await };
            self.advance_to(&mut place, next).await?;
        }
        Err(super::page_limit())
    }
}
