//! In whatever order Stripe's events come, and however often, Salesforce says in the end what the invoice does.

use it::Deal;
use sandbox::wire::Delivery;

use super::*;

/// What happened to the invoice, and what the last of it leaves: whether its case is closed, where there is one.
const ENDS: [&str; 3] = ["paid", "void", "unpaid"];

/// Failed twice, and then this; the deliveries of each step.
async fn happened(end: &str) -> (Env, String, Vec<Vec<Delivery>>) {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    // What tells that it was finalized and sent is kept back as well.
    let mut steps = Vec::new();
    let mut sent = Vec::new();
    loop {
        for delivery in env.sandbox.salesforce.take_deliveries() {
            env.post(&delivery).await;
        }
        sent.extend(env.sandbox.stripe.take_deliveries());
        if env.work(10).await == it::Worked::Nothing && env.sqs.work().is_empty() {
            break;
        }
    }
    sent.extend(env.sandbox.stripe.take_deliveries());
    steps.push(sent);
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        fails(&env, &invoice);
        steps.push(env.sandbox.stripe.take_deliveries());
    }
    match end {
        "paid" => env.pay_by_card(&invoice).await,
        "void" => drop(env.stripe_post(&format!("/v1/invoices/{invoice}/void"), "").await),
        _ => {}
    }
    steps.push(env.sandbox.stripe.take_deliveries());
    (env, opportunity, steps)
}

/// All orders of so many.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let shorter = orders(count - 1);
    let last = count - 1;
    shorter
        .iter()
        .flat_map(|order| (0..=order.len()).map(move |at| [&order[..at], &[last], &order[at..]].concat()))
        .collect()
}

#[tokio::test]
async fn events_of_failures_may_come_in_any_order_and_twice() {
    for end in ENDS {
        let orders = orders(4);
        assert_eq!(orders.len(), 24);
        for order in orders {
            let (env, opportunity, steps) = happened(end).await;
            for step in &order {
                for delivery in steps[*step].iter().rev() {
                    env.post(delivery).await;
                    env.post(delivery).await;
                }
                env.settle().await;
                // A signature is good for five minutes.
                env.advance(SignedDuration::from_secs(60));
            }
            two_days_later(&env).await;
            let paid = env.record("Opportunity", &opportunity)["Payment_Received__c"].clone();
            // The object was at its end before anything was told of it.
            let expected = if end == "unpaid" { (1, 1) } else { (0, 0) };
            assert_eq!(
                ((cases(&env).len(), tasks(&env).len()), paid),
                (expected, json!(end == "paid")),
                "{end} {order:?}"
            );
            assert!(env.sqs.dead_letters().is_empty());
        }
    }
}

/// The same told of as it happens: what was opened is closed, whatever comes late and again.
#[tokio::test]
async fn what_is_told_at_once_and_again_much_later_ends_alike() {
    for end in ENDS {
        let (env, _, invoice) = billed().await;
        let mut told = Vec::new();
        for step in ["fails", "fails", end] {
            match step {
                "fails" => fails(&env, &invoice),
                "paid" => env.pay_by_card(&invoice).await,
                "void" => drop(env.stripe_post(&format!("/v1/invoices/{invoice}/void"), "").await),
                _ => {}
            }
            let deliveries = env.sandbox.stripe.take_deliveries();
            for delivery in &deliveries {
                env.post(delivery).await;
            }
            env.settle().await;
            told.extend(deliveries);
            env.advance(SignedDuration::from_secs(60));
        }
        env.clear_calls();
        for delivery in told.iter().rev() {
            env.post(delivery).await;
        }
        env.settle().await;
        assert!(env.salesforce_calls().is_empty(), "it was all seen: {:?}", env.salesforce_calls());
        assert_eq!(closed(&env), json!([end != "unpaid", []]), "{end}");
    }
}
