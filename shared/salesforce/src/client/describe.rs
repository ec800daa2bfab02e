//! What an object is made of, as whoever asks may see it.

use reqwest::Method;
use serde::Deserialize;

use super::{Client, Request, segment};
use crate::error::Error;

/// A field that the user may read. What field-level security hides is not described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDescription {
    pub name: String,
    /// Salesforce's word: `currency`, `picklist`, `reference`.
    pub field_type: String,
    /// Of a reference, what leads to the record: `Account` of `AccountId`.
    pub relationship_name: Option<String>,
    /// The objects that a reference may name.
    pub reference_to: Vec<String>,
}

#[derive(Deserialize)]
struct Description {
    fields: Vec<Field>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    name: String,
    #[serde(rename = "type")]
    field_type: String,
    relationship_name: Option<String>,
    #[serde(default)]
    reference_to: Vec<String>,
}

impl Client {
    /// The fields of an object; `None` where the organization has no such object, or the user sees none. One call of the daily budget.
    /// Source: <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_describe.htm>.
    pub async fn describe(&self, object: &str) -> Result<Option<Vec<FieldDescription>>, Error> {
        let path = format!("/services/data/{}/sobjects/{}/describe", self.api_version, segment(object));
        let request = Request { method: Method::GET, path, body: None };
        let read = |body: &[u8]| serde_json::from_slice::<Description>(body).map_err(|_| Error::unreadable());
        match self.call(&request, read).await {
            Ok(described) => Ok(Some(described.fields.into_iter().map(FieldDescription::from).collect())),
            Err(Error::Refused(refusal)) if refusal.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl From<Field> for FieldDescription {
    fn from(field: Field) -> Self {
        let Field { name, field_type, relationship_name, reference_to } = field;
        Self { name, field_type, relationship_name, reference_to }
    }
}
