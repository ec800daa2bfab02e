//! What the environment says of payments that failed.

use domain::QueueId;
use jiff::SignedDuration;
use mapping::CasePolicy;
use platform::Environment;

/// A month. Whoever is to be asked later than that is not to be asked.
const MOST_HOURS: i64 = 720;

/// Stripe gives up long before.
const MOST_ATTEMPTS: u32 = 100;

pub(crate) fn payment_cases(environment: &mut Environment) -> Option<CasePolicy> {
    let is_on = environment.parsed("PAYMENT_CASES", |value| match value {
        "open" => Ok(true),
        "off" => Ok(false),
        _ => Err("it must be off or open"),
    });
    let high_from_attempt = environment.parsed("CASE_HIGH_FROM_ATTEMPT", |value| match value.parse() {
        Ok(attempt @ 1..=MOST_ATTEMPTS) => Ok(attempt),
        _ => Err(format!("it must be a whole number from 1 to {MOST_ATTEMPTS}")),
    });
    let hours = environment.parsed("FOLLOW_UP_HOURS", |value| match value.parse() {
        Ok(hours @ 0..=MOST_HOURS) => Ok(hours),
        _ => Err(format!("it must be a whole number of hours up to {MOST_HOURS}; 0 asks nobody")),
    });
    let closed_status = environment.required("CASE_CLOSED_STATUS");
    let queue_id = environment.parsed_if_set("CASE_QUEUE_ID", QueueId::parse);
    let policy = CasePolicy {
        queue_id,
        high_from_attempt: high_from_attempt?,
        closed_status,
        follow_up_after: hours.filter(|hours| *hours > 0).map(SignedDuration::from_hours),
    };
    is_on?.then_some(policy)
}
