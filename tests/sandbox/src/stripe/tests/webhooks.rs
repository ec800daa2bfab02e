//! Events, endpoints and signed deliveries.

use super::Account;
use crate::stripe::signature;
use crate::wire::{Delivery, Service};
use serde_json::Value;

fn header<'a>(delivery: &'a Delivery, name: &str) -> &'a str {
    delivery.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

impl Account {
    fn endpoint(&mut self, url: &str, events: &str) -> (String, String) {
        let made =
            self.post("/v1/webhook_endpoints", &format!("url={url}&{events}&api_version=2026-10-28.endive")).ok();
        let field = |name: &str| made[name].as_str().expect("a string").to_owned();
        (field("id"), field("secret"))
    }

    fn take(&mut self) -> Vec<Delivery> {
        self.stripe.take_deliveries(self.now_ms)
    }
}

#[test]
fn signatures_agree_with_the_sdk() {
    let text = include_str!("../../../../fixtures/stripe-signature-vectors.json");
    let file: Value = serde_json::from_str(text).expect("the vectors are JSON");
    let mut compared = 0;
    for vector in file["vectors"].as_array().expect("vectors") {
        let (secret, header) = (vector["secret"].as_str(), vector["header"].as_str());
        let (Some(secret), Some(header), Some(payload)) = (secret, header, vector["payload"].as_str()) else {
            continue;
        };
        if vector["name"].as_str().is_some_and(|name| name.starts_with("valid")) {
            let timestamp = vector["timestamp"].as_i64().expect("a time stamp");
            assert_eq!(signature(secret, timestamp, payload.as_bytes()), header);
            compared += 1;
        }
    }
    assert!(compared >= 2);
}

#[test]
fn an_endpoint_gets_what_it_asked_for_signed_with_its_secret() {
    let mut account = Account::new();
    let (_, secret) = account.endpoint("https://a.example/hook", "enabled_events[]=customer.created");
    account.endpoint("https://b.example/hook", "enabled_events[]=invoice.paid");
    account.call("POST", "/v1/customers", "name=Acme", &[("idempotency-key", "run-1")]).ok();
    account.create("/v1/products", "name=Gold");

    let deliveries = account.take();
    assert_eq!(deliveries.len(), 1);
    let delivery = &deliveries[0];
    assert_eq!(delivery.url, "https://a.example/hook");
    let seconds = account.now_ms / 1000;
    assert_eq!(header(delivery, "stripe-signature"), signature(&secret, seconds, &delivery.body));
    let event: Value = serde_json::from_slice(&delivery.body).expect("an event");
    assert_eq!((event["id"].as_str(), event["type"].as_str()), (Some(delivery.id.as_str()), Some("customer.created")));
    assert_eq!((&event["request"]["idempotency_key"], &event["pending_webhooks"]), (&"run-1".into(), &1.into()));
    assert_eq!(event["data"]["object"]["name"], "Acme");

    assert_eq!(account.get("/v1/events?delivery_success=false").ok()["data"][0]["id"], delivery.id.as_str());
    account.stripe.delivered(delivery);
    assert_eq!(account.get("/v1/events?delivery_success=false").ok()["data"], serde_json::json!([]));
    assert!(account.take().is_empty());
}

#[test]
fn a_url_may_be_registered_twice_and_each_retry_is_signed_afresh() {
    let mut account = Account::new();
    let secrets = [(); 2].map(|()| account.endpoint("https://a.example/hook", "enabled_events[]=*").1);
    assert_ne!(secrets[0], secrets[1]);
    account.customer();
    let deliveries = account.take();
    assert_eq!(deliveries.len(), 2);
    for (delivery, secret) in deliveries.iter().zip(&secrets) {
        let later = account.stripe.redeliver(account.now_ms + 5_000, delivery);
        let seconds = account.now_ms / 1000 + 5;
        assert_eq!(header(&later, "stripe-signature"), signature(secret, seconds, &delivery.body));
        assert_eq!((&later.id, &later.body), (&delivery.id, &delivery.body));
    }
}

#[test]
fn the_secret_is_shown_once_and_an_endpoint_can_be_switched_off() {
    let mut account = Account::new();
    let (id, _) = account.endpoint("https://a.example/hook", "enabled_events[]=*");
    let target = format!("/v1/webhook_endpoints/{id}");
    assert_eq!(account.get(&target).ok().get("secret"), None);
    assert_eq!(account.get("/v1/webhook_endpoints").ok()["data"][0].get("secret"), None);
    assert_eq!(account.post(&target, "disabled=true").ok()["status"], "disabled");
    account.customer();
    assert!(account.take().is_empty());
    account.post(&target, "disabled=false&enabled_events[]=product.created").ok();
    account.customer();
    assert!(account.take().is_empty());
    account.create("/v1/products", "name=Gold");
    assert_eq!(account.take().len(), 1);
    account.delete(&target).ok();
    assert_eq!(account.get(&target).status, 404);
}

#[test]
fn events_are_listed_by_type_for_thirty_days() {
    let mut account = Account::new();
    account.customer();
    account.create("/v1/products", "name=Gold");
    let count = |account: &mut Account, query: &str| {
        account.get(&format!("/v1/events?{query}")).ok()["data"].as_array().map(Vec::len)
    };
    assert_eq!(count(&mut account, ""), Some(2));
    assert_eq!(count(&mut account, "type=customer.created"), Some(1));
    assert_eq!(count(&mut account, "types[]=customer.created&types[]=product.created"), Some(2));
    assert_eq!(account.get("/v1/events?type=a&types[]=b").code(), "parameters_exclusive");
    let newest = account.get("/v1/events?limit=1").ok()["data"][0].clone();
    assert_eq!(newest["type"], "product.created");
    assert_eq!(account.get(&format!("/v1/events/{}", newest["id"].as_str().unwrap_or_default())).ok(), newest);
    let (first, later) = (account.now_ms / 1000, account.now_ms / 1000 + 60);
    account.now_ms += 60_000;
    account.customer();
    assert_eq!(count(&mut account, &format!("types[0]=customer.created&created[gte]={later}")), Some(1));
    assert_eq!(count(&mut account, &format!("types[0]=customer.created&created[gte]={first}")), Some(2));
    assert_eq!(count(&mut account, &format!("types[0]=customer.created&created[lte]={first}")), Some(1));
    account.now_ms += 31 * 86_400_000;
    assert_eq!(count(&mut account, ""), Some(0));
}

#[test]
fn an_event_that_was_never_made_is_in_no_list_and_told_to_nobody() {
    let mut account = Account::new();
    account.endpoint("https://a.example/hook", "enabled_events[]=*");
    account.customer();
    account.create("/v1/products", "name=Gold");
    account.stripe.forget_events("customer.created");
    assert_eq!(account.get("/v1/events").ok()["data"].as_array().map(Vec::len), Some(1));
    let told: Vec<Value> =
        account.take().iter().map(|delivery| serde_json::from_slice(&delivery.body).expect("an event")).collect();
    assert_eq!(told.iter().map(|event| event["type"].clone()).collect::<Vec<_>>(), ["product.created"]);
}
