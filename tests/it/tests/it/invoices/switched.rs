//! Each is followed or not.

use super::*;

/// What is off is neither told nor asked of Stripe, wherever it is heard of.
#[tokio::test]
async fn what_is_not_followed_leaves_no_trace() {
    let (env, opportunity, invoice) =
        billed_with(Options { permissions: PERMISSIONS.to_vec(), ..following(Followed::nothing()) }).await;
    env.pay_by_card(&invoice).await;
    env.settle().await;
    env.clear_calls();
    env.stripe_post("/v1/refunds", &format!("charge={}&amount=100", charge(&env))).await;
    env.stripe_post("/v1/credit_notes", &format!("invoice={invoice}&amount=100&credit_amount=100&reason=order_change"))
        .await;
    let account = env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
    let customer = env.record("Account", &account)["Stripe_Customer_Id__c"].as_str().unwrap().to_owned();
    env.stripe_delete(&format!("/v1/customers/{customer}"));
    env.settle().await;
    assert!(env.stripe_calls().is_empty() && env.salesforce_calls().is_empty(), "{:?}", env.stripe_calls());
    assert_eq!(standing(&env, &opportunity), json!([null, null, null, false]));
    assert!(env.sqs.dead_letters().is_empty());
}

/// One alone: what else becomes of the invoice wakes nobody; and what wakes somebody is told whole.
#[tokio::test]
async fn one_alone_is_followed() {
    let (env, opportunity, invoice) = billed_with(following(Followed::parse("charge.refunded").unwrap())).await;
    assert_eq!(standing(&env, &opportunity)[0], Value::Null);
    env.stripe_post("/v1/credit_notes", &format!("invoice={invoice}&amount=1000&reason=order_change")).await;
    env.settle().await;
    assert_eq!(standing(&env, &opportunity), json!([null, null, null, false]));
    env.pay_by_card(&invoice).await;
    env.settle().await;
    env.stripe_post("/v1/refunds", &format!("charge={}&amount=100", charge(&env))).await;
    env.settle().await;
    assert_eq!(standing(&env, &opportunity), json!(["paid", 10.0, 1.0, false]));
}

/// What closes the case of an invoice is let in, and shows nothing where it is not followed.
#[tokio::test]
async fn a_void_invoice_closes_its_case_and_says_no_more() {
    let (env, opportunity, invoice) = billed_with(following(Followed::parse("charge.refunded").unwrap())).await;
    env.sandbox.stripe.with(|stripe| stripe.attempt_fails(&invoice, "InsufficientFunds", None));
    env.settle().await;
    env.stripe_post(&format!("/v1/invoices/{invoice}/void"), "").await;
    env.settle().await;
    let cases = env.sandbox.salesforce.with(|org| org.records("Case"));
    assert_eq!((cases.len(), &cases[0]["IsClosed"]), (1, &json!(true)));
    assert_eq!(standing(&env, &opportunity)[0], Value::Null);
}

/// A field that is shown must be one that may be written, which is asked before anything is at Stripe.
#[tokio::test]
async fn a_deal_is_refused_where_a_field_of_it_may_not_be_written() {
    for (followed, code) in [(Followed::everything(), json!("field_not_editable")), (Followed::nothing(), Value::Null)]
    {
        let mut env = Env::with(following(followed)).await;
        env.expect_dead_letters();
        env.sandbox.salesforce.with(|org| org.grant("Opportunity", "Stripe_Invoice_Status__c", Some(false)));
        let opportunity = env.opportunity_won(&Deal::three_lines()).await;
        env.settle().await;
        assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], code);
    }
}

/// What is scheduled for a subscription is a change of it, whatever its schedule calls it.
#[tokio::test]
async fn a_schedule_is_about_its_subscription() {
    let options = subscribing();
    let env = Env::with(options).await;
    let opportunity = crate::subscriptions::won(&env, &crate::subscriptions::day(&env, 0)).await;
    env.settle().await;
    let subscription =
        env.record("Opportunity", &opportunity)["Stripe_Subscription_Id__c"].as_str().unwrap().to_owned();
    env.advance(SignedDuration::from_hours(1));
    env.clear_calls();
    env.stripe_post("/v1/subscription_schedules", &format!("from_subscription={subscription}")).await;
    env.settle().await;
    let calls = env.stripe_calls();
    assert!(calls.contains(&format!("GET /v1/subscriptions/{subscription}")), "{calls:?}");
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Subscription_Status__c"], "active");
}
