//! What went wrong, by what the caller can do about it. No variant ever holds a body, an e-mail address or a secret.

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A definite no. Nothing happened, and asking again changes nothing until somebody mends something.
    #[error("Stripe refused the request: {}", .0.message)]
    Refused(Refusal),
    /// The key is wrong, or lacks a permission. It is the same for every request, so it is the operator's business.
    #[error("the Stripe key is not accepted (status {status}{})", permission.as_ref().map(|slug| format!(", it lacks {slug}")).unwrap_or_default())]
    NotAllowed {
        status: u16,
        permission: Option<String>,
        request_id: Option<String>,
    },
    /// The idempotency key is known with other parameters.
    #[error("Stripe knows the idempotency key with other parameters")]
    IdempotencyMismatch { request_id: Option<String> },
    /// Nothing happened, and the same request may be sent again.
    #[error("Stripe did not take the request: {reason}")]
    NoEffect {
        reason: NoEffectReason,
        request_id: Option<String>,
    },
    /// The request may have had its effect or not.
    #[error("the outcome at Stripe is unknown: {reason}")]
    Unknown {
        reason: UnknownReason,
        replayed: bool,
        request_id: Option<String>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
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

    /// The request never left, or nobody knows what became of it.
    pub(crate) fn of_transport(error: &reqwest::Error) -> Self {
        if error.is_connect() {
            return Self::NoEffect {
                reason: NoEffectReason::ConnectFailed,
                request_id: None,
            };
        }
        let reason = if error.is_timeout() {
            UnknownReason::Timeout
        } else {
            UnknownReason::ConnectionLost
        };
        Self::Unknown {
            reason,
            replayed: false,
            request_id: None,
        }
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
    let Headers {
        request_id,
        replayed,
        rate_limited_reason,
        should_retry,
    } = headers;
    let unknown = |reason, request_id| Error::Unknown {
        reason,
        replayed,
        request_id,
    };
    // 3xx is never followed, 408 and 425 say that the server gave up, 5xx says nothing.
    if !(400..500).contains(&status) || matches!(status, 408 | 425) {
        return unknown(UnknownReason::ServerError { status }, request_id);
    }
    let Ok(Body { error: wire }) = serde_json::from_slice::<Body>(body) else {
        // A 4xx that is not Stripe's grammar came from something in between; 429 has no effect whoever says it.
        return match status {
            429 => Error::NoEffect {
                reason: NoEffectReason::RateLimited {
                    limit: rate_limited_reason,
                },
                request_id,
            },
            401 | 403 => Error::NotAllowed {
                status,
                permission: None,
                request_id,
            },
            _ => unknown(UnknownReason::UnreadableAnswer, request_id),
        };
    };
    let code = wire.code.as_deref();
    let is_idempotency_error = wire.error_type.as_deref() == Some("idempotency_error");
    let message = wire.message.unwrap_or_default();
    match status {
        _ if code == Some("idempotency_key_in_use") => Error::NoEffect {
            reason: NoEffectReason::KeyInUse,
            request_id,
        },
        _ if code == Some("lock_timeout") => Error::NoEffect {
            reason: NoEffectReason::LockTimeout,
            request_id,
        },
        429 => Error::NoEffect {
            reason: NoEffectReason::RateLimited {
                limit: rate_limited_reason,
            },
            request_id,
        },
        401 | 403 => Error::NotAllowed {
            status,
            permission: permission(&message),
            request_id,
        },
        // The official clients retry every 409. One that is not the key's is a conflict with another request.
        409 => Error::NoEffect {
            reason: NoEffectReason::LockTimeout,
            request_id,
        },
        400 if is_idempotency_error => Error::IdempotencyMismatch { request_id },
        // Stripe itself says that the same request may succeed.
        _ if should_retry == Some(true) => unknown(UnknownReason::ServerError { status }, request_id),
        _ => Error::Refused(Refusal {
            status,
            error_type: wire.error_type,
            code: wire.code,
            param: wire.param,
            decline_code: wire.decline_code,
            message: mask(&message),
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

/// Stripe's sentences quote what was sent. Addresses and keys are taken out, and the rest is cut short.
fn mask(message: &str) -> String {
    let secret = ["sk_", "rk_", "whsec_", "pk_"];
    let words = message.split(' ').map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if word.contains('@') || secret.iter().any(|prefix| bare.starts_with(prefix)) {
            "…"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, body: &str) -> String {
        match classify(status, Headers::default(), body.as_bytes()) {
            Error::Refused(refusal) => format!("refused {}", refusal.code.unwrap_or_default()),
            Error::NotAllowed { permission, .. } => format!("not allowed {}", permission.unwrap_or_default()),
            Error::IdempotencyMismatch { .. } => "mismatch".into(),
            Error::NoEffect { reason, .. } => format!("no effect: {reason}"),
            Error::Unknown { reason, .. } => format!("unknown: {reason}"),
        }
    }

    #[test]
    fn answers_are_classified_by_what_can_be_done() {
        let error = |fields: &str| format!(r#"{{"error":{{"type":"invalid_request_error",{fields}}}}}"#);
        for (status, body, expected) in [
            (
                400,
                error(r#""code":"email_invalid","param":"email","message":"Invalid email: a@b""#),
                "refused email_invalid",
            ),
            (
                402,
                error(r#""code":"card_declined","message":"Declined""#),
                "refused card_declined",
            ),
            (
                404,
                error(r#""code":"resource_missing","message":"No such invoice""#),
                "refused resource_missing",
            ),
            (
                401,
                error(r#""message":"Invalid API Key provided: rk_test_****""#),
                "not allowed ",
            ),
            (
                403,
                error(r#""message":"The provided key does not have 'rak_customer_write' on account""#),
                "not allowed rak_customer_write",
            ),
            (
                400,
                r#"{"error":{"type":"idempotency_error","message":"Keys…"}}"#.to_owned(),
                "mismatch",
            ),
            (
                409,
                error(r#""code":"idempotency_key_in_use","message":"…""#),
                "no effect: a request with the same idempotency key is under way",
            ),
            (
                429,
                error(r#""code":"lock_timeout","message":"…""#),
                "no effect: the object is locked by another request",
            ),
            (
                429,
                error(r#""code":"rate_limit","message":"…""#),
                "no effect: rate limited (no reason given)",
            ),
            (429, "slow down".to_owned(), "no effect: rate limited (no reason given)"),
            (500, "{}".to_owned(), "unknown: status 500"),
            (503, "<html>".to_owned(), "unknown: status 503"),
            (302, String::new(), "unknown: status 302"),
            (408, String::new(), "unknown: status 408"),
            (400, "<html>".to_owned(), "unknown: the answer cannot be read"),
        ] {
            assert_eq!(kind(status, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn sentences_hold_no_address_and_no_key() {
        let masked = mask("Invalid email: ap@acme.example with (rk_test_abc). See docs");
        assert_eq!(masked, "Invalid email: … with … See docs");
    }
}
