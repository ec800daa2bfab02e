//! A change of a running subscription, and what it costs: what was billed for the rest of the period is given back, and the rest is
//! billed as it is from now on. By the second, and for a moment that the caller may name.

use super::super::error::Error;
use super::super::invoices::transitions;
use super::super::params::merge_metadata;
use super::super::state::{Call, State, assign, int, text};
use super::bill::{self, Stretch, price_of};
use super::create::{add_extra, add_item, no_price_twice};
use super::pending::{bill_part, bill_rest, full_of, give_back, period_of};
use super::shape::items_of;
use super::terms::{self, Wanted};
use super::{describe, is_live, shown_by_id, store, time};
use serde_json::Value;

/// Marks a change that a schedule makes. No request can bring it along.
pub const BY_SCHEDULE: &str = "_by_schedule";

/// What may still be said of one that is over.
const AFTER_THE_END: [&str; 2] = ["cancellation_details", "metadata"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proration {
    /// Pending until the next invoice.
    Create,
    /// And an invoice for them at once.
    Invoice,
    None,
}

impl Proration {
    pub fn of(call: &Call) -> Self {
        match call.text("proration_behavior") {
            Some("always_invoice") => Self::Invoice,
            Some("none") => Self::None,
            _ => Self::Create,
        }
    }
}

pub fn update(state: &mut State, call: &Call) -> Result<Value, Error> {
    let mut subscription = state.named("subscription", call.id())?.clone();
    let before = state.shown("subscription", &subscription);
    if !is_live(&subscription) {
        if let Some(other) = call.params.keys().find(|name| !AFTER_THE_END.contains(&name.as_str())) {
            let message = "A canceled subscription can only update its cancellation_details and metadata.";
            return Err(Error::refused(message).code("invalid_canceled_subscription_fields").param(other));
        }
        merge_metadata(&mut subscription["metadata"], &call.params, "metadata")?;
        comment(&mut subscription, call);
        store(state, &before, subscription);
        return shown_by_id(state, call.id());
    }
    may_be_changed(call, &subscription)?;
    if call.params.get("billing_cycle_anchor").is_some_and(|anchor| anchor["type"] != "unchanged") {
        return Err(Error::unmodelled("resetting the billing cycle anchor"));
    }
    let wanted = terms::items(state, &call.params, Some(call.id()))?;
    let extras = terms::extras(state, &call.params, text(&subscription, "currency"))?;
    let proration = Proration::of(call);
    let at = proration_date(state, call)?;
    if !is_only_its_end(call) {
        check_result(state, &subscription, &wanted)?;
    }
    let ends = ends(state, call, &subscription)?;
    describe(state, call, &mut subscription)?;
    comment(&mut subscription, call);
    end_trial(state, call, &mut subscription)?;
    state.put("subscription", subscription.clone());

    // What is added is for the period that the others are in, also when they go.
    let period = items_of(state, call.id()).next().map_or((at, at), period_of);
    let before_prorations = prorations_of(state, call.id());
    for wanted in &wanted {
        apply(state, &subscription, wanted, (proration, at), period)?;
    }
    if let Some(ends) = ends {
        let at_period_end = call.flag("cancel_at_period_end") == Some(true);
        end_at(state, &mut subscription, ends, at_period_end, proration);
        subscription["canceled_at"] = if ends.is_some() { state.now.into() } else { Value::Null };
        subscription["cancellation_details"]["reason"] =
            if ends.is_some() { "cancellation_requested".into() } else { Value::Null };
        state.put("subscription", subscription.clone());
    }
    let is_prorated = prorations_of(state, call.id()) != before_prorations;
    for extra in &extras {
        add_extra(state, &subscription, extra, period)?;
    }
    // The invoice, if there is one, is the subscription's latest from now on.
    let after = state.named("subscription", call.id())?.clone();
    state.emit_updated("customer.subscription.updated", "subscription", &before, &after);
    // What is not prorated is no reason for an invoice.
    if proration == Proration::Invoice && is_prorated {
        invoice_now(state, call.id(), "subscription_update", period.0);
    }
    time::wake(state, call.id());
    shown_by_id(state, call.id())
}

/// Another end, which each item meets by itself, whatever its interval.
fn is_only_its_end(call: &Call) -> bool {
    let is_moment = call.params.get("cancel_at").is_some_and(|at| at.is_i64() || at == "");
    is_moment && call.params.keys().all(|name| ["cancel_at", "proration_behavior", "metadata"].contains(&name.as_str()))
}

fn comment(subscription: &mut Value, call: &Call) {
    if let Some(details) = call.params.get("cancellation_details").and_then(Value::as_object) {
        assign(&mut subscription["cancellation_details"], details, &["comment", "feedback", "feedback_option"]);
    }
}

/// The moment that counts: inside the current period, now if nobody says otherwise.
fn proration_date(state: &State, call: &Call) -> Result<i64, Error> {
    let Some(at) = call.int("proration_date") else { return Ok(state.now) };
    let (start, end) = items_of(state, call.id()).next().map_or((at, at), period_of);
    if at < start || at > end {
        let message = format!("`proration_date` must be within the current period: between {start} and {end}.");
        return Err(Error::refused(message).param("proration_date"));
    }
    Ok(at)
}

/// How many prorations there are, and the newest.
fn prorations_of(state: &State, id: &str) -> (usize, Option<String>) {
    let mut prorations = state
        .table("invoiceitem")
        .newest_first()
        .filter(|item| item["proration"] == true && item["parent"]["subscription_details"]["subscription"] == id);
    let newest = prorations.next().map(|item| text(item, "id").to_owned());
    (prorations.count(), newest)
}

/// What a schedule plans is changed by the schedule.
fn may_be_changed(call: &Call, subscription: &Value) -> Result<(), Error> {
    if call.text("payment_behavior").is_some_and(|behavior| behavior != "allow_incomplete") {
        return Err(Error::unmodelled("`payment_behavior` of a change"));
    }
    let Some(schedule) = subscription["schedule"].as_str().filter(|_| !call.params.contains_key(BY_SCHEDULE)) else {
        return Ok(());
    };
    let names = |names: &[&'static str]| names.iter().find(|name| call.params.contains_key(**name)).copied();
    if let Some(name) = names(&["cancel_at", "cancel_at_period_end"]) {
        let message = format!(
            "The subscription is managed by the subscription schedule `{schedule}`, and updating any cancelation behavior \
             directly is not allowed. Please update the schedule instead."
        );
        return Err(Error::refused(message).param(name));
    }
    match names(&["items", "trial_end", "automatic_tax", "add_invoice_items"]) {
        Some(name) => {
            Err(Error::unmodelled(&format!("`{name}` of a subscription that a schedule manages")).param(name))
        }
        None => Ok(()),
    }
}

/// There is an item left, each price is there once, and all bill alike, as they did before.
fn check_result(state: &State, subscription: &Value, wanted: &[Wanted]) -> Result<(), Error> {
    let id = text(subscription, "id");
    let mut result = Vec::new();
    let mut prices: Vec<String> = Vec::new();
    for item in items_of(state, id) {
        let change = wanted.iter().find(|wanted| wanted.item.as_deref() == Some(text(item, "id")));
        if change.is_some_and(|change| change.is_deleted) {
            continue;
        }
        match change.and_then(|change| change.price.as_ref()) {
            Some(priced) => result.extend(priced.recurrence().map(|recurrence| (recurrence, priced.currency()))),
            None => {
                let price = price_of(state, item);
                result.extend(super::shape::recurrence(price).map(|one| (one, text(price, "currency").to_owned())));
                prices.push(text(price, "id").to_owned());
            }
        }
    }
    for added in wanted.iter().filter(|wanted| wanted.item.is_none()) {
        let priced = added.price.as_ref().ok_or_else(|| Error::missing("items[0][price]"))?;
        result.extend(priced.recurrence().map(|recurrence| (recurrence, priced.currency())));
    }
    if result.is_empty() {
        return Err(Error::refused("A subscription must have at least one active item.").param("items"));
    }
    let new: Vec<_> = wanted.iter().filter_map(|wanted| wanted.price.as_ref()).collect();
    no_price_twice(&new)?;
    let again = new.iter().find(|priced| match priced {
        terms::Priced::Catalogue(price) => prices.iter().any(|present| present == text(price, "id")),
        terms::Priced::Inline(_) => false,
    });
    if again.is_some() {
        let message =
            "Cannot have multiple Subscription Items with the same Price: name the item that is there by its id.";
        return Err(Error::refused(message).param("items"));
    }
    let (recurrence, currency) = terms::agree(&result)?;
    if subscription["currency"] != currency.as_str() {
        let message = format!("The price specified only supports `{currency}`.");
        return Err(Error::refused(message).param("items"));
    }
    match bill::recurrence_of(state, id) == Some(recurrence) {
        true => Ok(()),
        false => Err(Error::unmodelled("another interval for a subscription")),
    }
}

/// One element of `items`, done.
pub fn apply(
    state: &mut State,
    subscription: &Value,
    wanted: &Wanted,
    (proration, at): (Proration, i64),
    period: (i64, i64),
) -> Result<(), Error> {
    // A trial is billed nothing, so there is nothing to give back and nothing to bill for its rest.
    let prorates = proration != Proration::None && subscription["status"] != "trialing";
    let id = text(subscription, "id").to_owned();
    let Some(item) = &wanted.item else {
        let item = add_item(state, &id, wanted, period)?;
        if prorates {
            bill_rest(state, subscription, &item, at);
        }
        return Ok(());
    };
    let mut value = state.named("subscription_item", item)?.clone();
    if wanted.is_deleted {
        if prorates {
            give_back(state, subscription, item, at);
        }
        state.debits.remove(item);
        state.table_mut("subscription_item").remove(item);
        return Ok(());
    }
    let (old_price, old_quantity) = (text(&value, "price").to_owned(), int(&value, "quantity"));
    let price = match &wanted.price {
        Some(priced) => priced.settle(state)?,
        None => old_price.clone(),
    };
    // Who says a price and no quantity gets one of it.
    let quantity = wanted.quantity.unwrap_or(if wanted.price.is_some() { 1 } else { old_quantity });
    let is_other = price != old_price || quantity != old_quantity;
    if is_other && prorates {
        give_back(state, subscription, item, at);
    }
    value["price"] = price.into();
    value["quantity"] = quantity.into();
    merge_metadata(&mut value["metadata"], &wanted.params, "metadata")?;
    state.put("subscription_item", value);
    if is_other && prorates {
        bill_rest(state, subscription, item, at);
    }
    Ok(())
}

/// An invoice for what is pending. One that is collected automatically is due at once, and so is one that leaves nothing to pay.
pub fn invoice_now(state: &mut State, id: &str, reason: &str, since: i64) {
    let Some(subscription) = state.table("subscription").get(id).cloned() else {
        return;
    };
    let period = (since, state.now);
    let Some(invoice) = bill::draft(state, &subscription, reason, Vec::new(), period) else {
        return;
    };
    let due = state.table("invoice").get(&invoice).map_or(0, |invoice| int(invoice, "amount_due"));
    if due == 0 {
        // It has lines, so nothing can be wrong with it.
        let _paid = transitions::finalize_draft(state, &invoice, None);
    } else if subscription["collection_method"] == "charge_automatically" && !bill::collect(state, &invoice) {
        time::is_past_due(state, id);
    }
}

fn end_trial(state: &mut State, call: &Call, subscription: &mut Value) -> Result<(), Error> {
    let is_trialing = subscription["status"] == "trialing";
    match call.params.get("trial_end") {
        None => Ok(()),
        Some(_) if !is_trialing => Err(Error::unmodelled("a trial of a subscription that is running")),
        Some(Value::String(_)) => Err(Error::unmodelled("ending a trial early")),
        Some(end) => {
            let end = end.as_i64().filter(|end| *end > state.now);
            let end = end.ok_or_else(|| Error::refused("`trial_end` must be in the future.").param("trial_end"))?;
            subscription["trial_end"] = end.into();
            subscription["billing_cycle_anchor"] = end.into();
            let items: Vec<Value> = items_of(state, text(subscription, "id")).cloned().collect();
            for mut item in items {
                item["current_period_end"] = end.into();
                state.put("subscription_item", item);
            }
            Ok(())
        }
    }
}

/// What is pending of a subscription that is over waits for whatever invoice the customer gets next: recorded without its parent
/// (github.com/Kiln-AI/stripe_world).
fn leave_to_customer(state: &mut State, id: &str) {
    let is_its =
        |item: &&Value| item["parent"]["subscription_details"]["subscription"] == id && item["invoice"].is_null();
    let items: Vec<Value> = state.table("invoiceitem").oldest_first().filter(is_its).cloned().collect();
    for mut item in items {
        item["parent"] = Value::Null;
        item["proration_details"] = Value::Null;
        state.put("invoiceitem", item);
    }
}

/// When it is to end from now on; the inner `None` is never.
fn ends(state: &State, call: &Call, subscription: &Value) -> Result<Option<Option<i64>>, Error> {
    let period_end = items_of(state, text(subscription, "id")).next().map_or(state.now, |item| period_of(item).1);
    match (call.params.get("cancel_at"), call.flag("cancel_at_period_end")) {
        (Some(_), Some(_)) => Err(Error::exclusive(&["cancel_at", "cancel_at_period_end"])),
        (None, None) => Ok(None),
        (None, Some(true)) => Ok(Some(Some(period_end))),
        (None, Some(false)) => Ok((subscription["cancel_at_period_end"] == true).then_some(None)),
        (Some(Value::String(symbol)), None) => match symbol.as_str() {
            "" => Ok(Some(None)),
            "max_period_end" | "min_period_end" => Ok(Some(Some(period_end))),
            other => Err(Error::unmodelled(&format!("`cancel_at={other}`"))),
        },
        (Some(at), None) => match at.as_i64() {
            Some(at) if at > state.now => Ok(Some(Some(at))),
            _ => Err(Error::refused("`cancel_at` must be in the future.").param("cancel_at")),
        },
    }
}

/// An end inside the current period shortens it, one that is moved farther away gives it back what it had lost.
pub fn end_at(
    state: &mut State,
    subscription: &mut Value,
    ends: Option<i64>,
    at_period_end: bool,
    proration: Proration,
) {
    subscription["cancel_at"] = ends.into();
    subscription["cancel_at_period_end"] = at_period_end.into();
    let items: Vec<Value> = items_of(state, text(subscription, "id")).cloned().collect();
    for mut item in items {
        let (start, end) = period_of(&item);
        let full = full_of(state, subscription, &item, start);
        let recurrence = super::shape::recurrence(price_of(state, &item));
        let anchor = int(subscription, "billing_cycle_anchor");
        let natural = match subscription["status"] == "trialing" {
            true => subscription["trial_end"].as_i64().unwrap_or(end),
            false => recurrence.map_or(end, |recurrence| bill::stretch(recurrence, anchor, start).end),
        };
        let new_end = ends.map_or(natural, |ends| ends.min(natural));
        item["current_period_end"] = new_end.into();
        state.put("subscription_item", item.clone());
        if proration == Proration::None || subscription["status"] == "trialing" {
            continue;
        }
        if new_end < end {
            give_back(state, subscription, text(&item, "id"), new_end);
        } else if new_end > end {
            // One that was shortened without a proration is billed for longer than it runs.
            let billed = state.debits.get(text(&item, "id")).into_iter().flatten().map(|debit| debit.end).max();
            let start = billed.map_or(end, |billed| billed.max(end));
            bill_part(state, subscription, &item, Stretch { start, end: new_end, full });
        }
    }
}

/// Ends it now. What was billed for the rest of the period is given back only when that is asked for.
pub fn cancel(state: &mut State, call: &Call) -> Result<Value, Error> {
    let mut subscription = state.named("subscription", call.id())?.clone();
    if !is_live(&subscription) {
        return Err(Error::not_found("subscription", call.id()));
    }
    if call.flag("prorate") == Some(true) && subscription["status"] != "trialing" {
        let items: Vec<String> = items_of(state, call.id()).map(|item| text(item, "id").to_owned()).collect();
        items.iter().for_each(|item| give_back(state, &subscription, item, state.now));
    }
    comment(&mut subscription, call);
    state.put("subscription", subscription.clone());
    let mut last = None;
    if call.flag("invoice_now") == Some(true) {
        let period = (int(&subscription, "start_date"), state.now);
        last = bill::draft(state, &subscription, "subscription_cycle", Vec::new(), period);
    } else {
        leave_to_customer(state, call.id());
    }
    time::end(state, call.id(), "cancellation_requested", last.as_deref());
    shown_by_id(state, call.id())
}
