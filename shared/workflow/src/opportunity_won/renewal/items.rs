//! What becomes of a subscription's items.

use domain::Money;
use jiff::Timestamp;
use mapping::Proration;

use super::{There, fit};
use crate::opportunity_won::{Item, Start};
use crate::{Extension, ItemChange, ItemSeen, RenewableSeen};

/// What is there at the same price stays, what is not sold any more goes, and what is new comes.
pub(super) fn extension(start: &Start, there: &There) -> Extension {
    let mut left: Vec<&ItemSeen> = there.items.iter().collect();
    let mut items = Vec::new();
    let mut new = Vec::new();
    for item in start.new_items() {
        match left.iter().position(|old| old.price_id == item.price_id) {
            Some(index) => items.push(ItemChange::Keep { item_id: left.remove(index).item_id.clone(), item }),
            None => new.push(item),
        }
    }
    // A price that is replaced by another one of the same product keeps its item.
    for item in new {
        let product_id = start.product_of(&item.price_id);
        match left.iter().position(|old| old.product_id.is_some() && old.product_id.as_ref() == product_id) {
            Some(index) => items.push(ItemChange::Keep { item_id: left.remove(index).item_id.clone(), item }),
            None => items.push(ItemChange::Add { item }),
        }
    }
    items.extend(left.into_iter().map(|old| ItemChange::Drop { item_id: old.item_id.clone() }));
    let plan = &start.plan;
    let within = there.within.as_ref();
    let turns_at =
        within.map(|within| within.ends_at).or(plan.subscription.as_ref().map(mapping::Subscription::starts_at));
    let due = within.and_then(|within| within.due).unwrap_or_default();
    let total = Money::from_minor_units(plan.total.minor_units().max(due), plan.total.currency());
    Extension {
        opportunity_id: plan.opportunity_id.clone(),
        customer_id: start.customer_id.clone(),
        subscription_id: there.subscription_id.clone(),
        total,
        is_approved: plan.is_approved_for(total),
        days_until_due: plan.days_until_due,
        automatic_tax: plan.tax.is_some(),
        from: plan.subscription.as_ref().map(|term| term.start).unwrap_or_default(),
        latest: turns_at.and_then(|at| at.saturating_sub(fit::LATEST).ok()).unwrap_or(Timestamp::MIN),
        // Where no item changes, there is nothing to prorate, and nothing is to be billed.
        proration: within
            .filter(|_| items.iter().any(|change| changes_anything(change, there)) && !planted!(ProratesNothing))
            .and(plan.renews.as_ref())
            .map_or(Proration::None, |renews| renews.proration),
        ends_at: plan.subscription.as_ref().and_then(mapping::Subscription::ends_at),
        had_end: there.ends_at.is_some(),
        items,
        once: if planted!(RenewsWithoutOnce) { Vec::new() } else { start.once() },
    }
}

pub(super) fn changes_anything(change: &ItemChange, there: &There) -> bool {
    let ItemChange::Keep { item_id, item } = change else { return true };
    let old = there.items.iter().find(|old| old.item_id == *item_id);
    old.is_none_or(|old| old.price_id != item.price_id || old.quantity != Some(item.quantity))
}

/// Item by item, whatever their prices are called.
pub(super) fn cost_the_same(start: &Start, seen: &RenewableSeen) -> bool {
    let mut left: Vec<&Item> = start.basket.items.iter().collect();
    let is_one = |seen: &ItemSeen| {
        let found = left.iter().position(|item| start.costs_the_same(item, seen));
        found.map(|index| left.remove(index)).is_some()
    };
    seen.items.iter().all(is_one) && left.is_empty()
}

pub(super) fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<_> = items.collect();
    items.sort();
    items
}
