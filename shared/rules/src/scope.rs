//! Which variables an expression may use.

use std::collections::BTreeMap;

use crate::schema::Schema;
use crate::types::{Origin, Type};

/// The variables of an expression, and the schema that their fields are looked up in.
#[derive(Debug, Clone)]
pub struct Scope<'s> {
    pub(crate) schema: &'s Schema,
    variables: BTreeMap<String, Type>,
    /// What texts of a closed list may be, by how expressions write them.
    words: BTreeMap<String, &'s [&'static str]>,
}

impl<'s> Scope<'s> {
    pub fn new(schema: &'s Schema) -> Self {
        Self { schema, variables: BTreeMap::new(), words: BTreeMap::new() }
    }

    /// A record of this object.
    #[must_use]
    pub fn record(self, variable: &str, object: &str) -> Self {
        self.record_below(variable, object, "")
    }

    /// A record whose fields stand below a prefix of the record that is given for the variable: an opportunity's account below
    /// `Account.`.
    #[must_use]
    pub fn record_below(mut self, variable: &str, object: &str, prefix: &str) -> Self {
        let origin = origin(variable, object, prefix);
        self.variables.insert(variable.to_owned(), Type::Record(origin));
        self
    }

    /// A list of records of this object.
    #[must_use]
    pub fn records(self, variable: &str, object: &str) -> Self {
        self.records_below(variable, object, "")
    }

    /// A list of records whose fields stand below a prefix of those that are given for the variable.
    #[must_use]
    pub fn records_below(mut self, variable: &str, object: &str, prefix: &str) -> Self {
        let origin = origin(variable, object, prefix);
        self.variables.insert(variable.to_owned(), Type::list(Type::Record(origin)));
        self
    }

    /// A value that is given as it is, as `today` and `now` are.
    #[must_use]
    pub fn value(mut self, variable: &str, value_type: Type) -> Self {
        self.variables.insert(variable.to_owned(), value_type);
        self
    }

    /// That a value, or a field of a record, is one of these words and never another: `invoice.status`.
    #[must_use]
    pub fn words(mut self, name: &str, words: &'s [&'static str]) -> Self {
        self.words.insert(name.to_owned(), words);
        self
    }

    pub(crate) fn words_of(&self, name: &str) -> Option<&'s [&'static str]> {
        self.words.get(name).copied()
    }

    pub(crate) fn get(&self, variable: &str) -> Option<&Type> {
        self.variables.get(variable)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
}

fn origin(variable: &str, object: &str, prefix: &str) -> Origin {
    Origin {
        variable: variable.to_owned(),
        object: Some(object.to_owned()),
        prefix: prefix.to_owned(),
        steps: prefix.matches('.').count(),
        told: String::new(),
    }
}
