//! Secrets, read by ARN at cold start. Neither a template nor an environment variable ever holds one.

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::ConfigError;

#[derive(Debug, Clone)]
pub struct Secrets {
    client: Client,
}

impl Secrets {
    pub fn new(config: &SdkConfig) -> Self {
        crate::aws::install_tls();
        Self { client: Client::new(config) }
    }

    /// The secret's current value. The error names the variable that holds the ARN, never the value.
    pub async fn read(&self, arn: &str, variable: &str) -> Result<SecretString, ConfigError> {
        let problem =
            |why: String| ConfigError { problems: vec![format!("the secret of {variable} cannot be read: {why}")] };
        let answer = self.client.get_secret_value().secret_id(arn).send().await.map_err(|error| {
            let service = error.as_service_error().map(ToString::to_string);
            problem(service.unwrap_or_else(|| error.to_string()))
        })?;
        let value = answer.secret_string().ok_or_else(|| problem("it is binary".into()))?;
        Ok(SecretString::from(value))
    }
}

/// A signing secret that can be rolled: the current one, and for a while the one before.
///
/// The stored value is either the secret itself or `{"current":"…","previous":"…","previous_expires_at":1790000000}`.
#[derive(Debug, Clone)]
pub struct Rotating {
    pub current: SecretString,
    previous: Option<(SecretString, Timestamp)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    current: String,
    previous: Option<String>,
    previous_expires_at: Option<i64>,
}

impl Rotating {
    pub fn parse(value: &SecretString) -> Result<Self, &'static str> {
        let text = value.expose_secret();
        if !text.trim_start().starts_with('{') {
            return Ok(Self { current: value.clone(), previous: None });
        }
        let wire: Wire = serde_json::from_str(text)
            .map_err(|_| "the secret is not of the form {\"current\":…,\"previous\":…,\"previous_expires_at\":…}")?;
        let previous = match (wire.previous, wire.previous_expires_at) {
            (None, None) => None,
            (Some(previous), Some(expires_at)) => {
                let expires_at = Timestamp::from_second(expires_at).map_err(|_| "previous_expires_at is not a time")?;
                Some((SecretString::from(previous), expires_at))
            }
            _ => return Err("previous and previous_expires_at go together"),
        };
        Ok(Self { current: SecretString::from(wire.current), previous })
    }

    /// The secrets that are accepted now, the current one first.
    pub fn accepted(&self, now: Timestamp) -> Vec<SecretString> {
        let previous = self.previous.iter().filter(|(_, expires_at)| now < *expires_at).map(|(secret, _)| secret);
        std::iter::once(&self.current).chain(previous).cloned().collect()
    }

    /// Every secret that is held, for checks at start.
    pub fn all(&self) -> impl Iterator<Item = &SecretString> {
        std::iter::once(&self.current).chain(self.previous.iter().map(|(secret, _)| secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(value: &str, now: i64) -> Result<usize, &'static str> {
        let now = Timestamp::from_second(now).expect("valid");
        Rotating::parse(&SecretString::from(value)).map(|rotating| rotating.accepted(now).len())
    }

    #[test]
    fn the_previous_secret_is_accepted_until_it_expires() {
        let rolled = r#"{"current":"whsec_b","previous":"whsec_a","previous_expires_at":100}"#;
        assert_eq!(accepted("whsec_a", 0), Ok(1));
        assert_eq!(accepted(rolled, 99), Ok(2));
        assert_eq!(accepted(rolled, 100), Ok(1));
        assert!(accepted(r#"{"current":"whsec_b","previous":"whsec_a"}"#, 0).is_err());
        assert!(accepted(r#"{"current":"whsec_b","extra":1}"#, 0).is_err());
        assert!(accepted("{", 0).is_err());
    }
}
