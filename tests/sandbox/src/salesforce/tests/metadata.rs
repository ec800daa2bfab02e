//! Every metadata file of the sfdx project against the vendor's element lists, so that a deployment is not the first to
//! notice a misspelt element.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::salesforce::schema::xml::Element;

const TYPES: &str = include_str!("../../../../fixtures/salesforce-metadata-types.json");
const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/salesforce");

/// Types that the fixture does not describe.
const NOT_LISTED: &[&str] = &["ApexClass"];

#[derive(Deserialize)]
struct Fixture {
    types: BTreeMap<String, Type>,
    enums: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Type {
    extends: String,
    fields: BTreeMap<String, String>,
}

impl Fixture {
    /// The elements of a type, those it inherits included.
    fn fields(&self, name: &str) -> BTreeMap<&str, &str> {
        let inherited: &[(&str, &str)] = match name {
            "Metadata" => &[("fullName", "string | undefined")],
            "FlowElement" => &[("description", "string | undefined"), ("name", "string | undefined")],
            "FlowNode" => &[
                ("description", "string | undefined"),
                ("name", "string | undefined"),
                ("label", "string | undefined"),
                ("locationX", "number"),
                ("locationY", "number"),
            ],
            _ => &[],
        };
        let mut fields: BTreeMap<&str, &str> = inherited.iter().copied().collect();
        if let Some(described) = self.types.get(name) {
            fields.extend(self.fields(&described.extends));
            fields.extend(described.fields.iter().map(|(name, kind)| (name.as_str(), kind.as_str())));
        }
        fields
    }

    fn check(&self, path: &str, kind: &str, element: &Element, problems: &mut Vec<String>) {
        let fields = self.fields(kind);
        for child in &element.children {
            let Some(kind) = fields.get(child.name.as_str()) else {
                problems.push(format!("{path}: {kind} has no {}", child.name));
                continue;
            };
            let is_list = kind.ends_with("[]");
            let kind = kind.trim_end_matches(" | undefined").trim_end_matches("[]");
            if !is_list && element.all(&child.name).count() > 1 {
                problems.push(format!("{path}: {} stands twice", child.name));
            }
            self.check_value(&format!("{path}/{}", child.name), kind, child, problems);
        }
        let required = fields.iter().filter(|(_, kind)| !kind.ends_with("[]") && !kind.ends_with("undefined"));
        for (name, _) in required.filter(|(name, _)| element.child(name).is_none()) {
            problems.push(format!("{path}: {kind} needs {name}"));
        }
    }

    fn check_value(&self, path: &str, kind: &str, element: &Element, problems: &mut Vec<String>) {
        let fits = match kind {
            "string" | "Date" => element.children.is_empty(),
            "boolean" => matches!(element.text.as_str(), "true" | "false"),
            "number" => element.text.bytes().all(|c| c.is_ascii_digit() || c == b'.') && !element.text.is_empty(),
            _ if self.types.contains_key(kind) => return self.check(path, kind, element, problems),
            _ => match self.enums.get(kind) {
                Some(values) => values.contains(&element.text),
                None => return problems.push(format!("{path}: {kind} is not described")),
            },
        };
        if !fits {
            problems.push(format!("{path}: {:?} is not a {kind}", element.text));
        }
    }
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.to_string_lossy().ends_with("-meta.xml") {
            found.push(path);
        }
    }
}

#[test]
fn every_file_has_the_elements_of_its_type() {
    let fixture: Fixture = serde_json::from_str(TYPES).unwrap();
    let (mut paths, mut problems) = (Vec::new(), Vec::new());
    files(Path::new(PROJECT), &mut paths);
    assert!(paths.len() > 20);
    for path in paths {
        let root = Element::read(&path).unwrap();
        let path = path.strip_prefix(PROJECT).unwrap().display().to_string();
        if !NOT_LISTED.contains(&root.name.as_str()) {
            match fixture.types.contains_key(&root.name) {
                true => fixture.check(&path, &root.name, &root, &mut problems),
                false => problems.push(format!("{path}: unknown type {}", root.name)),
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn custom_fields_are_named_after_their_files_and_explained() {
    let mut paths = Vec::new();
    files(Path::new(PROJECT), &mut paths);
    for path in paths.iter().filter(|path| path.to_string_lossy().ends_with(".field-meta.xml")) {
        let root = Element::read(path).unwrap();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(format!("{}.field-meta.xml", root.value("fullName").unwrap()), file);
        let explained =
            ["label", "description"].iter().all(|name| root.value(name).is_some_and(|text| !text.is_empty()));
        assert!(explained, "{file}");
        // A person never meets an event's fields.
        let is_event = path.to_string_lossy().contains("__e");
        assert!(is_event || root.value("inlineHelpText").is_some_and(|text| text.len() <= 510), "{file}");
    }
}

/// The sandbox plays the first; were it to say something else, the sandbox would be wrong. A record of no opportunity publishes
/// nothing: an event without a record would keep it from being saved.
#[test]
fn a_flow_publishes_the_opportunity_when_its_record_gets_there() {
    for (file, object, field, becomes, reference) in [
        ("force-app/Closedwon_Opportunity_Won", "Opportunity", "StageName", "Closed Won", "Id"),
        ("orders/Closedwon_Order_Activated", "Order", "StatusCode", "Activated", "OpportunityId"),
        ("contracts-cpq/Closedwon_Contract_Activated", "Contract", "StatusCode", "Activated", "SBQQ__Opportunity__c"),
    ] {
        let (package, name) = file.split_once('/').unwrap();
        let path = format!("{PROJECT}/{package}/main/default/flows/{name}.flow-meta.xml");
        let flow = Element::read(Path::new(&path)).unwrap();
        let start = flow.child("start").unwrap();
        assert_eq!((start.value("object"), start.value("filterLogic")), (Some(object), Some("and")));
        assert_eq!(
            (start.value("recordTriggerType"), start.value("triggerType")),
            (Some("CreateAndUpdate"), Some("RecordAfterSave"))
        );
        assert!(start.is_true("doesRequireRecordChangedToMeetCriteria"));
        let filters: Vec<_> = start.all("filters").collect();
        let said = |filter: &Element, value: &str| {
            let found = filter.child("value").unwrap().value(value).map(str::to_owned);
            (filter.value("field").map(str::to_owned), filter.value("operator").map(str::to_owned), found)
        };
        let is = |text: &str| Some(text.to_owned());
        assert_eq!(said(filters[0], "stringValue"), (is(field), is("EqualTo"), is(becomes)));
        match filters.get(1) {
            None => assert_eq!(reference, "Id"),
            Some(filter) => assert_eq!(said(filter, "booleanValue"), (is(reference), is("IsNull"), is("false"))),
        }
        let create = flow.child("recordCreates").unwrap();
        assert_eq!(
            (create.value("object"), create.value("name")),
            (Some("Stripe_Sync__e"), start.child("connector").unwrap().value("targetReference"))
        );
        let assignment = create.child("inputAssignments").unwrap();
        assert_eq!(assignment.value("field"), Some("Record_Id__c"));
        let assigned = assignment.child("value").unwrap().value("elementReference").map(str::to_owned);
        assert_eq!(assigned, Some(format!("$Record.{reference}")));
    }
}
