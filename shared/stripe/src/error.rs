//! What went wrong, by what the caller can do about it. No variant ever holds a body, an e-mail address or a secret.

use serde::Deserialize;

use outbound::mask;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A definite no. Nothing happened, and asking again changes nothing until somebody mends something.
    #[error("Stripe refused the request: {}", .0.message)]
    Refused(Refusal),
    /// The key is wrong, or lacks a permission. It is the same for every request, so it is the operator's business.
    #[error("the Stripe key is not accepted (status {status}{})", permission.as_ref().map(|slug| format!(", it lacks {slug}")).unwrap_or_default())]
    NotAllowed { status: u16, permission: Option<String>, request_id: Option<String> },
    /// The idempotency key is known with other parameters.
    #[error("Stripe knows the idempotency key with other parameters")]
    IdempotencyMismatch { request_id: Option<String> },
    /// Nothing happened, and the same request may be sent again.
    #[error("Stripe did not take the request: {reason}")]
    NoEffect { reason: NoEffectReason, request_id: Option<String> },
    /// The request may have had its effect or not.
    #[error("the outcome at Stripe is unknown: {reason}")]
    Unknown { reason: UnknownReason, replayed: bool, request_id: Option<String> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 0 when the request was refused here, before it was sent.
    pub status: u16,
    pub error_type: Option<String>,
    pub code: Option<String>,
    pub param: Option<String>,
    pub decline_code: Option<String>,
    /// Stripe's own sentence, with addresses and keys masked.
    pub message: String,
    pub request_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEffectReason {
    #[error("rate limited ({})", limit.as_deref().unwrap_or("no reason given"))]
    RateLimited { limit: Option<String> },
    #[error("the object is locked by another request")]
    LockTimeout,
    #[error("a request with the same idempotency key is under way")]
    KeyInUse,
    #[error("the request conflicts with another one ({})", code.as_deref().unwrap_or("no code given"))]
    Conflict { code: Option<String> },
    #[error("no connection")]
    ConnectFailed,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownReason {
    #[error("no answer in time")]
    Timeout,
    #[error("the connection was lost")]
    ConnectionLost,
    #[error("status {status}")]
    ServerError { status: u16 },
    #[error("the answer cannot be read")]
    UnreadableAnswer,
}

impl Error {
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.request_id.as_deref(),
            Self::NotAllowed { request_id, .. }
            | Self::IdempotencyMismatch { request_id }
            | Self::NoEffect { request_id, .. }
            | Self::Unknown { request_id, .. } => request_id.as_deref(),
        }
    }

    /// Stripe had answered this key before, and repeats an answer that says nothing: it will never say anything else.
    pub fn replayed(&self) -> bool {
        matches!(self, Self::Unknown { replayed: true, .. })
    }

    /// It is not sent: the HTTP client's own error would look as if it might have been.
    pub(crate) fn of_bad_key() -> Self {
        Self::Refused(Refusal {
            status: 0,
            error_type: None,
            code: None,
            param: None,
            decline_code: None,
            message: "an idempotency key has 1 to 255 visible ASCII characters; nothing was sent".into(),
            request_id: None,
        })
    }

    /// The request never left, or nobody knows what became of it.
    pub(crate) fn of_transport(error: &reqwest::Error) -> Self {
        if error.is_connect() {
            return Self::NoEffect { reason: NoEffectReason::ConnectFailed, request_id: None };
        }
        let reason = if error.is_timeout() { UnknownReason::Timeout } else { UnknownReason::ConnectionLost };
        Self::Unknown { reason, replayed: false, request_id: None }
    }
}

/// What a response's headers say beside its body.
#[derive(Debug, Default)]
pub(crate) struct Headers {
    pub(crate) request_id: Option<String>,
    pub(crate) replayed: bool,
    pub(crate) rate_limited_reason: Option<String>,
    pub(crate) should_retry: Option<bool>,
}

#[derive(Deserialize)]
struct Body {
    error: Wire,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "type")]
    error_type: Option<String>,
    code: Option<String>,
    message: Option<String>,
    param: Option<String>,
    decline_code: Option<String>,
}

/// Any answer but 2xx.
pub(crate) fn classify(status: u16, headers: Headers, body: &[u8]) -> Error {
    let Headers { request_id, replayed, rate_limited_reason, should_retry } = headers;
    let unknown = |reason, request_id| Error::Unknown { reason, replayed, request_id };
    // 3xx is never followed, 408 and 425 say that the server gave up, 5xx says nothing.
    if !(400..500).contains(&status) || matches!(status, 408 | 425) {
        return unknown(UnknownReason::ServerError { status }, request_id);
    }
    let Ok(Body { error: wire }) = serde_json::from_slice::<Body>(body) else {
        // A 4xx that is not Stripe's grammar came from something in between; 429 has no effect whoever says it.
        return match status {
            429 => Error::NoEffect { reason: NoEffectReason::RateLimited { limit: rate_limited_reason }, request_id },
            401 | 403 => Error::NotAllowed { status, permission: None, request_id },
            _ => unknown(UnknownReason::UnreadableAnswer, request_id),
        };
    };
    let code = wire.code.as_deref();
    let is_idempotency_error = wire.error_type.as_deref() == Some("idempotency_error");
    // `email`, or `billing_details[email]`.
    let names_email = |param: &str| param.trim_end_matches(']').ends_with("email");
    let is_about_address = code == Some("email_invalid") || wire.param.as_deref().is_some_and(names_email);
    let message = wire.message.unwrap_or_default();
    match status {
        // Stripe has called this error by either type, and may do without the code.
        _ if code == Some("idempotency_key_in_use") || (status == 409 && is_idempotency_error) => {
            Error::NoEffect { reason: NoEffectReason::KeyInUse, request_id }
        }
        _ if code == Some("lock_timeout") => Error::NoEffect { reason: NoEffectReason::LockTimeout, request_id },
        429 => Error::NoEffect { reason: NoEffectReason::RateLimited { limit: rate_limited_reason }, request_id },
        401 | 403 => Error::NotAllowed { status, permission: permission(&message), request_id },
        // The official clients send every 409 again, unless Stripe says that it would not help.
        409 if should_retry != Some(false) => {
            Error::NoEffect { reason: NoEffectReason::Conflict { code: wire.code }, request_id }
        }
        400 if is_idempotency_error => Error::IdempotencyMismatch { request_id },
        // Stripe itself says that the same request may succeed.
        _ if should_retry == Some(true) => unknown(UnknownReason::ServerError { status }, request_id),
        _ => Error::Refused(Refusal {
            status,
            error_type: wire.error_type,
            code: wire.code,
            param: wire.param,
            decline_code: wire.decline_code,
            message: if is_about_address { mask_address(&message) } else { mask(&message) },
            request_id,
        }),
    }
}

/// `rak_customer_write`, as Stripe's sentence names it.
fn permission(message: &str) -> Option<String> {
    message
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .find(|word| word.starts_with("rak_"))
        .map(str::to_owned)
}

/// What Stripe says about an address quotes it after a colon, and what a person typed there need not look like one.
fn mask_address(message: &str) -> String {
    mask(message.split(':').next().unwrap_or_default())
}

#[cfg(test)]
mod tests;
