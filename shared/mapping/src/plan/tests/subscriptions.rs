//! Deals with recurring lines.

use jiff::Timestamp;

use super::*;
use crate::{Findings, Interval, preflight};

mod mixed;

fn at(time: &str) -> Timestamp {
    time.parse().expect("a time")
}

fn quoted(position: usize, net: &str, charge_type: &str, frequency: Option<&str>) -> Record {
    record([
        ("Id", text(&format!("a0X0000000000{position:02}"))),
        ("SBQQ__EffectiveQuantity__c", number("2")),
        ("SBQQ__ListPrice__c", number("60")),
        ("SBQQ__NetTotal__c", number(net)),
        ("SBQQ__ProductName__c", text("Gold support")),
        ("SBQQ__Product__r.Stripe_Price_Id__c", text("price_1Gold")),
        ("SBQQ__ChargeType__c", text(charge_type)),
        ("SBQQ__BillingFrequency__c", frequency.map_or(FieldValue::Null, text)),
        ("SBQQ__Quote__r.SBQQ__StartDate__c", text("2027-01-01")),
        ("SBQQ__Quote__r.SBQQ__EndDate__c", text("2027-12-31")),
        ("SBQQ__Quote__r.SBQQ__SubscriptionTerm__c", number("12")),
    ])
}

/// A year of support, by the month, and 30.00 once.
fn quote() -> Deal {
    let lines = vec![quoted(1, "120", "Recurring", Some("Monthly")), quoted(2, "30", "One-Time", None)];
    Deal { lines, read_at: at("2027-01-10T09:00:00Z"), ..deal() }
}

fn settings_of(line_source: LineSource, subscriptions: Subscriptions) -> Settings {
    Settings { line_source, subscriptions, ..settings() }
}

/// What all that comes back costs a period, where that is one, and what does not.
fn each_and_once(plan: &Plan) -> (i64, i64) {
    let sum = |recurring: bool| {
        let lines = plan.lines.iter().filter(|line| line.recurring == recurring);
        lines.map(|line| plan.each(line).minor_units()).sum()
    };
    (sum(true), sum(false))
}

#[test]
fn a_quotes_recurring_lines_are_its_subscription() {
    let settings = settings_of(LineSource::CpqQuote, Subscriptions::ClosedWon);
    let (planned, _) = plan(&quote(), &settings).expect("billable");
    let term = planned.subscription.clone().expect("a term");
    assert_eq!(
        (term.start.to_string().as_str(), term.every, term.periods),
        ("2027-01-01", Interval::Monthly, Some(12))
    );
    assert_eq!(planned.lines.iter().map(|line| line.recurring).collect::<Vec<_>>(), [true, false]);
    assert_eq!(each_and_once(&planned), (1000, 3000));
    let later = Plan { subscription: Some(Subscription { periods: Some(24), ..term }), ..planned.clone() };
    assert!(!later.bills_the_same_as(&planned) && planned.bills_the_same_as(&planned));

    // Where nothing is recurring, nothing is a subscription.
    let once = Deal {
        lines: vec![quoted(1, "120", "One-Time", Some("Annual")), quoted(2, "30", "One-Time", None)],
        ..quote()
    };
    let (planned, _) = plan(&once, &settings).expect("billable");
    assert_eq!((planned.subscription.clone(), each_and_once(&planned)), (None, (0, 15_000)));

    let off = settings_of(LineSource::CpqQuote, Subscriptions::Off);
    assert_eq!(plan(&quote(), &off).map_err(|stop| stop.code).err(), Some(Code::LinesNotBillable));
}

/// What becomes of the quote when one thing about it is different.
#[test]
fn a_term_is_billed_as_it_was_sold_or_not_at_all() {
    let settings = settings_of(LineSource::CpqQuote, Subscriptions::ClosedWon);
    let set = |index: usize, field: &'static str, value: FieldValue| -> Deal {
        let mut deal = quote();
        deal.lines[index].set(field, value);
        deal
    };
    let all = |fields: &[(&'static str, FieldValue)]| {
        let mut deal = quote();
        for line in &mut deal.lines {
            fields.iter().for_each(|(field, value)| line.set(*field, value.clone()));
        }
        deal
    };
    let (start, end, months) = (
        "SBQQ__Quote__r.SBQQ__StartDate__c",
        "SBQQ__Quote__r.SBQQ__EndDate__c",
        "SBQQ__Quote__r.SBQQ__SubscriptionTerm__c",
    );
    for (what, deal, expected) in [
        ("as it is", quote(), None),
        ("no end is said", all(&[(end, FieldValue::Null)]), Some(Code::TermNotBillable)),
        ("the line's own months are the quote's", set(0, "SBQQ__SubscriptionTerm__c", number("12.0")), None),
        ("they are others", set(0, "SBQQ__SubscriptionTerm__c", number("6")), Some(Code::TermNotBillable)),
        ("renewable", set(0, "SBQQ__SubscriptionType__c", text("Renewable")), None),
        ("evergreen", set(0, "SBQQ__SubscriptionType__c", text("Evergreen")), Some(Code::TermNotBillable)),
        ("the line's own days are the quote's", set(0, "SBQQ__StartDate__c", text("2027-01-01")), None),
        ("its last day too", set(0, "SBQQ__EndDate__c", text("2027-12-31")), None),
        ("the days of what is charged once do not count", set(1, "SBQQ__StartDate__c", text("2027-03-01")), None),
        (
            "a blank charge type with a subscription's pricing",
            {
                let mut deal = set(0, "SBQQ__ChargeType__c", FieldValue::Null);
                deal.lines[0].set("SBQQ__SubscriptionPricing__c", text("Fixed Price"));
                deal
            },
            None,
        ),
        ("no first day", all(&[(start, FieldValue::Null)]), Some(Code::TermNotBillable)),
        ("no day at all", all(&[(start, text("soon"))]), Some(Code::TermNotBillable)),
        ("no term", all(&[(months, FieldValue::Null)]), Some(Code::TermNotBillable)),
        ("half a month", all(&[(months, number("12.5"))]), Some(Code::TermNotBillable)),
        ("it ends in the middle of a month", all(&[(end, text("2027-12-15"))]), Some(Code::TermNotBillable)),
        ("the line begins later", set(0, "SBQQ__StartDate__c", text("2027-02-01")), Some(Code::TermNotBillable)),
        ("the line ends sooner", set(0, "SBQQ__EndDate__c", text("2027-06-30")), Some(Code::TermNotBillable)),
        ("it was over", Deal { read_at: at("2028-01-01T00:00:00Z"), ..quote() }, Some(Code::TermNotBillable)),
        ("it is all but over", Deal { read_at: at("2027-12-31T23:59:59Z"), ..quote() }, None),
        ("no frequency", set(0, "SBQQ__BillingFrequency__c", FieldValue::Null), Some(Code::LinesNotBillable)),
        ("an unknown one", set(0, "SBQQ__BillingFrequency__c", text("Invoice Plan")), Some(Code::LinesNotBillable)),
        (
            "two of them",
            {
                let mut deal = set(1, "SBQQ__ChargeType__c", text("Recurring"));
                deal.lines[1].set("SBQQ__BillingFrequency__c", text("Annual"));
                deal
            },
            None,
        ),
        (
            "two, of which one does not fit the term",
            {
                let mut deal = all(&[(months, number("18")), (end, text("2028-06-30"))]);
                deal.lines[0].set("SBQQ__NetTotal__c", number("144"));
                deal.lines[1].set("SBQQ__NetTotal__c", number("6"));
                deal.lines[1].set("SBQQ__ChargeType__c", text("Recurring"));
                deal.lines[1].set("SBQQ__BillingFrequency__c", text("Annual"));
                deal
            },
            Some(Code::TermNotBillable),
        ),
        ("usage", set(0, "SBQQ__ChargeType__c", text("Usage")), Some(Code::LinesNotBillable)),
        ("arrears", set(0, "SBQQ__BillingType__c", text("Arrears")), Some(Code::LinesNotBillable)),
        ("in advance", set(0, "SBQQ__BillingType__c", text("Advance")), None),
        (
            "it does not divide",
            {
                let mut deal = set(0, "SBQQ__NetTotal__c", number("100"));
                deal.lines[1].set("SBQQ__NetTotal__c", number("50"));
                deal
            },
            Some(Code::AmountNotDivisible),
        ),
        (
            "less than nothing",
            {
                let mut deal = set(0, "SBQQ__NetTotal__c", number("-120"));
                deal.lines[1].set("SBQQ__NetTotal__c", number("270"));
                deal
            },
            Some(Code::LinesNotBillable),
        ),
        (
            "a discount that is given once",
            {
                let mut deal = set(0, "SBQQ__NetTotal__c", number("180"));
                deal.lines[1].set("SBQQ__NetTotal__c", number("-30"));
                deal
            },
            None,
        ),
    ] {
        assert_eq!(begun(&deal, &settings), expected, "{what}");
    }
}

/// Why it is not begun.
fn begun(deal: &Deal, settings: &Settings) -> Option<Code> {
    preflight(deal, settings).and_then(Findings::finish).map_err(|stop| stop.code).err()
}

/// Days go by after it was begun. What it was billed for can be read and compared all the same.
#[test]
fn a_term_that_is_over_is_still_the_same_deal() {
    let settings = settings_of(LineSource::CpqQuote, Subscriptions::ClosedWon);
    let (billed, _) = plan(&quote(), &settings).expect("billable");
    let later = Deal { read_at: at("2029-01-01T00:00:00Z"), ..quote() };
    assert_eq!(begun(&later, &settings), Some(Code::TermNotBillable));
    assert!(plan(&later, &settings).expect("it was").0.bills_the_same_as(&billed));
    let mut moved = later;
    for line in &mut moved.lines {
        line.set("SBQQ__Quote__r.SBQQ__StartDate__c", text("2027-02-01"));
        line.set("SBQQ__Quote__r.SBQQ__EndDate__c", text("2028-01-31"));
    }
    assert!(!plan(&moved, &settings).expect("it was").0.bills_the_same_as(&billed), "its amount is the same");
}

/// Whether something comes back is part of what is billed, also where nothing else of it has changed.
#[test]
fn what_comes_back_is_not_what_is_billed_once() {
    let sold = |second: Option<&str>| {
        let mut deal = deal();
        deal.read_at = at("2027-01-10T09:00:00Z");
        deal.opportunity.set("Stripe_Start_Date__c", text("2027-01-10"));
        for (line, frequency) in deal.lines.iter_mut().zip([Some("Annual"), second]) {
            line.set("Product2.Stripe_Billing_Frequency__c", frequency.map_or(FieldValue::Null, text));
        }
        plan(&deal, &settings_of(LineSource::OpportunityProducts, Subscriptions::ClosedWon)).expect("billable").0
    };
    let (once, yearly, monthly) = (sold(None), sold(Some("Annual")), sold(Some("Monthly")));
    for (one, other) in [(&once, &yearly), (&yearly, &once), (&yearly, &monthly), (&monthly, &once)] {
        assert!(one.bills_the_same_as(one) && !one.bills_the_same_as(other));
    }
}

#[test]
fn a_subscription_takes_twenty_lines_of_each_kind() {
    let settings = settings_of(LineSource::CpqQuote, Subscriptions::ClosedWon);
    let deal = |recurring: usize, once: usize| {
        let lines = (1..=recurring).map(|position| quoted(position, "12", "Recurring", Some("Monthly")));
        let once = (1..=once).map(|position| quoted(50 + position, "0.5", "One-Time", None));
        let mut deal = quote();
        deal.lines = lines.chain(once).collect();
        let total = 12 * recurring as i64 * 10 + deal.lines.len().saturating_sub(recurring) as i64 * 5;
        deal.opportunity.set("Amount", FieldValue::Number(Decimal::new(total, 1)));
        plan(&deal, &settings).map(|_| ()).map_err(|stop| stop.code)
    };
    assert_eq!((deal(20, 20), deal(1, 0)), (Ok(()), Ok(())));
    assert_eq!((deal(21, 0), deal(1, 21)), (Err(Code::TooManyLines), Err(Code::TooManyLines)));
    assert_eq!(deal(0, 48), Ok(()), "an invoice takes more");
}

/// Without a quote, the product says how often and the opportunity says for how long. Without a term it goes on.
#[test]
fn an_opportunitys_products_can_be_recurring() {
    let sold = |months: Option<&str>, line_source: LineSource| {
        let mut deal = deal();
        deal.read_at = at("2027-01-10T09:00:00Z");
        deal.lines[0].set("Product2.Stripe_Billing_Frequency__c", text("Annual"));
        deal.opportunity.set("Stripe_Start_Date__c", text("2027-01-10"));
        deal.opportunity.set("Stripe_Term_Months__c", months.map_or(FieldValue::Null, number));
        plan(&deal, &settings_of(line_source, Subscriptions::ClosedWon))
    };
    for source in [LineSource::OpportunityProducts, LineSource::Orders] {
        let (planned, _) = sold(Some("24"), source).expect("billable");
        let term = planned.subscription.as_ref().expect("a term");
        assert_eq!((term.periods, each_and_once(&planned)), (Some(2), (5000, 5000)));
        let (planned, _) = sold(None, source).expect("billable");
        let term = planned.subscription.as_ref().expect("a term");
        assert_eq!((term.periods, term.ends_at(), each_and_once(&planned)), (None, None, (10_000, 5000)));
        let mut old = deal();
        old.read_at = at("2028-03-01T00:00:00Z");
        old.lines[0].set("Product2.Stripe_Billing_Frequency__c", text("Monthly"));
        for (start, expected) in [("2027-02-01", Some(Code::TermNotBillable)), ("2027-03-01", None)] {
            old.opportunity.set("Stripe_Start_Date__c", text(start));
            assert_eq!(begun(&old, &settings_of(source, Subscriptions::ClosedWon)), expected, "{start}");
        }
        assert_eq!(sold(Some("18"), source).map_err(|stop| stop.code).err(), Some(Code::TermNotBillable));
    }
}

/// What a subscription bills over its whole term is the deal's amount, to the cent; or the deal is refused.
#[test]
fn the_periods_add_up_to_the_deal() {
    let periods_and_amounts = (1u32..=60, 0i64..100_000, 0i64..2, 0i64..1_000_000);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let settings = settings_of(LineSource::CpqQuote, Subscriptions::ClosedWon);
    let outcome = runner.run(&periods_and_amounts, |(months, each, off, once)| {
        let recurring = each * i64::from(months) + off;
        let mut deal = quote();
        let decimal = |cents: i64| FieldValue::Number(Decimal::new(cents, 2));
        for line in &mut deal.lines {
            line.set("SBQQ__Quote__r.SBQQ__SubscriptionTerm__c", FieldValue::Number(months.into()));
            let end = Subscription {
                start: "2027-01-01".parse().expect("a day"),
                every: Interval::Monthly,
                periods: Some(months),
                stub: 0,
            };
            let end = jiff::tz::TimeZone::UTC.to_datetime(end.ends_at().expect("an end")).date();
            line.set("SBQQ__Quote__r.SBQQ__EndDate__c", text(&end.yesterday().expect("a day").to_string()));
        }
        deal.lines[0].set("SBQQ__NetTotal__c", decimal(recurring));
        deal.lines[1].set("SBQQ__NetTotal__c", decimal(once));
        deal.opportunity.set("Amount", decimal(recurring + once));
        match plan(&deal, &settings) {
            Ok((plan, _)) => {
                let (each, extra) = each_and_once(&plan);
                prop_assert_eq!(each * i64::from(months) + extra, recurring + once);
            }
            Err(stop) if recurring + once == 0 => prop_assert_eq!(stop.code, Code::AmountNotPositive),
            Err(stop) => {
                prop_assert_eq!(stop.code, Code::AmountNotDivisible);
                prop_assert!(recurring % i64::from(months) != 0);
            }
        }
        Ok(())
    });
    assert_eq!(outcome, Ok(()));
}

/// A figure for reports, and nothing that anything is billed by.
#[test]
fn what_comes_back_is_told_by_the_month() {
    let settings = settings_of(LineSource::CpqQuote, Subscriptions::ClosedWon);
    let monthly = |net: &str, frequency: &str| {
        let lines = vec![quoted(1, net, "Recurring", Some(frequency)), quoted(2, "30", "One-Time", None)];
        let mut deal = Deal { lines, ..quote() };
        let total = net.parse::<Decimal>().expect("valid") + Decimal::from(30);
        deal.opportunity.set("Amount", FieldValue::Number(total));
        let (planned, _) = plan(&deal, &settings).expect("billable");
        planned.monthly().map(|money| money.minor_units())
    };
    // What a year comes to, in one payment, in two, four or twelve.
    for (net, frequency, expected) in [
        ("120", "Monthly", 1000),
        ("100", "Annual", 833),
        ("100.08", "Quarterly", 834),
        ("20.02", "Semiannual", 167),
        ("0.18", "Annual", 2),
        ("0.06", "Annual", 1),
    ] {
        assert_eq!(monthly(net, frequency), Some(expected), "{net} {frequency}");
    }
    let once = Deal { lines: vec![quoted(2, "150", "One-Time", None)], ..quote() };
    assert_eq!(plan(&once, &settings).expect("billable").0.monthly(), None);
}

/// What says how often it is billed means it only where subscriptions are sold, and in CPQ only with a kind of charge. What is free may
/// come back.
#[test]
fn a_line_that_is_billed_once_is_no_subscription() {
    let planned = |deal: &Deal, source: LineSource, subscriptions: Subscriptions| {
        let (planned, _) = plan(deal, &settings_of(source, subscriptions)).expect("billable");
        (planned.subscription.is_some(), planned.lines.iter().filter(|line| line.recurring).count())
    };
    let mut sold = deal();
    sold.read_at = at("2027-01-10T09:00:00Z");
    sold.opportunity.set("Stripe_Start_Date__c", text("2027-01-10"));
    sold.lines[0].set("Product2.Stripe_Billing_Frequency__c", text("Annual"));
    assert_eq!(planned(&sold, LineSource::OpportunityProducts, Subscriptions::Off), (false, 0));
    assert_eq!(planned(&sold, LineSource::OpportunityProducts, Subscriptions::ClosedWon), (true, 1));
    sold.lines[1].set("Product2.Stripe_Billing_Frequency__c", text("Annual"));
    sold.lines[1].set("TotalPrice", number("0"));
    sold.opportunity.set("Amount", number("100"));
    assert_eq!(planned(&sold, LineSource::OpportunityProducts, Subscriptions::ClosedWon), (true, 2));
    let mut quote = quote();
    for field in ["SBQQ__ChargeType__c", "SBQQ__SubscriptionPricing__c"] {
        quote.lines[1].set(field, FieldValue::Null);
    }
    quote.lines[1].set("SBQQ__BillingFrequency__c", text("Monthly"));
    let (_, recurring) = planned(&quote, LineSource::CpqQuote, Subscriptions::ClosedWon);
    assert_eq!(recurring, 1, "only the one that says so");
}

/// It may sell something once besides, but not only that.
#[test]
fn something_of_a_renewal_is_recurring() {
    let settings = Settings {
        renewals: Renewals::Extend,
        ..settings_of(LineSource::OpportunityProducts, Subscriptions::ClosedWon)
    };
    let sold = |recurring: usize| {
        let mut deal = deal();
        deal.read_at = at("2027-02-10T09:00:00Z");
        let fields = [("Type", text("Renewal")), ("Stripe_Start_Date__c", text("2027-03-01"))];
        fields.into_iter().for_each(|(field, value)| deal.opportunity.set(field, value));
        for line in &mut deal.lines[..recurring] {
            line.set("Product2.Stripe_Billing_Frequency__c", text("Annual"));
        }
        let recurring = |plan: &Plan| plan.lines.iter().map(|line| line.recurring).collect::<Vec<_>>();
        plan(&deal, &settings).map(|(plan, _)| (plan.renews.is_some(), recurring(&plan))).map_err(|stop| stop.code)
    };
    assert_eq!(sold(2), Ok((true, vec![true, true])));
    assert_eq!(sold(1), Ok((true, vec![true, false])));
    assert_eq!(sold(0), Err(Code::RenewalDiffers));
}
