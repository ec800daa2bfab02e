//! `query`, `queryAll`, and their further pages.

use super::{Answer, Api, Call};
use crate::salesforce::error::ApiError;
use crate::salesforce::org::Actor;
use crate::salesforce::soql::run::Options;
use crate::salesforce::soql::{bind, parser, run};

/// How many queries are kept for whoever wants to know what was asked.
const KEPT: usize = 100;

const MIN_BATCH: usize = 200;
const MAX_BATCH: usize = 2_000;

pub fn query(api: &mut Api, actor: &Actor, call: &Call, with_deleted: bool) -> Result<Answer, ApiError> {
    let missing = || ApiError::new(400, "MALFORMED_QUERY", "the parameter q with a SOQL statement is required");
    let soql = call.parameter("q").ok_or_else(missing)?;
    if api.queries.len() == KEPT {
        api.queries.pop_front();
    }
    api.queries.push_back(soql.to_owned());
    let Api { org, cursors, .. } = api;
    let query = org.list_views.without_hidden(parser::parse(soql)?.seen_by(&actor.user_id), actor);
    let bound = bind::bind(&org.viewer(actor.access), &query)?;
    let options = options(call, with_deleted);
    Ok(Answer::new(200, run::run(org, &bound, options, &mut |rows| cursors.park(rows))))
}

pub fn more(api: &Api, call: &Call, locator: &str) -> Result<Answer, ApiError> {
    let (cursor, rows, from) = api.cursors.locate(locator)?;
    Ok(Answer::new(200, run::page(rows, from, options(call, false), cursor)))
}

/// `Sforce-Query-Options: batchSize=500` is a wish; what is too small or too large is brought to the nearest limit.
fn options(call: &Call, with_deleted: bool) -> Options<'_> {
    let wish = call.header("sforce-query-options").and_then(|options| {
        let (_, size) = options.split(',').find_map(|option| option.split_once("batchSize="))?;
        size.trim().parse::<usize>().ok()
    });
    let batch_size = wish.unwrap_or(MAX_BATCH).clamp(MIN_BATCH, MAX_BATCH);
    Options { root: &call.root, batch_size, with_deleted }
}
