//! What is found before anything is written.

use domain::PriceId;

use super::*;
use crate::{Findings, preflight};

fn finished(deal: &Deal) -> Result<((Plan, CustomerDetails), Option<CustomerId>), Stop> {
    preflight(deal, &settings()).and_then(Findings::finish)
}

/// Before anything is written, the account's customer is one of the things.
#[test]
fn a_customer_that_is_none_is_told_with_the_rest() {
    let mut deal = deal();
    deal.opportunity.set("Account.Stripe_Customer_Id__c", text("Acme"));
    assert_eq!(plan(&deal, &settings()).map(|(plan, _)| plan.total.minor_units()), Ok(15_000));
    let stop = finished(&deal).expect_err("refused");
    assert_eq!((stop.code, stop.also), (Code::CustomerIdMalformed, vec![]));
    deal.lines.clear();
    let stop = finished(&deal).expect_err("refused");
    assert_eq!((stop.code, stop.also), (Code::NoLines, vec![Code::CustomerIdMalformed]));
    deal.lines = vec![line(1, "0", "150", "150")];
    let stop = finished(&deal).expect_err("refused");
    assert_eq!(
        (stop.code, stop.also),
        (Code::CustomerIdMalformed, vec![Code::LinesNotBillable]),
        "the longest comes last"
    );
    deal.lines = vec![line(1, "1", "150", "150")];
    deal.opportunity.set("Account.Stripe_Customer_Id__c", text("cus_1"));
    let ((plan, details), named) = finished(&deal).expect("billable");
    assert_eq!((plan.total.minor_units(), details.name.as_str()), (15_000, "Acme GmbH"));
    assert_eq!(named, CustomerId::parse("cus_1").ok());
}

/// What the prices say is told with the rest, whatever else is the matter; and of a quote's bundles, only what is billed names one.
#[test]
fn the_prices_of_all_lines_are_named_once_and_their_trouble_is_told_with_the_rest() {
    let mut deal = deal();
    deal.lines = (1..=3).map(|number| line(number, "1", "50", "50")).collect();
    let named = |number: usize| format!("price_{}", number.min(2));
    for (number, line) in deal.lines.iter_mut().enumerate() {
        line.set("Product2.Name", text(["Seat", "Support", "Hours"][number]));
        line.set("Product2.Stripe_Price_Id__c", text(&named(number + 1)));
    }
    let found = preflight(&deal, &settings()).expect("it asks to be billed");
    let id = |id: &str| PriceId::parse(id).expect("valid");
    let expected = [(id("price_1"), "Seat".to_owned()), (id("price_2"), "Support".to_owned())].into();
    assert_eq!((found.prices(), found.plan().is_some()), (&expected, true));
    deal.opportunity.set("AccountId", FieldValue::Null);
    deal.lines[0].set("Quantity", number("0"));
    let mut found = preflight(&deal, &settings()).expect("it asks to be billed");
    assert_eq!((found.prices(), found.plan()), (&expected, None));
    found.refuse(Stop::refused(Code::LinesNotBillable, "Archived."));
    let stop = found.finish().expect_err("refused");
    assert_eq!((stop.code, stop.also), (Code::AccountMissing, vec![Code::LinesNotBillable, Code::LinesNotBillable]));
    assert!(stop.message.ends_with("Archived."), "{}", stop.message);
    deal.lines = (0..250).map(|number| line(number, "1", "50", "50")).collect();
    assert_eq!(preflight(&deal, &settings()).expect("it asks to be billed").prices().len(), 1);
    deal.lines = (0..251).map(|number| line(number, "1", "50", "50")).collect();
    assert!(preflight(&deal, &settings()).expect("it asks to be billed").prices().is_empty());
}
