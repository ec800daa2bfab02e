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
    let larger_scale = one.scale().max(other.scale());
    let (result, scale) = match binary {
        Binary::Add => (one.checked_add(other), larger_scale),
        Binary::Subtract => (one.checked_sub(other), larger_scale),
        // With nothing there are no digits to keep.
        Binary::Multiply if one.is_zero() || other.is_zero() => (Some(Decimal::ZERO), 0),
        Binary::Multiply => (one.checked_mul(other), one.scale() + other.scale()),
        Binary::Divide => (one.checked_div(other), 0),
        _ => (one.checked_rem(other), 0),
    };
    let result = result.ok_or_else(|| {
        Undecided::new(format!("The result of {} is larger than a number can be, with 28 digits.", binary.sign()))
    })?;
    // An exact result has as many decimals as its operands need, before zeros are taken away.
    if result.scale() < scale {
        let sign = binary.sign();
        return Err(Undecided::new(format!(
            "The result of {sign} has more than 28 digits: round(x, n) the numbers first."
        )));
    }
    Ok(result.normalize())
}
