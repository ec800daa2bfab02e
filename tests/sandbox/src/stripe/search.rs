//! The search language: `field:"value"` clauses joined by `AND` or by `OR`, never both.

use super::error::Error;
use super::list;
use super::state::{Call, State, int, is_deleted};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

#[derive(Debug, PartialEq, Eq)]
struct Clause {
    negated: bool,
    field: String,
    metadata_key: Option<String>,
    operator: &'static str,
    value: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Query {
    clauses: Vec<Clause>,
    any: bool,
}

/// Runs a search over a table. What is younger than the index's lag is not found yet, as at Stripe.
pub fn search(state: &State, call: &Call, object: &'static str, fields: &[&str]) -> Result<Value, Error> {
    let query = parse(call.text("query").unwrap_or_default(), object, fields)?;
    let indexed_until = state.now - state.search_lag_s;
    let found = state
        .table(object)
        .newest_first()
        .filter(|row| !is_deleted(row) && int(row, "created") <= indexed_until && query.matches(row));
    let start = match call.text("page") {
        None => 0,
        Some(page) => page_start(page).ok_or_else(|| Error::invalid("page", "Invalid page token."))?,
    };
    let limit = list::limit(call)?;
    let mut rows = found.skip(start);
    let data: Vec<Value> = rows.by_ref().take(limit).map(|row| state.shown(object, row)).collect();
    let next_page = rows.next().map(|_| URL_SAFE_NO_PAD.encode((start + limit).to_string()));
    Ok(json!({
        "object": "search_result",
        "data": data,
        "has_more": next_page.is_some(),
        "next_page": next_page,
        "url": call.operation.path,
    }))
}

fn page_start(page: &str) -> Option<usize> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(page).ok()?).ok()?.parse().ok()
}

fn parse(text: &str, object: &str, fields: &[&str]) -> Result<Query, Error> {
    let bad = |message: String| Error::invalid("query", message);
    let (mut clauses, mut joiners) = (Vec::new(), Vec::new());
    let mut rest = text.trim();
    loop {
        let (clause, after) =
            clause(rest).ok_or_else(|| bad(format!("We were unable to parse your search query near: {rest}")))?;
        if !fields.contains(&clause.field.as_str()) {
            let field = clause.field;
            return Err(bad(format!("Field `{field}` is an unsupported search field for resource `{object}s`.")));
        }
        clauses.push(clause);
        rest = after.trim_start();
        if rest.is_empty() {
            break;
        }
        // Without a word between them, clauses are joined by AND.
        let joiner = ["AND ", "OR "]
            .into_iter()
            .find(|word| rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word)));
        joiners.push(joiner.unwrap_or("AND "));
        rest = rest[joiner.map_or(0, str::len)..].trim_start();
    }
    if joiners.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(bad("You cannot use AND and OR in the same search query.".into()));
    }
    Ok(Query { clauses, any: joiners.first() == Some(&"OR ") })
}

/// `-metadata["key"]:"value"`, and what follows it.
fn clause(text: &str) -> Option<(Clause, &str)> {
    let (negated, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let name_end = text.find(|character: char| !character.is_ascii_alphanumeric() && !"_.".contains(character))?;
    let (field, mut rest) = text.split_at(name_end);
    let mut metadata_key = None;
    if let Some(bracketed) = rest.strip_prefix('[') {
        let (key, after) = quoted(bracketed)?;
        metadata_key = Some(key);
        rest = after.strip_prefix(']')?;
    }
    let operator = [":", "~", ">=", "<=", ">", "<"].into_iter().find(|operator| rest.starts_with(operator))?;
    rest = &rest[operator.len()..];
    let (value, after) = match quoted(rest) {
        Some(quoted) => quoted,
        None if rest.starts_with(['"', '\'']) => return None,
        None => {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        }
    };
    let well_formed = !field.is_empty() && (field == "metadata") == metadata_key.is_some();
    well_formed.then(|| (Clause { negated, field: field.into(), metadata_key, operator, value }, after))
}

/// A string in double or single quotes with backslash escapes, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.push(characters.next()?.1),
            end if end == quote => return Some((value, &text[at + end.len_utf8()..])),
            other => value.push(other),
        }
    }
    None
}

impl Query {
    fn matches(&self, row: &Value) -> bool {
        if self.any {
            self.clauses.iter().any(|clause| clause.matches(row))
        } else {
            self.clauses.iter().all(|clause| clause.matches(row))
        }
    }
}

impl Clause {
    fn matches(&self, row: &Value) -> bool {
        let actual = match &self.metadata_key {
            Some(key) => &row["metadata"][key.as_str()],
            None => &row[self.field.as_str()],
        };
        self.holds(actual) != self.negated
    }

    fn holds(&self, actual: &Value) -> bool {
        if self.value == "null" && self.operator == ":" && actual.is_null() {
            return true;
        }
        match actual {
            Value::Number(number) => self.compares(number.as_i64()),
            Value::Bool(flag) => self.operator == ":" && self.value == flag.to_string(),
            Value::String(text) => match self.operator {
                ":" => text.eq_ignore_ascii_case(&self.value),
                "~" => text.to_lowercase().contains(&self.value.to_lowercase()),
                _ => false,
            },
            _ => false,
        }
    }

    fn compares(&self, actual: Option<i64>) -> bool {
        let (Some(actual), Ok(wanted)) = (actual, self.value.parse::<i64>()) else {
            return false;
        };
        match self.operator {
            ":" => actual == wanted,
            ">" => actual > wanted,
            "<" => actual < wanted,
            ">=" => actual >= wanted,
            "<=" => actual <= wanted,
            _ => false,
        }
    }
}
