//! What people do at the same time: they edit deals, delete and void things, and fill in fields by hand.

use it::{Deal, Env, Worked};
use jiff::SignedDuration;
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

fn note(env: &Env, opportunity: &str) -> Value {
    env.record("Opportunity", opportunity)["Stripe_Sync_Status__c"].clone()
}

/// The run stands still after this call to Stripe, because the next one is answered with an error page.
async fn interrupted_before(path: &str) -> (Env, String) {
    let env = Env::start().await;
    env.sandbox.stripe.inject(FaultRule::once("POST", path, Fault::UnavailableHtml));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert_eq!(env.sqs.work().len(), 1, "the event waits");
    (env, opportunity)
}

/// The invoice is sent, and the process dies before it is saved that it is.
async fn interrupted_after_sending() -> (Env, String) {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.deliver().await;
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/invoices/*/send", Fault::AnswerLost));
    assert_eq!(env.work(1).await, Worked::Something);
    assert_eq!(env.invoices()[0]["status"], "open");
    (env, opportunity)
}

#[tokio::test]
async fn a_deal_that_moves_to_another_account_while_a_draft_exists_is_billed_to_that_account() {
    let (env, opportunity) = interrupted_before("/v1/invoices/*/add_lines").await;
    let other = env.account(&Deal { account: "Other".into(), ..Deal::three_lines() });
    env.update("Opportunity", &opportunity, json!({ "AccountId": other }));
    env.settle_for_days().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!(env.record("Account", &other)["Stripe_Customer_Id__c"], record["Stripe_Customer_Id__c"]);
    assert_eq!(env.invoices().len(), 1, "the first draft is gone");
    assert_eq!(env.invoices()[0]["customer"], record["Stripe_Customer_Id__c"]);
}

#[tokio::test]
async fn a_deal_that_is_edited_between_sending_and_saving_is_billed_once_and_reviewed() {
    let (mut env, opportunity) = interrupted_after_sending().await;
    env.expect_dead_letters();
    let line = env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem")).remove(0);
    env.update("OpportunityLineItem", line["Id"].as_str().unwrap(), json!({ "Quantity": 9 }));
    env.settle_for_days().await;
    assert_eq!(note(&env, &opportunity), "deal_changed_after_billing");
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], env.invoices()[0]["id"]);
    assert_eq!(env.invoices().len(), 1);
}

#[tokio::test]
async fn an_invoice_id_that_somebody_filled_in_meanwhile_is_not_overwritten() {
    let (mut env, opportunity) = interrupted_after_sending().await;
    env.expect_dead_letters();
    env.update("Opportunity", &opportunity, json!({ "Stripe_Invoice_Id__c": "in_byhand" }));
    env.settle_for_days().await;
    assert_eq!(note(&env, &opportunity), "already_billed");
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], "in_byhand");
}

#[tokio::test]
async fn an_invoice_that_somebody_voids_meanwhile_stays_before_a_person() {
    let (mut env, opportunity) = interrupted_after_sending().await;
    env.expect_dead_letters();
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/invoices/{invoice}/void"), "").await;
    for _ in 0..2 {
        env.settle_for_days().await;
        assert_eq!(note(&env, &opportunity), "invoice_changed_in_stripe");
        assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], json!(null));
        env.sqs.redrive();
    }
    env.settle_for_days().await;
    assert_eq!(env.invoices().len(), 1, "nothing is billed behind a person's back");
}

#[tokio::test]
async fn a_draft_that_somebody_finalized_by_hand_is_sent_and_written_back() {
    let (env, opportunity) = interrupted_before("/v1/invoices/*/send").await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/invoices/{invoice}/finalize"), "").await;
    env.settle_for_days().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], json!(invoice));
    let sent = env.objects("event").iter().filter(|event| event["type"] == "invoice.sent").count();
    assert_eq!(sent, 1, "the customer has it");
}

#[tokio::test]
async fn a_customer_that_somebody_deleted_is_made_again_for_the_next_deal() {
    let env = Env::start().await;
    let account = env.account(&Deal::three_lines());
    let mut customers = Vec::new();
    for lines in [1, 2] {
        let opportunity = env.enter_for(&account, &Deal::with_lines(lines, "USD")).await;
        env.close(&opportunity);
        env.settle_for_days().await;
        let customer = env.record("Opportunity", &opportunity)["Stripe_Customer_Id__c"].as_str().unwrap().to_owned();
        assert_eq!(env.record("Account", &account)["Stripe_Customer_Id__c"], json!(customer));
        env.stripe_delete(&format!("/v1/customers/{customer}"));
        customers.push(customer);
    }
    assert_ne!(customers[0], customers[1]);
}

#[tokio::test]
async fn accounts_may_share_a_customer_that_was_made_by_hand() {
    let env = Env::start().await;
    let customer = env.stripe_post("/v1/customers", "name=Group&email=ap@group.example").await;
    for name in ["North", "South"] {
        let account = env.account(&Deal { account: name.into(), ..Deal::three_lines() });
        env.update("Account", &account, json!({ "Stripe_Customer_Id__c": customer["id"] }));
        let opportunity = env.enter_for(&account, &Deal::three_lines()).await;
        env.close(&opportunity);
        env.settle().await;
        assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Customer_Id__c"], customer["id"], "{name}");
    }
    assert_eq!((env.objects("customer").len(), env.invoices().len()), (1, 2));
}

#[tokio::test]
async fn an_account_that_names_somebody_elses_customer_is_not_billed_to_it() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let first = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let customer = env.record("Opportunity", &first)["Stripe_Customer_Id__c"].clone();
    // Somebody cloned the account, its customer id with it.
    let clone = env.account(&Deal { account: "Clone".into(), ..Deal::three_lines() });
    env.update("Account", &clone, json!({ "Stripe_Customer_Id__c": customer }));
    let opportunity = env.enter_for(&clone, &Deal::three_lines()).await;
    env.close(&opportunity);
    env.settle().await;
    assert_eq!(note(&env, &opportunity), "customer_belongs_elsewhere");
    // Emptied and sent again, it gets one of its own.
    env.update("Account", &clone, json!({ "Stripe_Customer_Id__c": null }));
    env.sqs.redrive();
    env.settle().await;
    assert_eq!(note(&env, &opportunity), json!(null));
    assert_eq!(env.objects("customer").len(), 2);
}

#[tokio::test]
async fn a_customer_id_that_somebody_typed_is_never_overwritten() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let account = env.account(&Deal::three_lines());
    let other = env.stripe_post("/v1/customers", "name=Other&email=a@b.example").await;
    let first = env.enter_for(&account, &Deal::three_lines()).await;
    env.close(&first);
    env.settle().await;
    for (typed, code) in [(other["id"].clone(), "customer_differs"), (json!("ask Kim"), "customer_id_malformed")] {
        env.update("Account", &account, json!({ "Stripe_Customer_Id__c": typed }));
        let opportunity = env.enter_for(&account, &Deal::three_lines()).await;
        env.close(&opportunity);
        env.settle().await;
        assert_eq!(note(&env, &opportunity), code);
        assert_eq!(env.record("Account", &account)["Stripe_Customer_Id__c"], typed);
    }
    assert_eq!(env.invoices().len(), 1);
}

#[tokio::test]
async fn a_deal_of_250_lines_with_the_longest_descriptions_is_billed() {
    let env = Env::start().await;
    let opportunity = env.enter(&Deal::with_lines(250, "USD")).await;
    let long: String = std::iter::repeat_n("請求書の明細", 40).collect();
    for line in env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem")) {
        env.update("OpportunityLineItem", line["Id"].as_str().unwrap(), json!({ "Description": long }));
    }
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/invoices/*/add_lines", Fault::AnswerLost).skip(1));
    env.close(&opportunity);
    env.settle_for_days().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], env.invoices()[0]["id"]);
    assert_eq!(env.invoice_lines(env.invoices()[0]["id"].as_str().unwrap()).len(), 250);
}

#[tokio::test]
async fn a_run_that_waits_is_not_kept_waiting_longer_by_failures() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.update("Opportunity", &opportunity, json!({ "Stripe_Invoice_Id__c": null }));
    env.pay(&invoice).await;
    env.settle().await;
    let began = env.now();
    for attempt in 0.. {
        if !env.sqs.dead_letters().is_empty() {
            break;
        }
        // Salesforce fails every other time while it waits.
        if attempt % 2 == 0 {
            env.sandbox.salesforce.inject(FaultRule::once("POST", "/services/data/**", Fault::UnavailableHtml));
        }
        let next = env.sqs.next_visible_ms().expect("it waits");
        env.clock.advance(u32::try_from((next - env.clock.now_ms()).max(1)).unwrap());
        env.settle().await;
        assert!(env.now().duration_since(began) < SignedDuration::from_hours(48));
    }
    env.sandbox.salesforce.clear_faults();
    assert_eq!(env.sqs.dead_letters()[0]["parked"]["code"], "invoice_not_linked");
}

/// A delivery that was frozen until its time was over, when nobody waits for it any more: the review stays where it is.
#[tokio::test]
async fn a_delivery_that_wakes_up_too_late_does_not_put_a_review_away() {
    for moment in 0..8 {
        let mut env = Env::start().await;
        env.expect_dead_letters();
        let opportunity = env.opportunity_won(&Deal::three_lines()).await;
        env.settle().await;
        let line = env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem")).remove(0);
        env.update("OpportunityLineItem", line["Id"].as_str().unwrap(), json!({ "Quantity": 9 }));
        let changed = |id: &str| {
            let opportunity_id = domain::OpportunityId::parse(&opportunity).unwrap();
            let event = domain::Event::OpportunityChanged { opportunity_id, occurred_at: env.now() };
            queue::Envelope::new(id, queue::Source::SalesforceCallout, event, env.now()).to_json()
        };
        env.sqs.put(&changed("msg_edited"));
        env.settle().await;
        assert_eq!(note(&env, &opportunity), "deal_changed_after_billing");
        env.sqs.put(&changed("msg_again"));
        let others = async {
            env.advance(SignedDuration::from_secs(400));
            env.settle_for_days().await;
        };
        env.stands_still_at(moment, others).await;
        let organization_id = env.worker.engine.scope.organization_id.clone();
        let opportunity_id = domain::OpportunityId::parse(&opportunity).unwrap();
        let key = workflow::RunId::OpportunityWon { organization_id, opportunity_id }.to_string();
        let run = env.ledger().run(&key).await.unwrap().unwrap();
        assert_eq!(run.status, "review", "froze at moment {moment}: {}", run.run.point());
    }
}
