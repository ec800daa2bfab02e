//! Items of one subscription that are billed at different intervals: docs.stripe.com/billing/subscriptions/mixed-interval.

use super::*;

fn periods(subscription: &Value) -> Vec<(i64, i64)> {
    let items = subscription["items"]["data"].as_array().expect("items");
    let of = |item: &Value, name: &str| item[name].as_i64().expect("a time");
    items.iter().map(|item| (of(item, "current_period_start"), of(item, "current_period_end"))).collect()
}

fn both(account: &mut Account) -> (String, String, String) {
    let customer = account.customer();
    let (monthly, quarterly) =
        (account.monthly(1500), account.recurring(10_000, "interval]=month&recurring[interval_count]=3"));
    (customer, monthly, quarterly)
}

/// The documentation's example: 100 USD a quarter and 15 USD a month from January 1 on (of 2024, here of 2027). Both are on the first invoice, the month alone
/// on those of February and March, and both again on April's.
#[test]
fn what_falls_together_is_billed_together() {
    let mut account = Account::new();
    let (customer, monthly, quarterly) = both(&mut account);
    account.at("2027-01-01");
    let subscription = account.subscribe(&customer, &monthly, &format!("&items[1][price]={quarterly}"));
    let [january, february, april] = ["2027-01-01", "2027-02-01", "2027-04-01"].map(seconds);
    assert_eq!(periods(&subscription), [(january, february), (january, april)]);
    account.at("2027-04-02");
    let invoices = account.invoices();
    let lines: Vec<_> = invoices.iter().map(lines_of).collect();
    let month = |from: &'static str, to: &'static str| (1500, from, to);
    assert_eq!(
        lines,
        [
            lines_from(&[month("2027-01-01", "2027-02-01"), (10_000, "2027-01-01", "2027-04-01")]),
            lines_from(&[month("2027-02-01", "2027-03-01")]),
            lines_from(&[month("2027-03-01", "2027-04-01")]),
            lines_from(&[month("2027-04-01", "2027-05-01"), (10_000, "2027-04-01", "2027-07-01")]),
        ]
    );
    let id = subscription["id"].as_str().expect("an id");
    let shown = account.get(&format!("/v1/subscriptions/{id}")).ok();
    assert_eq!(periods(&shown)[0], (april, seconds("2027-05-01")));
}

/// Each item has the periods that have gone by for it, and an end that is the end of both cuts none of them.
#[test]
fn what_began_earlier_is_billed_for_each_item() {
    let mut account = Account::new();
    let (customer, monthly, quarterly) = both(&mut account);
    account.at("2027-05-10");
    let more = format!(
        "&items[1][price]={quarterly}&backdate_start_date={}&cancel_at={}",
        seconds("2027-01-01"),
        seconds("2027-07-01")
    );
    let subscription = account.subscribe(&customer, &monthly, &more);
    let first = account.latest(&subscription);
    assert_eq!((first["total"].as_i64(), lines_of(&first).len()), (Some(5 * 1500 + 2 * 10_000), 7));
    account.at("2027-07-02");
    let totals: Vec<_> = account.invoices().iter().map(|invoice| invoice["total"].as_i64()).collect();
    assert_eq!(totals, [Some(27_500), Some(1500)], "six months and two quarters in all");
    let id = subscription["id"].as_str().expect("an id");
    assert_eq!(account.get(&format!("/v1/subscriptions/{id}")).ok()["status"], "canceled");
}

/// "For mixed interval subscriptions the existing cancel_at_period_end feature always resolves to the earliest item period end":
/// docs.stripe.com/changelog/basil/2025-07-30/cancel-at-enums.
#[test]
fn the_end_of_the_period_is_the_earliest() {
    let mut account = Account::new();
    let (customer, monthly, quarterly) = both(&mut account);
    account.at("2027-01-01");
    let subscription =
        account.subscribe(&customer, &quarterly, &format!("&items[1][price]={monthly}&cancel_at_period_end=true"));
    assert_eq!(subscription["cancel_at"], seconds("2027-02-01"));
}

/// An end that falls together for all of them cuts none, and can be taken back.
#[test]
fn another_end_is_met_by_each_item() {
    let mut account = Account::new();
    let (customer, monthly, quarterly) = both(&mut account);
    account.at("2027-01-01");
    let subscription = account.subscribe(&customer, &monthly, &format!("&items[1][price]={quarterly}"));
    let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().expect("an id"));
    let end = |day: &'static str| format!("cancel_at={}&proration_behavior=none", seconds(day));
    let [january, february, april] = ["2027-01-01", "2027-02-01", "2027-04-01"].map(seconds);
    for (body, ends_at) in
        [(end("2027-07-01"), seconds("2027-07-01").into()), ("cancel_at=&proration_behavior=none".into(), Value::Null)]
    {
        let changed = account.post(&path, &body).ok();
        assert_eq!(changed["cancel_at"], ends_at);
        assert_eq!(periods(&changed), [(january, february), (january, april)]);
    }
    account.post(&path, &end("2027-04-01")).ok();
    account.at("2027-05-02");
    let totals: Vec<_> = account.invoices().iter().map(|invoice| invoice["total"].as_i64()).collect();
    assert_eq!(totals, [Some(11_500), Some(1500), Some(1500)]);
}

/// What is not modelled says so, and does not answer something else.
#[test]
fn a_change_of_it_is_not_modelled() {
    let mut account = Account::new();
    let (customer, monthly, quarterly) = both(&mut account);
    account.at("2027-01-01");
    let body = format!(
        "customer={customer}&items[0][price]={monthly}&items[1][price]={quarterly}&collection_method=send_invoice&days_until_due=30"
    );
    let trial = account.post("/v1/subscriptions", &format!("{body}&trial_period_days=7"));
    assert_eq!((trial.status, trial.param()), (501, "trial_period_days"));
    let subscription = account.post("/v1/subscriptions", &body).ok();
    let (id, item) = (subscription["id"].as_str().expect("an id"), item_of(&subscription));
    let change = account.post(&format!("/v1/subscriptions/{id}"), &format!("items[0][id]={item}&items[0][quantity]=2"));
    assert_eq!(change.status, 501);
}
