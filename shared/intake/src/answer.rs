//! Answers.

use serde_json::{Value, json};

/// What a sender hears: a status, and one stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    code: &'static str,
}

impl Answer {
    pub const fn ok(code: &'static str) -> Self {
        Self { status: 200, code }
    }

    /// On the queue, and not done yet.
    pub const fn accepted(code: &'static str) -> Self {
        Self { status: 202, code }
    }

    pub const fn error(status: u16, code: &'static str) -> Self {
        Self { status, code }
    }

    pub const fn status(self) -> u16 {
        self.status
    }

    pub const fn code(self) -> &'static str {
        self.code
    }

    pub(crate) const fn is_rejection(self) -> bool {
        self.status >= 400
    }

    /// EventBridge reads no status: what was not taken must be an error, and is delivered again.
    pub fn to_event_bridge(self) -> Result<Value, &'static str> {
        if self.is_rejection() { Err(self.code) } else { Ok(json!({ "status": self.code })) }
    }

    /// The answer in API Gateway's payload format 2.0.
    pub fn to_api_gateway(self, request_id: &str) -> Value {
        let key = if self.is_rejection() { "error" } else { "status" };
        let body = json!({ key: self.code, "request_id": request_id });
        json!({
            "statusCode": self.status,
            "headers": { "content-type": "application/json", "cache-control": "no-store" },
            "isBase64Encoded": false,
            "body": body.to_string(),
        })
    }
}
