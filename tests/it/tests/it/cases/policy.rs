//! What an organization decides of cases.

use super::*;

#[tokio::test]
async fn nothing_is_opened_where_that_is_off() {
    let (env, opportunity, invoice) = billed_with(Options { payment_cases: None, ..Options::default() }).await;
    fails(&env, &invoice);
    env.settle().await;
    two_days_later(&env).await;
    env.stripe_post(&format!("/v1/invoices/{invoice}/mark_uncollectible"), "").await;
    env.pay(&invoice).await;
    env.settle().await;
    assert_eq!((cases(&env).len(), tasks(&env).len()), (0, 0));
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
}

/// It is switched off while somebody was to follow it up: it is let go, and not brought up again by each sweep.
#[tokio::test]
async fn what_rests_when_it_is_switched_off_is_let_go() {
    let (mut env, _, invoice) = billed().await;
    fails(&env, &invoice);
    env.settle().await;
    env.worker.engine.settings.payment_cases = None;
    env.reconciler.engine.settings.payment_cases = None;
    two_days_later(&env).await;
    let organization = env.worker.engine.scope.organization_id.clone();
    let run = env.ledger().run(&format!("run#{organization}:{invoice}:payment_failed:1")).await.unwrap().unwrap();
    assert_eq!((run.status.as_str(), tasks(&env).len()), ("done", 0));
    two_days_later(&env).await;
    assert_eq!(closed(&env), json!([false, []]));
}

#[tokio::test]
async fn nobody_follows_up_where_that_is_off_and_priority_is_raised_when_they_say() {
    let policy = CasePolicy { follow_up_after: None, high_from_attempt: 1, ..CasePolicy::default() };
    let (env, _, invoice) = billed_with(with(policy)).await;
    fails(&env, &invoice);
    env.settle().await;
    assert_eq!(the_case(&env)["Priority"], "High");
    two_days_later(&env).await;
    assert_eq!(closed(&env), json!([false, []]));
    // What a person lowers is not raised again.
    let id = the_case(&env)["Id"].as_str().unwrap().to_owned();
    env.update("Case", &id, json!({ "Priority": "Medium" }));
    fails(&env, &invoice);
    env.settle().await;
    assert_eq!(the_case(&env)["Priority"], "Medium");
}

/// The status that is configured is none that closes a case: a person is told which setting that is, once, and sends the event again.
#[tokio::test]
async fn a_status_that_closes_nothing_is_told() {
    let policy = CasePolicy { closed_status: "Done".into(), ..CasePolicy::default() };
    let (mut env, _, invoice) = billed_with(with(policy)).await;
    env.expect_dead_letters();
    fails(&env, &invoice);
    env.settle().await;
    env.pay(&invoice).await;
    env.settle().await;
    let letter = env.sqs.dead_letters().remove(0);
    assert_eq!(letter["parked"]["code"], "write_back_differs");
    assert!(letter["parked"]["reason"].as_str().unwrap().contains("CaseClosedStatus"), "{letter}");
}
