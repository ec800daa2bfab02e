//! What a subscription bills: its lines, for which time, and the invoice that carries them.

use super::super::invoice_items;
use super::super::invoices::{self, lines, shape, transitions};
use super::super::money;
use super::super::payments;
use super::super::state::{InvoiceSheet, Line, LineOf, State, int, text};
use super::period::{Recurrence, day};
use super::prorate::{BilledBy, Debit, share};
use super::shape::{items_of, recurrence};
use super::terms;
use serde_json::{Value, json};

/// Some time that is billed as a whole or in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub start: i64,
    pub end: i64,
    /// How long it would be if it were whole.
    pub full: i64,
}

impl Stretch {
    pub fn is_whole(self) -> bool {
        self.end - self.start == self.full
    }

    /// Not beyond this time.
    pub fn until(self, end: Option<i64>) -> Self {
        Self { end: end.map_or(self.end, |end| self.end.min(end)), ..self }
    }
}

/// From a time up to the next boundary. One that begins between two boundaries is part of an imagined period that begins
/// there: docs.stripe.com/billing/subscriptions/backdating.
pub fn stretch(recurrence: Recurrence, anchor: i64, start: i64) -> Stretch {
    let (boundary, end) = recurrence.period(anchor, start);
    let full = if boundary == start { end - start } else { recurrence.after(start, 1) - start };
    Stretch { start, end, full }
}

/// Every stretch from a time up to the end of the one that contains `now`, as if each had been billed when it began.
pub fn stretches(recurrence: Recurrence, anchor: i64, start: i64, now: i64) -> Vec<Stretch> {
    let mut stretches = vec![stretch(recurrence, anchor, start)];
    while let Some(last) = stretches.last().copied().filter(|last| last.end <= now && last.end > last.start) {
        stretches.push(stretch(recurrence, anchor, last.end));
    }
    stretches
}

pub fn price_of<'a>(state: &'a State, item: &Value) -> &'a Value {
    state.table("price").get(text(item, "price")).unwrap_or(&Value::Null)
}

pub fn recurrence_of(state: &State, subscription: &str) -> Option<Recurrence> {
    items_of(state, subscription).next().and_then(|item| recurrence(price_of(state, item)))
}

/// One item's line for a stretch.
pub fn line(state: &State, item: &Value, stretch: Stretch) -> Value {
    let (price, quantity) = (price_of(state, item), int(item, "quantity"));
    let whole = stretch.is_whole();
    let amount = match whole {
        true => terms::amount(price, quantity),
        false => share(
            terms::unit_amount(price) * rust_decimal::Decimal::from(quantity),
            stretch.end - stretch.start,
            stretch.full,
        ),
    };
    let product = product_name(state, price);
    let description = match whole {
        true => format!("{quantity} × {product} (at {} / {})", money::shown(price), every(price)),
        false => format!("Time on {}{product} after {}", times(quantity), day(stretch.start)),
    };
    period_line(item, price, amount, description, stretch, !whole)
}

/// The line of a trial, which costs nothing.
pub fn trial_line(state: &State, item: &Value, start: i64, end: i64) -> Value {
    let price = price_of(state, item);
    let description = format!("Free trial for {} × {}", int(item, "quantity"), product_name(state, price));
    period_line(item, price, 0, description, Stretch { start, end, full: end - start }, false)
}

fn period_line(item: &Value, price: &Value, amount: i64, description: String, of: Stretch, is_part: bool) -> Value {
    json!({
        "id": null,
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": description,
        "discount_amounts": [],
        "discountable": !is_part,
        "discounts": [],
        "invoice": null,
        "livemode": false,
        "metadata": {},
        "parent": {
            "invoice_item_details": null,
            "subscription_item_details": {
                "invoice_item": null,
                "proration": is_part,
                "proration_details": { "credited_items": null },
                "subscription": item["subscription"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        "period": { "end": of.end, "start": of.start },
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": { "price": price["id"], "product": price["product"] },
            "type": "price_details",
            "unit_amount_decimal": if is_part { Value::Null } else { price["unit_amount_decimal"].clone() },
        },
        "quantity": item["quantity"],
        "quantity_decimal": int(item, "quantity").to_string(),
        "subscription": item["subscription"],
        "subtotal": amount,
        "taxes": [],
    })
}

pub fn product_name(state: &State, price: &Value) -> String {
    state
        .table("product")
        .get(text(price, "product"))
        .map(|product| text(product, "name").to_owned())
        .unwrap_or_default()
}

/// `2 × `, and nothing for one.
pub fn times(quantity: i64) -> String {
    if quantity == 1 { String::new() } else { format!("{quantity} × ") }
}

fn every(price: &Value) -> String {
    let interval = text(&price["recurring"], "interval");
    match price["recurring"]["interval_count"].as_i64() {
        Some(count) if count > 1 => format!("every {count} {interval}s"),
        _ => interval.to_owned(),
    }
}

/// A draft of the subscription, with what is pending for it and the lines that are given. Nothing is made of nothing.
pub fn draft(
    state: &mut State,
    subscription: &Value,
    reason: &str,
    own: Vec<Value>,
    period: (i64, i64),
) -> Option<String> {
    let (customer, currency) = (text(subscription, "customer").to_owned(), text(subscription, "currency").to_owned());
    let pending = pending_of(state, text(subscription, "id"), &customer, &currency);
    if own.is_empty() && pending.is_empty() {
        return None;
    }
    let mut invoice = shape::blank(state, &customer, &currency);
    let id = state.new_id("in");
    invoice["id"] = id.as_str().into();
    for name in ["collection_method", "default_payment_method", "description"] {
        invoice[name] = subscription[name].clone();
    }
    shape::set_automatic_tax(&mut invoice, subscription["automatic_tax"]["enabled"] == true);
    invoice["auto_advance"] = true.into();
    invoice["billing_reason"] = reason.into();
    invoice["period_start"] = period.0.into();
    invoice["period_end"] = period.1.into();
    invoice["parent"] = json!({
        "quote_details": null,
        "subscription_details": {
            // As it was when the invoice was made; the lines show it as it is.
            "metadata": subscription["metadata"],
            "subscription": subscription["id"],
            "subscription_proration_date": null,
        },
        "type": "subscription_details",
    });
    let mut sheet = InvoiceSheet::default();
    if let Some(days) = subscription["days_until_due"].as_i64() {
        sheet.days_until_due = Some(days);
        invoice["due_date"] = (state.now + days * invoices::DAY_S).into();
    }
    if invoice["collection_method"] == "charge_automatically" {
        invoice["next_payment_attempt"] = (state.now + invoices::FINALIZES_AFTER_S).into();
    }
    invoice["automatically_finalizes_at"] = (state.now + invoices::FINALIZES_AFTER_S).into();
    state.sheets.insert(id.clone(), sheet);
    state.put("invoice", invoice);
    pending.iter().for_each(|item| lines::attach(state, &id, item));
    own.into_iter().for_each(|line| attach(state, &id, line));
    invoices::begin(state, &id).ok()?;
    set_latest_invoice(state, text(subscription, "id"), &id);
    Some(id)
}

/// The subscription's own pending items, newest change first, and those that wait for whatever invoice the customer gets next.
fn pending_of(state: &State, subscription: &str, customer: &str, currency: &str) -> Vec<String> {
    let takes = |item: &&Value| {
        let of = &item["parent"]["subscription_details"]["subscription"];
        item["currency"] == currency && (of.is_null() || of == subscription)
    };
    let mut items: Vec<&Value> = invoice_items::pending(state, customer).filter(takes).collect();
    items.reverse();
    // What one change made stays in its order: what is given back before what is billed instead.
    items.sort_by_key(|item| std::cmp::Reverse(int(item, "date")));
    items.into_iter().map(|item| text(item, "id").to_owned()).collect()
}

/// Puts an item's line on the invoice, and remembers what was billed.
fn attach(state: &mut State, invoice: &str, line: Value) {
    let id = state.new_id("il");
    let item = text(&line["parent"]["subscription_item_details"], "subscription_item").to_owned();
    let debit = Debit {
        amount: int(&line, "amount"),
        start: int(&line["period"], "start"),
        end: int(&line["period"], "end"),
        price: text(&line["pricing"]["price_details"], "price").to_owned(),
        quantity: int(&line, "quantity"),
        by: BilledBy::Line { invoice: invoice.to_owned(), line: id.clone() },
    };
    state.debits.entry(item).or_default().push(debit);
    state.sheets.entry(invoice.to_owned()).or_default().lines.push(Line { id, of: LineOf::Period(Box::new(line)) });
}

fn set_latest_invoice(state: &mut State, subscription: &str, invoice: &str) {
    if let Some(mut value) = state.table("subscription").get(subscription).cloned() {
        value["latest_invoice"] = invoice.into();
        state.put("subscription", value);
    }
}

/// Finalizes the invoice of an automatic collection and asks for the money. Whether it is paid.
pub fn collect(state: &mut State, invoice: &str) -> bool {
    if transitions::finalize_draft(state, invoice, None).is_err() {
        return false;
    }
    charge(state, invoice)
}

/// Asks for the money of an open invoice.
pub fn charge(state: &mut State, invoice: &str) -> bool {
    let Some(value) = state.table("invoice").get(invoice).cloned() else {
        return false;
    };
    if value["status"] == "paid" {
        return true;
    }
    let Some(method) = payment_method(state, &value) else {
        transitions::attempt_failed(state, &value);
        return false;
    };
    match payments::charge(state, invoice, &method) {
        Ok(()) => transitions::settle(state, invoice, transitions::Settlement::Payment).is_ok(),
        Err(_) => {
            transitions::attempt_failed(state, &value);
            false
        }
    }
}

/// By what an invoice of the customer is paid when nobody says so.
pub fn payment_method(state: &State, invoice: &Value) -> Option<String> {
    let customer = state.table("customer").get(text(invoice, "customer"));
    let of_customer = customer.and_then(|customer| customer["invoice_settings"]["default_payment_method"].as_str());
    invoice["default_payment_method"].as_str().or(of_customer).map(str::to_owned)
}
