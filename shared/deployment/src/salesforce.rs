//! How Salesforce is reached, for the functions and for whoever asks it something by hand.

use ::salesforce::{Client, Credentials, Timeouts};
use platform::{ConfigError, Environment, Secrets};
use secrecy::{ExposeSecret, SecretString};

use crate::noted;

const CREDENTIALS: &str = "SALESFORCE_CREDENTIALS_SECRET_ARN";

/// What the environment says of it. The secret is not read yet.
pub(crate) struct Salesforce {
    credentials_arn: String,
    login_url: String,
    api_version: String,
    allowed_hosts: Vec<String>,
}

impl Salesforce {
    pub(crate) fn read(environment: &mut Environment) -> Self {
        let hosts = environment.optional("SALESFORCE_ALLOWED_HOSTS").unwrap_or_default();
        Self {
            login_url: environment.required("SALESFORCE_LOGIN_URL"),
            api_version: environment.parsed("SALESFORCE_API_VERSION", api_version).unwrap_or_default(),
            credentials_arn: environment.secret_arn(CREDENTIALS),
            allowed_hosts: hosts.split([',', ' ']).filter(|host| !host.is_empty()).map(str::to_owned).collect(),
        }
    }

    pub(crate) async fn secret(&self, secrets: &Secrets) -> Result<SecretString, ConfigError> {
        secrets.read(&self.credentials_arn, CREDENTIALS).await
    }

    /// The client, or one more problem for each thing that is wrong.
    pub(crate) fn client(&self, credentials: &SecretString, problems: &mut Vec<String>) -> Option<Client> {
        let credentials = noted(problems, CREDENTIALS, Credentials::from_json(credentials.expose_secret()))?;
        let client = Client::new(::salesforce::Config {
            login_url: self.login_url.clone(),
            credentials,
            api_version: self.api_version.clone(),
            allowed_hosts: self.allowed_hosts.clone(),
            timeouts: Timeouts::default(),
        });
        noted(problems, "SALESFORCE_LOGIN_URL", client)
    }
}

/// A client of Salesforce alone, by the variables that the functions have; or everything that is wrong with them.
pub async fn salesforce_from_environment(mut environment: Environment) -> Result<Client, ConfigError> {
    let salesforce = Salesforce::read(&mut environment);
    let salesforce = environment.finish(Some(salesforce))?;
    let aws = platform::sdk_config().await;
    let credentials = salesforce.secret(&Secrets::new(&aws)).await?;
    let mut problems = Vec::new();
    salesforce.client(&credentials, &mut problems).ok_or(ConfigError { problems })
}

fn api_version(value: &str) -> Result<String, &'static str> {
    let number = value.strip_prefix('v').and_then(|version| version.strip_suffix(".0")).unwrap_or_default();
    match number.parse::<u16>() {
        Ok(60..) => Ok(value.to_owned()),
        _ => Err("it must be of the form v67.0, and v60.0 or later"),
    }
}
