//! Faults on demand: rules that say which requests are to go wrong, and how.

use crate::wire::Request;
use serde::{Deserialize, Serialize};

/// A request matches by method, path and a piece of its body, each only if given. In a path `*` stands for one segment
/// and `**` for any number of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    #[serde(default = "any_path")]
    pub path: String,
    /// Names a Salesforce composite request by the URL of one of its parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_contains: Option<String>,
    /// How many matching requests go well first.
    #[serde(default)]
    pub skip: u32,
    /// How many go wrong then.
    #[serde(default = "once")]
    pub times: u32,
    pub fault: Fault,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// Stripe: 429. Salesforce: 403 `REQUEST_LIMIT_EXCEEDED`.
    RateLimited,
    /// 500 without effect, remembered by nobody.
    ServerError,
    /// 500 without effect; Stripe's idempotency key replays it.
    ServerErrorStored,
    /// The effect takes place, the answer is a 500; Stripe's idempotency key replays it.
    ServerErrorAfterCommit,
    /// 503 with a page for people, as load balancers send it.
    UnavailableHtml,
    /// The effect takes place at once, the answer comes late.
    Slow { delay_ms: u64 },
    /// The effect takes place; half the promised body is sent before the connection closes.
    HalfBody,
    /// The effect takes place; the connection closes without an answer.
    AnswerLost,
    /// Nobody listens for this long. A refused connection never says what it wanted, so the port closes right after the
    /// last request to `skip` was answered, and at once when there is none.
    ConnectionRefused { for_ms: u64 },
    /// Stripe: 409 `idempotency_key_in_use`. Salesforce: 409 `UNABLE_TO_LOCK_ROW`.
    InUse,
    /// Any answer, without effect.
    Status {
        status: u16,
        #[serde(default)]
        body: String,
    },
}

impl Fault {
    pub fn name(&self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
            Self::ServerErrorStored => "server_error_stored",
            Self::ServerErrorAfterCommit => "server_error_after_commit",
            Self::UnavailableHtml => "unavailable_html",
            Self::Slow { .. } => "slow",
            Self::HalfBody => "half_body",
            Self::AnswerLost => "answer_lost",
            Self::ConnectionRefused { .. } => "connection_refused",
            Self::InUse => "in_use",
            Self::Status { .. } => "status",
        }
    }
}

fn any_path() -> String {
    "**".into()
}

fn once() -> u32 {
    1
}

impl FaultRule {
    /// The next matching request goes wrong.
    pub fn once(method: &str, path: &str, fault: Fault) -> Self {
        Self { method: Some(method.into()), path: path.into(), body_contains: None, skip: 0, times: 1, fault }
    }

    pub fn skip(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    pub fn body_contains(self, text: &str) -> Self {
        Self { body_contains: Some(text.into()), ..self }
    }

    fn matches(&self, request: &Request) -> bool {
        let pattern: Vec<&str> = self.path.split('/').collect();
        let path: Vec<&str> = request.path.split('/').collect();
        self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(&request.method))
            && path_matches(&pattern, &path)
            && self.body_contains.as_ref().is_none_or(|text| contains(&request.body, text.as_bytes()))
    }
}

fn path_matches(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => (0..=path.len()).any(|skipped| path_matches(rest, &path[skipped..])),
        (Some((segment, rest)), Some((actual, left))) => {
            (*segment == "*" || segment == actual) && path_matches(rest, left)
        }
        _ => false,
    }
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text)
}

/// What one request is to suffer: a fault in its place, and a closed port behind it.
#[derive(Debug, Default)]
pub struct Suffered {
    pub fault: Option<Fault>,
    pub then_refuse_ms: Option<u64>,
}

/// The rules in the order they were given. The first that has something to say about a request says it; rules that
/// only count a request as one to skip let the next ones speak.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Vec<FaultRule>,
}

impl Faults {
    /// Adds a rule; the answer is for how long the port is to be closed at once.
    pub fn inject(&mut self, rule: FaultRule) -> Option<u64> {
        match rule.fault {
            Fault::ConnectionRefused { for_ms } if rule.skip == 0 => return Some(for_ms),
            _ if rule.times > 0 => self.rules.push(rule),
            _ => {}
        }
        None
    }

    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// What is still to come.
    pub fn rules(&self) -> &[FaultRule] {
        &self.rules
    }

    pub fn suffer(&mut self, request: &Request) -> Suffered {
        let mut suffered = Suffered::default();
        for rule in &mut self.rules {
            if suffered.fault.is_some() || !rule.matches(request) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                if let (0, Fault::ConnectionRefused { for_ms }) = (rule.skip, &rule.fault) {
                    suffered.then_refuse_ms = Some(*for_ms);
                    rule.times = 0;
                }
                continue;
            }
            rule.times -= 1;
            suffered.fault = Some(rule.fault.clone());
        }
        self.rules.retain(|rule| rule.times > 0);
        suffered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, path: &str) -> Request {
        Request {
            method: method.into(),
            path: path.into(),
            body: b"/sobjects/Account/1".to_vec(),
            ..Request::default()
        }
    }

    #[test]
    fn paths_match_by_segment() {
        let check = |pattern: &str, path: &str, expected: bool| {
            let rule = FaultRule::once("POST", pattern, Fault::ServerError);
            assert_eq!(rule.matches(&request("POST", path)), expected, "{pattern} {path}");
        };
        check("/v1/customers", "/v1/customers", true);
        check("/v1/customers", "/v1/customers/cus_1", false);
        check("/v1/invoices/*/send", "/v1/invoices/in_1/send", true);
        check("/v1/invoices/*", "/v1/invoices/in_1/send", false);
        check("/v1/**", "/v1/invoices/in_1/send", true);
        check("/**/send", "/v1/invoices/in_1/send", true);
        check("**", "/anything/at/all", true);
    }

    #[test]
    fn a_rule_skips_then_fails_then_is_spent() {
        let mut faults = Faults::default();
        faults.inject(FaultRule::once("POST", "/v1/*", Fault::AnswerLost).skip(1).times(2));
        let outcomes: Vec<bool> = (0..5).map(|_| faults.suffer(&request("POST", "/v1/x")).fault.is_some()).collect();
        assert_eq!(outcomes, [false, true, true, false, false]);
        assert!(faults.rules().is_empty());
    }

    #[test]
    fn method_and_body_narrow_a_rule() {
        let mut faults = Faults::default();
        faults.inject(FaultRule::once("POST", "**", Fault::ServerError).body_contains("/sobjects/Account"));
        assert!(faults.suffer(&request("GET", "/x")).fault.is_none());
        assert!(faults.suffer(&request("post", "/x")).fault.is_some());
    }

    #[test]
    fn refusing_connections_starts_behind_the_last_skipped_request() {
        let refuse = |skip| FaultRule::once("POST", "**", Fault::ConnectionRefused { for_ms: 7 }).skip(skip);
        let mut faults = Faults::default();
        assert_eq!(faults.inject(refuse(0)), Some(7));
        assert_eq!(faults.inject(refuse(2)), None);
        assert_eq!(faults.suffer(&request("POST", "/x")).then_refuse_ms, None);
        assert_eq!(faults.suffer(&request("POST", "/x")).then_refuse_ms, Some(7));
        assert!(faults.rules().is_empty());
    }

    #[test]
    fn rules_read_from_json() {
        let rule: FaultRule =
            serde_json::from_str(r#"{"path":"/v1/invoices","fault":{"kind":"slow","delay_ms":3}}"#).unwrap();
        assert_eq!((rule.times, rule.skip, rule.fault), (1, 0, Fault::Slow { delay_ms: 3 }));
        assert!(serde_json::from_str::<FaultRule>(r#"{"pth":"/v1","fault":{"kind":"slow","delay_ms":3}}"#).is_err());
    }
}
