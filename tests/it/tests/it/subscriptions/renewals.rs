//! Deals that renew a subscription: it goes on with their lines.

pub(crate) mod inside;
mod interrupted;
mod once;
mod posted;

use mapping::Renewals;

use super::*;

async fn renewing(line_source: LineSource) -> Env {
    let renewing = Options { renewals: Renewals::Extend, ..options(line_source) };
    Env::with(renewing).await
}

/// The deal's quote, and its line for this product.
pub(super) fn quote_of(env: &Env, opportunity: &str) -> String {
    let quotes = env.sandbox.salesforce.with(|org| org.records("SBQQ__Quote__c"));
    let quote = quotes.iter().find(|quote| quote["SBQQ__Opportunity2__c"] == opportunity).unwrap();
    quote["Id"].as_str().unwrap().to_owned()
}

pub(super) fn quote_line_of(env: &Env, opportunity: &str, product: &str) -> String {
    let quote = quote_of(env, opportunity);
    let lines = env.sandbox.salesforce.with(|org| org.records("SBQQ__QuoteLine__c"));
    let line = lines.iter().find(|line| line["SBQQ__Quote__c"] == quote && line["SBQQ__ProductName__c"] == product);
    line.unwrap()["Id"].as_str().unwrap().to_owned()
}

/// Of so many months from this day on.
pub(crate) fn term_of(start: &str, months: i32) -> Value {
    let first: jiff::civil::Date = start.parse().unwrap();
    let last = first.checked_add(jiff::Span::new().months(months)).unwrap().yesterday().unwrap();
    json!({
        "SBQQ__StartDate__c": start,
        "SBQQ__EndDate__c": last.to_string(),
        "SBQQ__SubscriptionTerm__c": months,
    })
}

pub(crate) fn after(start: &str, months: i32) -> String {
    let first: jiff::civil::Date = start.parse().unwrap();
    first.checked_add(jiff::Span::new().months(months)).unwrap().to_string()
}

/// The lines of the newest quote, all of them recurring, for this term; the products' prices are of the catalogue, by the month.
pub(crate) fn sell_by_the_month(env: &Env, opportunity: &str, term: Value) {
    sell_by(env, opportunity, term, "Monthly");
}

pub(crate) fn sell_by(env: &Env, opportunity: &str, term: Value, frequency: &str) {
    let of = |object: &str, field: &str, id: &str| -> Vec<Value> {
        let all = env.sandbox.salesforce.with(|org| org.records(object));
        all.into_iter().filter(|record| record[field] == id).collect()
    };
    for quote in of("SBQQ__Quote__c", "SBQQ__Opportunity2__c", opportunity) {
        let id = quote["Id"].as_str().unwrap();
        env.update("SBQQ__Quote__c", id, term.clone());
        for line in of("SBQQ__QuoteLine__c", "SBQQ__Quote__c", id) {
            let recurring = json!({ "SBQQ__ChargeType__c": "Recurring", "SBQQ__BillingFrequency__c": frequency });
            env.update("SBQQ__QuoteLine__c", line["Id"].as_str().unwrap(), recurring);
        }
    }
    share_prices(env);
}

/// Three months of seats and support, begun today; and its contract.
pub(crate) async fn begun(env: &Env) -> (String, String, String) {
    let account = env.account(&deal());
    let lines = vec![line("Seat", 10_000, "300", "300", "2"), line("Support", 5_000, "150", "150", "1")];
    let opportunity = env.enter_for(&account, &Deal { lines, ..deal() }).await;
    let start = day(env, 0);
    sell_by_the_month(env, &opportunity, term_of(&start, 3));
    env.close(&opportunity);
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!(record["Stripe_Subscription_Id__c"], subscriptions(env)[0]["id"], "{record}");
    (account, opportunity, start)
}

/// A term of three months that is renewed before its end: the first deal, and the second.
pub(crate) async fn renewed(env: &Env) -> [String; 2] {
    env.reconcile(PassKind::Sweep).await;
    let (account, first, start) = begun(env).await;
    days(env, 70);
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    let second = renewal(env, &account, &after(&start, 3)).await;
    env.close(&second);
    env.settle().await;
    [first, second]
}

/// Half a year from when that ends: a seat more at another price, no support, and training.
pub(crate) async fn renewal(env: &Env, account: &str, start: &str) -> String {
    let lines = vec![line("Seat", 10_000, "720", "540", "3"), line("Training", 7_000, "420", "420", "1")];
    let opportunity = env.enter_for(account, &Deal { lines, ..deal() }).await;
    sell_by_the_month(env, &opportunity, term_of(start, 6));
    env.update("Opportunity", &opportunity, json!({ "Type": "Renewal" }));
    opportunity
}

pub(crate) fn days(env: &Env, days: i64) {
    for _ in 0..days {
        env.advance(SignedDuration::from_hours(24));
        env.let_stripe_catch_up();
    }
}

/// `(unit amount, quantity)` of each item, in the order of their amounts.
pub(crate) fn items(subscription: &Value) -> Vec<(i64, i64)> {
    let items = subscription["items"]["data"].as_array().unwrap().iter();
    let mut items: Vec<_> = items
        .map(|item| (item["price"]["unit_amount"].as_i64().unwrap(), item["quantity"].as_i64().unwrap()))
        .collect();
    items.sort_unstable();
    items
}

pub(crate) async fn shown(env: &Env) -> Value {
    let id = subscriptions(env)[0]["id"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/subscriptions/{id}"), "").await
}

/// Won in the second month: it waits for the last period, and then the subscription goes on. Nothing of it is billed twice, and no
/// month is left out; over both terms the deals' amounts are billed, to the cent.
#[tokio::test]
async fn a_renewal_goes_on_where_the_subscription_ends() {
    let env = renewing(LineSource::CpqQuote).await;
    env.reconcile(PassKind::Sweep).await;
    let (account, first, start) = begun(&env).await;
    days(&env, 40);
    let second = renewal(&env, &account, &after(&start, 3)).await;
    env.clear_calls();
    env.close(&second);
    env.settle().await;
    let waiting = env.record("Opportunity", &second);
    assert_eq!((&waiting["Stripe_Sync_Status__c"], &waiting["Renewal_Stripe_Sub_Id__c"]), (&Value::Null, &Value::Null));
    assert!(env.stripe_calls().iter().all(|call| call.starts_with("GET")), "{:?}", env.stripe_calls());
    let pass = env.reconcile(PassKind::Deep).await;
    assert!(pass.differences.is_empty(), "{pass:?}");
    // Until its last month, in which it is changed.
    for _ in 0..25 {
        days(&env, 1);
        env.reconcile(PassKind::Sweep).await;
        env.settle().await;
    }
    let record = env.record("Opportunity", &second);
    let id = env.record("Opportunity", &first)["Stripe_Subscription_Id__c"].clone();
    assert_eq!(
        (&record["Renewal_Stripe_Sub_Id__c"], &record["Stripe_Sync_Status__c"]),
        (&id, &Value::Null),
        "{record}"
    );
    let subscription = shown(&env).await;
    assert_eq!(items(&subscription), [(7_000, 1), (9_000, 3)]);
    assert_eq!(record["Stripe_MRR__c"], 340.0, "what those bill a month");
    assert_eq!(subscription["metadata"]["sf_renewal_opportunity_id"], record["Id"]);
    assert_eq!(subscription["metadata"]["sf_opportunity_id"], env.record("Opportunity", &first)["Id"]);
    for _ in 0..30 {
        days(&env, 10);
        env.reconcile(PassKind::Sweep).await;
        env.settle().await;
    }
    let totals: Vec<_> = env.invoices().iter().map(|invoice| invoice["total"].as_i64().unwrap()).collect();
    assert_eq!(totals, [vec![25_000; 3], vec![34_000; 6]].concat());
    assert_eq!((subscriptions(&env).len(), &subscriptions(&env)[0]["status"]), (1, &json!("canceled")));
    let prorated = env.objects("invoiceitem").into_iter().filter(|item| item["proration"] == true).count();
    assert_eq!(prorated, 0);
}

/// An answer of Stripe's shows ten items of a subscription: those beyond are kept as well, and not billed twice.
#[tokio::test]
async fn a_subscription_with_more_items_than_an_answer_shows_goes_on_with_all_of_them() {
    let env = renewing(LineSource::CpqQuote).await;
    let account = env.account(&deal());
    let sold = async |price: &str, start: &str, months: i32| {
        let lines = (1..=12).map(|number| line(&format!("Module {number}"), 1_000, price, price, "1")).collect();
        let opportunity = env.enter_for(&account, &Deal { lines, ..deal() }).await;
        sell_by_the_month(&env, &opportunity, term_of(start, months));
        opportunity
    };
    let start = day(&env, 0);
    let first = sold("30", &start, 3).await;
    env.close(&first);
    env.settle().await;
    days(&env, 70);
    let second = sold("60", &after(&start, 3), 6).await;
    env.update("Opportunity", &second, json!({ "Type": "Renewal" }));
    env.close(&second);
    env.settle().await;
    let record = env.record("Opportunity", &second);
    assert_eq!(record["Renewal_Stripe_Sub_Id__c"], subscriptions(&env)[0]["id"], "{record}");
    days(&env, 30);
    let totals: Vec<_> = env.invoices().iter().map(|invoice| invoice["total"].as_i64().unwrap()).collect();
    assert_eq!(totals, [12_000; 4], "three months, and the first of the renewal");
}

/// In its last month already, a renewal costs Stripe a look at the subscription, the catalogue's prices, a look for what was agreed
/// before, the prices that have to be made, and the change; and Salesforce what every deal costs.
#[tokio::test]
async fn a_renewal_in_the_last_period_is_done_at_once() {
    let env = renewing(LineSource::CpqQuote).await;
    let (account, first, start) = begun(&env).await;
    days(&env, 70);
    let second = renewal(&env, &account, &after(&start, 3)).await;
    // After these weeks it has to log in again.
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    // Salesforce CPQ's renewals know what they renew.
    let contract = env.insert("Contract", json!({ "AccountId": account, "SBQQ__Opportunity__c": first }));
    env.update("Opportunity", &second, json!({ "SBQQ__RenewedContract__c": contract }));
    env.clear_calls();
    env.close(&second);
    env.settle().await;
    let id = env.record("Opportunity", &first)["Stripe_Subscription_Id__c"].clone();
    assert_eq!(env.record("Opportunity", &second)["Renewal_Stripe_Sub_Id__c"], id);
    let calls = operations(&env);
    let id = id.as_str().unwrap();
    let posts: Vec<_> = calls.iter().filter(|call| call.starts_with("POST")).collect();
    assert_eq!(posts, ["POST prices", "POST prices", &format!("POST {id}")]);
    // One read and one write at Salesforce, as everywhere. How it stands by then Stripe says and the deal says: two looks, and a write for each
    // of both deals.
    assert_eq!(calls.len(), 7 + 2, "{calls:?}");
    assert_eq!(env.salesforce_calls().len(), 2 + 4, "{:?}", env.salesforce_calls());
    env.advance(SignedDuration::from_hours(24));
    let pass = env.reconcile(PassKind::Deep).await;
    assert!(pass.differences.is_empty(), "{pass:?}");
    let later: Vec<_> = pass.statement.unwrap().of_day.later.0.values().map(|sum| sum.minor_units).collect();
    assert_eq!(later, [204_000]);
    // And what it comes to is asked again when the deal is edited.
    env.update("Opportunity", &second, json!({ "Description": "signed" }));
    env.sqs.put(&changed(&env, "msg_signed", &second));
    env.settle().await;
    assert_eq!(env.record("Opportunity", &second)["Stripe_Sync_Status__c"], Value::Null);
}

/// What keeps a renewal from going on is said on its opportunity, and nothing is changed.
#[tokio::test]
async fn a_renewal_that_does_not_fit_says_why() {
    type Change = fn(&Env, &str, &str);
    let cases: [(&str, Change); 5] = [
        ("renewal_over", |env, _, _| {
            let id = subscriptions(env)[0]["id"].as_str().unwrap().to_owned();
            env.stripe_delete(&format!("/v1/subscriptions/{id}"));
        }),
        ("renewal_not_found", |env, second, _| {
            env.update("Opportunity", second, json!({ "Renewal_Stripe_Sub_Id__c": "sub_ofsomebodyelse" }));
        }),
        ("renewal_not_found", |env, second, _| {
            env.update("Opportunity", second, json!({ "Renewal_Stripe_Sub_Id__c": "see spreadsheet" }));
        }),
        ("renewal_differs", |env, second, start| {
            env.update("SBQQ__Quote__c", &quote_of(env, second), term_of(&after(start, 4), 6));
        }),
        ("renewal_differs", |env, second, _| {
            let quote = quote_of(env, second);
            for line in env.sandbox.salesforce.with(|org| org.records("SBQQ__QuoteLine__c")) {
                if line["SBQQ__Quote__c"] == quote {
                    let annual = json!({ "SBQQ__BillingFrequency__c": "Semiannual" });
                    env.update("SBQQ__QuoteLine__c", line["Id"].as_str().unwrap(), annual);
                }
            }
        }),
    ];
    for (index, (code, change)) in cases.into_iter().enumerate() {
        let mut env = renewing(LineSource::CpqQuote).await;
        env.expect_dead_letters();
        let (account, first, start) = begun(&env).await;
        days(&env, 70);
        let second = renewal(&env, &account, &after(&start, 3)).await;
        if code == "renewal_over" {
            let named = env.record("Opportunity", &first)["Stripe_Subscription_Id__c"].clone();
            env.update("Opportunity", &second, json!({ "Renewal_Stripe_Sub_Id__c": named }));
        }
        change(&env, &second, &start);
        let before = items(&subscriptions(&env)[0]);
        env.clear_calls();
        env.close(&second);
        env.settle().await;
        let record = env.record("Opportunity", &second);
        assert_eq!(record["Stripe_Sync_Status__c"], code, "case {index}: {record}");
        assert!(
            env.stripe_calls().iter().all(|call| call.starts_with("GET")),
            "case {index}: {:?}",
            env.stripe_calls()
        );
        assert_eq!(items(&subscriptions(&env)[0]), before);
        assert_eq!(subscriptions(&env).len(), 1);
    }
}

/// Where the customer has several, a person says which one is meant.
#[tokio::test]
async fn of_several_subscriptions_a_person_names_the_one() {
    let mut env = renewing(LineSource::CpqQuote).await;
    env.expect_dead_letters();
    let (account, first, start) = begun(&env).await;
    let lines = vec![line("Storage", 2_000, "240", "240", "1")];
    let other = env.enter_for(&account, &Deal { lines, ..deal() }).await;
    sell_by_the_month(&env, &other, term_of(&start, 12));
    env.close(&other);
    env.settle().await;
    assert_eq!(subscriptions(&env).len(), 2);
    days(&env, 70);
    let second = renewal(&env, &account, &after(&start, 3)).await;
    env.close(&second);
    env.settle().await;
    let record = env.record("Opportunity", &second);
    assert_eq!(record["Stripe_Sync_Status__c"], "renewal_not_found");
    let message = record["Stripe_Sync_Error__c"].as_str().unwrap();
    let named = env.record("Opportunity", &first)["Stripe_Subscription_Id__c"].clone();
    assert!(message.contains(named.as_str().unwrap()), "{message}");
    env.update("Opportunity", &second, json!({ "Renewal_Stripe_Sub_Id__c": named }));
    env.sqs.put(&changed(&env, "msg_named", &second));
    env.settle().await;
    assert_eq!(env.record("Opportunity", &second)["Stripe_Sync_Status__c"], Value::Null);
    let renewed = subscriptions(&env).into_iter().find(|one| one["id"] == named).unwrap();
    assert_eq!(items(&renewed), [(7_000, 1), (9_000, 3)]);
}

/// Above the ceiling it is not changed, since Stripe bills it by itself from then on.
#[tokio::test]
async fn a_renewal_above_the_ceiling_waits_for_its_approval() {
    let mut env = renewing(LineSource::CpqQuote).await;
    env.expect_dead_letters();
    let (account, _, start) = begun(&env).await;
    days(&env, 70);
    env.operate(json!({ "ceiling_USD": { "N": "100" } }));
    let second = renewal(&env, &account, &after(&start, 3)).await;
    env.close(&second);
    env.settle().await;
    assert_eq!(env.record("Opportunity", &second)["Stripe_Sync_Status__c"], "approval_required");
    assert_eq!(items(&subscriptions(&env)[0]), [(5_000, 1), (10_000, 2)]);
    env.update("Opportunity", &second, json!({ "Stripe_Approved_Amount__c": 2040 }));
    env.sqs.put(&changed(&env, "msg_approved", &second));
    env.settle().await;
    assert_eq!(items(&shown(&env).await), [(7_000, 1), (9_000, 3)]);
}

/// What was renewed is a person's business when the deal is changed.
#[tokio::test]
async fn a_deal_that_is_changed_after_it_renewed_comes_before_a_person() {
    let mut env = renewing(LineSource::CpqQuote).await;
    env.expect_dead_letters();
    let (account, _, start) = begun(&env).await;
    days(&env, 70);
    let second = renewal(&env, &account, &after(&start, 3)).await;
    env.close(&second);
    env.settle().await;
    env.update("Opportunity", &second, json!({ "StageName": "Closed Lost" }));
    env.sqs.put(&changed(&env, "msg_lost", &second));
    env.settle().await;
    assert_eq!(env.record("Opportunity", &second)["Stripe_Sync_Status__c"], "deal_changed_after_billing");
    assert_eq!(env.sqs.dead_letters().len(), 1);
    env.close(&second);
    env.settle().await;
    assert_eq!(env.record("Opportunity", &second)["Stripe_Sync_Status__c"], Value::Null, "it is set back");
    assert_eq!(items(&shown(&env).await), [(7_000, 1), (9_000, 3)]);
}

async fn about_to_renew() -> (Env, String) {
    let env = renewing(LineSource::CpqQuote).await;
    let (account, _, start) = begun(&env).await;
    days(&env, 70);
    let second = renewal(&env, &account, &after(&start, 3)).await;
    env.close(&second);
    (env, second)
}

async fn is_renewed_once(env: &Env, second: &str) {
    let record = env.record("Opportunity", second);
    assert_eq!(record["Stripe_Sync_Status__c"], Value::Null, "{record}");
    assert_eq!(record["Renewal_Stripe_Sub_Id__c"], subscriptions(env)[0]["id"], "{record}");
    assert_eq!((subscriptions(env).len(), items(&shown(env).await)), (1, vec![(7_000, 1), (9_000, 3)]));
}
