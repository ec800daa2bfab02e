//! Deals with recurring lines. What people do is what they do in every other history; these deals are sold for a term.

use std::collections::BTreeMap;

use domain::{Currency, OpportunityId, PriceId};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::catalogue::{major, step};
use super::{Act, Scenario};
use crate::model::salesforce::{Opportunity, Term};
use crate::model::stripe::Price;
use crate::random::Random;

/// A subscription takes no more lines of each kind.
const MOST_LINES: usize = 20;

const DAY_S: i64 = 24 * 3600;

/// What each line came to before and after.
type Totals = BTreeMap<(OpportunityId, usize), (Option<Decimal>, Option<Decimal>)>;

/// Three of four deals get a term. It began up to six weeks before anything here is won, or begins while deals are won.
pub(super) fn turn(random: &mut Random, often: &mut Random, scenario: &mut Scenario, start: Timestamp) {
    scenario.settings.subscriptions = mapping::Subscriptions::ClosedWon;
    let deals: Vec<Opportunity> = scenario.models.salesforce.opportunities().cloned().collect();
    let mut totals = Totals::new();
    let mut periods_of: BTreeMap<OpportunityId, u32> = BTreeMap::new();
    for mut deal in deals {
        if !random.chance(750) || deal.lines.is_empty() || deal.lines.len() > MOST_LINES {
            continue;
        }
        let days = random.between(-42, 6);
        let first = start.saturating_add(SignedDuration::from_secs(days * DAY_S)).unwrap_or(start);
        // A quarter of a year or more would not end here; a month may have begun twice.
        let (every, periods) = *random.pick(&[(1, 3), (1, 12), (3, 4), (12, 1)]);
        let has_end = !random.chance(150);
        let periods = has_end.then_some(periods);
        deal.term = Some(Term { start: TimeZone::UTC.to_datetime(first).date(), every, periods, stub: 0 });
        let single = scenario.models.salesforce.org_currency.clone();
        let currency = if scenario.settings.multi_currency { deal.currency.clone() } else { single };
        for index in 0..deal.lines.len() {
            let before = deal.lines[index].total;
            if index == 0 || random.chance(600) {
                // A line more often than the first, now and then.
                let shorter: Vec<u32> = [1, 3, 6].into_iter().filter(|months| *months < every).collect();
                if index > 0 && !shorter.is_empty() && often.chance(500) {
                    deal.lines[index].every = Some(*often.pick(&shorter));
                }
                recur(random, scenario, &mut deal, index, &currency);
            }
            totals.insert((deal.id.clone(), index), (before, deal.lines[index].total));
        }
        // Of what is billed by the quarter, two have begun only if it began longer ago.
        if deal.lines.iter().any(|line| line.every.is_some()) && often.chance(500) {
            deal.term = deal.term.map(|term| Term { start: earlier(term.start, often.between(60, 200)), ..term });
        }
        let grown: Decimal = totals_of(&totals, &deal.id).map(|(before, after)| after - before).sum();
        deal.amount = deal.amount.map(|amount| amount + grown);
        periods_of.insert(deal.id.clone(), periods.unwrap_or(1));
        scenario.models.salesforce.add_opportunity(deal);
    }
    for (_, act) in &mut scenario.acts {
        let Act::EditLine { deal, line, total } = act else { continue };
        let Some(periods) = periods_of.get(deal) else { continue };
        match totals.get(&(deal.clone(), *line)) {
            // It is set back.
            Some((Some(before), Some(after))) if before == total => *total = *after,
            // Somebody who edits a price edits that of a period, mostly.
            _ if random.chance(700) => *total *= Decimal::from(*periods),
            _ => {}
        }
    }
    for (deal, periods) in &periods_of {
        let won = scenario.acts.iter().find(|(_, act)| *act == Act::Win(deal.clone()));
        let at = won.map_or(start, |(at, _)| *at);
        if random.chance(60) {
            scenario.acts.push((at, Act::CancelSubscription { deal: deal.clone(), tries: 40 }));
        }
        // An edit while its subscription is begun and sent, and second thoughts about it.
        if let (Some((_, Some(total))), true) = (totals.get(&(deal.clone(), 0)), random.chance(300)) {
            let edited_at = later(random, at, 15_000);
            let edited = *total + Decimal::from(*periods);
            scenario.acts.push((edited_at, Act::EditLine { deal: deal.clone(), line: 0, total: edited }));
            if random.chance(700) {
                let back_at = later(random, edited_at, 20_000);
                scenario.acts.push((back_at, Act::EditLine { deal: deal.clone(), line: 0, total: *total }));
            }
        }
    }
}

fn earlier(day: Date, days: i64) -> Date {
    day.checked_sub(jiff::Span::new().days(days)).expect("a history is of this century")
}

fn later(random: &mut Random, at: Timestamp, most_ms: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_millis(random.between(500, most_ms))).unwrap_or(at)
}

fn totals_of<'a>(totals: &'a Totals, deal: &'a OpportunityId) -> impl Iterator<Item = (Decimal, Decimal)> + 'a {
    let of_deal = totals.iter().filter(move |((id, _), _)| id == deal);
    of_deal.map(|(_, (before, after))| (before.unwrap_or_default(), after.unwrap_or_default()))
}

/// The line's total is that of the whole term. Half of them are at a price that the catalogue has for the period.
fn recur(random: &mut Random, scenario: &mut Scenario, deal: &mut Opportunity, index: usize, currency: &str) {
    let term = deal.term.as_ref().expect("it was given one");
    let every = deal.lines[index].every.unwrap_or(term.every);
    let periods = term.periods.map_or(1, |periods| periods * term.every / every);
    let number = scenario.models.stripe.catalogue.prices.len();
    let line = &mut deal.lines[index];
    line.is_recurring = true;
    let named = line.price.as_deref().and_then(|id| PriceId::parse(id).ok());
    let known = named.and_then(|id| scenario.models.stripe.catalogue.prices.get(&id).cloned());
    let is_whole = line.quantity.is_integer();
    if let (Some(known), true) = (known, is_whole && random.chance(500)) {
        let each = random.between(1, 3000).saturating_mul(step(currency));
        let price = PriceId::parse(&format!("price_r{number}")).expect("a prefix and digits");
        let currency_id = Currency::parse(currency).expect("one of four");
        let months = Some(every);
        let there = Price { unit_amount: each.into(), months, currency: currency_id, lookup_key: None, ..known };
        scenario.models.stripe.catalogue.prices.insert(price.clone(), there);
        line.price = Some(price.to_string());
        line.total = Some(major(each, currency) * line.quantity * Decimal::from(periods));
    } else {
        line.total = line.total.map(|total| total * Decimal::from(periods));
    }
}
