//! The SOQL that our code writes, and no other: fields, comparisons joined by AND and OR, order and limit.

use std::cmp::Ordering;

use domain::{FieldValue, Record};
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::fields::Row;

#[derive(Debug)]
pub(super) struct Query {
    pub(super) object: String,
    fields: Vec<String>,
    filter: Option<Expression>,
    order_by: Vec<(String, bool)>,
    limit: Option<usize>,
}

#[derive(Debug)]
enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Compare { field: String, operator: String, literal: Literal },
}

#[derive(Debug)]
enum Literal {
    Text(String),
    Boolean(bool),
    Time(Timestamp),
    Number(Decimal),
    Null,
}

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = Tokens { rest: text };
        tokens.expect("SELECT")?;
        let fields = tokens.names()?;
        tokens.expect("FROM")?;
        let object = tokens.word()?.to_owned();
        let filter = if tokens.takes("WHERE") { Some(tokens.any_of()?) } else { None };
        let mut order_by = Vec::new();
        if tokens.takes("ORDER") {
            tokens.expect("BY")?;
            loop {
                let field = tokens.word()?.to_owned();
                let is_descending = !tokens.takes("ASC") && tokens.takes("DESC");
                order_by.push((field, is_descending));
                if !tokens.takes(",") {
                    break;
                }
            }
        }
        let limit = if tokens.takes("LIMIT") {
            Some(tokens.word()?.parse().map_err(|_| "a limit is a number".to_owned())?)
        } else {
            None
        };
        match tokens.rest.trim() {
            "" => Ok(Self { object, fields, filter, order_by, limit }),
            rest => Err(format!("unexpected {rest}")),
        }
    }

    /// The text that a field must equal, where the filter says so.
    pub(super) fn text_equal_to(&self, name: &str) -> Option<&str> {
        let equal = |expression: &'_ Expression| matches!(expression, Expression::Compare { field, operator, .. } if field == name && operator == "=");
        let found = match self.filter.as_ref()? {
            Expression::And(all) => all.iter().find(|one| equal(one))?,
            one if equal(one) => one,
            _ => return None,
        };
        match found {
            Expression::Compare { literal: Literal::Text(text), .. } => Some(text),
            _ => None,
        }
    }

    pub(super) fn run(&self, rows: &[Row<'_>]) -> Result<Vec<Record>, String> {
        if !["Opportunity", "OpportunityLineItem", "OpportunityContactRole", "Account", "Contract", "Task", "Case"]
            .contains(&self.object.as_str())
        {
            return Err(format!("there is no object {}", self.object));
        }
        let mut found = Vec::new();
        for row in rows {
            let holds = self.filter.as_ref().map_or(Ok(true), |filter| filter.holds(row))?;
            if holds {
                let order: Vec<_> =
                    self.order_by.iter().map(|(field, _)| value(row, field)).collect::<Result<_, _>>()?;
                let mut record = Record::default();
                for field in &self.fields {
                    record.set(field.as_str(), value(row, field)?);
                }
                found.push((order, record));
            }
        }
        found.sort_by(|(one, _), (other, _)| self.compare(one, other));
        let most = self.limit.unwrap_or(usize::MAX);
        Ok(found.into_iter().take(most).map(|(_, record)| record).collect())
    }

    fn compare(&self, one: &[FieldValue], other: &[FieldValue]) -> Ordering {
        let mut pairs = one.iter().zip(other).zip(&self.order_by);
        let decided = pairs.find_map(|((one, other), (_, is_descending))| {
            let ordering = compare_values(one, other);
            let ordering = if *is_descending { ordering.reverse() } else { ordering };
            (ordering != Ordering::Equal).then_some(ordering)
        });
        decided.unwrap_or(Ordering::Equal)
    }
}

fn value(row: &Row<'_>, field: &str) -> Result<FieldValue, String> {
    row.field(field).ok_or_else(|| format!("no such column {field}"))
}

fn compare_values(one: &FieldValue, other: &FieldValue) -> Ordering {
    match (one, other) {
        (FieldValue::Text(one), FieldValue::Text(other)) => one.cmp(other),
        (FieldValue::Number(one), FieldValue::Number(other)) => one.cmp(other),
        (FieldValue::Boolean(one), FieldValue::Boolean(other)) => one.cmp(other),
        // Nulls come first.
        (FieldValue::Null, FieldValue::Null) => Ordering::Equal,
        (FieldValue::Null, _) => Ordering::Less,
        _ => Ordering::Greater,
    }
}

impl Expression {
    fn holds(&self, row: &Row<'_>) -> Result<bool, String> {
        match self {
            Self::And(all) => all.iter().try_fold(true, |so_far, one| Ok(so_far && one.holds(row)?)),
            Self::Or(any) => any.iter().try_fold(false, |so_far, one| Ok(so_far || one.holds(row)?)),
            Self::Compare { field, operator, literal } => {
                let found = value(row, field)?;
                let ordering = literal.compared_with(&found);
                Ok(match operator.as_str() {
                    "=" => ordering == Some(Ordering::Equal),
                    "!=" => ordering != Some(Ordering::Equal),
                    "<" => ordering == Some(Ordering::Less),
                    "<=" => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
                    ">" => ordering == Some(Ordering::Greater),
                    ">=" => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
                    other => return Err(format!("there is no operator {other}")),
                })
            }
        }
    }
}

impl Literal {
    /// How what was found compares with this; `None` where it does not.
    fn compared_with(&self, found: &FieldValue) -> Option<Ordering> {
        match (self, found) {
            (Self::Text(literal), FieldValue::Text(found)) => Some(found.cmp(literal)),
            (Self::Boolean(literal), FieldValue::Boolean(found)) => Some(found.cmp(literal)),
            (Self::Number(literal), FieldValue::Number(found)) => Some(found.cmp(literal)),
            (Self::Null, FieldValue::Null) => Some(Ordering::Equal),
            (Self::Time(literal), FieldValue::Text(found)) => {
                let found: Timestamp = found.replace("+0000", "Z").parse().ok()?;
                Some(found.cmp(literal))
            }
            _ => None,
        }
    }

    fn parse(word: &str) -> Result<Self, String> {
        match word {
            "true" => Ok(Self::Boolean(true)),
            "false" => Ok(Self::Boolean(false)),
            "null" => Ok(Self::Null),
            _ => (word.parse().map(Self::Time))
                .or_else(|_| word.parse().map(Self::Number))
                .map_err(|_| format!("{word} is no literal")),
        }
    }
}

struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    fn peek(&self) -> &'a str {
        let rest = self.rest.trim_start();
        let is_symbol = |c: char| "(),=<>!".contains(c);
        let end = match rest.chars().next() {
            Some('!' | '<' | '>') if rest[1..].starts_with('=') => 2,
            Some(c) if is_symbol(c) => 1,
            _ => rest.find(|c: char| c.is_whitespace() || is_symbol(c)).unwrap_or(rest.len()),
        };
        &rest[..end]
    }

    fn word(&mut self) -> Result<&'a str, String> {
        let word = self.peek();
        let rest = self.rest.trim_start();
        self.rest = &rest[word.len()..];
        if word.is_empty() { Err("it breaks off".into()) } else { Ok(word) }
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_next = self.peek().eq_ignore_ascii_case(word);
        if is_next {
            self.rest = &self.rest.trim_start()[word.len()..];
        }
        is_next
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        if self.takes(word) { Ok(()) } else { Err(format!("{word} is missing before {}", self.rest)) }
    }

    fn names(&mut self) -> Result<Vec<String>, String> {
        let mut names = vec![self.word()?.to_owned()];
        while self.takes(",") {
            names.push(self.word()?.to_owned());
        }
        Ok(names)
    }

    fn any_of(&mut self) -> Result<Expression, String> {
        let mut any = vec![self.all_of()?];
        while self.takes("OR") {
            any.push(self.all_of()?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Expression::Or(any) })
    }

    fn all_of(&mut self) -> Result<Expression, String> {
        let mut all = vec![self.one()?];
        while self.takes("AND") {
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expression::And(all) })
    }

    fn one(&mut self) -> Result<Expression, String> {
        if self.takes("(") {
            let inner = self.any_of()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let field = self.word()?.to_owned();
        if self.takes("IN") {
            return self.one_of(field);
        }
        let operator = self.word()?.to_owned();
        let literal = if self.rest.trim_start().starts_with('\'') {
            Literal::Text(self.quoted()?)
        } else {
            Literal::parse(self.word()?)?
        };
        Ok(Expression::Compare { field, operator, literal })
    }

    /// A list of texts means: equal to one of them.
    fn one_of(&mut self, field: String) -> Result<Expression, String> {
        self.expect("(")?;
        let mut any = Vec::new();
        loop {
            let literal = Literal::Text(self.quoted()?);
            any.push(Expression::Compare { field: field.clone(), operator: "=".to_owned(), literal });
            if !self.takes(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(Expression::Or(any))
    }

    fn quoted(&mut self) -> Result<String, String> {
        let rest = self.rest.trim_start();
        let mut text = String::new();
        let mut is_escaped = false;
        for (index, c) in rest.char_indices().skip(1) {
            match c {
                _ if is_escaped => {
                    text.push(c);
                    is_escaped = false;
                }
                '\\' => is_escaped = true,
                '\'' => {
                    self.rest = &rest[index + 1..];
                    return Ok(text);
                }
                c => text.push(c),
            }
        }
        Err("a text is not closed".into())
    }
}
