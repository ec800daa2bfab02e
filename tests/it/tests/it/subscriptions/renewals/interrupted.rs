//! Renewals whose answers are lost, whose processes die and stand still, and that come too late.

use super::*;
use crate::crashes::{goes_on_while_it_stands_still, settle_over_deaths};

/// An answer that is lost, at once and after Stripe forgot the key: it is changed once.
#[tokio::test]
async fn a_renewal_whose_answer_is_lost_is_the_same_story() {
    for fault in [Fault::AnswerLost, Fault::HalfBody, Fault::ServerErrorAfterCommit, Fault::ServerErrorStored] {
        for wait in [0, 25] {
            let (env, second) = about_to_renew().await;
            env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/subscriptions/*", fault.clone()));
            env.deliver().await;
            env.work(10).await;
            env.advance(SignedDuration::from_hours(wait));
            env.settle_for_days().await;
            is_renewed_once(&env, &second).await;
        }
    }
}

/// It never arrived, and a day later the deal is another one: it goes on with what the deal is then.
#[tokio::test]
async fn a_renewal_that_never_arrived_is_thought_over_after_a_day() {
    let (env, second) = about_to_renew().await;
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/subscriptions/*", Fault::ServerErrorStored).times(1));
    env.deliver().await;
    env.work(10).await;
    let fewer = json!({ "SBQQ__EffectiveQuantity__c": 2, "SBQQ__Quantity__c": 2, "SBQQ__NetTotal__c": 1080 });
    env.update("SBQQ__QuoteLine__c", &quote_line_of(&env, &second, "Seat"), fewer);
    env.update("Opportunity", &second, json!({ "Amount": 1500 }));
    env.advance(SignedDuration::from_hours(25));
    env.settle_for_days().await;
    assert_eq!(items(&shown(&env).await), [(7_000, 1), (9_000, 2)]);
    let record = env.record("Opportunity", &second);
    assert_eq!((&record["Stripe_Sync_Status__c"], subscriptions(&env).len()), (&Value::Null, 1), "{record}");
}

/// It was asked for in time, and Stripe was busy: in the last hour it is not asked for again, for it might come after the period.
#[tokio::test]
async fn a_renewal_that_comes_too_late_is_told_and_not_sent_again() {
    let mut env = renewing(LineSource::CpqQuote).await;
    env.expect_dead_letters();
    let (account, _, start) = begun(&env).await;
    let first_day = after(&start, 3);
    let midnight: jiff::Timestamp = format!("{first_day}T00:00:00Z").parse().unwrap();
    days(&env, 70);
    let second = renewal(&env, &account, &first_day).await;
    env.advance(midnight.duration_since(env.now()) - SignedDuration::from_mins(70));
    env.let_stripe_catch_up();
    let busy = FaultRule::once("POST", "/v1/subscriptions/*", Fault::RateLimited);
    env.sandbox.stripe.inject(busy);
    env.close(&second);
    env.deliver().await;
    env.work(10).await;
    assert_eq!(env.record("Opportunity", &second)["Stripe_Sync_Status__c"], Value::Null);
    env.advance(SignedDuration::from_mins(20));
    env.settle().await;
    assert_eq!(env.record("Opportunity", &second)["Stripe_Sync_Status__c"], "renewal_differs");
    assert_eq!(items(&shown(&env).await), [(5_000, 1), (10_000, 2)]);
}

/// Every moment of it, each with a death at it, at once and after Stripe forgot the keys.
#[tokio::test]
async fn dying_at_any_moment_of_a_renewal_is_the_same_story() {
    let (undisturbed, second) = about_to_renew().await;
    undisturbed.fuse.count_anew();
    undisturbed.settle().await;
    is_renewed_once(&undisturbed, &second).await;
    let moments = undisturbed.fuse.passed();
    assert!(moments > 20, "the story has {moments} moments");
    for wait in [SignedDuration::from_secs(400), SignedDuration::from_hours(25)] {
        for moment in 0..moments {
            let (env, second) = about_to_renew().await;
            env.fuse.arm(moment);
            assert_eq!(settle_over_deaths(&env, wait).await, 1, "moment {moment}");
            is_renewed_once(&env, &second).await;
        }
    }
}

/// Somebody stands still at any moment of it, and another one goes on.
#[tokio::test]
async fn standing_still_at_any_moment_of_a_renewal_is_the_same_story() {
    let (undisturbed, _) = about_to_renew().await;
    undisturbed.fuse.count_anew();
    undisturbed.settle().await;
    for moment in 0..undisturbed.fuse.passed() {
        let (env, second) = about_to_renew().await;
        goes_on_while_it_stands_still(&env, moment).await;
        is_renewed_once(&env, &second).await;
    }
}

/// Nobody knows whether it was renewed before the restore: it is looked for, was not, and is renewed all the same.
#[tokio::test]
async fn a_restored_renewal_that_had_not_happened_happens() {
    let (env, second) = about_to_renew().await;
    crate::operator::restore_to_now(&env);
    env.settle().await;
    is_renewed_once(&env, &second).await;
}
