//! `@{ref.field}`: one part of a composite request takes a value from the answer to an earlier one.

use std::collections::HashMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::salesforce::error::ApiError;
use crate::salesforce::json::Json;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub fn in_url(url: &str, results: &HashMap<String, Json>) -> Result<String, ApiError> {
    substituted(url, results, |value| utf8_percent_encode(value, UNRESERVED).to_string())
}

pub fn in_body(body: &Json, results: &HashMap<String, Json>) -> Result<Json, ApiError> {
    Ok(match body {
        Json::Text(text) => match whole(text) {
            // A reference that is the whole value keeps its type.
            Some(path) => resolved(path, results)?.clone(),
            None => substituted(text, results, str::to_owned)?.into(),
        },
        Json::List(items) => items.iter().map(|item| in_body(item, results)).collect::<Result<Vec<_>, _>>()?.into(),
        Json::Object(members) => {
            let members = members.iter().map(|(name, value)| Ok((name.clone(), in_body(value, results)?)));
            Json::Object(members.collect::<Result<_, ApiError>>()?)
        }
        other => other.clone(),
    })
}

fn whole(text: &str) -> Option<&str> {
    text.strip_prefix("@{")?.strip_suffix('}').filter(|path| !path.contains('}'))
}

fn substituted(
    text: &str,
    results: &HashMap<String, Json>,
    encode: impl Fn(&str) -> String,
) -> Result<String, ApiError> {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@{") {
        let Some((path, after)) = after.split_once('}') else {
            break;
        };
        done.push_str(before);
        done.push_str(&match resolved(path, results)? {
            Json::Text(text) => encode(text),
            other => encode(&other.to_string()),
        });
        rest = after;
    }
    done.push_str(rest);
    Ok(done)
}

/// `refQuery.records[0].Id`
fn resolved<'a>(path: &str, results: &'a HashMap<String, Json>) -> Result<&'a Json, ApiError> {
    let (reference, steps) = path.split_once('.').unwrap_or((path, ""));
    let value = results.get(reference).and_then(|result| {
        steps.split('.').try_fold(result, |value, step| {
            let (name, positions) = step.split_once('[').unwrap_or((step, ""));
            let value =
                value.members().iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)?;
            positions.split('[').filter(|position| !position.is_empty()).try_fold(value, |value, position| {
                value.list()?.get(position.strip_suffix(']')?.parse::<usize>().ok()?)
            })
        })
    });
    value.filter(|value| !value.is_null()).ok_or_else(|| {
        let message = format!("Invalid reference specified. No value for {path} found in {reference}");
        ApiError::new(400, "PROCESSING_HALTED", message)
    })
}
