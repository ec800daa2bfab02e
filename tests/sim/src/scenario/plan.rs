//! Who does what when.

use std::collections::BTreeMap;

use domain::OpportunityId;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::catalogue::{major, step};
use super::{ACTIVE, Act, People, Scenario};
use crate::model::salesforce::Opportunity;
use crate::random::Random;

/// The last win leaves two days for what follows.
const LAST_WIN_S: i64 = 8 * 24 * 3600;

struct Planner<'a> {
    random: &'a mut Random,
    acts: Vec<(Timestamp, Act)>,
    end: Timestamp,
}

impl Planner<'_> {
    /// Some time between so many seconds and so many after that.
    fn after(&mut self, at: Timestamp, least: i64, most: i64) -> Timestamp {
        let wait = SignedDuration::from_secs(self.random.between(least, most));
        at.saturating_add(wait).unwrap_or(at).min(self.end)
    }

    fn at(&mut self, at: Timestamp, act: Act) {
        self.acts.push((at.min(self.end), act));
    }

    /// Soon after, a while after or days after.
    fn some_time_after(&mut self, at: Timestamp) -> Timestamp {
        match self.random.below(4) {
            0 => self.after(at, 0, 15),
            1 => self.after(at, 15, 900),
            2 => self.after(at, 900, 36 * 3600),
            _ => self.after(at, 24 * 3600, 5 * 24 * 3600),
        }
    }
}

pub(super) fn generate(random: &mut Random, scenario: &mut Scenario, people: People, start: Timestamp) {
    let end = start.saturating_add(ACTIVE).unwrap_or(start);
    let mut planner = Planner { random, acts: Vec::new(), end };
    let deals: Vec<Opportunity> = scenario.models.salesforce.opportunities().cloned().collect();
    let mut won_at = start;
    let mut wins: BTreeMap<OpportunityId, Timestamp> = BTreeMap::new();
    for deal in &deals {
        // Deals of one account are often won in the same minute.
        won_at = match planner.random.below(4) {
            0 => planner.after(won_at, 0, 3),
            _ => planner.after(start, 0, LAST_WIN_S),
        };
        // A clone is made of a deal that was billed, and carries its invoice's id.
        if let Some((_, original)) = scenario.clones.iter().find(|(clone, _)| *clone == deal.id) {
            let billed_at = wins.get(original).copied().unwrap_or(won_at);
            won_at = planner.after(won_at.max(billed_at), 1800, 2 * 24 * 3600);
            planner.at(won_at, Act::CopyInvoice { deal: deal.id.clone(), from: original.clone() });
        }
        wins.insert(deal.id.clone(), won_at);
        let single = scenario.models.salesforce.org_currency.clone();
        let currency = if scenario.settings.multi_currency { deal.currency.clone() } else { single };
        sell(&mut planner, deal, won_at);
        mend(&mut planner, deal, won_at);
        if people.edit {
            edit(&mut planner, deal, won_at, &currency);
        }
        if people.meddle {
            meddle(&mut planner, &deal.id, won_at);
        }
    }
    if people.meddle {
        let accounts: Vec<_> = scenario.models.salesforce.accounts().map(|account| account.id.clone()).collect();
        for account in accounts {
            let at = planner.after(start, 0, LAST_WIN_S);
            match planner.random.below(100) {
                0..4 => planner.at(at, Act::DeleteCustomer(account)),
                4..7 => planner.at(at, Act::NameCustomer { account, is_one: true }),
                7..9 => planner.at(at, Act::NameCustomer { account, is_one: false }),
                9..15 => planner.at(at, Act::LeavePendingItem(account)),
                _ => {}
            }
        }
    }
    if planner.random.chance(200) {
        let at = planner.after(start, LAST_WIN_S / 4, LAST_WIN_S);
        planner.at(at, Act::Redrive);
    }
    scenario.acts = planner.acts;
}

fn sell(planner: &mut Planner<'_>, deal: &Opportunity, won_at: Timestamp) {
    planner.at(won_at, Act::Win(deal.id.clone()));
    if planner.random.chance(120) {
        let lost_at = planner.some_time_after(won_at);
        planner.at(lost_at, Act::Reopen(deal.id.clone()));
        if planner.random.chance(800) {
            let again_at = planner.some_time_after(lost_at);
            planner.at(again_at, Act::Win(deal.id.clone()));
        }
    }
    if planner.random.chance(200) {
        let at = planner.some_time_after(won_at);
        planner.at(at, Act::Touch(deal.id.clone()));
    }
    if planner.random.chance(100) {
        let at = planner.some_time_after(won_at);
        planner.at(at, Act::Approve(deal.id.clone()));
    }
    if planner.random.chance(750) {
        let at = planner.after(won_at, 5, 4 * 24 * 3600);
        planner.at(at, Act::Pay { deal: deal.id.clone(), tries: 12 });
    }
}

/// Somebody reads the reason and acts on it, mostly.
fn mend(planner: &mut Planner<'_>, deal: &Opportunity, won_at: Timestamp) {
    if planner.random.chance(150)
        && let Some(account) = deal.account_id.clone()
    {
        let at = planner.some_time_after(won_at);
        planner.at(at, Act::MendAccount { account, deal: deal.id.clone() });
    }
    let looks_broken = deal.lines.iter().any(|line| line.price.as_ref().is_none_or(|id| !id.starts_with("price_")));
    if looks_broken && planner.random.chance(600) {
        let at = planner.some_time_after(won_at);
        planner.at(at, Act::MendLines(deal.id.clone()));
    }
}

fn edit(planner: &mut Planner<'_>, deal: &Opportunity, won_at: Timestamp, currency: &str) {
    let Some(first) = deal.lines.first().and_then(|line| line.total) else {
        return;
    };
    let id = || deal.id.clone();
    let at = planner.some_time_after(won_at);
    match planner.random.below(100) {
        0..14 => {
            let line = planner.random.index(deal.lines.len());
            let total = major(planner.random.between(1, 9000).saturating_mul(step(currency)), currency);
            planner.at(at, Act::EditLine { deal: id(), line, total });
            // Half of them are set back.
            if planner.random.chance(500)
                && let Some(total) = deal.lines[line].total
            {
                let back_at = planner.some_time_after(at);
                planner.at(back_at, Act::EditLine { deal: id(), line, total });
            }
        }
        14..17 => {
            let line = planner.random.index(deal.lines.len());
            planner.at(at, Act::RemoveLine { deal: id(), line });
        }
        17..19 => planner.at(at, Act::EditAmount { deal: id(), amount: first + Decimal::ONE }),
        19..22 => planner.at(at, Act::Delete(id())),
        _ => {}
    }
}

fn meddle(planner: &mut Planner<'_>, deal: &OpportunityId, won_at: Timestamp) {
    // A draft lives for a few seconds, or for as long as an outage.
    let while_drafted = |deal: &OpportunityId| (deal.clone(), 40);
    let later = planner.some_time_after(won_at);
    match planner.random.below(100) {
        0..4 => {
            let (deal, tries) = while_drafted(deal);
            planner.at(won_at, Act::FinalizeDraft { deal, tries });
        }
        4..8 => {
            let (deal, tries) = while_drafted(deal);
            planner.at(won_at, Act::DeleteDraft { deal, tries });
        }
        8..10 => {
            let (deal, tries) = while_drafted(deal);
            planner.at(won_at, Act::AddToDraft { deal, tries });
        }
        10..13 => planner.at(later, Act::Void(deal.clone())),
        13..16 => planner.at(later, Act::WriteOff(deal.clone())),
        16..18 => planner.at(later, Act::NameInvoice { deal: deal.clone(), invoice: "in_byhand" }),
        _ => {}
    }
}
