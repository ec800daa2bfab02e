//! Prices, quantities and items that change in the middle of a period.

use super::{Account, item_of, line, lines_of};
use serde_json::Value;

/// docs.stripe.com/billing/subscriptions/prorations, whose answer is printed there to the second.
#[test]
fn a_change_gives_back_the_rest_and_bills_it_anew() {
    let mut account = Account::new();
    account.at_second(1_596_749_288);
    let (customer, silver, gold) = (account.customer(), account.monthly(1000), account.monthly(3252));
    let subscription = account.subscribe(&customer, &silver, "");
    let item = item_of(&subscription).to_owned();
    account.at_second(1_598_982_140);
    let body = format!("items[0][id]={item}&items[0][price]={gold}&proration_date=1598982148");
    account.change(&subscription, &body);
    let pending = account.pending();
    assert_eq!(account.pending_amounts(), [-166, 541]);
    assert_eq!(pending[0]["description"], "Unused time on Gold after 01 Sep 2020");
    assert_eq!(pending[1]["description"], "Remaining time on Gold after 01 Sep 2020");
    assert_eq!(line(&pending[0]), (-166, 1_598_982_148, 1_599_427_688));
    let first = account.latest(&subscription);
    let credited = &pending[0]["proration_details"]["credited_items"]["invoice_line_item_details"];
    assert_eq!(
        (&credited["invoice"], &credited["invoice_line_items"][0]),
        (&first["id"], &first["lines"]["data"][0]["id"])
    );

    account.at_second(1_599_427_688);
    let renewal = account.latest(&subscription);
    assert_eq!(renewal["total"], 3627);
    assert_eq!(renewal["billing_reason"], "subscription_cycle");
    assert_eq!(lines_of(&renewal).last(), Some(&(3252, 1_599_427_688, 1_602_019_688)));
    assert_eq!(
        (&renewal["period_start"], &renewal["period_end"]),
        (&1_596_749_288.into(), &1_599_427_688.into()),
        "the ended one"
    );
    assert_eq!(account.pending(), [] as [Value; 0]);
}

/// The same page: what is given back is a share of what was billed, whatever the price is by then.
#[test]
fn a_credit_is_of_what_was_billed() {
    let mut account = Account::new();
    account.at("2026-04-01");
    let (customer, low, high) = (account.customer(), account.monthly(1000), account.monthly(2000));
    let subscription = account.subscribe(&customer, &low, "");
    let item = item_of(&subscription).to_owned();
    account
        .at("2026-04-11")
        .change(&subscription, &format!("items[0][id]={item}&items[0][price]={high}&proration_behavior=none"));
    assert_eq!(account.pending_amounts(), [0; 0]);
    account
        .at("2026-04-21")
        .change(&subscription, &format!("items[0][id]={item}&items[0][price]={low}&proration_behavior=always_invoice"));
    let invoice = account.latest(&subscription);
    assert_eq!(lines_of(&invoice).iter().map(|line| line.0).collect::<Vec<_>>(), [-333, 333]);
    assert_eq!(
        (&invoice["billing_reason"], &invoice["status"], &invoice["total"]),
        (&"subscription_update".into(), &"paid".into(), &0.into())
    );
}

/// Recorded of a Stripe sandbox in 2026 (github.com/Kiln-AI/stripe_world): a four-hundredth of thirty days is left.
#[test]
fn halves_go_down_and_a_change_of_quantity_is_one_of_the_whole_item() {
    for (change, proration, expected) in [
        ("items[0][price]=PRICE", "create_prorations", vec![-3, 4]),
        ("items[0][quantity]=3", "create_prorations", vec![-3, 7]),
    ] {
        let mut account = Account::new();
        account.at_second(1_790_019_528);
        let (customer, price, other) = (
            account.customer(),
            account.recurring(1000, "interval]=day&recurring[interval_count]=30"),
            account.recurring(1800, "interval]=day&recurring[interval_count]=30"),
        );
        let subscription = account.subscribe(&customer, &price, "");
        let change = change.replace("PRICE", &other);
        let body = format!(
            "items[0][id]={}&{change}&proration_behavior={proration}&proration_date=1792605048",
            item_of(&subscription)
        );
        account.change(&subscription, &body);
        assert_eq!(account.pending_amounts(), expected);
    }
}

#[test]
fn items_are_added_changed_and_removed_by_their_ids() {
    let mut account = Account::new();
    account.at("2026-04-01");
    let (customer, first, second) = (account.customer(), account.monthly(1000), account.monthly(2000));
    let subscription = account.subscribe(&customer, &first, "");
    let id = subscription["id"].as_str().expect("an id").to_owned();
    account.at("2026-04-16");
    let twice = account.post(&format!("/v1/subscriptions/{id}"), &format!("items[0][price]={first}"));
    assert_eq!(twice.status, 400, "{}", twice.message());
    // Without an id it is one more: the classic way to bill twice.
    let both = account.change(&subscription, &format!("items[0][price]={second}&items[0][quantity]=2"));
    assert_eq!(both["items"]["total_count"], 2);
    assert_eq!(account.pending_amounts(), [2000]);
    let added = both["items"]["data"][1]["id"].as_str().expect("an id").to_owned();
    account.call("DELETE", &format!("/v1/subscription_items/{added}"), "", &[]).ok();
    assert_eq!(account.pending_amounts(), [2000, -2000]);
    // A price without a quantity is one of it.
    let item = item_of(&subscription).to_owned();
    account.post(&format!("/v1/subscription_items/{item}"), "quantity=5&proration_behavior=none").ok();
    account.post(&format!("/v1/subscription_items/{item}"), &format!("price={second}&proration_behavior=none")).ok();
    let item = account.get(&format!("/v1/subscription_items/{item}")).ok();
    assert_eq!((&item["quantity"], &item["price"]["id"]), (&1.into(), &second.as_str().into()));
    let none_left = account.post(
        &format!("/v1/subscriptions/{id}"),
        &format!("items[0][id]={}&items[0][deleted]=true", item["id"].as_str().expect("an id")),
    );
    assert_eq!(none_left.status, 400);
}
