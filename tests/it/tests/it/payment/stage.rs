//! Where the organization has a stage for deals that are paid.

use super::*;

async fn billed_with_stage() -> (Env, String, String) {
    billed_with(Options { paid_stage: Some("Paid"), ..Options::default() }).await
}

/// Whether it is paid, and its stage.
fn stands(env: &Env, opportunity: &str) -> Value {
    let record = env.record("Opportunity", opportunity);
    json!([record["Payment_Received__c"], record["StageName"]])
}

/// In the call that says that it is paid. It is won still: nothing is billed anew, or missed by the statement.
#[tokio::test]
async fn a_deal_that_is_paid_gets_its_stage_and_is_won_still() {
    let (env, opportunity, invoice) = billed_with_stage().await;
    env.pay(&invoice).await;
    env.settle().await;
    assert_eq!(stands(&env, &opportunity), json!([true, "Paid"]));
    let of_payment = env.salesforce_calls().len();
    assert!(of_payment <= 2, "the payment, and a look for its own echo: {:?}", env.salesforce_calls());
    env.update("Opportunity", &opportunity, json!({ "NextStep": "Say thanks" }));
    env.advance(SignedDuration::from_hours(30));
    let pass = env.reconcile(PassKind::Deep).await;
    env.settle().await;
    let statement = pass.statement.unwrap();
    let books = statement.of_month;
    assert_eq!((books.difference_count, env.invoices().len()), (0, 1), "{books:?}");
    let count = |sums: &ledger::Sums| sums.0.values().map(|sum| sum.count).sum::<u64>();
    assert_eq!([count(&books.deals), count(&books.paid)], [1, 1]);
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], Value::Null);
}

#[tokio::test]
async fn a_part_moves_nothing() {
    let (env, opportunity, invoice) = billed_with_stage().await;
    pays(&env, &invoice, 4000);
    env.settle().await;
    assert_eq!(stands(&env, &opportunity), json!([false, "Closed Won"]));
    pays(&env, &invoice, 7000);
    env.settle().await;
    assert_eq!(stands(&env, &opportunity), json!([true, "Paid"]));
}

/// Whoever moved it on, or ticked it by hand, before the money came.
#[tokio::test]
async fn what_a_person_decided_of_its_stage_stays() {
    let (env, opportunity, invoice) = billed_with_stage().await;
    env.update("Opportunity", &opportunity, json!({ "StageName": "Onboarding" }));
    env.settle().await;
    env.pay(&invoice).await;
    env.settle().await;
    assert_eq!(stands(&env, &opportunity), json!([true, "Onboarding"]));
    let (env, opportunity, invoice) = billed_with_stage().await;
    env.update("Opportunity", &opportunity, json!({ "Payment_Received__c": true, "Paid_Date__c": "2026-11-01" }));
    env.pay(&invoice).await;
    env.settle().await;
    assert_eq!(stands(&env, &opportunity), json!([true, "Paid"]));
    assert_eq!(env.record("Opportunity", &opportunity)["Paid_Date__c"], "2026-11-01");
}

/// A deal that was never billed has been settled otherwise by whoever moves it there.
#[tokio::test]
async fn a_deal_that_is_moved_there_by_hand_is_not_billed() {
    let env = Env::with(Options { paid_stage: Some("Paid"), ..Options::default() }).await;
    let opportunity = env.enter(&Deal::three_lines()).await;
    env.update("Opportunity", &opportunity, json!({ "StageName": "Paid" }));
    env.settle().await;
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    assert_eq!(env.invoices().len(), 0);
}

#[tokio::test]
async fn dying_and_standing_still_at_any_moment_is_the_same_story() {
    let paid = async || {
        let (env, opportunity, invoice) = billed_with_stage().await;
        env.pay(&invoice).await;
        env.fuse.count_anew();
        (env, opportunity)
    };
    let (undisturbed, _) = paid().await;
    undisturbed.settle().await;
    for moment in 0..undisturbed.fuse.passed() {
        let (env, opportunity) = paid().await;
        env.fuse.arm(moment);
        settle_over_deaths(&env, SignedDuration::from_secs(400)).await;
        assert_eq!(stands(&env, &opportunity), json!([true, "Paid"]), "died at {moment}");
        let (env, opportunity) = paid().await;
        let meanwhile = async {
            env.advance(SignedDuration::from_secs(400));
            env.settle_for_days().await;
            // Somebody moves it on: what comes late does not move it back.
            env.update("Opportunity", &opportunity, json!({ "StageName": "Onboarding" }));
        };
        env.stands_still_at(moment, meanwhile).await;
        env.settle_for_days().await;
        assert_eq!(stands(&env, &opportunity), json!([true, "Onboarding"]), "stood still at {moment}");
    }
}

/// A validation rule keeps the stage as it is: that it is paid is told all the same, and a person why it was not moved.
#[tokio::test]
async fn a_stage_that_is_refused_is_told_and_the_payment_stands() {
    let (mut env, opportunity, invoice) = billed_with_stage().await;
    env.expect_dead_letters();
    let error = json!([{ "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Not yet." }]);
    env.pay(&invoice).await;
    let part = |name: &str, status: u16, body: Value| json!({ "body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": name });
    let none = || json!({ "done": true, "totalSize": 0, "records": [] });
    let answers = json!([
        part("found0", 200, none()),
        part("update0", 204, Value::Null),
        part("found1", 200, none()),
        part("update1", 400, error),
        part("query0", 200, none()),
        part("query1", 200, none()),
    ]);
    let body = json!({ "compositeResponse": answers }).to_string();
    let rule = sandbox::FaultRule::once("POST", "/services/data/**", sandbox::Fault::Status { status: 200, body });
    env.sandbox.salesforce.inject(rule.body_contains("\"StageName\":\"Paid\""));
    env.settle().await;
    let letter = env.sqs.dead_letters().remove(0);
    assert_eq!(letter["parked"]["code"], "salesforce_refused", "{letter}");
    env.sqs.redrive();
    env.settle().await;
    assert_eq!(stands(&env, &opportunity), json!([true, "Paid"]));
}
