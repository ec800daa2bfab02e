//! Bringing the bundle up.

use std::path::Path;
use std::sync::Arc;

use configuration::Configuration;
use domain::{Currency, OrganizationId};
use engine::{Access, Engine, Rulebook, Scope, StripeLine};
use intake::Door;
use jiff::Timestamp;
use ledger::Ledger;
use mapping::{Notifications, Settings};
use notify::{Notifier, Slack, Topic};
use platform::Rotating;
use queue::{Places, Queue};
use retry_worker::App;
use rust_decimal::Decimal;
use sandbox::stripe::Key;
use sandbox::{Clock, DeliveryPolicy, Sandbox, SandboxConfig};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use stripe::ApiKey;

use super::{Env, Options};
use crate::aws::{BULK_QUEUE, DEAD_LETTER_QUEUE, InProcess, Sqs, TABLE, TOPIC, WORK_QUEUE};
use crate::world::{Fused, SandboxClock};
use crate::{Fuse, TestWorld};

/// Monday, 23 November 2026, 00:00 UTC.
const START_MS: i64 = 1_795_392_000_000;
const SALESFORCE_SECRET: &str = "whsec_c2FuZGJveC1jYWxsb3V0LXNlY3JldA==";
const RESTRICTED_KEY: &str = "rk_test_closedwon";
const CLIENT_SECRET: &str = "client-secret-of-the-stories";

impl Env {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = if options.time_goes_by { Clock::running_from(START_MS) } else { Clock::frozen(START_MS) };
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/salesforce");
        let mut config = SandboxConfig::for_project(project);
        config.clock = clock.clone();
        config.delivery = DeliveryPolicy { enabled: false, ..DeliveryPolicy::default() };
        config.stripe.keys.push(Key::restricted(RESTRICTED_KEY, &options.permissions));
        config.stripe.tax_rates =
            [("DE", 1900), ("US", 825)].map(|(country, rate)| (country.into(), Decimal::new(rate, 2))).into();
        config.salesforce.own_fields = options.org_fields.clone();
        config.salesforce.multi_currency = options.multi_currency;
        config.salesforce.posts_to_chatter = options.posts_to_chatter;
        config.salesforce.org_currency = options.org_currency.to_owned();
        config.salesforce.client_secret = CLIENT_SECRET.to_owned();
        let organization_id = OrganizationId::parse(&config.salesforce.org_id).unwrap();
        let integration_user_id = domain::UserId::parse(&config.salesforce.integration_user_id).ok();
        let credentials = json!({
            "client_id": config.salesforce.client_id,
            "client_secret": config.salesforce.client_secret,
        });
        let sandbox = Sandbox::start(config).await.unwrap();
        let sqs = Sqs::new(clock.clone());
        let aws = InProcess::new(sqs.clone());
        let places = Places {
            work: WORK_QUEUE.into(),
            bulk: BULK_QUEUE.into(),
            dead_letter: DEAD_LETTER_QUEUE.into(),
            settle: options.settle,
        };
        let queue = Queue::new(aws.sqs(), places);
        let fuse = Fuse::default();
        // Making a client reads the system's certificates, which takes longer than anything else here.
        let clients = clients(&sandbox, &aws, &options, &credentials);
        let parts = Parts {
            clients,
            aws: aws.clone(),
            queue: queue.clone(),
            clock: clock.clone(),
            fuse: fuse.clone(),
            options: options.clone(),
            organization_id: organization_id.clone(),
        };
        let (worker, reconciler) = (parts.worker(), reconciler::App { engine: parts.engine() });
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
            organization_id: organization_id.clone(),
            event_source_prefix: "aws.partner/salesforce.com/".into(),
            integration_user_id,
        };
        let stripe_door = stripe_webhook::App {
            door: door("stripe-webhook"),
            secrets: Rotating::parse(&SecretString::from(endpoint)).unwrap(),
            livemode: false,
            followed: options.followed.clone(),
        };
        let env = Self {
            sandbox,
            aws,
            sqs,
            clock,
            fuse,
            worker,
            reconciler,
            stripe_door,
            salesforce_door,
            parts,
            options,
            expects_dead_letters: false,
            invocations: Default::default(),
        };
        env.trigger(json!({ "callout": { "url": "http://door.test/salesforce/events", "secret": SALESFORCE_SECRET } }));
        env
    }

    /// Every secret that the bundle is configured with.
    pub fn secrets(&self) -> Vec<String> {
        let webhook = self.stripe_door.secrets.current.expose_secret();
        [RESTRICTED_KEY, CLIENT_SECRET, SALESFORCE_SECRET, sandbox::slack::PATH, webhook].map(str::to_owned).into()
    }
}

pub(super) fn stripe_post(sandbox: &Sandbox, path: &str, body: &str) -> Value {
    stripe_request(sandbox, "POST", path, body)
}

pub(super) fn stripe_request(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> Value {
    use sandbox::wire::{Request, Service};
    let request = Request {
        method: method.into(),
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

/// The clients of all who are called.
#[derive(Clone)]
struct Clients {
    stripe: stripe::Client,
    salesforce: salesforce::Client,
    notifier: notify::Notifier,
    salesforce_url: String,
}

fn clients(sandbox: &Sandbox, aws: &InProcess, options: &Options, credentials: &Value) -> Clients {
    let key = ApiKey::parse(RESTRICTED_KEY).unwrap();
    let stripe = stripe::Client::new(sandbox.stripe_url(), key, options.timeouts).unwrap();
    let salesforce = salesforce::Client::new(salesforce::Config {
        login_url: sandbox.salesforce_url().to_owned(),
        credentials: salesforce::Credentials::from_json(&credentials.to_string()).unwrap(),
        api_version: "v67.0".into(),
        allowed_hosts: Vec::new(),
        timeouts: options.timeouts,
    })
    .unwrap();
    let slack = Slack::new(&SecretString::from(sandbox.slack_webhook()), options.timeouts).unwrap();
    let notifier = Notifier { slack: Some(slack), topic: Some(Topic::new(aws.sns(), TOPIC)) };
    Clients { stripe, salesforce, notifier, salesforce_url: sandbox.salesforce_url().to_owned() }
}

/// What every process of the worker is made of. Each has an engine of its own, and they share what is outside.
pub(super) struct Parts {
    clients: Clients,
    aws: InProcess,
    queue: Queue,
    clock: Clock,
    fuse: Fuse,
    options: Options,
    organization_id: OrganizationId,
}

impl Env {
    /// Another configuration file is deployed: new processes read it.
    pub fn decide(&mut self, text: &str) {
        let parts = &mut self.parts;
        parts.options.configuration = Some(text.to_owned());
        let parts = &self.parts;
        (self.worker, self.reconciler) = (parts.worker(), reconciler::App { engine: parts.engine() });
    }
}

impl Parts {
    pub(super) fn worker(&self) -> App<TestWorld> {
        App { engine: self.engine(), queue: self.queue.clone() }
    }

    fn engine(&self) -> Engine<TestWorld> {
        let Clients { stripe, salesforce, notifier, .. } = self.clients.clone();
        let ledger = Ledger::new(self.aws.dynamodb(), TABLE);
        let line = |takes| StripeLine { ledger: ledger.clone(), turns: engine::turns(takes) };
        let stripe = match self.options.stripe_takes {
            Some(takes) => stripe.behind(line(takes)),
            None => stripe,
        };
        let organization_id = self.organization_id.clone();
        Engine {
            ledger: Fused { inner: ledger, fuse: self.fuse.clone() },
            stripe: Fused { inner: stripe, fuse: self.fuse.clone() },
            salesforce: Fused { inner: salesforce, fuse: self.fuse.clone() },
            reporter: Fused { inner: self.queue.clone(), fuse: self.fuse.clone() },
            notifier: Fused { inner: notifier, fuse: self.fuse.clone() },
            clock: SandboxClock(self.clock.clone()),
            scope: Scope { environment: "test".into(), stripe_account_id: None, organization_id, livemode: false },
            settings: settings(&self.options, &self.clients.salesforce_url),
            access: Access::default(),
            rulebook: rulebook(&self.options),
            room: engine::Room::default(),
        }
    }
}

/// Of the configuration file, where there is one.
fn rulebook(options: &Options) -> Rulebook {
    let reads = |text: &str| Configuration::read_kept(text).ok().map(|read| read.settings);
    options.configuration.clone().map_or_else(Rulebook::default, |text| Rulebook::of(text, reads))
}

fn settings(options: &Options, salesforce_url: &str) -> Settings {
    let notifications = Notifications::of_everything(options.tells.clone(), salesforce_url.to_owned(), false);
    if let Some(text) = &options.configuration {
        let read = Configuration::read(text);
        let read =
            read.unwrap_or_else(|problems| panic!("{}", configuration::report("closedwon.toml", text, &problems)));
        let configuration::Told { wins, refusals, failures, digests, window, rules } = read.told;
        let policy = Notifications { wins, refusals, failures, digests, window, rules, ..notifications };
        let notifications = (!options.tells.is_empty()).then_some(policy);
        return Settings { notifications, followed: options.followed.clone(), ..read.settings };
    }
    Settings {
        multi_currency: options.multi_currency,
        line_source: options.line_source,
        tax: options.tax,
        subscriptions: options.subscriptions,
        standings: options.standings,
        cancellation_task: options.cancellation_task,
        payment_cases: options.payment_cases.clone(),
        notifications: (!options.tells.is_empty()).then_some(notifications),
        followed: options.followed.clone(),
        stray_invoices: options.stray_invoices,
        paid_stage: options.paid_stage.map(str::to_owned),
        amendments: options.amendments,
        collection: options.collection,
        renewals: options.renewals,
        proration: options.proration,
        shipping: options.shipping,
        ..Settings::new(Currency::parse(options.org_currency).unwrap())
    }
}
