//! A deal with recurring lines: from the prices of its subscription to what its first invoice must come to.

use std::collections::BTreeMap;

use domain::{CustomerId, Money, SubscriptionId, SubscriptionItemId};
use mapping::{Code, Interval, Plan, Settings, Stop, Subscription, midnight};
use serde::{Deserialize, Serialize};

use super::basket::{ItemPrice, Start};
use super::{Draft, Point, Stage, customer, judge};
use crate::{Fact, InvoiceSeen, InvoiceStatus, ItemSeen, SubscriptionSeen};

/// A subscription of ours whose first invoice is a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    pub subscription_id: SubscriptionId,
    /// What each item costs a period, in minor units.
    pub items: Vec<(SubscriptionItemId, i64)>,
    /// How many periods had begun when it was made: the first invoice bills them all.
    pub periods: u32,
    /// Which items are billed more often, how often, and how many of their periods had begun.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub more_often: BTreeMap<SubscriptionItemId, (Interval, u32)>,
    /// A later invoice is there as well, so that canceling it would not undo what it bills.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_billed_more: bool,
}

/// What a fact means at the points that only deals with recurring lines come to; given back if it is none of them.
pub(super) fn record(point: Point, fact: Fact, _: &Settings) -> Result<Point, Box<(Point, Fact)>> {
    Ok(match (point, fact) {
        (Point::InvoiceNamed { plan, stop, noted, .. }, Fact::InvoiceRead(seen))
            if plan.subscription.is_some() && seen.subscription_id.is_some() =>
        {
            Point::SubscriptionNamed { plan, seen, stop, noted }
        }
        (Point::SubscriptionNamed { mut plan, seen, stop, noted }, Fact::SubscriptionRead(there)) => {
            match is_term(&plan, &there) {
                true => {
                    plan.canceled_on = plan.canceled_on.filter(|day| there.ends_at == Some(midnight(*day)));
                    judge::invoice_named(plan, stop, noted, &seen)
                }
                false => Point::claimed(plan).stopped_noted(stop, noted),
            }
        }
        (Point::SubscriptionNamed { plan, stop, noted, .. }, Fact::InvoiceMissing | Fact::Refused(_)) => {
            Point::claimed(plan).stopped_noted(stop, noted)
        }
        // Subscription: its prices, and then the one whose first invoice is a draft that only we send.
        (Point::Pricing { start, looked: false }, Fact::PricesRead(prices)) => priced(start.settle(&prices), true),
        (Point::Pricing { start, .. }, Fact::PriceCreated(price)) => match start.made(&price) {
            Ok(start) => priced(start, true),
            Err(other) => Point::claimed(other.0).stopped(other.1),
        },
        // Whatever waits for the customer would come with the first invoice, and go with it.
        (Point::Subscribing { start, .. }, Fact::PendingRead { is_any: true }) => {
            let message = format!(
                "Invoice items wait for Stripe customer {}, and would come with the first invoice of the deal's \
                     subscription: invoice or delete them, then send the event again.",
                start.customer_id
            );
            Point::claimed(start.plan).stopped(Stop::refused(Code::PendingItems, message))
        }
        (Point::Subscribing { start, interrupted, .. }, Fact::PendingRead { is_any: false }) => {
            Point::Subscribing { start, interrupted, is_clear: true }
        }
        (Point::Subscribing { start, interrupted, .. }, Fact::SubscriptionRead(seen)) => {
            started(start, *seen, interrupted)
        }
        // Since it was to be, the deal may have changed, and something may wait for the customer.
        (Point::Subscribing { start, .. }, Fact::SubscriptionNotBegun) => Point::claimed(start.plan),
        (Point::Subscribing { start, .. }, Fact::CustomerMissing) => {
            let Start { plan, customer_id, is_apart, .. } = start;
            let apart = is_apart.then(|| customer::Apart::of(&plan));
            Point::CustomerGone { opportunity_id: plan.opportunity_id, customer_id, apart }
        }
        (Point::Subscribing { start, .. }, Fact::NotApproved { ceiling, total }) => {
            let stop = judge::above(&start.plan, ceiling, total);
            Point::claimed(start.plan).stopped(stop)
        }
        (Point::Subscribing { start, .. }, Fact::Refused(why)) => customer::currencies_combined(start, why.stop),
        (Point::Pricing { start, .. }, Fact::Refused(why)) => Point::claimed(start.plan).stopped(why.stop),
        // One that was begun without our knowing may be another deal's by now.
        (Point::Holding { draft, interrupted: true }, Fact::InvoiceRead(seen))
            if seen.status == InvoiceStatus::Draft =>
        {
            Point::Comparing { draft, seen, stage: Stage::Gate {} }
        }
        // Stripe has sent it by itself, and what has become of the subscription since is not known.
        (Point::Holding { draft, .. }, Fact::InvoiceRead(seen)) if seen.status != InvoiceStatus::Draft => {
            Point::looking(draft, Stage::Gate {}, None)
        }
        (Point::Holding { draft, .. }, Fact::InvoiceRead(seen)) => Point::through_gate(draft, seen),
        (point @ Point::Holding { .. }, Fact::Refused(why)) => point.checking(Some(why.stop)),

        // It is not sent, and cannot be any more: then its subscription may go.
        (Point::Disarming { draft, stop }, Fact::InvoiceRead(seen)) if seen.status == InvoiceStatus::Draft => {
            Point::Abandoning { draft, stop }
        }
        // Somebody was faster.
        (Point::Disarming { draft, .. }, Fact::InvoiceRead(_) | Fact::Refused(_)) => {
            Point::looking(draft, Stage::Gate {}, None)
        }
        (Point::Reviving { draft, stage, refused }, Fact::SubscriptionRead(seen)) => {
            revived(draft, stage, refused, *seen)
        }
        unknown => return Err(Box::new(unknown)),
    })
}

pub(super) fn priced(start: Start, looked: bool) -> Point {
    let is_wanting = start.wanted().next().is_some();
    match is_wanting {
        true => Point::Pricing { start, looked },
        false => Point::Subscribing { start, interrupted: false, is_clear: planted!(IgnoresPending) },
    }
}

/// What Stripe made of it. It is looked at line by line before it is sent.
pub(super) fn started(start: Start, seen: SubscriptionSeen, interrupted: bool) -> Point {
    let SubscriptionSeen { subscription_id, items, invoice, created, .. } = &seen;
    let created = *created;
    let term = start.plan.subscription.as_ref().filter(|_| is_term(&start.plan, &seen));
    // What ended with its term bills it all the same.
    let is_canceled = seen.is_over && !(seen.has_run_out && term.is_some());
    let stop = |what: &str| {
        let message = format!(
            "Stripe subscription {subscription_id} {what}: decide whether the deal is to be billed, and by what."
        );
        Stop::review(Code::InvoiceChangedInStripe, message)
    };
    // One that is over counts as well if a customer has its invoice.
    let Some(invoice) = invoice.as_ref().filter(|invoice| !is_canceled || invoice.status.is_sent()) else {
        let stop = stop(if is_canceled { "was canceled while the deal was being billed" } else { "made no invoice" });
        return Point::claimed(start.plan).stopped(stop);
    };
    let as_agreed = |seen: &ItemSeen| {
        let known = ItemPrice::Known(seen.price_id.clone());
        let of_price = start.basket.items.iter().find(|item| item.price == known);
        of_price.or_else(|| start.basket.items.iter().find(|item| start.costs_the_same(item, seen)))
    };
    let own_periods = |seen: &ItemSeen| {
        let own = start.term_of(as_agreed(seen)?).filter(|own| term.is_some_and(|term| term.every != own.every))?;
        (!planted!(CountsByTheLongest)).then(|| (seen.item_id.clone(), (own.every, own.begun(created))))
    };
    let amount_of = |seen: &ItemSeen| as_agreed(seen).map_or(0, |item| start.each(item));
    let started = Started {
        subscription_id: subscription_id.clone(),
        items: items.iter().map(|item| (item.item_id.clone(), amount_of(item))).collect(),
        // Of one that was begun for another term, no line is the right one.
        periods: term.map_or(0, |term| term.begun(created)),
        more_often: items.iter().filter_map(own_periods).collect(),
        has_billed_more: seen.has_billed_more,
    };
    let (customer_id, account_is_linked) = billed_to(invoice, start.customer_id, start.account_is_linked);
    let draft = Draft {
        invoice_id: invoice.invoice_id.clone(),
        is_charged: false,
        account_is_linked,
        customer_id,
        once: Vec::new(),
        started: Some(Box::new(started)),
        plan: start.plan,
    };
    // First of all it is held: Stripe may have sent it by itself, or be about to.
    Point::Holding { draft, interrupted }
}

/// Whom an invoice that was found is billed to, and whether the account is left as it is: after a restore it may have been sent to a
/// customer who was deleted since, or be of a subscription of the one that the account has for its currency.
pub(super) fn billed_to(invoice: &InvoiceSeen, customer_id: CustomerId, account_is_linked: bool) -> (CustomerId, bool) {
    let is_settled = invoice.status.is_sent() || invoice.subscription_id.is_some();
    match invoice.customer_id.clone().filter(|other| is_settled && *other != customer_id) {
        Some(other) => (other, true),
        None => (customer_id, account_is_linked),
    }
}

/// From its first day to its last; or to the day that the deal says instead; or beyond, where another deal has renewed it since, which
/// shortens none.
pub(super) fn is_term(plan: &Plan, seen: &SubscriptionSeen) -> bool {
    let Some(term) = &plan.subscription else { return false };
    let is_canceled = plan.canceled_on.is_some_and(|day| seen.ends_at == Some(midnight(day)));
    let is_longer = seen.ends_at.zip(term.ends_at()).is_none_or(|(end, of_term)| end >= of_term);
    let is_renewed = is_longer && seen.renewed_from.is_some_and(|from| from >= term.start);
    seen.starts_at == Some(term.starts_at()) && (seen.ends_at == term.ends_at() || is_canceled || is_renewed)
}

/// While we were away somebody may have canceled the subscription, and then its draft is not sent.
pub(super) fn revived(mut draft: Draft, stage: Stage, refused: Option<Stop>, seen: SubscriptionSeen) -> Point {
    if let Some(started) = &mut draft.started {
        started.has_billed_more |= seen.has_billed_more;
    }
    let has_run_out = seen.has_run_out && is_term(&draft.plan, &seen);
    let subscription_id = seen.subscription_id;
    let review = |message: String| Stop::review(Code::InvoiceChangedInStripe, message);
    let Some(invoice) = seen.invoice.filter(|invoice| invoice.invoice_id == draft.invoice_id) else {
        let message = format!(
            "Stripe subscription {subscription_id} does not name invoice {} as its first one: look at both before anything is \
             done about the deal.",
            draft.invoice_id
        );
        return Point::Checking { draft, stage, refused }.stopped(review(message));
    };
    match (seen.is_over, invoice.status) {
        // Canceling it may be under way, so there is no way back; and if it is canceled, its keys are still to be given up.
        (_, InvoiceStatus::Draft) if stage == Stage::Canceling => judge::abandon(draft, refused),
        // What ended with its term bills it all the same, however long it took to get here.
        (true, InvoiceStatus::Draft) if !has_run_out => {
            let message = format!(
                "Stripe subscription {subscription_id} was canceled before its first invoice was sent: if the deal is to be \
                 billed all the same, send the event again to have another one made."
            );
            // Another worker may be about to send it all the same.
            judge::abandon(draft, Some(review(message)))
        }
        (true, InvoiceStatus::Open | InvoiceStatus::Paid) if !has_run_out => {
            let message = format!(
                "Stripe subscription {subscription_id} was canceled, and its first invoice {} is sent: decide what the rest of the \
                 term is billed by.",
                draft.invoice_id
            );
            Point::Checking { draft, stage: Stage::Gate {}, refused: None }.stopped(review(message))
        }
        _ => judge::checked(draft, stage, refused, invoice),
    }
}

impl Draft {
    pub(super) fn subscription_id(&self) -> Option<&SubscriptionId> {
        self.started.as_ref().map(|started| &started.subscription_id)
    }

    /// What the invoice must be, line by line: the key of each, and its minor units.
    pub(super) fn expected(&self) -> BTreeMap<String, i64> {
        let once = self.plan.lines.iter().filter(|line| self.started.is_none() || !line.recurring);
        let mut expected: BTreeMap<_, _> =
            once.map(|line| (line.key.as_str().to_owned(), line.amount.minor_units())).collect();
        if let (Some(started), Some(term)) = (&self.started, &self.plan.subscription) {
            for (item_id, amount) in &started.items {
                let own = started.more_often.get(item_id).copied();
                let (every, periods) = own.unwrap_or((term.every, started.periods));
                let own = Subscription { every, ..term.clone() };
                let starts = (0..periods).map(|period| own.period(period).start);
                expected.extend(starts.map(|start| (of_period(item_id, start), *amount)));
            }
        }
        expected
    }

    /// The invoice is what the deal bills with it, and what Stripe's tax makes of that.
    pub(super) fn comes_to(&self, seen: &InvoiceSeen) -> bool {
        let total = super::gate::without_added_tax(&self.plan, seen);
        match (&self.started, &self.plan.subscription) {
            (None, None) => total == self.plan.total.minor_units() && seen.subscription_id.is_none(),
            (Some(_), _) => total == self.first_total(),
            // How many periods had begun when it was made is forgotten.
            (None, Some(_)) if seen.subscription_id.is_none() => false,
            (None, Some(_)) => {
                let mut totals = self.plan.periods_begin().map(|at| self.plan.first_total(at));
                // More periods never come to less.
                totals.find(|first| *first >= total) == Some(total)
            }
        }
    }

    /// What has to be approved: the deal, and what its first invoice comes to, whichever is more. Of what goes on without an end,
    /// the deal's amount is one period.
    pub(super) fn to_be_approved(&self) -> Money {
        let total = self.plan.total;
        Money::from_minor_units(self.first_total().max(total.minor_units()), total.currency())
    }

    pub(super) fn first_total(&self) -> i64 {
        self.expected().values().fold(0, |sum, amount| sum.saturating_add(*amount))
    }
}

/// What a line of a period is found by.
pub(super) fn of_period(item_id: &SubscriptionItemId, start: jiff::Timestamp) -> String {
    format!("{item_id}@{}", start.as_second())
}
