//! What happened in a history, for people and for the sum over all of them. It outlives a panic.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub type Counts = BTreeMap<String, u64>;

#[derive(Clone, Default)]
pub struct Notes(Arc<Mutex<Told>>);

#[derive(Clone, Default)]
pub struct Told {
    pub lines: Vec<String>,
    pub counts: Counts,
    pub violations: Vec<String>,
}

impl Notes {
    pub fn told(&self) -> Told {
        self.0.lock().unwrap().clone()
    }

    pub fn line(&self, line: String) {
        self.0.lock().unwrap().lines.push(line);
    }

    pub fn count(&self, what: impl Into<String>) {
        self.count_times(what, 1);
    }

    pub fn count_times(&self, what: impl Into<String>, times: u64) {
        *self.0.lock().unwrap().counts.entry(what.into()).or_default() += times;
    }

    /// A promise that was not kept.
    pub fn violation(&self, rule: &str, detail: impl std::fmt::Display) {
        self.line(format!("    VIOLATION {rule}: {detail}"));
        self.0.lock().unwrap().violations.push(format!("{rule}: {detail}"));
    }

    pub fn is_broken(&self) -> bool {
        !self.0.lock().unwrap().violations.is_empty()
    }
}
