//! Stripe's door: rows 1 to 20.

use futures::future::join_all;
use it::{Deal, Env, base64_event, http_event};
use jiff::{SignedDuration, Timestamp};
use platform::Rotating;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{Row, Trace, assert_counted, assert_no_echo, assert_says_nothing_more, play, traces};

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
    Row::ignored(17, "a failed payment", |s| s.signed(&EVENT.replace("invoice.paid", "invoice.payment_failed"))),
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

/// Row 7, the end of the overlap.
#[tokio::test]
async fn the_secret_before_is_refused_when_its_time_is_over() {
    let mut env = Env::start().await;
    let current = env.stripe_door.secrets.current.clone();
    let sender = Sender { secret: SecretString::from(PREVIOUS_SECRET), now: env.now() };
    for (seconds_left, status) in [(1, 200), (0, 401), (-1, 401)] {
        let expires_at = sender.now.as_second() + seconds_left;
        let rolled = json!({ "current": current.expose_secret(), "previous": PREVIOUS_SECRET, "previous_expires_at": expires_at });
        env.stripe_door.secrets = Rotating::parse(&SecretString::from(rolled.to_string())).unwrap();
        assert_eq!(env.call_stripe(&sender.signed(EVENT)).await.status, status, "{seconds_left} s before its end");
    }
    env.settle().await;
}

/// Row 9, for every byte; and row 2, for a header that breaks off anywhere.
#[tokio::test]
async fn no_byte_of_a_signed_request_can_be_changed() {
    let env = Env::start().await;
    let sender = Sender::of(&env);
    let header = sender.header(EVENT);
    for index in 0..EVENT.len() {
        let mut body = EVENT.as_bytes().to_vec();
        body[index] ^= 1;
        let reply = env.call_stripe(&base64_event("POST", PATH, &headers(&header), &body)).await;
        assert_eq!((reply.status, reply.code()), (401, "signature_mismatch"), "byte {index}");
    }
    for length in 0..header.len() {
        let event = with(&header[..length], EVENT);
        let reply = env.call_stripe(&event).await;
        assert_eq!(reply.status, 401, "a header of {length} bytes");
        assert_no_echo(&reply, &event, "row 2");
        assert_says_nothing_more(&reply, "row 2");
    }
    assert_eq!(traces(&env), [0; 5]);
}

/// Row 15, the reverse: play money would be taken for paid.
#[tokio::test]
async fn a_test_event_at_the_live_endpoint_is_ignored() {
    let mut env = Env::start().await;
    env.stripe_door.livemode = true;
    let reply = env.call_stripe(&Sender::of(&env).signed(EVENT)).await;
    assert_eq!((reply.status, reply.code()), (200, "ignored_mode"));
    assert_eq!(traces(&env), [0; 5]);
}

/// Row 16.
#[tokio::test]
async fn one_payment_told_a_hundred_times_at_once_is_written_once() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.pay(&invoice).await;
    let deliveries = env.sandbox.stripe.take_deliveries();
    let paid =
        deliveries.iter().find(|delivery| delivery.body.windows(14).any(|text| text == b"\"invoice.paid\"")).unwrap();
    let replies = join_all((0..100).map(|_| env.post(paid))).await;
    assert!(replies.iter().all(|reply| (reply.status, reply.code()) == (200, "queued")));
    assert_eq!(env.sqs.work().len(), 100);
    while let Some(next) = env.sqs.next_visible_ms() {
        env.clock.advance(u32::try_from((next - env.clock.now_ms()).max(0)).unwrap());
        let workers: Vec<_> = (0..10).map(|_| env.sqs.receive(10)).filter(|batch| !batch.is_empty()).collect();
        join_all(workers.into_iter().map(|batch| env.invoke(batch))).await;
    }
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
    let run = workflow::RunId::InvoicePaid {
        organization_id: env.salesforce_door.organization_id.clone(),
        invoice_id: domain::InvoiceId::parse(&invoice).unwrap(),
    };
    let log = env.ledger().call_log(&run).await.unwrap();
    let calls: Vec<_> = log.iter().map(|entry| format!("{} {}", entry.call, entry.outcome)).collect();
    assert_eq!(calls, ["read_invoice ok", "read_billing ok", "update_records ok"]);
}

/// Row 17: what an event says is a hint, what the invoice says is true.
#[tokio::test]
async fn events_in_the_wrong_order_change_nothing() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    let about = |env: &Env, id: &str, event_type: &str| {
        let body = EVENT.replace("in_doors", &invoice).replace("evt_doors", id).replace("invoice.paid", event_type);
        Sender::of(env).signed(&body)
    };
    // It says that it is paid, and it is not. That is asked again.
    assert_eq!(env.call_stripe(&about(&env, "evt_1", "invoice.paid")).await.status, 200);
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], false);
    assert_eq!(env.sqs.work().len(), 1);
    // It is paid now; what is told of the time before comes late.
    env.pay(&invoice).await;
    env.settle_for_days().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!(record["Payment_Received__c"], true);
    for (id, event_type) in
        [("evt_2", "invoice.finalized"), ("evt_3", "invoice.payment_failed"), ("evt_4", "invoice.paid")]
    {
        assert_eq!(env.call_stripe(&about(&env, id, event_type)).await.status, 200, "{event_type}");
        env.settle().await;
    }
    assert_eq!(env.record("Opportunity", &opportunity), record);
}

/// Row 18: one look at Stripe, and nothing else.
#[tokio::test]
async fn an_invoice_without_our_metadata_is_ignored() {
    let env = Env::start().await;
    let customer = env.stripe_post("/v1/customers", "name=Somebody&email=a@b.example").await;
    let body = format!("customer={}&currency=usd", customer["id"].as_str().unwrap());
    let invoice = env.stripe_post("/v1/invoices", &body).await["id"].as_str().unwrap().to_owned();
    env.sandbox.stripe.take_deliveries();
    let reply = env.call_stripe(&Sender::of(&env).signed(&EVENT.replace("in_doors", &invoice))).await;
    assert_eq!((reply.status, reply.code()), (200, "queued"));
    env.settle().await;
    assert_eq!(traces(&env), [0, 0, 0, 1, 0]);
}

/// Row 19.
#[tokio::test]
async fn a_captured_request_is_refused_after_ten_minutes_and_a_duplicate_before() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    env.pay(env.invoices()[0]["id"].as_str().unwrap()).await;
    let captured = env.sandbox.stripe.take_deliveries();
    for delivery in &captured {
        assert_eq!(env.post(delivery).await.status, 200);
    }
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    env.clear_calls();
    for (minutes, status) in [(4, 200), (6, 401)] {
        env.advance(SignedDuration::from_mins(minutes));
        for delivery in &captured {
            assert_eq!(env.post(delivery).await.status, status);
        }
        env.settle().await;
    }
    assert_eq!(env.record("Opportunity", &opportunity), record);
    assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (0, 0));
}

/// A sender that hears "yes" never sends again, so it hears it only when the event is safe.
#[tokio::test]
async fn without_a_queue_nobody_hears_yes() {
    let env = Env::start().await;
    let sender = Sender::of(&env);
    env.sqs.set_down(true);
    for body in [EVENT, "not JSON"] {
        let reply = env.call_stripe(&sender.signed(body)).await;
        assert_eq!((reply.status, reply.code()), (503, "queue_unavailable"));
        assert_says_nothing_more(&reply, "without a queue");
    }
    env.sqs.set_down(false);
    assert_eq!(traces(&env), super::with_trace([0; 5], Trace::Nothing));
}

/// Row 20, the rest of it: the API has one route for each door, so API Gateway answers 404 to every other path.
#[test]
fn no_other_path_leads_to_a_function() {
    let template = include_str!("../../../../../template.yaml");
    let routes: Vec<_> = template.lines().filter_map(|line| line.trim().strip_prefix("RouteKey: ")).collect();
    assert_eq!(routes, ["ANY /stripe/webhook", "ANY /salesforce/events"]);
}
