//! The whole bundle in one process.

mod invocations;
mod sales;
mod setup;
mod sources;

use engine::{Pass, PassKind, Reconciled};
use jiff::{SignedDuration, Timestamp};
use ledger::Ledger;
use retry_worker::App;
use sandbox::salesforce::OrgField;
use sandbox::wire::Delivery;
use sandbox::{Clock, Sandbox};
use serde_json::{Value, json};

use crate::aws::{InProcess, Sqs, TABLE};
use crate::gateway::{Reply, bridge_events, http_event, lambda_event, raw};
use crate::{Fuse, TestWorld};

/// The least that the worker's key needs.
pub const PERMISSIONS: [&str; 6] = [
    "rak_customer_write",
    "rak_invoice_write",
    "rak_product_read",
    "rak_plan_read",
    "rak_event_read",
    "rak_payment_intent_read",
];

/// With these, it is seen what becomes of payments.
pub const TO_FOLLOW: [&str; 4] =
    ["rak_credit_note_read", "rak_charge_read", "rak_dispute_read", "rak_subscription_read"];

/// With these, what is paid can be credited.
pub const TO_CREDIT: [&str; 2] = ["rak_credit_note_write", "rak_charge_read"];

#[derive(Debug, Clone)]
pub struct Options {
    /// The text of a configuration file, which then decides instead of what follows; but for whom people are told by.
    pub configuration: Option<String>,
    /// Fields of Salesforce's that only this organization has.
    pub org_fields: Vec<OrgField>,
    pub multi_currency: bool,
    pub line_source: mapping::LineSource,
    pub tax: Option<mapping::TaxBehavior>,
    pub subscriptions: mapping::Subscriptions,
    pub standings: mapping::Standings,
    pub cancellation_task: mapping::CancellationTask,
    pub payment_cases: Option<mapping::CasePolicy>,
    /// Who is told of everything, once an hour.
    pub tells: Vec<mapping::Channel>,
    pub followed: domain::Followed,
    pub stray_invoices: mapping::StrayInvoices,
    /// How long what tells how something stands waits for more of its kind.
    pub settle: SignedDuration,
    /// How many requests a second Stripe is said to take at each endpoint, by the system's clock.
    pub stripe_takes: Option<u16>,
    pub paid_stage: Option<&'static str>,
    pub amendments: mapping::Amendments,
    pub collection: mapping::Collection,
    pub posts_to_chatter: bool,
    pub renewals: mapping::Renewals,
    pub proration: mapping::Proration,
    pub shipping: mapping::ShippingAddress,
    pub org_currency: &'static str,
    pub permissions: Vec<&'static str>,
    /// Time goes by of itself. Otherwise it moves only when a story says so.
    pub time_goes_by: bool,
    /// How long the clients wait for Stripe and Salesforce, in the system's time.
    pub timeouts: stripe::Timeouts,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            configuration: None,
            org_fields: Vec::new(),
            multi_currency: false,
            line_source: mapping::LineSource::OpportunityProducts,
            tax: None,
            subscriptions: mapping::Subscriptions::Off,
            standings: mapping::Standings::Mirrored,
            cancellation_task: mapping::CancellationTask::Owner,
            payment_cases: Some(mapping::CasePolicy::default()),
            tells: Vec::new(),
            followed: domain::Followed::nothing(),
            stray_invoices: mapping::StrayInvoices::Ignored,
            settle: SignedDuration::ZERO,
            stripe_takes: None,
            paid_stage: None,
            amendments: mapping::Amendments::Review,
            collection: mapping::Collection::SendInvoice,
            posts_to_chatter: false,
            renewals: mapping::Renewals::Off,
            proration: mapping::Proration::AlwaysInvoice,
            shipping: mapping::ShippingAddress::Off,
            org_currency: "USD",
            permissions: PERMISSIONS.to_vec(),
            time_goes_by: false,
            timeouts: stripe::Timeouts::default(),
        }
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
    pub reconciler: reconciler::App<TestWorld>,
    pub stripe_door: stripe_webhook::App,
    pub salesforce_door: salesforce_events::App,
    parts: setup::Parts,
    options: Options,
    expects_dead_letters: bool,
    invocations: std::sync::atomic::AtomicU64,
}

impl Env {
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
            self.put_events(delivery).await
        }
    }

    pub async fn post_stripe(&self, headers: &[(String, String)], body: &[u8]) -> Reply {
        self.call_stripe(&http_event("POST", "/stripe/webhook", headers, body)).await
    }

    pub async fn call_stripe(&self, event: &Value) -> Reply {
        let event = lambda_event(raw(event), "intake-1", self.now());
        Reply::new(&stripe_webhook::handle(&self.stripe_door, event).await.unwrap())
    }

    /// One event of Stripe's destination in EventBridge, as the rule's target gets it.
    pub async fn bridge(&self, event: &Value) -> Result<Value, String> {
        let event = lambda_event(raw(event), "intake-1", self.now());
        stripe_webhook::handle(&self.stripe_door, event).await.map_err(|error| error.to_string())
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

    /// EventBridge gets a `PutEvents` request.
    async fn put_events(&self, delivery: &Delivery) -> Reply {
        for event in bridge_events(delivery, self.now()) {
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

    /// Somebody works on one message after the other and stands still at this moment, while something else happens.
    pub async fn stands_still_at<T>(&self, moment: u64, meanwhile: impl Future<Output = T>) -> T {
        self.fuse.freeze_at(moment);
        let works = async {
            while self.fuse.is_to_freeze() {
                self.deliver().await;
                let messages = self.sqs.receive(1);
                assert!(!messages.is_empty(), "nobody comes to moment {moment}");
                self.invoke(messages).await;
            }
        };
        let others = async {
            self.fuse.frozen().await;
            let seen = meanwhile.await;
            self.fuse.thaw();
            seen
        };
        tokio::join!(works, others).1
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

    /// What an operator writes into the control item; everything else is taken away from it.
    pub fn operate(&self, attributes: Value) {
        let mut item = attributes;
        item["pk"] = json!({ "S": "control" });
        item["sk"] = json!({ "S": "control#operator" });
        self.aws.put(&item);
    }

    /// One pass of the reconciler, with the time that the template gives it.
    pub async fn reconcile(&self, kind: PassKind) -> Reconciled {
        self.reconcile_within(kind, SignedDuration::from_secs(300)).await
    }

    pub async fn reconcile_within(&self, kind: PassKind, time: SignedDuration) -> Reconciled {
        let deadline = self.now().checked_add(time).unwrap();
        self.reconciler.engine.reconcile(&Pass { kind, deadline }).await
    }

    pub fn ledger(&self) -> Ledger<ledger::DynamoDb> {
        Ledger::new(self.aws.dynamodb(), TABLE)
    }

    /// `METHOD path` of every request to Stripe since they were cleared.
    pub fn stripe_calls(&self) -> Vec<String> {
        self.sandbox
            .stripe
            .requests()
            .into_iter()
            .map(|request| format!("{} {}", request.method, request.path))
            .collect()
    }

    /// Without the look at what the deal's products cost, which comes before anything is done about it.
    pub fn stripe_calls_but_for_prices(&self) -> Vec<String> {
        self.stripe_calls().into_iter().filter(|call| !call.starts_with("GET /v1/prices")).collect()
    }

    /// Requests to Salesforce that count against its daily limit.
    pub fn salesforce_calls(&self) -> Vec<String> {
        let requests = self.sandbox.salesforce.requests().into_iter();
        requests
            .filter(|request| !request.path.starts_with("/services/oauth2/"))
            .map(|request| format!("{} {}", request.method, request.path))
            .collect()
    }

    /// What stands in the channel of Slack, a line each.
    pub fn posted(&self) -> Vec<String> {
        self.sandbox.slack.with(|slack| slack.posted().iter().map(|posted| posted.title().to_owned()).collect())
    }

    /// Everything that the newest of them says.
    pub fn last_posted(&self) -> String {
        self.sandbox.slack.with(|slack| slack.posted().last().map(|posted| posted.words()).unwrap_or_default())
    }

    pub fn clear_calls(&self) {
        self.sandbox.slack.clear_requests();
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
