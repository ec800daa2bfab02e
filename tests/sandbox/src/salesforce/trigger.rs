//! What an org tells the outside when an opportunity changes: a signed callout, a relayed event, or both.

mod relay;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::json::Json;
use super::org::{Change, ChangeType};
use crate::wire::Delivery;

pub use relay::{Relay, RelayMode};

/// Which of the two are on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    pub callout: Option<Callout>,
    pub relay: Option<Relay>,
}

/// The callout that the Apex class in `infra/salesforce/callout` makes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Callout {
    pub url: String,
    /// `whsec_` followed by the key in base64.
    pub secret: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

impl Trigger {
    /// Refuses a secret that could never sign, when it is set rather than when the first opportunity is won.
    pub fn check(&self) -> Result<(), String> {
        self.callout.as_ref().map_or(Ok(()), |callout| callout.key().map(drop))
    }
}

impl Callout {
    fn key(&self) -> Result<Vec<u8>, String> {
        let encoded = self.secret.strip_prefix("whsec_").ok_or("the secret does not begin with whsec_")?;
        STANDARD.decode(encoded).map_err(|_| "the secret is not base64 after whsec_".to_owned())
    }

    /// `v1,` and the HMAC-SHA256 of `id.timestamp.body`.
    fn signature(&self, id: &str, timestamp: &str, body: &[u8]) -> Result<String, String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key()?).map_err(|error| error.to_string())?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }

    /// The delivery with the headers that sign it for now. It keeps its id, by which the receiver knows a repetition.
    fn signed(&self, now_ms: i64, id: &str, body: Vec<u8>) -> Result<Delivery, String> {
        let timestamp = now_ms.div_euclid(1000).to_string();
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("webhook-id".to_owned(), id.to_owned()),
            ("webhook-signature".to_owned(), self.signature(id, &timestamp, &body)?),
            ("webhook-timestamp".to_owned(), timestamp),
        ];
        headers.extend(self.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())));
        Ok(Delivery { id: id.to_owned(), url: self.url.clone(), headers, body })
    }
}

/// Turns committed changes into deliveries. Ids and commit numbers are counted, so equal runs send equal events.
#[derive(Debug)]
pub struct Outbox {
    pub trigger: Trigger,
    org_id: String,
    made: u64,
    commits: i64,
    deliveries: Vec<Delivery>,
}

impl Outbox {
    pub fn new(org_id: &str) -> Self {
        Self { trigger: Trigger::default(), org_id: org_id.to_owned(), made: 0, commits: 0, deliveries: Vec::new() }
    }

    pub fn take(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.deliveries)
    }

    /// The same delivery, signed for now; a relayed event has nothing that ages.
    pub fn redeliver(&self, now_ms: i64, delivery: &Delivery) -> Delivery {
        let is_callout = delivery.headers.iter().any(|(name, _)| name == "webhook-id");
        let callout = self.trigger.callout.as_ref().filter(|_| is_callout);
        let signed = callout.and_then(|callout| callout.signed(now_ms, &delivery.id, delivery.body.clone()).ok());
        // The address stays: a retry goes where the first attempt went.
        signed.map_or_else(|| delivery.clone(), |signed| Delivery { url: delivery.url.clone(), ..signed })
    }

    /// One transaction's changes.
    pub fn committed(&mut self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        self.commits += 1;
        let transaction_key = self.uuid();
        for (sequence, change) in (1i64..).zip(changes) {
            if change.turned_won {
                self.call_out(change);
            }
            let Some(relay) = self.trigger.relay.clone() else {
                continue;
            };
            let header = relay::Header { transaction_key: &transaction_key, sequence, commit_number: self.commits };
            if let Some((detail_type, payload)) = relay.event(change, &header) {
                self.relay(&relay, &detail_type, payload, change.at_ms);
            }
        }
    }

    /// A gap event: changes that Salesforce will not describe. With `GAP_OVERFLOW` it names no record either.
    pub fn gap(&mut self, change_type: &str, record_ids: &[String], user_id: &str, now_ms: i64) -> Result<(), String> {
        let relay = self.trigger.relay.clone().ok_or("no relay is configured")?;
        self.commits += 1;
        let transaction_key = self.uuid();
        let header = relay::Header { transaction_key: &transaction_key, sequence: 1, commit_number: self.commits };
        let header = header.render(change_type, record_ids, user_id, now_ms, (&[], &[]));
        let payload = Json::object([("ChangeEventHeader", header)]);
        self.relay(&relay, "OpportunityChangeEvent", payload, now_ms);
        Ok(())
    }

    fn call_out(&mut self, change: &Change) {
        let Some(callout) = self.trigger.callout.clone() else {
            return;
        };
        let body = Json::object([
            ("type", "opportunity.closed_won".into()),
            ("organization_id", self.org_id.as_str().into()),
            ("record_id", change.id.as_str().into()),
        ]);
        let id = format!("msg_{}", self.uuid().replace('-', ""));
        let delivery = callout.signed(change.at_ms, &id, body.to_string().into_bytes());
        // The secret was checked when it was set.
        self.deliveries.extend(delivery.ok());
    }

    fn relay(&mut self, relay: &Relay, detail_type: &str, payload: Json, now_ms: i64) {
        let id = self.uuid();
        self.deliveries.push(relay.put_events(&id, detail_type, payload, now_ms));
    }

    fn uuid(&mut self) -> String {
        self.made += 1;
        let hex = hex::encode(Sha256::digest(format!("{}/{}", self.org_id, self.made)));
        format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30])
    }
}

impl ChangeType {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}
