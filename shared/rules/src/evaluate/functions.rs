//! What functions come to.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use rust_decimal::{Decimal, RoundingStrategy};

use super::arithmetic::{calculate, days};
use super::{Operand, Outcome, Run, unfit};
use crate::node::{Binary, Function, Node};
use crate::read;
use crate::value::Undecided;

impl<'a> Run<'a> {
    pub(super) fn call(&mut self, function: Function, args: &'a [Node]) -> Outcome<'a> {
        match (function, args) {
            (Function::StartsWith, [text, part]) => {
                let (text, part) = (self.text(text)?, self.text(part)?);
                Ok(Operand::Boolean(text.starts_with(&*part)))
            }
            (Function::EndsWith, [text, part]) => {
                let (text, part) = (self.text(text)?, self.text(part)?);
                Ok(Operand::Boolean(text.ends_with(&*part)))
            }
            (Function::Contains, [text, part]) => {
                let (text, part) = (self.text(text)?, self.text(part)?);
                Ok(Operand::Boolean(text.contains(&*part)))
            }
            (Function::LowerAscii, [text]) => Ok(owned(self.text(text)?.to_ascii_lowercase())),
            (Function::UpperAscii, [text]) => Ok(owned(self.text(text)?.to_ascii_uppercase())),
            (Function::Trim, [text]) => Ok(owned(self.text(text)?.trim().to_owned())),
            (Function::Size, [arg]) => match self.evaluate(arg)? {
                Operand::List(list) => Ok(Operand::Number(list.len().into())),
                Operand::Text(text) => {
                    self.step_over(&text)?;
                    Ok(Operand::Number(text.chars().count().into()))
                }
                found => Err(unfit(arg, &found, "a text", "\"\"")),
            },
            (Function::Default, [arg, otherwise]) => match self.evaluate(arg)? {
                Operand::Null => self.evaluate(otherwise),
                found => Ok(found),
            },
            (Function::Round, [number, places]) => {
                let (number, places) = (self.number(number)?, self.number(places)?);
                let places = read::places(places)
                    .ok_or_else(|| Undecided::new("round takes 0 to 28 decimals, and a whole number of them."))?;
                let rounded = number.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
                Ok(Operand::Number(rounded.normalize()))
            }
            (Function::Days, [number]) => days(self.number(number)?).map(Operand::Days),
            (Function::Sum, [list]) => {
                let numbers = self.numbers(function, list)?;
                let sum =
                    numbers.into_iter().try_fold(Decimal::ZERO, |sum, number| calculate(Binary::Add, sum, number));
                sum.map(Operand::Number)
            }
            (Function::Min | Function::Max, args) => {
                let numbers = match args {
                    [list] => self.numbers(function, list)?,
                    args => args.iter().map(|arg| self.number(arg)).collect::<Result<_, _>>()?,
                };
                let found =
                    if function == Function::Min { numbers.into_iter().min() } else { numbers.into_iter().max() };
                let name = function.name();
                found.map(Operand::Number).ok_or_else(|| {
                    Undecided::new(format!("{name} has nothing to choose from: ask for size(x) == 0 first."))
                })
            }
            (_, [arg]) => self.conversion(function, arg),
            _ => Err(Undecided::new(format!("{} has not what it takes.", function.name()))),
        }
    }

    fn numbers(&mut self, function: Function, node: &'a Node) -> Result<Vec<Decimal>, Undecided> {
        let list = self.list(node)?;
        self.step(list.len())?;
        let numbers = list.into_iter().enumerate().map(|(index, element)| match element {
            Operand::Number(number) => Ok(number),
            found => {
                let (name, number, kind) = (function.name(), index + 1, found.kind());
                let message =
                    format!("{name} takes numbers, and number {number} of its list is {kind}: write default(x, 0).");
                Err(Undecided::new(message))
            }
        });
        numbers.collect()
    }

    fn conversion(&mut self, function: Function, arg: &'a Node) -> Outcome<'a> {
        let found = self.evaluate(arg)?;
        let unreadable = |what: &str| Undecided::new(format!("{} cannot be read as {what}.", arg.told()));
        match (function, found) {
            (Function::Date, found @ Operand::Date(_))
            | (Function::DateTime, found @ Operand::DateTime(_))
            | (Function::Number, found @ Operand::Number(_))
            | (Function::Text, found @ Operand::Text(_)) => Ok(found),
            (Function::Date, Operand::Text(text)) => {
                read::date(text.trim()).map(Operand::Date).ok_or_else(|| unreadable("a date as 2026-01-31"))
            }
            (Function::Date, Operand::DateTime(at)) => Ok(Operand::Date(TimeZone::UTC.to_datetime(at).date())),
            (Function::DateTime, Operand::Text(text)) => read::date_time(text.trim())
                .map(Operand::DateTime)
                .ok_or_else(|| unreadable("a date with a time as 2026-01-31T10:00:00Z")),
            (Function::Number, Operand::Text(text)) => {
                read::number(text.trim()).map(Operand::Number).ok_or_else(|| unreadable("a number as 12.50"))
            }
            (Function::Text, Operand::Number(number)) => Ok(owned(read::number_as_text(number))),
            (Function::Text, Operand::Boolean(is_true)) => Ok(owned(is_true.to_string())),
            (Function::Text, Operand::Date(date)) => Ok(owned(date.to_string())),
            (Function::Text, Operand::DateTime(at)) => Ok(owned(at.to_string())),
            (Function::Date, found) => Err(unfit(arg, &found, "a date", "today")),
            (Function::DateTime, found) => Err(unfit(arg, &found, "a date with a time", "now")),
            (Function::Number, found) => Err(unfit(arg, &found, "a number", "0")),
            (_, found) => Err(unfit(arg, &found, "a text", "\"\"")),
        }
    }
}

fn owned<'a>(text: String) -> Operand<'a> {
    Operand::Text(Cow::Owned(text))
}
