//! What happens to a subscription by itself: a period ends and the next is billed, a trial ends, an end comes, a payment does not.

use super::super::invoices::transitions;
use super::super::state::{State, int, text};
use super::super::timers::Due;
use super::bill;
use super::shape::{items_of, recurrence};
use super::{is_live, store};
use serde_json::{Value, json};

/// How long a first payment may take.
const INCOMPLETE_FOR_S: i64 = 23 * 60 * 60;

/// Looks at it again when something will be due.
pub fn wake(state: &mut State, id: &str) {
    let Some(subscription) = state.table("subscription").get(id).filter(|one| is_live(one)) else {
        return;
    };
    let at = match subscription["status"] == "incomplete" {
        true => Some(int(subscription, "created") + INCOMPLETE_FOR_S),
        false => {
            let period_ends = items_of(state, id).map(|item| int(item, "current_period_end"));
            period_ends.chain(subscription["cancel_at"].as_i64()).min()
        }
    };
    if let Some(at) = at {
        state.timers.insert((at, Due::Subscription(id.to_owned())));
    }
}

fn is_trialing(subscription: &Value) -> bool {
    subscription["status"] == "trialing"
}

/// One thing of what is due, the first first. `wake` comes back for the others.
pub fn due(state: &mut State, id: &str) {
    let Some(subscription) = state.table("subscription").get(id).filter(|one| is_live(one)).cloned() else {
        return;
    };
    let has_come = |at: Option<i64>| at.is_some_and(|at| at <= state.now);
    let period_end = items_of(state, id).map(|item| int(item, "current_period_end")).min();
    if subscription["status"] == "incomplete" {
        if has_come(Some(int(&subscription, "created") + INCOMPLETE_FOR_S)) {
            expire(state, subscription);
        }
    } else if has_come(subscription["cancel_at"].as_i64()) {
        let last = last_invoice(state, &subscription);
        end(state, id, "cancellation_requested", last.as_deref());
    } else if has_come(period_end) {
        renew(state, subscription);
    }
    wake(state, id);
}

/// The next period, and its invoice: a draft for about an hour. Items with longer intervals, whose period goes on, are not on it:
/// docs.stripe.com, billing/subscriptions/mixed-interval.
fn renew(state: &mut State, mut subscription: Value) {
    let id = text(&subscription, "id").to_owned();
    let before = state.shown("subscription", &subscription);
    let (anchor, cancel_at) = (int(&subscription, "billing_cycle_anchor"), subscription["cancel_at"].as_i64());
    if is_trialing(&subscription) {
        subscription["status"] = "active".into();
        state.put("subscription", subscription.clone());
    }
    let mut ended = (state.now, state.now);
    let mut lines = Vec::new();
    let has_ended = |item: &&Value| int(item, "current_period_end") <= state.now;
    let items: Vec<Value> = items_of(state, &id).filter(has_ended).cloned().collect();
    for mut item in items {
        ended = (int(&item, "current_period_start"), int(&item, "current_period_end"));
        let Some(recurrence) = recurrence(bill::price_of(state, &item)) else { continue };
        let stretch = bill::stretch(recurrence, anchor, ended.1).until(cancel_at);
        item["current_period_start"] = stretch.start.into();
        item["current_period_end"] = stretch.end.into();
        lines.push(bill::line(state, &item, stretch));
        state.debits.remove(text(&item, "id"));
        state.put("subscription_item", item);
    }
    state.emit_updated("customer.subscription.updated", "subscription", &before, &subscription);
    bill::draft(state, &subscription, "subscription_cycle", lines, ended);
}

/// What is pending when it ends by itself is billed.
fn last_invoice(state: &mut State, subscription: &Value) -> Option<String> {
    let since = items_of(state, text(subscription, "id")).map(|item| int(item, "current_period_start")).min();
    let period = (since.unwrap_or(state.now), state.now);
    bill::draft(state, subscription, "subscription_cycle", Vec::new(), period)
}

/// It is over, and so is its schedule. Nothing of it is collected by itself any more but a last invoice.
pub fn end(state: &mut State, id: &str, reason: &str, last: Option<&str>) {
    let Some(mut subscription) = state.table("subscription").get(id).cloned() else {
        return;
    };
    subscription["status"] = "canceled".into();
    subscription["ended_at"] = state.now.into();
    if subscription["canceled_at"].is_null() {
        subscription["canceled_at"] = state.now.into();
    }
    subscription["cancellation_details"]["reason"] = reason.into();
    state.put("subscription", subscription.clone());
    let invoices: Vec<Value> = state
        .table("invoice")
        .oldest_first()
        .filter(|invoice| invoice["parent"]["subscription_details"]["subscription"] == id)
        .filter(|invoice| invoice["status"] == "draft" || invoice["status"] == "open")
        .filter(|invoice| last.is_none_or(|last| invoice["id"] != last))
        .cloned()
        .collect();
    for mut invoice in invoices {
        let before = state.shown("invoice", &invoice);
        invoice["auto_advance"] = false.into();
        invoice["automatically_finalizes_at"] = Value::Null;
        invoice["next_payment_attempt"] = Value::Null;
        state.put("invoice", invoice.clone());
        state.emit_updated("invoice.updated", "invoice", &before, &invoice);
    }
    state.emit("customer.subscription.deleted", "subscription", &subscription);
    if let Some(schedule) = subscription["schedule"].as_str() {
        super::super::schedules::subscription_ended(state, schedule);
    }
}

fn expire(state: &mut State, mut subscription: Value) {
    let before = state.shown("subscription", &subscription);
    subscription["status"] = "incomplete_expired".into();
    subscription["ended_at"] = state.now.into();
    let latest = text(&subscription, "latest_invoice").to_owned();
    store(state, &before, subscription);
    // An invoice that was paid meanwhile would have made it active.
    let _voided = transitions::void_open(state, &latest);
}

pub fn is_past_due(state: &mut State, id: &str) {
    set_status(state, id, &["active"], "past_due");
}

fn set_status(state: &mut State, id: &str, from: &[&str], to: &str) {
    let Some(mut subscription) = state.table("subscription").get(id).cloned() else {
        return;
    };
    if from.contains(&text(&subscription, "status")) {
        let before = state.shown("subscription", &subscription);
        subscription["status"] = to.into();
        store(state, &before, subscription);
        wake(state, id);
    }
}

/// What has become of one of its invoices is told to the subscription.
pub fn invoice_changed(state: &mut State, invoice: &Value) {
    let of = &invoice["parent"]["subscription_details"]["subscription"];
    let Some(id) = of.as_str().map(str::to_owned) else { return };
    let Some(subscription) = state.table("subscription").get(&id) else { return };
    let is_latest = subscription["latest_invoice"] == invoice["id"];
    let is_first = invoice["billing_reason"] == json!("subscription_create");
    match text(invoice, "status") {
        "paid" if is_latest => set_status(state, &id, &["incomplete", "past_due"], "active"),
        "void" if is_first && subscription["status"] == "incomplete" => {
            set_status(state, &id, &["incomplete"], "incomplete_expired");
        }
        "void" | "uncollectible" if is_latest => set_status(state, &id, &["past_due"], "active"),
        _ => {}
    }
}
