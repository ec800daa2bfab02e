//! What a request says about a subscription's items, checked before anything is stored.

use super::super::error::Error;
use super::super::invoice_items::terms::{make_inline_price, read};
use super::super::money;
use super::super::params::Params;
use super::super::prices;
use super::super::state::{State, text};
use super::period::Recurrence;
use super::shape;
use rust_decimal::Decimal;
use serde_json::{Value, json};

const MOST_ITEMS: usize = 20;
const UNMODELLED: [&str; 7] =
    ["billing_thresholds", "clear_usage", "current_trial", "discounts", "plan", "tax_rates", "trial"];

/// Marks an element of ours whose price was checked when its schedule was made. No request can bring it along.
pub const SETTLED: &str = "_settled";

/// A recurring price: one of the catalogue, or one that is made for this item.
#[derive(Debug, Clone)]
pub enum Priced {
    Catalogue(Value),
    Inline(Params),
}

/// One element of `items`.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The item that it is about. None adds one.
    pub item: Option<String>,
    pub is_deleted: bool,
    pub price: Option<Priced>,
    pub quantity: Option<i64>,
    pub params: Params,
}

/// The elements of `items`. `subscription` is the one whose items they may name.
pub fn items(state: &State, params: &Params, subscription: Option<&str>) -> Result<Vec<Wanted>, Error> {
    let elements = params.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if elements.len() > MOST_ITEMS {
        return Err(Error::refused(format!("A subscription can have at most {MOST_ITEMS} items.")).param("items"));
    }
    let ids: Vec<&str> = elements.iter().filter_map(|element| element["id"].as_str()).collect();
    if ids.iter().enumerate().any(|(index, id)| ids[..index].contains(id)) {
        return Err(Error::refused("You cannot name a subscription item twice.").param("items"));
    }
    let elements = elements.iter().filter_map(Value::as_object).enumerate();
    elements.map(|(index, params)| item(state, params, subscription, &format!("items[{index}]"))).collect()
}

pub fn item(state: &State, params: &Params, subscription: Option<&str>, path: &str) -> Result<Wanted, Error> {
    let name = |name: &str| {
        if path.is_empty() { name.to_owned() } else { format!("{path}[{name}]") }
    };
    if let Some(unmodelled) = UNMODELLED.iter().find(|name| params.get(**name).is_some_and(|value| value != "")) {
        return Err(Error::unmodelled(&format!("`{}`", name(unmodelled))));
    }
    let item = params.get("id").and_then(Value::as_str).map(str::to_owned);
    if let Some(item) = &item {
        let found = state.referenced("subscription_item", item, &name("id"))?;
        if subscription.is_some_and(|subscription| found["subscription"] != subscription) {
            return Err(Error::no_such("subscription item", item, &name("id")));
        }
    }
    let is_deleted = params.get("deleted") == Some(&Value::Bool(true));
    let price = match (params.get("price").and_then(Value::as_str), params.get("price_data").and_then(Value::as_object))
    {
        (Some(_), Some(_)) => return Err(Error::exclusive(&[&name("price"), &name("price_data")])),
        (Some(id), None) => {
            let is_settled = params.contains_key(SETTLED);
            Some(Priced::Catalogue(of_catalogue(state, id, &name("price"), is_settled)?))
        }
        (None, Some(data)) => Some(Priced::Inline(inline(state, data, &name("price_data"))?)),
        (None, None) if item.is_none() => return Err(Error::missing(&name("price"))),
        (None, None) => None,
    };
    let quantity = params.get("quantity").and_then(Value::as_i64);
    if quantity.is_some_and(|quantity| quantity < 0) {
        let message = "This value must be greater than or equal to 0.";
        return Err(Error::invalid(&name("quantity"), message).code("parameter_invalid_integer"));
    }
    Ok(Wanted { item, is_deleted, price, quantity, params: params.clone() })
}

fn of_catalogue(state: &State, id: &str, param: &str, is_settled: bool) -> Result<Value, Error> {
    let price = state.referenced("price", id, param)?;
    if price["active"] == false && !is_settled {
        let message = "The price specified is inactive. This field only accepts active prices.";
        return Err(Error::refused(message).param(param));
    }
    if price["type"] != "recurring" {
        let message = "The price specified is set to `type=one_time` but this field only accepts prices with \
                       `type=recurring`.";
        return Err(Error::refused(message).param(param));
    }
    if price["recurring"]["usage_type"] != "licensed" {
        return Err(Error::unmodelled("prices by usage"));
    }
    Ok(price.clone())
}

fn inline(state: &State, data: &Params, path: &str) -> Result<Params, Error> {
    let product = format!("{path}[product]");
    let id = data.get("product").and_then(Value::as_str).ok_or_else(|| Error::missing(&product))?;
    state.referenced("product", id, &product)?;
    prices::check_terms(data, path)?;
    Ok(data.clone())
}

impl Priced {
    pub fn currency(&self) -> String {
        match self {
            Self::Catalogue(price) => text(price, "currency").to_owned(),
            Self::Inline(data) => data["currency"].as_str().unwrap_or_default().to_ascii_lowercase(),
        }
    }

    pub fn recurrence(&self) -> Option<Recurrence> {
        match self {
            Self::Catalogue(price) => shape::recurrence(price),
            Self::Inline(data) => shape::recurrence(&Value::Object(data.clone())),
        }
    }

    /// The price's id. One that is given by its data is made now.
    pub fn settle(&self, state: &mut State) -> Result<String, Error> {
        match self {
            Self::Catalogue(price) => Ok(text(price, "id").to_owned()),
            Self::Inline(data) => Ok(text(&make_inline_price(state, data)?, "id").to_owned()),
        }
    }
}

/// One currency for all.
pub fn one_currency(priced: &[(Recurrence, String)]) -> Result<String, Error> {
    let Some((_, currency)) = priced.first().cloned() else {
        return Err(Error::missing("items"));
    };
    if priced.iter().any(|(_, other)| *other != currency) {
        let message = "All prices on a subscription must have the same `currency`. If you meant to update an existing \
                       subscription item instead of creating a new one, make sure to include the subscription item ID \
                       in your request.";
        return Err(Error::refused(message).param("items"));
    }
    Ok(currency)
}

/// And one recurrence: a change or a schedule of several recurrences in one subscription is not modelled.
pub fn agree(priced: &[(Recurrence, String)]) -> Result<(Recurrence, String), Error> {
    let currency = one_currency(priced)?;
    let Some((recurrence, _)) = priced.first().cloned() else { return Err(Error::missing("items")) };
    if priced.iter().any(|(other, _)| *other != recurrence) {
        return Err(Error::unmodelled("several intervals in one subscription that is changed or scheduled"));
    }
    Ok((recurrence, currency))
}

/// The elements of `add_invoice_items`, which are billed once, beside the items: in the words of an invoice's lines.
pub fn extras(state: &State, params: &Params, currency: &str) -> Result<Vec<Params>, Error> {
    let elements = params.get("add_invoice_items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if elements.len() > MOST_ITEMS {
        let message = format!("You can add at most {MOST_ITEMS} invoice items.");
        return Err(Error::refused(message).param("add_invoice_items"));
    }
    let mut extras = Vec::with_capacity(elements.len());
    for (index, element) in elements.iter().filter_map(Value::as_object).enumerate() {
        let path = format!("add_invoice_items[{index}]");
        if let Some(unmodelled) = ["discounts", "tax_rates"].iter().find(|name| element.contains_key(**name)) {
            return Err(Error::unmodelled(&format!("`{path}[{unmodelled}]`")));
        }
        // The same as an invoice's line, which calls its price `pricing[price]`.
        let mut params = element.clone();
        if let Some(price) = params.shift_remove("price") {
            params.insert("pricing".into(), json!({ "price": price }));
        }
        if let Some(period) = params.shift_remove("period") {
            params.insert("period".into(), named_period(&period, &path)?);
        }
        read(state, &params, currency, &path)?;
        extras.push(params);
    }
    Ok(extras)
}

/// In the words of an invoice's lines. A moment that is told by the items is not modelled.
fn named_period(period: &Value, path: &str) -> Result<Value, Error> {
    let moment = |name: &str| {
        let timestamp = period[name]["timestamp"].as_i64().filter(|_| period[name]["type"] == "timestamp");
        timestamp.ok_or_else(|| Error::unmodelled(&format!("`{path}[period][{name}]` that is no timestamp")))
    };
    Ok(serde_json::json!({ "start": moment("start")?, "end": moment("end")? }))
}

/// What one of an item costs a period, in minor units.
pub fn unit_amount(price: &Value) -> Decimal {
    text(price, "unit_amount_decimal").parse().unwrap_or_default()
}

/// What an item costs a period.
pub fn amount(price: &Value, quantity: i64) -> i64 {
    money::line_amount(unit_amount(price), quantity.into(), "items").unwrap_or(i64::MAX)
}
