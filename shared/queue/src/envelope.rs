//! What a message holds: an event and where it came from. Nothing of the sender's body goes further than this.

use domain::Event;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

/// The version of the message's layout. A worker that does not know it puts the message aside instead of guessing.
const VERSION: u32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    StripeWebhook,
    /// Stripe's own event destination in EventBridge.
    StripeEventBridge,
    SalesforceCallout,
    SalesforceEventRelay,
    Reconciler,
    /// What follows from a run that has ended.
    Worker,
}

/// Why an event was put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parked {
    pub code: String,
    pub reason: String,
    pub run: String,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    pub(crate) version: u32,
    /// The sender's own id of the event: two messages with one id are one event.
    pub id: String,
    pub source: Source,
    pub event: Event,
    pub received_at: Timestamp,
    /// Set while the event lies in the dead-letter queue. A message that carries it on the work queue was sent again by a
    /// person, so it is taken up even if it was answered before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<Parked>,
}

#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// It says where and of which kind the mistake is. serde's own sentence would quote the message.
    #[error("the message is not an envelope: {what} at line {line}, column {column}")]
    NotAnEnvelope { what: &'static str, line: usize, column: usize },
    #[error("the message has version {0}, this worker knows version {VERSION}")]
    WrongVersion(u32),
}

impl From<serde_json::Error> for EnvelopeError {
    fn from(error: serde_json::Error) -> Self {
        let what = match error.classify() {
            Category::Eof => "it breaks off",
            Category::Data => "a field is unknown, missing or malformed",
            Category::Io | Category::Syntax => "it is not JSON",
        };
        Self::NotAnEnvelope { what, line: error.line(), column: error.column() }
    }
}

impl Envelope {
    pub fn new(id: impl Into<String>, source: Source, event: Event, received_at: Timestamp) -> Self {
        Self { version: VERSION, id: id.into(), source, event, received_at, parked: None }
    }

    /// The event as it lies in the dead-letter queue.
    pub fn parked_for(&self, parked: Parked) -> Self {
        Self { parked: Some(parked), ..self.clone() }
    }

    pub fn from_json(text: &str) -> Result<Self, EnvelopeError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        // The version is looked at first: of a newer layout nothing else may be expected.
        let Versioned { version } = serde_json::from_str(text)?;
        if version != VERSION {
            return Err(EnvelopeError::WrongVersion(version));
        }
        Ok(serde_json::from_str(text)?)
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("an envelope has only strings, numbers and times")
    }
}

/// A note about an authentic input that could not be understood. The input itself is not kept, as it may be about people;
/// its digest and size find it in the sender's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// The code.
    pub quarantined: String,
    pub source: Source,
    pub sha256: String,
    pub bytes: usize,
    pub received_at: Timestamp,
}

impl Quarantine {
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a note has only strings, numbers and times")
    }
}

#[cfg(test)]
mod tests {
    use domain::OpportunityId;

    use super::*;

    fn envelope() -> Envelope {
        let opportunity_id = OpportunityId::parse("006000000000001AAA").expect("valid");
        let at = Timestamp::from_second(1_795_169_472).expect("valid");
        Envelope::new(
            "msg_1",
            Source::SalesforceCallout,
            Event::OpportunityChanged { opportunity_id, occurred_at: at },
            at,
        )
    }

    #[test]
    fn an_envelope_survives_the_queue() {
        let json = envelope().to_json();
        assert_eq!(Envelope::from_json(&json).expect("valid"), envelope());
        assert!(!json.contains("parked"));
    }

    #[test]
    fn what_is_not_understood_is_an_error_and_never_a_guess() {
        let json = envelope().to_json();
        for bad in [
            "",
            "{}",
            "null",
            "not json",
            &json[..json.len() - 1],
            &json.replace("\"version\":1", "\"version\":2"),
            &json.replace("\"source\"", "\"extra\":1,\"source\""),
            &json.replace("opportunity_changed", "opportunity_lost"),
            &json.replace("006000000000001AAA", "001000000000001AAA"),
        ] {
            assert!(Envelope::from_json(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_error_says_where_it_is_and_quotes_nothing() {
        let json = envelope().to_json();
        for (bad, expected) in [
            (json.replace("\"source\"", "\"zeisig\":1,\"source\""), "a field is unknown"),
            (json.replace("opportunity_changed", "zeisig"), "a field is unknown"),
            (json.replace("\"version\":1", "\"version\":\"zeisig\""), "malformed at line 1, column 19"),
            ("zeisig".to_owned(), "it is not JSON at line 1, column 1"),
            (json[..json.len() - 1].to_owned(), "it breaks off"),
        ] {
            let error = Envelope::from_json(&bad).expect_err("refused").to_string();
            assert!(error.contains(expected) && !error.contains("zeisig"), "{error}");
        }
    }
}
