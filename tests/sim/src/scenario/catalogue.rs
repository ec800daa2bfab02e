//! Products and their prices, in Salesforce's price book and in Stripe's catalogue.

use domain::{Currency, PriceId, ProductId};
use rust_decimal::Decimal;

use crate::model::bill::exponent;
use crate::model::stripe::{Catalogue, Price};
use crate::random::Random;

pub(super) const CURRENCIES: [&str; 4] = ["USD", "EUR", "JPY", "KWD"];

/// A product as sales sees it.
#[derive(Debug, Clone)]
pub(super) struct Product {
    pub(super) name: String,
    /// For each currency: the price's id at Stripe, and the price book's price in minor units.
    pub(super) prices: Vec<(String, Option<String>, i64)>,
}

impl Product {
    pub(super) fn in_currency(&self, currency: &str) -> Option<(Option<String>, i64)> {
        let found = self.prices.iter().find(|(code, ..)| code == currency);
        found.map(|(_, price, amount)| (price.clone(), *amount))
    }
}

/// The smallest amount that can be billed, and what every amount is a multiple of.
pub(super) fn step(currency: &str) -> i64 {
    if currency == "KWD" { 10 } else { 1 }
}

pub(super) fn major(minor: i64, currency: &str) -> Decimal {
    Decimal::new(minor, exponent(currency).unwrap_or(2))
}

/// Most prices are the same on both sides. Some differ, which is for the product to correct; some are inactive or not there,
/// which is for a person to mend.
pub(super) fn generate(random: &mut Random, catalogue: &mut Catalogue) -> Vec<Product> {
    let count = random.between(4, 8);
    (0..count)
        .map(|number| {
            let trouble = random.below(100);
            let prices =
                CURRENCIES.iter().map(|currency| price(random, catalogue, (number, trouble), currency)).collect();
            Product { name: format!("Product {number}"), prices }
        })
        .collect()
}

fn price(
    random: &mut Random,
    catalogue: &mut Catalogue,
    (number, trouble): (i64, u64),
    currency: &str,
) -> (String, Option<String>, i64) {
    let listed = random.between(1, 30_000).saturating_mul(step(currency));
    let id = format!("price_p{number}{}", currency.to_ascii_lowercase());
    let at_stripe = match random.below(100) {
        0..12 => listed.saturating_add(random.between(1, 50).saturating_mul(step(currency))),
        _ => listed,
    };
    let price = Price {
        product: ProductId::parse(&format!("prod_{number}")).expect("a prefix and a number"),
        currency: Currency::parse(currency).expect("one of four"),
        unit_amount: at_stripe.into(),
        is_active: trouble != 0,
        months: None,
        lookup_key: None,
    };
    if trouble != 1 {
        catalogue.prices.insert(PriceId::parse(&id).expect("a prefix and letters"), price);
    }
    let named = match trouble {
        2 => None,
        3 => Some("prod_not_a_price".to_owned()),
        _ => Some(id),
    };
    (currency.to_owned(), named, listed)
}
