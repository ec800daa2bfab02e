//! The sandbox's time: the system's plus an offset, or frozen. Either can be moved forward and never goes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Debug, Clone)]
pub struct Clock {
    frozen: bool,
    /// Frozen: the time itself. Otherwise: how far ahead of the system it is.
    offset_ms: Arc<AtomicI64>,
    latest_ms: Arc<AtomicI64>,
}

impl Clock {
    pub fn system() -> Self {
        Self::new(false, 0)
    }

    /// Goes on from this Unix time as the system's does.
    pub fn running_from(at_ms: i64) -> Self {
        Self::new(false, at_ms - system_ms())
    }

    /// Stands at this Unix time until it is advanced.
    pub fn frozen(at_ms: i64) -> Self {
        Self::new(true, at_ms)
    }

    fn new(frozen: bool, offset_ms: i64) -> Self {
        Self { frozen, offset_ms: Arc::new(AtomicI64::new(offset_ms)), latest_ms: Arc::new(AtomicI64::new(i64::MIN)) }
    }

    pub fn advance(&self, ms: u32) {
        self.offset_ms.fetch_add(i64::from(ms), Ordering::Relaxed);
    }

    /// Unix time in milliseconds. A system clock that is set back makes it stand still, because services rely on it.
    pub fn now_ms(&self) -> i64 {
        let offset_ms = self.offset_ms.load(Ordering::Relaxed);
        let base_ms = if self.frozen { 0 } else { system_ms() };
        let now_ms = base_ms + offset_ms;
        self.latest_ms.fetch_max(now_ms, Ordering::Relaxed).max(now_ms)
    }
}

fn system_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_it_is_advanced() {
        let clock = Clock::frozen(1_000);
        assert_eq!(clock.now_ms(), 1_000);
        clock.clone().advance(500);
        assert_eq!(clock.now_ms(), 1_500);
    }

    #[test]
    fn a_running_clock_begins_where_it_is_told_to() {
        let clock = Clock::running_from(1_000);
        assert!((1_000..60_000).contains(&clock.now_ms()));
        clock.advance(60_000);
        assert!(clock.now_ms() >= 61_000);
    }

    #[test]
    fn the_system_clock_can_be_moved_ahead() {
        let clock = Clock::system();
        let before = clock.now_ms();
        clock.advance(60_000);
        assert!(clock.now_ms() >= before + 60_000);
    }
}
