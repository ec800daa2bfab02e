//! `sobjects/*/listviews/*`: what a list view is, and what it shows. Both are there from version 32 on.
//! Source: Salesforce REST API, List View Describe and List View Results.

use super::{Answer, Api, Call};
use crate::salesforce::error::{self, ApiError};
use crate::salesforce::id;
use crate::salesforce::json::Json;
use crate::salesforce::list_view::{ListView, order, select_item};
use crate::salesforce::org::Actor;
use crate::salesforce::schema::{Kind, Object};
use crate::salesforce::soql::run::{self, Options};
use crate::salesforce::soql::{Filter, Literal, Operator, Values, bind, parser};

const FIRST_VERSION: u32 = 32;
const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 2_000;

type Column<'a> = (&'a str, Kind, bool);

struct Found<'a> {
    id: String,
    object: &'a Object,
    view: &'a ListView,
    columns: Vec<Column<'a>>,
    query: String,
}

fn found<'a>(api: &'a Api, actor: &Actor, call: &Call, object: &str, id: &str) -> Result<Found<'a>, ApiError> {
    let number = call.version().split('.').next().and_then(|number| number.parse::<u32>().ok());
    let viewer = api.org.viewer(actor.access);
    let object = viewer.object(object)?;
    let is_there = number.is_some_and(|number| number >= FIRST_VERSION);
    let id = id::normalize(id).filter(|_| is_there).ok_or_else(error::not_found)?;
    let view = api.org.list_views.shown(actor, object, &id)?;
    Ok(Found { id, object, view, columns: view.columns(&viewer, object), query: view.query(&viewer, object) })
}

pub fn describe(api: &Api, actor: &Actor, call: &Call, object: &str, id: &str) -> Result<Answer, ApiError> {
    allow(call, &[])?;
    let Found { id, object, view, columns, query } = found(api, actor, call, object, id)?;
    let ordered = order(&columns).map(|name| {
        Json::object([
            ("fieldNameOrPath", name.into()),
            ("nullsPosition", "first".into()),
            ("sortDirection", "ascending".into()),
        ])
    });
    let filter = parser::parse(&query)?.filter;
    let none = || Json::object([("conditions", Vec::<Json>::new().into()), ("conjunction", "and".into())]);
    Ok(Answer::new(
        200,
        Json::object([
            ("columns", described(&columns)),
            ("id", id.as_str().into()),
            ("orderBy", ordered.collect::<Vec<Json>>().into()),
            ("query", query.as_str().into()),
            ("relatedEntityId", Json::Null),
            ("scope", view.is_mine.then_some("mine").into()),
            ("scopeEntityId", Json::Null),
            ("sobjectType", object.name.as_str().into()),
            ("whereCondition", filter.as_ref().map_or_else(none, condition)),
        ]),
    ))
}

pub fn results(api: &Api, actor: &Actor, call: &Call, object: &str, id: &str) -> Result<Answer, ApiError> {
    allow(call, &["limit", "offset"])?;
    let (limit, offset) = (number(call, "limit", DEFAULT_LIMIT)?, number(call, "offset", 1)?);
    if limit > MAX_LIMIT {
        return Err(out_of_range("limit"));
    }
    let Found { id, view, columns, query, .. } = found(api, actor, call, object, id)?;
    let mut query = parser::parse(&query)?.seen_by(&actor.user_id);
    (query.limit, query.offset) = (Some(limit + 1), offset - 1);
    let bound = bind::bind(&api.org.viewer(actor.access), &query)?;
    let options = Options { root: &call.root, batch_size: MAX_LIMIT + 1, with_deleted: false };
    let answer = run::run(&api.org, &bound, options, &mut |_| String::new());
    let rows = answer.get("records").and_then(Json::list).unwrap_or_default();
    let row = |row: &Json| {
        let cell =
            |(name, ..): &Column<'_>| Json::object([("fieldNameOrPath", (*name).into()), ("value", value(row, name))]);
        Json::object([("columns", columns.iter().map(cell).collect::<Vec<Json>>().into())])
    };
    let records: Vec<Json> = rows.iter().take(limit).map(row).collect();
    Ok(Answer::new(
        200,
        Json::object([
            ("columns", described(&columns)),
            ("developerName", view.developer_name.as_str().into()),
            ("done", (rows.len() <= limit).into()),
            ("id", id.as_str().into()),
            ("label", view.label.as_str().into()),
            ("size", records.len().into()),
            ("records", records.into()),
        ]),
    ))
}

fn described(columns: &[Column<'_>]) -> Json {
    let sorted: Vec<_> = order(columns).collect();
    let column = |(name, kind, hidden): &Column<'_>| {
        let index = sorted.iter().position(|sorted| sorted == name).filter(|_| !hidden);
        Json::object([
            ("fieldNameOrPath", (*name).into()),
            ("hidden", (*hidden).into()),
            ("label", (*name).into()),
            ("selectListItem", select_item(name, *kind).into()),
            ("sortDirection", index.map(|_| "ascending").into()),
            ("sortIndex", index.into()),
            ("sortable", (!hidden).into()),
            ("type", kind.describe_name().into()),
        ])
    };
    columns.iter().map(column).collect::<Vec<Json>>().into()
}

/// Every value is a text, or null.
fn value(row: &Json, path: &str) -> Json {
    let end = path.split('.').try_fold(row, |json, name| json.get(name));
    match end {
        None | Some(Json::Null) => Json::Null,
        Some(Json::Text(text)) => text.as_str().into(),
        Some(other) => other.to_string().into(),
    }
}

/// The condition as a tree: one comparison, a group of them, or what is not to be.
fn condition(filter: &Filter) -> Json {
    let group = |parts: &[Filter], conjunction: &str| {
        let parts: Vec<Json> = parts.iter().map(condition).collect();
        Json::object([("conditions", parts.into()), ("conjunction", conjunction.into())])
    };
    let compared = |path: &[String], operator: &str, values: Vec<Json>| {
        Json::object([("field", path.join(".").into()), ("operator", operator.into()), ("values", values.into())])
    };
    match filter {
        Filter::And(parts) => group(parts, "and"),
        Filter::Or(parts) => group(parts, "or"),
        Filter::Not(inner) => Json::object([("condition", condition(inner))]),
        Filter::Compare { path, operator, value } => compared(path, operator_name(*operator), vec![literal(value)]),
        Filter::In { path, negated, values } => {
            let values = match values {
                Values::List(values) => values.iter().map(literal).collect(),
                Values::Query(_) => Vec::new(),
            };
            compared(path, if *negated { "notIn" } else { "in" }, values)
        }
    }
}

fn operator_name(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal => "equals",
        Operator::NotEqual => "notEquals",
        Operator::Less => "lessThan",
        Operator::LessOrEqual => "lessThanOrEqualTo",
        Operator::Greater => "greaterThan",
        Operator::GreaterOrEqual => "greaterThanOrEqualTo",
        Operator::Like => "like",
    }
}

/// As it stands in the query.
fn literal(value: &Literal) -> Json {
    match value {
        Literal::Text(text) => format!("'{text}'").into(),
        Literal::Number(number) => number.to_string().into(),
        Literal::Bool(flag) => flag.to_string().into(),
        Literal::Date(text) | Literal::DateTime(text) => text.as_str().into(),
        Literal::Null => "null".into(),
    }
}

fn allow(call: &Call, allowed: &[&str]) -> Result<(), ApiError> {
    match call.query.iter().find(|(name, _)| !allowed.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, _)) => Err(ApiError::new(400, "INVALID_PARAMETER", format!("there is no parameter {name}"))),
    }
}

fn number(call: &Call, name: &str, default: usize) -> Result<usize, ApiError> {
    match call.parameter(name) {
        None => Ok(default),
        Some(text) => text.parse().ok().filter(|number| *number > 0).ok_or_else(|| out_of_range(name)),
    }
}

fn out_of_range(name: &str) -> ApiError {
    ApiError::new(400, "NUMBER_OUTSIDE_VALID_RANGE", format!("{name} is outside of its range"))
}
