//! Short lines on stderr: how long it has been, and what is being done.

use std::io::Write;
use std::time::{Duration, Instant};

#[derive(Clone, Copy)]
pub struct Progress {
    started: Instant,
}

impl Progress {
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }

    pub fn say(&self, sentence: impl std::fmt::Display) {
        // Nobody may be listening; that is no reason to stop.
        let _ = writeln!(std::io::stderr(), "[{:>7}] {sentence}", seconds(self.started.elapsed()));
    }
}

/// Seconds with one decimal.
pub fn seconds(duration: Duration) -> String {
    format!("{}.{} s", duration.as_secs(), duration.subsec_millis() / 100)
}
