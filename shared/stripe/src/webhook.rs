//! What is read of a webhook: its id, type, mode, time, and the id of the object that it is about. Everything else is read
//! from the API, so a new field, type or version of Stripe's changes nothing here.

use domain::{Event, InvoiceId};
use jiff::Timestamp;
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    pub event_id: String,
    pub event_type: String,
    pub livemode: bool,
    pub created: Timestamp,
    pub object_id: Option<String>,
    pub api_version: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the body is not a Stripe event: {0}")]
    NotAnEvent(#[from] serde_json::Error),
    #[error("the event's id or time is malformed")]
    Malformed,
}

#[derive(Deserialize)]
struct Wire {
    id: String,
    #[serde(rename = "type")]
    event_type: String,
    livemode: bool,
    created: Created,
    api_version: Option<String>,
    data: Option<Data>,
    related_object: Option<Object>,
}

/// Snapshot events have Unix seconds, thin events an ISO 8601 text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Created {
    Seconds(i64),
    Text(String),
}

#[derive(Deserialize)]
struct Data {
    object: Option<Object>,
}

#[derive(Deserialize)]
struct Object {
    id: Option<String>,
}

pub fn decode(body: &[u8]) -> Result<Notification, DecodeError> {
    let wire: Wire = serde_json::from_slice(body)?;
    let created = match &wire.created {
        Created::Seconds(seconds) => Timestamp::from_second(*seconds).ok(),
        Created::Text(text) => text.parse().ok(),
    };
    let is_event_id = wire.id.len() <= 255
        && wire
            .id
            .strip_prefix("evt_")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_'));
    let created = created.filter(|_| is_event_id).ok_or(DecodeError::Malformed)?;
    Ok(Notification {
        event_id: wire.id,
        event_type: wire.event_type.chars().take(100).collect(),
        livemode: wire.livemode,
        created,
        object_id: wire
            .related_object
            .or(wire.data.and_then(|data| data.object))
            .and_then(|object| object.id),
        api_version: wire.api_version,
    })
}

/// What it asks of us, if anything.
pub fn event(notification: &Notification) -> Option<Event> {
    match notification.event_type.as_str() {
        "invoice.paid" => {
            let invoice_id = InvoiceId::parse(notification.object_id.as_deref()?).ok()?;
            Some(Event::InvoicePaid {
                invoice_id,
                occurred_at: notification.created,
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNAPSHOT: &str = r#"{"id":"evt_1","object":"event","type":"invoice.paid","livemode":false,"created":1760000000,
        "api_version":"2020-08-27","data":{"object":{"id":"in_1","object":"invoice","paid":true},"previous_attributes":{}},
        "a_field_of_tomorrow":{}}"#;
    const THIN: &str = r#"{"id":"evt_test_1","object":"v2.core.event","type":"invoice.paid","livemode":false,
        "created":"2026-11-20T10:11:12.000Z","related_object":{"id":"in_1","type":"invoice","url":"/v1/invoices/in_1"}}"#;

    #[test]
    fn snapshot_and_thin_events_of_any_version_are_read() {
        for body in [SNAPSHOT, THIN] {
            let notification = decode(body.as_bytes()).expect("an event");
            assert!(matches!(event(&notification), Some(Event::InvoicePaid { .. })));
        }
    }

    #[test]
    fn other_types_ask_for_nothing() {
        let body = SNAPSHOT.replace("invoice.paid", "invoice.type_of_tomorrow");
        assert_eq!(event(&decode(body.as_bytes()).expect("an event")), None);
        let body = SNAPSHOT.replace("in_1", "ch_1");
        assert_eq!(event(&decode(body.as_bytes()).expect("an event")), None);
    }

    #[test]
    fn what_is_no_event_is_an_error() {
        for body in [
            "",
            "[]",
            "{}",
            "not json",
            &SNAPSHOT[..60],
            &SNAPSHOT.replace("evt_1", "../1"),
        ] {
            assert!(decode(body.as_bytes()).is_err(), "{body}");
        }
    }
}
