//! Salesforce's first door, the signed callout: rows 21 to 24 and 29, and what rows 10 to 20 mean here.

use it::{Deal, Env, base64_event, http_event};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{Row, assert_counted, assert_says_nothing_more, play, traces};

const PATH: &str = "/salesforce/events";
const BODY: &str =
    r#"{"type":"opportunity.closed_won","organization_id":"00D000000000001EAA","record_id":"006000000000009"}"#;
const TOO_LARGE: usize = 256 * 1024 + 1;

struct Sender {
    secret: SecretString,
    now: Timestamp,
}

impl Sender {
    fn of(env: &Env) -> Self {
        Self { secret: env.salesforce_door.secrets.current.clone(), now: env.now() }
    }

    fn headers(&self, id: &str, seconds: i64, body: &str) -> Vec<(String, String)> {
        let at = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        let signature = salesforce::signature::sign(&self.secret, id, body.as_bytes(), at).unwrap();
        [
            ("content-type", "application/json"),
            ("webhook-id", id),
            ("webhook-timestamp", &at.as_second().to_string()),
            ("webhook-signature", &signature),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn at(&self, seconds: i64) -> Value {
        http_event("POST", PATH, &self.headers("msg_doors", seconds, BODY), BODY.as_bytes())
    }

    fn named(&self, id: &str) -> Value {
        http_event("POST", PATH, &self.headers(id, 0, BODY), BODY.as_bytes())
    }

    fn signed(&self, body: &str) -> Value {
        http_event("POST", PATH, &self.headers("msg_doors", 0, body), body.as_bytes())
    }

    /// The valid request with another value in one header; `null` leaves it out.
    fn with(&self, header: &str, value: Value) -> Value {
        let mut event = self.signed(BODY);
        let headers = event["headers"].as_object_mut().unwrap();
        headers.remove(header);
        if !value.is_null() {
            headers.insert(header.to_owned(), value);
        }
        event
    }
}

fn signature(sender: &Sender) -> String {
    sender.signed(BODY)["headers"]["webhook-signature"].as_str().unwrap().to_owned()
}

fn method(sender: &Sender, method: &str) -> Value {
    http_event(method, PATH, &sender.headers("msg_doors", 0, BODY), BODY.as_bytes())
}

const ROWS: &[Row<Sender>] = &[
    Row::refused(21, "nothing is signed", |_| http_event("POST", PATH, &[], BODY.as_bytes()), 401, "signature_missing"),
    Row::refused(21, "no signature", |s| s.with("webhook-signature", json!(null)), 401, "signature_missing"),
    Row::refused(21, "a blank signature", |s| s.with("webhook-signature", json!("  ")), 401, "signature_missing"),
    Row::refused(21, "no timestamp", |s| s.with("webhook-timestamp", json!(null)), 401, "signature_missing"),
    Row::refused(21, "a timestamp in words", |s| s.with("webhook-timestamp", json!("now")), 401, "signature_malformed"),
    Row::refused(21, "a negative timestamp", |s| s.with("webhook-timestamp", json!("-1")), 401, "signature_malformed"),
    Row::refused(21, "another time", |s| s.with("webhook-timestamp", json!("1795392001")), 401, "signature_mismatch"),
    Row::refused(
        21,
        "another version",
        |s| s.with("webhook-signature", json!(signature(s).replace("v1,", "v2,"))),
        401,
        "signature_malformed",
    ),
    Row::refused(21, "not base64", |s| s.with("webhook-signature", json!("v1,!!!!")), 401, "signature_mismatch"),
    Row::refused(
        21,
        "seventeen signatures",
        |s| s.with("webhook-signature", json!(format!("{} ", signature(s)).repeat(17))),
        401,
        "signature_malformed",
    ),
    Row::queued(
        21,
        "two signatures, the second one valid",
        |s| s.with("webhook-signature", json!(format!("v1,AAAA {}", signature(s)))),
        202,
    ),
    Row::refused(
        21,
        "somebody else's secret",
        |s| {
            let secret = SecretString::from("whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldA==");
            Sender { secret, ..*s }.signed(BODY)
        },
        401,
        "signature_mismatch",
    ),
    Row::refused(
        21,
        "another body",
        |s| {
            let mut event = s.signed(BODY);
            event["body"] = BODY.replace("006000000000009", "006000000000008").into();
            event
        },
        401,
        "signature_mismatch",
    ),
    Row::refused(21, "another id", |s| s.with("webhook-id", json!("msg_other")), 401, "signature_mismatch"),
    Row::refused(21, "301 s old", |s| s.at(-301), 401, "timestamp_outside_tolerance"),
    Row::refused(21, "301 s ahead", |s| s.at(301), 401, "timestamp_outside_tolerance"),
    Row::queued(21, "299 s old", |s| s.at(-299), 202),
    Row::refused(
        21,
        "another organization",
        |s| s.signed(&BODY.replace("00D000000000001EAA", "00D000000000002")),
        401,
        "organization_unknown",
    ),
    Row::refused(22, "no id", |s| s.with("webhook-id", json!(null)), 400, "webhook_id_invalid"),
    Row::refused(22, "an empty id, and it is signed", |s| s.named(""), 400, "webhook_id_invalid"),
    Row::refused(22, "an id of 700 characters", |s| s.named(&"x".repeat(700)), 400, "webhook_id_invalid"),
    Row::refused(22, "an id that is a path", |s| s.named("../etc"), 400, "webhook_id_invalid"),
    Row::queued(22, "an id of 256 characters", |s| s.named(&"x".repeat(256)), 202),
    Row::queued(
        10,
        "base64 of the right bytes",
        |s| base64_event("POST", PATH, &s.headers("msg_doors", 0, BODY), BODY.as_bytes()),
        202,
    ),
    Row::refused(
        10,
        "the flag says base64, and it is not",
        |s| {
            let mut event = s.signed(BODY);
            event["isBase64Encoded"] = true.into();
            event
        },
        400,
        "body_not_base64",
    ),
    Row::queued(
        11,
        "an emoji beside the id",
        |s| s.signed(&BODY.replace("{\"type\"", "{\"Name\":\"📄\u{2028}\",\"type\"")),
        202,
    ),
    Row::refused(12, "an empty body", |s| s.signed(""), 400, "body_empty"),
    Row::refused(12, "too large, and signed", |s: &Sender| s.signed(&"x".repeat(TOO_LARGE)), 413, "body_too_large")
        .counted(&["Quarantined", "Rejected"]),
    Row::quarantined(13, "signed, and not JSON", |s| s.signed("hello")),
    Row::quarantined(13, "signed, and broken off", |s| s.signed(&BODY[..BODY.len() - 3])),
    Row::quarantined(13, "signed, about an account", |s| s.signed(&BODY.replace("006", "001"))),
    Row::quarantined(13, "signed, without an organization", |s| s.signed(&BODY.replace("organization_id", "org"))),
    Row::ignored(14, "a type of tomorrow", |s| s.signed(&BODY.replace("closed_won", "of_tomorrow"))),
    Row::refused(20, "GET", |s| method(s, "GET"), 405, "method_not_allowed"),
    Row::refused(20, "DELETE", |s| method(s, "DELETE"), 405, "method_not_allowed"),
    Row::refused(20, "SOAP", |s| s.with("content-type", json!("text/xml")), 415, "content_type_not_json"),
];

#[tokio::test]
async fn every_row() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let sender = Sender::of(&env);
    play(&env, ROWS, &sender, async |event| env.call_salesforce(event).await).await;
    env.settle_for_days().await;
    // The organization has no such opportunity.
    assert_eq!((env.stripe_calls(), env.invoices().len()), (Vec::new(), 0));
}

#[test]
fn every_row_is_counted() {
    assert_counted("doors::salesforce::every_row", ROWS);
}

/// Row 23: what a callout says about money is not even read.
#[tokio::test]
async fn the_amount_of_the_record_is_billed_and_not_the_callouts() {
    let env = Env::start().await;
    let opportunity = env.enter(&Deal::negotiated("48000", 4_800_000, "48000", "1")).await;
    env.close(&opportunity);
    env.sandbox.salesforce.take_deliveries();
    let body = json!({
        "type": "opportunity.closed_won", "organization_id": "00D000000000001EAA", "record_id": opportunity,
        "Amount": 1, "StageName": "Closed Won", "lines": [{ "TotalPrice": 1 }],
    });
    let reply = env.call_salesforce(&Sender::of(&env).signed(&body.to_string())).await;
    assert_eq!((reply.status, reply.code()), (202, "queued"));
    env.settle().await;
    assert_eq!((env.invoices().len(), &env.invoices()[0]["total"]), (1, &json!(4_800_000)));
}

/// Row 24.
#[tokio::test]
async fn a_deal_that_is_not_won_any_more_costs_one_read() {
    let env = Env::start().await;
    let opportunity = env.enter(&Deal::three_lines()).await;
    env.settle().await;
    env.close(&opportunity);
    let replies = env.deliver().await;
    env.update("Opportunity", &opportunity, json!({ "StageName": "Negotiation/Review" }));
    env.settle().await;
    assert_eq!(replies.iter().map(|reply| reply.status).collect::<Vec<_>>(), [202]);
    assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (0, 1));
    let id = workflow::RunId::OpportunityWon {
        organization_id: env.salesforce_door.organization_id.clone(),
        opportunity_id: domain::OpportunityId::parse(&opportunity).unwrap(),
    };
    let run = env.ledger().run(&id.to_string()).await.unwrap().unwrap();
    assert_eq!((run.status.as_str(), run.run.stop().unwrap().code.as_str()), ("rejected", "not_closed_won"));
}

/// Row 29, by callout: our write-back made somebody's flow call out once more.
#[tokio::test]
async fn another_callout_for_a_billed_deal_writes_nothing() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    env.clear_calls();
    env.advance(SignedDuration::from_secs(60));
    let sender = Sender::of(&env);
    let reply = env.call_salesforce(&sender.signed(&BODY.replace("006000000000009", &opportunity))).await;
    assert_eq!(reply.status, 202);
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity), record);
    assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (0, 1));
}

#[tokio::test]
async fn without_a_queue_nobody_hears_yes() {
    let env = Env::start().await;
    let sender = Sender::of(&env);
    env.sqs.set_down(true);
    for body in [BODY, "not JSON"] {
        let reply = env.call_salesforce(&sender.signed(body)).await;
        assert_eq!((reply.status, reply.code()), (503, "queue_unavailable"));
        assert_says_nothing_more(&reply, "without a queue");
    }
    env.sqs.set_down(false);
    assert_eq!(traces(&env), [0; 5]);
}
