//! Answers that say nothing, and answers that never come.

use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::Region;
use it::{Deal, Env};
use jiff::SignedDuration;
use ledger::Ledger;
use sandbox::{Fault, FaultRule};
use serde_json::Value;
use tokio::net::TcpListener;

use super::{billed_once, note, run};

/// Every write of a deal, in its order.
const WRITES: [&str; 4] = ["/v1/customers", "/v1/invoices", "/v1/invoices/*/add_lines", "/v1/invoices/*/send"];

fn status(status: u16, body: &str) -> Fault {
    Fault::Status { status, body: body.into() }
}

/// F7. A server error or a lost answer was stored as the final outcome, and nobody ever asked again.
#[tokio::test]
async fn f07_an_unknown_outcome_is_never_final() {
    let faults = || {
        [
            Fault::ServerError,
            Fault::ServerErrorStored,
            Fault::ServerErrorAfterCommit,
            Fault::UnavailableHtml,
            Fault::AnswerLost,
            status(200, "<html>welcome</html>"),
            status(400, "<html>bad request</html>"),
            status(408, r#"{"error":{"type":"invalid_request_error","message":"too slow"}}"#),
            status(425, r#"{"error":{"type":"invalid_request_error","message":"too early"}}"#),
        ]
    };
    for path in WRITES {
        for fault in faults() {
            let when = format!("{fault:?} at {path}");
            let env = Env::start().await;
            env.sandbox.stripe.inject(FaultRule::once("POST", path, fault));
            let opportunity = env.opportunity_won(&Deal::three_lines()).await;
            env.deliver().await;
            env.work(1).await;
            let stored = run(&env, &opportunity).await;
            assert_eq!((stored.status.as_str(), stored.run.stop()), ("open", None), "{when}");
            assert_eq!((note(&env, &opportunity), env.sqs.dead_letters().len()), (Value::Null, 0), "{when}");
            assert_eq!(env.sqs.work().len(), 1, "{when}: it is tried again");
            let began = env.now();
            env.settle_for_days().await;
            billed_once(&env, &opportunity, &when);
            // A stored error is replayed for a day. Whoever goes on asking under its key hears nothing else until then.
            assert!(env.now().duration_since(began) < SignedDuration::from_hours(1), "{when}: {:#}", env.now() - began);
        }
    }
}

/// A server that takes connections and never says a word.
async fn black_hole() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            kept.push(socket);
        }
    });
    url
}

/// One invocation while somebody is silent, with the timeouts that ship. The function must be done with the time for its last
/// call, fourteen seconds, and the event must wait.
async fn one_attempt(env: &Env, who: &str) -> String {
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.deliver().await;
    let began = Instant::now();
    tokio::time::timeout(Duration::from_secs(14), env.work(1)).await.unwrap_or_else(|_| panic!("{who} hangs"));
    assert!(began.elapsed() > Duration::from_secs(9), "{who} was not asked, or not for long");
    assert_eq!(env.sqs.work().len(), 1, "{who}: the event waits");
    assert_eq!((note(env, &opportunity), env.sqs.dead_letters().len()), (Value::Null, 0), "{who}");
    opportunity
}

async fn silent_stripe() {
    let mut env = Env::start().await;
    let key = stripe::ApiKey::parse("rk_test_1").unwrap();
    let silent = stripe::Client::new(&black_hole().await, key, stripe::Timeouts::default()).unwrap();
    let real = std::mem::replace(&mut env.worker.engine.stripe.inner, silent);
    let opportunity = one_attempt(&env, "Stripe").await;
    let stored = run(&env, &opportunity).await;
    assert_eq!((stored.status.as_str(), stored.lease_until <= env.now()), ("open", true), "and nobody holds the run");
    env.worker.engine.stripe.inner = real;
    env.settle_for_days().await;
    billed_once(&env, &opportunity, "Stripe speaks again");
}

async fn silent_salesforce() {
    let mut env = Env::start().await;
    let silent = salesforce::Client::new(salesforce::Config {
        login_url: black_hole().await,
        credentials: salesforce::Credentials::from_json(r#"{"client_id":"a","client_secret":"b"}"#).unwrap(),
        api_version: "v67.0".into(),
        allowed_hosts: Vec::new(),
        timeouts: salesforce::Timeouts::default(),
    });
    let real = std::mem::replace(&mut env.worker.engine.salesforce.inner, silent.unwrap());
    let opportunity = one_attempt(&env, "Salesforce").await;
    env.worker.engine.salesforce.inner = real;
    env.settle_for_days().await;
    billed_once(&env, &opportunity, "Salesforce speaks again");
}

async fn silent_dynamodb() {
    let mut env = Env::start().await;
    let config = platform::sdk_config().await;
    let config = aws_sdk_dynamodb::config::Builder::from(&config)
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::from_keys("test", "test", None))
        .endpoint_url(black_hole().await)
        .build();
    let silent = Ledger::new(aws_sdk_dynamodb::Client::from_conf(config), "ledger");
    let real = std::mem::replace(&mut env.worker.engine.ledger.inner, silent);
    let opportunity = one_attempt(&env, "DynamoDB").await;
    assert_eq!(
        (env.stripe_calls().len(), env.salesforce_calls().len()),
        (0, 0),
        "nothing is done that cannot be saved"
    );
    env.worker.engine.ledger.inner = real;
    env.settle_for_days().await;
    billed_once(&env, &opportunity, "DynamoDB speaks again");
}

/// F9. The client had no timeout of its own and hung until the function was killed.
#[tokio::test]
async fn f09_a_black_hole_is_left_in_time_to_give_the_event_back() {
    tokio::join!(silent_stripe(), silent_salesforce(), silent_dynamodb());
}

/// F9, the numbers: both vendors' clients and the AWS SDK give up before the engine's last call must be over.
#[tokio::test]
async fn f09_no_client_is_without_a_timeout() {
    let vendors = stripe::Timeouts::default();
    assert_eq!((vendors.connect, vendors.request), (Duration::from_secs(2), Duration::from_secs(10)));
    let config = platform::sdk_config().await;
    let sdk = config.timeout_config().unwrap();
    assert_eq!(sdk.connect_timeout(), Some(Duration::from_secs(2)));
    assert_eq!(sdk.operation_attempt_timeout(), Some(Duration::from_secs(5)));
    assert_eq!(sdk.operation_timeout(), Some(Duration::from_secs(10)));
}
