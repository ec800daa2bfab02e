//! What a change leaves behind until the next invoice: credits for what was billed, and the rest at what it costs from now on.

use super::super::money;
use super::super::state::{State, int, text};
use super::bill::{self, Stretch, price_of, product_name, times};
use super::period::day;
use super::prorate::{BilledBy, Credit, Debit, share, take_back};
use super::{shape, terms};
use rust_decimal::Decimal;
use serde_json::{Value, json};

pub fn period_of(item: &Value) -> (i64, i64) {
    (int(item, "current_period_start"), int(item, "current_period_end"))
}

/// Credits for what was billed from `at` on, pending.
pub fn give_back(state: &mut State, subscription: &Value, item: &str, at: i64) {
    let mut debits = state.debits.remove(item).unwrap_or_default();
    for credit in take_back(&mut debits, at) {
        let price = state.table("price").get(&credit.of.price).cloned().unwrap_or_default();
        let name = product_name(state, &price);
        let description = format!("Unused time on {}{name} after {}", times(credit.of.quantity), day(credit.start));
        pending(state, subscription, item, &price, &Pending::credit(&credit, description));
    }
    state.debits.insert(item.to_owned(), debits);
}

/// The item for the rest of its period, pending.
pub fn bill_rest(state: &mut State, subscription: &Value, item: &str, at: i64) {
    let Some(value) = state.table("subscription_item").get(item).cloned() else {
        return;
    };
    let (start, end) = period_of(&value);
    bill_part(
        state,
        subscription,
        &value,
        Stretch { start: at, end, full: full_of(state, subscription, &value, start) },
    );
}

/// How long the period that begins then would be as a whole.
pub fn full_of(state: &State, subscription: &Value, item: &Value, start: i64) -> i64 {
    let recurrence = shape::recurrence(price_of(state, item));
    recurrence.map_or(1, |recurrence| bill::stretch(recurrence, int(subscription, "billing_cycle_anchor"), start).full)
}

pub fn bill_part(state: &mut State, subscription: &Value, item: &Value, part: Stretch) {
    // At the very end of a period there is no rest.
    if part.end <= part.start {
        return;
    }
    let (price, quantity) = (price_of(state, item).clone(), int(item, "quantity"));
    let amount = share(terms::unit_amount(&price) * Decimal::from(quantity), part.end - part.start, part.full);
    let description =
        format!("Remaining time on {}{} after {}", times(quantity), product_name(state, &price), day(part.start));
    let line = Pending { amount, quantity, period: (part.start, part.end), description, credited: Value::Null };
    let id = pending(state, subscription, text(item, "id"), &price, &line);
    let debit = Debit {
        amount,
        start: part.start,
        end: part.end,
        price: text(&price, "id").to_owned(),
        quantity,
        by: BilledBy::Item(id),
    };
    state.debits.entry(text(item, "id").to_owned()).or_default().push(debit);
}

struct Pending {
    amount: i64,
    quantity: i64,
    period: (i64, i64),
    description: String,
    credited: Value,
}

impl Pending {
    fn credit(credit: &Credit, description: String) -> Self {
        let credited = match &credit.of.by {
            BilledBy::Line { invoice, line } => json!({
                "invoice_line_item_details": { "invoice": invoice, "invoice_line_items": [line] },
                "type": "invoice_line_items",
            }),
            BilledBy::Item(item) => json!({ "invoice_item": item, "type": "invoice_item" }),
        };
        let period = (credit.start, credit.end);
        Self { amount: credit.amount, quantity: credit.of.quantity, period, description, credited }
    }
}

/// An invoice item that waits for the subscription's next invoice.
fn pending(state: &mut State, subscription: &Value, item: &str, price: &Value, line: &Pending) -> String {
    let id = state.new_id("ii");
    let value = json!({
        "id": id,
        "object": "invoiceitem",
        "amount": line.amount,
        "currency": subscription["currency"],
        "customer": subscription["customer"],
        "customer_account": null,
        "date": state.now,
        "description": line.description,
        "discountable": false,
        "discounts": [],
        "invoice": null,
        "livemode": false,
        "metadata": {},
        "net_amount": line.amount,
        "parent": {
            "subscription_details": { "subscription": subscription["id"], "subscription_item": item },
            "type": "subscription_details",
        },
        "period": { "end": line.period.1, "start": line.period.0 },
        "pricing": {
            "price_details": { "price": price["id"], "product": price["product"] },
            "type": "price_details",
            "unit_amount_decimal": null,
        },
        "proration": true,
        "proration_details": { "credited_items": line.credited, "discount_amounts": [] },
        "quantity": line.quantity,
        "quantity_decimal": money::plain(line.quantity.into()),
        "tax_rates": [],
        "test_clock": null,
    });
    state.put("invoiceitem", value.clone());
    state.emit("invoiceitem.created", "invoiceitem", &value);
    id
}
