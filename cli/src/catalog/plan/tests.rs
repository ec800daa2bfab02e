use domain::Currency;
use rust_decimal::Decimal;
use stripe::Recurrence;

use super::*;
use crate::catalog::matching::matches;
use crate::catalog::matching::tests::{at_stripe, cost, gold, id, offer};

fn price(number: u32) -> PriceId {
    PriceId::parse(&format!("price_{number}")).expect("valid")
}

/// Stripe has one price for it, with its lookup key: certain.
fn marked() -> StripeCatalog {
    let (product, mut price) = offer(1);
    price.price.lookup_key = Some("SUP-1".into());
    at_stripe(vec![(product, price)])
}

fn planned(products: &[Product], stripe: &StripeCatalog, wishes: &Wishes) -> Plan {
    plan(products, stripe, &matches(products, stripe), wishes)
}

fn accepts(product: u32, price_of: u32) -> Wishes {
    Wishes { accepted: BTreeMap::from([(id(product), price(price_of))]), ..Wishes::default() }
}

fn of_file(state: State, set: Option<&str>, price: Option<PriceId>, accept: bool) -> Wishes {
    let entry = EditedEntry { product: id(1), state, set: set.map(str::to_owned), price, accept };
    Wishes { edited: Some(Edited { mode: Mode::Test, products: vec![entry] }), ..Wishes::default() }
}

fn why(plan: &Plan) -> &str {
    assert!(plan.writes.is_empty() && plan.creations.is_empty(), "{plan:?}");
    &plan.left[0].why
}

#[test]
fn what_is_certain_is_written_and_nothing_else() {
    let plan = planned(&[gold()], &marked(), &Wishes::default());
    assert_eq!((plan.writes[0].price.clone(), plan.writes[0].replaces.clone()), (price(1), None));
    assert_eq!((plan.left.len(), plan.in_step), (0, 0));
    let probable = planned(&[gold()], &at_stripe(vec![offer(1)]), &Wishes::default());
    assert_eq!(why(&probable), "price_1 is probable: accept it, or name another one");
    let doubtful = planned(&[gold()], &at_stripe(vec![offer(1), offer(2)]), &Wishes::default());
    assert_eq!(why(&doubtful), "price_1 is doubtful: price_2 is about as good");
    let missing = planned(&[gold()], &at_stripe(vec![]), &Wishes::default());
    assert_eq!(why(&missing), "no price was found: --create makes one");
    let set = Product { price_id: Some("price_1".into()), ..gold() };
    let in_step = planned(&[set], &marked(), &Wishes::default());
    assert_eq!((in_step.writes.len(), in_step.left.len(), in_step.in_step), (0, 0, 1));
}

#[test]
fn a_drifted_price_is_replaced_only_where_a_person_says_so() {
    let mut stripe = marked();
    let (mut product, mut old) = offer(2);
    product.active = false;
    old.price.active = false;
    stripe.products.insert(product.id.clone(), product);
    stripe.prices.insert(old.price.id.clone(), old);
    let set = Product { price_id: Some("price_2".into()), ..gold() };
    let left = planned(std::slice::from_ref(&set), &stripe, &Wishes::default());
    assert_eq!(
        why(&left),
        "the price that is set is archived; the product of the price that is set is archived; price_1 may take its place"
    );
    let plan = planned(&[set], &stripe, &accepts(1, 1));
    assert_eq!((plan.writes[0].price.clone(), plan.writes[0].replaces.as_deref()), (price(1), Some("price_2")));
}

#[test]
fn what_a_person_names_is_written_with_what_speaks_against_it() {
    let (product, mut dear) = offer(1);
    (dear.price.unit_amount, dear.price.recurrence) = (Some(99_999.into()), Recurrence::Months(12));
    let plan = planned(&[gold()], &at_stripe(vec![(product, dear)]), &accepts(1, 1));
    assert_eq!(
        plan.writes[0].against,
        [
            "the list price is 100.00 USD, and it costs 999.99 USD",
            "the product is billed every month, and the price every year"
        ]
    );
    assert_eq!(planned(&[gold()], &at_stripe(vec![offer(1)]), &accepts(1, 1)).writes[0].against, [] as [&str; 0]);
}

#[test]
fn what_cannot_be_billed_is_not_written_whoever_names_it() {
    assert_eq!(why(&planned(&[gold()], &marked(), &accepts(1, 9))), "price_9 is not there at Stripe");
    let (product, mut archived) = offer(1);
    archived.price.active = false;
    let stripe = at_stripe(vec![(product, archived)]);
    assert_eq!(why(&planned(&[gold()], &stripe, &accepts(1, 1))), "price_1 is archived");
    let (mut product, of) = offer(1);
    product.active = false;
    let stripe = at_stripe(vec![(product, of)]);
    assert_eq!(why(&planned(&[gold()], &stripe, &accepts(1, 1))), "the product of price_1 is archived");
    let plan = planned(&[gold()], &marked(), &accepts(2, 1));
    assert_eq!(
        (&plan.left[0].product, plan.left[0].why.as_str()),
        (&id(2), "it is no active product of the organization")
    );
    assert_eq!(plan.writes.len(), 1, "the other one is as certain as before");
}

#[test]
fn a_file_says_all_that_is_done() {
    let certain = |accept| of_file(State::Certain, None, Some(price(1)), accept);
    assert_eq!(planned(&[gold()], &marked(), &certain(true)).writes.len(), 1);
    assert_eq!(
        why(&planned(&[gold()], &marked(), &certain(false))),
        "price_1 is certain, and not accepted in the file"
    );
    let empty = Wishes { edited: Some(Edited { mode: Mode::Test, products: vec![] }), ..Wishes::default() };
    assert_eq!(planned(&[gold()], &marked(), &empty).writes.len(), 0);
    // What the file calls certain and is not any more was accepted by nobody.
    let probable = at_stripe(vec![offer(1)]);
    assert_eq!(
        why(&planned(&[gold()], &probable, &certain(true))),
        "price_1 is not certain any more: name it with --accept"
    );
    let accepted = of_file(State::Probable, None, Some(price(1)), true);
    assert_eq!(planned(&[gold()], &probable, &accepted).writes.len(), 1);
    let unnamed = of_file(State::Missing, None, None, true);
    assert_eq!(why(&planned(&[gold()], &at_stripe(vec![]), &unnamed)), "it is accepted, and no price is named");
}

#[test]
fn what_somebody_set_since_the_file_was_written_stays() {
    let (other, of_other) = offer(2);
    let mut stripe = marked();
    stripe.products.insert(other.id.clone(), other);
    stripe.prices.insert(of_other.price.id.clone(), of_other);
    let set = Product { price_id: Some("price_2".into()), ..gold() };
    let wishes = of_file(State::Certain, None, Some(price(1)), true);
    assert_eq!(
        why(&planned(std::slice::from_ref(&set), &stripe, &wishes)),
        "somebody set price_2 since the file was written"
    );
    // The same value is no reason to do anything.
    let wishes = of_file(State::Probable, None, Some(price(2)), true);
    assert_eq!(planned(&[set], &stripe, &wishes).in_step, 1);
}

#[test]
fn a_price_is_made_with_what_finds_it_again() {
    let wishes = Wishes { create: true, tax_behavior: Some("exclusive"), ..Wishes::default() };
    let plan = planned(&[gold()], &at_stripe(vec![]), &wishes);
    let creation = &plan.creations[0];
    assert_eq!(creation.costs, "100.00 USD every month");
    let names = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let by_id = names(PRODUCT_ID, "01t000000000001AAA");
    assert_eq!(
        creation.price,
        CreateCatalogPrice {
            of: CatalogPriceOf::NewProduct {
                name: "Support Gold".into(),
                metadata: BTreeMap::from([by_id.clone(), names("sku", "SUP-1")]),
            },
            currency: Currency::parse("USD").expect("valid"),
            unit_amount: Decimal::from(10_000),
            months: Some(1),
            tax_behavior: Some("exclusive"),
            lookup_key: "salesforce_01t000000000001AAA".into(),
            metadata: BTreeMap::from([by_id]),
        }
    );
    // Somebody made the product and no price of it yet.
    let (mut product, _) = offer(7);
    product.metadata = BTreeMap::from([names("salesforce_product_id", "01t000000000001AAA")]);
    let mut stripe = at_stripe(vec![]);
    stripe.products.insert(product.id.clone(), product.clone());
    assert_eq!(planned(&[gold()], &stripe, &wishes).creations[0].price.of, CatalogPriceOf::Product(product.id));
}

#[test]
fn only_what_is_missing_and_has_a_price_is_made() {
    let wishes = Wishes { create: true, ..Wishes::default() };
    for product in [
        Product { costs: vec![], ..gold() },
        Product { costs: vec![cost(0, "USD")], ..gold() },
        Product { billed: Billed::Unsaid, ..gold() },
    ] {
        let plan = planned(&[product], &at_stripe(vec![]), &wishes);
        assert_eq!(why(&plan), "no price was found, and without a list price and a frequency none can be made");
    }
    assert_eq!(planned(&[gold()], &at_stripe(vec![offer(1)]), &wishes).creations, [], "it is only probable");
    // In a file, what is to be made is accepted as well.
    let file = |accept| Wishes { create: true, ..of_file(State::Missing, None, None, accept) };
    assert_eq!(planned(&[gold()], &at_stripe(vec![]), &file(true)).creations.len(), 1);
    assert_eq!(planned(&[gold()], &at_stripe(vec![]), &file(false)).creations.len(), 0);
}
