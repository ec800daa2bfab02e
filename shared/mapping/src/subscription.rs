//! What comes back every month or year: when it begins, how often it is billed, and when it ends.

use std::ops::Range;

use domain::{Money, Record};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use crate::customer::cut;
use crate::renewal::is_renewal;
use crate::source::{Names, QuoteTermNames};
use crate::{Code, PlanLine, Stop};

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
    /// As a picklist of Salesforce's has it.
    pub fn parse(text: &str) -> Result<Self, String> {
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
    /// The longest interval of its lines.
    pub every: Interval,
    /// How many whole periods it has; without an end, until somebody cancels it.
    pub periods: Option<u32>,
    /// The months before the first whole one, where the term begins inside a period of the subscription that it renews.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stub: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_zero(months: &u32) -> bool {
    *months == 0
}

/// A term is at most ten years: more is a typing mistake.
const LONGEST_TERM: u32 = 120;

/// Of what has no end, so many months and the one that has begun are billed with the first invoice at most.
const LONGEST_ARREARS: u32 = 13;

/// Stripe bills at most 250 lines at once: docs.stripe.com, billing/subscriptions/backdating.
pub const MOST_PERIODS: u32 = 250;

impl Subscription {
    /// The term of one of its lines: the same days, in periods of the line's own. `None` for what is billed once.
    pub fn of(&self, line: &PlanLine) -> Option<Self> {
        let every = line.every.unwrap_or(self.every);
        // Of the four intervals, each is a multiple of every shorter one.
        let periods = self.periods.map(|periods| periods.saturating_mul(self.every.months() / every.months()));
        line.recurring.then(|| Self { every, periods, ..self.clone() })
    }

    pub fn starts_at(&self) -> Timestamp {
        midnight(self.start)
    }

    pub fn ends_at(&self) -> Option<Timestamp> {
        self.periods.map(|periods| midnight(self.after(self.months(periods))))
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
        self.after(self.every.months().saturating_mul(index))
    }

    fn months(&self, periods: u32) -> u32 {
        self.every.months().saturating_mul(periods).saturating_add(self.stub)
    }

    fn after(&self, months: u32) -> Date {
        Span::new()
            .try_months(i64::from(months))
            .ok()
            .and_then(|span| self.start.checked_add(span).ok())
            .unwrap_or(Date::MAX)
    }

    /// What one period costs of a line that costs this over the whole term. `None` if it does not divide.
    pub fn each(&self, amount: Money) -> Option<Money> {
        let months = i64::from(self.months(self.periods.unwrap_or(1)));
        let over_months = amount.minor_units().checked_mul(self.every.months().into())?;
        let is_exact = over_months.checked_rem(months) == Some(0);
        let each = Money::from_minor_units(over_months.checked_div(months)?, amount.currency());
        // Some currencies have steps of more than one minor unit.
        let is_billable = Money::from_major_units(each.to_major_units(), each.currency()) == Ok(each);
        (is_exact && is_billable).then_some(each)
    }
}

/// Where a day begins.
pub fn midnight(day: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
}

/// The term that the recurring lines were sold for. `lines` are those lines.
pub(crate) fn subscription(
    every: Interval,
    opportunity: &Record,
    lines: &[&Record],
    names: &Names,
) -> Result<Subscription, Stop> {
    let is_renewal = is_renewal(opportunity);
    let term = match (&names.term.of_quote, lines.first()) {
        (None, _) => term(every, opportunity, names, "opportunity", is_renewal),
        // Every line carries the fields of its quote.
        (Some(of_quote), Some(quote)) => {
            let term = term(every, quote, names, "quote", is_renewal);
            term.and_then(|term| as_quoted(term, of_quote, quote, lines, names))
        }
        (Some(_), None) => Err("The quote has no recurring lines.".to_owned()),
    };
    term.map_err(|message| Stop::refused(Code::TermNotBillable, message))
}

/// As the record says it, which is the opportunity or the quote. Only a renewal may begin inside a period, which is that of the
/// subscription that it renews.
fn term(
    every: Interval,
    record: &Record,
    names: &Names,
    place: &str,
    is_renewal: bool,
) -> Result<Subscription, String> {
    let start = record.text(names.term.start).ok_or_else(|| {
        format!("Give the {place} the first day of its term: its recurring products are billed from then on.")
    })?;
    let start: Date = start.parse().map_err(|_| format!("Correct the {place}'s first day: it is no date."))?;
    let months = record.number(names.term.months).map(|months| whole(months, place)).transpose()?;
    let Some(months) = months else { return Ok(Subscription { start, every, periods: None, stub: 0 }) };
    let (periods, stub) = (months / every.months(), months % every.months());
    if stub > 0 && !is_renewal {
        return Err(format!(
            "The {place}'s term of {months} months cannot be billed {}: it must be a multiple of {}.",
            every.as_str().to_lowercase(),
            every.months()
        ));
    }
    Ok(Subscription { start, every, periods: Some(periods), stub })
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

/// What lies behind is billed at once, so it is no more than anybody means. Of what has begun nobody asks.
pub(crate) fn in_time(term: &Subscription, read_at: Timestamp) -> Result<(), Stop> {
    let message = match term.ends_at() {
        Some(ends_at) if ends_at <= read_at => {
            format!("The term was over on {}: bill it as a one-time deal, or correct its first day.", last_day(ends_at))
        }
        // A year that was mistyped would be billed at once, all of it.
        None if term.begun(read_at).saturating_mul(term.every.months()) > LONGEST_ARREARS => format!(
            "The first day {} is more than a year ago, and without a term every period since then would be billed at once: \
             correct it.",
            term.start
        ),
        _ => return Ok(()),
    };
    Err(Stop::refused(Code::TermNotBillable, message))
}

/// How many months a term has, which are whole and few enough.
fn whole(months: Decimal, place: &str) -> Result<u32, String> {
    let whole = months.to_u32().filter(|whole| Decimal::from(*whole) == months && (1..=LONGEST_TERM).contains(whole));
    whole.ok_or_else(|| {
        let months = months.normalize();
        format!("The {place}'s term of {months} months cannot be billed: it must be whole, and {LONGEST_TERM} at most.")
    })
}

fn last_day(ends_at: Timestamp) -> Date {
    let day = TimeZone::UTC.to_datetime(ends_at).date();
    day.yesterday().unwrap_or(day)
}

#[cfg(test)]
mod tests;
