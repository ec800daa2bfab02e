//! Renewals that begin inside a period of the subscription.

use mapping::Proration;

use super::*;
use crate::{Credited, Extension, InvoiceSeen, PreviewLineSeen, PreviewSeen};

/// The second half of the year that the subscription has billed.
pub(super) const FROM: &str = "2027-07-01T00:00:00Z";
pub(super) const ON: &str = "2027-07-10T12:00:00Z";

pub(super) fn prorated(proration: Proration) -> Settings {
    Settings { proration, ..renewing() }
}

/// Lines of 9.00 for so many months from the first of July, by the year.
fn sold_for(months: Option<i64>) -> Deal {
    let mut deal = sold(2);
    for line in &mut deal.lines {
        line.set("Product2.Stripe_Billing_Frequency__c", text("Annual"));
        line.set("TotalPrice", FieldValue::Number(9.into()));
    }
    let months = months.map_or(FieldValue::Null, |months| FieldValue::Number(months.into()));
    let fields = [
        ("Amount", FieldValue::Number(18.into())),
        ("Stripe_Start_Date__c", text("2027-07-01")),
        ("Stripe_Term_Months__c", months),
    ];
    fields.into_iter().for_each(|(field, value)| deal.opportunity.set(field, value));
    deal.read_at = at(ON);
    deal
}

fn plan_of(months: Option<i64>, proration: Proration) -> Plan {
    plan(&sold_for(months), &prorated(proration)).expect("billable").0
}

pub(super) fn annual(number: usize, price: &str, quantity: i64) -> ItemSeen {
    ItemSeen {
        months: Some(12),
        period_start: at("2027-01-01T00:00:00Z"),
        period_end: at("2028-01-01T00:00:00Z"),
        ..item(number, price, quantity)
    }
}

pub(super) fn yearly() -> RenewableSeen {
    RenewableSeen {
        items: vec![annual(1, "price_old", 1)],
        begun_at: Some(at("2027-01-01T00:00:00Z")),
        ends_at: Some(at("2028-01-01T00:00:00Z")),
        ..there()
    }
}

pub(super) fn found_by(plan: Plan, seen: RenewableSeen, now: &str) -> Point {
    let Point::CustomerKnown { customer_id, account_is_linked, interrupted, basket, is_charged, .. } = known(2) else {
        panic!("known")
    };
    let point =
        Point::CustomerKnown { is_apart: false, plan, customer_id, account_is_linked, interrupted, basket, is_charged };
    record(point, Fact::RenewableSeen { found: vec![seen], at: at(now) })
}

/// The catalogue's price for a year, which is the agreed one of both lines.
pub(super) fn by_the_year(unit_amount: i64) -> Fact {
    let Fact::PricesRead(prices) = catalogue(unit_amount) else { panic!("prices") };
    Fact::PricesRead(prices.into_iter().map(|price| PriceSeen { every: Every::Months(12), ..price }).collect())
}

fn priced(proration: Proration, seen: RenewableSeen) -> Point {
    record(found_by(plan_of(Some(6), proration), seen, ON), by_the_year(1800))
}

#[test]
fn it_is_changed_on_its_first_day_and_not_before() {
    let last = |status| Some(seen(status, 1, 1200));
    let credited = Credited { after: 1, ..Credited::default() };
    let credited = Some(InvoiceSeen { credited, ..seen(InvoiceStatus::Paid, 1, 1200) });
    let invoiced = |invoice| RenewableSeen { last_invoice: invoice, ..yearly() };
    let always = |months| plan_of(months, Proration::AlwaysInvoice);
    let other = OpportunityId::parse("006000000000009AAA").ok();
    let shifted = || {
        let mut seen = yearly();
        seen.items[0].period_end = at("2027-11-15T00:00:00Z");
        RenewableSeen { ends_at: None, ..seen }
    };
    let two_periods = || {
        let mut seen = yearly();
        seen.items.push(ItemSeen { period_start: at("2027-02-01T00:00:00Z"), ..annual(2, "price_two", 1) });
        seen
    };
    for (what, plan, seen, now, expected) in [
        ("to the end of the period", always(Some(6)), yearly(), ON, Ok("renewal_found")),
        ("and a year more", always(Some(18)), yearly(), ON, Ok("renewal_found")),
        ("without an end", always(None), yearly(), ON, Ok("renewal_found")),
        ("ten minutes after it begins", always(Some(6)), yearly(), "2027-07-01T00:10:00Z", Ok("renewal_found")),
        ("a clock may be ahead", always(Some(6)), yearly(), "2027-07-01T00:09:59Z", Ok("scheduled")),
        ("not with a period's end", always(Some(12)), yearly(), ON, Err(Code::RenewalDiffers)),
        (
            "all but over",
            always(Some(18)),
            RenewableSeen { ends_at: None, ..yearly() },
            "2027-12-31T23:00:00Z",
            Err(Code::RenewalDiffers),
        ),
        (
            "just in time",
            always(Some(18)),
            RenewableSeen { ends_at: None, ..yearly() },
            "2027-12-31T22:59:59Z",
            Ok("renewal_found"),
        ),
        (
            "it would be shortened",
            always(Some(6)),
            RenewableSeen { ends_at: Some(at("2029-01-01T00:00:00Z")), ..yearly() },
            ON,
            Err(Code::RenewalDiffers),
        ),
        ("its invoice is open", always(Some(6)), invoiced(last(InvoiceStatus::Open)), ON, Ok("renewal_found")),
        ("its invoice is a draft", always(Some(6)), invoiced(last(InvoiceStatus::Draft)), ON, Ok("renewal_unsettled")),
        ("its invoice is void", always(Some(6)), invoiced(last(InvoiceStatus::Void)), ON, Err(Code::RenewalDiffers)),
        (
            "its invoice is written off",
            always(Some(6)),
            invoiced(last(InvoiceStatus::Uncollectible)),
            ON,
            Err(Code::RenewalDiffers),
        ),
        ("its invoice is credited in part", always(Some(6)), invoiced(credited), ON, Err(Code::RenewalDiffers)),
        (
            "nothing is given back",
            plan_of(Some(18), Proration::None),
            invoiced(last(InvoiceStatus::Void)),
            ON,
            Ok("renewal_found"),
        ),
        ("its period is not a whole one", always(None), shifted(), ON, Err(Code::RenewalDiffers)),
        (
            "there is no next invoice",
            plan_of(Some(6), Proration::CreateProrations),
            yearly(),
            ON,
            Err(Code::RenewalDiffers),
        ),
        ("nor any at all", plan_of(Some(6), Proration::None), yearly(), ON, Err(Code::RenewalDiffers)),
        ("there is a next one", plan_of(Some(18), Proration::CreateProrations), yearly(), ON, Ok("renewal_found")),
        ("it stays as it was billed", plan_of(Some(18), Proration::None), yearly(), ON, Ok("renewal_found")),
        (
            "another deal has changed it from a later day on",
            always(Some(6)),
            RenewableSeen { renewed_for: other.clone(), renewed_from: "2027-07-02".parse().ok(), ..yearly() },
            ON,
            Err(Code::RenewalDiffers),
        ),
        (
            "another deal has changed it before",
            always(Some(6)),
            RenewableSeen { renewed_for: other, renewed_from: "2027-06-01".parse().ok(), ..yearly() },
            ON,
            Ok("renewal_found"),
        ),
        ("its items have two periods", always(Some(6)), two_periods(), ON, Err(Code::RenewalDiffers)),
    ] {
        let point = found_by(plan, seen, now);
        match expected {
            Ok(name) => assert_eq!(point.name(), name, "{what}: {point:?}"),
            Err(expected) => assert_eq!(code(&point), Some(expected), "{what}: {}", point.name()),
        }
    }
    // From a period's first day on: that the whole of it stays as it was billed is nobody's policy.
    let mut from_july = yearly();
    (from_july.items[0].period_start, from_july.items[0].period_end) = (at(FROM), at("2028-07-01T00:00:00Z"));
    (from_july.begun_at, from_july.ends_at) = (Some(at("2026-07-01T00:00:00Z")), None);
    for (proration, expected) in [
        (Proration::AlwaysInvoice, None),
        (Proration::CreateProrations, None),
        (Proration::None, Some(Code::RenewalDiffers)),
    ] {
        let point = found_by(plan_of(Some(24), proration), from_july.clone(), ON);
        assert_eq!(code(&point), expected, "{proration:?}: {:?}", point.stop());
    }
    // What is billed already is not billed otherwise: the period that runs is the earliest.
    let mut turned = RenewableSeen { ends_at: None, ..yearly() };
    (turned.items[0].period_start, turned.items[0].period_end) =
        (at("2028-01-01T00:00:00Z"), at("2029-01-01T00:00:00Z"));
    let point = found_by(plan_of(Some(18), Proration::AlwaysInvoice), turned, "2028-01-02T00:00:00Z");
    let stop = point.stop().expect("it is too late");
    assert!(stop.code == Code::RenewalDiffers && stop.message.contains("2028-01-01"), "{stop:?}");
}

pub(super) fn extension(point: &Point) -> Extension {
    match point.next() {
        Next::Call(Call::PreviewRenewal(extension) | Call::RenewSubscription(extension)) => *extension,
        next => panic!("{next:?}"),
    }
}

/// What is invoiced at once is previewed; what comes with the next invoice, or never, is not. The day is the plan's.
#[test]
fn what_is_billed_at_once_is_previewed() {
    for (proration, months, name) in [
        (Proration::AlwaysInvoice, Some(6), "renewal_previewing"),
        (Proration::CreateProrations, Some(18), "renewal_ready"),
        (Proration::None, Some(18), "renewal_ready"),
    ] {
        let each = if months == Some(6) { 1800 } else { 600 };
        let point = record(found_by(plan_of(months, proration), yearly(), ON), by_the_year(each));
        assert_eq!(point.name(), name);
        let extension = extension(&point);
        assert_eq!((extension.proration, extension.from.to_string().as_str()), (proration, "2027-07-01"));
        assert_eq!(extension.latest, at("2027-12-31T23:00:00Z"), "before the period turns");
    }
    // Where the term begins with a period, nothing is prorated, whatever the policy is.
    let mut turning = yearly();
    (turning.items[0].period_start, turning.items[0].period_end) = (at("2026-07-01T00:00:00Z"), at(FROM));
    (turning.begun_at, turning.ends_at) = (Some(at("2026-07-01T00:00:00Z")), Some(at(FROM)));
    let plan = plan(&sold_for(Some(12)), &prorated(Proration::AlwaysInvoice)).expect("billable").0;
    let point = record(found_by(plan, turning, "2027-06-01T00:00:00Z"), by_the_year(900));
    let extension = extension(&point);
    assert_eq!((point.name(), extension.proration), ("renewal_ready", Proration::None));
    assert_eq!(extension.latest, at("2027-06-30T23:00:00Z"));
}

/// The same products at the same prices for longer: Stripe has nothing to prorate and makes no invoice.
#[test]
fn where_no_item_changes_nothing_is_previewed() {
    let price = planned(1).lines[0].price.to_string();
    let same = |quantity| RenewableSeen { items: vec![annual(1, &price, quantity)], ..yearly() };
    assert_eq!(priced(Proration::AlwaysInvoice, same(2)).name(), "renewal_ready");
    assert_eq!(priced(Proration::AlwaysInvoice, same(1)).name(), "renewal_previewing");
    let mut more = same(2);
    more.items.push(annual(2, "price_else", 1));
    assert_eq!(priced(Proration::AlwaysInvoice, more).name(), "renewal_previewing");
}

/// 184 of 365 days of 36.00, less those of what is there.
pub(super) fn preview() -> PreviewSeen {
    let line = |price: &str, amount: i64| PreviewLineSeen {
        sold_once: None,
        price_id: domain::PriceId::parse(price).ok(),
        amount,
        starts_at: at(FROM),
        ends_at: at("2028-01-01T00:00:00Z"),
    };
    let price = planned(1).lines[0].price.to_string();
    PreviewSeen {
        currency: Currency::parse("EUR").expect("valid"),
        total: 1815 - 605,
        added_tax: 0,
        lines: vec![line("price_old", -605), line(&price, 1815)],
        is_whole: true,
        brings_more: false,
    }
}

#[test]
fn only_what_the_deal_says_is_billed_at_once() {
    let with = |change: fn(&mut PreviewSeen)| {
        let mut seen = preview();
        let before = seen.lines.iter().map(|line| line.amount).sum::<i64>();
        change(&mut seen);
        // Whatever the lines are, they are what it comes to, but where the case is about that.
        let after = seen.lines.iter().map(|line| line.amount).sum::<i64>();
        seen.total += after - before;
        record(priced(Proration::AlwaysInvoice, yearly()), Fact::RenewalPreviewed(Box::new(seen)))
    };
    for (what, change, expected) in [
        ("it is right", (|_| {}) as fn(&mut PreviewSeen), None),
        ("a half the other way", |seen| seen.lines[1].amount = 1814, None),
        (
            "what the same price had billed is given back",
            |seen| {
                let back = PreviewLineSeen { amount: -605, ..seen.lines[1].clone() };
                seen.lines.push(back);
            },
            None,
        ),
        ("less by a discount of the customer", |seen| seen.total -= 100, Some(Code::RenewalDiffers)),
        (
            "more by a tax that nobody asked for",
            |seen| (seen.total, seen.added_tax) = (seen.total + 100, 100),
            Some(Code::RenewalDiffers),
        ),
        ("a cent more", |seen| seen.lines[1].amount = 1816, Some(Code::RenewalDiffers)),
        ("a cent less", |seen| seen.lines[1].amount = 1813, Some(Code::RenewalDiffers)),
        ("it is not there", |seen| drop(seen.lines.pop()), Some(Code::RenewalDiffers)),
        (
            "it is beyond what is shown",
            |seen| {
                seen.lines.pop();
                seen.is_whole = false;
            },
            None,
        ),
        (
            "it is shown, and wrong",
            |seen| {
                seen.lines[1].amount = 3600;
                seen.is_whole = false;
            },
            Some(Code::RenewalDiffers),
        ),
        ("days before it", |seen| seen.lines[1].starts_at = at("2027-06-30T00:00:00Z"), Some(Code::RenewalDiffers)),
        ("days after it", |seen| seen.lines[1].ends_at = at("2028-01-02T00:00:00Z"), Some(Code::RenewalDiffers)),
        ("another currency", |seen| seen.currency = Currency::parse("USD").expect("valid"), Some(Code::RenewalDiffers)),
        (
            "what does not change is billed",
            |seen| {
                let line = PreviewLineSeen {
                    price_id: domain::PriceId::parse("price_old").ok(),
                    amount: 1,
                    ..seen.lines[1].clone()
                };
                seen.lines.push(line);
            },
            Some(Code::RenewalDiffers),
        ),
        (
            "something without a price is billed",
            |seen| {
                let line = PreviewLineSeen { price_id: None, amount: 1, ..seen.lines[1].clone() };
                seen.lines.push(line);
            },
            Some(Code::RenewalDiffers),
        ),
        (
            "days before it are given back",
            |seen| seen.lines[0].starts_at = at("2027-06-30T00:00:00Z"),
            Some(Code::RenewalDiffers),
        ),
        ("something else comes along", |seen| seen.brings_more = true, Some(Code::PendingItems)),
    ] {
        let point = with(change);
        assert_eq!(code(&point), expected, "{what}: {:?}", point.stop());
        let (name, resumed) = match expected {
            None => ("renewal_ready", "renewal_ready"),
            Some(_) => ("stopped", "claimed"),
        };
        assert_eq!((point.name(), point.resume().name()), (name, resumed), "{what}");
    }
    let interrupted = priced(Proration::AlwaysInvoice, yearly()).resume();
    assert_eq!(interrupted.name(), "claimed", "nothing was changed yet");
}

/// Whoever has to approve the deal approves what is billed at once, if that is more.
#[test]
fn what_is_more_has_to_be_approved() {
    let ready = |total: i64| {
        // Of more lines than are shown.
        let seen = PreviewSeen { total, is_whole: false, ..preview() };
        extension(&record(priced(Proration::AlwaysInvoice, yearly()), Fact::RenewalPreviewed(Box::new(seen))))
    };
    assert_eq!(ready(1210).total.minor_units(), 1800);
    assert_eq!(ready(-500).total.minor_units(), 1800);
    assert_eq!(ready(2160).total.minor_units(), 2160, "with tax on top");
}

/// The answer shows the invoice that was made. What was previewed and what is billed are the same, or a person looks: also after an
/// interruption, until the period has turned and made another.
#[test]
fn the_invoice_is_what_was_previewed() {
    let price = planned(1).lines[0].price.to_string();
    let of = |id: &str, total: i64| {
        let invoice_id = domain::InvoiceId::parse(id).expect("valid");
        Some(InvoiceSeen { invoice_id, total, ..seen(InvoiceStatus::Draft, 2, total) })
    };
    let before = RenewableSeen { last_invoice: of("in_before", 1210), ..yearly() };
    let before = RenewableSeen {
        last_invoice: before.last_invoice.map(|last| InvoiceSeen { status: InvoiceStatus::Paid, ..last }),
        ..before
    };
    let becomes = |resumed: bool, invoice: Option<InvoiceSeen>, period_end: &str| {
        let ready =
            record(priced(Proration::AlwaysInvoice, before.clone()), Fact::RenewalPreviewed(Box::new(preview())));
        let ready = if resumed { ready.resume() } else { ready };
        let item = ItemSeen { period_end: at(period_end), ..annual(1, &price, 2) };
        let seen = RenewableSeen { items: vec![item], last_invoice: invoice, ..yearly() };
        record(ready, Fact::SubscriptionRenewed(Box::new(seen)))
    };
    let (same, next) = ("2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z");
    for resumed in [false, true] {
        assert_eq!(becomes(resumed, of("in_made", 1210), same).name(), "renewal_extended");
        // Of none that was made, one that was there before is no proof.
        for other in [of("in_made", 1211), of("in_before", 1210), None] {
            let point = becomes(resumed, other, same);
            let stop = point.stop().expect("a person looks");
            assert_eq!((stop.kind, stop.code), (Kind::Review, Code::RenewalDiffers));
        }
    }
    assert_eq!(becomes(true, of("in_later", 3600), next).name(), "renewal_extended");
}
