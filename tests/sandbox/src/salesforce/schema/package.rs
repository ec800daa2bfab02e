//! Reads the sfdx project that is deployed to real orgs, so that what it forgets to ship is missing here too.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::permissions::PermissionSet;
use super::xml::Element;
use super::{Field, Kind, Object, Rule};
use crate::salesforce::json::Json;

/// The permission set that the integration user has.
const PERMISSION_SET: &str = "Closedwon_Integration";

pub struct Package {
    pub permissions: PermissionSet,
    pub events: Vec<Object>,
    /// Each custom field with the name of its object.
    pub fields: Vec<(String, Field)>,
}

impl Package {
    pub fn read(project_dir: &Path) -> Result<Self, String> {
        let source = default_package(project_dir)?.join("main/default");
        let mut package =
            Self { permissions: permission_set(project_dir, PERMISSION_SET)?, events: Vec::new(), fields: Vec::new() };
        for object_dir in sorted_entries(&source.join("objects"))? {
            package.read_object(&object_dir)?;
        }
        Ok(package)
    }

    fn read_object(&mut self, object_dir: &Path) -> Result<(), String> {
        let name = object_dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.ends_with("__e") {
            let root = Element::read(&object_dir.join(format!("{name}.object-meta.xml")))?;
            let (label, plural) = (root.value("label").unwrap_or(&name), root.value("pluralLabel").unwrap_or(&name));
            let mut event = empty_object(&name, label, plural, &format!("e{:02}", self.events.len()));
            event.secured_by = Some(name.clone());
            self.events.push(event);
        }
        for path in sorted_entries(&object_dir.join("fields"))? {
            let root = Element::read(&path)?;
            let field = custom_field(&root).map_err(|error| format!("{}: {error}", path.display()))?;
            self.fields.push((name.clone(), field));
        }
        Ok(())
    }
}

/// One of those that the project ships.
pub(super) fn permission_set(project_dir: &Path, name: &str) -> Result<PermissionSet, String> {
    let dir = default_package(project_dir)?.join("main/default/permissionsets");
    PermissionSet::from_xml(&Element::read(&dir.join(format!("{name}.permissionset-meta.xml")))?)
}

pub(super) fn empty_object(name: &str, label: &str, label_plural: &str, key_prefix: &str) -> Object {
    Object {
        name: name.to_owned(),
        label: label.to_owned(),
        label_plural: label_plural.to_owned(),
        key_prefix: key_prefix.to_owned(),
        fields: Vec::new(),
        children: &[],
        secured_by: None,
        positions: HashMap::new(),
    }
}

fn default_package(project_dir: &Path) -> Result<PathBuf, String> {
    let path = project_dir.join("sfdx-project.json");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let project: Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    project["packageDirectories"]
        .as_array()
        .and_then(|packages| packages.iter().find(|package| package["default"] == Value::Bool(true)))
        .and_then(|package| package["path"].as_str())
        .map(|package| project_dir.join(package))
        .ok_or_else(|| format!("{}: no default package directory", path.display()))
}

pub(super) fn sorted_entries(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(|error| format!("{}: {error}", dir.display()))?;
    paths.sort();
    Ok(paths)
}

fn custom_field(root: &Element) -> Result<Field, String> {
    let name = root.value("fullName").ok_or("a field without fullName")?;
    let kind = kind(root)?;
    let required = root.is_true("required");
    let default = match (kind, root.value("defaultValue")) {
        (Kind::Checkbox, value) => Some(Json::Bool(value == Some("true"))),
        (_, Some(_)) => {
            return Err("defaults of other types than Checkbox are formulas, which are not read here".into());
        }
        (_, None) => None,
    };
    Ok(Field {
        name: name.to_owned(),
        label: root.value("label").unwrap_or(name).to_owned(),
        kind,
        rule: if required { Rule::Required } else { Rule::Governed },
        external_id: root.is_true("externalId"),
        unique: root.is_true("unique"),
        case_sensitive: root.is_true("caseSensitive"),
        default,
    })
}

fn kind(root: &Element) -> Result<Kind, String> {
    let length = || {
        let text = root.value("length").ok_or("a text field without length")?;
        text.parse::<usize>().map_err(|_| format!("length {text} is no number"))
    };
    Ok(match root.value("type").ok_or("a field without type")? {
        "Text" => Kind::Text(length()?),
        "TextArea" => Kind::TextArea(255),
        "LongTextArea" => Kind::LongTextArea(length()?),
        "Picklist" => Kind::Picklist,
        "Email" => Kind::Email,
        "Phone" => Kind::Phone,
        "Url" => Kind::Url,
        "Checkbox" => Kind::Checkbox,
        "Date" => Kind::Date,
        "DateTime" => Kind::DateTime,
        "Currency" => Kind::Currency,
        "Number" => Kind::Number,
        "Percent" => Kind::Percent,
        "Lookup" if root.value("referenceTo") == Some("User") => Kind::Reference(&["User"]),
        other => return Err(format!("fields of type {other} are not known here")),
    })
}
