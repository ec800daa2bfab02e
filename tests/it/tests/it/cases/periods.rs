//! What a subscription bills later is not collected.

use super::*;
use crate::subscriptions::{day, selling, won};

/// Its first invoice is paid, a month passes, and the next is not collected. It names no opportunity itself; its subscription does.
#[tokio::test]
async fn a_later_periods_invoice_is_looked_after_as_the_first_is() {
    let env = selling().await;
    let opportunity = won(&env, &day(&env, 0)).await;
    env.settle().await;
    let first = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.pay(&first).await;
    for _ in 0..32 {
        env.advance(SignedDuration::from_hours(24));
        env.settle().await;
    }
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    let later = env.invoices().into_iter().find(|invoice| invoice["status"] == "open").unwrap();
    assert_eq!(later["metadata"], json!({}), "{later}");
    let later = later["id"].as_str().unwrap();
    fails(&env, later);
    env.settle().await;
    let case = the_case(&env);
    assert_eq!(
        (&case["Stripe_Invoice_Id__c"], &case["AccountId"]),
        (&json!(later), &json!(account_of(&env, &opportunity)))
    );
    assert!(case["Description"].as_str().unwrap().contains(&opportunity));
    env.advance(SignedDuration::from_hours(1));
    env.pay(later).await;
    let deliveries = env.sandbox.stripe.take_deliveries();
    assert!(!deliveries.is_empty(), "they are lost");
    env.advance(SignedDuration::from_mins(20));
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    assert_eq!(closed(&env), json!([true, []]));
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], first);
    asks_for_nothing_more(&env).await;
}
