//! What is read of a webhook: its id, type, mode, time, and the id of the object that it is about. Everything else is read
//! from the API, so a new field, type or version of Stripe's changes nothing here.

use domain::{
    ChargeId, CreditNoteId, CustomerId, DisputeId, Event, Followed, InvoiceId, InvoicePaymentId, Neighbour, ScheduleId,
    SubscriptionId,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    pub event_id: String,
    /// Of `a`–`z`, `0`–`9`, dot and underscore alone, up to the first other character: it goes into logs and metrics.
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

/// What is optional is kept raw, so that a shape of tomorrow is nothing worse than an absence.
#[derive(Deserialize)]
struct Wire<'a> {
    id: String,
    #[serde(rename = "type")]
    event_type: String,
    livemode: bool,
    created: Created,
    api_version: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    related_object: Option<&'a RawValue>,
}

/// Snapshot events have Unix seconds, thin events an ISO 8601 text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Created {
    Seconds(i64),
    Text(String),
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Deserialize)]
struct Object {
    id: String,
}

/// `related_object.id` of a thin event, `data.object.id` of a snapshot; `None` where there is no text.
fn object_id(wire: &Wire<'_>) -> Option<String> {
    let data = || serde_json::from_str::<Data<'_>>(wire.data?.get()).ok();
    let object = wire.related_object.or_else(|| data().map(|data| data.object))?;
    serde_json::from_str::<Object>(object.get()).ok().map(|object| object.id)
}

/// The longest of Stripe's types has some sixty characters.
fn event_type(text: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_');
    text.chars().take_while(is_plain).take(100).collect()
}

pub fn decode(body: &[u8]) -> Result<Notification, DecodeError> {
    let wire: Wire<'_> = serde_json::from_slice(body)?;
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
        object_id: object_id(&wire),
        event_type: event_type(&wire.event_type),
        event_id: wire.id,
        livemode: wire.livemode,
        created,
        api_version: wire.api_version,
    })
}

/// The types that ask for something, for whoever registers an endpoint or asks for events.
pub const TYPES: [&str; 24] = [
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "invoice_payment.paid",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "invoice.finalized",
    "invoice.finalization_failed",
    "invoice.overdue",
    "credit_note.created",
    "credit_note.voided",
    "charge.refunded",
    "charge.dispute.created",
    "customer.deleted",
    "subscription_schedule.aborted",
    "subscription_schedule.canceled",
    "subscription_schedule.completed",
    "subscription_schedule.created",
    "subscription_schedule.expiring",
    "subscription_schedule.released",
    "subscription_schedule.updated",
];

/// Those of them that this deployment asks for: the ones that the product exists for, those that it follows, and with subscriptions theirs.
pub fn needed(followed: &Followed, subscriptions: bool) -> Vec<&'static str> {
    let is_needed = |event_type: &&str| match event_type.strip_prefix("customer.subscription.") {
        Some(_) => subscriptions,
        None => followed.wants(event_type) || closes_cases(event_type),
    };
    TYPES.into_iter().filter(is_needed).collect()
}

/// What closes the case of an invoice, whether it is shown on the opportunity or not.
pub fn closes_cases(event_type: &str) -> bool {
    matches!(event_type, "invoice.voided" | "invoice.marked_uncollectible")
}

fn named<T, E>(notification: &Notification, parse: fn(&str) -> Result<T, E>) -> Result<T, DecodeError> {
    let id = notification.object_id.as_deref().and_then(|id| parse(id).ok());
    id.ok_or(DecodeError::Malformed)
}

/// What it asks of us, if anything. An event that concerns us and names nothing that can be looked up is an error: ignoring
/// it would lose a payment.
pub fn event(notification: &Notification) -> Result<Option<Event>, DecodeError> {
    match notification.event_type.as_str() {
        "invoice.paid" => {
            let invoice_id = named(notification, InvoiceId::parse)?;
            Ok(Some(Event::InvoicePaid { invoice_id, occurred_at: notification.created }))
        }
        "invoice.payment_failed" => {
            let invoice_id = named(notification, InvoiceId::parse)?;
            Ok(Some(Event::PaymentFailed { invoice_id, occurred_at: notification.created }))
        }
        "invoice_payment.paid" => {
            let invoice_payment_id = named(notification, InvoicePaymentId::parse)?;
            Ok(Some(Event::PaymentReceived { invoice_payment_id, occurred_at: notification.created }))
        }
        "customer.subscription.updated"
        | "customer.subscription.deleted"
        | "customer.subscription.paused"
        | "customer.subscription.resumed" => {
            let subscription_id = named(notification, SubscriptionId::parse)?;
            Ok(Some(Event::SubscriptionChanged { subscription_id, occurred_at: notification.created }))
        }
        _ => neighbour(notification),
    }
}

/// What organizations may do without: `domain::Followed` says which of them is followed.
fn neighbour(notification: &Notification) -> Result<Option<Event>, DecodeError> {
    let occurred_at = notification.created;
    let Some(neighbour) = Neighbour::of_type(&notification.event_type) else { return Ok(None) };
    Ok(Some(match neighbour {
        Neighbour::InvoiceFinalized | Neighbour::InvoiceFinalizationFailed => {
            Event::InvoiceChanged { invoice_id: named(notification, InvoiceId::parse)?, occurred_at }
        }
        Neighbour::InvoiceOverdue => {
            Event::InvoiceOverdue { invoice_id: named(notification, InvoiceId::parse)?, occurred_at }
        }
        Neighbour::InvoiceVoided | Neighbour::InvoiceMarkedUncollectible => {
            Event::InvoiceClosed { invoice_id: named(notification, InvoiceId::parse)?, occurred_at }
        }
        Neighbour::CreditNoteCreated => {
            Event::CreditNoteCreated { credit_note_id: named(notification, CreditNoteId::parse)?, occurred_at }
        }
        Neighbour::ChargeRefunded => {
            Event::ChargeRefunded { charge_id: named(notification, ChargeId::parse)?, occurred_at }
        }
        Neighbour::ChargeDisputeCreated => {
            Event::DisputeCreated { dispute_id: named(notification, DisputeId::parse)?, occurred_at }
        }
        Neighbour::CustomerDeleted => {
            Event::CustomerDeleted { customer_id: named(notification, CustomerId::parse)?, occurred_at }
        }
        Neighbour::SubscriptionSchedule => {
            Event::ScheduleChanged { schedule_id: named(notification, ScheduleId::parse)?, occurred_at }
        }
    }))
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
            assert!(matches!(event(&notification), Ok(Some(Event::InvoicePaid { .. }))));
        }
    }

    #[test]
    fn each_type_that_asks_for_something_is_read() {
        for event_type in TYPES {
            let (id, name) = match event_type {
                "invoice.paid" => ("in_1", "invoice_paid"),
                "invoice.payment_failed" => ("in_1", "payment_failed"),
                "invoice.voided" | "invoice.marked_uncollectible" => ("in_1", "invoice_closed"),
                "invoice_payment.paid" => ("inpay_1", "payment_received"),
                "invoice.finalized" | "invoice.finalization_failed" => ("in_1", "invoice_changed"),
                "invoice.overdue" => ("in_1", "invoice_overdue"),
                "credit_note.created" | "credit_note.voided" => ("cn_1", "credit_note_created"),
                "charge.refunded" => ("py_1", "charge_refunded"),
                "charge.dispute.created" => ("du_1", "dispute_created"),
                "customer.deleted" => ("cus_1", "customer_deleted"),
                name if name.starts_with("subscription_schedule.") => ("sub_sched_1", "schedule_changed"),
                _ => ("sub_1", "subscription_changed"),
            };
            let body = SNAPSHOT.replace("invoice.paid", event_type).replace("in_1", id);
            let read =
                event(&decode(body.as_bytes()).expect("an event")).expect("whole").expect("it asks for something");
            assert_eq!(read.name(), name, "{event_type}");
            // One that names something else must not be taken for one that asks for nothing.
            let other = SNAPSHOT.replace("invoice.paid", event_type).replace("in_1", "re_1");
            assert!(event(&decode(other.as_bytes()).expect("an event")).is_err(), "{event_type}");
        }
    }

    #[test]
    fn a_deployment_needs_what_it_is_set_up_for() {
        let always = [
            "invoice.paid",
            "invoice.payment_failed",
            "invoice.voided",
            "invoice.marked_uncollectible",
            "invoice_payment.paid",
        ];
        assert_eq!(needed(&Followed::nothing(), false), always);
        assert_eq!(needed(&Followed::everything(), true), TYPES);
        let overdue = Followed::parse("invoice.overdue").expect("known");
        let needed = needed(&overdue, true);
        assert_eq!(needed.len(), always.len() + 5, "{needed:?}");
        assert!(["invoice.overdue", "customer.subscription.paused"].iter().all(|one| needed.contains(one)));
    }

    #[test]
    fn other_types_ask_for_nothing() {
        let body = SNAPSHOT.replace("invoice.paid", "invoice.type_of_tomorrow");
        assert!(matches!(event(&decode(body.as_bytes()).expect("an event")), Ok(None)));
        // One that concerns us and names no invoice must not be taken for one that does not.
        let body = SNAPSHOT.replace("in_1", "ch_1");
        assert!(event(&decode(body.as_bytes()).expect("an event")).is_err());
    }

    #[test]
    fn an_object_without_a_text_for_an_id_has_none() {
        let object = r#"{"object":{"id":"in_1","object":"invoice","paid":true},"previous_attributes":{}}"#;
        for data in [
            r#"{"object":{"id":7}}"#,
            r#"{"object":{"id":null}}"#,
            r#"{"object":{}}"#,
            r#"{"object":"in_1"}"#,
            r#"{"object":[1e999]}"#,
            "[]",
            "null",
        ] {
            let notification = decode(SNAPSHOT.replace(object, data).as_bytes()).expect("an event");
            assert_eq!(notification.object_id, None, "{data}");
            assert!(event(&notification).is_err(), "{data}");
        }
    }

    #[test]
    fn a_type_is_cut_where_it_stops_being_one() {
        for (given, expected) in [
            ("v1.billing.meter.error_report_triggered", "v1.billing.meter.error_report_triggered"),
            (r"invoice\nlevel=error", "invoice"),
            ("a@b.example", "a"),
            ("Invoice.paid", ""),
        ] {
            let body = SNAPSHOT.replace("invoice.paid", given);
            assert_eq!(decode(body.as_bytes()).expect("an event").event_type, expected);
        }
        let body = SNAPSHOT.replace("invoice.paid", &"a".repeat(1000));
        assert_eq!(decode(body.as_bytes()).expect("an event").event_type.len(), 100);
    }

    #[test]
    fn what_is_no_event_is_an_error() {
        for body in ["", "[]", "{}", "not json", &SNAPSHOT[..60], &SNAPSHOT.replace("evt_1", "../1")] {
            assert!(decode(body.as_bytes()).is_err(), "{body}");
        }
    }
}
