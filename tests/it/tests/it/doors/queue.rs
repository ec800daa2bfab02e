//! The queue's end: rows 33 to 39, and 51.

use ::queue::{Envelope, Parked, Source};
use futures::future::join_all;
use it::{Deal, Env};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{counted_by, traces};

fn changed(id: &str, opportunity: &str, now: Timestamp) -> Envelope {
    let opportunity_id = domain::OpportunityId::parse(opportunity).unwrap();
    let event = domain::Event::OpportunityChanged { opportunity_id, occurred_at: now };
    Envelope::new(id, Source::SalesforceCallout, event, now)
}

fn run_id(env: &Env, opportunity: &str) -> workflow::RunId {
    workflow::RunId::OpportunityWon {
        organization_id: env.salesforce_door.organization_id.clone(),
        opportunity_id: domain::OpportunityId::parse(opportunity).unwrap(),
    }
}

/// Row 33.
#[tokio::test]
async fn unreadable_messages_are_put_aside_as_they_are_and_their_batch_mates_are_done() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    let good = changed("msg_33", &opportunity, env.now()).to_json();
    let bad = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "hello".to_owned(),
        good[..good.len() - 1].to_owned(),
        good.replace("\"version\":1", "\"version\":2"),
        good.replace("\"version\":1,", ""),
        good.replace("\"source\"", "\"extra\":1,\"source\""),
        good.replace("opportunity_changed", "opportunity_of_tomorrow"),
        good.replace(&opportunity, "../../etc/passwd"),
    ];
    bad[..5].iter().for_each(|body| env.sqs.put(body));
    env.deliver().await;
    bad[5..].iter().for_each(|body| env.sqs.put(body));
    let sent = env.sqs.sent().len();
    assert_eq!(env.work(100).await, it::Worked::Something);
    assert_eq!(env.sqs.sent()[sent..], bad, "each lies in the dead-letter queue, unchanged");
    assert!(env.sqs.work().is_empty(), "nothing comes back");
    assert!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"].is_string());
}

#[test]
fn unreadable_messages_are_counted() {
    let test = "doors::queue::unreadable_messages_are_put_aside_as_they_are_and_their_batch_mates_are_done";
    let counted: Vec<_> = counted_by(test).into_values().flatten().collect();
    assert_eq!(counted.iter().filter(|metric| *metric == "Quarantined").count(), 10);
    assert_eq!(counted.iter().filter(|metric| *metric == "RunsDone").count(), 1);
}

/// Row 34.
#[tokio::test]
async fn an_opportunity_that_nobody_knows_costs_one_look_at_salesforce() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    env.sqs.put(&changed("msg_34", "006000000000009", env.now()).to_json());
    env.settle_for_days().await;
    assert_eq!((env.stripe_calls().len(), env.invoices().len()), (0, 0));
    assert_eq!(env.salesforce_calls().len(), 1);
    let run = env.ledger().run(&run_id(&env, "006000000000009").to_string()).await.unwrap().unwrap();
    assert_eq!(run.run.stop().unwrap().code.as_str(), "opportunity_not_found");
}

/// Row 35.
#[tokio::test]
async fn of_two_workers_on_one_deal_one_works_and_the_other_comes_back() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.deliver().await;
    env.sqs.put(&changed("msg_35", &opportunity, env.now()).to_json());
    let messages = env.sqs.receive(2);
    assert_eq!(messages.len(), 2);
    join_all(messages.into_iter().map(|message| env.invoke(vec![message]))).await;
    let left = env.sqs.work();
    assert_eq!(left.len(), 1, "the other message is given back");
    let wait = env.sqs.next_visible_ms().unwrap() - env.clock.now_ms();
    assert!((1..10_000).contains(&wait), "it is visible again in {wait} ms");
    let run = env.ledger().run(&run_id(&env, &opportunity).to_string()).await.unwrap().unwrap();
    assert_eq!((run.fence, run.status.as_str()), (1, "done"), "there was one lease");
    env.settle_for_days().await;
    assert_eq!((env.invoices().len(), env.objects("customer").len()), (1, 1));
}

#[test]
fn two_workers_on_one_deal_are_no_error() {
    let counted = counted_by("doors::queue::of_two_workers_on_one_deal_one_works_and_the_other_comes_back");
    let mut counted: Vec<_> = counted.into_values().flatten().filter(|metric| metric != "EventsIgnored").collect();
    counted.sort();
    assert_eq!(counted, ["EventsQueued", "Retries", "RunsDone", "RunsDone"]);
}

/// Row 36.
#[tokio::test]
async fn a_panic_over_one_message_fails_that_message_alone() {
    let undisturbed = Env::start().await;
    undisturbed.opportunity_won(&Deal::three_lines()).await;
    undisturbed.settle().await;
    let moments = undisturbed.fuse.passed();
    // At the beginning, right before and right after the effect of something in the middle, and at the end.
    for moment in [0, moments / 2, moments / 2 + 1, moments - 1] {
        let env = Env::start().await;
        let mut opportunities = Vec::new();
        for number in 0..3 {
            let deal = Deal { account: format!("Account {number}"), ..Deal::three_lines() };
            opportunities.push(env.opportunity_won(&deal).await);
        }
        env.deliver().await;
        let messages = env.sqs.receive(10);
        env.fuse.panic_at(moment);
        assert!(env.invoke(messages.clone()).await, "the process lives on");
        let left: Vec<_> = env.sqs.work().into_iter().map(|message| message.id).collect();
        assert_eq!(left, [messages[0].id.clone()], "panic at moment {moment}");
        for opportunity in &opportunities[1..] {
            assert!(env.record("Opportunity", opportunity)["Stripe_Invoice_Id__c"].is_string(), "moment {moment}");
        }
        env.settle_for_days().await;
        assert_eq!((env.invoices().len(), env.objects("customer").len()), (3, 3), "panic at moment {moment}");
        let sent = env.stripe_calls().iter().filter(|call| call.ends_with("/send")).count();
        assert_eq!(sent, 3, "panic at moment {moment}: each invoice was sent once");
    }
}

/// Row 37: an event's age says nothing, as the record is read anew; and no key is used that Stripe has forgotten.
#[tokio::test]
async fn a_message_of_yesterday_or_of_last_week_is_worked_on_as_it_is_now() {
    for hours in [25, 71] {
        for fault in [None, Some(sandbox::Fault::AnswerLost), Some(sandbox::Fault::ServerErrorStored)] {
            let env = Env::start().await;
            let opportunity = env.opportunity_won(&Deal::three_lines()).await;
            env.deliver().await;
            if let Some(fault) = fault.clone() {
                // It was tried once, and nobody knows what came of it.
                env.sandbox.stripe.inject(sandbox::FaultRule::once("POST", "/v1/invoices", fault));
                env.work(10).await;
            }
            let keys = |env: &Env| -> Vec<String> {
                env.sandbox.stripe.requests().into_iter().filter_map(|request| request.idempotency_key).collect()
            };
            let before = keys(&env);
            env.advance(SignedDuration::from_hours(hours));
            env.clear_calls();
            env.settle_for_days().await;
            let title = format!("{hours} hours, {fault:?}");
            assert_eq!((env.invoices().len(), env.objects("customer").len()), (1, 1), "{title}");
            assert_eq!(
                env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"],
                env.invoices()[0]["id"],
                "{title}"
            );
            let stale: Vec<_> = keys(&env).into_iter().filter(|key| before.contains(key)).collect();
            assert_eq!(stale, [""; 0], "{title}: keys from before");
        }
    }
}

/// Row 38.
#[tokio::test]
async fn a_batch_may_be_empty_or_ten_thousand_messages_long() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    assert!(env.invoke(Vec::new()).await);
    assert_eq!(traces(&env), [0; 5]);
    let opportunity = env.enter(&Deal::three_lines()).await;
    // Ten thousand deals in one invocation are beyond any deadline; ten thousand messages are not.
    (1..10_000).for_each(|_| env.sqs.put("hello"));
    env.sqs.put(&changed("msg_38", &opportunity, env.now()).to_json());
    env.close(&opportunity);
    let batch = env.sqs.receive(10_000);
    assert_eq!(batch.len(), 10_000);
    assert!(env.invoke(batch).await);
    assert_eq!((env.sqs.work().len(), env.sqs.dead_letters().len()), (0, 9_999));
    assert!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"].is_string());
    env.settle().await;
}

/// Row 39.
#[tokio::test]
async fn five_hundred_done_deals_that_are_sent_again_write_nothing() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let mut opportunities = Vec::new();
    for number in 0..10 {
        let deal = Deal { account: format!("Account {number}"), ..Deal::with_lines(1, "USD") };
        opportunities.push(env.opportunity_won(&deal).await);
    }
    env.settle().await;
    let records: Vec<_> = opportunities.iter().map(|opportunity| env.record("Opportunity", opportunity)).collect();
    for number in 0..50 {
        for opportunity in &opportunities {
            let envelope = changed(&format!("msg_{number}"), opportunity, env.now());
            let parked = Parked {
                code: "stripe_refused".into(),
                reason: "It was mended meanwhile.".into(),
                run: run_id(&env, opportunity).to_string(),
                at: env.now(),
            };
            env.worker.queue.park(&envelope, parked).await.unwrap();
        }
    }
    assert_eq!(env.sqs.dead_letters().len(), 500);
    env.advance(SignedDuration::from_hours(1));
    env.clear_calls();
    env.sqs.redrive();
    env.settle_for_days().await;
    assert_eq!(env.stripe_calls(), [""; 0]);
    assert!(env.sqs.dead_letters().is_empty());
    let after: Vec<_> = opportunities.iter().map(|opportunity| env.record("Opportunity", opportunity)).collect();
    assert_eq!(after, records);
}

/// Row 51: what a newer version has written is read by nobody here, and above all not written over.
#[tokio::test]
async fn an_item_of_a_newer_version_is_left_alone() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let key = run_id(&env, &opportunity).to_string();
    let item = |env: &Env| -> Value {
        env.aws.items().into_iter().find(|item| item["pk"]["S"] == key.as_str() && item["sk"]["S"] == "run").unwrap()
    };
    let mut newer = item(&env);
    newer["schema"] = json!({ "N": "3" });
    newer["document"] = json!({ "S": "in words of tomorrow" });
    env.aws.put(&newer);
    env.clear_calls();
    env.sqs.put(&changed("msg_51", &opportunity, env.now()).to_json());
    env.settle_for_days().await;
    assert_eq!(item(&env), newer);
    assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (0, 0));
    let dead = env.sqs.dead_letters();
    assert_eq!((dead.len(), &dead[0]["id"]), (1, &json!("msg_51")), "the event waits for the version that knows it");
}
