//! Contracts of deals with recurring lines, in organizations where they begin the subscription.

use jiff::{SignedDuration, Timestamp};

use super::{ACTIVE, Act, Scenario};
use crate::model::salesforce::{Contract, Opportunity};
use crate::random::Random;

/// In a third of these histories. A contract is activated before its deal is won, soon after, days after, or never; half of the time
/// nothing tells of it.
pub(super) fn draw_up(random: &mut Random, scenario: &mut Scenario, start: Timestamp) {
    if !random.chance(333) {
        return;
    }
    scenario.settings.subscriptions = mapping::Subscriptions::ContractActivated;
    let end = start.saturating_add(ACTIVE).unwrap_or(start);
    let deals: Vec<Opportunity> = scenario.models.salesforce.opportunities().cloned().collect();
    for mut deal in deals.into_iter().filter(|deal| deal.term.is_some()) {
        let won = scenario.acts.iter().find(|(_, act)| *act == Act::Win(deal.id.clone()));
        let won_at = won.map_or(start, |(at, _)| *at);
        let seconds = match random.below(10) {
            0 => None,
            1 => Some(-random.between(1, 3600)),
            2..6 => Some(random.between(0, 30)),
            6..8 => Some(random.between(60, 6 * 3600)),
            _ => Some(random.between(24 * 3600, 5 * 24 * 3600)),
        };
        if let Some(seconds) = seconds {
            let at = won_at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(won_at);
            let act = Act::ActivateContract { deal: deal.id.clone(), is_told: random.chance(500) };
            scenario.acts.push((at.clamp(start, end), act));
        }
        deal.contract = Contract::Draft;
        scenario.models.salesforce.add_opportunity(deal);
    }
}
