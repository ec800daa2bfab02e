//! Terms that end while people act, and deals that renew their subscriptions.

use domain::{LineItemId, OpportunityId};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mapping::Proration;
use rust_decimal::Decimal;

use super::deals::id;
use super::{ACTIVE, Act, Scenario};
use crate::model::salesforce::{Automation, Contract, Line, Opportunity, Term};
use crate::random::Random;

const DAY_S: i64 = 24 * 3600;

/// Two of three deals with a term are sold for a month that has all but gone by, and most of these are renewed before it has.
pub(super) fn renew(
    random: &mut Random,
    inside: &mut Random,
    mixed: &mut Random,
    scenario: &mut Scenario,
    start: Timestamp,
) {
    scenario.settings.renewals = mapping::Renewals::Extend;
    scenario.models.salesforce.renews = true;
    let end = start.saturating_add(ACTIVE).unwrap_or(start);
    scenario.settings.proration =
        *inside.pick(&[Proration::AlwaysInvoice, Proration::CreateProrations, Proration::None]);
    scenario.models.stripe.proration = scenario.settings.proration;
    let deals: Vec<Opportunity> = scenario.models.salesforce.opportunities().cloned().collect();
    let mut number = i64::try_from(deals.len()).unwrap_or_default();
    let mut lines_made = 900_000;
    for mut deal in deals {
        let Some(term) = deal.term.clone().filter(|_| random.chance(660)) else { continue };
        let won = scenario.acts.iter().find(|(_, act)| *act == Act::Win(deal.id.clone()));
        let won_at = won.map_or(start, |(at, _)| *at);
        let first = later(won_at, -random.between(24, 28) * DAY_S);
        let first = TimeZone::UTC.to_datetime(first).date();
        let periods = term.periods.unwrap_or(1);
        deal.term = Some(Term { start: first, every: 1, periods: Some(1), stub: 0 });
        // What is renewed has one rhythm.
        deal.lines.iter_mut().for_each(|line| line.every = None);
        let ends = first.checked_add(jiff::Span::new().months(1)).expect("a history is of this century");
        scenario.models.salesforce.add_opportunity(deal.clone());
        if random.chance(800) {
            number += 1;
            let mut renewal = renewal(random, &deal, number, &mut lines_made, periods, ends);
            if inside.chance(350) {
                begin_inside(inside, &mut deal, &mut renewal, won_at);
                if deal.term.as_ref().is_some_and(|term| term.every == 3) && mixed.chance(250) {
                    mix(mixed, &mut deal, &mut renewal);
                }
                scenario.models.salesforce.add_opportunity(deal.clone());
                // What somebody leaves for the customer would come along with what the change is billed by at once.
                if let Some(account) = deal.account_id.clone().filter(|_| inside.chance(200)) {
                    let at = later(won_at, inside.between(600, 6 * 3600)).min(end);
                    scenario.acts.push((at, Act::LeavePendingItem(account)));
                }
            }
            sell(random, scenario, &deal.id, &renewal, won_at, end);
            scenario.models.salesforce.add_opportunity(renewal);
        }
    }
}

/// The renewal begins about when the deal is won, and by then the subscription is a month into its quarter, or some days into a month of
/// one without an end.
fn begin_inside(random: &mut Random, deal: &mut Opportunity, renewal: &mut Opportunity, won_at: Timestamp) {
    let day = TimeZone::UTC.to_datetime(later(won_at, random.between(-2, 2) * DAY_S)).date();
    let months = renewal.term.as_ref().and_then(|term| term.periods).unwrap_or(1);
    // A renewal's lines were priced for so many periods of the deal's.
    let each = |line: &Line| line.total.map(|total| total / Decimal::from(months));
    if random.chance(250) {
        let first =
            day.checked_sub(jiff::Span::new().days(random.between(0, 20))).expect("a history is of this century");
        deal.term = Some(Term { start: first, every: 1, periods: Some(1).filter(|_| random.chance(500)), stub: 0 });
        renewal.term = Some(Term { start: day, every: 1, periods: None, stub: 0 });
        renewal.lines.iter_mut().filter(|line| line.is_recurring).for_each(|line| line.total = each(line));
    } else {
        let first = day.checked_sub(jiff::Span::new().months(1)).expect("a history is of this century");
        deal.term = Some(Term { start: first, every: 3, periods: Some(1), stub: 0 });
        let periods = *random.pick(&[0, 1]);
        let term = Term { start: day, every: 3, periods: Some(periods), stub: 2 };
        // By the quarter three times as much, or as much as it was: that may leave a fraction, and is refused.
        let parts = if random.chance(700) { 1 } else { 3 };
        for line in renewal.lines.iter_mut().filter(|line| line.is_recurring) {
            line.total =
                each(line).map(|total| (total * Decimal::from(term.months()) / Decimal::from(parts)).round_dp(2));
        }
        renewal.term = Some(term);
    }
    renewal.amount = Some(renewal.lines.iter().filter_map(|line| line.total).sum());
}

/// The second of its lines is billed by the month and not by the quarter: of the renewal, or of what it renews. Neither can go on so.
fn mix(random: &mut Random, deal: &mut Opportunity, renewal: &mut Opportunity) {
    let sold = if random.chance(500) { renewal } else { deal };
    let mut recurring = sold.lines.iter_mut().filter(|line| line.is_recurring);
    let (Some(_), Some(line)) = (recurring.next(), recurring.next()) else { return };
    line.every = Some(1);
    line.total = line.total.map(|total| total * Decimal::from(3));
    sold.amount = Some(sold.lines.iter().filter_map(|line| line.total).sum());
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

/// The recurring lines once more: as they are, at another total, without the last one, or with one that is billed once.
fn renewal(
    random: &mut Random,
    deal: &Opportunity,
    number: i64,
    lines_made: &mut i64,
    periods: u32,
    start: jiff::civil::Date,
) -> Opportunity {
    let months = *random.pick(&[1, 3]);
    let mut lines: Vec<Line> = deal.lines.iter().filter(|line| line.is_recurring).cloned().collect();
    match random.below(10) {
        0..4 => {}
        4..7 => lines[0].total = lines[0].total.map(|total| total * Decimal::from(2 * periods)),
        7..9 if lines.len() > 1 => drop(lines.pop()),
        _ => lines.extend(deal.lines.iter().find(|line| !line.is_recurring).cloned()),
    }
    for line in &mut lines {
        *lines_made += 1;
        line.id = LineItemId::parse(&id("00k", *lines_made)).expect("fifteen characters");
        if line.is_recurring {
            line.total = line.total.map(|total| total * Decimal::from(months));
        }
    }
    Opportunity {
        id: OpportunityId::parse(&id("006", number)).expect("fifteen characters"),
        kind: Some("Renewal".into()),
        amount: Some(lines.iter().filter_map(|line| line.total).sum()),
        lines,
        term: Some(Term { start, every: 1, periods: Some(months), stub: 0 }),
        // It was signed before.
        contract: if deal.contract == Contract::NotNeeded {
            Contract::NotNeeded
        } else {
            Contract::Activated(deal.modified)
        },
        automation: Automation::None,
        ..deal.clone()
    }
}

/// Won while the term lasts, mostly; and a person says what it renews, before or after.
fn sell(
    random: &mut Random,
    scenario: &mut Scenario,
    deal: &OpportunityId,
    renewal: &Opportunity,
    won_at: Timestamp,
    end: Timestamp,
) {
    let at = later(won_at, random.between(60, 2 * DAY_S));
    let mut act = |at: Timestamp, act: Act| scenario.acts.push((at.min(end), act));
    let id = || renewal.id.clone();
    act(at, Act::Win(id()));
    match random.below(10) {
        0..5 => act(later(at, -random.between(1, 60)), Act::NameRenewed { deal: id(), from: deal.clone() }),
        5..8 => act(later(at, random.between(1, 6 * 3600)), Act::NameRenewed { deal: id(), from: deal.clone() }),
        _ => {}
    }
    let after = later(at, random.between(1, 12 * 3600));
    match random.below(20) {
        0..2 => act(after, Act::Reopen(id())),
        2..5 => {
            let total = renewal.lines[0].total.unwrap_or_default() * Decimal::from(2);
            act(after, Act::EditLine { deal: id(), line: 0, total });
        }
        5..7 => act(after, Act::Touch(id())),
        7..9 => act(after, Act::Approve(id())),
        9 => act(after, Act::CancelSubscription { deal: deal.clone(), tries: 1 }),
        _ => {}
    }
}
