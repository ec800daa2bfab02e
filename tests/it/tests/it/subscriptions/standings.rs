//! How subscriptions stand is seen in Salesforce.

mod asked;
mod untold;

use std::collections::BTreeSet;

use sandbox::wire::Delivery;

use super::renewals::days;
use super::*;
use crate::crashes::{goes_on_while_it_stands_still, settle_over_deaths};

/// Status, what it bills a month, the end of its period, and why it was canceled.
pub(super) fn standing(record: &Value) -> [Value; 4] {
    ["Stripe_Subscription_Status__c", "Stripe_Current_MRR__c", "Stripe_Period_End__c", "Stripe_Cancellation_Reason__c"]
        .map(|field| record[field].clone())
}

fn of(env: &Env, opportunity: &str) -> [Value; 4] {
    standing(&env.record("Opportunity", opportunity))
}

fn id(env: &Env) -> String {
    subscriptions(env)[0]["id"].as_str().unwrap().to_owned()
}

fn changed_at(env: &Env, opportunity: &str) -> Value {
    env.record("Opportunity", opportunity)["SystemModstamp"].clone()
}

/// Begun, and told.
async fn begun() -> (Env, String) {
    let env = selling().await;
    let opportunity = won(&env, &day(&env, 0)).await;
    env.settle().await;
    assert_eq!(of(&env, &opportunity), [json!("active"), json!(200.0), json!("2026-12-23"), Value::Null]);
    env.clear_calls();
    (env, opportunity)
}

async fn change(env: &Env, body: &str) -> Value {
    env.stripe_post(&format!("/v1/subscriptions/{}", id(env)), body).await
}

/// In Stripe's dashboard, at once.
fn cancel(env: &Env) {
    env.stripe_delete(&format!("/v1/subscriptions/{}", id(env)));
}

const CANCELED: [&str; 2] = ["canceled", "cancellation_requested"];

fn is_canceled(env: &Env, opportunity: &str, told: &str) {
    let expected = [json!(CANCELED[0]), json!(0.0), Value::Null, json!(CANCELED[1])];
    assert_eq!(of(env, opportunity), expected, "{told}");
    let tasks = env.sandbox.salesforce.with(|org| org.records("Task"));
    assert_eq!((tasks.len(), &tasks[0]["WhatId"]), (1, &json!(opportunity)), "{told}: somebody is asked once");
}

/// A month passes: its period ends on another day, which is one write and nobody's task. An invoice that is not paid in time makes it past
/// due, and its payment active again.
#[tokio::test]
async fn months_pass_and_invoices_are_paid_or_not() {
    let (env, opportunity) = begun().await;
    days(&env, 29);
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    env.clear_calls();
    let first = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    // Its first invoice is due after thirty days, on the day that the next period begins.
    days(&env, 2);
    env.settle().await;
    assert_eq!(of(&env, &opportunity), [json!("past_due"), json!(200.0), json!("2027-01-23"), Value::Null]);
    // Two changes came at once: the first look saw both.
    let calls = env.salesforce_calls().len();
    assert!((2..=3).contains(&calls), "a look or two, and one write: {:?}", env.salesforce_calls());
    assert!(env.sqs.dead_letters().is_empty());
    for invoice in env.invoices() {
        if invoice["status"] == "open" {
            env.pay(invoice["id"].as_str().unwrap()).await;
        }
    }
    env.settle().await;
    assert_eq!(of(&env, &opportunity)[0], "active");
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], first);
}

/// What a person changes in Stripe's dashboard is seen, with what they say of it. What the deal was sold for stays what it was.
#[tokio::test]
async fn what_is_done_by_hand_at_stripe_is_seen() {
    let (env, opportunity) = begun().await;
    let item = subscriptions(&env)[0]["items"]["data"][0]["id"].as_str().unwrap().to_owned();
    change(&env, &format!("items[0][id]={item}&items[0][quantity]=3&proration_behavior=none")).await;
    env.settle().await;
    assert_eq!(of(&env, &opportunity)[..2], [json!("active"), json!(300.0)]);
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_MRR__c"], 200.0);
    let details = "cancellation_details[feedback]=too_expensive&cancellation_details[comment]=Budget+cut.++";
    change(&env, details).await;
    env.settle().await;
    assert_eq!(of(&env, &opportunity)[3], Value::Null, "nothing is canceled yet");
    cancel(&env);
    env.settle().await;
    let why = "cancellation_requested (too_expensive) Budget cut.";
    assert_eq!(of(&env, &opportunity), [json!("canceled"), json!(0.0), Value::Null, json!(why)]);
}

/// It is paused and goes on, is on trial until that ends, or is not collected for a while: each time Salesforce says so, and what it bills.
#[tokio::test]
async fn a_pause_and_a_trial_are_seen_and_so_is_their_end() {
    let (env, opportunity) = begun().await;
    let subscription = id(&env);
    let (updated, paused) = ("customer.subscription.updated", "customer.subscription.paused");
    let uncollected = json!({ "pause_collection": { "behavior": "void", "resumes_at": null } });
    for (fields, event_type, status, mrr) in [
        (json!({ "status": "paused" }), paused, "paused", 0.0),
        (json!({ "status": "active" }), "customer.subscription.resumed", "active", 200.0),
        (json!({ "status": "trialing" }), updated, "trialing", 0.0),
        (json!({ "status": "active" }), updated, "active", 200.0),
        (uncollected, updated, "collection_paused", 0.0),
        (json!({ "pause_collection": null }), updated, "active", 200.0),
    ] {
        env.advance(SignedDuration::from_mins(5));
        env.sandbox.stripe.with(|stripe| stripe.stands(&subscription, &fields, event_type));
        env.settle().await;
        assert_eq!(of(&env, &opportunity)[..2], [json!(status), json!(mrr)], "{fields}");
        assert!(env.sandbox.salesforce.with(|org| org.records("Task")).is_empty(), "it has not ended");
    }
}

/// A call at Stripe, and at Salesforce one where nothing is new and two where something is.
#[tokio::test]
async fn a_change_costs_a_look_and_what_is_new_a_write() {
    let (env, opportunity) = begun().await;
    let before = changed_at(&env, &opportunity);
    env.advance(SignedDuration::from_mins(5));
    change(&env, "metadata[note]=of+no+interest+here").await;
    env.clear_calls();
    env.settle().await;
    assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (1, 1));
    assert_eq!(changed_at(&env, &opportunity), before, "an unchanged record is not written");
    env.advance(SignedDuration::from_mins(5));
    cancel(&env);
    let deliveries = env.sandbox.stripe.take_deliveries();
    env.clear_calls();
    for delivery in &deliveries {
        env.post(delivery).await;
    }
    env.settle().await;
    is_canceled(&env, &opportunity, "canceled");
    assert_eq!(
        (env.stripe_calls().len(), env.salesforce_calls().len()),
        (1, 3),
        "and a task: {:?}",
        env.salesforce_calls()
    );
    // The same event once more, and once more after an hour.
    env.clear_calls();
    for minutes in [0, 60] {
        env.advance(SignedDuration::from_mins(minutes));
        for delivery in &deliveries {
            env.post(delivery).await;
        }
        env.settle().await;
    }
    assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (0, 0), "{:?}", env.stripe_calls());
}

/// Every order of what Stripe tells, each of it twice and at whatever distance, ends with how the subscription stands.
#[tokio::test]
async fn in_whatever_order_it_is_told_it_ends_as_it_stands() {
    for order in orders(4) {
        for minutes in [0, 7] {
            let (env, opportunity) = begun().await;
            let item = subscriptions(&env)[0]["items"]["data"][0]["id"].as_str().unwrap().to_owned();
            let mut told: Vec<Delivery> = Vec::new();
            let mut note = |env: &Env| told.extend(env.sandbox.stripe.take_deliveries());
            change(&env, "metadata[note]=something").await;
            note(&env);
            change(&env, &format!("items[0][id]={item}&items[0][quantity]=5&proration_behavior=none")).await;
            note(&env);
            change(&env, &format!("items[0][id]={item}&items[0][quantity]=1&proration_behavior=none")).await;
            note(&env);
            cancel(&env);
            note(&env);
            let of_subscription = |delivery: &&Delivery| {
                let body = String::from_utf8_lossy(&delivery.body);
                body.contains("customer.subscription.")
            };
            let told: Vec<_> = told.iter().filter(of_subscription).collect();
            assert_eq!(told.len(), 4);
            for index in order.iter().chain(&order) {
                env.post(told[*index]).await;
                env.advance(SignedDuration::from_mins(minutes));
                env.settle().await;
            }
            is_canceled(&env, &opportunity, &format!("in the order {order:?}, {minutes} minutes apart"));
        }
    }
}

fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for next in 0..count {
        let longer = all.iter().flat_map(|order: &Vec<usize>| {
            (0..=order.len()).map(|place| {
                let mut order = order.clone();
                order.insert(place, next);
                order
            })
        });
        all = longer.collect();
    }
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    all
}

/// An event that never arrived is in Stripe's list of events, and a sweep asks for it once.
#[tokio::test]
async fn what_was_never_told_is_found() {
    let (env, opportunity) = begun().await;
    env.reconcile(PassKind::Sweep).await;
    env.advance(SignedDuration::from_mins(15));
    cancel(&env);
    let lost = env.sandbox.stripe.take_deliveries();
    assert!(!lost.is_empty());
    env.advance(SignedDuration::from_mins(15));
    assert_eq!(env.reconcile(PassKind::Sweep).await.requeued, 1);
    env.settle().await;
    is_canceled(&env, &opportunity, "by a sweep");
    // The next looks at the deal, which has changed by that, and then nothing is left.
    for requeued in [1, 0] {
        env.advance(SignedDuration::from_mins(15));
        assert_eq!(env.reconcile(PassKind::Sweep).await.requeued, requeued);
        env.settle().await;
    }
}

/// The process dies at any moment of telling; each time it ends told.
#[tokio::test]
async fn dying_at_any_moment_is_the_same_story() {
    for moment in 0.. {
        let (env, opportunity) = begun().await;
        cancel(&env);
        env.fuse.arm(moment);
        let deaths = settle_over_deaths(&env, SignedDuration::from_secs(400)).await;
        env.fuse.disarm();
        rests(&env).await;
        is_canceled(&env, &opportunity, &format!("died at moment {moment}"));
        if deaths == 0 {
            assert!(moment > 8, "{moment}");
            break;
        }
    }
}

/// What is looked at again in ten minutes is.
async fn rests(env: &Env) {
    for _ in 0..3 {
        env.advance(SignedDuration::from_mins(11));
        env.reconcile(PassKind::Sweep).await;
        env.settle_for_days().await;
    }
}

/// A process stands still at any moment while the subscription goes on to be canceled, which another one tells; then the first wakes up,
/// and what it says, late, is not the last word.
#[tokio::test]
async fn whoever_stands_still_does_not_have_the_last_word() {
    let (undisturbed, _) = about_to_tell().await;
    undisturbed.settle().await;
    for moment in 0..undisturbed.fuse.passed() {
        let (env, opportunity) = about_to_tell().await;
        let others = async {
            cancel(&env);
            env.advance(SignedDuration::from_secs(400));
            env.settle_for_days().await;
        };
        env.stands_still_at(moment, others).await;
        env.settle_for_days().await;
        rests(&env).await;
        is_canceled(&env, &opportunity, &format!("stood still at moment {moment}"));
    }
    for moment in 0..undisturbed.fuse.passed() {
        let (env, opportunity) = about_to_tell().await;
        goes_on_while_it_stands_still(&env, moment).await;
        rests(&env).await;
        assert_eq!(of(&env, &opportunity)[..2], [json!("active"), json!(400.0)], "stood still at moment {moment}");
    }
}

/// Its quantity has just changed.
async fn about_to_tell() -> (Env, String) {
    let (env, opportunity) = begun().await;
    let item = subscriptions(&env)[0]["items"]["data"][0]["id"].as_str().unwrap().to_owned();
    change(&env, &format!("items[0][id]={item}&items[0][quantity]=4&proration_behavior=none")).await;
    env.deliver().await;
    env.fuse.count_anew();
    (env, opportunity)
}

#[tokio::test]
async fn answers_that_are_lost_are_the_same_story() {
    for part in ["PATCH", "SELECT"] {
        for fault in [Fault::AnswerLost, Fault::UnavailableHtml, Fault::HalfBody] {
            let (env, opportunity) = begun().await;
            cancel(&env);
            let rule = FaultRule::once("POST", "/services/data/**", fault.clone()).body_contains(part);
            env.sandbox.salesforce.inject(rule);
            env.settle_for_days().await;
            rests(&env).await;
            is_canceled(&env, &opportunity, &format!("{part} {fault:?}"));
        }
    }
    for fault in [Fault::AnswerLost, Fault::RateLimited, Fault::ServerErrorAfterCommit] {
        let (env, opportunity) = begun().await;
        cancel(&env);
        env.sandbox.stripe.inject(FaultRule::once("GET", "/v1/subscriptions/*", fault.clone()));
        env.settle_for_days().await;
        is_canceled(&env, &opportunity, &format!("{fault:?}"));
    }
}

/// Salesforce is away when the ids are to be written back, and Stripe tells of the subscription meanwhile: the deal does not name it yet.
#[tokio::test]
async fn a_change_that_comes_before_the_deal_names_it_waits() {
    let env = selling().await;
    let opportunity = won(&env, &day(&env, 0)).await;
    let outage = FaultRule::once("POST", "/services/data/**", Fault::UnavailableHtml);
    env.sandbox.salesforce.inject(outage.body_contains("PATCH").times(3));
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Subscription_Id__c"], Value::Null);
    change(&env, "metadata[note]=something").await;
    env.settle().await;
    assert_eq!(of(&env, &opportunity)[0], Value::Null);
    env.settle_for_days().await;
    assert_eq!(of(&env, &opportunity)[..2], [json!("active"), json!(200.0)]);
}
