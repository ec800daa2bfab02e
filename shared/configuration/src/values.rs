//! What the file says at each key, or what it would say by default.

use std::collections::BTreeMap;
use std::ops::Range;

use mapping::{Decides, FieldNames, Owners, Rule, UserField};
use rules::Expression;

use crate::keys::{Key, Section, all_keys};
use crate::problem::Problem;

#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "a file has some dozens of them")]
pub(crate) enum Value {
    Flag(bool),
    Whole(i64),
    Text(String),
    Texts(Vec<String>),
    Expression(Expression),
    Rules(Vec<Rule<Decided>>),
    Users(Vec<UserField>),
}

/// What a rule of the file decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decided {
    pub key: &'static str,
    pub value: Value,
}

impl Decides for Decided {
    fn expression(&self) -> Option<&Expression> {
        match &self.value {
            Value::Expression(by) => Some(by),
            _ => None,
        }
    }
}

/// A value, and where it stands in the file; at its start, where it does not.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub value: Value,
    pub at: Range<usize>,
}

#[derive(Debug, Default)]
pub(crate) struct Values {
    found: BTreeMap<(&'static str, &'static str), Found>,
    pub names: FieldNames,
    /// What can be read, and is probably not meant.
    pub judged: Vec<Problem>,
    /// The stages of deals that expressions read by which deals are planned, as those write them.
    pub asks_of_stage: Vec<Placed<String>>,
    /// The stages that rules move paid deals to.
    pub paid_stages: Vec<Placed<String>>,
}

/// Something that stands in the file, at a key or in a rule.
#[derive(Debug)]
pub(crate) struct Placed<T> {
    /// As people are told of it: `then.stage of the rule "Large"`.
    pub name: String,
    pub what: T,
    pub at: Range<usize>,
}

impl Values {
    pub fn set(&mut self, section: &Section, key: &Key, found: Found) {
        self.found.insert((section.name, key.name), found);
    }

    /// Where a key stands. What is not in the file is nowhere.
    pub fn at(&self, section: &str, key: &str) -> Range<usize> {
        self.of(section, key).map_or(0..0, |found| found.at.clone())
    }

    fn of(&self, section: &str, key: &str) -> Option<&Found> {
        self.found.iter().find(|((of, name), _)| *of == section && *name == key).map(|(_, found)| found)
    }

    /// By the file, else by the table of keys.
    fn value(&self, section: &str, key: &str) -> Value {
        self.of(section, key).map_or_else(|| default(section, key), |found| found.value.clone())
    }

    pub fn flag(&self, section: &str, key: &str) -> bool {
        self.value(section, key) == Value::Flag(true)
    }

    pub fn whole(&self, section: &str, key: &str) -> i64 {
        match self.value(section, key) {
            Value::Whole(number) => number,
            _ => 0,
        }
    }

    pub fn text(&self, section: &str, key: &str) -> String {
        match self.value(section, key) {
            Value::Text(text) => text,
            _ => String::new(),
        }
    }

    pub fn expression(&self, section: &str, key: &str) -> Option<Expression> {
        match self.value(section, key) {
            Value::Expression(expression) => Some(expression),
            _ => None,
        }
    }

    pub fn rules(&self, section: &str) -> Vec<Rule<Decided>> {
        match self.value(section, "rules") {
            Value::Rules(rules) => rules,
            _ => Vec::new(),
        }
    }

    /// Those that the file names, or the package's.
    pub fn owners(&self, section: &str, key: &str) -> Owners {
        match self.of(section, key).map(|found| &found.value) {
            Some(Value::Users(users)) => Owners(users.clone()),
            _ => Owners::default(),
        }
    }

    pub fn texts(&self, section: &str, key: &str) -> Vec<String> {
        match self.value(section, key) {
            Value::Texts(texts) => texts,
            _ => Vec::new(),
        }
    }
}

/// What a key says where the file does not. A test reads every default as if it stood there.
fn default(section: &str, key: &str) -> Value {
    let default = all_keys().find(|(of, one)| *of == section && one.name == key).map_or("", |(_, one)| one.default);
    match default {
        "true" => Value::Flag(true),
        "false" => Value::Flag(false),
        list if list.starts_with('[') => {
            let items = list.trim_matches(['[', ']']).split(", ").filter(|item| !item.is_empty());
            Value::Texts(items.map(unquoted).collect())
        }
        text if text.starts_with('"') => Value::Text(unquoted(text)),
        number => Value::Whole(number.parse().unwrap_or_default()),
    }
}

fn unquoted(text: &str) -> String {
    text.trim_matches('"').to_owned()
}
