//! Phases begin and end by themselves.

use super::super::error::Error;
use super::super::schema;
use super::super::state::{Call, State, int, text};
use super::super::subscriptions::{change, create, time};
use super::{phase, wake_at};
use serde_json::{Value, json};

/// Looks at it again when a phase begins or ends.
pub fn wake(state: &mut State, id: &str) {
    let Some(schedule) = state.table("subscription_schedule").get(id) else { return };
    let at = match text(schedule, "status") {
        "not_started" => int(&schedule["phases"][0], "start_date"),
        "active" => int(&schedule["current_phase"], "end_date"),
        _ => return,
    };
    wake_at(state, id, at);
}

pub fn due(state: &mut State, id: &str) {
    let Some(schedule) = state.table("subscription_schedule").get(id).cloned() else {
        return;
    };
    match text(&schedule, "status") {
        "not_started" if int(&schedule["phases"][0], "start_date") <= state.now => begin(state, id, schedule),
        "active" if int(&schedule["current_phase"], "end_date") <= state.now => next_phase(state, id, schedule),
        _ => {}
    }
    wake(state, id);
}

/// The subscription of the first phase.
pub fn first(state: &mut State, schedule: &Value) -> Result<Value, Error> {
    let params = phase::beginning(schedule, &schedule["phases"][0], state.now);
    let operation = schema::named("SubscriptionSchedule.create");
    create::create(state, &Call { operation, ids: vec![], params })
}

fn begin(state: &mut State, id: &str, mut schedule: Value) {
    // It could begin when it was made; what became impossible since is nobody's to be told.
    let Ok(made) = first(state, &schedule) else {
        return abort(state, id);
    };
    let before = schedule.clone();
    let subscription = text(&made, "id").to_owned();
    if let Some(mut value) = state.table("subscription").get(&subscription).cloned() {
        value["schedule"] = id.into();
        state.put("subscription", value);
    }
    schedule["status"] = "active".into();
    schedule["subscription"] = subscription.as_str().into();
    let first = schedule["phases"][0].clone();
    enter(state, &before, schedule, &first);
}

/// The schedule is in this phase now.
fn enter(state: &mut State, before: &Value, mut schedule: Value, phase: &Value) {
    schedule["current_phase"] = json!({ "start_date": phase["start_date"], "end_date": phase["end_date"] });
    state.put("subscription_schedule", schedule.clone());
    state.emit_updated("subscription_schedule.updated", "subscription_schedule", before, &schedule);
    apply_end(state, &schedule, text(phase, "proration_behavior"));
}

/// The subscription ends with the last phase, if that is the plan, and only then.
pub fn apply_end(state: &mut State, schedule: &Value, behavior: &str) {
    let current = &schedule["current_phase"];
    let phase =
        schedule["phases"].as_array().into_iter().flatten().find(|one| one["start_date"] == current["start_date"]);
    let ends = phase.and_then(|phase| phase::ends_with(schedule, phase));
    set_end(state, text(schedule, "subscription"), ends, behavior);
}

fn set_end(state: &mut State, id: &str, ends: Option<i64>, behavior: &str) {
    let Some(mut subscription) = state.table("subscription").get(id).cloned() else {
        return;
    };
    if subscription["cancel_at"].as_i64() == ends {
        return;
    }
    let before = state.shown("subscription", &subscription);
    let proration = if behavior == "none" { change::Proration::None } else { change::Proration::Create };
    change::end_at(state, &mut subscription, ends, false, proration);
    state.put("subscription", subscription.clone());
    state.emit_updated("customer.subscription.updated", "subscription", &before, &subscription);
    time::wake(state, id);
}

fn next_phase(state: &mut State, id: &str, schedule: Value) {
    let ended = int(&schedule["current_phase"], "end_date");
    let next =
        schedule["phases"].as_array().into_iter().flatten().find(|phase| int(phase, "start_date") >= ended).cloned();
    let Some(next) = next else {
        match text(&schedule, "end_behavior") {
            "cancel" => complete(state, schedule),
            _ => release(state, id, false),
        }
        return;
    };
    let subscription = text(&schedule, "subscription").to_owned();
    if phase::enter(state, &subscription, &next, text(&next, "proration_behavior")).is_err() {
        return abort(state, id);
    }
    let before = schedule.clone();
    enter(state, &before, schedule, &next);
}

/// The subscription ends by itself at the same second.
fn complete(state: &mut State, mut schedule: Value) {
    schedule["status"] = "completed".into();
    schedule["completed_at"] = state.now.into();
    schedule["current_phase"] = Value::Null;
    state.put("subscription_schedule", schedule.clone());
    state.emit("subscription_schedule.completed", "subscription_schedule", &schedule);
}

/// It never began, or cannot go on.
pub fn abort(state: &mut State, id: &str) {
    let Some(mut schedule) = state.table("subscription_schedule").get(id).cloned() else {
        return;
    };
    schedule["status"] = "canceled".into();
    schedule["canceled_at"] = state.now.into();
    schedule["current_phase"] = Value::Null;
    state.put("subscription_schedule", schedule.clone());
    state.emit("subscription_schedule.canceled", "subscription_schedule", &schedule);
}

/// Without its subscription there is nothing to plan.
pub fn subscription_ended(state: &mut State, id: &str) {
    let is_active = state.table("subscription_schedule").get(id).is_some_and(|one| one["status"] == "active");
    if is_active {
        abort(state, id);
    }
}

pub fn release(state: &mut State, id: &str, keeps_end: bool) {
    let Some(mut schedule) = state.table("subscription_schedule").get(id).cloned() else {
        return;
    };
    let subscription = schedule["subscription"].take();
    schedule["released_subscription"] = subscription.clone();
    schedule["status"] = "released".into();
    schedule["released_at"] = state.now.into();
    schedule["current_phase"] = Value::Null;
    state.put("subscription_schedule", schedule.clone());
    if let Some(mut value) = subscription.as_str().and_then(|id| state.table("subscription").get(id)).cloned() {
        let before = state.shown("subscription", &value);
        value["schedule"] = Value::Null;
        super::super::subscriptions::store(state, &before, value);
        if !keeps_end {
            set_end(state, subscription.as_str().unwrap_or_default(), None, "create_prorations");
        }
    }
    state.emit("subscription_schedule.released", "subscription_schedule", &schedule);
}
