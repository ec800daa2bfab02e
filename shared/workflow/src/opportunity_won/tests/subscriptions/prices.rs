//! What its items are made of.

use super::*;

/// Lines at one price are one item; what the catalogue does not have is agreed, with the catalogue's product.
#[test]
fn an_item_is_a_price_and_how_many() {
    let agreed = |unit_amount: i64| {
        ItemPrice::Agreed(AgreedPrice {
            product_id: domain::ProductId::parse("prod_1").expect("valid"),
            currency: Currency::parse("EUR").expect("valid"),
            unit_amount: unit_amount.into(),
            months: 3,
            tax: None,
        })
    };
    let known = ItemPrice::Known(planned(2).lines[0].price.clone());
    let usd = PriceSeen { currency: Currency::parse("USD").ok(), ..catalogue(250, Every::Months(3)) };
    let tiers = PriceSeen { unit_amount: None, ..catalogue(250, Every::Months(3)) };
    for (seen, price) in [
        (catalogue(250, Every::Months(3)), &known),
        (catalogue(251, Every::Months(3)), &agreed(250)),
        (catalogue(250, Every::Months(1)), &agreed(250)),
        (catalogue(250, Every::Once), &agreed(250)),
        (catalogue(250, Every::Other), &agreed(250)),
        (usd, &agreed(250)),
        (tiers, &agreed(250)),
    ] {
        let start = start(planned(3), std::slice::from_ref(&seen)).expect("priced");
        assert_eq!(start.basket.items, [Item { price: price.clone(), quantity: 2, lines: vec![0, 1] }], "{seen:?}");
        assert_eq!(start.basket.once.iter().map(|once| (once.line, once.is_at_list)).collect::<Vec<_>>(), [(2, false)]);
    }
    let at_list = start(planned(2), &[catalogue(1000, Every::Once)]).expect("priced");
    assert!(at_list.basket.once[0].is_at_list);
}

/// With tax, a price that says the opposite is not the agreed one, and one that says nothing is the account's to say.
#[test]
fn a_price_is_taxed_as_the_amounts_are_meant() {
    for (of_price, is_known) in
        [(None, true), (Some(TaxBehavior::Inclusive), false), (Some(TaxBehavior::Exclusive), true)]
    {
        let plan = Plan { tax: Some(TaxBehavior::Exclusive), ..planned(3) };
        let seen = PriceSeen { tax: of_price, ..catalogue(250, Every::Months(3)) };
        let start = start(plan, &[seen]).expect("priced");
        match &start.basket.items[0].price {
            ItemPrice::Known(_) => assert!(is_known),
            ItemPrice::Agreed(price) => assert!(!is_known && price.tax == Some(TaxBehavior::Exclusive)),
        }
    }
}

/// Several of one are a quantity, at the price of one.
#[test]
fn a_quantity_is_billed_by_the_price_of_one() {
    let mut plan = planned(2);
    plan.lines[0].quantity = mapping::Quantity::Whole(2);
    for (unit_amount, is_known) in [(125, true), (126, false)] {
        let start = start(plan.clone(), &[catalogue(unit_amount, Every::Months(3))]).expect("priced");
        let item = &start.basket.items[0];
        assert_eq!((item.quantity, matches!(item.price, ItemPrice::Known(_))), (2, is_known));
        if let ItemPrice::Agreed(price) = &item.price {
            assert_eq!(price.unit_amount, 125.into());
        }
    }
}

#[test]
fn a_fraction_is_billed_as_one() {
    let mut plan = planned(2);
    plan.lines[0].quantity = mapping::Quantity::Fraction("2.5".parse().expect("valid"));
    let start = start(plan, &[catalogue(250, Every::Months(3))]).expect("priced");
    let ItemPrice::Agreed(price) = &start.basket.items[0].price else { panic!("the catalogue has none for it") };
    assert_eq!((price.unit_amount, start.basket.items[0].quantity), (250.into(), 1));
}

#[test]
fn an_archived_price_is_refused_by_name() {
    let archived = PriceSeen { is_active: false, ..catalogue(250, Every::Months(3)) };
    for prices in [vec![archived], vec![]] {
        let stop = start(planned(2), &prices).expect_err("refused");
        assert_eq!(stop.code, Code::LinesNotBillable);
        let named = format!("{} ({}", planned(2).lines[0].description, planned(2).lines[0].price);
        assert!(stop.message.contains(&named), "{}", stop.message);
    }
}

/// First what was made before is found; what is still wanted then is made, one by one.
#[test]
fn agreed_prices_are_found_or_made() {
    let start = start(planned(3), &[catalogue(1, Every::Once)]).expect("priced");
    let (_, wanted) = start.wanted().next().expect("one is wanted");
    let wanted = wanted.clone();
    assert_eq!(wanted.lookup_key(), "closedwon:prod_1:eur:250:3m:untaxed");
    let made = PriceSeen { price_id: price_id("price_made"), ..catalogue(250, Every::Months(3)) };
    let inactive = PriceSeen { is_active: false, ..made.clone() };
    let of_another = PriceSeen { product_id: domain::ProductId::parse("prod_2").ok(), ..made.clone() };
    let pricing = |looked| Point::Pricing { start: start.clone(), looked };
    let name = |point: &Point| match point.next() {
        Next::Call(call) => call.name(),
        _ => "none",
    };
    assert_eq!((name(&pricing(false)), name(&pricing(true))), ("find_prices", "create_price"));
    for (found, next) in [
        (vec![], "create_price"),
        (vec![inactive.clone(), of_another.clone()], "create_price"),
        (vec![inactive.clone(), made.clone()], "read_pending"),
    ] {
        assert_eq!(name(&record(pricing(false), Fact::PricesRead(found))), next);
    }
    for other in [inactive, of_another] {
        assert_eq!(code(&record(pricing(true), Fact::PriceCreated(other))), Some(Code::StripeRefused), "not again");
    }
    let known = record(pricing(true), Fact::PriceCreated(made));
    assert_eq!(known.clone().resume(), claimed(), "nothing was begun");
    let waits = record(known.clone(), Fact::PendingRead { is_any: true });
    assert_eq!(code(&waits), Some(Code::PendingItems));
    let begun = record(known, Fact::PendingRead { is_any: false });
    let Next::Call(Call::CreateSubscription(new)) = begun.next() else { panic!("everything is known") };
    assert_eq!((new.items[0].price_id.as_str(), new.items[0].quantity), ("price_made", 2));
    let keys: Vec<_> = new.items[0].keys.iter().map(ToString::to_string).collect();
    assert_eq!(keys, [line_key(0), line_key(1)]);
    assert_eq!((new.starts_at, new.ends_at), (at("2027-01-01T00:00:00Z"), Some(at("2028-01-01T00:00:00Z"))));
    let refused = record(pricing(true), refused());
    assert_eq!(code(&refused), Some(Code::StripeRefused));
    assert_eq!(pricing(true).resume(), claimed());
}

/// A product may name a price that was made for another deal's terms. Stripe takes each price once.
#[test]
fn what_resolves_to_one_price_is_one_item() {
    let mut plan = planned(3);
    plan.lines[1].price = price_id("price_made");
    let made = PriceSeen { price_id: price_id("price_made"), ..catalogue(250, Every::Months(3)) };
    let start = start(plan, &[catalogue(1, Every::Once), made.clone()]).expect("priced");
    assert_eq!(start.basket.items.len(), 2);
    let settled = start.settle(&[made]);
    let known = ItemPrice::Known(price_id("price_made"));
    assert_eq!(settled.basket.items, [Item { price: known, quantity: 2, lines: vec![0, 1] }]);
}

/// Two workers made the agreed price at once. The subscription has the one, and after a restore the other is found: it is known by what
/// it costs.
#[test]
fn an_item_is_known_by_what_it_costs_where_its_price_is_another_one() {
    let start = || start(planned(3), &[catalogue(250, Every::Months(3))]).expect("priced");
    type Change = fn(&mut ItemSeen);
    let changes: [(Change, i64); 7] = [
        (|_| {}, 500),
        (|item| item.unit_amount = Some(251.into()), 0),
        (|item| item.unit_amount = None, 0),
        (|item| item.quantity = Some(1), 0),
        (|item| item.months = Some(1), 0),
        (|item| item.product_id = domain::ProductId::parse("prod_2").ok(), 0),
        (|item| item.product_id = None, 0),
    ];
    for (index, (change, costs)) in changes.into_iter().enumerate() {
        let mut seen = begun(InvoiceStatus::Draft);
        seen.items[0].price_id = price_id("price_other");
        change(&mut seen.items[0]);
        let Point::Holding { draft, .. } = subscription::started(start(), seen, true) else { panic!("it is held") };
        assert_eq!(draft.started.expect("it is one's").items, [(item_id(0), costs)], "{index}");
    }
}
