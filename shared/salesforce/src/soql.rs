//! SOQL, put together from parts that cannot break out of it.

use std::fmt::{self, Display};

/// A text in quotes, with backslashes and quotes escaped.
pub fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\\' => quoted.push_str("\\\\"),
            '\'' => quoted.push_str("\\'"),
            '"' => quoted.push_str("\\\""),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    Text(String),
    Boolean(bool),
    Null,
}

impl Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&literal(text)),
            Self::Boolean(flag) => write!(f, "{flag}"),
            Self::Null => f.write_str("null"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Eq,
    NotEq,
}

/// A query. Names of objects and fields come from configuration, so anything but a name is left out of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    object: String,
    fields: Vec<String>,
    filter: Vec<String>,
    order_by: Vec<String>,
    limit: Option<u32>,
}

fn name(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.')).collect()
}

impl Select {
    pub fn from(object: &str) -> Self {
        Self { object: name(object), fields: Vec::new(), filter: Vec::new(), order_by: Vec::new(), limit: None }
    }

    pub fn fields(mut self, fields: &[&str]) -> Self {
        self.fields.extend(fields.iter().map(|field| name(field)));
        self
    }

    pub fn filter(mut self, field: &str, op: Op, value: Literal) -> Self {
        let op = match op {
            Op::Eq => "=",
            Op::NotEq => "!=",
        };
        self.filter.push(format!("{} {op} {value}", name(field)));
        self
    }

    pub fn order_by(mut self, field: &str) -> Self {
        self.order_by.push(name(field));
        self
    }

    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }
}

impl Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SELECT {} FROM {}", self.fields.join(", "), self.object)?;
        if !self.filter.is_empty() {
            write!(f, " WHERE {}", self.filter.join(" AND "))?;
        }
        if !self.order_by.is_empty() {
            write!(f, " ORDER BY {}", self.order_by.join(", "))?;
        }
        if let Some(limit) = self.limit {
            write!(f, " LIMIT {limit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_reads_as_one_would_write_it() {
        let query = Select::from("Opportunity")
            .fields(&["Id", "Account.Name"])
            .filter("Id", Op::Eq, Literal::Text("006'x".into()))
            .filter("IsPrimary", Op::NotEq, Literal::Boolean(true))
            .order_by("SortOrder")
            .order_by("Id")
            .limit(1);
        assert_eq!(
            query.to_string(),
            r"SELECT Id, Account.Name FROM Opportunity WHERE Id = '006\'x' AND IsPrimary != true ORDER BY SortOrder, Id LIMIT 1"
        );
    }

    #[test]
    fn what_soql_escapes_is_escaped() {
        assert_eq!(literal("'\"\\\n\r\t\u{8}\u{c}ü"), r#"'\'\"\\\n\r\t\b\fü'"#);
    }

    proptest! {
        #[test]
        fn a_literal_never_ends_early(text in any::<String>()) {
            let quoted = literal(&text);
            let inside = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).expect("quoted");
            let mut escaped = false;
            for c in inside.chars() {
                prop_assert!(escaped || c != '\'', "{quoted}");
                escaped = !escaped && c == '\\';
            }
            prop_assert!(!escaped, "the closing quote is escaped: {quoted}");
        }
    }
}
