//! One subscription whose items are billed at several intervals.

use super::*;
use crate::AgreedPrice;

/// 10.00 in two halves, 10.00 by the year, both for that year, and 10.00 once.
fn sold() -> Deal {
    let mut deal = super::sold(3);
    for (line, frequency) in deal.lines.iter_mut().zip(["Semiannual", "Annual"]) {
        line.set("Product2.Stripe_Billing_Frequency__c", text(frequency));
    }
    deal
}

fn planned() -> Plan {
    plan(&sold(), &selling()).expect("billable").0
}

const AT_LIST: Every = Every::Months(12);

/// The year is at the catalogue's price, and the half of one at a price that was made.
fn start() -> Start {
    let start = super::start(planned(), &[catalogue(1000, AT_LIST)]).expect("priced");
    start.settle(&[PriceSeen { price_id: price_id("price_half"), ..catalogue(500, Every::Months(6)) }])
}

fn item(number: usize, price: &str, unit_amount: i64, months: u32) -> ItemSeen {
    let mut item = super::begun(InvoiceStatus::Draft).items.remove(0);
    item.item_id = item_id(number);
    item.price_id = price_id(price);
    (item.unit_amount, item.quantity, item.months) = (Some(unit_amount.into()), Some(1), Some(months));
    item
}

fn begun(created: &str, items: Vec<ItemSeen>) -> SubscriptionSeen {
    SubscriptionSeen { created: at(created), items, ..super::begun(InvoiceStatus::Draft) }
}

fn as_agreed() -> Vec<ItemSeen> {
    let listed = planned().lines[1].price.to_string();
    vec![item(0, "price_half", 500, 6), item(1, &listed, 1000, 12)]
}

fn draft(seen: SubscriptionSeen) -> Draft {
    match subscription::started(start(), seen, false) {
        Point::Holding { draft, .. } => draft,
        point => panic!("{} holds nothing", point.name()),
    }
}

fn of(number: usize, day: &str) -> String {
    format!("si_{number}@{}", at(&format!("{day}T00:00:00Z")).as_second())
}

/// Each line costs what its own period does: the catalogue's price is the agreed one only at the line's own interval.
#[test]
fn each_line_is_priced_by_its_own_period() {
    let unsettled = super::start(planned(), &[catalogue(1000, AT_LIST)]).expect("priced");
    let half = AgreedPrice {
        product_id: domain::ProductId::parse("prod_1").expect("valid"),
        currency: Currency::parse("EUR").expect("valid"),
        unit_amount: 500.into(),
        months: 6,
        tax: None,
    };
    assert_eq!(unsettled.wanted().collect::<Vec<_>>(), [(0, &half)]);
    assert_eq!(half.lookup_key(), "closedwon:prod_1:eur:500:6m:untaxed");
    let Next::Call(Call::CreateSubscription(new)) =
        (Point::Subscribing { start: start(), interrupted: false, is_clear: true }).next()
    else {
        panic!("everything is known")
    };
    assert_eq!(new.items.iter().map(|item| item.price_id.as_str()).collect::<Vec<_>>()[0], "price_half");
    assert_eq!((new.items.len(), new.ends_at), (2, Some(at("2028-01-01T00:00:00Z"))));
    // Once 10.00, the year's 10.00, and each half that has begun.
    let eur = |minor_units| Money::from_minor_units(minor_units, half.currency);
    let mut endless = planned();
    endless.subscription = endless.subscription.map(|term| Subscription { periods: None, ..term });
    endless.total = eur(2500);
    for line in &mut endless.lines[..1] {
        line.amount = eur(500);
    }
    let new = crate::NewSubscription { plan: endless, ..*new };
    assert_eq!(new.to_be_approved(at(NOW)), eur(2500));
    assert_eq!(new.to_be_approved(at("2027-07-01T00:00:00Z")), eur(3000));
    assert_eq!(new.to_be_approved(at("2028-01-01T00:00:00Z")), eur(4500));
}

/// The first invoice has a line for each period that has begun of each item.
#[test]
fn every_period_of_each_item_is_billed() {
    for (created, lines, total) in [
        (NOW, vec![of(0, "2027-01-01"), of(1, "2027-01-01")], 2500),
        ("2027-08-01T00:00:00Z", vec![of(0, "2027-01-01"), of(0, "2027-07-01"), of(1, "2027-01-01")], 3000),
    ] {
        let draft = draft(begun(created, as_agreed()));
        let mut expected = draft.expected();
        assert_eq!(expected.remove(&line_key(2)), Some(1000));
        assert_eq!((expected.into_keys().collect::<Vec<_>>(), draft.first_total()), (lines, total));
        let stored = serde_json::to_value(&draft).expect("it is kept");
        assert_eq!(serde_json::from_value::<Draft>(stored).ok(), Some(draft));
    }
    // Items at prices that another worker made are known by what they cost, and how often.
    let (mut as_well, mut swapped) = (as_agreed(), as_agreed());
    as_well.iter_mut().for_each(|item| item.price_id = price_id("price_another"));
    assert_eq!(draft(begun(NOW, as_well)).first_total(), 2500);
    swapped.iter_mut().for_each(|item| (item.price_id, item.months) = (price_id("price_another"), Some(3)));
    assert_eq!(draft(begun(NOW, swapped)).first_total(), 1000, "nobody agreed to these");
}

/// What is billed too often, or not often enough, keeps the first invoice from being sent.
#[test]
fn the_gate_counts_each_items_periods() {
    let line = |number: usize, day: &str, amount: i64| LineSeen {
        key: None,
        amount,
        subscription_item: Some(item_id(number)),
        period_start: Some(at(&format!("{day}T00:00:00Z"))),
    };
    let once = LineSeen { key: Some(line_key(2)), amount: 1000, subscription_item: None, period_start: None };
    let halves = [line(0, "2027-01-01", 500), line(0, "2027-07-01", 500)];
    let year = line(1, "2027-01-01", 1000);
    for (what, items, expected) in [
        ("as it is", vec![halves[0].clone(), halves[1].clone(), year.clone()], "ready"),
        ("half of it", vec![halves[0].clone(), year.clone()], "disarming"),
        ("the year twice", vec![halves[0].clone(), year.clone(), line(1, "2027-07-01", 1000)], "disarming"),
        ("the year by halves", vec![halves[0].clone(), halves[1].clone(), line(1, "2027-01-01", 500)], "disarming"),
    ] {
        let total = 1000 + items.iter().map(|line| line.amount).sum::<i64>();
        let first_lines = items.into_iter().chain([once.clone()]).collect();
        let seen = InvoiceSeen { subtotal: total, total, first_lines, ..first_invoice(InvoiceStatus::Draft) };
        let holding = Point::Holding { draft: draft(begun("2027-08-01T00:00:00Z", as_agreed())), interrupted: false };
        assert_eq!(record(holding, Fact::InvoiceRead(seen)).name(), expected, "{what}");
    }
}

/// Stripe bills at most 250 lines at once: a line for each period of each item, whatever lines of the deal that is for.
#[test]
fn what_lies_behind_fits_one_invoice() {
    let by_the_month = |lines: i64, read_at: &str| {
        let mut deal = super::sold(lines);
        deal.read_at = at(read_at);
        for line in &mut deal.lines {
            line.set("TotalPrice", number(24));
            line.set("Product2.Stripe_Billing_Frequency__c", text("Monthly"));
        }
        deal.opportunity.set("Amount", number(24 * lines));
        deal.opportunity.set("Stripe_Term_Months__c", number(24));
        deal
    };
    let of_its_own = |mut deal: Deal| {
        for (index, line) in deal.lines.iter_mut().enumerate() {
            line.set("TotalPrice", FieldValue::Number((24 * (index + 1)).into()));
        }
        let total: usize = (1..=deal.lines.len()).map(|number| 24 * number).sum();
        deal.opportunity.set("Amount", FieldValue::Number(total.into()));
        deal
    };
    let begun = |deal: Deal| {
        let point = record(claimed(), Fact::DealRead(Box::new(deal)));
        let point = record(point, Fact::PricesRead(vec![catalogue(1, Every::Once)]));
        (point.name(), code(&point))
    };
    let late = "2028-01-01T00:00:00Z";
    assert_eq!(begun(of_its_own(by_the_month(20, "2027-12-31T00:00:00Z"))), ("planned", None), "240 lines");
    assert_eq!(begun(of_its_own(by_the_month(20, late))), ("stopped", Some(Code::TooManyLines)), "260 lines");
    assert_eq!(begun(by_the_month(20, late)), ("planned", None), "one item, and thirteen lines");
    // What was begun is compared as ever.
    let deal = of_its_own(by_the_month(20, late));
    let (planned, _) = plan(&deal, &selling()).expect("it was billable");
    let invoice = Draft { plan: planned, ..held() }.into_invoice(&first_invoice(InvoiceStatus::Open));
    let again = |deal: Deal| record(Point::Done { invoice: invoice.clone() }.resume(), Fact::DealRead(Box::new(deal)));
    assert_eq!(again(deal.clone()).name(), "done");
    let mut other = deal;
    other.opportunity.set("Stripe_Term_Months__c", number(36));
    for line in &mut other.lines {
        line.set("Product2.Stripe_Billing_Frequency__c", text("Annual"));
    }
    assert_eq!(code(&again(other)), Some(Code::DealChangedAfterBilling), "its amount is the same");
}

/// What cannot be renewed is not to be sold by a renewal.
#[test]
fn a_changed_deal_of_several_frequencies_is_changed_by_hand() {
    let settings = Settings { renewals: mapping::Renewals::Extend, ..selling() };
    let invoice = draft(begun(NOW, as_agreed())).into_invoice(&first_invoice(InvoiceStatus::Open));
    let done = Point::Done { invoice };
    let point = done.resume().record(Fact::DealRead(Box::new(super::sold(3))), &settings).expect("in order");
    let stop = point.stop().expect("it is another deal");
    assert!(stop.message.ends_with("Set the deal back, and change the subscription by hand."), "{}", stop.message);
}

/// After a restore it is not known when it was made.
#[test]
fn a_forgotten_first_invoice_comes_to_what_had_begun_some_day() {
    let forgotten = Draft { started: None, ..draft(begun(NOW, as_agreed())) };
    let comes_to = |total: i64| forgotten.comes_to(&InvoiceSeen { total, ..first_invoice(InvoiceStatus::Open) });
    let sums: Vec<_> = (0..=80).map(|half| half * 50).filter(|total| comes_to(*total)).collect();
    assert_eq!(sums, [2500, 3000]);
}
