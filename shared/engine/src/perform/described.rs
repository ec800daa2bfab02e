//! How a failed call stands in the call log.

use ledger::CallEntry;

pub(super) fn describe_stripe(entry: &mut CallEntry, error: &stripe::Error) {
    entry.outcome = stripe_outcome(error).to_owned();
    entry.detail = Some(error.to_string());
    entry.request_id = error.request_id().map(str::to_owned);
}

pub(super) fn stripe_outcome(error: &stripe::Error) -> &'static str {
    match error {
        stripe::Error::Refused(_) | stripe::Error::IdempotencyMismatch { .. } => "refused",
        stripe::Error::NotAllowed { .. } => "not_allowed",
        stripe::Error::NoEffect { .. } => "no_effect",
        stripe::Error::Unknown { .. } => "unknown",
    }
}

pub(super) fn salesforce_outcome(error: &salesforce::Error) -> &'static str {
    match error {
        salesforce::Error::Refused(_) => "refused",
        salesforce::Error::NotAllowed { .. } => "not_allowed",
        salesforce::Error::LimitReached { .. } | salesforce::Error::Busy { .. } => "no_effect",
        salesforce::Error::Unknown { .. } => "unknown",
    }
}
