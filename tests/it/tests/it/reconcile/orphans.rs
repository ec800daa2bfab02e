//! What was made and never used is taken away, and nothing else is.

use engine::PassKind;
use it::{Deal, Env};
use jiff::SignedDuration;
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use super::{causes, swept};

fn run_key(env: &Env, opportunity: &str) -> String {
    let organization_id = env.worker.engine.scope.organization_id.clone();
    let opportunity_id = domain::OpportunityId::parse(opportunity).unwrap();
    workflow::RunId::OpportunityWon { organization_id, opportunity_id }.to_string()
}

/// A draft as this deployment makes one for the deal.
async fn draft(env: &Env, customer: &Value, opportunity: &str) -> String {
    let run = run_key(env, opportunity).replace('#', "%23");
    let org = &env.worker.engine.scope.organization_id;
    let body = format!(
        "customer={}&currency=usd&collection_method=send_invoice&days_until_due=30&auto_advance=false\
         &metadata[closedwon_environment]=test&metadata[sf_organization_id]={org}&metadata[closedwon_run]={run}\
         &metadata[sf_opportunity_id]={opportunity}",
        customer.as_str().unwrap()
    );
    env.stripe_post("/v1/invoices", &body).await["id"].as_str().unwrap().to_owned()
}

fn is_there(env: &Env, invoice: &str) -> bool {
    env.invoices().iter().any(|found| found["id"] == invoice)
}

#[tokio::test]
async fn an_orphan_draft_is_collected_after_an_hour_and_the_deals_own_invoice_stays() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let own = env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"].as_str().unwrap().to_owned();
    let customer = env.record("Opportunity", &opportunity)["Stripe_Customer_Id__c"].clone();
    let orphan = draft(&env, &customer, &opportunity).await;
    env.advance(SignedDuration::from_mins(59));
    assert_eq!(swept(&env).await.orphans_deleted, 0);
    assert!(is_there(&env, &orphan), "it may be a minute old");
    env.advance(SignedDuration::from_mins(1));
    assert_eq!(swept(&env).await.orphans_deleted, 1);
    assert!(!is_there(&env, &orphan) && is_there(&env, &own));
    assert_eq!(swept(&env).await.orphans_deleted, 0);
}

#[tokio::test]
async fn a_draft_that_is_worked_on_or_waits_for_a_person_is_not_collected() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    // One run stands in the middle of its work for hours; another waits for an approval.
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/invoices/*/send", Fault::ServerError).times(100));
    let begun = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    env.operate(json!({ "ceiling_USD": { "N": "1" } }));
    let waiting = env.opportunity_won(&Deal { account: "Waiting".into(), ..Deal::three_lines() }).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &waiting)["Stripe_Sync_Status__c"], "approval_required");
    env.advance(SignedDuration::from_hours(5));
    for kind in [PassKind::Sweep, PassKind::Deep] {
        let reconciled = env.reconcile(kind).await;
        assert!(reconciled.is_finished, "{:?}", reconciled.pauses);
        assert_eq!(reconciled.orphans_deleted, 0);
    }
    assert_eq!(env.invoices().iter().filter(|invoice| invoice["status"] == "draft").count(), 2);
    env.sandbox.stripe.clear_faults();
    env.operate(json!({}));
    env.settle_for_days().await;
    env.sqs.redrive();
    env.settle_for_days().await;
    for opportunity in [begun, waiting] {
        assert_ne!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], json!(null));
    }
}

#[tokio::test]
async fn a_draft_whose_run_the_ledger_does_not_know_is_not_collected_before_the_run_is_asked() {
    let env = Env::start().await;
    swept(&env).await;
    let first = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let customer = env.record("Opportunity", &first)["Stripe_Customer_Id__c"].clone();
    // The deal is not won, so nothing but its draft leads to it.
    let forgotten = env.enter(&Deal { account: "Forgotten".into(), ..Deal::three_lines() }).await;
    let orphan = draft(&env, &customer, &forgotten).await;
    env.advance(SignedDuration::from_hours(2));
    let reconciled = swept(&env).await;
    assert_eq!((reconciled.requeued, reconciled.orphans_deleted), (1, 0));
    assert!(is_there(&env, &orphan));
    // The run says that nobody wants it.
    assert_eq!(swept(&env).await.orphans_deleted, 1);
    assert!(!is_there(&env, &orphan));
}

/// By its metadata it is a billed deal's, and by the ledger another deal's, which waits for its approval with it.
#[tokio::test]
async fn a_draft_that_another_deal_waits_with_is_not_collected_whatever_its_metadata_says() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let billed = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    env.operate(json!({ "ceiling_USD": { "N": "1" } }));
    env.opportunity_won(&Deal { account: "Waiting".into(), ..Deal::three_lines() }).await;
    env.settle().await;
    let draft = env.invoices().into_iter().find(|invoice| invoice["status"] == "draft").unwrap();
    let draft = draft["id"].as_str().unwrap();
    let run = run_key(&env, &billed).replace('#', "%23");
    let body = format!("metadata[closedwon_run]={run}&metadata[sf_opportunity_id]={billed}");
    env.stripe_post(&format!("/v1/invoices/{draft}"), &body).await;
    env.advance(SignedDuration::from_hours(2));
    let reconciled = swept(&env).await;
    assert_eq!((reconciled.orphans_deleted, causes(&reconciled)), (0, vec!["invoice_linked_elsewhere"]));
    assert!(is_there(&env, draft));
}

#[tokio::test]
async fn an_invoice_that_is_sent_is_never_deleted_whatever_it_belongs_to() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let customer = env.record("Opportunity", &opportunity)["Stripe_Customer_Id__c"].clone();
    let second = draft(&env, &customer, &opportunity).await;
    let line = "lines[0][amount]=500&lines[0][description]=x";
    env.stripe_post(&format!("/v1/invoices/{second}/add_lines"), line).await;
    env.stripe_post(&format!("/v1/invoices/{second}/finalize"), "").await;
    env.advance(SignedDuration::from_hours(2));
    let reconciled = swept(&env).await;
    assert_eq!((reconciled.orphans_deleted, causes(&reconciled)), (0, vec!["second_invoice"]));
    let difference = reconciled.differences.first().unwrap();
    assert_eq!(difference.invoice_id.as_ref().map(ToString::to_string).as_deref(), Some(second.as_str()));
    assert!(is_there(&env, &second));
}

/// A customer as this deployment makes one for the account.
async fn customer(env: &Env, account: &str) -> String {
    let org = &env.worker.engine.scope.organization_id;
    let body = format!(
        "name=Acme&email=ap@acme.example&metadata[closedwon_environment]=test&metadata[sf_organization_id]={org}\
         &metadata[closedwon_run]=customer%23{org}:{account}:any:test&metadata[sf_account_id]={account}"
    );
    env.stripe_post("/v1/customers", &body).await["id"].as_str().unwrap().to_owned()
}

fn is_deleted(env: &Env, customer: &str) -> bool {
    let found = env.objects("customer").into_iter().find(|found| found["id"] == customer);
    found.is_none_or(|found| found["deleted"] == true)
}

#[tokio::test]
async fn an_orphan_customer_is_collected_and_one_that_anybody_uses_is_not() {
    let env = Env::start().await;
    let account = env.account(&Deal::three_lines());
    let opportunity = env.enter_for(&account, &Deal::three_lines()).await;
    env.close(&opportunity);
    env.settle().await;
    let own = env.record("Opportunity", &opportunity)["Stripe_Customer_Id__c"].as_str().unwrap().to_owned();
    let unused = customer(&env, &account).await;
    let used = customer(&env, &account).await;
    env.stripe_post("/v1/invoices", &format!("customer={used}&currency=usd")).await;
    let named = customer(&env, &account).await;
    let other = env.account(&Deal { account: "Other".into(), ..Deal::three_lines() });
    env.update("Account", &other, json!({ "Stripe_Customer_Id__c": named }));
    let unknown = customer(&env, &other).await;
    env.advance(SignedDuration::from_mins(59));
    assert_eq!(swept(&env).await.orphans_deleted, 0);
    env.advance(SignedDuration::from_mins(1));
    assert_eq!(swept(&env).await.orphans_deleted, 1);
    assert!(is_deleted(&env, &unused));
    for kept in [&own, &used, &named, &unknown] {
        assert!(!is_deleted(&env, kept), "{kept}");
    }
}

#[tokio::test]
async fn the_kill_switch_keeps_the_reconciler_from_doing_anything() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let customer = env.record("Opportunity", &opportunity)["Stripe_Customer_Id__c"].clone();
    let orphan = draft(&env, &customer, &opportunity).await;
    env.advance(SignedDuration::from_hours(2));
    env.operate(json!({ "stopped": { "S": "an audit" } }));
    env.clear_calls();
    let reconciled = env.reconcile(PassKind::Deep).await;
    assert!(!reconciled.is_finished);
    assert_eq!(reconciled.pauses[0].1.code, "stopped_by_operator");
    assert_eq!((env.stripe_calls(), env.salesforce_calls()), (vec![], vec![]));
    assert!(is_there(&env, &orphan));
}
