//! No more requests than Stripe takes.
//!
//! Stripe takes 25 requests a second at each endpoint unless it was asked for more, and answers 429 to the rest [docs.stripe.com/rate-limits].
//! Processes do not talk to each other, so each keeps to its share: as many of them as may run at once, together just below the limit. Others
//! use the account's limit too, and how much of it they leave is not known; so whoever is answered 429 goes slower for a while.

use std::collections::BTreeMap;

use jiff::SignedDuration;

/// What all processes together may ask, and how many they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// At each endpoint.
    pub requests_per_second: u16,
    pub processes: u16,
}

/// One that would wait longer is not sent at all: a request and its wait fit into the time that a request is given.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(5);

/// When each endpoint is free, for one process. Times are since some moment, all since the same.
#[derive(Debug)]
pub struct Pacer {
    interval: SignedDuration,
    /// How far a process that has rested may run ahead. Half of what the limit takes at once is left to others.
    ahead: SignedDuration,
    endpoints: BTreeMap<String, Slot>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    free_at: SignedDuration,
    interval: SignedDuration,
}

impl Pacer {
    pub fn new(pace: Pace) -> Self {
        let (rate, processes) = (i64::from(pace.requests_per_second.max(1)), i64::from(pace.processes.max(1)));
        // Two hundredths below the limit: clocks and networks are not exact.
        let interval = SignedDuration::from_nanos(processes * 1_000_000_000 / rate * 50 / 49);
        let burst = i32::try_from((rate / processes / 2).max(1)).unwrap_or(1);
        Self { interval, ahead: interval * (burst - 1), endpoints: BTreeMap::new() }
    }

    /// How long the next request to this endpoint has to wait. It counts as sent then; without an answer it is not to be sent.
    pub fn turn(&mut self, endpoint: &str, now: SignedDuration) -> Option<SignedDuration> {
        let ahead = self.ahead;
        let slot = self.slot(endpoint);
        let free_at = slot.free_at.max(now - ahead);
        let wait = (free_at - now).max(SignedDuration::ZERO);
        if wait > LONGEST_WAIT {
            return None;
        }
        slot.free_at = free_at + slot.interval;
        Some(wait)
    }

    /// What Stripe said to it. After a 429 it goes a quarter slower, up to eight times, and comes back to its pace over some hundred
    /// requests: that keeps what is refused far below one of a hundred while others use a part of the limit.
    pub fn heard(&mut self, endpoint: &str, is_too_fast: bool, now: SignedDuration) {
        let (pace, most) = (self.interval, self.interval * 8);
        let slot = self.slot(endpoint);
        if is_too_fast {
            slot.interval = (slot.interval * 5 / 4).min(most);
            slot.free_at = slot.free_at.max(now + slot.interval);
        } else {
            slot.interval -= (slot.interval - pace) / 200;
        }
    }

    fn slot(&mut self, endpoint: &str) -> &mut Slot {
        let interval = self.interval;
        self.endpoints.entry(endpoint.to_owned()).or_insert(Slot { free_at: SignedDuration::MIN, interval })
    }
}

/// What the limit is counted by: the method and the path, without the ids in it.
pub fn endpoint(method: &str, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    // An id has digits or capitals; the names of endpoints have neither, but for the version.
    let is_id = |segment: &str| segment.chars().any(|c| c.is_ascii_digit() || c.is_ascii_uppercase());
    let segments: Vec<_> =
        path.split('/').map(|segment| if segment != "v1" && is_id(segment) { ":id" } else { segment }).collect();
    format!("{method} {}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &str = "GET /v1/invoices/:id";

    fn millis(millis: i64) -> SignedDuration {
        SignedDuration::from_millis(millis)
    }

    fn pacer(processes: u16) -> Pacer {
        Pacer::new(Pace { requests_per_second: 25, processes })
    }

    #[test]
    fn an_endpoint_is_a_path_without_its_ids() {
        for (method, path, expected) in [
            ("GET", "/v1/invoices/in_1Abc?expand[]=lines", "GET /v1/invoices/:id"),
            ("POST", "/v1/invoices/in_1Abc/add_lines", "POST /v1/invoices/:id/add_lines"),
            ("GET", "/v1/invoices?limit=100", "GET /v1/invoices"),
            ("POST", "/v1/invoices/create_preview", "POST /v1/invoices/create_preview"),
            ("DELETE", "/v1/customers/cus_A/tax_ids/txi_1", "DELETE /v1/customers/:id/tax_ids/:id"),
        ] {
            assert_eq!(endpoint(method, path), expected);
        }
    }

    /// Whatever the number of processes, together they keep just below the limit.
    #[test]
    fn processes_that_are_always_busy_use_what_the_limit_takes_and_no_more() {
        for processes in [1, 2, 5, 10, 20, 50] {
            let mut pacer = pacer(processes);
            let (mut now, mut sent) = (SignedDuration::ZERO, 0_i64);
            while now < millis(100_000) {
                now += pacer.turn(READ, now).expect("nobody waits for long");
                sent += 1;
            }
            let all = sent * i64::from(processes);
            assert!((2375..=2500 + 25).contains(&all), "{processes} processes send {all} in 100 s");
        }
    }

    #[test]
    fn one_that_has_rested_does_not_wait_and_endpoints_do_not_wait_for_each_other() {
        let mut pacer = pacer(5);
        let ten_seconds = millis(10_000);
        assert_eq!(pacer.turn(READ, ten_seconds), Some(SignedDuration::ZERO));
        assert_eq!(pacer.turn(READ, ten_seconds), Some(SignedDuration::ZERO), "half a share of the bucket");
        assert!(pacer.turn(READ, ten_seconds).is_some_and(|wait| wait > millis(100)));
        assert_eq!(pacer.turn("POST /v1/invoices", ten_seconds), Some(SignedDuration::ZERO));
    }

    #[test]
    fn whoever_is_answered_429_goes_slower_and_comes_back_to_its_pace() {
        let mut pacer = pacer(10);
        let pace = pacer.interval;
        pacer.turn(READ, SignedDuration::ZERO).expect("at once");
        pacer.heard(READ, true, SignedDuration::ZERO);
        assert_eq!(pacer.turn(READ, SignedDuration::ZERO), Some(pace * 5 / 4));
        for _ in 0..100 {
            pacer.heard(READ, true, SignedDuration::ZERO);
        }
        assert_eq!(pacer.slot(READ).interval, pace * 8);
        for _ in 0..1500 {
            pacer.heard(READ, false, SignedDuration::ZERO);
        }
        assert!(pacer.slot(READ).interval < pace * 101 / 100);
    }

    /// It is given back instead, and tried again when there is room.
    #[test]
    fn nobody_waits_longer_than_a_request_may_take() {
        let mut pacer = Pacer::new(Pace { requests_per_second: 1, processes: 4 });
        assert_eq!(pacer.turn(READ, SignedDuration::ZERO), Some(SignedDuration::ZERO));
        assert!(pacer.turn(READ, SignedDuration::ZERO).is_some());
        assert_eq!(pacer.turn(READ, SignedDuration::ZERO), None);
        assert!(pacer.turn(READ, millis(4000)).is_some(), "what was not sent takes nobody's turn");
    }
}
