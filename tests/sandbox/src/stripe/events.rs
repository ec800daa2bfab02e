//! Events: what changed, to whom it is told, and the signature that tells it.

use super::error::Error;
use super::list;
use super::state::{Call, State, Unsigned, int, text};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

const KEPT_FOR_S: i64 = 30 * 24 * 60 * 60;

impl State {
    /// Records an event about an object as it is now, with a delivery in the outbox for each endpoint that wants it.
    pub fn emit(&mut self, event_type: &str, object: &'static str, value: &Value) {
        let data = json!({ "object": self.shown(object, value) });
        self.record(event_type, data);
    }

    /// The same for `*.updated`, which also says what the changed fields were before. `before` is a shown object.
    pub fn emit_updated(&mut self, event_type: &str, object: &'static str, before: &Value, after: &Value) {
        let shown = self.shown(object, after);
        let previous = previous_attributes(before, &shown);
        if previous.is_empty() {
            return;
        }
        self.record(event_type, json!({ "object": shown, "previous_attributes": previous }));
    }

    fn record(&mut self, event_type: &str, data: Value) {
        let id = self.new_id("evt");
        let wanting: Vec<(String, String)> = self
            .table("webhook_endpoint")
            .oldest_first()
            .filter(|endpoint| wants(endpoint, event_type))
            .map(|endpoint| (text(endpoint, "id").to_owned(), text(endpoint, "api_version").to_owned()))
            .collect();
        let mut event = json!({
            "id": id,
            "object": "event",
            "api_version": self.api_version,
            "created": self.now,
            "data": data,
            "livemode": false,
            "pending_webhooks": wanting.len(),
            "request": self.request,
            "type": event_type,
        });
        self.put("event", event.clone());
        for (endpoint, api_version) in wanting {
            if !api_version.is_empty() {
                event["api_version"] = api_version.into();
            }
            // Stripe pretty-prints what it sends, which catches a receiver that re-serializes before it verifies.
            let body = serde_json::to_vec_pretty(&event).unwrap_or_default();
            self.outbox.push(Unsigned { endpoint, event: id.clone(), body });
        }
        self.forget_old_events();
    }

    fn forget_old_events(&mut self) {
        let horizon = self.now - KEPT_FOR_S;
        let old: Vec<String> = self
            .table("event")
            .oldest_first()
            .take_while(|event| int(event, "created") < horizon)
            .map(|event| text(event, "id").to_owned())
            .collect();
        for id in old {
            self.table_mut("event").remove(&id);
        }
    }

    pub fn forget_events(&mut self, event_type: &str) {
        let of_type = self.table("event").oldest_first().filter(|event| event["type"] == event_type);
        let ids: Vec<String> = of_type.map(|event| text(event, "id").to_owned()).collect();
        for id in &ids {
            self.table_mut("event").remove(id);
        }
        self.outbox.retain(|unsigned| !ids.contains(&unsigned.event));
    }

    /// One endpoint has the event now.
    pub fn delivered(&mut self, event_id: &str) {
        if let Some(mut event) = self.table("event").get(event_id).cloned() {
            event["pending_webhooks"] = (int(&event, "pending_webhooks") - 1).max(0).into();
            self.put("event", event);
        }
    }
}

fn wants(endpoint: &Value, event_type: &str) -> bool {
    let listed = endpoint["enabled_events"].as_array().map(Vec::as_slice).unwrap_or_default();
    endpoint["status"] == "enabled" && listed.iter().any(|listed| listed == "*" || listed == event_type)
}

/// The old values of what changed: maps by key, an array whole when any element of it changed.
fn previous_attributes(before: &Value, after: &Value) -> Map<String, Value> {
    let mut previous = Map::new();
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return previous;
    };
    for (key, old) in before {
        let new = after.get(key).unwrap_or(&Value::Null);
        if old == new {
            continue;
        }
        let change = match (old, new) {
            (Value::Object(_), Value::Object(_)) => Value::Object(previous_attributes(old, new)),
            _ => old.clone(),
        };
        previous.insert(key.clone(), change);
    }
    for key in after.keys().filter(|key| !before.contains_key(*key)) {
        previous.insert(key.clone(), Value::Null);
    }
    previous
}

/// `t=…,v1=…` over `t.body`, keyed with the whole secret string, its `whsec_` included.
pub fn signature(secret: &str, timestamp: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("{timestamp}.").as_bytes());
    mac.update(body);
    format!("t={timestamp},v1={}", hex::encode(mac.finalize().into_bytes()))
}

pub fn retrieve(state: &mut State, call: &Call) -> Result<Value, Error> {
    state.named("event", call.id()).cloned()
}

pub fn list(state: &mut State, call: &Call) -> Result<Value, Error> {
    let types: Vec<&str> =
        call.params.get("types").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if call.text("type").is_some() && !types.is_empty() {
        return Err(Error::exclusive(&["type", "types"]));
    }
    if types.len() > 20 {
        return Err(Error::invalid("types", "You may specify up to 20 types."));
    }
    let horizon = state.now - KEPT_FOR_S;
    let rows = state.table("event").newest_first().filter(|event| {
        let pending = int(event, "pending_webhooks") > 0;
        int(event, "created") >= horizon
            && call.text("type").is_none_or(|only| event["type"] == only)
            && (types.is_empty() || types.iter().any(|one| event["type"] == *one))
            && call.flag("delivery_success").is_none_or(|success| success != pending)
            && list::in_range(call, "created", event)
    });
    list::page(call, rows, "event", "/v1/events")
}
