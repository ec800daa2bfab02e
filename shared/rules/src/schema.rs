//! Which fields objects have, and of which type they are.

mod customers;
mod invoices;
mod packages;
mod selling;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::Type;
use crate::problem::near;

type Name = Cow<'static, str>;

/// The objects that expressions are typed against.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    objects: BTreeMap<Name, Object>,
    /// Whether it is all there is, so that what it does not know does not exist.
    is_whole: bool,
}

#[derive(Debug, Clone, Default)]
struct Object {
    fields: BTreeMap<Name, Type>,
    /// The object that a relationship leads to, by the relationship's name.
    parents: BTreeMap<Name, Name>,
    /// What picklists offer, where an organization said it.
    values: BTreeMap<Name, Vec<String>>,
    /// Whether these are all that it has.
    is_whole: bool,
}

/// A field as an organization describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    pub object: String,
    pub field: String,
    /// Salesforce's word for its type: `currency`, `picklist`, `datetime`.
    pub field_type: String,
    /// For a reference, the name of the relationship and the object that it leads to, where it is one.
    pub relationship: Option<(String, String)>,
    /// What a picklist offers.
    pub values: Vec<String>,
}

/// What of an object is known of a name.
pub(crate) enum Known<'s> {
    Field(&'s Type),
    Parent(&'s str),
    /// Salesforce would not know it: it is near to something else, or the schema is whole.
    Wrong(Option<&'s str>),
    /// Nobody here knows it, and it may be there all the same. What it may have been meant to be, where something is near.
    Unknown(Option<&'s str>),
}

/// As tables are written: an object, its fields by type, and its relationships. A reference `OwnerId` is `Owner>User`, one of
/// an organization's own `CSM__c` is `CSM__r>User`.
pub(crate) struct Table {
    pub object: &'static str,
    pub texts: &'static [&'static str],
    pub numbers: &'static [&'static str],
    pub booleans: &'static [&'static str],
    pub dates: &'static [&'static str],
    pub date_times: &'static [&'static str],
    pub parents: &'static [&'static str],
}

const NOTHING: Table =
    Table { object: "", texts: &[], numbers: &[], booleans: &[], dates: &[], date_times: &[], parents: &[] };

/// An invoice at Stripe that was not collected: no object of Salesforce's.
pub const FAILED_INVOICE: &str = "Failed invoice";

/// An invoice at Stripe that is paid whole.
pub const PAID_INVOICE: &str = "Paid invoice";

/// On every record.
const AUDIT: Table = Table {
    object: "",
    texts: &["Id", "CurrencyIsoCode"],
    numbers: &[],
    booleans: &["IsDeleted"],
    dates: &[],
    date_times: &["CreatedDate", "LastModifiedDate", "SystemModstamp", "LastViewedDate", "LastReferencedDate"],
    parents: &["CreatedBy>User", "LastModifiedBy>User"],
};

impl Schema {
    /// What Salesforce documents of the standard objects that deals are made of, Closedwon's own fields, and those of
    /// Salesforce CPQ that it reads. An organization has more.
    pub fn standard() -> Self {
        let mut schema = Self::default();
        for table in customers::TABLES.iter().chain(selling::TABLES).chain(packages::TABLES) {
            let object = schema.objects.entry(Cow::Borrowed(table.object)).or_default();
            object.add(&AUDIT);
            object.add(table);
        }
        schema.with_invoices()
    }

    /// What an organization says of itself. Nothing else exists in it.
    pub fn described(rows: impl IntoIterator<Item = Described>) -> Self {
        let mut schema = Self { is_whole: true, ..Self::default() };
        for row in rows {
            let object = schema.objects.entry(Cow::Owned(row.object)).or_default();
            if !row.values.is_empty() {
                object.values.insert(Cow::Owned(row.field.clone()), row.values);
            }
            object.fields.insert(Cow::Owned(row.field), type_of(&row.field_type));
            if let Some((name, parent)) = row.relationship {
                object.parents.insert(Cow::Owned(name), Cow::Owned(parent));
            }
        }
        schema.with_invoices()
    }

    /// What is known of Stripe's invoices is the same in every organization.
    fn with_invoices(mut self) -> Self {
        for table in invoices::TABLES {
            let object = self.objects.entry(Cow::Borrowed(table.object)).or_default();
            object.is_whole = true;
            object.add(table);
        }
        self
    }

    /// The type of a field, `Any` where it is one that nobody knows.
    pub fn field(&self, object: &str, field: &str) -> Option<&Type> {
        self.objects.get(object)?.fields.get(field)
    }

    /// What a picklist offers; nothing where that is not known.
    pub fn values(&self, object: &str, field: &str) -> &[String] {
        self.objects.get(object).and_then(|object| object.values.get(field)).map_or(&[], Vec::as_slice)
    }

    /// Whether anything is known of an object.
    pub fn knows(&self, object: &str) -> bool {
        self.objects.contains_key(object)
    }

    /// Whether the relationships of a path that begins at this object are there, as far as what they lead to is known.
    pub fn leads(&self, object: &str, path: &str) -> bool {
        let mut at = object;
        for step in path.split('.') {
            let Some(object) = self.objects.get(at) else { return true };
            let Some(parent) = object.parents.get(step) else { return false };
            at = parent;
        }
        true
    }

    /// The object that has the last field of a path that begins at this one: `Account` of `Account.Name` on an opportunity. `None` where a
    /// relationship leads to what nobody knows.
    pub fn object_of<'s>(&'s self, object: &'s str, path: &str) -> Option<&'s str> {
        let relationships = path.rsplit_once('.').map_or("", |(relationships, _)| relationships);
        let mut steps = relationships.split('.').filter(|step| !step.is_empty());
        steps.try_fold(object, |object, step| self.objects.get(object)?.parents.get(step).map(AsRef::as_ref))
    }

    /// What a name is on an object; `is_parent` where something is read from there.
    pub(crate) fn look_up(&self, object: Option<&str>, name: &str, is_parent: bool) -> Known<'_> {
        let Some(object) = object.and_then(|object| self.objects.get(object)) else { return Known::Unknown(None) };
        match (object.fields.get(name), object.parents.get(name)) {
            (_, Some(parent)) if is_parent => return Known::Parent(parent),
            (Some(field_type), _) => return Known::Field(field_type),
            (None, Some(parent)) => return Known::Parent(parent),
            (None, None) => {}
        }
        let names = object.fields.keys().filter(|_| !is_parent).chain(object.parents.keys().filter(|_| is_parent));
        let is_own = name.contains("__");
        // An organization's own field may be called like a standard one.
        let is_whole = self.is_whole || object.is_whole;
        let names = names.map(AsRef::as_ref).filter(|known: &&str| !is_own || is_whole || known.contains("__"));
        let near = near(name, names);
        // Salesforce knows no case, so this one is there, and a record has it under its own name.
        let is_same = near.is_some_and(|near| near.eq_ignore_ascii_case(name));
        if is_whole || is_same || near.is_some() && !is_own { Known::Wrong(near) } else { Known::Unknown(near) }
    }

    /// All that an object has, where that is known by heart.
    pub(crate) fn all_of(&self, object: Option<&str>) -> Option<Vec<&str>> {
        let object = self.objects.get(object?).filter(|object| object.is_whole)?;
        Some(object.fields.keys().map(AsRef::as_ref).collect())
    }

    /// The relationship that goes with a reference, where somebody wrote the field and meant the record.
    pub(crate) fn parent_of(&self, object: Option<&str>, field: &str) -> Option<String> {
        let name = match (field.strip_suffix("__c"), field.strip_suffix("Id")) {
            (Some(name), _) => format!("{name}__r"),
            (_, Some(name)) => name.to_owned(),
            _ => return None,
        };
        self.objects.get(object?)?.parents.contains_key(name.as_str()).then_some(name)
    }
}

impl Object {
    fn add(&mut self, table: &Table) {
        for (names, field_type) in [
            (table.texts, Type::Text),
            (table.numbers, Type::Number),
            (table.booleans, Type::Boolean),
            (table.dates, Type::Date),
            (table.date_times, Type::DateTime),
        ] {
            self.fields.extend(names.iter().map(|name| (Cow::Borrowed(*name), field_type.clone())));
        }
        for (name, parent) in table.parents.iter().filter_map(|pair| pair.split_once('>')) {
            let field = name.strip_suffix("__r").map_or_else(|| format!("{name}Id"), |name| format!("{name}__c"));
            self.fields.insert(Cow::Owned(field), Type::Text);
            self.parents.insert(Cow::Borrowed(name), Cow::Borrowed(parent));
        }
    }
}

/// What a value of this type is in a record. `describe` writes `datetime`, a field's definition `DateTime`.
pub(crate) fn type_of(word: &str) -> Type {
    match word.to_ascii_lowercase().as_str() {
        "boolean" | "checkbox" => Type::Boolean,
        "currency" | "double" | "int" | "integer" | "long" | "number" | "percent" => Type::Number,
        "date" => Type::Date,
        "datetime" => Type::DateTime,
        "combobox"
        | "email"
        | "encryptedstring"
        | "html"
        | "id"
        | "longtextarea"
        | "lookup"
        | "masterdetail"
        | "multipicklist"
        | "multiselectpicklist"
        | "phone"
        | "picklist"
        | "reference"
        | "string"
        | "text"
        | "textarea"
        | "time"
        | "url"
        | "autonumber" => Type::Text,
        _ => Type::Any,
    }
}

#[cfg(test)]
mod tests;
