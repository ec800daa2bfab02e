//! Deals whose lines are elsewhere than on the opportunity.

use super::*;

/// A quote's lines say what they are charged for and whose component they are.
#[test]
fn a_quotes_lines_are_net_and_charged_once() {
    let settings = Settings { line_source: LineSource::CpqQuote, ..settings() };
    let quoted = |position: usize, quantity: &str, list: &str, net: &str| {
        record([
            ("Id", text(&format!("a0X0000000000{position:02}"))),
            ("SBQQ__EffectiveQuantity__c", number(quantity)),
            ("SBQQ__ListPrice__c", number(list)),
            ("SBQQ__NetTotal__c", number(net)),
            ("SBQQ__ProductName__c", text("Gold support")),
            ("SBQQ__Product__r.Stripe_Price_Id__c", text("price_1Gold")),
            ("SBQQ__ChargeType__c", text("One-Time")),
        ])
    };
    let quote = || Deal { lines: vec![quoted(1, "2", "60", "90"), quoted(2, "1", "60", "60")], ..deal() };
    let (planned, _) = plan(&quote(), &settings).expect("billable");
    let lines: Vec<_> = planned.lines.iter().map(|line| (line.amount.minor_units(), line.negotiated)).collect();
    assert_eq!(lines, [(9000, true), (6000, false)]);
    assert_eq!(planned.lines[0].description, "Gold support");

    for (terms, expected) in
        [(FieldValue::Null, Ok(30)), (text("Net 60"), Ok(60)), (text("Soon"), Err(Code::PaymentTermsUnknown))]
    {
        let mut quote = quote();
        quote.lines[0].set("SBQQ__Quote__r.SBQQ__PaymentTerms__c", terms);
        let days = plan(&quote, &settings).map(|(plan, _)| plan.days_until_due).map_err(|stop| stop.code);
        assert_eq!(days, expected);
    }

    let mut bundle = quote();
    let mut component = quoted(3, "5", "0", "0");
    component.set("SBQQ__RequiredBy__c", text("a0X000000000001AAA"));
    component.set("SBQQ__Product__r.Stripe_Price_Id__c", FieldValue::Null);
    bundle.lines.push(component);
    let (with_component, _) = plan(&bundle, &settings).expect("billable");
    assert_eq!(with_component.lines, planned.lines, "what costs nothing is paid for by its bundle");
    bundle.lines[2].set("SBQQ__NetTotal__c", number("1"));
    assert_eq!(plan(&bundle, &settings).map_err(|stop| stop.code).err(), Some(Code::LinesNotBillable));

    let mut head = quoted(4, "1", "0", "0");
    head.set("SBQQ__Product__r.Stripe_Price_Id__c", FieldValue::Null);
    let unchanged = quoted(5, "0", "60", "0");
    let (with_those, _) =
        plan(&Deal { lines: [quote().lines, vec![head, unchanged]].concat(), ..deal() }, &settings).expect("billable");
    assert_eq!(
        with_those.lines, planned.lines,
        "a bundle that its components pay for, and what an amendment leaves as it is"
    );
    // Whether there are more is not known, so it is refused.
    let component = |index: usize| {
        let mut component = quoted(1, "1", "0", "0");
        component.set("Id", text(&format!("a0X{index:012}")));
        component.set("SBQQ__RequiredBy__c", text("a0X000000000001AAA"));
        component
    };
    let many =
        |count: usize| Deal { lines: [quote().lines, (10..count + 8).map(component).collect()].concat(), ..deal() };
    assert_eq!(plan(&many(1999), &settings).map(|(plan, _)| plan.lines.len()), Ok(2));
    assert_eq!(plan(&many(2000), &settings).map_err(|stop| stop.code).err(), Some(Code::TooManyLines));

    // Without the billing package the charge type is blank, and a subscription is known by its pricing.
    for (charge_type, pricing, is_billed) in [
        ("", "", true),
        ("One-Time", "Fixed Price", true),
        ("", "Fixed Price", false),
        ("", "Percent Of Total", false),
        ("Usage", "", false),
    ] {
        let mut quote = quote();
        quote.lines[0].set("SBQQ__ChargeType__c", text(charge_type));
        quote.lines[0].set("SBQQ__SubscriptionPricing__c", text(pricing));
        let found = plan(&quote, &settings).map_err(|stop| stop.code);
        assert_eq!(found.is_ok(), is_billed, "{charge_type:?} {pricing:?}: {found:?}");
    }
    let mut recurring = quote();
    recurring.lines[1].set("SBQQ__ChargeType__c", text("Recurring"));
    let stop = plan(&recurring, &settings).expect_err("refused");
    let expected = "line 2 (Gold support): its charge type is Recurring, and only one-time products are billed";
    assert!(stop.code == Code::LinesNotBillable && stop.message.contains(expected), "{}", stop.message);
}

#[test]
fn a_deal_without_lines_says_where_they_were_looked_for() {
    for (source, words) in [
        (LineSource::OpportunityProducts, "product to the opportunity"),
        (LineSource::CpqQuote, "primary quote"),
        (LineSource::Orders, "Activate an order"),
    ] {
        let empty = Deal { lines: vec![], ..deal() };
        let stop = plan(&empty, &Settings { line_source: source, ..settings() }).expect_err("refused");
        assert!(stop.code == Code::NoLines && stop.message.contains(words), "{}", stop.message);
    }
}
