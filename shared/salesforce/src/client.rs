//! Reads and writes, each one call of the daily budget.

mod describe;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{FieldValue, Record};
use outbound::{Timeouts, Unread};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderMap;
use reqwest::{Method, Response, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::value::RawValue;

pub use describe::FieldDescription;

use crate::composite::{Composite, Part, PartHeaders, bodies};
use crate::error::{Error, Refusal, classify};
use crate::json;
use crate::login::{Allowed, Credentials, Session};
use crate::session::Sessions;

const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// A page of a query has up to 2,000 records; what needs more than this is asked for in the wrong way.
const MOST_PAGES: usize = 50;

/// Salesforce takes 25 parts in a composite request, five of them queries.
const MOST_PARTS: usize = 25;
const MOST_QUERIES: usize = 5;

/// What is escaped in a part of a URL. Names of objects and fields keep their underscores and dots, to be readable.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.');

#[derive(Debug, Clone)]
pub struct Config {
    /// The My Domain host: `https://acme.my.salesforce.com`.
    pub login_url: String,
    pub credentials: Credentials,
    /// `v67.0`.
    pub api_version: String,
    /// Hosts beside `*.my.salesforce.com` that a login may lead to.
    pub allowed_hosts: Vec<String>,
    pub timeouts: Timeouts,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the login URL must be https, or http on the loopback interface, without user, path or query")]
    LoginUrl,
    #[error("the HTTP client cannot be built: {0}")]
    Http(String),
}

/// New values for some fields of one record.
#[derive(Clone, PartialEq, Eq)]
pub struct Update {
    pub object: String,
    pub id: String,
    pub fields: BTreeMap<String, FieldValue>,
    /// It is made if it is not there: `id` is what this field holds of it, and is its alone.
    pub external_id: Option<String>,
    /// A query of the record's `Id`: it is written only where this finds it, which is asked in the same call.
    pub only_where: Option<String>,
}

/// The records of each query, and of each object that was asked for the fields that may be edited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    pub records: Vec<Vec<Record>>,
    pub editable: BTreeMap<String, BTreeSet<String>>,
}

/// What the organization has used of its daily API calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiUsage {
    pub used: u32,
    pub max: u32,
}

#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    api_version: String,
    sessions: Arc<Sessions>,
    usage: Arc<AtomicU64>,
}

impl Client {
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let login = outbound::base_url(&config.login_url).ok_or(ConfigError::LoginUrl)?;
        let http = outbound::client(&login, config.timeouts, HeaderMap::new()).map_err(ConfigError::Http)?;
        let allowed = Allowed { login, hosts: config.allowed_hosts };
        Ok(Self {
            http,
            api_version: config.api_version,
            sessions: Arc::new(Sessions::new(allowed, config.credentials)),
            usage: Arc::default(),
        })
    }

    /// The records of each query, in one call unless a query has more than a page. At most five queries; none is no call.
    pub async fn read(&self, queries: &[String]) -> Result<Vec<Vec<Record>>, Error> {
        self.composite(&[], queries, &[]).await.map(|answer| answer.records)
    }

    /// The same, and of each of these objects the fields that the user may edit, in the same call. A description is of some hundred
    /// kilobytes in an organization that has grown, and shows field-level security as it is for whoever asks.
    /// Source: <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite_post.htm>,
    /// "All sObject resources".
    pub async fn read_with_access(&self, queries: &[String], objects: &[&str]) -> Result<Answers, Error> {
        self.composite(&[], queries, objects).await
    }

    /// Sets the fields of all records or of none, and then reads, in one call of at most 25 parts. When this returns, the
    /// records that were read back show what is there now, which may differ from what was written: triggers and
    /// field-level security have their say, and `@{` in a text is written as `@ {`. Where one has a condition each is written by itself, and
    /// what was not to be written is no error: what is read back shows it.
    pub async fn write(&self, updates: &[Update], read_back: &[String]) -> Result<Vec<Vec<Record>>, Error> {
        self.composite(updates, read_back, &[]).await.map(|answer| answer.records)
    }

    /// As of the last answer; `None` before the first.
    pub fn api_usage(&self) -> Option<ApiUsage> {
        let packed = self.usage.load(Ordering::Relaxed);
        let usage = ApiUsage { used: (packed >> 32) as u32, max: packed as u32 };
        (usage.max > 0).then_some(usage)
    }

    async fn composite(&self, updates: &[Update], queries: &[String], objects: &[&str]) -> Result<Answers, Error> {
        let conditions = updates.iter().filter(|update| update.only_where.is_some()).count();
        let before = updates.len() + conditions;
        let count = before + queries.len() + objects.len();
        if count == 0 {
            return Ok(Answers::default());
        }
        if count > MOST_PARTS || conditions + queries.len() > MOST_QUERIES {
            return Err(Error::Refused(Refusal::of_too_many_parts()));
        }
        let data = format!("/services/data/{}", self.api_version);
        let mut parts = Vec::with_capacity(count);
        for (index, update) in updates.iter().enumerate() {
            let id = match (&update.only_where, &update.external_id) {
                (None, None) => segment(&update.id),
                (None, Some(field)) => format!("{}/{}", segment(field), segment(&update.id)),
                (Some(query), _) => {
                    parts.push(Part {
                        method: "GET",
                        url: format!("{data}/query?q={}", segment(query)),
                        reference_id: format!("found{index}"),
                        body: None,
                        http_headers: None,
                    });
                    // Of nothing that was found there is no first, and then Salesforce runs the part that refers to it not at all.
                    format!("@{{found{index}.records[0].Id}}")
                }
            };
            parts.push(Part {
                method: "PATCH",
                url: format!("{data}/sobjects/{}/{id}", segment(&update.object)),
                reference_id: format!("update{index}"),
                body: Some(json::fields(&update.fields).map_err(|_| Error::unreadable())?),
                http_headers: PartHeaders::of(&update.object),
            });
        }
        for (index, query) in queries.iter().enumerate() {
            parts.push(Part {
                method: "GET",
                url: format!("{data}/query?q={}", segment(query)),
                reference_id: format!("query{index}"),
                body: None,
                http_headers: None,
            });
        }
        for (index, object) in objects.iter().enumerate() {
            parts.push(Part {
                method: "GET",
                url: format!("{data}/sobjects/{}/describe", segment(object)),
                reference_id: format!("object{index}"),
                body: None,
                http_headers: None,
            });
        }
        let request = Request {
            method: Method::POST,
            path: format!("{data}/composite"),
            body: Some(serde_json::to_vec(&Composite::new(parts, conditions == 0)).map_err(|_| Error::unreadable())?),
        };
        let bodies = self.call(&request, |answer| bodies(answer, count, conditions > 0)).await?;
        let mut bodies = bodies.into_iter().skip(before).map(|body| body.ok_or_else(Error::unreadable));
        let mut answers = Answers::default();
        for page in bodies.by_ref().take(queries.len()) {
            answers.records.push(self.all_pages(&page?).await?);
        }
        for (object, description) in objects.iter().zip(bodies) {
            answers.editable.insert((*object).to_owned(), editable(&description?)?);
        }
        Ok(answers)
    }

    async fn all_pages(&self, first: &RawValue) -> Result<Vec<Record>, Error> {
        let mut page: Page = serde_json::from_str(first.get()).map_err(|_| Error::unreadable())?;
        let mut records = Vec::new();
        for _ in 0..MOST_PAGES {
            for raw in &page.records {
                records.push(json::record(raw).map_err(|_| Error::unreadable())?);
            }
            if page.done {
                return Ok(records);
            }
            // There is more, and no way to it: what was read so far is not the answer.
            let next = page.next_records_url.ok_or_else(Error::unreadable)?;
            if !next.starts_with("/services/data/") {
                return Err(Error::unreadable());
            }
            let request = Request { method: Method::GET, path: next, body: None };
            let read = |answer: &[u8]| serde_json::from_slice(answer).map_err(|_| Error::unreadable());
            page = self.call(&request, read).await?;
        }
        Err(Error::Unknown { reason: "a query has more pages than are read".into() })
    }

    /// One request, and what its answer says. A session that has ended is renewed once, whether the answer as a whole says
    /// so or one of its parts: then all of them were rolled back.
    async fn call<T>(&self, request: &Request, read: impl Fn(&[u8]) -> Result<T, Error>) -> Result<T, Error> {
        let session = self.sessions.get(&self.http, None).await?;
        match self.send(&session, request).await.and_then(|answer| read(&answer)) {
            Err(error) if error.is_ended_session() => {
                let renewed = self.sessions.get(&self.http, Some(&session)).await?;
                self.send(&renewed, request).await.and_then(|answer| read(&answer))
            }
            answer => answer,
        }
    }

    async fn send(&self, session: &Session, request: &Request) -> Result<Vec<u8>, Error> {
        let url = format!("{}{}", session.instance_url, request.path);
        let mut sending = self.http.request(request.method.clone(), url).bearer_auth(session.token.expose_secret());
        if let Some(body) = &request.body {
            sending = sending.header("content-type", "application/json").body(body.clone());
        }
        let response = sending.send().await.map_err(|error| Error::of_transport(&error))?;
        self.note_usage(&response);
        let status = response.status();
        if status.is_redirection() {
            self.sessions.forget(session).await;
        }
        let body = read(response).await?;
        if status == StatusCode::OK { Ok(body) } else { Err(classify(status.as_u16(), &body)) }
    }

    /// `api-usage=123/100000`, sometimes followed by `; per-app-api-usage=…`.
    fn note_usage(&self, response: &Response) {
        let header = response.headers().get("sforce-limit-info").and_then(|value| value.to_str().ok());
        if let Some(usage) = header.and_then(usage) {
            self.usage.store(u64::from(usage.used) << 32 | u64::from(usage.max), Ordering::Relaxed);
        }
    }
}

fn usage(header: &str) -> Option<ApiUsage> {
    let (used, max) =
        header.split([';', ',']).find_map(|item| item.trim().strip_prefix("api-usage="))?.split_once('/')?;
    let digits: String = max.chars().take_while(char::is_ascii_digit).collect();
    Some(ApiUsage { used: used.parse().ok()?, max: digits.parse().ok()? })
}

struct Request {
    method: Method,
    path: String,
    body: Option<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    done: bool,
    records: Vec<Box<RawValue>>,
    next_records_url: Option<String>,
}

#[derive(Deserialize)]
struct Description {
    updateable: bool,
    fields: Vec<DescribedField>,
}

#[derive(Deserialize)]
struct DescribedField {
    name: String,
    updateable: bool,
}

fn editable(body: &RawValue) -> Result<BTreeSet<String>, Error> {
    let described: Description = serde_json::from_str(body.get()).map_err(|_| Error::unreadable())?;
    let fields = described.fields.into_iter().filter(|field| described.updateable && field.updateable);
    Ok(fields.map(|field| field.name).collect())
}

fn segment(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

pub(crate) async fn read(response: Response) -> Result<Vec<u8>, Error> {
    outbound::read(response, LARGEST_ANSWER).await.map_err(|why| match why {
        Unread::TooLong => Error::unreadable(),
        Unread::Timeout => Error::Unknown { reason: "no answer in time".into() },
        Unread::ConnectionLost => Error::Unknown { reason: "the connection was lost".into() },
    })
}

#[cfg(test)]
mod tests;
