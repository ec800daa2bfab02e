//! What a permission set grants. Everything it does not list is hidden from whoever has nothing else.

use std::collections::BTreeMap;

use super::xml::Element;

#[derive(Debug, Clone, Copy, Default)]
pub struct ObjectAccess {
    pub create: bool,
    pub read: bool,
    pub edit: bool,
    pub delete: bool,
}

#[derive(Debug, Default)]
pub struct PermissionSet {
    /// `true` where the field may be edited as well as read.
    fields: BTreeMap<(String, String), bool>,
    objects: BTreeMap<String, ObjectAccess>,
}

impl PermissionSet {
    pub fn from_xml(root: &Element) -> Result<Self, String> {
        let mut set = Self::default();
        for grant in root.all("fieldPermissions") {
            let name = grant.value("field").ok_or("fieldPermissions without field")?;
            let (object, field) = name.split_once('.').ok_or_else(|| format!("{name} is not Object.Field"))?;
            if grant.is_true("readable") {
                set.fields.insert((object.to_owned(), field.to_owned()), grant.is_true("editable"));
            }
        }
        for grant in root.all("objectPermissions") {
            let object = grant.value("object").ok_or("objectPermissions without object")?;
            let access = ObjectAccess {
                create: grant.is_true("allowCreate"),
                read: grant.is_true("allowRead"),
                edit: grant.is_true("allowEdit"),
                delete: grant.is_true("allowDelete"),
            };
            set.objects.insert(object.to_owned(), access);
        }
        Ok(set)
    }

    /// What another set grants as well: a user may do what any of theirs allows.
    pub fn add(&mut self, other: Self) {
        for (field, is_editable) in other.fields {
            *self.fields.entry(field).or_default() |= is_editable;
        }
        for (object, more) in other.objects {
            let access = self.objects.entry(object).or_default();
            access.create |= more.create;
            access.read |= more.read;
            access.edit |= more.edit;
            access.delete |= more.delete;
        }
    }

    pub fn object(&self, name: &str) -> ObjectAccess {
        self.objects.get(name).copied().unwrap_or_default()
    }

    /// Whether the field may be edited; nothing if it may not even be read.
    pub fn field(&self, object: &str, field: &str) -> Option<bool> {
        self.fields.get(&(object.to_owned(), field.to_owned())).copied()
    }

    /// An administrator changes what the field's users may do with it: edit it, only read it, or not even that.
    pub fn grant(&mut self, object: &str, field: &str, is_editable: Option<bool>) {
        let name = (object.to_owned(), field.to_owned());
        match is_editable {
            Some(is_editable) => self.fields.insert(name, is_editable),
            None => self.fields.remove(&name),
        };
    }

    pub fn field_names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.keys().map(|(object, field)| (object.as_str(), field.as_str()))
    }
}
