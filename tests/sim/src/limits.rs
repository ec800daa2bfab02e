//! What both vendors take, where that is enforced: so many requests a second at each of Stripe's endpoints, and one write at a time of
//! what hangs on one of Salesforce's accounts. And how long things take then.

use std::collections::BTreeMap;

use crate::faults::{Operation, System};
use crate::random::Random;

/// What Stripe takes a second at each endpoint, and at once.
pub const STRIPE_PER_SECOND: u16 = 25;

/// How long a write of Salesforce's holds the account that its record hangs on.
const HELD_MS: i64 = 100;

/// A message that goes first: when it was sent, and when somebody took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    pub at_ms: i64,
    pub taken_ms: i64,
}

#[derive(Debug, Default)]
pub struct Limits {
    pub are_enforced: bool,
    /// Whether requests wait for their turn, as those of the product do.
    pub are_waited_for: bool,
    /// What is left at each endpoint, in thousandths, and when that was.
    buckets: BTreeMap<String, (i64, i64)>,
    /// Until when an account is held.
    held: BTreeMap<String, i64>,
    /// Requests that Stripe answered at each endpoint, and those of them that were too many.
    pub answered: BTreeMap<String, u64>,
    pub refused: BTreeMap<String, u64>,
    pub writes: u64,
    pub locked: u64,
    /// Messages that were given back, by the code.
    pub given_back: BTreeMap<&'static str, u64>,
    /// Of what goes first.
    pub waits: Vec<Wait>,
}

impl Limits {
    /// None of them is enforced yet.
    pub fn new(are_waited_for: bool) -> Self {
        Self { are_waited_for, ..Self::default() }
    }

    /// Whether Stripe takes one more there: a bucket that holds what is taken in a second.
    pub fn takes(&mut self, endpoint: &str, now_ms: i64) -> bool {
        if !self.are_enforced {
            return true;
        }
        let full = i64::from(STRIPE_PER_SECOND) * 1000;
        let (left, at_ms) = self.buckets.get(endpoint).copied().unwrap_or((full, now_ms));
        let left = (left + (now_ms - at_ms) * i64::from(STRIPE_PER_SECOND)).min(full);
        let takes = left >= 1000;
        self.buckets.insert(endpoint.to_owned(), (if takes { left - 1000 } else { left }, now_ms));
        *self.answered.entry(endpoint.to_owned()).or_default() += 1;
        if !takes {
            *self.refused.entry(endpoint.to_owned()).or_default() += 1;
        }
        takes
    }

    /// Whether a record of this account can be written now. Salesforce waits up to ten seconds for a row; here nobody waits.
    pub fn locks(&mut self, account: &str, now_ms: i64) -> bool {
        if !self.are_enforced {
            return true;
        }
        self.writes += 1;
        let is_free = self.held.get(account).is_none_or(|until_ms| *until_ms <= now_ms);
        if is_free {
            self.held.insert(account.to_owned(), now_ms + HELD_MS);
        } else {
            self.locked += 1;
        }
        is_free
    }

    /// There and back, as they are measured between a region of AWS and each of them.
    pub fn latency(system: System, random: &mut Random) -> (i64, i64) {
        let (low, high) = match system {
            System::Ledger | System::Queue => (1, 5),
            System::Stripe => (40, 140),
            System::Salesforce | System::Notifier => (75, 250),
            System::World => (2, 80),
        };
        (random.between(low, high), random.between(low, high))
    }
}

/// What Stripe counts a request by: an operation on one kind of object.
pub fn endpoint(operation: Operation, about: &str) -> String {
    let name = match operation {
        // However much of an object is wanted, it is the same request.
        Operation::ReadInvoice | Operation::ReadMetadata => "read",
        other => other.name(),
    };
    let kind = about.split('_').next().filter(|kind| kind.len() < about.len() && !kind.contains('/'));
    format!("{name} {}", kind.unwrap_or_default())
}
