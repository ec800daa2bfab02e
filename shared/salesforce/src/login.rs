//! OAuth with client credentials, on the My Domain host.

use std::fmt;

use outbound::mask;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::client::read;
use crate::error::Error;

/// Of an External Client App whose client-credentials flow runs as the integration user.
#[derive(Clone)]
pub struct Credentials {
    client_id: String,
    client_secret: SecretString,
}

#[derive(Debug, thiserror::Error)]
#[error("it must be of the form {{\"client_id\":\"…\",\"client_secret\":\"…\"}}, neither of them blank")]
pub struct InvalidCredentials;

impl Credentials {
    pub fn from_json(text: &str) -> Result<Self, InvalidCredentials> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Wire {
            client_id: String,
            client_secret: String,
        }
        let wire: Wire = serde_json::from_str(text).map_err(|_| InvalidCredentials)?;
        let usable = |text: &str| !text.is_empty() && text.trim() == text;
        if usable(&wire.client_id) && usable(&wire.client_secret) {
            Ok(Self { client_id: wire.client_id, client_secret: SecretString::from(wire.client_secret) })
        } else {
            Err(InvalidCredentials)
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// A session: where to go, and what to show there.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) token: SecretString,
    pub(crate) instance_url: String,
    /// The address of the identity: the organization's id and the user's stand at its end.
    pub(crate) identity_url: Option<String>,
    /// What it may be used for, with blanks between.
    pub(crate) scope: Option<String>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    instance_url: String,
    id: Option<String>,
    scope: Option<String>,
}

#[derive(Deserialize)]
struct Denied {
    error: String,
    error_description: Option<String>,
}

/// Which hosts a session may lead to. A token sent anywhere else is a token given away.
#[derive(Debug, Clone)]
pub(crate) struct Allowed {
    pub(crate) login: Url,
    pub(crate) hosts: Vec<String>,
}

impl Allowed {
    fn accepts(&self, instance_url: &str) -> bool {
        let Ok(url) = Url::parse(instance_url) else {
            return false;
        };
        let Some(host) = url.host_str() else { return false };
        if url.scheme() == self.login.scheme() && url.host_str() == self.login.host_str() {
            return url.port() == self.login.port();
        }
        let is_named = self.hosts.iter().any(|allowed| allowed == host);
        url.scheme() == "https" && url.port().is_none() && (host.ends_with(".my.salesforce.com") || is_named)
    }
}

pub(crate) async fn login(
    http: &reqwest::Client,
    allowed: &Allowed,
    credentials: &Credentials,
) -> Result<Session, Error> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &credentials.client_id)
        .append_pair("client_secret", credentials.client_secret.expose_secret())
        .finish();
    let url = format!("{}services/oauth2/token", allowed.login);
    let request = http.post(url).header("content-type", "application/x-www-form-urlencoded").body(form);
    let response = request.send().await.map_err(|error| Error::of_transport(&error))?;
    let status = response.status();
    let body = read(response).await?;
    if !status.is_success() {
        return Err(denied(status.as_u16(), &body));
    }
    let granted: Granted = serde_json::from_slice(&body).map_err(|_| Error::unreadable())?;
    if !allowed.accepts(&granted.instance_url) {
        return Err(Error::NotAllowed {
            error_code: "INSTANCE_URL_NOT_ALLOWED".into(),
            message: "the login leads to a host that is neither the My Domain host nor allowed by name".into(),
        });
    }
    Ok(Session {
        token: SecretString::from(granted.access_token),
        instance_url: granted.instance_url.trim_end_matches('/').to_owned(),
        identity_url: granted.id,
        scope: granted.scope,
    })
}

/// The token endpoint's own error grammar, which differs from that of REST.
fn denied(status: u16, body: &[u8]) -> Error {
    match serde_json::from_slice::<Denied>(body) {
        Ok(denied) if denied.error == "rate_limit_exceeded" => Error::Busy { error_code: denied.error },
        Ok(denied) if status < 500 => {
            Error::NotAllowed { error_code: denied.error, message: mask(&denied.error_description.unwrap_or_default()) }
        }
        _ if matches!(status, 420 | 429 | 503) => Error::Busy { error_code: format!("HTTP_{status}") },
        _ => Error::Unknown { reason: format!("the login was answered with status {status}") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_the_my_domain_host_or_salesforce_or_nowhere() {
        let allowed =
            |login: &str| Allowed { login: Url::parse(login).expect("valid"), hosts: vec!["eu99.example.com".into()] };
        for (login, instance, expected) in [
            ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com", true),
            ("https://acme.my.salesforce.com", "https://acme--uat.sandbox.my.salesforce.com", true),
            ("https://acme.my.salesforce.com", "https://eu99.example.com", true),
            ("https://acme.my.salesforce.com", "http://acme.my.salesforce.com", false),
            ("https://acme.my.salesforce.com", "https://evil.example", false),
            ("https://acme.my.salesforce.com", "https://my.salesforce.com.evil.example", false),
            ("https://acme.my.salesforce.com", "https://evilmy.salesforce.com", false),
            ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com:8443", false),
            ("http://127.0.0.1:4000", "http://127.0.0.1:4000", true),
            ("http://127.0.0.1:4000", "http://127.0.0.1:4001", false),
        ] {
            assert_eq!(allowed(login).accepts(instance), expected, "{login} → {instance}");
        }
    }

    #[test]
    fn credentials_are_whole_or_refused() {
        assert!(Credentials::from_json(r#"{"client_id":"a","client_secret":"b"}"#).is_ok());
        for bad in ["", "{}", r#"{"client_id":"a","client_secret":"b\n"}"#, r#"{"client_id":"","client_secret":"b"}"#] {
            assert!(Credentials::from_json(bad).is_err(), "{bad}");
        }
    }
}
