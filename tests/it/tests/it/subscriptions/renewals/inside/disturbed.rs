//! A change inside a period whose answers are lost, whose process dies, or which somebody stops half-way.

use mapping::Proration;

use super::*;
use crate::crashes::{goes_on_while_it_stands_still, settle_over_deaths};

async fn about_to_upgrade() -> (Env, String, String) {
    let env = prorating(Proration::AlwaysInvoice).await;
    let (account, start) = quarter(&env).await;
    let second = upgrade(&env, &account, &start, 2).await;
    days(&env, 35);
    env.close(&second);
    (env, second, start)
}

/// It is changed once and billed once, whatever happened on the way.
async fn is_upgraded_once(env: &Env, second: &str, start: &str) {
    let record = env.record("Opportunity", second);
    assert_eq!(record["Stripe_Sync_Status__c"], Value::Null, "{record}");
    assert_eq!(record["Renewal_Stripe_Sub_Id__c"], subscriptions(env)[0]["id"], "{record}");
    assert_eq!((items(&shown(env).await), totals(env)), (UPGRADED.to_vec(), vec![75_000, difference(start)]));
}

/// The change meets this once, and is taken up again so many hours later.
pub(in super::super) async fn changes_with(env: &Env, fault: Fault, hours: i64) {
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/subscriptions/*", fault));
    env.deliver().await;
    env.work(10).await;
    env.advance(SignedDuration::from_hours(hours));
    env.settle_for_days().await;
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_the_same_story() {
    for fault in [Fault::AnswerLost, Fault::HalfBody, Fault::ServerErrorAfterCommit, Fault::ServerErrorStored] {
        for wait in [0, 25] {
            let (env, second, start) = about_to_upgrade().await;
            changes_with(&env, fault.clone(), wait).await;
            is_upgraded_once(&env, &second, &start).await;
        }
    }
}

/// Stripe was busy for two hours, and by then the deal is another one: it is decided anew, and nobody is billed for what was.
#[tokio::test]
async fn a_change_that_never_arrived_is_thought_over_after_an_hour() {
    let (env, second, start) = about_to_upgrade().await;
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/subscriptions/*", Fault::RateLimited));
    env.deliver().await;
    env.work(10).await;
    assert_eq!(totals(&env), [75_000]);
    let fewer = json!({ "SBQQ__EffectiveQuantity__c": 2, "SBQQ__Quantity__c": 2, "SBQQ__NetTotal__c": 400 });
    env.update("SBQQ__QuoteLine__c", &quote_line_of(&env, &second, "Seat"), fewer);
    env.update("Opportunity", &second, json!({ "Amount": 500 }));
    env.advance(SignedDuration::from_hours(2));
    env.settle_for_days().await;
    assert_eq!(env.record("Opportunity", &second)["Stripe_Sync_Status__c"], Value::Null);
    // Seats stay what they are, so that only training takes the place of support, at the same price.
    assert_eq!(items(&shown(&env).await), [(15_000, 1), (30_000, 2)]);
    let of = |cents| share(cents, rest(&start));
    assert_eq!(totals(&env), [75_000, of(15_000) + of(-15_000)]);
}

/// Its first invoice is a draft that somebody has stopped: the renewal waits for a day, and then says so.
#[tokio::test]
async fn a_renewal_waits_for_a_draft_for_a_day() {
    let mut env = prorating(Proration::AlwaysInvoice).await;
    env.expect_dead_letters();
    let (account, start) = quarter(&env).await;
    let second = upgrade(&env, &account, &start, 5).await;
    let third = upgrade(&env, &account, &start, 5).await;
    for_days(&env, 35).await;
    env.close(&second);
    env.settle().await;
    let made = env.invoices()[1]["id"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/invoices/{made}"), "auto_advance=false").await;
    // Another change, from a day later on, of what has a draft now.
    let later = term_of(&after(&start, 2), 4);
    env.update("SBQQ__Quote__c", &quote_of(&env, &third), later);
    for_days(&env, 30).await;
    env.close(&third);
    env.settle_for_days().await;
    assert_eq!(env.record("Opportunity", &third)["Stripe_Sync_Status__c"], "renewal_unsettled");
}

/// A preview changes nothing, and is asked for again.
#[tokio::test]
async fn a_preview_whose_answer_is_lost_is_asked_for_again() {
    for fault in [Fault::AnswerLost, Fault::HalfBody, Fault::ServerErrorAfterCommit, Fault::RateLimited] {
        let (env, second, start) = about_to_upgrade().await;
        env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/invoices/create_preview", fault));
        env.settle_for_days().await;
        is_upgraded_once(&env, &second, &start).await;
    }
}

#[tokio::test]
async fn dying_at_any_moment_of_a_change_is_the_same_story() {
    let (undisturbed, second, start) = about_to_upgrade().await;
    undisturbed.fuse.count_anew();
    undisturbed.settle().await;
    is_upgraded_once(&undisturbed, &second, &start).await;
    let moments = undisturbed.fuse.passed();
    assert!(moments > 20, "the story has {moments} moments");
    for wait in [SignedDuration::from_secs(400), SignedDuration::from_hours(25)] {
        for moment in 0..moments {
            let (env, second, start) = about_to_upgrade().await;
            env.fuse.arm(moment);
            assert_eq!(settle_over_deaths(&env, wait).await, 1, "moment {moment}");
            is_upgraded_once(&env, &second, &start).await;
        }
    }
}

#[tokio::test]
async fn standing_still_at_any_moment_of_a_change_is_the_same_story() {
    let (undisturbed, ..) = about_to_upgrade().await;
    undisturbed.fuse.count_anew();
    undisturbed.settle().await;
    for moment in 0..undisturbed.fuse.passed() {
        let (env, second, start) = about_to_upgrade().await;
        goes_on_while_it_stands_still(&env, moment).await;
        is_upgraded_once(&env, &second, &start).await;
    }
}
