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
    pub salesforce_credentials_arn: String,
    pub salesforce_login_url: String,
    pub salesforce_api_version: String,
    pub salesforce_allowed_hosts: Vec<String>,
}

impl Vendors {
    pub fn read(environment: &mut Environment) -> Self {
        let hosts = environment.optional("SALESFORCE_ALLOWED_HOSTS").unwrap_or_default();
        Self {
            stripe_key_arn: environment.secret_arn(STRIPE_KEY),
            allow_full_access_key: environment.flag(ALLOW_FULL_ACCESS),
            stripe_api_base: environment.required("STRIPE_API_BASE"),
            salesforce_credentials_arn: environment.secret_arn(SALESFORCE_CREDENTIALS),
            salesforce_login_url: environment.required("SALESFORCE_LOGIN_URL"),
            salesforce_api_version: environment.parsed("SALESFORCE_API_VERSION", api_version).unwrap_or_default(),
            salesforce_allowed_hosts: hosts
                .split([',', ' '])
                .filter(|host| !host.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }

    /// The Stripe key and the Salesforce credentials, or why each of them cannot be read.
    pub async fn secrets(&self, secrets: &Secrets) -> Result<(SecretString, SecretString), ConfigError> {
        let (key, credentials) = futures::join!(
            secrets.read(&self.stripe_key_arn, STRIPE_KEY),
            secrets.read(&self.salesforce_credentials_arn, SALESFORCE_CREDENTIALS)
        );
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
