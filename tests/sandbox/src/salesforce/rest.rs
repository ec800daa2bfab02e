//! `/services/data/vNN.0/*`: which resource answers which address.

mod collections;
mod composite;
mod cursors;
mod describe;
mod list_views;
mod query;
pub mod sobjects;

use std::collections::VecDeque;

use percent_encoding::percent_decode_str;

use super::error::{self, ApiError};
use super::json::Json;
use super::org::{Actor, Org};
use super::usage::Usage;
use cursors::Cursors;
pub use describe::versions;

/// What the resources work on.
#[derive(Debug)]
pub struct Api {
    pub org: Org,
    pub usage: Usage,
    pub cursors: Cursors,
    /// The newest of them.
    pub queries: VecDeque<String>,
}

impl Api {
    pub fn new(org: Org, usage: Usage) -> Self {
        Self { org, usage, cursors: Cursors::default(), queries: VecDeque::new() }
    }
}

/// One call below a version's root: of a request, or of one part of a composite request.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: String,
    /// `/services/data/v67.0`
    pub root: String,
    /// The segments below the root, decoded.
    pub path: Vec<String>,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Call {
    /// Splits an address; nothing if it is not below a version's root.
    pub fn new(method: &str, path: &str, query: &str) -> Option<Self> {
        let rest = path.strip_prefix("/services/data/v")?;
        let (version, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let segments = rest.split('/').filter(|segment| !segment.is_empty());
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        // Clients that cannot send PATCH say so in the address.
        let overridden = query.iter().find(|(name, _)| name == "_HttpMethod").map(|(_, method)| method.as_str());
        Some(Self {
            method: overridden.filter(|_| method == "POST").unwrap_or(method).to_owned(),
            root: format!("/services/data/v{version}"),
            path: segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect(),
            query,
            headers: Vec::new(),
            body: Vec::new(),
        })
    }

    pub fn version(&self) -> &str {
        self.root.trim_start_matches("/services/data/v")
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Result<Json, ApiError> {
        Json::parse(&self.body).map_err(|detail| error::malformed_json(&detail))
    }
}

#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub body: Option<Json>,
    pub headers: Vec<(String, String)>,
}

impl Answer {
    pub fn new(status: u16, body: Json) -> Self {
        Self { status, body: Some(body), headers: Vec::new() }
    }

    pub fn empty() -> Self {
        Self { status: 204, ..Self::default() }
    }
}

impl From<ApiError> for Answer {
    fn from(error: ApiError) -> Self {
        Self::new(error.status, error.body())
    }
}

pub fn dispatch(api: &mut Api, actor: &Actor, call: &Call) -> Result<Answer, ApiError> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET", []) => Ok(Answer::new(200, describe::resources(&call.root))),
        ("GET", ["limits"]) => Ok(Answer::new(200, limits(&api.usage))),
        ("GET", ["query"]) => query::query(api, actor, call, false),
        ("GET", ["queryAll"]) => query::query(api, actor, call, true),
        ("GET", ["query" | "queryAll", locator]) => query::more(api, call, locator),
        ("POST", ["composite"]) => composite::composite(api, actor, call),
        (_, ["composite", "sobjects", rest @ ..]) => collections::dispatch(api, actor, call, rest),
        (_, ["sobjects", rest @ ..]) => sobjects::dispatch(api, actor, call, rest),
        (_, [] | ["limits"] | ["query" | "queryAll", ..]) => Err(error::method_not_allowed("HEAD,GET")),
        (_, ["composite"]) => Err(error::method_not_allowed("HEAD,GET,POST")),
        _ => Err(error::not_found()),
    }
}

fn limits(usage: &Usage) -> Json {
    let limit = |max: u64, used: u64| {
        let number = |value: u64| Json::Number(value.into());
        Json::object([("Max", number(max)), ("Remaining", number(max.saturating_sub(used)))])
    };
    Json::object([
        ("DailyApiRequests", limit(usage.max, usage.used())),
        ("DailyBulkV2QueryJobs", limit(10_000, 0)),
        ("DailyStandardVolumePlatformEvents", limit(25_000, 0)),
        ("HourlyPublishedPlatformEvents", limit(250_000, 0)),
        ("MonthlyPlatformEventsUsageEntitlement", limit(0, 0)),
    ])
}
