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
    for (query, pending, status) in [
        ("", vec![], "draft"),
        ("?prorate=true", vec![-1000], "draft"),
        ("?prorate=true&invoice_now=true", vec![], "draft"),
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
        let latest = account.latest(&subscription);
        assert_eq!((latest["status"].as_str(), &latest["auto_advance"]), (Some(status), &false.into()), "{query}");
        assert_eq!(account.delete(&format!("/v1/subscriptions/{id}")).code(), "resource_missing");
        let refused = account.post(&format!("/v1/subscriptions/{id}"), "cancel_at_period_end=true");
        assert_eq!(refused.code(), "invalid_canceled_subscription_fields");
        account.change(&subscription, "metadata[why]=moved");
        assert_eq!(account.get("/v1/subscriptions").ok()["data"].as_array().map(Vec::len), Some(0));
        assert_eq!(account.get("/v1/subscriptions?status=all").ok()["data"].as_array().map(Vec::len), Some(1));
    }
}
