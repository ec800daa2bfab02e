//! A bound query to rows.

use std::cmp::Ordering;

use super::bind::{Bound, BoundValues, Condition, Item, Path, Shape};
use super::filter::{holds, value};
use super::{Literal, Operator, Order};
use crate::salesforce::json::Json;
use crate::salesforce::org::{Org, is_deleted};
use crate::salesforce::rest::sobjects::{attributes, rendered};
use crate::salesforce::store::Record;

/// Where a long result is kept: all of its rows in, the name of its cursor out.
pub type Park<'a> = dyn FnMut(&[Json]) -> String + 'a;

#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The version's root, `/services/data/v67.0`.
    pub root: &'a str,
    pub batch_size: usize,
    /// `queryAll`.
    pub with_deleted: bool,
}

/// The result in the form in which it is answered.
pub fn run(org: &Org, query: &Bound, options: Options<'_>, park: &mut Park<'_>) -> Json {
    let records = selected(org, query, options.with_deleted, None);
    if query.count_only {
        return Json::object([
            ("totalSize", records.len().into()),
            ("done", true.into()),
            ("records", Vec::<Json>::new().into()),
        ]);
    }
    let rows = records.into_iter().map(|record| row(org, record, &query.shape, options, park)).collect();
    first_page(rows, options, park)
}

/// The first page of rows, with the address of the second if there is one.
fn first_page(rows: Vec<Json>, options: Options<'_>, park: &mut Park<'_>) -> Json {
    if rows.len() <= options.batch_size {
        return page(&rows, 0, options, "");
    }
    let cursor = park(&rows);
    page(&rows, 0, options, &cursor)
}

/// The page of a result that begins at a row.
pub fn page(rows: &[Json], from: usize, options: Options<'_>, cursor: &str) -> Json {
    let end = rows.len().min(from + options.batch_size);
    let done = end == rows.len();
    let mut result = vec![("totalSize".to_owned(), rows.len().into()), ("done".to_owned(), done.into())];
    if !done {
        let url = format!("{}/query/{cursor}-{end}", options.root);
        result.push(("nextRecordsUrl".to_owned(), url.into()));
    }
    result.push(("records".to_owned(), rows[from..end].to_vec().into()));
    Json::Object(result)
}

/// The records that meet the condition, before order and limit.
pub fn matching<'a>(org: &'a Org, query: &'a Bound, with_deleted: bool) -> Box<dyn Iterator<Item = &'a Record> + 'a> {
    let meets = move |record: &&Record| {
        (with_deleted || !is_deleted(record)) && query.filter.as_ref().is_none_or(|filter| holds(org, record, filter))
    };
    match candidates(org, query) {
        Some(records) => Box::new(records.into_iter().filter(meets)),
        None => Box::new(org.store.all(&query.object).map(|(_, record)| record).filter(meets)),
    }
}

/// The few records that an id or an indexed field leaves, where the condition insists on one.
fn candidates<'a>(org: &'a Org, query: &Bound) -> Option<Vec<&'a Record>> {
    let parts = match query.filter.as_ref()? {
        Condition::And(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    parts.iter().find_map(|part| {
        let (path, values) = match part {
            Condition::Compare { path, operator: Operator::Equal, value } => (path, std::slice::from_ref(value)),
            Condition::In { path, negated: false, values: BoundValues::List(values) } => (path, values.as_slice()),
            _ => return None,
        };
        by_index(org, &query.object, path, values)
    })
}

fn by_index<'a>(org: &'a Org, object: &str, path: &Path, values: &[Literal]) -> Option<Vec<&'a Record>> {
    let is_id = path.field == "Id";
    if !path.hops.is_empty() || !(is_id || org.store.is_indexed(object, &path.field)) {
        return None;
    }
    let mut found: Vec<(&str, &Record)> = Vec::new();
    for literal in values {
        let Literal::Text(text) = literal else { return None };
        if is_id {
            found.extend(org.store.get(object, text).and_then(|record| Some((record.get("Id")?.text()?, record))));
        } else {
            found.extend(org.store.find(object, &path.field, text));
        }
    }
    found.sort_by_key(|(id, _)| *id);
    found.dedup_by_key(|(id, _)| *id);
    Some(found.into_iter().map(|(_, record)| record).collect())
}

fn selected<'a>(org: &'a Org, query: &'a Bound, with_deleted: bool, parent: Option<(&str, &str)>) -> Vec<&'a Record> {
    let mut records: Vec<&Record> = match parent {
        None => matching(org, query, with_deleted).collect(),
        Some((field, id)) => {
            let children = org.store.find(&query.object, field, id).map(|(_, record)| record);
            let filter = query.filter.as_ref();
            let meets = |record: &&Record| filter.is_none_or(|filter| holds(org, record, filter));
            children.filter(|record| with_deleted || !is_deleted(record)).filter(meets).collect()
        }
    };
    records.sort_by(|a, b| {
        let orderings = query.order.iter().map(|(path, order)| in_order(org, a, b, path, order));
        orderings.fold(Ordering::Equal, Ordering::then)
    });
    records.into_iter().skip(query.offset).take(query.limit.unwrap_or(usize::MAX)).collect()
}

fn in_order(org: &Org, a: &Record, b: &Record, path: &Path, order: &Order) -> Ordering {
    let by_value = |a: &Json, b: &Json| match (a, b) {
        (Json::Number(a), Json::Number(b)) => a.cmp(b),
        (Json::Bool(a), Json::Bool(b)) => a.cmp(b),
        (Json::Text(a), Json::Text(b)) => a.to_lowercase().cmp(&b.to_lowercase()),
        _ => Ordering::Equal,
    };
    let nulls = if order.nulls_last { Ordering::Greater } else { Ordering::Less };
    match (value(org, a, path), value(org, b, path)) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => nulls,
        (Some(_), None) => nulls.reverse(),
        (Some(a), Some(b)) if order.descending => by_value(b, a),
        (Some(a), Some(b)) => by_value(a, b),
    }
}

fn row(org: &Org, record: &Record, shape: &Shape, options: Options<'_>, park: &mut Park<'_>) -> Json {
    let mut members = vec![("attributes".to_owned(), attributes(options.root, &shape.object, record))];
    for item in &shape.items {
        members.push(match item {
            Item::Field { name, kind } => (name.clone(), rendered(record.get(name), *kind)),
            Item::Parent { relationship, field, shape } => {
                let id = record.get(field).and_then(Json::text);
                let parent = id.and_then(|id| org.store.get(&shape.object, id));
                let parent = parent.map(|parent| row(org, parent, shape, options, park));
                (relationship.clone(), parent.into())
            }
            Item::Children { relationship, field, query } => {
                let id = record.get("Id").and_then(Json::text).unwrap_or_default();
                let children = selected(org, query, options.with_deleted, Some((field, id)));
                let rows: Vec<Json> =
                    children.into_iter().map(|child| row(org, child, &query.shape, options, park)).collect();
                // A parent without children has null there, not an empty result.
                let result = (!rows.is_empty()).then(|| first_page(rows, options, park));
                (relationship.clone(), result.into())
            }
        });
    }
    Json::Object(members)
}
