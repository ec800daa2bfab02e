//! SOQL, put together from parts that cannot break out of it.

use std::fmt::{self, Display};

use jiff::Timestamp;
use rust_decimal::Decimal;

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
    /// Written without quotes, to the millisecond, which is as fine as Salesforce keeps it.
    DateTime(Timestamp),
    Null,
}

impl Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&literal(text)),
            Self::Boolean(flag) => write!(f, "{flag}"),
            Self::DateTime(time) => write!(f, "{}", time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ")),
            Self::Null => f.write_str("null"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Eq,
    NotEq,
    AtLeast,
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

    pub fn filter(self, field: &str, op: Op, value: Literal) -> Self {
        let op = match op {
            Op::Eq => "=",
            Op::NotEq => "!=",
            Op::AtLeast => ">=",
        };
        self.with(format!("{} {op} {value}", name(field)))
    }

    /// One of these texts. Of none of them, nothing: an empty list would be a malformed query.
    pub fn one_of(self, field: &str, texts: &[String]) -> Self {
        if texts.is_empty() {
            return self.filter("Id", Op::Eq, Literal::Null);
        }
        let literals: Vec<_> = texts.iter().map(|text| literal(text)).collect();
        self.with(format!("{} IN ({})", name(field), literals.join(", ")))
    }

    /// One of these texts; or the other field holds anything, whatever this one holds.
    pub fn one_of_or_named(self, field: &str, texts: &[String], other: &str) -> Self {
        let literals: Vec<_> = texts.iter().map(|text| literal(text)).collect();
        self.with(format!("({} IN ({}) OR {} != null)", name(field), literals.join(", "), name(other)))
    }

    /// This text; or one of the others is in its own field.
    pub fn is_or(self, field: &str, text: &str, others: &[(impl AsRef<str>, String)]) -> Self {
        let own = [(field, text)].into_iter().chain(others.iter().map(|(field, text)| (field.as_ref(), text.as_str())));
        let either: Vec<_> = own.map(|(field, text)| format!("{} = {}", name(field), literal(text))).collect();
        self.with(format!("({})", either.join(" OR ")))
    }

    /// It is not ticked; or the other field holds nothing.
    pub fn is_false_or_empty(self, field: &str, other: &str) -> Self {
        self.with(format!("({} = false OR {} = null)", name(field), name(other)))
    }

    /// It is not ticked; or the other field holds another text than this, or none: what is empty is unequal to every text.
    pub fn is_false_or_not(self, field: &str, other: &str, text: &str) -> Self {
        self.with(format!("({} = false OR {} != {})", name(field), name(other), literal(text)))
    }

    /// Nothing; or a number below this one.
    pub fn is_empty_or_less(self, field: &str, than: Decimal) -> Self {
        let field = name(field);
        self.with(format!("({field} = null OR {field} < {than})"))
    }

    /// What comes after this value and this id, in the order of the field and then of the id: where a page goes on that
    /// ended among records with the same value.
    pub fn after(self, field: &str, value: Literal, id: &str) -> Self {
        let (field, id) = (name(field), literal(id));
        self.with(format!("({field} > {value} OR ({field} = {value} AND Id > {id}))"))
    }

    fn with(mut self, condition: String) -> Self {
        self.filter.push(condition);
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
    fn a_page_goes_on_among_records_of_the_same_moment() {
        let at: Timestamp = "2026-11-23T10:11:12.0005Z".parse().expect("valid");
        let from =
            Select::from("Opportunity").fields(&["Id"]).filter("SystemModstamp", Op::AtLeast, Literal::DateTime(at));
        assert_eq!(from.to_string(), "SELECT Id FROM Opportunity WHERE SystemModstamp >= 2026-11-23T10:11:12.000Z");
        let next = Select::from("Opportunity").fields(&["Id"]).after("SystemModstamp", Literal::DateTime(at), "006'x");
        assert_eq!(
            next.to_string(),
            r"SELECT Id FROM Opportunity WHERE (SystemModstamp > 2026-11-23T10:11:12.000Z OR (SystemModstamp = 2026-11-23T10:11:12.000Z AND Id > '006\'x'))"
        );
    }

    #[test]
    fn a_list_is_quoted_item_by_item_and_none_finds_nothing() {
        let list = |texts: &[&str]| {
            let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
            Select::from("Account").fields(&["Id"]).one_of("Id", &texts).to_string()
        };
        assert_eq!(list(&["a", "b') OR ("]), r"SELECT Id FROM Account WHERE Id IN ('a', 'b\') OR (')");
        let stages = ["Won'".to_owned(), "Paid".to_owned()];
        let several = Select::from("Opportunity").fields(&["Id"]).one_of_or_named("StageName", &stages, "Sub__c");
        assert_eq!(
            several.to_string(),
            r"SELECT Id FROM Opportunity WHERE (StageName IN ('Won\'', 'Paid') OR Sub__c != null)"
        );
        assert_eq!(list(&[]), "SELECT Id FROM Account WHERE Id = null");
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
