//! `composite`: up to 25 calls in one, that may refer to each other and may stand or fall together.

mod reference;

use std::collections::HashMap;

use super::{Answer, Api, Call, dispatch};
use crate::salesforce::error::{self, ApiError};
use crate::salesforce::json::Json;
use crate::salesforce::org::Actor;

const MAX_SUBREQUESTS: usize = 25;
const MAX_QUERIES: usize = 5;

struct Subrequest {
    method: String,
    url: String,
    reference_id: String,
    body: Json,
    headers: Vec<(String, String)>,
}

/// Always 200 when the whole was understood: what became of each part stands in its entry.
///
/// Parts run in the order given. The vendor may reorder parts that do not refer to each other (`collateSubrequests`),
/// which no caller may rely on, so the order given is as good as any.
pub fn composite(api: &mut Api, actor: &Actor, call: &Call) -> Result<Answer, ApiError> {
    let body = call.json()?;
    let all_or_none = flag(&body, "allOrNone", false)?;
    flag(&body, "collateSubrequests", true)?;
    let subrequests = subrequests(&body)?;
    let savepoint = api.org.savepoint();
    let mut answers: Vec<Answer> = Vec::new();
    let mut results: HashMap<String, Json> = HashMap::new();
    let mut failed = None;
    for (i, subrequest) in subrequests.iter().enumerate() {
        let answer = match (all_or_none, failed) {
            (true, Some(_)) => halted().into(),
            _ => answer(api, actor, subrequest, &results).unwrap_or_else(Answer::from),
        };
        if answer.status >= 300 {
            failed = failed.or(Some(i));
        } else {
            results.insert(subrequest.reference_id.clone(), answer.body.clone().unwrap_or_default());
        }
        answers.push(answer);
    }
    if let Some(failed) = failed.filter(|_| all_or_none) {
        api.org.rollback(savepoint);
        for (i, answer) in answers.iter_mut().enumerate() {
            if i != failed {
                *answer = halted().into();
            }
        }
    }
    let entries: Vec<Json> =
        subrequests.iter().zip(answers).map(|(subrequest, answer)| entry(subrequest, answer)).collect();
    Ok(Answer::new(200, Json::object([("compositeResponse", entries.into())])))
}

fn answer(
    api: &mut Api,
    actor: &Actor,
    subrequest: &Subrequest,
    results: &HashMap<String, Json>,
) -> Result<Answer, ApiError> {
    let url = reference::in_url(&subrequest.url, results)?;
    let (path, query) = url.split_once('?').unwrap_or((&url, ""));
    let mut call = Call::new(&subrequest.method, path, query).ok_or_else(error::not_found)?;
    if call.path == ["composite"] {
        return Err(ApiError::new(400, "INVALID_OPERATION", "A composite request cannot hold another."));
    }
    call.headers = subrequest.headers.clone();
    call.body = reference::in_body(&subrequest.body, results)?.to_string().into_bytes();
    dispatch(api, actor, &call)
}

fn entry(subrequest: &Subrequest, answer: Answer) -> Json {
    let headers = answer.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
    Json::object([
        ("body", answer.body.into()),
        ("httpHeaders", Json::Object(headers)),
        ("httpStatusCode", usize::from(answer.status).into()),
        ("referenceId", subrequest.reference_id.as_str().into()),
    ])
}

/// What the others report when one of them failed: never the cause.
fn halted() -> ApiError {
    let message = "The transaction was rolled back since another operation in the same transaction failed.";
    ApiError::new(400, "PROCESSING_HALTED", message)
}

fn subrequests(body: &Json) -> Result<Vec<Subrequest>, ApiError> {
    let list = body.get("compositeRequest").and_then(Json::list);
    let list = list.ok_or_else(|| error::malformed_json("the member compositeRequest with a list is required"))?;
    if list.len() > MAX_SUBREQUESTS {
        let message = format!("A composite request may hold {MAX_SUBREQUESTS} subrequests.");
        return Err(ApiError::new(400, "LIMIT_EXCEEDED", message));
    }
    let subrequests: Vec<Subrequest> = list.iter().map(subrequest).collect::<Result<_, _>>()?;
    let queries = subrequests.iter().filter(|subrequest| is_query(&subrequest.url)).count();
    if queries > MAX_QUERIES {
        let message = format!("A composite request may hold {MAX_QUERIES} queries.");
        return Err(ApiError::new(400, "LIMIT_EXCEEDED", message));
    }
    for (i, subrequest) in subrequests.iter().enumerate() {
        if subrequests[..i].iter().any(|earlier| earlier.reference_id == subrequest.reference_id) {
            let message = format!("Duplicate reference id: {}", subrequest.reference_id);
            return Err(ApiError::new(400, "INVALID_INPUT", message));
        }
    }
    Ok(subrequests)
}

fn subrequest(json: &Json) -> Result<Subrequest, ApiError> {
    let text = |name: &str| {
        let text = json.get(name).and_then(Json::text);
        text.map(str::to_owned).ok_or_else(|| error::malformed_json(&format!("each subrequest needs {name}")))
    };
    let reference_id = text("referenceId")?;
    let is_name = reference_id.starts_with(|c: char| c.is_ascii_alphabetic())
        && reference_id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        let message = "A reference id begins with a letter and has letters, digits and underscores only.";
        return Err(ApiError::new(400, "INVALID_INPUT", message));
    }
    let headers = json.get("httpHeaders").map(Json::members).unwrap_or_default().iter();
    let headers = headers.filter_map(|(name, value)| Some((name.clone(), value.text()?.to_owned()))).collect();
    let body = json.get("body").cloned().unwrap_or_default();
    Ok(Subrequest { method: text("method")?, url: text("url")?, reference_id, body, headers })
}

fn is_query(url: &str) -> bool {
    let path = url.split('?').next().unwrap_or_default();
    path.split('/').nth(4).is_some_and(|resource| resource == "query" || resource == "queryAll")
}

fn flag(body: &Json, name: &str, default: bool) -> Result<bool, ApiError> {
    match body.get(name) {
        None | Some(Json::Null) => Ok(default),
        Some(Json::Bool(value)) => Ok(*value),
        Some(_) => Err(error::malformed_json(&format!("{name} is true or false"))),
    }
}
