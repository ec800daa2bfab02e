//! The same against what an organization says of itself, as the integration user sees it.

use std::collections::BTreeSet;
use std::path::Path;

use configuration::{Configuration, Reading};
use platform::Environment;
use rules::{Described, Schema};
use salesforce::{Client, FieldAccess};

use super::{Checked, Lacking, Unchecked, checked, text};

/// A query follows five relationships from a record; what is behind the last one is asked for, too.
const MOST_ROUNDS: usize = 6;

/// Asks the organization that the environment's variables name, with the credentials that the functions have.
pub async fn check_with_organization(file: &Path) -> Result<Checked, Unchecked> {
    let client = deployment::salesforce_from_environment(Environment::from_process()).await;
    check_against(file, &client.map_err(|error| Unchecked::Environment(error.problems))?).await
}

/// One call for each object that is read or written. Nothing is asked about a file that is wrong by itself.
pub async fn check_against(file: &Path, client: &Client) -> Result<Checked, Unchecked> {
    let text = text(file)?;
    let by_itself = Reading::of(&text, None);
    let Ok(configuration) = &by_itself.configuration else { return Ok(checked(file, &text, by_itself)) };
    let schema = schema(configuration, client).await?;
    let missing = configuration.missing(&schema).into_iter().map(Lacking::from).collect();
    let checked = checked(file, &text, Reading::of(&text, Some(&schema)));
    Ok(Checked { organization: true, missing, ..checked })
}

/// Object by object, as far as relationships lead.
async fn schema(configuration: &Configuration, client: &Client) -> Result<Schema, salesforce::Error> {
    let mut rows = Vec::new();
    let mut asked = BTreeSet::new();
    for _ in 0..MOST_ROUNDS {
        let schema = Schema::described(rows.clone());
        let new: Vec<_> = configuration.objects(&schema).into_iter().filter(|object| !asked.contains(object)).collect();
        if new.is_empty() {
            break;
        }
        for object in new {
            let seen = client.describe(&object).await?.unwrap_or_default();
            // The file goes by the package's names, whatever the organization calls its fields.
            let names = &configuration.settings.lens.names;
            rows.extend(
                seen.fields.iter().map(|(name, field)| described(&object, &names.package(&object, name), field, &seen)),
            );
            asked.insert(object);
        }
    }
    Ok(Schema::described(rows))
}

fn described(object: &str, name: &str, field: &FieldAccess, of: &salesforce::Described) -> Described {
    let parent = |relationship: &String| {
        let targets = of.relationships.get(relationship)?;
        // A reference to several objects is followed as one to `Name`, which has what all of them have.
        let parent = targets.first().filter(|_| targets.len() == 1).map_or("Name", String::as_str);
        Some((relationship.clone(), parent.to_owned()))
    };
    Described {
        object: object.to_owned(),
        field: name.to_owned(),
        field_type: field.field_type.clone(),
        relationship: field.relationship.as_ref().and_then(parent),
        // Of several values, or beside any text, what is offered says nothing of the whole.
        values: field.values.iter().filter(|_| field.field_type == "picklist").cloned().collect(),
    }
}
