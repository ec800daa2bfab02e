//! A line of the deal → a line of the invoice.

use domain::{Currency, LineItemId, Money, PriceId, Record};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Interval;
use crate::customer::cut;
use crate::source::Names;

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
    pub key: LineItemId,
    pub description: String,
    pub quantity: Quantity,
    pub amount: Money,
    pub price: PriceId,
    /// The amount is not simply list price times quantity, so the catalogue's price will probably not come to it.
    pub negotiated: bool,
    /// It is an item of the deal's subscription. The amount is that of the whole term.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recurring: bool,
    /// It is billed more often than the term counts its periods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Interval>,
}

/// What becomes of a line that comes back every month or year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recurring {
    /// It is not billed, where the line says that it comes back.
    Refused,
    Subscribed,
    /// A rule says so.
    BilledOnce,
}

/// The line, or everything that is wrong with it in words that name the product. Without a currency there is no line, and
/// still this or that to mend.
pub(crate) fn line(
    record: &Record,
    names: &Names,
    currency: Option<Currency>,
    position: usize,
    recurring: Recurring,
) -> Result<(Option<PlanLine>, Option<Interval>), String> {
    let (key, price, amount, quantity) =
        (key(record), price(record, names), amount(record, names, currency), quantity(record, names));
    let charge = charge(record, names, recurring).and_then(|every| sellable(every, &amount));
    let problems: Vec<String> = [
        key.as_ref().err(),
        price.as_ref().err(),
        amount.as_ref().err(),
        quantity.as_ref().err(),
        charge.as_ref().err(),
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect();
    let (Ok(key), Ok(price), Ok(amount), Ok(quantity), Ok(every)) = (key, price, amount, quantity, charge) else {
        return Err(format!("line {position} ({}): {}", product(record, names), problems.join(", and ")));
    };
    let Some(amount) = amount else { return Ok((None, every)) };
    let at_list = record.number(names.list_price).and_then(|list| list.checked_mul(quantity));
    let negotiated = at_list.is_none_or(|at_list| at_list != amount.to_major_units());
    let quantity = match i64::try_from(quantity) {
        Ok(whole) if quantity.is_integer() => Quantity::Whole(whole),
        _ => Quantity::Fraction(quantity),
    };
    let description = record.text(names.description).or(record.text(names.product)).unwrap_or("Item");
    let description = cut_bytes(description, LONGEST_DESCRIPTION);
    let recurring = every.is_some();
    Ok((Some(PlanLine { key, description, quantity, amount, price, negotiated, recurring, every: None }), every))
}

fn key(record: &Record) -> Result<LineItemId, String> {
    let key = record.text("Id").and_then(|id| LineItemId::parse(id).ok());
    key.ok_or_else(|| "its id cannot be read".to_owned())
}

/// How the product is called in sentences.
pub(crate) fn product(record: &Record, names: &Names) -> String {
    cut(record.text(names.product).unwrap_or("without a product"), 60)
}

pub(crate) fn price(record: &Record, names: &Names) -> Result<PriceId, String> {
    let id = record.text(names.price).ok_or("fill in Stripe Price Id on the product")?;
    PriceId::parse(id).map_err(|_| "Stripe Price Id on the product is not a price id (price_…)".to_owned())
}

fn amount(record: &Record, names: &Names, currency: Option<Currency>) -> Result<Option<Money>, String> {
    let amount = record.number(names.total).ok_or("it has no total price")?;
    currency.map(|currency| Money::from_major_units(amount, currency)).transpose().map_err(|why| why.to_string())
}

/// How often the line is billed; `None` for once.
fn charge(record: &Record, names: &Names, recurring: Recurring) -> Result<Option<Interval>, String> {
    let text = |field: Option<&'static str>| field.and_then(|field| record.text(field));
    let what = match (text(names.charge_type), text(names.subscription_pricing)) {
        (Some("One-Time"), _) => return Ok(None),
        (None, None) if names.charge_type.is_some() => return Ok(None),
        (None, None) => None,
        (Some(charge_type), _) => Some(format!("its charge type is {}", cut(charge_type, 20))),
        (None, Some(pricing)) => Some(format!("its subscription pricing is {}", cut(pricing, 20))),
    };
    match (what, recurring) {
        (None, Recurring::Refused) => Ok(None),
        // What comes back every month or year is not billed by one invoice.
        (Some(what), Recurring::Refused) => Err(format!("{what}, and only one-time products are billed")),
        _ if text(names.charge_type) == Some("Usage") => {
            Err("its charge type is Usage, and what was used is not billed".to_owned())
        }
        (_, Recurring::BilledOnce) => Ok(None),
        _ if text(names.billing_type) == Some("Arrears") => {
            Err("it is billed in arrears, and subscriptions are billed in advance".to_owned())
        }
        (what, _) => match record.text(names.frequency) {
            Some(frequency) => Interval::parse(frequency).map(Some),
            None if what.is_some() => Err("fill in its billing frequency".to_owned()),
            None => Ok(None),
        },
    }
}

/// Stripe's recurring prices are zero or more.
fn sellable(every: Option<Interval>, amount: &Result<Option<Money>, String>) -> Result<Option<Interval>, String> {
    match amount {
        Ok(Some(amount)) if every.is_some() && amount.minor_units() < 0 => {
            Err("it is recurring, and costs less than nothing".to_owned())
        }
        _ => Ok(every),
    }
}

fn quantity(record: &Record, names: &Names) -> Result<Decimal, String> {
    let quantity = record.number(names.quantity).ok_or("it has no quantity")?.normalize();
    if quantity <= Decimal::ZERO {
        return Err("its quantity must be more than zero".to_owned());
    }
    if quantity.scale() > 12 || quantity > Decimal::from(1_000_000_000) {
        return Err("its quantity is beyond what Stripe takes".to_owned());
    }
    Ok(quantity)
}

/// Cuts at a character, never inside one.
fn cut_bytes(text: &str, most_bytes: usize) -> String {
    let end = (0..=most_bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].to_owned()
}
