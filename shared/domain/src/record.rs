//! A Salesforce record as data: which fields exist is the org's business, so none of them is a Rust field.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

/// The value of one field. Numbers keep every digit that Salesforce wrote.
#[derive(Clone, PartialEq, Eq)]
pub enum FieldValue {
    Null,
    Text(String),
    Number(Decimal),
    Boolean(bool),
}

/// One record. Fields of parent records are found under their dotted path, as in SOQL: `Account.Billing_Email__c`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Record {
    fields: BTreeMap<String, FieldValue>,
}

impl Record {
    pub fn set(&mut self, path: impl Into<String>, value: FieldValue) {
        self.fields.insert(path.into(), value);
    }

    /// The text of a field, trimmed; `None` when it is null, blank, or was not read.
    pub fn text(&self, path: &str) -> Option<&str> {
        match self.fields.get(path) {
            Some(FieldValue::Text(text)) => Some(text.trim()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    pub fn number(&self, path: &str) -> Option<Decimal> {
        match self.fields.get(path) {
            Some(FieldValue::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// A checkbox. Salesforce checkboxes are never null; one that was not read counts as not set.
    pub fn is_true(&self, path: &str) -> bool {
        self.fields.get(path) == Some(&FieldValue::Boolean(true))
    }

    pub fn get(&self, path: &str) -> Option<&FieldValue> {
        self.fields.get(path)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &FieldValue)> {
        self.fields.iter().map(|(path, value)| (path.as_str(), value))
    }
}

/// Records hold names, addresses and prices, so Debug prints which fields there are and nothing that they hold.
impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.fields.keys()).finish()
    }
}

impl std::fmt::Debug for FieldValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Text(_) => "Text(…)",
            Self::Number(_) => "Number(…)",
            Self::Boolean(_) => "Boolean(…)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_what_it_holds_and_nothing_else() {
        let mut record = Record::default();
        record.set("Name", FieldValue::Text("  Acme \n".into()));
        record.set("Phone", FieldValue::Text(" ".into()));
        record.set("Amount", FieldValue::Number(Decimal::new(1250, 2)));
        record.set("IsWon", FieldValue::Boolean(true));
        record.set("IsOpen", FieldValue::Boolean(false));
        record.set("Type", FieldValue::Null);
        assert_eq!(record.text("Name"), Some("Acme"));
        assert_eq!([record.text("Phone"), record.text("Type"), record.text("Amount"), record.text("Fax")], [None; 4]);
        assert_eq!(record.number("Amount"), Some(Decimal::new(1250, 2)));
        assert_eq!([record.number("Name"), record.number("Fax")], [None; 2]);
        let checked = ["IsWon", "IsOpen", "Name", "IsRead"].map(|field| record.is_true(field));
        assert_eq!(checked, [true, false, false, false]);
        assert!(record.get("Type") == Some(&FieldValue::Null) && record.get("Fax").is_none());
        let paths: Vec<_> = record.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["Amount", "IsOpen", "IsWon", "Name", "Phone", "Type"]);
    }

    #[test]
    fn debug_prints_no_value() {
        let mut record = Record::default();
        record.set("Name", FieldValue::Text("Acme".into()));
        assert_eq!(format!("{record:?}"), r#"["Name"]"#);
        assert_eq!(format!("{:?}", record.get("Name")), "Some(Text(…))");
    }
}
