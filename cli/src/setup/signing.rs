//! The signing secret in Secrets Manager. It is stored under a version that is made of its endpoint's id, so that whoever reads it knows
//! whose it is: the two are written by one request, and no death comes between them.

use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use domain::WebhookEndpointId;
use jiff::{SignedDuration, Timestamp};
use platform::Rotating;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};
use stripe::signature::check_secret;

use crate::aws::why;

/// Stripe delivers again for three days. What the old endpoint has not brought by then it does not bring any more.
pub(super) const BEFORE_IT_EXPIRES: SignedDuration = SignedDuration::from_hours(72);

/// One secret of Secrets Manager.
#[derive(Debug, Clone)]
pub struct Signing {
    client: Client,
    arn: String,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no secret {0} in Secrets Manager: make it first, or mend its ARN")]
    Missing(String),
    #[error("the secret {arn} of Secrets Manager cannot be {verb}: {why}")]
    Failed { arn: String, verb: &'static str, why: String },
}

/// What stands there now.
pub struct Stored {
    value: Option<Rotating>,
    version: String,
    /// Why what stands there is no signing secret, where something does.
    pub problem: Option<String>,
}

/// As much of it as a decision needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Held {
    /// No value, or one that is no signing secret.
    Nothing,
    Secret {
        version: String,
    },
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("version", &self.version).field("problem", &self.problem).finish_non_exhaustive()
    }
}

impl Stored {
    fn nothing() -> Self {
        Self { value: None, version: String::new(), problem: None }
    }

    fn new(text: &str, version: String) -> Self {
        if text.trim().is_empty() {
            return Self { value: None, version, problem: None };
        }
        let parsed = Rotating::parse(&SecretString::from(text)).map_err(str::to_owned).and_then(|rotating| {
            let checked = rotating.all().try_for_each(check_secret).map_err(|why| why.to_string());
            checked.map(|()| rotating)
        });
        match parsed {
            Ok(value) => Self { value: Some(value), version, problem: None },
            Err(why) => Self { value: None, version, problem: Some(why) },
        }
    }

    pub fn current(&self) -> Option<SecretString> {
        self.value.as_ref().map(|value| value.current.clone())
    }

    pub(crate) fn held(&self) -> Held {
        match self.value {
            Some(_) => Held::Secret { version: self.version.clone() },
            None => Held::Nothing,
        }
    }
}

/// Secrets Manager takes 32 to 64 characters for the id of a version.
pub(crate) fn version_of(endpoint: &WebhookEndpointId) -> String {
    hex::encode(Sha256::digest(format!("webhook-endpoint/{endpoint}")))
}

impl Signing {
    pub fn new(aws: &SdkConfig, arn: String) -> Self {
        Self { client: Client::new(aws), arn }
    }

    fn failed(&self, verb: &'static str, why: String) -> StoreError {
        StoreError::Failed { arn: self.arn.clone(), verb, why }
    }

    /// A secret that was never given a value is there and holds nothing; one that is not there is an error, before an endpoint is made
    /// whose secret would find no place.
    pub async fn read(&self) -> Result<Stored, StoreError> {
        match self.client.get_secret_value().secret_id(&self.arn).send().await {
            Ok(answer) => {
                let version = answer.version_id().unwrap_or_default().to_owned();
                Ok(Stored::new(answer.secret_string().unwrap_or_default(), version))
            }
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                match self.client.describe_secret().secret_id(&self.arn).send().await {
                    Ok(_) => Ok(Stored::nothing()),
                    Err(error)
                        if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) =>
                    {
                        Err(StoreError::Missing(self.arn.clone()))
                    }
                    Err(error) => Err(self.failed("described", why(&error))),
                }
            }
            Err(error) => Err(self.failed("read", why(&error))),
        }
    }

    /// Keeps the endpoint's secret, and beside it the one before for as long as that may still be signed with.
    pub(super) async fn store(
        &self,
        endpoint: &WebhookEndpointId,
        secret: &SecretString,
        previous: Option<&SecretString>,
        now: Timestamp,
    ) -> Result<Stored, StoreError> {
        let (value, version) = (value(secret, previous, now), version_of(endpoint));
        let put = self.client.put_secret_value().secret_id(&self.arn);
        let put = put.client_request_token(&version).secret_string(value.expose_secret());
        put.send().await.map_err(|error| self.failed("written", why(&error)))?;
        Ok(Stored::new(value.expose_secret(), version))
    }
}

/// As the functions read it.
fn value(secret: &SecretString, previous: Option<&SecretString>, now: Timestamp) -> SecretString {
    let Some(previous) = previous else { return secret.clone() };
    let expires_at = now.saturating_add(BEFORE_IT_EXPIRES).map_or(now, |at| at).as_second();
    let rolled = json!({
        "current": secret.expose_secret(),
        "previous": previous.expose_secret(),
        "previous_expires_at": expires_at,
    });
    SecretString::from(rolled.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_what_the_functions_read() {
        let now = Timestamp::from_second(1_795_392_000).expect("valid");
        let (new, old) = (SecretString::from("whsec_new"), SecretString::from("whsec_old"));
        let alone = Stored::new(value(&new, None, now).expose_secret(), String::new());
        assert_eq!(alone.value.expect("usable").accepted(now).len(), 1);
        let rolled = Stored::new(value(&new, Some(&old), now).expose_secret(), String::new()).value.expect("usable");
        let accepted: Vec<_> = rolled.accepted(now).iter().map(|one| one.expose_secret().to_owned()).collect();
        assert_eq!(accepted, ["whsec_new", "whsec_old"]);
        let later = now + BEFORE_IT_EXPIRES;
        assert_eq!(rolled.accepted(later).len(), 1);
    }

    #[test]
    fn what_is_no_signing_secret_is_as_good_as_none() {
        for (text, has_problem) in [("", false), (" \n", false), ("changeme", true), ("whsec_a\n", true), ("{}", true)]
        {
            let stored = Stored::new(text, "v".into());
            assert_eq!((stored.held(), stored.problem.is_some()), (Held::Nothing, has_problem), "{text:?}");
        }
        assert_eq!(Stored::new("whsec_a", "v".into()).held(), Held::Secret { version: "v".into() });
        assert!(!format!("{:?}", Stored::new("whsec_a", "v".into())).contains("whsec"));
    }

    #[test]
    fn a_version_is_as_long_as_secrets_manager_takes_it() {
        let id = |text| WebhookEndpointId::parse(text).expect("valid");
        assert_eq!(version_of(&id("we_1")).len(), 64);
        assert_ne!(version_of(&id("we_1")), version_of(&id("we_2")));
    }
}
