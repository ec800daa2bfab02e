//! Invoice items: what an invoice's lines are made of, and what waits for a customer's next invoice.

pub mod terms;

use super::error::Error;
use super::invoices::lines;
use super::list;
use super::money;
use super::params::{Params, merge_metadata};
use super::state::{Call, State, assign, text};
use super::subscriptions::check_currency;
use serde_json::{Value, json};
use terms::{PriceOf, Terms};

pub fn create(state: &mut State, call: &Call) -> Result<Value, Error> {
    let invoice = match call.text("invoice") {
        None => None,
        Some(id) => Some(lines::draft(state, id, Some("invoice"))?),
    };
    let customer = match (call.text("customer"), &invoice) {
        (Some(customer), _) => customer.to_owned(),
        (None, Some(invoice)) => text(invoice, "customer").to_owned(),
        (None, None) => return Err(Error::missing("customer")),
    };
    let currency = match &invoice {
        Some(invoice) => text(invoice, "currency").to_owned(),
        None => pending_currency(state, call, &customer)?,
    };
    let terms = terms::read(state, &call.params, &currency, "")?;
    let target = Target { customer: &customer, currency: &currency, invoice: call.text("invoice") };
    let item = make(state, &target, &call.params, terms)?;
    if let Some(before) = invoice {
        lines::attach(state, text(&before, "id"), text(&item, "id"));
        lines::recount(state, &before);
    }
    Ok(item)
}

/// The currency of a pending item. All pending items of a customer share one.
fn pending_currency(state: &State, call: &Call, customer_id: &str) -> Result<String, Error> {
    let customer = state.referenced("customer", customer_id, "customer")?;
    let of_price = call.params.get("price_data").and_then(|data| data["currency"].as_str());
    let wanted = call.text("currency").or(of_price).or(customer["currency"].as_str());
    let currency = money::currency(wanted.unwrap_or(&state.default_currency), "currency")?;
    check_currency(state, customer_id, &currency)?;
    Ok(currency)
}

/// The customer's items that are on no invoice, newest first.
pub fn pending<'a>(state: &'a State, customer: &'a str) -> impl Iterator<Item = &'a Value> {
    state
        .table("invoiceitem")
        .newest_first()
        .filter(move |item| item["customer"] == customer && item["invoice"].is_null())
}

/// Whose item it is to be.
pub struct Target<'a> {
    pub customer: &'a str,
    pub currency: &'a str,
    pub invoice: Option<&'a str>,
}

/// Makes the item. The terms are checked, so what is left to fail is the metadata and the period.
pub fn make(state: &mut State, target: &Target, params: &Params, terms: Terms) -> Result<Value, Error> {
    let mut item = json!({
        "id": null,
        "object": "invoiceitem",
        "amount": 0,
        "currency": target.currency,
        "customer": target.customer,
        "customer_account": null,
        "date": state.now,
        "description": null,
        "discountable": terms.amount >= 0,
        "discounts": [],
        "invoice": target.invoice,
        "livemode": false,
        "metadata": {},
        "net_amount": 0,
        "parent": null,
        "period": { "end": state.now, "start": state.now },
        "pricing": null,
        "proration": false,
        "proration_details": null,
        "quantity": 1,
        "quantity_decimal": "1",
        "tax_rates": [],
        "test_clock": null,
    });
    describe(&mut item, params)?;
    item["id"] = state.new_id("ii").into();
    price(state, &mut item, params, terms)?;
    state.put("invoiceitem", item.clone());
    state.emit("invoiceitem.created", "invoiceitem", &item);
    Ok(item)
}

/// What an item says, apart from what it costs.
fn describe(item: &mut Value, params: &Params) -> Result<(), Error> {
    assign(item, params, &["description", "discountable", "period"]);
    let (start, end) = (item["period"]["start"].as_i64(), item["period"]["end"].as_i64());
    if start > end {
        let message = "The start of the period must not be after its end.";
        return Err(Error::invalid("period[end]", message));
    }
    merge_metadata(&mut item["metadata"], params, "metadata")
}

/// What an item costs. A price given by its data is made here, together with its product.
fn price(state: &mut State, item: &mut Value, params: &Params, terms: Terms) -> Result<(), Error> {
    let price_details = match &terms.price {
        PriceOf::Nothing => Value::Null,
        PriceOf::Price { price, product } => json!({ "price": price, "product": product }),
        PriceOf::Data(data) => {
            let price = terms::make_inline_price(state, data)?;
            json!({ "price": price["id"], "product": price["product"] })
        }
    };
    if item["description"].is_null() && !params.contains_key("description") {
        let product = price_details["product"].as_str().and_then(|id| state.table("product").get(id));
        item["description"] = product.map(|product| product["name"].clone()).unwrap_or_default();
    }
    item["amount"] = terms.amount.into();
    item["net_amount"] = terms.amount.into();
    item["quantity"] = i64::try_from(terms.quantity.trunc()).unwrap_or(i64::MAX).into();
    item["quantity_decimal"] = money::plain(terms.quantity).into();
    item["pricing"] = json!({
        "price_details": price_details,
        "type": "price_details",
        "unit_amount_decimal": money::plain(terms.unit_amount),
    });
    Ok(())
}

/// Changes an item, on an invoice or pending. The caller recounts the invoice.
pub fn change(state: &mut State, id: &str, params: &Params, path: &str) -> Result<Value, Error> {
    let mut item = state.referenced("invoiceitem", id, "id")?.clone();
    let frozen =
        ["amount", "discountable", "price_data", "pricing", "quantity", "quantity_decimal", "unit_amount_decimal"];
    if let Some(name) = frozen.iter().find(|name| item["proration"] == true && params.contains_key(**name)) {
        return Err(Error::refused("You cannot change what a proration costs.").param(*name));
    }
    let terms = terms::reread(state, params, &item, path)?;
    describe(&mut item, params)?;
    if let Some(terms) = terms {
        price(state, &mut item, params, terms)?;
    }
    state.put("invoiceitem", item.clone());
    Ok(item)
}

pub fn retrieve(state: &mut State, call: &Call) -> Result<Value, Error> {
    state.named("invoiceitem", call.id()).cloned()
}

pub fn update(state: &mut State, call: &Call) -> Result<Value, Error> {
    let invoice = state.named("invoiceitem", call.id())?["invoice"].as_str().map(str::to_owned);
    let before = invoice.map(|id| lines::draft(state, &id, None)).transpose()?;
    let item = change(state, call.id(), &call.params, "")?;
    if let Some(before) = before {
        lines::recount(state, &before);
    }
    Ok(item)
}

pub fn delete(state: &mut State, call: &Call) -> Result<Value, Error> {
    let invoice = state.named("invoiceitem", call.id())?["invoice"].as_str().map(str::to_owned);
    if state.named("invoiceitem", call.id())?["proration"] == true {
        return Err(Error::unmodelled("deleting a proration"));
    }
    let before = invoice.map(|id| lines::draft(state, &id, None)).transpose()?;
    remove(state, call.id());
    if let Some(before) = before {
        lines::detach(state, text(&before, "id"), call.id());
        lines::recount(state, &before);
    }
    Ok(json!({ "id": call.id(), "object": "invoiceitem", "deleted": true }))
}

/// Forgets an item that is on no invoice any more.
pub fn remove(state: &mut State, id: &str) {
    if let Some(item) = state.table_mut("invoiceitem").remove(id) {
        state.emit("invoiceitem.deleted", "invoiceitem", &item);
    }
}

pub fn list(state: &mut State, call: &Call) -> Result<Value, Error> {
    let rows = state.table("invoiceitem").newest_first().filter(|row| {
        let date_in_range = !call.params.contains_key("created") || {
            let dated = json!({ "created": row["date"] });
            list::in_range(call, "created", &dated)
        };
        list::equal(call, "customer", row)
            && list::equal(call, "invoice", row)
            && call.flag("pending").is_none_or(|pending| pending == row["invoice"].is_null())
            && date_in_range
    });
    list::page(call, rows, "invoiceitem", "/v1/invoiceitems")
}
