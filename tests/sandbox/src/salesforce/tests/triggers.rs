//! What a won opportunity sends out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Env, NOW, env, request};
use crate::wire::{Delivery, Service};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SOURCE: &str = "aws.partner/salesforce.com/00D000000000001EAA/0YL000000000001GAA";

fn configured(trigger: &Value) -> Env {
    let mut env = env();
    let body = json!({ "trigger": trigger }).to_string();
    let response = env.salesforce.control(NOW, &request("PUT", "/_sandbox/config", "", body.as_bytes())).unwrap();
    assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
    env
}

fn callout() -> Value {
    json!({"url": "http://127.0.0.1:1/salesforce/events", "secret": SECRET, "headers": {"X-Extra": "1"}})
}

fn relay(mode: &str) -> Value {
    json!({"endpoint": "http://127.0.0.1:2/", "bus": SOURCE, "source": SOURCE, "mode": mode})
}

fn won(env: &mut Env) -> String {
    let id = env.opportunity("Deal");
    env.salesforce.update(NOW, "Opportunity", &id, &json!({"StageName": "Closed Won"})).unwrap();
    id
}

fn header<'a>(delivery: &'a Delivery, name: &str) -> &'a str {
    delivery.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap()
}

fn entry(delivery: &Delivery) -> (Value, Value) {
    let body: Value = serde_json::from_slice(&delivery.body).unwrap();
    let entry = body["Entries"][0].clone();
    let detail = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    (entry, detail)
}

fn verify(delivery: &Delivery) {
    let key = STANDARD.decode(&SECRET[6..]).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", header(delivery, "webhook-id"), header(delivery, "webhook-timestamp")).as_bytes());
    mac.update(&delivery.body);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(header(delivery, "webhook-signature"), expected);
}

#[test]
fn the_callout_is_signed_and_signed_afresh() {
    let mut env = configured(&json!({"callout": callout()}));
    let id = won(&mut env);
    let deliveries = env.salesforce.take_deliveries(NOW);
    assert_eq!(deliveries.len(), 1);
    let first = &deliveries[0];
    let body: Value = serde_json::from_slice(&first.body).unwrap();
    assert_eq!(
        body,
        json!({"type": "opportunity.closed_won", "organization_id": "00D000000000001EAA", "record_id": id})
    );
    assert_eq!((header(first, "webhook-timestamp"), header(first, "x-extra")), ("1795169472", "1"));
    verify(first);
    let again = env.salesforce.redeliver(NOW + 60_000, first);
    assert_eq!((&again.id, &again.body, header(&again, "webhook-timestamp")), (&first.id, &first.body, "1795169532"));
    assert_eq!(header(&again, "webhook-id"), header(first, "webhook-id"));
    verify(&again);
}

#[test]
fn only_turning_won_triggers() {
    let mut env = configured(&json!({"callout": callout()}));
    let id = won(&mut env);
    let mut count = || env.salesforce.take_deliveries(NOW).len();
    assert_eq!(count(), 1);
    for (fields, expected) in [
        (json!({"Name": "Renamed"}), 0),
        (json!({"StageName": "Closed Won"}), 0),
        (json!({"StageName": "Prospecting"}), 0),
        (json!({"StageName": "Closed Won"}), 1),
    ] {
        env.salesforce.update(NOW, "Opportunity", &id, &fields).unwrap();
        assert_eq!(env.salesforce.take_deliveries(NOW).len(), expected, "{fields}");
    }
    env.insert("Opportunity", json!({"Name": "New", "StageName": "Closed Won", "CloseDate": "2026-11-20"}));
    assert_eq!(env.salesforce.take_deliveries(NOW).len(), 1);
    let refused = env.salesforce.insert(NOW, "Opportunity", &json!({"Name": "New", "StageName": "Closed Won"}));
    assert!(refused.unwrap_err().contains("REQUIRED_FIELD_MISSING"));
    assert!(env.salesforce.take_deliveries(NOW).is_empty());
}

#[test]
fn a_rolled_back_transaction_tells_nobody() {
    let mut env = configured(&json!({"callout": callout(), "relay": relay("platform_event")}));
    let id = env.opportunity("Deal");
    let part = |reference: &str, path: String, body: Value| json!({"method": "PATCH", "url": path, "referenceId": reference, "body": body});
    let parts = json!([
        part("won", format!("{}/sobjects/Opportunity/{id}", super::ROOT), json!({"StageName": "Closed Won"})),
        part("bad", format!("{}/sobjects/Opportunity/{id}", super::ROOT), json!({"Nothing": 1})),
    ]);
    env.call("POST", "/composite", json!({"allOrNone": true, "compositeRequest": parts}));
    assert!(env.salesforce.take_deliveries(NOW).is_empty());
    env.call("POST", "/composite", json!({"allOrNone": false, "compositeRequest": parts}));
    assert_eq!(env.salesforce.take_deliveries(NOW).len(), 2);
}

#[test]
fn the_platform_event_names_the_record() {
    let mut env = configured(&json!({"relay": relay("platform_event")}));
    let id = won(&mut env);
    let deliveries = env.salesforce.take_deliveries(NOW);
    assert_eq!(deliveries.len(), 1);
    assert_eq!(header(&deliveries[0], "x-amz-target"), "AWSEvents.PutEvents");
    let (entry, detail) = entry(&deliveries[0]);
    assert_eq!(
        (&entry["Source"], &entry["DetailType"], &entry["EventBusName"]),
        (&json!(SOURCE), &json!("Stripe_Sync__e"), &json!(SOURCE))
    );
    assert_eq!((&detail["payload"]["Record_Id__c"], &detail["payload"]["CreatedDate"]), (&json!(id), &json!(NOW)));
    env.call("POST", "/sobjects/Stripe_Sync__e", json!({"Record_Id__c": "006000000000001AAA"}));
    let published = env.salesforce.take_deliveries(NOW);
    assert_eq!(self::entry(&published[0]).1["payload"]["Record_Id__c"], json!("006000000000001AAA"));
}

#[test]
fn change_events_carry_every_change_and_who_made_it() {
    let mut env = configured(&json!({"relay": relay("change_event")}));
    let (id, integration) = (won(&mut env), env.integration.clone());
    let path = format!("/sobjects/Opportunity/{id}");
    env.call_as(&integration, "PATCH", &path, json!({"Stripe_Invoice_Id__c": "in_1"}));
    env.call("PATCH", &path, json!({"Stripe_Invoice_Id__c": null, "Type": "New"}));
    env.call("DELETE", &path, Value::Null);
    let events: Vec<Value> =
        env.salesforce.take_deliveries(NOW).iter().map(|delivery| entry(delivery).1["payload"].clone()).collect();
    let types: Vec<&Value> = events.iter().map(|event| &event["ChangeEventHeader"]["changeType"]).collect();
    assert_eq!(types, ["CREATE", "UPDATE", "UPDATE", "UPDATE", "DELETE"]);
    let (moved, ours, cleared) = (&events[1], &events[2], &events[3]);
    assert_eq!((&moved["StageName"], &moved["ChangeEventHeader"]["recordIds"]), (&json!("Closed Won"), &json!([id])));
    assert_eq!(ours["ChangeEventHeader"]["commitUser"], json!("005000000000001AAA"));
    assert_eq!(ours["ChangeEventHeader"]["changedFields"], json!(["LastModifiedById", "Stripe_Invoice_Id__c"]));
    assert_eq!(cleared["ChangeEventHeader"]["nulledFields"], json!(["Stripe_Invoice_Id__c"]));
    let numbers: Vec<i64> =
        events.iter().map(|event| event["ChangeEventHeader"]["commitNumber"].as_i64().unwrap()).collect();
    assert!(numbers.is_sorted());
}

#[test]
fn gaps_name_what_they_can() {
    let mut env = configured(&json!({"relay": relay("change_event")}));
    for (body, status) in [
        (json!({"changeType": "GAP_UPDATE", "recordIds": ["006000000000001AAA"]}), 200),
        (json!({"changeType": "GAP_OVERFLOW"}), 200),
        (json!({"changeType": "UPDATE"}), 400),
    ] {
        let request = request("POST", "/_sandbox/gap", "", body.to_string().as_bytes());
        assert_eq!(env.salesforce.control(NOW, &request).unwrap().status, status, "{body}");
    }
    let deliveries = env.salesforce.take_deliveries(NOW);
    let headers: Vec<Value> =
        deliveries.iter().map(|delivery| entry(delivery).1["payload"]["ChangeEventHeader"].clone()).collect();
    assert_eq!((&headers[0]["recordIds"], &headers[1]["recordIds"]), (&json!(["006000000000001AAA"]), &json!([])));
}

#[test]
fn the_control_endpoint_knows_its_paths() {
    let mut env = env();
    env.insert("Account", json!({"Name": "Acme"}));
    let bad_secret = r#"{"trigger":{"callout":{"url":"http://127.0.0.1:1/","secret":"plain"}}}"#;
    for (method, path, body, status) in [
        ("GET", "/_sandbox/config", "", Some(200)),
        ("PUT", "/_sandbox/config", r#"{"multi_currency":true,"org_currency":"EUR","daily_api_limit":5}"#, Some(200)),
        ("PUT", "/_sandbox/config", r#"{"nothing":1}"#, Some(400)),
        ("PUT", "/_sandbox/config", bad_secret, Some(400)),
        ("GET", "/_sandbox/records/Account", "", Some(200)),
        ("GET", "/_sandbox/records/Nothing", "", Some(400)),
        ("POST", "/_sandbox/gap", r#"{"changeType":"GAP_OVERFLOW"}"#, Some(400)),
        ("POST", "/_sandbox/expire_tokens", "", Some(200)),
        ("POST", "/_sandbox/faults", "", None),
    ] {
        let response = env.salesforce.control(NOW, &request(method, path, "", body.as_bytes()));
        assert_eq!(response.map(|response| response.status), status, "{method} {path} {body}");
    }
    assert_eq!(env.call("GET", "/limits", Value::Null).0, 401);
}
