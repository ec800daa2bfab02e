//! Deals whose invoice is charged to the customer's payment method, where it has one.

use it::{Deal, Env, Options};
use jiff::SignedDuration;
use mapping::{Collection, Subscriptions};
use sandbox::Fault;
use serde_json::{Value, json};

use crate::crashes::settle_over_deaths;

async fn charging() -> Env {
    Env::with(Options { collection: Collection::ChargeAutomatically, ..Options::default() }).await
}

/// An account whose customer has a card, or none, and its second deal.
async fn second_deal(card: Option<&str>) -> (Env, String) {
    let env = charging().await;
    let first = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = env.invoices().remove(0);
    assert_eq!(invoice["collection_method"], "send_invoice", "a new customer has no payment method");
    env.stripe_post(&format!("/v1/invoices/{}/void", invoice["id"].as_str().unwrap()), "").await;
    env.settle().await;
    let customer = invoice["customer"].as_str().unwrap().to_owned();
    if let Some(card) = card {
        let body = format!("invoice_settings[default_payment_method]={card}");
        env.stripe_post(&format!("/v1/customers/{customer}"), &body).await;
    }
    let account = env.record("Opportunity", &first)["AccountId"].as_str().unwrap().to_owned();
    let deal = Deal::negotiated("100", 10_000, "80", "3");
    let opportunity = env.enter_for(&account, &deal).await;
    env.settle().await;
    env.clear_calls();
    env.close(&opportunity);
    env.fuse.count_anew();
    (env, opportunity)
}

fn billed(env: &Env, opportunity: &str) -> Value {
    let record = env.record("Opportunity", opportunity);
    let invoices = env.invoices_that_count();
    assert_eq!(invoices.len(), 1, "{invoices:?}");
    let invoice = &invoices[0];
    assert_eq!(record["Stripe_Invoice_Id__c"], invoice["id"]);
    json!([invoice["status"], invoice["collection_method"], invoice["total"], record["Payment_Received__c"]])
}

#[tokio::test]
async fn a_customer_with_a_card_is_charged() {
    let (env, opportunity) = second_deal(Some("pm_card_visa")).await;
    env.settle().await;
    assert_eq!(billed(&env, &opportunity), json!(["paid", "charge_automatically", 24_000, true]));
    let invoice = env.invoices_that_count().remove(0);
    assert_eq!((&invoice["due_date"], &invoice["amount_paid"]), (&Value::Null, &json!(24_000)));
    let calls = env.stripe_calls_but_for_prices();
    assert!(calls.iter().any(|call| call.ends_with("/finalize")), "{calls:?}");
    assert!(!calls.iter().any(|call| call.ends_with("/send")), "{calls:?}");
    assert_eq!(
        calls.len(),
        6,
        "of a deal whose customer is known three, one for the card, its payment's look, and one whether it is a part: {calls:?}"
    );
}

/// It gets an invoice to pay, as it always did.
#[tokio::test]
async fn a_customer_without_one_is_sent_the_invoice() {
    let (env, opportunity) = second_deal(None).await;
    env.settle().await;
    assert_eq!(billed(&env, &opportunity), json!(["open", "send_invoice", 24_000, false]));
    assert_ne!(env.invoices_that_count()[0]["due_date"], Value::Null);
}

/// The invoice stays open, is named, and can be paid on its page.
#[tokio::test]
async fn a_card_that_is_declined_leaves_the_invoice_open() {
    let (env, opportunity) = second_deal(Some("pm_card_chargeDeclined")).await;
    env.settle().await;
    assert_eq!(billed(&env, &opportunity), json!(["open", "charge_automatically", 24_000, false]));
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], Value::Null);
    let id = env.invoices_that_count()[0]["id"].as_str().unwrap().to_owned();
    env.pay_by_card(&id).await;
    env.settle().await;
    assert_eq!(billed(&env, &opportunity), json!(["paid", "charge_automatically", 24_000, true]));
}

/// Somebody sets the draft to be sent while it is filled: nobody is billed in a way that was not meant, and a person is told.
#[tokio::test]
async fn a_draft_whose_collection_somebody_changed_is_taken_away() {
    let (mut env, opportunity) = second_deal(Some("pm_card_visa")).await;
    env.expect_dead_letters();
    env.sandbox
        .stripe
        .inject(sandbox::FaultRule::once("POST", "/v1/invoices/*/add_lines", Fault::RateLimited).times(3));
    env.deliver().await;
    env.work(1).await;
    let draft = env.invoices().into_iter().find(|invoice| invoice["status"] == "draft").unwrap();
    let path = format!("/v1/invoices/{}", draft["id"].as_str().unwrap());
    env.stripe_post(&path, "collection_method=send_invoice&days_until_due=5").await;
    env.settle_for_days().await;
    let code = || env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"].clone();
    assert_eq!((code(), env.invoices_that_count()), (json!("invoice_differs_from_deal"), vec![]));
    env.sqs.redrive();
    env.settle_for_days().await;
    assert_eq!(
        (code(), billed(&env, &opportunity)),
        (Value::Null, json!(["paid", "charge_automatically", 24_000, true]))
    );
    assert_ne!(env.invoices_that_count()[0]["id"], draft["id"]);
}

/// Stripe would charge a subscription's first invoice before anybody could look at it.
#[tokio::test]
async fn a_subscriptions_first_invoice_is_sent_all_the_same() {
    let deal = Deal::three_lines();
    let settings =
        |subscriptions| Options { collection: Collection::ChargeAutomatically, subscriptions, ..Options::default() };
    let env = Env::with(settings(Subscriptions::ClosedWon)).await;
    let opportunity = env.opportunity_won(&deal).await;
    env.settle().await;
    assert_eq!(billed(&env, &opportunity)[1], "send_invoice");
}

async fn with_card() -> (Env, String) {
    second_deal(Some("pm_card_visa")).await
}

#[tokio::test]
async fn dying_while_it_is_charged_is_the_same_story() {
    for wait in [SignedDuration::from_secs(400), SignedDuration::from_hours(25)] {
        let (undisturbed, opportunity) = with_card().await;
        undisturbed.settle().await;
        let expected = billed(&undisturbed, &opportunity);
        for moment in 0..undisturbed.fuse.passed() {
            let (env, opportunity) = with_card().await;
            env.fuse.arm(moment);
            settle_over_deaths(&env, wait).await;
            assert_eq!(billed(&env, &opportunity), expected, "died at moment {moment}");
            assert_eq!(env.objects("charge").len(), 1, "died at moment {moment}");
        }
    }
}

#[tokio::test]
async fn answers_that_are_lost_while_it_is_charged_are_the_same_story() {
    for fault in [Fault::AnswerLost, Fault::ServerError] {
        for call in 0..8 {
            let (env, opportunity) = with_card().await;
            let rule = sandbox::FaultRule { method: None, ..sandbox::FaultRule::once("", "/**", fault.clone()) };
            env.sandbox.stripe.inject(rule.skip(call));
            env.settle_for_days().await;
            assert_eq!(
                billed(&env, &opportunity),
                json!(["paid", "charge_automatically", 24_000, true]),
                "call {call}"
            );
            assert_eq!(env.objects("charge").len(), 1, "call {call}");
        }
    }
}
