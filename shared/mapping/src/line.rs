//! OpportunityLineItem → a line of the invoice.

use domain::{Currency, Money, MoneyError, OpportunityLineItemId, PriceId, Record};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::customer::cut;

/// In bytes. Stripe takes 500 characters; a plan of 250 lines and the body of a hundred must fit an item of the ledger.
const LONGEST_DESCRIPTION: usize = 300;

/// Stripe's `quantity` is a whole number; fractions go by `quantity_decimal`, with at most twelve decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    Whole(i64),
    Fraction(#[serde(with = "rust_decimal::serde::str")] Decimal),
}

impl Quantity {
    pub fn as_decimal(self) -> Decimal {
        match self {
            Self::Whole(quantity) => Decimal::from(quantity),
            Self::Fraction(quantity) => quantity,
        }
    }
}

/// One line as it will be billed. `amount` is what Salesforce says the line costs, after discounts; it is what the line
/// at Stripe must come to, whatever the price object there says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanLine {
    /// Finds the line again at Stripe, whatever happened in between: it is written to the line's metadata.
    pub key: OpportunityLineItemId,
    pub description: String,
    pub quantity: Quantity,
    pub amount: Money,
    pub price: PriceId,
    /// The amount is not simply list price times quantity, so the catalogue's price will probably not come to it.
    pub negotiated: bool,
}

/// The line, or what is wrong with it in words that name the product.
pub(crate) fn line(record: &Record, currency: Currency, position: usize) -> Result<PlanLine, String> {
    let name = record.text("Product2.Name").unwrap_or("without a product");
    let problem = |what: &str| format!("line {position} ({}): {what}", cut(name, 60));
    let key = record
        .text("Id")
        .and_then(|id| OpportunityLineItemId::parse(id).ok())
        .ok_or_else(|| problem("its id cannot be read"))?;
    let price = record
        .text("Product2.Stripe_Price_Id__c")
        .ok_or_else(|| problem("fill in Stripe Price Id on the product"))
        .and_then(|id| {
            PriceId::parse(id).map_err(|_| problem("Stripe Price Id on the product is not a price id (price_…)"))
        })?;
    let amount = record.number("TotalPrice").ok_or_else(|| problem("it has no total price"))?;
    let amount = Money::from_major_units(amount, currency).map_err(|why| match why {
        MoneyError::NotRepresentable { .. } | MoneyError::TooLarge { .. } | MoneyError::CurrencyMismatch(..) => {
            problem(&why.to_string())
        }
    })?;
    let quantity = record.number("Quantity").ok_or_else(|| problem("it has no quantity"))?.normalize();
    if quantity <= Decimal::ZERO {
        return Err(problem("its quantity must be more than zero"));
    }
    if quantity.scale() > 12 || quantity > Decimal::from(1_000_000_000) {
        return Err(problem("its quantity is beyond what Stripe takes"));
    }
    let at_list = record.number("ListPrice").and_then(|list| list.checked_mul(quantity));
    let negotiated = at_list.is_none_or(|at_list| at_list != amount.to_major_units());
    let quantity = match i64::try_from(quantity) {
        Ok(whole) if quantity.is_integer() => Quantity::Whole(whole),
        _ => Quantity::Fraction(quantity),
    };
    let description = record.text("Description").or(record.text("Product2.Name")).unwrap_or("Item");
    Ok(PlanLine { key, description: cut_bytes(description, LONGEST_DESCRIPTION), quantity, amount, price, negotiated })
}

/// Cuts at a character, never inside one.
fn cut_bytes(text: &str, most_bytes: usize) -> String {
    let end = (0..=most_bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].to_owned()
}
