#![doc = include_str!("../README.md")]

mod file;
mod notifications;
mod vendors;

use configuration::Configuration;
use domain::{Followed, OrganizationId};
use engine::{Access, Cloud, Engine, Rulebook, Scope, StripeLine, SystemClock};
use file::from_file;
use ledger::Ledger;
use mapping::Settings;
use notifications::{Ways, notifications};
use platform::{ConfigError, Environment, Secrets};
use queue::{Places, Queue};
use secrecy::SecretString;
pub use vendors::Vendors;

/// What the environment says. The secrets are not read yet.
pub struct Config {
    places: Places,
    ledger_table: String,
    scope: Scope,
    settings: Settings,
    rulebook: Rulebook,
    vendors: Vendors,
    requests_per_second: u16,
    ways: Ways,
}

impl Config {
    pub fn read(mut environment: Environment, configuration: Configuration) -> Result<Self, ConfigError> {
        let environment = &mut environment;
        let organization_id = environment.parsed("SALESFORCE_ORG_ID", OrganizationId::parse);
        let name = environment.required("ENVIRONMENT");
        let livemode = environment.flag("STRIPE_LIVEMODE");
        let followed = environment.parsed("FOLLOWED_EVENTS", Followed::parse).unwrap_or_default();
        let (notifications, ways) = notifications(environment, &configuration.told, livemode);
        let stripe_account_id = environment.optional("STRIPE_ACCOUNT_ID");
        let settle = environment.parsed(queue::SETTLE, queue::settle);
        let places = Places::read(settle, |name| environment.required(name));
        let ledger_table = environment.required("LEDGER_TABLE");
        let vendors = Vendors::read(environment);
        let config = organization_id.map(|organization_id| Self {
            places,
            ledger_table,
            scope: Scope { environment: name, stripe_account_id, organization_id, livemode },
            settings: Settings { notifications, followed, ..configuration.settings },
            rulebook: Rulebook::default(),
            vendors,
            requests_per_second: configuration.requests_per_second,
            ways,
        });
        std::mem::take(environment).finish(config)
    }

    /// The clients of both vendors, or everything that is wrong with the secrets and addresses that they are made of.
    pub fn clients(
        &self,
        stripe_key: &SecretString,
        salesforce_credentials: &SecretString,
    ) -> Result<(stripe::Client, salesforce::Client), ConfigError> {
        self.vendors.clients(stripe_key, salesforce_credentials, Some(self.scope.livemode))
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
    let config = from_file(environment)?;
    let aws = platform::sdk_config().await;
    let secrets = Secrets::new(&aws);
    let ways = if tells == Tells::People { config.ways.clone() } else { Ways::default() };
    let (read, notifier) = futures::join!(config.vendors.secrets(&secrets), ways.notifier(&aws, &secrets));
    let (key, credentials) = read?;
    let (stripe, salesforce) = config.clients(&key, &credentials)?;
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
