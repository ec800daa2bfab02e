//! What Stripe is told of a customer after it was made: what Salesforce says otherwise, before the next deal is billed.

mod edited;
mod taxed;

use it::{Deal, Env};
use jiff::SignedDuration;
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::crashes::{dies_at_every_moment, freezes_at_every_moment};
use crate::lost_answers::billed_once_with;

async fn billed(env: &Env, account: &str) -> String {
    let opportunity = env.enter_for(account, &Deal::three_lines()).await;
    env.close(&opportunity);
    env.settle().await;
    opportunity
}

/// A minute later somebody edits the account.
fn edit(env: &Env, account: &str, fields: Value) {
    env.advance(SignedDuration::from_mins(1));
    env.update("Account", account, fields);
}

fn customer(env: &Env) -> Value {
    let customers = env.objects("customer");
    assert_eq!(customers.len(), 1);
    customers[0].clone()
}

#[tokio::test]
async fn what_salesforce_says_otherwise_is_told_before_the_next_deal_is_billed() {
    let env = Env::start().await;
    let account = env.account(&Deal::three_lines());
    let street = json!({ "BillingStreet": "1 Main St\nFloor 2", "BillingCity": "Berlin", "BillingCountry": "Germany" });
    edit(&env, &account, street);
    billed(&env, &account).await;
    let before = customer(&env);
    assert_eq!((&before["address"]["line2"], &before["address"]["country"]), (&json!("Floor 2"), &json!("DE")));
    edit(
        &env,
        &account,
        json!({ "Billing_Email__c": "billing@acme.example", "BillingStreet": "5 Side St", "Name": "Acme Inc" }),
    );
    env.clear_calls();
    billed(&env, &account).await;
    let calls = env.stripe_calls_but_for_prices();
    let id = before["id"].as_str().unwrap();
    assert_eq!((calls.len(), calls[0].as_str()), (4, format!("POST /v1/customers/{id}").as_str()), "{calls:?}");
    let after = customer(&env);
    assert_eq!((&after["email"], &after["name"]), (&json!("billing@acme.example"), &json!("Acme Inc")));
    // A part that is gone does not stay behind.
    let address = &after["address"];
    assert_eq!(
        (&address["line1"], &address["line2"], &address["city"]),
        (&json!("5 Side St"), &Value::Null, &json!("Berlin"))
    );
    assert_eq!(after["phone"], before["phone"], "what is not new is not told");
    let mailed_to = |env: &Env| env.invoices().iter().map(|one| one["customer_email"].clone()).collect::<Vec<_>>();
    assert!(mailed_to(&env).contains(&json!("billing@acme.example")), "{:?}", mailed_to(&env));
    // It is edited, and says the same of the customer.
    edit(&env, &account, json!({ "Name": "Acme Inc" }));
    env.clear_calls();
    billed(&env, &account).await;
    assert_eq!(env.stripe_calls_but_for_prices().len(), 3, "{:?}", env.stripe_calls());
}

/// What a person puts right in Stripe's dashboard stays, until Salesforce says something new of it.
#[tokio::test]
async fn what_a_person_changed_in_stripe_stays_until_salesforce_says_something_new() {
    let env = Env::start().await;
    let account = env.account(&Deal::three_lines());
    billed(&env, &account).await;
    let id = customer(&env)["id"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/customers/{id}"), "email=by.hand@acme.example").await;
    edit(&env, &account, json!({ "Phone": "+1 555 0100" }));
    billed(&env, &account).await;
    let seen = customer(&env);
    assert_eq!((&seen["email"], &seen["phone"]), (&json!("by.hand@acme.example"), &json!("+1 555 0100")));
    edit(&env, &account, json!({ "Billing_Email__c": "new@acme.example" }));
    billed(&env, &account).await;
    assert_eq!(customer(&env)["email"], "new@acme.example");
}

/// A customer that a person wrote on the account may be other accounts' as well: what it says of itself is that person's business.
#[tokio::test]
async fn a_customer_that_a_person_linked_is_told_nothing() {
    let env = Env::start().await;
    let named = env.stripe_post("/v1/customers", "name=By+hand&email=by.hand@acme.example").await;
    let account = env.account(&Deal::three_lines());
    edit(&env, &account, json!({ "Stripe_Customer_Id__c": named["id"] }));
    billed(&env, &account).await;
    edit(&env, &account, json!({ "Billing_Email__c": "new@acme.example" }));
    env.clear_calls();
    billed(&env, &account).await;
    assert_eq!(
        (&customer(&env)["name"], &customer(&env)["email"]),
        (&json!("By hand"), &json!("by.hand@acme.example"))
    );
    assert_eq!(env.stripe_calls_but_for_prices().len(), 3, "{:?}", env.stripe_calls());
}

/// The customer keeps what it was told, and the deal says why it is not billed.
#[tokio::test]
async fn a_customer_that_stripe_does_not_take_so_is_not_billed() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let account = env.account(&Deal::three_lines());
    billed(&env, &account).await;
    edit(&env, &account, json!({ "Billing_Email__c": "billing@acme.example" }));
    let error = json!({ "type": "invalid_request_error", "code": "email_invalid", "param": "email", "message": "No." });
    let refusal = Fault::Status { status: 400, body: json!({ "error": error }).to_string() };
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/customers/*", refusal));
    let opportunity = billed(&env, &account).await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!((&record["Stripe_Sync_Status__c"], env.invoices().len()), (&json!("stripe_refused"), 1), "{record}");
    // Corrected, and sent again.
    edit(&env, &account, json!({ "Billing_Email__c": "right@acme.example" }));
    env.sqs.redrive();
    env.settle_for_days().await;
    assert_eq!((customer(&env)["email"].clone(), env.invoices().len()), (json!("right@acme.example"), 2));
}

/// It was deleted when it was to be told: another takes its place.
#[tokio::test]
async fn a_customer_that_is_gone_when_it_is_to_be_told_is_made_again() {
    let env = Env::start().await;
    let account = env.account(&Deal::three_lines());
    billed(&env, &account).await;
    let id = customer(&env)["id"].as_str().unwrap().to_owned();
    env.stripe_delete(&format!("/v1/customers/{id}"));
    edit(&env, &account, json!({ "Billing_Email__c": "billing@acme.example" }));
    let opportunity = billed(&env, &account).await;
    let record = env.record("Opportunity", &opportunity);
    let made = env.objects("customer").into_iter().find(|one| one["id"] == record["Stripe_Customer_Id__c"]).unwrap();
    assert_eq!(made["email"], "billing@acme.example");
    assert_ne!(record["Stripe_Customer_Id__c"], json!(id));
}

/// A request whose answer was lost may be there twice. Nothing newer is told for ten minutes, or the older would come last.
#[tokio::test]
async fn what_may_still_be_on_its_way_is_waited_for() {
    let env = Env::start().await;
    let account = env.account(&Deal::three_lines());
    billed(&env, &account).await;
    edit(&env, &account, json!({ "Billing_Email__c": "second@acme.example" }));
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/customers/*", Fault::AnswerLost));
    billed(&env, &account).await;
    env.settle_for_days().await;
    assert_eq!((customer(&env)["email"].clone(), env.invoices().len()), (json!("second@acme.example"), 2));
    edit(&env, &account, json!({ "Billing_Email__c": "third@acme.example" }));
    let opportunity = env.enter_for(&account, &Deal::three_lines()).await;
    env.clear_calls();
    env.close(&opportunity);
    env.deliver().await;
    env.work(10).await;
    assert_eq!(env.stripe_calls_but_for_prices(), [] as [String; 0], "it is too early");
    env.settle_for_days().await;
    assert_eq!((customer(&env)["email"].clone(), env.invoices().len()), (json!("third@acme.example"), 3));
}

/// A customer of ours that the ledger does not know, at an address that is not the account's any more.
async fn won_with_news() -> (Env, String) {
    let env = Env::start().await;
    let account = env.account(&Deal::three_lines());
    let body = format!("name=Acme&email=old@acme.example&metadata[sf_account_id]={account}");
    let named = env.stripe_post("/v1/customers", &body).await;
    edit(&env, &account, json!({ "Stripe_Customer_Id__c": named["id"] }));
    let opportunity = env.enter_for(&account, &Deal::three_lines()).await;
    env.clear_calls();
    env.close(&opportunity);
    (env, opportunity)
}

#[tokio::test]
async fn dying_while_it_is_told_is_the_same_story() {
    dies_at_every_moment(won_with_news, SignedDuration::from_hours(25)).await;
}

#[tokio::test]
async fn standing_still_while_it_is_told_is_the_same_story() {
    freezes_at_every_moment(won_with_news).await;
}

#[tokio::test]
async fn answers_that_are_lost_while_it_is_told_are_the_same_story() {
    billed_once_with(won_with_news, 11_000, Fault::AnswerLost, 1).await;
}
