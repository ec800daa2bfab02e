//! Evaluation: what an expression comes to for these records, or why it comes to nothing.

mod arithmetic;
mod compare;
mod functions;
mod lists;

use std::borrow::Cow;

use arithmetic::calculate;
use domain::{FieldValue, Record};
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::node::{Base, Binary, Field, Node};
use crate::read;
use crate::types::Type;
use crate::value::{Inputs, Undecided, Value};

/// An expression over 2,000 lines takes some ten thousand steps. One that goes through all of them for each of them does not
/// come to an end in time.
const MOST_STEPS: usize = 1_000_000;
/// Text costs steps by its length.
const BYTES_A_STEP: usize = 16;

/// A value on the way.
#[derive(Clone)]
pub(crate) enum Operand<'a> {
    Null,
    Text(Cow<'a, str>),
    Number(Decimal),
    Boolean(bool),
    Date(Date),
    DateTime(Timestamp),
    Days(i64),
    Record(&'a Record),
    List(Vec<Operand<'a>>),
}

type Outcome<'a> = Result<Operand<'a>, Undecided>;

/// One evaluation.
struct Run<'a> {
    inputs: &'a Inputs<'a>,
    /// What the macros around are at.
    locals: Vec<Operand<'a>>,
    steps: usize,
}

pub(crate) fn evaluate(node: &Node, inputs: &Inputs<'_>) -> Result<Value, Undecided> {
    let mut run = Run { inputs, locals: Vec::new(), steps: 0 };
    Ok(match run.evaluate(node)? {
        Operand::Null => Value::Null,
        Operand::Text(text) => Value::Text(text.into_owned()),
        Operand::Number(number) => Value::Number(number),
        Operand::Boolean(is_true) => Value::Boolean(is_true),
        Operand::Date(date) => Value::Date(date),
        Operand::DateTime(at) => Value::DateTime(at),
        Operand::Days(_) | Operand::Record(_) | Operand::List(_) => {
            return Err(Undecided::new(format!("{} is no value.", node.told())));
        }
    })
}

impl<'a> Run<'a> {
    fn evaluate(&mut self, node: &'a Node) -> Outcome<'a> {
        self.step(1)?;
        match node {
            Node::Null => Ok(Operand::Null),
            Node::Text(text) => Ok(Operand::Text(Cow::Borrowed(text))),
            Node::Number(number) => Ok(Operand::Number(*number)),
            Node::Boolean(is_true) => Ok(Operand::Boolean(*is_true)),
            Node::Date(date) => Ok(Operand::Date(*date)),
            Node::DateTime(at) => Ok(Operand::DateTime(*at)),
            Node::Field(field) => self.field(field),
            Node::Has(field) => Ok(Operand::Boolean(!matches!(self.raw(field)?, Operand::Null))),
            Node::Variable(name) => self.given(name),
            Node::Records(name) => {
                let records = self.inputs.lists.get(name.as_str()).ok_or_else(|| not_given(name))?;
                self.step(records.len())?;
                Ok(Operand::List(records.iter().map(Operand::Record).collect()))
            }
            Node::Record(base, _) => self.record(base).map(Operand::Record),
            Node::Local(index, name) => {
                let found = self.locals.get(*index).cloned().ok_or_else(|| not_given(name))?;
                if let Operand::Text(text) = &found {
                    self.step_over(text)?;
                }
                Ok(found)
            }
            Node::Not(inner) => Ok(Operand::Boolean(!self.boolean(inner)?)),
            Node::Negate(inner) => calculate(Binary::Subtract, Decimal::ZERO, self.number(inner)?).map(Operand::Number),
            Node::And(nodes) => self.absorbing(nodes, false),
            Node::Or(nodes) => self.absorbing(nodes, true),
            Node::Choice(choice) => {
                let [condition, yes, no] = &**choice;
                if self.boolean(condition)? { self.evaluate(yes) } else { self.evaluate(no) }
            }
            Node::Binary(binary, sides) => self.binary(*binary, &sides[0], &sides[1]),
            Node::List(nodes) => {
                nodes.iter().map(|node| self.evaluate(node)).collect::<Result<_, _>>().map(Operand::List)
            }
            Node::Call(function, args) => self.call(*function, args),
            Node::Each(each) => self.each(each),
            Node::As(wanted, inner) => {
                let found = self.evaluate(inner)?;
                self.converted(found, wanted, &|| inner.told())
            }
        }
    }

    fn step(&mut self, steps: usize) -> Result<(), Undecided> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps <= MOST_STEPS {
            return Ok(());
        }
        Err(Undecided::new(format!(
            "The expression takes more than {MOST_STEPS} steps for these records: go through the lines once, not once for each of them."
        )))
    }

    fn step_over(&mut self, text: &str) -> Result<(), Undecided> {
        self.step(text.len() / BYTES_A_STEP)
    }

    fn binary(&mut self, binary: Binary, left: &'a Node, right: &'a Node) -> Outcome<'a> {
        use Binary::{Add, Divide, Multiply, Remainder, Subtract};
        match binary {
            Add | Subtract | Multiply | Divide | Remainder => self.arithmetic(binary, left, right),
            _ => self.comparison(binary, left, right).map(Operand::Boolean),
        }
    }

    /// `&&` and `||`: one side that decides is enough, whatever the other one is, or whether it is anything.
    fn absorbing(&mut self, nodes: &'a [Node], decides: bool) -> Outcome<'a> {
        let mut undecided = None;
        for node in nodes {
            match self.boolean(node) {
                Ok(found) if found == decides => return Ok(Operand::Boolean(decides)),
                Ok(_) => {}
                Err(why) => undecided = undecided.or(Some(why)),
            }
        }
        undecided.map_or(Ok(Operand::Boolean(!decides)), Err)
    }

    fn given(&self, name: &str) -> Outcome<'a> {
        Ok(match self.inputs.values.get(name).ok_or_else(|| not_given(name))? {
            Value::Null => Operand::Null,
            Value::Text(text) => Operand::Text(Cow::Borrowed(text)),
            Value::Number(number) => Operand::Number(*number),
            Value::Boolean(is_true) => Operand::Boolean(*is_true),
            Value::Date(date) => Operand::Date(*date),
            Value::DateTime(at) => Operand::DateTime(*at),
        })
    }

    fn record(&self, base: &Base) -> Result<&'a Record, Undecided> {
        match base {
            Base::Variable(name) => self.inputs.records.get(name.as_str()).copied().ok_or_else(|| not_given(name)),
            Base::Local(index) => match self.locals.get(*index) {
                Some(Operand::Record(record)) => Ok(record),
                _ => Err(Undecided::new("The list holds something that is no record.")),
            },
        }
    }

    /// What a record has for a field. A blank text is empty, as it is everywhere in Salesforce.
    fn raw(&mut self, field: &Field) -> Outcome<'a> {
        let record = self.record(&field.base)?;
        // Salesforce knows no case where it is asked, and answers in its own spelling.
        let spelt = || record.iter().find(|(path, _)| path.eq_ignore_ascii_case(&field.path)).map(|(_, value)| value);
        Ok(match record.get(&field.path).or_else(spelt) {
            None | Some(FieldValue::Null) => Operand::Null,
            Some(FieldValue::Text(text)) if text.trim().is_empty() => Operand::Null,
            Some(FieldValue::Text(text)) => Operand::Text(Cow::Borrowed(text.trim())),
            Some(FieldValue::Number(number)) => Operand::Number(*number),
            Some(FieldValue::Boolean(is_true)) => Operand::Boolean(*is_true),
        })
    }

    fn field(&mut self, field: &Field) -> Outcome<'a> {
        let found = self.raw(field)?;
        self.converted(found, &field.field_type, &|| field.name.clone())
    }

    /// A value that may be of any type, as one of the type that is needed. A date and a time are text until somebody asks.
    fn converted(&mut self, found: Operand<'a>, wanted: &Type, name: &dyn Fn() -> String) -> Outcome<'a> {
        match (found, wanted) {
            (Operand::Null, _) => Ok(Operand::Null),
            (found, Type::Any) => Ok(found),
            (found @ Operand::Text(_), Type::Text)
            | (found @ Operand::Number(_), Type::Number)
            | (found @ Operand::Boolean(_), Type::Boolean)
            | (found @ Operand::Date(_), Type::Date)
            | (found @ Operand::DateTime(_), Type::DateTime) => Ok(found),
            (Operand::Text(text), Type::Date) => read::date(&text).map(Operand::Date).ok_or_else(|| {
                let name = name();
                Undecided::new(format!(
                    "{name} is no date as 2026-01-31: if it has a time, write date(dateTime({name}))."
                ))
            }),
            (Operand::Text(text), Type::DateTime) => read::date_time(&text)
                .map(Operand::DateTime)
                .ok_or_else(|| Undecided::new(format!("{} is no date with a time as 2026-01-31T10:00:00Z.", name()))),
            (Operand::List(list), Type::List(of)) => {
                self.step(list.len())?;
                let converted = list.into_iter().map(|element| self.converted(element, of, name));
                converted.collect::<Result<_, _>>().map(Operand::List)
            }
            (found, wanted) => Err(Undecided::new(format!("{} is {}, and {wanted} is needed.", name(), found.kind()))),
        }
    }

    fn number(&mut self, node: &'a Node) -> Result<Decimal, Undecided> {
        match self.evaluate(node)? {
            Operand::Number(number) => Ok(number),
            found => Err(unfit(node, &found, "a number", "0")),
        }
    }

    fn boolean(&mut self, node: &'a Node) -> Result<bool, Undecided> {
        match self.evaluate(node)? {
            Operand::Boolean(is_true) => Ok(is_true),
            found => Err(unfit(node, &found, "true or false", "false")),
        }
    }

    fn text(&mut self, node: &'a Node) -> Result<Cow<'a, str>, Undecided> {
        match self.evaluate(node)? {
            Operand::Text(text) => {
                self.step_over(&text)?;
                Ok(text)
            }
            found => Err(unfit(node, &found, "a text", "\"\"")),
        }
    }
}

impl Operand<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "empty",
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::Date(_) => "a date",
            Self::DateTime(_) => "a date with a time",
            Self::Days(_) => "a number of days",
            Self::Record(_) => "a record",
            Self::List(_) => "a list",
        }
    }
}

/// What is empty is named, with what to write for the case.
fn unfit(node: &Node, found: &Operand<'_>, wanted: &str, instead: &str) -> Undecided {
    let name = node.told();
    Undecided::new(match found {
        Operand::Null => {
            format!("{name} is empty, and {wanted} is needed: fill it in, or write default({name}, {instead}).")
        }
        found => format!("{name} is {}, and {wanted} is needed.", found.kind()),
    })
}

fn not_given(name: &str) -> Undecided {
    Undecided::new(format!("There is no {name} for this record."))
}
