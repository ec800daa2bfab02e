//! Who works on a run, until when, and what a worker may do that is not the holder (any more).

use std::collections::BTreeSet;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use engine::{Errand, Outcome};
use it::{Deal, Env};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, LambdaEvent};
use queue::Envelope;
use serde_json::json;

use super::{billed_once, changed, died_after, item, posts, resource, run};

/// The template's timeout, which every invocation of a story has left when it begins.
const TIMEOUT_MS: i64 = 60_000;
const MARGIN_MS: i64 = 30_000;

/// F1. A function is killed in the middle of its work, and the record stays "in progress" for ever.
#[tokio::test]
async fn f01_a_lease_ends_thirty_seconds_after_the_deadline() {
    let (env, opportunity) = died_after("POST /v1/invoices").await;
    let until = (env.clock.now_ms() + TIMEOUT_MS + MARGIN_MS).to_string();
    assert_eq!(item(&env, &opportunity)["lease_until"]["N"], until, "in milliseconds, like every time in the table");
    env.sqs.put(&changed(&env, "msg_2", &opportunity));
    let second = env.sqs.receive(1);
    // Not a millisecond earlier, as the request of the dead one may still be on its way.
    env.clock.advance(u32::try_from(TIMEOUT_MS + MARGIN_MS - 1).unwrap());
    env.invoke(second.clone()).await;
    assert_eq!((run(&env, &opportunity).await.fence, env.stripe_calls().len()), (1, 0));
    env.clock.advance(1);
    env.invoke(second).await;
    let taken = run(&env, &opportunity).await;
    assert_eq!((taken.fence, taken.status.as_str()), (2, "done"), "it is not stuck");
    env.settle_for_days().await;
    billed_once(&env, &opportunity, "taken over");
}

/// One invocation with this message and this deadline; whether it gave the message back.
async fn is_given_back(env: &Env, body: &str, deadline_ms: i64) -> bool {
    let mut message = SqsMessage::default();
    message.message_id = Some("message".into());
    message.body = Some(body.to_owned());
    let mut event = SqsEvent::default();
    event.records.push(message);
    let mut context = Context::default();
    context.request_id = format!("invocation-{deadline_ms}");
    context.deadline = u64::try_from(deadline_ms).unwrap();
    let answer = retry_worker::handle(&env.worker, LambdaEvent::new(event, context)).await;
    !answer.batch_item_failures.is_empty()
}

/// F2. No time left was read as "no limit", and the lease never ended.
#[tokio::test]
async fn f02_no_time_left_takes_no_lease_and_a_lease_of_zero_is_over() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.sandbox.salesforce.take_deliveries();
    let body = changed(&env, "msg_1", &opportunity);
    let now = env.clock.now_ms();
    for deadline in [0, 1, now - 1, now, now + 1, now + 15_999] {
        assert!(is_given_back(&env, &body, deadline).await, "deadline {deadline}");
        let envelope = Envelope::from_json(&body).unwrap();
        let deadline = Timestamp::from_millisecond(deadline.min(now + 13_999)).unwrap();
        let outcome = env
            .worker
            .engine
            .handle(&Errand { envelope: &envelope, owner: "nobody".into(), deadline, queued: None })
            .await;
        assert!(matches!(outcome, Outcome::Retry(pause) if pause.code == "out_of_time"), "deadline {deadline}");
    }
    let kinds: BTreeSet<_> = env.aws.items().iter().map(|item| item["pk"]["S"].to_string()).collect();
    assert_eq!(kinds, ["\"control\"".to_owned()].into(), "nobody took a run");
    assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (0, 0));
    assert!(!is_given_back(&env, &body, now + 16_000).await, "enough is enough");
    billed_once(&env, &opportunity, "with enough time");

    let (env, opportunity) = died_after("POST /v1/invoices").await;
    let mut zero = item(&env, &opportunity);
    zero["lease_until"] = json!({ "N": "0" });
    env.aws.put(&zero);
    env.sqs.put(&changed(&env, "msg_2", &opportunity));
    env.work(1).await;
    assert_eq!(run(&env, &opportunity).await.fence, 2, "the lease of 1970 is over");
    env.settle_for_days().await;
    billed_once(&env, &opportunity, "after a lease of zero");
}

/// F3. The record was opened again at the deadline and the payment made a second time, although the first may have happened.
#[tokio::test]
async fn f03_expired_lease_looks_first() {
    for wait in [SignedDuration::from_secs(400), SignedDuration::from_hours(25)] {
        let (env, opportunity) = died_after("/send").await;
        let invoice = env.invoices()[0].clone();
        assert_eq!((&invoice["status"], run(&env, &opportunity).await.run.point()), (&json!("open"), "ready"));
        env.advance(wait);
        env.settle_for_days().await;
        let first = format!("GET /v1/invoices/{}", invoice["id"].as_str().unwrap());
        assert_eq!(env.stripe_calls()[0], first, "after {wait:#}");
        billed_once(&env, &opportunity, "sent, and nobody had saved it");
    }
    // When the key says nothing any more, the look comes before every write.
    for (call, look) in [
        ("POST /v1/customers", "GET /v1/customers"),
        ("POST /v1/invoices", "GET /v1/invoices"),
        ("/add_lines", "GET /v1/invoices/"),
    ] {
        let (env, opportunity) = died_after(call).await;
        env.advance(SignedDuration::from_hours(25));
        env.settle_for_days().await;
        let calls = env.stripe_calls_but_for_prices();
        assert!(calls[0].starts_with(look), "after {call} it began with {}", calls[0]);
        assert!(!calls.iter().any(|made| made.ends_with(call)), "{call} had happened: {calls:?}");
        billed_once(&env, &opportunity, call);
    }
}

/// F4. A duplicate was refused, and on its way out it deleted the lock of the one that was at work.
#[tokio::test]
async fn f04_a_refused_duplicate_leaves_the_holders_lease_alone() {
    let undisturbed = Env::start().await;
    undisturbed.opportunity_won(&Deal::three_lines()).await;
    undisturbed.settle().await;
    for moment in [8, undisturbed.fuse.passed() / 2, undisturbed.fuse.passed() - 2] {
        let env = Env::start().await;
        let opportunity = env.opportunity_won(&Deal::three_lines()).await;
        env.deliver().await;
        let messages = env.sqs.receive(1);
        env.fuse.freeze_at(moment);
        let duplicates = async {
            env.fuse.frozen().await;
            let before = env.aws.items();
            env.clear_calls();
            for id in ["msg_2", "msg_3", "msg_4"] {
                env.sqs.put(&changed(&env, id, &opportunity));
                env.invoke([messages.clone(), env.sqs.receive(1)].concat()).await;
                assert_eq!(env.aws.items(), before, "{id} at moment {moment}");
            }
            assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (0, 0), "at moment {moment}");
            env.fuse.thaw();
        };
        tokio::join!(env.invoke(messages.clone()), duplicates);
        let run = run(&env, &opportunity).await;
        assert_eq!((run.fence, run.status.as_str()), (1, "done"), "the holder was never disturbed, at moment {moment}");
        env.settle_for_days().await;
        billed_once(&env, &opportunity, "after three duplicates");
    }
}

/// F5. A worker whose lease was over woke up and wrote "completed" over what its successor had done.
#[tokio::test]
async fn f05_a_late_worker_writes_nothing() {
    let undisturbed = Env::start().await;
    undisturbed.opportunity_won(&Deal::three_lines()).await;
    undisturbed.settle().await;
    for moment in 0..undisturbed.fuse.passed() {
        let env = Env::start().await;
        let opportunity = env.opportunity_won(&Deal::three_lines()).await;
        env.deliver().await;
        let successor = async {
            env.advance(SignedDuration::from_secs(400));
            env.settle_for_days().await;
            env.aws.items()
        };
        let items = env.stands_still_at(moment, successor).await;
        assert_eq!(env.aws.items(), items, "woke up at moment {moment}");
        billed_once(&env, &opportunity, &format!("woke up at moment {moment}"));
    }
}

/// F5, the other half of it: what is deleted can be made anew.
#[tokio::test]
async fn f05_no_function_may_delete_a_run() {
    for function in ["StripeWebhookFunction", "SalesforceEventsFunction", "RetryWorkerFunction", "ReconcilerFunction"] {
        let function = resource(function);
        for action in ["dynamodb:DeleteItem", "dynamodb:BatchWriteItem", "dynamodb:DeleteTable", "dynamodb:*"] {
            assert!(!function.contains(action), "{action} is allowed by {function}");
        }
    }
    assert_eq!(super::property(&resource("LedgerTable"), "DeletionPolicy"), "Retain");
    // Nor does any story of a deal, with all that may become of it, leave fewer runs than it had.
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal { country: "Narnia".into(), ..Deal::three_lines() }).await;
    env.settle().await;
    let runs = |env: &Env| env.aws.items().iter().filter(|item| item["sk"]["S"] == "run").count();
    assert_eq!((runs(&env), posts(&env).len()), (1, 0), "a deal that was refused has its run as well");
    env.update("Opportunity", &opportunity, json!({ "StageName": "Closed Lost" }));
    env.sqs.put(&changed(&env, "msg_2", &opportunity));
    env.settle().await;
    assert_eq!((runs(&env), run(&env, &opportunity).await.status.as_str()), (1, "rejected"));
}
