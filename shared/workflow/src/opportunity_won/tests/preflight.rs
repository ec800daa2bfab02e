//! Before anything is written.

use mapping::TaxBehavior;

use super::*;
use crate::Pricing;

fn preflight(deal: &Deal, prices: Vec<PriceSeen>) -> Point {
    tell(claimed(), vec![Fact::DealRead(Box::new(deal.clone())), Fact::PricesRead(prices)]).1
}

fn stop(point: &Point) -> (Code, Vec<Code>) {
    let stop = point.stop().unwrap_or_else(|| panic!("{} goes on", point.name()));
    (stop.code, stop.also.clone())
}

/// Everything that stands in the way is told at once, whether Salesforce shows it or Stripe.
#[test]
fn a_price_that_cannot_be_used_is_told_with_everything_else() {
    let archived = || vec![PriceSeen { is_active: false, ..listed(1000) }];
    for (prices, why) in [(archived(), "is archived"), (vec![], "is not at Stripe")] {
        let point = preflight(&deal(1), prices);
        assert_eq!(stop(&point), (Code::LinesNotBillable, vec![]));
        let message = &point.stop().expect("stopped").message;
        assert!(message.contains(&format!("price_1 {why}")), "{message}");
    }
    let mut broken = deal(2);
    broken.opportunity.set("Account.Billing_Email__c", FieldValue::Null);
    broken.lines[1].set("Quantity", number(0));
    let both = vec![Code::LinesNotBillable, Code::LinesNotBillable];
    assert_eq!(stop(&preflight(&broken, archived())), (Code::BillingEmailMissing, both.clone()));
    assert_eq!(stop(&preflight(&broken, vec![listed(1000)])), (Code::BillingEmailMissing, both[..1].to_vec()));
    // Nobody asks for prices of which none is named.
    broken.lines.iter_mut().for_each(|line| line.set("Product2.Stripe_Price_Id__c", FieldValue::Null));
    let (calls, _) = tell(claimed(), vec![Fact::DealRead(Box::new(broken)), written(), Fact::Reported]);
    assert_eq!(calls, ["read_deal", "update_records", "report"]);
}

/// A line goes at the catalogue's price where that comes to what was agreed, and at the agreed amount of its product where not.
#[test]
fn a_line_is_priced_as_it_was_agreed() {
    let agreed = |unit_amount: &str| Pricing::Agreed {
        product_id: domain::ProductId::parse("prod_1").expect("valid"),
        unit_amount: unit_amount.parse().expect("valid"),
    };
    let catalogue = || Pricing::Catalogue(domain::PriceId::parse("price_1").expect("valid"));
    let usd = PriceSeen { currency: Currency::parse("USD").ok(), ..listed(1000) };
    let tiers = PriceSeen { unit_amount: None, ..listed(1000) };
    for (quantity, seen, expected) in [
        ("1", listed(1000), catalogue()),
        ("2", listed(500), catalogue()),
        ("1", listed(1001), agreed("1000")),
        ("4", listed(1000), agreed("250")),
        ("1", usd, agreed("1000")),
        ("1", tiers, agreed("1000")),
        // Stripe rounds 999.9 and 1000.4 to what was agreed. Of a half nobody says where it goes.
        ("0.3333", listed(3000), catalogue()),
        ("0.4", listed(2501), catalogue()),
        ("0.5", listed(2001), agreed("2000")),
    ] {
        let mut deal = deal(1);
        deal.lines[0].set("Quantity", FieldValue::Number(quantity.parse().expect("valid")));
        let (_, point) =
            tell(preflight(&deal, vec![seen.clone()]), vec![customer_known(), invoice(InvoiceStatus::Draft, 0, 0)]);
        let Next::Call(Call::AddLines { lines, .. }) = point.next() else { panic!("{}", point.name()) };
        assert_eq!(lines[0].pricing, expected, "{quantity} at {seen:?}");
    }
}

/// A price that hides its tax in an amount that was agreed without is a mistake, and whose is a person's to say. Where the price is not
/// the agreed one, its behavior is not either.
#[test]
fn a_price_that_is_taxed_the_other_way_is_refused_where_it_is_the_agreed_one() {
    let settings = Settings { tax: Some(TaxBehavior::Exclusive), ..settings() };
    let mut deal = deal(1);
    deal.opportunity.set("Account.BillingCountry", text("Germany"));
    for (tax, unit_amount, expected) in [
        (None, 1000, None),
        (Some(TaxBehavior::Exclusive), 1000, None),
        (Some(TaxBehavior::Inclusive), 1000, Some(Code::TaxBehaviorDiffers)),
        (Some(TaxBehavior::Inclusive), 900, None),
    ] {
        let read = Fact::DealRead(Box::new(deal.clone()));
        let prices = Fact::PricesRead(vec![PriceSeen { tax, ..listed(unit_amount) }]);
        let point = claimed().record(read, &settings).expect("in order").record(prices, &settings).expect("in order");
        assert_eq!(point.stop().map(|stop| stop.code), expected, "{tax:?} {unit_amount}");
    }
}

/// A product that comes back would be billed once and never again, if somebody forgot to say how often.
#[test]
fn a_price_that_comes_back_is_refused_for_what_is_billed_once() {
    for every in [Every::Months(1), Every::Other] {
        let point = preflight(&deal(1), vec![PriceSeen { every, ..listed(1000) }]);
        assert_eq!(stop(&point), (Code::LinesNotBillable, vec![]), "{every:?}");
        let message = &point.stop().expect("stopped").message;
        assert!(message.contains("Fill in their billing frequency"), "{message}");
    }
}

/// What the prices say is told together, even if one of them is archived.
#[test]
fn everything_that_the_prices_say_is_told() {
    let settings = Settings { tax: Some(TaxBehavior::Exclusive), ..settings() };
    let mut deal = deal(3);
    deal.opportunity.set("Account.BillingCountry", text("Germany"));
    for (number, line) in deal.lines.iter_mut().enumerate() {
        line.set("Product2.Stripe_Price_Id__c", text(&format!("price_{}", number + 1)));
    }
    let price = |id: &str| PriceSeen { price_id: domain::PriceId::parse(id).expect("valid"), ..listed(1000) };
    let prices = vec![
        PriceSeen { is_active: false, ..price("price_1") },
        PriceSeen { tax: Some(TaxBehavior::Inclusive), ..price("price_2") },
        PriceSeen { every: Every::Months(12), ..price("price_3") },
    ];
    let point = claimed().record(Fact::DealRead(Box::new(deal)), &settings).expect("in order");
    let point = point.record(Fact::PricesRead(prices), &settings).expect("in order");
    assert_eq!(stop(&point), (Code::TaxBehaviorDiffers, vec![Code::LinesNotBillable, Code::LinesNotBillable]));
    let message = &point.stop().expect("stopped").message;
    for price in ["price_1 is archived", "(price_2)", "(price_3)"] {
        assert!(message.contains(price), "{price}: {message}");
    }
}

/// What an older program drafted does not say what its lines cost.
#[test]
fn a_draft_whose_lines_are_not_priced_is_made_anew() {
    let unpriced = || Draft { once: vec![], ..draft(1) };
    let drafted = Point::Drafted { draft: unpriced(), batch: 0 };
    let (_, point) = tell(drafted.resume(), vec![invoice(InvoiceStatus::Draft, 0, 0), read(1)]);
    assert!(matches!(point, Point::Abandoning { stop: None, .. }), "{}", point.name());
    // One that was filled at other prices, too; and one that is as it should be is sent.
    let point = Point::through_gate(unpriced(), seen(InvoiceStatus::Draft, 1, 1200));
    assert!(matches!(point, Point::Abandoning { stop: None, .. }), "{}", point.name());
    assert_eq!(Point::through_gate(unpriced(), seen(InvoiceStatus::Draft, 1, 1000)).name(), "ready");
    let drafted = Point::Drafted { draft: draft(1), batch: 0 };
    let (_, point) = tell(drafted.resume(), vec![invoice(InvoiceStatus::Draft, 0, 0), read(1)]);
    assert_eq!(point.name(), "drafted");
}

#[test]
fn an_interrupted_preflight_begins_with_what_the_deal_says_now() {
    let (_, point) = tell(claimed(), vec![read(1)]);
    assert_eq!((point.name(), point.clone().resume()), ("preflight", claimed()));
    let (_, point) = tell(point, vec![refused()]);
    assert_eq!((stop(&point).0, point.resume()), (Code::StripeRefused, claimed()));
    // Whatever else stands in the way is told with it.
    let mut broken = deal(1);
    broken.opportunity.set("Account.Billing_Email__c", FieldValue::Null);
    let (_, point) = tell(claimed(), vec![Fact::DealRead(Box::new(broken)), refused()]);
    assert_eq!(stop(&point), (Code::BillingEmailMissing, vec![Code::StripeRefused]));
}

/// Its points and stages had other names and fields.
#[test]
fn what_an_older_program_kept_is_read() {
    let stage = |text: &str| serde_json::from_str::<Stage>(text).expect("readable");
    assert_eq!(stage(r#"{"gate":{"corrected":true}}"#), Stage::Gate {});
    assert_eq!(stage(r#"{"corrections":{"corrections":[],"batch":1}}"#), Stage::Lines { batch: 1 });
    let kept = serde_json::to_value(Point::Drafted { draft: draft(1), batch: 2 }).expect("writable");
    let mut older = serde_json::json!({ "correcting": kept["drafted"] });
    older["correcting"]["corrections"] = serde_json::json!([{ "line_id": "il_1", "index": 0, "product_id": "prod_1" }]);
    older["correcting"]["draft"].as_object_mut().expect("a draft").remove("once");
    let read: Point = serde_json::from_value(older).expect("readable");
    assert!(matches!(read, Point::Drafted { draft, batch: 2 } if !draft.is_priced()));
}

/// It is written down when Stripe does not answer.
#[test]
fn a_preflight_survives_being_written_down() {
    for (path, value) in
        [("Account.Stripe_Customer_Id__c", FieldValue::Null), ("Account.Stripe_Customer_Id__c", text("cus_1"))]
    {
        let mut deal = deal(1);
        deal.opportunity.set(path, value);
        let (_, point) = tell(claimed(), vec![Fact::DealRead(Box::new(deal))]);
        let kept = serde_json::to_string(&point).expect("writable");
        assert_eq!(serde_json::from_str::<Point>(&kept).expect("readable"), point);
    }
}

/// The one that is known to be gone is not taken for the account's after the prices were read.
#[test]
fn the_customer_that_is_gone_is_remembered() {
    let gone = CustomerId::parse("cus_1").expect("valid");
    let point = Point::CustomerGone { opportunity_id: opportunity_id(), customer_id: gone.clone(), apart: None };
    let (_, read) = tell(point.clone(), vec![read(1)]);
    assert_eq!(read.clone().resume(), point);
    let (_, point) = tell(read, vec![priced()]);
    assert!(matches!(point.next(), Next::EnsureCustomer(wanted) if wanted.gone.as_ref() == Some(&gone)));
}
