//! Deals whose recurring lines are billed by several frequencies.

use super::*;

/// Seats by the month, support by the quarter and hosting by the year, from the first of January on; for two years, or without an end.
fn mixed(source: LineSource, is_for_two_years: bool) -> Deal {
    let sold = |position: usize, net: &str, frequency: &str| match source {
        LineSource::CpqQuote => {
            let mut line = quoted(position, net, "Recurring", Some(frequency));
            line.set("SBQQ__Quote__r.SBQQ__EndDate__c", text("2028-12-31"));
            line.set("SBQQ__Quote__r.SBQQ__SubscriptionTerm__c", number("24"));
            line
        }
        _ => {
            let mut line = deal().lines[0].clone();
            line.set("Id", text(&format!("00k0000000000{position:02}")));
            line.set("TotalPrice", number(net));
            line.set("Product2.Stripe_Billing_Frequency__c", text(frequency));
            line
        }
    };
    let nets = if is_for_two_years { ["240", "80.08", "1000"] } else { ["10", "10.01", "500"] };
    let lines = vec![sold(1, nets[0], "Monthly"), sold(2, nets[1], "Quarterly"), sold(3, nets[2], "Annual")];
    let mut sold = Deal { lines, ..quote() };
    let total: Decimal = nets.iter().map(|net| net.parse::<Decimal>().expect("valid")).sum();
    sold.opportunity.set("Amount", FieldValue::Number(total));
    sold.opportunity.set("Stripe_Start_Date__c", text("2027-01-01"));
    sold.opportunity.set("Stripe_Term_Months__c", if is_for_two_years { number("24") } else { FieldValue::Null });
    sold
}

/// One subscription, whose term is counted by the longest interval, and each line by its own.
#[test]
fn each_line_has_its_own_frequency() {
    for (source, has_end) in [
        (LineSource::CpqQuote, true),
        (LineSource::OpportunityProducts, true),
        (LineSource::OpportunityProducts, false),
    ] {
        let settings = settings_of(source, Subscriptions::ClosedWon);
        let (planned, _) = plan(&mixed(source, has_end), &settings).expect("billable");
        let term = planned.subscription.clone().expect("a term");
        assert_eq!((term.every, term.periods), (Interval::Annual, has_end.then_some(2)));
        let of_line = planned.lines.iter().map(|line| {
            let of_line = term.of(line).expect("it comes back");
            (line.every, of_line.every, of_line.periods, planned.each(line).minor_units(), of_line.ends_at())
        });
        let count = |periods: u32| has_end.then_some(periods);
        assert_eq!(
            of_line.collect::<Vec<_>>(),
            [
                (Some(Interval::Monthly), Interval::Monthly, count(24), 1000, term.ends_at()),
                (Some(Interval::Quarterly), Interval::Quarterly, count(8), 1001, term.ends_at()),
                (None, Interval::Annual, count(2), 50_000, term.ends_at()),
            ]
        );
        // 10.00, a third of 10.01, and a twelfth of 500.00.
        assert_eq!(planned.monthly().map(Money::minor_units), Some(1000 + 334 + 4166), "rounded once");
        for (time, months, quarters, years) in [
            ("2027-01-01T00:00:00Z", 1, 1, 1),
            ("2027-02-28T23:59:59Z", 2, 1, 1),
            ("2027-04-01T00:00:00Z", 4, 2, 1),
            ("2027-12-31T00:00:00Z", 12, 4, 1),
            ("2028-01-01T00:00:00Z", 13, 5, 2),
        ] {
            assert_eq!(planned.first_total(at(time)), months * 1000 + quarters * 1001 + years * 50_000, "{time}");
        }
        let begin: Vec<_> = planned.periods_begin().take(3).collect();
        assert_eq!(begin, [at("2027-01-01T00:00:00Z"), at("2027-02-01T00:00:00Z"), at("2027-03-01T00:00:00Z")]);
        assert_eq!(planned.periods_begin().count(), if has_end { 24 } else { MOST_PERIODS as usize });
    }
}

/// Another frequency is another deal, also where it comes to the same amounts.
#[test]
fn a_frequency_is_part_of_what_is_billed() {
    let settings = settings_of(LineSource::CpqQuote, Subscriptions::ClosedWon);
    let (planned, _) = plan(&mixed(LineSource::CpqQuote, true), &settings).expect("billable");
    let mut other = mixed(LineSource::CpqQuote, true);
    other.lines[1].set("SBQQ__BillingFrequency__c", text("Semiannual"));
    let (other, _) = plan(&other, &settings).expect("billable");
    assert!(!planned.bills_the_same_as(&other) && !planned.plans_the_same_as(&other));
}

/// Who is to mend it is told by how many parts each product's total has to divide.
#[test]
fn what_does_not_divide_is_told_by_its_own_frequency() {
    let settings = settings_of(LineSource::CpqQuote, Subscriptions::ClosedWon);
    let mut deal = mixed(LineSource::CpqQuote, true);
    deal.lines[0].set("SBQQ__NetTotal__c", number("240.01"));
    deal.lines[2].set("SBQQ__NetTotal__c", number("999.99"));
    deal.opportunity.set("Amount", number("1320.08"));
    let stop = plan(&deal, &settings).expect_err("it does not divide");
    assert_eq!(stop.code, Code::AmountNotDivisible);
    for part in [
        "240.01 EUR over the term, to be divided into 24 equal parts",
        "999.99 EUR over the term, to be divided into 2 equal",
    ] {
        assert!(stop.message.contains(part), "{}", stop.message);
    }
}

/// A renewal changes one subscription at the end of a period, which of several frequencies is not one.
#[test]
fn a_renewal_has_one_frequency() {
    let settings =
        Settings { renewals: Renewals::Extend, ..settings_of(LineSource::CpqQuote, Subscriptions::ClosedWon) };
    let mut deal = mixed(LineSource::CpqQuote, true);
    deal.opportunity.set("Type", text("Renewal"));
    let stop = plan(&deal, &settings).expect_err("it has three");
    assert_eq!(stop.code, Code::FrequenciesMixed);
    assert!(stop.message.contains("Monthly and Quarterly and Annual"), "{}", stop.message);
}

/// Whatever frequencies its lines have: over its term each bills its amount, to the cent; or the deal is refused.
#[test]
fn each_line_adds_up_by_itself() {
    const FREQUENCIES: [(&str, u32); 4] = [("Monthly", 1), ("Quarterly", 3), ("Semiannual", 6), ("Annual", 12)];
    let line = || (0usize..4, 0i64..100_000, 0i64..8);
    let terms_and_lines = (1u32..=5, [line(), line(), line()], 0i64..1_000_000);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let settings = settings_of(LineSource::OpportunityProducts, Subscriptions::ClosedWon);
    let decimal = |cents: i64| FieldValue::Number(Decimal::new(cents, 2));
    let outcome = runner.run(&terms_and_lines, |(years, sold, once)| {
        let mut deal = Deal { read_at: at("2027-01-10T09:00:00Z"), ..deal() };
        let first = deal.lines[0].clone();
        let (mut total, mut divides) = (once, true);
        deal.lines = vec![first.clone()];
        deal.lines[0].set("TotalPrice", decimal(once));
        for (index, (frequency, each, off)) in sold.into_iter().enumerate() {
            let (name, months) = FREQUENCIES[frequency];
            let parts = i64::from(years * 12 / months);
            // Most divide.
            let amount = each * parts + (off - 6).max(0);
            divides &= amount % parts == 0;
            total += amount;
            let mut line = first.clone();
            line.set("Id", text(&format!("00k0000000000{:02}", 50 + index)));
            line.set("TotalPrice", decimal(amount));
            line.set("Product2.Stripe_Billing_Frequency__c", text(name));
            deal.lines.push(line);
        }
        deal.opportunity.set("Amount", decimal(total));
        deal.opportunity.set("Stripe_Start_Date__c", text("2027-01-01"));
        deal.opportunity.set("Stripe_Term_Months__c", FieldValue::Number((12 * years).into()));
        match plan(&deal, &settings) {
            Ok((plan, _)) => {
                let term = plan.subscription.clone().expect("a term");
                let over_the_term = plan.lines.iter().map(|line| {
                    let periods = term.of(line).map_or(1, |term| term.periods.expect("an end"));
                    plan.each(line).minor_units() * i64::from(periods)
                });
                prop_assert_eq!(over_the_term.sum::<i64>(), total);
                prop_assert_eq!(plan.first_total(term.ends_at().expect("an end")), total, "all of them have begun");
            }
            Err(stop) if total == 0 => prop_assert_eq!(stop.code, Code::AmountNotPositive),
            Err(stop) => {
                prop_assert_eq!(stop.code, Code::AmountNotDivisible);
                prop_assert!(!divides);
            }
        }
        Ok(())
    });
    assert_eq!(outcome, Ok(()));
}
