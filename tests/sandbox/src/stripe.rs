//! A stateful Stripe at API version 2026-10-28.endive, as a plain state machine.
//!
//! A request passes the same gates in the same order as at Stripe: key, rate, version, path, the endpoint's rate, permission,
//! idempotency key, parameters; what is left is executed, and its outcome is what the idempotency key remembers.

mod access;
mod account;
mod credit_notes;
mod customers;
mod dispatch;
mod error;
mod events;
mod expand;
mod form;
mod idempotency;
mod invoice_items;
mod invoices;
mod list;
mod money;
mod params;
mod payments;
mod prices;
mod products;
mod rate;
mod refunds;
mod schedules;
mod schema;
mod search;
mod state;
mod subscriptions;
mod tax;
mod tax_ids;
#[cfg(test)]
mod tests;
mod timers;
mod webhook_endpoints;

pub use access::{Key, Permissions};
pub use events::signature;
pub use rate::Asked;

use crate::wire::{Delivery, Failure, Request, Response, Service};
use error::Error;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use state::{Call, State, text};
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
pub struct Config {
    /// Every key belongs to the one account.
    pub keys: Vec<Key>,
    pub account_id: String,
    pub account_name: String,
    pub account_country: String,
    pub default_currency: String,
    /// The account's default version: for calls without a `Stripe-Version`, and for events.
    pub api_version: String,
    pub rate_limit_per_s: Option<u32>,
    /// What each endpoint takes by itself. Stripe's own default is 25 [docs.stripe.com/rate-limits].
    pub endpoint_limit_per_s: Option<u32>,
    /// How old an object must be to be found by search.
    pub search_lag_s: i64,
    /// Where automatic tax is collected, and at what rate: countries, and percent.
    pub tax_rates: BTreeMap<String, Decimal>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            keys: vec![Key::full("sk_test_sandbox")],
            account_id: "acct_1Sandbox".into(),
            account_name: "Closedwon Sandbox".into(),
            account_country: "US".into(),
            default_currency: "usd".into(),
            api_version: "2026-10-28.endive".into(),
            rate_limit_per_s: None,
            endpoint_limit_per_s: None,
            search_lag_s: 0,
            tax_rates: BTreeMap::new(),
        }
    }
}

#[derive(Debug)]
pub struct Stripe {
    keys: Vec<Key>,
    bucket: Option<rate::Bucket>,
    endpoints: Option<rate::Endpoints>,
    idempotency: idempotency::Keys,
    state: State,
    counters: BTreeMap<String, u64>,
    requests: u64,
}

impl Stripe {
    pub fn new(config: Config) -> Self {
        Self {
            state: State::new(&config),
            bucket: config.rate_limit_per_s.map(rate::Bucket::new),
            endpoints: config.endpoint_limit_per_s.map(rate::Endpoints::new),
            idempotency: idempotency::Keys::default(),
            counters: BTreeMap::new(),
            requests: 0,
            keys: config.keys,
        }
    }

    /// All objects of one kind (`customer`, `invoice`, `event`, …) as the API shows them, oldest first.
    pub fn objects(&self, object: &str) -> Vec<Value> {
        let Some(object) = OBJECTS.into_iter().find(|known| *known == object) else {
            return Vec::new();
        };
        self.state.table(object).oldest_first().map(|value| self.state.shown(object, value)).collect()
    }

    /// All lines of an invoice, also those beyond the ten that it embeds.
    pub fn invoice_lines(&self, invoice: &str) -> Vec<Value> {
        invoices::lines::of(&self.state, invoice)
    }

    /// Gives a restricted key these permissions and no others, as a person does in the dashboard.
    pub fn set_permissions(&mut self, secret: &str, slugs: &[&str]) {
        for key in self.keys.iter_mut().filter(|key| key.secret == secret) {
            *key = Key::restricted(secret, slugs);
        }
    }

    /// From now on each endpoint takes so many requests a second, or as many as come; and what came is counted anew.
    pub fn limit_endpoints(&mut self, per_second: Option<u32>) {
        self.endpoints = per_second.map(rate::Endpoints::new);
    }

    /// What came at each endpoint (`GET /v1/invoices/{invoice}`) since that is limited.
    pub fn asked(&self) -> BTreeMap<String, Asked> {
        self.endpoints.as_ref().map(rate::Endpoints::asked).unwrap_or_default()
    }

    /// The customer pays by card on the page that the invoice links to. That is no request of the account's, so no limit knows of it.
    pub fn pay_on_page(&mut self, invoice: &str) {
        invoices::transitions::pay_on_page(&mut self.state, invoice);
    }

    /// A part of what is due comes in, as a bank transfer brings it.
    pub fn pay_part(&mut self, invoice: &str, amount: i64) {
        invoices::transitions::pay_part(&mut self.state, invoice, amount);
    }

    /// Stripe tries by itself to collect it, which the bank declines; `next_attempt` says in which second it tries again.
    pub fn attempt_fails(&mut self, invoice: &str, declines: &str, next_attempt: Option<i64>) {
        invoices::transitions::attempt_by_itself(&mut self.state, invoice, declines, next_attempt);
    }

    /// The payer's bank takes the money back until somebody has answered for it.
    pub fn dispute(&mut self, invoice: &str) {
        refunds::dispute(&mut self.state, invoice);
    }

    /// Somebody takes the customer's address of e-mail away in the dashboard.
    pub fn lose_email(&mut self, customer: &str) {
        if let Some(mut found) = self.state.table("customer").get(customer).cloned() {
            found["email"] = Value::Null;
            self.state.put("customer", found);
        }
    }

    /// Something becomes of a subscription in the dashboard, or by its end of trial, that no request does here: it is paused, or on trial.
    pub fn stands(&mut self, subscription: &str, fields: &Value, event_type: &str) {
        let Some(mut found) = self.state.table("subscription").get(subscription).cloned() else { return };
        for (field, value) in fields.as_object().into_iter().flatten() {
            found[field] = value.clone();
        }
        self.state.put("subscription", found);
        self.tell(event_type, "subscription", subscription);
    }

    /// An event of this type about an object, as that stands now, whether anything has become of it or not.
    pub fn tell(&mut self, event_type: &str, object: &'static str, id: &str) {
        if let Some(value) = self.state.table(object).get(id).cloned() {
            self.state.emit(event_type, object, &value);
        }
    }

    /// As if Stripe had never made events of this type about anything: they are in no list, and nobody is told.
    pub fn forget_events(&mut self, event_type: &str) {
        self.state.forget_events(event_type);
    }

    /// How often each operation (`Customer.create`, …) was executed. Replays and refusals at a gate do not count.
    pub fn counters(&self) -> &BTreeMap<String, u64> {
        &self.counters
    }

    fn answer(&mut self, now_ms: i64, request: &Request, request_id: &str) -> Response {
        self.admitted(now_ms, request, request_id).unwrap_or_else(|error| error.response())
    }

    fn admitted(&mut self, now_ms: i64, request: &Request, request_id: &str) -> Result<Response, Error> {
        let key = access::authenticate(&self.keys, request)?;
        if self.bucket.as_mut().is_some_and(|bucket| !bucket.admit(now_ms)) {
            return Err(Error::rate_limited("global-rate"));
        }
        let version = access::version(request, &self.state.api_version)?;
        let (operation, ids) = schema::find(&request.method, &request.path)?;
        let endpoint = || format!("{} {}", operation.method, operation.path);
        if self.endpoints.as_mut().is_some_and(|endpoints| !endpoints.admit(endpoint(), now_ms)) {
            return Err(Error::rate_limited("endpoint-rate"));
        }
        access::authorize(key, operation, &self.state.account_id)?;
        let idempotency_key = idempotency::key(request)?;
        if let Some(key) = idempotency_key
            && let Some(replayed) = self.idempotency.replay(now_ms, key, request)?
        {
            return Ok(with_version(replayed, &version));
        }
        let mut form = form::decode(request.query.as_bytes())?;
        form.extend(form::decode(&request.body)?);
        let mut params = params::check(operation, form)?;
        let expand = params.shift_remove("expand").unwrap_or_default();
        let call = Call { operation, ids, params };
        let handler = dispatch::handler(&call)?;

        self.begin(now_ms, json!({ "id": request_id, "idempotency_key": idempotency_key }));
        *self.counters.entry(operation.name.clone()).or_default() += 1;
        // What cannot be expanded is refused before anything is done; here it is found out by doing it.
        let before = (call.operation.method != "GET" && !expand.is_null()).then(|| self.state.clone());
        let outcome = handler(&mut self.state, &call).and_then(|mut answer| {
            expand::expand(&self.state, &mut answer, &expand)?;
            Ok(answer)
        });
        if let (Some(before), Err(Error { executed: false, .. })) = (before, &outcome) {
            self.state = before;
        }
        let (response, executed) = match outcome {
            Ok(answer) => (error::pretty(200, &answer), true),
            Err(error) => (error.response(), error.executed),
        };
        if let Some(key) = idempotency_key.filter(|_| executed) {
            self.idempotency.keep(now_ms, key, request, request_id, &response);
        }
        Ok(with_version(response, &version))
    }

    /// Sets the time, and does what Stripe does by itself until then.
    fn begin(&mut self, now_ms: i64, request: Value) {
        self.state.request = json!({ "id": null, "idempotency_key": null });
        timers::run_until(&mut self.state, now_ms.div_euclid(1000));
        self.state.request = request;
    }

    fn next_request_id(&mut self) -> String {
        self.requests += 1;
        format!("req_Sandbox{:07}", self.requests)
    }

    fn sign(&self, now_ms: i64, endpoint: &str, body: &[u8]) -> Option<String> {
        let secret = self.state.secrets.get(endpoint)?;
        Some(signature(secret, now_ms.div_euclid(1000), body))
    }

    /// The endpoint that a delivery was signed for. A URL may belong to several, each with its own secret.
    fn endpoint_of(&self, delivery: &Delivery) -> Option<&str> {
        let signed = delivery.headers.iter().find(|(name, _)| name == "stripe-signature").map(|(_, value)| value)?;
        let timestamp: i64 = signed.strip_prefix("t=")?.split(',').next()?.parse().ok()?;
        let mut endpoints = self.state.table("webhook_endpoint").oldest_first().map(|endpoint| text(endpoint, "id"));
        endpoints.find(|id| self.sign(timestamp * 1000, id, &delivery.body).as_ref() == Some(signed))
    }
}

const OBJECTS: [&str; 17] = [
    "charge",
    "credit_note",
    "customer",
    "dispute",
    "event",
    "invoice",
    "invoice_payment",
    "invoiceitem",
    "payment_intent",
    "price",
    "product",
    "refund",
    "subscription",
    "subscription_item",
    "subscription_schedule",
    "webhook_endpoint",
    "tax_id",
];

fn with_version(mut response: Response, version: &str) -> Response {
    response.headers.push(("stripe-version".into(), version.into()));
    response
}

/// What every answer carries, whichever gate it came from.
fn finished(mut response: Response, request: &Request, request_id: &str) -> Response {
    response.headers.push(("request-id".into(), request_id.into()));
    if let Some(key) = request.header("idempotency-key") {
        response.headers.push(("idempotency-key".into(), key.into()));
    }
    response
}

impl Service for Stripe {
    fn handle(&mut self, now_ms: i64, request: &Request) -> Response {
        let request_id = self.next_request_id();
        let response = self.answer(now_ms, request, &request_id);
        finished(response, request, &request_id)
    }

    fn take_deliveries(&mut self, now_ms: i64) -> Vec<Delivery> {
        self.begin(now_ms, Value::Null);
        let outbox = std::mem::take(&mut self.state.outbox);
        let signed = outbox.into_iter().filter_map(|unsigned| {
            // An endpoint that was deleted meanwhile gets nothing any more.
            let endpoint = self.state.table("webhook_endpoint").get(&unsigned.endpoint)?;
            let signature = self.sign(now_ms, &unsigned.endpoint, &unsigned.body)?;
            let headers = vec![
                ("content-type".into(), "application/json; charset=utf-8".into()),
                ("user-agent".into(), "Stripe/1.0 (+https://stripe.com/docs/webhooks)".into()),
                ("stripe-signature".into(), signature),
            ];
            Some(Delivery { id: unsigned.event, url: text(endpoint, "url").into(), headers, body: unsigned.body })
        });
        signed.collect()
    }

    fn redeliver(&mut self, now_ms: i64, delivery: &Delivery) -> Delivery {
        let mut again = delivery.clone();
        let fresh = self.endpoint_of(delivery).and_then(|endpoint| self.sign(now_ms, endpoint, &delivery.body));
        if let Some(fresh) = fresh {
            again.headers.retain(|(name, _)| name != "stripe-signature");
            again.headers.push(("stripe-signature".into(), fresh));
        }
        again
    }

    fn delivered(&mut self, delivery: &Delivery) {
        self.state.delivered(&delivery.id);
    }

    fn fail(&mut self, now_ms: i64, request: &Request, failure: Failure) -> Response {
        let request_id = self.next_request_id();
        let error = match failure {
            Failure::RateLimited => Error::rate_limited("global-rate"),
            Failure::InUse => Error::key_in_use(request.header("idempotency-key").unwrap_or_default()),
            Failure::ServerError | Failure::ServerErrorStored | Failure::ServerErrorAfterCommit => Error::internal(),
        };
        if matches!(failure, Failure::ServerErrorAfterCommit) {
            self.answer(now_ms, request, &request_id);
        }
        let response = error.response();
        if matches!(failure, Failure::ServerErrorStored | Failure::ServerErrorAfterCommit)
            && let Ok(Some(key)) = idempotency::key(request)
        {
            self.idempotency.keep(now_ms, key, request, &request_id, &response);
        }
        finished(response, request, &request_id)
    }
}
