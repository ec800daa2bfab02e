//! Idempotency keys with Stripe's rules: the first outcome of an executed POST is kept for 24 hours and replayed,
//! errors included; the same key with anything else about the request changed is refused.

use super::error::Error;
use crate::wire::{Request, Response};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};

const KEPT_FOR_MS: i64 = 24 * 60 * 60 * 1000;
const LONGEST_KEY: usize = 255;

#[derive(Debug, Default)]
pub struct Keys {
    kept: HashMap<String, Outcome>,
    oldest_first: VecDeque<(i64, String)>,
}

#[derive(Debug, Clone)]
struct Outcome {
    path: String,
    fingerprint: [u8; 32],
    request_id: String,
    status: u16,
    body: Vec<u8>,
}

/// The key of a POST; other methods ignore the header.
pub fn key(request: &Request) -> Result<Option<&str>, Error> {
    let Some(key) = request.header("idempotency-key").filter(|_| request.method == "POST") else {
        return Ok(None);
    };
    if key.is_empty() || key.chars().count() > LONGEST_KEY {
        return Err(Error::idempotency(format!("Idempotency keys must have 1 to {LONGEST_KEY} characters.")));
    }
    Ok(Some(key))
}

/// Parameter order does not matter to Stripe, so it does not matter here.
fn fingerprint(request: &Request) -> [u8; 32] {
    let mut pairs: Vec<(String, String)> = form_urlencoded::parse(&request.body).into_owned().collect();
    pairs.extend(form_urlencoded::parse(request.query.as_bytes()).into_owned());
    pairs.sort();
    let mut hash = Sha256::new();
    for (name, value) in pairs {
        hash.update(format!("{}:{name}{}:{value}", name.len(), value.len()));
    }
    hash.finalize().into()
}

impl Keys {
    /// The kept answer to the same request, nothing for a new key, or the refusal of a different request.
    pub fn replay(&mut self, now_ms: i64, key: &str, request: &Request) -> Result<Option<Response>, Error> {
        self.prune(now_ms);
        let Some(outcome) = self.kept.get(key) else {
            return Ok(None);
        };
        if outcome.path != request.path {
            return Err(Error::idempotency(format!(
                "Keys for idempotent requests can only be used for the same endpoint they were first used for ('{}' vs \
                 '{}'). Try using a key other than '{key}' if you meant to execute a different request.",
                request.path, outcome.path
            )));
        }
        if outcome.fingerprint != fingerprint(request) {
            return Err(Error::idempotency(format!(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. Try \
                 using a key other than '{key}' if you meant to execute a different request."
            )));
        }
        let headers = vec![
            ("content-type".into(), "application/json;charset=UTF-8".into()),
            ("idempotent-replayed".into(), "true".into()),
            ("original-request".into(), outcome.request_id.clone()),
        ];
        Ok(Some(Response { status: outcome.status, headers, body: outcome.body.clone() }))
    }

    /// Keeps an outcome. A second one for the same key replaces the first and keeps its age: only a fault does that.
    pub fn keep(&mut self, now_ms: i64, key: &str, request: &Request, request_id: &str, response: &Response) {
        let outcome = Outcome {
            path: request.path.clone(),
            fingerprint: fingerprint(request),
            request_id: request_id.to_owned(),
            status: response.status,
            body: response.body.clone(),
        };
        if self.kept.insert(key.to_owned(), outcome).is_none() {
            self.oldest_first.push_back((now_ms, key.to_owned()));
        }
    }

    fn prune(&mut self, now_ms: i64) {
        while let Some((kept_at, key)) = self.oldest_first.front() {
            if now_ms - kept_at < KEPT_FOR_MS {
                return;
            }
            self.kept.remove(key);
            self.oldest_first.pop_front();
        }
    }
}
