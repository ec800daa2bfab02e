//! What the file reads of an organization, and what the product reads and writes there by itself.

use std::collections::{BTreeMap, BTreeSet};

use mapping::{Needs, Notifications, RecordQuery, Settings, needs};
use rules::Schema;

use crate::Configuration;

/// A field that deals need under these settings, and that the schema does not have: it is not there, or the integration user may not see
/// it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    pub object: String,
    /// As it is read from there: `Account.Tax_Id__c`.
    pub field: String,
}

impl Configuration {
    /// With people to be told, whether this deployment has a way to or not: their rules ask of deals.
    fn telling(&self) -> Settings {
        let rules = self.told.rules.clone();
        let policy = Notifications { rules, ..Notifications::of_everything(vec![], "", false) };
        Settings { notifications: Some(policy), ..self.settings.clone() }
    }

    /// The objects that are read and written for deals, as far as this schema leads to them.
    pub fn objects(&self, schema: &Schema) -> BTreeSet<String> {
        let mut objects = BTreeSet::from(["Product2".to_owned(), "Account".to_owned()]);
        for (object, paths) in paths(&self.telling(), true) {
            objects.extend(paths.iter().filter_map(|path| schema.object_of(object, path)).map(str::to_owned));
            // Each relationship on the way, too: the last one may not be known yet.
            let relationships = paths.iter().flat_map(|path| path.match_indices('.').map(|(end, _)| &path[..end]));
            objects.extend(relationships.filter_map(|path| schema.object_of(object, path)).map(str::to_owned));
            objects.insert(object.to_owned());
        }
        objects
    }

    /// What of the product's own fields the schema does not have. Those that the file reads are told where they stand in it.
    pub fn missing(&self, schema: &Schema) -> Vec<Missing> {
        let mut missing = BTreeSet::new();
        for (object, paths) in paths(&self.telling(), false) {
            missing.extend(
                paths
                    .into_iter()
                    .filter(|path| !is_there(schema, object, path))
                    .map(|path| Missing { object: object.to_owned(), field: path }),
            );
        }
        missing.into_iter().collect()
    }
}

/// Where a relationship leads to what nobody described, a field is taken to be there.
fn is_there(schema: &Schema, object: &str, path: &str) -> bool {
    let steps: Vec<_> = path.match_indices('.').map(|(end, _)| &path[..end]).collect();
    let is_known = |object: &str| schema.knows(object);
    if !is_known(object) || steps.iter().any(|step| !schema.leads(object, step)) {
        return false;
    }
    match schema.object_of(object, path) {
        Some(last) if is_known(last) => schema.field(last, path.rsplit('.').next().unwrap_or(path)).is_some(),
        _ => true,
    }
}

/// By the package's names, whatever the organization calls them.
fn paths(settings: &Settings, with_the_files: bool) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut all: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    let Needs { queries, written, made, .. } = needs(settings);
    for RecordQuery { object, fields, also, filter, order_by, .. } in queries {
        let paths = all.entry(object).or_default();
        let fields = fields.into_iter().chain(filter.into_iter().map(|(field, _)| field)).chain(order_by);
        paths.extend(fields.map(str::to_owned));
        paths.extend(also.into_iter().filter(|_| with_the_files));
    }
    for of_object in written.into_iter().chain(made) {
        all.entry(of_object.object).or_default().extend(of_object.fields.into_iter().map(str::to_owned));
    }
    all
}
