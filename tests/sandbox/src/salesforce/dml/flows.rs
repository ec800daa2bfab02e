//! What the organization's own flows do after a save. An org runs them when it has committed, so what fails in them takes nothing back; here
//! they run with it, and are taken back with it.

use crate::salesforce::json::Json;
use crate::salesforce::org::{Actor, Org, text};
use crate::salesforce::schema::flow::{Criterion, Flow};
use crate::salesforce::store::Record;

impl Org {
    pub(super) fn run_flows(&mut self, object: &str, id: &str, old: &Record, actor: &Actor) {
        let Some(record) = self.store.get(object, id).cloned() else { return };
        let meets = |flow: &&Flow, record: &Record| {
            flow.criteria.iter().all(|(field, criterion)| holds(record, field, criterion))
        };
        let begins = |flow: &&Flow| flow.object == object && meets(flow, &record) && !meets(flow, old);
        let posts: Vec<String> =
            self.flows.iter().filter(begins).map(|flow| self.merged(&flow.text, object, &record)).collect();
        for body in posts {
            let item = Json::object([("ParentId", id.into()), ("Body", body.into())]);
            // It is nobody's business here.
            let _ = self.create(actor, "FeedItem", &item);
        }
    }

    fn merged(&self, template: &str, object: &str, record: &Record) -> String {
        let mut parts = template.split("{!$Record.");
        let mut merged = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (path, rest) = part.split_once('}').unwrap_or((part, ""));
            merged.push_str(&self.value_at(path, object, record));
            merged.push_str(rest);
        }
        merged
    }

    /// A field of the record, or of one that it refers to.
    fn value_at(&self, path: &str, object: &str, record: &Record) -> String {
        let Some((relationship, field)) = path.split_once('.') else {
            return text(record, path).unwrap_or_default().to_owned();
        };
        let fields = self.schema.object(object).map(|object| object.fields.as_slice()).unwrap_or_default();
        let parent = fields.iter().find_map(|of_record| {
            let (_, target) = of_record.relationship().filter(|(name, _)| name == relationship)?;
            self.live(target, text(record, &of_record.name)?)
        });
        parent.and_then(|parent| text(parent, field)).unwrap_or_default().to_owned()
    }
}

fn holds(record: &Record, field: &str, criterion: &Criterion) -> bool {
    match criterion {
        Criterion::FilledIn => is_filled_in(record, field),
        Criterion::Empty => !is_filled_in(record, field),
        Criterion::Is(wanted) => text(record, field) == Some(wanted),
    }
}

fn is_filled_in(record: &Record, field: &str) -> bool {
    match record.get(field) {
        None | Some(Json::Null) => false,
        Some(Json::Text(text)) => !text.is_empty(),
        Some(_) => true,
    }
}
