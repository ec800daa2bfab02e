//! Cursor paging, newest first, and the filters that lists share.

use super::error::Error;
use super::state::{Call, text};
use serde_json::{Value, json};

const DEFAULT_LIMIT: usize = 10;
const MOST: i64 = 100;

/// `limit`, checked.
pub fn limit(call: &Call) -> Result<usize, Error> {
    let complaint = |message: &str| Err(Error::invalid("limit", message).code("parameter_invalid_integer"));
    match call.int("limit") {
        None => Ok(DEFAULT_LIMIT),
        Some(limit) if limit < 1 => complaint("This value must be greater than or equal to 1."),
        Some(limit) if limit > MOST => complaint("This value must be less than or equal to 100."),
        Some(limit) => Ok(usize::try_from(limit).unwrap_or(DEFAULT_LIMIT)),
    }
}

/// One page of rows that come in list order.
pub fn page<'a>(call: &Call, rows: impl Iterator<Item = &'a Value>, noun: &str, url: &str) -> Result<Value, Error> {
    let limit = limit(call)?;
    let (data, has_more): (Vec<Value>, bool) = match (call.text("starting_after"), call.text("ending_before")) {
        (Some(_), Some(_)) => return Err(Error::exclusive(&["ending_before", "starting_after"])),
        (None, None) => take(rows, limit),
        (Some(after), None) => {
            let mut rows = rows.skip_while(|row| text(row, "id") != after);
            rows.next().ok_or_else(|| Error::no_such(noun, after, "starting_after"))?;
            take(rows, limit)
        }
        (None, Some(before)) => {
            let rows: Vec<&Value> = rows.collect();
            let at = rows.iter().position(|row| text(row, "id") == before);
            let at = at.ok_or_else(|| Error::no_such(noun, before, "ending_before"))?;
            let from = at.saturating_sub(limit);
            (rows[from..at].iter().map(|row| (*row).clone()).collect(), from > 0)
        }
    };
    Ok(json!({ "object": "list", "data": data, "has_more": has_more, "url": url }))
}

/// The first page, as an object embeds it; the rest is read from the list that it names.
pub fn embedded(mut data: Vec<Value>, url: &str) -> Value {
    let total_count = data.len();
    data.truncate(DEFAULT_LIMIT);
    let has_more = total_count > DEFAULT_LIMIT;
    json!({ "object": "list", "data": data, "has_more": has_more, "total_count": total_count, "url": url })
}

fn take<'a>(mut rows: impl Iterator<Item = &'a Value>, limit: usize) -> (Vec<Value>, bool) {
    let data = rows.by_ref().take(limit).cloned().collect();
    (data, rows.next().is_some())
}

/// `created=…` or `created[gte]=…`, for any time stamp of a row.
pub fn in_range(call: &Call, name: &str, row: &Value) -> bool {
    let Some(range) = call.params.get(name) else {
        return true;
    };
    let Some(actual) = row[name].as_i64() else { return false };
    let bound = |name: &str| range[name].as_i64();
    match range.as_i64() {
        Some(exact) => actual == exact,
        None => {
            bound("gt").is_none_or(|bound| actual > bound)
                && bound("gte").is_none_or(|bound| actual >= bound)
                && bound("lt").is_none_or(|bound| actual < bound)
                && bound("lte").is_none_or(|bound| actual <= bound)
        }
    }
}

/// Rows whose field equals the parameter of the same name, or all of them when it is not given.
pub fn equal(call: &Call, name: &str, row: &Value) -> bool {
    call.params.get(name).is_none_or(|wanted| row[name] == *wanted)
}
