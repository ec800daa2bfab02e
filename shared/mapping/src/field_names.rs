//! How an organization calls the fields that the package would make and Closedwon writes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use domain::Record;

/// Below which names an object's fields stand in the record of another one.
const RELATIONSHIPS: [(&str, &str); 5] = [
    ("Account.", "Account"),
    ("Contract.", "Contract"),
    ("Opportunity.", "Opportunity"),
    ("SBQQ__RenewedContract__r.SBQQ__Opportunity__r.", "Opportunity"),
    ("SBQQ__RenewedContract__r.", "Contract"),
];

/// Of each object, the organization's name by the package's. Everything inside of Closedwon goes by the package's; these are used where Salesforce
/// is asked and told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldNames(BTreeMap<String, BTreeMap<String, String>>);

impl FieldNames {
    pub fn set(&mut self, object: &str, package: &str, own: &str) {
        self.0.entry(object.to_owned()).or_default().insert(package.to_owned(), own.to_owned());
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a field of this object's records is called in the organization.
    pub fn own<'a>(&self, object: &str, path: &'a str) -> Cow<'a, str> {
        self.renamed(object, path, |names, field| names.get(field).map(String::as_str))
    }

    /// The other way.
    pub fn package<'a>(&self, object: &str, path: &'a str) -> Cow<'a, str> {
        self.renamed(object, path, |names, field| {
            names.iter().find(|(_, own)| *own == field).map(|(package, _)| package.as_str())
        })
    }

    fn renamed<'a, 'n>(
        &'n self,
        object: &str,
        path: &'a str,
        find: impl Fn(&'n BTreeMap<String, String>, &str) -> Option<&'n str>,
    ) -> Cow<'a, str> {
        let below =
            |(prefix, object): &(&'static str, &'static str)| Some((*prefix, *object, path.strip_prefix(prefix)?));
        let (prefix, object, field) = RELATIONSHIPS.iter().find_map(below).unwrap_or(("", object, path));
        match self.0.get(object).and_then(|names| find(names, field)) {
            Some(name) => Cow::Owned(format!("{prefix}{name}")),
            None => Cow::Borrowed(path),
        }
    }

    /// A record as it was read, under the package's names.
    pub fn read(&self, object: &str, record: Record) -> Record {
        if self.is_empty() {
            return record;
        }
        let mut read = Record::default();
        record.iter().for_each(|(path, value)| read.set(self.package(object, path), value.clone()));
        read
    }
}

#[cfg(test)]
mod tests {
    use domain::FieldValue;

    use super::*;

    #[test]
    fn a_field_has_two_names_and_one_meaning() {
        let mut names = FieldNames::default();
        names.set("Opportunity", "Stripe_Invoice_Id__c", "Rechnung__c");
        names.set("Account", "Stripe_Customer_Id__c", "Kunde__c");
        for (object, package, own) in [
            ("Opportunity", "Stripe_Invoice_Id__c", "Rechnung__c"),
            ("Opportunity", "Account.Stripe_Customer_Id__c", "Account.Kunde__c"),
            ("Account", "Stripe_Customer_Id__c", "Kunde__c"),
            ("Account", "Stripe_Invoice_Id__c", "Stripe_Invoice_Id__c"),
            ("Opportunity", "Amount", "Amount"),
            ("Opportunity", "Account.Name", "Account.Name"),
        ] {
            assert_eq!(
                (names.own(object, package), names.package(object, own)),
                (own.into(), package.into()),
                "{object}"
            );
        }
        let mut record = Record::default();
        record.set("Rechnung__c", FieldValue::Text("in_1".into()));
        record.set("Account.Kunde__c", FieldValue::Text("cus_1".into()));
        let read = names.read("Opportunity", record.clone());
        assert_eq!(
            (read.text("Stripe_Invoice_Id__c"), read.text("Account.Stripe_Customer_Id__c")),
            (Some("in_1"), Some("cus_1"))
        );
        assert!(FieldNames::default().read("Opportunity", record.clone()) == record);
    }
}
