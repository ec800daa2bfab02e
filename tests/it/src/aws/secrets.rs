//! Secrets Manager, as far as secrets are read and given another value.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub id: String,
    pub value: String,
}

/// Each secret's versions by its ARN, the current one last. One that was made without a value has none.
#[derive(Debug, Clone, Default)]
pub struct SecretsManager {
    secrets: Arc<Mutex<BTreeMap<String, Vec<Version>>>>,
    is_read_only: Arc<Mutex<bool>>,
}

impl SecretsManager {
    /// Makes a secret, or gives it another value, as a person does.
    pub fn put(&self, arn: &str, value: Option<&str>) {
        let mut secrets = self.secrets.lock().unwrap();
        let versions = secrets.entry(arn.to_owned()).or_default();
        let id = format!("{:032}", versions.len() + 1);
        versions.extend(value.map(|value| Version { id, value: value.to_owned() }));
    }

    pub fn current(&self, arn: &str) -> Option<Version> {
        self.secrets.lock().unwrap().get(arn).and_then(|versions| versions.last().cloned())
    }

    /// Whoever asks may read, and not write.
    pub fn set_read_only(&self, is_read_only: bool) {
        *self.is_read_only.lock().unwrap() = is_read_only;
    }

    pub(super) fn answer(&self, operation: &str, body: &Value) -> (u16, Value) {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let mut secrets = self.secrets.lock().unwrap();
        let missing = |message: &str| error("ResourceNotFoundException", message);
        let Some(versions) = secrets.get_mut(text("SecretId")) else {
            return missing("Secrets Manager can't find the specified secret.");
        };
        match operation {
            "DescribeSecret" => (200, json!({ "ARN": text("SecretId") })),
            "GetSecretValue" => match versions.last() {
                Some(Version { id, value }) => {
                    (200, json!({ "ARN": text("SecretId"), "VersionId": id, "SecretString": value }))
                }
                None => missing("Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"),
            },
            "PutSecretValue" if *self.is_read_only.lock().unwrap() => {
                error("AccessDeniedException", "is not authorized to perform: secretsmanager:PutSecretValue")
            }
            "PutSecretValue" => put(versions, text("ClientRequestToken"), text("SecretString")),
            _ => error("UnknownOperationException", operation),
        }
    }
}

/// A version keeps the value that it was made with.
fn put(versions: &mut Vec<Version>, token: &str, value: &str) -> (u16, Value) {
    if !(32..=64).contains(&token.len()) {
        return error("InvalidParameterException", "ClientRequestToken must be 32-64 characters long.");
    }
    match versions.iter().find(|version| version.id == token) {
        Some(version) if version.value != value => error("ResourceExistsException", "You can't modify a version."),
        Some(_) => (200, json!({ "VersionId": token })),
        None => {
            versions.push(Version { id: token.to_owned(), value: value.to_owned() });
            (200, json!({ "VersionId": token }))
        }
    }
}

fn error(kind: &str, message: &str) -> (u16, Value) {
    (400, json!({ "__type": kind, "message": message }))
}
