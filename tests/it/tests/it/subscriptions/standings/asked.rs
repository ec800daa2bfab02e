//! Somebody is asked to look after the customer when a subscription has ended.

use mapping::CancellationTask;

use super::*;

fn tasks(env: &Env) -> Vec<Value> {
    env.sandbox.salesforce.with(|org| org.records("Task"))
}

/// The account of the deal, with a customer success manager and an owner.
async fn answered_for() -> (Env, String, [String; 2]) {
    let (env, opportunity) = begun().await;
    let people = [env.user("Manager"), env.user("Owner")];
    let account = env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
    env.update("Account", &account, json!({ "CSM__c": people[0], "OwnerId": people[1] }));
    (env, opportunity, people)
}

#[tokio::test]
async fn whoever_looks_after_the_customer_gets_a_task_that_says_why() {
    let (env, opportunity, [manager, _]) = answered_for().await;
    change(&env, "cancellation_details[feedback]=too_expensive&cancellation_details[comment]=Budget+cut.").await;
    env.settle().await;
    cancel(&env);
    env.clear_calls();
    env.settle().await;
    is_canceled_for(&env, &opportunity, "cancellation_requested (too_expensive) Budget cut.");
    let [task] = <[Value; 1]>::try_from(tasks(&env)).unwrap();
    let expected = json!([manager, opportunity, "2026-11-23", id(&env)]);
    assert_eq!(json!([task["OwnerId"], task["WhatId"], task["ActivityDate"], task["Stripe_Id__c"]]), expected);
    let said = task["Description"].as_str().unwrap();
    assert!(said.contains("canceled") && said.contains("Budget cut."), "{said}");
    assert_eq!(env.salesforce_calls().len(), 3, "a look, the records, the task: {:?}", env.salesforce_calls());
}

fn is_canceled_for(env: &Env, opportunity: &str, why: &str) {
    assert_eq!(of(env, opportunity)[3], why);
}

/// Nothing can be given to whoever does not work there any more.
#[tokio::test]
async fn who_has_left_is_given_nothing() {
    for (left, expected) in [(vec![], 0), (vec![0], 1), (vec![0, 1], 2)] {
        let (env, opportunity, [manager, owner]) = answered_for().await;
        let last = env.record("Opportunity", &opportunity)["OwnerId"].as_str().unwrap().to_owned();
        let people = [manager, owner, last];
        left.iter().for_each(|index: &usize| env.update("User", &people[*index], json!({ "IsActive": false })));
        cancel(&env);
        env.settle().await;
        is_canceled(&env, &opportunity, "canceled");
        assert_eq!(tasks(&env)[0]["OwnerId"], people[expected], "{left:?} have left");
    }
}

/// Who is deactivated in the moment between the look and the task, or who may make no tasks: a person is told, and sends the event again.
#[tokio::test]
async fn a_task_that_salesforce_does_not_take_is_a_persons_business() {
    for (status, code) in [(400, "INACTIVE_OWNER_OR_USER"), (403, "INSUFFICIENT_ACCESS_OR_READONLY")] {
        is_not_taken(status, code).await;
    }
}

async fn is_not_taken(status: u16, code: &str) {
    let (mut env, opportunity, _) = answered_for().await;
    env.expect_dead_letters();
    cancel(&env);
    env.refuses_once("Stripe_Id__c/sub_", status, code);
    env.settle().await;
    assert_eq!((of(&env, &opportunity)[0].clone(), tasks(&env).len()), (json!("canceled"), 0));
    assert_eq!(env.sqs.dead_letters()[0]["parked"]["code"], "salesforce_refused");
    env.sqs.redrive();
    env.settle().await;
    is_canceled(&env, &opportunity, "sent again");
}

/// What became of it is theirs: it is done, or deleted, and later news of the subscription makes no other.
#[tokio::test]
async fn what_became_of_the_task_is_theirs() {
    for is_deleted in [false, true] {
        let (env, opportunity, _) = answered_for().await;
        cancel(&env);
        let told = env.sandbox.stripe.take_deliveries();
        for delivery in &told {
            env.post(delivery).await;
        }
        env.settle().await;
        is_canceled(&env, &opportunity, "canceled");
        let task = tasks(&env)[0]["Id"].as_str().unwrap().to_owned();
        match is_deleted {
            false => env.update("Task", &task, json!({ "Status": "Completed" })),
            true => env.sandbox.salesforce.with(|org| org.delete(0, "Task", &task)).unwrap(),
        }
        env.update("Opportunity", &opportunity, json!({ "Stripe_Subscription_Status__c": "active" }));
        let event = domain::Event::SubscriptionChanged {
            subscription_id: domain::SubscriptionId::parse(&id(&env)).unwrap(),
            occurred_at: env.now(),
        };
        env.sqs.put(&queue::Envelope::new("evt_again", queue::Source::StripeWebhook, event, env.now()).to_json());
        env.settle().await;
        assert_eq!(of(&env, &opportunity)[0], "canceled", "it was looked at");
        let left: Vec<_> = tasks(&env).iter().map(|task| task["Status"].clone()).collect();
        assert_eq!(left, if is_deleted { vec![] } else { vec![json!("Completed")] });
    }
}

#[tokio::test]
async fn nobody_is_asked_where_that_is_off() {
    let cancellation_task = CancellationTask::Off;
    let env = Env::with(Options { cancellation_task, ..options(LineSource::CpqQuote) }).await;
    let opportunity = won(&env, &day(&env, 0)).await;
    env.settle().await;
    cancel(&env);
    env.settle().await;
    assert_eq!((of(&env, &opportunity)[0].clone(), tasks(&env).len()), (json!("canceled"), 0));
}
