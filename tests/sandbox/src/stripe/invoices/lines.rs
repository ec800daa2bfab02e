//! The lines of a draft: added, changed and removed in one call, at most 250 of them. A call changes all or nothing.

use super::super::error::Error;
use super::super::invoice_items::{self, Target, terms};
use super::super::list;
use super::super::params::{Params, merge_metadata};
use super::super::state::{Call, Line, LineOf, State, text};
use super::super::subscriptions::BilledBy;
use super::shape;
use serde_json::{Value, json};

const MOST_LINES: usize = 250;

/// The invoice as shown, if its lines can be changed. `param` names it when it did not come with the path.
pub fn draft(state: &State, id: &str, param: Option<&str>) -> Result<Value, Error> {
    let invoice = match param {
        None => state.named("invoice", id)?,
        Some(param) => state.referenced("invoice", id, param)?,
    };
    if invoice["status"] != "draft" {
        return Err(shape::not_editable());
    }
    Ok(state.shown("invoice", invoice))
}

/// An item as the line it is on an invoice.
pub fn shown(line: &Line, item: &Value) -> Value {
    json!({
        "id": line.id,
        "object": "line_item",
        "amount": item["amount"],
        "currency": item["currency"],
        "description": item["description"],
        "discount_amounts": [],
        "discountable": item["discountable"],
        "discounts": [],
        "invoice": item["invoice"],
        "livemode": false,
        "metadata": item["metadata"],
        "parent": parent(item),
        "period": item["period"],
        "pretax_credit_amounts": [],
        "pricing": item["pricing"],
        "quantity": item["quantity"],
        "quantity_decimal": item["quantity_decimal"],
        "subscription": item["parent"]["subscription_details"]["subscription"],
        "subtotal": item["amount"],
        "taxes": [],
    })
}

/// Where it comes from: of a subscription's item when a change of that made it.
fn parent(item: &Value) -> Value {
    let subscription = &item["parent"]["subscription_details"];
    if item["proration"] == true && item["parent"].is_object() {
        let credited = &item["proration_details"]["credited_items"]["invoice_line_item_details"];
        return json!({
            "invoice_item_details": null,
            "subscription_item_details": {
                "invoice_item": item["id"],
                "proration": true,
                "proration_details": { "credited_items": credited },
                "subscription": subscription["subscription"],
                "subscription_item": subscription["subscription_item"],
            },
            "type": "subscription_item_details",
        });
    }
    json!({
        "invoice_item_details": {
            "invoice_item": item["id"],
            "proration": item["proration"],
            "proration_details": { "credited_items": null },
            "subscription": subscription["subscription"],
        },
        "subscription_item_details": null,
        "type": "invoice_item_details",
    })
}

pub fn of(state: &State, invoice: &str) -> Vec<Value> {
    let Some(sheet) = state.sheets.get(invoice) else { return Vec::new() };
    let items = state.table("invoiceitem");
    let shown = |line: &Line| match &line.of {
        LineOf::Item(item) => Some(shown(line, items.get(item)?)),
        LineOf::Period(period) => {
            let mut period = Value::clone(period);
            period["id"] = line.id.as_str().into();
            period["invoice"] = invoice.into();
            // The subscription's metadata as it is now.
            let subscription = state.table("subscription").get(text(&period, "subscription"));
            period["metadata"] = subscription.map(|one| one["metadata"].clone()).unwrap_or_default();
            Some(period)
        }
    };
    let mut shown: Vec<Value> = sheet.lines.iter().filter_map(shown).collect();
    for line in &mut shown {
        if let Some(tax) = sheet.taxes.get(text(line, "id")) {
            line["taxes"] = json!([tax]);
        }
    }
    shown
}

pub fn attach(state: &mut State, invoice: &str, item: &str) {
    let line = Line { id: state.new_id("il"), of: LineOf::Item(item.to_owned()) };
    if let Some(mut value) = state.table("invoiceitem").get(item).cloned() {
        value["invoice"] = invoice.into();
        state.put("invoiceitem", value);
    }
    // What is given back later is given back of this line.
    let pending = BilledBy::Item(item.to_owned());
    for debit in state.debits.values_mut().flatten().filter(|debit| debit.by == pending) {
        debit.by = BilledBy::Line { invoice: invoice.to_owned(), line: line.id.clone() };
    }
    state.sheets.entry(invoice.to_owned()).or_default().lines.push(line);
}

pub fn detach(state: &mut State, invoice: &str, item: &str) {
    if let Some(sheet) = state.sheets.get_mut(invoice) {
        sheet.lines.retain(|line| line.invoice_item() != Some(item));
    }
}

/// Adds up the invoice after a change of its lines and tells what changed. `before` is the invoice as it was shown.
pub fn recount(state: &mut State, before: &Value) {
    let Some(mut invoice) = state.table("invoice").get(text(before, "id")).cloned() else {
        return;
    };
    shape::total(state, &mut invoice);
    state.put("invoice", invoice.clone());
    state.emit_updated("invoice.updated", "invoice", before, &invoice);
}

pub fn add(state: &mut State, call: &Call) -> Result<Value, Error> {
    let before = draft(state, call.id(), None)?;
    let (customer, currency) = (text(&before, "customer").to_owned(), text(&before, "currency").to_owned());
    let requested = elements(call);
    let present = state.sheets.get(call.id()).map_or(0, |sheet| sheet.lines.len());
    if present + requested.len() > MOST_LINES {
        let message = format!("An invoice can have at most {MOST_LINES} invoice items.");
        return Err(Error::refused(message).param("lines"));
    }
    let mut planned = Vec::with_capacity(requested.len());
    for (index, params) in requested.iter().enumerate() {
        planned.push(plan(state, params, &customer, &currency, &format!("lines[{index}]"))?);
    }
    merge_invoice_metadata(state, call)?;
    for (params, plan) in requested.into_iter().zip(planned) {
        let item = match plan {
            Plan::Pending(item) => item,
            Plan::New(terms) => {
                let target = Target { customer: &customer, currency: &currency, invoice: Some(call.id()) };
                text(&invoice_items::make(state, &target, params, terms)?, "id").to_owned()
            }
        };
        attach(state, call.id(), &item);
    }
    recount(state, &before);
    super::shown_by_id(state, call.id())
}

enum Plan {
    New(terms::Terms),
    Pending(String),
}

fn plan(state: &State, params: &Params, customer: &str, currency: &str, path: &str) -> Result<Plan, Error> {
    check_period(params, path)?;
    let Some(id) = params.get("invoice_item").and_then(Value::as_str) else {
        return terms::read(state, params, currency, path).map(Plan::New);
    };
    let param = format!("{path}[invoice_item]");
    if params.len() > 1 {
        return Err(Error::invalid(&param, "An existing invoice item is added as it is.").code("parameters_exclusive"));
    }
    let item = state.referenced("invoiceitem", id, &param)?;
    if item["customer"] != customer || item["currency"] != currency || !item["invoice"].is_null() {
        let message = "The invoice item must be pending, and have the customer and the currency of the invoice.";
        return Err(Error::refused(message).param(param));
    }
    Ok(Plan::Pending(id.to_owned()))
}

fn check_period(params: &Params, path: &str) -> Result<(), Error> {
    let period = params.get("period").unwrap_or(&Value::Null);
    if period["start"].as_i64() > period["end"].as_i64() {
        let message = "The start of the period must not be after its end.";
        return Err(Error::invalid(&format!("{path}[period][end]"), message));
    }
    Ok(())
}

fn elements(call: &Call) -> Vec<&Params> {
    call.params.get("lines").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).collect()
}

fn merge_invoice_metadata(state: &mut State, call: &Call) -> Result<(), Error> {
    let mut invoice = state.named("invoice", call.id())?.clone();
    merge_metadata(&mut invoice["metadata"], &call.params, "invoice_metadata")?;
    state.put("invoice", invoice);
    Ok(())
}

/// The item behind a line of this invoice.
fn item_of(state: &State, invoice: &str, line: &str, param: &str) -> Result<String, Error> {
    let lines = state.sheets.get(invoice).map(|sheet| sheet.lines.as_slice()).unwrap_or_default();
    let found = lines.iter().find(|one| one.id == line);
    let found = found.ok_or_else(|| Error::no_such("invoice line item", line, param))?;
    let item = found.invoice_item().map(str::to_owned);
    item.ok_or_else(|| Error::unmodelled("changing a subscription's line on its invoice"))
}

pub fn update_many(state: &mut State, call: &Call) -> Result<Value, Error> {
    let before = draft(state, call.id(), None)?;
    let mut changes = Vec::new();
    for (index, params) in elements(call).into_iter().enumerate() {
        let path = format!("lines[{index}]");
        let id = params["id"].as_str().unwrap_or_default();
        let item = item_of(state, call.id(), id, &format!("{path}[id]"))?;
        check_period(params, &path)?;
        terms::reread(state, params, state.referenced("invoiceitem", &item, "id")?, &path)?;
        changes.push((item, params, path));
    }
    merge_invoice_metadata(state, call)?;
    for (item, params, path) in changes {
        invoice_items::change(state, &item, params, &path)?;
    }
    recount(state, &before);
    super::shown_by_id(state, call.id())
}

pub fn remove_many(state: &mut State, call: &Call) -> Result<Value, Error> {
    let before = draft(state, call.id(), None)?;
    let mut removals = Vec::new();
    for (index, params) in elements(call).into_iter().enumerate() {
        let id = params["id"].as_str().unwrap_or_default();
        let item = item_of(state, call.id(), id, &format!("lines[{index}][id]"))?;
        removals.push((item, params["behavior"] == "delete"));
    }
    merge_invoice_metadata(state, call)?;
    for (item, delete) in removals {
        detach(state, call.id(), &item);
        if delete {
            invoice_items::remove(state, &item);
        } else if let Some(mut value) = state.table("invoiceitem").get(&item).cloned() {
            value["invoice"] = Value::Null;
            state.put("invoiceitem", value);
        }
    }
    recount(state, &before);
    super::shown_by_id(state, call.id())
}

pub fn update_one(state: &mut State, call: &Call) -> Result<Value, Error> {
    let before = draft(state, call.id(), None)?;
    let line = call.ids.get(1).map_or("", String::as_str);
    let item = item_of(state, call.id(), line, "line_item_id")?;
    let item = invoice_items::change(state, &item, &call.params, "")?;
    recount(state, &before);
    Ok(shown(&Line { id: line.to_owned(), of: LineOf::Item(text(&item, "id").to_owned()) }, &item))
}

pub fn list(state: &mut State, call: &Call) -> Result<Value, Error> {
    state.named("invoice", call.id())?;
    let url = format!("/v1/invoices/{}/lines", call.id());
    list::page(call, of(state, call.id()).iter(), "invoice line item", &url)
}
