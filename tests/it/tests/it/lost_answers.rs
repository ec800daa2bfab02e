//! Answers that say nothing for certain: lost after the effect, half, late, an error page, a stored error.

use it::{Deal, Env};
use sandbox::{Fault, FaultRule};
use serde_json::json;

/// The story to its end, however long that takes.
async fn story(env: &Env) {
    env.settle_for_days().await;
    let invoices = env.invoices();
    let invoice = invoices.iter().find(|invoice| invoice["status"] == "open").expect("an invoice was sent");
    env.pay(invoice["id"].as_str().unwrap()).await;
    env.settle_for_days().await;
}

fn assert_billed_once(env: &Env, opportunity: &str, total: i64, what: &str) {
    let record = env.record("Opportunity", opportunity);
    let invoices = env.invoices_that_count();
    assert_eq!(invoices.len(), 1, "{what}");
    assert_eq!(env.objects("customer").len(), 1, "{what}");
    assert_eq!(record["Stripe_Invoice_Id__c"], invoices[0]["id"], "{what}");
    assert_eq!(invoices[0]["total"], total, "{what}");
    assert_eq!(record["Payment_Received__c"], json!(true), "{what}");
    assert!(env.sqs.dead_letters().is_empty(), "{what}");
}

/// The fault at each call of the story in turn, at Stripe and then at Salesforce.
async fn at_each_call(fault: Fault, times: u32) {
    let begin = async || {
        let env = Env::start().await;
        let opportunity = env.opportunity_won(&Deal::three_lines()).await;
        (env, opportunity)
    };
    billed_once_with(begin, 11_000, fault, times).await;
}

pub async fn billed_once_with(begin: impl AsyncFn() -> (Env, String), total: i64, fault: Fault, times: u32) {
    let (undisturbed, _) = begin().await;
    undisturbed.clear_calls();
    story(&undisturbed).await;
    let stripe = u32::try_from(undisturbed.stripe_calls().len()).unwrap();
    let salesforce = u32::try_from(undisturbed.sandbox.salesforce.requests().len()).unwrap();
    assert!(stripe >= 5 && salesforce >= 4, "{stripe} and {salesforce} calls");
    for call in 0..stripe {
        let (env, opportunity) = begin().await;
        env.sandbox.stripe.inject(rule(&fault).skip(call).times(times));
        story(&env).await;
        assert_billed_once(&env, &opportunity, total, &format!("{} at Stripe's call {call}", fault.name()));
    }
    for call in 0..salesforce {
        let (env, opportunity) = begin().await;
        env.sandbox.salesforce.inject(rule(&fault).skip(call).times(times));
        story(&env).await;
        assert_billed_once(&env, &opportunity, total, &format!("{} at Salesforce's call {call}", fault.name()));
    }
}

fn rule(fault: &Fault) -> FaultRule {
    FaultRule { method: None, ..FaultRule::once("", "/**", fault.clone()) }
}

#[tokio::test]
async fn an_answer_lost_after_its_effect_at_each_call() {
    at_each_call(Fault::AnswerLost, 1).await;
}

#[tokio::test]
async fn three_answers_lost_in_a_row_from_each_call_on() {
    at_each_call(Fault::AnswerLost, 3).await;
}

#[tokio::test]
async fn half_an_answer_at_each_call() {
    at_each_call(Fault::HalfBody, 1).await;
}

#[tokio::test]
async fn a_server_error_at_each_call() {
    at_each_call(Fault::ServerError, 2).await;
}

#[tokio::test]
async fn a_server_error_that_stripe_stores_and_replays_at_each_call() {
    at_each_call(Fault::ServerErrorStored, 1).await;
}

#[tokio::test]
async fn a_server_error_after_the_effect_that_stripe_stores_and_replays_at_each_call() {
    at_each_call(Fault::ServerErrorAfterCommit, 1).await;
}

#[tokio::test]
async fn a_limit_at_each_call() {
    at_each_call(Fault::RateLimited, 3).await;
}

#[tokio::test]
async fn an_error_page_at_each_call() {
    at_each_call(Fault::UnavailableHtml, 2).await;
}

#[tokio::test]
async fn a_key_that_is_in_use_and_a_locked_row_at_each_call() {
    at_each_call(Fault::InUse, 2).await;
}

#[tokio::test]
async fn an_html_page_that_says_200_at_each_call() {
    at_each_call(Fault::Status { status: 200, body: "<html>welcome</html>".into() }, 1).await;
}

#[tokio::test]
async fn an_outage_of_a_day_and_a_half_loses_nothing() {
    let env = Env::start().await;
    env.sandbox.stripe.inject(rule(&Fault::UnavailableHtml).times(u32::MAX));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let end = env.clock.now_ms() + 36 * 3_600_000;
    while env.clock.now_ms() < end {
        let next = env.sqs.next_visible_ms().expect("the event waits");
        env.clock.advance(u32::try_from((next - env.clock.now_ms()).max(1)).unwrap());
        env.settle().await;
    }
    assert!(env.invoices().is_empty());
    env.sandbox.stripe.clear_faults();
    env.settle_for_days().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], env.invoices()[0]["id"]);
}

#[tokio::test]
async fn an_idempotency_key_with_another_body_is_never_answered_with_a_new_key_before_a_look() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let body = r#"{"error":{"type":"idempotency_error","message":"Keys for idempotent requests…"}}"#;
    env.sandbox.stripe.inject(FaultRule::once(
        "POST",
        "/v1/invoices",
        Fault::Status { status: 400, body: body.into() },
    ));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle_for_days().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], "stripe_idempotency_mismatch");
    assert_eq!(env.sqs.dead_letters()[0]["parked"]["code"], "stripe_idempotency_mismatch");
    let sent = |env: &Env| env.stripe_calls().iter().filter(|call| *call == "POST /v1/invoices").count();
    assert_eq!(sent(&env), 1, "nothing goes on by itself");
    // A person looked, and sends it again.
    env.sqs.redrive();
    env.settle_for_days().await;
    assert!(env.stripe_calls().iter().any(|call| call == "GET /v1/invoices"), "it looked");
    assert_eq!((sent(&env), env.invoices().len()), (2, 1));
}
