//! A callout's body: `{"type":"opportunity.closed_won","organization_id":"00D…","record_id":"006…"}`.

use domain::{Event, IdError, OpportunityId, OrganizationId};
use jiff::Timestamp;
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callout {
    pub organization_id: OrganizationId,
    /// `None` for a type that asks for nothing here.
    pub event: Option<Event>,
}

#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the body is not a callout: {0}")]
    NotACallout(#[from] serde_json::Error),
    #[error("an id is malformed: {0}")]
    Id(#[from] IdError),
}

/// Other fields are ignored: what they say about the record is read from the API.
#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "type")]
    event_type: String,
    organization_id: String,
}

/// Of the types that are about a record.
#[derive(Deserialize)]
struct About {
    record_id: String,
}

pub fn decode(body: &[u8], sent_at: Timestamp) -> Result<Callout, DecodeError> {
    let wire: Wire = serde_json::from_slice(body)?;
    let organization_id = OrganizationId::parse(&wire.organization_id)?;
    let event = match wire.event_type.as_str() {
        "opportunity.closed_won" => {
            let About { record_id } = serde_json::from_slice(body)?;
            let opportunity_id = OpportunityId::parse(&record_id)?;
            Some(Event::OpportunityChanged { opportunity_id, occurred_at: sent_at })
        }
        _ => None,
    };
    Ok(Callout { organization_id, event })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"type":"opportunity.closed_won","organization_id":"00D000000000001",
        "record_id":"006000000000001","Amount":1}"#;

    #[test]
    fn ids_of_both_lengths_and_unknown_fields_are_taken() {
        let callout = decode(BODY.as_bytes(), Timestamp::UNIX_EPOCH).expect("a callout");
        assert_eq!(callout.organization_id.as_str(), "00D000000000001EAA");
        assert!(matches!(callout.event, Some(Event::OpportunityChanged { .. })));
    }

    #[test]
    fn an_unknown_type_asks_for_nothing_and_a_bad_id_is_an_error() {
        let other = BODY.replace("closed_won", "closed_lost");
        assert_eq!(decode(other.as_bytes(), Timestamp::UNIX_EPOCH).expect("a callout").event, None);
        for about in ["", r#","record_id":null"#, r#","record_id":["006"]"#] {
            let other = format!(r#"{{"type":"type.of_tomorrow","organization_id":"00D000000000001"{about}}}"#);
            let callout = decode(other.as_bytes(), Timestamp::UNIX_EPOCH).expect("a callout");
            assert_eq!(callout.event, None, "{other}");
        }
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"type":"opportunity.closed_won","organization_id":"00D000000000001"}"#,
            r#"{"type":"opportunity.closed_won","organization_id":"00D000000000001","record_id":6}"#,
            r#"{"type":"type.of_tomorrow"}"#,
            &BODY.replace("006", "001"),
            &BODY.replace("00D", "00E"),
            &BODY[..20],
        ] {
            assert!(decode(bad.as_bytes(), Timestamp::UNIX_EPOCH).is_err(), "{bad}");
        }
    }
}
