//! How a subscription stands, and what Salesforce is to say of it.

use domain::{Currency, CustomerId, Money, OpportunityId, SubscriptionId};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use mapping::Standing;
use rust_decimal::{Decimal, RoundingStrategy};

use super::ItemSeen;

/// A subscription as Stripe just answered it, with all of its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingSeen {
    pub subscription_id: SubscriptionId,
    /// The deal that it is billed for; `None` where this deployment did not begin it.
    pub opportunity_id: Option<OpportunityId>,
    pub customer_id: Option<CustomerId>,
    /// Another deal than that began it.
    pub is_renewed: bool,
    pub status: SubscriptionStatus,
    /// It goes on, and its invoices are not collected.
    pub is_collection_paused: bool,
    pub has_discount: bool,
    pub currency: Currency,
    pub items: Vec<ItemSeen>,
    pub cancellation: Cancellation,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscriptionStatus {
    Incomplete,
    IncompleteExpired,
    Trialing,
    Active,
    PastDue,
    Canceled,
    Unpaid,
    Paused,
    /// One that Stripe added after this was written, in its words.
    Other(String),
}

impl SubscriptionStatus {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Canceled => "canceled",
            Self::Unpaid => "unpaid",
            Self::Paused => "paused",
            Self::Other(text) => text,
        }
    }

    fn is_over(&self) -> bool {
        matches!(self, Self::Canceled | Self::IncompleteExpired)
    }

    /// What does not bill is no revenue: a trial, one that never began or is paused, one that was given up.
    fn bills(&self) -> bool {
        matches!(self, Self::Active | Self::PastDue | Self::Other(_))
    }
}

/// Why it was canceled: Stripe's reason, what the customer chose, and what somebody wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cancellation {
    pub reason: Option<String>,
    pub feedback: Option<String>,
    pub comment: Option<String>,
}

impl StandingSeen {
    pub(crate) fn standing(self) -> Option<Standing> {
        let status = match (&self.status, self.is_collection_paused) {
            (SubscriptionStatus::Active | SubscriptionStatus::PastDue, true) => "collection_paused",
            (status, _) => status.as_str(),
        };
        Some(Standing {
            opportunity_id: self.opportunity_id.clone()?,
            is_renewed: self.is_renewed,
            status: status.to_owned(),
            is_over: self.status.is_over(),
            currency: self.currency,
            monthly: self.monthly(),
            period_end: self.period_end(),
            cancellation: self.why_canceled(),
            subscription_id: self.subscription_id,
        })
    }

    /// What its items come to a month. What leaves a rest is rounded once, to the nearest minor unit, a half away from zero, as the
    /// monthly figure of a deal is.
    fn monthly(&self) -> Option<Money> {
        if !self.status.bills() || self.is_collection_paused {
            return Some(Money::from_minor_units(0, self.currency));
        }
        if self.has_discount {
            return None;
        }
        let mut year = Decimal::ZERO;
        for item in &self.items {
            let (each, quantity, months) =
                (item.unit_amount?, item.quantity?, item.months.filter(|months| *months > 0)?);
            // Divided last: one that comes every seven months has no whole number of periods in a year.
            let yearly = each.checked_mul(Decimal::from(quantity))?.checked_mul(Decimal::from(12))?;
            let yearly = yearly.checked_div(Decimal::from(months))?;
            year = year.checked_add(yearly)?;
        }
        let month = (year / Decimal::from(12)).round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        Some(Money::from_minor_units(i64::try_from(month).ok()?, self.currency))
    }

    fn period_end(&self) -> Option<Date> {
        let ends = self.items.iter().map(|item| item.period_end).min().filter(|_| !self.status.is_over())?;
        Some(TimeZone::UTC.to_datetime(ends).date())
    }

    /// Stripe gives one as soon as a day is set for the end; every term has one, and says nothing by it before it comes.
    fn why_canceled(&self) -> Option<String> {
        let Cancellation { reason, feedback, comment } = &self.cancellation;
        let feedback = feedback.as_ref().map(|feedback| format!("({feedback})"));
        let given: Vec<_> = [reason.clone(), feedback, comment.clone()].into_iter().flatten().collect();
        let words = given.join(" ");
        // Salesforce takes `@{` for the beginning of a reference to another part of the same call.
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ").replace("@{", "@ {");
        Some(words).filter(|words| !words.is_empty() && self.status.is_over())
    }
}

#[cfg(test)]
mod tests {
    use domain::{PriceId, SubscriptionItemId};
    use jiff::Timestamp;

    use super::*;

    fn item(unit_amount: Option<&str>, quantity: i64, months: Option<u32>, ends: &str) -> ItemSeen {
        ItemSeen {
            item_id: SubscriptionItemId::parse("si_1").expect("valid"),
            price_id: PriceId::parse("price_1").expect("valid"),
            product_id: None,
            unit_amount: unit_amount.map(|amount| amount.parse().expect("a decimal")),
            quantity: Some(quantity),
            months,
            period_start: Timestamp::UNIX_EPOCH,
            period_end: ends.parse().expect("a time"),
        }
    }

    fn seen(items: Vec<ItemSeen>) -> StandingSeen {
        StandingSeen {
            subscription_id: SubscriptionId::parse("sub_1").expect("valid"),
            opportunity_id: OpportunityId::parse("006000000000001AAA").ok(),
            customer_id: None,
            is_renewed: false,
            status: SubscriptionStatus::Active,
            is_collection_paused: false,
            has_discount: false,
            currency: Currency::parse("EUR").expect("valid"),
            items,
            cancellation: Cancellation::default(),
        }
    }

    const SOON: &str = "2026-12-01T00:00:00Z";
    const LATER: &str = "2027-11-01T00:00:00Z";

    /// What it bills, whatever it is: of several frequencies, halves of a cent; and where it cannot be told, nothing is said.
    #[test]
    fn a_month_is_what_its_items_come_to() {
        for (items, expected) in [
            (vec![item(Some("20000"), 1, Some(1), SOON)], Some(20_000)),
            (vec![item(Some("10000"), 3, Some(12), LATER)], Some(2_500)),
            (vec![item(Some("10000"), 1, Some(12), LATER)], Some(833)),
            (vec![item(Some("1.5"), 1, Some(1), SOON)], Some(2)),
            (vec![item(Some("10000"), 1, Some(1), SOON), item(Some("100000"), 1, Some(12), LATER)], Some(18_333)),
            (vec![item(Some("700"), 1, Some(7), SOON)], Some(100)),
            (vec![item(None, 1, Some(1), SOON)], None),
            (vec![item(Some("100"), 1, None, SOON)], None),
            (vec![item(Some("100"), 1, Some(0), SOON)], None),
            (vec![item(Some("79228162514264337593543950335"), 9, Some(1), SOON)], None),
            (vec![], Some(0)),
        ] {
            let month = seen(items.clone()).standing().expect("ours").monthly;
            assert_eq!(month.map(Money::minor_units), expected, "{items:?}");
        }
        let discounted = StandingSeen { has_discount: true, ..seen(vec![item(Some("100"), 1, Some(1), SOON)]) };
        assert_eq!(discounted.standing().expect("ours").monthly, None);
    }

    #[test]
    fn only_what_bills_is_revenue() {
        use SubscriptionStatus as S;
        for (status, word, is_revenue, has_period) in [
            (S::Incomplete, "incomplete", false, true),
            (S::IncompleteExpired, "incomplete_expired", false, false),
            (S::Trialing, "trialing", false, true),
            (S::Active, "active", true, true),
            (S::PastDue, "past_due", true, true),
            (S::Canceled, "canceled", false, false),
            (S::Unpaid, "unpaid", false, true),
            (S::Paused, "paused", false, true),
            (S::Other("of_tomorrow".into()), "of_tomorrow", true, true),
        ] {
            let one = StandingSeen { status, ..seen(vec![item(Some("500"), 1, Some(1), SOON)]) };
            let standing = one.standing().expect("ours");
            let monthly = standing.monthly.map(Money::minor_units);
            assert_eq!((standing.status.as_str(), monthly), (word, Some(if is_revenue { 500 } else { 0 })));
            let soon = jiff::civil::date(2026, 12, 1);
            assert_eq!(standing.period_end, has_period.then_some(soon), "{word}");
        }
    }

    /// Of several frequencies it is the next that counts: then it is billed again.
    #[test]
    fn the_period_that_ends_first_is_told() {
        let items = vec![item(Some("1"), 1, Some(12), LATER), item(Some("1"), 1, Some(1), SOON)];
        assert_eq!(seen(items).standing().expect("ours").period_end, Some(jiff::civil::date(2026, 12, 1)));
        assert_eq!(seen(vec![]).standing().expect("ours").period_end, None);
    }

    #[test]
    fn a_pause_of_collection_is_told_while_it_goes_on() {
        use SubscriptionStatus as S;
        for (status, word) in
            [(S::Active, "collection_paused"), (S::PastDue, "collection_paused"), (S::Canceled, "canceled")]
        {
            let items = vec![item(Some("500"), 1, Some(1), SOON)];
            let paused = StandingSeen { status, is_collection_paused: true, ..seen(items) };
            let standing = paused.standing().expect("ours");
            assert_eq!((standing.status.as_str(), standing.monthly.map(Money::minor_units)), (word, Some(0)));
        }
    }

    /// As soon as it is over, in one line.
    #[test]
    fn why_it_was_canceled_is_told_when_it_is() {
        let text = |text: &str| Some(text.to_owned());
        for (cancellation, expected) in [
            (Cancellation::default(), None),
            (Cancellation { reason: text("payment_failed"), ..Cancellation::default() }, Some("payment_failed")),
            (
                Cancellation {
                    reason: text("cancellation_requested"),
                    feedback: text("too_expensive"),
                    comment: text("  They go\n elsewhere. "),
                },
                Some("cancellation_requested (too_expensive) They go elsewhere."),
            ),
            (Cancellation { comment: text(" \n"), ..Cancellation::default() }, None),
            (Cancellation { comment: text("@{x}"), ..Cancellation::default() }, Some("@ {x}")),
        ] {
            let over = StandingSeen { status: SubscriptionStatus::Canceled, cancellation, ..seen(vec![]) };
            assert_eq!(over.clone().standing().expect("ours").cancellation.as_deref(), expected);
            let lives = StandingSeen { status: SubscriptionStatus::Active, ..over };
            assert_eq!(lives.standing().expect("ours").cancellation, None);
        }
    }

    #[test]
    fn what_names_no_deal_of_ours_is_not_told() {
        assert_eq!(StandingSeen { opportunity_id: None, ..seen(vec![]) }.standing(), None);
    }
}
