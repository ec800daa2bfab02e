use std::collections::BTreeMap;

use domain::{Currency, Product2Id};
use stripe::{CatalogPrice, CatalogProduct, Price, Recurrence, TaxBehavior};

use super::*;
use crate::catalog::evidence::Where;
use crate::catalog::product::Cost;

/// Support Gold, SKU SUP-1, 100.00 USD a month.
pub(crate) fn gold() -> Product {
    Product {
        id: id(1),
        name: "Support Gold".into(),
        codes: vec!["SUP-1".into()],
        billed: Billed::Months(1),
        costs: vec![cost(10_000, "USD")],
        costs_elsewhere: vec![],
        price_id: None,
    }
}

pub(crate) fn id(number: u32) -> Product2Id {
    Product2Id::parse(&format!("01t{number:012}")).expect("valid")
}

pub(crate) fn cost(minor_units: i64, currency: &str) -> Cost {
    Cost { currency: Currency::parse(currency).expect("valid"), unit_amount: minor_units.into() }
}

fn metadata(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Stripe's product and price of it, as they are in step. Nothing names the product.
pub(crate) fn offer(number: u32) -> (CatalogProduct, CatalogPrice) {
    let product = ProductId::parse(&format!("prod_{number}")).expect("valid");
    let price = Price {
        id: PriceId::parse(&format!("price_{number}")).expect("valid"),
        product: Some(product.clone()),
        active: true,
        currency: Currency::parse("USD").ok(),
        unit_amount: Some(10_000.into()),
        recurrence: Recurrence::Months(1),
        tax_behavior: TaxBehavior::Unspecified,
        lookup_key: None,
    };
    let product = CatalogProduct { id: product, name: "Support Gold".into(), active: true, metadata: metadata(&[]) };
    (product, CatalogPrice { price, nickname: None, metadata: metadata(&[]) })
}

pub(crate) fn at_stripe(offers: Vec<(CatalogProduct, CatalogPrice)>) -> StripeCatalog {
    let mut stripe = StripeCatalog::default();
    for (product, price) in offers {
        stripe.products.insert(product.id.clone(), product);
        stripe.prices.insert(price.price.id.clone(), price);
    }
    stripe
}

fn changed(change: impl FnOnce(&mut CatalogProduct, &mut CatalogPrice)) -> (CatalogProduct, CatalogPrice) {
    let (mut product, mut price) = offer(1);
    change(&mut product, &mut price);
    (product, price)
}

fn found(product: Product, offers: Vec<(CatalogProduct, CatalogPrice)>) -> Match {
    matches(&[product], &at_stripe(offers)).remove(0)
}

fn named(name: &str) -> impl FnOnce(&mut CatalogProduct, &mut CatalogPrice) {
    let name = name.to_owned();
    move |product, _| product.name = name
}

type Change = Box<dyn FnOnce(&mut CatalogProduct, &mut CatalogPrice)>;

/// Each kind of evidence, by itself. The names have nothing in common, so that nothing else is told of.
#[test]
fn what_names_a_price_is_told_and_makes_it_certain() {
    let code = || "sup-1".to_owned();
    let in_metadata = |on| Evidence::CodeInMetadata { on, key: "sku".into(), code: code() };
    let cases: [(Change, Evidence); 8] = [
        (Box::new(|_, price| price.price.lookup_key = Some("sup_1".into())), Evidence::LookupKeyIsCode(code())),
        (Box::new(|_, price| price.price.lookup_key = Some("SUP-1-monthly".into())), Evidence::LookupKeyBegins(code())),
        (
            Box::new(|_, price| price.price.lookup_key = Some("salesforce_01t000000000001AAA".into())),
            Evidence::LookupKeyIsId,
        ),
        (Box::new(|_, price| price.metadata = metadata(&[("sku", "Sup-1")])), in_metadata(Where::Price)),
        (Box::new(|product, _| product.metadata = metadata(&[("sku", "SUP 1")])), in_metadata(Where::Product)),
        (
            Box::new(|_, price| price.metadata = metadata(&[("salesforce_id", "01t000000000001")])),
            Evidence::NamedById(Where::Price),
        ),
        (
            Box::new(|product, _| product.metadata = metadata(&[("product2_id", "01t000000000001AAA")])),
            Evidence::NamedById(Where::Product),
        ),
        (
            Box::new(|product, price| {
                product.id = ProductId::parse("SUP-1").expect("valid");
                price.price.product = Some(product.id.clone());
            }),
            Evidence::ProductIdIsCode(code()),
        ),
    ];
    for (change, expected) in cases {
        let offer = changed(|product, price| {
            product.name = "Helpdesk".into();
            change(product, price);
        });
        let found = found(gold(), vec![offer]);
        assert_eq!((found.certainty, &found.conflicts), (Certainty::Certain, &vec![]), "{expected:?}: {found:?}");
        assert_eq!(found.price, PriceId::parse("price_1").ok());
        let and = [Evidence::Amount(cost(10_000, "USD")), Evidence::Interval(Billed::Months(1))];
        assert_eq!(found.evidence, [vec![expected], and.to_vec()].concat());
    }
}

#[test]
fn names_alone_are_for_a_person() {
    for (theirs, at_least) in
        [("Support Gold", 80), ("gold support", 80), ("Supp. Gold", 75), ("Support Gold Europe", 65)]
    {
        let found = found(gold(), vec![changed(named(theirs))]);
        assert_eq!(found.certainty, Certainty::Probable, "{theirs}: {found:?}");
        assert!(found.confidence >= at_least, "{theirs}: {found:?}");
    }
    let in_name = found(gold(), vec![changed(named("Helpdesk [SUP-1]"))]);
    assert_eq!((in_name.certainty, &in_name.evidence[0]), (Certainty::Probable, &Evidence::CodeInName("sup-1".into())));
    // That two things cost the same is no reason to ask anybody.
    assert_eq!(found(gold(), vec![changed(named("Helpdesk"))]).certainty, Certainty::Nothing);
}

/// Each kind of conflict keeps even a price whose lookup key is the code from being written.
#[test]
fn what_speaks_against_a_price_is_told_and_makes_it_doubtful() {
    let differs = |theirs| Conflict::IntervalDiffers { ours: Billed::Months(1), theirs };
    let (ours, theirs) = (cost(10_000, "USD"), cost(11_000, "USD"));
    let cases: [(Change, Conflict); 8] = [
        (Box::new(|_, price| price.price.unit_amount = Some(11_000.into())), Conflict::AmountDiffers { ours, theirs }),
        (Box::new(|_, price| price.price.unit_amount = None), Conflict::AmountUnsaid),
        (
            Box::new(|_, price| price.price.currency = Currency::parse("EUR").ok()),
            Conflict::NotSoldIn(cost(10_000, "EUR")),
        ),
        (Box::new(|_, price| price.price.recurrence = Recurrence::Months(12)), differs(Recurrence::Months(12))),
        (Box::new(|_, price| price.price.recurrence = Recurrence::Once), differs(Recurrence::Once)),
        (Box::new(|_, price| price.price.recurrence = Recurrence::Other), differs(Recurrence::Other)),
        (
            Box::new(|_, price| price.metadata = metadata(&[("salesforce_id", "01t000000000002AAA")])),
            Conflict::NamesAnotherProduct,
        ),
        (
            Box::new(|product, _| product.name = "Support Silver".into()),
            Conflict::TiersDiffer { theirs: "Support Silver".into() },
        ),
    ];
    for (change, expected) in cases {
        let offer = changed(|product, price| {
            price.price.lookup_key = Some("sup-1".into());
            change(product, price);
        });
        let found = found(gold(), vec![offer]);
        assert_eq!((found.certainty, found.conflicts), (Certainty::Doubtful, vec![expected]));
        assert_eq!(found.price, PriceId::parse("price_1").ok());
    }
}

#[test]
fn another_code_on_it_speaks_against_a_price() {
    let silver = Product { id: id(2), codes: vec!["SUP-2".into()], name: "Support Silver".into(), ..gold() };
    let with = |sku: &str| {
        let sku = sku.to_owned();
        changed(move |product, _| product.metadata = metadata(&[("sku", &sku)]))
    };
    let (other, _) = offer(2);
    let marked =
        (CatalogProduct { name: "Helpdesk".into(), metadata: metadata(&[("sku", "SUP-2")]), ..other }, offer(2).1);
    let conflicts = |stripe| matches(&[gold(), silver.clone()], &stripe).remove(0).conflicts;
    let differs = Conflict::CodeDiffers { on: Where::Product, ours: "sup-1".into(), theirs: "sup-9".into() };
    assert_eq!(conflicts(at_stripe(vec![with("SUP-9"), marked])), [differs]);
    let course =
        Product { name: "Course".into(), costs: vec![cost(77, "USD")], billed: Billed::Once, ..silver.clone() };
    let found = matches(&[gold(), course], &at_stripe(vec![with("SUP-2")])).remove(0);
    assert_eq!(found.conflicts, [Conflict::CodeOfAnother { on: Where::Product, code: "sup-2".into() }]);
    // Where no code of a product's stands under a key, what stands there is another system's.
    assert_eq!(conflicts(at_stripe(vec![with("4711-0815")])), []);
}

#[test]
fn two_prices_that_are_about_as_good_are_told() {
    let found = found(gold(), vec![offer(1), offer(2)]);
    assert_eq!(found.certainty, Certainty::Doubtful);
    assert_eq!(found.conflicts, [Conflict::TwoCandidates(PriceId::parse("price_2").expect("valid"))]);
    // Also where each of them is named.
    let marked = |number: u32| {
        let (product, price) = offer(number);
        (CatalogProduct { metadata: metadata(&[("sku", "SUP-1")]), ..product }, price)
    };
    let found = matches(&[gold()], &at_stripe(vec![marked(1), marked(2)])).remove(0);
    assert_eq!((found.certainty, found.conflicts.len()), (Certainty::Doubtful, 1), "{:?}", found.conflicts);
}

/// Somebody copied a product at Stripe for another one, and forgot the code.
#[test]
fn a_code_is_not_believed_where_another_price_has_the_name() {
    let forgotten = changed(|product, _| {
        (product.name, product.metadata) = ("Support Hotline Europe".into(), metadata(&[("sku", "SUP-1")]));
    });
    let found = found(gold(), vec![forgotten, offer(2)]);
    assert_eq!((found.certainty, found.price), (Certainty::Doubtful, PriceId::parse("price_1").ok()));
    assert_eq!(found.conflicts, [Conflict::TwoCandidates(PriceId::parse("price_2").expect("valid"))]);
}

#[test]
fn of_several_prices_of_a_product_it_is_the_one_that_fits() {
    let own = |number: u32, change: fn(&mut Price)| {
        let (product, mut price) = offer(1);
        price.price.id = PriceId::parse(&format!("price_{number}")).expect("valid");
        change(&mut price.price);
        (product, price)
    };
    let yearly = |price: &mut Price| {
        (price.recurrence, price.unit_amount) = (Recurrence::Months(12), Some(100_000.into()));
    };
    let yen =
        |price: &mut Price| (price.currency, price.unit_amount) = (Currency::parse("JPY").ok(), Some(15_000.into()));
    let archived = |price: &mut Price| price.active = false;
    let offers = vec![own(1, yearly), own(2, yen), own(3, |_| {}), own(4, archived)];
    let in_two = Product { costs: vec![cost(10_000, "USD"), cost(15_000, "JPY")], ..gold() };
    let found = found(in_two, offers);
    assert_eq!((found.price, found.certainty), (PriceId::parse("price_3").ok(), Certainty::Probable));
}

#[test]
fn one_price_is_not_given_to_two_products() {
    // Two that are the same but for their ids.
    let found = matches(&[gold(), Product { id: id(2), codes: vec![], ..gold() }], &at_stripe(vec![offer(1)]));
    assert_eq!(found[0].conflicts, [Conflict::AlsoClaimedBy(id(2))]);
    assert_eq!(found[1].conflicts, [Conflict::AlsoClaimedBy(id(1))]);
    // Two with one code.
    let marked = changed(|_, price| price.price.lookup_key = Some("SUP-1".into()));
    let found =
        matches(&[gold(), Product { id: id(2), name: "Course".into(), ..gold() }], &at_stripe(vec![marked.clone()]));
    assert!(found[0].conflicts.contains(&Conflict::SharedCode { code: "sup-1".into(), with: id(2) }), "{:?}", found[0]);
    assert_eq!((found[0].certainty, &found[1].price), (Certainty::Doubtful, &None), "{found:?}");
    assert_eq!(found[1].conflicts, [Conflict::SharedCode { code: "sup-1".into(), with: id(1) }]);
    // One has it already.
    let holder = Product { id: id(2), codes: vec![], price_id: Some("price_1".into()), ..gold() };
    let found = matches(&[gold(), holder], &at_stripe(vec![marked]));
    assert_eq!((found[0].certainty, &found[0].conflicts), (Certainty::Doubtful, &vec![Conflict::AlreadyOf(id(2))]));
    assert_eq!((found[1].certainty, &found[1].drifts), (Certainty::Nothing, &vec![]));
}

/// Who has clearly the better claim gets it, and the other one nothing.
#[test]
fn a_better_claim_is_no_conflict() {
    let marked = changed(|_, price| price.price.lookup_key = Some("SUP-1".into()));
    let other = Product { id: id(2), codes: vec!["SUP-2".into()], name: "Support".into(), ..gold() };
    let found = matches(&[other, gold()], &at_stripe(vec![marked]));
    assert_eq!((found[0].certainty, found[1].certainty), (Certainty::Nothing, Certainty::Certain), "{found:?}");
}

/// Salesforce CPQ: how often it is billed stands on the quote's lines.
#[test]
fn without_an_interval_only_the_price_itself_can_be_named() {
    let unsaid = Product { billed: Billed::Unsaid, ..gold() };
    let of = |product: &Product, change: Change| found(product.clone(), vec![changed(change)]).certainty;
    assert_eq!(of(&unsaid, Box::new(|_, price| price.price.lookup_key = Some("SUP-1".into()))), Certainty::Certain);
    assert_eq!(
        of(&unsaid, Box::new(|product, _| product.metadata = metadata(&[("sku", "SUP-1")]))),
        Certainty::Probable
    );
    let yearly = Product { name: "Support Gold (annual)".into(), ..unsaid };
    assert_eq!(of(&yearly, Box::new(|_, price| price.price.lookup_key = Some("SUP-1".into()))), Certainty::Doubtful);
}

#[test]
fn what_is_archived_is_not_suggested() {
    assert_eq!(found(gold(), vec![changed(|_, price| price.price.active = false)]).price, None);
    assert_eq!(found(gold(), vec![changed(|product, _| product.active = false)]).price, None);
}

/// A value that stands is never replaced without a person, and where to look for the next one is known.
#[test]
fn what_took_the_place_of_an_archived_price_is_suggested() {
    let old = changed(|_, price| price.price.active = false);
    let mut new = offer(2);
    (new.0.id, new.1.price.product) = (old.0.id.clone(), Some(old.0.id.clone()));
    new.1.price.lookup_key = Some("SUP-1".into());
    let set = Product { price_id: Some("price_1".into()), ..gold() };
    let found = found(set, vec![old, new]);
    assert_eq!((found.price, found.certainty), (PriceId::parse("price_2").ok(), Certainty::Probable));
    assert_eq!(found.drifts, [Drift::Archived]);
    assert!(found.evidence.contains(&Evidence::OfSameProduct));
}

#[test]
fn what_can_be_created_has_an_amount_and_an_interval() {
    assert!(can_be_created(&gold()) && can_be_created(&Product { billed: Billed::Once, ..gold() }));
    assert!(!can_be_created(&Product { billed: Billed::Unsaid, ..gold() }));
    assert!(!can_be_created(&Product { costs: vec![], ..gold() }));
    assert!(!can_be_created(&Product { costs: vec![cost(0, "USD")], ..gold() }));
}
