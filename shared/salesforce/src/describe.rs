//! What the organization says of itself and of us, for the operator's command: who we are, which versions are served, what of an
//! object we may do, and what a list view shows. A description shows field-level security as it is for whoever asks: a field that is hidden is not there.

use std::collections::{BTreeMap, BTreeSet};

use domain::ListViewId;
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::client::{Client, Request, segment};
use crate::error::Error;

/// What Salesforce says of an object that is not there, or is hidden: as a resource, or as a type.
const NOT_THERE: [&str; 2] = ["NOT_FOUND", "INVALID_TYPE"];

/// Who a login is, and where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub organization_id: String,
    pub user_id: String,
    pub instance_url: String,
    /// OAuth scopes: `api`. `None` where the login did not say.
    pub scopes: Option<BTreeSet<String>>,
}

/// An object as the user may see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Described {
    pub createable: bool,
    pub updateable: bool,
    pub fields: BTreeMap<String, FieldAccess>,
    /// By their names, the objects that each leads to.
    pub relationships: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldAccess {
    pub createable: bool,
    pub updateable: bool,
    /// Salesforce's word: `currency`, `picklist`, `reference`.
    pub field_type: String,
    /// Of a reference, the name of the relationship that leads to the record: `Account` of `AccountId`.
    pub relationship: Option<String>,
    /// What a picklist offers, or offered once.
    pub values: Vec<String>,
}

/// What a list view shows, to whoever asks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListView {
    /// In SOQL, with its columns, its scope, its condition and its order.
    pub query: String,
    /// Salesforce's word for whose records they are, like `mine`; none where it is everybody's.
    pub scope: Option<String>,
    pub sobject_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectWire {
    createable: bool,
    updateable: bool,
    fields: Vec<FieldWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldWire {
    name: String,
    #[serde(rename = "type")]
    field_type: String,
    createable: bool,
    updateable: bool,
    #[serde(default)]
    reference_to: Vec<String>,
    relationship_name: Option<String>,
    #[serde(default)]
    picklist_values: Vec<PicklistEntry>,
}

/// Source: `PicklistEntry` of DescribeSObjectResult, which has a label, and whether it is active, too:
/// <https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_describesobjects_describesobjectresult.htm>.
#[derive(Deserialize)]
struct PicklistEntry {
    value: String,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

impl From<ObjectWire> for Described {
    fn from(wire: ObjectWire) -> Self {
        let mut described = Self { createable: wire.createable, updateable: wire.updateable, ..Self::default() };
        for field in wire.fields {
            let FieldWire { field_type, createable, updateable, relationship_name: relationship, .. } = field;
            if let Some(name) = relationship.clone() {
                described.relationships.insert(name, field.reference_to.into_iter().collect());
            }
            let values = field.picklist_values.into_iter().map(|entry| entry.value).collect();
            let access = FieldAccess { createable, updateable, field_type, relationship, values };
            described.fields.insert(field.name, access);
        }
        described
    }
}

impl Client {
    /// Logs in, if that is not done.
    pub async fn identity(&self) -> Result<Identity, Error> {
        let session = self.session().await?;
        let url = session.identity_url.as_deref().unwrap_or_default();
        let mut ids = url.trim_end_matches('/').rsplit('/');
        match (ids.next(), ids.next()) {
            (Some(user_id), Some(organization_id)) if user_id.starts_with("005") => Ok(Identity {
                organization_id: organization_id.to_owned(),
                user_id: user_id.to_owned(),
                scopes: session.scope.map(|scope| scope.split_whitespace().map(str::to_owned).collect()),
                instance_url: session.instance_url,
            }),
            _ => Err(Error::unreadable()),
        }
    }

    /// As an address has them: `v67.0`.
    pub async fn versions(&self) -> Result<Vec<String>, Error> {
        let versions: Vec<Version> = self.get("/services/data/".to_owned()).await?;
        Ok(versions.into_iter().map(|one| format!("v{}", one.version)).collect())
    }

    /// `None` where there is no such object, or none that the user may see.
    pub async fn describe(&self, object: &str) -> Result<Option<Described>, Error> {
        match self.get::<ObjectWire>(format!("{}/sobjects/{}/describe", self.data(), segment(object))).await {
            Ok(wire) => Ok(Some(wire.into())),
            Err(Error::Refused(refusal)) if NOT_THERE.contains(&refusal.error_code.as_str()) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `None` where the object has no such list view, or none that the user is shown.
    /// Source: Salesforce REST API, List View Describe, which is there from version 32 on:
    /// <https://developer.salesforce.com/docs/platform/api-rest/guide/resources-listviewdescribe.md>.
    pub async fn list_view(&self, object: &str, id: &ListViewId) -> Result<Option<ListView>, Error> {
        match self.get(format!("{}/sobjects/{}/listviews/{id}/describe", self.data(), segment(object))).await {
            Ok(described) => Ok(Some(described)),
            Err(Error::Refused(refusal)) if NOT_THERE.contains(&refusal.error_code.as_str()) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: String) -> Result<T, Error> {
        let request = Request { method: Method::GET, path, body: None };
        self.call(&request, |answer| serde_json::from_slice(answer).map_err(|_| Error::unreadable())).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_view_is_read_without_what_nobody_asks_of_it() {
        let text = r#"{"columns":[{"fieldNameOrPath":"Name","hidden":false}],"id":"00B000000000001","orderBy":[],
            "query":"SELECT Name, Id FROM Opportunity USING SCOPE mine","scope":"mine","sobjectType":"Opportunity","whereCondition":{}}"#;
        let view: ListView = serde_json::from_str(text).expect("readable");
        assert_eq!((view.scope.as_deref(), view.sobject_type.as_str()), (Some("mine"), "Opportunity"));
        let of_everybody = text.replace(r#""scope":"mine""#, r#""scope":null"#);
        assert_eq!(serde_json::from_str::<ListView>(&of_everybody).expect("readable").scope, None);
    }

    #[test]
    fn a_description_is_read_with_its_relationships() {
        let text = r#"{"name":"Opportunity","createable":true,"updateable":false,"fields":[
            {"name":"Id","type":"id","createable":false,"updateable":false,"referenceTo":[],"relationshipName":null},
            {"name":"AccountId","type":"reference","createable":true,"updateable":true,"referenceTo":["Account"],"relationshipName":"Account"},
            {"name":"Type","type":"picklist","createable":true,"updateable":true,"referenceTo":[],"relationshipName":null,
             "picklistValues":[{"active":true,"defaultValue":false,"label":"Neukunde","validFor":null,"value":"New"}]}]}"#;
        let described = Described::from(serde_json::from_str::<ObjectWire>(text).expect("readable"));
        assert_eq!((described.createable, described.updateable, described.fields.len()), (true, false, 3));
        assert_eq!(
            (&described.fields["Type"].values[..], described.fields["Id"].values.len()),
            (&["New".to_owned()][..], 0)
        );
        assert_eq!(described.fields["Id"].field_type, "id");
        assert!(described.fields["AccountId"].updateable && !described.fields["Id"].updateable);
        assert!(described.relationships["Account"].contains("Account"));
    }
}
