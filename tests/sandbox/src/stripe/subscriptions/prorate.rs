//! How much a part of a period costs, and what is given back of one that was billed: pure sums, by the second.
//!
//! Stripe writes no rule of rounding down. Each line is rounded by itself to the nearest minor unit, and a half goes down: of 10.00 a
//! four-hundredth is 2.5 cents, which was seen billed as 0.02 and credited as 0.03 (github.com/Kiln-AI/stripe_world, recorded
//! answers); docs.stripe.com/billing/subscriptions/prorations has 5.4096 billed as 5.41 and 1.6635 credited as 1.66.

use rust_decimal::Decimal;

/// What was billed for some time of an item, and not given back yet. The credit of a change is a share of it: of what was
/// billed, whatever the item costs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debit {
    pub amount: i64,
    pub start: i64,
    pub end: i64,
    /// What the line that billed it said.
    pub price: String,
    pub quantity: i64,
    pub by: BilledBy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BilledBy {
    /// A line of an invoice: the invoice's id and the line's.
    Line { invoice: String, line: String },
    /// An invoice item that is pending still, or was when it was last looked at.
    Item(String),
}

/// `amount` × `part` ÷ `whole`, to the nearest minor unit, a half downwards.
pub fn share(amount: Decimal, part: i64, whole: i64) -> i64 {
    let exact = amount * Decimal::from(part) / Decimal::from(whole.max(1));
    let rounded = (exact - Decimal::new(5, 1)).ceil();
    i64::try_from(rounded).unwrap_or(i64::MAX)
}

/// A credit: what is taken back of one debit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    pub amount: i64,
    pub start: i64,
    pub end: i64,
    pub of: Debit,
}

/// Takes back what was billed for the time from `at` on, one credit for each debit, the last debit first. What is left of the debits
/// is for the time before.
pub fn take_back(debits: &mut Vec<Debit>, at: i64) -> Vec<Credit> {
    let mut credits = Vec::new();
    for debit in debits.iter_mut().rev().filter(|debit| debit.end > at) {
        let start = debit.start.max(at);
        let amount = share(Decimal::from(-debit.amount), debit.end - start, debit.end - debit.start);
        credits.push(Credit { amount, start, end: debit.end, of: debit.clone() });
        debit.amount += amount;
        debit.end = start;
    }
    debits.retain(|debit| debit.end > debit.start);
    credits
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn debit(amount: i64, start: i64, end: i64) -> Debit {
        let by = BilledBy::Item("ii_1".into());
        Debit { amount, start, end, price: "price_1".into(), quantity: 1, by }
    }

    fn amounts(credits: &[Credit]) -> Vec<i64> {
        credits.iter().map(|credit| credit.amount).collect()
    }

    /// Amounts that are printed in Stripe's documentation or were recorded of Stripe's own answers.
    #[test]
    fn a_share_is_rounded_to_the_nearest_and_a_half_downwards() {
        for (amount, part, whole, expected) in [
            // docs.stripe.com/billing/subscriptions/prorations: halfway from 10 to 20 USD, and the answer that is printed there.
            (-1000, 1, 2, -500),
            (2000, 1, 2, 1000),
            (-1000, 445_540, 2_678_400, -166),
            (3252, 445_540, 2_678_400, 541),
            // docs.stripe.com/billing/subscriptions/backdating: half of a February, 17 of 31 days.
            (1000, 14 * DAY, 28 * DAY, 500),
            (1000, 17 * DAY, 31 * DAY, 548),
            // github.com/Kiln-AI/stripe_world: exact halves.
            (-1000, 6_480, 2_592_000, -3),
            (1800, 6_480, 2_592_000, 4),
            (3000, 6_480, 2_592_000, 7),
            (-2000, 1, 3, -667),
            (1000, 1, 3, 333),
            (1000, 3, 2_592_000, 0),
        ] {
            assert_eq!(share(Decimal::from(amount), part, whole), expected, "{amount} x {part} / {whole}");
        }
    }

    /// docs.stripe.com/billing/subscriptions/prorations, the credits of the flexible mode: 10 USD were billed for April, the
    /// price went up to 20 without a proration, and ten days before the end comes down again. What is given back is a third of
    /// the 10 that were billed.
    #[test]
    fn what_is_given_back_is_a_share_of_what_was_billed() {
        let mut debits = vec![debit(1000, 0, 30 * DAY)];
        let credits = take_back(&mut debits, 20 * DAY);
        assert_eq!(amounts(&credits), [-333]);
        assert_eq!((credits[0].start, credits[0].end), (20 * DAY, 30 * DAY));
        assert_eq!(debits, [Debit { amount: 667, end: 20 * DAY, ..debit(1000, 0, 30 * DAY) }]);
        assert_eq!(share(Decimal::from(1000), 10 * DAY, 30 * DAY), 333, "and the same is billed for the rest");
    }

    #[test]
    fn each_debit_of_the_time_gives_its_own_credit_and_only_once() {
        let mut debits = vec![debit(3000, 0, 30 * DAY), debit(500, 10 * DAY, 30 * DAY)];
        assert_eq!(amounts(&take_back(&mut debits, 20 * DAY)), [-250, -1000]);
        assert_eq!(amounts(&take_back(&mut debits, 20 * DAY)), [0; 0]);
        // Earlier than what is left: the rest of it.
        assert_eq!(amounts(&take_back(&mut debits, 0)), [-250, -2000]);
        assert!(debits.is_empty());
    }
}
