//! A real client against real sockets.

use super::{DeliveryPolicy, Handle, Running, start};
use crate::clock::Clock;
use crate::faults::{Fault, FaultRule};
use crate::stripe::{Config, Stripe, signature};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

struct Env {
    stripe: Handle<Stripe>,
    client: reqwest::Client,
    clock: Clock,
    _running: Running,
}

async fn env() -> Env {
    let policy = DeliveryPolicy { retry_after_ms: vec![10, 10], ..DeliveryPolicy::default() };
    let clock = Clock::system();
    let (stripe, _running) = start(Stripe::new(Config::default()), 0, clock.clone(), policy).await.expect("starts");
    let client = super::deliveries::client().expect("a client");
    Env { stripe, client, clock, _running }
}

impl Env {
    async fn create_customer(&self, key: &str) -> reqwest::Result<reqwest::Response> {
        let request = self.client.post(format!("{}/v1/customers", self.stripe.url())).bearer_auth("sk_test_sandbox");
        request.header("idempotency-key", key).body("email=a@b.example").send().await
    }

    async fn control(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.client.request(method, format!("{}/_sandbox/{path}", self.stripe.url()));
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let response = request.send().await.expect("answers");
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.expect("a body")).expect("JSON"))
    }

    fn customers(&self) -> usize {
        self.stripe.with(|stripe| stripe.objects("customer").len())
    }

    fn inject(&self, fault: Fault) {
        self.stripe.inject(FaultRule::once("POST", "/v1/customers", fault));
    }
}

#[tokio::test]
async fn a_lost_answer_was_committed_and_is_replayed() {
    let env = env().await;
    env.inject(Fault::AnswerLost);
    assert!(env.create_customer("k1").await.is_err());
    assert_eq!(env.customers(), 1);
    let again = env.create_customer("k1").await.expect("answers");
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(env.customers(), 1);
    let log = env.stripe.requests();
    let faults: Vec<_> = log.iter().map(|entry| (entry.status, entry.fault, entry.replayed)).collect();
    assert_eq!(faults, [(200, Some("answer_lost"), false), (200, None, true)]);
}

#[tokio::test]
async fn half_a_body_is_sent_and_the_connection_breaks() {
    let env = env().await;
    env.inject(Fault::HalfBody);
    let response = env.create_customer("k1").await.expect("the head arrives");
    assert_eq!(response.status(), 200);
    assert!(response.content_length().is_some_and(|length| length > 100));
    assert!(response.bytes().await.is_err());
    assert_eq!(env.customers(), 1);

    // And on the wire: a promise of n bytes, and about half of them.
    env.inject(Fault::HalfBody);
    let address = env.stripe.url().strip_prefix("http://").expect("http");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("connects");
    let request =
        "POST /v1/customers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk_test_sandbox\r\ncontent-length: 0\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("writes");
    let mut received = Vec::new();
    let _ = stream.read_to_end(&mut received).await;
    let text = String::from_utf8_lossy(&received).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let promised = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    assert_eq!(body.len(), promised.parse::<usize>().expect("a number") / 2);
}

#[tokio::test]
async fn a_refused_connection_comes_back_on_the_same_port() {
    let env = env().await;
    env.create_customer("k1").await.expect("answers");
    env.inject(Fault::ConnectionRefused { for_ms: 1_500 });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let error = env.create_customer("k2").await.expect_err("refused");
    assert!(error.is_connect(), "{error:?}");
    let began = Instant::now();
    while env.create_customer("k2").await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "the port stays closed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(env.customers(), 2);

    env.stripe.inject(FaultRule::once("POST", "/v1/customers", Fault::ConnectionRefused { for_ms: 1_500 }).skip(1));
    env.create_customer("k3").await.expect("the skipped request is answered");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(env.create_customer("k4").await.is_err());
    assert_eq!(env.customers(), 3);
}

#[tokio::test]
async fn a_slow_answer_is_committed_before_it_is_late() {
    let env = env().await;
    env.inject(Fault::Slow { delay_ms: 30_000 });
    let began = Instant::now();
    let url = format!("{}/v1/customers", env.stripe.url());
    let impatient =
        env.client.post(url).bearer_auth("sk_test_sandbox").timeout(Duration::from_millis(300)).send().await;
    assert!(impatient.is_err_and(|error| error.is_timeout()));
    // The answer is still on its way for half a minute; the effect is there long before.
    while env.customers() == 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "the effect waits for the answer");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn answers_can_be_replaced() {
    let env = env().await;
    for (fault, status, effect) in [
        (Fault::RateLimited, 429, 0),
        (Fault::ServerError, 500, 0),
        (Fault::InUse, 409, 0),
        (Fault::UnavailableHtml, 503, 0),
        (Fault::Status { status: 418, body: "{}".into() }, 418, 0),
        (Fault::ServerErrorAfterCommit, 500, 1),
    ] {
        env.inject(fault.clone());
        let response = env.create_customer("k1").await.expect("answers");
        assert_eq!((response.status().as_u16(), env.customers()), (status, effect), "{fault:?}");
    }
    assert_eq!(env.create_customer("k1").await.expect("answers").status(), 500);
}

#[tokio::test]
async fn the_control_endpoint_needs_no_rust() {
    use reqwest::Method;
    let env = env().await;
    let rule = json!({ "method": "POST", "path": "/v1/customers", "fault": { "kind": "answer_lost" } });
    assert_eq!(env.control(Method::POST, "faults", Some(rule.clone())).await.0, 200);
    assert_eq!(env.control(Method::GET, "faults", None).await.1["faults"][0]["times"], 1);
    assert_eq!(env.control(Method::POST, "faults", Some(json!([rule, { "fault": { "kind": "nope" } }]))).await.0, 400);
    assert!(env.create_customer("k1").await.is_err());
    let log = env.control(Method::GET, "requests", None).await.1;
    assert_eq!((&log["requests"][0]["idempotency_key"], &log["requests"][0]["seq"]), (&json!("k1"), &json!(1)));
    assert_eq!(env.control(Method::DELETE, "requests", None).await.1["requests"], json!([]));
    let before = env.clock.now_ms();
    let after = env.control(Method::POST, "clock", Some(json!({ "advance_ms": 60_000 }))).await.1["now_ms"].as_i64();
    assert!(after.is_some_and(|after| after >= before + 60_000));
    assert_eq!(env.control(Method::GET, "health", None).await.1["ok"], true);
    assert_eq!(env.control(Method::GET, "nothing", None).await.0, 404);
}

/// Reads requests, answers each with the next status, and hands over their heads and bodies.
async fn receiver(statuses: &'static [u16]) -> (u16, tokio::task::JoinHandle<Vec<(String, String)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("an address").port();
    let task = tokio::spawn(async move {
        let mut received = Vec::new();
        for status in statuses {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
            let (head, body) = loop {
                let count = stream.read(&mut buffer).await.expect("reads");
                bytes.extend_from_slice(&buffer[..count]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else {
                    continue;
                };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
                if body.len() >= length.parse::<usize>().expect("a number") {
                    break (head.to_owned(), body.to_owned());
                }
            };
            let answer =
                format!("HTTP/1.1 {status} x\r\nlocation: /x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.expect("writes");
            received.push((head, body));
        }
        received
    });
    (port, task)
}

#[tokio::test]
async fn a_webhook_is_delivered_until_it_is_taken() {
    let env = env().await;
    let (port, task) = receiver(&[500, 302, 200]).await;
    let url = format!("http://api.execute-api.localhost:{port}/hook");
    let body = format!("url={url}&enabled_events[]=customer.created");
    let request = env.client.post(format!("{}/v1/webhook_endpoints", env.stripe.url())).bearer_auth("sk_test_sandbox");
    let made: Value = serde_json::from_slice(&request.body(body).send().await.unwrap().bytes().await.unwrap()).unwrap();
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    env.create_customer("k1").await.expect("answers");

    let received = tokio::time::timeout(Duration::from_secs(10), task).await.expect("in time").expect("three requests");
    assert_eq!(received.len(), 3);
    for (head, body) in &received {
        assert!(head.contains(&format!("host: api.execute-api.localhost:{port}")), "{head}");
        let signed = head.lines().find_map(|line| line.strip_prefix("stripe-signature: ")).expect("a signature");
        let timestamp =
            signed.strip_prefix("t=").and_then(|rest| rest.split(',').next()).expect("a time").parse().unwrap();
        assert_eq!(signed, signature(&secret, timestamp, body.as_bytes()));
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let records = env.stripe.deliveries();
    assert_eq!(
        (records.len(), records[0].attempts, records[0].last_status, records[0].delivered),
        (1, 3, Some(200), true)
    );
    assert_eq!(env.stripe.with(|stripe| stripe.objects("event")[0]["pending_webhooks"].clone()), 0);
}

#[tokio::test]
async fn a_test_may_take_the_deliveries_itself() {
    let policy = DeliveryPolicy { enabled: false, ..DeliveryPolicy::default() };
    let service = Stripe::new(Config::default());
    let (stripe, _running) = start(service, 0, Clock::frozen(0), policy).await.expect("starts");
    let client = super::deliveries::client().expect("a client");
    let post = |path: &str, body: &'static str| {
        client.post(format!("{}{path}", stripe.url())).bearer_auth("sk_test_sandbox").body(body).send()
    };
    post("/v1/webhook_endpoints", "url=http://nowhere.localhost:1/&enabled_events[]=*").await.expect("answers");
    post("/v1/products", "name=Gold").await.expect("answers");
    assert_eq!(stripe.take_deliveries().len(), 1);
    assert!(stripe.deliveries().is_empty());
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_read() {
    let env = env().await;
    let request = env.client.post(format!("{}/v1/customers", env.stripe.url())).body(vec![b'a'; 9 * 1024 * 1024]);
    match request.send().await {
        Ok(response) => assert_eq!(response.status(), 413),
        Err(error) => assert!(!error.is_timeout(), "{error:?}"),
    }
    assert_eq!(env.customers(), 0);
}
