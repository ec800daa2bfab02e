//! Stripe's second door, events of its destination in EventBridge.
//!
//! EventBridge reads no status. Whatever is not an error is taken; an error is delivered again.

use it::{Deal, Env, http_event};
use serde_json::{Value, json};

use super::{Trace, traces, with_trace};

const SOURCE: &str = "aws.partner/stripe.com/ed_test_61TUzAbc";

fn snapshot(version: &str, livemode: bool, event_type: &str, id: &str) -> Value {
    json!({
        "id": "evt_bridge_1", "object": "event", "type": event_type, "livemode": livemode, "created": 1_795_392_000,
        "api_version": version, "data": { "object": { "id": id, "object": "invoice", "paid": true } },
    })
}

/// An event as EventBridge hands it on.
fn bridged(detail: Value) -> Value {
    json!({
        "version": "0", "id": "bridge-1", "detail-type": detail["type"], "source": SOURCE, "account": "111122223333",
        "time": "2026-11-23T00:00:00Z", "region": "eu-central-1", "resources": [], "detail": detail,
    })
}

fn thin() -> Value {
    json!({
        "id": "evt_test_1", "object": "v2.core.event", "type": "invoice.paid", "livemode": false, "created": "2026-11-23T00:00:00.000Z",
        "related_object": { "id": "in_1", "type": "invoice", "url": "/v1/invoices/in_1" },
    })
}

fn from(source: &str) -> Value {
    let mut event = bridged(snapshot("2026-10-28.endive", false, "invoice.paid", "in_1"));
    event["source"] = source.into();
    event
}

type Row = (&'static str, fn() -> Value, &'static str, Trace);

const ROWS: &[Row] = &[
    ("a payment", || bridged(snapshot("2026-10-28.endive", false, "invoice.paid", "in_1")), "queued", Trace::Queued(1)),
    (
        "of an older version",
        || bridged(snapshot("2019-02-19", false, "invoice.paid", "in_1")),
        "queued",
        Trace::Queued(1),
    ),
    ("a thin event", || bridged(thin()), "queued", Trace::Queued(1)),
    (
        "of the other mode",
        || bridged(snapshot("2026-10-28.endive", true, "invoice.paid", "in_1")),
        "ignored_mode",
        Trace::Nothing,
    ),
    (
        "of no concern",
        || bridged(snapshot("2026-10-28.endive", false, "payout.paid", "po_1")),
        "ignored",
        Trace::Nothing,
    ),
    (
        "not followed",
        || bridged(snapshot("2026-10-28.endive", false, "invoice.overdue", "in_1")),
        "ignored",
        Trace::Nothing,
    ),
    (
        "that names no invoice",
        || bridged(snapshot("2026-10-28.endive", false, "invoice.paid", "ch_1")),
        "quarantined",
        Trace::Note,
    ),
    ("without an event", || bridged(json!({ "type": "invoice.paid" })), "quarantined", Trace::Note),
    ("of another partner", || from("aws.partner/example.com/1"), "ignored_source", Trace::Nothing),
    ("of our own account", || from("closedwon.test"), "ignored_source", Trace::Nothing),
];

#[tokio::test]
async fn each_event_by_eventbridge_has_its_answer_and_leaves_no_more_than_it_should() {
    for (name, event, status, trace) in ROWS {
        let mut env = Env::start().await;
        env.expect_dead_letters();
        let before = traces(&env);
        assert_eq!(env.bridge(&event()).await, Ok(json!({ "status": status })), "{name}");
        assert_eq!(traces(&env), with_trace(before, *trace), "{name}");
        env.sqs.purge();
    }
}

/// What the queue did not take is delivered again.
#[tokio::test]
async fn an_event_that_is_not_taken_is_an_error() {
    let env = Env::start().await;
    env.sqs.set_down(true);
    let event = bridged(thin());
    assert_eq!(env.bridge(&event).await, Err("queue_unavailable".into()));
    env.sqs.set_down(false);
    assert_eq!(env.bridge(&event).await, Ok(json!({ "status": "queued" })));
    env.sqs.purge();
}

/// Nobody gets past the signature by writing like EventBridge: what is posted is a text within API Gateway's event.
#[tokio::test]
async fn a_post_that_looks_like_an_event_needs_its_signature() {
    let env = Env::start().await;
    let body = bridged(snapshot("2026-10-28.endive", false, "invoice.paid", "in_1")).to_string();
    let headers = [("detail-type".to_owned(), "invoice.paid".to_owned())];
    let reply = env.call_stripe(&http_event("POST", "/stripe/webhook", &headers, body.as_bytes())).await;
    assert_eq!((reply.status, env.sqs.work().len()), (401, 0));
}

/// The same events by both doors: the deal is paid once, with one call more at most.
#[tokio::test]
async fn both_doors_at_once_tell_the_same() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.pay(&invoice).await;
    env.clear_calls();
    for delivery in env.sandbox.stripe.take_deliveries() {
        let event: Value = serde_json::from_slice(&delivery.body).unwrap();
        env.bridge(&bridged(event)).await.unwrap();
        env.post(&delivery).await;
    }
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
    assert_eq!(env.salesforce_calls().len(), 1, "{:?}", env.salesforce_calls());
    assert!(env.sqs.dead_letters().is_empty());
}
