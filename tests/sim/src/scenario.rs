//! What people do in ten days: sell, win, edit, mend, pay, and put their hands in where they should not.

mod acts;
mod amended;
mod catalogue;
mod contracts;
mod deals;
mod edited;
mod ended;
mod failing;
mod plan;
mod recurring;
mod renewed;
mod ruled;
#[cfg(test)]
mod tests;

use domain::{Currency, OpportunityId, OrganizationId};
use engine::Scope;
use jiff::{SignedDuration, Timestamp};
use mapping::Settings;

use crate::model::salesforce::Opportunity;
use crate::model::{Models, Salesforce, Stripe};
use crate::random::Random;
pub use acts::{Act, Performed};
pub(crate) use deals::opportunity;

/// Which people there are beside those who sell and pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct People {
    /// In Stripe's dashboard, and in fields that are ours.
    pub meddle: bool,
    /// Salespeople who change their minds after winning.
    pub edit: bool,
}

impl Default for People {
    fn default() -> Self {
        Self { meddle: true, edit: true }
    }
}

#[derive(Debug)]
pub struct Scenario {
    pub models: Models,
    pub scope: Scope,
    pub settings: Settings,
    /// Deals that were made of another one.
    pub(crate) clones: Vec<(OpportunityId, OpportunityId)>,
    /// In the order of time.
    pub acts: Vec<(Timestamp, Act)>,
}

/// How long people act.
pub const ACTIVE: SignedDuration = SignedDuration::from_hours(10 * 24);

/// Which deals have a term is drawn by itself, so that histories without any stay what they are.
const TERMS: u64 = 0x5eed_7e12;

/// So is whether contracts begin them.
const CONTRACTS: u64 = 0x5eed_c0c7;

/// So is which of their lines are billed more often than the rest.
const MORE_OFTEN: u64 = 0x5eed_0f7e;

/// So is which of them somebody cancels.
const ENDS: u64 = 0x5eed_e2d5;
const RENEWAL_ENDS: u64 = 0x5eed_e2d6;
const ENDLESS_ENDS: u64 = 0x5eed_e2d7;

/// So is which of them end and are renewed.
const RENEWALS: u64 = 0x5eed_2e2e;

/// So is which of the renewals begin inside a period.
const INSIDE: u64 = 0x5eed_1451;

/// So is which of these have lines of two frequencies.
const MIXED: u64 = 0x5eed_3133;

/// So is which accounts are edited by themselves.
const EDITS: u64 = 0x5eed_ed17;

/// So is which deals are changed once more.
const AMENDMENTS: u64 = 0x5eed_a3e2;

/// So is which of them are paid before, and of which the money goes back.
const CREDITS: u64 = 0x5eed_c2ed;

/// So is of which payments fail.
const FAILURES: u64 = 0x5eed_fa11;

/// So is whether rules are asked of what becomes of deals.
const RULES: u64 = 0x5eed_2a1e;

/// So is when invoices are due, and of which the payment is disputed.
const DUES: u64 = 0x5eed_d0e5;
const DISPUTES: u64 = 0x5eed_d159;

/// So is of which a part is paid.
const PARTS: u64 = 0x5eed_9a27;

const ORGANIZATION: &str = "00DgK0000000001UAA";

impl Scenario {
    /// Nobody and nothing yet, in an organization of one currency.
    pub fn empty(currency: &str) -> Self {
        Self {
            models: Models::new(Stripe::default(), Salesforce::new(false, currency)),
            scope: Scope {
                environment: "simulated".into(),
                stripe_account_id: Some("acct_simulated".into()),
                organization_id: OrganizationId::parse(&ORGANIZATION[..15]).expect("fifteen characters"),
                livemode: false,
            },
            // Payments fail where that is asked for.
            settings: Settings {
                payment_cases: None,
                ..Settings::new(Currency::parse(currency).expect("one of four"))
            },
            clones: Vec::new(),
            acts: Vec::new(),
        }
    }

    /// The same with deals that are sold for a term.
    pub fn with_terms(mut self, seed: u64, start: Timestamp) -> Self {
        let often = &mut Random::new(seed.wrapping_add(MORE_OFTEN));
        recurring::turn(&mut Random::new(seed.wrapping_add(TERMS)), often, &mut self, start);
        contracts::draw_up(&mut Random::new(seed.wrapping_add(CONTRACTS)), &mut self, start);
        ended::cancel(&mut Random::new(seed.wrapping_add(ENDS)), &mut self, start, |_| true);
        self.acts.sort_by_key(|(at, _)| *at);
        self
    }

    /// The same with terms that end, and deals that renew them.
    pub fn with_renewals(mut self, seed: u64, start: Timestamp) -> Self {
        let inside = &mut Random::new(seed.wrapping_add(INSIDE));
        let mixed = &mut Random::new(seed.wrapping_add(MIXED));
        renewed::renew(&mut Random::new(seed.wrapping_add(RENEWALS)), inside, mixed, &mut self, start);
        let renews = |deal: &Opportunity| deal.kind.as_deref() == Some("Renewal");
        ended::cancel(&mut Random::new(seed.wrapping_add(RENEWAL_ENDS)), &mut self, start, renews);
        // And of what they renew, what has no end of its own.
        let is_endless =
            |deal: &Opportunity| !renews(deal) && deal.term.as_ref().is_some_and(|term| term.periods.is_none());
        ended::cancel(&mut Random::new(seed.wrapping_add(ENDLESS_ENDS)), &mut self, start, is_endless);
        self.acts.sort_by_key(|(at, _)| *at);
        self
    }

    /// The same with accounts of businesses, every other one of which has its tax id already.
    pub fn with_tax_ids(mut self) -> Self {
        let ids: Vec<_> = self.models.salesforce.accounts().map(|account| account.id.clone()).collect();
        for (index, id) in ids.iter().enumerate() {
            self.models.salesforce.edit_account(Timestamp::UNIX_EPOCH, id, |account| {
                let tax_id = (index % 2 == 0).then(|| format!("DE{:09}", 200_000_000 + index));
                account.tax_ids = vec![(Timestamp::UNIX_EPOCH, tax_id)];
            });
        }
        self
    }

    /// The same with accounts that are edited while no deal is.
    pub fn with_edited_accounts(mut self, seed: u64, start: Timestamp) -> Self {
        edited::edit(&mut Random::new(seed.wrapping_add(EDITS)), &mut self, start);
        self.acts.sort_by_key(|(at, _)| *at);
        self
    }

    /// The same with deals that are changed after they were billed, and then billed anew.
    pub fn with_amendments(mut self, seed: u64) -> Self {
        amended::amend(&mut Random::new(seed.wrapping_add(AMENDMENTS)), &mut self);
        self.acts.sort_by_key(|(at, _)| *at);
        self
    }

    /// The same where what was paid by then is credited.
    pub fn with_credits(mut self, seed: u64) -> Self {
        let parts = &mut Random::new(seed.wrapping_add(PARTS));
        amended::credit(&mut Random::new(seed.wrapping_add(CREDITS)), parts, &mut self);
        self.acts.sort_by_key(|(at, _)| *at);
        self
    }

    /// The same with payments that fail.
    pub fn with_failing_payments(mut self, seed: u64) -> Self {
        failing::fail(&mut Random::new(seed.wrapping_add(FAILURES)), &mut self);
        failing::fall_due(&mut Random::new(seed.wrapping_add(DUES)), &mut self);
        failing::dispute(&mut Random::new(seed.wrapping_add(DISPUTES)), &mut self);
        if Random::new(seed.wrapping_add(RULES)).chance(500) {
            ruled::rule(&mut self);
        }
        self.acts.sort_by_key(|(at, _)| *at);
        self
    }

    pub fn generate(random: &mut Random, start: Timestamp, people: People) -> Self {
        let multi_currency = random.chance(700);
        let org_currency = *random.pick(&catalogue::CURRENCIES);
        let mut scenario = Self::empty(org_currency);
        let products = catalogue::generate(random, &mut scenario.models.stripe.catalogue);
        scenario.models.salesforce.multi_currency = multi_currency;
        scenario.settings.multi_currency = multi_currency;
        deals::generate(random, &mut scenario, &products, start);
        plan::generate(random, &mut scenario, people, start);
        scenario.acts.sort_by_key(|(at, _)| *at);
        scenario
    }
}
