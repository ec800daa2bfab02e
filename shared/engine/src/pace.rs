//! When to try again.

use jiff::{SignedDuration, Timestamp};

/// Why an event is given back, and when it is worth another look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    pub pace: Pace,
    /// Stable, for logs and metrics.
    pub code: &'static str,
    pub detail: String,
}

/// Somebody works on the run, or on what it needs.
pub const RUN_IS_HELD: &str = "run_is_held";
/// The operator's switch is on.
pub const STOPPED_BY_OPERATOR: &str = "stopped_by_operator";
/// Whatever was under way has to be over first.
pub const QUIESCENCE: &str = "quiescence";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Somebody else works on it, and will be done in a moment or has died.
    Held { until: Timestamp },
    /// Out of time: the next invocation goes on at once.
    Now,
    /// Something is not available. Longer and longer.
    Backoff,
    /// Not before.
    NotBefore(Timestamp),
}

impl Pause {
    pub fn new(pace: Pace, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pace, code, detail: detail.into() }
    }

    pub fn backoff(code: &'static str, detail: impl std::fmt::Display) -> Self {
        Self::new(Pace::Backoff, code, detail.to_string())
    }
}

/// The longest wait between two tries. Sixteen receives at this pace outlast an outage of 36 hours.
const LONGEST: SignedDuration = SignedDuration::from_hours(6);

/// How long to hide the message: 2 s, 6 s, 18 s … six hours, plus up to a quarter more so that a thousand messages that
/// failed together do not come back together. `receives` counts this receive; `spread` is any number that differs
/// between messages.
pub fn delay(pace: Pace, receives: u32, spread: u32, now: Timestamp) -> SignedDuration {
    let backoff = SignedDuration::from_secs(2)
        .checked_mul(3i32.saturating_pow(receives.saturating_sub(1).min(12)))
        .unwrap_or(LONGEST)
        .min(LONGEST);
    let wait = match pace {
        // Long enough that a slow batch does not burn the receives of messages that it never came to.
        Pace::Now => SignedDuration::from_secs(2),
        // The holder is most likely done in a second; if it died, its lease says until when to wait.
        Pace::Held { until } => backoff.min(until.duration_since(now)).max(SignedDuration::from_secs(1)),
        Pace::Backoff => backoff,
        Pace::NotBefore(time) => time.duration_since(now).max(backoff),
    };
    let jitter = wait.as_millis().saturating_mul(i128::from(spread % 1000)) / 4000;
    wait.saturating_add(SignedDuration::from_millis(i64::try_from(jitter).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_six_hours_and_outlast_a_long_outage() {
        let now = Timestamp::UNIX_EPOCH;
        let waits: Vec<_> = (1..=16).map(|receives| delay(Pace::Backoff, receives, 0, now).as_secs()).collect();
        assert_eq!(&waits[..4], [2, 6, 18, 54]);
        assert_eq!(waits[15], 6 * 60 * 60);
        assert!(waits.iter().sum::<i64>() > 36 * 60 * 60);
        assert!(delay(Pace::Backoff, u32::MAX, 999, now) < SignedDuration::from_hours(8));
    }

    #[test]
    fn a_lease_is_waited_for_no_longer_than_it_lasts() {
        let now = Timestamp::UNIX_EPOCH;
        let until = now.saturating_add(SignedDuration::from_secs(10)).expect("in range");
        assert_eq!(delay(Pace::Held { until }, 1, 0, now).as_secs(), 2);
        assert_eq!(delay(Pace::Held { until }, 9, 0, now).as_secs(), 10);
        assert_eq!(delay(Pace::Held { until: now }, 9, 0, now).as_secs(), 1);
    }

    /// A thousand messages that failed together do not come back together.
    #[test]
    fn a_wait_is_up_to_a_quarter_longer() {
        let now = Timestamp::UNIX_EPOCH;
        let millis = |receives, spread| delay(Pace::Backoff, receives, spread, now).as_millis();
        assert_eq!((millis(1, 0), millis(1, 400), millis(1, 999), millis(1, 1000)), (2000, 2200, 2499, 2000));
        assert_eq!((millis(3, 500), millis(3, 2500)), (20_250, 20_250));
        assert_eq!(delay(Pace::Now, 9, 0, now).as_millis(), 2000, "however often");
        let later = now.saturating_add(SignedDuration::from_mins(30)).expect("in range");
        assert_eq!(delay(Pace::NotBefore(later), 1, 0, now), SignedDuration::from_mins(30));
        assert_eq!(delay(Pace::NotBefore(now), 3, 0, now).as_secs(), 18);
    }
}
