//! Whoever tells how an invoice stands dies at any moment, or stands still, and it is told in the end.

use super::*;
use crate::crashes::settle_over_deaths;

/// Written off a moment ago.
async fn written_off() -> (Env, String, String) {
    let (env, opportunity, invoice) = billed().await;
    env.advance(SignedDuration::from_hours(1));
    env.stripe_post(&format!("/v1/invoices/{invoice}/mark_uncollectible"), "").await;
    env.fuse.count_anew();
    (env, opportunity, invoice)
}

#[tokio::test]
async fn a_worker_that_dies_at_any_moment_tells_it_in_the_end() {
    let wait = SignedDuration::from_mins(10);
    let (env, _, _) = written_off().await;
    settle_over_deaths(&env, wait).await;
    let moments = env.fuse.passed();
    assert!(moments >= 8, "there are {moments} moments");
    for moment in 0..moments {
        let (env, opportunity, _) = written_off().await;
        env.fuse.arm(moment);
        assert_eq!(settle_over_deaths(&env, wait).await, 1, "moment {moment}");
        env.advance(SignedDuration::from_mins(16));
        env.reconcile(PassKind::Sweep).await;
        env.settle_for_days().await;
        assert_eq!(standing(&env, &opportunity), json!(["uncollectible", 0.0, 0.0, false]), "moment {moment}");
        assert!(env.sqs.dead_letters().is_empty());
    }
}

/// Its write comes when the invoice is void or paid, and others have told that.
#[tokio::test]
async fn what_is_said_late_does_not_stay() {
    let (env, _, _) = written_off().await;
    env.settle().await;
    let moments = env.fuse.passed();
    for end in ["void", "paid"] {
        for moment in 0..moments {
            let (env, opportunity, invoice) = written_off().await;
            env.stands_still_at(moment, async {
                match end {
                    "void" => drop(env.stripe_post(&format!("/v1/invoices/{invoice}/void"), "").await),
                    _ => env.pay(&invoice).await,
                }
                env.advance(SignedDuration::from_secs(400));
                env.settle().await;
            })
            .await;
            // Whoever was interrupted at a write looks once more when it cannot land any more.
            env.settle_for_days().await;
            env.advance(SignedDuration::from_mins(16));
            env.reconcile(PassKind::Sweep).await;
            env.settle_for_days().await;
            assert_eq!(standing(&env, &opportunity)[0], json!(end), "{end} at moment {moment}");
            assert!(env.sqs.dead_letters().is_empty(), "{end} at moment {moment}");
        }
    }
}
