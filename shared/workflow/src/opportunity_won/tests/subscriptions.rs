//! Deals with recurring lines.

use domain::{SubscriptionId, SubscriptionItemId};
use jiff::Timestamp;
use mapping::{Interval, Plan, Subscription, Subscriptions, TaxBehavior};

use super::*;
use crate::opportunity_won::{Item, ItemPrice, Start, Started, subscription};
use crate::{AgreedPrice, Every, ItemSeen, PriceSeen, SubscriptionSeen};

mod ending;
mod interrupted;
mod mixed;
mod prices;

fn at(time: &str) -> Timestamp {
    time.parse().expect("a time")
}

const NOW: &str = "2027-01-20T12:00:00Z";

fn selling() -> Settings {
    Settings { subscriptions: Subscriptions::ClosedWon, ..settings() }
}

/// Lines of 10.00, the last of which is billed once; the others quarterly, for a year from the first of January.
fn sold(lines: i64) -> Deal {
    let mut deal = deal(lines);
    let once = deal.lines.len() - 1;
    for line in &mut deal.lines[..once] {
        line.set("Product2.Stripe_Billing_Frequency__c", text("Quarterly"));
    }
    deal.opportunity.set("Stripe_Start_Date__c", text("2027-01-01"));
    deal.opportunity.set("Stripe_Term_Months__c", FieldValue::Number(12.into()));
    deal.read_at = at(NOW);
    deal
}

fn planned(lines: i64) -> Plan {
    plan(&sold(lines), &selling()).expect("billable").0
}

fn price_id(name: &str) -> domain::PriceId {
    domain::PriceId::parse(name).expect("valid")
}

/// The price that every line names: the product costs this much, that often.
fn catalogue(unit_amount: i64, every: Every) -> PriceSeen {
    PriceSeen {
        price_id: planned(2).lines[0].price.clone(),
        product_id: domain::ProductId::parse("prod_1").ok(),
        is_active: true,
        currency: Currency::parse("EUR").ok(),
        unit_amount: Some(unit_amount.into()),
        every,
        tax: None,
    }
}

fn start(plan: Plan, prices: &[PriceSeen]) -> Result<Start, Stop> {
    Start::new(plan, CustomerId::parse("cus_1").expect("valid"), false, prices)
}

fn subscription_id() -> SubscriptionId {
    SubscriptionId::parse("sub_1").expect("valid")
}

fn item_id(number: usize) -> SubscriptionItemId {
    SubscriptionItemId::parse(&format!("si_{number}")).expect("valid")
}

/// The first invoice of two recurring lines at 2.50 a quarter as one item, and 10.00 once.
fn first_invoice(status: InvoiceStatus) -> InvoiceSeen {
    let line = |key: Option<String>, amount: i64, of_item: bool| LineSeen {
        key,
        amount,
        subscription_item: of_item.then(|| item_id(0)),
        period_start: Some(at("2027-01-01T00:00:00Z")),
    };
    let mut seen = seen(status, 0, 0);
    seen.subtotal = 1500;
    seen.total = 1500;
    seen.subscription_id = Some(subscription_id());
    seen.first_lines = vec![line(None, 500, true), line(Some(line_key(2)), 1000, false)];
    seen
}

fn begun(status: InvoiceStatus) -> SubscriptionSeen {
    SubscriptionSeen {
        subscription_id: subscription_id(),
        is_over: false,
        created: at(NOW),
        starts_at: Some(at("2027-01-01T00:00:00Z")),
        ends_at: Some(at("2028-01-01T00:00:00Z")),
        has_billed_more: false,
        has_run_out: false,
        renewed_from: None,
        items: vec![ItemSeen {
            item_id: item_id(0),
            price_id: planned(3).lines[0].price.clone(),
            product_id: domain::ProductId::parse("prod_1").ok(),
            unit_amount: Some(250.into()),
            quantity: Some(2),
            months: Some(3),
            period_start: at("2027-01-01T00:00:00Z"),
            period_end: at("2027-04-01T00:00:00Z"),
        }],
        invoice: Some(first_invoice(status)),
    }
}

fn held() -> Draft {
    let start = start(planned(3), &[catalogue(250, Every::Months(3))]).expect("priced");
    match subscription::started(start, begun(InvoiceStatus::Draft), false) {
        Point::Holding { draft, interrupted: false } => draft,
        point => panic!("{} holds nothing", point.name()),
    }
}

fn record(point: Point, fact: Fact) -> Point {
    point.record(fact, &selling()).expect("in order")
}

fn code(point: &Point) -> Option<Code> {
    point.stop().map(|stop| stop.code)
}

#[test]
fn a_deal_with_recurring_lines_begins_a_subscription() {
    let mut point = claimed();
    let mut calls = Vec::new();
    for fact in [
        Fact::DealRead(Box::new(sold(3))),
        Fact::PricesRead(vec![catalogue(250, Every::Months(3))]),
        customer_known(),
        Fact::PendingRead { is_any: false },
        Fact::SubscriptionRead(Box::new(begun(InvoiceStatus::Draft))),
        Fact::InvoiceRead(first_invoice(InvoiceStatus::Draft)),
        Fact::InvoiceRead(first_invoice(InvoiceStatus::Open)),
    ] {
        calls.push(match point.next() {
            Next::Call(call) => call.name(),
            _ => "ensure_customer",
        });
        point = record(point, fact);
    }
    let expected = [
        "read_deal",
        "read_prices",
        "ensure_customer",
        "read_pending",
        "create_subscription",
        "hold_invoice",
        "send_invoice",
    ];
    assert_eq!(calls, expected);
    assert_eq!((point.name(), point.subscription_id()), ("sent", Some(&subscription_id())));
    let (total, first) = point.billed().expect("billed");
    assert_eq!((total.minor_units(), first.minor_units()), (3000, 1500));
    let Next::Call(Call::UpdateRecords { updates }) = point.next() else { panic!("it is written back") };
    assert_eq!(updates[0].fields["Stripe_Subscription_Id__c"], text("sub_1"));
}

#[test]
fn a_term_that_has_not_begun_is_left_until_its_day() {
    let mut deal = sold(3);
    deal.read_at = at("2026-12-31T23:59:59Z");
    let read = |deal: &Deal| {
        let point = record(claimed(), Fact::DealRead(Box::new(deal.clone())));
        record(point, Fact::PricesRead(vec![catalogue(250, Every::Months(3))]))
    };
    let point = read(&deal);
    let until = at("2027-01-01T00:00:00Z");
    assert_eq!((point.next(), point.status()), (Next::End(crate::End::Resting { until }), Status::Open));
    assert_eq!(point.resume(), claimed(), "it is read again on its day");
    deal.read_at = until;
    assert_eq!(read(&deal).name(), "planned");
}

/// Whatever of the first invoice is not what was agreed keeps it from being sent, and the subscription is canceled.
#[test]
fn the_first_invoice_must_be_the_deals_line_by_line() {
    let right = || first_invoice(InvoiceStatus::Draft);
    let with = |change: fn(&mut InvoiceSeen)| {
        let mut seen = right();
        change(&mut seen);
        seen
    };
    let ready = record(Point::Holding { draft: held(), interrupted: false }, Fact::InvoiceRead(right()));
    assert_eq!(ready.name(), "ready");
    for (what, seen) in [
        ("another amount", with(|seen| seen.first_lines[0].amount = 501)),
        ("another amount of what is billed once", with(|seen| seen.first_lines[1].amount = 999)),
        ("another total", with(|seen| seen.total = 1501)),
        ("another subtotal", with(|seen| seen.subtotal = 1501)),
        ("another item", with(|seen| seen.first_lines[0].subscription_item = Some(item_id(1)))),
        ("another period", with(|seen| seen.first_lines[0].period_start = Some(at("2027-04-01T00:00:00Z")))),
        ("a line is missing", with(|seen| drop(seen.first_lines.pop()))),
        ("a line is there twice", with(|seen| seen.first_lines.push(seen.first_lines[0].clone()))),
        ("it is of another subscription", with(|seen| seen.subscription_id = None)),
        ("Stripe would send it", with(|seen| seen.auto_advance = true)),
    ] {
        let point = record(Point::Holding { draft: held(), interrupted: false }, Fact::InvoiceRead(seen));
        assert_eq!(point.name(), "disarming", "{what}");
        let point = record(point, Fact::InvoiceRead(right()));
        let Next::Call(call) = point.next() else { panic!("{what}: nothing is done") };
        assert_eq!(call, Call::CancelSubscription { subscription_id: subscription_id() }, "{what}");
        let stopped = record(point, Fact::SubscriptionCanceled);
        assert_eq!(code(&stopped), Some(Code::InvoiceDiffersFromDeal), "{what}");
        assert_eq!(stopped.invoice_id(), None, "{what}: it is given up");
    }
}

/// Two quarters have begun, so each item is billed twice.
#[test]
fn every_period_that_has_begun_is_billed() {
    let start = start(planned(3), &[catalogue(250, Every::Months(3))]).expect("priced");
    let late = |created: &str| {
        let seen = SubscriptionSeen { created: at(created), ..begun(InvoiceStatus::Draft) };
        match subscription::started(start.clone(), seen, false) {
            Point::Holding { draft, .. } => draft,
            point => panic!("{}", point.name()),
        }
    };
    let two = late("2027-06-30T23:59:59Z");
    assert_eq!((two.started.as_ref().map(|started| started.periods), two.first_total()), (Some(2), 2000));
    let keys: Vec<_> = two.expected().into_keys().collect();
    let quarter = |start: &str| format!("si_0@{}", at(start).as_second());
    assert_eq!(keys, [line_key(2), quarter("2027-01-01T00:00:00Z"), quarter("2027-04-01T00:00:00Z")]);
    assert_eq!(late("2027-07-01T00:00:00Z").started.map(|started| started.periods), Some(3));
    // One that was begun for another term has no right line.
    for seen in [
        SubscriptionSeen { ends_at: None, ..begun(InvoiceStatus::Draft) },
        SubscriptionSeen { ends_at: Some(at("2029-01-01T00:00:00Z")), ..begun(InvoiceStatus::Draft) },
        SubscriptionSeen { starts_at: Some(at("2027-01-02T00:00:00Z")), ..begun(InvoiceStatus::Draft) },
    ] {
        let point = subscription::started(start.clone(), seen, false);
        assert_eq!(record(point, Fact::InvoiceRead(first_invoice(InvoiceStatus::Draft))).name(), "disarming");
    }
}

/// What is written to the ledger is read back as it was.
#[test]
fn a_stored_subscription_is_what_it_was() {
    let plan = planned(3);
    assert_eq!(plan.subscription.as_ref().map(|term| (term.every, term.periods)), Some((Interval::Quarterly, Some(4))));
    let longer = Subscription { periods: Some(8), ..plan.subscription.clone().expect("a term") };
    let other = Plan { subscription: Some(longer), ..plan.clone() };
    assert!(!other.plans_the_same_as(&plan));
    let Started { items, .. } = *held().started.expect("begun");
    assert_eq!(items, [(item_id(0), 500)]);
}
