//! A stateful Salesforce org: OAuth, the REST API, SOQL, field-level security, and the triggers of a won opportunity.
//!
//! Its schema is the standard objects plus what the sfdx project ships, and its integration user sees what the project's
//! permission set grants. So a client that works here works in an org where that project is deployed, and a field that
//! somebody forgot to ship, or to grant, is missing here too.
//!
//! Not modelled: sharing rules, validation rules, what record types decide, roll-ups other than an opportunity's amount, Apex.

mod control;
mod currency;
mod dml;
mod error;
mod id;
pub mod json;
mod list_view;
mod locks;
mod oauth;
mod org;
mod rest;
mod schema;
mod soql;
mod store;
#[cfg(test)]
mod tests;
mod time;
mod trigger;
mod usage;
mod viewer;

use std::ops::RangeInclusive;
use std::path::PathBuf;

use serde_json::Value;

use crate::wire::{Delivery, Request, Response, Service};
use error::ApiError;
use json::Json;
pub use list_view::ListView;
use locks::Locks;
pub use locks::Writes;
use oauth::Sessions;
use org::{Actor, Org};
use rest::sobjects::whole;
use rest::{Answer, Api, Call, dispatch};
pub use schema::{Kind, OrgField};
use trigger::Outbox;
pub use trigger::{Callout, Relay, RelayMode, Trigger};
use usage::Usage;

#[derive(Debug, Clone)]
pub struct Config {
    /// The directory of `sfdx-project.json`.
    pub project_dir: PathBuf,
    /// 18 characters.
    pub org_id: String,
    /// The External Client App that runs as the integration user.
    pub client_id: String,
    pub client_secret: String,
    /// An External Client App that runs as an administrator, for whoever prepares records.
    pub admin_client_id: String,
    pub admin_client_secret: String,
    pub integration_user_id: String,
    /// Which fields it has beside those.
    pub own_fields: Vec<OrgField>,
    pub multi_currency: bool,
    /// The package `chatter` is deployed.
    pub posts_to_chatter: bool,
    pub org_currency: String,
    pub daily_api_limit: u64,
    /// How long a request's write holds the account that its record hangs on, or the record if that has none.
    pub hold_rows_ms: Option<i64>,
    /// How long a token may be idle.
    pub token_lifetime_ms: i64,
    pub api_versions: RangeInclusive<u32>,
}

impl Config {
    /// A new org with one currency, and the credentials that the demo uses.
    pub fn for_project(project_dir: impl Into<PathBuf>) -> Self {
        Self {
            project_dir: project_dir.into(),
            org_id: "00D000000000001EAA".into(),
            client_id: "sandbox-integration".into(),
            client_secret: "sandbox-integration-secret".into(),
            admin_client_id: "sandbox-administrator".into(),
            admin_client_secret: "sandbox-administrator-secret".into(),
            integration_user_id: "005000000000001AAA".into(),
            own_fields: Vec::new(),
            multi_currency: false,
            posts_to_chatter: false,
            org_currency: "USD".into(),
            daily_api_limit: 100_000,
            hold_rows_ms: None,
            token_lifetime_ms: 2 * 60 * 60 * 1000,
            api_versions: 31..=68,
        }
    }
}

pub struct Salesforce {
    config: Config,
    api: Api,
    sessions: Sessions,
    outbox: Outbox,
}

impl Salesforce {
    pub fn new(config: Config) -> Result<Self, String> {
        for id in [&config.org_id, &config.integration_user_id] {
            if id::normalize(id).as_ref() != Some(id) {
                return Err(format!("{id} is not an id of 18 characters"));
            }
        }
        let org = Org::new(&config)?;
        let sessions = Sessions::new(&config, &org.admin_user_id);
        let api = Api::new(org, Usage::new(config.daily_api_limit));
        Ok(Self { outbox: Outbox::new(&config.org_id), sessions, api, config })
    }

    pub fn set_trigger(&mut self, trigger: Trigger) -> Result<(), String> {
        trigger.check()?;
        self.outbox.trigger = trigger;
        Ok(())
    }

    /// An administrator changes what the integration user may do with a field: edit it, only read it, or neither.
    pub fn grant(&mut self, object: &str, field: &str, is_editable: Option<bool>) {
        self.api.org.schema.permissions.grant(object, field, is_editable);
    }

    /// An administrator assigns one more of the project's permission sets to the integration user.
    pub fn assign(&mut self, permission_set: &str) -> Result<(), String> {
        self.api.org.schema.assign(&self.config.project_dir, permission_set)
    }

    /// An administrator says what a picklist offers; until then its description does not.
    pub fn offer(&mut self, object: &str, field: &str, values: &[&str]) {
        self.api.org.schema.offer(object, field, values);
    }

    /// The integration user sees nothing of an object any more.
    pub fn hide(&mut self, object: &str) {
        self.api.org.schema.hide(object);
    }

    /// What the next logins say of their scopes; nothing where they are to say nothing.
    pub fn set_scope(&mut self, scope: Option<&str>) {
        self.sessions.set_scope(scope);
    }

    /// Salesforce's own note of how an event relay is.
    pub fn relay_is(&mut self, now_ms: i64, fields: &Value) -> Result<(), String> {
        match Json::from_value(fields)? {
            Json::Object(fields) => self.api.org.note("EventRelayFeedback", fields, now_ms),
            _ => Err("an object, with its fields".to_owned()),
        }
    }

    /// From now on a request's write holds its rows for so long, or not at all; and writes are counted anew.
    pub fn hold_rows(&mut self, for_ms: Option<i64>) {
        self.api.org.locks = Locks::new(for_ms);
    }

    /// Since rows are held.
    pub fn writes(&self) -> Writes {
        self.api.org.locks.writes()
    }

    pub fn set_daily_api_limit(&mut self, calls: u64) {
        self.api.usage.max = calls;
    }

    /// Somebody else's integration makes so many.
    pub fn spend_api_calls(&mut self, now_ms: i64, calls: u64) {
        for _ in 0..calls {
            self.api.usage.count(now_ms);
        }
    }

    /// The SOQL that was asked since this was called last, as far as it is kept.
    pub fn take_queries(&mut self) -> Vec<String> {
        std::mem::take(&mut self.api.queries).into()
    }

    /// Of the last 24 hours.
    pub fn api_calls_used(&self) -> u64 {
        self.api.usage.used()
    }

    pub fn standard_pricebook_id(&self) -> &str {
        &self.api.org.standard_pricebook_id
    }

    /// A record with all of its fields, deleted or not.
    pub fn record(&self, object: &str, id: &str) -> Option<Value> {
        let object = self.api.org.schema.object(object)?;
        let record = self.api.org.store.get(&object.name, &id::normalize(id)?)?;
        Some(whole(object, record).to_value())
    }

    /// All records of an object that are not deleted, in the order of their creation.
    pub fn records(&self, object: &str) -> Vec<Value> {
        let Some(object) = self.api.org.schema.object(object) else {
            return Vec::new();
        };
        let live = self.api.org.store.all(&object.name).filter(|(_, record)| !org::is_deleted(record));
        live.map(|(_, record)| whole(object, record).to_value()).collect()
    }

    /// Creates a record as administrator, with everything that follows from it; the id, or the error as answered.
    pub fn insert(&mut self, now_ms: i64, object: &str, fields: &Value) -> Result<String, String> {
        let fields = Json::from_value(fields)?;
        self.as_administrator(now_ms, |org, actor| org.create(actor, object, &fields))
    }

    pub fn update(&mut self, now_ms: i64, object: &str, id: &str, fields: &Value) -> Result<(), String> {
        let fields = Json::from_value(fields)?;
        self.as_administrator(now_ms, |org, actor| org.update(actor, object, id, &fields))
    }

    pub fn delete(&mut self, now_ms: i64, object: &str, id: &str) -> Result<(), String> {
        self.as_administrator(now_ms, |org, actor| org.delete(actor, object, id))
    }

    /// Somebody sets up a list view, as an administrator may; its id, or what is wrong with it.
    pub fn list_view(&mut self, now_ms: i64, view: ListView) -> Result<String, String> {
        self.as_administrator(now_ms, |org, actor| org.add_list_view(actor, view))
    }

    fn as_administrator<T>(
        &mut self,
        now_ms: i64,
        work: impl FnOnce(&mut Org, &Actor) -> Result<T, ApiError>,
    ) -> Result<T, String> {
        let actor = self.api.org.admin(now_ms);
        // People wait until a row is free, and what they hold it for is over when this returns.
        let locks = std::mem::take(&mut self.api.org.locks);
        let result = work(&mut self.api.org, &actor);
        self.commit(now_ms);
        self.api.org.locks = locks;
        result.map_err(|error| error.body().to_string())
    }

    /// Ends the transaction: what is in the store stays, and what happened is told.
    fn commit(&mut self, now_ms: i64) {
        self.api.org.store.commit();
        self.api.org.locks.commit(now_ms);
        let changes = std::mem::take(&mut self.api.org.changes);
        self.outbox.committed(&changes);
    }

    fn rest(&mut self, now_ms: i64, request: &Request) -> Result<Answer, ApiError> {
        if request.path.trim_end_matches('/') == "/services/data" {
            return Ok(Answer::new(200, rest::versions(&self.config.api_versions)));
        }
        let mut call = Call::new(&request.method, &request.path, &request.query).ok_or_else(error::not_found)?;
        let number = call.version().strip_suffix(".0").and_then(|number| number.parse().ok());
        if !number.is_some_and(|number: u32| self.config.api_versions.contains(&number)) {
            return Err(error::not_found());
        }
        let session = self.sessions.authenticate(now_ms, request).ok_or_else(error::invalid_session)?;
        if !self.api.usage.count(now_ms) {
            return Err(ApiError::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."));
        }
        call.headers = request.headers.clone();
        call.body = request.body.clone();
        let actor = Actor { user_id: session.user_id, access: session.access, now_ms };
        let result = dispatch(&mut self.api, &actor, &call);
        self.commit(now_ms);
        result
    }
}

impl Service for Salesforce {
    fn handle(&mut self, now_ms: i64, request: &Request) -> Response {
        if let Some(endpoint) = request.path.strip_prefix("/services/oauth2/") {
            return self.sessions.handle(now_ms, request, endpoint.trim_end_matches('/'));
        }
        let answer = self.rest(now_ms, request).unwrap_or_else(Answer::from);
        let mut headers = vec![("sforce-limit-info".to_owned(), self.api.usage.header())];
        headers.extend(answer.headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)));
        let body = answer.body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        if !body.is_empty() {
            headers.push(("content-type".to_owned(), "application/json;charset=UTF-8".to_owned()));
        }
        Response { status: answer.status, headers, body }
    }

    fn take_deliveries(&mut self, _now_ms: i64) -> Vec<Delivery> {
        self.outbox.take()
    }

    fn redeliver(&mut self, now_ms: i64, delivery: &Delivery) -> Delivery {
        self.outbox.redeliver(now_ms, delivery)
    }

    fn control(&mut self, now_ms: i64, request: &Request) -> Option<Response> {
        self.answer_control(now_ms, request)
    }
}
