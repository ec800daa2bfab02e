//! Idempotency keys and what our objects at Stripe carry.

use std::collections::BTreeMap;

use domain::OrganizationId;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use workflow::{Intent, Operation, Run, RunId};

/// Which deployment this is. It is part of every key, so that two deployments never answer for each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub environment: String,
    pub stripe_account_id: Option<String>,
    pub organization_id: OrganizationId,
    pub livemode: bool,
}

/// Stripe forgets a key after 24 hours; an hour is left for clocks and slow requests.
const KEY_TRUSTED: SignedDuration = SignedDuration::from_hours(23);

/// After this long no request that was sent is still under way.
const QUIET: SignedDuration = SignedDuration::from_mins(10);

/// What to do about a write that may have been sent before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Send the same body under the same key: Stripe does it once.
    SameKey,
    /// The key says nothing any more, and a request may still be under way.
    Wait { until: Timestamp },
    /// The key says nothing any more: look whether it happened.
    Look,
}

pub(crate) fn trust(intent: &Intent, now: Timestamp) -> Trust {
    if !intent.replays_error && now.duration_since(intent.first_sent) < KEY_TRUSTED {
        return Trust::SameKey;
    }
    let quiet_at = intent.last_sent.saturating_add(QUIET).unwrap_or(intent.last_sent);
    if now < quiet_at { Trust::Wait { until: quiet_at } } else { Trust::Look }
}

impl Scope {
    /// Forty characters that hold no name, no time and no chance: the same operation of the same run always gets the same
    /// key, and no other ever does.
    pub(crate) fn key(&self, run_id: &RunId, operation: Operation, generation: u32) -> String {
        let account = self.stripe_account_id.as_deref().unwrap_or_default();
        let material = format!("{}\n{account}\n{run_id}\n{operation}\n{generation}", self.environment);
        format!("cw1_{}", &hex::encode(Sha256::digest(material))[..36])
    }

    pub(crate) fn intent(&self, run: &Run, operation: Operation, write: stripe::Write, now: Timestamp) -> Intent {
        let generation = run.generations.get(&operation).copied().unwrap_or_default();
        Intent {
            generation,
            key: self.key(&run.id, operation, generation),
            path: write.path,
            body: Some(write.body),
            first_sent: now,
            last_sent: now,
            replays_error: false,
        }
    }

    /// What every object that we create carries: which run made it, and for which record.
    pub(crate) fn metadata(&self, run_id: &RunId, record: (&str, &str)) -> BTreeMap<String, String> {
        [
            ("closedwon_environment", self.environment.as_str()),
            ("closedwon_run", &run_id.to_string()),
            ("sf_organization_id", self.organization_id.as_str()),
            record,
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }

    /// Whether this deployment made the object that carries this metadata.
    pub(crate) fn made(&self, metadata: &BTreeMap<String, String>) -> bool {
        let is = |key: &str, value: &str| metadata.get(key).is_some_and(|found| found == value);
        is("closedwon_environment", &self.environment) && is("sf_organization_id", self.organization_id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use domain::OpportunityId;

    use super::*;

    fn scope(environment: &str) -> Scope {
        Scope {
            environment: environment.into(),
            stripe_account_id: None,
            organization_id: OrganizationId::parse("00D000000000001EAA").expect("valid"),
            livemode: false,
        }
    }

    #[test]
    fn keys_are_stable_short_and_of_one_operation_only() {
        let run_id = |id: &str| RunId::OpportunityWon {
            organization_id: OrganizationId::parse("00D000000000001EAA").expect("valid"),
            opportunity_id: OpportunityId::parse(id).expect("valid"),
        };
        let one = run_id("006000000000001AAA");
        let key = scope("production").key(&one, Operation::CreateInvoice, 0);
        assert_eq!(key.len(), 40);
        assert_eq!(key, scope("production").key(&one, Operation::CreateInvoice, 0));
        for other in [
            scope("staging").key(&one, Operation::CreateInvoice, 0),
            scope("production").key(&run_id("006000000000002AAA"), Operation::CreateInvoice, 0),
            scope("production").key(&one, Operation::SendInvoice, 0),
            scope("production").key(&one, Operation::CreateInvoice, 1),
            scope("production").key(&one, Operation::AddLines { batch: 0 }, 0),
        ] {
            assert_ne!(key, other);
        }
    }

    #[test]
    fn a_key_is_trusted_for_23_hours_and_not_after_a_replayed_error() {
        let sent = Timestamp::UNIX_EPOCH;
        let after = |minutes: i64| sent.saturating_add(SignedDuration::from_mins(minutes)).expect("in range");
        let intent = |replays_error| Intent {
            generation: 0,
            key: "cw1_".into(),
            path: "/v1/invoices".into(),
            body: Some(String::new()),
            first_sent: sent,
            last_sent: sent,
            replays_error,
        };
        assert_eq!(trust(&intent(false), after(0)), Trust::SameKey);
        assert_eq!(trust(&intent(false), after(23 * 60 - 1)), Trust::SameKey);
        assert_eq!(trust(&intent(false), after(23 * 60)), Trust::Look);
        assert_eq!(trust(&intent(true), after(9)), Trust::Wait { until: after(10) });
        assert_eq!(trust(&intent(true), after(10)), Trust::Look);
    }
}
