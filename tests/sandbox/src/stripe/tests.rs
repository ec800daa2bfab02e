//! The fake driven through its own front door, one request at a time.

mod catalogue;
mod corrections;
mod gates;
mod idempotency;
mod invoices;
mod lines;
mod previews;
mod schedules;
mod shapes;
mod subscriptions;
mod taxes;
mod webhooks;

use super::{Config, Stripe};
use crate::wire::{Request, Response, Service};
use serde_json::Value;

/// 2026-11-01T00:00:00Z
const START_MS: i64 = 1_793_491_200_000;

struct Account {
    stripe: Stripe,
    now_ms: i64,
    key: String,
}

struct Answer {
    status: u16,
    body: Value,
    response: Response,
}

impl Answer {
    fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.response.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    fn param(&self) -> &str {
        self.body["error"]["param"].as_str().unwrap_or_default()
    }

    fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }
}

impl Account {
    fn new() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        Self { stripe: Stripe::new(config), now_ms: START_MS, key: "sk_test_sandbox".into() }
    }

    fn call(&mut self, method: &str, target: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut all = vec![("authorization".to_owned(), format!("Bearer {}", self.key))];
        all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let request = Request {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            headers: all,
            body: body.as_bytes().to_vec(),
        };
        let response = self.stripe.handle(self.now_ms, &request);
        let body = serde_json::from_slice(&response.body).expect("every answer is JSON");
        Answer { status: response.status, body, response }
    }

    fn get(&mut self, target: &str) -> Answer {
        self.call("GET", target, "", &[])
    }

    fn post(&mut self, target: &str, body: &str) -> Answer {
        self.call("POST", target, body, &[])
    }

    fn delete(&mut self, target: &str) -> Answer {
        self.call("DELETE", target, "", &[])
    }

    /// The id of what this creates.
    fn create(&mut self, target: &str, body: &str) -> String {
        self.post(target, body).ok()["id"].as_str().expect("an id").to_owned()
    }

    fn customer(&mut self) -> String {
        self.create("/v1/customers", "email=ap@acme.example&name=Acme")
    }

    fn draft(&mut self, currency: &str) -> String {
        let customer = self.customer();
        let body = format!("customer={customer}&currency={currency}&collection_method=send_invoice&days_until_due=30");
        self.create("/v1/invoices", &body)
    }

    /// A draft with one line.
    fn draft_of(&mut self, amount: i64) -> String {
        let invoice = self.draft("usd");
        self.post(&format!("/v1/invoices/{invoice}/add_lines"), &format!("lines[0][amount]={amount}")).ok();
        invoice
    }

    fn event_types(&self) -> Vec<String> {
        let events = self.stripe.objects("event");
        events.iter().map(|event| event["type"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The types of the events that this causes.
    fn events_of(&mut self, work: impl FnOnce(&mut Self)) -> Vec<String> {
        let before = self.event_types().len();
        work(self);
        self.event_types().split_off(before)
    }
}
