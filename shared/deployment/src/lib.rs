#![doc = include_str!("../README.md")]

mod cases;
mod notifications;

use std::fmt::Display;

use cases::payment_cases;
use domain::{Currency, Followed, OrganizationId};
use engine::{Access, Cloud, Engine, Scope, StripeLine, SystemClock};
use ledger::Ledger;
use mapping::{
    Amendments, CancellationTask, Collection, LATEST_DUE, LineSource, Proration, Renewals, Settings, ShippingAddress,
    Standings, StrayInvoices, Subscriptions, TaxBehavior, WON,
};
use notifications::{Ways, notifications};
use platform::{ConfigError, Environment, Secrets};
use queue::{Places, Queue};
use secrecy::{ExposeSecret, SecretString};
use stripe::{ApiKey, InvalidApiKey};

/// What the environment says. The secrets are not read yet.
pub struct Config {
    pub places: Places,
    pub ledger_table: String,
    pub scope: Scope,
    pub settings: Settings,
    pub stripe_key_arn: String,
    pub allow_full_access_key: bool,
    pub stripe_api_base: String,
    pub requests_per_second: u16,
    pub salesforce_credentials_arn: String,
    pub salesforce_login_url: String,
    pub salesforce_api_version: String,
    pub salesforce_allowed_hosts: Vec<String>,
    ways: Ways,
}

const STRIPE_KEY: &str = "STRIPE_API_KEY_SECRET_ARN";
const ALLOW_FULL_ACCESS: &str = "STRIPE_ALLOW_FULL_ACCESS_KEY";
const SALESFORCE_CREDENTIALS: &str = "SALESFORCE_CREDENTIALS_SECRET_ARN";

impl Config {
    pub fn read(mut environment: Environment) -> Result<Self, ConfigError> {
        let environment = &mut environment;
        let organization_id = environment.parsed("SALESFORCE_ORG_ID", OrganizationId::parse);
        let org_currency = environment.parsed("ORG_CURRENCY", Currency::parse);
        let days_until_due = environment.parsed("DAYS_UNTIL_DUE", |value| match value.parse() {
            Ok(days) if days <= LATEST_DUE => Ok(days),
            _ => Err(format!("it must be a whole number of days up to {LATEST_DUE}")),
        });
        let name = environment.required("ENVIRONMENT");
        let livemode = environment.flag("STRIPE_LIVEMODE");
        let allow_full_access_key = environment.flag(ALLOW_FULL_ACCESS);
        let line_source = environment.parsed("LINES_FROM", LineSource::parse).unwrap_or_default();
        let subscriptions = environment.parsed("SUBSCRIPTIONS", Subscriptions::parse).unwrap_or_default();
        let standings = environment.parsed("SUBSCRIPTION_STATUS", Standings::parse).unwrap_or_default();
        let cancellation_task = environment.parsed("CANCELLATION_TASK", CancellationTask::parse).unwrap_or_default();
        let payment_cases = payment_cases(environment);
        let followed = environment.parsed("FOLLOWED_EVENTS", Followed::parse).unwrap_or_default();
        let stray_invoices = environment.parsed("STRAY_INVOICES", StrayInvoices::parse).unwrap_or_default();
        let (notifications, ways) = notifications(environment, livemode);
        let salesforce_reserve = environment.parsed("SALESFORCE_RESERVE_PERCENT", |value| match value.parse() {
            Ok(percent @ 0..=90) => Ok(percent),
            _ => Err("it must be a whole number from 0 to 90"),
        });
        let amendments = environment.parsed("AMENDMENTS", Amendments::parse).unwrap_or_default();
        let paid_stage = environment.optional("PAID_STAGE");
        if paid_stage.is_some() && amendments == Amendments::CreditAndReissue {
            environment.problem(
                "PAID_STAGE does not go with AMENDMENTS that credit: what is credited is not paid for any more",
            );
        }
        if paid_stage.as_deref() == Some(WON) {
            environment.problem("PAID_STAGE is the stage that a won opportunity has already");
        }
        let renewals = environment.parsed("RENEWALS", Renewals::parse).unwrap_or_default();
        if renewals != Renewals::Off && subscriptions == Subscriptions::Off {
            environment.problem("RENEWALS needs SUBSCRIPTIONS: only a subscription can be renewed");
        }
        let proration = environment.parsed("PRORATION", Proration::parse).unwrap_or_default();
        let shipping = environment.parsed("SHIPPING_ADDRESS", ShippingAddress::parse).unwrap_or_default();
        let collection = environment.parsed("COLLECTION", Collection::parse).unwrap_or_default();
        let tax = environment.parsed("STRIPE_TAX", TaxBehavior::parse).flatten();
        let multi_currency = environment.flag("SALESFORCE_MULTI_CURRENCY");
        let stripe_account_id = environment.optional("STRIPE_ACCOUNT_ID");
        let hosts = environment.optional("SALESFORCE_ALLOWED_HOSTS").unwrap_or_default();
        let stripe_api_base = environment.required("STRIPE_API_BASE");
        let requests_per_second = environment.parsed("STRIPE_REQUESTS_PER_SECOND", positive).unwrap_or(1);
        let salesforce_login_url = environment.required("SALESFORCE_LOGIN_URL");
        let salesforce_api_version = environment.parsed("SALESFORCE_API_VERSION", api_version).unwrap_or_default();
        let settle = environment.parsed(queue::SETTLE, queue::settle);
        let places = Places::read(settle, |name| environment.required(name));
        let ledger_table = environment.required("LEDGER_TABLE");
        let stripe_key_arn = environment.secret_arn(STRIPE_KEY);
        let salesforce_credentials_arn = environment.secret_arn(SALESFORCE_CREDENTIALS);
        let config = organization_id.zip(org_currency).zip(days_until_due).zip(salesforce_reserve).map(
            |(((organization_id, org_currency), days_until_due), salesforce_reserve)| Self {
                places,
                ledger_table,
                scope: Scope { environment: name, stripe_account_id, organization_id, livemode },
                settings: Settings {
                    multi_currency,
                    org_currency,
                    days_until_due,
                    line_source,
                    tax,
                    subscriptions,
                    standings,
                    cancellation_task,
                    payment_cases,
                    notifications,
                    followed,
                    stray_invoices,
                    salesforce_reserve,
                    paid_stage,
                    amendments,
                    renewals,
                    proration,
                    shipping,
                    collection,
                },
                stripe_key_arn,
                allow_full_access_key,
                stripe_api_base,
                requests_per_second,
                salesforce_credentials_arn,
                salesforce_login_url,
                salesforce_api_version,
                salesforce_allowed_hosts: hosts
                    .split([',', ' '])
                    .filter(|host| !host.is_empty())
                    .map(str::to_owned)
                    .collect(),
                ways,
            },
        );
        std::mem::take(environment).finish(config)
    }

    /// The clients of both vendors, or everything that is wrong with the secrets and addresses that they are made of.
    pub fn clients(
        &self,
        stripe_key: &SecretString,
        salesforce_credentials: &SecretString,
    ) -> Result<(stripe::Client, salesforce::Client), ConfigError> {
        let mut problems = Vec::new();
        let key = noted(&mut problems, STRIPE_KEY, self.stripe_key(stripe_key.expose_secret()));
        if key.as_ref().is_some_and(|key| key.is_live() != self.scope.livemode) {
            problems.push(format!("{STRIPE_KEY}: the key's mode and STRIPE_LIVEMODE differ"));
        }
        let credentials = salesforce::Credentials::from_json(salesforce_credentials.expose_secret());
        let credentials = noted(&mut problems, SALESFORCE_CREDENTIALS, credentials);
        let stripe = key.and_then(|key| {
            let client = stripe::Client::new(&self.stripe_api_base, key, stripe::Timeouts::default());
            noted(&mut problems, "STRIPE_API_BASE", client)
        });
        let salesforce = credentials.and_then(|credentials| {
            let client = salesforce::Client::new(salesforce::Config {
                login_url: self.salesforce_login_url.clone(),
                credentials,
                api_version: self.salesforce_api_version.clone(),
                allowed_hosts: self.salesforce_allowed_hosts.clone(),
                timeouts: salesforce::Timeouts::default(),
            });
            noted(&mut problems, "SALESFORCE_LOGIN_URL", client)
        });
        match stripe.zip(salesforce) {
            Some(clients) if problems.is_empty() => Ok(clients),
            _ => Err(ConfigError { problems }),
        }
    }
}

impl Config {
    fn stripe_key(&self, text: &str) -> Result<ApiKey, InvalidApiKey> {
        match ApiKey::parse(text) {
            Err(InvalidApiKey::FullAccess) if self.allow_full_access_key => {
                tracing::warn!(
                    "the Stripe key is a full key, which {ALLOW_FULL_ACCESS} lets through: whoever gets hold of it can pay \
                     out; make a restricted key"
                );
                ApiKey::parse_allowing_full_access(text)
            }
            key => key,
        }
    }
}

/// The value, or one more problem under the variable's name.
fn noted<T, E: Display>(problems: &mut Vec<String>, variable: &str, result: Result<T, E>) -> Option<T> {
    result.map_err(|why| problems.push(format!("{variable}: {why}"))).ok()
}

fn positive(value: &str) -> Result<u16, &'static str> {
    match value.parse() {
        Ok(number @ 1..=1000) => Ok(number),
        _ => Err("it must be a whole number from 1 to 1000"),
    }
}

fn api_version(value: &str) -> Result<String, &'static str> {
    let number = value.strip_prefix('v').and_then(|version| version.strip_suffix(".0")).unwrap_or_default();
    match number.parse::<u16>() {
        Ok(60..) => Ok(value.to_owned()),
        _ => Err("it must be of the form v67.0, and v60.0 or later"),
    }
}

/// What the functions that do the work are made of.
pub struct Parts {
    pub engine: Engine<Cloud>,
    pub queue: Queue,
}

/// Who tells people what is on the work queue for them: the worker, and nobody else is given the ways to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    People,
    Nobody,
}

/// Everything that the work needs, or every reason why the function cannot start.
pub async fn from_environment(environment: Environment, tells: Tells) -> Result<Parts, ConfigError> {
    let config = Config::read(environment)?;
    let aws = platform::sdk_config().await;
    let secrets = Secrets::new(&aws);
    let ways = if tells == Tells::People { config.ways.clone() } else { Ways::default() };
    let (key, credentials, notifier) = futures::join!(
        secrets.read(&config.stripe_key_arn, STRIPE_KEY),
        secrets.read(&config.salesforce_credentials_arn, SALESFORCE_CREDENTIALS),
        ways.notifier(&aws, &secrets)
    );
    let (stripe, salesforce) = match (key, credentials) {
        (Ok(key), Ok(credentials)) => config.clients(&key, &credentials)?,
        (key, credentials) => {
            let errors = [key.err(), credentials.err()].into_iter().flatten();
            return Err(ConfigError { problems: errors.flat_map(|error| error.problems).collect() });
        }
    };
    let ledger = Ledger::new(aws_sdk_dynamodb::Client::new(&aws), config.ledger_table);
    let line = StripeLine { ledger: ledger.clone(), turns: engine::turns(config.requests_per_second) };
    let queue = Queue::new(aws_sdk_sqs::Client::new(&aws), config.places);
    let engine = Engine {
        ledger,
        stripe: stripe.behind(line),
        salesforce,
        reporter: queue.clone(),
        notifier,
        clock: SystemClock,
        scope: config.scope,
        settings: config.settings,
        access: Access::default(),
        room: engine::Room::default(),
    };
    tracing::info!(environment = %engine.scope.environment, "started");
    Ok(Parts { engine, queue })
}
