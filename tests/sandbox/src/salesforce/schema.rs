//! What exists: the standard objects of `standard`, and the custom fields and events that the sfdx project ships.

pub mod flow;
pub mod package;
pub mod permissions;
mod standard;
pub mod xml;

use std::collections::HashMap;
use std::path::Path;

use super::json::Json;
use permissions::PermissionSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Id,
    Reference(&'static [&'static str]),
    Text(usize),
    TextArea(usize),
    LongTextArea(usize),
    Picklist,
    Email,
    Phone,
    Url,
    Checkbox,
    Date,
    DateTime,
    Currency,
    Number,
    Percent,
    Integer,
}

impl Kind {
    /// The name by which a describe calls it.
    pub fn describe_name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Reference(_) => "reference",
            Self::Text(_) => "string",
            Self::TextArea(_) | Self::LongTextArea(_) => "textarea",
            Self::Picklist => "picklist",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Checkbox => "boolean",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Currency => "currency",
            Self::Number => "double",
            Self::Percent => "percent",
            Self::Integer => "int",
        }
    }

    pub fn max_length(self) -> usize {
        match self {
            Self::Id | Self::Reference(_) => 18,
            Self::Text(length) | Self::TextArea(length) | Self::LongTextArea(length) => length,
            Self::Picklist | Self::Url => 255,
            Self::Email => 80,
            Self::Phone => 40,
            _ => 0,
        }
    }

    pub fn is_numeric(self) -> bool {
        matches!(self, Self::Currency | Self::Number | Self::Percent | Self::Integer)
    }
}

/// Who may see and write a field. Field-level security governs only some: required and system fields are always visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Must be given at creation; always visible.
    Required,
    /// Always visible and writable for whoever may edit the record.
    Open,
    /// Set once, at creation.
    CreateOnly,
    /// Computed; nobody writes it.
    System,
    /// Visible and writable as a permission set says.
    Governed,
    /// The same, but listed there under the name of the compound field it is part of.
    PartOf(&'static str),
    /// Computed, and visible as a permission set says.
    GovernedSystem,
}

#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    pub label: String,
    pub kind: Kind,
    pub rule: Rule,
    pub external_id: bool,
    pub unique: bool,
    pub case_sensitive: bool,
    pub default: Option<Json>,
}

impl Field {
    pub fn is_custom(&self) -> bool {
        self.name.ends_with("__c")
    }

    /// The name under which parents are reached in SOQL, and the object found there.
    pub fn relationship(&self) -> Option<(String, &'static str)> {
        // An owner is a user or a queue. What is asked of either is asked of a user; a queue has nothing of it.
        let (Kind::Reference([target]) | Kind::Reference([target @ "User", "Group"])) = self.kind else { return None };
        let name = match self.name.strip_suffix("__c") {
            Some(custom) => format!("{custom}__r"),
            None => self.name.strip_suffix("Id")?.to_owned(),
        };
        Some((name, target))
    }

    pub fn is_indexed(&self) -> bool {
        self.external_id || self.unique || matches!(self.kind, Kind::Reference(_))
    }
}

/// A field that only this org has: one of its own, or one that comes with a feature that it switched on.
#[derive(Debug, Clone)]
pub struct OrgField {
    pub object: String,
    pub name: String,
    pub kind: Kind,
}

impl OrgField {
    pub fn new(object: &str, name: &str, kind: Kind) -> Self {
        Self { object: object.to_owned(), name: name.to_owned(), kind }
    }

    fn field(&self) -> Field {
        Field {
            name: self.name.clone(),
            label: self.name.clone(),
            kind: self.kind,
            rule: Rule::Governed,
            external_id: false,
            unique: false,
            case_sensitive: false,
            default: (self.kind == Kind::Checkbox).then_some(Json::Bool(false)),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Child {
    pub relationship: &'static str,
    pub object: &'static str,
    pub field: &'static str,
}

#[derive(Debug, Clone)]
pub struct Object {
    pub name: String,
    pub label: String,
    pub label_plural: String,
    pub key_prefix: String,
    pub fields: Vec<Field>,
    pub children: &'static [Child],
    /// The object whose permissions count: lines follow their opportunity. `None` is an object that everybody may use.
    pub secured_by: Option<String>,
    positions: HashMap<String, usize>,
}

impl Object {
    fn add(&mut self, field: Field) {
        self.positions.insert(field.name.to_lowercase(), self.fields.len());
        self.fields.push(field);
    }

    /// Field names have no case in SOQL and in URLs.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.positions.get(&name.to_lowercase()).map(|&position| &self.fields[position])
    }

    pub fn is_event(&self) -> bool {
        self.name.ends_with("__e")
    }
}

#[derive(Debug)]
pub struct Schema {
    pub objects: Vec<Object>,
    pub permissions: PermissionSet,
    positions: HashMap<String, usize>,
    picklists: HashMap<(String, String), Vec<String>>,
}

impl Schema {
    /// What a picklist offers. Other values are taken all the same, as of one that is not restricted.
    pub fn offer(&mut self, object: &str, field: &str, values: &[&str]) {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        self.picklists.insert((object.to_owned(), field.to_owned()), values);
    }

    /// Nothing where nobody said it.
    pub fn offered(&self, object: &str, field: &str) -> &[String] {
        self.picklists.get(&(object.to_owned(), field.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// The org's own fields are readable for the integration user, and nothing more.
    pub fn load(project_dir: &Path, own: &[OrgField]) -> Result<Self, String> {
        let package = package::Package::read(project_dir)?;
        let mut schema = Self {
            objects: Vec::new(),
            permissions: package.permissions,
            positions: HashMap::new(),
            picklists: HashMap::new(),
        };
        for object in standard::objects() {
            schema.add(object);
        }
        for event in package.events {
            schema.add(event);
        }
        for (object, field) in package.fields {
            // Tasks and events have the fields of activities.
            let object = if object == "Activity" { "Task".to_owned() } else { object };
            schema.add_field(&object, field)?;
        }
        for field in own {
            schema.add_field(&field.object, field.field())?;
            schema.permissions.grant(&field.object, &field.name, Some(false));
        }
        schema.check_permissions()?;
        Ok(schema)
    }

    /// The integration user has this permission set of the project's from now on, beside its own.
    pub fn assign(&mut self, project_dir: &Path, permission_set: &str) -> Result<(), String> {
        self.permissions.add(package::permission_set(project_dir, permission_set)?);
        self.check_permissions()
    }

    /// What no permission set grants is hidden.
    pub fn hide(&mut self, object: &str) {
        if let Some(&position) = self.positions.get(&object.to_lowercase()) {
            self.objects[position].secured_by = Some("nothing that is granted".to_owned());
        }
    }

    fn add_field(&mut self, object: &str, field: Field) -> Result<(), String> {
        let position = self.positions.get(&object.to_lowercase());
        let &position = position.ok_or_else(|| format!("{object}.{}: no such object", field.name))?;
        match self.objects[position].field(&field.name) {
            Some(_) => Err(format!("{object}.{} is there already", field.name)),
            None => {
                self.objects[position].add(field);
                Ok(())
            }
        }
    }

    pub fn object(&self, name: &str) -> Option<&Object> {
        self.positions.get(&name.to_lowercase()).map(|&position| &self.objects[position])
    }

    pub fn by_prefix(&self, id: &str) -> Option<&Object> {
        self.objects.iter().find(|object| id.starts_with(&object.key_prefix))
    }

    fn add(&mut self, object: Object) {
        self.positions.insert(object.name.to_lowercase(), self.objects.len());
        self.objects.push(object);
    }

    /// A deployment refuses a permission set that names a missing field or one that is always visible.
    fn check_permissions(&self) -> Result<(), String> {
        for (object, name) in self.permissions.field_names() {
            let known = self.object(object).is_some_and(|object| {
                object.fields.iter().any(|field| match &field.rule {
                    Rule::Governed | Rule::GovernedSystem => field.name == name,
                    Rule::PartOf(compound) => *compound == name,
                    _ => false,
                })
            });
            if !known {
                return Err(format!("the permission set lists {object}.{name}, which no permission set governs"));
            }
        }
        Ok(())
    }
}
