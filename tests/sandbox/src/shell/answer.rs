//! One request: read, matched against the fault rules, handed to the service, logged, answered or not.

use super::{Shell, control, lock};
use crate::faults::Fault;
use crate::wire::{Failure, Request, Response, Service};
use bytes::Bytes;
use futures::StreamExt;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use serde::Serialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// More than any request of ours, less than what would hurt.
const LARGEST_BODY: usize = 8 * 1024 * 1024;
const LONGEST_LOG: usize = 100_000;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What is known of a request afterwards. Bodies and other headers are never kept.
#[derive(Debug, Clone, Serialize)]
pub struct LoggedRequest {
    pub seq: u64,
    pub at_ms: i64,
    pub method: String,
    pub path: String,
    /// What the service answered, whether or not the answer arrived.
    pub status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The service answered from the memory of its idempotency keys.
    pub replayed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<&'static str>,
    /// Tells two bodies apart, and says nothing of what is in them.
    #[serde(skip)]
    pub body_digest: u64,
}

#[derive(Debug, Default)]
pub struct Log {
    entries: VecDeque<LoggedRequest>,
    next_seq: u64,
}

impl Log {
    pub fn entries(&self) -> Vec<LoggedRequest> {
        self.entries.iter().cloned().collect()
    }

    pub fn clear(&mut self) {
        self.entries.clear();
    }

    fn push(&mut self, at_ms: i64, request: &Request, response: &Response, fault: Option<&Fault>) {
        self.next_seq += 1;
        if self.entries.len() == LONGEST_LOG {
            self.entries.pop_front();
        }
        self.entries.push_back(LoggedRequest {
            seq: self.next_seq,
            at_ms,
            method: request.method.clone(),
            path: request.path.clone(),
            status: response.status,
            idempotency_key: request.header("idempotency-key").map(str::to_owned),
            replayed: response.headers.iter().any(|(name, _)| name == "idempotent-replayed"),
            fault: fault.map(Fault::name),
            body_digest: digest(&request.body),
        });
    }
}

fn digest(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

/// An error closes the connection without an answer.
pub async fn answer<S: Service>(
    shell: Arc<Shell<S>>,
    incoming: hyper::Request<Incoming>,
) -> Result<hyper::Response<Body>, io::Error> {
    let (parts, body) = incoming.into_parts();
    let Ok(collected) = Limited::new(body, LARGEST_BODY).collect().await else {
        let message = serde_json::json!({ "error": "the request body is too large or was cut off" });
        return whole(Response::json(413, &message));
    };
    let request = read(&parts, collected.to_bytes());
    if let Some(below) = request.path.strip_prefix("/_sandbox/") {
        return whole(control::answer(&shell, below, &request));
    }
    let suffered = lock(&shell.faults).suffer(&request);
    let (now_ms, mut response) = play(&shell, &request, suffered.fault.as_ref());
    response.headers.extend(date(now_ms).map(|date| ("date".to_owned(), date)));
    lock(&shell.requests).push(now_ms, &request, &response, suffered.fault.as_ref());
    shell.flush();
    if let Some(for_ms) = suffered.then_refuse_ms {
        shell.refuse(for_ms);
    }
    match suffered.fault {
        Some(Fault::AnswerLost) => Err(io::Error::other("fault: the answer is lost")),
        Some(Fault::HalfBody) => half(response),
        Some(Fault::Slow { delay_ms }) => {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            whole(response)
        }
        _ => whole(response),
    }
}

/// By the sandbox's own clock, which need not be the machine's.
fn date(now_ms: i64) -> Option<String> {
    let now = jiff::Timestamp::from_millisecond(now_ms).ok()?;
    Some(now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

fn read(parts: &http::request::Parts, body: Bytes) -> Request {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: body.to_vec(),
    }
}

/// What the service makes of the request under this fault. Faults of the connection let it have its effect.
fn play<S: Service>(shell: &Shell<S>, request: &Request, fault: Option<&Fault>) -> (i64, Response) {
    let mut service = lock(&shell.service);
    // Read behind the lock, so that no request is older than the one before it.
    let now_ms = shell.clock.now_ms();
    let response = match fault {
        None | Some(Fault::Slow { .. } | Fault::HalfBody | Fault::AnswerLost | Fault::ConnectionRefused { .. }) => {
            service.handle(now_ms, request)
        }
        Some(Fault::UnavailableHtml) => unavailable(),
        Some(Fault::Status { status, body }) => {
            let headers = vec![("content-type".into(), "application/json".into())];
            Response { status: *status, headers, body: body.clone().into_bytes() }
        }
        Some(Fault::RateLimited) => service.fail(now_ms, request, Failure::RateLimited),
        Some(Fault::ServerError) => service.fail(now_ms, request, Failure::ServerError),
        Some(Fault::ServerErrorStored) => service.fail(now_ms, request, Failure::ServerErrorStored),
        Some(Fault::ServerErrorAfterCommit) => service.fail(now_ms, request, Failure::ServerErrorAfterCommit),
        Some(Fault::InUse) => service.fail(now_ms, request, Failure::InUse),
    };
    (now_ms, response)
}

fn unavailable() -> Response {
    let page = "<html><head><title>503 Service Temporarily Unavailable</title></head><body><h1>503</h1></body></html>";
    Response { status: 503, headers: vec![("content-type".into(), "text/html".into())], body: page.as_bytes().to_vec() }
}

fn head(response: &Response) -> http::response::Builder {
    let mut builder = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    builder
}

fn whole(response: Response) -> Result<hyper::Response<Body>, io::Error> {
    let builder = head(&response);
    let body = Full::new(Bytes::from(response.body)).map_err(|never: Infallible| match never {}).boxed_unsync();
    builder.body(body).map_err(io::Error::other)
}

/// Promises all of it, sends half of it, and breaks off once that half had time to leave.
fn half(response: Response) -> Result<hyper::Response<Body>, io::Error> {
    let builder = head(&response).header("content-length", response.body.len());
    let first = Bytes::copy_from_slice(&response.body[..response.body.len() / 2]);
    let sent = futures::stream::once(async { Ok(Frame::data(first)) });
    let broken = futures::stream::once(async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err(io::Error::other("fault: half the body"))
    });
    builder.body(StreamBody::new(sent.chain(broken)).boxed_unsync()).map_err(io::Error::other)
}
