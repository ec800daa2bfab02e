//! What an operator decides for the whole deployment: stop, ceiling, restore; and a table that is newer than the program.

use domain::{Event, OpportunityId};
use it::{Deal, Env};
use jiff::{SignedDuration, Timestamp};
use queue::{Envelope, Source};
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};
use workflow::RunId;

use crate::amendments;

pub fn changed(env: &Env, id: &str, opportunity: &str) -> String {
    let opportunity_id = OpportunityId::parse(opportunity).unwrap();
    let event = Event::OpportunityChanged { opportunity_id, occurred_at: env.now() };
    Envelope::new(id, Source::SalesforceCallout, event, env.now()).to_json()
}

fn due(env: &Env, run: &str) -> String {
    let event = Event::RunDue { run: run.to_owned(), occurred_at: env.now() };
    Envelope::new(format!("due:{run}"), Source::Reconciler, event, env.now()).to_json()
}

fn run_key(env: &Env, opportunity: &str) -> String {
    let organization_id = env.worker.engine.scope.organization_id.clone();
    RunId::OpportunityWon { organization_id, opportunity_id: OpportunityId::parse(opportunity).unwrap() }.to_string()
}

fn writes(env: &Env) -> Vec<String> {
    let calls = env.stripe_calls().into_iter().chain(env.salesforce_calls());
    calls.filter(|call| !call.starts_with("GET ")).collect()
}

/// One invoice that the customer has, named by the opportunity and by the run.
async fn is_billed_once(env: &Env, opportunity: &str, when: &str) {
    let of_deal = |invoice: &Value| invoice["metadata"]["sf_opportunity_id"] == opportunity;
    let sent: Vec<Value> =
        env.invoices().into_iter().filter(|invoice| invoice["status"] != "draft" && of_deal(invoice)).collect();
    assert_eq!(sent.len(), 1, "{when}: {:?}", env.invoices());
    assert_eq!(env.record("Opportunity", opportunity)["Stripe_Invoice_Id__c"], sent[0]["id"], "{when}");
    let run = env.ledger().run(&run_key(env, opportunity)).await.unwrap().unwrap();
    assert_eq!(run.status, "done", "{when}: {:?}", run.run.stop());
    assert_eq!(run.run.invoice_id().map(ToString::to_string).as_deref(), sent[0]["id"].as_str(), "{when}");
}

#[tokio::test]
async fn the_kill_switch_stops_everything_and_loses_nothing() {
    let env = Env::start().await;
    env.operate(json!({ "stopped": { "S": "wrong bank account on the invoices" } }));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    env.advance(SignedDuration::from_hours(2));
    env.settle().await;
    assert!(env.stripe_calls().iter().all(|call| !call.contains("/v1/invoices")), "{:?}", env.stripe_calls());
    assert_eq!((env.salesforce_calls().len(), env.sqs.work().len()), (0, 1));
    env.operate(json!({ "stopped": { "BOOL": false } }));
    env.settle_for_days().await;
    is_billed_once(&env, &opportunity, "afterwards").await;
}

/// The switch is looked at right before each request. What was past it is one request, and no second one follows.
#[tokio::test]
async fn the_kill_switch_stops_a_run_at_any_moment() {
    let undisturbed = Env::start().await;
    undisturbed.opportunity_won(&Deal::three_lines()).await;
    undisturbed.settle().await;
    let mut stopped_with_nothing_sent = 0;
    for moment in 0..undisturbed.fuse.passed() {
        let env = Env::start().await;
        let opportunity = env.opportunity_won(&Deal::three_lines()).await;
        env.deliver().await;
        let switch = async {
            env.operate(json!({ "stopped": { "S": "stop" } }));
            env.clear_calls();
        };
        env.stands_still_at(moment, switch).await;
        let writes = writes(&env);
        assert!(writes.len() <= 1, "froze at moment {moment}: {writes:?}");
        stopped_with_nothing_sent += u64::from(writes.is_empty());
        env.operate(json!({}));
        env.settle_for_days().await;
        is_billed_once(&env, &opportunity, &format!("froze at moment {moment}")).await;
    }
    assert!(stopped_with_nothing_sent > undisturbed.fuse.passed() / 2, "{stopped_with_nothing_sent}");
}

#[tokio::test]
async fn an_invoice_above_the_ceiling_waits_for_an_approval() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    env.operate(json!({ "ceiling_USD": { "N": "10999" }, "ceiling_EUR": { "N": "1" } }));
    // 20 + 60 + 30 dollars.
    let opportunity = env.opportunity_won(&Deal::with_lines(3, "USD")).await;
    env.settle().await;
    let drafts = env.invoices();
    assert_eq!((drafts.len(), &drafts[0]["status"], &drafts[0]["total"]), (1, &json!("draft"), &json!(11000)));
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], "approval_required");
    assert_eq!(env.sqs.dead_letters()[0]["parked"]["code"], "approval_required");
    // The note is itself an edit, which may come back as an event: nothing is written or reported for it.
    env.clear_calls();
    env.sqs.put(&changed(&env, "msg_echo", &opportunity));
    env.settle().await;
    assert_eq!((writes(&env).len(), env.sqs.dead_letters().len()), (1, 1), "{:?}", writes(&env));
    // Too little is no approval.
    env.update("Opportunity", &opportunity, json!({ "Stripe_Approved_Amount__c": 109.99 }));
    env.sqs.put(&changed(&env, "msg_1", &opportunity));
    env.settle().await;
    assert_eq!(env.invoices()[0]["status"], "draft");
    env.update("Opportunity", &opportunity, json!({ "Stripe_Approved_Amount__c": 110 }));
    env.sqs.put(&changed(&env, "msg_2", &opportunity));
    env.settle().await;
    assert_eq!(env.invoices()[0]["id"], drafts[0]["id"], "the same draft is sent");
    is_billed_once(&env, &opportunity, "approved").await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], Value::Null);
}

/// Of a deal that was approved for less and has grown, the new amount is not.
#[tokio::test]
async fn an_approval_is_for_an_amount() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    env.operate(json!({ "ceiling_USD": { "N": "0" } }));
    let opportunity = env.enter(&Deal::with_lines(3, "USD")).await;
    env.update("Opportunity", &opportunity, json!({ "Stripe_Approved_Amount__c": 110 }));
    let line = env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem")).remove(0);
    env.update("OpportunityLineItem", line["Id"].as_str().unwrap(), json!({ "Quantity": 9 }));
    env.close(&opportunity);
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], "approval_required");
    assert_eq!(env.invoices()[0]["status"], "draft");
}

/// Row 51: of a table that a newer version has written to nothing is changed, and the events wait.
#[tokio::test]
async fn a_newer_table_is_only_read() {
    let env = Env::start().await;
    env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let layout = env.aws.items().into_iter().find(|item| item["sk"]["S"] == "control#schema").unwrap();
    assert_eq!(layout["schema"]["N"], "2");
    let mut newer = layout.clone();
    newer["schema"] = json!({ "N": "3" });
    env.aws.put(&newer);
    let before = env.aws.items();
    env.clear_calls();
    let other = env.opportunity_won(&Deal { account: "Other".into(), ..Deal::three_lines() }).await;
    env.settle().await;
    env.advance(SignedDuration::from_hours(1));
    env.settle().await;
    assert_eq!(env.aws.items(), before);
    assert_eq!((env.salesforce_calls().len(), env.sqs.work().len()), (0, 1));
    assert!(env.stripe_calls().iter().all(|call| !call.contains("/v1/invoices")));
    env.aws.put(&layout);
    env.settle_for_days().await;
    assert_eq!(env.record("Opportunity", &other)["Stripe_Sync_Status__c"], Value::Null);
    assert_eq!(env.invoices().len(), 2);
}

/// A newer version was deployed while a run was under way: the older one stops where it is.
#[tokio::test]
async fn a_table_that_becomes_newer_is_not_written_to_any_more() {
    let newer = json!({ "pk": { "S": "control" }, "sk": { "S": "control#schema" }, "schema": { "N": "3" } });
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.deliver().await;
    let deploy = async {
        env.aws.put(&newer);
        env.aws.items()
    };
    // Before the deal is read: neither the plan nor anything else is saved afterwards.
    let items = env.stands_still_at(6, deploy).await;
    assert_eq!(env.aws.items(), items);
    assert!(env.invoices().is_empty());
    let older = json!({ "pk": { "S": "control" }, "sk": { "S": "control#schema" }, "schema": { "N": "2" } });
    env.aws.put(&older);
    env.settle_for_days().await;
    is_billed_once(&env, &opportunity, "with the version that knows the table").await;
}

/// The table as it was at any moment of a story that has gone on since; what it has forgotten is found again.
async fn restored_to_any_moment(later: SignedDuration) {
    let undisturbed = Env::start().await;
    undisturbed.opportunity_won(&Deal::three_lines()).await;
    undisturbed.settle().await;
    for moment in 0..undisturbed.fuse.passed() {
        let env = Env::start().await;
        let opportunity = env.opportunity_won(&Deal::three_lines()).await;
        env.deliver().await;
        env.fuse.arm(moment);
        env.work(1).await;
        env.fuse.disarm();
        let (backup, restored_to) = (env.aws.items(), env.now());
        env.advance(SignedDuration::from_mins(10));
        env.settle_for_days().await;
        is_billed_once(&env, &opportunity, "before the restore").await;
        env.advance(later);
        restore(&env, &backup, restored_to);
        env.sqs.put(&changed(&env, "msg_again", &opportunity));
        env.settle_for_days().await;
        is_billed_once(&env, &opportunity, &format!("restored to moment {moment}")).await;
        assert_eq!(env.invoices().len(), 1, "restored to moment {moment}");
        assert_eq!(env.objects("customer").len(), 1, "restored to moment {moment}");
    }
}

/// The table as it was at that moment, and the operator's word that it was restored to it.
pub fn restore(env: &Env, backup: &[Value], to: Timestamp) {
    env.aws.restore(backup);
    env.operate(json!({ "epoch": { "N": "1" }, "restored_to": { "N": to.as_millisecond().to_string() } }));
}

/// A restore to this very moment: nothing was forgotten, and what a run doubts has never happened.
pub fn restore_to_now(env: &Env) {
    restore(env, &env.aws.items(), env.now());
}

/// Nobody knows whether it was voided before the restore: it was not, and is, and the deal is billed anew.
#[tokio::test]
async fn a_restored_amendment_that_had_not_happened_happens() {
    let (env, opportunity) = amendments::billed().await;
    restore_to_now(&env);
    amendments::amend(&env, &opportunity);
    env.settle().await;
    let expected = [json!(["void", 11_000, false]), json!(["open", 12_000, true])];
    assert_eq!(amendments::invoices(&env, &opportunity), expected);
}

#[tokio::test]
async fn a_restored_table_finds_again_what_it_has_forgotten() {
    restored_to_any_moment(SignedDuration::from_mins(5)).await;
}

#[tokio::test]
async fn a_restored_table_finds_again_what_it_has_forgotten_when_stripe_has_forgotten_the_keys() {
    restored_to_any_moment(SignedDuration::from_hours(25)).await;
}

/// Nobody but the ledger knew that the deal was billed: the write-back was lost with it, so to speak.
#[tokio::test]
async fn a_restored_table_finds_the_invoice_that_nothing_names() {
    for later in [SignedDuration::from_mins(5), SignedDuration::from_hours(25)] {
        let env = Env::start().await;
        let restored_to = env.now();
        let opportunity = env.opportunity_won(&Deal::three_lines()).await;
        env.settle().await;
        let account = env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
        let empty =
            json!({ "Stripe_Invoice_Id__c": null, "Stripe_Customer_Id__c": null, "Stripe_Invoice_URL__c": null });
        env.update("Opportunity", &opportunity, empty);
        env.update("Account", &account, json!({ "Stripe_Customer_Id__c": null }));
        env.advance(later);
        restore(&env, &[], restored_to);
        env.sqs.put(&changed(&env, "msg_again", &opportunity));
        env.settle_for_days().await;
        is_billed_once(&env, &opportunity, "restored to nothing").await;
        assert_eq!((env.invoices().len(), env.objects("customer").len()), (1, 1));
    }
}

/// Nor is the customer there any more that it was sent to: it is not billed to the one that takes its place.
#[tokio::test]
async fn a_restored_table_finds_the_invoice_whose_customer_was_deleted() {
    let env = Env::start().await;
    let restored_to = env.now();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let account = env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
    let empty = json!({ "Stripe_Invoice_Id__c": null, "Stripe_Customer_Id__c": null, "Stripe_Invoice_URL__c": null });
    env.update("Opportunity", &opportunity, empty);
    env.update("Account", &account, json!({ "Stripe_Customer_Id__c": null }));
    let customer = env.invoices()[0]["customer"].as_str().unwrap().to_owned();
    env.stripe_delete(&format!("/v1/customers/{customer}"));
    env.advance(SignedDuration::from_hours(25));
    restore(&env, &[], restored_to);
    env.sqs.put(&changed(&env, "msg_again", &opportunity));
    env.settle_for_days().await;
    let invoices = env.invoices();
    assert_eq!((invoices.len(), &invoices[0]["status"]), (1, &json!("open")), "{invoices:?}");
    let record = env.record("Opportunity", &opportunity);
    assert_eq!(
        (&record["Stripe_Invoice_Id__c"], &record["Stripe_Customer_Id__c"]),
        (&invoices[0]["id"], &json!(customer))
    );
    // The account is not given the one that is gone: the next deal links the one that takes its place.
    assert_eq!(env.record("Account", &account)["Stripe_Customer_Id__c"], Value::Null);
    let next = env.enter_for(&account, &Deal::three_lines()).await;
    env.close(&next);
    env.settle_for_days().await;
    is_billed_once(&env, &next, "after the restore").await;
    let linked = env.record("Account", &account)["Stripe_Customer_Id__c"].clone();
    assert_ne!(linked, json!(customer));
    assert_eq!(linked, env.record("Opportunity", &next)["Stripe_Customer_Id__c"]);
}

/// The backup names a draft that was deleted since, and another one was made in its place.
#[tokio::test]
async fn a_restored_run_whose_draft_was_replaced_takes_the_one_that_is_there() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    let busy = FaultRule::once("POST", "/v1/invoices/*/add_lines", Fault::RateLimited);
    env.sandbox.stripe.inject(busy.times(2));
    env.deliver().await;
    env.work(1).await;
    let (backup, restored_to) = (env.aws.items(), env.now());
    let replaced = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.stripe_delete(&format!("/v1/invoices/{replaced}"));
    env.advance(SignedDuration::from_mins(1));
    env.work(1).await;
    assert_eq!(env.invoices().len(), 1);
    assert_ne!(env.invoices()[0]["id"], replaced.as_str());
    env.advance(SignedDuration::from_mins(20));
    restore(&env, &backup, restored_to);
    env.settle_for_days().await;
    is_billed_once(&env, &opportunity, "restored to the replaced draft").await;
    assert_eq!(env.invoices().len(), 1);
}

/// The account's customer was deleted and another was made in the time that the restore took away.
#[tokio::test]
async fn a_restored_account_whose_customer_was_replaced_takes_the_one_that_is_there() {
    let env = Env::start().await;
    let account = env.account(&Deal::three_lines());
    let first = env.enter_for(&account, &Deal::three_lines()).await;
    env.close(&first);
    env.settle().await;
    let (backup, restored_to) = (env.aws.items(), env.now());
    let replaced = env.invoices()[0]["customer"].as_str().unwrap().to_owned();
    env.stripe_delete(&format!("/v1/customers/{replaced}"));
    let second = env.enter_for(&account, &Deal::three_lines()).await;
    env.close(&second);
    let busy = FaultRule::once("POST", "/v1/invoices/*/add_lines", Fault::RateLimited);
    env.sandbox.stripe.inject(busy.times(2));
    env.deliver().await;
    env.work(1).await;
    assert_eq!(env.invoices().len(), 2);
    assert_ne!(env.invoices()[0]["customer"], env.invoices()[1]["customer"]);
    env.advance(SignedDuration::from_mins(20));
    restore(&env, &backup, restored_to);
    env.settle_for_days().await;
    is_billed_once(&env, &second, "restored to the replaced customer").await;
    assert_eq!(env.invoices().len(), 2);
}

#[tokio::test]
async fn a_run_that_nobody_works_on_is_taken_up_by_its_key() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.deliver().await;
    env.fuse.arm(20);
    env.work(1).await;
    env.fuse.disarm();
    env.sqs.purge();
    env.advance(SignedDuration::from_mins(15));
    let key = run_key(&env, &opportunity);
    env.sqs.put(&due(&env, &key));
    env.settle_for_days().await;
    is_billed_once(&env, &opportunity, "taken up").await;
    env.clear_calls();
    // One that is not due any more, and one that never was, ask for nothing.
    env.sqs.put(&due(&env, &key));
    env.sqs.put(&due(&env, "run#nobody"));
    env.settle().await;
    assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (0, 0));
}

/// What a run told since the backup was made may be gone again: the note is written once more.
#[tokio::test]
async fn a_restored_run_does_not_trust_what_it_remembers_telling() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    env.operate(json!({ "ceiling_USD": { "N": "1" } }));
    let opportunity = env.opportunity_won(&Deal::with_lines(3, "USD")).await;
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/invoices/{invoice}/finalize"), "").await;
    env.stripe_post(&format!("/v1/invoices/{invoice}/void"), "").await;
    env.sqs.put(&changed(&env, "msg_1", &opportunity));
    env.settle().await;
    let code = || env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"].clone();
    assert_eq!(code(), "invoice_changed_in_stripe");
    let (backup, restored_to) = (env.aws.items(), env.now());
    env.update("Opportunity", &opportunity, json!({ "Stripe_Sync_Status__c": null, "Stripe_Sync_Error__c": null }));
    restore(&env, &backup, restored_to);
    env.sqs.put(&changed(&env, "msg_2", &opportunity));
    env.settle().await;
    assert_eq!(code(), "invoice_changed_in_stripe");
}
