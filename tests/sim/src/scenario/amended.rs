//! Deals that are changed when they have been billed, and second thoughts about that: set back, lost, paid or changed once more
//! while the first invoice is replaced.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::{Act, Scenario};
use crate::random::Random;

pub(super) fn amend(random: &mut Random, scenario: &mut Scenario) {
    scenario.settings.amendments = mapping::Amendments::VoidAndReissue;
    scenario.models.amends = true;
    let wins = scenario.acts.iter().filter_map(|(at, act)| match act {
        Act::Win(deal) => Some((*at, deal.clone())),
        _ => None,
    });
    let wins: Vec<_> = wins.collect();
    for (won_at, deal) in wins {
        let lines = scenario.models.salesforce.opportunity(&deal).map(|deal| deal.lines.clone()).unwrap_or_default();
        let Some(total) = lines.first().and_then(|line| line.total) else { continue };
        if !random.chance(500) {
            continue;
        }
        let edit = |total: Decimal| Act::EditLine { deal: deal.clone(), line: 0, total };
        // While it is billed, when it has just been, or days later.
        let most_ms = *random.pick(&[20_000, 600_000, 3 * 24 * 3_600_000]);
        let edited_at = later(random, won_at, most_ms);
        scenario.acts.push((edited_at, edit(total + Decimal::ONE)));
        let after = later(random, edited_at, 20_000);
        match random.below(10) {
            0..3 => scenario.acts.push((after, edit(total))),
            3..5 => scenario.acts.push((after, edit(total + Decimal::TWO))),
            8 => scenario.acts.push((after, Act::Reopen(deal))),
            5..8 => scenario.acts.push((after, Act::Pay { deal, tries: 3 })),
            _ => {}
        }
    }
}

/// Whoever pays early has paid when the deal is changed; and some get their money back, before or after.
pub(super) fn credit(random: &mut Random, parts: &mut Random, scenario: &mut Scenario) {
    scenario.settings.amendments = mapping::Amendments::CreditAndReissue;
    (scenario.models.credits, scenario.models.salesforce.credits) = (true, true);
    // In one history of three, who has a card is charged.
    if random.chance(333) {
        scenario.settings.collection = mapping::Collection::ChargeAutomatically;
        scenario.models.stripe.charges = true;
    }
    let edits = scenario.acts.iter().filter_map(|(at, act)| match act {
        Act::EditLine { deal, .. } => Some((*at, deal.clone())),
        _ => None,
    });
    let edits: Vec<_> = edits.collect();
    for (edited_at, deal) in edits {
        if random.chance(600) {
            // Just before, or when it may be voided at this moment.
            let before_ms = random.between(-3_000, 20_000);
            let paid_at = edited_at.saturating_sub(SignedDuration::from_millis(before_ms)).unwrap_or(edited_at);
            scenario.acts.push((paid_at, Act::Pay { deal: deal.clone(), tries: 2 }));
        }
        if parts.chance(250) {
            let paid_at = edited_at.saturating_sub(SignedDuration::from_millis(parts.between(-4_000, 20_000)));
            scenario.acts.push((paid_at.unwrap_or(edited_at), Act::PayPart(deal.clone())));
        }
        if random.chance(150) {
            let refunded_at = edited_at.saturating_sub(SignedDuration::from_millis(random.between(-10_000, 10_000)));
            scenario.acts.push((refunded_at.unwrap_or(edited_at), Act::Refund(deal)));
        }
    }
}

fn later(random: &mut Random, at: Timestamp, most_ms: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_millis(random.between(500, most_ms))).unwrap_or(at)
}
