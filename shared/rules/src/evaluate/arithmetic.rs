//! Numbers, dates and texts put together. A result is exact or there is none, except that a division is rounded to 28 digits.

use std::borrow::Cow;

use jiff::{SignedDuration, Span};
use rust_decimal::Decimal;

use super::{Operand, Outcome, Run, unfit};
use crate::node::{Binary, Node};
use crate::value::Undecided;

/// More days than there are in the calendar.
const MOST_DAYS: i64 = 10_000_000;

impl<'a> Run<'a> {
    pub(super) fn arithmetic(&mut self, binary: Binary, left: &'a Node, right: &'a Node) -> Outcome<'a> {
        let (one, other) = (self.evaluate(left)?, self.evaluate(right)?);
        match (binary, one, other) {
            (_, Operand::Null, other) => Err(empty(left, &other)),
            (_, one, Operand::Null) => Err(empty(right, &one)),
            (_, Operand::Number(one), Operand::Number(other)) => calculate(binary, one, other).map(Operand::Number),
            (Binary::Add, Operand::Text(one), Operand::Text(other)) => {
                self.step_over(&one)?;
                self.step_over(&other)?;
                Ok(Operand::Text(Cow::Owned(one.into_owned() + &other)))
            }
            (Binary::Subtract, Operand::Date(one), Operand::Date(other)) => {
                let span = one.since(other).map_err(|_| out_of_calendar())?;
                Ok(Operand::Number(span.get_days().into()))
            }
            (Binary::Add, Operand::Days(days), date) | (Binary::Add, date, Operand::Days(days)) => {
                moved(date, days, left)
            }
            (Binary::Subtract, date, Operand::Days(days)) => moved(date, -days, left),
            (_, one, other) => Err(Undecided::new(format!(
                "{} is {}, and {} {}: {} does not mix them.",
                left.told(),
                one.kind(),
                right.told(),
                other.kind(),
                binary.sign()
            ))),
        }
    }
}

fn empty(node: &Node, beside: &Operand<'_>) -> Undecided {
    match beside {
        Operand::Text(_) => unfit(node, &Operand::Null, "a text", "\"\""),
        Operand::Date(_) | Operand::Days(_) => unfit(node, &Operand::Null, "a date", "today"),
        Operand::DateTime(_) => unfit(node, &Operand::Null, "a date with a time", "now"),
        _ => unfit(node, &Operand::Null, "a number", "0"),
    }
}

fn moved<'a>(date: Operand<'a>, days: i64, node: &Node) -> Outcome<'a> {
    match date {
        Operand::Date(date) => {
            let span = Span::new().try_days(days).map_err(|_| out_of_calendar())?;
            date.checked_add(span).map(Operand::Date).map_err(|_| out_of_calendar())
        }
        Operand::DateTime(at) => {
            let moved = at.checked_add(SignedDuration::from_hours(days * 24));
            moved.map(Operand::DateTime).map_err(|_| out_of_calendar())
        }
        found => Err(unfit(node, &found, "a date", "today")),
    }
}

fn out_of_calendar() -> Undecided {
    Undecided::new("The date lies outside of the calendar, which ends with the year 9999.")
}

/// How many days `days(n)` is.
pub(super) fn days(number: Decimal) -> Result<i64, Undecided> {
    let whole = i64::try_from(number.normalize()).ok().filter(|days| number.is_integer() && days.abs() <= MOST_DAYS);
    whole.ok_or_else(|| Undecided::new("days takes a whole number that the calendar has room for."))
}

/// `rust_decimal` rounds what needs more than 28 digits. Here that is no result: it would be money that nobody agreed.
pub(super) fn calculate(binary: Binary, one: Decimal, other: Decimal) -> Result<Decimal, Undecided> {
    let (one, other) = (one.normalize(), other.normalize());
    if other.is_zero() && matches!(binary, Binary::Divide | Binary::Remainder) {
        return Err(Undecided::new("There is a division by zero: ask for that case first, as in x == 0 ? 0 : y / x."));
    }
    let (result, scale) = match binary {
        Binary::Add => (one.checked_add(other), scale_of_sum(one, other)),
        Binary::Subtract => (one.checked_sub(other), scale_of_sum(one, -other)),
        // With nothing there are no digits to keep.
        Binary::Multiply if one.is_zero() || other.is_zero() => (Some(Decimal::ZERO), 0),
        Binary::Multiply => (one.checked_mul(other), scale_of_product(one, other)),
        Binary::Divide => (one.checked_div(other), 0),
        _ => (one.checked_rem(other), 0),
    };
    let result = result.ok_or_else(|| {
        Undecided::new(format!("The result of {} is larger than a number can be, with 28 digits.", binary.sign()))
    })?;
    if result.scale() < scale {
        let sign = binary.sign();
        return Err(Undecided::new(format!(
            "The result of {sign} has more than 28 digits: round(x, n) the numbers first."
        )));
    }
    Ok(result.normalize())
}

/// How many decimals the exact sum has, of two numbers without zeros at their ends.
fn scale_of_sum(one: Decimal, other: Decimal) -> u32 {
    let scale = one.scale().max(other.scale());
    if one.scale() != other.scale() {
        return scale;
    }
    let sum = one.mantissa() + other.mantissa();
    scale.saturating_sub(times(sum, 10))
}

/// How many decimals the exact product has. It ends with a zero for each two and five in its factors.
fn scale_of_product(one: Decimal, other: Decimal) -> u32 {
    let both = |divisor| times(one.mantissa(), divisor) + times(other.mantissa(), divisor);
    (one.scale() + other.scale()).saturating_sub(both(2).min(both(5)))
}

/// How often a number can be divided.
fn times(mut number: i128, divisor: i128) -> u32 {
    let mut times = 0;
    while number != 0 && number % divisor == 0 {
        number /= divisor;
        times += 1;
    }
    times
}
