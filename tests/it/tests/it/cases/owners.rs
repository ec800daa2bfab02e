//! Who is given the case.

use super::*;

fn leaves(env: &Env, user: &str) {
    env.update("User", user, json!({ "IsActive": false }));
}

/// A customer success manager and an owner of the account, and a queue; the manager may be nobody.
async fn answered_for(has_manager: bool) -> (Env, String, [String; 3]) {
    let (mut env, opportunity, invoice) = billed().await;
    let queue = env.insert("Group", json!({ "Name": "Dunning", "DeveloperName": "Dunning", "Type": "Queue" }));
    let policy = CasePolicy { queue_id: domain::QueueId::parse(&queue).ok(), ..CasePolicy::default() };
    env.worker.engine.settings.payment_cases = Some(policy);
    let people = [env.user("Manager"), env.user("Owner"), queue];
    let manager = has_manager.then(|| people[0].clone());
    env.update("Account", &account_of(&env, &opportunity), json!({ "CSM__c": manager, "OwnerId": people[1] }));
    (env, invoice, people)
}

#[tokio::test]
async fn whoever_looks_after_the_customer_has_the_case() {
    for (has_manager, left, expected) in
        [(true, vec![], 0), (false, vec![], 1), (true, vec![0], 1), (true, vec![0, 1], 2), (false, vec![1], 2)]
    {
        let (env, invoice, people) = answered_for(has_manager).await;
        left.iter().for_each(|index: &usize| leaves(&env, &people[*index]));
        fails(&env, &invoice);
        env.settle().await;
        assert_eq!(the_case(&env)["OwnerId"], people[expected], "{has_manager} {left:?}");
        two_days_later(&env).await;
        let task = tasks(&env).remove(0);
        // Of a queue it is whoever answers for the account in the end.
        let is_of_case = task["OwnerId"] == the_case(&env)["OwnerId"];
        assert_eq!(is_of_case, expected != 2, "a queue does nothing: {task}");
    }
}

/// Whoever has it leaves between two failures: the next who answers gets it. Whom somebody else gave it to keeps it.
#[tokio::test]
async fn a_case_whose_owner_has_left_is_given_on() {
    let (env, invoice, people) = answered_for(true).await;
    fails(&env, &invoice);
    env.settle().await;
    leaves(&env, &people[0]);
    fails(&env, &invoice);
    env.settle().await;
    assert_eq!(the_case(&env)["OwnerId"], people[1]);
    leaves(&env, &people[1]);
    fails(&env, &invoice);
    env.settle().await;
    assert_eq!(the_case(&env)["OwnerId"], people[2], "the queue");
    let other = env.user("Other");
    let id = the_case(&env)["Id"].as_str().unwrap().to_owned();
    env.update("Case", &id, json!({ "OwnerId": other, "Priority": "Low" }));
    fails(&env, &invoice);
    env.settle().await;
    let case = the_case(&env);
    assert_eq!((&case["OwnerId"], &case["Priority"]), (&json!(other), &json!("Low")), "what people decide stays");
    assert!(case["Description"].as_str().unwrap().contains("so far: 4."));
}

/// Somebody leaves in the moment between the look and the case, or may not have cases: the queue gets it.
#[tokio::test]
async fn a_case_that_its_owner_may_not_have_is_the_queues() {
    for (status, code) in [(400, "INACTIVE_OWNER_OR_USER"), (403, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY")] {
        let (env, invoice, people) = answered_for(true).await;
        env.refuses_once("Stripe_Invoice_Id__c/in_", status, code);
        fails(&env, &invoice);
        env.settle().await;
        assert_eq!(the_case(&env)["OwnerId"], people[2], "{code}");
    }
}

/// Where there is none a person is told, and sends the event again.
#[tokio::test]
async fn a_case_that_salesforce_does_not_take_is_a_persons_business() {
    for (status, code) in [(400, "INACTIVE_OWNER_OR_USER"), (403, "INSUFFICIENT_ACCESS_OR_READONLY")] {
        let (mut env, opportunity, invoice) = billed().await;
        env.expect_dead_letters();
        env.refuses_once("Stripe_Invoice_Id__c/in_", status, code);
        fails(&env, &invoice);
        env.settle().await;
        assert_eq!(
            (cases(&env).len(), &env.sqs.dead_letters()[0]["parked"]["code"]),
            (0, &json!("salesforce_refused"))
        );
        env.sqs.redrive();
        env.settle().await;
        let owner = env.record("Account", &account_of(&env, &opportunity))["OwnerId"].clone();
        assert_eq!((the_case(&env)["OwnerId"].clone(), env.sqs.dead_letters().len()), (owner, 0));
        two_days_later(&env).await;
        assert_eq!(closed(&env), json!([false, [false]]));
    }
}

/// The opportunity is gone: nobody knows whose customer it is.
#[tokio::test]
async fn a_failure_of_a_deal_that_is_gone_is_told() {
    let (mut env, opportunity, invoice) = billed().await;
    env.expect_dead_letters();
    env.sandbox.salesforce.with(|org| org.delete(0, "Opportunity", &opportunity)).unwrap();
    fails(&env, &invoice);
    env.settle().await;
    let letter = env.sqs.dead_letters().remove(0);
    assert_eq!((cases(&env).len(), &letter["parked"]["code"]), (0, &json!("opportunity_not_found")));
}
