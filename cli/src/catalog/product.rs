//! Both catalogues, as they are compared: what Salesforce sells, and the prices that there are at Stripe.

use std::collections::BTreeMap;

use domain::{Currency, PriceId, Product2Id, ProductId};
use rust_decimal::Decimal;
use stripe::{CatalogPrice, CatalogProduct};

/// An active product of the organization's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    pub id: Product2Id,
    pub name: String,
    /// `StockKeepingUnit` and `ProductCode`, whichever are filled in.
    pub codes: Vec<String>,
    pub billed: Billed,
    /// Of the standard price book. The first is the one that a price should have, each of the others in a currency of its own.
    pub costs: Vec<Cost>,
    /// Of other price books.
    pub costs_elsewhere: Vec<Cost>,
    /// What `Stripe_Price_Id__c` holds.
    pub price_id: Option<String>,
}

/// How often a product is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Billed {
    Once,
    Months(u32),
    /// Not the product says it, but each line of a quote.
    Unsaid,
}

/// What one of a product costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    pub currency: Currency,
    /// Minor units, by Stripe's rules. A list price may have more decimals than an amount that is billed.
    pub unit_amount: Decimal,
}

impl Cost {
    /// From major units, as Salesforce holds it; `None` for a number that no decimal holds.
    pub fn from_major_units(amount: Decimal, currency: Currency) -> Option<Self> {
        let unit_amount = amount.checked_mul(Decimal::from(10i64.pow(currency.exponent())))?.normalize();
        Some(Self { currency, unit_amount })
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut major = self.unit_amount / Decimal::from(10i64.pow(self.currency.exponent()));
        major = major.normalize();
        if major.scale() < self.currency.exponent() {
            major.rescale(self.currency.exponent());
        }
        write!(f, "{major} {}", self.currency)
    }
}

/// What there is at Stripe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StripeCatalog {
    /// Active and archived.
    pub products: BTreeMap<ProductId, CatalogProduct>,
    /// Active ones, and those that Salesforce names whatever they are.
    pub prices: BTreeMap<PriceId, CatalogPrice>,
}

impl StripeCatalog {
    pub fn product_of(&self, price: &CatalogPrice) -> Option<&CatalogProduct> {
        price.price.product.as_ref().and_then(|id| self.products.get(id))
    }

    /// Whether the price can be billed from now on.
    pub fn is_offered(&self, price: &CatalogPrice) -> bool {
        price.price.active && self.product_of(price).is_some_and(|product| product.active)
    }
}

/// What one costs at this price, if that can be said.
pub fn cost_of(price: &CatalogPrice) -> Option<Cost> {
    let (currency, unit_amount) = price.price.currency.zip(price.price.unit_amount)?;
    Some(Cost { currency, unit_amount: unit_amount.normalize() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_in_minor_units_as_stripe_counts_them() {
        for (amount, currency, expected, told) in [
            ("110.00", "USD", "11000", "110.00 USD"),
            ("12000", "JPY", "12000", "12000 JPY"),
            ("1.5", "KWD", "1500", "1.500 KWD"),
            ("0.0125", "EUR", "1.25", "0.0125 EUR"),
        ] {
            let currency = Currency::parse(currency).expect("valid");
            let cost = Cost::from_major_units(amount.parse().expect("valid"), currency).expect("small");
            assert_eq!((cost.unit_amount, cost.to_string()), (expected.parse().expect("valid"), told.to_owned()));
        }
    }
}
