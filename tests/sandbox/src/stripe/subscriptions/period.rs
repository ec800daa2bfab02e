//! When a subscription bills: pure calendar, in UTC. Every boundary is counted from the anchor, so one at the 31st bills on the last
//! day of each shorter month and on the 31st again after it.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interval {
    Day,
    Week,
    Month,
    Year,
}

impl Interval {
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "year" => Self::Year,
            _ => return None,
        })
    }

    /// Nothing where the calendar ends.
    fn span(self, count: i64) -> Option<Span> {
        let span = Span::new();
        let span = match self {
            Self::Day => span.try_days(count),
            Self::Week => span.try_weeks(count),
            Self::Month => span.try_months(count),
            Self::Year => span.try_years(count),
        };
        span.ok()
    }

    /// How many of them a price may bill at once: three years.
    pub fn most(self) -> i64 {
        match self {
            Self::Day => 1095,
            Self::Week => 156,
            Self::Month => 36,
            Self::Year => 3,
        }
    }
}

/// So many intervals, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recurrence {
    pub interval: Interval,
    pub count: i64,
}

impl Recurrence {
    /// So many recurrences after a time; before it, when the number is negative.
    pub fn after(self, start: i64, number: i64) -> i64 {
        self.interval.span(self.count.saturating_mul(number)).map_or(i64::MAX, |span| later(start, span))
    }

    /// The period that a time is in, of those that are counted from the anchor. A boundary belongs to the period that it begins.
    pub fn period(self, anchor: i64, at: i64) -> (i64, i64) {
        // Whatever the calendar does, a month has at least 28 days and a year 365.
        let shortest = match self.interval {
            Interval::Day => 1,
            Interval::Week => 7,
            Interval::Month => 28,
            Interval::Year => 365,
        } * 86_400
            * self.count;
        let mut number = (at - anchor).div_euclid(shortest);
        while self.after(anchor, number) > at {
            number -= 1;
        }
        while self.after(anchor, number + 1) <= at {
            number += 1;
        }
        (self.after(anchor, number), self.after(anchor, number + 1))
    }
}

fn later(at: i64, span: Span) -> i64 {
    civil(at).and_then(|at| at.checked_add(span).ok()).and_then(unix).unwrap_or(i64::MAX)
}

/// The date and time in UTC.
pub fn civil(at: i64) -> Option<DateTime> {
    Timestamp::from_second(at).ok().map(|at| TimeZone::UTC.to_datetime(at))
}

pub fn unix(at: DateTime) -> Option<i64> {
    TimeZone::UTC.to_timestamp(at).ok().map(Timestamp::as_second)
}

/// `01 Sep 2020`: how a line says when a change came.
pub fn day(at: i64) -> String {
    civil(at).map(|at| at.strftime("%d %b %Y").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        format!("{text}T00:00:00Z").parse::<Timestamp>().expect("a day").as_second()
    }

    const MONTHLY: Recurrence = Recurrence { interval: Interval::Month, count: 1 };

    /// docs.stripe.com/billing/subscriptions/billing-cycle: anchored at January 31, a month bills at the end of February, at March 31,
    /// at April 30; anchored at September 2, on each second; weekly from a Friday, on Fridays.
    #[test]
    fn boundaries_are_counted_from_the_anchor() {
        for (recurrence, anchor, boundaries) in [
            (MONTHLY, "2026-01-31", ["2026-02-28", "2026-03-31", "2026-04-30"]),
            (MONTHLY, "2028-01-31", ["2028-02-29", "2028-03-31", "2028-04-30"]),
            (MONTHLY, "2026-09-02", ["2026-10-02", "2026-11-02", "2026-12-02"]),
            (
                Recurrence { interval: Interval::Week, count: 1 },
                "2022-06-03",
                ["2022-06-10", "2022-06-17", "2022-06-24"],
            ),
            (
                Recurrence { interval: Interval::Month, count: 3 },
                "2026-11-30",
                ["2027-02-28", "2027-05-30", "2027-08-30"],
            ),
            (
                Recurrence { interval: Interval::Year, count: 1 },
                "2028-02-29",
                ["2029-02-28", "2030-02-28", "2031-02-28"],
            ),
            (
                Recurrence { interval: Interval::Day, count: 10 },
                "2026-02-20",
                ["2026-03-02", "2026-03-12", "2026-03-22"],
            ),
        ] {
            for (number, boundary) in (1..).zip(boundaries) {
                assert_eq!(recurrence.after(at(anchor), number), at(boundary), "{recurrence:?} {anchor} {number}");
            }
        }
    }

    #[test]
    fn a_time_is_in_one_period() {
        for (time, start, end) in [
            ("2026-01-31", "2026-01-31", "2026-02-28"),
            ("2026-02-27", "2026-01-31", "2026-02-28"),
            ("2026-02-28", "2026-02-28", "2026-03-31"),
            ("2027-03-30", "2027-02-28", "2027-03-31"),
            // Before the anchor, as for a subscription that began before it.
            ("2026-01-30", "2025-12-31", "2026-01-31"),
            ("2024-01-30", "2023-12-31", "2024-01-31"),
        ] {
            assert_eq!(MONTHLY.period(at("2026-01-31"), at(time)), (at(start), at(end)), "{time}");
        }
        assert_eq!(day(at("2020-09-01") + 86_399), "01 Sep 2020");
    }
}
