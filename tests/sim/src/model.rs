//! The two vendors as they behave: synchronous, typed, and knowing no faults of the network.

pub mod bill;
pub mod salesforce;
pub mod stripe;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use self::salesforce::{Salesforce, SalesforceEvent};
pub use self::stripe::{Stripe, StripeEvent};
use crate::invariants::Watch;

/// How often something noteworthy was seen. What is never seen was never tried.
pub type Facts = BTreeMap<&'static str, u64>;

pub(crate) fn count(facts: &mut Facts, fact: &'static str) {
    *facts.entry(fact).or_default() += 1;
}

/// A promise that was broken: when, which, and about what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub at: Timestamp,
    pub rule: &'static str,
    pub detail: String,
}

impl Violation {
    pub fn new(at: Timestamp, rule: &'static str, detail: impl Into<String>) -> Self {
        Self { at, rule, detail: detail.into() }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.at, self.rule, self.detail)
    }
}

#[derive(Debug)]
pub struct Models {
    pub stripe: Stripe,
    pub salesforce: Salesforce,
    pub violations: Vec<Violation>,
    pub facts: Facts,
    /// Above them, an invoice waits for an approval. By currency, in minor units.
    pub ceilings: BTreeMap<&'static str, i64>,
    /// An unpaid invoice is replaced when its deal is changed.
    pub amends: bool,
    /// From which attempt on a case is of high priority.
    pub high_from: u32,
    /// One that is paid is credited then.
    pub credits: bool,
    pub(crate) watch: Watch,
}

impl Models {
    pub fn new(stripe: Stripe, salesforce: Salesforce) -> Self {
        let (violations, facts, ceilings) = (Vec::new(), Facts::new(), BTreeMap::new());
        Self {
            stripe,
            salesforce,
            violations,
            facts,
            ceilings,
            amends: false,
            high_from: 3,
            credits: false,
            watch: Watch::default(),
        }
    }

    /// What must be true at every moment. To be called after each effect on a model.
    pub fn settle(&mut self, now: Timestamp) {
        for finalized in self.stripe.take_finalized() {
            self.finalized(now, &finalized);
        }
        for invoice_id in self.stripe.take_voided() {
            self.voided(now, &invoice_id);
            self.salesforce.voided.insert(invoice_id.to_string());
        }
        for subscription_id in self.stripe.take_renewed() {
            self.renewed(now, &subscription_id);
        }
        self.violations.append(&mut self.stripe.violations);
        self.violations.append(&mut self.salesforce.violations);
    }

    /// What was noted so far, of both models.
    pub fn all_facts(&self) -> Facts {
        let mut facts = self.facts.clone();
        for (fact, times) in self.stripe.facts.iter().chain(&self.salesforce.facts) {
            *facts.entry(fact).or_default() += times;
        }
        facts
    }
}
