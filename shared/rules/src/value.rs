//! What goes into an expression and what comes out.

use std::collections::BTreeMap;
use std::fmt;

use domain::Record;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

/// What an expression comes to.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Text(String),
    Number(Decimal),
    Boolean(bool),
    Date(Date),
    DateTime(Timestamp),
}

/// It may be a name or a price, so Debug prints what it is and nothing that it holds.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Text(_) => "Text(…)",
            Self::Number(_) => "Number(…)",
            Self::Boolean(_) => "Boolean(…)",
            Self::Date(_) => "Date(…)",
            Self::DateTime(_) => "DateTime(…)",
        })
    }
}

/// Why an expression comes to nothing for these records: a sentence that says what to do. It names fields, never what they
/// hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    pub message: String,
}

impl Undecided {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Undecided {}

/// What the variables of a scope are this time.
#[derive(Debug, Clone, Default)]
pub struct Inputs<'a> {
    pub(crate) records: BTreeMap<&'a str, &'a Record>,
    pub(crate) lists: BTreeMap<&'a str, &'a [Record]>,
    pub(crate) values: BTreeMap<&'a str, Value>,
}

impl<'a> Inputs<'a> {
    #[must_use]
    pub fn record(mut self, variable: &'a str, record: &'a Record) -> Self {
        self.records.insert(variable, record);
        self
    }

    #[must_use]
    pub fn records(mut self, variable: &'a str, records: &'a [Record]) -> Self {
        self.lists.insert(variable, records);
        self
    }

    #[must_use]
    pub fn value(mut self, variable: &'a str, value: Value) -> Self {
        self.values.insert(variable, value);
        self
    }
}
