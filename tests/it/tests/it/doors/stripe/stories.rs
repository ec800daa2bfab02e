//! Rows that take more than one request.

use futures::future::join_all;
use it::{Deal, Env, base64_event};
use jiff::SignedDuration;
use platform::Rotating;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::super::{assert_no_echo, assert_says_nothing_more, traces};
use super::{EVENT, PATH, PREVIOUS_SECRET, Sender, headers, with};

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
    assert_eq!(calls, ["read_invoice ok", "update_records ok"]);
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
    assert_eq!(traces(&env), [0; 5]);
}

/// Row 20, the rest of it: the API has one route for each door, so API Gateway answers 404 to every other path.
#[test]
fn no_other_path_leads_to_a_function() {
    let template = include_str!("../../../../../../template.yaml");
    let routes: Vec<_> = template.lines().filter_map(|line| line.trim().strip_prefix("RouteKey: ")).collect();
    assert_eq!(routes, ["ANY /stripe/webhook", "ANY /salesforce/events"]);
}
