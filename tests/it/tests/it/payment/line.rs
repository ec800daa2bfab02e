//! What comes by the thousand asks Stripe in turn; what goes first does not wait, and leaves no turn behind.

use jiff::Timestamp;
use sandbox::{Fault, FaultRule};

use super::*;

const READ: &str = "turns#GET /v1/invoices/:id";

/// The endpoints at which turns were taken.
fn lines(env: &Env) -> Vec<String> {
    let keys = env.aws.items().into_iter().filter_map(|item| item["pk"]["S"].as_str().map(str::to_owned));
    keys.filter(|key| key.starts_with("turns#")).collect()
}

/// When the next turn is free there, in microseconds from now on.
fn free_in(env: &Env, line: &str) -> i64 {
    let items = env.aws.items();
    let item = items.iter().find(|item| item["pk"]["S"] == line).unwrap_or_else(|| panic!("{line}: {items:?}"));
    item["free_at"]["N"].as_str().unwrap().parse::<i64>().unwrap() - Timestamp::now().as_microsecond()
}

async fn in_line(stripe_takes: u16) -> (Env, String, String) {
    let (env, opportunity, invoice) =
        billed_with(Options { stripe_takes: Some(stripe_takes), ..Options::default() }).await;
    assert!(lines(&env).is_empty(), "a deal goes first: {:?}", lines(&env));
    (env, opportunity, invoice)
}

#[tokio::test]
async fn a_payment_is_asked_for_in_turn() {
    let (env, opportunity, invoice) = in_line(25).await;
    env.pay_by_card(&invoice).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
    let mut lines = lines(&env);
    lines.sort();
    assert_eq!(lines, ["turns#GET /v1/invoice_payments/:id", READ]);
    // What the same process does next, and goes first, does not.
    let seen = free_in(&env, READ) + Timestamp::now().as_microsecond();
    env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert_eq!(env.invoices_that_count().len(), 2);
    assert!((free_in(&env, READ) + Timestamp::now().as_microsecond() - seen).abs() < 10_000, "nobody took a turn");
    let keys = |prefix: &str| {
        env.aws.items().iter().filter(|item| item["pk"]["S"].as_str().unwrap().starts_with(prefix)).count()
    };
    assert_eq!(keys("turns#"), 2);
}

/// Others use the limit, too. Whoever hears of it lets everybody rest, and the payment is told later.
#[tokio::test]
async fn after_a_429_nobody_asks_for_a_second() {
    let (env, opportunity, invoice) = in_line(25).await;
    env.sandbox.stripe.inject(FaultRule::once("GET", "/v1/invoices/*", Fault::RateLimited));
    env.pay(&invoice).await;
    env.deliver().await;
    while env.work(10).await != it::Worked::Nothing {}
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], false);
    let rests = free_in(&env, READ);
    assert!((1..=1_500_000).contains(&rests), "{rests} µs");
    env.settle_for_days().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
}

/// Nothing is sent that would have to wait for longer than a request may take, and nothing is lost by that.
#[tokio::test]
async fn where_too_many_wait_already_a_payment_is_given_back() {
    let (env, opportunity, invoice) = in_line(25).await;
    let at = (Timestamp::now().as_microsecond() + 20_000_000).to_string();
    env.aws.put(&json!({ "pk": { "S": READ }, "sk": { "S": "turns" }, "free_at": { "N": at } }));
    env.clear_calls();
    env.pay(&invoice).await;
    env.deliver().await;
    env.work(10).await;
    assert!(!env.stripe_calls().iter().any(|call| call.starts_with("GET /v1/invoices/")), "{:?}", env.stripe_calls());
    assert_eq!(env.sqs.work().len(), 1);
    // The line is gone by then.
    env.aws.put(&json!({ "pk": { "S": READ }, "sk": { "S": "turns" }, "free_at": { "N": "0" } }));
    env.settle_for_days().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
}
