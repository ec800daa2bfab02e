//! An incoming webhook of Slack: it takes a message that Slack would take, keeps it for whoever looks, and refuses any other in
//! Slack's words.
//!
//! Source: docs.slack.dev, "Sending messages using incoming webhooks", "Block Kit: blocks", "Rate limits".

use serde_json::Value;

use crate::wire::{Delivery, Failure, Request, Response, Service};

/// The path of the one webhook that there is.
pub const PATH: &str = "/services/T00000000/B00000000/sandboxSandboxSandbox";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    pub at_ms: i64,
    pub message: Value,
}

impl Posted {
    /// The line that a phone shows.
    pub fn title(&self) -> &str {
        self.message["text"].as_str().unwrap_or_default()
    }

    /// Everything that it says, one text a line.
    pub fn words(&self) -> String {
        fn collect(value: &Value, into: &mut Vec<String>) {
            match value {
                Value::Object(object) => {
                    into.extend(object.get("text").and_then(Value::as_str).map(str::to_owned));
                    object.values().for_each(|value| collect(value, into));
                }
                Value::Array(array) => array.iter().for_each(|value| collect(value, into)),
                _ => {}
            }
        }
        let mut words = Vec::new();
        collect(&self.message["blocks"], &mut words);
        words.join("\n")
    }
}

/// How the webhook stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Hook {
    #[default]
    Open,
    /// It was revoked.
    Gone,
    ChannelIsArchived,
}

#[derive(Debug, Default)]
pub struct Slack {
    posted: Vec<Posted>,
    pub hook: Hook,
}

impl Slack {
    /// What stands in the channel, oldest first.
    pub fn posted(&self) -> &[Posted] {
        &self.posted
    }

    fn take(&mut self, now_ms: i64, request: &Request) -> Response {
        if request.path != PATH || self.hook == Hook::Gone {
            return plain(404, "no_service");
        }
        if request.method != "POST" {
            return plain(405, "");
        }
        if self.hook == Hook::ChannelIsArchived {
            return plain(410, "channel_is_archived");
        }
        let is_json = request.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        let Some(message) = serde_json::from_slice::<Value>(&request.body).ok().filter(|_| is_json) else {
            return plain(400, "invalid_payload");
        };
        if message["text"].as_str().is_none_or(str::is_empty) {
            return plain(400, "no_text");
        }
        if !message["blocks"].as_array().is_none_or(|blocks| blocks.len() <= 50 && blocks.iter().all(is_block)) {
            return plain(400, "invalid_blocks");
        }
        self.posted.push(Posted { at_ms: now_ms, message });
        plain(200, "ok")
    }
}

impl Service for Slack {
    fn handle(&mut self, now_ms: i64, request: &Request) -> Response {
        self.take(now_ms, request)
    }

    fn take_deliveries(&mut self, _: i64) -> Vec<Delivery> {
        Vec::new()
    }

    fn redeliver(&mut self, _: i64, delivery: &Delivery) -> Delivery {
        delivery.clone()
    }

    fn control(&mut self, _: i64, request: &Request) -> Option<Response> {
        let is_asked = request.method == "GET" && request.path == "/_sandbox/messages";
        let all = || self.posted.iter().map(|posted| posted.message.clone()).collect();
        is_asked.then(|| Response::json(200, &Value::Array(all())))
    }

    fn fail(&mut self, now_ms: i64, request: &Request, failure: Failure) -> Response {
        match failure {
            Failure::RateLimited | Failure::InUse => {
                let mut refused = plain(429, "rate_limited");
                refused.headers.push(("retry-after".into(), "30".into()));
                refused
            }
            Failure::ServerErrorAfterCommit => {
                self.take(now_ms, request);
                plain(500, "rollup_error")
            }
            Failure::ServerError | Failure::ServerErrorStored => plain(500, "rollup_error"),
        }
    }
}

fn plain(status: u16, word: &str) -> Response {
    Response { status, headers: vec![("content-type".into(), "text/html".into())], body: word.as_bytes().to_vec() }
}

/// The blocks that a message of ours has, within Slack's limits.
fn is_block(block: &Value) -> bool {
    let is_text = |text: &Value, kinds: &[&str], most: usize| {
        let is_of_kind = text["type"].as_str().is_some_and(|kind| kinds.contains(&kind));
        is_of_kind && text["text"].as_str().is_some_and(|text| (1..=most).contains(&text.chars().count()))
    };
    let any = ["plain_text", "mrkdwn"];
    match block["type"].as_str() {
        Some("header") => is_text(&block["text"], &["plain_text"], 150),
        Some("section") => {
            let (text, fields) = (&block["text"], block["fields"].as_array());
            let is_fields = |fields: &Vec<Value>| {
                (1..=10).contains(&fields.len()) && fields.iter().all(|field| is_text(field, &any, 2000))
            };
            (!text.is_null() || fields.is_some())
                && (text.is_null() || is_text(text, &any, 3000))
                && fields.is_none_or(is_fields)
        }
        Some("context") => block["elements"].as_array().is_some_and(|elements| {
            (1..=10).contains(&elements.len()) && elements.iter().all(|element| is_text(element, &any, 3000))
        }),
        Some("divider") => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn post(slack: &mut Slack, path: &str, body: &str) -> (u16, String) {
        let headers = vec![("content-type".into(), "application/json".into())];
        let request =
            Request { method: "POST".into(), path: path.into(), headers, body: body.into(), ..Request::default() };
        let answer = slack.handle(7, &request);
        (answer.status, String::from_utf8(answer.body).unwrap())
    }

    #[test]
    fn what_slack_would_take_is_kept_and_nothing_else() {
        let mut slack = Slack::default();
        let section = |text: &str| json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } });
        let message = |blocks: Value| json!({ "text": "One", "blocks": blocks }).to_string();
        let fields: Vec<_> = (0..11).map(|_| json!({ "type": "mrkdwn", "text": "x" })).collect();
        for (body, status, word) in [
            (message(json!([section("Hello")])), 200, "ok"),
            ("{".to_owned(), 400, "invalid_payload"),
            (json!({ "blocks": [] }).to_string(), 400, "no_text"),
            (message(json!([section(&"x".repeat(3001))])), 400, "invalid_blocks"),
            (message(json!([section("")])), 400, "invalid_blocks"),
            (message(json!([{ "type": "section", "fields": fields }])), 400, "invalid_blocks"),
            (message(json!([{ "type": "header", "text": { "type": "mrkdwn", "text": "x" } }])), 400, "invalid_blocks"),
            (message(json!([{ "type": "button" }])), 400, "invalid_blocks"),
        ] {
            assert_eq!(post(&mut slack, PATH, &body), (status, word.to_owned()), "{body}");
        }
        assert_eq!(post(&mut slack, "/services/T0/B0/x", "{}").0, 404);
        let [posted] = slack.posted() else { panic!("one: {:?}", slack.posted()) };
        assert_eq!((posted.title(), posted.words().as_str(), posted.at_ms), ("One", "Hello", 7));
        slack.hook = Hook::ChannelIsArchived;
        assert_eq!(post(&mut slack, PATH, &message(json!([section("Hello")]))), (410, "channel_is_archived".into()));
    }
}
