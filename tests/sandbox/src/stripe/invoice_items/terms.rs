//! What a line costs: exactly one of an amount, a price, or the data of a price, times a quantity.

use super::super::error::Error;
use super::super::money;
use super::super::params::Params;
use super::super::prices;
use super::super::products;
use super::super::state::{State, text};
use rust_decimal::Decimal;
use serde_json::Value;

pub struct Terms {
    pub amount: i64,
    pub unit_amount: Decimal,
    pub quantity: Decimal,
    pub price: PriceOf,
}

pub enum PriceOf {
    Nothing,
    Price { price: String, product: String },
    Data(Params),
}

const UNMODELLED: [&str; 3] = ["discounts", "tax_amounts", "tax_rates"];

/// The terms of a new line, checked against the currency it is to be in. Nothing is stored.
pub fn read(state: &State, params: &Params, currency: &str, path: &str) -> Result<Terms, Error> {
    let name = |name: &str| {
        if path.is_empty() { name.to_owned() } else { format!("{path}[{name}]") }
    };
    for unmodelled in UNMODELLED {
        if params.get(unmodelled).is_some_and(|value| value != "") {
            return Err(Error::unmodelled(&format!("`{}`", name(unmodelled))));
        }
    }
    let given: Vec<&str> = ["amount", "price_data", "pricing", "unit_amount_decimal"]
        .into_iter()
        .filter(|option| params.contains_key(*option))
        .collect();
    let quantity = quantity(params, path)?;
    match given[..] {
        ["amount"] => {
            if quantity.is_some() {
                return Err(Error::exclusive(&[&name("amount"), &name("quantity")]));
            }
            let amount = params["amount"].as_i64().unwrap_or_default();
            let amount = money::check_amount(amount, currency, &name("amount"))?;
            Ok(Terms { amount, unit_amount: amount.into(), quantity: Decimal::ONE, price: PriceOf::Nothing })
        }
        ["unit_amount_decimal"] => {
            let unit_amount =
                params["unit_amount_decimal"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
            multiply(unit_amount, quantity.unwrap_or(Decimal::ONE), PriceOf::Nothing, path)
        }
        ["pricing"] => {
            let (unit_amount, price) = existing_price(state, params, currency, path)?;
            multiply(unit_amount, quantity.unwrap_or(Decimal::ONE), price, path)
        }
        ["price_data"] => {
            let data = params["price_data"].as_object().cloned().unwrap_or_default();
            let unit_amount = check_price_data(state, &data, currency, &name("price_data"))?;
            multiply(unit_amount, quantity.unwrap_or(Decimal::ONE), PriceOf::Data(data), path)
        }
        [] => {
            let message =
                format!("You must specify one of: {}, {}, {}.", name("amount"), name("pricing"), name("price_data"));
            Err(Error::invalid(&name("amount"), message).code("parameter_missing"))
        }
        ref several => {
            let names: Vec<String> = several.iter().map(|one| name(one)).collect();
            Err(Error::exclusive(&names.iter().map(String::as_str).collect::<Vec<_>>()))
        }
    }
}

/// The terms after a change, or nothing when the change leaves them as they are.
pub fn reread(state: &State, params: &Params, item: &Value, path: &str) -> Result<Option<Terms>, Error> {
    let currency = text(item, "currency");
    let priced =
        ["amount", "price_data", "pricing", "unit_amount_decimal"].iter().any(|name| params.contains_key(*name));
    let quantity = quantity(params, path)?;
    if !priced && quantity.is_none() {
        for unmodelled in UNMODELLED {
            if params.get(unmodelled).is_some_and(|value| value != "") {
                return Err(Error::unmodelled(&format!("`{unmodelled}`")));
            }
        }
        return Ok(None);
    }
    let old_quantity = text(item, "quantity_decimal").parse().unwrap_or(Decimal::ONE);
    if priced {
        let terms = read(state, params, currency, path)?;
        let keeps_quantity = quantity.is_none() && !params.contains_key("amount");
        let terms = if keeps_quantity { multiply(terms.unit_amount, old_quantity, terms.price, path)? } else { terms };
        return Ok(Some(terms));
    }
    let details = &item["pricing"]["price_details"];
    let price = match details["price"].as_str() {
        None => PriceOf::Nothing,
        Some(price) => PriceOf::Price { price: price.into(), product: text(details, "product").into() },
    };
    let unit_amount = text(&item["pricing"], "unit_amount_decimal").parse().unwrap_or_default();
    multiply(unit_amount, quantity.unwrap_or(old_quantity), price, path).map(Some)
}

fn multiply(unit_amount: Decimal, quantity: Decimal, price: PriceOf, path: &str) -> Result<Terms, Error> {
    let amount = money::line_amount(unit_amount, quantity, path)?;
    Ok(Terms { amount, unit_amount, quantity, price })
}

fn quantity(params: &Params, path: &str) -> Result<Option<Decimal>, Error> {
    let name = |name: &str| {
        if path.is_empty() { name.to_owned() } else { format!("{path}[{name}]") }
    };
    let quantity: Option<Decimal> = match (params.get("quantity"), params.get("quantity_decimal")) {
        (Some(_), Some(_)) => return Err(Error::exclusive(&[&name("quantity"), &name("quantity_decimal")])),
        (Some(whole), None) => whole.as_i64().map(Decimal::from),
        (None, Some(exact)) => exact.as_str().and_then(|text| text.parse().ok()),
        (None, None) => None,
    };
    if quantity.is_some_and(|quantity| quantity < Decimal::ZERO) {
        let message = "This value must be greater than or equal to 0.";
        return Err(Error::invalid(&name("quantity"), message).code("parameter_invalid_integer"));
    }
    Ok(quantity)
}

fn existing_price(state: &State, params: &Params, currency: &str, path: &str) -> Result<(Decimal, PriceOf), Error> {
    let param = if path.is_empty() { "pricing[price]".to_owned() } else { format!("{path}[pricing][price]") };
    let id = params["pricing"]["price"].as_str().ok_or_else(|| Error::missing(&param))?;
    let price = state.referenced("price", id, &param)?;
    if price["active"] == false {
        let message = "The price specified is inactive. This field only accepts active prices.";
        return Err(Error::refused(message).param(param));
    }
    if price["type"] == "recurring" {
        let message = "The price specified is set to `type=recurring` but this field only accepts prices with \
                       `type=one_time`.";
        return Err(Error::refused(message).param(param));
    }
    check_currency(text(price, "currency"), currency, &param)?;
    let unit_amount = text(price, "unit_amount_decimal").parse().unwrap_or_default();
    Ok((unit_amount, PriceOf::Price { price: id.to_owned(), product: text(price, "product").to_owned() }))
}

fn check_currency(actual: &str, expected: &str, param: &str) -> Result<(), Error> {
    if actual == expected {
        return Ok(());
    }
    let message = format!(
        "The price specified only supports `{actual}`. This doesn't match the expected currency: `{expected}`."
    );
    Err(Error::refused(message).param(param))
}

fn check_price_data(state: &State, data: &Params, currency: &str, path: &str) -> Result<Decimal, Error> {
    let own = money::currency(data["currency"].as_str().unwrap_or_default(), &format!("{path}[currency]"))?;
    check_currency(&own, currency, &format!("{path}[currency]"))?;
    let (product, product_data) = (format!("{path}[product]"), format!("{path}[product_data]"));
    match (data.get("product").and_then(Value::as_str), data.get("product_data")) {
        (Some(_), Some(_)) => return Err(Error::exclusive(&[&product, &product_data])),
        (None, None) => return Err(Error::missing(&product)),
        (Some(id), None) => drop(state.referenced("product", id, &product)?),
        (None, Some(_)) => {}
    }
    let unit_amount = prices::unit_amount(data, currency, path)?;
    unit_amount.ok_or_else(|| Error::missing(&format!("{path}[unit_amount]")))
}

/// The inactive price, and the product if need be, that `price_data` stands for. The data is checked.
pub fn make_inline_price(state: &mut State, data: &Params) -> Result<Value, Error> {
    let product = match data.get("product_data").and_then(Value::as_object) {
        None => data.get("product").and_then(Value::as_str).unwrap_or_default().to_owned(),
        Some(product) => {
            let product = products::build(state, product)?;
            state.put("product", product.clone());
            state.emit("product.created", "product", &product);
            text(&product, "id").to_owned()
        }
    };
    prices::store(state, data, &product, false, false)
}
