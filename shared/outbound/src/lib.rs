#![doc = include_str!("../README.md")]

mod mask;
mod tls;

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Response, Url, redirect};

pub use mask::mask;

/// How long to wait. A lost packet must not hold a run's lease until the function is killed.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    pub connect: Duration,
    /// From the first byte sent to the last one read.
    pub request: Duration,
}

impl Default for Timeouts {
    /// Ten seconds for a request, because the engine begins no call with less than fourteen left (its `LAST_CALL`): the
    /// answer is there, or given up, with time to save what is known before the function is ended. A longer wait breaks
    /// that sum. Salesforce's login before a call may break it too; then the function is ended in the middle, which is
    /// safe, because writes there set fields to values.
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), request: Duration::from_secs(10) }
    }
}

/// A function's environment freezes between invocations, and the other side closes what was idle. Connections older than
/// this are not used again.
const IDLE: Duration = Duration::from_secs(20);

/// The address of a vendor: https, or http on the loopback interface, and nothing beside host and port.
pub fn base_url(text: &str) -> Option<Url> {
    webhook_url(text).filter(|url| url.path() == "/" && url.query().is_none())
}

/// An address that is a secret itself: https, or http on the loopback interface, with whatever path it has.
pub fn webhook_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let is_secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
    let has_more = url.fragment().is_some() || !url.username().is_empty() || url.password().is_some();
    (is_secure && !has_more).then_some(url)
}

/// A client for this address. What is not https by configuration never becomes http by mistake.
pub fn client(base_url: &Url, timeouts: Timeouts, headers: HeaderMap) -> Result<Client, String> {
    Client::builder()
        .user_agent(concat!("closedwon/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .connect_timeout(timeouts.connect)
        .timeout(timeouts.request)
        .pool_idle_timeout(IDLE)
        .redirect(redirect::Policy::none())
        .https_only(base_url.scheme() == "https")
        .no_proxy()
        .tls_backend_preconfigured(tls::config(base_url)?)
        .build()
        .map_err(|error| error.to_string())
}

/// Why there is no whole body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    TooLong,
    Timeout,
    ConnectionLost,
}

/// The whole body, unless it is longer than any answer of the calls that are made.
pub async fn read(mut response: Response, largest: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= largest => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(Unread::TooLong),
            Ok(None) => return Ok(body),
            Err(error) if error.is_timeout() => return Err(Unread::Timeout),
            Err(_) => return Err(Unread::ConnectionLost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{base_url, webhook_url};

    #[test]
    fn a_webhook_has_a_path_and_is_as_safe() {
        for good in ["https://hooks.slack.com/services/T0/B0/x", "http://127.0.0.1:4242/services/T0/B0/x?y=1"] {
            assert!(webhook_url(good).is_some(), "{good}");
        }
        for bad in
            ["", "http://hooks.slack.com/services/T0/B0/x", "https://a:b@hooks.slack.com/x", "https://x.example/#x"]
        {
            assert!(webhook_url(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_https_and_the_loopback_interface_are_spoken_to() {
        for good in
            ["https://api.stripe.com", "https://acme.my.salesforce.com/", "http://127.0.0.1:4242", "http://[::1]:1"]
        {
            assert!(base_url(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "api.stripe.com",
            "http://api.stripe.com",
            "ftp://127.0.0.1",
            "http://127.0.0.1.evil.example",
            "https://api.stripe.com/v1",
            "https://api.stripe.com/?x=1",
            "https://api.stripe.com/#x",
            "https://user:password@api.stripe.com",
        ] {
            assert!(base_url(bad).is_none(), "{bad}");
        }
    }
}
