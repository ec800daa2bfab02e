//! Invoices: create, read, change and delete. Lines and transitions are in the files below.

pub mod lines;
pub mod preview;
pub mod revise;
pub mod shape;
pub mod transitions;

use super::customers::check_custom_fields;
use super::error::Error;
use super::invoice_items;
use super::list;
use super::money;
use super::params::merge_metadata;
use super::search;
use super::state::{Call, InvoiceSheet, Line, State, assign, int, text};
use super::timers::Due;
use serde_json::{Value, json};

const SEARCHABLE: [&str; 8] =
    ["created", "currency", "customer", "metadata", "number", "receipt_number", "status", "total"];
const PLAIN: [&str; 4] = ["custom_fields", "description", "footer", "statement_descriptor"];
/// Stripe finalizes an `auto_advance` draft about this long after its creation.
pub const FINALIZES_AFTER_S: i64 = 60 * 60;
pub const DAY_S: i64 = 24 * 60 * 60;

pub fn create(state: &mut State, call: &Call) -> Result<Value, Error> {
    if let Some(from) = call.params.get("from_invoice").cloned() {
        return revise::revise(state, call, &from);
    }
    let customer_id = call.text("customer").ok_or_else(|| Error::missing("customer"))?;
    let customer = state.referenced("customer", customer_id, "customer")?.clone();
    let currency = call.text("currency").or(customer["currency"].as_str()).unwrap_or(&state.default_currency);
    let currency = money::currency(currency, "currency")?;
    let mut invoice = shape::blank(state, customer_id, &currency);
    let mut sheet = InvoiceSheet::default();
    apply(state, call, &mut invoice, &mut sheet)?;
    require_email(state, &invoice)?;

    let id = state.new_id("in");
    invoice["id"] = id.clone().into();
    state.sheets.insert(id.clone(), sheet);
    state.put("invoice", invoice);
    if call.text("pending_invoice_items_behavior") == Some("include") {
        let pending: Vec<String> = invoice_items::pending(state, customer_id)
            .filter(|item| item["currency"] == currency.as_str())
            .map(|item| text(item, "id").to_owned())
            .collect();
        for item in pending {
            lines::attach(state, &id, &item);
        }
    }
    begin(state, &id)
}

/// A draft that has its lines: added up, scheduled, and told of.
pub fn begin(state: &mut State, id: &str) -> Result<Value, Error> {
    let mut invoice = state.named("invoice", id)?.clone();
    shape::total(state, &mut invoice);
    schedule(state, &invoice);
    state.put("invoice", invoice.clone());
    state.emit("invoice.created", "invoice", &invoice);
    shown_by_id(state, id)
}

pub fn shown_by_id(state: &State, id: &str) -> Result<Value, Error> {
    state.named("invoice", id).map(|invoice| state.shown("invoice", invoice))
}

/// What create and update have in common.
fn apply(state: &State, call: &Call, invoice: &mut Value, sheet: &mut InvoiceSheet) -> Result<(), Error> {
    check_custom_fields(call.params.get("custom_fields"), "custom_fields")?;
    if let Some(enabled) = call.params.get("automatic_tax").map(|tax| tax["enabled"].clone()) {
        shape::set_automatic_tax(invoice, enabled == true);
    }
    assign(invoice, &call.params, &PLAIN);
    assign(invoice, &call.params, &["auto_advance", "collection_method", "default_payment_method", "effective_at"]);
    if let Some(number) = call.text("number") {
        check_number(state, number, invoice)?;
        assign(invoice, &call.params, &["number"]);
    }
    terms(state, call, invoice, sheet)?;
    invoice["automatically_finalizes_at"] =
        match (invoice["auto_advance"] == true, call.int("automatically_finalizes_at")) {
            (true, Some(at)) => at.into(),
            (true, None) => (int(invoice, "created") + FINALIZES_AFTER_S).into(),
            (false, _) => Value::Null,
        };
    merge_metadata(&mut invoice["metadata"], &call.params, "metadata")
}

/// `days_until_due` or `due_date`, and only for invoices that are sent.
fn terms(state: &State, call: &Call, invoice: &mut Value, sheet: &mut InvoiceSheet) -> Result<(), Error> {
    let (days, date) = (call.int("days_until_due"), call.int("due_date"));
    let param = if days.is_some() { "days_until_due" } else { "due_date" };
    if days.is_some() && date.is_some() {
        return Err(Error::exclusive(&["days_until_due", "due_date"]));
    }
    if invoice["collection_method"] != "send_invoice" {
        sheet.days_until_due = None;
        invoice["due_date"] = Value::Null;
        if days.is_some() || date.is_some() {
            let message = format!("`{param}` can only be specified when `collection_method` is `send_invoice`.");
            return Err(Error::refused(message).param(param));
        }
        return Ok(());
    }
    if let Some(days) = days {
        check_days_until_due(days)?;
        sheet.days_until_due = Some(days);
        invoice["due_date"] = (state.now + days * DAY_S).into();
    }
    if let Some(date) = date {
        if date < state.now {
            return Err(Error::refused("The due date must be in the future.").param("due_date"));
        }
        sheet.days_until_due = None;
        invoice["due_date"] = date.into();
    }
    Ok(())
}

pub fn check_days_until_due(days: i64) -> Result<(), Error> {
    match (0..=36500).contains(&days) {
        true => Ok(()),
        false => Err(Error::invalid("days_until_due", "Invalid days_until_due: must be between 0 and 36500 days.")),
    }
}

fn check_number(state: &State, number: &str, invoice: &Value) -> Result<(), Error> {
    let taken = !number.is_empty()
        && state.table("invoice").oldest_first().any(|other| other["number"] == number && other["id"] != invoice["id"]);
    if taken {
        return Err(Error::refused(format!("The invoice number {number} is already used.")).param("number"));
    }
    Ok(())
}

/// An invoice that is sent needs somebody to be sent to, and so does a subscription.
pub fn require_email(state: &State, invoice: &Value) -> Result<(), Error> {
    let customer = state.table("customer").get(text(invoice, "customer"));
    let email = customer.map(|customer| text(customer, "email")).unwrap_or_default();
    if invoice["collection_method"] == "send_invoice" && email.is_empty() {
        return Err(Error::refused(
            "Missing email. In order to create invoices that are sent to the customer, the customer must have a valid \
             email.",
        ));
    }
    Ok(())
}

fn schedule(state: &mut State, invoice: &Value) {
    if let Some(at) = invoice["automatically_finalizes_at"].as_i64() {
        state.timers.insert((at, Due::Invoice(text(invoice, "id").to_owned())));
    }
}

pub fn retrieve(state: &mut State, call: &Call) -> Result<Value, Error> {
    shown_by_id(state, call.id())
}

/// What may still be said about an invoice that is no draft any more.
const EDITABLE_WHEN_OPEN: [&str; 6] =
    ["auto_advance", "collection_method", "days_until_due", "default_payment_method", "due_date", "metadata"];

pub fn update(state: &mut State, call: &Call) -> Result<Value, Error> {
    let mut invoice = state.named("invoice", call.id())?.clone();
    let before = state.shown("invoice", &invoice);
    if invoice["status"] != "draft" {
        let editable: &[&str] = if invoice["status"] == "open" { &EDITABLE_WHEN_OPEN } else { &["metadata"] };
        if let Some(frozen) = call.params.keys().find(|name| !editable.contains(&name.as_str())) {
            return Err(shape::not_editable().param(frozen));
        }
    }
    let mut sheet = state.sheets.get(call.id()).cloned().unwrap_or_default();
    apply(state, call, &mut invoice, &mut sheet)?;
    require_email(state, &invoice)?;
    if invoice["status"] != "draft" {
        invoice["automatically_finalizes_at"] = Value::Null;
    }
    state.sheets.insert(call.id().to_owned(), sheet);
    if invoice["status"] == "draft" {
        shape::total(state, &mut invoice);
    }
    schedule(state, &invoice);
    state.put("invoice", invoice.clone());
    state.emit_updated("invoice.updated", "invoice", &before, &invoice);
    shown_by_id(state, call.id())
}

pub fn delete(state: &mut State, call: &Call) -> Result<Value, Error> {
    let invoice = state.named("invoice", call.id())?;
    if invoice["status"] != "draft" {
        return Err(Error::refused("You can only delete draft invoices.").code("invoice_not_editable"));
    }
    if invoice["parent"]["type"] == "subscription_details" {
        return Err(Error::refused("You can't delete invoices created by subscriptions."));
    }
    let last = state.shown("invoice", invoice);
    state.table_mut("invoice").remove(call.id());
    let sheet = state.sheets.remove(call.id()).unwrap_or_default();
    for item in sheet.lines.iter().filter_map(Line::invoice_item) {
        invoice_items::remove(state, item);
    }
    // Shown already: its lines are gone with it.
    state.emit("invoice.deleted", "deleted_invoice", &last);
    Ok(json!({ "id": call.id(), "object": "invoice", "deleted": true }))
}

pub fn list(state: &mut State, call: &Call) -> Result<Value, Error> {
    let rows = state.table("invoice").newest_first().filter(|row| {
        ["collection_method", "customer", "status"].iter().all(|name| list::equal(call, name, row))
            && list::in_range(call, "created", row)
            && list::in_range(call, "due_date", row)
    });
    let mut page = list::page(call, rows, "invoice", "/v1/invoices")?;
    for invoice in page["data"].as_array_mut().into_iter().flatten() {
        *invoice = state.shown("invoice", invoice);
    }
    Ok(page)
}

pub fn search(state: &mut State, call: &Call) -> Result<Value, Error> {
    search::search(state, call, "invoice", &SEARCHABLE)
}
