//! Whether a subscription can go on with a deal, and when.

use super::*;

/// By what the subscription is, the deal goes on, waits until when, or is refused.
#[test]
fn a_subscription_fits_or_the_reason_is_told() {
    let day = |day: &str| at(&format!("{day}T00:00:00Z"));
    let items = |change: fn(&mut ItemSeen)| {
        let mut seen = there();
        change(&mut seen.items[0]);
        seen
    };
    let second = RenewableSeen { subscription_id: SubscriptionId::parse("sub_2").expect("valid"), ..there() };
    let ended = |ends_at: &str| RenewableSeen { is_over: true, ends_at: Some(at(ends_at)), ..second.clone() };
    let other_deal = OpportunityId::parse("006000000000009AAA").ok();
    for (what, seen, expected) in [
        ("it fits", vec![there()], Ok("renewal_found")),
        ("it has no end", vec![RenewableSeen { ends_at: None, ..there() }], Ok("renewal_found")),
        (
            "another deal renewed it before",
            vec![RenewableSeen { renewed_for: other_deal.clone(), ..there() }],
            Ok("renewal_found"),
        ),
        (
            "another deal renewed it for the same day",
            vec![RenewableSeen { renewed_for: other_deal.clone(), renewed_from: "2027-03-01".parse().ok(), ..there() }],
            Err(Code::RenewalDiffers),
        ),
        (
            "its deal says that it is to end",
            vec![RenewableSeen { canceled_on: "2027-03-01".parse().ok(), ..there() }],
            Err(Code::RenewalDiffers),
        ),
        ("it is paused", vec![RenewableSeen { oddity: Some("is paused"), ..there() }], Err(Code::RenewalDiffers)),
        (
            "its months begin on the 31st",
            vec![RenewableSeen { begun_at: Some(at("2026-08-31T00:00:00Z")), ..there() }],
            Err(Code::RenewalDiffers),
        ),
        ("nobody knows when it began", vec![RenewableSeen { begun_at: None, ..there() }], Err(Code::RenewalDiffers)),
        ("another that ended long ago", vec![there(), ended("2026-03-01T00:00:00Z")], Ok("renewal_found")),
        ("another that ends then", vec![there(), ended("2027-03-01T00:00:00Z")], Err(Code::RenewalNotFound)),
        ("there is none", vec![], Err(Code::RenewalNotFound)),
        ("there are two", vec![there(), second.clone()], Err(Code::RenewalNotFound)),
        ("it is somebody else's", vec![RenewableSeen { is_ours: false, ..there() }], Err(Code::RenewalNotFound)),
        ("it is over", vec![RenewableSeen { is_over: true, ..there() }], Err(Code::RenewalOver)),
        (
            "its customer",
            vec![RenewableSeen { customer_id: CustomerId::parse("cus_2").ok(), ..there() }],
            Ok("renewal_elsewhere"),
        ),
        (
            "its customer, and it is over",
            vec![RenewableSeen { customer_id: CustomerId::parse("cus_2").ok(), is_over: true, ..there() }],
            Err(Code::RenewalOver),
        ),
        ("nobody's", vec![RenewableSeen { customer_id: None, ..there() }], Err(Code::RenewalDiffers)),
        (
            "its currency",
            vec![RenewableSeen { currency: Currency::parse("USD").expect("valid"), ..there() }],
            Err(Code::RenewalDiffers),
        ),
        ("its rhythm", vec![items(|item| item.months = Some(3))], Err(Code::RenewalDiffers)),
        ("by the week", vec![items(|item| item.months = None)], Err(Code::RenewalDiffers)),
        ("it ends later", vec![RenewableSeen { ends_at: Some(day("2027-04-01")), ..there() }], Ok("renewal_found")),
        (
            "it ends later than the renewal does",
            vec![RenewableSeen { ends_at: Some(day("2028-04-01")), ..there() }],
            Err(Code::RenewalDiffers),
        ),
        (
            "it ends before",
            vec![RenewableSeen { ends_at: Some(day("2027-02-28")), ..there() }],
            Err(Code::RenewalDiffers),
        ),
        (
            "another deal renews it for a later day",
            vec![RenewableSeen { renewed_for: other_deal.clone(), renewed_from: "2027-04-01".parse().ok(), ..there() }],
            Err(Code::RenewalDiffers),
        ),
        ("a month more to go", vec![items(|item| item.period_end = at("2027-02-15T00:00:00Z"))], Ok("scheduled")),
        ("its deal is on its way", vec![RenewableSeen { is_settled: false, ..there() }], Ok("renewal_unsettled")),
    ] {
        let point = found(seen);
        match expected {
            Ok(name) => assert_eq!(point.name(), name, "{what}: {point:?}"),
            Err(expected) => assert_eq!(code(&point), Some(expected), "{what}"),
        }
    }
}

/// An hour after the period turns, or from now if it should have; and what comes within the last hour is too late.
#[test]
fn a_renewal_waits_for_the_last_period_and_not_for_its_end() {
    let turning = |period_end: &str, now: &str| {
        let mut seen = there();
        seen.items[0].period_end = at(period_end);
        record(known(2), Fact::RenewableSeen { found: vec![seen], at: at(now) })
    };
    for (period_end, now, until) in [
        ("2027-02-01T00:00:00Z", "2027-01-10T12:00:00Z", "2027-02-01T01:00:00Z"),
        ("2027-02-01T00:00:00Z", "2027-02-01T00:30:00Z", "2027-02-01T01:30:00Z"),
    ] {
        let Point::Scheduled { starts_at, .. } = turning(period_end, now) else { panic!("it waits for nothing") };
        assert_eq!(starts_at, at(until));
    }
    // Where periods do not turn any more, it does not wait for ever.
    assert_eq!(code(&turning("2027-02-01T00:00:00Z", "2027-03-01T00:00:00Z")), Some(Code::RenewalDiffers));
    let last = |now: &str| turning("2027-03-01T00:00:00Z", now);
    assert_eq!(last("2027-02-28T22:59:59Z").name(), "renewal_found");
    let late = last("2027-02-28T23:00:00Z");
    // One that goes on is changed inside the period that begins then; unless none does.
    let goes_on = |now: &str| {
        let seen = RenewableSeen { ends_at: None, ..there() };
        record(known(2), Fact::RenewableSeen { found: vec![seen], at: at(now) })
    };
    for (now, until) in
        [("2027-02-28T23:00:00Z", "2027-03-01T01:00:00Z"), ("2027-03-01T03:00:00Z", "2027-03-01T04:00:00Z")]
    {
        let Point::Scheduled { starts_at, .. } = goes_on(now) else { panic!("it waits for nothing") };
        assert_eq!(starts_at, at(until));
    }
    assert_eq!(code(&goes_on("2027-03-02T00:00:00Z")), Some(Code::RenewalDiffers));
    // So is one that ends later on.
    let seen = RenewableSeen { ends_at: Some(at("2028-03-01T00:00:00Z")), ..there() };
    let longer = record(known(2), Fact::RenewableSeen { found: vec![seen], at: at("2027-02-28T23:30:00Z") });
    assert_eq!(longer.name(), "scheduled", "{longer:?}");
    let stop = late.stop().expect("it is too late");
    assert!(stop.code == Code::RenewalDiffers && stop.message.starts_with("It is too late to renew"), "{stop:?}");
}

/// A subscription may have begun long ago: its periods are counted all the same, twice as many as one deal may have.
#[test]
fn a_subscription_that_began_long_ago_fits() {
    for (begun_at, fits) in [("2000-03-01T00:00:00Z", true), ("1980-03-01T00:00:00Z", false)] {
        let point = found(vec![RenewableSeen { begun_at: Some(at(begun_at)), ..there() }]);
        assert_eq!(point.name() == "renewal_found", fits, "{begun_at}: {point:?}");
    }
}
