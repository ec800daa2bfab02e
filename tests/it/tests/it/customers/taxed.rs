//! What makes a customer's tax another one: its tax id, its exemption, and where goods are shipped.

use engine::PassKind;
use it::{Deal, Env, Options};
use jiff::SignedDuration;
use mapping::{ShippingAddress, TaxBehavior};
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use super::{billed, customer, edit};
use crate::crashes::{dies_at_every_moment, freezes_at_every_moment};
use crate::lost_answers::billed_once_with;

const NET: i64 = 11_000;

fn german() -> Deal {
    Deal { country: "Germany".into(), ..Deal::three_lines() }
}

/// The account of a business, and its first deal.
async fn with_first_deal(options: Options, fields: Value) -> (Env, String) {
    let env = Env::with(options).await;
    let account = env.account(&german());
    edit(&env, &account, fields);
    billed(&env, &account).await;
    (env, account)
}

async fn taxed(fields: Value) -> (Env, String) {
    with_first_deal(Options { tax: Some(TaxBehavior::Exclusive), ..Options::default() }, fields).await
}

fn newest(env: &Env) -> Value {
    env.invoices().into_iter().max_by_key(|invoice| invoice["id"].as_str().unwrap().to_owned()).unwrap()
}

fn tax_ids(of: &Value) -> Vec<(&str, &str)> {
    let tax_ids = of["customer_tax_ids"].as_array().unwrap();
    tax_ids.iter().map(|one| (one["type"].as_str().unwrap(), one["value"].as_str().unwrap())).collect()
}

fn code(env: &Env, opportunity: &str) -> Value {
    env.record("Opportunity", opportunity)["Stripe_Sync_Status__c"].clone()
}

/// A business in another country accounts for the tax itself, and its number stands on the invoice.
#[tokio::test]
async fn an_invoice_carries_the_tax_id_of_the_account() {
    let (env, _) = taxed(json!({ "Tax_Id__c": "DE 123456789" })).await;
    let invoice = newest(&env);
    assert_eq!(tax_ids(&invoice), [("eu_vat", "DE123456789")]);
    assert_eq!((&invoice["status"], &invoice["total"]), (&json!("open"), &json!(NET)));
    assert_eq!(invoice["total_taxes"][0]["taxability_reason"], "reverse_charge");
    assert_eq!(env.objects("customer").len(), 1, "it was made with its tax id, in one call");
    assert!(env.stripe_calls().iter().all(|call| !call.ends_with("/tax_ids")), "{:?}", env.stripe_calls());
    let statement = env.reconcile(PassKind::Deep).await;
    assert!(statement.differences.is_empty(), "{:?}", statement.differences);
}

/// Accounts get their number after the first invoice, and change it; what a person added of another kind stays.
#[tokio::test]
async fn a_tax_id_that_is_new_takes_the_place_of_the_one_before() {
    let (env, account) = taxed(json!({})).await;
    assert_eq!(newest(&env)["total"], NET * 119 / 100);
    let id = customer(&env)["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/customers/{id}/tax_ids");
    env.stripe_post(&path, "type=de_stn&value=1234567890").await;
    edit(&env, &account, json!({ "Tax_Id__c": "DE123456789" }));
    env.clear_calls();
    billed(&env, &account).await;
    let calls = env.stripe_calls_but_for_prices();
    assert_eq!((calls.len(), &calls[..2]), (5, &[format!("GET {path}"), format!("POST {path}")][..]), "{calls:?}");
    assert_eq!(tax_ids(&newest(&env)), [("de_stn", "1234567890"), ("eu_vat", "DE123456789")]);
    assert_eq!(newest(&env)["total"], NET);
    // Corrected.
    edit(&env, &account, json!({ "Tax_Id__c": "DE987654321" }));
    billed(&env, &account).await;
    assert_eq!(tax_ids(&newest(&env)), [("de_stn", "1234567890"), ("eu_vat", "DE987654321")]);
    // Nothing is new.
    edit(&env, &account, json!({ "Tax_Id__c": "de 987 654 321" }));
    env.clear_calls();
    billed(&env, &account).await;
    assert_eq!(env.stripe_calls_but_for_prices().len(), 3, "{:?}", env.stripe_calls());
    // It has none any more.
    edit(&env, &account, json!({ "Tax_Id__c": null }));
    billed(&env, &account).await;
    assert_eq!(tax_ids(&newest(&env)), [("de_stn", "1234567890")]);
    assert_eq!(newest(&env)["total"], NET * 119 / 100);
}

/// Somebody typed it in at Stripe as well.
#[tokio::test]
async fn a_tax_id_that_is_there_is_not_added_again() {
    let (env, account) = taxed(json!({})).await;
    let id = customer(&env)["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/customers/{id}/tax_ids");
    env.stripe_post(&path, "type=eu_vat&value=DE123456789").await;
    edit(&env, &account, json!({ "Tax_Id__c": "DE123456789" }));
    env.clear_calls();
    billed(&env, &account).await;
    assert_eq!(
        (env.stripe_calls_but_for_prices().len(), env.stripe_calls_but_for_prices()[0].clone()),
        (4, format!("GET {path}"))
    );
    assert_eq!(tax_ids(&newest(&env)), [("eu_vat", "DE123456789")]);
}

/// Somebody typed it in while we were adding it, and Stripe refuses the second: no code of Stripe's says so.
#[tokio::test]
async fn a_tax_id_that_is_refused_since_it_is_there_is_there() {
    for is_there in [true, false] {
        let mut env = Env::start().await;
        env.expect_dead_letters();
        let account = env.account(&german());
        billed(&env, &account).await;
        let path = format!("/v1/customers/{}/tax_ids", customer(&env)["id"].as_str().unwrap());
        edit(&env, &account, json!({ "Tax_Id__c": "DE987654321" }));
        let answer = |status, body: Value| Fault::Status { status, body: body.to_string() };
        let rule = match is_there {
            true => {
                env.stripe_post(&path, "type=eu_vat&value=DE987654321").await;
                // As it was a moment before.
                let none = json!({ "object": "list", "data": [], "has_more": false, "url": path });
                FaultRule::once("GET", &path, answer(200, none))
            }
            false => {
                let error = json!({ "type": "invalid_request_error", "message": "No more than five." });
                FaultRule::once("POST", &path, answer(400, json!({ "error": error })))
            }
        };
        env.sandbox.stripe.inject(rule);
        let opportunity = billed(&env, &account).await;
        let expected = if is_there { Value::Null } else { json!("stripe_refused") };
        assert_eq!(code(&env, &opportunity), expected, "there: {is_there}");
    }
}

#[tokio::test]
async fn a_tax_id_that_cannot_be_told_is_refused_before_anything_is_written() {
    for (fields, expected) in [
        (json!({ "Tax_Id__c": "12-3456789" }), "tax_id_invalid"),
        (json!({ "Tax_Id__c": "DE123456789", "Tax_Id_Type__c": "vat" }), "tax_id_invalid"),
        (json!({ "Tax_Id__c": "DE1, DE2" }), "tax_id_invalid"),
    ] {
        let mut env = Env::start().await;
        env.expect_dead_letters();
        let account = env.account(&german());
        edit(&env, &account, fields.clone());
        let opportunity = billed(&env, &account).await;
        assert_eq!((code(&env, &opportunity), env.objects("customer").len()), (json!(expected), 0), "{fields}");
        // Mended, with Stripe's name for the kind.
        edit(&env, &account, json!({ "Tax_Id__c": "12-3456789", "Tax_Id_Type__c": "us_ein" }));
        env.sqs.redrive();
        env.settle().await;
        assert_eq!((code(&env, &opportunity), tax_ids(&newest(&env))), (Value::Null, vec![("us_ein", "12-3456789")]));
    }
}

/// Stripe knows the forms of numbers better than we do.
#[tokio::test]
async fn a_tax_id_that_stripe_does_not_take_is_refused_with_its_code() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let account = env.account(&german());
    edit(&env, &account, json!({ "Tax_Id__c": "DE123" }));
    let opportunity = billed(&env, &account).await;
    assert_eq!((code(&env, &opportunity), env.invoices().len()), (json!("tax_id_invalid"), 0));
    // The same of a customer that is there.
    edit(&env, &account, json!({ "Tax_Id__c": null }));
    env.sqs.redrive();
    env.settle().await;
    assert_eq!((code(&env, &opportunity), env.invoices().len()), (Value::Null, 1));
    edit(&env, &account, json!({ "Tax_Id__c": "DE123" }));
    let second = billed(&env, &account).await;
    assert_eq!((code(&env, &second), env.invoices().len()), (json!("tax_id_invalid"), 1));
    edit(&env, &account, json!({ "Tax_Id__c": "DE123456789" }));
    env.sqs.redrive();
    env.settle().await;
    assert_eq!((code(&env, &second), tax_ids(&newest(&env))), (Value::Null, vec![("eu_vat", "DE123456789")]));
}

#[tokio::test]
async fn an_exemption_is_told_and_taken_back() {
    let (env, account) = taxed(json!({ "Tax_Exempt__c": "exempt" })).await;
    assert_eq!((&customer(&env)["tax_exempt"], &newest(&env)["total"]), (&json!("exempt"), &json!(NET)));
    edit(&env, &account, json!({ "Tax_Exempt__c": "reverse" }));
    billed(&env, &account).await;
    assert_eq!(customer(&env)["tax_exempt"], "reverse");
    assert_eq!(newest(&env)["total_taxes"][0]["taxability_reason"], "reverse_charge");
    edit(&env, &account, json!({ "Tax_Exempt__c": null }));
    billed(&env, &account).await;
    assert_eq!((&customer(&env)["tax_exempt"], &newest(&env)["total"]), (&json!("none"), &json!(NET * 119 / 100)));
    // A person exempts it at Stripe, and Salesforce never spoke of that since.
    let id = customer(&env)["id"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/customers/{id}"), "tax_exempt=exempt").await;
    edit(&env, &account, json!({ "Phone": "+1 555 0100" }));
    billed(&env, &account).await;
    assert_eq!((&customer(&env)["tax_exempt"], &customer(&env)["phone"]), (&json!("exempt"), &json!("+1 555 0100")));
}

/// Goods are taxed where they go. Where nobody said that these addresses are real, none is read.
#[tokio::test]
async fn a_shipping_address_is_told_where_it_is_real() {
    let elsewhere = json!({ "ShippingStreet": "1 Market St", "ShippingCity": "San Francisco", "ShippingState": "California",
        "ShippingPostalCode": "94107", "ShippingCountry": "United States" });
    let (env, _) = taxed(elsewhere.clone()).await;
    assert_eq!((&customer(&env)["shipping"], &newest(&env)["total"]), (&Value::Null, &json!(NET * 119 / 100)));
    let shipping =
        || Options { tax: Some(TaxBehavior::Exclusive), shipping: ShippingAddress::Account, ..Options::default() };
    let (env, account) = with_first_deal(shipping(), elsewhere).await;
    let told = customer(&env)["shipping"].clone();
    assert_eq!((&told["name"], &told["address"]["state"]), (&customer(&env)["name"], &json!("CA")), "{told}");
    assert_ne!(newest(&env)["total"], NET * 119 / 100);
    // It moves, whole.
    edit(
        &env,
        &account,
        json!({ "ShippingStreet": "Platz 1", "ShippingCity": "Berlin", "ShippingState": null,
        "ShippingPostalCode": null, "ShippingCountry": "Germany" }),
    );
    env.clear_calls();
    let moved = billed(&env, &account).await;
    let path = format!("POST /v1/customers/{}", customer(&env)["id"].as_str().unwrap());
    let calls = env.stripe_calls_but_for_prices();
    assert_eq!((calls.len(), &calls[..2]), (5, &[path.clone(), path][..]), "the one before goes first: {calls:?}");
    assert_eq!(code(&env, &moved), Value::Null, "{}", env.record("Opportunity", &moved));
    let told = customer(&env)["shipping"]["address"].clone();
    assert_eq!((&told["line1"], &told["state"], &told["country"]), (&json!("Platz 1"), &Value::Null, &json!("DE")));
    // The billing address once more, as many organizations copy it, is none.
    let record = env.record("Account", &account);
    let copied = json!({ "ShippingStreet": record["BillingStreet"], "ShippingCity": record["BillingCity"] });
    edit(&env, &account, copied);
    billed(&env, &account).await;
    assert_eq!(customer(&env)["shipping"], Value::Null);
}

#[tokio::test]
async fn half_a_shipping_address_is_refused() {
    for (fields, message) in [
        (json!({ "ShippingCity": "Berlin" }), "Shipping Street"),
        (json!({ "ShippingStreet": "Platz 1" }), "Shipping Country"),
        (json!({ "ShippingStreet": "Platz 1", "ShippingCountry": "Narnia" }), "Shipping Country"),
    ] {
        let mut env = Env::with(Options { shipping: ShippingAddress::Account, ..Options::default() }).await;
        env.expect_dead_letters();
        let account = env.account(&german());
        edit(&env, &account, fields.clone());
        let opportunity = billed(&env, &account).await;
        let record = env.record("Opportunity", &opportunity);
        assert_eq!(record["Stripe_Sync_Status__c"], "shipping_address_incomplete", "{fields}");
        assert!(record["Stripe_Sync_Error__c"].as_str().unwrap().contains(message), "{record}");
        assert!(env.objects("customer").is_empty());
    }
}

/// A customer of ours that the ledger does not know gets the account's tax id, beside one of another kind, in place of its own.
async fn won_with_a_tax_id() -> (Env, String) {
    let env = Env::start().await;
    let account = env.account(&german());
    let body = format!("name=Acme&email=ap@acme.example&metadata[sf_account_id]={account}");
    let named = env.stripe_post("/v1/customers", &body).await;
    let path = format!("/v1/customers/{}/tax_ids", named["id"].as_str().unwrap());
    env.stripe_post(&path, "type=eu_vat&value=DE111111111").await;
    edit(&env, &account, json!({ "Stripe_Customer_Id__c": named["id"], "Tax_Id__c": "DE222222222" }));
    let opportunity = env.enter_for(&account, &german()).await;
    env.clear_calls();
    env.close(&opportunity);
    (env, opportunity)
}

#[tokio::test]
async fn a_customer_that_nobody_remembers_has_one_number_of_a_kind() {
    let (env, opportunity) = won_with_a_tax_id().await;
    env.settle().await;
    assert_eq!((code(&env, &opportunity), tax_ids(&newest(&env))), (Value::Null, vec![("eu_vat", "DE222222222")]));
}

#[tokio::test]
async fn dying_while_a_tax_id_is_told_is_the_same_story() {
    dies_at_every_moment(won_with_a_tax_id, SignedDuration::from_hours(25)).await;
}

#[tokio::test]
async fn standing_still_while_a_tax_id_is_told_is_the_same_story() {
    freezes_at_every_moment(won_with_a_tax_id).await;
}

#[tokio::test]
async fn answers_that_are_lost_while_a_tax_id_is_told_are_the_same_story() {
    billed_once_with(won_with_a_tax_id, NET, Fault::AnswerLost, 1).await;
    // The tax id's own requests, each of whose answers is lost twice.
    for (method, path) in [("GET", "/v1/customers/*/tax_ids"), ("POST", "/v1/customers/*/tax_ids"), ("DELETE", "/**")] {
        let (env, opportunity) = won_with_a_tax_id().await;
        env.sandbox.stripe.inject(FaultRule::once(method, path, Fault::AnswerLost).times(2));
        env.settle_for_days().await;
        let (invoice, expected) = (newest(&env), vec![("eu_vat", "DE222222222")]);
        assert_eq!((code(&env, &opportunity), tax_ids(&invoice)), (Value::Null, expected), "{method}");
        assert_eq!((env.invoices().len(), &invoice["status"]), (1, &json!("open")));
    }
}

/// The former number is still to go when the account has it again: the one that was added goes.
#[tokio::test]
async fn a_tax_id_that_is_changed_back_at_once_leaves_no_other_behind() {
    let (env, account) = taxed(json!({ "Tax_Id__c": "DE111111111" })).await;
    edit(&env, &account, json!({ "Tax_Id__c": "DE222222222" }));
    let opportunity = env.enter_for(&account, &german()).await;
    env.sandbox.stripe.inject(FaultRule::once("DELETE", "/**", Fault::RateLimited).times(100));
    env.close(&opportunity);
    env.deliver().await;
    env.work(3).await;
    edit(&env, &account, json!({ "Tax_Id__c": "DE111111111" }));
    env.sandbox.stripe.clear_faults();
    billed(&env, &account).await;
    env.settle_for_days().await;
    assert_eq!(env.invoices().len(), 3);
    for invoice in env.invoices() {
        assert_eq!(tax_ids(&invoice), [("eu_vat", "DE111111111")], "{}", invoice["id"]);
    }
}

/// The account has none any more, and the request that takes it away never arrives. A day later it is looked whether it did.
#[tokio::test]
async fn a_tax_id_that_was_to_go_and_is_there_a_day_later_goes() {
    let (env, account) = taxed(json!({ "Tax_Id__c": "DE123456789" })).await;
    edit(&env, &account, json!({ "Tax_Id__c": null }));
    let opportunity = env.enter_for(&account, &german()).await;
    env.sandbox.stripe.inject(FaultRule::once("DELETE", "/v1/customers/*/tax_ids/*", Fault::ServerError));
    env.close(&opportunity);
    env.deliver().await;
    env.work(10).await;
    assert_eq!(env.invoices().len(), 1, "it is not billed before the number is gone");
    env.advance(SignedDuration::from_hours(25));
    env.settle_for_days().await;
    assert_eq!((env.invoices().len(), tax_ids(&newest(&env))), (2, vec![]));
    assert_eq!(code(&env, &opportunity), Value::Null);
}
