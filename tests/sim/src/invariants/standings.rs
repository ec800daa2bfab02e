//! What is promised of how subscriptions stand in Salesforce.

use domain::{Event, Money, OpportunityId, SubscriptionId};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use queue::Envelope;
use workflow::RunId;

use super::ended::Ended;
use crate::model::salesforce::{Automation, Contract, Opportunity, Standing};
use crate::model::stripe::Subscription;
use crate::model::{Models, count};

/// Passes come every three hours in the end, and one may be broken off.
const LAST_PASSES: SignedDuration = SignedDuration::from_hours(8);

impl Models {
    /// Where the reconciler ran: every record that names a subscription says how it stands, in the end, or that it goes on for another deal.
    pub(super) fn standings_are_told(&mut self, ended: &Ended<'_>) {
        if ended.differences.is_none() {
            return;
        }
        let subscriptions: Vec<Subscription> = self.stripe.subscriptions().cloned().collect();
        let deals: Vec<Opportunity> = self.salesforce.opportunities().cloned().collect();
        for subscription in &subscriptions {
            let Some(billed_for) = subscription.billed_for() else { continue };
            // No pass has come since.
            let changed_at = self.stripe.changed_at(&subscription.id);
            if changed_at.is_some_and(|at| ended.now.duration_since(at) < LAST_PASSES) {
                continue;
            }
            // What nobody was ever told, and what a person was.
            if self.stripe.was_never_told(&subscription.id) || ended.is_before_a_person(&subscription.id) {
                continue;
            }
            // A deal whose renewal was refused after all, since nobody had seen that it was done, may name it by a person's hand.
            let run_id = RunId::OpportunityWon {
                organization_id: ended.organization_id.clone(),
                opportunity_id: OpportunityId::parse(billed_for).expect("we wrote it"),
            };
            if ended.run(&run_id).is_some_and(|run| run.status() == "rejected") {
                continue;
            }
            // Until that deal names it, it is waited for.
            let current = deals.iter().find(|deal| deal.id.as_str() == billed_for && !deal.is_deleted);
            if !current.is_some_and(|deal| names(deal, &subscription.id)) {
                continue;
            }
            for deal in &deals {
                let is_written = deal.automation != Automation::Refuses && !deal.is_deleted;
                if !is_written || !names(deal, &subscription.id) {
                    continue;
                }
                let is_current = deal.id.as_str() == billed_for;
                // One that is to renew it, or tried to, was never billed by it.
                if !is_current && deal.subscription_id.is_none() && deal.standing.status.is_none() {
                    continue;
                }
                self.stands(ended, subscription, deal, is_current);
            }
            self.is_looked_after(ended, subscription);
        }
    }

    /// Whoever answers for the account is asked to look after it when its subscription has ended, and not before.
    fn is_looked_after(&mut self, ended: &Ended<'_>, subscription: &Subscription) {
        let is_asked = self.salesforce.tasks().any(|(about, _)| about == subscription.id.as_str());
        match (subscription.canceled_by.is_some(), is_asked) {
            (true, true) => count(&mut self.facts, "somebody was asked to look after a customer"),
            (false, false) => {}
            (is_over, _) => {
                let detail = format!("{}: is it over? {is_over}; is somebody asked? {is_asked}", subscription.id);
                self.violate(ended.now, "who_answers_is_asked", detail);
            }
        }
    }

    fn stands(&mut self, ended: &Ended<'_>, subscription: &Subscription, deal: &Opportunity, is_current: bool) {
        let expected = if is_current { standing(subscription) } else { renewed() };
        let contract = &deal.contract_names;
        let has_contract = deal.contract != Contract::NotNeeded
            && [&contract.subscription_id, &contract.renewal_id].contains(&&Some(subscription.id.to_string()));
        let told = [Some(("it", &deal.standing)), has_contract.then_some(("its contract", &contract.standing))];
        for (who, found) in told.into_iter().flatten() {
            if *found != expected {
                let detail = format!("{}: {who} says {found:?} of {}, not {expected:?}", deal.id, subscription.id);
                self.violate(ended.now, "how_it_stands_is_told", detail);
            }
        }
        count(
            &mut self.facts,
            match expected.status.as_deref() {
                Some("active") => "a deal says that its subscription is active",
                Some("past_due") => "a deal says that its subscription is past due",
                Some("canceled") => "a deal says that its subscription is canceled",
                _ => "a deal says that its subscription was renewed",
            },
        );
    }
}

fn names(deal: &Opportunity, id: &SubscriptionId) -> bool {
    [&deal.subscription_id, &deal.renewal_id].into_iter().flatten().any(|named| named == id.as_str())
}

/// As its opportunity is to say it.
pub(crate) fn standing(subscription: &Subscription) -> Standing {
    let is_over = subscription.canceled_by.is_some();
    let monthly = i64::try_from(subscription.monthly()).unwrap_or_default();
    let monthly = Money::from_minor_units(if is_over { 0 } else { monthly }, subscription.currency);
    let ends = subscription.items.iter().map(|item| item.period_end).min().filter(|_| !is_over);
    Standing {
        status: Some(subscription.status().to_owned()),
        monthly: Some(monthly.to_major_units()),
        period_end: ends.map(|at| TimeZone::UTC.to_datetime(at).date().to_string()),
        cancellation: None,
    }
}

fn renewed() -> Standing {
    Standing { status: Some("renewed".to_owned()), monthly: Some(0.into()), period_end: None, cancellation: None }
}

impl Ended<'_> {
    /// A message of it was received too often.
    fn is_given_up(&self, id: &SubscriptionId) -> bool {
        let is_of = |letter: &&Envelope| matches!(&letter.event, Event::SubscriptionChanged { subscription_id, .. } if subscription_id == id);
        self.dead_letters.iter().filter(is_of).any(|letter| letter.parked.is_none())
    }

    fn is_before_a_person(&self, id: &SubscriptionId) -> bool {
        let organization_id = self.organization_id.clone();
        let run_id = RunId::SubscriptionChanged { organization_id, subscription_id: id.clone() };
        let key = run_id.to_string();
        let is_told = self.run(&run_id).is_some_and(|run| run.status() == "review") && self.has_reasoned_letter(&key);
        is_told || self.is_given_up(id)
    }
}
