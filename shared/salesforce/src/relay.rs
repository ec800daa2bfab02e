//! What an Event Relay brings: custom platform events and change events, under `detail.payload`, or directly under `detail`
//! as AppFlow sends them.
//! Source: developer.salesforce.com, Event Relay and Change Data Capture guides.

use domain::{Event, IdError, OpportunityId, UserId};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relayed {
    pub events: Vec<Event>,
    /// The change was made by the integration user, so it is our own write coming back.
    pub own_write: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the detail cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("an id is malformed: {0}")]
    Id(#[from] IdError),
}

#[derive(Deserialize)]
struct Enveloped<'a> {
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct PlatformEvent {
    #[serde(rename = "CreatedDate")]
    created_date: Option<i64>,
    #[serde(rename = "Record_Id__c")]
    record_id: String,
}

#[derive(Deserialize)]
struct ChangeEvent {
    #[serde(rename = "ChangeEventHeader")]
    header: ChangeEventHeader,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangeEventHeader {
    change_type: String,
    #[serde(default)]
    record_ids: Vec<String>,
    commit_timestamp: Option<i64>,
    commit_user: Option<String>,
}

/// `time` is EventBridge's, for events that carry none of their own.
pub fn decode(
    detail_type: &str,
    detail: &RawValue,
    time: Timestamp,
    integration_user_id: Option<&UserId>,
) -> Result<Relayed, DecodeError> {
    let enveloped: Enveloped<'_> = serde_json::from_str(detail.get())?;
    let payload = enveloped.payload.unwrap_or(detail).get();
    let at = |milliseconds: Option<i64>| {
        milliseconds
            .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
            .unwrap_or(time)
    };
    match detail_type {
        "Stripe_Sync__e" => {
            let event: PlatformEvent = serde_json::from_str(payload)?;
            let opportunity_id = OpportunityId::parse(&event.record_id)?;
            let occurred_at = at(event.created_date);
            // Whoever publishes it wants the record looked at, so it is never taken for an echo.
            Ok(Relayed {
                events: vec![Event::OpportunityChanged {
                    opportunity_id,
                    occurred_at,
                }],
                own_write: false,
            })
        }
        "OpportunityChangeEvent" => {
            let ChangeEvent { header } = serde_json::from_str(payload)?;
            let occurred_at = at(header.commit_timestamp);
            let commit_user = header.commit_user.as_deref().and_then(|id| UserId::parse(id).ok());
            let own_write = commit_user.is_some() && commit_user.as_ref() == integration_user_id;
            let events = match header.change_type.as_str() {
                // More than a hundred thousand changes in one transaction: nobody says which.
                "GAP_OVERFLOW" => vec![Event::OpportunitiesLost { occurred_at }],
                "DELETE" | "GAP_DELETE" => Vec::new(),
                // Gap events name the records and not what changed. We read them anyway.
                _ => header
                    .record_ids
                    .iter()
                    .map(|id| {
                        let opportunity_id = OpportunityId::parse(id)?;
                        Ok(Event::OpportunityChanged {
                            opportunity_id,
                            occurred_at,
                        })
                    })
                    .collect::<Result<_, IdError>>()?,
            };
            Ok(Relayed { events, own_write })
        }
        _ => Ok(Relayed {
            events: Vec::new(),
            own_write: false,
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn relayed(detail_type: &str, detail: &Value) -> Result<Relayed, DecodeError> {
        let detail = RawValue::from_string(detail.to_string()).expect("JSON");
        let user = UserId::parse("005000000000001AAA").expect("valid");
        decode(detail_type, &detail, Timestamp::UNIX_EPOCH, Some(&user))
    }

    fn change(change_type: &str, ids: &[&str], user: &str) -> Value {
        json!({ "payload": { "ChangeEventHeader": {
            "entityName": "Opportunity", "recordIds": ids, "changeType": change_type, "changeOrigin": "",
            "transactionKey": "1", "sequenceNumber": 1, "commitTimestamp": 1_795_169_472_000_i64, "commitNumber": 1,
            "commitUser": user, "changedFields": ["StageName"], "nulledFields": [], "diffFields": [],
        }, "StageName": "Closed Won" } })
    }

    #[test]
    fn a_platform_event_names_its_record() {
        let payload = json!({ "CreatedDate": 1_795_169_472_000_i64, "Record_Id__c": "006000000000001AAA" });
        for detail in [json!({ "payload": payload.clone() }), payload] {
            let relayed = relayed("Stripe_Sync__e", &detail).expect("read");
            assert_eq!(relayed.events.len(), 1);
            assert_eq!(relayed.events[0].occurred_at().as_second(), 1_795_169_472);
        }
        assert!(
            relayed(
                "Stripe_Sync__e",
                &json!({ "payload": { "Record_Id__c": "001000000000001AAA" } })
            )
            .is_err()
        );
    }

    #[test]
    fn a_change_event_may_name_several_records_or_none() {
        let two = ["006000000000001AAA", "006000000000002AAA"];
        let other = "005000000000002AAA";
        for (change_type, expected) in [
            ("UPDATE", 2),
            ("CREATE", 2),
            ("UNDELETE", 2),
            ("GAP_UPDATE", 2),
            ("GAP_CREATE", 2),
            ("DELETE", 0),
            ("GAP_DELETE", 0),
        ] {
            let relayed = relayed("OpportunityChangeEvent", &change(change_type, &two, other)).expect("read");
            assert_eq!(
                (relayed.events.len(), relayed.own_write),
                (expected, false),
                "{change_type}"
            );
        }
        let lost = relayed("OpportunityChangeEvent", &change("GAP_OVERFLOW", &[], other)).expect("read");
        assert!(matches!(lost.events[..], [Event::OpportunitiesLost { .. }]));
    }

    #[test]
    fn our_own_writes_are_recognised() {
        let own = change("UPDATE", &["006000000000001AAA"], "005000000000001AAA");
        assert!(relayed("OpportunityChangeEvent", &own).expect("read").own_write);
    }

    #[test]
    fn other_events_ask_for_nothing() {
        assert_eq!(relayed("Something__e", &json!({})).expect("read").events, []);
    }
}
