//! A paid invoice marks its opportunity paid.

use it::{Deal, Env};
use jiff::SignedDuration;
use serde_json::json;

#[tokio::test]
async fn the_opportunity_says_that_it_is_paid_and_when() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], false);
    env.advance(SignedDuration::from_hours(49));
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.pay(&invoice).await;
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!((&record["Payment_Received__c"], &record["Paid_Date__c"]), (&json!(true), &json!("2026-11-25")));
}

#[tokio::test]
async fn a_second_event_for_the_same_payment_writes_nothing() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.pay(&invoice).await;
    let deliveries = env.sandbox.stripe.take_deliveries();
    for delivery in &deliveries {
        env.post(delivery).await;
    }
    env.settle().await;
    let modified = env.record("Opportunity", &opportunity)["SystemModstamp"].clone();
    env.clear_calls();
    env.advance(SignedDuration::from_secs(60));
    for delivery in &deliveries {
        env.post(delivery).await;
    }
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["SystemModstamp"], modified);
    assert_eq!(env.salesforce_calls(), [""; 0]);
}

#[tokio::test]
async fn an_invoice_that_is_not_ours_is_ignored_without_a_trace() {
    let env = Env::start().await;
    let customer = env.stripe_post("/v1/customers", "name=Somebody&email=a@b.example").await;
    let customer = customer["id"].as_str().unwrap();
    let invoice = env.stripe_post("/v1/invoices", &format!("customer={customer}&currency=usd")).await;
    let invoice = invoice["id"].as_str().unwrap();
    env.stripe_post(&format!("/v1/invoices/{invoice}/add_lines"), "lines[0][amount]=500&lines[0][description]=x").await;
    env.stripe_post(&format!("/v1/invoices/{invoice}/finalize"), "").await;
    env.pay(invoice).await;
    env.settle().await;
    assert_eq!(env.aws.items(), [json!(null); 0]);
    assert_eq!(env.salesforce_calls(), [""; 0]);
}

#[tokio::test]
async fn a_payment_that_overtakes_the_write_back_waits_for_it() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    // Salesforce is down just when the ids are to be written back.
    let outage = sandbox::FaultRule::once("POST", "/services/data/**", sandbox::Fault::UnavailableHtml);
    env.sandbox.salesforce.inject(outage.body_contains("PATCH").times(3));
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.pay(&invoice).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], false);
    env.settle_for_days().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
}

#[tokio::test]
async fn a_payment_that_is_never_linked_becomes_a_persons_business() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.update("Opportunity", &opportunity, json!({ "Stripe_Invoice_Id__c": null }));
    env.pay(&invoice).await;
    env.settle_for_days().await;
    assert_eq!(env.sqs.dead_letters()[0]["parked"]["code"], "invoice_not_linked");
    // Another event about it does not make it wait for another day, nor tell anybody twice.
    let organization = env.worker.engine.scope.organization_id.clone();
    let occurred_at = env.now();
    let event = domain::Event::InvoicePaid { invoice_id: domain::InvoiceId::parse(&invoice).unwrap(), occurred_at };
    let again = queue::Envelope::new("evt_again", queue::Source::StripeWebhook, event, env.now());
    env.sqs.put(&again.to_json());
    env.settle().await;
    let run = env.ledger().run(&format!("run#{organization}:{invoice}:invoice_paid:1")).await.unwrap().unwrap();
    assert_eq!(run.status, "review");
    assert_eq!(env.sqs.dead_letters().len(), 1);
    // Somebody mends it and sends the event again.
    env.update("Opportunity", &opportunity, json!({ "Stripe_Invoice_Id__c": invoice }));
    env.sqs.redrive();
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
    assert!(env.sqs.dead_letters().is_empty());
}
