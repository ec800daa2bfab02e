//! How the organization calls the fields that Closedwon writes.

use mapping::{FieldNames, OWNERSHIP};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::near::near;
use crate::tree::Reader;
use crate::words::{kind_of, listed};

/// The section's name.
pub(crate) const FIELDS: &str = "fields";

/// Of Salesforce.
const LONGEST: usize = 80;

/// The objects that it may name fields of, as the file writes them, and the fields of each: what the package has and Closedwon writes.
pub(crate) fn written() -> Vec<(String, &'static str, Vec<&'static str>)> {
    let mut objects: Vec<(String, &'static str, Vec<&'static str>)> = Vec::new();
    for row in OWNERSHIP.iter().filter(|row| row.written.is_some()) {
        let fields = row.fields.iter().copied().filter(|field| field.ends_with("__c"));
        match objects.iter_mut().find(|(_, object, _)| *object == row.object) {
            Some((_, _, known)) => known.extend(fields),
            None => objects.push((row.object.to_ascii_lowercase(), row.object, fields.collect())),
        }
    }
    objects
}

impl Reader<'_, '_> {
    pub fn fields(&mut self, section: &DeTable) -> FieldNames {
        let objects = written();
        let mut names = FieldNames::default();
        for (object, item) in section {
            let written = object.get_ref().as_ref();
            let Some((_, object_name, known)) = objects.iter().find(|(name, ..)| name == written) else {
                let all = || objects.iter().map(|(name, ..)| name.as_str());
                let message = match near(written, all()) {
                    Some(near) => format!("[{FIELDS}] has no {written}. Did you mean {near}?"),
                    None => format!("[{FIELDS}] has no {written}: it has {}.", listed(all())),
                };
                self.wrong("unknown_key", object.span(), message);
                continue;
            };
            match item.get_ref() {
                DeValue::Table(table) => self.fields_of(table, written, object_name, known, &mut names),
                other => {
                    let kind = kind_of(other);
                    let message = format!(
                        "{FIELDS}.{written} is a section of its own: write [{FIELDS}.{written}]. This is {kind}."
                    );
                    self.wrong("wrong_type", item.span(), message);
                }
            }
        }
        names
    }

    fn fields_of(
        &mut self,
        table: &DeTable,
        section: &str,
        object: &str,
        known: &[&'static str],
        names: &mut FieldNames,
    ) {
        let mut given: Vec<String> = Vec::new();
        for (package, own) in table {
            let name = package.get_ref().as_ref();
            if !known.contains(&name) {
                let message = match near(name, known.iter().copied()) {
                    Some(near) => format!("Closedwon writes no {name} of {object}. Did you mean {near}?"),
                    None => {
                        format!("Closedwon writes no {name} of {object}: it writes {}.", listed(known.iter().copied()))
                    }
                };
                self.wrong("unknown_key", package.span(), message);
                continue;
            }
            let Some(text) = self.field_name(&format!("{FIELDS}.{section}.{name}"), own) else { continue };
            let is_of_package = OWNERSHIP.iter().any(|row| row.object == object && row.fields.contains(&text.as_str()));
            let is_anothers = is_of_package && text != name && !table.contains_key(text.as_str());
            if given.contains(&text) || is_anothers {
                let message =
                    format!("{text} of {object} is written as another field already: give each a field of its own.");
                self.wrong("twice", own.span(), message);
                continue;
            }
            names.set(object, name, &text);
            given.push(text);
        }
    }

    /// An organization's own field.
    fn field_name(&mut self, key: &str, item: &Spanned<DeValue>) -> Option<String> {
        let DeValue::String(text) = item.get_ref() else {
            let kind = kind_of(item.get_ref());
            self.wrong(
                "wrong_type",
                item.span(),
                format!("{key} is the API name of a field, as a text, and this is {kind}."),
            );
            return None;
        };
        let is_name = text.len() <= LONGEST
            && text.ends_with("__c")
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        if !is_name {
            let message =
                format!("{key} is {text:?}: it must be the API name of a field of your own, such as My_Field__c.");
            self.wrong("not_a_field", item.span(), message);
            return None;
        }
        Some(text.clone().into_owned())
    }
}
