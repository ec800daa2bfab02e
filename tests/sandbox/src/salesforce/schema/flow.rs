//! Flows of the sfdx project that post to Chatter, as far as these go. What is not known here is refused when it is read, so that
//! nothing is played otherwise than an org would.

use std::path::Path;

use super::package::sorted_entries;
use super::xml::Element;

/// A flow that posts to the feed of a record that begins to meet its criteria.
#[derive(Debug, Clone)]
pub struct Flow {
    pub object: String,
    /// All of them have to hold something.
    pub filled_in: Vec<String>,
    /// With merge fields: `{!$Record.Name}`, `{!$Record.Account.Name}`.
    pub text: String,
}

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
        if let Some(other) = root.children.iter().find(|child| !PARTS.contains(&child.name.as_str())) {
            return Err(format!("{} is not played here", other.name));
        }
        let one = |name: &str| match root.all(name).collect::<Vec<_>>()[..] {
            [one] => Ok(one),
            _ => Err(format!("there is not one {name}")),
        };
        let (start, action, template) = (one("start")?, one("actionCalls")?, one("textTemplates")?);
        let path = start.child("scheduledPaths").ok_or("it does not run after the commit")?;
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
        Ok(Self {
            object: start.value("object").ok_or("it has no object")?.to_owned(),
            filled_in: start.all("filters").map(filled_in).collect::<Result<_, _>>()?,
            text: template.value("text").ok_or("it posts nothing")?.to_owned(),
        })
    }
}

fn input<'a>(action: &'a Element, name: &str) -> Option<&'a str> {
    let inputs: Vec<&Element> = action
        .children
        .iter()
        .filter(|child| child.name == "inputParameters" && child.value("name") == Some(name))
        .collect();
    match inputs[..] {
        [input] => input.child("value")?.value("elementReference"),
        _ => None,
    }
}

fn filled_in(filter: &Element) -> Result<String, String> {
    let value = filter.child("value").and_then(|value| value.value("booleanValue"));
    match (filter.value("operator"), value, filter.value("field")) {
        (Some("IsNull"), Some("false"), Some(field)) => Ok(field.to_owned()),
        other => Err(format!("the criterion {other:?} is not played here")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOWS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/salesforce/chatter/main/default/flows");

    #[test]
    fn both_flows_are_played() {
        let flows = Flow::read_all(Path::new(FLOWS)).expect("as they are shipped");
        let criteria: Vec<_> = flows.iter().map(|flow| (flow.object.as_str(), flow.filled_in.join(" "))).collect();
        let renewed = "Renewal_Stripe_Sub_Id__c Stripe_MRR__c".to_owned();
        assert_eq!(criteria, [("Opportunity", "Stripe_Invoice_Id__c".to_owned()), ("Opportunity", renewed)]);
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
        ] {
            assert!(with(&|root| child(root, path, text)).is_err(), "{path:?} {text}");
        }
        let decision = || Element { name: "decisions".into(), ..Element::default() };
        assert!(with(&|root| root.children.push(decision())).is_err());
    }
}
