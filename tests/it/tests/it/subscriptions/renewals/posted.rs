//! Subscriptions that begin and go on, and are posted to Chatter.

use super::*;
use crate::posts::feed;

/// Whoever sells the renewal has named the subscription before, and nothing is posted for that.
#[tokio::test]
async fn a_subscription_and_its_renewal_are_posted_once_each() {
    let mut undisturbed = None;
    for fault in [None, Some(Fault::AnswerLost), Some(Fault::UnavailableHtml)] {
        let posting = Options { posts_to_chatter: true, renewals: Renewals::Extend, ..options(LineSource::CpqQuote) };
        let env = Env::with(posting).await;
        let (account, first, start) = begun(&env).await;
        let record = env.record("Opportunity", &first);
        let (invoice, subscription) = (&record["Stripe_Invoice_Id__c"], &record["Stripe_Subscription_Id__c"]);
        let told = feed(&env, &first);
        assert_eq!(told, [format!("Billed: Acme has Stripe invoice {} for A deal.", invoice.as_str().unwrap())]);
        days(&env, 70);
        let second = renewal(&env, &account, &after(&start, 3)).await;
        env.update("Opportunity", &second, json!({ "Renewal_Stripe_Sub_Id__c": subscription }));
        assert_eq!(feed(&env, &second), [] as [&str; 0]);
        let rule = fault.map(|fault| FaultRule::once("POST", "/services/data/**", fault));
        rule.into_iter().for_each(|rule| env.sandbox.salesforce.inject(rule.body_contains("PATCH")));
        env.clear_calls();
        env.close(&second);
        env.settle_for_days().await;
        let calls = env.salesforce_calls().len();
        assert!(undisturbed.is_none_or(|undisturbed| undisturbed < calls), "it was struck: {calls} calls");
        undisturbed = undisturbed.or(Some(calls));
        is_renewed_once(&env, &second).await;
        let subscription = subscription.as_str().unwrap();
        let renewed = format!("Renewed: Stripe subscription {subscription} of Acme goes on for A deal.");
        assert_eq!((feed(&env, &second), feed(&env, &first)), (vec![renewed], told));
    }
}

/// It named what it was to renew, and begins a subscription of its own after all: nothing was renewed.
#[tokio::test]
async fn a_renewal_that_begins_its_own_subscription_is_posted_as_billed() {
    let posting = Options { posts_to_chatter: true, renewals: Renewals::Extend, ..options(LineSource::CpqQuote) };
    let mut env = Env::with(posting).await;
    env.expect_dead_letters();
    let (account, _, start) = begun(&env).await;
    days(&env, 70);
    let second = renewal(&env, &account, &after(&start, 3)).await;
    env.update("Opportunity", &second, json!({ "Renewal_Stripe_Sub_Id__c": "sub_elsewhere" }));
    env.close(&second);
    env.settle_for_days().await;
    assert_ne!(env.record("Opportunity", &second)["Stripe_Sync_Status__c"], Value::Null);
    days(&env, 30);
    env.update("Opportunity", &second, json!({ "Type": "New Business" }));
    env.sqs.put(&changed(&env, "other-type", &second));
    env.settle_for_days().await;
    let record = env.record("Opportunity", &second);
    assert_eq!(
        (&record["Stripe_Sync_Status__c"], &record["Stripe_MRR__c"].is_number()),
        (&Value::Null, &true),
        "{record}"
    );
    let invoice = record["Stripe_Invoice_Id__c"].as_str().unwrap();
    assert_eq!(feed(&env, &second), [format!("Billed: Acme has Stripe invoice {invoice} for A deal.")]);
}
