//! Messages that come too often, too late, in bad company, or from oneself.

use aws_lambda_events::sqs::SqsEvent;
use engine::PassKind;
use it::{Deal, Env, Message, Worked};
use jiff::SignedDuration;
use lambda_runtime::{Context, LambdaEvent};
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use super::{billed_once, changed, note, property, resource, root, run};
use crate::subscriptions::{day, selling, won};

/// How often the worker is handed a message before the queue puts it away, by the template.
fn most_receives() -> u32 {
    let [work, bulk] =
        ["WorkQueue", "BulkQueue"].map(|queue| property(&resource(queue), "maxReceiveCount").parse().unwrap());
    assert_eq!(work, bulk);
    work
}

fn seconds(queue: &str) -> u32 {
    property(&resource(queue), "MessageRetentionPeriod").parse().unwrap()
}

/// The alarms over this queue, by their metric.
fn alarms_over(queue: &str) -> Vec<(String, u32)> {
    let template = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let names = template.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix("Alarm:"));
    let alarms = names.filter(|name| !name.starts_with(' ')).map(|name| resource(&format!("{name}Alarm")));
    let over_queue = alarms.filter(|alarm| alarm.contains(&format!("Value: !GetAtt {queue}.QueueName")));
    over_queue.map(|alarm| (property(&alarm, "MetricName"), property(&alarm, "Threshold").parse().unwrap())).collect()
}

/// F21. Deliveries that were throttled counted as receives, and good messages went where nobody looked.
#[tokio::test]
async fn f21_throttled_deliveries_do_not_cost_a_deal() {
    let template = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    for source in ["RetryWorkerEventSource", "RetryWorkerBulkEventSource"] {
        assert!(resource(source).contains("MaximumConcurrency: "), "the poller itself is held back");
    }
    assert!(!template.contains("ReservedConcurrentExecutions"), "what the poller fetched would be throttled");
    assert!(most_receives() >= 10);
    let hidden = template.lines().filter_map(|line| line.trim().strip_suffix(" }")?.split_once(": { Seconds: "));
    let hidden: Vec<_> = hidden.collect();
    assert!(!hidden.is_empty(), "a queue hides what was received");
    for (timeout, seconds) in hidden {
        let timeout: u32 = timeout.trim_matches('"').parse().unwrap();
        assert_eq!(seconds.parse::<u32>().unwrap(), 6 * timeout, "Lambda's own retries fit in");
    }
    // The metric of messages sent stays at zero when the queue itself moves them.
    for queue in ["DeadLetterQueue", "EventDeadLetterQueue"] {
        let alarms = alarms_over(queue);
        let visible = ("ApproximateNumberOfMessagesVisible".to_owned(), 0);
        assert!(alarms.contains(&visible), "{queue}: {alarms:?}");
        assert!(alarms.iter().any(|(metric, _)| metric == "ApproximateAgeOfOldestMessage"), "{queue}: {alarms:?}");
    }
    for queue in ["WorkQueue", "BulkQueue"] {
        assert!(alarms_over(queue).iter().any(|(metric, _)| metric == "ApproximateAgeOfOldestMessage"), "{queue}");
    }

    let throttled = async |times: u32| {
        let env = Env::start().await;
        assert!(env.reconcile(PassKind::Sweep).await.is_finished);
        let opportunity = env.opportunity_won(&Deal::three_lines()).await;
        env.deliver().await;
        for _ in 0..times {
            assert_eq!(env.sqs.receive(1).len(), 1);
            env.advance(SignedDuration::from_secs(360));
        }
        (env, opportunity)
    };
    let (env, opportunity) = throttled(most_receives() - 1).await;
    env.settle().await;
    billed_once(&env, &opportunity, "at the last receive");
    // One more, and the message is away. The deal is not.
    let (mut env, opportunity) = throttled(most_receives()).await;
    env.expect_dead_letters();
    env.settle().await;
    assert_eq!((env.sqs.dead_letters().len(), env.invoices().len()), (1, 0));
    assert!(env.reconcile(PassKind::Sweep).await.is_finished);
    env.settle().await;
    billed_once(&env, &opportunity, "found by the next sweep");
}

/// F22. Work was put on its own queue again, and after sixteen rounds Lambda took it for a loop and dropped it.
#[tokio::test]
async fn f22_what_is_to_be_retried_is_never_sent_again() {
    let env = Env::start().await;
    env.sandbox.stripe.inject(FaultRule::once("POST", "/**", Fault::UnavailableHtml).times(14));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.deliver().await;
    let first = env.sqs.work().remove(0);
    // Two days of an outage, and it is still the same message.
    let mut receives = 0;
    while env.invoices().is_empty() {
        env.clock.advance(u32::try_from((env.sqs.next_visible_ms().unwrap() - env.clock.now_ms()).max(0)).unwrap());
        assert_eq!(env.work(1).await, Worked::Something);
        receives += 1;
        assert!(env.sqs.work().iter().all(|message| message.id == first.id && message.receives == receives));
        assert_eq!(env.sqs.sent(), [first.body.as_str()], "nothing was sent in {receives} rounds");
    }
    assert_eq!((receives, most_receives() > receives), (15, true));
    env.settle_for_days().await;
    billed_once(&env, &opportunity, "in the fifteenth round");
}

/// F22. What the worker does put on its own queue, once for each deal that has come to name its subscription, leads to nothing more: a
/// chain has two links, however often it is begun.
#[tokio::test]
async fn f22_what_the_worker_sends_is_followed_by_nothing() {
    let env = selling().await;
    let opportunity = won(&env, &day(&env, 0)).await;
    let from_the_worker = || -> Vec<_> {
        let sent = env.sqs.sent().into_iter().map(|body| serde_json::from_str::<Value>(&body).unwrap());
        sent.filter(|envelope| envelope["source"] == "worker").collect()
    };
    env.settle().await;
    let sent = from_the_worker();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0]["id"].as_str().unwrap().split(':').take(2).collect::<Vec<_>>(), ["named", opportunity.as_str()]);
    // The same message again and again, and the deal again: neither sends another.
    for round in 1..20 {
        env.advance(SignedDuration::from_mins(11));
        // By another id, or it would be answered at once.
        let again = json!({ "id": format!("named:{round}"), "received_at": env.now().to_string() });
        let mut envelope = sent[0].clone();
        again.as_object().unwrap().iter().for_each(|(name, value)| envelope[name] = value.clone());
        envelope["event"]["occurred_at"] = envelope["received_at"].clone();
        env.sqs.put(&envelope.to_string());
        env.clear_calls();
        env.update("Opportunity", &opportunity, json!({ "NextStep": env.now().to_string() }));
        env.settle().await;
        assert!(env.stripe_calls().iter().any(|call| call.contains("/v1/subscriptions/")), "it was looked at again");
        assert_eq!(from_the_worker().len(), 1 + round, "what this test has put there itself");
    }
}

/// F23. A dead letter's age counts from its first day in the other queue, and it was gone before anybody had read it.
#[tokio::test]
async fn f23_nothing_lives_in_a_queue_alone() {
    const DAY: u32 = 24 * 3600;
    assert_eq!((seconds("WorkQueue"), seconds("BulkQueue")), (4 * DAY, 4 * DAY));
    for queue in ["DeadLetterQueue", "EventDeadLetterQueue"] {
        assert_eq!(seconds(queue), 14 * DAY, "{queue}");
        let (_, age) = alarms_over(queue).into_iter().find(|(metric, _)| metric.contains("Age")).unwrap();
        // Four days may be over when it arrives, and the alarm still leaves days to act.
        assert!(age >= seconds("WorkQueue") && age + 3 * DAY <= seconds(queue), "{queue}: {age} s");
    }
    let mut env = Env::start().await;
    env.expect_dead_letters();
    assert!(env.reconcile(PassKind::Sweep).await.is_finished);
    let refused = env.opportunity_won(&Deal { country: "Narnia".into(), ..Deal::three_lines() }).await;
    env.settle().await;
    let account = env.record("Opportunity", &refused)["AccountId"].as_str().unwrap().to_owned();
    assert_eq!(env.sqs.dead_letters()[0]["parked"]["code"], "billing_country_unknown");
    // Both queues are empty from one moment to the next.
    env.sqs.redrive();
    env.sqs.purge();
    assert_eq!(note(&env, &refused), "billing_country_unknown", "the deal says it");
    let run = run(&env, &refused).await;
    assert_eq!(run.run.stop().map(|stop| stop.code.as_str()), Some("billing_country_unknown"), "the ledger says it");
    // It is mended, and whatever edit of the deal brings it back.
    env.advance(SignedDuration::from_mins(1));
    env.update("Account", &account, json!({ "BillingCountry": "United States" }));
    env.update("Opportunity", &refused, json!({ "NextStep": "address corrected" }));
    env.sandbox.salesforce.take_deliveries();
    env.advance(SignedDuration::from_mins(16));
    assert!(env.reconcile(PassKind::Sweep).await.is_finished);
    env.settle().await;
    billed_once(&env, &refused, "without a message of its own");
}

/// An invocation with these records, as Lambda hands it over in JSON; the messages that come back.
async fn answer(env: &Env, records: &[Value]) -> Vec<String> {
    let event: SqsEvent = serde_json::from_value(json!({ "Records": records })).unwrap();
    let mut context = Context::default();
    context.request_id = "invocation".into();
    context.deadline = u64::try_from(env.clock.now_ms() + 60_000).unwrap();
    let answer = retry_worker::handle(&env.worker, LambdaEvent::new(event, context)).await;
    answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

fn record(id: &str, body: &str) -> Value {
    json!({ "messageId": id, "receiptHandle": id, "body": body, "attributes": { "ApproximateReceiveCount": "1" } })
}

async fn three_deals(env: &Env) -> Vec<String> {
    let mut opportunities = Vec::new();
    for name in ["North", "Middle", "South"] {
        opportunities.push(env.opportunity_won(&Deal { account: name.into(), ..Deal::three_lines() }).await);
    }
    env.sandbox.salesforce.take_deliveries();
    opportunities
}

fn is_billed(env: &Env, opportunity: &str) -> bool {
    env.record("Opportunity", opportunity)["Stripe_Invoice_Id__c"].is_string()
}

/// F24. One message that failed made the whole batch come back, and with it what was done.
#[tokio::test]
async fn f24_one_bad_message_fails_alone() {
    let answers = property(&resource("RetryWorkerEventSource"), "FunctionResponseTypes");
    assert_eq!(answers, "[ReportBatchItemFailures]");
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let deals = three_deals(&env).await;
    let rule = FaultRule::once("POST", "/v1/customers", Fault::UnavailableHtml).body_contains("name=Middle");
    env.sandbox.stripe.inject(rule);
    let sent = env.sqs.sent().len();
    let good = |index: usize| record(&format!("m{index}"), &changed(&env, &format!("msg_{index}"), &deals[index]));
    let later = changed(&env, "msg_9", &deals[2]).replace("\"version\":1", "\"version\":2");
    let bad = [record("b0", "hello"), record("b1", "{\"version\":1}"), record("b2", &later)];
    let records = [bad[0].clone(), good(0), bad[1].clone(), good(1), bad[2].clone(), good(2)];
    assert_eq!(answer(&env, &records).await, ["m1"], "and only that one");
    assert_eq!(deals.iter().map(|deal| is_billed(&env, deal)).collect::<Vec<_>>(), [true, false, true]);
    let put_aside = ["hello", "{\"version\":1}", &later];
    assert_eq!(env.sqs.sent()[sent..], put_aside, "what cannot be read is kept as it is");
    env.advance(SignedDuration::from_secs(10));
    assert_eq!(answer(&env, &[good(1)]).await, [""; 0]);
    assert!(is_billed(&env, &deals[1]));
    env.settle().await;
}

/// F25. A message that could not be parsed made the runtime panic, and every message beside it came back with it.
#[tokio::test]
async fn f25_a_panic_costs_one_message_and_not_the_process() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let release = manifest.split("[profile.release]\n").nth(1).unwrap().split("\n\n").next().unwrap();
    assert!(release.contains("panic = \"unwind\""), "{release}");
    assert!(!manifest.contains("\"abort\""), "a panic would take the batch along");
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let deals = three_deals(&env).await;
    deals.iter().enumerate().for_each(|(index, deal)| env.sqs.put(&changed(&env, &format!("msg_{index}"), deal)));
    let messages = env.sqs.receive(10);
    env.fuse.panic_at(5);
    assert!(env.invoke(messages.clone()).await, "the process lives on");
    let left: Vec<Message> = env.sqs.work();
    assert_eq!(left.iter().map(|message| &message.id).collect::<Vec<_>>(), [&messages[0].id]);
    assert_eq!(deals.iter().map(|deal| is_billed(&env, deal)).collect::<Vec<_>>(), [false, true, true]);
    env.settle_for_days().await;
    assert_eq!((env.invoices().len(), is_billed(&env, &deals[0])), (3, true));
    // Records that lack what every record has are put aside as well, beside one that lacks nothing.
    let sent = env.sqs.sent().len();
    let whole = record("whole", &changed(&env, "msg_0", &deals[0]));
    let odd = [json!({}), json!({ "messageId": "no body" }), record("deep", &"[".repeat(100_000)), whole];
    assert_eq!(answer(&env, &odd).await, [""; 0]);
    assert_eq!(env.sqs.sent().len() - sent, 3);
}
