//! What people are told beside their records: in a channel of Slack, and by e-mail.

use engine::PassKind;
use it::{Deal, Env, Options};
use jiff::SignedDuration;
use mapping::Channel;
use serde_json::json;

use crate::payment::billed_with;

mod interrupted;
mod unheard;

fn told() -> Options {
    Options { tells: vec![Channel::Slack], ..Options::default() }
}

async fn env() -> Env {
    Env::with(told()).await
}

/// Stripe tries once more, and tells of it.
fn fails(env: &Env, invoice: &str) {
    env.sandbox.stripe.with(|stripe| stripe.attempt_fails(invoice, "InsufficientFunds", None));
}

/// A deal that cannot be billed, as its account has no address.
async fn refused(env: &mut Env) -> String {
    env.expect_dead_letters();
    let opportunity = env.enter(&Deal { email: None, ..Deal::three_lines() }).await;
    env.close(&opportunity);
    env.settle_for_days().await;
    opportunity
}

/// Somebody edits it, which no event tells; the reconciler looks at it again.
async fn edited(env: &Env, opportunity: &str) {
    env.advance(SignedDuration::from_mins(15));
    env.update("Opportunity", opportunity, json!({ "Description": format!("edited at {}", env.now()) }));
    env.reconcile(PassKind::Sweep).await;
    env.settle_for_days().await;
}

/// Its account gets an address, and somebody sends the event again.
async fn mended(env: &Env, opportunity: &str) {
    let account = env.record("Opportunity", opportunity)["AccountId"].as_str().unwrap().to_owned();
    env.update("Account", &account, json!({ "Billing_Email__c": "ap@acme.example" }));
    env.sqs.redrive();
    env.settle_for_days().await;
}

#[tokio::test]
async fn a_win_is_told_with_its_amount_and_where_to_look() {
    let env = env().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle_for_days().await;
    assert_eq!(env.posted(), ["Invoice sent: A deal"]);
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    let said = env.last_posted();
    let account = env.record("Account", env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap());
    for expected in [
        "*Deal*\n110.00 USD".to_owned(),
        format!("*Account*\n{}", account["Name"].as_str().unwrap()),
        format!("<{}/{opportunity}|Opportunity>", env.sandbox.salesforce_url()),
        format!("<https://dashboard.stripe.com/test/invoices/{invoice}|Invoice at Stripe>"),
        "Test mode.".to_owned(),
    ] {
        assert!(said.contains(&expected), "{expected} is not in: {said}");
    }
    // An edit that changes nothing is no news, nor is a payment.
    env.pay(&invoice).await;
    edited(&env, &opportunity).await;
    assert_eq!(env.posted().len(), 1);
}

/// With the code, what mends it, and whose turn it is.
#[tokio::test]
async fn a_refusal_is_told_with_what_mends_it() {
    let mut env = env().await;
    let opportunity = refused(&mut env).await;
    assert_eq!(env.posted(), ["Not billed: A deal"]);
    let (said, code) = (env.last_posted(), mapping::Code::BillingEmailMissing);
    for expected in ["billing_email_missing", code.remedy(), "*Whose turn it is*\nsales"] {
        assert!(said.contains(expected), "{expected} is not in: {said}");
    }
    mended(&env, &opportunity).await;
    assert_eq!(env.posted(), ["Not billed: A deal", "Invoice sent: A deal"]);
}

/// Whoever sends it again is told again that it is refused still; not within the hour, and once.
#[tokio::test]
async fn the_same_is_not_said_again_within_the_hour() {
    let mut env = env().await;
    let opportunity = refused(&mut env).await;
    for _ in 0..3 {
        env.sqs.redrive();
        env.settle_for_days().await;
    }
    assert_eq!(env.posted().len(), 1);
    env.advance(SignedDuration::from_mins(40));
    edited(&env, &opportunity).await;
    assert_eq!(env.posted().len(), 1, "the hour is not over");
    for _ in 0..3 {
        edited(&env, &opportunity).await;
    }
    assert_eq!(env.posted(), ["Not billed: A deal", "Not billed: A deal"]);
}

/// The same code for another reason is news.
#[tokio::test]
async fn other_words_are_told() {
    let mut env = env().await;
    env.expect_dead_letters();
    let opportunity = env.enter(&Deal { email: None, country: "Narnia".into(), ..Deal::three_lines() }).await;
    env.close(&opportunity);
    env.settle_for_days().await;
    assert!(env.last_posted().contains("Mend 2 things."), "{}", env.last_posted());
    let account = env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
    env.update("Account", &account, json!({ "BillingCountry": "US" }));
    env.sqs.redrive();
    env.settle_for_days().await;
    assert_eq!(env.posted().len(), 1, "within the hour");
    env.advance(SignedDuration::from_mins(61));
    env.reconcile(PassKind::Sweep).await;
    env.settle_for_days().await;
    assert_eq!(env.posted().len(), 2);
    assert!(!env.last_posted().contains("Mend 2 things."), "{}", env.last_posted());
}

/// A reason that went and came back is news, once an hour.
#[tokio::test]
async fn what_comes_back_is_told_again() {
    let mut env = env().await;
    let opportunity = refused(&mut env).await;
    let account = env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
    let narnia = json!({ "Billing_Email__c": "ap@acme.example", "BillingCountry": "Narnia" });
    let no_address = json!({ "Billing_Email__c": null, "BillingCountry": "US" });
    for (minutes, change) in [(20, &narnia), (20, &no_address), (10, &narnia), (20, &no_address)] {
        env.advance(SignedDuration::from_mins(minutes));
        env.update("Account", &account, change.clone());
        env.update("Opportunity", &opportunity, json!({ "StageName": "Negotiation/Review" }));
        env.close(&opportunity);
        env.settle_for_days().await;
    }
    let codes = env.sandbox.slack.with(|slack| {
        let code = |words: String| words.lines().skip_while(|line| *line != "*Code*").nth(1).map(str::to_owned);
        slack.posted().iter().filter_map(|posted| code(posted.words())).collect::<Vec<_>>()
    });
    assert_eq!(codes, ["billing_email_missing", "billing_country_unknown", "billing_email_missing"]);
}

/// The first failure only, whatever comes after it.
#[tokio::test]
async fn the_first_failure_of_an_invoice_is_told() {
    let (env, _, invoice) = billed_with(told()).await;
    for _ in 0..3 {
        fails(&env, &invoice);
        env.settle().await;
        env.advance(SignedDuration::from_hours(30));
        env.reconcile(PassKind::Sweep).await;
        env.settle().await;
    }
    let failures: Vec<_> = env.posted().into_iter().filter(|title| title.starts_with("Payment failed")).collect();
    assert_eq!(failures, ["Payment failed: A deal"]);
}

/// With the reason, and without the page's address, which is for the customer.
#[tokio::test]
async fn a_failure_is_told_with_its_reason() {
    let (env, _, invoice) = billed_with(told()).await;
    fails(&env, &invoice);
    env.settle().await;
    let said = env.last_posted();
    assert!(said.contains("Stripe could not collect 110.00 USD") && said.contains("insufficient_funds"), "{said}");
    assert!(!said.contains("invoice.stripe.com") && !said.contains("/i/"), "the page is for the customer: {said}");
}

/// Where there are no cases, whoever wants to hear of failures does all the same.
#[tokio::test]
async fn failures_are_told_where_there_are_no_cases() {
    let (env, _, invoice) = billed_with(Options { payment_cases: None, ..told() }).await;
    fails(&env, &invoice);
    env.settle().await;
    assert_eq!(env.posted().last().map(String::as_str), Some("Payment failed: A deal"));
    let cases = env.sandbox.salesforce.with(|org| org.records("Case"));
    assert!(cases.is_empty(), "{cases:?}");
}

/// The e-mail says the same.
#[tokio::test]
async fn subscribers_of_the_topic_are_told_by_email() {
    let env = Env::with(Options { tells: vec![Channel::Slack, Channel::Email], ..Options::default() }).await;
    env.opportunity_won(&Deal::three_lines()).await;
    env.settle_for_days().await;
    let emails = env.aws.emails();
    assert_eq!((env.posted().len(), emails.len()), (1, 1));
    assert_eq!(emails[0].subject, "Invoice sent: A deal");
    assert!(emails[0].text.contains("Deal: 110.00 USD\n"), "{}", emails[0].text);
}

#[tokio::test]
async fn each_days_statement_is_told_once() {
    let env = env().await;
    env.reconcile(PassKind::Sweep).await;
    env.opportunity_won(&Deal::three_lines()).await;
    env.settle_for_days().await;
    env.advance(SignedDuration::from_hours(26));
    env.reconcile(PassKind::Deep).await;
    env.settle_for_days().await;
    env.reconcile(PassKind::Deep).await;
    env.settle_for_days().await;
    assert_eq!(env.posted(), ["Invoice sent: A deal", "Billed and paid: 2026-11-23"]);
    let said = env.last_posted();
    assert!(said.contains("*Won, day*\n1 for 110.00 USD") && said.contains("*Paid, day*\nnone"), "{said}");
}

/// What is not wanted is not told, and costs nothing.
#[tokio::test]
async fn whoever_wants_to_hear_of_some_things_hears_of_those() {
    let mut env = env().await;
    let policy = env.worker.engine.settings.notifications.as_mut().unwrap();
    (policy.wins, policy.failures) = (false, false);
    env.opportunity_won(&Deal::three_lines()).await;
    env.settle_for_days().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    fails(&env, &invoice);
    env.settle().await;
    assert_eq!(env.posted(), Vec::<String>::new());
    refused(&mut env).await;
    assert_eq!(env.posted(), ["Not billed: A deal"]);
}

/// Whoever is told from today on is not told of yesterday.
#[tokio::test]
async fn what_was_before_it_was_switched_on_is_no_news() {
    let mut env = env().await;
    let policy = env.worker.engine.settings.notifications.take();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle_for_days().await;
    env.worker.engine.settings.notifications = policy;
    edited(&env, &opportunity).await;
    assert_eq!(env.posted(), Vec::<String>::new());
}

/// A message costs one look at Salesforce, and the deal itself no call.
#[tokio::test]
async fn telling_costs_one_look() {
    let env = env().await;
    env.opportunity_won(&Deal::three_lines()).await;
    env.settle_for_days().await;
    assert_eq!((env.salesforce_calls().len(), env.sandbox.slack.requests().len()), (3, 1));
}
