//! What the function is configured with.

use std::sync::Arc;

use domain::{OrganizationId, UserId};
use intake::Door;
use jiff::Timestamp;
use platform::{ConfigError, Environment, Rotating, Secrets};
use queue::{Places, Queue};
use salesforce::signature::check_secret;

pub struct App {
    pub door: Door,
    pub secrets: Rotating,
    pub organization_id: OrganizationId,
    /// What partner event sources of Salesforce begin with; the organization's id follows.
    pub event_source_prefix: String,
    /// Whose changes are our own.
    pub integration_user_id: Option<UserId>,
}

impl App {
    pub async fn from_environment(mut environment: Environment) -> Result<Self, ConfigError> {
        const SECRET: &str = "SALESFORCE_WEBHOOK_SECRET_ARN";
        let settle = environment.parsed(queue::SETTLE, queue::settle);
        let places = Places::read(settle, |name| environment.required(name));
        let secret_arn = environment.secret_arn(SECRET);
        let organization_id = environment.parsed("SALESFORCE_ORG_ID", OrganizationId::parse);
        let event_source_prefix = environment.required("SALESFORCE_EVENT_SOURCE_PREFIX");
        let integration_user_id = environment.parsed_if_set("SALESFORCE_INTEGRATION_USER_ID", UserId::parse);
        let organization_id = environment.finish(organization_id)?;
        let aws = platform::sdk_config().await;
        let secrets = signing_secrets(&Secrets::new(&aws).read(&secret_arn, SECRET).await?, SECRET)?;
        let queue = Queue::new(aws_sdk_sqs::Client::new(&aws), places);
        let door = Door { service: "salesforce-events", queue, now: Arc::new(Timestamp::now) };
        Ok(Self { door, secrets, organization_id, event_source_prefix, integration_user_id })
    }

    /// The organization that a partner event source belongs to: `{prefix}{organization id}/{channel}`.
    pub(crate) fn source(&self, source: &str) -> Option<OrganizationId> {
        let rest = source.strip_prefix(&self.event_source_prefix)?;
        OrganizationId::parse(rest.split('/').next()?).ok()
    }
}

/// A secret that cannot verify anything is refused at start, not at every callout.
pub fn signing_secrets(value: &secrecy::SecretString, variable: &str) -> Result<Rotating, ConfigError> {
    let problem =
        |why: String| ConfigError { problems: vec![format!("the secret of {variable} is not usable: {why}")] };
    let rotating = Rotating::parse(value).map_err(|why| problem(why.into()))?;
    for secret in rotating.all() {
        check_secret(secret).map_err(|why| problem(why.to_string()))?;
    }
    Ok(rotating)
}
