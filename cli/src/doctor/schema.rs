//! What an organization shows us of its objects, and where a path of a query leads in it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use mapping::{Filter, RecordQuery};
use salesforce::Described;

/// By their names; `None` where there is none, or none that we may see.
pub(super) type Schema = BTreeMap<String, Option<Described>>;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Led {
    ToField,
    /// To nothing that we may see.
    ToNothing {
        object: String,
        field: Option<String>,
    },
    /// Through one of these objects, which were not asked for yet.
    Further(BTreeSet<String>),
}

/// `Account.Billing_Email__c` of an opportunity is a field of accounts. An owner is a user or a queue: a field of either is one.
pub(super) fn follow(schema: &Schema, object: &str, path: &str) -> Led {
    let nothing = |field: Option<&str>| Led::ToNothing { object: object.to_owned(), field: field.map(str::to_owned) };
    let described = match schema.get(object) {
        None => return Led::Further(BTreeSet::from([object.to_owned()])),
        Some(None) => return nothing(None),
        Some(Some(described)) => described,
    };
    let Some((relationship, rest)) = path.split_once('.') else {
        return if described.fields.contains_key(path) { Led::ToField } else { nothing(Some(path)) };
    };
    let Some(targets) = described.relationships.get(relationship) else { return nothing(Some(relationship)) };
    let led: Vec<_> = targets.iter().map(|target| follow(schema, target, rest)).collect();
    if led.contains(&Led::ToField) {
        return Led::ToField;
    }
    let further: BTreeSet<_> = led.iter().filter_map(further).flatten().cloned().collect();
    if !further.is_empty() {
        return Led::Further(further);
    }
    led.into_iter().next().unwrap_or_else(|| nothing(Some(relationship)))
}

fn further(led: &Led) -> Option<&BTreeSet<String>> {
    match led {
        Led::Further(objects) => Some(objects),
        _ => None,
    }
}

/// Every path that the query names, whether it is selected, compared or sorted by.
pub(super) fn paths(query: &RecordQuery) -> BTreeSet<&str> {
    let compared = query.filter.iter().flat_map(|(field, filter)| {
        let others: Vec<&'static str> = match filter {
            Filter::OneOfOrNamed(_, other) | Filter::IsFalseOrEmpty(other) | Filter::IsFalseOrNot(other, _) => {
                vec![other]
            }
            Filter::IsOr(_, others) => others.iter().map(|(field, _)| *field).collect(),
            _ => vec![],
        };
        [*field].into_iter().chain(others)
    });
    query
        .fields
        .iter()
        .chain(&query.order_by)
        .copied()
        .chain(query.also.iter().map(String::as_str))
        .chain(compared)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(fields: &[&str], relationships: &[(&str, &[&str])]) -> Option<Described> {
        Some(Described {
            fields: fields.iter().map(|field| ((*field).to_owned(), Default::default())).collect(),
            relationships: relationships
                .iter()
                .map(|(name, targets)| ((*name).to_owned(), targets.iter().map(|one| (*one).to_owned()).collect()))
                .collect(),
            ..Described::default()
        })
    }

    #[test]
    fn a_path_is_followed_to_its_field() {
        let schema: Schema = [
            ("Opportunity".to_owned(), object(&["Id"], &[("Account", &["Account"]), ("Owner", &["Group", "User"])])),
            ("Account".to_owned(), object(&["Name"], &[("Parent", &["Account"]), ("CSM__r", &["Unasked"])])),
            ("Group".to_owned(), None),
            ("User".to_owned(), object(&["IsActive"], &[])),
        ]
        .into();
        let nothing = |object: &str, field: Option<&str>| Led::ToNothing {
            object: object.to_owned(),
            field: field.map(str::to_owned),
        };
        for (path, expected) in [
            ("Id", Led::ToField),
            ("Account.Name", Led::ToField),
            ("Account.Parent.Parent.Name", Led::ToField),
            ("Owner.IsActive", Led::ToField),
            ("Owner.Nothing", nothing("Group", None)),
            ("Account.Tax_Id__c", nothing("Account", Some("Tax_Id__c"))),
            ("Quote.Name", nothing("Opportunity", Some("Quote"))),
            ("Account.CSM__r.IsActive", Led::Further(["Unasked".to_owned()].into())),
        ] {
            assert_eq!(follow(&schema, "Opportunity", path), expected, "{path}");
        }
        assert_eq!(follow(&schema, "Group", "Id"), nothing("Group", None));
    }

    #[test]
    fn what_is_compared_is_read_as_well() {
        let query = RecordQuery {
            object: "Opportunity",
            fields: vec!["Id"],
            also: vec!["Own__c".to_owned()],
            filter: vec![("StageName", Filter::OneOfOrNamed(vec![], "Other__c")), ("A__c", Filter::IsEmpty)],
            order_by: vec!["SystemModstamp"],
            limit: None,
        };
        assert_eq!(paths(&query), BTreeSet::from(["A__c", "Id", "Other__c", "Own__c", "StageName", "SystemModstamp"]));
    }
}
