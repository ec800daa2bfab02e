//! How fast Stripe is asked by what comes by the thousand. What goes first does not wait, and finds that some of the limit is left for it.

#[cfg(feature = "cloud")]
use futures::{FutureExt, future::BoxFuture};
use jiff::SignedDuration;
use ledger::Turns;

#[cfg(feature = "cloud")]
use crate::{Clock, SystemClock};

/// Of 25 that Stripe takes, what waits in line takes so many.
const OF_25: i64 = 24;

/// How long nobody takes a turn after somebody was told that it is too fast: the limit has filled up again by then.
pub const REST: SignedDuration = SignedDuration::from_secs(1);

/// Each endpoint's turns where Stripe takes so many requests a second there.
pub fn turns(requests_per_second: u16) -> Turns {
    let rate = i64::from(requests_per_second.max(1));
    Turns {
        every: SignedDuration::from_micros(1_000_000 * 25 / OF_25 / rate),
        // A fifth of what the limit takes at once.
        ahead: SignedDuration::from_millis(200),
        // It is part of the ten seconds that a request has.
        longest: SignedDuration::from_secs(5),
    }
}

/// All workers in one line, which is kept in the ledger's table.
#[cfg(feature = "cloud")]
#[derive(Debug)]
pub struct StripeLine {
    pub ledger: ledger::Ledger<ledger::DynamoDb>,
    pub turns: Turns,
}

#[cfg(feature = "cloud")]
impl stripe::Line for StripeLine {
    fn turn<'a>(&'a self, endpoint: &'a str) -> BoxFuture<'a, Option<SignedDuration>> {
        async move {
            let turn = self.ledger.turn(endpoint, self.turns, SystemClock.now()).await;
            // Where the table does not answer, nothing can be saved either, and the run says so.
            turn.unwrap_or(Some(SignedDuration::ZERO))
        }
        .boxed()
    }

    fn too_fast<'a>(&'a self, endpoint: &'a str) -> BoxFuture<'a, ()> {
        async move {
            if let Err(error) = self.ledger.rest(endpoint, REST, SystemClock.now()).await {
                tracing::warn!(%error, "the others were not told that Stripe is asked too often");
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_in_line_keeps_just_below_the_limit() {
        for (limit, in_a_minute) in [(1, 57), (5, 288), (25, 1440), (100, 5760), (1000, 57_636)] {
            let minute = SignedDuration::from_mins(1).as_micros();
            assert_eq!(minute / turns(limit).every.as_micros(), in_a_minute, "{limit}");
        }
    }
}
