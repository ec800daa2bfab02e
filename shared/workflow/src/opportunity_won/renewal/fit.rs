//! Whether a subscription can go on with a deal, and when.

use std::collections::BTreeMap;

use domain::CustomerId;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mapping::{Code, Interval, MOST_PERIODS, Plan, Proration, Stop};

use super::{Renewal, There, Within};
use crate::opportunity_won::customer::{self, Apart, Linked};
use crate::opportunity_won::{Basket, Point};
use crate::{InvoiceSeen, InvoiceStatus, ItemSeen, RenewableSeen};

/// Stripe makes the invoice of a period when it begins, and changes the period's end with it.
const TURNS_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// By so much may a clock here be ahead of Stripe's, for which no day is to come that it prorates from.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);

/// One whose period has not turned by then does not turn by itself any more.
const TURNS_AT_LAST: SignedDuration = SignedDuration::from_hours(24);

/// A change that is asked for later than this may come after the period that it is made in.
pub(in super::super) const LATEST: SignedDuration = SignedDuration::from_hours(1);

/// The customer that the account's subscriptions in the plan's currency are looked for at.
pub(super) struct Whose {
    pub(super) customer_id: CustomerId,
    pub(super) account_is_linked: bool,
    pub(super) is_apart: bool,
}

/// Which of them goes on, and when.
pub(super) fn chosen(plan: Plan, whose: Whose, mut found: Vec<RenewableSeen>, at: Timestamp) -> Point {
    let Whose { customer_id, account_is_linked, is_apart } = whose;
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
                "Stripe customer {customer_id} has no subscription that this deployment began. If the account has it by another customer, write \
                 its id into Renewal Stripe Sub Id; else let what there is end, then change the opportunity's type, so that it begins a \
                 subscription of its own."
            ),
        };
        return claimed().stopped(Stop::refused(Code::RenewalNotFound, message));
    };
    if seen.sold_once.contains_key(&plan.opportunity_id) && !is_renewed_for(&plan, &seen) {
        let message = format!(
            "Stripe subscription {} was renewed by this deal, with what it sells once, and another deal has changed it since: compare it with \
             both, and correct it by hand.",
            seen.subscription_id
        );
        return claimed().stopped(Stop::review(Code::RenewalDiffers, message));
    }
    if let Some(owner) = seen.customer_id.clone().filter(|owner| *owner != customer_id && !seen.is_over) {
        return Renewal::Elsewhere { plan, customer_id, owner, is_apart }.into();
    }
    match fits(&plan, &customer_id, &seen, at) {
        Err(stop) => claimed().stopped(stop),
        Ok(When::Later(until)) => Point::Scheduled { opportunity_id: plan.opportunity_id, starts_at: until },
        Ok(When::Sent) => Renewal::Unsettled { plan, customer_id, subscription_id: seen.subscription_id }.into(),
        Ok(When::Now(_)) if !seen.is_settled && !is_renewed_for(&plan, &seen) => {
            Renewal::Unsettled { plan, customer_id, subscription_id: seen.subscription_id }.into()
        }
        Ok(When::Now(within)) => {
            let is_renewed = is_renewed_for(&plan, &seen);
            let RenewableSeen { subscription_id, items, ends_at, .. } = seen;
            let there = There { subscription_id, items, ends_at, is_renewed, within };
            Renewal::Found { plan, customer_id, account_is_linked, there }.into()
        }
    }
}

/// Another customer than the account's has the subscription. It may be the account's own for that currency, of which nobody remembers.
pub(super) fn owned(
    plan: Plan,
    customer_id: &CustomerId,
    owner: CustomerId,
    is_apart: bool,
    metadata: Option<&BTreeMap<String, String>>,
) -> Point {
    let says = |key: &str| metadata.and_then(|metadata| metadata.get(key)).map(String::as_str);
    let is_accounts = says("sf_account_id") == Some(plan.account_id.as_str());
    match says("sf_currency") {
        // Its run finds it, remembers it, and tells it what the account says.
        Some(currency) if is_accounts && !is_apart && currency == plan.total.currency().to_stripe() => {
            let apart = Apart::of(&plan);
            return Point::CurrencyTaken { opportunity_id: plan.opportunity_id, apart };
        }
        // The account had it before.
        None if is_accounts => return customer::billing(plan, owner, Linked::Apart, Basket::default()),
        _ => {}
    }
    let named = plan.renews.as_ref().and_then(|renews| renews.subscription_id.as_ref());
    let message = format!(
        "Stripe subscription {} is customer {owner}'s, and the account's deals are billed to {customer_id}. Correct Renewal Stripe Sub Id; or let \
         the subscription end before the renewal's first day, then change the opportunity's type, so that it begins a subscription of its own.",
        named.map(ToString::to_string).unwrap_or_default()
    );
    Point::claimed(plan).stopped(Stop::refused(Code::RenewalDiffers, message))
}

/// This very deal has renewed it, and only the ledger has forgotten that.
fn is_renewed_for(plan: &Plan, seen: &RenewableSeen) -> bool {
    seen.renewed_for.as_ref() == Some(&plan.opportunity_id)
}

#[derive(Debug, PartialEq, Eq)]
enum When {
    /// It is the last period before the term, or the one that it begins inside of; or the change was made.
    Now(Option<Within>),
    Later(Timestamp),
    /// When its last invoice is sent.
    Sent,
}

/// Whether the subscription can go on with the deal: the same customer, currency and rhythm, and the term ends with a period.
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
        return differs(format!("Stripe does not say whose subscription {id} is."));
    }
    if seen.currency != plan.total.currency() {
        return differs(format!(
            "Stripe subscription {id} is in {}, and the renewal in {}: a subscription keeps its currency.",
            seen.currency,
            plan.total.currency()
        ));
    }
    let mut rhythms: Vec<_> = seen.items.iter().map(|item| item.months).collect();
    rhythms.sort_unstable();
    rhythms.dedup();
    if rhythms.len() > 1 {
        let message = format!(
            "Stripe subscription {id} is billed by several frequencies, and no renewal can change it: let it end before the renewal's first \
             day, then change the opportunity's type, so that it begins a subscription of its own."
        );
        return Err(Stop::refused(Code::RenewalDiffers, message));
    }
    let has_its_rhythm = |item: &ItemSeen| item.months == Some(term.every.months());
    if !seen.items.iter().all(has_its_rhythm) {
        return differs(format!(
            "Stripe subscription {id} is not billed {}.",
            Interval::as_str(term.every).to_lowercase()
        ));
    }
    if is_renewed_for(plan, seen) {
        return Ok(When::Now(None));
    }
    if let Some(day) = plan.canceled_on {
        let message = format!(
            "The renewal says that {id} is canceled on {day}, and has not renewed it: empty Stripe Cancel On, and correct the term."
        );
        return Err(Stop::refused(Code::TermNotBillable, message));
    }
    if let Some(day) = seen.canceled_on.filter(|_| !planted!(RenewsTheCanceled)) {
        let message = format!(
            "Stripe subscription {id} is to end on {day}, as the opportunity says that began it or renewed it last: empty Stripe Cancel On there \
             first, if it is to go on."
        );
        return Err(Stop::refused(Code::RenewalDiffers, message));
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
    if let (Some(other), Some(later)) = (&seen.renewed_for, seen.renewed_from.filter(|later| *later > from)) {
        return differs(format!(
            "Opportunity {other} already renews {id} from {later} on, after this one's first day."
        ));
    }
    let starts_at = term.starts_at();
    if seen.ends_at.is_some_and(|ends_at| ends_at < starts_at) {
        return differs(format!("Stripe subscription {id} ends before {from}, where the renewal begins."));
    }
    if let (Some(sooner), Some(ends_at)) = (term.ends_at(), seen.ends_at)
        && sooner < ends_at
    {
        return differs(format!("The renewal ends before Stripe subscription {id} does, and would shorten it."));
    }
    if term.ends_at().is_some_and(|ends_at| !is_boundary(seen, term.every, ends_at)) {
        return differs(format!(
            "The renewal does not end with a period of Stripe subscription {id}, which counts its months from {}: Stripe would \
             bill a part of one. A term with an end begins on that day of a month.",
            seen.begun_at.map(|at| TimeZone::UTC.to_datetime(at).date().to_string()).unwrap_or_default()
        ));
    }
    let mut periods: Vec<_> = seen.items.iter().map(|item| (item.period_start, item.period_end)).collect();
    periods.dedup();
    let later = |until: Timestamp| Ok(When::Later(until.saturating_add(TURNS_WITHIN).unwrap_or(starts_at)));
    let goes_on = seen.ends_at.is_none_or(|ends_at| ends_at > starts_at);
    match periods[..] {
        [(_, end)] if end == starts_at && starts_at.duration_since(at) > LATEST => Ok(When::Now(None)),
        // Then it is changed inside the period that begins.
        [(_, end)] if end == starts_at && goes_on && at.duration_since(end) < TURNS_AT_LAST => later(end.max(at)),
        [(_, end)] if end == starts_at => {
            let message = format!(
                "It is too late to renew {id} from {from} on: it ends then, or has no period that begins then. Change the opportunity's \
                 type when it has ended, so that it begins a subscription of its own."
            );
            Err(Stop::refused(Code::RenewalDiffers, message))
        }
        [(_, end)] if end < starts_at && at < starts_at => later(end.max(at)),
        [(start, end)] if (start..end).contains(&starts_at) => {
            let last_invoice = seen.last_invoice.as_ref().map(|last| last.invoice_id.clone());
            inside(Within { starts_at: start, ends_at: end, due: None, last_invoice }, plan, seen, at)
        }
        [(start, _)] if starts_at < start => differs(format!(
            "The renewal begins on {from}, before the period that Stripe subscription {id} is in: {}, its first day, is the earliest that \
             can be billed otherwise.",
            TimeZone::UTC.to_datetime(start).date()
        )),
        _ => differs(format!("Stripe subscription {id} has no period that ends on the day before {from}.")),
    }
}

/// The term begins inside the period that the subscription is in: not before its first day, and while there is time.
fn inside(within: Within, plan: &Plan, seen: &RenewableSeen, at: Timestamp) -> Result<When, Stop> {
    let id = &seen.subscription_id;
    let refused = |message: String| Err(Stop::refused(Code::RenewalDiffers, message));
    let Some((term, renews)) = plan.subscription.as_ref().zip(plan.renews.as_ref()) else {
        return refused("The renewal has no term.".to_owned());
    };
    let starts_at = term.starts_at();
    let from = term.start;
    let begun_at = starts_at.saturating_add(CLOCKS_DIFFER).unwrap_or(starts_at);
    if at < begun_at {
        return Ok(When::Later(begun_at));
    }
    let ends_with_it = |ends_at: Option<Timestamp>| ends_at == Some(within.ends_at);
    if within.ends_at.duration_since(at) <= LATEST || planted!(RefusesToProrate) {
        let instead = match ends_with_it(seen.ends_at) {
            true => "change the opportunity's type when it has ended, so that it begins a subscription of its own",
            false => "give the renewal the first day of the next",
        };
        return refused(format!(
            "It is too late to renew {id} from {from} on, since its period is all but over: {instead}."
        ));
    }
    let is_whole = [within.starts_at, within.ends_at].iter().all(|at| is_boundary(seen, term.every, *at));
    if !is_whole {
        return refused(format!(
            "Stripe subscription {id} is in a period that is not a whole one, from {} to {}: give the renewal the first day after it, or \
             change the subscription by hand.",
            within.starts_at, within.ends_at
        ));
    }
    if renews.proration == Proration::None && starts_at == within.starts_at {
        return refused(format!(
            "It is too late to renew {id} from {from} on: that period is billed, and with Proration set to none it stays so. Set it to \
             always_invoice or create_prorations, or give the renewal the first day of the next period."
        ));
    }
    if renews.proration != Proration::AlwaysInvoice && ends_with_it(term.ends_at()) {
        return refused(format!(
            "The renewal ends with the period that {id} is in, so there is no later invoice that it could be billed by: set Proration to \
             always_invoice, or give it a later end."
        ));
    }
    match seen.last_invoice.as_ref().filter(|_| renews.proration != Proration::None) {
        Some(last) if last.status == InvoiceStatus::Draft => Ok(When::Sent),
        Some(last) if was_given_up(last) => refused(format!(
            "The last invoice of Stripe subscription {id}, {}, is void, written off or credited, and what is left of its period could be \
             given back once more: change the subscription by hand, or give the renewal the first day of the next period.",
            last.invoice_id
        )),
        _ => Ok(When::Now(Some(within))),
    }
}

/// Stripe would give back all the same what it billed, as far as is known.
fn was_given_up(invoice: &InvoiceSeen) -> bool {
    matches!(invoice.status, InvoiceStatus::Void | InvoiceStatus::Uncollectible)
        || invoice.credited.before + invoice.credited.after > 0
}

/// Whether a period begins or ends then: each is counted from the first day of all, the 31st, the last of February, the 31st again.
pub(in super::super) fn is_boundary(seen: &RenewableSeen, every: Interval, at: Timestamp) -> bool {
    let Some(begun_at) = seen.begun_at else { return false };
    let start = TimeZone::UTC.to_datetime(begun_at).date();
    let whole = mapping::Subscription { start, every, periods: None, stub: 0 };
    let ends = (0..MOST_PERIODS * 2).map(|index| whole.period(index).end);
    at == whole.starts_at() || ends.take_while(|end| *end <= at).last() == Some(at)
}
