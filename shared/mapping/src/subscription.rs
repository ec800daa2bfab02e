//! What comes back every month or year: when it begins, how often it is billed, and when it ends.

use std::ops::Range;

use domain::{Money, Record};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use crate::customer::cut;
use crate::source::{Names, QuoteTermNames};
use crate::{Code, Stop};

/// Whether recurring lines are billed, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subscriptions {
    /// A deal with a recurring line is refused.
    #[default]
    Off,
    /// Winning the deal begins its subscription.
    ClosedWon,
    /// The deal is won, and its contract is activated.
    ContractActivated,
}

impl Subscriptions {
    /// As the configuration writes it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "closed_won" => Ok(Self::ClosedWon),
            "contract_activated" => Ok(Self::ContractActivated),
            _ => Err("it must be off, closed_won or contract_activated".to_owned()),
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
    let term = match (&names.term.of_quote, lines.first()) {
        (None, _) => term(every, opportunity, names, "opportunity"),
        // Every line carries the fields of its quote.
        (Some(of_quote), Some(quote)) => {
            term(every, quote, names, "quote").and_then(|term| as_quoted(term, of_quote, quote, lines, names))
        }
        (Some(_), None) => Err("The quote has no recurring lines.".to_owned()),
    };
    let term = term.and_then(|term| in_time(term, read_at));
    term.map_err(|message| Stop::refused(Code::TermNotBillable, message))
}

/// As the record says it, which is the opportunity or the quote.
fn term(every: Interval, record: &Record, names: &Names, place: &str) -> Result<Subscription, String> {
    let start = record.text(names.term.start).ok_or_else(|| {
        format!("Give the {place} the first day of its term: its recurring products are billed from then on.")
    })?;
    let start: Date = start.parse().map_err(|_| format!("Correct the {place}'s first day: it is no date."))?;
    let periods = periods(every, record.number(names.term.months), place)?;
    Ok(Subscription { start, every, periods })
}

/// A quote's net amounts are for its term, so that is said in full, and all of its lines have it.
fn as_quoted(
    term: Subscription,
    of_quote: &QuoteTermNames,
    quote: &Record,
    lines: &[&Record],
    names: &Names,
) -> Result<Subscription, String> {
    let product = |line: &Record| cut(line.text(names.product).unwrap_or("A line"), 60);
    if let Some(line) = lines.iter().find(|line| line.text(of_quote.line_type) == Some("Evergreen")) {
        return Err(format!(
            "{} is evergreen, and a quote's lines are billed for its term: sell it by itself.",
            product(line)
        ));
    }
    let Some(end) = quote.text(of_quote.end) else {
        return Err("Give the quote its end date: with its term it says what its net amounts are for.".to_owned());
    };
    let Some(ends_at) = term.ends_at() else {
        return Err("Give the quote its subscription term in months: it says what its net amounts are for.".to_owned());
    };
    let (first, last) = (term.start.to_string(), last_day(ends_at).to_string());
    if end != last {
        return Err(format!(
            "The quote ends on {}, and its term on {last}: only whole months are billed.",
            cut(end, 10)
        ));
    }
    let months = quote.number(names.term.months);
    let has_own_term = |line: &&&Record| {
        line.text(of_quote.line_start).is_some_and(|start| start != first)
            || line.text(of_quote.line_end).is_some_and(|end| end != last)
            || line.number(of_quote.line_months).is_some_and(|own| Some(own) != months)
    };
    match lines.iter().find(has_own_term) {
        Some(line) => Err(format!(
            "{} has a term of its own: give it the quote's first and last day, or sell it by itself.",
            product(line)
        )),
        None => Ok(term),
    }
}

/// What lies behind is billed at once, so it is no more than anybody means.
fn in_time(term: Subscription, read_at: Timestamp) -> Result<Subscription, String> {
    match term.ends_at() {
        Some(ends_at) if ends_at <= read_at => Err(format!(
            "The term was over on {}: bill it as a one-time deal, or correct its first day.",
            last_day(ends_at)
        )),
        // A year that was mistyped would be billed at once, all of it.
        None if term.begun(read_at).saturating_mul(term.every.months()) > LONGEST_ARREARS => Err(format!(
            "The first day {} is more than a year ago, and without a term every period since then would be billed at once: \
             correct it.",
            term.start
        )),
        _ => Ok(term),
    }
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
        assert_eq!(Subscriptions::parse("contract_activated"), Ok(Subscriptions::ContractActivated));
        assert!(Subscriptions::parse("on").is_err());
    }
}
