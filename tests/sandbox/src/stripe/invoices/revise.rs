//! `from_invoice[action]=revision`: a draft that takes a finalized invoice's place. When it is finalized, the other is void.

use super::super::error::Error;
use super::super::state::{Call, InvoiceSheet, LineOf, State, text};
use super::{apply, begin, lines, shape, transitions};
use serde_json::{Value, json};

const COPIED: [&str; 7] =
    ["collection_method", "currency", "custom_fields", "customer", "default_payment_method", "description", "footer"];

/// The draft with everything that is on the other.
pub fn revise(state: &mut State, call: &Call, from: &Value) -> Result<Value, Error> {
    for name in ["customer", "currency", "pending_invoice_items_behavior"] {
        if call.params.contains_key(name) {
            return Err(Error::refused(format!("A revision has the `{name}` of its invoice.")).param(name));
        }
    }
    let original = state.referenced("invoice", text(from, "invoice"), "from_invoice[invoice]")?.clone();
    if !["open", "uncollectible"].contains(&text(&original, "status")) {
        let message = "You can only revise an invoice that is open or uncollectible.";
        return Err(Error::refused(message).param("from_invoice[invoice]"));
    }
    if original["parent"]["type"] == "subscription_details" {
        let message = "Invoices that are attached to a subscription can't be revised.";
        return Err(Error::refused(message).param("from_invoice[invoice]"));
    }
    let mut invoice = shape::blank(state, text(&original, "customer"), text(&original, "currency"));
    COPIED.iter().for_each(|name| invoice[*name] = original[*name].clone());
    invoice["from_invoice"] = json!({ "action": "revision", "invoice": original["id"] });
    let other = state.sheets.get(text(&original, "id")).cloned().unwrap_or_default();
    let mut sheet = InvoiceSheet { days_until_due: other.days_until_due, ..InvoiceSheet::default() };
    invoice["due_date"] = match sheet.days_until_due {
        Some(days) => (state.now + days * super::DAY_S).into(),
        None => original["due_date"].clone(),
    };
    shape::set_automatic_tax(&mut invoice, original["automatic_tax"]["enabled"] == true);
    apply(state, call, &mut invoice, &mut sheet)?;
    let id = state.new_id("in");
    invoice["id"] = id.as_str().into();
    state.sheets.insert(id.clone(), sheet);
    state.put("invoice", invoice);
    for line in other.lines {
        let LineOf::Item(item) = line.of else { continue };
        let Some(mut item) = state.table("invoiceitem").get(&item).cloned() else { continue };
        let copy = state.new_id("ii");
        item["id"] = copy.as_str().into();
        state.put("invoiceitem", item);
        lines::attach(state, &id, &copy);
    }
    begin(state, &id)
}

/// The revision is finalized, so what it revises is void and names it.
pub fn replace(state: &mut State, revision: &Value) {
    let Some(id) = revision["from_invoice"]["invoice"].as_str().map(str::to_owned) else {
        return;
    };
    let Some(mut original) = state.table("invoice").get(&id).cloned() else { return };
    original["latest_revision"] = revision["id"].clone();
    state.put("invoice", original);
    // One that was paid meanwhile stays paid.
    let _voided = transitions::void_open(state, &id);
}
