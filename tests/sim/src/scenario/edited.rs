//! Accounts that are edited by themselves: no deal is touched, and nothing tells of it.

use jiff::{SignedDuration, Timestamp};

use super::{ACTIVE, Act, Scenario};
use crate::random::Random;

/// In one history of three: every other account gets another address of e-mail, or is saved as it is; and of some the last one is none.
pub(super) fn edit(random: &mut Random, scenario: &mut Scenario, start: Timestamp) {
    if !random.chance(333) {
        return;
    }
    let accounts: Vec<_> = scenario.models.salesforce.accounts().map(|account| account.id.clone()).collect();
    for account in accounts.into_iter().filter(|_| random.chance(500)).collect::<Vec<_>>() {
        let mut at: Vec<_> = (0..random.between(1, 3)).map(|_| random.between(0, ACTIVE.as_secs())).collect();
        at.sort_unstable();
        let ends_badly = random.chance(150);
        let last = at.len() - 1;
        for (index, seconds) in at.into_iter().enumerate() {
            let email = match index {
                index if index == last && ends_badly => Some("ap at customer".to_owned()),
                index => random.chance(800).then(|| format!("ap{index}@customer.example")),
            };
            let time = start.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(start);
            scenario.acts.push((time, Act::EditAccount { account: account.clone(), email }));
        }
    }
}
