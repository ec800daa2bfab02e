//! `sobjects/*`: one record at a time.

use rust_decimal::Decimal;

use super::{Answer, Api, Call};
use super::{describe, list_views};
use crate::salesforce::dml::{Upsert, UpsertError, checked_id};
use crate::salesforce::error::{self, ApiError};
use crate::salesforce::json::Json;
use crate::salesforce::org::{Actor, Org, is_deleted};
use crate::salesforce::schema::{Kind, Object};
use crate::salesforce::store::Record;

pub fn dispatch(api: &mut Api, actor: &Actor, call: &Call, path: &[&str]) -> Result<Answer, ApiError> {
    let viewer = api.org.viewer(actor.access);
    match (call.method.as_str(), path) {
        ("GET", []) => Ok(Answer::new(200, describe::global(&viewer, &call.root))),
        ("GET", [object]) => Ok(Answer::new(200, describe::basic(viewer.object(object)?, &call.root))),
        ("POST", [object]) => create(api, actor, call, object),
        ("GET", [object, "describe"]) => {
            Ok(Answer::new(200, describe::describe(&viewer, viewer.object(object)?, &call.root)))
        }
        ("GET", [object, id]) => retrieve(api, actor, call, object, id),
        ("PATCH", [object, id]) => {
            api.org.update(actor, object, id, &call.json()?)?;
            assign(api, actor, call, object, id)?;
            Ok(Answer::empty())
        }
        ("DELETE", [object, id]) => {
            api.org.delete(actor, object, id)?;
            Ok(Answer::empty())
        }
        ("GET" | "DELETE", [object, field, value]) => {
            let ids = by_external_id(&api.org, actor, object, field, value)?;
            match ids.as_slice() {
                [] => Err(error::not_found()),
                [id] if call.method == "GET" => retrieve(api, actor, call, object, id),
                [id] => {
                    api.org.delete(actor, object, id)?;
                    Ok(Answer::empty())
                }
                _ => Ok(choices(&call.root, object, &ids)),
            }
        }
        ("PATCH", [object, field, value]) => upsert(api, actor, call, [object, field, value]),
        ("GET", [object, "listviews", id, "describe"]) => list_views::describe(api, actor, call, object, id),
        ("GET", [object, "listviews", id, "results"]) => list_views::results(api, actor, call, object, id),
        (_, [] | [_, "describe"] | [_, "listviews", _, "describe" | "results"]) => {
            Err(error::method_not_allowed("HEAD,GET"))
        }
        (_, [_]) => Err(error::method_not_allowed("HEAD,GET,POST")),
        (_, [_, _] | [_, _, _]) => Err(error::method_not_allowed("HEAD,GET,PATCH,DELETE")),
        _ => Err(error::not_found()),
    }
}

fn create(api: &mut Api, actor: &Actor, call: &Call, object: &str) -> Result<Answer, ApiError> {
    let id = api.org.create(actor, object, &call.json()?)?;
    assign(api, actor, call, object, &id)?;
    let mut answer = Answer::new(201, saved(&id, None));
    answer.headers.push(("Location".into(), format!("{}/sobjects/{object}/{id}", call.root)));
    Ok(answer)
}

/// Whoever does not say otherwise has cases given to whom the organization's rules name; without any, to the default case owner, who is the
/// administrator here. Source: api_rest/guide/headers-autoassign, and help.salesforce.com 000395506.
fn assign(api: &mut Api, actor: &Actor, call: &Call, object: &str, id: &str) -> Result<(), ApiError> {
    let header = call.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("Sforce-Auto-Assign"));
    if !object.eq_ignore_ascii_case("Case") || header.is_some_and(|(_, value)| value.eq_ignore_ascii_case("false")) {
        return Ok(());
    }
    let owner = Json::object([("OwnerId", api.org.admin_user_id.as_str().into())]);
    api.org.update(actor, "Case", id, &owner)
}

fn upsert(api: &mut Api, actor: &Actor, call: &Call, path: [&str; 3]) -> Result<Answer, ApiError> {
    let [object, field, value] = path;
    let body = call.json()?;
    let update_only = call.parameter("updateOnly") == Some("true");
    match api.org.upsert(actor, Upsert { object, field, value, body: &body, update_only }) {
        Ok((id, created)) => {
            assign(api, actor, call, object, &id)?;
            let mut answer = Answer::new(if created { 201 } else { 200 }, saved(&id, Some(created)));
            if created {
                answer.headers.push(("Location".into(), format!("{}/sobjects/{object}/{id}", call.root)));
            }
            Ok(answer)
        }
        Err(UpsertError::Many(ids)) => Ok(choices(&call.root, object, &ids)),
        Err(UpsertError::Api(error)) => Err(error),
    }
}

fn saved(id: &str, created: Option<bool>) -> Json {
    let mut members = vec![
        ("id".to_owned(), id.into()),
        ("success".to_owned(), true.into()),
        ("errors".to_owned(), Vec::<Json>::new().into()),
    ];
    if let Some(created) = created {
        members.push(("created".to_owned(), created.into()));
    }
    Json::Object(members)
}

/// 300: the records among which an external id does not decide.
fn choices(root: &str, object: &str, ids: &[String]) -> Answer {
    let urls: Vec<Json> = ids.iter().map(|id| format!("{root}/sobjects/{object}/{id}").into()).collect();
    Answer::new(300, urls.into())
}

fn by_external_id(org: &Org, actor: &Actor, object: &str, field: &str, value: &str) -> Result<Vec<String>, ApiError> {
    let viewer = org.viewer(actor.access);
    let object = viewer.object(object)?;
    if field.eq_ignore_ascii_case("Id") {
        return Ok(vec![checked_id(object, value)?]);
    }
    let field = viewer.field(object, field).filter(|field| field.external_id).ok_or_else(|| {
        let message = format!("Provided external ID field does not exist or is not accessible: {field}");
        ApiError::new(404, "NOT_FOUND", message)
    })?;
    let found = org.store.find(&object.name, &field.name, value);
    Ok(found.filter(|(_, record)| !is_deleted(record)).map(|(id, _)| id.to_owned()).collect())
}

fn retrieve(api: &Api, actor: &Actor, call: &Call, object: &str, id: &str) -> Result<Answer, ApiError> {
    let viewer = api.org.viewer(actor.access);
    let object = viewer.object(object)?;
    let id = checked_id(object, id)?;
    let record = api.org.store.get(&object.name, &id).ok_or_else(error::not_found)?;
    if is_deleted(record) {
        return Err(error::is_deleted());
    }
    let fields = match call.parameter("fields") {
        None => viewer.fields(object).collect(),
        Some(names) => {
            let names = names.split(',').map(str::trim);
            let field =
                |name: &str| viewer.field(object, name).ok_or_else(|| error::unknown_column(name, &object.name));
            names.map(field).collect::<Result<Vec<_>, ApiError>>()?
        }
    };
    let mut members = vec![("attributes".to_owned(), attributes(&call.root, &object.name, record))];
    members.extend(fields.into_iter().map(|field| (field.name.clone(), rendered(record.get(&field.name), field.kind))));
    Ok(Answer::new(200, Json::Object(members)))
}

pub fn attributes(root: &str, object: &str, record: &Record) -> Json {
    let id = record.get("Id").and_then(Json::text).unwrap_or_default();
    Json::object([("type", object.into()), ("url", format!("{root}/sobjects/{object}/{id}").into())])
}

/// All fields of a record, for those who look from outside the API.
pub fn whole(object: &Object, record: &Record) -> Json {
    let fields = object.fields.iter();
    Json::Object(fields.map(|field| (field.name.clone(), rendered(record.get(&field.name), field.kind))).collect())
}

/// A value as the vendor writes it: fractions keep the decimals they were given, whole amounts show one.
pub fn rendered(value: Option<&Json>, kind: Kind) -> Json {
    match value {
        Some(Json::Number(number)) if kind == Kind::Integer => number.trunc().into(),
        Some(Json::Number(number)) if number.scale() == 0 => {
            let mut number: Decimal = *number;
            number.rescale(1);
            number.into()
        }
        value => value.cloned().unwrap_or_default(),
    }
}
