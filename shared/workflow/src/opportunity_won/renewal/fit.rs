//! Whether a subscription can go on with a deal, and when.

use domain::CustomerId;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mapping::{Code, Interval, MOST_PERIODS, Plan, Stop};

use super::{Renewal, There};
use crate::opportunity_won::Point;
use crate::{ItemSeen, RenewableSeen};

/// Stripe makes the invoice of a period when it begins, and changes the period's end with it.
const TURNS_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// A change that is asked for later than this may come after the period that it is made in.
pub(super) const LATEST: SignedDuration = SignedDuration::from_hours(1);

/// Which of them goes on, and when.
pub(super) fn chosen(
    plan: Plan,
    customer_id: CustomerId,
    account_is_linked: bool,
    mut found: Vec<RenewableSeen>,
    at: Timestamp,
) -> Point {
    let claimed = || Point::claimed(plan.clone());
    let named = plan.renews.as_ref().and_then(|renews| renews.subscription_id.as_ref());
    if named.is_none() {
        // One that has just ended may be the one that is meant.
        let starts_at = plan.subscription.as_ref().map(mapping::Subscription::starts_at);
        found.retain(|seen| !seen.is_over || seen.ends_at.is_some() && seen.ends_at == starts_at);
    }
    if found.len() > 1 {
        let ids: Vec<_> = found.iter().map(|seen| seen.subscription_id.as_str()).take(10).collect();
        let message = format!(
            "Stripe customer {customer_id} has several subscriptions: write the id of the one that is renewed into Renewal \
             Stripe Sub Id on the opportunity: {}.",
            ids.join(", ")
        );
        return claimed().stopped(Stop::refused(Code::RenewalNotFound, message));
    }
    let Some(seen) = found.pop().filter(|seen| seen.is_ours) else {
        let message = match named {
            Some(id) => format!(
                "Stripe subscription {id} was not begun by this deployment, and cannot be renewed by it: name one that was into Renewal \
                 Stripe Sub Id; or let it end, then change the opportunity's type, so that it begins a subscription of its own."
            ),
            None => format!(
                "Stripe customer {customer_id} has no subscription that this deployment began: let what it has end, then change the \
                 opportunity's type, so that it begins a subscription of its own."
            ),
        };
        return claimed().stopped(Stop::refused(Code::RenewalNotFound, message));
    };
    match fits(&plan, &customer_id, &seen, at) {
        Err(stop) => claimed().stopped(stop),
        Ok(When::Later(until)) => Point::Scheduled { opportunity_id: plan.opportunity_id, starts_at: until },
        Ok(When::Now) if !seen.is_settled && !is_renewed_for(&plan, &seen) => {
            Renewal::Unsettled { plan, customer_id, subscription_id: seen.subscription_id }.into()
        }
        Ok(When::Now) => {
            let is_renewed = is_renewed_for(&plan, &seen);
            let RenewableSeen { subscription_id, items, ends_at, .. } = seen;
            let there = There { subscription_id, items, ends_at, is_renewed };
            Renewal::Found { plan, customer_id, account_is_linked, there }.into()
        }
    }
}

/// This very deal has renewed it, and only the ledger has forgotten that.
fn is_renewed_for(plan: &Plan, seen: &RenewableSeen) -> bool {
    seen.renewed_for.as_ref() == Some(&plan.opportunity_id)
}

#[derive(Debug, PartialEq, Eq)]
enum When {
    /// It is the last period before the term, or the change was made.
    Now,
    Later(Timestamp),
}

/// Whether the subscription can go on with the deal: the same customer, currency and rhythm, and the term begins where it ends.
fn fits(plan: &Plan, customer_id: &CustomerId, seen: &RenewableSeen, at: Timestamp) -> Result<When, Stop> {
    let id = &seen.subscription_id;
    let differs = |why: String| {
        let message = format!(
            "{why} Make them fit; or let {id} end before the renewal's first day, then change the opportunity's type, so that it \
             begins a subscription of its own."
        );
        Err(Stop::refused(Code::RenewalDiffers, message))
    };
    let Some(term) = &plan.subscription else {
        return differs("The renewal has no term.".to_owned());
    };
    if seen.is_over {
        let message = format!(
            "Stripe subscription {id} was canceled, or ended, before it was renewed: change the opportunity's type, so that it \
             begins a subscription of its own."
        );
        return Err(Stop::refused(Code::RenewalOver, message));
    }
    if seen.customer_id.as_ref() != Some(customer_id) {
        return differs(format!(
            "Stripe subscription {id} is another customer's than {customer_id}, who has the account's deals."
        ));
    }
    if seen.currency != plan.total.currency() {
        return differs(format!(
            "Stripe subscription {id} is in {}, and the renewal in {}: a subscription keeps its currency.",
            seen.currency,
            plan.total.currency()
        ));
    }
    let has_its_rhythm = |item: &ItemSeen| item.months == Some(term.every.months());
    if !seen.items.iter().all(has_its_rhythm) {
        return differs(format!(
            "Stripe subscription {id} is not billed {}.",
            Interval::as_str(term.every).to_lowercase()
        ));
    }
    if is_renewed_for(plan, seen) {
        return Ok(When::Now);
    }
    if let Some(oddity) = seen.oddity {
        return differs(format!("Stripe subscription {id} {oddity}, and would not be billed as the deal says."));
    }
    let from = term.start;
    if let Some(other) = seen.renewed_for.as_ref().filter(|_| seen.renewed_from == Some(from)) {
        let message =
            format!("Opportunity {other} already renews {id} from {from} on: take back the one that is wrong.");
        return Err(Stop::refused(Code::RenewalDiffers, message));
    }
    let starts_at = term.starts_at();
    if seen.ends_at.is_some_and(|ends_at| ends_at != starts_at) {
        return differs(format!(
            "Stripe subscription {id} does not end on the day before {}, where the renewal begins.",
            term.start
        ));
    }
    if term.ends_at().is_some_and(|ends_at| !is_boundary(seen, term.every, ends_at)) {
        return differs(format!(
            "The renewal does not end with a period of Stripe subscription {id}, which counts its months from {}: Stripe would \
             bill a part of one.",
            seen.begun_at.map(|at| at.to_string()).unwrap_or_default()
        ));
    }
    let mut ends: Vec<_> = seen.items.iter().map(|item| item.period_end).collect();
    ends.dedup();
    match ends[..] {
        [end] if end == starts_at && starts_at.duration_since(at) > LATEST => Ok(When::Now),
        [end] if end == starts_at => {
            let message = format!(
                "It is too late to renew {id} from {} on: if it ends then, change the opportunity's type after that; if it goes on, \
                 give the renewal a later first day.",
                term.start
            );
            Err(Stop::refused(Code::RenewalDiffers, message))
        }
        [end] if end < starts_at && at < starts_at => {
            Ok(When::Later(end.max(at).saturating_add(TURNS_WITHIN).unwrap_or(starts_at)))
        }
        _ => differs(format!("Stripe subscription {id} has no period that ends on the day before {}.", term.start)),
    }
}

/// Whether a period ends then: each is counted from the first day of all, the 31st, the last of February, the 31st again.
fn is_boundary(seen: &RenewableSeen, every: Interval, at: Timestamp) -> bool {
    let Some(begun_at) = seen.begun_at else { return false };
    let start = TimeZone::UTC.to_datetime(begun_at).date();
    let whole = mapping::Subscription { start, every, periods: None };
    (0..MOST_PERIODS * 2).map(|index| whole.period(index).end).take_while(|end| *end <= at).last() == Some(at)
}
