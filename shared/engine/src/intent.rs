//! Idempotency keys and what our objects at Stripe carry.

use std::collections::BTreeMap;

use domain::OrganizationId;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use workflow::{Intent, Operation, QUIET, Run, RunId};

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

pub(crate) fn trust(intent: &Intent, run: &Run, now: Timestamp) -> Trust {
    let is_spent = intent.replays_error && !planted!(TrustsSpentKeys);
    let is_of_this_epoch = intent.epoch == run.epoch() || planted!(ForgetsRestores);
    let is_remembered = now.duration_since(intent.first_sent) < KEY_TRUSTED || planted!(TrustsOldKeys);
    if !is_spent && is_of_this_epoch && is_remembered && !planted!(TrustsNoKey) {
        return Trust::SameKey;
    }
    let quiet_at = quiet_at(intent);
    if now < quiet_at && !planted!(NeverWaits) { Trust::Wait { until: quiet_at } } else { Trust::Look }
}

/// From when on no attempt of this is under way any more.
pub(crate) fn quiet_at(intent: &Intent) -> Timestamp {
    intent.last_sent.saturating_add(QUIET).unwrap_or(intent.last_sent)
}

/// For how long what was decided is done as it was decided, where the world may have changed since. Longer than a request may be under way
/// and clocks may differ by together: nobody who looks after that is overtaken by an attempt.
const DECIDED: SignedDuration = SignedDuration::from_hours(1);

/// What is still decided is sent; after that it is looked for, and if it did not happen, decided anew.
pub(crate) fn decided(intent: &Intent, now: Timestamp) -> Trust {
    if now.duration_since(intent.first_sent) < DECIDED {
        return Trust::SameKey;
    }
    let until = intent.last_sent.saturating_add(DECIDED).unwrap_or(intent.last_sent);
    if now < until { Trust::Wait { until } } else { Trust::Look }
}

/// Since when an operation that the run has no intent for may have happened all the same. A ledger that was restored from a
/// backup may have forgotten it; a draft that was made since then is known from its beginning.
pub(crate) fn doubted_since(run: &Run, operation: Operation) -> Option<Timestamp> {
    let restored = run.restored.filter(|_| !planted!(ForgetsRestores))?;
    let makes_something =
        matches!(operation, Operation::CreateCustomer | Operation::CreateInvoice | Operation::CreateSubscription);
    let made = run.intents.get(&Operation::CreateInvoice).or(run.intents.get(&Operation::CreateSubscription));
    let draft = made.filter(|intent| intent.epoch == restored.epoch);
    (makes_something || draft.is_none()).then_some(restored.since)
}

/// In the metadata of whatever a deployment makes: which one it was.
const ENVIRONMENT: &str = "closedwon_environment";

impl Scope {
    /// Forty characters that hold no name, no time and no chance: the same operation of the same run always gets the same
    /// key, and no other ever does.
    pub(crate) fn key(&self, run_id: &RunId, operation: Operation, epoch: u64, generation: u32) -> String {
        let account = self.stripe_account_id.as_deref().unwrap_or_default();
        let mut material = format!("{}\n{account}\n{run_id}\n{operation}\n{epoch}.{generation}", self.environment);
        if planted!(KeyOfTheAccount) {
            material = operation.to_string();
        }
        format!("cw1_{}", &hex::encode(Sha256::digest(material))[..36])
    }

    pub(crate) fn intent(&self, run: &Run, operation: Operation, write: stripe::Write, now: Timestamp) -> Intent {
        let mut generation = run.generations.get(&operation).copied().unwrap_or_default();
        if planted!(KeyOfTheMoment) {
            generation = u32::try_from(now.as_millisecond() % 1_000_000).unwrap_or_default();
        }
        Intent {
            generation,
            epoch: run.epoch(),
            key: self.key(&run.id, operation, run.epoch(), generation),
            path: write.path,
            body: Some(write.body),
            first_sent: now,
            last_sent: now,
            replays_error: false,
            ambiguous: false,
        }
    }

    /// What every object that we create carries: which run made it, and for which record.
    pub(crate) fn metadata(&self, run_id: &RunId, record: (&str, &str)) -> BTreeMap<String, String> {
        [
            (ENVIRONMENT, self.environment.as_str()),
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
        is(ENVIRONMENT, &self.environment) && is("sf_organization_id", self.organization_id.as_str())
    }
}

/// Whether a deployment made the object that carries this metadata, this one or another.
pub(crate) fn is_claimed(metadata: &BTreeMap<String, String>) -> bool {
    metadata.contains_key(ENVIRONMENT)
}

#[cfg(test)]
mod tests;
