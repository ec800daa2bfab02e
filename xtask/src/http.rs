//! Plain HTTP to servers on this machine.

use std::time::Duration;

use serde_json::Value;

use crate::failure::{Context, Failure, Result};

#[derive(Clone)]
pub struct Http {
    agent: ureq::Agent,
}

pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Http {
    pub fn new(timeout: Duration) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(timeout))
            // A proxy of the environment is for the world outside; everything here is on the loopback interface.
            .proxy(None)
            .build();
        Self { agent: config.new_agent() }
    }

    pub fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer> {
        let doing = format!("{method} {url}");
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = if body.is_empty() && matches!(method, "GET" | "DELETE") {
            self.agent.run(request.body(()).context(&doing)?)
        } else {
            self.agent.run(request.body(body).context(&doing)?)
        };
        let mut response = response.context(&doing)?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(64 << 20).read_to_string().context(&doing)?;
        Ok(Answer { status, body })
    }

    pub fn get(&self, url: &str) -> Result<Answer> {
        self.send("GET", url, &[], "")
    }
}

impl Answer {
    /// The JSON of a 2xx answer; anything else is an error that shows what was said instead.
    pub fn json(&self, doing: &str) -> Result<Value> {
        if !(200..300).contains(&self.status) {
            let said: String = self.body.chars().take(600).collect();
            return Err(Failure::new(format!("{doing} was answered with {}: {said}", self.status)));
        }
        if self.body.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&self.body).context(format_args!("reading the answer to {doing}"))
    }
}

/// `application/x-www-form-urlencoded`.
pub fn form(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_survives_brackets_spaces_and_accents() {
        assert_eq!(
            form(&[("lines[0][amount]", "1"), ("name", "Zoë & Co")]),
            "lines%5B0%5D%5Bamount%5D=1&name=Zo%C3%AB%20%26%20Co"
        );
    }
}
