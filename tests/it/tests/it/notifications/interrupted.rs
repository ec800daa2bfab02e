//! Whoever tells people dies, stands still, or hears no answer, at any moment.

use super::*;
use crate::crashes::settle_over_deaths;

/// An invoice whose payment has failed, of which nobody was told yet.
async fn failed() -> Env {
    let (env, _, invoice) = billed_with(told()).await;
    fails(&env, &invoice);
    env.fuse.count_anew();
    env
}

async fn moments() -> u64 {
    let env = failed().await;
    env.settle().await;
    let moments = env.fuse.passed();
    assert!(moments > 20, "{moments}");
    moments
}

/// Hours go by, with the reconciler looking for what is due.
async fn hours_later(env: &Env) {
    for _ in 0..3 {
        env.advance(SignedDuration::from_mins(50));
        env.reconcile(PassKind::Sweep).await;
        env.settle_for_days().await;
    }
}

fn failures(env: &Env) -> usize {
    env.posted().iter().filter(|title| title.starts_with("Payment failed")).count()
}

/// It is told; twice only where the first message was said and its speaker died, and then an hour later, and saying so.
#[tokio::test]
async fn dying_at_any_moment_tells_it_once_or_says_that_it_may_be_twice() {
    let mut doubted = 0;
    for moment in 0..moments().await {
        let env = failed().await;
        env.fuse.arm(moment);
        assert_eq!(settle_over_deaths(&env, SignedDuration::from_secs(400)).await, 1);
        let at_once = failures(&env);
        assert!(at_once <= 1, "died at {moment}: {:?}", env.posted());
        hours_later(&env).await;
        let times = failures(&env);
        assert!((1..=2).contains(&times), "died at {moment}: {:?}", env.posted());
        if times > at_once {
            assert!(env.last_posted().contains("may have been said before"), "died at {moment}");
            doubted += 1;
        }
    }
    assert!((1..=6).contains(&doubted), "{doubted}");
}

/// Somebody stands still for minutes while others go on.
#[tokio::test]
async fn whoever_stands_still_does_not_say_it_twice_within_the_hour() {
    for moment in 0..moments().await {
        let env = failed().await;
        let meanwhile = async {
            env.advance(SignedDuration::from_secs(400));
            env.settle_for_days().await;
        };
        env.stands_still_at(moment, meanwhile).await;
        env.settle_for_days().await;
        assert!(failures(&env) <= 1, "stood still at {moment}: {:?}", env.posted());
        hours_later(&env).await;
        assert!((1..=2).contains(&failures(&env)), "stood still at {moment}: {:?}", env.posted());
    }
}
