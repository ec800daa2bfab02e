//! Webhook endpoints, for whoever sets a deployment up. The signing secret is in the answer to create and nowhere else, and an endpoint
//! keeps the API version that it was made with.

use std::collections::BTreeMap;

use domain::WebhookEndpointId;
use jiff::Timestamp;
use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;

use crate::error::Error;
use crate::objects::{DeletedWire, HasId};
use crate::reads::unreadable;
use crate::{API_VERSION, Client};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    pub id: WebhookEndpointId,
    pub url: String,
    /// `None` where it follows the account's default.
    pub api_version: Option<String>,
    /// `*` means every type.
    pub enabled_events: Vec<String>,
    pub is_enabled: bool,
    pub livemode: bool,
    pub created: Timestamp,
    pub metadata: BTreeMap<String, String>,
}

/// One that was just made, with the only sight of its secret.
#[derive(Debug)]
pub struct Made {
    pub endpoint: WebhookEndpoint,
    pub secret: SecretString,
}

/// One that is to be made, in the version that this crate reads.
#[derive(Debug, Clone)]
pub struct NewEndpoint<'a> {
    pub url: &'a str,
    pub events: &'a [&'a str],
    pub metadata: &'a [(&'a str, &'a str)],
}

/// What is to be changed of one; what is empty or `None` stays.
#[derive(Debug, Clone, Default)]
pub struct EndpointChange<'a> {
    pub events: &'a [&'a str],
    pub disabled: Option<bool>,
    pub metadata: &'a [(&'a str, &'a str)],
}

#[derive(Deserialize)]
struct Wire {
    id: WebhookEndpointId,
    url: String,
    api_version: Option<String>,
    enabled_events: Vec<String>,
    status: String,
    livemode: bool,
    created: i64,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    secret: Option<String>,
}

impl HasId for Wire {
    fn id(&self) -> &str {
        self.id.as_str()
    }
}

impl TryFrom<Wire> for WebhookEndpoint {
    type Error = Error;

    fn try_from(wire: Wire) -> Result<Self, Error> {
        Ok(Self {
            id: wire.id,
            url: wire.url,
            api_version: wire.api_version,
            enabled_events: wire.enabled_events,
            is_enabled: wire.status == "enabled",
            livemode: wire.livemode,
            created: Timestamp::from_second(wire.created).map_err(unreadable)?,
            metadata: wire.metadata,
        })
    }
}

impl Client {
    /// Every one of the account, in the key's mode.
    pub async fn webhook_endpoints(&self) -> Result<Vec<WebhookEndpoint>, Error> {
        let wires: Vec<Wire> = self.list("/v1/webhook_endpoints", &[]).await?;
        wires.into_iter().map(WebhookEndpoint::try_from).collect()
    }

    /// Makes another one, whatever there is: Stripe takes the same address twice. After an error there may be one whose secret nobody has.
    pub async fn create_webhook_endpoint(&self, new: &NewEndpoint<'_>) -> Result<Made, Error> {
        let mut params = form_urlencoded::Serializer::new(String::new());
        params.append_pair("url", new.url).append_pair("api_version", API_VERSION);
        append(&mut params, new.events, new.metadata);
        let mut wire: Wire = self.send(Method::POST, "/v1/webhook_endpoints", params.finish()).await?;
        let secret = wire.secret.take().ok_or_else(|| unreadable(()))?;
        Ok(Made { endpoint: wire.try_into()?, secret: SecretString::from(secret) })
    }

    pub async fn update_webhook_endpoint(
        &self,
        id: &WebhookEndpointId,
        change: &EndpointChange<'_>,
    ) -> Result<WebhookEndpoint, Error> {
        let mut params = form_urlencoded::Serializer::new(String::new());
        if let Some(disabled) = change.disabled {
            params.append_pair("disabled", if disabled { "true" } else { "false" });
        }
        append(&mut params, change.events, change.metadata);
        let wire: Wire = self.send(Method::POST, &format!("/v1/webhook_endpoints/{id}"), params.finish()).await?;
        wire.try_into()
    }

    /// With it goes whatever Stripe has not delivered to it yet.
    pub async fn delete_webhook_endpoint(&self, id: &WebhookEndpointId) -> Result<(), Error> {
        let path = format!("/v1/webhook_endpoints/{id}");
        let wire: DeletedWire = self.send(Method::DELETE, &path, String::new()).await?;
        if wire.deleted && wire.id == id.as_str() { Ok(()) } else { Err(unreadable(())) }
    }
}

fn append(params: &mut form_urlencoded::Serializer<'_, String>, events: &[&str], metadata: &[(&str, &str)]) {
    for (index, event_type) in events.iter().enumerate() {
        params.append_pair(&format!("enabled_events[{index}]"), event_type);
    }
    for (key, value) in metadata {
        params.append_pair(&format!("metadata[{key}]"), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_without_a_version_of_its_own_is_read() {
        let text = r#"{"id":"we_1","object":"webhook_endpoint","api_version":null,"created":1760000000,"enabled_events":["*"],
            "livemode":false,"metadata":{},"status":"disabled","url":"https://a.example/hook","field_of_tomorrow":[]}"#;
        let wire: Wire = serde_json::from_str(text).expect("readable");
        let endpoint = WebhookEndpoint::try_from(wire).expect("an endpoint");
        assert_eq!((endpoint.api_version, endpoint.is_enabled), (None, false));
        assert!(serde_json::from_str::<Wire>(&text.replace("we_1", "ep_1")).is_err());
    }

    #[test]
    fn what_stays_is_not_sent() {
        let mut params = form_urlencoded::Serializer::new(String::new());
        append(&mut params, &["invoice.paid", "invoice.voided"], &[("a", "b")]);
        assert_eq!(
            params.finish(),
            "enabled_events%5B0%5D=invoice.paid&enabled_events%5B1%5D=invoice.voided&metadata%5Ba%5D=b"
        );
    }
}
