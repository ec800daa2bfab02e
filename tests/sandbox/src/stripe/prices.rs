//! Prices. Amount, currency and recurrence never change; a lookup key belongs to one active price at a time.

use super::error::Error;
use super::list;
use super::money;
use super::params::{Params, merge_metadata};
use super::products;
use super::search;
use super::state::{Call, State, assign, text};
use super::subscriptions::period::Interval;
use rust_decimal::Decimal;
use serde_json::{Value, json};

const SEARCHABLE: [&str; 6] = ["active", "currency", "lookup_key", "metadata", "product", "type"];

pub fn create(state: &mut State, call: &Call) -> Result<Value, Error> {
    check_terms(&call.params, "")?;
    let product_data = call.params.get("product_data").and_then(Value::as_object);
    let product = match (call.text("product"), product_data) {
        (Some(_), Some(_)) => return Err(Error::exclusive(&["product", "product_data"])),
        (None, None) => return Err(Error::missing("product")),
        (Some(product), None) => {
            state.referenced("product", product, "product")?;
            None
        }
        (None, Some(data)) => Some(products::build(state, data)?),
    };
    if let Some(key) = call.text("lookup_key") {
        take_lookup_key(state, key, call.flag("transfer_lookup_key") == Some(true), "")?;
    }
    let product_id = match product {
        None => call.text("product").unwrap_or_default().to_owned(),
        Some(product) => {
            state.put("product", product.clone());
            state.emit("product.created", "product", &product);
            text(&product, "id").to_owned()
        }
    };
    let active = call.flag("active").unwrap_or(true);
    store(state, &call.params, &product_id, active, true)
}

/// The unit amount in minor units, from whichever of the two parameters gives it.
pub fn unit_amount(params: &Params, currency: &str, path: &str) -> Result<Option<Decimal>, Error> {
    let name = |name: &str| {
        if path.is_empty() { name.to_owned() } else { format!("{path}[{name}]") }
    };
    let whole = params.get("unit_amount").and_then(Value::as_i64);
    let exact = params.get("unit_amount_decimal").and_then(Value::as_str);
    match (whole, exact) {
        (Some(_), Some(_)) => Err(Error::exclusive(&[&name("unit_amount"), &name("unit_amount_decimal")])),
        (Some(whole), None) => {
            money::check_amount(whole, currency, &name("unit_amount")).map(|whole| Some(whole.into()))
        }
        (None, Some(exact)) => Ok(exact.parse().ok()),
        (None, None) => Ok(None),
    }
}

/// Everything about a price's terms that can be wrong before anything is stored.
pub fn check_terms(params: &Params, path: &str) -> Result<(), Error> {
    let name = |name: &str| {
        if path.is_empty() { name.to_owned() } else { format!("{path}[{name}]") }
    };
    let currency = params.get("currency").and_then(Value::as_str).unwrap_or_default();
    let currency = money::currency(currency, &name("currency"))?;
    let Some(amount) = unit_amount(params, &currency, path)? else {
        let message = "Exactly one of `unit_amount` or `unit_amount_decimal` must be specified.";
        return Err(Error::invalid(&name("unit_amount"), message).code("parameter_missing"));
    };
    if amount.is_sign_negative() && !amount.is_zero() {
        let message = "This value must be greater than or equal to 0.";
        return Err(Error::invalid(&name("unit_amount"), message).code("parameter_invalid_integer"));
    }
    if params.get("billing_scheme").is_some_and(|scheme| scheme != "per_unit") {
        return Err(Error::unmodelled("tiered prices"));
    }
    if let Some(recurring) = params.get("recurring") {
        let most = recurring["interval"].as_str().and_then(Interval::parse).map_or(1, Interval::most);
        let count = recurring["interval_count"].as_i64().unwrap_or(1);
        if !(1..=most).contains(&count) {
            let message = format!("Invalid interval_count: must be between 1 and {most}.");
            return Err(Error::invalid(&name("recurring[interval_count]"), message));
        }
    }
    let lookup_key = params.get("lookup_key").and_then(Value::as_str).unwrap_or_default();
    if lookup_key.chars().count() > 200 {
        return Err(Error::invalid(&name("lookup_key"), "Invalid string: must be at most 200 characters"));
    }
    Ok(())
}

/// Makes the price. The terms are checked. A price made for one line of an invoice is inactive from the start.
pub fn store(state: &mut State, params: &Params, product: &str, active: bool, reusable: bool) -> Result<Value, Error> {
    let currency = money::currency(params.get("currency").and_then(Value::as_str).unwrap_or_default(), "currency")?;
    let amount = unit_amount(params, &currency, "")?.unwrap_or_default();
    let whole = amount.is_integer().then(|| i64::try_from(amount).ok()).flatten();
    let recurring = params.get("recurring").map(|recurring| {
        json!({
            "interval": recurring["interval"],
            "interval_count": recurring["interval_count"].as_i64().unwrap_or(1),
            "meter": recurring["meter"],
            "trial_period_days": recurring["trial_period_days"],
            "usage_type": recurring["usage_type"].as_str().unwrap_or("licensed"),
        })
    });
    let mut price = json!({
        "id": state.new_id("price"),
        "object": "price",
        "active": active,
        "billing_scheme": "per_unit",
        "created": state.now,
        "currency": currency,
        "custom_unit_amount": null,
        "livemode": false,
        "lookup_key": null,
        "metadata": {},
        "nickname": null,
        "product": product,
        "recurring": recurring,
        "tax_behavior": "unspecified",
        "tiers_mode": null,
        "transform_quantity": null,
        "type": if recurring.is_some() { "recurring" } else { "one_time" },
        "unit_amount": whole,
        "unit_amount_decimal": money::plain(amount),
    });
    assign(&mut price, params, &["tax_behavior"]);
    if !reusable {
        state.inline_prices.insert(text(&price, "id").to_owned());
    } else {
        assign(&mut price, params, &["lookup_key", "nickname"]);
        merge_metadata(&mut price["metadata"], params, "metadata")?;
    }
    state.put("price", price.clone());
    state.emit("price.created", "price", &price);
    Ok(price)
}

/// Frees a lookup key for its next price, or refuses when it may not be moved. `own` is the price that asks.
fn take_lookup_key(state: &mut State, key: &str, transfer: bool, own: &str) -> Result<(), Error> {
    let holder = state.table("price").oldest_first().find(|price| price["lookup_key"] == key).cloned();
    let Some(mut holder) = holder.filter(|holder| text(holder, "id") != own) else {
        return Ok(());
    };
    if !transfer {
        let id = text(&holder, "id");
        let message = format!("A price (`{id}`) already uses that lookup key.");
        return Err(Error::refused(message).param("lookup_key"));
    }
    let before = holder.clone();
    holder["lookup_key"] = Value::Null;
    state.put("price", holder.clone());
    state.emit_updated("price.updated", "price", &before, &holder);
    Ok(())
}

pub fn retrieve(state: &mut State, call: &Call) -> Result<Value, Error> {
    state.named("price", call.id()).cloned()
}

pub fn update(state: &mut State, call: &Call) -> Result<Value, Error> {
    let before = state.named("price", call.id())?.clone();
    let mut price = before.clone();
    assign(&mut price, &call.params, &["active", "lookup_key", "nickname", "tax_behavior"]);
    merge_metadata(&mut price["metadata"], &call.params, "metadata")?;
    if let Some(key) = call.text("lookup_key") {
        take_lookup_key(state, key, call.flag("transfer_lookup_key") == Some(true), call.id())?;
    }
    state.put("price", price.clone());
    state.emit_updated("price.updated", "price", &before, &price);
    Ok(price)
}

pub fn list(state: &mut State, call: &Call) -> Result<Value, Error> {
    let keys = call.params.get("lookup_keys").and_then(Value::as_array);
    if keys.is_some_and(|keys| keys.len() > 10) {
        return Err(Error::invalid("lookup_keys", "You may specify up to 10 lookup keys."));
    }
    let recurring = call.params.get("recurring").and_then(Value::as_object);
    let rows = state.table("price").newest_first().filter(|row| {
        // Stripe lists no price that was made for one line of an invoice.
        !state.inline_prices.contains(text(row, "id"))
            && keys.is_none_or(|keys| keys.contains(&row["lookup_key"]))
            && recurring.is_none_or(|terms| terms.iter().all(|(name, term)| row["recurring"][name] == *term))
            && ["active", "currency", "product", "type"].iter().all(|name| list::equal(call, name, row))
            && list::in_range(call, "created", row)
    });
    list::page(call, rows, "price", "/v1/prices")
}

pub fn search(state: &mut State, call: &Call) -> Result<Value, Error> {
    search::search(state, call, "price", &SEARCHABLE)
}
