//! One phase: read from a request, and entered by its subscription.

use super::super::error::Error;
use super::super::params::Params;
use super::super::state::{Call, State, assign, int, text};
use super::super::subscriptions::bill::price_of;
use super::super::subscriptions::period::{Interval, Recurrence};
use super::super::subscriptions::shape::{self, items_of};
use super::super::subscriptions::{change, terms};
use serde_json::{Value, json};

const MOST_PHASES: usize = 10;
/// Intervals of a phase: more than anybody plans.
const LONGEST: i64 = 3650;
const MODELLED: [&str; 11] = [
    "billing_cycle_anchor",
    "collection_method",
    "default_payment_method",
    "description",
    "duration",
    "end_date",
    "invoice_settings",
    "items",
    "metadata",
    "proration_behavior",
    "start_date",
];

pub fn blank(currency: &str, start: i64, end: i64, items: Vec<Value>) -> Value {
    json!({
        "add_invoice_items": [],
        "application_fee_percent": null,
        "billing_cycle_anchor": null,
        "billing_thresholds": null,
        "collection_method": null,
        "currency": currency,
        "default_payment_method": null,
        "default_tax_rates": [],
        "description": null,
        "discounts": [],
        "end_date": end,
        "invoice_settings": { "days_until_due": null },
        "items": items,
        "metadata": {},
        "on_behalf_of": null,
        "proration_behavior": "create_prorations",
        "start_date": start,
        "transfer_data": null,
        "trial_end": null,
    })
}

/// The phases of a request, one after the other from this time on. At least one.
pub fn read(state: &mut State, call: &Call, start: i64) -> Result<Vec<Value>, Error> {
    let elements = call.params.get("phases").and_then(Value::as_array).cloned().unwrap_or_default();
    if elements.is_empty() {
        return Err(Error::missing("phases"));
    }
    if elements.len() > MOST_PHASES {
        let message = format!("A subscription schedule can have at most {MOST_PHASES} current and future phases.");
        return Err(Error::refused(message).param("phases"));
    }
    // All of them in a copy first, since prices are made on the way.
    all(&mut state.clone(), &elements, start)?;
    all(state, &elements, start)
}

fn all(state: &mut State, elements: &[Value], start: i64) -> Result<Vec<Value>, Error> {
    let mut phases = Vec::with_capacity(elements.len());
    let mut start = start;
    for (index, element) in elements.iter().filter_map(Value::as_object).enumerate() {
        let phase = one(state, element, index, start)?;
        if index > 0 && int(&phase, "start_date") != start {
            let message = "A phase begins when the phase before it ends.";
            return Err(Error::refused(message).param(format!("phases[{index}][start_date]")));
        }
        start = int(&phase, "end_date");
        phases.push(phase);
    }
    Ok(phases)
}

fn one(state: &mut State, params: &Params, index: usize, start: i64) -> Result<Value, Error> {
    let path = |name: &str| format!("phases[{index}][{name}]");
    let is_unmodelled = |name: &&String| !MODELLED.contains(&name.as_str());
    if let Some(unmodelled) = params.keys().find(is_unmodelled) {
        return Err(Error::unmodelled(&format!("`{}`", path(unmodelled))));
    }
    if params.get("billing_cycle_anchor").is_some_and(|anchor| anchor == "phase_start") {
        return Err(Error::unmodelled("a phase that resets the billing cycle anchor"));
    }
    let of_invoice = params.get("invoice_settings").and_then(Value::as_object);
    if let Some(other) = of_invoice.and_then(|of| of.keys().find(|name| *name != "days_until_due")) {
        return Err(Error::unmodelled(&format!("`{}[{other}]`", path("invoice_settings"))));
    }
    let start = match params.get("start_date") {
        None => start,
        Some(Value::String(now)) if now == "now" => state.now,
        Some(given) => given.as_i64().unwrap_or(start),
    };
    let wanted = terms::items(state, params, None)?;
    let priced: Vec<_> = wanted
        .iter()
        .filter_map(|wanted| wanted.price.as_ref())
        .filter_map(|price| Some((price.recurrence()?, price.currency())))
        .collect();
    let (recurrence, currency) = terms::agree(&priced)?;
    let end = end(params, start, recurrence, state.now, &path("end_date"))?;
    let mut items = Vec::with_capacity(wanted.len());
    for wanted in &wanted {
        let price = wanted.price.as_ref().ok_or_else(|| Error::missing("price"))?.settle(state)?;
        let metadata = wanted.params.get("metadata").cloned().unwrap_or_else(|| json!({}));
        items.push(json!({
            "billing_thresholds": null,
            "discounts": [],
            "metadata": metadata,
            "plan": price,
            "price": price,
            "quantity": wanted.quantity.unwrap_or(1),
            "tax_rates": [],
        }));
    }
    let mut phase = blank(&currency, start, end, items);
    assign(
        &mut phase,
        params,
        &["collection_method", "default_payment_method", "description", "metadata", "proration_behavior"],
    );
    if let Some(settings) = params.get("invoice_settings").and_then(Value::as_object) {
        assign(&mut phase["invoice_settings"], settings, &["days_until_due"]);
    }
    Ok(phase)
}

/// By its end, by its length, or one period long.
fn end(params: &Params, start: i64, recurrence: Recurrence, now: i64, param: &str) -> Result<i64, Error> {
    let end = match (params.get("end_date"), params.get("duration")) {
        (Some(_), Some(_)) => return Err(Error::exclusive(&[param, "duration"])),
        (Some(Value::String(text)), None) if text == "now" => now,
        (Some(end), None) => end.as_i64().unwrap_or(start),
        (None, Some(duration)) => {
            let interval = duration["interval"].as_str().and_then(Interval::parse).unwrap_or(recurrence.interval);
            let count = duration["interval_count"].as_i64().unwrap_or(1);
            if !(1..=LONGEST).contains(&count) {
                return Err(Error::invalid("duration[interval_count]", format!("Must be between 1 and {LONGEST}.")));
            }
            Recurrence { interval, count }.after(start, 1)
        }
        (None, None) => recurrence.after(start, 1),
    };
    if end <= start {
        return Err(Error::refused("The end of a phase must be after its start.").param(param));
    }
    Ok(end)
}

/// Makes the subscription what the phase says: the items that have a price of it stay, the others go, and what is missing is added.
pub fn enter(state: &mut State, subscription: &str, phase: &Value, behavior: &str) -> Result<(), Error> {
    let present: Vec<(String, String)> = items_of(state, subscription)
        .map(|item| (text(item, "id").to_owned(), text(price_of(state, item), "id").to_owned()))
        .collect();
    let planned = phase["items"].as_array().cloned().unwrap_or_default();
    // What goes is given back first.
    let gone = present.iter().filter(|(_, price)| !planned.iter().any(|item| item["price"] == price.as_str()));
    let mut items: Vec<Value> = gone.map(|(id, _)| json!({ "id": id, "deleted": true })).collect();
    for item in &planned {
        let same = present.iter().find(|(_, price)| item["price"] == price.as_str());
        let mut element = json!({ "quantity": item["quantity"] });
        match same {
            Some((id, _)) => element["id"] = id.as_str().into(),
            None => {
                element["price"] = item["price"].clone();
                element[terms::SETTLED] = true.into();
            }
        }
        if item["metadata"].as_object().is_some_and(|metadata| !metadata.is_empty()) {
            element["metadata"] = item["metadata"].clone();
        }
        items.push(element);
    }
    let mut params = json!({ "items": items, "proration_behavior": behavior });
    if phase["metadata"].as_object().is_some_and(|metadata| !metadata.is_empty()) {
        params["metadata"] = phase["metadata"].clone();
    }
    for name in ["collection_method", "default_payment_method", "description"] {
        if !phase[name].is_null() {
            params[name] = phase[name].clone();
        }
    }
    if !phase["invoice_settings"]["days_until_due"].is_null() {
        params["days_until_due"] = phase["invoice_settings"]["days_until_due"].clone();
    }
    params[change::BY_SCHEDULE] = true.into();
    let params = params.as_object().cloned().unwrap_or_default();
    let operation = super::super::schema::named("Subscription.update");
    change::update(state, &Call { operation, ids: vec![subscription.to_owned()], params }).map(drop)
}

/// What `Subscription.create` is asked for when the first phase begins.
pub fn beginning(schedule: &Value, phase: &Value, now: i64) -> Params {
    let defaults = &schedule["default_settings"];
    let of = |name: &str| match &phase[name] {
        Value::Null => defaults[name].clone(),
        given => given.clone(),
    };
    let items: Vec<Value> = phase["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| {
            let mut element =
                json!({ "price": item["price"], "quantity": item["quantity"], "metadata": item["metadata"] });
            element[terms::SETTLED] = true.into();
            element
        })
        .collect();
    let mut params = Params::new();
    if let Some(ends) = ends_with(schedule, phase).filter(|ends| *ends > now) {
        params.insert("cancel_at".into(), ends.into());
    }
    params.insert("customer".into(), schedule["customer"].clone());
    params.insert("items".into(), items.into());
    params.insert("metadata".into(), phase["metadata"].clone());
    let days = match &phase["invoice_settings"]["days_until_due"] {
        Value::Null => defaults["invoice_settings"]["days_until_due"].clone(),
        days => days.clone(),
    };
    let given = [
        ("collection_method", of("collection_method")),
        ("default_payment_method", of("default_payment_method")),
        ("description", of("description")),
        ("days_until_due", days),
    ];
    for (name, value) in given.into_iter().filter(|(_, value)| !value.is_null()) {
        params.insert(name.into(), value);
    }
    if int(phase, "start_date") < now {
        params.insert("backdate_start_date".into(), phase["start_date"].clone());
    }
    params
}

/// When the phase is the last one and the subscription is to end with it.
pub fn ends_with(schedule: &Value, phase: &Value) -> Option<i64> {
    let last = schedule["phases"].as_array().and_then(|phases| phases.last());
    let is_last = last.is_some_and(|last| last["start_date"] == phase["start_date"]);
    (is_last && schedule["end_behavior"] == "cancel").then(|| int(phase, "end_date"))
}

/// A subscription here has one recurrence, and so have all phases.
pub fn check_recurrence(state: &State, schedule: &Value) -> Result<(), Error> {
    let phases = schedule["phases"].as_array().into_iter().flatten();
    let prices = phases.flat_map(|phase| phase["items"].as_array().into_iter().flatten());
    let mut recurrences = prices.filter_map(|item| shape::recurrence(state.table("price").get(text(item, "price"))?));
    let first = recurrences.next();
    match recurrences.all(|other| Some(other) == first) {
        true => Ok(()),
        false => Err(Error::unmodelled("several intervals in one subscription schedule")),
    }
}
