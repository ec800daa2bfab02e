//! What crosses the border between the HTTP shell and the two stateful services.
//!
//! The services are plain state machines: a request and the time go in, a response and the deliveries it causes come
//! out. No socket, no clock and no randomness live below this line, so a simulation can drive them as fast as it likes.

/// One HTTP request. Header names are lower case; `path` has no query; `query` has no leading question mark.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Clone, Default)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "application/json;charset=UTF-8".into())],
            body: body.to_string().into_bytes(),
        }
    }
}

/// An HTTP request that a service wants sent: a signed webhook, a callout, a relayed platform event.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// What it is, for the log: an event id.
    pub id: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// The ways to fail that only the service itself can play, because its error grammar or its memory is involved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    RateLimited,
    /// A server error without effect and without memory.
    ServerError,
    /// A server error without effect that the idempotency key remembers.
    ServerErrorStored,
    /// The request takes effect; the answer, which the idempotency key remembers, is a server error.
    ServerErrorAfterCommit,
    /// Another request with the same idempotency key is still running.
    InUse,
}

/// A vendor's API as a state machine. `now_ms` is Unix time in milliseconds; it never goes back.
pub trait Service: Send + 'static {
    fn handle(&mut self, now_ms: i64, request: &Request) -> Response;

    /// The deliveries caused since the last call, oldest first. The shell sends them and tries again when the receiver
    /// does not answer 2xx; it calls `redeliver` to get a fresh signature for each further attempt.
    fn take_deliveries(&mut self, now_ms: i64) -> Vec<Delivery>;

    /// The same delivery, signed for now.
    fn redeliver(&mut self, now_ms: i64, delivery: &Delivery) -> Delivery;

    /// A receiver answered 2xx.
    fn delivered(&mut self, _delivery: &Delivery) {}

    /// A path below `/_sandbox/` that the shell does not know itself: the service's own switches.
    fn control(&mut self, _now_ms: i64, _request: &Request) -> Option<Response> {
        None
    }

    /// Plays a failure. What is written here speaks Salesforce's error grammar; Stripe has its own.
    fn fail(&mut self, now_ms: i64, request: &Request, failure: Failure) -> Response {
        let error = |status: u16, code: &str, message: &str| {
            Response::json(status, &serde_json::json!([{ "message": message, "errorCode": code }]))
        };
        match failure {
            Failure::RateLimited => error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
            Failure::InUse => error(409, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
            Failure::ServerError | Failure::ServerErrorStored | Failure::ServerErrorAfterCommit => {
                if failure == Failure::ServerErrorAfterCommit {
                    self.handle(now_ms, request);
                }
                error(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred.")
            }
        }
    }
}
