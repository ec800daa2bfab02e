//! What went wrong, by what the caller can do about it. No variant holds a record, an e-mail address or a secret.

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A definite no, until a record, a permission set or a rule is changed.
    #[error("Salesforce refused the request: {} ({})", .0.message, .0.error_code)]
    Refused(Refusal),
    /// The login or the session is not accepted. It is the same for every request, so it is the operator's business.
    #[error("Salesforce does not let us in: {message} ({error_code})")]
    NotAllowed { error_code: String, message: String },
    /// The rolling day's API calls are used up.
    #[error("the organization's daily API limit is reached ({error_code})")]
    LimitReached { error_code: String },
    /// Nothing happened, and the same request may be sent again.
    #[error("Salesforce is busy ({error_code})")]
    Busy { error_code: String },
    /// The request may have had its effect or not. Writes here set fields to values, so sending it again is safe.
    #[error("the outcome at Salesforce is unknown: {reason}")]
    Unknown { reason: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    /// Salesforce's `errorCode`: `INVALID_FIELD`.
    pub error_code: String,
    pub message: String,
    pub fields: Vec<String>,
}

impl Error {
    pub(crate) fn of_transport(error: &reqwest::Error) -> Self {
        if error.is_connect() {
            return Self::Busy {
                error_code: "CONNECT_FAILED".into(),
            };
        }
        let reason = if error.is_timeout() {
            "no answer in time"
        } else {
            "the connection was lost"
        };
        Self::Unknown { reason: reason.into() }
    }

    pub(crate) fn unreadable() -> Self {
        Self::Unknown {
            reason: "the answer cannot be read".into(),
        }
    }
}

/// One entry of an error body. Collections call the code `statusCode`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Entry {
    #[serde(alias = "statusCode")]
    #[serde(rename = "errorCode")]
    pub(crate) error_code: String,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) fields: Vec<String>,
}

/// Not a cause: another part of the same request failed.
pub(crate) const HALTED: [&str; 2] = ["PROCESSING_HALTED", "ALL_OR_NONE_OPERATION_ROLLED_BACK"];

const BUSY: [&str; 9] = [
    "UNABLE_TO_LOCK_ROW",
    "SERVER_UNAVAILABLE",
    "REQUEST_TIMEOUT_OR_CONFLICT",
    "CIRCUIT_BREAKER_OPEN_EXCEPTION",
    "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE",
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
    "QUERY_TIMEOUT",
    "LOGIN_RATE_EXCEEDED",
    "API_CURRENTLY_DISABLED",
];

const NOT_ALLOWED: [&str; 3] = ["INVALID_SESSION_ID", "API_DISABLED_FOR_ORG", "INVALID_LOGIN"];

/// A trigger or flow of the organization failed, and the message says on what.
const WRAPPERS: [&str; 3] = [
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "CANNOT_EXECUTE_FLOW_TRIGGER",
    "APEX_FAILED",
];

/// The entries of an error body: a list, or now and then a single object.
pub(crate) fn entries(body: &[u8]) -> Option<Vec<Entry>> {
    let list = serde_json::from_slice::<Vec<Entry>>(body);
    list.ok()
        .or_else(|| serde_json::from_slice::<Entry>(body).ok().map(|entry| vec![entry]))
        .filter(|list| !list.is_empty())
}

/// Any answer but 2xx.
pub(crate) fn classify(status: u16, body: &[u8]) -> Error {
    match entries(body).and_then(|entries| {
        entries
            .into_iter()
            .find(|entry| !HALTED.contains(&entry.error_code.as_str()))
    }) {
        Some(entry) => of_entry(status, entry),
        None if status == 503 => Error::Busy {
            error_code: "SERVER_UNAVAILABLE".into(),
        },
        None if matches!(status, 401 | 403) => Error::NotAllowed {
            error_code: format!("HTTP_{status}"),
            message: "no reason is given".into(),
        },
        None => Error::Unknown {
            reason: format!("status {status}"),
        },
    }
}

pub(crate) fn of_entry(status: u16, entry: Entry) -> Error {
    let Entry {
        error_code,
        message,
        fields,
    } = entry;
    let code = error_code.as_str();
    if code == "REQUEST_LIMIT_EXCEEDED" {
        return Error::LimitReached { error_code };
    }
    if BUSY.contains(&code) || (WRAPPERS.contains(&code) && message.contains("UNABLE_TO_LOCK_ROW")) {
        return Error::Busy { error_code };
    }
    if NOT_ALLOWED.contains(&code) {
        return Error::NotAllowed {
            error_code,
            message: mask(&message),
        };
    }
    if code == "UNKNOWN_EXCEPTION" || status >= 500 {
        return Error::Unknown {
            reason: format!("status {status}, {error_code}"),
        };
    }
    Error::Refused(Refusal {
        status,
        error_code,
        message: mask(&message),
        fields,
    })
}

/// Salesforce's sentences may quote values. Addresses are taken out, and the rest is cut short.
pub(crate) fn mask(message: &str) -> String {
    let words = message
        .split(' ')
        .map(|word| if word.contains('@') { "…" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_classified_by_what_can_be_done() {
        let error = |code: &str, message: &str| format!(r#"[{{"message":"{message}","errorCode":"{code}"}}]"#);
        for (status, body, expected) in [
            (400, error("INVALID_FIELD", "No such column"), "Refused"),
            (400, error("FIELD_CUSTOM_VALIDATION_EXCEPTION", "x"), "Refused"),
            (400, error("DUPLICATE_VALUE", "x"), "Refused"),
            (404, error("NOT_FOUND", "x"), "Refused"),
            (400, error("UNABLE_TO_LOCK_ROW", "x"), "Busy"),
            (
                400,
                error("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: UNABLE_TO_LOCK_ROW, x"),
                "Busy",
            ),
            (
                400,
                error("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: division by zero"),
                "Refused",
            ),
            (403, error("REQUEST_LIMIT_EXCEEDED", "x"), "LimitReached"),
            (403, error("API_DISABLED_FOR_ORG", "x"), "NotAllowed"),
            (401, error("INVALID_SESSION_ID", "x"), "NotAllowed"),
            (503, error("SERVER_UNAVAILABLE", "x"), "Busy"),
            (503, "<html>maintenance</html>".to_owned(), "Busy"),
            (500, error("UNKNOWN_EXCEPTION", "x"), "Unknown"),
            (502, "<html>".to_owned(), "Unknown"),
            (302, String::new(), "Unknown"),
            (
                400,
                r#"{"message":"x","errorCode":"INVALID_TYPE"}"#.to_owned(),
                "Refused",
            ),
        ] {
            let found = format!("{:?}", classify(status, body.as_bytes()));
            assert!(found.starts_with(expected), "{status} {body}: {found}");
        }
    }
}
