//! What would be billed, without billing it.

use super::subscriptions::item_of;
use super::{Account, Answer};
use serde_json::Value;

fn preview(account: &mut Account, body: &str) -> Answer {
    account.post("/v1/invoices/create_preview", body)
}

fn amounts(invoice: &Value) -> Vec<i64> {
    let lines = invoice["lines"]["data"].as_array().expect("lines");
    lines.iter().map(|line| line["amount"].as_i64().expect("an amount")).collect()
}

/// docs.stripe.com/billing/subscriptions/prorations, the page's own answer: the credit, the rest, and the next month.
#[test]
fn a_change_is_previewed_to_the_second_and_nothing_is_changed() {
    let mut account = Account::new();
    account.at_second(1_596_749_288);
    let (customer, silver, gold) = (account.customer(), account.monthly(1000), account.monthly(3252));
    let subscription = account.subscribe(&customer, &silver, "");
    let (id, item) = (subscription["id"].as_str().expect("an id").to_owned(), item_of(&subscription).to_owned());
    account.at_second(1_598_982_000).get("/v1/balance").ok();
    let snapshot = |account: &Account| {
        [
            "customer",
            "event",
            "invoice",
            "invoiceitem",
            "invoice_payment",
            "payment_intent",
            "price",
            "product",
            "subscription",
            "subscription_item",
        ]
        .map(|object| account.stripe.objects(object))
    };
    let before = snapshot(&account);
    let body = format!(
        "subscription={id}&subscription_details[items][0][id]={item}&subscription_details[items][0][price]={gold}\
         &subscription_details[proration_date]=1598982148"
    );
    let next = preview(&mut account, &body).ok();
    assert_eq!(amounts(&next), [-166, 541, 3252]);
    assert_eq!(
        (&next["total"], &next["amount_due"], &next["billing_reason"]),
        (&3627.into(), &3627.into(), &"upcoming".into())
    );
    assert!(next["id"].as_str().is_some_and(|id| id.starts_with("upcoming_in_")));
    assert!(next["lines"]["data"][0]["id"].as_str().is_some_and(|id| id.starts_with("il_tmp_")));
    assert_eq!(next["parent"]["subscription_details"]["subscription_proration_date"], 1_598_982_148);
    assert_eq!(next["created"], 1_599_427_688);
    let at_once =
        preview(&mut account, &format!("{body}&subscription_details[proration_behavior]=always_invoice")).ok();
    assert_eq!(amounts(&at_once), [-166, 541]);
    assert_eq!(amounts(&preview(&mut account, &format!("subscription={id}")).ok()), [1000], "the next one as it is");
    let now = preview(&mut account, &format!("subscription={id}&subscription_details[cancel_now]=true")).ok();
    assert_eq!(amounts(&now), [-166]);
    assert!(snapshot(&account) == before, "something was changed");

    // The same change for real comes to the same.
    account
        .post(
            &format!("/v1/subscriptions/{id}"),
            &format!("items[0][id]={item}&items[0][price]={gold}&proration_date=1598982148"),
        )
        .ok();
    account.at_second(1_599_427_688);
    assert_eq!(account.latest(&subscription)["total"], next["total"]);
}

#[test]
fn what_does_not_exist_yet_is_previewed() {
    let mut account = Account::new();
    account.at("2026-11-26");
    let (customer, price) = (account.create("/v1/customers", "name=Acme"), account.monthly(4900));
    let body = format!(
        "customer={customer}&subscription_details[items][0][price]={price}&subscription_details[items][0][quantity]=2\
         &invoice_items[0][amount]=29900&invoice_items[0][currency]=usd"
    );
    assert_eq!(amounts(&preview(&mut account, &body).ok()), [29_900, 9_800]);
    let items = format!(
        "customer={customer}&invoice_items[0][amount]=29900&invoice_items[0][currency]=usd&invoice_items[1][amount]=9900&invoice_items[1][currency]=usd"
    );
    let both = preview(&mut account, &items).ok();
    assert_eq!((amounts(&both), &both["total"]), (vec![29_900, 9_900], &39_800.into()));
    assert_eq!(preview(&mut account, &format!("customer={customer}")).code(), "invoice_upcoming_none");
    let many: String = (0..12)
        .map(|index| format!("&invoice_items[{index}][amount]=1&invoice_items[{index}][currency]=usd"))
        .collect();
    assert_eq!(amounts(&preview(&mut account, &format!("customer={customer}{many}")).ok()), [1; 12], "all of them");
    assert_eq!(account.stripe.objects("subscription"), [] as [Value; 0]);
    assert_eq!(account.stripe.objects("invoiceitem"), [] as [Value; 0]);
}
