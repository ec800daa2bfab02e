use domain::{Currency, ProductId};
use stripe::{CatalogPrice, CatalogProduct, Recurrence};

use super::*;
use crate::catalog::matching::tests::{at_stripe, cost, gold, offer};

fn set(price_id: &str) -> Product {
    Product { price_id: Some(price_id.into()), ..gold() }
}

fn found(product: &Product, change: impl FnOnce(&mut CatalogProduct, &mut CatalogPrice)) -> Vec<Drift> {
    let (mut of, mut price) = offer(1);
    change(&mut of, &mut price);
    drifts(product, &at_stripe(vec![(of, price)]), &Rarity::default())
}

#[test]
fn a_price_in_step_is_not_told_of() {
    assert_eq!(found(&gold(), |_, _| {}), []);
    let set = set("price_1");
    assert_eq!(found(&set, |_, _| {}), []);
    assert_eq!(found(&set, |of, _| of.name = "Gold support, monthly".into()), []);
    // In a currency that the product is sold in as well, or at what another price book says.
    let yen = Product { costs: vec![cost(10_000, "USD"), cost(15_000, "JPY")], ..set.clone() };
    let in_yen = |price: &mut CatalogPrice| {
        (price.price.currency, price.price.unit_amount) = (Currency::parse("JPY").ok(), Some(15_000.into()));
    };
    assert_eq!(found(&yen, |_, price| in_yen(price)), []);
    let book = Product { costs_elsewhere: vec![cost(9_000, "USD")], ..set.clone() };
    assert_eq!(found(&book, |_, price| price.price.unit_amount = Some(9_000.into())), []);
    // Tiers were somebody's choice, and the product's quotes say how often.
    let unsaid = Product { billed: Billed::Unsaid, costs: vec![], ..set };
    assert_eq!(found(&unsaid, |_, price| price.price.unit_amount = None), []);
    assert_eq!(found(&unsaid, |_, price| price.price.recurrence = Recurrence::Months(12)), []);
}

#[test]
fn each_kind_of_drift_is_told() {
    let set = set("price_1");
    let differs = |theirs| Drift::Differs(Conflict::AmountDiffers { ours: cost(10_000, "USD"), theirs });
    let yearly = Drift::Differs(Conflict::IntervalDiffers { ours: Billed::Months(1), theirs: Recurrence::Months(12) });
    assert_eq!(found(&Product { price_id: Some("prod_1".into()), ..gold() }, |_, _| {}), [Drift::NotAPriceId]);
    assert_eq!(found(&Product { price_id: Some("price_9".into()), ..gold() }, |_, _| {}), [Drift::Gone]);
    assert_eq!(found(&set, |_, price| price.price.active = false), [Drift::Archived]);
    assert_eq!(found(&set, |of, _| of.active = false), [Drift::ProductArchived]);
    assert_eq!(found(&set, |_, price| price.price.unit_amount = Some(12_000.into())), [differs(cost(12_000, "USD"))]);
    let euro = |price: &mut CatalogPrice| price.price.currency = Currency::parse("EUR").ok();
    assert_eq!(found(&set, |_, price| euro(price)), [Drift::Differs(Conflict::NotSoldIn(cost(10_000, "EUR")))]);
    assert_eq!(found(&set, |_, price| price.price.recurrence = Recurrence::Months(12)), [yearly]);
    let renamed = found(&set, |of, _| of.name = "Helpdesk".into());
    assert_eq!(renamed, [Drift::Renamed { theirs: "Helpdesk".into() }]);
    assert!(!renamed[0].needs_person());
    assert!(
        found(&set, |of, price| {
            // A price whose product is not there any more is not offered, and says nothing of its name.
            of.id = ProductId::parse("prod_2").expect("valid");
            price.price.active = false;
        }) == [Drift::Archived]
    );
}

#[test]
fn drift_is_told_in_sentences() {
    for (drift, said) in [
        (Drift::NotAPriceId, "what is set is not a price id (price_…)"),
        (Drift::Gone, "the price that is set is not there (or is one of Stripe's other mode)"),
        (Drift::Renamed { theirs: "Helpdesk".into() }, "the product is called Helpdesk at Stripe"),
        (
            Drift::Differs(Conflict::AmountDiffers { ours: cost(10_000, "USD"), theirs: cost(12_000, "USD") }),
            "of the price that is set, the list price is 100.00 USD, and it costs 120.00 USD",
        ),
    ] {
        assert_eq!(drift.to_string(), said);
    }
}
