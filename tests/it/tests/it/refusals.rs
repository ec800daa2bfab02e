//! Deals that cannot be billed as they stand: the code, the sentence, and the way back.

mod access;

use it::{Deal, Env, Options};
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

/// What the opportunity, the dead-letter queue and Stripe say in the end.
fn verdict(env: &Env, opportunity: &str) -> (Value, Vec<Value>, usize) {
    let code = env.record("Opportunity", opportunity)["Stripe_Sync_Status__c"].clone();
    let parked = env.sqs.dead_letters().iter().map(|letter| letter["parked"]["code"].clone()).collect();
    (code, parked, env.invoices().len())
}

/// Rows 24 to 28 of the bad inputs: `(name, change, code, does a person have to act)`.
type Row = (&'static str, fn(&Env, &str), &'static str, bool);

const ROWS: &[Row] = &[
    (
        "24 stage reverted",
        |env, id| set(env, id, json!({ "StageName": "Negotiation/Review" })),
        "not_closed_won",
        false,
    ),
    ("a renewal", |env, id| set(env, id, json!({ "Type": "Renewal" })), "renewal", false),
    ("25 amount zero", |env, id| without_lines(env, id, json!(0)), "amount_not_positive", false),
    ("25 amount negative", |env, id| without_lines(env, id, json!(-1)), "amount_not_positive", false),
    ("25 amount null", |env, id| without_lines(env, id, json!(null)), "amount_missing", false),
    ("25 amount too large", |env, id| without_lines(env, id, json!(99_999_999_999_i64)), "amount_too_large", true),
    ("26 no lines", |env, id| without_lines(env, id, json!(100)), "no_lines", true),
    (
        "26 line without price",
        |env, _| products(env, json!({ "Stripe_Price_Id__c": null })),
        "lines_not_billable",
        true,
    ),
    ("26 not a price", |env, _| products(env, json!({ "Stripe_Price_Id__c": "prod_1" })), "lines_not_billable", true),
    (
        "26 unknown price",
        |env, _| products(env, json!({ "Stripe_Price_Id__c": "price_1Gone" })),
        "lines_not_billable",
        true,
    ),
    ("27 Narnia", |env, id| account(env, id, json!({ "BillingCountry": "Narnia" })), "billing_country_unknown", true),
    ("no e-mail", |env, id| account(env, id, json!({ "Billing_Email__c": null })), "billing_email_missing", true),
    (
        "30 already billed",
        |env, id| set(env, id, json!({ "Stripe_Invoice_Id__c": "in_byhand" })),
        "already_billed",
        true,
    ),
];

fn set(env: &Env, opportunity: &str, fields: Value) {
    env.update("Opportunity", opportunity, fields);
}

fn account(env: &Env, opportunity: &str, fields: Value) {
    let account = env.record("Opportunity", opportunity)["AccountId"].as_str().unwrap().to_owned();
    env.update("Account", &account, fields);
}

fn products(env: &Env, fields: Value) {
    for product in env.sandbox.salesforce.with(|org| org.records("Product2")) {
        env.update("Product2", product["Id"].as_str().unwrap(), fields.clone());
    }
}

fn without_lines(env: &Env, opportunity: &str, amount: Value) {
    let now = env.clock.now_ms();
    for line in env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem")) {
        env.sandbox
            .salesforce
            .with(|org| org.delete(now, "OpportunityLineItem", line["Id"].as_str().unwrap()))
            .unwrap();
    }
    set(env, opportunity, json!({ "Amount": amount }));
}

#[tokio::test]
async fn each_has_its_code_and_nothing_is_left_at_stripe() {
    for (name, change, code, needs_person) in ROWS {
        let mut env = Env::start().await;
        env.expect_dead_letters();
        let opportunity = env.opportunity_won(&Deal::three_lines()).await;
        change(&env, &opportunity);
        env.settle().await;
        let (noted, parked, invoices) = verdict(&env, &opportunity);
        let (expected_note, expected_parked) =
            if *needs_person { (json!(code), vec![json!(code)]) } else { (json!(null), vec![]) };
        assert_eq!((noted, parked, invoices), (expected_note, expected_parked, 0), "{name}");
        let run = env.aws.items().into_iter().find(|item| item["workflow"]["S"] == "opportunity_won").unwrap();
        assert_eq!(run["code"]["S"], *code, "{name}");
    }
}

#[tokio::test]
async fn the_sentence_lists_every_line_and_says_what_to_do() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    products(&env, json!({ "Stripe_Price_Id__c": null }));
    env.settle().await;
    let message = env.record("Opportunity", &opportunity)["Stripe_Sync_Error__c"].as_str().unwrap().to_owned();
    for position in 1..=3 {
        let expected = format!("line {position} (Product 00{position}): fill in Stripe Price Id on the product");
        assert!(message.contains(&expected), "{message}");
    }
}

#[tokio::test]
async fn a_deal_with_251_lines_is_refused_and_one_with_250_is_billed() {
    for (lines, expected) in [(250, json!(null)), (251, json!("too_many_lines"))] {
        let mut env = Env::start().await;
        env.expect_dead_letters();
        let opportunity = env.opportunity_won(&Deal::with_lines(lines, "USD")).await;
        env.settle().await;
        assert_eq!(verdict(&env, &opportunity).0, expected, "{lines}");
    }
}

#[tokio::test]
async fn amounts_that_a_currency_cannot_hold_are_refused() {
    for (currency, amount, expected) in [
        ("JPY", "10.5", "amount_not_representable"),
        ("KWD", "10.001", "amount_not_representable"),
        ("USD", "10.005", "amount_not_representable"),
        // These can be billed; what is missing is something to bill.
        ("JPY", "10", "no_lines"),
        ("KWD", "10.01", "no_lines"),
        ("HUF", "10.55", "no_lines"),
    ] {
        let mut env = Env::with(Options { multi_currency: true, ..Options::default() }).await;
        env.expect_dead_letters();
        let opportunity = env.opportunity_won(&Deal::with_lines(1, currency)).await;
        without_lines(&env, &opportunity, serde_json::from_str(amount).unwrap());
        env.settle().await;
        assert_eq!(verdict(&env, &opportunity).0, json!(expected), "{amount} {currency}");
    }
}

/// What Stripe shows is told with what Salesforce shows, before anything is written.
#[tokio::test]
async fn an_archived_price_is_told_with_everything_else() {
    let mut env = Env::with(Options { multi_currency: true, ..Options::default() }).await;
    env.expect_dead_letters();
    let opportunity = env.enter(&Deal { email: None, ..Deal::with_lines(2, "EUR") }).await;
    let price = env.objects("price")[0]["id"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/prices/{price}"), "active=false").await;
    env.close(&opportunity);
    env.settle().await;
    assert_eq!(verdict(&env, &opportunity), (json!("billing_email_missing"), vec![json!("billing_email_missing")], 0));
    let message = env.record("Opportunity", &opportunity)["Stripe_Sync_Error__c"].as_str().unwrap().to_owned();
    let archived = "2 (lines_not_billable): These products name Stripe prices that cannot be used: Product 00";
    assert!(message.contains(archived) && message.contains(&format!("({price} is archived)")), "{message}");
    assert_eq!(env.objects("customer").len(), 0, "nothing is written");
    // Somebody takes the price back, fills in an address and sends the event again.
    env.stripe_post(&format!("/v1/prices/{price}"), "active=true").await;
    account(&env, &opportunity, json!({ "Billing_Email__c": "ap@acme.example" }));
    env.sqs.redrive();
    env.settle().await;
    assert_eq!(verdict(&env, &opportunity), (json!(null), vec![], 1));
}

/// The price of a product in one currency says nothing of what a deal in another costs: that is agreed.
#[tokio::test]
async fn a_price_in_another_currency_is_not_the_agreed_one() {
    let env = Env::with(Options { multi_currency: true, ..Options::default() }).await;
    let opportunity = env.enter(&Deal::with_lines(1, "EUR")).await;
    let dollars = env.stripe_price("Dollars", 1000, "USD").await;
    products(&env, json!({ "Stripe_Price_Id__c": dollars }));
    env.close(&opportunity);
    env.settle().await;
    assert_eq!(verdict(&env, &opportunity), (json!(null), vec![], 1));
    let [invoice] = <[Value; 1]>::try_from(env.invoices()).unwrap();
    let line = &invoice["lines"]["data"][0];
    let product =
        env.objects("price").into_iter().find(|price| price["id"] == dollars.as_str()).unwrap()["product"].clone();
    assert_eq!((&invoice["currency"], &line["pricing"]["price_details"]["product"]), (&json!("eur"), &product));
}

#[tokio::test]
async fn a_deal_that_was_mended_is_billed_when_it_is_won_again_or_sent_again() {
    for again_by_hand in [true, false] {
        let mut env = Env::start().await;
        env.expect_dead_letters();
        let opportunity = env.opportunity_won(&Deal { country: "Narnia".into(), ..Deal::three_lines() }).await;
        env.settle().await;
        assert_eq!(verdict(&env, &opportunity).0, json!("billing_country_unknown"));
        account(&env, &opportunity, json!({ "BillingCountry": "Norway" }));
        if again_by_hand {
            env.sqs.redrive();
        } else {
            set(&env, &opportunity, json!({ "StageName": "Negotiation/Review" }));
            env.close(&opportunity);
        }
        env.settle().await;
        let (noted, _, invoices) = verdict(&env, &opportunity);
        assert_eq!((noted, invoices), (json!(null), 1), "the note is gone with the reason");
    }
}

#[tokio::test]
async fn a_deal_that_changed_after_its_invoice_is_reviewed_and_nothing_is_sent() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let line = env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem")).remove(0);
    env.update("OpportunityLineItem", line["Id"].as_str().unwrap(), json!({ "Quantity": 9 }));
    set(&env, &opportunity, json!({ "StageName": "Negotiation/Review" }));
    env.close(&opportunity);
    env.settle().await;
    let (noted, parked, invoices) = verdict(&env, &opportunity);
    assert_eq!((noted, invoices), (json!("deal_changed_after_billing"), 1));
    assert_eq!(parked, [json!("deal_changed_after_billing")]);
}

#[tokio::test]
async fn a_field_that_salesforce_does_not_keep_is_reviewed() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    // Somebody's automation takes the id away in the moment between the write and the read-back.
    let refused = r#"[{"message":"no","errorCode":"FIELD_CUSTOM_VALIDATION_EXCEPTION","fields":[]}]"#;
    let rule = FaultRule::once("POST", "/services/data/**", Fault::Status { status: 400, body: refused.into() });
    env.sandbox.salesforce.inject(rule.body_contains("PATCH"));
    env.settle().await;
    let (noted, parked, invoices) = verdict(&env, &opportunity);
    assert_eq!((noted, invoices), (json!("salesforce_refused"), 1));
    assert_eq!(parked, [json!("salesforce_refused")]);
    env.sqs.redrive();
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], env.invoices()[0]["id"]);
    assert_eq!(env.invoices().len(), 1);
}

/// A field that the integration user may not read: the deal says which, before anything is at Stripe.
#[tokio::test]
async fn a_field_that_may_not_be_read_refuses_the_deal_before_anything_is_at_stripe() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let error = json!([{
        "errorCode": "INVALID_FIELD", "message": "No such column 'Billing_Email__c' on entity 'Account'.", "fields": [],
    }]);
    let part = json!({ "body": error, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": "query0" });
    let halted = json!([{ "errorCode": "PROCESSING_HALTED", "message": "halted" }]);
    let others = ["query1", "query2"]
        .map(|name| json!({ "body": halted, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": name }));
    let [second, third] = others;
    let body = json!({ "compositeResponse": [part, second, third] }).to_string();
    let hidden = FaultRule::once("POST", "/services/data/**", Fault::Status { status: 200, body });
    env.sandbox.salesforce.inject(hidden.body_contains("OpportunityLineItem"));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let (noted, parked, invoices) = verdict(&env, &opportunity);
    assert_eq!((noted, parked, invoices), (json!("salesforce_refused"), vec![json!("salesforce_refused")], 0));
    assert!(env.objects("customer").is_empty());
    let said = env.record("Opportunity", &opportunity)["Stripe_Sync_Error__c"].clone();
    assert!(said.as_str().unwrap().contains("Billing_Email__c"), "{said}");
}

#[tokio::test]
async fn a_key_that_lacks_a_permission_burns_nothing_and_goes_on_when_it_is_mended() {
    let options = Options { permissions: vec!["rak_customer_write", "rak_plan_read"], ..Options::default() };
    let env = Env::with(options).await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert!(env.invoices().is_empty());
    assert_eq!(env.sqs.work().len(), 1, "the event waits");
    env.sandbox
        .stripe
        .with(|stripe| stripe.set_permissions("rk_test_closedwon", &["rak_customer_write", "rak_invoice_write"]));
    env.settle_for_days().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], env.invoices()[0]["id"]);
}
