//! One HTTP request and its answer. Nothing is repeated here, and no redirect is followed: a request must arrive where it
//! was meant to, once, and whoever keeps its idempotency key decides about another attempt.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, Response, Url, redirect, retry};

use crate::error::{Error, NoEffectReason, UnknownReason};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    pub connect: Duration,
    /// From sending to the last byte of the answer.
    pub request: Duration,
}

impl Default for Timeouts {
    /// A connection within a region is there in milliseconds, or a packet was lost; two seconds allow for one to be lost.
    /// Stripe answers writes in one or two seconds, rarely in more than five; after ten it is better to look whether it
    /// happened, while the invocation still has time to record that it is not known.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            request: Duration::from_secs(10),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the base address is not a URL of host and port alone, such as https://api.stripe.com")]
    NotABaseUrl,
    #[error("the base address must begin with https://, except on this machine")]
    NotHttps,
    #[error("a live key is only sent over https")]
    LiveKeyWithoutTls,
    #[error("the HTTP client cannot be built")]
    Client(#[source] reqwest::Error),
}

/// Lambda freezes a process between invocations, and its sockets with it. Those that were idle for longer may have been
/// closed by the other side, and the first request over one would be lost with an unknown outcome.
const POOL_IDLE: Duration = Duration::from_secs(20);

/// A page of a hundred invoices with ten lines each stays below one megabyte.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// The base address, without the slash at its end.
pub(crate) fn base_url(text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).map_err(|_| ConfigError::NotABaseUrl)?;
    let has_more = url.path() != "/" || url.query().is_some() || url.fragment().is_some();
    if has_more || !url.username().is_empty() || url.password().is_some() {
        return Err(ConfigError::NotABaseUrl);
    }
    let is_loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback => Ok(url),
        _ => Err(ConfigError::NotHttps),
    }
}

/// The process must have installed a rustls provider before.
pub(crate) fn http(base_url: &Url, timeouts: Timeouts, headers: HeaderMap) -> Result<reqwest::Client, ConfigError> {
    reqwest::Client::builder()
        .default_headers(headers)
        .user_agent(concat!("closedwon/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timeouts.connect)
        .timeout(timeouts.request)
        .pool_idle_timeout(POOL_IDLE)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .https_only(base_url.scheme() == "https")
        .build()
        .map_err(ConfigError::Client)
}

/// An answer that arrived completely.
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// The headers that say something about the request.
#[derive(Default)]
pub(crate) struct Headers {
    pub(crate) request_id: Option<String>,
    pub(crate) replayed: bool,
    pub(crate) should_retry: Option<bool>,
    pub(crate) rate_limited_reason: Option<String>,
}

impl Headers {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok())?;
            Some(value.trim().chars().take(100).collect::<String>()).filter(|value| !value.is_empty())
        };
        let flag = |name: &str| match text(name).as_deref() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
        Self {
            request_id: text("request-id"),
            replayed: flag("idempotent-replayed") == Some(true),
            should_retry: flag("stripe-should-retry"),
            rate_limited_reason: text("stripe-rate-limited-reason"),
        }
    }

    pub(crate) fn unknown(&self, reason: UnknownReason) -> Error {
        Error::Unknown {
            reason,
            replayed: self.replayed,
            request_id: self.request_id.clone(),
        }
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Result<Answered, Error> {
    let response = request.send().await.map_err(|error| unsent_or_unknown(&error))?;
    let status = response.status().as_u16();
    let headers = Headers::of(response.headers());
    match body(response).await {
        Ok(body) => Ok(Answered { status, headers, body }),
        Err(reason) => Err(headers.unknown(reason)),
    }
}

async fn body(mut response: Response) -> Result<Vec<u8>, UnknownReason> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > LARGEST_ANSWER => {
                return Err(UnknownReason::UnreadableAnswer);
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) if error.is_timeout() => return Err(UnknownReason::Timeout),
            Err(_) => return Err(UnknownReason::ConnectionLost),
        }
    }
}

/// A request that never had a connection had no effect. Once there was one, every failure leaves the effect unknown.
fn unsent_or_unknown(error: &reqwest::Error) -> Error {
    if error.is_connect() || error.is_builder() {
        Error::no_effect(if was_refused(error) {
            NoEffectReason::ConnectionRefused
        } else {
            NoEffectReason::ConnectFailed
        })
    } else if error.is_timeout() {
        Error::unknown(UnknownReason::Timeout)
    } else {
        Error::unknown(UnknownReason::ConnectionLost)
    }
}

fn was_refused(error: &reqwest::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>()
            && io.kind() == std::io::ErrorKind::ConnectionRefused
        {
            return true;
        }
        source = cause.source();
    }
    false
}
