//! What Stripe and Salesforce say now, against what an event said once.

use it::{Deal, Env, http_event};
use jiff::SignedDuration;
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use super::{billed_once, died_after, note};

/// F14. A draft that was left with automatic advancement was finalized by Stripe an hour later, as it happened to be.
#[tokio::test]
async fn f14_a_draft_that_is_left_alone_stays_a_draft() {
    let (env, opportunity) = died_after("/add_lines").await;
    // One of somebody else's beside it, to see that Stripe does what is feared.
    let customer = env.invoices()[0]["customer"].as_str().unwrap().to_owned();
    let body = format!("customer={customer}&currency=usd&auto_advance=true");
    let theirs = env.stripe_post("/v1/invoices", &body).await["id"].as_str().unwrap().to_owned();
    let line = "lines[0][amount]=500&lines[0][description]=x";
    env.stripe_post(&format!("/v1/invoices/{theirs}/add_lines"), line).await;
    env.advance(SignedDuration::from_hours(72));
    env.sandbox.stripe.take_deliveries();
    for invoice in env.invoices() {
        let expected = if invoice["id"] == theirs.as_str() { "open" } else { "draft" };
        assert_eq!(invoice["status"], expected, "after three days");
    }
    env.stripe_post(&format!("/v1/invoices/{theirs}/void"), "").await;
    env.settle_for_days().await;
    let ours = env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"].clone();
    let ours = env.invoices().into_iter().find(|invoice| invoice["id"] == ours).unwrap();
    assert_eq!((&ours["status"], &ours["total"]), (&json!("open"), &json!(11_000)));
}

/// F14, the answer: a draft that would advance by itself is not ours to send, whoever made it so.
#[tokio::test]
async fn f14_a_draft_that_advances_by_itself_is_taken_away() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/invoices/*/send", Fault::UnavailableHtml));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let draft = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/invoices/{draft}"), "auto_advance=true").await;
    env.clear_calls();
    env.settle_for_days().await;
    assert_eq!(note(&env, &opportunity), "invoice_differs_from_deal");
    assert!(!env.stripe_calls().iter().any(|call| call.ends_with("/send")), "{:?}", env.stripe_calls());
    assert_eq!(env.invoices(), [Value::Null; 0]);
}

/// F15. The event that everything waited for was never made.
#[tokio::test]
async fn f15_what_no_event_tells_is_seen_in_the_object() {
    let env = Env::start().await;
    assert!(env.reconcile(engine::PassKind::Sweep).await.is_finished);
    // Neither does the callout leave,
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.sandbox.salesforce.take_deliveries();
    env.advance(SignedDuration::from_mins(16));
    assert!(env.reconcile(engine::PassKind::Sweep).await.is_finished);
    env.settle().await;
    let invoice = billed_once(&env, &opportunity, "found in Salesforce");
    // nor is the payment's event in any list.
    env.pay(&invoice).await;
    env.sandbox.stripe.take_deliveries();
    env.sandbox.stripe.with(|stripe| stripe.forget_events("invoice.paid"));
    env.advance(SignedDuration::from_mins(16));
    assert!(env.reconcile(engine::PassKind::Sweep).await.is_finished);
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true, "found in the invoice");
}

/// What Stripe would send about this invoice, with whatever its snapshot says.
async fn told(env: &Env, id: &str, event_type: &str, snapshot: Value) {
    let event = json!({
        "id": id, "object": "event", "type": event_type, "livemode": false, "created": env.now().as_second(),
        "api_version": "2026-10-28.endive", "data": { "object": snapshot },
    });
    let body = event.to_string();
    let signature = stripe::signature::sign(&env.stripe_door.secrets.current, body.as_bytes(), env.now());
    let headers = [("content-type".to_owned(), "application/json".to_owned()), ("stripe-signature".into(), signature)];
    let reply = env.call_stripe(&http_event("POST", "/stripe/webhook", &headers, body.as_bytes())).await;
    assert_eq!(reply.status, 200);
    env.settle().await;
}

/// F16. An event that came late, or in the wrong order, overwrote what was true meanwhile.
#[tokio::test]
async fn f16_an_old_snapshot_changes_nothing() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = billed_once(&env, &opportunity, "at first");
    let snapshot =
        |status: &str| json!({ "id": invoice, "object": "invoice", "status": status, "paid": status == "paid" });
    // Paid, it says, and the invoice does not.
    told(&env, "evt_1", "invoice.paid", snapshot("paid")).await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], false);
    env.pay(&invoice).await;
    env.settle_for_days().await;
    let paid = env.record("Opportunity", &opportunity);
    assert_eq!(paid["Payment_Received__c"], true);
    // Open, it says, and that was yesterday.
    for (id, event_type) in [("evt_2", "invoice.paid"), ("evt_3", "invoice.finalized"), ("evt_4", "invoice.updated")] {
        env.advance(SignedDuration::from_hours(12));
        told(&env, id, event_type, snapshot("open")).await;
        assert_eq!(env.record("Opportunity", &opportunity), paid, "{event_type}");
    }
}

/// F16, at the other door: the callout was made when the deal was another one.
#[tokio::test]
async fn f16_a_late_callout_bills_the_deal_as_it_is_now() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::with_lines(1, "USD")).await;
    let callout = env.sandbox.salesforce.take_deliveries().remove(0);
    let line = env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem")).remove(0);
    env.update("OpportunityLineItem", line["Id"].as_str().unwrap(), json!({ "Quantity": 11 }));
    env.post(&callout).await;
    env.settle().await;
    billed_once(&env, &opportunity, "eleven at ten dollars");
    // The callout once more, now that the deal is billed.
    let record = env.record("Opportunity", &opportunity);
    env.advance(SignedDuration::from_secs(200));
    env.post(&callout).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity), record);
}
