//! Nobody takes the message, or nobody answers.

use sandbox::slack::Hook;
use sandbox::{Fault, FaultRule};

use super::*;

fn suffers(env: &Env, fault: Fault, times: u32) {
    env.sandbox.slack.inject(FaultRule::once("POST", "**", fault).times(times));
}

/// Slack is down for an hour: the deal is billed at once, and told when Slack is back.
#[tokio::test]
async fn a_deal_does_not_wait_for_slack() {
    let env = env().await;
    suffers(&env, Fault::UnavailableHtml, 1_000);
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"].is_string());
    let ends = env.now() + SignedDuration::from_hours(1);
    while env.now() < ends {
        env.advance(SignedDuration::from_mins(5));
        env.settle().await;
    }
    assert_eq!(env.posted(), Vec::<String>::new());
    env.sandbox.slack.clear_faults();
    env.settle_for_days().await;
    assert_eq!(env.posted(), ["Invoice sent: A deal"]);
    assert!(!env.last_posted().contains("said before"), "it was refused for certain");
}

/// With its own words: too many messages, a lost answer, half of one.
#[tokio::test]
async fn each_way_to_fail_says_it_once_within_the_hour() {
    for (fault, is_doubted) in [
        (Fault::RateLimited, false),
        (Fault::Status { status: 503, body: String::new() }, false),
        (Fault::ServerErrorAfterCommit, true),
        (Fault::ServerError, true),
        (Fault::AnswerLost, true),
    ] {
        let env = env().await;
        suffers(&env, fault.clone(), 1);
        env.opportunity_won(&Deal::three_lines()).await;
        env.settle_for_days().await;
        let has_landed = matches!(fault, Fault::ServerErrorAfterCommit | Fault::AnswerLost);
        assert_eq!(env.posted().len(), usize::from(has_landed || !is_doubted), "{}", fault.name());
        env.advance(SignedDuration::from_mins(61));
        env.reconcile(PassKind::Sweep).await;
        env.settle_for_days().await;
        assert_eq!(env.posted().len(), 1 + usize::from(has_landed), "{}", fault.name());
        assert_eq!(env.last_posted().contains("said before"), is_doubted, "{}", fault.name());
    }
}

/// The address was revoked: what was to be told waits for a day, and lies before a person then. Sent again, it is told.
#[tokio::test]
async fn a_revoked_address_is_told_to_whoever_administers() {
    let mut env = env().await;
    env.expect_dead_letters();
    env.sandbox.slack.with(|slack| slack.hook = Hook::Gone);
    env.opportunity_won(&Deal::three_lines()).await;
    env.settle_for_days().await;
    let letters = env.sqs.dead_letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0]["parked"]["code"], "notification_not_sent");
    let reason = letters[0]["parked"]["reason"].as_str().unwrap();
    assert!(reason.contains("Slack answered 404 no_service"), "{reason}");
    env.sandbox.slack.with(|slack| slack.hook = Hook::Open);
    env.sqs.redrive();
    env.settle_for_days().await;
    assert_eq!(env.posted(), ["Invoice sent: A deal"]);
}

/// What is mended before Slack is back is not told any more; what came of it is.
#[tokio::test]
async fn what_is_mended_meanwhile_is_not_told() {
    let mut env = env().await;
    suffers(&env, Fault::UnavailableHtml, 4);
    env.expect_dead_letters();
    let opportunity = env.enter(&Deal { email: None, ..Deal::three_lines() }).await;
    env.close(&opportunity);
    env.settle().await;
    mended(&env, &opportunity).await;
    env.reconcile(PassKind::Sweep).await;
    env.settle_for_days().await;
    assert_eq!(env.posted(), ["Invoice sent: A deal"]);
}

/// A payment that fails and is made before anybody was told.
#[tokio::test]
async fn what_is_paid_meanwhile_is_not_told() {
    let (env, _, invoice) = billed_with(told()).await;
    suffers(&env, Fault::UnavailableHtml, 3);
    fails(&env, &invoice);
    env.settle().await;
    env.pay(&invoice).await;
    env.settle_for_days().await;
    env.reconcile(PassKind::Sweep).await;
    env.settle_for_days().await;
    assert_eq!(env.posted(), ["Invoice sent: A deal"]);
}

/// Who may not read the deal is told by its id.
#[tokio::test]
async fn a_deal_that_cannot_be_read_is_told_by_its_id() {
    let env = env().await;
    let body = json!([{ "message": "no", "errorCode": "INSUFFICIENT_ACCESS" }]).to_string();
    let fault = Fault::Status { status: 403, body };
    env.sandbox.salesforce.inject(FaultRule::once("POST", "/services/data/**", fault).body_contains("Owner.Name"));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle_for_days().await;
    assert_eq!(env.posted(), [format!("Invoice sent: {opportunity}")]);
}
