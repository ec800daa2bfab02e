//! Subscriptions that somebody cancels on the opportunity that began or renewed them, and second thoughts about that.

use domain::OpportunityId;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::{ACTIVE, Act, Scenario};
use crate::model::salesforce::Opportunity;
use crate::random::Random;

/// One of five of these deals, at some time after it was won or long before; most of them from the next period on or a later one.
pub(super) fn cancel(
    random: &mut Random,
    scenario: &mut Scenario,
    start: Timestamp,
    of: impl Fn(&Opportunity) -> bool,
) {
    let deals: Vec<Opportunity> = scenario.models.salesforce.opportunities().filter(|deal| of(deal)).cloned().collect();
    for deal in deals {
        let Some(term) = deal.term.clone().filter(|_| random.chance(200)) else { continue };
        let won = scenario.acts.iter().find(|(_, act)| *act == Act::Win(deal.id.clone()));
        let won_at = won.map_or(start, |(at, _)| *at);
        let most_ms = i64::try_from(ACTIVE.as_millis()).unwrap_or(i64::MAX);
        let mut at = won_at;
        for _ in 0..=random.below(3) {
            at = at.saturating_add(SignedDuration::from_millis(random.between(200, most_ms / 2))).unwrap_or(at);
            let on = match random.below(10) {
                0..2 => None,
                2..4 => Some(some_day(at, random.between(-10, 60))),
                _ => Some(a_first_day(term.start, term.every, at, random.between(0, 2))),
            };
            // Whoever comes after that is seen by no pass any more.
            if at.duration_since(start) < ACTIVE {
                scenario.acts.push((at, act(&deal.id, on)));
            }
        }
    }
}

fn act(deal: &OpportunityId, on: Option<Date>) -> Act {
    Act::CancelOn { deal: deal.clone(), on }
}

fn some_day(at: Timestamp, days: i64) -> Date {
    TimeZone::UTC.to_datetime(at).date().checked_add(Span::new().days(days)).expect("a history is of this century")
}

/// Of the period after the one that has begun by then, or of a later one.
fn a_first_day(start: Date, months: u32, at: Timestamp, later: i64) -> Date {
    let today = TimeZone::UTC.to_datetime(at).date();
    let day = |index: i64| {
        let span = Span::new().months(index * i64::from(months));
        start.checked_add(span).expect("a history is of this century")
    };
    let next = (1..).find(|index| day(*index) > today).unwrap_or(1);
    day(next + later)
}
