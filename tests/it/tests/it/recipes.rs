//! What most organizations want, each by a configuration file alone: `tests/fixtures/recipes`.

use engine::PassKind;
use it::{Deal, Env, Options};
use jiff::SignedDuration;
use mapping::LineSource;
use serde_json::{Value, json};

use crate::amendments::invoices;
use crate::cases::{cases, fails, tasks, the_case};
use crate::organizations::{fixture, options};
use crate::payment::billed_with;
use crate::subscriptions::contracts::{activate, won_with_contract};
use crate::subscriptions::renewals::{days, items, renewed, shown};
use crate::subscriptions::subscriptions;

fn recipe(name: &str) -> Options {
    options(&fixture(&format!("recipes/{name}")), &[])
}

async fn is_settled(env: &Env) {
    env.advance(SignedDuration::from_hours(24));
    let pass = env.reconcile(PassKind::Deep).await;
    env.settle().await;
    assert!(pass.is_finished && pass.differences.is_empty(), "{pass:?}");
}

#[tokio::test]
async fn won_is_an_invoice() {
    let env = Env::with(recipe("won_to_invoice")).await;
    env.reconcile(PassKind::Sweep).await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["open", 11_000, true])]);
    let invoice = env.invoices().remove(0);
    let due = (invoice["due_date"].as_i64().unwrap() - invoice["effective_at"].as_i64().unwrap()) / 86_400;
    assert_eq!((due, &invoice["collection_method"]), (30, &json!("send_invoice")));
    let record = env.record("Opportunity", &opportunity);
    assert_eq!(record["Stripe_Invoice_URL__c"], invoice["hosted_invoice_url"]);
    assert_eq!((subscriptions(&env).len(), &record["Stripe_Sync_Status__c"]), (0, &Value::Null));
    is_settled(&env).await;
}

#[tokio::test]
async fn an_activated_contract_is_a_subscription() {
    let env = Env::with(recipe("contract_to_subscription")).await;
    env.reconcile(PassKind::Sweep).await;
    let (opportunity, contract) = won_with_contract(&env, LineSource::CpqQuote).await;
    assert_eq!((subscriptions(&env).len(), env.invoices().len()), (0, 0), "it is won, and no more");
    activate(&env, &contract);
    env.advance(SignedDuration::from_mins(15));
    assert!(env.reconcile(PassKind::Sweep).await.requeued > 0);
    env.settle().await;
    let [subscription] = <[Value; 1]>::try_from(subscriptions(&env)).unwrap();
    assert_eq!(invoices(&env, &opportunity), [json!(["open", 20_000 + 50_000, true])]);
    for (object, id) in [("Opportunity", &opportunity), ("Contract", &contract)] {
        let record = env.record(object, id);
        assert_eq!(
            json!([record["Stripe_Subscription_Id__c"], record["Stripe_MRR__c"]]),
            json!([subscription["id"], 200.0]),
            "{object}"
        );
    }
    is_settled(&env).await;
}

/// Three months of 250.00, and six of 340.00 after them, in one subscription.
#[tokio::test]
async fn a_renewal_lets_the_subscription_go_on() {
    let env = Env::with(recipe("renewal")).await;
    let [first, second] = renewed(&env).await;
    let (first, second) = (env.record("Opportunity", &first), env.record("Opportunity", &second));
    assert_eq!(second["Renewal_Stripe_Sub_Id__c"], first["Stripe_Subscription_Id__c"], "{second}");
    assert_eq!(json!([second["Stripe_MRR__c"], second["Stripe_Sync_Status__c"]]), json!([340.0, null]));
    assert_eq!(items(&shown(&env).await), [(7_000, 1), (9_000, 3)]);
    for _ in 0..30 {
        days(&env, 10);
        env.reconcile(PassKind::Sweep).await;
        env.settle().await;
    }
    let totals: Vec<_> = env.invoices().iter().map(|invoice| invoice["total"].as_i64().unwrap()).collect();
    assert_eq!(totals, [vec![25_000; 3], vec![34_000; 6]].concat());
    assert_eq!((subscriptions(&env).len(), &subscriptions(&env)[0]["status"]), (1, &json!("canceled")));
}

#[tokio::test]
async fn paid_is_a_stage() {
    let (env, opportunity, invoice) = billed_with(recipe("paid_to_stage")).await;
    let stands = || {
        let record = env.record("Opportunity", &opportunity);
        json!([record["StageName"], record["Stripe_Amount_Paid__c"], record["Payment_Received__c"]])
    };
    env.sandbox.stripe.with(|stripe| stripe.pay_part(&invoice, 10_999));
    env.settle().await;
    assert_eq!(stands(), json!(["Closed Won", 109.99, false]), "a cent is due still");
    env.sandbox.stripe.with(|stripe| stripe.pay_part(&invoice, 1));
    env.settle().await;
    assert_eq!(stands(), json!(["Paid", 110.0, true]));
    is_settled(&env).await;
    assert_eq!(env.invoices().len(), 1);
}

#[tokio::test]
async fn failed_is_a_case_of_the_queue() {
    let (env, opportunity, invoice) = billed_with(recipe("failed_to_case")).await;
    let queue = env.insert("Group", json!({ "Name": "Dunning", "DeveloperName": "Dunning", "Type": "Queue" }));
    assert_eq!(queue, "00GgK0000hf1w5kUAA", "as the file names it");
    let owner = env.user("Owner");
    let account = env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
    env.update("Account", &account, json!({ "OwnerId": owner }));
    env.update("User", &owner, json!({ "IsActive": false }));
    for (attempt, priority) in [(1, "Medium"), (2, "High")] {
        fails(&env, &invoice);
        env.settle().await;
        let case = the_case(&env);
        assert_eq!(
            json!([case["OwnerId"], case["Priority"], case["IsClosed"]]),
            json!([queue, priority, false]),
            "{attempt}"
        );
        assert!(case["Description"].as_str().unwrap().contains("collect 110.00 USD"), "{case}");
    }
    env.advance(SignedDuration::from_hours(25));
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    assert_eq!(tasks(&env).len(), 1);
    env.pay_by_card(&invoice).await;
    env.settle().await;
    assert_eq!((&the_case(&env)["IsClosed"], &tasks(&env)[0]["IsClosed"]), (&json!(true), &json!(true)));
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Amount_Paid__c"], 110.0);
    assert_eq!(cases(&env).len(), 1);
}
