//! Products.

use super::error::Error;
use super::list;
use super::params::{Params, merge_metadata};
use super::prices;
use super::search;
use super::state::{Call, State, assign, text};
use serde_json::{Value, json};

const SEARCHABLE: [&str; 6] = ["active", "description", "metadata", "name", "shippable", "url"];
const PLAIN: [&str; 11] = [
    "active",
    "description",
    "images",
    "marketing_features",
    "name",
    "package_dimensions",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "unit_label",
    "url",
];

pub fn create(state: &mut State, call: &Call) -> Result<Value, Error> {
    let default_price = call.params.get("default_price_data").and_then(Value::as_object);
    if let Some(price) = default_price {
        prices::check_terms(price, "default_price_data")?;
    }
    let product = build(state, &call.params)?;
    let id = text(&product, "id").to_owned();
    state.put("product", product.clone());
    state.emit("product.created", "product", &product);
    let Some(price) = default_price else { return Ok(product) };
    let price = prices::store(state, price, &id, true, true)?;
    let mut product = product;
    product["default_price"] = price["id"].clone();
    state.put("product", product.clone());
    Ok(product)
}

/// A new product from the parameters of a create or of a `product_data`. Not stored yet.
pub fn build(state: &mut State, params: &Params) -> Result<Value, Error> {
    if let Some(id) = params.get("id").and_then(Value::as_str)
        && state.table("product").get(id).is_some()
    {
        let message = format!("Product already exists: {id}");
        return Err(Error::refused(message).code("resource_already_exists").param("id"));
    }
    let mut product = json!({
        "id": null,
        "object": "product",
        "active": true,
        "created": state.now,
        "default_price": null,
        "description": null,
        "images": [],
        "livemode": false,
        "marketing_features": [],
        "metadata": {},
        "name": null,
        "package_dimensions": null,
        "shippable": null,
        "statement_descriptor": null,
        "tax_code": null,
        "type": "service",
        "unit_label": null,
        "updated": state.now,
        "url": null,
    });
    assign(&mut product, params, &PLAIN);
    assign(&mut product, params, &["type"]);
    merge_metadata(&mut product["metadata"], params, "metadata")?;
    product["id"] = params.get("id").cloned().unwrap_or_else(|| state.new_id("prod").into());
    Ok(product)
}

pub fn retrieve(state: &mut State, call: &Call) -> Result<Value, Error> {
    state.named("product", call.id()).cloned()
}

pub fn update(state: &mut State, call: &Call) -> Result<Value, Error> {
    let before = state.named("product", call.id())?.clone();
    if let Some(price) = call.text("default_price") {
        let price = state.referenced("price", price, "default_price")?;
        if price["product"] != before["id"] {
            let message = "The price specified must belong to this product.";
            return Err(Error::refused(message).param("default_price"));
        }
    }
    let mut product = before.clone();
    assign(&mut product, &call.params, &PLAIN);
    assign(&mut product, &call.params, &["default_price"]);
    for name in ["images", "marketing_features"] {
        if product[name].is_null() {
            product[name] = json!([]);
        }
    }
    merge_metadata(&mut product["metadata"], &call.params, "metadata")?;
    product["updated"] = state.now.into();
    state.put("product", product.clone());
    state.emit_updated("product.updated", "product", &before, &product);
    Ok(product)
}

pub fn delete(state: &mut State, call: &Call) -> Result<Value, Error> {
    let product = state.named("product", call.id())?.clone();
    if state.table("price").oldest_first().any(|price| price["product"] == call.id()) {
        return Err(Error::refused("This product cannot be deleted because it has one or more user-created prices."));
    }
    state.table_mut("product").remove(call.id());
    state.emit("product.deleted", "product", &product);
    Ok(json!({ "id": call.id(), "object": "product", "deleted": true }))
}

pub fn list(state: &mut State, call: &Call) -> Result<Value, Error> {
    let ids = call.params.get("ids").and_then(Value::as_array);
    let rows = state.table("product").newest_first().filter(|row| {
        ids.is_none_or(|ids| ids.contains(&row["id"]))
            && ["active", "shippable", "type", "url"].iter().all(|name| list::equal(call, name, row))
            && list::in_range(call, "created", row)
    });
    list::page(call, rows, "product", "/v1/products")
}

pub fn search(state: &mut State, call: &Call) -> Result<Value, Error> {
    search::search(state, call, "product", &SEARCHABLE)
}
