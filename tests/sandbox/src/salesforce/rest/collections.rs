//! `composite/sobjects`: up to 200 records in one call, each with its own outcome.

use super::{Answer, Api, Call};
use crate::salesforce::dml::{Upsert, UpsertError};
use crate::salesforce::error::{self, ApiError};
use crate::salesforce::json::Json;
use crate::salesforce::org::Actor;

const MAX_RECORDS: usize = 200;

/// What became of one record: its id, and for an upsert whether it is new.
type Outcome = Result<(String, Option<bool>), ApiError>;

pub fn dispatch(api: &mut Api, actor: &Actor, call: &Call, path: &[&str]) -> Result<Answer, ApiError> {
    match (call.method.as_str(), path) {
        ("POST", []) => with_records(api, call, |api, record| {
            let id = api.org.create(actor, object_of(record)?, record)?;
            Ok((id, None))
        }),
        ("PATCH", []) => with_records(api, call, |api, record| {
            let (id, rest) = without_id(record)?;
            api.org.update(actor, object_of(record)?, &id, &rest).map_err(in_dml)?;
            Ok((id, None))
        }),
        ("PATCH", [object, field]) => with_records(api, call, |api, record| upsert(api, actor, object, field, record)),
        ("DELETE", []) => delete(api, actor, call),
        _ => Err(error::method_not_allowed("HEAD,GET,POST,PATCH,DELETE")),
    }
}

fn with_records(api: &mut Api, call: &Call, save: impl FnMut(&mut Api, &Json) -> Outcome) -> Result<Answer, ApiError> {
    let body = call.json()?;
    let records = body.get("records").and_then(Json::list);
    let records = records.ok_or_else(|| error::malformed_json("the member records with a list is required"))?;
    let all_or_none = body.get("allOrNone").is_some_and(Json::is_true);
    each(api, records, all_or_none, save)
}

fn each<T>(
    api: &mut Api,
    items: &[T],
    all_or_none: bool,
    mut save: impl FnMut(&mut Api, &T) -> Outcome,
) -> Result<Answer, ApiError> {
    if items.is_empty() || items.len() > MAX_RECORDS {
        let message = "record limit reached. cannot submit more than 200 records into this call";
        return Err(ApiError::new(400, "EXCEEDED_ID_LIMIT", message));
    }
    let savepoint = api.org.savepoint();
    let mut outcomes: Vec<Outcome> = items.iter().map(|item| save(api, item)).collect();
    if all_or_none && outcomes.iter().any(Result::is_err) {
        api.org.rollback(savepoint);
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
            let message =
                "Record rolled back because not all records were valid and the request was using AllOrNone header";
            *outcome = Err(ApiError::new(400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", message));
        }
    }
    let results: Vec<Json> = outcomes.iter().map(result).collect();
    Ok(Answer::new(200, results.into()))
}

fn result(outcome: &Outcome) -> Json {
    let mut members: Vec<(String, Json)> = Vec::new();
    match outcome {
        Ok((id, created)) => {
            members.push(("id".to_owned(), id.as_str().into()));
            members.push(("success".to_owned(), true.into()));
            members.push(("errors".to_owned(), Vec::<Json>::new().into()));
            members.extend(created.map(|created| ("created".to_owned(), created.into())));
        }
        Err(error) => {
            members.push(("success".to_owned(), false.into()));
            members.push(("errors".to_owned(), vec![error.in_collection()].into()));
        }
    }
    Json::Object(members)
}

fn upsert(api: &mut Api, actor: &Actor, object: &str, field: &str, record: &Json) -> Outcome {
    let missing = || ApiError::new(400, "MISSING_ARGUMENT", format!("{field} not specified"));
    let value = record.members().iter().find(|(name, _)| name.eq_ignore_ascii_case(field));
    let value = value.and_then(|(_, value)| value.text()).ok_or_else(missing)?;
    let rest = record.members().iter().filter(|(name, _)| !name.eq_ignore_ascii_case(field)).cloned().collect();
    let body = Json::Object(rest);
    match api.org.upsert(actor, Upsert { object, field, value, body: &body, update_only: false }) {
        Ok((id, created)) => Ok((id, Some(created))),
        Err(UpsertError::Api(error)) => Err(in_dml(error)),
        Err(UpsertError::Many(ids)) => {
            let message = format!("{field}: more than one record found for external id field: {ids:?}");
            Err(ApiError::new(400, "DUPLICATE_EXTERNAL_ID", message))
        }
    }
}

fn delete(api: &mut Api, actor: &Actor, call: &Call) -> Result<Answer, ApiError> {
    let ids = call.parameter("ids").unwrap_or_default();
    let ids: Vec<&str> = ids.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
    let all_or_none = call.parameter("allOrNone") == Some("true");
    each(api, &ids, all_or_none, |api, id| {
        let object = api.org.schema.by_prefix(id).map(|object| object.name.clone());
        let object = object.ok_or_else(|| error::malformed_id("Record ID", id, None))?;
        api.org.delete(actor, &object, id).map_err(in_dml)?;
        Ok(((*id).to_owned(), None))
    })
}

/// Inside a collection the vendor names a missing record a bad reference.
fn in_dml(error: ApiError) -> ApiError {
    match error.code {
        "NOT_FOUND" => ApiError::new(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
        _ => error,
    }
}

fn object_of(record: &Json) -> Result<&str, ApiError> {
    let name = record.get("attributes").and_then(|attributes| attributes.get("type")).and_then(Json::text);
    name.ok_or_else(|| ApiError::new(400, "INVALID_TYPE", "the attributes of each record must name its type"))
}

fn without_id(record: &Json) -> Result<(String, Json), ApiError> {
    let is_id = |name: &str| name.eq_ignore_ascii_case("id");
    let id = record.members().iter().find(|(name, _)| is_id(name)).and_then(|(_, id)| id.text());
    let id = id.ok_or_else(|| ApiError::new(400, "MISSING_ARGUMENT", "Id not specified in an update call"))?;
    let rest = record.members().iter().filter(|(name, _)| !is_id(name)).cloned().collect();
    Ok((id.to_owned(), Json::Object(rest)))
}
