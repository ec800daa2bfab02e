//! The control endpoint below `/_sandbox/`. It takes no credentials: whoever reaches loopback may break the sandbox.

use super::{Shell, lock};
use crate::faults::FaultRule;
use crate::wire::{Request, Response, Service};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(untagged)]
enum Rules {
    One(FaultRule),
    Many(Vec<FaultRule>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_ms: u32,
}

pub fn answer<S: Service>(shell: &Shell<S>, below: &str, request: &Request) -> Response {
    match (request.method.as_str(), below) {
        ("GET", "health") => ok(json!({ "ok": true, "now_ms": shell.clock.now_ms() })),
        ("GET", "faults") => ok(json!({ "faults": lock(&shell.faults).rules() })),
        ("POST", "faults") => match serde_json::from_slice::<Rules>(&request.body) {
            Ok(rules) => {
                let rules = match rules {
                    Rules::One(rule) => vec![rule],
                    Rules::Many(rules) => rules,
                };
                rules.into_iter().for_each(|rule| shell.inject(rule));
                ok(json!({ "faults": lock(&shell.faults).rules() }))
            }
            Err(_) => {
                refused("expected a fault rule or a list of them: {\"method\"?, \"path\"?, \"fault\": {\"kind\": …}}")
            }
        },
        ("DELETE", "faults") => {
            lock(&shell.faults).clear();
            ok(json!({ "faults": [] }))
        }
        ("GET", "requests") => ok(json!({ "requests": lock(&shell.requests).entries() })),
        ("DELETE", "requests") => {
            lock(&shell.requests).clear();
            ok(json!({ "requests": [] }))
        }
        ("GET", "deliveries") => ok(json!({ "deliveries": &*lock(&shell.deliveries) })),
        ("GET", "clock") => ok(json!({ "now_ms": shell.clock.now_ms() })),
        ("POST", "clock") => match serde_json::from_slice::<Advance>(&request.body) {
            Ok(Advance { advance_ms }) => {
                shell.clock.advance(advance_ms);
                shell.flush();
                ok(json!({ "now_ms": shell.clock.now_ms() }))
            }
            Err(_) => refused("expected {\"advance_ms\": <milliseconds>}"),
        },
        _ => {
            let own = lock(&shell.service).control(shell.clock.now_ms(), request);
            shell.flush();
            own.unwrap_or_else(|| Response::json(404, &json!({ "error": "no such control endpoint" })))
        }
    }
}

fn ok(body: Value) -> Response {
    Response::json(200, &body)
}

fn refused(message: &str) -> Response {
    Response::json(400, &json!({ "error": message }))
}
