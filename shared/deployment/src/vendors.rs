//! Both vendors: where they are, and the secrets that open them.

use std::fmt::Display;

use platform::{ConfigError, Environment, Secrets};
use secrecy::{ExposeSecret, SecretString};
use stripe::{ApiKey, InvalidApiKey};

const STRIPE_KEY: &str = "STRIPE_API_KEY_SECRET_ARN";
const ALLOW_FULL_ACCESS: &str = "STRIPE_ALLOW_FULL_ACCESS_KEY";
const SALESFORCE_CREDENTIALS: &str = "SALESFORCE_CREDENTIALS_SECRET_ARN";

/// What the environment says of them. The secrets are not read yet.
pub struct Vendors {
    pub stripe_key_arn: String,
    pub allow_full_access_key: bool,
    pub stripe_api_base: String,
    pub salesforce: Salesforce,
}

/// What it says of Salesforce.
pub struct Salesforce {
    pub credentials_arn: String,
    pub login_url: String,
    pub api_version: String,
    pub allowed_hosts: Vec<String>,
}

impl Salesforce {
    fn read(environment: &mut Environment) -> Self {
        let hosts = environment.optional("SALESFORCE_ALLOWED_HOSTS").unwrap_or_default();
        Self {
            credentials_arn: environment.secret_arn(SALESFORCE_CREDENTIALS),
            login_url: environment.required("SALESFORCE_LOGIN_URL"),
            api_version: environment.parsed("SALESFORCE_API_VERSION", api_version).unwrap_or_default(),
            allowed_hosts: hosts.split([',', ' ']).filter(|host| !host.is_empty()).map(str::to_owned).collect(),
        }
    }

    async fn secret(&self, secrets: &Secrets) -> Result<SecretString, ConfigError> {
        secrets.read(&self.credentials_arn, SALESFORCE_CREDENTIALS).await
    }

    /// The client, or one more problem for each thing that is wrong.
    fn client(&self, credentials: &SecretString, problems: &mut Vec<String>) -> Option<salesforce::Client> {
        let credentials = salesforce::Credentials::from_json(credentials.expose_secret());
        let client = salesforce::Client::new(salesforce::Config {
            login_url: self.login_url.clone(),
            credentials: noted(problems, SALESFORCE_CREDENTIALS, credentials)?,
            api_version: self.api_version.clone(),
            allowed_hosts: self.allowed_hosts.clone(),
            timeouts: salesforce::Timeouts::default(),
        });
        noted(problems, "SALESFORCE_LOGIN_URL", client)
    }
}

/// A client of Salesforce alone, by the variables that the functions have; or everything that is wrong with them.
pub async fn salesforce_from_environment(mut environment: Environment) -> Result<salesforce::Client, ConfigError> {
    let salesforce = Salesforce::read(&mut environment);
    let salesforce = environment.finish(Some(salesforce))?;
    let aws = platform::sdk_config().await;
    let credentials = salesforce.secret(&Secrets::new(&aws)).await?;
    let mut problems = Vec::new();
    salesforce.client(&credentials, &mut problems).ok_or(ConfigError { problems })
}

impl Vendors {
    pub fn read(environment: &mut Environment) -> Self {
        Self {
            stripe_key_arn: environment.secret_arn(STRIPE_KEY),
            allow_full_access_key: environment.flag(ALLOW_FULL_ACCESS),
            stripe_api_base: environment.required("STRIPE_API_BASE"),
            salesforce: Salesforce::read(environment),
        }
    }

    /// The Stripe key and the Salesforce credentials, or why each of them cannot be read.
    pub async fn secrets(&self, secrets: &Secrets) -> Result<(SecretString, SecretString), ConfigError> {
        let (key, credentials) =
            futures::join!(secrets.read(&self.stripe_key_arn, STRIPE_KEY), self.salesforce.secret(secrets));
        match (key, credentials) {
            (Ok(key), Ok(credentials)) => Ok((key, credentials)),
            (key, credentials) => {
                let errors = [key.err(), credentials.err()].into_iter().flatten();
                Err(ConfigError { problems: errors.flat_map(|error| error.problems).collect() })
            }
        }
    }

    /// The clients of both, or everything that is wrong with the secrets and addresses that they are made of. Where a mode is given, the
    /// key is to be of that one.
    pub fn clients(
        &self,
        stripe_key: &SecretString,
        salesforce_credentials: &SecretString,
        livemode: Option<bool>,
    ) -> Result<(stripe::Client, salesforce::Client), ConfigError> {
        let mut problems = Vec::new();
        let key = noted(&mut problems, STRIPE_KEY, self.stripe_key(stripe_key.expose_secret()));
        if key.as_ref().zip(livemode).is_some_and(|(key, livemode)| key.is_live() != livemode) {
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

fn api_version(value: &str) -> Result<String, &'static str> {
    let number = value.strip_prefix('v').and_then(|version| version.strip_suffix(".0")).unwrap_or_default();
    match number.parse::<u16>() {
        Ok(60..) => Ok(value.to_owned()),
        _ => Err("it must be of the form v67.0, and v60.0 or later"),
    }
}
