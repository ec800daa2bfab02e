#![doc = include_str!("../README.md")]

mod file;
mod notifications;
mod salesforce;

use std::fmt::Display;

use configuration::Configuration;
use domain::{Followed, OrganizationId};
use engine::{Access, Cloud, Engine, Rulebook, Scope, StripeLine, SystemClock};
use file::from_file;
use ledger::Ledger;
use mapping::Settings;
use notifications::{Ways, notifications};
use platform::{ConfigError, Environment, Secrets};
use queue::{Places, Queue};
use salesforce::Salesforce;
use secrecy::{ExposeSecret, SecretString};
use stripe::{ApiKey, InvalidApiKey};

pub use salesforce::salesforce_from_environment;

/// What the environment says. The secrets are not read yet.
pub struct Config {
    places: Places,
    ledger_table: String,
    scope: Scope,
    settings: Settings,
    rulebook: Rulebook,
    stripe_key_arn: String,
    allow_full_access_key: bool,
    stripe_api_base: String,
    requests_per_second: u16,
    salesforce: Salesforce,
    ways: Ways,
}

const STRIPE_KEY: &str = "STRIPE_API_KEY_SECRET_ARN";
const ALLOW_FULL_ACCESS: &str = "STRIPE_ALLOW_FULL_ACCESS_KEY";

impl Config {
    pub fn read(mut environment: Environment, configuration: Configuration) -> Result<Self, ConfigError> {
        let environment = &mut environment;
        let organization_id = environment.parsed("SALESFORCE_ORG_ID", OrganizationId::parse);
        let name = environment.required("ENVIRONMENT");
        let livemode = environment.flag("STRIPE_LIVEMODE");
        let allow_full_access_key = environment.flag(ALLOW_FULL_ACCESS);
        let followed = environment.parsed("FOLLOWED_EVENTS", Followed::parse).unwrap_or_default();
        let (notifications, ways) = notifications(environment, &configuration.told, livemode);
        let stripe_account_id = environment.optional("STRIPE_ACCOUNT_ID");
        let stripe_api_base = environment.required("STRIPE_API_BASE");
        let settle = environment.parsed(queue::SETTLE, queue::settle);
        let places = Places::read(settle, |name| environment.required(name));
        let ledger_table = environment.required("LEDGER_TABLE");
        let stripe_key_arn = environment.secret_arn(STRIPE_KEY);
        let salesforce = Salesforce::read(environment);
        let config = organization_id.map(|organization_id| Self {
            places,
            ledger_table,
            scope: Scope { environment: name, stripe_account_id, organization_id, livemode },
            settings: Settings { notifications, followed, ..configuration.settings },
            rulebook: Rulebook::default(),
            requests_per_second: configuration.requests_per_second,
            stripe_key_arn,
            allow_full_access_key,
            stripe_api_base,
            salesforce,
            ways,
        });
        std::mem::take(environment).finish(config)
    }

    /// The clients of both vendors, or everything that is wrong with the secrets and addresses that they are made of.
    pub fn clients(
        &self,
        stripe_key: &SecretString,
        salesforce_credentials: &SecretString,
    ) -> Result<(stripe::Client, ::salesforce::Client), ConfigError> {
        let mut problems = Vec::new();
        let key = noted(&mut problems, STRIPE_KEY, self.stripe_key(stripe_key.expose_secret()));
        if key.as_ref().is_some_and(|key| key.is_live() != self.scope.livemode) {
            problems.push(format!("{STRIPE_KEY}: the key's mode and STRIPE_LIVEMODE differ"));
        }
        let stripe = key.and_then(|key| {
            let client = stripe::Client::new(&self.stripe_api_base, key, stripe::Timeouts::default());
            noted(&mut problems, "STRIPE_API_BASE", client)
        });
        let salesforce = self.salesforce.client(salesforce_credentials, &mut problems);
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
    let config = from_file(environment)?;
    let aws = platform::sdk_config().await;
    let secrets = Secrets::new(&aws);
    let ways = if tells == Tells::People { config.ways.clone() } else { Ways::default() };
    let (key, credentials, notifier) = futures::join!(
        secrets.read(&config.stripe_key_arn, STRIPE_KEY),
        config.salesforce.secret(&secrets),
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
        rulebook: config.rulebook,
        access: Access::default(),
        room: engine::Room::default(),
    };
    tracing::info!(environment = %engine.scope.environment, "started");
    Ok(Parts { engine, queue })
}
