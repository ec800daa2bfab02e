//! What is promised about requests before they are sent, and about those that Stripe will never answer otherwise.

use jiff::Timestamp;
use ledger::{Item, Value};

use super::commits::text;
use crate::model::Models;

/// How our keys begin, and how long they are.
const KEY_BEGINS: &str = "cw1_";
const KEY_LENGTH: usize = 40;

impl Models {
    /// Remembers every key that a run's item has held.
    pub(super) fn keys_committed(&mut self, new: &Item) {
        let document = text(new, "document").unwrap_or_default();
        for (at, _) in document.match_indices(KEY_BEGINS) {
            if let Some(key) = document.get(at..at + KEY_LENGTH) {
                self.watch.saved_keys.insert(key.to_owned());
            }
        }
    }

    /// To be called when a process lets go of a write, before anything can happen to it on its way: whoever comes after this
    /// process has to know of it.
    pub fn sending(&mut self, now: Timestamp, key: &str) {
        if key.starts_with(KEY_BEGINS) && !self.watch.saved_keys.contains(key) {
            self.violate(now, "a_key_is_saved_before_it_is_sent", format!("no run ever held {key}"));
        }
    }

    /// To be called with how much later than its deadline a process lets go of a write. One that was frozen does not know
    /// what has become of its run.
    pub fn sending_late(&mut self, now: Timestamp, about: &str, late_ms: i64) {
        if late_ms > 0 {
            self.violate(now, "nothing_is_sent_after_the_deadline", format!("{about}, {late_ms} ms after it"));
        }
    }

    /// To be called when a worker gives a message back because somebody else holds the run.
    pub fn held_by_somebody<'a>(
        &mut self,
        now: Timestamp,
        (owner, his_now): (&str, Timestamp),
        items: impl Iterator<Item = &'a Item>,
    ) {
        let is_his = |item: &&Item| text(item, "owner") == Some(owner);
        let is_held = |item: &&Item| matches!(item.get("lease_until"), Some(Value::Number(until)) if *until > his_now.as_millisecond());
        let runs: Vec<_> = items.filter(is_his).filter(is_held).filter_map(|item| text(item, "pk")).collect();
        if let Some(run) = runs.first() {
            self.violate(now, "nobody_waits_for_himself", format!("{owner} waits for {run}, and holds it"));
        }
    }
}
