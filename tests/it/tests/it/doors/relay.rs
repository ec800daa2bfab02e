//! Salesforce's second door, events of an Event Relay by EventBridge: rows 13, 14, 21 and 29 as they are here.
//!
//! EventBridge reads no status. Whatever is not an error is taken; an error is delivered again.

use it::{Deal, Env, bridge_events};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Trace, traces, with_trace};

const SOURCE: &str = "aws.partner/salesforce.com/00D000000000001EAA/0YLxx0000000001GAA";

fn event(detail_type: &str, detail: Value) -> Value {
    json!({
        "version": "0", "id": "bridge-1", "detail-type": detail_type, "source": SOURCE, "account": "111122223333",
        "time": "2026-11-23T00:00:00Z", "region": "eu-central-1", "resources": [], "detail": detail,
    })
}

fn sync(record_id: &str) -> Value {
    event("Stripe_Sync__e", json!({ "payload": { "CreatedDate": 1_795_392_000_000_i64, "Record_Id__c": record_id } }))
}

fn change(change_type: &str, ids: &[String], user: &str) -> Value {
    change_of(&["StageName", "LastModifiedDate"], change_type, ids, user)
}

fn change_of(fields: &[&str], change_type: &str, ids: &[String], user: &str) -> Value {
    let header = json!({
        "entityName": "Opportunity", "recordIds": ids, "changeType": change_type, "commitUser": user,
        "commitTimestamp": 1_795_392_000_000_i64, "changedFields": fields,
    });
    event("OpportunityChangeEvent", json!({ "payload": { "ChangeEventHeader": header } }))
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("00600000000{number:04}")).collect()
}

fn with(key: &str, value: Value) -> Value {
    let mut event = sync("006000000000009");
    event[key] = value;
    event
}

fn without(key: &str) -> Value {
    let mut event = sync("006000000000009");
    event.as_object_mut().unwrap().remove(key);
    event
}

const SOMEBODY: &str = "005000000000002AAA";
const OURSELVES: &str = "005000000000001AAA";
const WRITE_BACK: &[&str] = &["Stripe_Invoice_Id__c", "Stripe_Invoice_URL__c", "LastModifiedDate"];

/// The row's number, what it is, the event, the status, and what it leaves behind.
type Row = (u8, &'static str, fn() -> Value, &'static str, Trace);

const ROWS: &[Row] = &[
    (
        21,
        "another organization",
        || with("source", json!(SOURCE.replace("00D000000000001EAA", "00D000000000002"))),
        "ignored_organization",
        Trace::Nothing,
    ),
    (
        21,
        "another partner",
        || with("source", json!("aws.partner/example.com/00D000000000001EAA/1")),
        "ignored_organization",
        Trace::Nothing,
    ),
    (
        21,
        "the prefix alone",
        || with("source", json!("aws.partner/salesforce.com/")),
        "ignored_organization",
        Trace::Nothing,
    ),
    (13, "no detail", || without("detail"), "quarantined", Trace::Note),
    (13, "no time", || without("time"), "quarantined", Trace::Note),
    (13, "a time that is none", || with("time", json!("yesterday")), "quarantined", Trace::Note),
    (13, "a detail that is text", || with("detail", json!("payload")), "quarantined", Trace::Note),
    (13, "an event without a record", || with("detail", json!({ "payload": {} })), "quarantined", Trace::Note),
    (13, "an account's id", || sync("001000000000009"), "quarantined", Trace::Note),
    (
        13,
        "a change event without a header",
        || event("OpportunityChangeEvent", json!({ "payload": {} })),
        "quarantined",
        Trace::Note,
    ),
    (13, "a change of a malformed id", || change("UPDATE", &["../1".into()], SOMEBODY), "quarantined", Trace::Note),
    (14, "a type of tomorrow", || with("detail-type", json!("Tomorrow__e")), "ignored", Trace::Nothing),
    (14, "a deletion", || change("DELETE", &ids(1), SOMEBODY), "ignored", Trace::Nothing),
    (14, "a change of nothing", || change("UPDATE", &[], SOMEBODY), "ignored", Trace::Nothing),
    (14, "a kind of change of tomorrow", || change("MERGE", &ids(1), SOMEBODY), "queued", Trace::Queued(1)),
    (14, "a gap", || change("GAP_UPDATE", &ids(2), SOMEBODY), "queued", Trace::Queued(2)),
    (
        14,
        "more records than one call to SQS takes",
        || change("UPDATE", &ids(23), SOMEBODY),
        "queued",
        Trace::Queued(23),
    ),
    (29, "our own write", || change_of(WRITE_BACK, "UPDATE", &ids(1), OURSELVES), "ignored_own_write", Trace::Nothing),
    (
        29,
        "our own write, with a user's id of 15 characters",
        || change_of(WRITE_BACK, "UPDATE", &ids(1), &OURSELVES[..15]),
        "ignored_own_write",
        Trace::Nothing,
    ),
    (14, "the platform event", || sync("006000000000009"), "queued", Trace::Queued(1)),
    (14, "lost changes", || change("GAP_OVERFLOW", &[], SOMEBODY), "queued", Trace::Queued(1)),
    (29, "our name, and a flow's doing", || change("UPDATE", &ids(1), OURSELVES), "queued", Trace::Queued(1)),
    (
        29,
        "our fields, and another's doing",
        || change_of(WRITE_BACK, "UPDATE", &ids(1), SOMEBODY),
        "queued",
        Trace::Queued(1),
    ),
];

#[tokio::test]
async fn every_row() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    for (number, name, event, status, trace) in ROWS {
        let title = format!("row {number}: {name}");
        let expected = with_trace(traces(&env), *trace);
        let answer = env.relay(&event()).await;
        assert_eq!(answer, Ok(json!({ "status": status })), "{title}");
        assert_eq!(traces(&env), expected, "{title} left a trace");
    }
    for note in env.sqs.dead_letters() {
        assert_eq!(
            (&note["quarantined"], &note["source"]),
            (&json!("relay_unreadable"), &json!("salesforce_event_relay"))
        );
    }
    env.settle_for_days().await;
    // Nobody knows which changes were lost, so a person has to look.
    let lost =
        env.sqs.dead_letters().into_iter().filter(|letter| letter["parked"]["code"] == "change_events_lost").count();
    assert_eq!((lost, env.stripe_calls().len()), (1, 0));
}

#[tokio::test]
async fn without_a_queue_the_event_is_delivered_again() {
    let env = Env::start().await;
    env.sqs.set_down(true);
    let several = change("UPDATE", &ids(2), SOMEBODY);
    for event in [sync("006000000000009"), several, without("detail")] {
        assert_eq!(env.relay(&event).await, Err("queue_unavailable".to_owned()));
    }
    env.sqs.set_down(false);
    assert_eq!(traces(&env), [0; 5]);
}

/// Bills a deal by change events, and returns those that our own write-back caused.
async fn echoes(env: &Env) -> (String, Vec<Value>) {
    env.trigger(json!({ "relay": {
        "endpoint": "http://bus.test/", "bus": "salesforce", "source": SOURCE, "mode": "change_event",
    } }));
    let opportunity = env.enter(&Deal::three_lines()).await;
    env.sandbox.salesforce.take_deliveries();
    env.close(&opportunity);
    env.deliver().await;
    while env.work(10).await != it::Worked::Nothing {}
    assert!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"].is_string());
    let deliveries = env.sandbox.salesforce.take_deliveries();
    let echoes: Vec<_> = deliveries.iter().flat_map(|delivery| bridge_events(delivery, env.now())).collect();
    let of_opportunity = echoes.iter().filter(|event| event["detail-type"] == "OpportunityChangeEvent").count();
    assert_eq!(of_opportunity, 1, "one write-back, one change event");
    env.sandbox.stripe.take_deliveries();
    env.clear_calls();
    env.advance(SignedDuration::from_secs(60));
    (opportunity, echoes)
}

/// Row 29: our own write comes back as an event.
#[tokio::test]
async fn our_own_write_back_is_recognised_at_the_door() {
    let env = Env::start().await;
    let (opportunity, echoes) = echoes(&env).await;
    let (record, before) = (env.record("Opportunity", &opportunity), traces(&env));
    for echo in echoes {
        let status = env.relay(&echo).await.unwrap()["status"].clone();
        let expected = match echo["detail-type"].as_str() {
            Some("OpportunityChangeEvent") => "ignored_own_write",
            _ => "ignored",
        };
        assert_eq!(status, expected);
    }
    assert_eq!(traces(&env), before);
    assert_eq!(env.record("Opportunity", &opportunity), record);
}

/// Row 29, where nobody has said who we are: it costs one read, and ends there.
#[tokio::test]
async fn our_own_write_back_ends_after_one_read_where_it_is_not_recognised() {
    let mut env = Env::start().await;
    env.salesforce_door.integration_user_id = None;
    let (opportunity, echoes) = echoes(&env).await;
    let record = env.record("Opportunity", &opportunity);
    for echo in echoes {
        env.relay(&echo).await.unwrap();
    }
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity), record);
    assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (0, 1));
}
