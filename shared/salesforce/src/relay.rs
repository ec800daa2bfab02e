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
    /// The integration user changed nothing but fields that are ours to write: our own write coming back. What a flow changes in the
    /// same transaction is somebody else's doing, whoever's name it carries.
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
struct PlatformEvent<'a> {
    #[serde(rename = "CreatedDate", borrow)]
    created_date: Option<&'a RawValue>,
    #[serde(rename = "Record_Id__c")]
    record_id: String,
}

#[derive(Deserialize)]
struct ChangeEvent<'a> {
    #[serde(rename = "ChangeEventHeader", borrow)]
    header: ChangeEventHeader<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangeEventHeader<'a> {
    change_type: String,
    #[serde(default)]
    record_ids: Vec<String>,
    #[serde(borrow)]
    commit_timestamp: Option<&'a RawValue>,
    commit_user: Option<String>,
    #[serde(default)]
    changed_fields: Vec<String>,
}

/// `time` is EventBridge's, for events that carry none of their own. `is_ours` is whether fields are all ours to write.
pub fn decode(
    detail_type: &str,
    detail: &RawValue,
    time: Timestamp,
    integration_user_id: Option<&UserId>,
    is_ours: impl Fn(&[String]) -> bool,
) -> Result<Relayed, DecodeError> {
    match detail_type {
        "Stripe_Sync__e" => {
            let event: PlatformEvent<'_> = serde_json::from_str(payload(detail)?)?;
            let opportunity_id = OpportunityId::parse(&event.record_id)?;
            let occurred_at = at(event.created_date).unwrap_or(time);
            // Whoever publishes it wants the record looked at, so it is never taken for an echo.
            Ok(Relayed { events: vec![Event::OpportunityChanged { opportunity_id, occurred_at }], own_write: false })
        }
        "OpportunityChangeEvent" => {
            let ChangeEvent { header } = serde_json::from_str(payload(detail)?)?;
            let occurred_at = at(header.commit_timestamp).unwrap_or(time);
            let commit_user = header.commit_user.as_deref().and_then(|id| UserId::parse(id).ok());
            let own_write = header.change_type == "UPDATE"
                && commit_user.is_some()
                && commit_user.as_ref() == integration_user_id
                && is_ours(&header.changed_fields);
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
                        Ok(Event::OpportunityChanged { opportunity_id, occurred_at })
                    })
                    .collect::<Result<_, IdError>>()?,
            };
            Ok(Relayed { events, own_write })
        }
        _ => Ok(Relayed { events: Vec::new(), own_write: false }),
    }
}

fn payload(detail: &RawValue) -> Result<&str, serde_json::Error> {
    let enveloped: Enveloped<'_> = serde_json::from_str(detail.get())?;
    Ok(enveloped.payload.unwrap_or(detail).get())
}

/// Milliseconds, as documented, or the text that REST writes. Anything else says nothing, and the envelope's time is near
/// enough: times order nothing here.
fn at(raw: Option<&RawValue>) -> Option<Timestamp> {
    let raw = raw?.get();
    match serde_json::from_str::<i64>(raw) {
        Ok(milliseconds) => Timestamp::from_millisecond(milliseconds).ok(),
        Err(_) => serde_json::from_str::<String>(raw).ok()?.trim().parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn are_ours(fields: &[String]) -> bool {
        const OURS: [&str; 3] = ["Stripe_Invoice_Id__c", "Paid_Date__c", "LastModifiedDate"];
        !fields.is_empty() && fields.iter().all(|field| OURS.contains(&field.as_str()))
    }

    fn relayed(detail_type: &str, detail: &Value) -> Result<Relayed, DecodeError> {
        let detail = RawValue::from_string(detail.to_string()).expect("JSON");
        let user = UserId::parse("005000000000001AAA").expect("valid");
        decode(detail_type, &detail, Timestamp::UNIX_EPOCH, Some(&user), are_ours)
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
        assert!(relayed("Stripe_Sync__e", &json!({ "payload": { "Record_Id__c": "001000000000001AAA" } })).is_err());
    }

    #[test]
    fn a_time_is_milliseconds_or_a_text_or_the_envelopes() {
        for (time, expected) in [
            (json!(1_795_169_472_000_i64), 1_795_169_472),
            (json!("2026-11-20T10:11:12.000Z"), 1_795_169_472),
            (json!("2026-11-20T10:11:12.000+0000"), 1_795_169_472),
            (json!("1795169472000"), 0),
            (json!("yesterday"), 0),
            (json!(i64::MAX), 0),
            (json!({ "at": 1 }), 0),
            (json!([]), 0),
            (json!(true), 0),
            (json!(null), 0),
        ] {
            let published = json!({ "payload": { "CreatedDate": time, "Record_Id__c": "006000000000001AAA" } });
            let mut changed = change("UPDATE", &["006000000000001AAA"], "005000000000002AAA");
            changed["payload"]["ChangeEventHeader"]["commitTimestamp"] = time.clone();
            for (detail_type, detail) in [("Stripe_Sync__e", published), ("OpportunityChangeEvent", changed)] {
                let relayed = relayed(detail_type, &detail).expect("read");
                assert_eq!(relayed.events[0].occurred_at().as_second(), expected, "{detail_type} {time}");
            }
        }
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
            assert_eq!((relayed.events.len(), relayed.own_write), (expected, false), "{change_type}");
        }
        let lost = relayed("OpportunityChangeEvent", &change("GAP_OVERFLOW", &[], other)).expect("read");
        assert!(matches!(lost.events[..], [Event::OpportunitiesLost { .. }]));
    }

    #[test]
    fn our_own_writes_are_recognised_by_what_they_change() {
        for (change_type, changed, expected) in [
            ("UPDATE", json!(["Stripe_Invoice_Id__c", "Paid_Date__c", "LastModifiedDate"]), true),
            // A flow in our transaction.
            ("UPDATE", json!(["Stripe_Invoice_Id__c", "StageName"]), false),
            // A flow that runs as the integration user.
            ("UPDATE", json!(["Stripe_Cancel_On__c", "LastModifiedDate"]), false),
            ("UPDATE", json!(["Stripe_Approved_Amount__c"]), false),
            ("UPDATE", json!([]), false),
            ("GAP_UPDATE", json!(["Stripe_Invoice_Id__c"]), false),
        ] {
            let mut own = change(change_type, &["006000000000001AAA"], "005000000000001AAA");
            own["payload"]["ChangeEventHeader"]["changedFields"] = changed;
            assert_eq!(relayed("OpportunityChangeEvent", &own).expect("read").own_write, expected, "{own}");
        }
    }

    #[test]
    fn other_events_ask_for_nothing() {
        for detail in [json!({}), json!(null), json!([1]), json!("x"), json!({ "payload": 1 })] {
            assert_eq!(relayed("Something__e", &detail).expect("read").events, [], "{detail}");
        }
    }
}
