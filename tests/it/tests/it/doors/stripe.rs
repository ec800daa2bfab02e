//! Stripe's door: rows 1 to 20, one request each. What takes more than one request is told in `stories`.

mod stories;

use it::{Env, base64_event, http_event};
use jiff::{SignedDuration, Timestamp};
use platform::Rotating;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{Row, assert_counted, play};

const PATH: &str = "/stripe/webhook";
const PREVIOUS_SECRET: &str = "whsec_the_secret_before";
const EVENT: &str = r#"{"id":"evt_doors","object":"event","type":"invoice.paid","livemode":false,"created":1795392000,
    "api_version":"2026-10-28.endive","data":{"object":{"id":"in_doors","object":"invoice","paid":true}}}"#;
const TOO_LARGE: usize = 256 * 1024 + 1;

struct Sender {
    secret: SecretString,
    now: Timestamp,
}

impl Sender {
    fn of(env: &Env) -> Self {
        Self { secret: env.stripe_door.secrets.current.clone(), now: env.now() }
    }

    fn header_at(&self, seconds: i64, body: &str) -> String {
        let at = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        stripe::signature::sign(&self.secret, body.as_bytes(), at)
    }

    fn header(&self, body: &str) -> String {
        self.header_at(0, body)
    }

    /// The 64 digits of the valid signature of the event.
    fn digest(&self) -> String {
        self.header(EVENT).split_once(",v1=").unwrap().1.to_owned()
    }

    /// A header with this time and these digests, which are valid for now.
    fn with_time(&self, time: &str) -> Value {
        with(&format!("{time},v1={}", self.digest()), EVENT)
    }

    fn signed(&self, body: &str) -> Value {
        with(&self.header(body), body)
    }

    fn seconds(&self) -> String {
        format!("t={}", self.now.as_second())
    }
}

fn headers(signature: &str) -> [(String, String); 2] {
    [("content-type", "application/json; charset=utf-8"), ("stripe-signature", signature)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

fn with(signature: &str, body: &str) -> Value {
    http_event("POST", PATH, &headers(signature), body.as_bytes())
}

fn method(sender: &Sender, method: &str) -> Value {
    http_event(method, PATH, &headers(&sender.header(EVENT)), EVENT.as_bytes())
}

fn content_type(sender: &Sender, content_type: &str) -> Value {
    let mut event = sender.signed(EVENT);
    event["headers"]["content-type"] = content_type.into();
    event
}

const ROWS: &[Row<Sender>] = &[
    Row::refused(1, "no signature", |_| http_event("POST", PATH, &[], EVENT.as_bytes()), 401, "signature_missing"),
    Row::refused(2, "an empty signature", |_| with("", EVENT), 401, "signature_malformed"),
    Row::refused(2, "no t", |s| with(&format!("v1={}", s.digest()), EVENT), 401, "signature_malformed"),
    Row::refused(2, "no v1", |s| with(&s.seconds(), EVENT), 401, "signature_malformed"),
    Row::refused(2, "v0 alone", |s| with(&s.header(EVENT).replace("v1=", "v0="), EVENT), 401, "signature_malformed"),
    Row::refused(2, "not ASCII", |s| with(&format!("{},x=é", s.header(EVENT)), EVENT), 401, "signature_malformed"),
    Row::refused(2, "a line break in a header", |_| with("t=1\r\nx: y", EVENT), 400, "request_unreadable"),
    Row::queued(
        3,
        "two v1, the second one valid",
        |s| with(&format!("{},v1={},v1={}", s.seconds(), "0".repeat(64), s.digest()), EVENT),
        200,
    ),
    Row::queued(
        3,
        "sixteen v1",
        |s| with(&format!("{},v1=0{}", s.seconds(), format!(",v1={}", s.digest()).repeat(15)), EVENT),
        200,
    ),
    Row::refused(
        4,
        "101 v1, all of them valid",
        |s| with(&format!("{}{}", s.seconds(), format!(",v1={}", s.digest()).repeat(101)), EVENT),
        401,
        "signature_malformed",
    ),
    Row::refused(
        4,
        "a valid header of more than 4 KB",
        |s| with(&format!("{},v2={}", s.header(EVENT), "x".repeat(4096)), EVENT),
        401,
        "signature_malformed",
    ),
    Row::refused(5, "t is no number", |s| s.with_time("t=NaN"), 401, "signature_malformed"),
    Row::refused(5, "t is negative", |s| s.with_time("t=-1"), 401, "signature_malformed"),
    Row::refused(5, "t is empty", |s| s.with_time("t="), 401, "signature_malformed"),
    Row::refused(5, "t has 20 digits", |s| s.with_time("t=99999999999999999999"), 401, "signature_malformed"),
    Row::refused(5, "t has 12 digits", |s| s.with_time("t=999999999999"), 401, "signature_mismatch"),
    Row::refused(5, "two t", |s| s.with_time("t=1,t=2"), 401, "signature_malformed"),
    Row::refused(5, "two t, both valid", |s| s.with_time(&format!("{0},{0}", s.seconds())), 401, "signature_malformed"),
    Row::refused(6, "301 s old", |s| with(&s.header_at(-301, EVENT), EVENT), 401, "timestamp_outside_tolerance"),
    Row::refused(6, "301 s ahead", |s| with(&s.header_at(301, EVENT), EVENT), 401, "timestamp_outside_tolerance"),
    Row::queued(6, "299 s old", |s| with(&s.header_at(-299, EVENT), EVENT), 200),
    Row::queued(
        7,
        "the secret before, while it overlaps",
        |s: &Sender| {
            let before = SecretString::from(PREVIOUS_SECRET);
            Sender { secret: before, ..*s }.signed(EVENT)
        },
        200,
    )
    .counted(&["PreviousSecretUsed", "EventsQueued"]),
    Row::refused(
        7,
        "a secret that was never ours",
        |s| {
            let other = SecretString::from("whsec_of_somebody_else");
            Sender { secret: other, ..*s }.signed(EVENT)
        },
        401,
        "signature_mismatch",
    ),
    Row::refused(
        9,
        "one byte changed",
        |s| with(&s.header(EVENT), &EVENT.replace("in_doors", "in_door5")),
        401,
        "signature_mismatch",
    ),
    Row::refused(9, "one byte more", |s| with(&s.header(EVENT), &format!("{EVENT}\n")), 401, "signature_mismatch"),
    Row::refused(
        9,
        "written anew",
        |s| {
            let parsed: Value = serde_json::from_str(EVENT).unwrap();
            with(&s.header(EVENT), &parsed.to_string())
        },
        401,
        "signature_mismatch",
    ),
    Row::refused(
        9,
        "a byte order mark before it",
        |s| with(&s.header(EVENT), &format!("\u{feff}{EVENT}")),
        401,
        "signature_mismatch",
    ),
    Row::queued(
        10,
        "base64 of the right bytes",
        |s| base64_event("POST", PATH, &headers(&s.header(EVENT)), EVENT.as_bytes()),
        200,
    ),
    Row::refused(
        10,
        "the flag says base64, and it is not",
        |s| {
            let mut event = s.signed(EVENT);
            event["isBase64Encoded"] = true.into();
            event
        },
        400,
        "body_not_base64",
    ),
    Row::queued(
        11,
        "an emoji and a line separator",
        |s| s.signed(&EVENT.replace("\"paid\":true", "\"note\":\"📄\u{2028}é\"")),
        200,
    ),
    Row::queued(
        11,
        "the same in base64",
        |s| {
            let body = EVENT.replace("\"paid\":true", "\"note\":\"📄\u{2028}é\"");
            base64_event("POST", PATH, &headers(&s.header(&body)), body.as_bytes())
        },
        200,
    ),
    Row::refused(12, "an empty body", |s| s.signed(""), 400, "body_empty"),
    Row::refused(
        12,
        "no body at all",
        |s| {
            let mut event = s.signed("");
            event.as_object_mut().unwrap().remove("body");
            event
        },
        400,
        "body_empty",
    ),
    Row::refused(12, "too large", |_: &Sender| with("t=1,v1=0", &"x".repeat(TOO_LARGE)), 413, "body_too_large")
        .counted(&["Quarantined", "Rejected"]),
    Row::refused(12, "too large, and signed", |s: &Sender| s.signed(&"x".repeat(TOO_LARGE)), 413, "body_too_large")
        .counted(&["Quarantined", "Rejected"]),
    Row::quarantined(12, "as large as it may be", |s| s.signed(&"x".repeat(TOO_LARGE - 1))),
    Row::quarantined(13, "signed, and not JSON", |s| s.signed("hello <script>")),
    Row::quarantined(13, "signed, and broken off", |s| s.signed(&EVENT[..EVENT.len() - 9])),
    Row::quarantined(13, "signed, and no event", |s| s.signed(r#"{"object":"list"}"#)),
    Row::quarantined(13, "signed, with an id that is none", |s| s.signed(&EVENT.replace("evt_doors", "../doors"))),
    Row::quarantined(13, "signed, and nested too deeply", |s| s.signed(&"[".repeat(100_000))),
    Row::ignored(14, "a type, a field and a version of tomorrow", |s| {
        s.signed(
            &EVENT
                .replace("invoice.paid", "invoice.of_tomorrow")
                .replace("2026-10-28.endive", "2031-01-01.x")
                .replace("\"paid\"", "\"zzz\""),
        )
    }),
    Row::queued(
        14,
        "a field and a version of tomorrow",
        |s| s.signed(&EVENT.replace("2026-10-28.endive", "2031-01-01.x").replace("\"paid\"", "\"zzz\"")),
        200,
    ),
    Row::quarantined(13, "a paid object that is no invoice", |s| s.signed(&EVENT.replace("in_doors", "ch_doors"))),
    Row::queued(17, "a failed payment", |s| s.signed(&EVENT.replace("invoice.paid", "invoice.payment_failed")), 200),
    Row::ignored(17, "an invoice that is sent", |s| s.signed(&EVENT.replace("invoice.paid", "invoice.sent"))),
    Row {
        code: "ignored_mode",
        counted: &["WrongMode"],
        ..Row::ignored(15, "live, and this is a test", |s: &Sender| {
            s.signed(&EVENT.replace(r#""livemode":false"#, r#""livemode":true"#))
        })
    },
    Row::refused(20, "GET", |s| method(s, "GET"), 405, "method_not_allowed"),
    Row::refused(20, "PUT", |s| method(s, "PUT"), 405, "method_not_allowed"),
    Row::refused(20, "TRACE", |s| method(s, "TRACE"), 405, "method_not_allowed"),
    Row::refused(20, "OPTIONS", |s| method(s, "OPTIONS"), 405, "method_not_allowed"),
    Row::refused(20, "XML", |s| content_type(s, "text/xml"), 415, "content_type_not_json"),
    Row::refused(20, "a form", |s| content_type(s, "application/x-www-form-urlencoded"), 415, "content_type_not_json"),
    Row::queued(20, "JSON in capitals", |s| content_type(s, "Application/JSON"), 200),
];

#[tokio::test]
async fn every_row() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let sender = Sender::of(&env);
    let rolled = json!({
        "current": sender.secret.expose_secret(),
        "previous": PREVIOUS_SECRET,
        "previous_expires_at": sender.now.as_second() + 60,
    });
    env.stripe_door.secrets = Rotating::parse(&SecretString::from(rolled.to_string())).unwrap();
    play(&env, ROWS, &sender, async |event| env.call_stripe(event).await).await;
    // Stripe knows no such invoice, so what was queued comes to nothing.
    env.settle().await;
    assert_eq!(env.aws.items(), [json!(null); 0]);
    assert_eq!(env.salesforce_calls(), [""; 0]);
    for note in env.sqs.dead_letters() {
        let keys: Vec<_> = note.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            ["quarantined", "source", "sha256", "bytes", "received_at"],
            "a note keeps nothing of the body"
        );
    }
}

#[test]
fn every_row_is_counted() {
    assert_counted("doors::stripe::every_row", ROWS);
}
