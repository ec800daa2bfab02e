//! The command line of `doctor`, and its edge to the process.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use aws_config::SdkConfig;
use clap::Args;
use jiff::Timestamp;
use platform::{ConfigError, Environment};
use secrecy::SecretString;
use serde::Deserialize;

use super::stack::{self, RECONCILER, SALESFORCE_DOOR, STRIPE_DOOR, Stack, WORKER};
use super::{Deployment, Report, gather};
use crate::Exit;
use crate::progress::Progress;

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The stack's name: what its functions are configured with is asked of Lambda, how they and their alarms are as well.
    #[arg(long, env = "STACK_NAME", value_name = "NAME")]
    stack: Option<String>,
    /// A file with the worker's configuration, as `aws lambda get-function-configuration` prints it; - is the standard input. Without one
    /// and without a stack the variables of the environment are taken.
    #[arg(long, value_name = "FILE")]
    function: Option<String>,
    /// Where the deployment takes Stripe's events: the stack's output StripeWebhookUrl.
    #[arg(long, env = "STRIPE_WEBHOOK_URL")]
    url: Option<String>,
    /// Where the deployment takes Salesforce's callouts: the stack's output SalesforceEventsUrl.
    #[arg(long, env = "SALESFORCE_EVENTS_URL", value_name = "URL")]
    salesforce_url: Option<String>,
    /// The secret (its ARN) that Stripe's signing secret is kept in. A stack's function knows it.
    #[arg(long, env = "STRIPE_WEBHOOK_SECRET_ARN")]
    signing_secret: Option<String>,
    /// The secret (its ARN) that callouts are signed with. A stack's function knows it.
    #[arg(long, env = "SALESFORCE_WEBHOOK_SECRET_ARN", value_name = "ARN")]
    callout_secret: Option<String>,
    /// The Salesforce user that the integration runs as, as SalesforceIntegrationUserId says it. A stack's function knows it.
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
    #[error(
        "there is no stack {0} of Closedwon: no function of this account and region is named {0}-RetryWorkerFunction-…, as CloudFormation \
         names it; AWS_PROFILE and AWS_REGION say where is looked"
    )]
    NoStack(String),
    #[error("{0}")]
    Lambda(String),
}

impl RunError {
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoStack(_) => Exit::Unknown,
            Self::Unread { .. } | Self::NotAFunction { .. } | Self::Config(_) | Self::Lambda(_) => Exit::Unavailable,
        }
    }
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
        self.run_with(&platform::sdk_config().await, Timestamp::now(), progress).await
    }

    pub async fn run_with(&self, aws: &SdkConfig, now: Timestamp, progress: &dyn Progress) -> Result<Report, RunError> {
        let deployment = self.deployment(aws).await?;
        Ok(super::examine(&deployment, aws, now, progress).await)
    }

    async fn deployment(&self, aws: &SdkConfig) -> Result<Deployment, RunError> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let stack = match given(&self.stack) {
            Some(name) => Some(Stack::read(aws, name).await?),
            None => None,
        };
        let function = self.function.as_deref().map(read).transpose()?;
        let (variables, worker_timeout_s) = match (function, &stack) {
            (Some(function), _) => (Some(function.environment.variables), Some(function.timeout)),
            (None, Some(stack)) => (worker(stack).map(|of| of.variables.clone()), timeout_s(stack)),
            (None, None) => (None, None),
        };
        let environment = variables.map_or_else(Environment::from_process, Environment::new);
        let (config, places) = deployment::read_with_queues(environment, &self.config)?;
        let known = |function, name| stack.as_ref()?.variable(function, name).map(str::to_owned);
        Ok(Deployment {
            config,
            places,
            url: given(&self.url),
            signing_secret: given(&self.signing_secret).or_else(|| known(STRIPE_DOOR, "STRIPE_WEBHOOK_SECRET_ARN")),
            callout_url: given(&self.salesforce_url),
            callout_secret: given(&self.callout_secret)
                .or_else(|| known(SALESFORCE_DOOR, "SALESFORCE_WEBHOOK_SECRET_ARN")),
            own_key: std::env::var("STRIPE_API_KEY").ok().filter(|key| !key.is_empty()).map(SecretString::from),
            worker_timeout_s,
            integration_user_id: given(&self.integration_user)
                .or_else(|| known(SALESFORCE_DOOR, "SALESFORCE_INTEGRATION_USER_ID")),
            stack,
        })
    }
}

impl Stack {
    /// As Lambda has it. One that has nothing to read a configuration from is not there.
    pub async fn read(aws: &SdkConfig, name: String) -> Result<Self, RunError> {
        let stack = gather::stack(&aws_sdk_lambda::Client::new(aws), &name).await.map_err(RunError::Lambda)?;
        if worker(&stack).is_some() { Ok(stack) } else { Err(RunError::NoStack(name)) }
    }
}

/// The reconciler is configured as the worker is, where that is not there.
fn worker(stack: &Stack) -> Option<&stack::Function> {
    stack.function(WORKER).or_else(|| stack.function(RECONCILER))
}

fn timeout_s(stack: &Stack) -> Option<u32> {
    stack.function(WORKER).map(|worker| worker.timeout_s)
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
