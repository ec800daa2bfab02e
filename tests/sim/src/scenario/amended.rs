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

fn later(random: &mut Random, at: Timestamp, most_ms: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_millis(random.between(500, most_ms))).unwrap_or(at)
}
