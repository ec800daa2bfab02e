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

/// Recorded of a Stripe sandbox in 2026: a third of the time is left, of a downgrade and of an upgrade by two seats.
#[test]
fn what_is_invoiced_at_once_is_paid_by_the_balance_or_due() {
    let mut account = Account::new();
    account.at("2026-04-01");
    let (customer, low, high) = (account.customer(), account.monthly(1000), account.monthly(2000));
    let subscription = account.subscribe(&customer, &high, "");
    let item = item_of(&subscription).to_owned();
    let change = |what: &str| format!("items[0][id]={item}&{what}&proration_behavior=always_invoice");
    account.at("2026-04-21").change(&subscription, &change(&format!("items[0][price]={low}")));
    let down = account.latest(&subscription);
    assert_eq!((&down["total"], &down["amount_due"], &down["status"]), (&(-334).into(), &0.into(), &"paid".into()));
    assert_eq!(account.get(&format!("/v1/customers/{customer}")).ok()["balance"], -334);
    // The next credit is of the line that billed the rest, and names it.
    account.change(&subscription, &change("items[0][quantity]=3"));
    let up = account.latest(&subscription);
    assert_eq!(lines_of(&up).iter().map(|line| line.0).collect::<Vec<_>>(), [-333, 1000]);
    let credited =
        &up["lines"]["data"][0]["parent"]["subscription_item_details"]["proration_details"]["credited_items"];
    assert_eq!(
        (&credited["invoice"], &credited["invoice_line_items"][0]),
        (&down["id"], &down["lines"]["data"][1]["id"])
    );
    assert_eq!(
        (&up["starting_balance"], &up["amount_due"], &up["status"]),
        (&(-334).into(), &333.into(), &"draft".into())
    );
    // What is not prorated makes no invoice.
    account.change(&subscription, "metadata[k]=v&proration_behavior=always_invoice");
    assert_eq!(account.latest(&subscription)["id"], up["id"]);
}

/// A log of a test account in 2020: inside the time up to an anchor, a change is measured by a whole month.
#[test]
fn a_change_inside_a_part_of_a_period() {
    let mut account = Account::new();
    account.at_second(1_584_119_876);
    let (customer, low, high) = (account.customer(), account.monthly(30_000), account.monthly(50_000));
    let subscription = account.subscribe(&customer, &low, "&billing_cycle_anchor=1584144000");
    let body = format!("items[0][id]={}&items[0][price]={high}", item_of(&subscription));
    account.at_second(1_584_119_880).change(&subscription, &body);
    assert_eq!(account.pending_amounts(), [-270, 450]);
}

#[test]
fn two_items_renew_together() {
    let mut account = Account::new();
    account.at("2026-04-01");
    let (customer, first, second) = (account.customer(), account.monthly(1000), account.monthly(2000));
    let subscription = account.subscribe(&customer, &first, &format!("&items[1][price]={second}"));
    account.at("2026-05-01");
    let renewal = account.latest(&subscription);
    assert_eq!(lines_of(&renewal).iter().map(|line| line.0).collect::<Vec<_>>(), [1000, 2000]);
    assert_eq!(account.stripe.objects("invoice").len(), 2);
}

/// Refused, or answered as not modelled: never taken and done otherwise.
#[test]
fn what_a_change_cannot_be() {
    let mut account = Account::new();
    account.at("2026-04-01");
    let (customer, price) = (account.customer(), account.monthly(1000));
    let yearly = account.recurring(12_000, "interval]=year");
    let euros =
        account.create("/v1/prices", "currency=eur&unit_amount=1000&product_data[name]=Gold&recurring[interval]=month");
    let subscription = account.subscribe(&customer, &price, "");
    let (id, item) = (subscription["id"].as_str().expect("an id").to_owned(), item_of(&subscription).to_owned());
    for (body, status) in [
        (format!("items[0][id]={item}&items[0][price]={yearly}"), 501),
        (format!("items[0][id]={item}&items[0][price]={euros}"), 400),
        (format!("items[0][id]={item}&items[0][quantity]=2&payment_behavior=pending_if_incomplete"), 501),
        (format!("items[0][id]={item}&items[0][deleted]=true&items[1][id]={item}&items[1][quantity]=2"), 400),
        ("billing_cycle_anchor[type]=now".to_owned(), 501),
        ("trial_end=now".to_owned(), 501),
    ] {
        assert_eq!(account.post(&format!("/v1/subscriptions/{id}"), &body).status, status, "{body}");
    }
    account.at("2026-04-16").change(&subscription, &format!("items[0][id]={item}&items[0][quantity]=2"));
    let credit = account.pending()[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(account.post(&format!("/v1/invoiceitems/{credit}"), "quantity=2").param(), "quantity");
    assert_eq!(account.delete(&format!("/v1/invoiceitems/{credit}")).status, 501);
    assert_eq!(account.pending_amounts(), [-500, 1000]);
    // An answer that cannot be shown is no subscription either.
    let body = format!("customer={customer}&items[0][price]={price}&collection_method=send_invoice&days_until_due=3");
    let unshown = account.post("/v1/subscriptions", &format!("{body}&expand[]=latest_invoice.nothing"));
    assert_eq!((unshown.status, account.stripe.objects("subscription").len()), (400, 1));
    for (body, param) in [
        ("recurring[interval]=month&recurring[interval_count]=37", "recurring[interval_count]"),
        ("recurring[interval]=day&recurring[interval_count]=0", "recurring[interval_count]"),
    ] {
        let refused = account.post("/v1/prices", &format!("currency=usd&unit_amount=1&product_data[name]=x&{body}"));
        assert_eq!(refused.param(), param);
    }
    let config = format!("{body}&billing_cycle_anchor_config[day_of_month]=40");
    assert_eq!(account.post("/v1/subscriptions", &config).param(), "billing_cycle_anchor_config[day_of_month]");
    let long_ago = format!("{body}&backdate_start_date={}", super::seconds("2000-01-01"));
    assert_eq!(account.post("/v1/subscriptions", &long_ago).param(), "backdate_start_date");
}
