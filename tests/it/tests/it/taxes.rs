//! Deals whose tax Stripe calculates.

use engine::PassKind;
use it::{Deal, Env, Options};
use mapping::TaxBehavior;
use serde_json::{Value, json};

use crate::operator::changed;

async fn taxed(tax: TaxBehavior) -> Env {
    Env::with(Options { tax: Some(tax), ..Options::default() }).await
}

fn german() -> Deal {
    Deal { country: "Germany".into(), ..Deal::three_lines() }
}

/// 10.00, 20.00 and 30.00 of two, three and one.
const NET: i64 = 11_000;

fn code(env: &Env, opportunity: &str) -> Value {
    env.record("Opportunity", opportunity)["Stripe_Sync_Status__c"].clone()
}

async fn set_tax_behavior(env: &Env, behavior: &str) {
    for price in env.objects("price") {
        let path = format!("/v1/prices/{}", price["id"].as_str().unwrap());
        env.stripe_post(&path, &format!("tax_behavior={behavior}")).await;
    }
}

/// The customer pays the deal's amount and the tax; what is compared with Salesforce is the deal's amount.
#[tokio::test]
async fn tax_comes_on_top_of_the_amounts() {
    let env = taxed(TaxBehavior::Exclusive).await;
    let opportunity = env.opportunity_won(&german()).await;
    env.settle().await;
    let invoice = &env.invoices()[0];
    assert_eq!(
        (&invoice["status"], &invoice["subtotal"], &invoice["total"]),
        (&json!("open"), &json!(NET), &json!(NET * 119 / 100))
    );
    assert_eq!(invoice["id"], env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"]);
    assert_eq!(env.stripe_calls_but_for_prices().len(), 4, "tax costs no call");
    let statement = env.reconcile(PassKind::Deep).await;
    assert!(statement.differences.is_empty(), "the books are compared before tax: {:?}", statement.differences);
}

#[tokio::test]
async fn tax_is_inside_the_amounts() {
    let env = taxed(TaxBehavior::Inclusive).await;
    let opportunity = env.enter(&german()).await;
    set_tax_behavior(&env, "inclusive").await;
    env.close(&opportunity);
    env.settle().await;
    let invoice = &env.invoices()[0];
    assert_eq!((&invoice["status"], &invoice["total"]), (&json!("open"), &json!(NET)));
    // 19 of 119 parts, line by line: 3.19, 9.58 and 4.79.
    assert_eq!(invoice["total_excluding_tax"], NET - 1756);
    assert_eq!(code(&env, &opportunity), Value::Null);
}

/// A price that was agreed is taxed as the others are, whatever the account's default is.
#[tokio::test]
async fn an_agreed_price_is_taxed_as_the_amounts_are_meant() {
    for (tax, total) in [(TaxBehavior::Exclusive, 19_040), (TaxBehavior::Inclusive, 16_000)] {
        let env = taxed(tax).await;
        let deal = Deal { country: "Germany".into(), ..Deal::negotiated("100", 10_000, "80", "2") };
        let opportunity = env.enter(&deal).await;
        set_tax_behavior(&env, tax.as_str()).await;
        env.close(&opportunity);
        env.settle().await;
        let invoice = &env.invoices()[0];
        assert_eq!((&invoice["status"], &invoice["total"]), (&json!("open"), &json!(total)), "{tax:?}");
        let line = &env.invoice_lines(invoice["id"].as_str().unwrap())[0];
        let price = line["pricing"]["price_details"]["price"].as_str().unwrap();
        let price = env.objects("price").into_iter().find(|one| one["id"] == price).unwrap();
        assert_eq!((&price["unit_amount"], &price["tax_behavior"]), (&json!(8_000), &json!(tax.as_str())));
    }
}

/// Before anything is written to Stripe, with the field to mend.
#[tokio::test]
async fn an_address_that_is_not_enough_is_refused_at_once() {
    let mut env = taxed(TaxBehavior::Exclusive).await;
    env.expect_dead_letters();
    let account = env.account(&Deal::three_lines());
    let opportunity = env.enter_for(&account, &Deal::three_lines()).await;
    env.close(&opportunity);
    env.settle().await;
    assert_eq!(code(&env, &opportunity), "tax_location_unknown");
    let message = env.record("Opportunity", &opportunity)["Stripe_Sync_Error__c"].as_str().unwrap().to_owned();
    assert!(message.contains("ZIP code"), "{message}");
    assert_eq!((env.objects("customer").len(), env.invoices().len()), (0, 0));
    env.update("Account", &account, json!({ "BillingPostalCode": "94107" }));
    env.sqs.put(&changed(&env, "msg_1", &opportunity));
    env.settle().await;
    assert_eq!(
        (code(&env, &opportunity), env.invoices()[0]["total"].clone()),
        (Value::Null, json!(11_908)),
        "8.25 %, line by line"
    );
}

/// A price that is the other way round would bill the tax twice, or not at all: the draft goes, and the code says which.
#[tokio::test]
async fn a_price_that_is_taxed_otherwise_is_refused() {
    let mut env = taxed(TaxBehavior::Exclusive).await;
    env.expect_dead_letters();
    let opportunity = env.enter(&german()).await;
    set_tax_behavior(&env, "inclusive").await;
    env.close(&opportunity);
    env.settle().await;
    assert_eq!(code(&env, &opportunity), "tax_behavior_differs");
    assert_eq!(env.invoices().len(), 0);
}

/// The customer's address at Stripe counts, and somebody took it away there.
#[tokio::test]
async fn a_customer_without_a_location_at_stripe_is_refused() {
    let mut env = taxed(TaxBehavior::Exclusive).await;
    env.expect_dead_letters();
    let account = env.account(&german());
    let first = env.enter_for(&account, &german()).await;
    env.close(&first);
    env.settle().await;
    let customer = env.invoices()[0]["customer"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/customers/{customer}"), "address=").await;
    let second = env.enter_for(&account, &german()).await;
    env.close(&second);
    env.settle().await;
    assert_eq!((code(&env, &second), env.invoices().len()), (json!("tax_location_unknown"), 1));
    env.stripe_post(&format!("/v1/customers/{customer}"), "address[country]=DE").await;
    env.sqs.put(&changed(&env, "msg_1", &second));
    env.settle().await;
    assert_eq!((code(&env, &second), env.invoices().len()), (Value::Null, 2));
}

/// Whoever turns tax on later does not bill again what was billed before, nor asks that its address be enough.
#[tokio::test]
async fn without_tax_nothing_is_added_and_turning_it_on_changes_nothing_that_is_billed() {
    let mut env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = &env.invoices()[0];
    assert_eq!((&invoice["total"], &invoice["automatic_tax"]["enabled"]), (&json!(NET), &json!(false)));
    for tax in [TaxBehavior::Exclusive, TaxBehavior::Inclusive] {
        env.worker.engine.settings.tax = Some(tax);
        env.sqs.put(&changed(&env, tax.as_str(), &opportunity));
        env.settle().await;
        assert_eq!((env.invoices().len(), code(&env, &opportunity)), (1, Value::Null), "{tax:?}");
    }
}
