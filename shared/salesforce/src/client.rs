//! Reads and writes, each one call of the daily budget.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::{FieldValue, Record};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Response, StatusCode, Url, redirect};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::Mutex;

use crate::composite::{Composite, Part, bodies};
use crate::error::{Error, classify};
use crate::json;
use crate::login::{Allowed, Credentials, Session, login};

/// How long to wait. A lost packet must not hold a run's lease until the function is killed.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    pub connect: Duration,
    /// From the first byte sent to the last one read.
    pub request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            request: Duration::from_secs(10),
        }
    }
}

/// A function's environment freezes between invocations, and the other side closes what was idle.
const IDLE: Duration = Duration::from_secs(20);

/// Opaque tokens say nothing about their end; the default policy is two hours. A token this old is not relied upon.
const OLDEST_TOKEN: Duration = Duration::from_secs(90 * 60);

const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// A page of a query has up to 2,000 records; what needs more than this is asked for in the wrong way.
const MOST_PAGES: usize = 50;

/// Salesforce takes 25 parts in a composite request, five of them queries.
const MOST_QUERIES: usize = 5;

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
    #[error("the login URL must be https, or http on the loopback interface, without a path")]
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
}

/// What the organization has used of its daily API calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiUsage {
    pub used: u32,
    pub max: u32,
}

struct Cached {
    session: Session,
    since: Instant,
}

#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    allowed: Allowed,
    credentials: Credentials,
    api_version: String,
    /// Held while logging in, so that ten calls at once log in once.
    session: Arc<Mutex<Option<Cached>>>,
    usage: Arc<AtomicU64>,
}

impl Client {
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let login = Url::parse(&config.login_url).map_err(|_| ConfigError::LoginUrl)?;
        let is_loopback = matches!(login.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let is_secure = login.scheme() == "https" || (login.scheme() == "http" && is_loopback);
        if !is_secure || login.path() != "/" || login.query().is_some() {
            return Err(ConfigError::LoginUrl);
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("closedwon/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(config.timeouts.connect)
            .timeout(config.timeouts.request)
            .pool_idle_timeout(IDLE)
            .redirect(redirect::Policy::none())
            .https_only(login.scheme() == "https")
            .no_proxy()
            .build()
            .map_err(|error| ConfigError::Http(error.to_string()))?;
        Ok(Self {
            http,
            allowed: Allowed {
                login,
                hosts: config.allowed_hosts,
            },
            credentials: config.credentials,
            api_version: config.api_version,
            session: Arc::default(),
            usage: Arc::default(),
        })
    }

    /// The records of each query, in one call unless a query has more than a page.
    pub async fn read(&self, queries: &[String]) -> Result<Vec<Vec<Record>>, Error> {
        self.composite(&[], queries).await
    }

    /// Sets the fields of all records or of none, and then reads, in one call. When this returns, the records that were
    /// read back show what is there now, which may differ from what was written: triggers and field-level security have
    /// their say.
    pub async fn write(&self, updates: &[Update], read_back: &[String]) -> Result<Vec<Vec<Record>>, Error> {
        self.composite(updates, read_back).await
    }

    /// As of the last answer; `None` before the first.
    pub fn api_usage(&self) -> Option<ApiUsage> {
        let packed = self.usage.load(Ordering::Relaxed);
        let usage = ApiUsage {
            used: (packed >> 32) as u32,
            max: packed as u32,
        };
        (usage.max > 0).then_some(usage)
    }

    async fn composite(&self, updates: &[Update], queries: &[String]) -> Result<Vec<Vec<Record>>, Error> {
        debug_assert!(
            queries.len() <= MOST_QUERIES,
            "Salesforce takes five queries in one composite request"
        );
        let data = format!("/services/data/{}", self.api_version);
        let mut parts = Vec::with_capacity(updates.len() + queries.len());
        for (index, update) in updates.iter().enumerate() {
            parts.push(Part {
                method: "PATCH",
                url: format!("{data}/sobjects/{}/{}", segment(&update.object), segment(&update.id)),
                reference_id: format!("update{index}"),
                body: Some(json::fields(&update.fields).map_err(|_| Error::unreadable())?),
            });
        }
        for (index, query) in queries.iter().enumerate() {
            parts.push(Part {
                method: "GET",
                url: format!("{data}/query?q={}", segment(query)),
                reference_id: format!("query{index}"),
                body: None,
            });
        }
        let count = parts.len();
        let request = serde_json::to_vec(&Composite::new(parts)).map_err(|_| Error::unreadable())?;
        let answer = self
            .call(reqwest::Method::POST, &format!("{data}/composite"), Some(request))
            .await?;
        let bodies = bodies(&answer, count)?;
        let mut found = Vec::with_capacity(queries.len());
        for body in bodies.into_iter().skip(updates.len()) {
            let page = body.ok_or_else(Error::unreadable)?;
            found.push(self.all_pages(&page).await?);
        }
        Ok(found)
    }

    async fn all_pages(&self, first: &RawValue) -> Result<Vec<Record>, Error> {
        let mut page: Page = serde_json::from_str(first.get()).map_err(|_| Error::unreadable())?;
        let mut records = Vec::new();
        for _ in 0..MOST_PAGES {
            for raw in &page.records {
                records.push(json::record(raw).map_err(|_| Error::unreadable())?);
            }
            let Some(next) = page.next_records_url.filter(|_| !page.done) else {
                return Ok(records);
            };
            if !next.starts_with("/services/data/") {
                return Err(Error::unreadable());
            }
            let body = self.call(reqwest::Method::GET, &next, None).await?;
            page = serde_json::from_slice(&body).map_err(|_| Error::unreadable())?;
        }
        Err(Error::Unknown {
            reason: "a query has more pages than are read".into(),
        })
    }

    /// One request. A session that has ended is renewed once.
    async fn call(&self, method: reqwest::Method, path: &str, body: Option<Vec<u8>>) -> Result<Vec<u8>, Error> {
        let session = self.session(None).await?;
        match self.send(&session, method.clone(), path, body.clone()).await {
            Err(Error::NotAllowed { error_code, message })
                if error_code == "INVALID_SESSION_ID" && can_be_renewed(&message) =>
            {
                let renewed = self.session(Some(&session)).await?;
                self.send(&renewed, method, path, body).await
            }
            answer => answer,
        }
    }

    /// The cached session, or a new one if there is none, it is old, or it is the one that was just refused.
    async fn session(&self, refused: Option<&Session>) -> Result<Session, Error> {
        let mut cached = self.session.lock().await;
        if let Some(Cached { session, since }) = &*cached {
            let was_refused =
                refused.is_some_and(|refused| refused.token.expose_secret() == session.token.expose_secret());
            if !was_refused && since.elapsed() < OLDEST_TOKEN {
                return Ok(session.clone());
            }
        }
        let session = login(&self.http, &self.allowed, &self.credentials).await?;
        *cached = Some(Cached {
            session: session.clone(),
            since: Instant::now(),
        });
        Ok(session)
    }

    async fn send(
        &self,
        session: &Session,
        method: reqwest::Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, Error> {
        let url = format!("{}{path}", session.instance_url);
        let mut request = self
            .http
            .request(method, url)
            .bearer_auth(session.token.expose_secret());
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let response = request.send().await.map_err(|error| Error::of_transport(&error))?;
        self.note_usage(&response);
        let status = response.status();
        let body = read(response).await?;
        if status == StatusCode::OK {
            Ok(body)
        } else {
            Err(classify(status.as_u16(), &body))
        }
    }

    /// `api-usage=123/100000`, sometimes followed by `; per-app-api-usage=…`.
    fn note_usage(&self, response: &Response) {
        let header = response
            .headers()
            .get("sforce-limit-info")
            .and_then(|value| value.to_str().ok());
        if let Some(usage) = header.and_then(usage) {
            self.usage
                .store(u64::from(usage.used) << 32 | u64::from(usage.max), Ordering::Relaxed);
        }
    }
}

fn usage(header: &str) -> Option<ApiUsage> {
    let (used, max) = header
        .split([';', ','])
        .find_map(|item| item.trim().strip_prefix("api-usage="))?
        .split_once('/')?;
    let digits: String = max.chars().take_while(char::is_ascii_digit).collect();
    Some(ApiUsage {
        used: used.parse().ok()?,
        max: digits.parse().ok()?,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    done: bool,
    records: Vec<Box<RawValue>>,
    next_records_url: Option<String>,
}

/// These two say that no session of this app will ever do, so a new one would be refused in the same way for ever.
fn can_be_renewed(message: &str) -> bool {
    !message.contains("Connected app is not attached to Agent")
        && !message.contains("This session is not valid for use with the REST API")
}

fn segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

pub(crate) async fn read(mut response: Response) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LARGEST_ANSWER => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(Error::unreadable()),
            Ok(None) => return Ok(body),
            Err(error) => return Err(Error::of_transport(&error)),
        }
    }
}

#[cfg(test)]
mod tests;
