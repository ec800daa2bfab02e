//! Everything at once.

use futures::future::join_all;
use it::{Deal, Env};

/// Hands every message that is visible to invocations of its own, all at the same time, until nothing is left.
async fn settle_in_parallel(env: &Env) {
    loop {
        env.deliver().await;
        let messages = env.sqs.receive(usize::MAX);
        if messages.is_empty() {
            let Some(next) = env.sqs.next_visible_ms() else { return };
            env.clock.advance(u32::try_from((next - env.clock.now_ms()).max(1)).unwrap());
            continue;
        }
        join_all(messages.into_iter().map(|message| env.invoke(vec![message]))).await;
    }
}

#[tokio::test]
async fn one_event_delivered_a_hundred_times_at_once_gives_one_customer_and_one_invoice() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    let delivery = env.sandbox.salesforce.take_deliveries().remove(0);
    let replies = join_all((0..100).map(|_| env.post(&delivery))).await;
    assert!(replies.iter().all(|reply| reply.status == 202));
    settle_in_parallel(&env).await;
    assert_eq!((env.objects("customer").len(), env.invoices().len()), (1, 1));
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], env.invoices()[0]["id"]);
    let sent = env.stripe_calls().iter().filter(|call| call.ends_with("/send")).count();
    assert_eq!(sent, 1, "the customer got one e-mail");
}

#[tokio::test]
async fn a_hundred_different_events_for_one_deal_give_one_invoice() {
    let env = Env::start().await;
    let opportunity = env.enter(&Deal::three_lines()).await;
    for _ in 0..20 {
        env.update("Opportunity", &opportunity, serde_json::json!({ "StageName": "Closed Won" }));
        env.update("Opportunity", &opportunity, serde_json::json!({ "StageName": "Negotiation/Review" }));
    }
    env.close(&opportunity);
    settle_in_parallel(&env).await;
    assert_eq!((env.objects("customer").len(), env.invoices().len()), (1, 1));
    assert_eq!(env.invoices()[0]["status"], "open");
}

#[tokio::test]
async fn two_deals_of_one_account_at_once_give_one_customer_and_two_invoices() {
    let env = Env::start().await;
    let account = env.account(&Deal::three_lines());
    let mut opportunities = Vec::new();
    for lines in [1, 2] {
        opportunities.push(env.enter_for(&account, &Deal::with_lines(lines, "USD")).await);
    }
    opportunities.iter().for_each(|opportunity| env.close(opportunity));
    settle_in_parallel(&env).await;
    assert_eq!((env.objects("customer").len(), env.invoices().len()), (1, 2));
    for opportunity in opportunities {
        assert!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"].is_string());
    }
}

#[tokio::test]
async fn eighty_deals_at_once_are_billed_once_each() {
    let env = Env::start().await;
    let mut opportunities = Vec::new();
    for number in 0..80 {
        let deal = Deal { account: format!("Account {}", number % 30), ..Deal::with_lines(1 + number % 4, "USD") };
        opportunities.push(env.enter(&deal).await);
    }
    opportunities.iter().for_each(|opportunity| env.close(opportunity));
    settle_in_parallel(&env).await;
    let invoices = env.invoices();
    assert_eq!(invoices.len(), 80);
    assert!(invoices.iter().all(|invoice| invoice["status"] == "open"));
    let written: std::collections::BTreeSet<_> = opportunities
        .iter()
        .map(|opportunity| env.record("Opportunity", opportunity)["Stripe_Invoice_Id__c"].to_string())
        .collect();
    assert_eq!(written.len(), 80);
}
