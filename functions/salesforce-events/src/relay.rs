//! Door two: EventBridge events of a Salesforce Event Relay. The bus is the proof of where they come from.

use intake::Answer;
use jiff::Timestamp;
use lambda_runtime::Error;
use platform::Metric;
use queue::{Envelope, Source};
use salesforce::relay;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::App;

#[derive(Deserialize)]
struct EventBridgeEvent<'a> {
    id: String,
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    time: Timestamp,
    #[serde(borrow)]
    detail: &'a RawValue,
}

pub(crate) async fn receive(app: &App, payload: &RawValue) -> Result<Value, Error> {
    let Ok(event) = serde_json::from_str::<EventBridgeEvent<'_>>(payload.get()) else {
        return Ok(app
            .door
            .quarantine("relay_unreadable", Source::SalesforceEventRelay, bytes(payload))
            .await
            .to_event_bridge()?);
    };
    let source = match app.source(&event.source) {
        Some(organization_id) if organization_id == app.organization_id => event,
        _ => {
            app.door.count(Metric::Rejected, "organization_unknown");
            return Ok(json!({ "status": "ignored_organization" }));
        }
    };
    let is_ours = |fields: &[String]| mapping::is_own_write(fields.iter().map(String::as_str));
    let integration_user_id = app.integration_user_id.as_ref();
    let decoded = relay::decode(&source.detail_type, source.detail, source.time, integration_user_id, is_ours);
    let Ok(relayed) = decoded else {
        return Ok(app
            .door
            .quarantine("relay_unreadable", Source::SalesforceEventRelay, bytes(payload))
            .await
            .to_event_bridge()?);
    };
    if relayed.own_write {
        app.door.count(Metric::EventsIgnored, "own_write");
        return Ok(json!({ "status": "ignored_own_write" }));
    }
    if relayed.events.is_empty() {
        app.door.count(Metric::EventsIgnored, "relay_type_unknown");
        return Ok(json!({ "status": "ignored" }));
    }
    let now = (app.door.now)();
    // One change event may name several records; each is an event of its own.
    let envelopes: Vec<_> = relayed
        .events
        .into_iter()
        .enumerate()
        .map(|(index, event)| Envelope::new(format!("{}.{index}", source.id), Source::SalesforceEventRelay, event, now))
        .collect();
    Ok(app.door.enqueue(&envelopes, Answer::accepted("queued")).await.to_event_bridge()?)
}

fn bytes(payload: &RawValue) -> &[u8] {
    payload.get().as_bytes()
}
