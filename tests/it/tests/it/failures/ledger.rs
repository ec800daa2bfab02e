//! What the table keeps, whose write it was, and what a backup brings back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use it::{Deal, Env, Worked};
use jiff::SignedDuration;
use ledger::Ledger;
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use super::{billed_once, changed, posts, property, resource, run};

/// Four hundred days, in steps that the clock can take.
fn fourteen_months_pass(env: &Env) {
    (0..14).for_each(|_| env.advance(SignedDuration::from_hours(30 * 24)));
}

/// F6. The record of what was done expired before the sender stopped asking.
#[tokio::test]
async fn f06_a_run_never_expires() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = billed_once(&env, &opportunity, "at first");
    env.pay(&invoice).await;
    env.settle().await;
    let narnia = Deal { account: "Other".into(), country: "Narnia".into(), ..Deal::three_lines() };
    env.opportunity_won(&narnia).await;
    env.settle().await;
    let messages = env.sqs.sent();

    let table = resource("LedgerTable");
    assert!(table.contains("TimeToLiveSpecification: { AttributeName: expires_at, Enabled: true }"), "{table}");
    let expiry = |item: &Value| item["expires_at"]["N"].as_str().map(|at| at.parse::<i64>().unwrap());
    let days = |count: i64| env.now().as_second() + count * 24 * 3600;
    let (mut runs, mut calls) = (0, 0);
    for item in env.aws.items() {
        let kind = item["sk"]["S"].as_str().unwrap();
        match expiry(&item) {
            None => runs += u64::from(kind == "run"),
            // In seconds: DynamoDB takes any other unit for a time that never comes, or is long past.
            Some(at) => {
                calls += 1;
                assert!(kind.starts_with("call#") && (days(399)..=days(401)).contains(&at), "{item}");
            }
        }
    }
    assert!((runs, calls) > (4, 10), "two deals, a payment and two customers: {runs} runs, {calls} calls");

    fourteen_months_pass(&env);
    let (now, before) = (env.now().as_second(), env.aws.items());
    let left: Vec<_> = before.iter().filter(|item| expiry(item).is_none_or(|at| at > now)).cloned().collect();
    assert!(left.len() < before.len(), "the call logs are gone");
    env.aws.restore(&left);
    env.clear_calls();
    // Everything is sent once more, and the deal under a new id as well.
    messages.iter().for_each(|body| env.sqs.put(body));
    env.sqs.put(&changed(&env, "msg_late", &opportunity));
    env.settle_for_days().await;
    assert_eq!(posts(&env), []);
    billed_once_of(&env, &opportunity, &invoice);
}

fn billed_once_of(env: &Env, opportunity: &str, invoice: &str) {
    assert_eq!(env.invoices().len(), 1);
    assert_eq!(env.record("Opportunity", opportunity)["Stripe_Invoice_Id__c"], invoice);
}

/// The connection breaks right after the nth write had its effect, so that the SDK sends it once more.
#[derive(Debug, Clone)]
struct LosesAnswer<C> {
    table: C,
    writes_before: Arc<AtomicI64>,
}

impl<C: HttpConnector + Clone + 'static> HttpConnector for LosesAnswer<C> {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        // DynamoDB would recognise a transaction by its token. It forgets it after ten minutes, and a put has none.
        if body.as_object_mut().is_some_and(|fields| fields.remove("ClientRequestToken").is_some()) {
            *request.body_mut() = SdkBody::from(body.to_string());
        }
        let answer = self.table.call(request);
        let is_write = target.ends_with(".PutItem") || target.ends_with(".TransactWriteItems");
        if is_write && self.writes_before.fetch_sub(1, Ordering::SeqCst) == 0 {
            return HttpConnectorFuture::ready(Err(ConnectorError::io("the connection was reset".into())));
        }
        answer
    }
}

impl<C: HttpConnector + Clone + 'static> HttpClient for LosesAnswer<C> {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// A deal that is interrupted once, with the SDK's own retries; and which write it was whose answer got lost.
async fn interrupted_deal(lost: i64) -> (Env, String, i64) {
    let mut env = Env::start().await;
    let writes_before = Arc::new(AtomicI64::new(lost));
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::from_keys("test", "test", None))
        .http_client(LosesAnswer { table: env.aws.clone(), writes_before: writes_before.clone() })
        .retry_config(RetryConfig::standard().with_initial_backoff(std::time::Duration::from_millis(1)))
        .build();
    env.worker.engine.ledger.inner = Ledger::new(aws_sdk_dynamodb::Client::from_conf(config), "ledger");
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/invoices/*/add_lines", Fault::RateLimited));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.deliver().await;
    assert_eq!(env.work(1).await, Worked::Something);
    env.advance(SignedDuration::from_secs(10));
    assert_eq!(env.work(1).await, Worked::Something);
    (env, opportunity, lost - writes_before.load(Ordering::SeqCst))
}

/// F8. The answer to a conditional write was lost, the SDK sent it again, and its own first attempt made the second one fail.
#[tokio::test]
async fn f08_our_own_write_is_recognised_when_its_answer_was_lost() {
    let (undisturbed, _, writes) = interrupted_deal(i64::MAX).await;
    assert!(writes > 10, "{writes} writes");
    drop(undisturbed);
    for lost in 0..writes {
        let (env, opportunity, _) = interrupted_deal(lost).await;
        // Taken twice, as it was interrupted once: the lost answer cost nobody a further attempt.
        let run = run(&env, &opportunity).await;
        assert_eq!((run.fence, run.status.as_str()), (2, "done"), "write {lost} of {writes}");
        assert_eq!(env.sqs.work().len(), 0, "write {lost} of {writes}");
        env.settle().await;
        billed_once(&env, &opportunity, &format!("write {lost} of {writes}"));
    }
}

/// F30. A backup brings old fences back, and with them a holder that had long lost the run.
#[tokio::test]
async fn f30_a_restore_gives_the_run_to_nobody_who_had_lost_it() {
    let undisturbed = Env::start().await;
    undisturbed.opportunity_won(&Deal::three_lines()).await;
    undisturbed.settle().await;
    for moment in 0..undisturbed.fuse.passed() {
        let env = Env::start().await;
        let opportunity = env.opportunity_won(&Deal::three_lines()).await;
        env.deliver().await;
        let others = async {
            let (backup, restored_to) = (env.aws.items(), env.clock.now_ms());
            env.advance(SignedDuration::from_secs(400));
            env.settle_for_days().await;
            billed_once(&env, &opportunity, "before the restore");
            env.aws.restore(&backup);
            restored(&env, restored_to);
            env.sqs.put(&changed(&env, "msg_again", &opportunity));
            // The table says once more that the frozen one holds the run.
        };
        env.stands_still_at(moment, others).await;
        env.settle_for_days().await;
        billed_once(&env, &opportunity, &format!("restored to moment {moment}"));
        let run = run(&env, &opportunity).await;
        assert_eq!((run.status.as_str(), run.run.epoch()), ("done", 1), "restored to moment {moment}");
    }
}

fn restored(env: &Env, to_ms: i64) {
    env.operate(json!({ "epoch": { "N": "1" }, "restored_to": { "N": to_ms.to_string() } }));
}

/// F30, when Stripe has forgotten the keys, and Salesforce the invoice.
#[tokio::test]
async fn f30_no_key_from_before_a_restore_is_used_after_it() {
    assert!(property(&resource("LedgerTable"), "PointInTimeRecoverySpecification").contains("Enabled: true"));
    for (hours, is_voided) in [(1, false), (25, false), (1, true)] {
        let env = Env::start().await;
        let restored_to = env.clock.now_ms();
        let opportunity = env.opportunity_won(&Deal::three_lines()).await;
        env.settle().await;
        let invoice = billed_once(&env, &opportunity, "before the restore");
        let used = posts(&env);
        assert_eq!(used.len(), 4);
        let account = env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
        env.update("Account", &account, json!({ "Stripe_Customer_Id__c": null }));
        let emptied = ["Stripe_Customer_Id__c", "Stripe_Invoice_Id__c", "Stripe_Invoice_URL__c"];
        env.update("Opportunity", &opportunity, emptied.map(|field| (field, Value::Null)).into_iter().collect());
        if is_voided {
            env.stripe_post(&format!("/v1/invoices/{invoice}/void"), "").await;
        }
        env.advance(SignedDuration::from_hours(hours));
        env.aws.restore(&[]);
        restored(&env, restored_to);
        env.clear_calls();
        env.sqs.put(&changed(&env, "msg_again", &opportunity));
        env.settle_for_days().await;
        let named = env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"].clone();
        let open: Vec<_> = env.invoices().into_iter().filter(|invoice| invoice["status"] == "open").collect();
        assert_eq!((open.len(), &open[0]["id"]), (1, &named), "restored after {hours} hours");
        assert_eq!(open[0]["id"] == invoice.as_str(), !is_voided, "one that was voided is made again, and no other");
        let again: Vec<_> = posts(&env).into_iter().filter(|(_, key)| used.iter().any(|(_, old)| old == key)).collect();
        assert_eq!(again, [], "keys of the time that the table has forgotten");
        // What the customer was told is forgotten, and is told again.
        let told = env.stripe_calls().iter().filter(|call| call.starts_with("POST /v1/customers/")).count();
        assert_eq!((told, posts(&env).len()), (1, if is_voided { 4 } else { 1 }), "restored after {hours} hours");
    }
}
