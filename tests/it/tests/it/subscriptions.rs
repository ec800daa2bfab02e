//! Deals with recurring lines.

pub(crate) mod contracts;
mod currencies;
mod endings;
mod interrupted;
mod mixed;
pub(crate) mod renewals;
mod standings;
mod strays;

use engine::PassKind;
use it::{Deal, Env, Line, Options};
use jiff::SignedDuration;
use mapping::{LineSource, Subscriptions};
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::operator::changed;

/// What the worker's key needs where there are subscriptions.
pub(crate) const PERMISSIONS: [&str; 8] = [
    "rak_payment_intent_read",
    "rak_invoiceitem_read",
    "rak_customer_write",
    "rak_invoice_write",
    "rak_product_read",
    "rak_plan_write",
    "rak_event_read",
    "rak_subscription_write",
];

pub(crate) fn options(line_source: LineSource) -> Options {
    let (subscriptions, permissions) = (Subscriptions::ClosedWon, PERMISSIONS.to_vec());
    Options { line_source, subscriptions, permissions, ..Options::default() }
}

pub(crate) async fn selling() -> Env {
    Env::with(options(LineSource::CpqQuote)).await
}

pub(crate) fn line(product: &str, stripe_minor_units: i64, list_price: &str, unit_price: &str, quantity: &str) -> Line {
    Line {
        product: product.into(),
        stripe_minor_units,
        list_price: list_price.into(),
        unit_price: unit_price.into(),
        quantity: quantity.into(),
    }
}

/// Two seats at 1,200.00 a year each, and 500.00 of onboarding.
pub(crate) fn deal() -> Deal {
    let lines = vec![line("Seat", 10_000, "1200", "1200", "2"), line("Onboarding", 50_000, "500", "500", "1")];
    Deal { lines, ..Deal::three_lines() }
}

fn first(env: &Env, object: &str) -> String {
    env.sandbox.salesforce.with(|org| org.records(object))[0]["Id"].as_str().unwrap().to_owned()
}

/// The day that it is now, and others relative to it.
pub(crate) fn day(env: &Env, days: i64) -> String {
    let at = env.now().checked_add(SignedDuration::from_hours(24 * days)).unwrap();
    jiff::tz::TimeZone::UTC.to_datetime(at).date().to_string()
}

/// A term of a year from this day on.
fn year_from(start: &str) -> Value {
    let first: jiff::civil::Date = start.parse().unwrap();
    let last = first.checked_add(jiff::Span::new().months(12)).unwrap().yesterday().unwrap();
    json!({
        "SBQQ__StartDate__c": start,
        "SBQQ__EndDate__c": last.to_string(),
        "SBQQ__SubscriptionTerm__c": 12,
    })
}

/// Makes the first line of the quote recurring: monthly for a year from this day on.
pub(crate) fn make_recurring(env: &Env, start: &str) {
    let (quote, line) = (first(env, "SBQQ__Quote__c"), first(env, "SBQQ__QuoteLine__c"));
    env.update("SBQQ__Quote__c", &quote, year_from(start));
    let recurring = json!({ "SBQQ__ChargeType__c": "Recurring", "SBQQ__BillingFrequency__c": "Monthly" });
    env.update("SBQQ__QuoteLine__c", &line, recurring);
}

/// Gives a product's price a rhythm: the sandbox's are made for one-time lines.
pub(crate) async fn make_price_recurring(env: &Env, product: &str, minor_units: i64, interval: &str) -> String {
    let products = env.sandbox.salesforce.with(|org| org.records("Product2"));
    let there = products.iter().find(|record| record["Name"] == product).unwrap();
    let price = there["Stripe_Price_Id__c"].as_str().unwrap();
    let prices = env.objects("price");
    let of = prices.iter().find(|found| found["id"] == price).unwrap()["product"].as_str().unwrap().to_owned();
    let body = format!("product={of}&currency=usd&unit_amount={minor_units}&recurring[interval]={interval}");
    let made = env.stripe_post("/v1/prices", &body).await;
    let id = made["id"].as_str().unwrap().to_owned();
    env.update("Product2", there["Id"].as_str().unwrap(), json!({ "Stripe_Price_Id__c": id }));
    id
}

pub(crate) async fn won(env: &Env, start: &str) -> String {
    let opportunity = env.enter(&deal()).await;
    make_recurring(env, start);
    make_price_recurring(env, "Seat", 10_000, "month").await;
    env.clear_calls();
    env.close(&opportunity);
    opportunity
}

/// Products of the same name have the same price, as one product has.
fn share_prices(env: &Env) {
    let products = env.sandbox.salesforce.with(|org| org.records("Product2"));
    for product in &products {
        let first = products.iter().find(|other| other["Name"] == product["Name"]).unwrap();
        let price = json!({ "Stripe_Price_Id__c": first["Stripe_Price_Id__c"] });
        env.update("Product2", product["Id"].as_str().unwrap(), price);
    }
}

fn operations(env: &Env) -> Vec<String> {
    let calls = env.stripe_calls().into_iter();
    let last = |call: &str| call.rsplit('/').next().unwrap_or_default().to_owned();
    calls.map(|call| format!("{} {}", call.split(' ').next().unwrap_or_default(), last(&call))).collect()
}

pub(crate) fn subscriptions(env: &Env) -> Vec<Value> {
    env.objects("subscription")
}

#[tokio::test]
async fn a_won_deal_begins_its_subscription_and_its_first_invoice_is_sent() {
    let env = selling().await;
    let opportunity = won(&env, &day(&env, 0)).await;
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!(record["Stripe_Sync_Status__c"], Value::Null, "{record}");
    let [subscription] = <[Value; 1]>::try_from(subscriptions(&env)).unwrap();
    assert_eq!(
        (&subscription["status"], &subscription["id"]),
        (&json!("active"), &record["Stripe_Subscription_Id__c"])
    );
    assert_eq!(subscription["metadata"]["sf_opportunity_id"], record["Id"]);
    assert_eq!(record["Stripe_MRR__c"], 200.0);
    let [invoice] = <[Value; 1]>::try_from(env.invoices()).unwrap();
    assert_eq!((&invoice["status"], &invoice["total"]), (&json!("open"), &json!(20_000 + 50_000)));
    assert_eq!((&invoice["id"], &invoice["auto_advance"]), (&record["Stripe_Invoice_Id__c"], &json!(false)));
    // Two prices are read, and whether anything waits for the customer; nothing is made that the catalogue has.
    let subscription_calls: Vec<_> = operations(&env).into_iter().filter(|call| call.starts_with("POST")).collect();
    let held = invoice["id"].as_str().unwrap();
    assert_eq!(subscription_calls, ["POST customers", "POST subscriptions", &format!("POST {held}"), "POST send"]);
    // One read and one write at Salesforce, as everywhere; and how the subscription stands costs a look at it, and as much again.
    assert_eq!(env.stripe_calls().len(), 7 + 1, "{:?}", env.stripe_calls());
    assert_eq!(env.salesforce_calls().len(), 2 + 2);
    let statement = env.reconcile(PassKind::Deep).await;
    assert!(statement.is_finished && statement.differences.is_empty(), "{statement:?}");
}

/// A year passes. What was billed by then is the deal's amount, and then the subscription is over.
#[tokio::test]
async fn a_term_bills_the_deals_amount_and_ends() {
    let env = selling().await;
    let opportunity = won(&env, &day(&env, 0)).await;
    env.settle().await;
    for _ in 0..400 {
        env.advance(SignedDuration::from_hours(24));
        env.let_stripe_catch_up();
        env.sandbox.stripe.take_deliveries();
    }
    let invoices = env.invoices();
    let sum: i64 = invoices.iter().map(|invoice| invoice["total"].as_i64().unwrap()).sum();
    assert_eq!((invoices.len(), sum), (12, 240_000 + 50_000));
    assert_eq!(subscriptions(&env)[0]["status"], "canceled");
    assert_eq!(env.record("Opportunity", &opportunity)["Amount"], 2900.0);
}

/// Every month that has gone by is a line of the first invoice.
#[tokio::test]
async fn a_term_that_began_is_billed_from_its_first_day() {
    let env = selling().await;
    won(&env, &day(&env, -40)).await;
    env.settle().await;
    let [invoice] = <[Value; 1]>::try_from(env.invoices()).unwrap();
    assert_eq!((&invoice["status"], &invoice["total"]), (&json!("open"), &json!(2 * 20_000 + 50_000)));
    let statement = env.reconcile(PassKind::Deep).await;
    assert!(statement.differences.is_empty(), "{statement:?}");
}

/// Nothing is made before its day. The reconciler brings the deal back then, and an edit until then is what is billed.
#[tokio::test]
async fn a_term_that_is_to_come_waits_for_its_day() {
    let env = selling().await;
    let opportunity = won(&env, &day(&env, 10)).await;
    env.settle().await;
    assert_eq!((subscriptions(&env).len(), env.invoices().len(), env.stripe_calls_but_for_prices().len()), (0, 0, 0));
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], Value::Null);
    for _ in 0..9 {
        env.advance(SignedDuration::from_hours(24));
        let pass = env.reconcile(PassKind::Deep).await;
        assert_eq!((pass.requeued, pass.differences.len()), (0, 0), "{pass:?}");
    }
    env.advance(SignedDuration::from_hours(24));
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    assert_eq!(env.invoices()[0]["total"], 70_000);
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], env.invoices()[0]["id"]);
}

/// What was agreed and is in no catalogue gets a price of its own, once; the next deal like it uses it again.
#[tokio::test]
async fn an_agreed_price_is_made_once_and_used_again() {
    let env = selling().await;
    let mut opportunities = Vec::new();
    for account in ["Acme", "Bolt"] {
        // Longer than Stripe remembers the key that the price was made under.
        env.advance(SignedDuration::from_hours(25));
        let lines = vec![line("Seat", 10_000, "1200", "960", "3"), line("Support", 5_000, "600", "600", "1")];
        let opportunity = env.enter(&Deal { account: account.into(), lines, ..deal() }).await;
        for record in env.sandbox.salesforce.with(|org| org.records("SBQQ__QuoteLine__c")) {
            let recurring = json!({ "SBQQ__ChargeType__c": "Recurring", "SBQQ__BillingFrequency__c": "Monthly" });
            env.update("SBQQ__QuoteLine__c", record["Id"].as_str().unwrap(), recurring);
        }
        for record in env.sandbox.salesforce.with(|org| org.records("SBQQ__Quote__c")) {
            env.update("SBQQ__Quote__c", record["Id"].as_str().unwrap(), year_from(&day(&env, 0)));
        }
        share_prices(&env);
        env.close(&opportunity);
        env.settle().await;
        opportunities.push(opportunity);
    }
    let invoices = env.invoices();
    assert_eq!(invoices.iter().map(|invoice| invoice["total"].as_i64()).collect::<Vec<_>>(), [Some(29_000); 2]);
    // A price that is made once more would take the key from the first.
    let made = env.objects("price").into_iter().filter(|price| price["recurring"].is_object());
    let made: Vec<_> = made.map(|price| (price["unit_amount"].clone(), price["lookup_key"].is_string())).collect();
    assert_eq!(made, [(json!(8_000), true), (json!(5_000), true)]);
    for opportunity in &opportunities {
        assert_eq!(env.record("Opportunity", opportunity)["Stripe_Sync_Status__c"], Value::Null);
    }
}

/// Above the ceiling nothing is begun, since Stripe would send it by itself; an approval brings it on.
#[tokio::test]
async fn a_subscription_above_the_ceiling_is_not_begun_before_it_is_approved() {
    let mut env = selling().await;
    env.expect_dead_letters();
    env.operate(json!({ "ceiling_USD": { "N": "100" } }));
    let opportunity = won(&env, &day(&env, 0)).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], "approval_required");
    assert_eq!((subscriptions(&env).len(), env.invoices().len()), (0, 0));
    env.update("Opportunity", &opportunity, json!({ "Stripe_Approved_Amount__c": 2900 }));
    env.sqs.put(&changed(&env, "msg_approved", &opportunity));
    env.settle().await;
    assert_eq!((&env.invoices()[0]["status"], &env.invoices()[0]["total"]), (&json!("open"), &json!(70_000)));
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], Value::Null);
}

/// A second deal of an account that Stripe knows already, with everything but its stage; and the customer there.
async fn another_deal() -> (Env, String, String) {
    let mut env = selling().await;
    env.expect_dead_letters();
    let account = env.account(&deal());
    let earlier = Deal { lines: vec![line("Seat", 10_000, "100", "100", "1")], ..deal() };
    let before = env.enter_for(&account, &earlier).await;
    env.close(&before);
    env.settle().await;
    let customer = env.record("Opportunity", &before)["Stripe_Customer_Id__c"].as_str().unwrap().to_owned();
    let opportunity = env.enter_for(&account, &deal()).await;
    for record in env.sandbox.salesforce.with(|org| org.records("SBQQ__Quote__c")) {
        env.update("SBQQ__Quote__c", record["Id"].as_str().unwrap(), year_from(&day(&env, 0)));
    }
    let lines = env.sandbox.salesforce.with(|org| org.records("SBQQ__QuoteLine__c"));
    let seat = lines.iter().find(|record| record["SBQQ__NetTotal__c"] == 2400.0).unwrap()["Id"].as_str().unwrap();
    let recurring = json!({ "SBQQ__ChargeType__c": "Recurring", "SBQQ__BillingFrequency__c": "Monthly" });
    env.update("SBQQ__QuoteLine__c", seat, recurring);
    (env, opportunity, customer)
}

async fn leave_item(env: &Env, customer: &str) -> String {
    let item = env.stripe_post("/v1/invoiceitems", &format!("customer={customer}&amount=999&currency=usd")).await;
    item["id"].as_str().unwrap().to_owned()
}

/// Nothing is begun, and the item stays; without it the deal is billed.
async fn waits_for_item(env: &Env, opportunity: &str, item: &str) {
    assert_eq!(env.record("Opportunity", opportunity)["Stripe_Sync_Status__c"], "pending_items");
    assert_eq!((subscriptions(env).len(), env.invoices().len()), (0, 1), "only the first deal's invoice");
    env.stripe_delete(&format!("/v1/invoiceitems/{item}"));
    env.sqs.put(&changed(env, "msg_again", opportunity));
    env.settle().await;
    assert_eq!(subscriptions(env)[0]["status"], "active");
}

/// Somebody's pending item would come with the first invoice, and go with it.
#[tokio::test]
async fn what_lies_around_for_the_customer_is_not_taken_along() {
    let (env, opportunity, customer) = another_deal().await;
    let item = leave_item(&env, &customer).await;
    env.close(&opportunity);
    env.settle().await;
    waits_for_item(&env, &opportunity, &item).await;
}

/// Nothing waited when the subscription was to begin; but Stripe took it only after a day.
#[tokio::test]
async fn what_was_left_while_it_could_not_begin_is_not_taken_along() {
    let (env, opportunity, customer) = another_deal().await;
    let busy = FaultRule::once("POST", "/v1/subscriptions", Fault::RateLimited).times(u32::MAX);
    env.sandbox.stripe.inject(busy);
    env.close(&opportunity);
    env.settle().await;
    let item = leave_item(&env, &customer).await;
    env.advance(SignedDuration::from_hours(25));
    env.sandbox.stripe.clear_faults();
    env.settle_for_days().await;
    waits_for_item(&env, &opportunity, &item).await;
}

/// Renewals bill without us, and their payments are nothing that an opportunity waits for.
#[tokio::test]
async fn the_first_payment_is_the_deals_and_later_ones_are_counted() {
    let env = selling().await;
    let opportunity = won(&env, &day(&env, 0)).await;
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/invoices/{invoice}/pay"), "paid_out_of_band=true").await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
    for _ in 0..33 {
        env.advance(SignedDuration::from_hours(24));
        env.let_stripe_catch_up();
    }
    let second = env.invoices().into_iter().find(|found| found["id"] != invoice).unwrap();
    assert_eq!((&second["status"], &second["total"]), (&json!("open"), &json!(20_000)));
    let second = second["id"].as_str().unwrap();
    env.stripe_post(&format!("/v1/invoices/{second}/pay"), "paid_out_of_band=true").await;
    let paid = |env: &Env| {
        let record = env.record("Opportunity", &opportunity);
        ["Payment_Received__c", "Paid_Date__c", "Stripe_Invoice_Id__c", "Stripe_MRR__c"]
            .map(|field| record[field].clone())
    };
    let before = paid(&env);
    env.settle().await;
    assert_eq!(paid(&env), before);
    let statement = env.reconcile(PassKind::Deep).await;
    assert!(statement.differences.is_empty(), "{statement:?}");
    env.settle().await;
    assert_eq!(paid(&env), before);
}

/// The products are on the opportunity, and so is the term. Without an end it goes on.
#[tokio::test]
async fn an_opportunitys_products_can_be_recurring() {
    let env = Env::with(options(LineSource::OpportunityProducts)).await;
    let opportunity = env.enter(&Deal { lines: vec![line("Licence", 99_900, "999", "999", "1")], ..deal() }).await;
    let product = first(&env, "Product2");
    env.update("Product2", &product, json!({ "Stripe_Billing_Frequency__c": "Annual" }));
    env.update("Opportunity", &opportunity, json!({ "Stripe_Start_Date__c": day(&env, 0) }));
    env.close(&opportunity);
    env.settle().await;
    let subscription = &subscriptions(&env)[0];
    assert_eq!((&subscription["status"], &subscription["cancel_at"]), (&json!("active"), &Value::Null));
    assert_eq!((&env.invoices()[0]["status"], &env.invoices()[0]["total"]), (&json!("open"), &json!(99_900)));
}
