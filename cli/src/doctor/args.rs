//! The command line of `doctor`, and its edge to the process.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use platform::{ConfigError, Environment};
use secrecy::SecretString;
use serde::Deserialize;

use super::{Deployment, Report};
use crate::progress::Progress;

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// A file with the worker's configuration, as `aws lambda get-function-configuration` prints it; - is the standard input. Without one
    /// the variables of the environment are taken.
    #[arg(long, value_name = "FILE")]
    function: Option<String>,
    /// Where the deployment takes Stripe's events: the stack's output StripeWebhookUrl.
    #[arg(long, env = "STRIPE_WEBHOOK_URL")]
    url: Option<String>,
    /// The secret (its ARN) that the signing secret is kept in.
    #[arg(long, env = "STRIPE_WEBHOOK_SECRET_ARN")]
    signing_secret: Option<String>,
    /// The Salesforce user that the integration runs as, as SalesforceIntegrationUserId says it.
    #[arg(long, env = "SALESFORCE_INTEGRATION_USER_ID")]
    integration_user: Option<String>,
    /// The configuration file that is deployed.
    #[arg(long, default_value = "infra/closedwon.toml")]
    config: PathBuf,
    /// For programs.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("{file} cannot be read: {why}")]
    Unread { file: String, why: std::io::Error },
    #[error("{file} is not what aws lambda get-function-configuration prints: {why}")]
    NotAFunction { file: String, why: serde_json::Error },
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// As much of a function's configuration as is needed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Function {
    timeout: u32,
    environment: Variables,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Variables {
    variables: BTreeMap<String, String>,
}

impl DoctorArgs {
    pub async fn run(&self, progress: &dyn Progress) -> Result<Report, RunError> {
        let deployment = self.deployment()?;
        let aws = platform::sdk_config().await;
        Ok(super::examine(&deployment, &aws, jiff::Timestamp::now(), progress).await)
    }

    fn deployment(&self) -> Result<Deployment, RunError> {
        let function = self.function.as_deref().map(read).transpose()?;
        let worker_timeout_s = function.as_ref().map(|function| function.timeout);
        let environment = match function {
            Some(function) => Environment::new(function.environment.variables),
            None => Environment::from_process(),
        };
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (config, places) = deployment::read_with_queues(environment, &self.config)?;
        Ok(Deployment {
            config,
            places,
            url: given(&self.url),
            signing_secret: given(&self.signing_secret),
            own_key: std::env::var("STRIPE_API_KEY").ok().filter(|key| !key.is_empty()).map(SecretString::from),
            worker_timeout_s,
            integration_user_id: given(&self.integration_user),
        })
    }
}

fn read(file: &str) -> Result<Function, RunError> {
    let mut text = String::new();
    let read = match file {
        "-" => std::io::stdin().read_to_string(&mut text).map(drop),
        path => std::fs::read_to_string(path).map(|read| text = read),
    };
    read.map_err(|why| RunError::Unread { file: file.to_owned(), why })?;
    serde_json::from_str(&text).map_err(|why| RunError::NotAFunction { file: file.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_read_as_aws_prints_it() {
        let text = r#"{"FunctionName":"worker","Timeout":60,"MemorySize":256,"Environment":{"Variables":{"A":"b"}}}"#;
        let function: Function = serde_json::from_str(text).expect("readable");
        assert_eq!((function.timeout, function.environment.variables["A"].as_str()), (60, "b"));
        assert!(read("/nowhere/at/all").is_err());
    }
}
