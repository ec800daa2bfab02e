//! Deaths, standstills and lost answers while a deal is billed anew.

use super::*;
use crate::crashes::{dies_at_every_moment, freezes_at_every_moment};
use crate::lost_answers::billed_once_with;

/// The deal is changed, and nobody has worked on that yet.
pub fn just_amended((env, opportunity): (Env, String)) -> (Env, String) {
    amend(&env, &opportunity);
    env.fuse.count_anew();
    (env, opportunity)
}

async fn amended() -> (Env, String) {
    just_amended(billed().await)
}

#[tokio::test]
async fn dying_while_it_is_replaced_is_the_same_story() {
    dies_at_every_moment(amended, SignedDuration::from_secs(400)).await;
}

#[tokio::test]
async fn dying_while_it_is_replaced_and_going_on_after_stripe_forgot_the_keys_is_the_same_story() {
    dies_at_every_moment(amended, SignedDuration::from_hours(25)).await;
}

#[tokio::test]
async fn standing_still_while_it_is_replaced_is_the_same_story() {
    freezes_at_every_moment(amended).await;
}

#[tokio::test]
async fn answers_that_are_lost_while_it_is_replaced_are_the_same_story() {
    for (fault, times) in [(Fault::AnswerLost, 1), (Fault::ServerError, 2)] {
        billed_once_with(amended, 12_000, fault, times).await;
    }
}

/// The deal is set back while the request that voids its invoice may be under way. It may be void then, so it is billed anew.
#[tokio::test]
async fn a_deal_that_is_set_back_while_its_invoice_is_voided_is_billed_as_it_is() {
    for fault in [Fault::AnswerLost, Fault::UnavailableHtml] {
        let (env, opportunity) = billed().await;
        env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/invoices/*/void", fault));
        amend(&env, &opportunity);
        env.deliver().await;
        env.work(1).await;
        set_quantity(&env, &opportunity, 2);
        env.settle_for_days().await;
        assert_eq!(invoices(&env, &opportunity), [json!(["void", 11_000, false]), json!(["open", 11_000, true])]);
    }
}
