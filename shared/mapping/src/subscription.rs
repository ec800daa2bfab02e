//! What comes back every month or year: when it begins, how often it is billed, and when it ends.

use std::ops::Range;

use domain::{Money, Record};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use crate::customer::cut;
use crate::source::{Names, TermAt};
use crate::{Code, Stop};

/// Whether recurring lines are billed, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subscriptions {
    /// A deal with a recurring line is refused.
    #[default]
    Off,
    /// Winning the deal begins its subscription.
    ClosedWon,
}

impl Subscriptions {
    /// As the configuration writes it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "closed_won" => Ok(Self::ClosedWon),
            _ => Err("it must be off or closed_won".to_owned()),
        }
    }
}

/// How often something is billed, in the words of Salesforce CPQ's Billing Frequency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    Monthly,
    Quarterly,
    Semiannual,
    Annual,
}

impl Interval {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "Monthly" => Ok(Self::Monthly),
            "Quarterly" => Ok(Self::Quarterly),
            "Semiannual" => Ok(Self::Semiannual),
            "Annual" => Ok(Self::Annual),
            _ => {
                Err(format!("its billing frequency is {}: use Monthly, Quarterly, Semiannual or Annual", cut(text, 30)))
            }
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monthly => "Monthly",
            Self::Quarterly => "Quarterly",
            Self::Semiannual => "Semiannual",
            Self::Annual => "Annual",
        }
    }

    pub fn months(self) -> u32 {
        match self {
            Self::Monthly => 1,
            Self::Quarterly => 3,
            Self::Semiannual => 6,
            Self::Annual => 12,
        }
    }
}

/// The term of a deal's recurring lines. Days are UTC, and begin at midnight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    pub start: Date,
    pub every: Interval,
    /// How many times it is billed; without an end, until somebody cancels it.
    pub periods: Option<u32>,
}

/// A term is at most ten years: more is a typing mistake.
const LONGEST_TERM: u32 = 120;

/// Of what has no end, so many months and the one that has begun are billed with the first invoice at most.
const LONGEST_ARREARS: u32 = 13;

/// Stripe bills at most 250 lines at once: docs.stripe.com, billing/subscriptions/backdating.
pub const MOST_PERIODS: u32 = 250;

impl Subscription {
    pub fn starts_at(&self) -> Timestamp {
        midnight(self.start)
    }

    pub fn ends_at(&self) -> Option<Timestamp> {
        self.periods.map(|periods| midnight(self.day(periods)))
    }

    /// Each counted from the first day, as Stripe does it: the 31st, the last of February, the 31st again.
    pub fn period(&self, index: u32) -> Range<Timestamp> {
        midnight(self.day(index))..midnight(self.day(index.saturating_add(1)))
    }

    /// How many periods have begun by then: the first invoice bills them all.
    pub fn begun(&self, at: Timestamp) -> u32 {
        let most = self.periods.unwrap_or(u32::MAX);
        let is_begun = |index: &u32| self.period(*index).start <= at;
        let begun = (0..most.min(MOST_PERIODS)).take_while(is_begun).count();
        u32::try_from(begun).unwrap_or(MOST_PERIODS)
    }

    fn day(&self, index: u32) -> Date {
        let months = i64::from(self.every.months().saturating_mul(index));
        Span::new().try_months(months).ok().and_then(|span| self.start.checked_add(span).ok()).unwrap_or(Date::MAX)
    }

    /// What one period costs of a line that costs this over the whole term. `None` if it does not divide.
    pub fn each(&self, amount: Money) -> Option<Money> {
        let periods = i64::from(self.periods.unwrap_or(1));
        let is_exact = amount.minor_units().checked_rem(periods) == Some(0);
        let each = Money::from_minor_units(amount.minor_units() / periods, amount.currency());
        // Some currencies have steps of more than one minor unit.
        let is_billable = Money::from_major_units(each.to_major_units(), each.currency()) == Ok(each);
        (is_exact && is_billable).then_some(each)
    }
}

fn midnight(day: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
}

/// The term that the recurring lines were sold for. `lines` are those lines.
pub(crate) fn subscription(
    every: Interval,
    opportunity: &Record,
    lines: &[&Record],
    names: &Names,
    read_at: Timestamp,
) -> Result<Subscription, Stop> {
    let (place, first) = match names.term.at {
        TermAt::Opportunity => ("opportunity", Some(opportunity)),
        TermAt::Line => ("quote", lines.first().copied()),
    };
    let refused = |message: String| Stop::refused(Code::TermNotBillable, message);
    let text = |field: &'static str| first.and_then(|record| record.text(field));
    let start = text(names.term.start).ok_or_else(|| {
        refused(format!("Give the {place} the first day of its term: its recurring products are billed from then on."))
    })?;
    let start: Date = start.parse().map_err(|_| refused(format!("Correct the {place}'s first day: it is no date.")))?;
    let periods = periods(every, first.and_then(|record| record.number(names.term.months)), place).map_err(refused)?;
    let term = Subscription { start, every, periods };
    let is_evergreen = |line: &&&Record| names.term.line_type.and_then(|field| line.text(field)) == Some("Evergreen");
    if let Some(line) = lines.iter().find(is_evergreen) {
        return Err(refused(format!(
            "{} is evergreen, and a quote's lines are billed for its term: sell it by itself.",
            cut(line.text(names.product).unwrap_or("A line"), 60)
        )));
    }
    if names.term.at == TermAt::Line && names.term.end.and_then(text).is_none() {
        return Err(refused("Give the quote its end date: with its term it says what its net amounts are for.".into()));
    }
    // A year that was mistyped would be billed at once, all of it.
    if term.periods.is_none() && term.begun(read_at).saturating_mul(every.months()) > LONGEST_ARREARS {
        return Err(refused(format!(
            "The {place}'s first day {start} is more than a year ago, and without a term every period since then would be billed \
             at once: correct it."
        )));
    }
    if periods.is_none() && names.term.at == TermAt::Line {
        return Err(refused(
            "Give the quote its subscription term in months: it says what its net amounts are for.".into(),
        ));
    }
    if let Some(ends_at) = term.ends_at() {
        let last = last_day(ends_at);
        if let Some(end) = names.term.end.and_then(text).filter(|end| *end != last.to_string()) {
            return Err(refused(format!(
                "The quote ends on {}, and its term on {last}: only whole months are billed.",
                cut(end, 10)
            )));
        }
        if ends_at <= read_at {
            return Err(refused(format!(
                "The term was over on {last}: bill it as a one-time deal, or correct its first day."
            )));
        }
    }
    let last = term.ends_at().map(last_day);
    let differs = |record: &&Record| {
        let is_other = |field: Option<&'static str>, day: Option<Date>| {
            field
                .and_then(|field| record.text(field))
                .is_some_and(|text| Some(text.to_owned()) != day.map(|day| day.to_string()))
        };
        let months = names.term.line_months.and_then(|field| record.number(field));
        let has_own_months = months.is_some() && months != first.and_then(|quote| quote.number(names.term.months));
        is_other(names.term.line_start, Some(start)) || is_other(names.term.line_end, last) || has_own_months
    };
    if let Some(line) = lines.iter().find(|line| differs(line)) {
        return Err(refused(format!(
            "{} has a term of its own: give it the quote's first and last day, or sell it by itself.",
            cut(line.text(names.product).unwrap_or("A line"), 60)
        )));
    }
    Ok(term)
}

fn periods(every: Interval, months: Option<rust_decimal::Decimal>, place: &str) -> Result<Option<u32>, String> {
    let Some(months) = months else { return Ok(None) };
    let whole = months.to_u32().filter(|whole| rust_decimal::Decimal::from(*whole) == months);
    match whole {
        Some(whole) if (1..=LONGEST_TERM).contains(&whole) && whole.is_multiple_of(every.months()) => {
            Ok(Some(whole / every.months()))
        }
        _ => Err(format!(
            "The {place}'s term of {} months cannot be billed {}: it must be whole, up to {LONGEST_TERM}, and a multiple of {}.",
            months.normalize(),
            every.as_str().to_lowercase(),
            every.months()
        )),
    }
}

fn last_day(ends_at: Timestamp) -> Date {
    let day = TimeZone::UTC.to_datetime(ends_at).date();
    day.yesterday().unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use domain::Currency;

    use super::*;

    fn term(start: &str, every: Interval, periods: Option<u32>) -> Subscription {
        Subscription { start: start.parse().expect("a day"), every, periods }
    }

    /// docs.stripe.com/billing/subscriptions/billing-cycle: a month that has no such day has its last one, and the next one has it
    /// again.
    #[test]
    fn periods_are_counted_from_the_first_day() {
        let monthly = term("2027-01-31", Interval::Monthly, Some(3));
        let days = |index| {
            let period = monthly.period(index);
            format!("{}..{}", period.start, period.end)
        };
        assert_eq!(days(0), "2027-01-31T00:00:00Z..2027-02-28T00:00:00Z");
        assert_eq!(days(1), "2027-02-28T00:00:00Z..2027-03-31T00:00:00Z");
        assert_eq!(days(2), "2027-03-31T00:00:00Z..2027-04-30T00:00:00Z");
        assert_eq!(monthly.ends_at(), Some(monthly.period(2).end));
        assert_eq!(monthly.starts_at(), monthly.period(0).start);
        let leap = term("2028-02-29", Interval::Annual, Some(4));
        assert_eq!(leap.period(0).end.to_string(), "2029-02-28T00:00:00Z");
        assert_eq!(leap.ends_at().map(|end| end.to_string()).as_deref(), Some("2032-02-29T00:00:00Z"));
        assert_eq!(term("2027-01-01", Interval::Quarterly, None).ends_at(), None);
        let at = |time: &str| time.parse().expect("a time");
        assert_eq!(monthly.begun(at("2027-01-30T23:59:59Z")), 0);
        assert_eq!(monthly.begun(at("2027-01-31T00:00:00Z")), 1);
        assert_eq!(monthly.begun(at("2027-02-27T23:59:59Z")), 1);
        assert_eq!((monthly.begun(at("2027-02-28T00:00:00Z")), monthly.begun(at("2030-01-01T00:00:00Z"))), (2, 3));
        // What no calendar holds is not wrapped around.
        assert!(term("9999-01-01", Interval::Annual, Some(10)).ends_at() > Some(leap.starts_at()));
    }

    #[test]
    fn a_term_is_divided_exactly_or_not_at_all() {
        let eur = |minor_units| Money::from_minor_units(minor_units, Currency::parse("EUR").expect("valid"));
        let monthly = term("2027-01-01", Interval::Monthly, Some(12));
        assert_eq!(monthly.each(eur(120_000)), Some(eur(10_000)));
        assert_eq!(monthly.each(eur(100_000)), None);
        // Thousandths of a dinar end in zero.
        let kwd = |minor_units| Money::from_minor_units(minor_units, Currency::parse("KWD").expect("valid"));
        assert_eq!((monthly.each(kwd(100_020)), monthly.each(kwd(120_120))), (None, Some(kwd(10_010))));
        assert_eq!(monthly.each(eur(0)), Some(eur(0)));
        assert_eq!(term("2027-01-01", Interval::Annual, None).each(eur(999)), Some(eur(999)));
    }

    #[test]
    fn a_term_is_whole_periods_or_is_refused() {
        for (every, months, expected) in [
            (Interval::Monthly, "12", Some(12)),
            (Interval::Quarterly, "12.00", Some(4)),
            (Interval::Semiannual, "6", Some(1)),
            (Interval::Annual, "36", Some(3)),
            (Interval::Annual, "120", Some(10)),
            (Interval::Annual, "18", None),
            (Interval::Monthly, "12.5", None),
            (Interval::Monthly, "0", None),
            (Interval::Monthly, "-12", None),
            (Interval::Monthly, "121", None),
        ] {
            let months = months.parse().expect("a number");
            assert_eq!(periods(every, Some(months), "quote").ok(), expected.map(Some), "{every:?} {months}");
        }
        assert_eq!(periods(Interval::Monthly, None, "quote"), Ok(None));
    }

    #[test]
    fn how_often_is_said_in_four_words() {
        for every in [Interval::Monthly, Interval::Quarterly, Interval::Semiannual, Interval::Annual] {
            assert_eq!(Interval::parse(every.as_str()), Ok(every));
        }
        assert_eq!(
            [Interval::Monthly, Interval::Quarterly, Interval::Semiannual, Interval::Annual].map(Interval::months),
            [1, 3, 6, 12]
        );
        for unknown in ["monthly", "Invoice Plan", ""] {
            assert!(Interval::parse(unknown).is_err());
        }
        assert_eq!(Subscriptions::parse("off"), Ok(Subscriptions::Off));
        assert_eq!(Subscriptions::parse("closed_won"), Ok(Subscriptions::ClosedWon));
        assert!(Subscriptions::parse("on").is_err());
    }
}
