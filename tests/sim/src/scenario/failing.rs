//! Payments that fail, once or again and again: before somebody pays, in the very moment, or for good. And people who void the invoice, write it
//! off, or close its case. And invoices that fall due, and payments that are disputed.

use domain::Followed;
use jiff::{SignedDuration, Timestamp};
use mapping::{CasePolicy, Channel, Notifications};

use super::{Act, Scenario};
use crate::random::Random;

pub(super) fn fail(random: &mut Random, scenario: &mut Scenario) {
    scenario.settings.payment_cases = Some(CasePolicy::default());
    // And people are told of everything.
    let slack = vec![Channel::Slack];
    let policy = Notifications::of_everything(slack, "https://acme.my.salesforce.example", false);
    scenario.settings.notifications = Some(policy);
    scenario.models.stripe.payments_fail = true;
    // And the opportunities say how their invoices stand.
    let followed = "invoice.finalized,invoice.overdue,invoice.voided,invoice.marked_uncollectible,charge.refunded,\
                    charge.dispute.created";
    scenario.settings.followed = Followed::parse(followed).expect("their names");
    let wins = scenario.acts.iter().filter_map(|(at, act)| match act {
        Act::Win(deal) => Some((*at, deal.clone())),
        _ => None,
    });
    let wins: Vec<_> = wins.collect();
    for (won_at, deal) in wins {
        let paid_at = scenario.acts.iter().find_map(|(at, act)| match act {
            Act::Pay { deal: of, .. } if *of == deal => Some(*at),
            _ => None,
        });
        // Long before it is paid, just before or after, or whenever.
        let first = match (paid_at, random.below(10)) {
            (Some(paid_at), 0..4) => shifted(paid_at, -random.between(0, 40_000) + 8_000),
            (_, 0..7) => shifted(won_at, random.between(2_000, 4 * 24 * 3_600_000)),
            _ => continue,
        };
        let fails = |at| (at, Act::FailPayment { deal: deal.clone(), tries: 4 });
        scenario.acts.push(fails(first));
        let mut last = first;
        for _ in 0..random.below(4) {
            last = shifted(last, random.between(500, 24 * 3_600_000));
            scenario.acts.push(fails(last));
        }
        let after = shifted(last, random.between(500, 2 * 24 * 3_600_000));
        match random.below(20) {
            0..2 => scenario.acts.push((after, Act::Void(deal))),
            2..4 => scenario.acts.push((after, Act::WriteOff(deal))),
            4..6 => scenario.acts.push((after, Act::CloseCase(deal))),
            6..8 => scenario.acts.push((after, Act::PayPart(deal))),
            // One after the other, before the first is told.
            12..15 => {
                scenario.acts.push((after, Act::WriteOff(deal.clone())));
                scenario.acts.push((shifted(after, random.between(500, 60_000)), Act::Void(deal)));
            }
            10..12 => scenario.acts.push((shifted(after, 24 * 3_600_000), Act::Refund(deal))),
            8..10 => scenario.acts.push((shifted(last, random.between(500, 20_000)), Act::Pay { deal, tries: 2 })),
            _ => {}
        }
    }
}

/// Invoices are due while people act, mostly, and Stripe tells of those that are overdue, mostly.
pub(super) fn fall_due(random: &mut Random, scenario: &mut Scenario) {
    scenario.settings.days_until_due = *random.pick(&[0, 1, 2, 4, 30]);
    let after = SignedDuration::from_mins(random.between(60, 30 * 60));
    scenario.models.stripe.overdue_after = random.chance(850).then_some(after);
}

/// One payment in six is disputed: in that moment, within hours, or within a day and a half.
pub(super) fn dispute(random: &mut Random, scenario: &mut Scenario) {
    let paid = scenario.acts.iter().filter_map(|(at, act)| match act {
        Act::Pay { deal, .. } => Some((*at, deal.clone())),
        _ => None,
    });
    for (paid_at, deal) in paid.collect::<Vec<_>>() {
        let longest_ms = *random.pick(&[20_000, 5 * 3_600_000, 36 * 3_600_000]);
        let at = shifted(paid_at, random.between(200, longest_ms));
        if random.chance(170) {
            scenario.acts.push((at, Act::Dispute { deal, tries: 2 }));
        }
    }
}

fn shifted(at: Timestamp, ms: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_millis(ms)).unwrap_or(at)
}
