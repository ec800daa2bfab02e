use domain::{CountryCode, FieldValue};
use proptest::prelude::*;

use super::*;
use crate::{Amendments, Kind, LineSource, Quantity, ShippingAddress, Subscriptions};

mod customers;
mod findings;
mod quotes;
mod same;
mod subscriptions;

fn text(value: &str) -> FieldValue {
    FieldValue::Text(value.into())
}

fn number(value: &str) -> FieldValue {
    FieldValue::Number(value.parse().expect("valid decimal"))
}

fn record<const N: usize>(fields: [(&str, FieldValue); N]) -> Record {
    let mut record = Record::default();
    for (path, value) in fields {
        record.set(path, value);
    }
    record
}

fn line(position: usize, quantity: &str, list_price: &str, total: &str) -> Record {
    record([
        ("Id", text(&format!("00k0000000000{position:02}"))),
        ("Quantity", number(quantity)),
        ("ListPrice", number(list_price)),
        ("TotalPrice", number(total)),
        ("Product2.Name", text("Support")),
        ("Product2.Stripe_Price_Id__c", text("price_1Support")),
    ])
}

/// Two lines of 100.00 and 50.00 for an account in Berlin.
fn deal() -> Deal {
    Deal {
        opportunity: record([
            ("Id", text("006000000000001AAA")),
            ("StageName", text("Closed Won")),
            ("Type", text("New Customer")),
            ("Amount", number("150.00")),
            ("AccountId", text("001000000000001AAA")),
            ("Account.Name", text("Acme GmbH")),
            ("Account.Billing_Email__c", text("ap@acme.example")),
            ("Account.BillingStreet", text("Unter den Linden 1\r\n3. Etage\nHinterhaus")),
            ("Account.BillingCountry", text("Germany")),
        ]),
        lines: vec![line(1, "2", "50", "100"), line(2, "1.0", "50.00", "50")],
        primary_contact: None,
        ..Deal::default()
    }
}

fn settings() -> Settings {
    Settings::new(Currency::parse("EUR").expect("valid"))
}

/// What becomes of the deal when one thing about it is different.
fn check(change: impl FnOnce(&mut Deal), expect: Result<i64, Code>) -> Result<(), String> {
    let mut deal = deal();
    change(&mut deal);
    let found = plan(&deal, &settings()).map(|(plan, _)| plan.total.minor_units()).map_err(|stop| stop.code);
    if found == expect { Ok(()) } else { Err(format!("expected {expect:?}, found {found:?}")) }
}

fn set(path: &'static str, value: FieldValue) -> impl FnOnce(&mut Deal) {
    move |deal| deal.opportunity.set(path, value)
}

#[test]
fn the_filter_is_stage_amount_and_type() -> Result<(), String> {
    check(|_| {}, Ok(15_000))?;
    check(set("StageName", text("Negotiation")), Err(Code::NotClosedWon))?;
    check(set("StageName", FieldValue::Null), Err(Code::NotClosedWon))?;
    check(set("StageName", text("Paid")), Err(Code::NotClosedWon))?;
    check(set("Type", text("Renewal")), Err(Code::Renewal))?;
    check(set("Type", FieldValue::Null), Ok(15_000))?;
    check(set("Amount", FieldValue::Null), Err(Code::AmountMissing))?;
    check(set("Amount", number("0.00")), Err(Code::AmountNotPositive))?;
    check(set("Amount", number("-1")), Err(Code::AmountNotPositive))
}

#[test]
fn amounts_are_exact_or_refused() -> Result<(), String> {
    check(set("Amount", number("150.001")), Err(Code::AmountNotRepresentable))?;
    check(set("Amount", number("1000000000000000000000000000")), Err(Code::AmountTooLarge))?;
    check(set("Amount", number("150.01")), Err(Code::AmountDiffersFromLines))?;
    // Tenths add up as they do on paper.
    check(
        |deal| {
            deal.opportunity.set("Amount", number("0.3"));
            deal.lines = vec![line(1, "1", "0.1", "0.1"), line(2, "1", "0.2", "0.2")];
        },
        Ok(30),
    )
}

#[test]
fn whom_to_bill_must_be_clear() -> Result<(), String> {
    check(set("AccountId", FieldValue::Null), Err(Code::AccountMissing))?;
    check(set("Account.Name", text("  ")), Err(Code::AccountNameMissing))?;
    check(set("Account.Billing_Email__c", FieldValue::Null), Err(Code::BillingEmailMissing))?;
    check(set("Account.Billing_Email__c", text("ap at acme")), Err(Code::BillingEmailInvalid))?;
    check(set("Account.BillingCountry", text("Narnia")), Err(Code::BillingCountryUnknown))?;
    check(set("Account.BillingCountry", text("United States")), Ok(15_000))?;
    check(
        |deal| {
            deal.opportunity.set("Account.Billing_Email__c", FieldValue::Null);
            deal.primary_contact = Some(record([("Contact.Email", text("kim@acme.example"))]));
        },
        Ok(15_000),
    )
}

#[test]
fn every_line_that_is_wrong_is_listed() -> Result<(), String> {
    check(|deal| deal.lines.clear(), Err(Code::NoLines))?;
    let so_many = |count: usize| {
        move |deal: &mut Deal| {
            deal.opportunity.set("Amount", FieldValue::Number(Decimal::from(count)));
            deal.lines = (0..count).map(|_| line(1, "1", "1", "1")).collect();
        }
    };
    check(so_many(250), Ok(25_000))?;
    check(so_many(251), Err(Code::TooManyLines))?;
    check(|deal| deal.lines[0].set("TotalPrice", number("33.333")), Err(Code::LinesNotBillable))?;
    check(|deal| deal.lines[0].set("Quantity", number("0")), Err(Code::LinesNotBillable))?;
    let mut deal = deal();
    deal.lines[0].set("Product2.Stripe_Price_Id__c", FieldValue::Null);
    deal.lines[1].set("Product2.Stripe_Price_Id__c", text("prod_1"));
    let stop = plan(&deal, &settings()).expect_err("refused");
    assert_eq!(stop.kind, Kind::Refused);
    assert_eq!(
        stop.message,
        "Mend these products: line 1 (Support): fill in Stripe Price Id on the product; line 2 (Support): Stripe Price Id \
         on the product is not a price id (price_…)."
    );
    Ok(())
}

/// Sales mends a deal in one visit.
#[test]
fn everything_that_stands_in_the_way_is_told_at_once() {
    let mut deal = deal();
    deal.opportunity.set("AccountId", FieldValue::Null);
    deal.opportunity.set("Account.Billing_Email__c", text("nobody"));
    deal.opportunity.set("Account.BillingCountry", text("Narnia"));
    deal.opportunity.set("Amount", number("150.001"));
    deal.lines[1].set("Product2.Stripe_Price_Id__c", FieldValue::Null);
    deal.lines[1].set("Quantity", number("0"));
    let stop = plan(&deal, &settings()).expect_err("refused");
    assert_eq!(stop.code, Code::AmountNotRepresentable);
    let others = [Code::AccountMissing, Code::BillingEmailInvalid, Code::BillingCountryUnknown, Code::LinesNotBillable];
    assert_eq!(stop.also, others);
    assert!(stop.message.starts_with("Mend 5 things. 1 (amount_not_representable): Correct"), "{}", stop.message);
    let lines = "5 (lines_not_billable): Mend these products: line 2 (Support): fill in Stripe Price Id on the product, and its \
                 quantity must be more than zero.";
    assert!(stop.message.ends_with(lines), "{}", stop.message);
    // A deal that does not ask to be billed is not criticised.
    deal.opportunity.set("StageName", text("Negotiation"));
    let stop = plan(&deal, &settings()).expect_err("not billable");
    assert_eq!((stop.code, stop.also), (Code::NotClosedWon, vec![]));
}

/// Nobody knows how many decimals an amount of it has; what else a line lacks is known.
#[test]
fn without_a_currency_the_lines_are_looked_at_all_the_same() {
    let settings =
        Settings { multi_currency: true, org_currency: Currency::parse("JPY").expect("valid"), ..settings() };
    let mut deal = deal();
    deal.opportunity.set("CurrencyIsoCode", text("€"));
    deal.lines[0].set("TotalPrice", number("100.50"));
    let stop = plan(&deal, &settings).expect_err("refused");
    assert_eq!((stop.code, stop.also), (Code::CurrencyUnknown, vec![]));
    deal.lines[0].set("Product2.Stripe_Price_Id__c", FieldValue::Null);
    let stop = plan(&deal, &settings).expect_err("refused");
    assert_eq!((stop.code, stop.also), (Code::CurrencyUnknown, vec![Code::LinesNotBillable]));
}

#[test]
fn the_currency_is_the_records_or_the_organizations() {
    let multi = Settings { multi_currency: true, ..settings() };
    let currency = |deal: &Deal| plan(deal, &multi).map(|(plan, _)| plan.total.to_string()).map_err(|stop| stop.code);
    let mut deal = deal();
    assert_eq!(currency(&deal), Err(Code::CurrencyUnknown));
    for (code, expected) in [
        ("USD", Ok("150.00 USD")),
        ("JPY", Ok("150 JPY")),
        ("KWD", Ok("150.000 KWD")),
        ("EURO", Err(Code::CurrencyUnknown)),
    ] {
        deal.opportunity.set("CurrencyIsoCode", text(code));
        assert_eq!(currency(&deal), expected.map(str::to_owned), "{code}");
    }
}

#[test]
fn a_line_says_whether_it_was_negotiated() {
    for (quantity, list_price, total, negotiated, expected) in [
        ("3", "10", "30", false, Quantity::Whole(3)),
        ("3.00", "10.00", "30.00", false, Quantity::Whole(3)),
        ("3", "10", "27", true, Quantity::Whole(3)),
        ("2.5", "10", "25", false, Quantity::Fraction("2.5".parse().expect("valid"))),
    ] {
        let currency = Currency::parse("EUR").expect("valid");
        let found = crate::line::line(
            &line(1, quantity, list_price, total),
            LineSource::OpportunityProducts.names(),
            Some(currency),
            1,
            crate::line::Recurring::Refused,
        )
        .expect("billable")
        .0
        .expect("a line");
        assert_eq!((found.negotiated, found.quantity), (negotiated, expected), "{quantity} × {list_price} = {total}");
    }
}

#[test]
fn a_quantity_is_what_stripe_can_hold() -> Result<(), String> {
    let quantity = |text: &'static str| move |deal: &mut Deal| deal.lines[0].set("Quantity", number(text));
    for text in ["0.000000000001", "1000000000", "1000000000.000", "2.5"] {
        check(quantity(text), Ok(15_000))?;
    }
    for text in ["0.0000000000001", "1000000000.1", "-1", "0"] {
        check(quantity(text), Err(Code::LinesNotBillable))?;
    }
    for (text, expected) in [
        ("2.0", Quantity::Whole(2)),
        ("2.50", Quantity::Fraction("2.5".parse().expect("valid"))),
        ("1000000000", Quantity::Whole(1_000_000_000)),
    ] {
        let mut deal = deal();
        deal.lines[0].set("Quantity", number(text));
        let (plan, _) = plan(&deal, &settings()).expect("billable");
        assert_eq!(plan.lines[0].quantity, expected);
        assert_eq!(plan.lines[0].quantity.as_decimal(), text.parse::<Decimal>().expect("valid"));
    }
    Ok(())
}

#[test]
fn a_description_is_cut_between_characters() {
    let described = |text: &str| {
        let mut deal = deal();
        deal.lines[0].set("Description", FieldValue::Text(text.into()));
        plan(&deal, &settings()).expect("billable").0.lines[0].description.clone()
    };
    assert_eq!(described("Gold support, 2027"), "Gold support, 2027");
    assert_eq!(described(" "), "Support", "the product's name, where the line has no words of its own");
    assert_eq!(described(&"a".repeat(301)), "a".repeat(300));
    assert_eq!(described(&format!("a{}", "ü".repeat(200))), format!("a{}", "ü".repeat(149)));
}

#[test]
fn a_customer_that_the_account_names_is_one_or_a_refusal() {
    let named = |id: FieldValue| customer_named_by(&record([("Account.Stripe_Customer_Id__c", id)]));
    assert_eq!(named(FieldValue::Null), Ok(None));
    assert_eq!(named(text("cus_1")), Ok(CustomerId::parse("cus_1").ok()));
    assert_eq!(named(text("Acme")).map_err(|stop| stop.code), Err(Code::CustomerIdMalformed));
}

/// A number that no decimal holds is not nothing.
#[test]
fn an_amount_that_cannot_be_read_is_a_refusal() -> Result<(), String> {
    check(set("Amount", text("1e400")), Err(Code::AmountTooLarge))?;
    check(set("Amount", FieldValue::Null), Err(Code::AmountMissing))
}

#[test]
fn one_line_more_than_stripe_takes_is_asked_for() {
    let id = OpportunityId::parse("006000000000001AAA").expect("valid");
    let queries = crate::deal_queries(&id, &settings());
    let [opportunity, lines, contact] = &queries[..] else { panic!("{queries:?}") };
    assert_eq!([opportunity.limit, lines.limit, contact.limit], [Some(1), Some(251), Some(1)]);
}

#[test]
fn the_street_has_two_lines_at_stripe() {
    let (_, details) = plan(&deal(), &settings()).expect("billable");
    let address = details.address.expect("there is one");
    assert_eq!(address.line1.as_deref(), Some("Unter den Linden 1"));
    assert_eq!(address.line2.as_deref(), Some("3. Etage, Hinterhaus"));
    assert_eq!(address.country, CountryCode::parse("DE").ok());
    assert_eq!(address.state, None);
    let mut deal = deal();
    deal.opportunity.set("Account.BillingCountry", text("USA"));
    deal.opportunity.set("Account.BillingState", text("california "));
    let (_, details) = plan(&deal, &settings()).expect("billable");
    assert_eq!(details.address.and_then(|address| address.state).as_deref(), Some("CA"));
}

proptest! {
    #[test]
    fn a_plan_adds_up_to_the_cent(amounts in prop::collection::vec(1i64..10_000_000, 1..250), code in "EUR|JPY|KWD") {
        let currency = Currency::parse(&code).expect("valid");
        let step = if code == "KWD" { 10 } else { 1 };
        let total: i64 = amounts.iter().map(|amount| amount * step).sum();
        let major = |minor: i64| FieldValue::Number(Decimal::new(minor, currency.exponent()));
        let mut deal = deal();
        deal.opportunity.set("Amount", major(total));
        deal.lines = amounts
            .iter()
            .enumerate()
            .map(|(index, amount)| {
                let mut line = line(1, "1", "1", "1");
                line.set("Id", text(&format!("00k{index:012}")));
                line.set("TotalPrice", major(amount * step));
                line
            })
            .collect();
        let settings = Settings { org_currency: currency, ..settings() };
        let (plan, _) = plan(&deal, &settings).expect("billable");
        prop_assert_eq!(plan.total.minor_units(), total);
        prop_assert_eq!(plan.lines.iter().map(|line| line.amount.minor_units()).sum::<i64>(), total);
    }
}
