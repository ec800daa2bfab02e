//! API Gateway's payload format 2.0, there and back.

use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use sandbox::wire::Delivery;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// What API Gateway gives to a function for an HTTP request.
pub fn http_event(method: &str, path: &str, headers: &[(String, String)], body: &[u8]) -> Value {
    let headers: serde_json::Map<_, _> =
        headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), Value::from(value.as_str()))).collect();
    json!({
        "version": "2.0",
        "routeKey": format!("ANY {path}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "1", "apiId": "api", "domainName": "api.execute-api.test", "domainPrefix": "api",
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "t" },
            "requestId": "gateway-1", "routeKey": format!("ANY {path}"), "stage": "$default",
            "time": "23/Nov/2026:00:00:00 +0000", "timeEpoch": 1_795_392_000_000_i64,
        },
        "body": String::from_utf8_lossy(body),
        "isBase64Encoded": false,
    })
}

/// The same, with the body in base64, as API Gateway gives whatever it does not take for text.
pub fn base64_event(method: &str, path: &str, headers: &[(String, String)], body: &[u8]) -> Value {
    let mut event = http_event(method, path, headers, &[]);
    event["body"] = aws_smithy_types::base64::encode(body).into();
    event["isBase64Encoded"] = true.into();
    event
}

/// What EventBridge makes of a `PutEvents` request.
pub fn bridge_events(put_events: &Delivery, now: Timestamp) -> Vec<Value> {
    let request: Value = serde_json::from_slice(&put_events.body).unwrap();
    let entries = request["Entries"].as_array().unwrap().iter().enumerate();
    entries
        .map(|(index, entry)| {
            json!({
                "version": "0",
                "id": format!("{}-{index}", put_events.id),
                "detail-type": entry["DetailType"],
                "source": entry["Source"],
                "account": "111122223333",
                "time": now.to_string(),
                "region": "eu-central-1",
                "resources": [],
                "detail": serde_json::from_str::<Value>(entry["Detail"].as_str().unwrap()).unwrap(),
            })
        })
        .collect()
}

pub(crate) fn lambda_event<T>(payload: T, request_id: &str, deadline: Timestamp) -> LambdaEvent<T> {
    let mut context = Context::default();
    context.request_id = request_id.to_owned();
    context.deadline = u64::try_from(deadline.as_millisecond()).unwrap();
    LambdaEvent::new(payload, context)
}

pub(crate) fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

/// What the function answered to an HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u64,
    pub body: Value,
}

impl Reply {
    pub(crate) fn new(answer: &Value) -> Self {
        Self {
            status: answer["statusCode"].as_u64().unwrap(),
            body: serde_json::from_str(answer["body"].as_str().unwrap()).unwrap(),
        }
    }

    /// The stable code, whichever key it stands under.
    pub fn code(&self) -> &str {
        self.body["error"].as_str().or(self.body["status"].as_str()).unwrap_or_default()
    }
}
