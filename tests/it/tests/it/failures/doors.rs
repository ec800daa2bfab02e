//! What is checked at the doors, on which bytes, and how often.

use it::{Deal, Env, Reply, base64_event, http_event};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::billed_once;

const STRIPE: &str = "/stripe/webhook";
const SALESFORCE: &str = "/salesforce/events";
/// Blanks, an escape, a letter beyond ASCII and a line separator: whoever writes it anew writes it otherwise.
const PAYMENT: &str = "{ \"id\":\"evt_1\" ,\n\t\"type\":\"invoice.paid\",\"livemode\":false,\"created\":1795392000,\"note\":\
    \"\\u00e9 📄 \u{2028}\",\"data\":{\"object\":{\"id\":\"in_1\"}} }";
const CALLOUT: &str = "{ \"type\":\"opportunity.closed_won\" ,\n\t\"note\":\"\\u00e9 📄 \u{2028}\",\
    \"organization_id\":\"00D000000000001EAA\",\"record_id\":\"006000000000009\"}";

/// The headers that sign this body, so many seconds away from now.
fn stripe_headers(env: &Env, seconds: i64, body: &[u8]) -> Vec<(String, String)> {
    let at = env.now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
    let signature = stripe::signature::sign(&env.stripe_door.secrets.current, body, at);
    owned(&[("content-type", "application/json"), ("stripe-signature", &signature)])
}

fn salesforce_headers(env: &Env, seconds: i64, body: &[u8]) -> Vec<(String, String)> {
    let at = env.now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
    let signature = salesforce::signature::sign(&env.salesforce_door.secrets.current, "msg_1", body, at).unwrap();
    owned(&[
        ("content-type", "application/json"),
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", &at.as_second().to_string()),
        ("webhook-signature", &signature),
    ])
}

fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn post(env: &Env, path: &str, event: &Value) -> Reply {
    if path == STRIPE { env.call_stripe(event).await } else { env.call_salesforce(event).await }
}

/// F17. A framework parsed the body and wrote it anew before anybody had verified it, so no signature ever matched.
#[tokio::test]
async fn f17_the_signature_is_verified_over_the_exact_bytes() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    for (path, body, yes) in [(STRIPE, PAYMENT, 200), (SALESFORCE, CALLOUT, 202)] {
        let sign = if path == STRIPE { stripe_headers } else { salesforce_headers };
        let headers = sign(&env, 0, body.as_bytes());
        let plain = |body: &str| http_event("POST", path, &headers, body.as_bytes());
        assert_eq!(post(&env, path, &plain(body)).await.status, yes, "{path}: as it was sent");
        let encoded = base64_event("POST", path, &headers, body.as_bytes());
        assert_eq!(post(&env, path, &encoded).await.status, yes, "{path}: base64 is taken off first");
        let parsed: Value = serde_json::from_str(body).unwrap();
        for (how, other) in [
            ("written anew", parsed.to_string()),
            ("written nicely", serde_json::to_string_pretty(&parsed).unwrap()),
            ("trimmed", body.trim_end_matches('}').to_owned()),
            ("with one line break more", format!("{body}\n")),
            ("as the text that base64 makes of it", encoded["body"].as_str().unwrap().to_owned()),
        ] {
            let reply = post(&env, path, &plain(&other)).await;
            assert_eq!((reply.status, reply.code()), (401, "signature_mismatch"), "{path}: {how}");
        }
        // Bytes that are no text at all are signed like any other: what cannot be read is another question.
        let bytes = b"\xff\xfe\x00{}";
        let reply = post(&env, path, &base64_event("POST", path, &sign(&env, 0, bytes), bytes)).await;
        assert_eq!((reply.status, reply.code()), (200, "quarantined"), "{path}: bytes that are no text");
    }
    env.settle_for_days().await;
}

/// F18. A time limit that looked in one direction only let a request through that was signed for next week.
#[tokio::test]
async fn f18_the_time_limit_holds_on_both_sides() {
    let env = Env::start().await;
    // Stripe does not know the invoice, and what the callout is about is ignored: nothing is left of those that pass.
    let callout = CALLOUT.replace("closed_won", "of_tomorrow");
    for (seconds, passes) in
        [(-86_400, false), (-301, false), (-300, true), (300, true), (301, false), (604_800, false)]
    {
        for (path, body, sign) in [
            (STRIPE, PAYMENT, stripe_headers as fn(&Env, i64, &[u8]) -> Vec<(String, String)>),
            (SALESFORCE, callout.as_str(), salesforce_headers),
        ] {
            let headers = sign(&env, seconds, body.as_bytes());
            let reply = post(&env, path, &http_event("POST", path, &headers, body.as_bytes())).await;
            assert_eq!(reply.status == 200, passes, "{path}, {seconds} s away: {reply:?}");
            assert_eq!(reply.code() == "timestamp_outside_tolerance", !passes, "{path}, {seconds} s away: {reply:?}");
        }
    }
    env.settle().await;
}

/// F19. The worker verified the signature once more, and by then it was older than the time limit.
#[tokio::test]
async fn f19_an_event_is_verified_once_and_may_wait_for_days() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    let callout = env.sandbox.salesforce.take_deliveries().remove(0);
    env.advance(SignedDuration::from_secs(300));
    assert_eq!(env.post(&callout).await.status, 202, "just in time");
    env.advance(SignedDuration::from_hours(72));
    env.settle().await;
    let invoice = billed_once(&env, &opportunity, "three days later");

    env.pay(&invoice).await;
    let events = env.sandbox.stripe.take_deliveries();
    env.advance(SignedDuration::from_secs(300));
    for event in &events {
        assert_eq!(env.post(event).await.status, 200, "just in time");
    }
    env.advance(SignedDuration::from_hours(72));
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
    // Whoever reads the queue has nothing that could be verified again.
    for (_, header) in events.iter().chain([&callout]).flat_map(|sent| &sent.headers) {
        let signatures = header.split(['=', ',']).filter(|part| part.len() > 40);
        signatures.for_each(|part| assert!(env.sqs.sent().iter().all(|body| !body.contains(part)), "{part}"));
    }
}

/// F20. A closed list of event types refused the first new one, and Stripe switched the endpoint off.
#[tokio::test]
async fn f20_a_type_of_tomorrow_is_ignored_and_a_shape_of_tomorrow_is_read() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = billed_once(&env, &opportunity, "at first");
    let event = |id: &str, event_type: &str, data: Value| {
        json!({
            "id": id, "object": "event", "type": event_type, "livemode": false, "created": env.now().as_second(),
            "api_version": "2031-01-01.tomorrow", "data": data, "a_field_of_tomorrow": { "deep": [1, null] },
        })
    };
    let stripe = async |event: &Value| {
        let body = event.to_string();
        post(&env, STRIPE, &http_event("POST", STRIPE, &stripe_headers(&env, 0, body.as_bytes()), body.as_bytes()))
            .await
    };
    let before = (env.sqs.sent().len(), env.aws.items());
    for (event_type, data) in [
        ("invoice.of_tomorrow", json!({ "object": { "id": invoice } })),
        ("v3.money.teleported", json!({ "object": 7 })),
        ("customer.created", json!([])),
        ("", Value::Null),
    ] {
        let reply = stripe(&event("evt_1", event_type, data)).await;
        assert_eq!((reply.status, reply.code()), (200, "ignored"), "{event_type}");
    }
    assert_eq!((env.sqs.sent().len(), env.aws.items()), before, "and left no trace");

    env.pay(&invoice).await;
    env.sandbox.stripe.take_deliveries();
    // Of what is known, everything but the id may look otherwise.
    let shape = json!({ "object": { "id": invoice, "object": "invoice", "status": { "v2": "paid" }, "lines": 3 } });
    let reply = stripe(&event("evt_2", "invoice.paid", shape)).await;
    assert_eq!((reply.status, reply.code()), (200, "queued"));
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
}
