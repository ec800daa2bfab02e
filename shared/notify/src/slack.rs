//! An incoming webhook of Slack: one address, which is the secret, and one channel behind it.
//!
//! Source: docs.slack.dev, "Sending messages using incoming webhooks", "Block Kit: blocks", "Formatting message text", "Rate limits".

use std::fmt;

use mapping::Message;
use outbound::Timeouts;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::Error;

/// Slack answers `ok`, or one word.
const LARGEST_ANSWER: usize = 16 * 1024;

/// The most characters of a header, a section, and a field; and how many fields a section has.
const LONGEST_HEADER: usize = 150;
const LONGEST_SECTION: usize = 3000;
const LONGEST_FIELD: usize = 2000;
const MOST_FIELDS: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SlackConfigError {
    #[error("the secret is not the address of a webhook: https, without user or fragment, as Slack shows it")]
    Address,
    #[error("the HTTP client cannot be built")]
    Http,
}

#[derive(Clone)]
pub struct Slack {
    http: reqwest::Client,
    address: SecretString,
}

impl fmt::Debug for Slack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slack")
    }
}

impl Slack {
    pub fn new(address: &SecretString, timeouts: Timeouts) -> Result<Self, SlackConfigError> {
        let url = outbound::webhook_url(address.expose_secret().trim()).ok_or(SlackConfigError::Address)?;
        let http = outbound::client(&url, timeouts, HeaderMap::new()).map_err(|_| SlackConfigError::Http)?;
        Ok(Self { http, address: SecretString::from(url.to_string()) })
    }

    pub(crate) async fn post(&self, message: &Message) -> Result<(), Error> {
        let body = blocks(message).to_string();
        let request = self.http.post(self.address.expose_secret()).header(CONTENT_TYPE, "application/json").body(body);
        // The client's own errors quote the address.
        let response = request.send().await.map_err(|error| match error.is_connect() {
            true => Error::NotSent("Slack cannot be reached".into()),
            false if error.is_timeout() => Error::Unknown("Slack did not answer in time".into()),
            false => Error::Unknown("the connection to Slack was lost".into()),
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = outbound::read(response, LARGEST_ANSWER).await.unwrap_or_default();
        Err(refused(status, retry_after.as_deref(), &String::from_utf8_lossy(&body)))
    }
}

/// What is known of it by Slack's answer. 429 and 503 say that nothing was done; of other failures of the server's own that is not known.
fn refused(status: StatusCode, retry_after: Option<&str>, body: &str) -> Error {
    match status {
        StatusCode::TOO_MANY_REQUESTS => {
            let after = retry_after.map(|seconds| format!(" for {} s", outbound::mask(seconds))).unwrap_or_default();
            Error::NotSent(format!("Slack takes no more messages{after}"))
        }
        StatusCode::SERVICE_UNAVAILABLE => Error::NotSent("Slack is not available".into()),
        _ if status.is_server_error() => Error::Unknown(format!("Slack answered {}", status.as_u16())),
        // `no_service`, `channel_is_archived`, `invalid_payload`, …
        _ => Error::NotSent(format!("Slack answered {} {}", status.as_u16(), word(body))),
    }
}

/// What Slack answers beside a status. Nothing else of an answer is repeated: it may come from something in between.
const WORDS: [&str; 12] = [
    "action_prohibited",
    "channel_is_archived",
    "channel_not_found",
    "invalid_blocks",
    "invalid_payload",
    "invalid_token",
    "no_active_hooks",
    "no_service",
    "no_team",
    "no_text",
    "team_disabled",
    "user_not_found",
];

fn word(body: &str) -> &'static str {
    WORDS.into_iter().find(|word| *word == body.trim()).unwrap_or("in words of its own")
}

fn blocks(message: &Message) -> Value {
    let mrkdwn = |text: String| json!({ "type": "mrkdwn", "text": text, "verbatim": true });
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": cut(&message.title, LONGEST_HEADER), "emoji": false },
    })];
    let section = |text: &str| json!({ "type": "section", "text": mrkdwn(cut_escaped(text, LONGEST_SECTION)) });
    blocks.extend(message.text.as_deref().map(section));
    for facts in message.facts.chunks(MOST_FIELDS) {
        let fields: Vec<_> = facts
            .iter()
            .map(|(name, value)| mrkdwn(cut_escaped(&format!("*{name}*\n{value}"), LONGEST_FIELD)))
            .collect();
        blocks.push(json!({ "type": "section", "fields": fields }));
    }
    if !message.links.is_empty() {
        // Not buttons: a click on one is reported to the app, which is none, and Slack shows a warning.
        let links: Vec<_> = message.links.iter().map(|(name, url)| format!("<{url}|{}>", escape(name))).collect();
        blocks.push(json!({ "type": "section", "text": mrkdwn(links.join("  ·  ")) }));
    }
    let footer = cut_escaped(&message.footer(), LONGEST_SECTION);
    blocks.push(json!({ "type": "context", "elements": [mrkdwn(footer)] }));
    json!({ "text": escape(&message.title), "blocks": blocks })
}

/// Slack takes three characters for its own: with them a deal's name could call the whole channel.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// No longer than that when it is escaped, and never half an escape.
fn cut_escaped(text: &str, most: usize) -> String {
    let mut escaped = String::new();
    let mut length = 0;
    for character in text.chars() {
        let piece = escape(&character.to_string());
        length += piece.chars().count();
        if length > most {
            break;
        }
        escaped.push_str(&piece);
    }
    escaped
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests;
