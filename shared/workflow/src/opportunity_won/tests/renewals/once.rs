//! Renewals that sell something once besides.

use std::collections::BTreeMap;

use mapping::Proration;

use super::inside::{FROM, ON, annual, by_the_year, extension, found_by, preview, prorated, yearly};
use super::*;
use crate::{Extension, PreviewLineSeen};

/// The second half of a year of the first line, and 9.00 once for the second.
fn sold_once(proration: Proration, months: i64) -> Plan {
    let mut deal = sold(2);
    for line in &mut deal.lines {
        line.set("TotalPrice", FieldValue::Number(9.into()));
    }
    deal.lines[0].set("Product2.Stripe_Billing_Frequency__c", text("Annual"));
    deal.lines[1].set("Product2.Stripe_Billing_Frequency__c", FieldValue::Null);
    let fields = [
        ("Amount", FieldValue::Number(18.into())),
        ("Stripe_Start_Date__c", text("2027-07-01")),
        ("Stripe_Term_Months__c", FieldValue::Number(months.into())),
    ];
    fields.into_iter().for_each(|(field, value)| deal.opportunity.set(field, value));
    deal.read_at = at(ON);
    plan(&deal, &prorated(proration)).expect("billable").0
}

/// The catalogue's price is for a year, and at that price the first line is sold.
fn priced(proration: Proration, months: i64, seen: RenewableSeen) -> Point {
    record(found_by(sold_once(proration, months), seen, ON), by_the_year(if months == 6 { 1800 } else { 600 }))
}

fn sold_with(point: &Point) -> Vec<(i64, bool)> {
    let Extension { once, items, .. } = extension(point);
    assert_eq!(items.iter().filter(|change| !matches!(change, ItemChange::Drop { .. })).count(), 1);
    once.iter().map(|sold| (sold.line.amount.minor_units(), sold.line.recurring)).collect()
}

/// It goes with the same request as the items, whatever is prorated: an item that it is not, and nothing that comes back.
#[test]
fn what_is_sold_once_goes_with_the_change() {
    for (proration, months) in [(Proration::AlwaysInvoice, 6), (Proration::CreateProrations, 18), (Proration::None, 18)]
    {
        let point = priced(proration, months, yearly());
        assert_eq!(sold_with(&point), [(900, false)], "{proration:?}");
    }
    let mut turning = yearly();
    (turning.items[0].period_start, turning.items[0].period_end) = (at("2026-07-01T00:00:00Z"), at(FROM));
    (turning.begun_at, turning.ends_at) = (Some(at("2026-07-01T00:00:00Z")), Some(at(FROM)));
    let mut plan = sold_once(Proration::AlwaysInvoice, 12);
    plan.subscription.as_mut().expect("a term").stub = 0;
    let point = record(found_by(plan, turning, "2027-06-01T00:00:00Z"), by_the_year(900));
    assert_eq!((point.name(), sold_with(&point)), ("renewal_ready", vec![(900, false)]));
}

#[test]
fn what_is_sold_once_is_in_the_preview() {
    let key = sold_once(Proration::AlwaysInvoice, 6).lines[1].key.clone();
    let price = domain::PriceId::parse("price_made_of_data").ok();
    let once = |amount: i64| PreviewLineSeen {
        sold_once: Some(key.clone()),
        price_id: price.clone(),
        amount,
        // When it was asked for.
        starts_at: at(ON),
        ends_at: at(ON),
    };
    let earlier = PreviewLineSeen { sold_once: domain::LineItemId::parse("00k000000000099AAA").ok(), ..once(50_000) };
    for (what, lines, is_whole, expected) in [
        ("it is there", vec![once(900)], true, None),
        ("it is another amount", vec![once(901)], true, Some(Code::RenewalDiffers)),
        ("it is there twice", vec![once(900), once(900)], true, Some(Code::RenewalDiffers)),
        ("in two parts", vec![once(400), once(500)], true, Some(Code::RenewalDiffers)),
        ("it is missing", vec![], true, Some(Code::RenewalDiffers)),
        ("what a renewal before sold once is due with it", vec![once(900), earlier], true, None),
        ("it is beyond what is shown", vec![], false, None),
        ("it is shown, and wrong", vec![once(90)], false, Some(Code::RenewalDiffers)),
    ] {
        let point = priced(Proration::AlwaysInvoice, 6, yearly());
        assert_eq!(point.name(), "renewal_previewing");
        let mut seen = preview();
        // Of 18.00 a year.
        seen.lines[1].amount = 907;
        seen.lines.extend(lines);
        seen.total = seen.lines.iter().map(|line| line.amount).sum();
        seen.is_whole = is_whole;
        let point = record(point, Fact::RenewalPreviewed(Box::new(seen)));
        assert_eq!(code(&point), expected, "{what}: {:?}", point.stop());
        if let Some(stop) = point.stop() {
            assert!(stop.message.contains("9.00"), "{what}: {}", stop.message);
        }
    }
}

/// Where no item changes Stripe makes no invoice at once: then the next one bills it, or the last.
#[test]
fn what_is_sold_once_waits_where_no_item_changes() {
    let price = planned(1).lines[0].price.to_string();
    let same = RenewableSeen { items: vec![annual(1, &price, 1)], ..yearly() };
    for months in [6, 18] {
        let point = priced(Proration::AlwaysInvoice, months, same.clone());
        assert_eq!((point.name(), sold_with(&point)), ("renewal_ready", vec![(900, false)]), "{months}");
    }
    assert_eq!(priced(Proration::AlwaysInvoice, 6, yearly()).name(), "renewal_previewing", "the item changes");
}

fn marked(amount: i64) -> BTreeMap<OpportunityId, i64> {
    [(planned(1).opportunity_id, amount)].into()
}

/// The change says what was sold once with it: nothing else would show that it was.
#[test]
fn what_was_sold_once_is_compared_with_the_deal() {
    let changed = |sold_once: BTreeMap<OpportunityId, i64>, other: Option<OpportunityId>| {
        let point = priced(Proration::None, 18, yearly());
        let Extension { items, ends_at, .. } = extension(&point);
        let kept = items.iter().find_map(|change| match change {
            ItemChange::Keep { item, .. } | ItemChange::Add { item } => Some(item.price_id.to_string()),
            ItemChange::Drop { .. } => None,
        });
        let items = vec![annual(1, &kept.expect("an item"), 1)];
        let renewed_for = other.or(Some(planned(1).opportunity_id));
        let seen = RenewableSeen { items, ends_at, renewed_for, sold_once, ..yearly() };
        (record(point, Fact::SubscriptionRenewed(Box::new(seen.clone()))), seen)
    };
    let (point, _) = changed(marked(900), None);
    assert_eq!(point.name(), "renewal_extended");
    for wrong in [BTreeMap::new(), marked(901)] {
        let (point, _) = changed(wrong, None);
        let stop = point.stop().expect("it is not what the deal says");
        assert_eq!((stop.kind, stop.code), (Kind::Review, Code::RenewalDiffers));
        assert!(stop.message.contains("9.00 EUR for Item"), "{}", stop.message);
    }
    // Another deal has changed it since: it is not begun anew, which would sell it twice.
    let (_, seen) = changed(marked(900), OpportunityId::parse("006000000000009AAA").ok());
    let point = found_by(sold_once(Proration::None, 18), seen, ON);
    let stop = point.stop().expect("a person looks");
    assert!(stop.kind == Kind::Review && stop.message.contains("another deal has changed it since"), "{stop:?}");
}
