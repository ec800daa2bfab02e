//! Salesforce as it would be: what is written stays in memory, and is laid over whatever is read afterwards.

use std::cell::RefCell;
use std::collections::BTreeMap;

use domain::{FieldValue, Record};
use salesforce::{Answers, Error, Update};

use super::journal::{Journal, shown};

/// The first fifteen characters of an id say whose it is; whether three more follow depends on who writes it.
const SHORT: usize = 15;

/// By the short id of the record.
type Written = BTreeMap<String, BTreeMap<String, FieldValue>>;

pub(crate) struct Unwritten {
    inner: salesforce::Client,
    journal: Journal,
    written: RefCell<Written>,
}

impl Unwritten {
    pub(crate) fn over(inner: salesforce::Client, journal: Journal) -> Self {
        Self { inner, journal, written: RefCell::default() }
    }

    fn laid_over(&self, queries: &[String], mut answers: Vec<Vec<Record>>) -> Vec<Vec<Record>> {
        let written = self.written.borrow();
        for (query, records) in queries.iter().zip(&mut answers) {
            records.iter_mut().for_each(|record| lay_over(record, id_of(query), &written));
        }
        answers
    }

    async fn may_be_written(&self, update: &Update) -> Result<bool, Error> {
        match &update.only_where {
            None => Ok(true),
            Some(query) => {
                let found = self.inner.read(std::slice::from_ref(query)).await?;
                Ok(found.iter().any(|records| !records.is_empty()))
            }
        }
    }
}

/// Of the record itself, whose id the query says where it is not read, and of those that it shows by a relationship: `Account.Name` is the
/// account's whose id is `AccountId`.
fn lay_over(record: &mut Record, asked_for: Option<&str>, written: &Written) {
    let mut news = Vec::new();
    for (path, _) in record.iter() {
        let (parent, field) = path.rsplit_once('.').map_or(("", path), |(parent, field)| (parent, field));
        let id = match parent {
            "" => record.text("Id").or(asked_for),
            parent => record.text(&format!("{parent}.Id")).or_else(|| record.text(&format!("{parent}Id"))),
        };
        let fields = id.and_then(|id| written.get(id.get(..SHORT)?));
        news.extend(fields.and_then(|fields| fields.get(field)).map(|value| (path.to_owned(), value.clone())));
    }
    news.into_iter().for_each(|(path, value)| record.set(path, value));
}

/// The id of the record that is asked for, where it is one.
fn id_of(query: &str) -> Option<&str> {
    let (_, filter) = query.split_once(" WHERE Id = '")?;
    filter.split('\'').next()
}

impl engine::Salesforce for Unwritten {
    fn usage(&self) -> Option<salesforce::ApiUsage> {
        self.inner.api_usage()
    }

    async fn read(&self, queries: &[String]) -> Result<Vec<Vec<Record>>, Error> {
        Ok(self.laid_over(queries, self.inner.read(queries).await?))
    }

    async fn read_with_access(&self, queries: &[String], objects: &[&str]) -> Result<Answers, Error> {
        let Answers { records, editable } = self.inner.read_with_access(queries, objects).await?;
        Ok(Answers { records: self.laid_over(queries, records), editable })
    }

    /// What triggers, flows and rules would make of it is not known.
    async fn write(&self, updates: &[Update], read_back: &[String]) -> Result<Vec<Vec<Record>>, Error> {
        for update in updates {
            let key = update.external_id.as_ref().map(|field| format!("{field}/")).unwrap_or_default();
            let path = format!("/sobjects/{}/{key}{}", update.object, update.id);
            let fields = update.fields.iter().map(|(field, value)| (field.clone(), shown(value)));
            self.journal.requested("PATCH", path, fields.collect());
            if self.may_be_written(update).await? {
                let short = update.id.get(..SHORT).unwrap_or(&update.id).to_owned();
                self.written.borrow_mut().entry(short).or_default().extend(update.fields.clone());
            }
        }
        let mut answers = self.inner.read(read_back).await?;
        for (query, records) in read_back.iter().zip(&mut answers) {
            // What would be made is not there yet.
            if records.is_empty()
                && let Some(made) = updates.iter().find(|update| is_made_by(update, query))
            {
                let mut record = Record::default();
                made.fields.iter().for_each(|(field, value)| record.set(field, value.clone()));
                records.push(record);
            }
        }
        Ok(self.laid_over(read_back, answers))
    }
}

fn is_made_by(update: &Update, query: &str) -> bool {
    let is_found_by = |field: &String| query.contains(&format!(" WHERE {field} = '{}'", update.id));
    update.external_id.as_ref().is_some_and(is_found_by)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> FieldValue {
        FieldValue::Text(text.to_owned())
    }

    #[test]
    fn what_would_be_written_is_seen_of_the_record_and_through_its_relationships() {
        let fields = |value: &str| BTreeMap::from([("Stripe_Customer_Id__c".to_owned(), text(value))]);
        let written =
            Written::from([("006000000000001".into(), fields("cus_1")), ("001000000000001".into(), fields("cus_2"))]);
        let mut record = Record::default();
        for (path, value) in [
            ("Id", "006000000000001AAA"),
            ("AccountId", "001000000000001AAA"),
            ("Stripe_Customer_Id__c", "cus_0"),
            ("Account.Stripe_Customer_Id__c", "cus_0"),
            ("Account.Name", "Acme"),
            ("Contract.Stripe_Customer_Id__c", "cus_0"),
        ] {
            record.set(path, text(value));
        }
        lay_over(&mut record, None, &written);
        let seen = ["Stripe_Customer_Id__c", "Account.Stripe_Customer_Id__c", "Contract.Stripe_Customer_Id__c"]
            .map(|path| record.text(path));
        assert_eq!(seen, [Some("cus_1"), Some("cus_2"), Some("cus_0")]);
        assert_eq!(record.text("Account.Name"), Some("Acme"));
    }

    #[test]
    fn a_reading_back_need_not_ask_for_the_id() {
        let query = "SELECT StageName FROM Opportunity WHERE Id = '006000000000001AAA' LIMIT 1";
        assert_eq!(id_of(query), Some("006000000000001AAA"));
        assert_eq!(id_of("SELECT Id FROM Task WHERE Key__c = 'k' LIMIT 1"), None);
        let mut record = Record::default();
        record.set("StageName", text("Closed Won"));
        let paid = BTreeMap::from([("StageName".to_owned(), text("Paid"))]);
        lay_over(&mut record, id_of(query), &Written::from([("006000000000001".into(), paid)]));
        assert_eq!(record.text("StageName"), Some("Paid"));
    }
}
