//! Deliveries of our own to the deployed doors: an event of a type that asks for nothing, signed as Stripe would sign it, or a callout as
//! Salesforce would. They show that the address is the deployment's, and that its functions have the secret; nothing comes of them but a
//! count of ignored events.

use std::fmt;

use domain::OrganizationId;
use jiff::Timestamp;
use outbound::Timeouts;
use reqwest::header::HeaderMap;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::aws::causes;

/// No type of Stripe's or of a callout, and none of ours.
const EVENT_TYPE: &str = "closedwon.test_delivery";

/// Far above the door's answers.
const LARGEST_ANSWER: usize = 64 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// The signature was verified, and the event passed over.
    Taken,
    /// The door said no, in its own word.
    Refused { status: u16, code: String },
    /// Whatever answered is no door of ours.
    Foreign { status: u16 },
}

impl fmt::Display for Delivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken => f.write_str("taken"),
            Self::Refused { status, code } => write!(f, "status {status}, {code}"),
            Self::Foreign { status } => write!(f, "status {status}, and not in the words of Closedwon"),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error("{0} cannot be delivered to: it must be https, or http on the loopback interface")]
    Url(String),
    #[error("nothing answers at {url}: {why}")]
    Unreachable { url: String, why: String },
    #[error("the secret cannot sign: it begins with whsec_ and goes on in base64, with at least 16 bytes")]
    Secret,
}

/// An event to Stripe's door.
pub async fn send(
    url: &str,
    secret: &SecretString,
    livemode: bool,
    now: Timestamp,
) -> Result<Delivered, DeliveryError> {
    let body = event(livemode, now).to_string();
    let signature = stripe::signature::sign(secret, body.as_bytes(), now);
    post(url, body, &[("stripe-signature", signature)]).await
}

/// A callout to Salesforce's door.
pub async fn send_callout(
    url: &str,
    secret: &SecretString,
    organization_id: &OrganizationId,
    now: Timestamp,
) -> Result<Delivered, DeliveryError> {
    let (id, body) = (format!("closedwon_{}", now.as_second()), callout(organization_id).to_string());
    let signature = salesforce::signature::sign(secret, &id, body.as_bytes(), now).ok_or(DeliveryError::Secret)?;
    let timestamp = now.as_second().to_string();
    post(url, body, &[("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]).await
}

async fn post(url: &str, body: String, signed: &[(&str, String)]) -> Result<Delivered, DeliveryError> {
    let address = outbound::webhook_url(url).ok_or_else(|| DeliveryError::Url(url.to_owned()))?;
    let unreachable = |why: String| DeliveryError::Unreachable { url: url.to_owned(), why };
    let http = outbound::client(&address, Timeouts::default(), HeaderMap::new()).map_err(unreachable)?;
    let request = http.post(address).header("content-type", "application/json");
    let request = signed.iter().fold(request, |request, (name, value)| request.header(*name, value));
    let response = request.body(body).send().await.map_err(|error| unreachable(causes(&error.without_url())))?;
    let status = response.status().as_u16();
    let answer = outbound::read(response, LARGEST_ANSWER).await;
    Ok(understood(status, &answer.unwrap_or_default()))
}

fn event(livemode: bool, now: Timestamp) -> Value {
    json!({
        "id": format!("evt_closedwon_{}", now.as_second()),
        "object": "event",
        "type": EVENT_TYPE,
        "livemode": livemode,
        "created": now.as_second(),
        "api_version": stripe::API_VERSION,
        "data": { "object": { "id": "closedwon", "object": "closedwon" } },
    })
}

fn callout(organization_id: &OrganizationId) -> Value {
    json!({ "type": EVENT_TYPE, "organization_id": organization_id.as_str() })
}

fn understood(status: u16, answer: &[u8]) -> Delivered {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let word = |key: &str| answer[key].as_str().map(str::to_owned);
    match (status, word("status"), word("error")) {
        (200, Some(word), _) if word == "ignored" => Delivered::Taken,
        (_, Some(code), _) | (_, None, Some(code)) => Delivered::Refused { status, code },
        (_, None, None) => Delivered::Foreign { status },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_delivered_asks_for_nothing() {
        let body = event(true, Timestamp::from_second(1_795_392_000).expect("valid")).to_string();
        let notification = stripe::webhook::decode(body.as_bytes()).expect("an event");
        assert!(notification.livemode);
        assert!(matches!(stripe::webhook::event(&notification), Ok(None)));
        let organization_id = OrganizationId::parse("00D000000000001EAA").expect("valid");
        let body = callout(&organization_id).to_string();
        let decoded = salesforce::callout::decode(body.as_bytes(), Timestamp::UNIX_EPOCH).expect("a callout");
        assert_eq!(decoded, salesforce::callout::Callout { organization_id, event: None });
    }

    #[test]
    fn answers_are_understood() {
        let refused = |status, code: &str| Delivered::Refused { status, code: code.into() };
        for (status, answer, expected) in [
            (200, r#"{"status":"ignored"}"#, Delivered::Taken),
            (200, r#"{"status":"ignored_mode"}"#, refused(200, "ignored_mode")),
            (401, r#"{"error":"signature_mismatch"}"#, refused(401, "signature_mismatch")),
            (404, r#"{"message":"Not Found"}"#, Delivered::Foreign { status: 404 }),
            (200, "<html>", Delivered::Foreign { status: 200 }),
        ] {
            assert_eq!(understood(status, answer.as_bytes()), expected, "{answer}");
        }
    }
}
