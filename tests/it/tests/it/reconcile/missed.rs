//! Events that never came.

use engine::PassKind;
use it::{Deal, Env};
use jiff::SignedDuration;
use sandbox::{Fault, FaultRule};
use serde_json::json;

use super::{billed_once, causes, swept};

/// A quarter of an hour passes, as it does between two sweeps.
fn later(env: &Env) {
    env.advance(SignedDuration::from_mins(16));
}

#[tokio::test]
async fn nothing_is_asked_for_where_nothing_was_missed() {
    let env = Env::start().await;
    assert_eq!(swept(&env).await.requeued, 0);
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = billed_once(&env, &opportunity);
    later(&env);
    assert_eq!(swept(&env).await.requeued, 0);
    env.pay(&invoice).await;
    env.settle().await;
    later(&env);
    // The payment changed the deal, and nobody has looked since whether that was all. It is looked once.
    let modified = env.record("Opportunity", &opportunity)["SystemModstamp"].clone();
    assert_eq!(swept(&env).await.requeued, 1);
    assert_eq!(env.record("Opportunity", &opportunity)["SystemModstamp"], modified, "nothing was written");
    later(&env);
    let reconciled = swept(&env).await;
    assert_eq!((reconciled.requeued, reconciled.orphans_deleted, causes(&reconciled)), (0, 0, vec![]));
}

#[tokio::test]
async fn a_callout_that_never_left_is_made_up_for() {
    let env = Env::start().await;
    swept(&env).await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.sandbox.salesforce.take_deliveries();
    later(&env);
    assert_eq!(swept(&env).await.requeued, 1);
    billed_once(&env, &opportunity);
    later(&env);
    assert_eq!(swept(&env).await.requeued, 0, "once is enough");
}

#[tokio::test]
async fn a_purged_queue_is_brought_home() {
    let env = Env::start().await;
    swept(&env).await;
    // One deal is in the middle of its work, one was never begun, and a payment is on its way.
    let paid = env.opportunity_won(&Deal::with_lines(1, "USD")).await;
    env.settle().await;
    let invoice = billed_once(&env, &paid);
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/invoices/*/add_lines", Fault::ServerError));
    let begun = env.opportunity_won(&Deal { account: "Begun".into(), ..Deal::three_lines() }).await;
    env.settle().await;
    let untouched = env.opportunity_won(&Deal { account: "Untouched".into(), ..Deal::three_lines() }).await;
    env.pay(&invoice).await;
    env.deliver().await;
    assert_eq!(env.sqs.work().len(), 3);
    env.sqs.purge();
    for _ in 0..3 {
        later(&env);
        swept(&env).await;
    }
    assert_eq!(env.record("Opportunity", &paid)["Payment_Received__c"], true);
    for opportunity in [&paid, &begun, &untouched] {
        assert_ne!(env.record("Opportunity", opportunity)["Stripe_Invoice_Id__c"], json!(null));
    }
    assert_eq!(env.invoices().len(), 3);
    assert!(env.invoices().iter().all(|invoice| invoice["status"] != "draft"));
}

#[tokio::test]
async fn a_payment_event_that_never_arrived_is_found_in_stripes_list() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    swept(&env).await;
    let invoice = billed_once(&env, &opportunity);
    env.pay(&invoice).await;
    env.sandbox.stripe.take_deliveries();
    later(&env);
    let event = env.objects("event").into_iter().find(|event| event["type"] == "invoice.paid").unwrap();
    let reconciled = env.reconcile(PassKind::Sweep).await;
    assert!(reconciled.is_finished && reconciled.requeued > 0);
    let ids: Vec<String> = env.sqs.work().iter().map(|message| message.body.clone()).collect();
    assert!(ids.iter().any(|body| body.contains(event["id"].as_str().unwrap())), "under the event's own id: {ids:?}");
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
}

#[tokio::test]
async fn a_payment_event_that_was_never_made_is_found_in_the_invoice() {
    for (wait, kind) in
        [(SignedDuration::from_mins(16), PassKind::Sweep), (SignedDuration::from_hours(480), PassKind::Deep)]
    {
        let env = Env::start().await;
        let opportunity = env.opportunity_won(&Deal::three_lines()).await;
        env.settle().await;
        let invoice = billed_once(&env, &opportunity);
        env.advance(wait);
        env.pay(&invoice).await;
        env.sandbox.stripe.with(|stripe| stripe.forget_events("invoice.paid"));
        env.settle().await;
        assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], false);
        let reconciled = env.reconcile(kind).await;
        assert!(reconciled.is_finished, "{:?}", reconciled.pauses);
        env.settle().await;
        assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true, "{kind:?}");
        later(&env);
        assert_eq!(causes(&swept(&env).await), [""; 0]);
    }
}

/// It was said once. Somebody took it away, and that is told, not fought.
#[tokio::test]
async fn a_payment_that_somebody_unticked_is_told_and_not_marked_again() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    env.pay(&billed_once(&env, &opportunity)).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
    env.update("Opportunity", &opportunity, json!({ "Payment_Received__c": false }));
    env.sandbox.salesforce.take_deliveries();
    for kind in [PassKind::Sweep, PassKind::Deep] {
        later(&env);
        let reconciled = env.reconcile(kind).await;
        env.settle().await;
        assert_eq!(causes(&reconciled), ["paid_not_marked"], "{kind:?}");
    }
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], false);
}

#[tokio::test]
async fn an_edit_of_a_billed_deal_that_nobody_told_of_comes_before_a_person() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    swept(&env).await;
    later(&env);
    let line = env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem")).remove(0);
    env.update("OpportunityLineItem", line["Id"].as_str().unwrap(), json!({ "Quantity": 9 }));
    env.sandbox.salesforce.take_deliveries();
    later(&env);
    swept(&env).await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], "deal_changed_after_billing");
    assert_eq!(env.sqs.dead_letters().len(), 1);
    for _ in 0..3 {
        later(&env);
        swept(&env).await;
    }
    assert_eq!(env.sqs.dead_letters().len(), 1, "a person is told once");
}

#[tokio::test]
async fn a_deal_that_was_lost_after_it_was_billed_and_nobody_told_of_is_found_by_its_invoice() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    later(&env);
    env.update("Opportunity", &opportunity, json!({ "StageName": "Closed Lost" }));
    env.sandbox.salesforce.take_deliveries();
    later(&env);
    swept(&env).await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], "deal_changed_after_billing");
}

#[tokio::test]
async fn deals_that_were_won_before_the_reconciler_was_there_are_left_alone() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.sandbox.salesforce.take_deliveries();
    env.advance(SignedDuration::from_hours(3));
    swept(&env).await;
    later(&env);
    // A bulk load touches every record of the organization.
    env.update("Opportunity", &opportunity, json!({ "NextStep": "migrated" }));
    env.sandbox.salesforce.take_deliveries();
    later(&env);
    assert_eq!(swept(&env).await.requeued, 0);
    assert_eq!(env.invoices().len(), 0);
}

#[tokio::test]
async fn a_ledger_that_was_restored_gets_back_what_it_had_forgotten() {
    let env = Env::start().await;
    swept(&env).await;
    let backup = env.aws.items();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = billed_once(&env, &opportunity);
    env.aws.restore(&backup);
    env.advance(SignedDuration::from_hours(12));
    env.operate(json!({ "epoch": { "N": "1" } }));
    for _ in 0..3 {
        later(&env);
        swept(&env).await;
    }
    assert_eq!(billed_once(&env, &opportunity), invoice);
    let deal = domain::OpportunityId::parse(&opportunity).unwrap();
    let organization_id = env.worker.engine.scope.organization_id.clone();
    let key = workflow::RunId::OpportunityWon { organization_id, opportunity_id: deal }.to_string();
    let run = env.ledger().run(&key).await.unwrap().expect("it is there again");
    assert_eq!(run.run.invoice_id().map(ToString::to_string), Some(invoice));
}

#[tokio::test]
async fn nothing_of_a_persons_own_is_touched() {
    let env = Env::start().await;
    swept(&env).await;
    let customer = env.stripe_post("/v1/customers", "name=Somebody&email=a@b.example").await;
    let customer = customer["id"].as_str().unwrap();
    for _ in 0..2 {
        let invoice = env.stripe_post("/v1/invoices", &format!("customer={customer}&currency=usd")).await;
        let invoice = invoice["id"].as_str().unwrap();
        let line = "lines[0][amount]=500&lines[0][description]=x";
        env.stripe_post(&format!("/v1/invoices/{invoice}/add_lines"), line).await;
    }
    let sent = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/invoices/{sent}/finalize"), "").await;
    env.pay(&sent).await;
    env.stripe_post("/v1/customers", "name=Unused&email=a@b.example").await;
    env.sandbox.stripe.take_deliveries();
    let before = (env.invoices(), env.objects("customer"));
    env.advance(SignedDuration::from_hours(2));
    for kind in [PassKind::Sweep, PassKind::Deep] {
        let reconciled = env.reconcile(kind).await;
        assert!(reconciled.is_finished);
        assert_eq!((reconciled.requeued, reconciled.orphans_deleted, causes(&reconciled)), (0, 0, vec![]));
    }
    assert_eq!((env.invoices(), env.objects("customer")), before);
}

/// It was given back while another deal of its account held the customer, once and again, and then its message was purged.
/// What it waited for ended long ago, so it is not left for hours.
#[tokio::test]
async fn a_deal_that_waited_for_its_accounts_customer_comes_home_with_the_next_sweep() {
    use domain::{AccountId, BillingEmail};
    use workflow::{Run, RunId, State, account_customer};

    let env = Env::start().await;
    swept(&env).await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    let account_id = env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
    let account_id = AccountId::parse(&account_id).unwrap();
    let organization_id = env.worker.engine.scope.organization_id.clone();
    let id =
        RunId::AccountCustomer { organization_id, account_id: account_id.clone(), livemode: false, currency: None };
    let email = BillingEmail::parse("ap@acme.example").unwrap();
    let details = mapping::CustomerDetails::new("Acme".into(), email);
    let point = account_customer::Point::new(account_id, details, None, None);
    let lease_until = env.now().checked_add(SignedDuration::from_mins(30)).unwrap();
    let (owner, reopen) = ("another".to_owned(), ledger::Reopen::Always);
    let claim = ledger::Claim { owner, reopen, now: env.now(), lease_until, restored: None };
    env.ledger().begin(Run::new(id, State::AccountCustomer(point)), &claim).await.unwrap();
    env.deliver().await;
    for _ in 0..6 {
        while env.work(1).await != it::Worked::Nothing {}
        env.advance(SignedDuration::from_mins(4));
    }
    env.sqs.purge();
    env.advance(SignedDuration::from_mins(10));
    swept(&env).await;
    billed_once(&env, &opportunity);
}

/// A person mends a deal at the very moment at which its refusal is written down, and no event tells of it.
#[tokio::test]
async fn a_deal_that_was_mended_while_it_was_being_refused_is_billed() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    swept(&env).await;
    let opportunity = env.opportunity_won(&Deal { country: "Narnia".into(), ..Deal::three_lines() }).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], "billing_country_unknown");
    let account = env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
    // The clock stands still: to whoever compares times, nothing has changed since the refusal.
    env.update("Account", &account, json!({ "BillingCountry": "Germany" }));
    env.update("Opportunity", &opportunity, json!({ "Description": "mended" }));
    env.sandbox.salesforce.take_deliveries();
    later(&env);
    swept(&env).await;
    billed_once(&env, &opportunity);
}
