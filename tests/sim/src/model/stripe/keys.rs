//! Idempotency keys: the first outcome of an executed request is kept and told again, errors included, until the key is
//! forgotten. What is asked of us about keys is watched here as well, in a memory that forgets nothing.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use stripe::{Answer, Error, Write};

/// Stripe may forget a key after 24 hours, and here it does so to the second.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// A key is trusted for 23 hours by the sender's clock. Two processes' clocks may differ by twenty minutes, and a request
/// may land five minutes late; nothing may arrive later than this.
const OLDEST_USE: SignedDuration = SignedDuration::from_mins(23 * 60 + 30);

/// A process may die before it has saved what it heard, and the next one as well.
const MOST_ERRORS: u32 = 12;
const MOST_ANSWERS: u32 = 20;

#[derive(Debug, Default)]
pub(super) struct Keys {
    kept: BTreeMap<String, Kept>,
    seen: BTreeMap<String, Seen>,
}

#[derive(Debug)]
struct Kept {
    path: String,
    body: String,
    at: Timestamp,
    outcome: Result<Answer, Error>,
}

#[derive(Debug)]
struct Seen {
    path: String,
    body: String,
    first: Timestamp,
    /// How often an error, or an answer, was told again under it.
    errors: u32,
    answers: u32,
}

/// What a key says about a request.
pub(super) enum Known {
    New,
    Replay(Result<Answer, Error>),
    OtherRequest,
}

impl Keys {
    pub(super) fn look_up(&mut self, now: Timestamp, write: &Write, key: &str) -> Known {
        if self.kept.get(key).is_some_and(|kept| now.duration_since(kept.at) >= KEPT_FOR) {
            self.kept.remove(key);
        }
        match self.kept.get(key) {
            None => Known::New,
            Some(kept) if kept.path != write.path || kept.body != write.body => Known::OtherRequest,
            Some(kept) => Known::Replay(kept.outcome.clone()),
        }
    }

    pub(super) fn keep(&mut self, now: Timestamp, write: &Write, key: &str, outcome: Result<Answer, Error>) {
        let kept = Kept { path: write.path.clone(), body: write.body.clone(), at: now, outcome };
        self.kept.insert(key.to_owned(), kept);
    }

    /// What is wrong with this use of a key, whatever Stripe remembers of it.
    pub(super) fn watch(&mut self, now: Timestamp, write: &Write, key: &str) -> Option<(&'static str, String)> {
        let Some(seen) = self.seen.get(key) else {
            let seen = Seen { path: write.path.clone(), body: write.body.clone(), first: now, errors: 0, answers: 0 };
            self.seen.insert(key.to_owned(), seen);
            return None;
        };
        if seen.path != write.path || seen.body != write.body {
            let detail = format!("key {key} came for {} first, and with another body for {}", seen.path, write.path);
            return Some(("one_body_under_one_key", detail));
        }
        let age = now.duration_since(seen.first);
        (age > OLDEST_USE)
            .then(|| ("no_old_key", format!("key {key} of {} is {} minutes old", write.path, age.as_mins())))
    }

    /// What the same request has made before, not long ago and under another key.
    pub(super) fn made_under_another<'a>(
        &'a self,
        now: Timestamp,
        write: &'a Write,
        key: &'a str,
    ) -> impl Iterator<Item = &'a Answer> {
        let is_same = move |kept: &Kept| kept.path == write.path && kept.body == write.body;
        let is_young = move |kept: &Kept| now.duration_since(kept.at) < KEPT_FOR;
        let others =
            self.kept.iter().filter(move |(other, kept)| other.as_str() != key && is_same(kept) && is_young(kept));
        others.filter_map(|(_, kept)| kept.outcome.as_ref().ok())
    }

    /// An answer or an error is told again. What has been heard so often is not asked for once more.
    pub(super) fn watch_replay(&mut self, key: &str, is_error: bool) -> Option<(&'static str, String)> {
        let seen = self.seen.get_mut(key)?;
        let (times, most) = match is_error {
            true => (&mut seen.errors, MOST_ERRORS),
            false => (&mut seen.answers, MOST_ANSWERS),
        };
        *times += 1;
        let is_too_often = *times == most;
        is_too_often.then(|| ("a_spent_key_is_put_aside", format!("key {key} of {} was told {most} times", seen.path)))
    }

    /// How many requests carried a key of which nothing is kept any more, though it was used before.
    pub(super) fn was_seen(&self, key: &str) -> bool {
        self.seen.contains_key(key)
    }
}
