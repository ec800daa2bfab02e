//! The answers by which Stripe says no.

use domain::Currency;
use stripe::{Error, Refusal, UnknownReason};

/// An error, and whether it is kept under the request's key: only what an executing endpoint answers is.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) is_kept: bool,
}

impl Failure {
    fn new(status: u16, code: Option<&str>, param: Option<&str>, message: String) -> Self {
        let error = Error::Refused(Refusal {
            status,
            error_type: Some("invalid_request_error".into()),
            code: code.map(str::to_owned),
            param: param.map(str::to_owned),
            decline_code: None,
            message,
            request_id: None,
        });
        Self { error, is_kept: true }
    }

    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::new(400, None, None, message.into())
    }

    pub(super) fn coded(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, Some(code), None, message.into())
    }

    /// The object that the path names does not exist.
    pub(super) fn not_found(noun: &str, id: &str) -> Self {
        Self::new(404, Some("resource_missing"), Some("id"), format!("No such {noun}: '{id}'"))
    }

    /// The object that a parameter names does not exist.
    pub(super) fn no_such(noun: &str, id: &str, param: &str) -> Self {
        Self::new(400, Some("resource_missing"), Some(param), format!("No such {noun}: '{id}'"))
    }

    pub(super) fn about(param: &str, message: impl Into<String>) -> Self {
        Self::new(400, None, Some(param), message.into())
    }

    /// The form of the request is wrong, so nothing was executed and nothing is kept.
    pub(super) fn malformed(code: &str, param: &str) -> Self {
        let failure = Self::new(400, Some(code), Some(param), format!("Received a bad or unknown parameter: {param}"));
        Self { is_kept: false, ..failure }
    }

    /// Whether that is asked before anything is executed is not documented. If it is, an attempt that comes later is another one.
    pub(super) fn currencies_combined(currency: Currency) -> Self {
        let failure = Self::refused(format!(
            "You cannot combine currencies on a single customer. This customer has an active subscription with currency {currency}."
        ));
        Self { is_kept: false, ..failure }
    }

    pub(super) fn internal() -> Self {
        let reason = UnknownReason::ServerError { status: 500 };
        Self { error: Error::Unknown { reason, replayed: false, request_id: None }, is_kept: true }
    }
}

/// The same error, told again under the same key.
pub(super) fn replayed(error: &Error) -> Error {
    match error {
        Error::Unknown { reason, request_id, .. } => {
            Error::Unknown { reason: reason.clone(), replayed: true, request_id: request_id.clone() }
        }
        other => other.clone(),
    }
}
