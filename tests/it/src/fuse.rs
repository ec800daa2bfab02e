//! A fuse that blows at the nth call to the outside, before or after its effect: the process is gone at that moment, or it
//! freezes there and goes on when nobody expects it any more, or the code panics.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

/// A request of the engine's that changes something, with its parameters and its idempotency key.
pub type Written = (String, Vec<(String, String)>, Option<String>);

#[derive(Debug, Clone, Default)]
pub struct Fuse(Arc<State>);

#[derive(Debug)]
struct State {
    /// How many moments are left; negative for never.
    until_blown: AtomicI64,
    until_frozen: AtomicI64,
    until_panic: AtomicI64,
    passed: AtomicU64,
    blown: Notify,
    frozen: Notify,
    thawed: Notify,
    written: Mutex<Vec<Written>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            until_blown: AtomicI64::new(-1),
            until_frozen: AtomicI64::new(-1),
            until_panic: AtomicI64::new(-1),
            passed: AtomicU64::new(0),
            blown: Notify::new(),
            frozen: Notify::new(),
            thawed: Notify::new(),
            written: Mutex::default(),
        }
    }
}

/// Counts down, and says whether it just reached its end. It does so once.
fn reaches_end(counter: &AtomicI64) -> bool {
    let left = counter.load(Ordering::SeqCst);
    if left >= 0 {
        counter.store(left - 1, Ordering::SeqCst);
    }
    left == 0
}

impl Fuse {
    /// Blows at this moment from now on; each call has two, one before and one after its effect.
    pub fn arm(&self, moment: u64) {
        self.0.until_blown.store(i64::try_from(moment).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn note(&self, written: Written) {
        self.0.written.lock().unwrap().push(written);
    }

    /// What the engine wrote since this was asked last, in order.
    pub fn take_written(&self) -> Vec<Written> {
        std::mem::take(&mut self.0.written.lock().unwrap())
    }

    /// Nothing is to happen any more.
    pub fn disarm(&self) {
        for counter in [&self.0.until_blown, &self.0.until_frozen, &self.0.until_panic] {
            counter.store(-1, Ordering::SeqCst);
        }
    }

    /// Whoever comes to this moment stands still there until `thaw`. Others go on.
    pub fn freeze_at(&self, moment: u64) {
        self.0.until_frozen.store(i64::try_from(moment).unwrap(), Ordering::SeqCst);
    }

    /// Whoever comes to this moment panics. Others go on.
    pub fn panic_at(&self, moment: u64) {
        self.0.until_panic.store(i64::try_from(moment).unwrap(), Ordering::SeqCst);
    }

    /// Nobody has come to that moment yet.
    pub fn is_to_freeze(&self) -> bool {
        self.0.until_frozen.load(Ordering::SeqCst) >= 0
    }

    /// Waits until somebody stands still.
    pub async fn frozen(&self) {
        self.0.frozen.notified().await;
    }

    pub fn thaw(&self) {
        self.0.thawed.notify_one();
    }

    /// The story begins here.
    pub fn count_anew(&self) {
        self.0.passed.store(0, Ordering::SeqCst);
    }

    /// How many moments have passed since the beginning.
    pub fn passed(&self) -> u64 {
        self.0.passed.load(Ordering::SeqCst)
    }

    /// Never returns once the fuse has blown: nothing of a dead process goes on.
    pub(crate) async fn moment(&self) {
        self.0.passed.fetch_add(1, Ordering::SeqCst);
        assert!(!reaches_end(&self.0.until_panic), "the story asked for this panic");
        if reaches_end(&self.0.until_blown) {
            self.0.blown.notify_one();
            std::future::pending::<()>().await;
        }
        if reaches_end(&self.0.until_frozen) {
            self.0.frozen.notify_one();
            self.0.thawed.notified().await;
        }
    }

    /// Runs the work until it is done or the fuse blows; `None` is a dead process.
    pub async fn until_blown<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.0.blown.notified() => None,
            done = work => Some(done),
        }
    }
}
