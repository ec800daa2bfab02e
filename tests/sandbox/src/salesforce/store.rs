//! The records, with an index on what they are looked up by and a journal that takes a failed transaction back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::json::Json;
use super::schema::Schema;

/// A record's fields. An absent field is null.
pub type Record = BTreeMap<String, Json>;

#[derive(Debug, Default)]
pub struct Store {
    tables: HashMap<String, BTreeMap<String, Record>>,
    /// Object → the indexed fields, and whether case counts in each.
    indexed: HashMap<String, Vec<(String, bool)>>,
    /// (object, field, value) → ids.
    index: HashMap<(String, String, String), BTreeSet<String>>,
    /// What was there before, newest last.
    journal: Vec<(String, String, Option<Record>)>,
}

impl Store {
    pub fn new(schema: &Schema) -> Self {
        let mut store = Self::default();
        for object in &schema.objects {
            let indexed = object.fields.iter().filter(|field| field.is_indexed());
            let indexed = indexed.map(|field| (field.name.clone(), field.case_sensitive)).collect();
            store.indexed.insert(object.name.clone(), indexed);
        }
        store
    }

    pub fn get(&self, object: &str, id: &str) -> Option<&Record> {
        self.tables.get(object)?.get(id)
    }

    /// All records of an object in the order of their creation, deleted ones included.
    pub fn all(&self, object: &str) -> impl Iterator<Item = (&str, &Record)> {
        self.tables.get(object).into_iter().flatten().map(|(id, record)| (id.as_str(), record))
    }

    pub fn is_indexed(&self, object: &str, field: &str) -> bool {
        self.indexed.get(object).is_some_and(|fields| fields.iter().any(|(name, _)| name == field))
    }

    /// The records, deleted ones included, whose indexed field has this value.
    pub fn find(&self, object: &str, field: &str, value: &str) -> impl Iterator<Item = (&str, &Record)> {
        let case_sensitive = self.case_counts(object, field);
        let key = (object.to_owned(), field.to_owned(), index_value(value, case_sensitive));
        let table = self.tables.get(object);
        let ids = self.index.get(&key).into_iter().flatten();
        ids.filter_map(move |id| table?.get_key_value(id)).map(|(id, record)| (id.as_str(), record))
    }

    pub fn put(&mut self, object: &str, id: &str, record: Record) {
        let old = self.replace(object, id, Some(record));
        self.journal.push((object.to_owned(), id.to_owned(), old));
    }

    /// A place in the journal to come back to.
    pub fn mark(&self) -> usize {
        self.journal.len()
    }

    pub fn rollback(&mut self, mark: usize) {
        while self.journal.len() > mark {
            if let Some((object, id, old)) = self.journal.pop() {
                self.replace(&object, &id, old);
            }
        }
    }

    pub fn commit(&mut self) {
        self.journal.clear();
    }

    fn case_counts(&self, object: &str, field: &str) -> bool {
        let fields = self.indexed.get(object).map(Vec::as_slice).unwrap_or_default();
        fields.iter().any(|(name, case_sensitive)| name == field && *case_sensitive)
    }

    fn replace(&mut self, object: &str, id: &str, record: Option<Record>) -> Option<Record> {
        let fields = self.indexed.get(object).cloned().unwrap_or_default();
        let table = self.tables.entry(object.to_owned()).or_default();
        let new_values = record.as_ref().map(|record| values(&fields, record)).unwrap_or_default();
        let old = match record {
            Some(record) => table.insert(id.to_owned(), record),
            None => table.remove(id),
        };
        let old_values = old.as_ref().map(|record| values(&fields, record)).unwrap_or_default();
        for (field, value) in old_values {
            let key = (object.to_owned(), field, value);
            if let Some(ids) = self.index.get_mut(&key) {
                ids.remove(id);
                if ids.is_empty() {
                    self.index.remove(&key);
                }
            }
        }
        for (field, value) in new_values {
            self.index.entry((object.to_owned(), field, value)).or_default().insert(id.to_owned());
        }
        old
    }
}

fn values(fields: &[(String, bool)], record: &Record) -> Vec<(String, String)> {
    let value = |(field, case_sensitive): &(String, bool)| {
        let text = record.get(field)?.text()?;
        Some((field.clone(), index_value(text, *case_sensitive)))
    };
    fields.iter().filter_map(value).collect()
}

fn index_value(value: &str, case_sensitive: bool) -> String {
    if case_sensitive { value.to_owned() } else { value.to_lowercase() }
}
