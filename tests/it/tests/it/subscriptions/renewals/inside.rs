//! Renewals that begin inside a period of the subscription: Stripe prorates the rest of it.

use mapping::Proration;

use super::*;

pub(super) mod disturbed;

pub(crate) async fn prorating(proration: Proration) -> Env {
    Env::with(Options { renewals: Renewals::Extend, proration, ..options(LineSource::CpqQuote) }).await
}

/// A quarter of seats and support, begun today and billed in one payment.
pub(crate) async fn quarter(env: &Env) -> (String, String) {
    let account = env.account(&deal());
    let lines = vec![line("Seat", 10_000, "300", "300", "2"), line("Support", 5_000, "150", "150", "1")];
    let opportunity = env.enter_for(&account, &Deal { lines, ..deal() }).await;
    let start = day(env, 0);
    sell_by(env, &opportunity, term_of(&start, 3), "Quarterly");
    env.close(&opportunity);
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Subscription_Id__c"], subscriptions(env)[0]["id"]);
    (account, start)
}

/// From a month later on, for so many months: three seats at what they cost, training for what support was, and no support.
pub(crate) async fn upgrade(env: &Env, account: &str, start: &str, months: i32) -> String {
    let of = |quarter: i32| (quarter * months / 3).to_string();
    let lines = vec![line("Seat", 10_000, "900", &of(300), "3"), line("Training", 7_000, "900", &of(150), "1")];
    changed_by(env, account, start, months, lines).await
}

/// These lines from a month later on, for so many months.
pub(crate) async fn changed_by(env: &Env, account: &str, start: &str, months: i32, lines: Vec<Line>) -> String {
    let opportunity = env.enter_for(account, &Deal { lines, ..deal() }).await;
    sell_by(env, &opportunity, term_of(&after(start, 1), months), "Quarterly");
    env.update("Opportunity", &opportunity, json!({ "Type": "Renewal" }));
    opportunity
}

/// What is left of the quarter after its first month, in days, and the whole.
fn rest(start: &str) -> (i64, i64) {
    let day = |months| after(start, months).parse::<jiff::civil::Date>().unwrap();
    let days = |from: i32| i64::from(day(3).since(day(from)).unwrap().get_days());
    (days(1), days(0))
}

/// To the nearest cent, a half downwards.
fn share(cents: i64, (part, whole): (i64, i64)) -> i64 {
    (2 * cents * part - whole).div_euclid(2 * whole) + i64::from((2 * cents * part - whole).rem_euclid(2 * whole) != 0)
}

/// Two seats and support are given back for two of three months, three seats and training are billed.
pub(crate) fn difference(start: &str) -> i64 {
    let of = |cents| share(cents, rest(start));
    of(90_000) + of(15_000) + of(-60_000) + of(-15_000)
}

pub(crate) async fn for_days(env: &Env, count: i64) {
    for _ in 0..count {
        days(env, 1);
        env.reconcile(PassKind::Sweep).await;
        env.settle().await;
    }
}

pub(super) fn totals(env: &Env) -> Vec<i64> {
    env.invoices().iter().map(|invoice| invoice["total"].as_i64().unwrap()).collect()
}

const UPGRADED: [(i64, i64); 2] = [(15_000, 1), (30_000, 3)];

/// Won before its first day, it waits for that; then the subscription is changed as of its midnight, and an invoice of the difference
/// is sent at once. It ends when it was to end.
#[tokio::test]
async fn the_rest_of_a_period_is_invoiced_at_once() {
    let env = prorating(Proration::AlwaysInvoice).await;
    env.reconcile(PassKind::Sweep).await;
    let (account, start) = quarter(&env).await;
    let second = upgrade(&env, &account, &start, 2).await;
    for_days(&env, 5).await;
    env.close(&second);
    env.settle().await;
    assert_eq!(env.record("Opportunity", &second)["Stripe_Sync_Status__c"], Value::Null);
    assert_eq!(items(&shown(&env).await), [(15_000, 1), (30_000, 2)]);
    for_days(&env, 28).await;
    let record = env.record("Opportunity", &second);
    let id = &subscriptions(&env)[0]["id"];
    assert_eq!((&record["Renewal_Stripe_Sub_Id__c"], &record["Stripe_Sync_Status__c"]), (id, &Value::Null), "{record}");
    assert_eq!(record["Stripe_MRR__c"], 350.0, "900.00 and 150.00 a quarter");
    assert_eq!(items(&shown(&env).await), UPGRADED);
    let [_, invoice] = <[Value; 2]>::try_from(env.invoices()).unwrap();
    assert_eq!(
        (&invoice["status"], &invoice["total"], &invoice["billing_reason"]),
        (&json!("open"), &json!(difference(&start)), &json!("subscription_update"))
    );
    let midnight: jiff::Timestamp = format!("{}T00:00:00Z", after(&start, 1)).parse().unwrap();
    let lines = env.invoice_lines(invoice["id"].as_str().unwrap());
    assert!(lines.iter().all(|line| line["period"]["start"] == midnight.as_second()), "{lines:?}");
    assert_eq!(lines.len(), 4);
    let pass = env.reconcile(PassKind::Deep).await;
    assert!(pass.differences.is_empty(), "{pass:?}");
    for_days(&env, 70).await;
    assert_eq!(totals(&env), [75_000, difference(&start)]);
    assert_eq!(subscriptions(&env)[0]["status"], "canceled");
}

/// It waits for the next invoice, or is never billed, as the settings have it; and from the next period on both bill the deal.
#[tokio::test]
async fn the_rest_of_a_period_comes_with_the_next_invoice_or_not_at_all() {
    for proration in [Proration::CreateProrations, Proration::None] {
        let env = prorating(proration).await;
        let (account, start) = quarter(&env).await;
        let second = upgrade(&env, &account, &start, 5).await;
        for_days(&env, 35).await;
        env.close(&second);
        env.settle().await;
        let record = env.record("Opportunity", &second);
        assert_eq!(record["Renewal_Stripe_Sub_Id__c"], subscriptions(&env)[0]["id"], "{record}");
        assert_eq!(items(&shown(&env).await), UPGRADED);
        assert_eq!(totals(&env), [75_000], "{proration:?}");
        for_days(&env, 160).await;
        let prorated = if proration == Proration::None { 0 } else { difference(&start) };
        assert_eq!(totals(&env), [75_000, 105_000 + prorated], "{proration:?}");
        assert_eq!(subscriptions(&env)[0]["status"], "canceled");
    }
}

/// Fewer seats: what was billed too much is the customer's credit, and the next invoice is that much less.
#[tokio::test]
async fn a_smaller_renewal_leaves_a_credit() {
    let env = prorating(Proration::AlwaysInvoice).await;
    let (account, start) = quarter(&env).await;
    env.pay(env.invoices()[0]["id"].as_str().unwrap()).await;
    let lines = vec![line("Seat", 10_000, "900", "500", "1")];
    let second = env.enter_for(&account, &Deal { lines, ..deal() }).await;
    sell_by(&env, &second, term_of(&after(&start, 1), 5), "Quarterly");
    env.update("Opportunity", &second, json!({ "Type": "Renewal" }));
    for_days(&env, 35).await;
    env.close(&second);
    env.settle().await;
    assert_eq!(env.record("Opportunity", &second)["Stripe_Sync_Status__c"], Value::Null);
    assert_eq!(items(&shown(&env).await), [(30_000, 1)]);
    let of = |cents| share(cents, rest(&start));
    let credit = of(30_000) + of(-60_000) + of(-15_000);
    assert!(credit < 0);
    for_days(&env, 70).await;
    let invoices = env.invoices();
    let amounts: Vec<_> =
        invoices.iter().map(|one| (one["total"].as_i64().unwrap(), one["amount_due"].as_i64().unwrap())).collect();
    // The quarter that follows costs less than what was given back.
    assert_eq!(amounts, [(75_000, 75_000), (credit, 0), (30_000, 0)]);
    assert!(30_000 + credit < 0);
}

/// Without an end it may begin on any day, and one that begins with a period is made up for when that has begun.
#[tokio::test]
async fn a_renewal_without_an_end_begins_on_any_day() {
    for (first, (part, whole)) in [(10, (21, 31)), (31, (31, 31))] {
        let env = Env::with(Options { renewals: Renewals::Extend, ..options(LineSource::OpportunityProducts) }).await;
        let account = env.account(&deal());
        let sold = async |price: &str, from: &str| {
            let opportunity =
                env.enter_for(&account, &Deal { lines: vec![line("Seat", 9_900, "100", price, "1")], ..deal() }).await;
            for product in env.sandbox.salesforce.with(|org| org.records("Product2")) {
                let monthly = json!({ "Stripe_Billing_Frequency__c": "Monthly" });
                env.update("Product2", product["Id"].as_str().unwrap(), monthly);
            }
            env.update("Opportunity", &opportunity, json!({ "Stripe_Start_Date__c": from }));
            opportunity
        };
        let start = "2026-12-01";
        let lead: jiff::Timestamp = format!("{start}T12:00:00Z").parse().unwrap();
        env.advance(lead.duration_since(env.now()));
        env.close(&sold("100", start).await);
        env.settle().await;
        days(&env, 40);
        let from: jiff::civil::Date = start.parse().unwrap();
        let from = from.checked_add(jiff::Span::new().days(if first == 10 { 41 } else { first })).unwrap().to_string();
        let second = sold("130", &from).await;
        env.update("Opportunity", &second, json!({ "Type": "Renewal" }));
        env.close(&second);
        env.settle().await;
        for_days(&env, 3).await;
        let record = env.record("Opportunity", &second);
        assert_eq!(record["Renewal_Stripe_Sub_Id__c"], subscriptions(&env)[0]["id"], "{record}");
        assert_eq!(items(&shown(&env).await), [(13_000, 1)]);
        let prorated = share(13_000, (part, whole)) + share(-10_000, (part, whole));
        assert_eq!(totals(&env), [10_000, 10_000, prorated], "from {from} on");
    }
}

/// What is previewed and what is changed are two calls more than a renewal at a period's end costs, at most.
#[tokio::test]
async fn what_is_invoiced_is_previewed_and_costs_one_call_more() {
    let env = prorating(Proration::AlwaysInvoice).await;
    let (account, start) = quarter(&env).await;
    let second = upgrade(&env, &account, &start, 2).await;
    for_days(&env, 35).await;
    env.clear_calls();
    env.close(&second);
    env.settle().await;
    assert_eq!(env.record("Opportunity", &second)["Stripe_Sync_Status__c"], Value::Null);
    let calls = operations(&env);
    let id = subscriptions(&env)[0]["id"].as_str().unwrap().to_owned();
    let posts: Vec<_> = calls.iter().filter(|call| call.starts_with("POST")).collect();
    // Seats cost what they did, so only training's price is made.
    assert_eq!(posts, ["POST prices", "POST create_preview", &format!("POST {id}")]);
    // One read and one write, as everywhere; and how it stands is looked at twice, and written to both deals.
    assert_eq!(env.salesforce_calls().len(), 2 + 4, "{:?}", env.salesforce_calls());
}

/// Somebody's item would be billed with the difference, and a person decides.
#[tokio::test]
async fn what_waits_for_the_customer_is_not_taken_along() {
    let mut env = prorating(Proration::AlwaysInvoice).await;
    env.expect_dead_letters();
    let (account, start) = quarter(&env).await;
    let second = upgrade(&env, &account, &start, 2).await;
    for_days(&env, 35).await;
    let customer = subscriptions(&env)[0]["customer"].as_str().unwrap().to_owned();
    let item = leave_item(&env, &customer).await;
    env.close(&second);
    env.settle().await;
    assert_eq!(env.record("Opportunity", &second)["Stripe_Sync_Status__c"], "pending_items");
    assert_eq!((items(&shown(&env).await), totals(&env)), (vec![(15_000, 1), (30_000, 2)], vec![75_000]));
    env.stripe_delete(&format!("/v1/invoiceitems/{item}"));
    env.sqs.put(&changed(&env, "msg_again", &second));
    env.settle().await;
    assert_eq!(env.record("Opportunity", &second)["Stripe_Sync_Status__c"], Value::Null);
    assert_eq!((items(&shown(&env).await), totals(&env)), (UPGRADED.to_vec(), vec![75_000, difference(&start)]));
}

/// What cannot be prorated as the deal says is refused, and nothing is changed.
#[tokio::test]
async fn a_renewal_that_does_not_end_with_a_period_is_refused() {
    let cases: [(i32, Proration, Option<&str>, &str); 4] = [
        (3, Proration::AlwaysInvoice, None, "does not end with a period"),
        (2, Proration::CreateProrations, None, "no later invoice"),
        (2, Proration::None, None, "no later invoice"),
        // The invoice that would be given back was given up.
        (2, Proration::AlwaysInvoice, Some("void"), "is void, written off or credited"),
    ];
    for (months, proration, given_up, why) in cases {
        let mut env = prorating(proration).await;
        env.expect_dead_letters();
        let (account, start) = quarter(&env).await;
        let second = upgrade(&env, &account, &start, months).await;
        for_days(&env, 35).await;
        if let Some(how) = given_up {
            let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
            env.stripe_post(&format!("/v1/invoices/{invoice}/{how}"), "").await;
        }
        env.clear_calls();
        env.close(&second);
        env.settle().await;
        assert_eq!(
            env.record("Opportunity", &second)["Stripe_Sync_Status__c"],
            "renewal_differs",
            "{months} {proration:?}"
        );
        let message = env.record("Opportunity", &second)["Stripe_Sync_Error__c"].as_str().unwrap().to_owned();
        assert!(message.contains(why), "{message}");
        assert!(env.stripe_calls().iter().all(|call| call.starts_with("GET")), "{:?}", env.stripe_calls());
    }
}

/// Above the ceiling it waits for its approval, and what is invoiced at once with it.
#[tokio::test]
async fn a_change_above_the_ceiling_waits_for_its_approval() {
    let mut env = prorating(Proration::AlwaysInvoice).await;
    env.expect_dead_letters();
    let (account, start) = quarter(&env).await;
    let second = upgrade(&env, &account, &start, 2).await;
    for_days(&env, 35).await;
    env.operate(json!({ "ceiling_USD": { "N": "100" } }));
    env.close(&second);
    env.settle().await;
    assert_eq!(env.record("Opportunity", &second)["Stripe_Sync_Status__c"], "approval_required");
    assert_eq!(totals(&env), [75_000]);
    env.update("Opportunity", &second, json!({ "Stripe_Approved_Amount__c": 700 }));
    env.sqs.put(&changed(&env, "msg_approved", &second));
    env.settle().await;
    assert_eq!((items(&shown(&env).await), totals(&env)), (UPGRADED.to_vec(), vec![75_000, difference(&start)]));
}
