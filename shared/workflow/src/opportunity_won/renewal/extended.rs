//! A subscription that goes on with a deal: what Salesforce is told of it, and whether it is still so.

use domain::{CustomerId, Money, Record, SubscriptionId};
use mapping::{
    Code, Deal, Kind, MRR, NOTE_FIELDS, Plan, RENEWAL_ID, Settings, Stop, account_names_another, canceled_on, midnight,
    no_note, plan, renewal_written_back,
};
use serde::{Deserialize, Serialize};

use super::{Renewal, There, Within, items};
use crate::opportunity_won::contract::ContractWrite;
use crate::opportunity_won::{Point, Start, contract, ending, written};
use crate::{NewItem, RenewableSeen};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extended {
    pub plan: Plan,
    pub customer_id: CustomerId,
    pub account_is_linked: bool,
    pub subscription_id: SubscriptionId,
    /// What Salesforce did not keep.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_kept: Vec<String>,
    #[serde(default, skip_serializing_if = "ContractWrite::is_with")]
    pub contract: ContractWrite,
}

/// It goes on as the deal says, item by item, or a person looks.
pub(super) fn extended(start: Start, there: &There, seen: &RenewableSeen, interrupted: bool) -> Point {
    let wanted = items::sorted(
        start.new_items().into_iter().map(|NewItem { price_id, quantity, .. }| (price_id, Some(quantity))),
    );
    let starts_at = start.plan.subscription.as_ref().map(mapping::Subscription::starts_at);
    // It was still in the period that it was to be changed in.
    let ends_with = there.within.as_ref().map(|within| within.ends_at).or(starts_at);
    let is_in_time = interrupted || seen.items.iter().all(|item| Some(item.period_end) == ends_with);
    let are_there = items::sorted(seen.items.iter().map(|item| (item.price_id.clone(), item.quantity)));
    // After a restore it may have been told another end since, which the opportunity says.
    let of_term = start.plan.subscription.as_ref().and_then(mapping::Subscription::ends_at);
    let canceled = start.plan.canceled_on.map(midnight).filter(|day| interrupted && seen.ends_at == Some(*day));
    let ends_at = canceled.or(of_term);
    let sold_once = seen.sold_once.get(&start.plan.opportunity_id).copied().unwrap_or_default();
    let is_as_agreed = sold_once == start.plan.sold_once()
        && (wanted == are_there || interrupted && items::cost_the_same(&start, seen));
    // Its own deal said that it ends in the moment in which this one renewed it.
    let is_to_end = seen.canceled_on.is_some() && canceled.is_none() && !planted!(RenewsTheCanceled);
    if is_as_agreed && seen.ends_at == ends_at && !seen.is_over && is_in_time && !is_to_end {
        if let Some(stop) = there.within.as_ref().and_then(|within| billed_otherwise(&start.plan, within, seen)) {
            return Point::claimed(start.plan).stopped(stop);
        }
        let Start { plan, customer_id, account_is_linked, .. } = start;
        let subscription_id = seen.subscription_id.clone();
        let extended = Extended {
            plan: Plan { canceled_on: plan.canceled_on.filter(|_| canceled.is_some()), ..plan },
            customer_id,
            account_is_linked,
            subscription_id,
            not_kept: Vec::new(),
            contract: ContractWrite::With,
        };
        return Renewal::Extended { extended, interrupted }.into();
    }
    let message = format!(
        "Stripe subscription {} was renewed by this deal, and is not what the deal says: compare its items and its end with the \
         opportunity's products and term, and correct it by hand. Do not change the opportunity's type; \
         then send the event again.{}",
        seen.subscription_id,
        and_once(&start.plan)
    );
    Point::claimed(start.plan).stopped(Stop::review(Code::RenewalDiffers, message))
}

/// Whoever corrects a renewal by hand has to know of it: it is no item, so nobody sees it at the subscription.
fn and_once(plan: &Plan) -> String {
    let sold: Vec<_> = plan.lines.iter().filter(|line| !line.recurring).collect();
    if sold.is_empty() {
        return String::new();
    }
    let sold: Vec<_> = sold.iter().map(|line| format!("{} for {}", line.amount, line.description)).collect();
    let sold: String = sold.join("; ").chars().take(500).collect();
    format!(
        " What it sells once ({sold}) is on the subscription's last invoice, or waits for its next one as pending invoice items: look at these \
         as well."
    )
}

/// The invoice that was made of the difference is what was to be expected. Once the period has turned, the last one is another.
fn billed_otherwise(plan: &Plan, within: &Within, seen: &RenewableSeen) -> Option<Stop> {
    let due = within.due?;
    let has_turned = seen.items.iter().any(|item| item.period_end != within.ends_at);
    let made = seen.last_invoice.as_ref().filter(|last| Some(&last.invoice_id) != within.last_invoice.as_ref());
    if has_turned || made.is_some_and(|made| made.total == due) {
        return None;
    }
    let made = made.map_or_else(
        || "none".to_owned(),
        |made| format!("{} over {}", made.invoice_id, Money::from_minor_units(made.total, seen.currency)),
    );
    let message = format!(
        "Stripe subscription {} was renewed by this deal, and was to be billed {} for the rest of its period at once: its last invoice is \
         {made}. Correct what it was billed by hand; then send the event again.{}",
        seen.subscription_id,
        Money::from_minor_units(due, seen.currency),
        and_once(plan),
    );
    Some(Stop::review(Code::RenewalDiffers, message))
}

impl Extended {
    pub(super) fn write_back(&self) -> Vec<mapping::Update> {
        self.contract.of(self.all_updates())
    }

    fn all_updates(&self) -> Vec<mapping::Update> {
        renewal_written_back(&self.plan, &self.customer_id, &self.subscription_id, self.account_is_linked)
    }
}

pub(super) fn written_back(extended: Extended, interrupted: bool, records: &[domain::Record]) -> Point {
    let mut not_kept = written::not_kept(&extended.write_back(), records);
    not_kept.extend(extended.contract.left_out(&extended.all_updates()));
    let extended = Extended { contract: extended.contract.written(), ..extended };
    let is_told = records.first().is_none_or(|opportunity| extended.plan.canceled_on == canceled_on(opportunity));
    if not_kept.is_empty() {
        // After an interruption the deal may have been edited since it was read, so it is read once more.
        return if interrupted || !is_told { Renewal::Revisiting { extended } } else { Renewal::Done { extended } }
            .into();
    }
    not_kept_again(Extended { not_kept, ..extended })
}

fn not_kept_again(extended: Extended) -> Point {
    let stop = not_kept_stop(&extended);
    Point::from(Renewal::Extended { extended, interrupted: true }).stopped(stop)
}

fn not_kept_stop(extended: &Extended) -> Stop {
    let message = format!(
        "Subscription {} is renewed, but Salesforce does not keep {}: check whether the integration user may edit them, and \
         triggers or flows that change these fields; then send the event again.",
        extended.subscription_id,
        extended.not_kept.join(", ")
    );
    Stop::review(Code::WriteBackDiffers, message)
}

/// As with an invoice: what the deal's own record says matters more than its contract's.
pub(super) fn not_taken(extended: Extended, interrupted: bool, stop: Stop) -> Point {
    if extended.contract != ContractWrite::Without && extended.plan.contract_id.is_some() {
        let extended = Extended { contract: ContractWrite::Without, ..extended };
        return Renewal::Extended { extended, interrupted }.into();
    }
    let extended = Extended { contract: ContractWrite::With, ..extended };
    Point::from(Renewal::Extended { extended, interrupted }).stopped(Stop::review(stop.code, stop.message))
}

pub(super) fn cleared(extended: Extended, records: &[domain::Record]) -> Point {
    let kept_back = written::not_kept(&[no_note(&extended.plan.opportunity_id)], records);
    let not_kept = extended.not_kept.iter().cloned().chain(kept_back).collect();
    Renewal::Done { extended: Extended { not_kept, ..extended } }.into()
}

/// Whether what it goes on with is still what the deal says.
pub(super) fn revisited(mut extended: Extended, deal: &Deal, settings: &Settings) -> Point {
    // As with an invoice. Whoever sold it may have named the subscription before; what it comes to a month is written by us alone.
    let is_named = deal.opportunity.text(RENEWAL_ID) == Some(extended.subscription_id.as_str());
    let was_written = is_named && deal.opportunity.number(MRR).is_some();
    extended.account_is_linked |= was_written && account_names_another(&deal.opportunity, &extended.customer_id);
    let is_same = match plan(deal, settings) {
        Ok((plan, _)) => plan.bills_the_same_as(&extended.plan),
        // That it is a renewal is said where renewals are switched off again.
        Err(stop) if stop.kind == Kind::NotBillable && stop.code != Code::Renewal => false,
        Err(_) => mapping::comes_to(deal, settings) == Some(extended.plan.total),
    };
    if let Some(ending) = ending::of_renewal(&extended, &deal.opportunity, settings).filter(|_| is_same) {
        return ending;
    }
    let updates = extended.write_back();
    let is_contracts = contract::is_any_contracts(&extended.not_kept);
    if is_same && is_contracts && written::is_all_but_notes(&updates, &deal.opportunity) {
        let stop = not_kept_stop(&extended);
        return Point::from(Renewal::Extended { extended, interrupted: true })
            .stopped_unless_noted(stop, &deal.opportunity);
    }
    if is_same && extended.not_kept.iter().any(|field| !NOTE_FIELDS.contains(&field.as_str())) {
        if written::is_what_was_not_kept(&updates, &extended.not_kept, &deal.opportunity) {
            return not_kept_again(extended);
        }
        if !updates.iter().all(|update| update.holds_in(&deal.opportunity)) {
            return Renewal::Extended { extended, interrupted: true }.into();
        }
    }
    let named = deal.opportunity.text(RENEWAL_ID).filter(|named| *named != extended.subscription_id.as_str());
    if let Some(named) = named.filter(|_| is_same) {
        let message = format!(
            "The deal renewed Stripe subscription {}, and its opportunity names {named}: write the one that was renewed into Renewal Stripe \
             Sub Id, or put the subscriptions right by hand.",
            extended.subscription_id
        );
        let stop = Stop::review(Code::RenewalDiffers, message);
        return stopped(extended, stop, &deal.opportunity);
    }
    if is_same {
        let carries_note = written::carries_old_note(&deal.opportunity, &extended.not_kept);
        return if carries_note { Renewal::Clearing { extended } } else { Renewal::Done { extended } }.into();
    }
    let message = format!(
        "The deal changed after it renewed Stripe subscription {} for {}: change the subscription by hand, or set the deal back.{}",
        extended.subscription_id,
        extended.plan.total,
        and_once(&extended.plan)
    );
    stopped(extended, Stop::review(Code::DealChangedAfterBilling, message), &deal.opportunity)
}

fn stopped(extended: Extended, stop: Stop, opportunity: &Record) -> Point {
    let extended = Extended { not_kept: written::but_notes(extended.not_kept), ..extended };
    Point::from(Renewal::Done { extended }).stopped_unless_noted(stop, opportunity)
}
