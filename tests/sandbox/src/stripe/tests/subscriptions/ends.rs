//! Ends: now, at a time, at the end of the period.

use super::{Account, lines_from, lines_of, seconds};
use serde_json::Value;

/// docs.stripe.com/billing/subscriptions/cancel, by the second where the page says months: 120 a year, to end in July, then in
/// October, then in April.
#[test]
fn an_end_inside_a_period_shortens_it() {
    let mut account = Account::new();
    account.at("2024-01-01");
    let (customer, price) = (account.customer(), account.recurring(12_000, "interval]=year"));
    let subscription = account.subscribe(&customer, &price, &format!("&cancel_at={}", seconds("2024-07-01")));
    assert_eq!(lines_of(&account.latest(&subscription)), lines_from(&[(5967, "2024-01-01", "2024-07-01")]));
    account.at("2024-02-15").change(&subscription, &format!("cancel_at={}", seconds("2024-10-01")));
    assert_eq!(account.pending_amounts(), [3016]);
    account.change(&subscription, &format!("cancel_at={}", seconds("2024-04-01")));
    assert_eq!(account.pending_amounts(), [3016, -3016, -2984]);
    let at_end = account.change(&subscription, "cancel_at_period_end=true");
    assert_eq!(at_end["cancel_at"], seconds("2024-04-01"));
    account.at("2024-04-01");
    let last = account.latest(&subscription);
    assert_eq!((&last["total"], &last["billing_reason"]), (&(-2984).into(), &"subscription_cycle".into()));
}

#[test]
fn canceling_gives_back_only_when_it_is_asked_to() {
    for (query, pending, last) in [
        ("", vec![], None),
        ("?prorate=true", vec![-1000], None),
        ("?prorate=true&invoice_now=true", vec![], Some(-1000)),
    ] {
        let mut account = Account::new();
        account.at("2026-09-21");
        let (customer, price) = (account.customer(), account.monthly(1000));
        let subscription = account.subscribe(&customer, &price, "");
        let id = subscription["id"].as_str().expect("an id").to_owned();
        account.at("2026-09-21T00:00:08Z");
        let mut canceled = Value::Null;
        let events =
            account.events_of(|account| canceled = account.delete(&format!("/v1/subscriptions/{id}{query}")).ok());
        assert_eq!(events.last().map(String::as_str), Some("customer.subscription.deleted"));
        assert_eq!(
            (&canceled["status"], &canceled["cancellation_details"]["reason"]),
            (&"canceled".into(), &"cancellation_requested".into())
        );
        assert_eq!(account.pending_amounts(), pending, "{query}");
        // What waits is anybody's; a last invoice goes out by itself, and the first one does not any more.
        assert!(account.pending().iter().all(|item| item["parent"].is_null()), "{query}");
        let latest = account.latest(&subscription);
        assert_eq!((&latest["status"], &latest["auto_advance"]), (&"draft".into(), &last.is_some().into()), "{query}");
        let expected = last.map_or(("subscription_create", 1000), |total| ("subscription_cycle", total));
        assert_eq!((latest["billing_reason"].as_str(), latest["total"].as_i64()), (Some(expected.0), Some(expected.1)));
        let first = account.stripe.objects("invoice")[0].clone();
        assert_eq!((&first["status"], &first["auto_advance"]), (&"draft".into(), &false.into()));
        assert_eq!(account.delete(&format!("/v1/subscriptions/{id}")).code(), "resource_missing");
        let refused = account.post(&format!("/v1/subscriptions/{id}"), "cancel_at_period_end=true");
        assert_eq!(refused.code(), "invalid_canceled_subscription_fields");
        account.change(&subscription, "metadata[why]=moved");
        assert_eq!(account.get("/v1/subscriptions").ok()["data"].as_array().map(Vec::len), Some(0));
        assert_eq!(account.get("/v1/subscriptions?status=all").ok()["data"].as_array().map(Vec::len), Some(1));
    }
}

/// Pending prorations are collected when it ends by itself.
#[test]
fn the_last_invoice_goes_out() {
    let mut account = Account::new();
    account.at("2026-04-01");
    let (customer, low, high) = (account.customer(), account.monthly(1000), account.monthly(2000));
    let subscription = account.subscribe(&customer, &low, "&cancel_at_period_end=true");
    let item = super::item_of(&subscription).to_owned();
    account.at("2026-04-16").change(&subscription, &format!("items[0][id]={item}&items[0][price]={high}"));
    account.at("2026-05-01T01:00:00Z");
    let last = account.latest(&subscription);
    assert_eq!((&last["total"], &last["status"]), (&500.into(), &"open".into()));
}

/// An end that is taken back; one that was set without a proration; one inside a trial.
#[test]
fn an_end_may_be_moved() {
    let mut account = Account::new();
    account.at("2026-04-01");
    let (customer, price) = (account.customer(), account.monthly(3000));
    let subscription = account.subscribe(&customer, &price, "");
    account.change(&subscription, &format!("cancel_at={}&proration_behavior=none", seconds("2026-04-11")));
    let undone = account.change(&subscription, "cancel_at=");
    assert_eq!((&undone["cancel_at"], &undone["canceled_at"]), (&Value::Null, &Value::Null));
    assert_eq!(undone["items"]["data"][0]["current_period_end"], seconds("2026-05-01"));
    assert_eq!(account.pending_amounts(), [0; 0], "the whole month is billed already");

    let trial = account.subscribe(&customer, &price, "&trial_period_days=30");
    account.change(&trial, &format!("cancel_at={}", seconds("2026-04-11")));
    let later = account.change(&trial, &format!("cancel_at={}", seconds("2026-04-21")));
    assert_eq!(later["items"]["data"][0]["current_period_end"], seconds("2026-04-21"));
    assert_eq!(account.change(&trial, "cancel_at=")["items"]["data"][0]["current_period_end"], seconds("2026-05-01"));
    account.at("2026-04-30").get("/v1/balance").ok();
    let id = trial["id"].as_str().expect("an id");
    assert_eq!(account.get(&format!("/v1/subscriptions/{id}")).ok()["status"], "trialing");
}

#[test]
fn what_is_not_paid_in_time_is_past_due_and_who_is_deleted_has_no_subscription() {
    let mut account = Account::new();
    account.at("2026-04-01");
    let (customer, price) = (account.customer(), account.recurring(12_000, "interval]=year"));
    let subscription = account.subscribe(&customer, &price, "");
    let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().expect("an id"));
    account.at("2026-04-02").get("/v1/balance").ok();
    assert_eq!(account.get(&path).ok()["status"], "active");
    account.at("2026-05-02").get("/v1/balance").ok();
    let events = account.event_types();
    assert!(events.contains(&"invoice.overdue".to_owned()), "{events:?}");
    assert_eq!(account.get(&path).ok()["status"], "past_due");
    let first = account.latest(&subscription)["id"].as_str().expect("an id").to_owned();
    account.post(&format!("/v1/invoices/{first}/pay"), "paid_out_of_band=true").ok();
    assert_eq!(account.get(&path).ok()["status"], "active");
    account.delete(&format!("/v1/customers/{customer}")).ok();
    assert_eq!(account.get(&path).ok()["status"], "canceled");
}
