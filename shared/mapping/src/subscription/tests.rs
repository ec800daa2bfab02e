use domain::{Currency, FieldValue};

use super::*;

fn term(start: &str, every: Interval, periods: Option<u32>) -> Subscription {
    Subscription { start: start.parse().expect("a day"), every, periods, stub: 0 }
}

/// docs.stripe.com/billing/subscriptions/billing-cycle: a month that has no such day has its last one, and the next one has it
/// again.
#[test]
fn periods_are_counted_from_the_first_day() {
    let monthly = term("2027-01-31", Interval::Monthly, Some(3));
    let days = |index| {
        let period = monthly.period(index);
        format!("{}..{}", period.start, period.end)
    };
    assert_eq!(days(0), "2027-01-31T00:00:00Z..2027-02-28T00:00:00Z");
    assert_eq!(days(1), "2027-02-28T00:00:00Z..2027-03-31T00:00:00Z");
    assert_eq!(days(2), "2027-03-31T00:00:00Z..2027-04-30T00:00:00Z");
    assert_eq!(monthly.ends_at(), Some(monthly.period(2).end));
    assert_eq!(monthly.starts_at(), monthly.period(0).start);
    let leap = term("2028-02-29", Interval::Annual, Some(4));
    assert_eq!(leap.period(0).end.to_string(), "2029-02-28T00:00:00Z");
    assert_eq!(leap.ends_at().map(|end| end.to_string()).as_deref(), Some("2032-02-29T00:00:00Z"));
    assert_eq!(term("2027-01-01", Interval::Quarterly, None).ends_at(), None);
    let at = |time: &str| time.parse().expect("a time");
    assert_eq!(monthly.begun(at("2027-01-30T23:59:59Z")), 0);
    assert_eq!(monthly.begun(at("2027-01-31T00:00:00Z")), 1);
    assert_eq!(monthly.begun(at("2027-02-27T23:59:59Z")), 1);
    assert_eq!((monthly.begun(at("2027-02-28T00:00:00Z")), monthly.begun(at("2030-01-01T00:00:00Z"))), (2, 3));
    // What no calendar holds is not wrapped around.
    assert!(term("9999-01-01", Interval::Annual, Some(10)).ends_at() > Some(leap.starts_at()));
}

#[test]
fn a_term_is_divided_exactly_or_not_at_all() {
    let eur = |minor_units| Money::from_minor_units(minor_units, Currency::parse("EUR").expect("valid"));
    let monthly = term("2027-01-01", Interval::Monthly, Some(12));
    assert_eq!(monthly.each(eur(120_000)), Some(eur(10_000)));
    assert_eq!(monthly.each(eur(100_000)), None);
    // Thousandths of a dinar end in zero.
    let kwd = |minor_units| Money::from_minor_units(minor_units, Currency::parse("KWD").expect("valid"));
    assert_eq!((monthly.each(kwd(100_020)), monthly.each(kwd(120_120))), (None, Some(kwd(10_010))));
    assert_eq!(monthly.each(eur(0)), Some(eur(0)));
    assert_eq!(term("2027-01-01", Interval::Annual, None).each(eur(999)), Some(eur(999)));
}

/// Ten months from March on are three quarters of a year that ends with December, and one month of the quarter before.
#[test]
fn a_term_that_begins_inside_a_period_ends_with_one() {
    let broken = Subscription { stub: 1, ..term("2027-03-01", Interval::Quarterly, Some(3)) };
    assert_eq!(broken.ends_at().map(|end| end.to_string()).as_deref(), Some("2028-01-01T00:00:00Z"));
    let eur = |minor_units| Money::from_minor_units(minor_units, Currency::parse("EUR").expect("valid"));
    assert_eq!(broken.each(eur(100_000)), Some(eur(30_000)), "three of ten months");
    assert_eq!(broken.each(eur(100_001)), None);
    // The rest of the year, and not one period more.
    let rest = Subscription { stub: 6, ..term("2027-07-01", Interval::Annual, Some(0)) };
    assert_eq!(rest.ends_at().map(|end| end.to_string()).as_deref(), Some("2028-01-01T00:00:00Z"));
    assert_eq!(rest.each(eur(9_000)), Some(eur(18_000)));
    assert_eq!(broken.each(eur(i64::MAX)), None, "and nothing wraps around");
}

#[test]
fn a_term_is_whole_periods_or_is_refused() {
    for (every, months, expected, of_renewal) in [
        (Interval::Monthly, "12", Some((12, 0)), Some((12, 0))),
        (Interval::Quarterly, "12.00", Some((4, 0)), Some((4, 0))),
        (Interval::Semiannual, "6", Some((1, 0)), Some((1, 0))),
        (Interval::Annual, "36", Some((3, 0)), Some((3, 0))),
        (Interval::Annual, "120", Some((10, 0)), Some((10, 0))),
        (Interval::Annual, "18", None, Some((1, 6))),
        (Interval::Annual, "5", None, Some((0, 5))),
        (Interval::Monthly, "12.5", None, None),
        (Interval::Monthly, "0", None, None),
        (Interval::Monthly, "-12", None, None),
        (Interval::Monthly, "121", None, None),
    ] {
        let names = crate::LineSource::OpportunityProducts.names();
        let mut record = Record::default();
        record.set(names.term.start, FieldValue::Text("2027-01-01".into()));
        record.set(names.term.months, FieldValue::Number(months.parse().expect("a number")));
        let found = |is_renewal| {
            let term = super::term(every, &record, names, "opportunity", is_renewal).ok();
            term.map(|term| (term.periods.expect("an end"), term.stub))
        };
        assert_eq!((found(false), found(true)), (expected, of_renewal), "{every:?} {months}");
        record.set(names.term.months, FieldValue::Null);
        assert_eq!(super::term(every, &record, names, "opportunity", true).map(|term| term.periods), Ok(None));
    }
}

#[test]
fn how_often_is_said_in_four_words() {
    for every in [Interval::Monthly, Interval::Quarterly, Interval::Semiannual, Interval::Annual] {
        assert_eq!(Interval::parse(every.as_str()), Ok(every));
    }
    assert_eq!(
        [Interval::Monthly, Interval::Quarterly, Interval::Semiannual, Interval::Annual].map(Interval::months),
        [1, 3, 6, 12]
    );
    for unknown in ["monthly", "Invoice Plan", ""] {
        assert!(Interval::parse(unknown).is_err());
    }
    assert_eq!(Subscriptions::parse("off"), Ok(Subscriptions::Off));
    assert_eq!(Subscriptions::parse("closed_won"), Ok(Subscriptions::ClosedWon));
    assert_eq!(Subscriptions::parse("contract_activated"), Ok(Subscriptions::ContractActivated));
    assert!(Subscriptions::parse("on").is_err());
}
