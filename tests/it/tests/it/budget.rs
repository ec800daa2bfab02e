//! Calls are a budget: what a deal costs Stripe and Salesforce.

use it::{Deal, Env};

mod echoes;

/// `(calls to Stripe, calls to Salesforce)` of one won deal, from the callout to the write-back.
async fn cost(env: &Env, account: &str, deal: &Deal) -> (Vec<String>, usize) {
    let opportunity = env.enter_for(account, deal).await;
    env.settle().await;
    env.clear_calls();
    env.close(&opportunity);
    env.settle().await;
    assert!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"].is_string());
    (env.stripe_calls(), env.salesforce_calls().len())
}

#[tokio::test]
async fn a_deal_costs_four_calls_at_stripe_and_two_at_salesforce_and_one_for_each_price() {
    for lines in [1, 3, 10] {
        let env = Env::start().await;
        let account = env.account(&Deal::three_lines());
        let (stripe, salesforce) = cost(&env, &account, &Deal::with_lines(lines, "USD")).await;
        let operations: Vec<_> = stripe.iter().map(|call| call.rsplit('/').next().unwrap()).collect();
        let prices = usize::try_from(lines).unwrap();
        assert_eq!(operations[prices..], ["customers", "invoices", "add_lines", "send"], "{lines} lines");
        assert!(operations[..prices].iter().all(|price| price.starts_with("price_")), "{operations:?}");
        assert_eq!(salesforce, 2, "{lines} lines");
        // The customer is known now.
        let (stripe, salesforce) = cost(&env, &account, &Deal::with_lines(lines, "USD")).await;
        assert_eq!((stripe.len(), salesforce), (prices + 3, 2), "{lines} lines, customer known");
    }
}

/// More than ten prices are looked for among all that are active, a hundred with a call.
#[tokio::test]
async fn many_prices_are_found_by_the_hundred() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let account = env.account(&Deal::three_lines());
    for (lines, pages) in [(11, 1), (100, 1), (120, 2)] {
        let (stripe, _) = cost(&env, &account, &Deal::with_lines(lines, "USD")).await;
        let of_prices: Vec<_> = stripe.iter().filter(|call| call.starts_with("GET /v1/prices")).collect();
        assert_eq!((of_prices.len(), of_prices.last().unwrap().as_str()), (pages, "GET /v1/prices"), "{lines} lines");
    }
    // One that is archived is not among them.
    let opportunity = env.enter_for(&account, &Deal::with_lines(12, "USD")).await;
    let price = env.objects("price").last().unwrap()["id"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/prices/{price}"), "active=false").await;
    env.clear_calls();
    env.close(&opportunity);
    env.deliver().await;
    env.work(10).await;
    let message = env.record("Opportunity", &opportunity)["Stripe_Sync_Error__c"].clone();
    assert!(message.as_str().unwrap().contains(&format!("{price} is archived")), "{message}");
    assert_eq!(env.stripe_calls(), ["GET /v1/prices".to_owned(), format!("GET /v1/prices/{price}")]);
}

/// One more for what is new of the customer.
#[tokio::test]
async fn news_of_the_customer_costs_one_more_call() {
    let env = Env::start().await;
    let account = env.account(&Deal::three_lines());
    cost(&env, &account, &Deal::three_lines()).await;
    env.advance(jiff::SignedDuration::from_mins(1));
    let news = serde_json::json!({ "Billing_Email__c": "new@acme.example", "Phone": "+1 555 0100" });
    env.update("Account", &account, news);
    let (stripe, salesforce) = cost(&env, &account, &Deal::three_lines()).await;
    assert_eq!((stripe.len(), salesforce), (3 + 4, 2), "{stripe:?}");
}

#[tokio::test]
async fn each_further_hundred_lines_cost_one_more_call() {
    let env = Env::start().await;
    let account = env.account(&Deal::three_lines());
    let (stripe, salesforce) = cost(&env, &account, &Deal::with_lines(120, "USD")).await;
    assert_eq!((stripe.len(), salesforce), (2 + 5, 2), "120 prices are on two pages");
    let (stripe, salesforce) = cost(&env, &account, &Deal::with_lines(250, "USD")).await;
    assert_eq!((stripe.len(), salesforce), (3 + 5, 2), "three batches, customer known");
}

#[tokio::test]
async fn a_negotiated_line_costs_nothing_more() {
    let env = Env::start().await;
    let account = env.account(&Deal::three_lines());
    let (stripe, salesforce) = cost(&env, &account, &Deal::negotiated("100", 10_000, "80", "3")).await;
    assert_eq!((stripe.len(), salesforce), (5, 2));
}

#[tokio::test]
async fn a_payment_costs_one_call_at_stripe_and_one_at_salesforce() {
    let env = Env::start().await;
    env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.pay(&invoice).await;
    env.clear_calls();
    env.settle().await;
    assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (1, 1));
}
