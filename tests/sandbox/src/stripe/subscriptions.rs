//! Subscriptions in the flexible billing mode, which is what the API makes since clover: one currency and one interval each. What is
//! billed when is in `bill`, what a change costs in `change`, and what happens by itself in `time`. Where the facts come from is
//! in SUBSCRIPTIONS.md.

pub mod bill;
pub mod change;
pub mod create;
pub mod item;
mod pending;
pub mod period;
mod prorate;
pub mod shape;
pub mod terms;
pub mod time;

pub use prorate::{BilledBy, Debit};

use super::error::Error;
use super::invoices;
use super::list;
use super::params::merge_metadata;
use super::search;
use super::state::{Call, State, assign, text};
use serde_json::{Value, json};

const SEARCHABLE: [&str; 4] = ["canceled_at", "created", "metadata", "status"];
const LIVE: [&str; 6] = ["active", "incomplete", "past_due", "paused", "trialing", "unpaid"];

pub fn is_live(subscription: &Value) -> bool {
    LIVE.contains(&text(subscription, "status"))
}

pub fn shown_by_id(state: &State, id: &str) -> Result<Value, Error> {
    state.named("subscription", id).map(|subscription| state.shown("subscription", subscription))
}

/// Stores it and tells what changed. `before` is the subscription as it was shown.
pub fn store(state: &mut State, before: &Value, subscription: Value) {
    state.put("subscription", subscription.clone());
    state.emit_updated("customer.subscription.updated", "subscription", before, &subscription);
}

/// What create and update have in common: how it is collected, and what it says of itself.
fn describe(state: &State, call: &Call, subscription: &mut Value) -> Result<(), Error> {
    if let Some(enabled) = call.params.get("automatic_tax").map(|tax| tax["enabled"] == true) {
        let liability = if enabled { json!({ "type": "self" }) } else { Value::Null };
        subscription["automatic_tax"] = json!({ "disabled_reason": null, "enabled": enabled, "liability": liability });
    }
    assign(subscription, &call.params, &["collection_method", "default_payment_method", "description"]);
    let is_sent = subscription["collection_method"] == "send_invoice";
    if !is_sent {
        subscription["days_until_due"] = Value::Null;
    }
    match call.int("days_until_due") {
        Some(_) if !is_sent => {
            let message = "`days_until_due` can only be specified when `collection_method` is `send_invoice`.";
            return Err(Error::refused(message).param("days_until_due"));
        }
        Some(days) => {
            invoices::check_days_until_due(days)?;
            subscription["days_until_due"] = days.into();
        }
        None => {}
    }
    if is_sent && subscription["days_until_due"].is_null() {
        let message =
            "If invoice collection method is 'send_invoice', you must specify 'due_date' or 'days_until_due'.";
        return Err(Error::refused(message).param("days_until_due"));
    }
    invoices::require_email(state, subscription)?;
    merge_metadata(&mut subscription["metadata"], &call.params, "metadata")
}

/// A customer's live subscriptions and pending items are all in one currency.
pub fn check_currency(state: &State, customer: &str, currency: &str) -> Result<(), Error> {
    let live = state.table("subscription").oldest_first().filter(|one| one["customer"] == customer && is_live(one));
    let pending = super::invoice_items::pending(state, customer);
    match live.chain(pending).find(|one| one["currency"] != currency) {
        None => Ok(()),
        Some(other) => Err(Error::refused(format!(
            "You cannot combine currencies on a single customer. This customer has an active subscription, \
             subscription schedule, discount, quote, or invoice item with currency {}",
            text(other, "currency")
        ))),
    }
}

/// Where an address that is not enough would leave a subscription untaxed.
pub fn are_taxed(state: &State, customer: &str) -> bool {
    let mut of_customer = state.table("subscription").oldest_first().filter(|one| one["customer"] == customer);
    of_customer.any(|one| is_live(one) && one["automatic_tax"]["enabled"] == true)
}

/// Whoever is deleted has no subscriptions any more, nor any planned.
pub fn end_of_customer(state: &mut State, customer: &str) {
    let ids = |state: &State, table: &'static str, is_meant: &dyn Fn(&Value) -> bool| -> Vec<String> {
        let rows = state.table(table).oldest_first().filter(|row| row["customer"] == customer && is_meant(row));
        rows.map(|row| text(row, "id").to_owned()).collect()
    };
    for id in ids(state, "subscription", &is_live) {
        time::end(state, &id, "cancellation_requested", None);
    }
    for id in ids(state, "subscription_schedule", &|schedule| schedule["status"] == "not_started") {
        super::schedules::abort(state, &id);
    }
}

pub fn retrieve(state: &mut State, call: &Call) -> Result<Value, Error> {
    shown_by_id(state, call.id())
}

pub fn list(state: &mut State, call: &Call) -> Result<Value, Error> {
    let is_of_status = |row: &Value| match call.text("status") {
        None => row["status"] != "canceled" && row["status"] != "incomplete_expired",
        Some("all") => true,
        Some("ended") => row["status"] == "canceled" || row["status"] == "incomplete_expired",
        Some(status) => row["status"] == status,
    };
    let has_price = |row: &Value| match call.text("price") {
        None => true,
        Some(price) => shape::items_of(state, text(row, "id")).any(|item| item["price"] == price),
    };
    let rows = state.table("subscription").newest_first().filter(|row| {
        is_of_status(row)
            && has_price(row)
            && ["collection_method", "customer"].iter().all(|name| list::equal(call, name, row))
            && list::in_range(call, "created", row)
    });
    let mut page = list::page(call, rows, "subscription", "/v1/subscriptions")?;
    for subscription in page["data"].as_array_mut().into_iter().flatten() {
        *subscription = state.shown("subscription", subscription);
    }
    Ok(page)
}

pub fn search(state: &mut State, call: &Call) -> Result<Value, Error> {
    search::search(state, call, "subscription", &SEARCHABLE)
}
