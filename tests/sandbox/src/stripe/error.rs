//! Stripe's error grammar, `{"error": {type, code, message, param}}`, and which errors an idempotency key keeps.

use crate::wire::Response;
use serde_json::{Map, Value, json};

/// Stripe indents what it answers, for people who look at it with curl.
pub fn pretty(status: u16, body: &Value) -> Response {
    Response { body: serde_json::to_vec_pretty(body).unwrap_or_default(), ..Response::json(status, &Value::Null) }
}

#[derive(Debug, Clone)]
pub struct Error {
    pub status: u16,
    pub kind: &'static str,
    pub code: Option<&'static str>,
    pub decline_code: Option<&'static str>,
    pub message: String,
    pub param: Option<String>,
    /// Which limit it was, where it was one.
    pub rate_limited_reason: Option<&'static str>,
    /// Only what an executing endpoint answers is kept under the idempotency key: a request that never started to
    /// execute may be repeated with the same key.
    pub executed: bool,
}

impl Error {
    fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            kind,
            code: None,
            decline_code: None,
            message,
            param: None,
            rate_limited_reason: None,
            executed: true,
        }
    }

    /// A 400 that the executing endpoint answers.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    /// A 400 about the form of a parameter, before anything is executed.
    pub fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self { executed: false, ..Self::refused(message) }.param(param)
    }

    pub fn missing(param: &str) -> Self {
        Self::invalid(param, format!("Missing required param: {param}.")).code("parameter_missing")
    }

    pub fn exclusive(params: &[&str]) -> Self {
        let list = params.join(", ");
        Self { executed: false, ..Self::refused(format!("You may only specify one of these parameters: {list}.")) }
            .code("parameters_exclusive")
    }

    /// The object a path names does not exist.
    pub fn not_found(noun: &str, id: &str) -> Self {
        Self::new(404, "invalid_request_error", format!("No such {noun}: '{id}'")).code("resource_missing").param("id")
    }

    /// The object a parameter names does not exist.
    pub fn no_such(noun: &str, id: &str, param: &str) -> Self {
        Self::refused(format!("No such {noun}: '{id}'")).code("resource_missing").param(param)
    }

    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self { executed: false, ..Self::new(401, "invalid_request_error", message) }
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Self { executed: false, ..Self::new(403, "invalid_request_error", message) }
    }

    pub fn unrecognized_url(method: &str, path: &str) -> Self {
        let message = format!(
            "Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing \
             slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in \
             your code."
        );
        Self { executed: false, ..Self::new(404, "invalid_request_error", message) }
    }

    /// `global-rate` or `endpoint-rate`.
    pub fn rate_limited(reason: &'static str) -> Self {
        let message = "Request rate limit exceeded. You can learn more about rate limits in Stripe's documentation.";
        let refused = Self::new(429, "invalid_request_error", message).code("rate_limit");
        Self { executed: false, rate_limited_reason: Some(reason), ..refused }
    }

    pub fn idempotency(message: impl Into<String>) -> Self {
        Self { executed: false, ..Self::new(400, "idempotency_error", message) }
    }

    pub fn key_in_use(key: &str) -> Self {
        let message = format!(
            "There is currently another in-progress request using this Idempotent Key (that probably means you \
             submitted twice, and the other request is still going through): {key}. Please try again later."
        );
        Self { executed: false, ..Self::new(409, "idempotency_error", message) }.code("idempotency_key_in_use")
    }

    pub fn internal() -> Self {
        Self::new(500, "api_error", "An unknown error occurred.")
    }

    /// Known to Stripe, but outside what this sandbox models. It says so rather than accept and ignore it.
    pub fn unmodelled(what: &str) -> Self {
        let message = format!("The sandbox does not model {what}: Stripe knows it, this fake does not act on it.");
        Self { executed: false, ..Self::new(501, "api_error", message) }
    }

    pub fn card_declined(decline_code: &'static str) -> Self {
        let message = match decline_code {
            "insufficient_funds" => "Your card has insufficient funds.",
            "expired_card" => "Your card has expired.",
            _ => "Your card was declined.",
        };
        let mut error = Self::new(402, "card_error", message).code("card_declined");
        error.decline_code = Some(decline_code);
        error
    }

    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub fn body(&self) -> Value {
        let mut error = Map::new();
        if let Some(code) = self.code {
            error.insert("code".into(), code.into());
            error.insert("doc_url".into(), format!("https://docs.stripe.com/error-codes#{code}").into());
        }
        if let Some(decline_code) = self.decline_code {
            error.insert("decline_code".into(), decline_code.into());
        }
        error.insert("message".into(), self.message.clone().into());
        if let Some(param) = &self.param {
            error.insert("param".into(), param.clone().into());
        }
        error.insert("type".into(), self.kind.into());
        json!({ "error": error })
    }

    pub fn response(&self) -> Response {
        let mut response = pretty(self.status, &self.body());
        match self.status {
            401 => response.headers.push(("www-authenticate".into(), "Bearer realm=\"Stripe\"".into())),
            409 => response.headers.push(("stripe-should-retry".into(), "true".into())),
            501 => response.headers.push(("stripe-should-retry".into(), "false".into())),
            _ => {}
        }
        if let Some(reason) = self.rate_limited_reason {
            response.headers.push(("stripe-rate-limited-reason".into(), reason.into()));
        }
        response
    }
}
