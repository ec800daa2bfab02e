#![doc = include_str!("../README.md")]

mod cases;
mod notifications;
mod vendors;

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
use secrecy::SecretString;
pub use vendors::Vendors;

/// What the environment says. The secrets are not read yet.
pub struct Config {
    places: Places,
    ledger_table: String,
    scope: Scope,
    settings: Settings,
    vendors: Vendors,
    requests_per_second: u16,
    ways: Ways,
}

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
        let requests_per_second = environment.parsed("STRIPE_REQUESTS_PER_SECOND", positive).unwrap_or(1);
        let settle = environment.parsed(queue::SETTLE, queue::settle);
        let places = Places::read(settle, |name| environment.required(name));
        let ledger_table = environment.required("LEDGER_TABLE");
        let vendors = Vendors::read(environment);
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
                vendors,
                requests_per_second,
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
        self.vendors.clients(stripe_key, salesforce_credentials, Some(self.scope.livemode))
    }
}

fn positive(value: &str) -> Result<u16, &'static str> {
    match value.parse() {
        Ok(number @ 1..=1000) => Ok(number),
        _ => Err("it must be a whole number from 1 to 1000"),
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
        access: Access::default(),
        room: engine::Room::default(),
    };
    tracing::info!(environment = %engine.scope.environment, "started");
    Ok(Parts { engine, queue })
}
