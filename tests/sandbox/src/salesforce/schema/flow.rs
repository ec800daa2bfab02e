//! Flows of the sfdx project that post to Chatter, as far as these go. What is not known here is refused when it is read, so that
//! nothing is played otherwise than an org would.

use std::path::Path;

use super::package::sorted_entries;
use super::xml::Element;

/// A flow that posts to the feed of a record that begins to meet its criteria.
#[derive(Debug, Clone)]
pub struct Flow {
    pub object: String,
    /// All of them have to hold.
    pub criteria: Vec<(String, Criterion)>,
    /// With merge fields: `{!$Record.Name}`, `{!$Record.Account.Name}`.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Criterion {
    FilledIn,
    Empty,
    Is(String),
}

/// What each part may have.
const START: &[&str] = &[
    "locationX",
    "locationY",
    "doesRequireRecordChangedToMeetCriteria",
    "filterLogic",
    "filters",
    "object",
    "recordTriggerType",
    "scheduledPaths",
    "triggerType",
];
const ACTION: &[&str] = &["name", "label", "locationX", "locationY", "actionName", "actionType", "inputParameters"];
const PATH: &[&str] = &["connector", "pathType"];

const PARTS: &[&str] = &[
    "actionCalls",
    "apiVersion",
    "description",
    "environments",
    "interviewLabel",
    "label",
    "processType",
    "start",
    "status",
    "textTemplates",
];

impl Flow {
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, String> {
        let read =
            |path: &Path| Self::from_xml(&Element::read(path)?).map_err(|error| format!("{}: {error}", path.display()));
        sorted_entries(folder)?.iter().map(|path| read(path)).collect()
    }

    fn from_xml(root: &Element) -> Result<Self, String> {
        only(root, PARTS)?;
        let (start, action, template) = (one(root, "start")?, one(root, "actionCalls")?, one(root, "textTemplates")?);
        let path = one(start, "scheduledPaths")?;
        only(start, START)?;
        only(action, ACTION)?;
        only(path, PATH)?;
        if action.all("inputParameters").count() != 2 {
            return Err("the action has other parameters than the two that are played here".to_owned());
        }
        let target = path.child("connector").and_then(|connector| connector.value("targetReference"));
        let says = [
            (root.value("status"), "Active"),
            (start.value("triggerType"), "RecordAfterSave"),
            (start.value("recordTriggerType"), "Update"),
            (start.value("doesRequireRecordChangedToMeetCriteria"), "true"),
            (start.value("filterLogic"), "and"),
            (path.value("pathType"), "AsyncAfterCommit"),
            (target, action.value("name").unwrap_or_default()),
            (action.value("actionType"), "chatterPost"),
            (input(action, "subjectNameOrId"), "$Record.Id"),
            (input(action, "text"), template.value("name").unwrap_or_default()),
        ];
        if let Some((found, wanted)) = says.into_iter().find(|(found, wanted)| *found != Some(wanted)) {
            return Err(format!("{found:?} is not played here, only {wanted}"));
        }
        let text = template.value("text").ok_or("it posts nothing")?;
        if text.replace("{!$Record.", "").contains("{!") {
            return Err("only fields of the record are merged here".to_owned());
        }
        Ok(Self {
            object: start.value("object").ok_or("it has no object")?.to_owned(),
            criteria: start.all("filters").map(criterion).collect::<Result<_, _>>()?,
            text: text.to_owned(),
        })
    }
}

fn one<'a>(element: &'a Element, name: &str) -> Result<&'a Element, String> {
    match element.all(name).collect::<Vec<_>>()[..] {
        [one] => Ok(one),
        _ => Err(format!("there is not one {name}")),
    }
}

fn only(element: &Element, known: &[&str]) -> Result<(), String> {
    match element.children.iter().find(|child| !known.contains(&child.name.as_str())) {
        Some(other) => Err(format!("{} of {} is not played here", other.name, element.name)),
        None => Ok(()),
    }
}

fn input<'a>(action: &'a Element, name: &str) -> Option<&'a str> {
    let input = action.all("inputParameters").find(|input| input.value("name") == Some(name))?;
    input.child("value")?.value("elementReference")
}

fn criterion(filter: &Element) -> Result<(String, Criterion), String> {
    let field = filter.value("field").ok_or("a criterion without a field")?;
    let value = |name: &str| filter.child("value").and_then(|value| value.value(name));
    let criterion = match (filter.value("operator"), value("booleanValue"), value("stringValue")) {
        (Some("IsNull"), Some("false"), None) => Criterion::FilledIn,
        (Some("IsNull"), Some("true"), None) => Criterion::Empty,
        (Some("EqualTo"), None, Some(text)) => Criterion::Is(text.to_owned()),
        other => return Err(format!("the criterion {other:?} is not played here")),
    };
    Ok((field.to_owned(), criterion))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOWS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/salesforce/chatter/main/default/flows");

    #[test]
    fn both_flows_are_played() {
        let flows = Flow::read_all(Path::new(FLOWS)).expect("as they are shipped");
        let criteria: Vec<_> = flows.iter().map(|flow| flow.criteria.len()).collect();
        assert_eq!(
            (criteria, flows[0].object.as_str(), flows[1].object.as_str()),
            (vec![2, 4], "Opportunity", "Opportunity")
        );
        assert!(flows[1].criteria.contains(&("Type".to_owned(), Criterion::Is("Renewal".to_owned()))));
        assert!(flows[1].criteria.contains(&("Stripe_Invoice_Id__c".to_owned(), Criterion::Empty)));
    }

    /// A change that the sandbox does not understand fails, where it would otherwise be played as before.
    #[test]
    fn what_is_not_played_is_refused() {
        let root = Element::read(&Path::new(FLOWS).join("Closedwon_Post_Billed.flow-meta.xml")).expect("it is there");
        assert!(Flow::from_xml(&root).is_ok());
        let with = |change: &dyn Fn(&mut Element)| {
            let mut root = root.clone();
            change(&mut root);
            Flow::from_xml(&root)
        };
        let child = |element: &mut Element, path: &[&str], text: &str| {
            let found = path.iter().fold(element, |element, name| {
                element.children.iter_mut().find(|child| child.name == *name).expect("it has one")
            });
            text.clone_into(&mut found.text);
        };
        for (path, text) in [
            (&["status"][..], "Draft"),
            (&["start", "recordTriggerType"], "Create"),
            (&["start", "doesRequireRecordChangedToMeetCriteria"], "false"),
            (&["start", "filters", "operator"], "IsChanged"),
            (&["start", "scheduledPaths", "pathType"], "ApprovalRecall"),
            (&["actionCalls", "actionType"], "emailSimple"),
            (&["actionCalls", "inputParameters", "name"], "subjectNameOrId"),
            (&["textTemplates", "text"], "{!$Flow.CurrentDate}"),
        ] {
            assert!(with(&|root| child(root, path, text)).is_err(), "{path:?} {text}");
        }
        let decision = || Element { name: "decisions".into(), ..Element::default() };
        assert!(with(&|root| root.children.push(decision())).is_err());
        let connector = || Element { name: "connector".into(), ..Element::default() };
        for part in ["start", "actionCalls"] {
            let more = |root: &mut Element| {
                let there = root.children.iter_mut().find(|child| child.name == part).expect("it has one");
                there.children.push(connector());
            };
            assert!(with(&more).is_err(), "{part}");
        }
    }
}
