//! A small backlog. How fast it is worked off is for `cargo xtask drain` to say: a machine that runs tests has other things to do.

use std::time::Duration;

use super::{Plan, drain};

#[tokio::test]
async fn a_backlog_drains_within_the_limits_and_nothing_is_lost() {
    let drained = drain(&Plan::new(80)).await;
    assert_eq!(drained.wrong, Vec::<String>::new(), "{drained}");
    assert!(drained.refused <= 2 + drained.all_asked / 100, "{drained}");
    assert!(drained.asked >= 80 && drained.writes >= 80 && drained.firsts > 0, "{drained}");
}

/// Without the line the limit is met, by a few workers already; and nothing is lost all the same.
#[tokio::test]
async fn without_waiting_for_turns_much_is_refused_and_nothing_is_lost() {
    let plan = Plan { stripe_takes: 1, is_in_line: false, longest: Duration::from_secs(4), ..Plan::new(60) };
    let drained = drain(&plan).await;
    assert!(drained.refused >= 20, "{drained}");
    assert!(drained.given_back.get("stripe_busy").is_some_and(|times| *times >= 20), "{drained}");
    assert_eq!(drained.wrong, Vec::<String>::new(), "{drained}");
}
