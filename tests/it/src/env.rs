//! The whole bundle in one process.

use std::path::Path;
use std::sync::Arc;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use domain::{Currency, OrganizationId};
use engine::{Engine, Scope};
use intake::Door;
use jiff::{SignedDuration, Timestamp};
use ledger::Ledger;
use mapping::Settings;
use platform::Rotating;
use queue::Queue;
use retry_worker::App;
use sandbox::stripe::Key;
use sandbox::wire::Delivery;
use sandbox::{Clock, DeliveryPolicy, Sandbox, SandboxConfig};
use secrecy::SecretString;
use serde_json::{Value, json};
use stripe::ApiKey;

use crate::aws::{DEAD_LETTER_QUEUE, InProcess, Sqs, TABLE, WORK_QUEUE};
use crate::gateway::{Reply, http_event, lambda_event, raw};
use crate::world::{Fused, SandboxClock};
use crate::{Deal, Fuse, TestWorld};

/// Monday, 23 November 2026, 00:00 UTC.
const START_MS: i64 = 1_795_392_000_000;
const SALESFORCE_SECRET: &str = "whsec_c2FuZGJveC1jYWxsb3V0LXNlY3JldA==";
const RESTRICTED_KEY: &str = "rk_test_closedwon";

/// The least that the worker's key needs.
const PERMISSIONS: [&str; 5] =
    ["rak_customer_write", "rak_invoice_write", "rak_product_read", "rak_plan_read", "rak_event_read"];

#[derive(Debug, Clone)]
pub struct Options {
    pub multi_currency: bool,
    pub org_currency: &'static str,
    pub permissions: Vec<&'static str>,
}

impl Default for Options {
    fn default() -> Self {
        Self { multi_currency: false, org_currency: "USD", permissions: PERMISSIONS.to_vec() }
    }
}

/// What a pass over the queue did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    Nothing,
    Something,
    /// The fuse blew: the process died with its messages in hand.
    Died,
}

pub struct Env {
    pub sandbox: Sandbox,
    pub aws: InProcess,
    pub sqs: Sqs,
    pub clock: Clock,
    pub fuse: Fuse,
    pub worker: App<TestWorld>,
    pub stripe_door: stripe_webhook::App,
    pub salesforce_door: salesforce_events::App,
    options: Options,
    expects_dead_letters: bool,
    invocations: std::sync::atomic::AtomicU64,
}

impl Env {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = Clock::frozen(START_MS);
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/salesforce");
        let mut config = SandboxConfig::for_project(project);
        config.clock = clock.clone();
        config.delivery = DeliveryPolicy { enabled: false, ..DeliveryPolicy::default() };
        config.stripe.keys.push(Key::restricted(RESTRICTED_KEY, &options.permissions));
        config.salesforce.multi_currency = options.multi_currency;
        config.salesforce.org_currency = options.org_currency.to_owned();
        let organization_id = OrganizationId::parse(&config.salesforce.org_id).unwrap();
        let integration_user_id = domain::UserId::parse(&config.salesforce.integration_user_id).ok();
        let credentials = json!({
            "client_id": config.salesforce.client_id,
            "client_secret": config.salesforce.client_secret,
        });
        let sandbox = Sandbox::start(config).await.unwrap();
        let sqs = Sqs::new(clock.clone());
        let aws = InProcess::new(sqs.clone());
        let queue = Queue::new(aws.sqs(), WORK_QUEUE, DEAD_LETTER_QUEUE);
        let fuse = Fuse::default();
        let engine = engine(&sandbox, &aws, &queue, &clock, &fuse, &options, organization_id.clone(), &credentials);
        let now = clock.clone();
        let door = |service| Door {
            service,
            queue: queue.clone(),
            now: {
                let now = now.clone();
                Arc::new(move || Timestamp::from_millisecond(now.now_ms()).unwrap())
            },
        };
        let endpoint = register_webhook(&sandbox).await;
        let salesforce_door = salesforce_events::App {
            door: door("salesforce-events"),
            secrets: Rotating::parse(&SecretString::from(SALESFORCE_SECRET)).unwrap(),
            organization_id,
            event_source_prefix: "aws.partner/salesforce.com/".into(),
            integration_user_id,
        };
        let stripe_door = stripe_webhook::App {
            door: door("stripe-webhook"),
            secrets: Rotating::parse(&SecretString::from(endpoint)).unwrap(),
            livemode: false,
        };
        let worker = App { engine, queue };
        let env = Self {
            sandbox,
            aws,
            sqs,
            clock,
            fuse,
            worker,
            stripe_door,
            salesforce_door,
            options,
            expects_dead_letters: false,
            invocations: Default::default(),
        };
        env.trigger(json!({ "callout": { "url": "http://door.test/salesforce/events", "secret": SALESFORCE_SECRET } }));
        env
    }

    /// Which of its doors Salesforce uses.
    pub fn trigger(&self, trigger: Value) {
        let trigger = serde_json::from_value(trigger).unwrap();
        self.sandbox.salesforce.with(|org| org.set_trigger(trigger)).unwrap();
    }

    pub fn expect_dead_letters(&mut self) {
        self.expects_dead_letters = true;
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.clock.now_ms()).unwrap()
    }

    pub fn advance(&self, duration: SignedDuration) {
        self.clock.advance(u32::try_from(duration.as_millis()).unwrap());
    }

    /// Gives what Stripe and Salesforce want to send to the functions; what is not taken is lost, as after the last
    /// retry, unless it is asked for again.
    pub async fn deliver(&self) -> Vec<Reply> {
        let mut replies = Vec::new();
        let stripe = self.sandbox.stripe.take_deliveries();
        let salesforce = self.sandbox.salesforce.take_deliveries();
        for delivery in stripe.iter().chain(&salesforce) {
            replies.push(self.post(delivery).await);
        }
        replies
    }

    /// One delivery through the door it is for.
    pub async fn post(&self, delivery: &Delivery) -> Reply {
        if delivery.url.ends_with("/stripe/webhook") {
            self.post_stripe(&delivery.headers, &delivery.body).await
        } else if delivery.url.ends_with("/salesforce/events") {
            self.post_salesforce(&delivery.headers, &delivery.body).await
        } else {
            self.put_events(&delivery.body).await
        }
    }

    pub async fn post_stripe(&self, headers: &[(String, String)], body: &[u8]) -> Reply {
        self.call_stripe(&http_event("POST", "/stripe/webhook", headers, body)).await
    }

    pub async fn call_stripe(&self, event: &Value) -> Reply {
        let event = lambda_event(raw(event), "intake-1", self.now());
        Reply::new(&stripe_webhook::handle(&self.stripe_door, event).await)
    }

    pub async fn post_salesforce(&self, headers: &[(String, String)], body: &[u8]) -> Reply {
        self.call_salesforce(&http_event("POST", "/salesforce/events", headers, body)).await
    }

    pub async fn call_salesforce(&self, event: &Value) -> Reply {
        let event = lambda_event(raw(event), "intake-1", self.now());
        Reply::new(&salesforce_events::handle(&self.salesforce_door, event).await.unwrap())
    }

    /// One EventBridge event, as the rule's target gets it.
    pub async fn relay(&self, event: &Value) -> Result<Value, String> {
        let event = lambda_event(raw(event), "intake-1", self.now());
        salesforce_events::handle(&self.salesforce_door, event).await.map_err(|error| error.to_string())
    }

    /// What EventBridge makes of a `PutEvents` request.
    async fn put_events(&self, body: &[u8]) -> Reply {
        let request: Value = serde_json::from_slice(body).unwrap();
        for (index, entry) in request["Entries"].as_array().unwrap().iter().enumerate() {
            let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
            let event = json!({
                "version": "0",
                "id": format!("bridge-{}-{index}", self.clock.now_ms()),
                "detail-type": entry["DetailType"],
                "source": entry["Source"],
                "account": "111122223333",
                "time": self.now().to_string(),
                "region": "eu-central-1",
                "resources": [],
                "detail": detail,
            });
            self.relay(&event).await.unwrap();
        }
        Reply { status: 200, body: json!({}) }
    }

    /// One invocation of the worker with up to `most` messages, as the event source makes it.
    pub async fn work(&self, most: usize) -> Worked {
        let messages = self.sqs.receive(most);
        if messages.is_empty() {
            return Worked::Nothing;
        }
        match self.invoke(messages).await {
            true => Worked::Something,
            false => Worked::Died,
        }
    }

    /// `false` if the process died. Messages that it did not answer for come back when their visibility ends.
    pub async fn invoke(&self, messages: Vec<crate::Message>) -> bool {
        let number = self.invocations.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut event = SqsEvent::default();
        for message in &messages {
            let mut record = SqsMessage::default();
            record.message_id = Some(message.id.clone());
            record.receipt_handle = Some(message.id.clone());
            record.body = Some(message.body.clone());
            record.attributes.insert("ApproximateReceiveCount".into(), message.receives.to_string());
            event.records.push(record);
        }
        let deadline = self.now().checked_add(SignedDuration::from_secs(60)).unwrap();
        let event = lambda_event(event, &format!("invocation-{number}"), deadline);
        let Some(answer) = self.fuse.until_blown(retry_worker::handle(&self.worker, event)).await else {
            return false;
        };
        for message in &messages {
            let failed = answer.batch_item_failures.iter().any(|failure| failure.item_identifier == message.id);
            if !failed {
                self.sqs.delete(&message.id);
            }
        }
        true
    }

    /// Delivers and works until nothing is left to do now.
    pub async fn settle(&self) {
        loop {
            let delivered = self.deliver().await.len();
            let worked = self.work(10).await;
            if delivered == 0 && worked == Worked::Nothing {
                return;
            }
        }
    }

    /// The same, letting time pass while something waits for later. Bounded: four days are the queue's retention.
    pub async fn settle_for_days(&self) {
        let end = self.clock.now_ms() + 4 * 24 * 3_600_000;
        loop {
            self.settle().await;
            let Some(next) = self.sqs.next_visible_ms() else { return };
            assert!(next < end, "a message is still waiting after four days");
            self.clock.advance(u32::try_from((next - self.clock.now_ms()).max(1)).unwrap());
        }
    }

    pub async fn opportunity_won(&self, deal: &Deal) -> String {
        let opportunity = self.enter(deal).await;
        self.close(&opportunity);
        opportunity
    }

    /// The deal in Salesforce, its products at Stripe, and not won yet.
    pub async fn enter(&self, deal: &Deal) -> String {
        let account = self.account(deal);
        self.enter_for(&account, deal).await
    }

    pub fn account(&self, deal: &Deal) -> String {
        let account = json!({
            "Name": deal.account,
            "Billing_Email__c": deal.email,
            "BillingStreet": "1 Main Street",
            "BillingCity": "Springfield",
            "BillingCountry": deal.country,
        });
        self.insert("Account", account)
    }

    pub async fn enter_for(&self, account: &str, deal: &Deal) -> String {
        let price_book = self.sandbox.salesforce.with(|org| org.standard_pricebook_id().to_owned());
        let currency = |mut record: Value| {
            if self.options.multi_currency {
                record["CurrencyIsoCode"] = json!(deal.currency);
            }
            record
        };
        let opportunity = self.insert(
            "Opportunity",
            currency(json!({
                "Name": "A deal",
                "AccountId": account,
                "StageName": "Negotiation/Review",
                "CloseDate": "2026-11-30",
                "Type": "New Customer",
                "Pricebook2Id": price_book,
            })),
        );
        for line in &deal.lines {
            let price = self.stripe_price(&line.product, line.stripe_minor_units, &deal.currency).await;
            let product = self.insert(
                "Product2",
                currency(json!({ "Name": line.product, "IsActive": true, "Stripe_Price_Id__c": price })),
            );
            let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            let entry = self.insert(
                "PricebookEntry",
                currency(json!({
                    "Pricebook2Id": price_book,
                    "Product2Id": product,
                    "UnitPrice": number(&line.list_price),
                    "IsActive": true,
                })),
            );
            self.insert(
                "OpportunityLineItem",
                json!({
                    "OpportunityId": opportunity,
                    "PricebookEntryId": entry,
                    "Quantity": number(&line.quantity),
                    "UnitPrice": number(&line.unit_price),
                }),
            );
        }
        opportunity
    }

    pub fn close(&self, opportunity: &str) {
        self.update("Opportunity", opportunity, json!({ "StageName": "Closed Won" }));
    }

    pub fn insert(&self, object: &str, fields: Value) -> String {
        let now = self.clock.now_ms();
        self.sandbox.salesforce.with(|org| org.insert(now, object, &fields)).unwrap()
    }

    pub fn update(&self, object: &str, id: &str, fields: Value) {
        let now = self.clock.now_ms();
        self.sandbox.salesforce.with(|org| org.update(now, object, id, &fields)).unwrap();
    }

    pub fn record(&self, object: &str, id: &str) -> Value {
        self.sandbox.salesforce.with(|org| org.record(object, id)).unwrap()
    }

    /// A product with a price at Stripe, made as a person with the account's full key makes it.
    pub async fn stripe_price(&self, product: &str, minor_units: i64, currency: &str) -> String {
        let currency = currency.to_ascii_lowercase();
        let body = format!("currency={currency}&unit_amount={minor_units}&product_data[name]={}", product.replace(' ', "+"));
        self.stripe_post("/v1/prices", &body).await["id"].as_str().unwrap().to_owned()
    }

    /// A request to Stripe's API as a person with the account's full key makes it.
    pub async fn stripe_post(&self, path: &str, body: &str) -> Value {
        stripe_post(&self.sandbox, path, body)
    }

    pub fn objects(&self, object: &str) -> Vec<Value> {
        self.sandbox.stripe.with(|stripe| stripe.objects(object))
    }

    pub fn invoices(&self) -> Vec<Value> {
        self.objects("invoice")
    }

    pub fn invoice_lines(&self, invoice: &str) -> Vec<Value> {
        self.sandbox.stripe.with(|stripe| stripe.invoice_lines(invoice))
    }

    pub async fn pay(&self, invoice: &str) {
        let paid = self.stripe_post(&format!("/v1/invoices/{invoice}/pay"), "paid_out_of_band=true").await;
        assert_eq!(paid["status"], "paid");
    }

    pub fn ledger(&self) -> Ledger {
        Ledger::new(self.aws.dynamodb(), TABLE)
    }

    /// `METHOD path` of every request to Stripe since they were cleared.
    pub fn stripe_calls(&self) -> Vec<String> {
        self.sandbox.stripe.requests().into_iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }

    /// Requests to Salesforce that count against its daily limit.
    pub fn salesforce_calls(&self) -> Vec<String> {
        let requests = self.sandbox.salesforce.requests().into_iter();
        requests
            .filter(|request| !request.path.starts_with("/services/oauth2/"))
            .map(|request| format!("{} {}", request.method, request.path))
            .collect()
    }

    pub fn clear_calls(&self) {
        self.sandbox.stripe.clear_requests();
        self.sandbox.salesforce.clear_requests();
    }
}

/// A story that ends with work left over, or with something put aside that it did not expect, has failed.
impl Drop for Env {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        assert!(self.sqs.work().is_empty(), "messages are left on the work queue: {:?}", self.sqs.work());
        if !self.expects_dead_letters {
            assert!(self.sqs.dead_letters().is_empty(), "unexpected dead letters: {:?}", self.sqs.dead_letters());
        }
    }
}

fn stripe_post(sandbox: &Sandbox, path: &str, body: &str) -> Value {
    use sandbox::wire::{Request, Service};
    let request = Request {
        method: "POST".into(),
        path: path.into(),
        query: String::new(),
        headers: vec![
            ("authorization".into(), "Bearer sk_test_sandbox".into()),
            ("content-type".into(), "application/x-www-form-urlencoded".into()),
            ("stripe-version".into(), stripe::API_VERSION.into()),
        ],
        body: body.as_bytes().to_vec(),
    };
    let now = sandbox.clock.now_ms();
    let response = sandbox.stripe.with(|service| service.handle(now, &request));
    let answer = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(response.status, 200, "{path}: {answer}");
    answer
}

async fn register_webhook(sandbox: &Sandbox) -> String {
    let body = "url=http://door.test/stripe/webhook&enabled_events[0]=*&api_version=2026-10-28.endive";
    stripe_post(sandbox, "/v1/webhook_endpoints", body)["secret"].as_str().unwrap().to_owned()
}

#[allow(clippy::too_many_arguments, reason = "it is called once, with what was just made")]
fn engine(
    sandbox: &Sandbox,
    aws: &InProcess,
    queue: &Queue,
    clock: &Clock,
    fuse: &Fuse,
    options: &Options,
    organization_id: OrganizationId,
    credentials: &Value,
) -> Engine<TestWorld> {
    let key = ApiKey::parse(RESTRICTED_KEY).unwrap();
    let stripe = stripe::Client::new(sandbox.stripe_url(), key, stripe::Timeouts::default()).unwrap();
    let salesforce = salesforce::Client::new(salesforce::Config {
        login_url: sandbox.salesforce_url().to_owned(),
        credentials: salesforce::Credentials::from_json(&credentials.to_string()).unwrap(),
        api_version: "v67.0".into(),
        allowed_hosts: Vec::new(),
        timeouts: salesforce::Timeouts::default(),
    })
    .unwrap();
    Engine {
        ledger: Fused { inner: Ledger::new(aws.dynamodb(), TABLE), fuse: fuse.clone() },
        stripe: Fused { inner: stripe, fuse: fuse.clone() },
        salesforce: Fused { inner: salesforce, fuse: fuse.clone() },
        reporter: Fused { inner: queue.clone(), fuse: fuse.clone() },
        clock: SandboxClock(clock.clone()),
        scope: Scope { environment: "test".into(), stripe_account_id: None, organization_id, livemode: false },
        settings: Settings {
            multi_currency: options.multi_currency,
            org_currency: Currency::parse(options.org_currency).unwrap(),
            days_until_due: 30,
        },
    }
}
