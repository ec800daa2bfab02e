//! What an answer says about the effect of the request.

use serde::Deserialize;

use crate::error::{Error, NoEffectReason, Refusal, UnknownReason};
use crate::redact;
use crate::transport::{Answered, Headers};

#[derive(Deserialize)]
struct Wire {
    error: ErrorObject,
}

/// Stripe's error object. Only the message is certain to be text, so nothing else fails the parse by being absent.
#[derive(Default, Deserialize)]
struct ErrorObject {
    #[serde(rename = "type")]
    error_type: Option<String>,
    code: Option<String>,
    decline_code: Option<String>,
    param: Option<String>,
    message: Option<String>,
}

/// The answer itself when it is a success, or else its error.
pub(crate) fn classify(answered: Answered) -> Result<Answered, Error> {
    if (200..300).contains(&answered.status) {
        return Ok(answered);
    }
    let error = serde_json::from_slice(&answered.body).ok().map(|wire: Wire| wire.error);
    Err(failure(answered.status, answered.headers, error))
}

fn failure(status: u16, headers: Headers, error: Option<ErrorObject>) -> Error {
    let no_effect = |reason| Error::NoEffect {
        reason,
        request_id: headers.request_id.clone(),
    };
    let (error_type, code) = error
        .as_ref()
        .map_or((None, None), |error| (error.error_type.as_deref(), error.code.as_deref()));
    match (status, error_type, code) {
        // Both codes have been seen with more than one status and type, so they are asked first. The lock of an object
        // and the key of a running request both mean that this request was not begun.
        (400..500, _, Some("lock_timeout")) => no_effect(NoEffectReason::LockTimeout),
        (400..500, _, Some("idempotency_key_in_use")) => no_effect(NoEffectReason::KeyInUse),
        (429, ..) => no_effect(NoEffectReason::RateLimited {
            limit: headers.rate_limited_reason.clone(),
        }),
        (401 | 403, ..) => Error::NotAllowed {
            status,
            permission: error.and_then(|error| permission(&error.message?)),
            request_id: headers.request_id,
        },
        (408 | 425, ..) => headers.unknown(UnknownReason::ServerError { status }),
        (400..500, Some("idempotency_error"), _) if status != 409 => Error::IdempotencyMismatch {
            request_id: headers.request_id,
        },
        // Stripe's libraries repeat every 409, and keep to the header where it is sent: what conflicted with a
        // concurrent request was not kept under the key.
        (409, ..) if headers.should_retry != Some(false) => no_effect(NoEffectReason::Conflict),
        // Stripe asks for the same request again, which its libraries then send under the same key. Unless this answer
        // was itself replayed: the key would only give it once more.
        (400..500, ..) if headers.should_retry == Some(true) && !headers.replayed => {
            no_effect(NoEffectReason::AskedToRetry)
        }
        (400..500, ..) => match error {
            Some(error) => refusal(status, headers.request_id, error).into(),
            // Not Stripe's grammar, so it may not be Stripe that answers: a proxy's 404 must not be taken for an
            // invoice that does not exist.
            None => headers.unknown(UnknownReason::UnreadableAnswer),
        },
        _ => headers.unknown(UnknownReason::ServerError { status }),
    }
}

fn refusal(status: u16, request_id: Option<String>, error: ErrorObject) -> Refusal {
    let is_about_an_email =
        error.code.as_deref() == Some("email_invalid") || error.param.as_deref().is_some_and(|p| p.ends_with("email"));
    let message = match &error.message {
        // What follows the colon is what was sent, and it need not look like an address.
        Some(message) if is_about_an_email => redact::message(message.split(':').next().unwrap_or_default()),
        Some(message) => redact::message(message),
        None => "it gave no reason".to_owned(),
    };
    Refusal {
        status,
        error_type: error.error_type,
        code: error.code,
        decline_code: error.decline_code,
        param: error.param,
        message,
        request_id,
    }
}

/// The slug that Stripe's message names: `rak_` and a name in snake case.
fn permission(message: &str) -> Option<String> {
    let start = message.find("rak_")?;
    let slug: String = message[start..]
        .chars()
        .take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_')
        .take(100)
        .collect();
    (slug.len() > "rak_".len()).then_some(slug)
}
