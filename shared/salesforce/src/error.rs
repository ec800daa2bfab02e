//! What went wrong, by what the caller can do about it. No variant holds a record, an e-mail address or a secret.

use outbound::mask;
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
    /// 0 when the request was refused here, before it was sent.
    pub status: u16,
    /// Salesforce's `errorCode`: `INVALID_FIELD`.
    pub error_code: String,
    pub message: String,
    pub fields: Vec<String>,
}

impl Refusal {
    pub(crate) fn of_too_many_parts() -> Self {
        Self {
            status: 0,
            error_code: "TOO_MANY_PARTS".into(),
            message: "a composite request takes 25 parts, five of them queries; nothing was sent".into(),
            fields: Vec::new(),
        }
    }
}

impl Error {
    /// Whether a new session may do what this one was refused. Two messages say that no session of this app ever will, so
    /// a new one would be refused in the same way for ever.
    pub(crate) fn is_ended_session(&self) -> bool {
        match self {
            Self::NotAllowed { error_code, message } => {
                ENDED_SESSION.contains(&error_code.as_str()) && !NO_SESSION_EVER.iter().any(|no| message.contains(no))
            }
            _ => false,
        }
    }

    pub(crate) fn of_transport(error: &reqwest::Error) -> Self {
        if error.is_connect() {
            return Self::Busy { error_code: "CONNECT_FAILED".into() };
        }
        let reason = if error.is_timeout() { "no answer in time" } else { "the connection was lost" };
        Self::Unknown { reason: reason.into() }
    }

    pub(crate) fn unreadable() -> Self {
        Self::Unknown { reason: "the answer cannot be read".into() }
    }
}

/// One entry of an error body. Collections call the code `statusCode`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Entry {
    #[serde(alias = "statusCode")]
    #[serde(rename = "errorCode")]
    pub(crate) error_code: String,
    pub(crate) message: Option<String>,
    pub(crate) fields: Option<Vec<String>>,
}

/// Not a cause: another part of the same request failed.
pub(crate) const HALTED: [&str; 2] = ["PROCESSING_HALTED", "ALL_OR_NONE_OPERATION_ROLLED_BACK"];

/// The second is what a 401 without a body is called here.
const ENDED_SESSION: [&str; 2] = ["INVALID_SESSION_ID", "HTTP_401"];

const NO_SESSION_EVER: [&str; 2] =
    ["Connected app is not attached to Agent", "This session is not valid for use with the REST API"];

const BUSY: [&str; 8] = [
    "UNABLE_TO_LOCK_ROW",
    "SERVER_UNAVAILABLE",
    "REQUEST_TIMEOUT_OR_CONFLICT",
    "CIRCUIT_BREAKER_OPEN_EXCEPTION",
    "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE",
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
    "QUERY_TIMEOUT",
    "LOGIN_RATE_EXCEEDED",
];

/// Whatever their status: a composite part may carry another one than the same error does by itself.
const NOT_ALLOWED: [&str; 4] =
    ["INVALID_SESSION_ID", "API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED", "INVALID_LOGIN"];

/// A trigger or flow of the organization failed, and the message says on what.
const WRAPPERS: [&str; 3] = ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "APEX"];

/// The entries of an error body: a list, or now and then a single object.
pub(crate) fn entries(body: &[u8]) -> Option<Vec<Entry>> {
    let list = serde_json::from_slice::<Vec<Entry>>(body);
    list.ok()
        .or_else(|| serde_json::from_slice::<Entry>(body).ok().map(|entry| vec![entry]))
        .filter(|list| !list.is_empty())
}

/// Any answer but 2xx.
pub(crate) fn classify(status: u16, body: &[u8]) -> Error {
    match entries(body)
        .and_then(|entries| entries.into_iter().find(|entry| !HALTED.contains(&entry.error_code.as_str())))
    {
        Some(entry) => of_entry(status, entry),
        None if matches!(status, 420 | 429 | 503) => Error::Busy { error_code: format!("HTTP_{status}") },
        None if matches!(status, 401 | 403) => {
            Error::NotAllowed { error_code: format!("HTTP_{status}"), message: "no reason is given".into() }
        }
        None => Error::Unknown { reason: format!("status {status}") },
    }
}

pub(crate) fn of_entry(status: u16, entry: Entry) -> Error {
    let Entry { error_code, message, fields } = entry;
    let message = message.unwrap_or_default();
    let code = error_code.as_str();
    if code == "REQUEST_LIMIT_EXCEEDED" {
        // The same code says that too many slow requests run at once, which is over in a moment.
        return match message.to_ascii_lowercase().contains("concurrent") {
            true => Error::Busy { error_code },
            false => Error::LimitReached { error_code },
        };
    }
    let wraps_lock =
        || WRAPPERS.iter().any(|wrapper| code.starts_with(wrapper)) && message.contains("UNABLE_TO_LOCK_ROW");
    if BUSY.contains(&code) || wraps_lock() {
        return Error::Busy { error_code };
    }
    // What a 403 names is a permission, a policy or a switch, and all of them are the operator's.
    if matches!(status, 401 | 403) || NOT_ALLOWED.contains(&code) {
        return Error::NotAllowed { error_code, message: mask(&message) };
    }
    if code == "UNKNOWN_EXCEPTION" {
        return Error::Unknown { reason: format!("status {status}, {error_code}") };
    }
    // These statuses say that nothing was begun, whatever the code.
    if matches!(status, 409 | 420 | 429 | 503) {
        return Error::Busy { error_code };
    }
    if !(400..500).contains(&status) {
        return Error::Unknown { reason: format!("status {status}, {error_code}") };
    }
    Error::Refused(Refusal { status, error_code, message: mask(&message), fields: fields.unwrap_or_default() })
}

#[cfg(test)]
mod tests;
