//! What a request must look like before anybody reads it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_http::http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Answer;

/// No webhook of either vendor is larger. The limit is checked before anything is computed over the body.
const LARGEST_BODY: usize = 256 * 1024;

/// A request that is worth verifying: a POST with a JSON content type and a body, in the exact bytes that were sent.
pub struct Request {
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Request {
    /// A header's text; `None` when it is absent or no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

#[derive(Deserialize)]
struct Encoded<'a> {
    #[serde(rename = "isBase64Encoded", default)]
    is_base64_encoded: bool,
    #[serde(borrow, default)]
    body: Option<std::borrow::Cow<'a, str>>,
}

/// Opens API Gateway's event.
pub fn open(event: &RawValue) -> Result<Request, Answer> {
    const UNREADABLE: Answer = Answer::error(400, "request_unreadable");
    // Checked first because decoding further down the road takes it for granted that the flag tells the truth.
    let encoded: Encoded<'_> = serde_json::from_str(event.get()).map_err(|_| UNREADABLE)?;
    if encoded.is_base64_encoded && STANDARD.decode(encoded.body.as_deref().unwrap_or_default()).is_err() {
        return Err(Answer::error(400, "body_not_base64"));
    }
    let request = lambda_http::request::from_str(event.get()).map_err(|_| UNREADABLE)?;
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        return Err(Answer::error(405, "method_not_allowed"));
    }
    let content_type = parts.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.is_empty() && !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Answer::error(415, "content_type_not_json"));
    }
    let body = body.to_vec();
    match body.len() {
        0 => Err(Answer::error(400, "body_empty")),
        length if length > LARGEST_BODY => Err(Answer::error(413, "body_too_large")),
        _ => Ok(Request { headers: parts.headers, body }),
    }
}
