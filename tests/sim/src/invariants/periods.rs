//! What a subscription bills as time passes: every period of each item once, and none is left out; and all of it comes to what its deals
//! were sold for.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use domain::OpportunityId;
use jiff::Timestamp;

use super::ended::{Deal, Ended};
use crate::model::bill::Bill;
use crate::model::stripe::{Debit, Subscription, day_after};
use crate::model::{Models, count};

impl Models {
    pub(super) fn periods_are_billed_once(&mut self, ended: &Ended<'_>) {
        let goes_on = |one: &&Subscription| one.canceled_by.is_none() || one.has_run_out;
        let subscriptions: Vec<_> = self.stripe.subscriptions().filter(goes_on).cloned().collect();
        for one in subscriptions {
            for (rule, detail) in broken(&one, ended.now) {
                self.violate(ended.now, rule, format!("{}: {detail}", one.id));
            }
        }
    }

    /// Of the periods of the deal's term that have begun, all invoices together bill what it was sold for.
    pub(super) fn is_billed_as_sold(&mut self, deal: &Deal<'_>, bill: &Bill, one: &Subscription) {
        let Some(term) = bill.term.as_ref().filter(|_| one.canceled_by.is_none() || one.has_run_out) else { return };
        let starts_at = day_after(term.start, 0);
        let of_term = term.periods.map(|_| day_after(term.start, term.months()));
        // From then on it is another deal's.
        let deals = one.renewals.iter().filter_map(|id| self.salesforce.opportunity(&OpportunityId::parse(id).ok()?));
        let others = deals.filter_map(|deal| deal.term.as_ref()).map(|term| day_after(term.start, 0));
        let others = others.filter(|start| *start > starts_at);
        let ends_at = of_term.into_iter().chain(one.ends_at).chain(others).min();
        let is_in_term = |at: Timestamp| at >= starts_at && at <= deal.ended.now && ends_at.is_none_or(|end| at < end);
        let billed: Vec<&Debit> = one.debits.iter().filter(|debit| is_in_term(debit.start)).collect();
        // What is changed inside a period is compared when it is changed.
        let begins_inside = one.debits.iter().any(|debit| debit.start < starts_at && starts_at < debit.end);
        if begins_inside || billed.iter().any(|debit| debit.is_prorated) {
            return;
        }
        let recurring = bill.lines.values().filter(|line| line.is_recurring);
        let sold = recurring.map(|line| {
            let begun = bill.periods_begun(line, deal.ended.now).unwrap_or_default();
            bill.each(line) * begun.into_iter().filter(|start| is_in_term(*start)).count() as i64
        });
        let (sold, billed): (i64, i64) = (sold.sum(), billed.iter().map(|debit| debit.amount).sum());
        if sold != billed {
            let detail = format!("{} has billed {billed} of its term, which comes to {sold} by now", one.id);
            self.broken(deal, "a_term_is_billed_as_sold", detail);
        } else if one.debits.iter().any(|debit| is_in_term(debit.start) && debit.start > one.created) {
            count(&mut self.facts, "a term was compared with later invoices");
        }
    }
}

/// Which of its periods are billed twice, and which are not.
fn broken(one: &Subscription, now: Timestamp) -> Vec<(&'static str, String)> {
    let until = one.ends_at.map_or(now, |ends_at| ends_at.min(now));
    broken_in(&one.debits, one.starts_at, until, one.ends_at.filter(|_| one.has_run_out))
}

fn broken_in(
    debits: &[Debit],
    starts_at: Timestamp,
    until: Timestamp,
    ended: Option<Timestamp>,
) -> Vec<(&'static str, String)> {
    let mut broken = Vec::new();
    let mut billed: Vec<&Debit> = debits.iter().filter(|debit| debit.start < debit.end).collect();
    billed.sort_by_key(|debit| debit.start);
    let items: BTreeSet<_> = billed.iter().map(|debit| &debit.item).collect();
    for item in items {
        let of_item: Vec<_> = billed.iter().filter(|debit| debit.item == *item).collect();
        for pair in of_item.windows(2) {
            let (end, start) = (pair[0].end, pair[1].start);
            match start.cmp(&end) {
                Ordering::Less => broken.push(("no_period_is_billed_twice", format!("{item} from {start} on"))),
                Ordering::Greater => broken.push(("no_period_is_left_out", format!("{item} from {end} to {start}"))),
                Ordering::Equal => {}
            }
        }
    }
    let mut covered = starts_at;
    for debit in billed {
        if debit.start > covered {
            broken.push(("no_period_is_left_out", format!("from {covered} to {}", debit.start)));
        }
        covered = covered.max(debit.end);
    }
    if covered < until {
        broken.push(("no_period_is_left_out", format!("from {covered} to {until}")));
    }
    if let Some(ends_at) = ended.filter(|ends_at| covered > *ends_at) {
        broken.push(("no_period_is_billed_after_the_end", format!("from {ends_at} to {covered}")));
    }
    broken
}

#[cfg(test)]
mod tests {
    use domain::SubscriptionItemId;

    use super::*;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(day * 24 * 3600).expect("in range")
    }

    fn debit(item: &str, start: i64, end: i64) -> Debit {
        let item = SubscriptionItemId::parse(item).expect("valid");
        Debit { item, amount: 100, start: day(start), end: day(end), is_prorated: false }
    }

    fn rules(debits: &[Debit], until: i64, ended: Option<i64>) -> Vec<&'static str> {
        broken_in(debits, day(0), day(until), ended.map(day)).into_iter().map(|(rule, _)| rule).collect()
    }

    #[test]
    fn each_period_is_billed_once_and_none_is_left_out() {
        // One item by thirty days, and one that takes the place of another.
        let whole = [debit("si_1", 0, 30), debit("si_1", 30, 60), debit("si_2", 0, 30), debit("si_3", 30, 60)];
        assert_eq!(rules(&whole, 45, None), [] as [&str; 0]);
        assert_eq!(rules(&whole, 60, Some(60)), [] as [&str; 0]);
        // What was given back from its first second on was never billed.
        assert_eq!(rules(&[debit("si_1", 0, 60), debit("si_2", 30, 30)], 45, None), [] as [&str; 0]);
        for (debits, until, ended, expected) in [
            (vec![debit("si_1", 0, 30), debit("si_1", 29, 60)], 45, None, vec!["no_period_is_billed_twice"]),
            (
                vec![debit("si_1", 0, 60), debit("si_2", 0, 30), debit("si_2", 31, 60)],
                45,
                None,
                vec!["no_period_is_left_out"],
            ),
            (vec![debit("si_1", 1, 60)], 45, None, vec!["no_period_is_left_out"]),
            (vec![debit("si_1", 0, 30), debit("si_2", 31, 60)], 45, None, vec!["no_period_is_left_out"]),
            (vec![debit("si_1", 0, 30)], 45, None, vec!["no_period_is_left_out"]),
            (vec![debit("si_1", 0, 60)], 45, Some(45), vec!["no_period_is_billed_after_the_end"]),
        ] {
            assert_eq!(rules(&debits, until, ended), expected, "{debits:?}");
        }
    }
}
