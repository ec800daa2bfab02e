use super::*;

fn price(change: impl FnOnce(&mut Value)) -> Price {
    let mut wire = json!({
        "id": "price_1", "object": "price", "product": "prod_1", "active": true, "currency": "eur", "lookup_key": null,
        "unit_amount_decimal": "12.5", "billing_scheme": "per_unit", "transform_quantity": null, "recurring": null,
        "tax_behavior": "exclusive",
    });
    change(&mut wire);
    serde_json::from_value::<PriceWire>(wire).expect("a price").into()
}

#[test]
fn a_price_says_what_one_costs() {
    let seen = price(|_| {});
    assert_eq!((seen.unit_amount, seen.recurrence), (Some(Decimal::new(125, 1)), Recurrence::Once));
    assert_eq!(seen.product.as_ref().map(ProductId::as_str), Some("prod_1"));
    assert_eq!((seen.currency, seen.tax_behavior), (Currency::parse("EUR").ok(), TaxBehavior::Exclusive));
    assert!(seen.active && !price(|wire| wire["active"] = false.into()).active);
    assert_eq!(price(|wire| wire["product"] = json!({ "id": "prod_2" })).product, ProductId::parse("prod_2").ok());
    assert_eq!(price(|wire| wire["tax_behavior"] = "later".into()).tax_behavior, TaxBehavior::Unspecified);
    assert_eq!(price(|wire| wire["currency"] = "xxq".into()).currency, None);
}

/// Whoever multiplied it by a quantity would bill something else.
#[test]
fn what_is_not_the_price_of_one_is_none() {
    let recurring = |usage: &str| json!({ "interval": "month", "interval_count": 1, "usage_type": usage });
    for (what, seen, is_plain) in [
        ("licensed", price(|wire| wire["recurring"] = recurring("licensed")), true),
        ("metered", price(|wire| wire["recurring"] = recurring("metered")), false),
        ("tiered", price(|wire| wire["billing_scheme"] = "tiered".into()), false),
        ("packages", price(|wire| wire["transform_quantity"] = json!({ "divide_by": 5, "round": "up" })), false),
        ("the payer's choice", price(|wire| wire["unit_amount_decimal"] = Value::Null), false),
    ] {
        assert_eq!(seen.unit_amount.is_some(), is_plain, "{what}");
    }
}

#[test]
fn a_price_comes_back_after_months() {
    for (interval, count, expected) in [
        ("month", 1, Recurrence::Months(1)),
        ("month", 3, Recurrence::Months(3)),
        ("year", 1, Recurrence::Months(12)),
        ("year", 2, Recurrence::Months(24)),
        ("year", u32::MAX, Recurrence::Other),
        ("week", 4, Recurrence::Other),
        ("day", 30, Recurrence::Other),
    ] {
        let recurring = json!({ "interval": interval, "interval_count": count, "usage_type": "licensed" });
        let seen = price(|wire| wire["recurring"] = recurring);
        assert_eq!(seen.recurrence, expected, "{count} {interval}");
    }
}
