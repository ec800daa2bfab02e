//! Phases begin and end by themselves.

use super::super::schema;
use super::super::state::{Call, State, int, text};
use super::super::subscriptions::{create, time};
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

fn begin(state: &mut State, id: &str, mut schedule: Value) {
    let before = schedule.clone();
    let first = schedule["phases"][0].clone();
    let params = phase::beginning(&schedule, &first, state.now);
    let operation = schema::named("SubscriptionSchedule.create");
    let Ok(made) = create::create(state, &Call { operation, ids: vec![], params }) else {
        return;
    };
    let subscription = text(&made, "id").to_owned();
    if let Some(mut value) = state.table("subscription").get(&subscription).cloned() {
        value["schedule"] = id.into();
        state.put("subscription", value);
    }
    schedule["status"] = "active".into();
    schedule["subscription"] = subscription.as_str().into();
    enter(state, &before, schedule, &first);
}

/// The schedule is in this phase now.
fn enter(state: &mut State, before: &Value, mut schedule: Value, phase: &Value) {
    schedule["current_phase"] = json!({ "start_date": phase["start_date"], "end_date": phase["end_date"] });
    let subscription = text(&schedule, "subscription").to_owned();
    if let Some(mut value) = state.table("subscription").get(&subscription).cloned() {
        value["cancel_at"] = phase::ends_with(&schedule, phase).into();
        state.put("subscription", value);
        time::wake(state, &subscription);
    }
    state.put("subscription_schedule", schedule.clone());
    state.emit_updated("subscription_schedule.updated", "subscription_schedule", before, &schedule);
}

fn next_phase(state: &mut State, id: &str, schedule: Value) {
    let ended = int(&schedule["current_phase"], "end_date");
    let next =
        schedule["phases"].as_array().into_iter().flatten().find(|phase| int(phase, "start_date") >= ended).cloned();
    let Some(next) = next else {
        match text(&schedule, "end_behavior") {
            "cancel" => complete(state, schedule),
            _ => release(state, id),
        }
        return;
    };
    let subscription = text(&schedule, "subscription").to_owned();
    // A subscription that is over by now has no next phase; neither has its schedule.
    if phase::enter(state, &subscription, &next, text(&next, "proration_behavior")).is_err() {
        return complete(state, schedule);
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

pub fn release(state: &mut State, id: &str) {
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
        value["schedule"] = Value::Null;
        state.put("subscription", value);
    }
    state.emit("subscription_schedule.released", "subscription_schedule", &schedule);
}
