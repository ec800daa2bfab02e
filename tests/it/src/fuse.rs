//! A fuse that blows at the nth call to the outside, before or after its effect: the process is gone at that moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tokio::sync::Notify;

#[derive(Debug, Clone, Default)]
pub struct Fuse(Arc<State>);

#[derive(Debug)]
struct State {
    /// How many moments are left; negative for a fuse that never blows.
    left: AtomicI64,
    passed: AtomicU64,
    blown: Notify,
}

impl Default for State {
    fn default() -> Self {
        Self { left: AtomicI64::new(-1), passed: AtomicU64::new(0), blown: Notify::new() }
    }
}

impl Fuse {
    /// Blows at this moment from now on; each call has two, one before and one after its effect.
    pub fn arm(&self, moment: u64) {
        self.0.left.store(i64::try_from(moment).unwrap(), Ordering::SeqCst);
    }

    pub fn disarm(&self) {
        self.0.left.store(-1, Ordering::SeqCst);
    }

    /// How many moments have passed since the beginning.
    pub fn passed(&self) -> u64 {
        self.0.passed.load(Ordering::SeqCst)
    }

    /// Never returns once the fuse has blown: nothing of a dead process goes on.
    pub(crate) async fn moment(&self) {
        self.0.passed.fetch_add(1, Ordering::SeqCst);
        let left = self.0.left.load(Ordering::SeqCst);
        if left == 0 {
            self.0.blown.notify_one();
            std::future::pending::<()>().await;
        }
        if left > 0 {
            self.0.left.store(left - 1, Ordering::SeqCst);
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
