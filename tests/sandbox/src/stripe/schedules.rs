//! Subscription schedules: what a subscription is to become, and when. Each phase begins where the one before ends.

mod phase;
mod time;

pub use time::{abort, due, subscription_ended};

use super::error::Error;
use super::list;
use super::params::merge_metadata;
use super::state::{Call, State, assign, int, text};
use super::subscriptions::change;
use super::subscriptions::shape::items_of;
use super::timers::Due;
use serde_json::{Value, json};

pub fn create(state: &mut State, call: &Call) -> Result<Value, Error> {
    let mut schedule = match call.text("from_subscription") {
        Some(subscription) => of_subscription(state, call, subscription)?,
        None => of_phases(state, call)?,
    };
    let id = state.new_id("sub_sched");
    schedule["id"] = id.as_str().into();
    merge_metadata(&mut schedule["metadata"], &call.params, "metadata")?;
    state.put("subscription_schedule", schedule.clone());
    state.emit("subscription_schedule.created", "subscription_schedule", &schedule);
    if let Some(mut subscription) =
        schedule["subscription"].as_str().and_then(|id| state.table("subscription").get(id)).cloned()
    {
        subscription["schedule"] = id.as_str().into();
        state.put("subscription", subscription);
    }
    // One that begins now does so in the request.
    due(state, &id);
    state.named("subscription_schedule", &id).cloned()
}

fn blank(state: &State, customer: &str) -> Value {
    json!({
        "id": null,
        "object": "subscription_schedule",
        "application": null,
        "billing_mode": { "flexible": { "proration_discounts": "included" }, "type": "flexible", "updated_at": null },
        "canceled_at": null,
        "completed_at": null,
        "created": state.now,
        "current_phase": null,
        "customer": customer,
        "customer_account": null,
        "default_settings": {
            "application_fee_percent": null,
            "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null },
            "billing_cycle_anchor": "automatic",
            "billing_thresholds": null,
            "collection_method": "charge_automatically",
            "default_payment_method": null,
            "description": null,
            "invoice_settings": {
                "account_tax_ids": null,
                "custom_fields": null,
                "days_until_due": null,
                "description": null,
                "footer": null,
                "issuer": { "type": "self" },
            },
            "on_behalf_of": null,
            "transfer_data": null,
        },
        "end_behavior": "release",
        "livemode": false,
        "metadata": {},
        "pause_schedules": [],
        "phases": [],
        "released_at": null,
        "released_subscription": null,
        "status": "not_started",
        "subscription": null,
        "test_clock": null,
    })
}

fn of_phases(state: &mut State, call: &Call) -> Result<Value, Error> {
    let customer = call.text("customer").ok_or_else(|| Error::missing("customer"))?.to_owned();
    state.referenced("customer", &customer, "customer")?;
    let start = match call.params.get("start_date") {
        Some(Value::String(now)) if now == "now" => state.now,
        Some(start) => start.as_i64().ok_or_else(|| Error::missing("start_date"))?,
        None => return Err(Error::missing("start_date")),
    };
    let mut schedule = blank(state, &customer);
    settings(call, &mut schedule)?;
    schedule["phases"] = phase::read(state, call, start)?.into();
    phase::check_recurrence(state, &schedule)?;
    // What could not begin now cannot begin later: found out by beginning it in a copy.
    let mut copy = state.clone();
    time::first(&mut copy, &schedule)?;
    Ok(schedule)
}

/// One phase: what the subscription is now, until its period ends.
fn of_subscription(state: &State, call: &Call, id: &str) -> Result<Value, Error> {
    if let Some(other) = call.params.keys().find(|name| *name != "from_subscription") {
        let message = "You cannot set other parameters when you create a subscription schedule `from_subscription`.";
        return Err(Error::refused(message).param(other));
    }
    let subscription = state.referenced("subscription", id, "from_subscription")?;
    if !super::subscriptions::is_live(subscription) || !subscription["schedule"].is_null() {
        let message = "You cannot migrate a subscription that is canceled or attached to a schedule already.";
        return Err(Error::refused(message).param("from_subscription"));
    }
    let mut schedule = blank(state, text(subscription, "customer"));
    let items: Vec<Value> = items_of(state, id)
        .map(|item| json!({ "price": item["price"], "quantity": item["quantity"], "metadata": item["metadata"] }))
        .collect();
    let period = items_of(state, id).next().cloned().unwrap_or_default();
    let (start, end) = (int(&period, "current_period_start"), int(&period, "current_period_end"));
    let mut only = phase::blank(text(subscription, "currency"), start, end, items);
    only["collection_method"] = subscription["collection_method"].clone();
    only["invoice_settings"]["days_until_due"] = subscription["days_until_due"].clone();
    schedule["phases"] = json!([only]);
    schedule["status"] = "active".into();
    schedule["subscription"] = id.into();
    schedule["current_phase"] = json!({ "start_date": start, "end_date": end });
    Ok(schedule)
}

fn settings(call: &Call, schedule: &mut Value) -> Result<(), Error> {
    match call.text("end_behavior") {
        Some(behavior @ ("cancel" | "release")) => schedule["end_behavior"] = behavior.into(),
        Some(other) => return Err(Error::unmodelled(&format!("`end_behavior={other}`"))),
        None => {}
    }
    if let Some(settings) = call.params.get("default_settings").and_then(Value::as_object) {
        let known = ["collection_method", "default_payment_method", "description", "invoice_settings"];
        let of_invoice = settings.get("invoice_settings").and_then(Value::as_object);
        let other = settings.keys().find(|name| !known.contains(&name.as_str()));
        let other = other.or(of_invoice.and_then(|of| of.keys().find(|name| *name != "days_until_due")));
        if let Some(other) = other {
            return Err(Error::unmodelled(&format!("`{other}` in `default_settings`")));
        }
        assign(
            &mut schedule["default_settings"],
            settings,
            &["collection_method", "default_payment_method", "description"],
        );
        if let Some(invoice) = settings.get("invoice_settings").and_then(Value::as_object) {
            assign(&mut schedule["default_settings"]["invoice_settings"], invoice, &["days_until_due"]);
        }
    }
    Ok(())
}

/// The current phase and all that come after it, anew. A change of the current one is a change of the subscription.
pub fn update(state: &mut State, call: &Call) -> Result<Value, Error> {
    let mut schedule = state.named("subscription_schedule", call.id())?.clone();
    let before = schedule.clone();
    if !["active", "not_started"].contains(&text(&schedule, "status")) {
        return Err(Error::refused(format!("You cannot update a schedule that is {}.", text(&schedule, "status"))));
    }
    settings(call, &mut schedule)?;
    merge_metadata(&mut schedule["metadata"], &call.params, "metadata")?;
    let is_active = schedule["status"] == "active";
    let mut entered = None;
    if call.params.contains_key("phases") {
        let start = schedule["current_phase"]["start_date"].as_i64();
        let start = start.unwrap_or(int(&schedule["phases"][0], "start_date"));
        let phases = phase::read(state, call, start)?;
        if is_active && int(&phases[0], "start_date") != start {
            let message = "You can not modify the start date of the current phase.";
            return Err(Error::refused(message).param("phases[0][start_date]"));
        }
        let past: Vec<Value> = schedule["phases"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|phase| is_active && int(phase, "end_date") <= start)
            .cloned()
            .collect();
        let current = phases[0].clone();
        schedule["phases"] = past.into_iter().chain(phases).collect();
        phase::check_recurrence(state, &schedule)?;
        if is_active {
            schedule["current_phase"] = json!({ "start_date": start, "end_date": current["end_date"] });
            entered = Some(current);
        }
    }
    if let Some(current) = entered {
        let behavior = call.text("proration_behavior").unwrap_or("create_prorations").to_owned();
        phase::enter(state, text(&schedule, "subscription"), &current, &behavior)?;
    }
    state.put("subscription_schedule", schedule.clone());
    state.emit_updated("subscription_schedule.updated", "subscription_schedule", &before, &schedule);
    if is_active {
        time::apply_end(state, &schedule, "create_prorations");
    }
    time::wake(state, call.id());
    state.named("subscription_schedule", call.id()).cloned()
}

/// The subscription goes on as it is.
pub fn release(state: &mut State, call: &Call) -> Result<Value, Error> {
    may_end(state, call)?;
    time::release(state, call.id(), call.flag("preserve_cancel_date") == Some(true));
    state.named("subscription_schedule", call.id()).cloned()
}

/// And so is the subscription.
pub fn cancel(state: &mut State, call: &Call) -> Result<Value, Error> {
    let schedule = may_end(state, call)?;
    match schedule["subscription"].as_str() {
        // Its end is the schedule's.
        Some(subscription) => {
            let of = |name: &str| call.flag(name).unwrap_or(true);
            let params = json!({ "invoice_now": of("invoice_now"), "prorate": of("prorate") });
            let params = params.as_object().cloned().unwrap_or_default();
            change::cancel(state, &Call { operation: call.operation, ids: vec![subscription.to_owned()], params })?;
        }
        None => time::abort(state, call.id()),
    }
    state.named("subscription_schedule", call.id()).cloned()
}

fn may_end(state: &State, call: &Call) -> Result<Value, Error> {
    let schedule = state.named("subscription_schedule", call.id())?;
    let status = text(schedule, "status");
    match status {
        "active" | "not_started" => Ok(schedule.clone()),
        _ => Err(Error::refused(format!("You cannot end a subscription schedule that is {status}."))),
    }
}

pub fn retrieve(state: &mut State, call: &Call) -> Result<Value, Error> {
    state.named("subscription_schedule", call.id()).cloned()
}

pub fn list(state: &mut State, call: &Call) -> Result<Value, Error> {
    let is_scheduled = |row: &Value| call.flag("scheduled") != Some(true) || row["status"] == "not_started";
    let rows = state
        .table("subscription_schedule")
        .newest_first()
        .filter(|row| is_scheduled(row) && list::equal(call, "customer", row) && list::in_range(call, "created", row));
    list::page(call, rows, "subscription_schedule", "/v1/subscription_schedules")
}

fn wake_at(state: &mut State, id: &str, at: i64) {
    state.timers.insert((at, Due::Schedule(id.to_owned())));
}
