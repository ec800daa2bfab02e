//! What a change inside a period is billed by at once: whether Stripe's preview of it is what the deal says.

use domain::{Money, PriceId};
use jiff::Timestamp;
use mapping::{Code, Proration, Stop, TaxBehavior};
use rust_decimal::Decimal;

use super::{Renewal, There, Within, items};
use crate::opportunity_won::{Item, ItemPrice, Point, Start};
use crate::{Extension, ItemChange, NewLine, PreviewSeen};

/// Stripe makes an invoice of what is prorated. Where nothing is, it makes none.
pub(super) fn is_billed_at_once(start: &Start, there: &There) -> bool {
    items::extension(start, there).proration == Proration::AlwaysInvoice && !planted!(ChangesUnpreviewed)
}

/// Only what the deal says is billed, and for no other time.
pub(super) fn previewed(start: Start, there: There, seen: &PreviewSeen) -> Point {
    let Some(within) = there.within.clone() else { return Point::claimed(start.plan) };
    match objection(&start, &there, &within, seen) {
        Some(stop) => Point::claimed(start.plan).stopped(stop),
        None => {
            let within = Some(Within { due: Some(seen.total), ..within });
            Renewal::Ready { start, there: There { within, ..there }, interrupted: false }.into()
        }
    }
}

fn objection(start: &Start, there: &There, within: &Within, seen: &PreviewSeen) -> Option<Stop> {
    let id = &there.subscription_id;
    let Extension { items: changes, once, .. } = items::extension(start, there);
    // That a preview shows it as it will be billed is not written down for what is sold once.
    let instead = match once.is_empty() {
        true => "",
        false => " If there is nothing of the kind, sell what is billed once by an opportunity of another type.",
    };
    if seen.brings_more {
        let message = format!(
            "Something else would come with what the renewal is billed by at once, most likely invoice items that wait for Stripe \
             subscription {id} or its customer: invoice or delete them, then send the event again.{instead}"
        );
        return Some(Stop::refused(Code::PendingItems, message));
    }
    let from = start.plan.subscription.as_ref()?.starts_at();
    let currency = start.plan.total.currency();
    let stop = |why: String| {
        let message = format!(
            "Stripe would not bill the rest of the period of subscription {id} from {from} on as the deal says: {why}. Look at the \
             subscription's last invoices, and change it by hand; or give the renewal the first day of a period.{instead}"
        );
        Some(Stop::refused(Code::RenewalDiffers, message))
    };
    if seen.currency != currency {
        return stop(format!("it would be in {}", seen.currency));
    }
    let money = |minor_units| Money::from_minor_units(minor_units, currency);
    let added = if start.plan.tax == Some(TaxBehavior::Exclusive) { seen.added_tax } else { 0 };
    let sum = seen.lines.iter().map(|line| line.amount).fold(added, i64::saturating_add);
    if seen.is_whole && sum != seen.total {
        return stop(format!(
            "it would come to {}, and its lines to {}, most likely by a discount or a tax of the customer",
            money(seen.total),
            money(sum)
        ));
    }
    for NewLine { line, .. } in &once {
        let billed: Vec<_> = seen.lines.iter().filter(|seen| seen.sold_once.as_ref() == Some(&line.key)).collect();
        let is_unseen = billed.is_empty() && !seen.is_whole;
        if !is_unseen && !matches!(billed[..], [one] if one.amount == line.amount.minor_units()) {
            let charged = billed.iter().map(|one| one.amount).fold(0, i64::saturating_add);
            return stop(format!("for {} it would be {}, and not {}", line.description, money(charged), line.amount));
        }
    }
    let prorated: Vec<_> = seen.lines.iter().filter(|line| line.sold_once.is_none()).collect();
    if prorated.iter().any(|line| line.starts_at < from || line.ends_at > within.ends_at) {
        return stop("other days would be billed as well".to_owned());
    }
    let changed = changes.iter().filter(|change| items::changes_anything(change, there));
    let new = changed.filter_map(|change| match change {
        ItemChange::Keep { item, .. } | ItemChange::Add { item } => Some(&item.price_id),
        ItemChange::Drop { .. } => None,
    });
    let new: Vec<_> = new.collect();
    let is_new = |price_id: &Option<PriceId>| price_id.as_ref().is_some_and(|price_id| new.contains(&price_id));
    if prorated.iter().any(|line| line.amount > 0 && !is_new(&line.price_id)) {
        return stop("it would bill what does not change".to_owned());
    }
    for price_id in new {
        let is_its = |item: &&Item| matches!(&item.price, ItemPrice::Known(known) if known == price_id);
        let each = start.basket.items.iter().find(is_its).map_or(0, |item| start.each(item));
        let wanted = share(each, from, within);
        let charges = prorated.iter().filter(|line| line.price_id.as_ref() == Some(price_id) && line.amount > 0);
        let charged: i64 = charges.map(|line| line.amount).fold(0, i64::saturating_add);
        // How Stripe rounds a half is not written down.
        let is_unseen = charged == 0 && !seen.is_whole;
        let is_right = is_unseen || wanted.is_some_and(|wanted| (Decimal::from(charged) - wanted).abs() < Decimal::ONE);
        if !is_right {
            return stop(format!("for {price_id} it would be {}, of {} a period", money(charged), money(each)));
        }
    }
    None
}

/// What the rest of the period costs of what costs this much for the whole: by the second, as Stripe counts it.
fn share(each: i64, from: Timestamp, within: &Within) -> Option<Decimal> {
    let rest = Decimal::from(within.ends_at.as_second() - from.as_second());
    let whole = Decimal::from(within.ends_at.as_second() - within.starts_at.as_second());
    Decimal::from(each).checked_mul(rest)?.checked_div(whole)
}
