#![doc = include_str!("../README.md")]

mod file;
mod notifications;
mod vendors;

use std::path::Path;

use configuration::Configuration;
use domain::{Followed, OrganizationId};
use engine::{Access, Cloud, Engine, Rulebook, Scope, StripeLine, SystemClock};
use file::{beside, from_file, rulebook};
use ledger::{DynamoDb, Ledger};
use mapping::Settings;
use notifications::{Ways, notifications};
use platform::{ConfigError, Environment, Secrets};
use queue::{Places, Queue};
use secrecy::SecretString;
pub use vendors::{Vendors, salesforce_from_environment};

/// What the environment says. The secrets are not read yet.
pub struct Config {
    pub ledger_table: String,
    pub scope: Scope,
    pub settings: Settings,
    pub vendors: Vendors,
    pub requests_per_second: u16,
    ways: Ways,
}

impl Config {
    /// Without the queues: whoever only asks needs none.
    pub fn read(mut environment: Environment, configuration: Configuration) -> Result<Self, ConfigError> {
        let config = Self::of(&mut environment, configuration);
        environment.finish(config)
    }

    pub fn read_with_queues(
        mut environment: Environment,
        configuration: Configuration,
    ) -> Result<(Self, Places), ConfigError> {
        let config = Self::of(&mut environment, configuration);
        let settle = environment.parsed(queue::SETTLE, queue::settle);
        let places = Places::read(settle, |name| environment.required(name));
        environment.finish(config.map(|config| (config, places)))
    }

    fn of(environment: &mut Environment, configuration: Configuration) -> Option<Self> {
        let organization_id = environment.parsed("SALESFORCE_ORG_ID", OrganizationId::parse);
        let name = environment.required("ENVIRONMENT");
        let livemode = environment.flag("STRIPE_LIVEMODE");
        let followed = environment.parsed("FOLLOWED_EVENTS", Followed::parse).unwrap_or_default();
        let (notifications, ways) = notifications(environment, &configuration.told, livemode);
        let stripe_account_id = environment.optional("STRIPE_ACCOUNT_ID");
        let ledger_table = environment.required("LEDGER_TABLE");
        let vendors = Vendors::read(environment);
        organization_id.map(|organization_id| Self {
            ledger_table,
            scope: Scope { environment: name, stripe_account_id, organization_id, livemode },
            settings: Settings { notifications, followed, ..configuration.settings },
            vendors,
            requests_per_second: configuration.requests_per_second,
            ways,
        })
    }

    /// The clients of both vendors, or everything that is wrong with the secrets and addresses that they are made of.
    pub fn clients(
        &self,
        stripe_key: &SecretString,
        salesforce_credentials: &SecretString,
    ) -> Result<(stripe::Client, salesforce::Client), ConfigError> {
        self.vendors.clients(stripe_key, salesforce_credentials, Some(self.scope.livemode))
    }

    async fn clients_of(&self, secrets: &Secrets) -> Result<(stripe::Client, salesforce::Client), ConfigError> {
        let (key, credentials) = self.vendors.secrets(secrets).await?;
        self.clients(&key, &credentials)
    }
}

/// What the functions that do the work are made of.
pub struct Parts {
    pub engine: Engine<Cloud>,
    pub queue: Queue,
}

/// What the worker is configured with, by a file that need not be beside it.
pub fn read_with_queues(environment: Environment, file: &Path) -> Result<(Config, Places), ConfigError> {
    from_file(file, environment, Config::read_with_queues).map(|(config, _)| config)
}

/// What is needed to ask, and to write nothing: no queue, and nobody is told anything. Requests do not wait for their turn, which is
/// counted in the ledger.
#[derive(Clone)]
pub struct Sight {
    pub table: DynamoDb,
    pub stripe: stripe::Client,
    pub salesforce: salesforce::Client,
    pub scope: Scope,
    pub settings: Settings,
    /// The configuration file that the settings were read from.
    pub file: Option<String>,
}

impl Sight {
    pub fn rulebook(&self) -> Rulebook {
        self.file.clone().map_or_else(Rulebook::default, rulebook)
    }

    /// With what this file decides, whether it is deployed or not.
    pub async fn from_environment(environment: Environment, file: &Path) -> Result<Self, ConfigError> {
        let (config, text) = from_file(file, environment, Config::read)?;
        let aws = platform::sdk_config().await;
        let (stripe, salesforce) = config.clients_of(&Secrets::new(&aws)).await?;
        let table = DynamoDb::new(aws_sdk_dynamodb::Client::new(&aws), config.ledger_table);
        Ok(Self { table, stripe, salesforce, scope: config.scope, settings: config.settings, file: Some(text) })
    }
}

/// Who tells people what is on the work queue for them: the worker, and nobody else is given the ways to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    People,
    Nobody,
}

/// Everything that the work needs, or every reason why the function cannot start.
pub async fn from_environment(environment: Environment, tells: Tells) -> Result<Parts, ConfigError> {
    let file = beside(&environment);
    let ((config, places), text) = from_file(&file, environment, Config::read_with_queues)?;
    let aws = platform::sdk_config().await;
    let secrets = Secrets::new(&aws);
    let ways = if tells == Tells::People { config.ways.clone() } else { Ways::default() };
    let (clients, notifier) = futures::join!(config.clients_of(&secrets), ways.notifier(&aws, &secrets));
    let (stripe, salesforce) = clients?;
    let ledger = Ledger::new(aws_sdk_dynamodb::Client::new(&aws), config.ledger_table);
    let line = StripeLine { ledger: ledger.clone(), turns: engine::turns(config.requests_per_second) };
    let queue = Queue::new(aws_sdk_sqs::Client::new(&aws), places);
    let engine = Engine {
        ledger,
        stripe: stripe.behind(line),
        salesforce,
        reporter: queue.clone(),
        notifier,
        clock: SystemClock,
        scope: config.scope,
        settings: config.settings,
        rulebook: rulebook(text),
        access: Access::default(),
        room: engine::Room::default(),
    };
    tracing::info!(environment = %engine.scope.environment, "started");
    Ok(Parts { engine, queue })
}
