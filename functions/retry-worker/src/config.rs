//! What the function is configured with.

use domain::{Currency, OrganizationId};
use engine::{Cloud, Engine, Scope, SystemClock};
use jiff::Timestamp;
use ledger::Ledger;
use mapping::Settings;
use platform::{ConfigError, Environment, Secrets};
use queue::Queue;
use secrecy::ExposeSecret;
use stripe::ApiKey;

use crate::App;

/// Longer than this is a typing mistake.
const LATEST_DUE: u32 = 365;

struct Config {
    work_queue_url: String,
    dead_letter_queue_url: String,
    ledger_table: String,
    scope: Scope,
    settings: Settings,
    stripe_key_arn: String,
    stripe_api_base: String,
    salesforce_credentials_arn: String,
    salesforce_login_url: String,
    salesforce_api_version: String,
    salesforce_allowed_hosts: Vec<String>,
}

const STRIPE_KEY: &str = "STRIPE_API_KEY_SECRET_ARN";
const SALESFORCE_CREDENTIALS: &str = "SALESFORCE_CREDENTIALS_SECRET_ARN";

fn read(mut environment: Environment) -> Result<Config, ConfigError> {
    let environment = &mut environment;
    let organization_id = environment.parsed("SALESFORCE_ORG_ID", OrganizationId::parse);
    let org_currency = environment.parsed("ORG_CURRENCY", Currency::parse);
    let days_until_due = environment.parsed("DAYS_UNTIL_DUE", |value| match value.parse() {
        Ok(days) if days <= LATEST_DUE => Ok(days),
        _ => Err(format!("it must be a whole number of days up to {LATEST_DUE}")),
    });
    let name = environment.required("ENVIRONMENT");
    let livemode = environment.flag("STRIPE_LIVEMODE");
    let multi_currency = environment.flag("SALESFORCE_MULTI_CURRENCY");
    let stripe_account_id = environment.optional("STRIPE_ACCOUNT_ID");
    let hosts = environment.optional("SALESFORCE_ALLOWED_HOSTS").unwrap_or_default();
    let stripe_api_base = environment.required("STRIPE_API_BASE");
    let salesforce_login_url = environment.required("SALESFORCE_LOGIN_URL");
    let salesforce_api_version = environment.parsed("SALESFORCE_API_VERSION", api_version).unwrap_or_default();
    let work_queue_url = environment.required("WORK_QUEUE_URL");
    let dead_letter_queue_url = environment.required("DEAD_LETTER_QUEUE_URL");
    let ledger_table = environment.required("LEDGER_TABLE");
    let stripe_key_arn = environment.secret_arn(STRIPE_KEY);
    let salesforce_credentials_arn = environment.secret_arn(SALESFORCE_CREDENTIALS);
    let config = organization_id.zip(org_currency).zip(days_until_due).map(
        |((organization_id, org_currency), days_until_due)| Config {
            work_queue_url,
            dead_letter_queue_url,
            ledger_table,
            scope: Scope { environment: name, stripe_account_id, organization_id, livemode },
            settings: Settings { multi_currency, org_currency, days_until_due },
            stripe_key_arn,
            stripe_api_base,
            salesforce_credentials_arn,
            salesforce_login_url,
            salesforce_api_version,
            salesforce_allowed_hosts: hosts
                .split([',', ' '])
                .filter(|host| !host.is_empty())
                .map(str::to_owned)
                .collect(),
        },
    );
    std::mem::take(environment).finish(config)
}

fn api_version(value: &str) -> Result<String, &'static str> {
    let number = value.strip_prefix('v').and_then(|version| version.strip_suffix(".0")).unwrap_or_default();
    match number.parse::<u16>() {
        Ok(60..) => Ok(value.to_owned()),
        _ => Err("it must be of the form v67.0, and v60.0 or later"),
    }
}

/// Everything that the worker needs, or every reason why it cannot start.
pub async fn from_environment(environment: Environment) -> Result<App<Cloud>, ConfigError> {
    let config = read(environment)?;
    let aws = platform::sdk_config().await;
    let secrets = Secrets::new(&aws);
    let (key, credentials) = futures::join!(
        secrets.read(&config.stripe_key_arn, STRIPE_KEY),
        secrets.read(&config.salesforce_credentials_arn, SALESFORCE_CREDENTIALS)
    );
    let problem = |why: String| ConfigError { problems: vec![why] };
    let key = ApiKey::parse(key?.expose_secret()).map_err(|why| problem(format!("{STRIPE_KEY}: {why}")))?;
    if key.is_live() != config.scope.livemode {
        return Err(problem(format!("{STRIPE_KEY}: the key's mode and STRIPE_LIVEMODE differ")));
    }
    let credentials = salesforce::Credentials::from_json(credentials?.expose_secret())
        .map_err(|why| problem(format!("{SALESFORCE_CREDENTIALS}: {why}")))?;
    let stripe = stripe::Client::new(&config.stripe_api_base, key, stripe::Timeouts::default())
        .map_err(|why| problem(format!("STRIPE_API_BASE: {why}")))?;
    let salesforce = salesforce::Client::new(salesforce::Config {
        login_url: config.salesforce_login_url,
        credentials,
        api_version: config.salesforce_api_version,
        allowed_hosts: config.salesforce_allowed_hosts,
        timeouts: salesforce::Timeouts::default(),
    })
    .map_err(|why| problem(format!("SALESFORCE_LOGIN_URL: {why}")))?;
    let queue = Queue::new(aws_sdk_sqs::Client::new(&aws), config.work_queue_url, config.dead_letter_queue_url);
    let engine = Engine {
        ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&aws), config.ledger_table),
        stripe,
        salesforce,
        reporter: queue.clone(),
        clock: SystemClock,
        scope: config.scope,
        settings: config.settings,
    };
    tracing::info!(at = %Timestamp::now(), environment = %engine.scope.environment, "started");
    Ok(App { engine, queue })
}
