//! Salesforce counts an organization's API calls of a day. What they run short for waits, and money goes first.

use super::*;

/// From now on so many calls a day are allowed; an administrator bought more, or somebody's integration uses most.
fn allow(env: &Env, calls: u64) {
    env.sandbox.salesforce.with(|org| org.set_daily_api_limit(calls));
}

fn used(env: &Env) -> u64 {
    env.sandbox.salesforce.with(|org| org.api_calls_used())
}

/// Of what is left the last tenth is for what came in and for what did not.
#[tokio::test]
async fn a_payment_goes_before_what_is_only_told() {
    let (env, opportunity, invoice) = billed().await;
    // Nine tenths are used, mostly by others, which the worker learns with the next answer.
    env.sandbox.salesforce.with(|org| org.spend_api_calls(env.now().as_millisecond(), 180 - org.api_calls_used()));
    allow(&env, 200);
    env.advance(SignedDuration::from_mins(30));
    env.sandbox.stripe.with(|stripe| stripe.pay_part(&invoice, 100));
    env.settle().await;
    assert!(used(&env) > 180);
    env.stripe_post("/v1/credit_notes", &format!("invoice={invoice}&amount=1000&reason=order_change")).await;
    env.deliver().await;
    env.work(10).await;
    assert_eq!(standing(&env, &opportunity), json!(["open", 0.0, 0.0, false]), "it waits");
    assert_eq!(env.sqs.work().len(), 1);
    env.pay_by_card(&invoice).await;
    env.deliver().await;
    env.work(10).await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!((&record["Payment_Received__c"], &record["Stripe_Invoice_Status__c"]), (&json!(true), &json!("paid")));
    assert_eq!(standing(&env, &opportunity)[1], 0.0, "it waits still");
    // The day goes by.
    env.settle_for_days().await;
    assert_eq!(standing(&env, &opportunity), json!(["paid", 10.0, 0.0, false]));
    assert!(env.sqs.dead_letters().is_empty() && env.sqs.work().is_empty());
}

/// None is left, for hours: a deal that is won, a payment and what was refunded of it wait, and none of it is lost or done twice.
#[tokio::test]
async fn what_comes_in_while_no_call_is_left_is_told_when_there_is_one() {
    let (env, opportunity, invoice) = billed().await;
    let other = env.enter(&Deal::three_lines()).await;
    env.settle().await;
    allow(&env, used(&env));
    env.close(&other);
    env.pay_by_card(&invoice).await;
    let charge = env.objects("charge")[0]["id"].as_str().unwrap().to_owned();
    env.stripe_post("/v1/refunds", &format!("charge={charge}&amount=400")).await;
    for _ in 0..6 {
        env.deliver().await;
        while env.work(10).await != it::Worked::Nothing {}
        env.advance(SignedDuration::from_hours(1));
    }
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], false);
    allow(&env, 100_000);
    env.settle_for_days().await;
    assert_eq!(standing(&env, &opportunity), json!(["paid", 0.0, 4.0, false]));
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
    assert!(env.record("Opportunity", &other)["Stripe_Invoice_Id__c"].is_string());
    assert_eq!(env.invoices_that_count().len(), 2);
    assert!(env.sqs.dead_letters().is_empty());
}

/// A bank does not wait for the next day.
#[tokio::test]
async fn a_dispute_goes_before_what_is_only_told() {
    let (mut env, opportunity, invoice) = billed().await;
    env.expect_dead_letters();
    env.sandbox.salesforce.with(|org| org.spend_api_calls(env.now().as_millisecond(), 180 - org.api_calls_used()));
    allow(&env, 200);
    env.advance(SignedDuration::from_mins(30));
    env.pay_by_card(&invoice).await;
    env.settle().await;
    env.sandbox.stripe.with(|stripe| stripe.dispute(&invoice));
    env.deliver().await;
    env.work(10).await;
    assert_eq!(
        (standing(&env, &opportunity)[3].clone(), parked(&env)),
        (json!(true), vec!["payment_disputed".to_owned()])
    );
}
