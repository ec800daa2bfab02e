//! What a subscription bills as time passes: every period of each item once, and none is left out; and all of it comes to what its deals
//! were sold for.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use domain::{OpportunityId, SubscriptionItemId};
use jiff::Timestamp;

use super::ended::{Deal, Ended};
use crate::model::bill::Bill;
use crate::model::salesforce::Term;
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

    /// Of the whole periods of the deal's term that have begun, it has billed what it was sold for. What a change inside a period is billed
    /// by is compared when it is made.
    pub(super) fn is_billed_as_sold(&mut self, deal: &Deal<'_>, bill: &Bill, one: &Subscription) {
        let Some(term) = bill.term.as_ref().filter(|_| one.canceled_by.is_none() || one.has_run_out) else { return };
        let deals = one.renewals.iter().filter_map(|id| self.salesforce.opportunity(&OpportunityId::parse(id).ok()?));
        let deals = deals.filter(|other| other.id != deal.opportunity.id);
        let others = deals.filter_map(|deal| deal.term.as_ref()).map(|term| day_after(term.start, 0));
        // One may begin on the very day that this one does, and takes all of it.
        let is_renewed = !one.renewals.contains(deal.opportunity.id.as_str());
        let first = day_after(term.start, 0);
        let others: Vec<_> = others.filter(|start| *start > first || is_renewed && *start == first).collect();
        let Compared { sold, billed, later } = compared(bill, term, one, &others, deal.ended.now);
        if sold != billed {
            let detail = format!("{} has billed {billed} of its term, which comes to {sold} by now", one.id);
            self.broken(deal, "a_term_is_billed_as_sold", detail);
        } else if later {
            count(&mut self.facts, "a term was compared with later invoices");
        }
    }
}

struct Compared {
    sold: i64,
    billed: i64,
    /// There are periods that began after the subscription was made.
    later: bool,
}

/// From the first day of any of the others on it is another deal's.
fn compared(bill: &Bill, term: &Term, one: &Subscription, others: &[Timestamp], now: Timestamp) -> Compared {
    let starts_at = day_after(term.start, 0);
    let of_term = term.periods.map(|_| day_after(term.start, term.months()));
    let ends_at = of_term.into_iter().chain(one.ends_at).chain(others.iter().copied()).min();
    let is_cut = |start: Timestamp, end: Timestamp| others.iter().any(|other| start < *other && *other < end);
    let is_in_term = |at: Timestamp| at >= starts_at && at <= now && ends_at.is_none_or(|end| at < end);
    let whole = |months: u32| {
        let begun = (0u32..).map(move |index| one.whole_period(months, index)).take_while(|(start, _)| *start <= now);
        begun.filter(|(start, end)| is_in_term(*start) && !is_cut(*start, *end))
    };
    let recurring = bill.lines.values().filter(|line| line.is_recurring);
    let sold = recurring.map(|line| bill.each(line) * whole(line.every.unwrap_or(term.every)).count() as i64).sum();
    let periods: BTreeSet<_> = one.items.iter().filter_map(Subscription::months_of).flat_map(whole).collect();
    let starts: BTreeSet<_> = periods.iter().map(|(start, _)| *start).collect();
    // What was changed from a period's first second on is billed for the whole of it.
    let is_whole = |debit: &Debit| !debit.is_prorated || periods.contains(&(debit.start, debit.end));
    let billed = one.debits.iter().filter(|debit| is_whole(debit) && starts.contains(&debit.start));
    let billed = billed.map(|debit| debit.amount).sum();
    Compared { sold, billed, later: starts.iter().any(|start| *start > one.created) }
}

/// Which of its periods are billed twice, and which are not.
fn broken(one: &Subscription, now: Timestamp) -> Vec<(&'static str, String)> {
    let until = one.ends_at.map_or(now, |ends_at| ends_at.min(now));
    let items: Vec<_> = one.items.iter().map(|item| &item.id).collect();
    broken_in(&one.debits, &items, one.starts_at, until, one.ends_at.filter(|_| one.has_run_out))
}

fn broken_in(
    debits: &[Debit],
    items_now: &[&SubscriptionItemId],
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
    for item in items_now {
        // One that was added inside a period that is not prorated is billed from the next one on.
        let last = billed.iter().filter(|debit| debit.item == **item).map(|debit| debit.end).max();
        if let Some(last) = last.filter(|last| *last < until) {
            broken.push(("no_period_is_left_out", format!("{item} from {last} on")));
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
    use super::*;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(day * 24 * 3600).expect("in range")
    }

    fn debit(item: &str, start: i64, end: i64) -> Debit {
        let item = SubscriptionItemId::parse(item).expect("valid");
        Debit { item, amount: 100, start: day(start), end: day(end), is_prorated: false }
    }

    fn rules(debits: &[Debit], until: i64, ended: Option<i64>) -> Vec<&'static str> {
        let last = SubscriptionItemId::parse("si_3").expect("valid");
        broken_in(debits, &[&last], day(0), day(until), ended.map(day)).into_iter().map(|(rule, _)| rule).collect()
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
            (vec![debit("si_1", 0, 60), debit("si_3", 0, 30)], 45, None, vec!["no_period_is_left_out"]),
            (vec![debit("si_1", 0, 60)], 45, Some(45), vec!["no_period_is_billed_after_the_end"]),
        ] {
            assert_eq!(rules(&debits, until, ended), expected, "{debits:?}");
        }
    }

    /// Three months at 1.00 from the first of January 1970 on.
    fn sold() -> (Bill, Term, Subscription) {
        let term = Term { start: "1970-01-01".parse().expect("a day"), every: 1, periods: Some(3), stub: 0 };
        let currency = domain::Currency::parse("EUR").expect("valid");
        let line = crate::model::bill::BilledLine {
            amount: 300,
            quantity: 1.into(),
            price: "price_1".into(),
            is_recurring: true,
            every: None,
        };
        let bill = Bill {
            account_id: domain::AccountId::parse("001000000000001AAA").expect("valid"),
            currency,
            total: 300,
            lines: [(domain::LineItemId::parse("00k000000000001AAA").expect("valid"), line)].into(),
            term: Some(term.clone()),
        };
        let price = stripe::Price {
            id: domain::PriceId::parse("price_1").expect("valid"),
            product: None,
            active: true,
            currency: Some(currency),
            unit_amount: Some(100.into()),
            recurrence: stripe::Recurrence::Months(1),
            tax_behavior: stripe::TaxBehavior::Unspecified,
            lookup_key: None,
        };
        let id = SubscriptionItemId::parse("si_1").expect("valid");
        let (period_start, period_end) = (day(31), day(59));
        let item = stripe::SubscriptionItem { id, price, quantity: Some(1), period_start, period_end };
        let invoice = domain::InvoiceId::parse("in_1").expect("valid");
        let one = Subscription {
            id: domain::SubscriptionId::parse("sub_1").expect("valid"),
            customer: domain::CustomerId::parse("cus_1").expect("valid"),
            metadata: Default::default(),
            created: day(3),
            starts_at: day(0),
            ends_at: Some(day(90)),
            currency,
            days_until_due: None,
            months: 1,
            items: vec![item],
            debits: vec![debit("si_1", 0, 31), debit("si_1", 31, 59)],
            invoice: invoice.clone(),
            latest: invoice,
            differences: Vec::new(),
            canceled_by: None,
            has_run_out: false,
            is_past_due: false,
            renewals: Default::default(),
            once: Vec::new(),
            to_end_since: None,
        };
        (bill, term, one)
    }

    #[test]
    fn what_is_billed_of_a_term_is_what_it_was_sold_for() {
        let (bill, term, one) = sold();
        let at = |one: &Subscription, others: &[Timestamp]| {
            let Compared { sold, billed, .. } = compared(&bill, &term, one, others, day(40));
            (sold, billed)
        };
        assert_eq!(at(&one, &[]), (200, 200));
        assert_eq!(at(&one, &[day(31)]), (100, 100), "then it is another deal's");
        assert_eq!(at(&one, &[day(35)]), (100, 100), "what another one changed inside is left out");
        let mut short = one.clone();
        short.debits.pop();
        let mut dear = one.clone();
        dear.debits[1].amount = 101;
        assert_eq!((at(&short, &[]), at(&dear, &[])), ((200, 100), (200, 201)));
    }
}
