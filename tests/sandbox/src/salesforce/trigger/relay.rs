//! The event relay: platform events and change events, put on an EventBridge bus as the partner source would.

use serde::Deserialize;

use crate::salesforce::json::Json;
use crate::salesforce::org::{Change, ChangeType};
use crate::salesforce::time;
use crate::wire::Delivery;

/// EventBridge's emulators ask for a signature of the right form and do not check it.
const AUTHORIZATION: &str =
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/events/aws4_request, SignedHeaders=host, Signature=0";

/// The event that the Flow in `infra/salesforce` publishes.
const SYNC_EVENT: &str = "Stripe_Sync__e";

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    /// Where `PutEvents` is posted to.
    pub endpoint: String,
    pub bus: String,
    /// `aws.partner/salesforce.com/<org id>/<channel id>`
    pub source: String,
    pub mode: RelayMode,
}

/// A relay carries one channel, and a channel one family of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelayMode {
    /// `Stripe_Sync__e` when an opportunity is won, and custom events that are published through the API.
    PlatformEvent,
    /// `OpportunityChangeEvent` for every change of an opportunity, our own write-backs included.
    ChangeEvent,
}

/// What all events of a transaction share, and the place of one in it.
pub struct Header<'a> {
    pub transaction_key: &'a str,
    pub sequence: i64,
    pub commit_number: i64,
}

impl Relay {
    /// The detail type and payload of a change, if the channel carries it.
    pub fn event(&self, change: &Change, header: &Header<'_>) -> Option<(String, Json)> {
        let is_published = change.object.ends_with("__e");
        match self.mode {
            RelayMode::PlatformEvent if is_published => {
                Some((change.object.clone(), platform_event(change, change.changed.clone())))
            }
            RelayMode::PlatformEvent if change.turned_won => {
                let fields = vec![("Record_Id__c".to_owned(), change.id.as_str().into())];
                Some((SYNC_EVENT.to_owned(), platform_event(change, fields)))
            }
            RelayMode::ChangeEvent if !is_published => {
                Some((format!("{}ChangeEvent", change.object), change_event(change, header)))
            }
            _ => None,
        }
    }

    pub fn put_events(&self, id: &str, detail_type: &str, payload: Json, now_ms: i64) -> Delivery {
        let entry = Json::object([
            ("Source", self.source.as_str().into()),
            ("DetailType", detail_type.into()),
            ("Detail", Json::object([("payload", payload)]).to_string().into()),
            ("EventBusName", self.bus.as_str().into()),
            ("Time", now_ms.div_euclid(1000).into()),
        ]);
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "AWSEvents.PutEvents"),
            ("authorization", AUTHORIZATION),
        ];
        Delivery {
            id: id.to_owned(),
            url: self.endpoint.clone(),
            headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: Json::object([("Entries", vec![entry].into())]).to_string().into_bytes(),
        }
    }
}

fn platform_event(change: &Change, fields: Vec<(String, Json)>) -> Json {
    let mut members = vec![
        ("CreatedDate".to_owned(), change.at_ms.into()),
        ("CreatedById".to_owned(), change.user_id.as_str().into()),
    ];
    members.extend(fields);
    Json::Object(members)
}

fn change_event(change: &Change, header: &Header<'_>) -> Json {
    let names = |nulled: bool| -> Vec<Json> {
        let listed = change.changed.iter().filter(|(_, value)| !nulled || value.is_null());
        listed.map(|(name, _)| name.as_str().into()).collect()
    };
    let is_update = change.change_type == ChangeType::Update;
    let (changed, nulled) = if is_update { (names(false), names(true)) } else { (Vec::new(), Vec::new()) };
    let ids = [change.id.clone()];
    let rendered = header.render(change.change_type.name(), &ids, &change.user_id, change.at_ms, (&changed, &nulled));
    let mut members = vec![("ChangeEventHeader".to_owned(), rendered)];
    members.extend(change.changed.iter().map(|(name, value)| {
        let is_time = name.ends_with("Date") && value.text().is_some_and(|text| text.contains('T'));
        let value = if is_time { time::event_datetime(change.at_ms).into() } else { value.clone() };
        (name.clone(), value)
    }));
    Json::Object(members)
}

impl Header<'_> {
    pub fn render(
        &self,
        change_type: &str,
        record_ids: &[String],
        user_id: &str,
        now_ms: i64,
        (changed, nulled): (&[Json], &[Json]),
    ) -> Json {
        let ids: Vec<Json> = record_ids.iter().map(|id| id.as_str().into()).collect();
        Json::object([
            ("entityName", "Opportunity".into()),
            ("recordIds", ids.into()),
            ("changeType", change_type.into()),
            ("changeOrigin", "".into()),
            ("transactionKey", self.transaction_key.into()),
            ("sequenceNumber", self.sequence.into()),
            ("commitTimestamp", now_ms.into()),
            ("commitNumber", self.commit_number.into()),
            ("commitUser", user_id.into()),
            ("changedFields", changed.to_vec().into()),
            ("nulledFields", nulled.to_vec().into()),
            ("diffFields", Vec::<Json>::new().into()),
        ])
    }
}
