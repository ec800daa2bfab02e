//! Deals that are changed after their invoice was sent, where an unpaid one is voided and the deal billed anew.

use engine::PassKind;
use it::{Deal, Env, Options};
use jiff::SignedDuration;
use mapping::Amendments;
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::operator::changed;

/// A deal of 110 dollars that is billed.
pub async fn billed() -> (Env, String) {
    let env = Env::with(Options { amendments: Amendments::VoidAndReissue, ..Options::default() }).await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert_eq!(env.invoices()[0]["total"], 11_000);
    env.clear_calls();
    (env, opportunity)
}

/// Three of the first product, which costs ten dollars, instead of two.
pub fn amend(env: &Env, opportunity: &str) {
    set_quantity(env, opportunity, 3);
}

/// Somebody changes it a minute later, and Salesforce says so.
pub fn set_quantity(env: &Env, opportunity: &str, quantity: u32) {
    edit_line(env, quantity);
    env.sqs.put(&changed(env, &format!("changed_{}", env.clock.now_ms()), opportunity));
}

fn edit_line(env: &Env, quantity: u32) {
    let line = env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem")).remove(0);
    env.advance(SignedDuration::from_mins(1));
    env.update("OpportunityLineItem", line["Id"].as_str().unwrap(), json!({ "Quantity": quantity }));
}

/// Status, total and whether the opportunity names it, in the order in which they were made.
pub fn invoices(env: &Env, opportunity: &str) -> Vec<Value> {
    let named = env.record("Opportunity", opportunity)["Stripe_Invoice_Id__c"].clone();
    let mut invoices = env.invoices();
    invoices.sort_by_key(|invoice| (invoice["created"].as_i64(), invoice["number"].as_str().map(str::to_owned)));
    invoices.iter().map(|one| json!([one["status"], one["total"], one["id"] == named])).collect()
}

fn price_of_first_product(env: &Env) -> String {
    let product = env.sandbox.salesforce.with(|org| org.records("Product2")).remove(0);
    product["Stripe_Price_Id__c"].as_str().unwrap().to_owned()
}

pub fn code(env: &Env, opportunity: &str) -> Value {
    env.record("Opportunity", opportunity)["Stripe_Sync_Status__c"].clone()
}

#[tokio::test]
async fn an_unpaid_invoice_is_voided_and_the_deal_billed_anew() {
    let (env, opportunity) = billed().await;
    let first = env.record("Opportunity", &opportunity);
    amend(&env, &opportunity);
    env.settle().await;
    let expected = [json!(["void", 11_000, false]), json!(["open", 12_000, true])];
    assert_eq!((invoices(&env, &opportunity), code(&env, &opportunity)), (expected.to_vec(), Value::Null));
    let second = env.record("Opportunity", &opportunity);
    assert_ne!(first["Stripe_Invoice_URL__c"], second["Stripe_Invoice_URL__c"]);
    // What is void is void before anything takes its place.
    let calls: Vec<_> = env
        .stripe_calls_but_for_prices()
        .iter()
        .map(|call| call.replace(first["Stripe_Invoice_Id__c"].as_str().unwrap(), "in_1"))
        .collect();
    assert_eq!(calls[..3], ["GET /v1/invoices/in_1", "POST /v1/invoices/in_1/void", "POST /v1/invoices"], "{calls:?}");
    assert_eq!(calls.len(), 5, "a look, the void, and the three calls of a deal: {calls:?}");
    env.pay(env.invoices_that_count()[0]["id"].as_str().unwrap()).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
}

/// Salesforce's own triggers tell of a deal that is won, not of its lines: the reconciler sees that they were changed.
#[tokio::test]
async fn a_change_that_nobody_told_of_is_found() {
    let (env, opportunity) = billed().await;
    env.advance(SignedDuration::from_mins(16));
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    edit_line(&env, 3);
    env.advance(SignedDuration::from_mins(16));
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["void", 11_000, false]), json!(["open", 12_000, true])]);
    // And with that everything is in order.
    env.clear_calls();
    env.advance(SignedDuration::from_mins(16));
    env.reconcile(PassKind::Deep).await;
    env.settle().await;
    let writes: Vec<_> = env.stripe_calls().into_iter().filter(|call| call.starts_with("POST")).collect();
    assert_eq!((writes, env.invoices().len()), (vec![], 2));
}

#[tokio::test]
async fn a_deal_may_be_changed_again_and_again() {
    let (env, opportunity) = billed().await;
    for quantity in [3, 1, 2] {
        set_quantity(&env, &opportunity, quantity);
        env.settle().await;
    }
    let expected: Vec<_> = [(11_000, "void"), (12_000, "void"), (10_000, "void"), (11_000, "open")]
        .map(|(total, status)| json!([status, total, status == "open"]))
        .into();
    assert_eq!(invoices(&env, &opportunity), expected);
    // What does not change what is billed changes nothing.
    env.clear_calls();
    env.update("Opportunity", &opportunity, json!({ "Name": "A better name" }));
    env.sqs.put(&changed(&env, "renamed", &opportunity));
    env.settle().await;
    assert!(!env.salesforce_calls().is_empty(), "it was looked at");
    assert_eq!((invoices(&env, &opportunity), env.stripe_calls().len()), (expected, 0));
}

#[tokio::test]
async fn what_is_paid_is_not_voided_and_a_person_is_told() {
    // Paid when it is looked at, and paid between the look and the void.
    for is_late in [false, true] {
        let (mut env, opportunity) = billed().await;
        env.expect_dead_letters();
        let id = env.invoices()[0]["id"].as_str().unwrap().to_owned();
        let opportunity_changes = async |env: &Env| {
            amend(env, &opportunity);
            env.deliver().await;
        };
        if is_late {
            opportunity_changes(&env).await;
            let before_the_void = 14;
            env.fuse.count_anew();
            let others = async { env.pay(&id).await };
            env.stands_still_at(before_the_void, others).await;
            let calls = env.stripe_calls();
            assert!(calls.iter().any(|call| call.ends_with("/void")), "{calls:?}");
        } else {
            env.pay(&id).await;
            opportunity_changes(&env).await;
        }
        env.settle_for_days().await;
        assert_eq!(invoices(&env, &opportunity), [json!(["paid", 11_000, true])], "late: {is_late}");
        assert_eq!(code(&env, &opportunity), "deal_changed_after_billing");
        assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
        let message = env.record("Opportunity", &opportunity)["Stripe_Sync_Error__c"].clone();
        assert!(message.as_str().unwrap().contains("credit note"), "{message}");
        // Set back, it is the deal that was billed.
        set_quantity(&env, &opportunity, 2);
        env.settle().await;
        assert_eq!(code(&env, &opportunity), Value::Null);
    }
}

/// The invoice stays until there is something to take its place.
#[tokio::test]
async fn a_deal_that_cannot_be_billed_as_it_is_now_keeps_its_invoice() {
    let (mut env, opportunity) = billed().await;
    env.expect_dead_letters();
    let product = env.sandbox.salesforce.with(|org| org.records("Product2")).remove(0);
    env.update("Product2", product["Id"].as_str().unwrap(), json!({ "Stripe_Price_Id__c": null }));
    amend(&env, &opportunity);
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["open", 11_000, true])]);
    assert_eq!(code(&env, &opportunity), "deal_changed_after_billing");
    let message = env.record("Opportunity", &opportunity)["Stripe_Sync_Error__c"].clone();
    assert!(message.as_str().unwrap().contains("Stripe Price Id"), "it says what is to be mended: {message}");
    // A deal that is not won any more is not voided either: whether it is lost is for a person to say.
    let price = product["Stripe_Price_Id__c"].clone();
    env.update("Product2", product["Id"].as_str().unwrap(), json!({ "Stripe_Price_Id__c": price }));
    env.update("Opportunity", &opportunity, json!({ "StageName": "Negotiation/Review" }));
    env.sqs.put(&changed(&env, "reopened", &opportunity));
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["open", 11_000, true])]);
    let message = env.record("Opportunity", &opportunity)["Stripe_Sync_Error__c"].clone();
    assert!(message.as_str().unwrap().contains("set the deal back"), "{message}");
}

#[tokio::test]
async fn an_amendment_above_the_ceiling_waits_with_the_first_invoice_in_force() {
    let (mut env, opportunity) = billed().await;
    env.expect_dead_letters();
    env.operate(json!({ "ceiling_USD": { "N": "11999" } }));
    amend(&env, &opportunity);
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["open", 11_000, true])]);
    assert_eq!(code(&env, &opportunity), "approval_required");
    env.advance(SignedDuration::from_mins(1));
    env.update("Opportunity", &opportunity, json!({ "Stripe_Approved_Amount__c": 120 }));
    env.sqs.redrive();
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["void", 11_000, false]), json!(["open", 12_000, true])]);
    assert_eq!(code(&env, &opportunity), Value::Null);
}

#[tokio::test]
async fn what_a_person_voided_is_billed_anew_when_a_person_asks_for_it() {
    let (mut env, opportunity) = billed().await;
    env.expect_dead_letters();
    let id = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/invoices/{id}/void"), "").await;
    env.settle().await;
    assert_eq!(env.invoices().len(), 1, "by itself that is a decision");
    amend(&env, &opportunity);
    env.settle().await;
    // Whoever did it may have billed the deal by hand, so a person is asked, again and again.
    for _ in 0..2 {
        assert_eq!((env.invoices().len(), code(&env, &opportunity)), (1, json!("deal_changed_after_billing")));
        env.sqs.put(&changed(&env, &format!("changed_{}", env.clock.now_ms()), &opportunity));
        env.settle().await;
        env.advance(SignedDuration::from_mins(1));
    }
    env.sqs.redrive();
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["void", 11_000, false]), json!(["open", 12_000, true])]);
}

/// Written off by a person, or refused by Stripe: nothing is made in its place.
#[tokio::test]
async fn what_cannot_be_voided_is_not_replaced() {
    for is_written_off in [true, false] {
        let (mut env, opportunity) = billed().await;
        env.expect_dead_letters();
        let id = env.invoices()[0]["id"].as_str().unwrap().to_owned();
        if is_written_off {
            env.stripe_post(&format!("/v1/invoices/{id}/mark_uncollectible"), "").await;
        } else {
            let error = json!({ "type": "invalid_request_error", "message": "No." });
            let refusal = Fault::Status { status: 400, body: json!({ "error": error }).to_string() };
            env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/invoices/*/void", refusal));
        }
        amend(&env, &opportunity);
        env.settle_for_days().await;
        let (status, code_expected) = match is_written_off {
            true => ("uncollectible", "deal_changed_after_billing"),
            false => ("open", "stripe_refused"),
        };
        assert_eq!(invoices(&env, &opportunity), [json!([status, 11_000, true])]);
        assert_eq!(code(&env, &opportunity), code_expected);
        // A person voids it, and sends the event again.
        env.stripe_post(&format!("/v1/invoices/{id}/void"), "").await;
        env.sqs.redrive();
        env.settle_for_days().await;
        assert_eq!(invoices(&env, &opportunity), [json!(["void", 11_000, false]), json!(["open", 12_000, true])]);
    }
}

/// What was credited would be asked for again, and what came by another way would be asked for twice.
#[tokio::test]
async fn what_is_credited_or_ticked_as_paid_is_not_voided() {
    for is_credited in [true, false] {
        let (mut env, opportunity) = billed().await;
        env.expect_dead_letters();
        let id = env.invoices()[0]["id"].as_str().unwrap().to_owned();
        match is_credited {
            true => drop(env.stripe_post("/v1/credit_notes", &format!("invoice={id}&amount=2000")).await),
            false => env.update("Opportunity", &opportunity, json!({ "Payment_Received__c": true })),
        }
        amend(&env, &opportunity);
        env.settle().await;
        assert_eq!(invoices(&env, &opportunity), [json!(["open", 11_000, true])], "credited: {is_credited}");
        assert_eq!(code(&env, &opportunity), "deal_changed_after_billing");
    }
}

/// The deal is lost while the request that voids its invoice is under way: that it has none any more is said.
#[tokio::test]
async fn a_deal_that_is_lost_while_its_invoice_is_voided_comes_before_a_person() {
    let (mut env, opportunity) = billed().await;
    env.expect_dead_letters();
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/invoices/*/void", Fault::AnswerLost));
    amend(&env, &opportunity);
    env.work(1).await;
    env.update("Opportunity", &opportunity, json!({ "StageName": "Closed Lost" }));
    env.settle_for_days().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["void", 11_000, true])]);
    assert_eq!(code(&env, &opportunity), "deal_changed_after_billing");
    assert_eq!(env.sqs.dead_letters().len(), 1);
    // A person agrees.
    env.update("Opportunity", &opportunity, json!({ "Stripe_Invoice_Id__c": null }));
    env.sqs.redrive();
    env.settle().await;
    assert_eq!((env.sqs.dead_letters().len(), env.invoices().len()), (0, 1));
}

/// Stripe was away for a day before the invoice could be voided, and the deal was set back meanwhile.
#[tokio::test]
async fn a_void_that_never_arrived_is_thought_over_after_a_day() {
    let (env, opportunity) = billed().await;
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/invoices/*/void", Fault::UnavailableHtml));
    amend(&env, &opportunity);
    env.work(1).await;
    edit_line(&env, 2);
    env.advance(SignedDuration::from_hours(25));
    env.settle_for_days().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["open", 11_000, true])]);
    assert_eq!(code(&env, &opportunity), Value::Null);
}

/// What only Stripe knows of the deal's products is asked before the void: the invoice stays until they can be billed.
#[tokio::test]
async fn a_deal_whose_price_is_archived_keeps_its_invoice_until_that_is_mended() {
    let (mut env, opportunity) = billed().await;
    env.expect_dead_letters();
    let price = price_of_first_product(&env);
    env.stripe_post(&format!("/v1/prices/{price}"), "active=false").await;
    amend(&env, &opportunity);
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["open", 11_000, true])]);
    assert_eq!(code(&env, &opportunity), "deal_changed_after_billing");
    let message = env.record("Opportunity", &opportunity)["Stripe_Sync_Error__c"].clone();
    assert!(message.as_str().unwrap().contains(&format!("{price} is archived")), "{message}");
    env.stripe_post(&format!("/v1/prices/{price}"), "active=true").await;
    env.sqs.redrive();
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["void", 11_000, false]), json!(["open", 12_000, true])]);
    assert_eq!(code(&env, &opportunity), Value::Null);
}

/// The void is done, and then the deal cannot be billed any more: it says that it has no invoice.
#[tokio::test]
async fn a_deal_that_stripe_does_not_take_any_more_says_that_its_invoice_is_void() {
    let (mut env, opportunity) = billed().await;
    env.expect_dead_letters();
    let price = price_of_first_product(&env);
    amend(&env, &opportunity);
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/invoices/*/void", Fault::AnswerLost));
    env.deliver().await;
    env.work(1).await;
    env.stripe_post(&format!("/v1/prices/{price}"), "active=false").await;
    env.settle_for_days().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["void", 11_000, true])]);
    assert_eq!(code(&env, &opportunity), "lines_not_billable");
    let message = env.record("Opportunity", &opportunity)["Stripe_Sync_Error__c"].clone();
    assert!(message.as_str().unwrap().contains("is void or credited, and the customer has no other"), "{message}");
}

/// The account's new customer, if the deal moves before it is paid.
#[tokio::test]
async fn a_deal_that_moves_to_another_account_is_billed_to_that() {
    let (env, opportunity) = billed().await;
    let other =
        env.account(&Deal { account: "Other".into(), email: Some("ap@other.example".into()), ..Deal::three_lines() });
    env.advance(SignedDuration::from_mins(1));
    env.update("Opportunity", &opportunity, json!({ "AccountId": other }));
    env.sqs.put(&changed(&env, "moved", &opportunity));
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["void", 11_000, false]), json!(["open", 11_000, true])]);
    let customer = env.invoices_that_count()[0]["customer"].clone();
    assert_eq!(env.record("Account", &other)["Stripe_Customer_Id__c"], customer);
}

mod interrupted;
pub use interrupted::just_amended;
