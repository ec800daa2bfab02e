//! Wins that are posted to Chatter, by the flows of the package `chatter`: the sandbox reads these and plays them.

use engine::PassKind;
use it::{Deal, Env, Options};
use jiff::SignedDuration;
use mapping::Amendments;
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::crashes::{goes_on_while_it_stands_still, settle_over_deaths};

fn posting() -> Options {
    Options { posts_to_chatter: true, ..Options::default() }
}

/// What the feed of a record holds.
pub(crate) fn feed(env: &Env, record: &str) -> Vec<String> {
    let items = env.sandbox.salesforce.with(|org| org.records("FeedItem"));
    let of_it = items.into_iter().filter(|item| item["ParentId"] == record);
    of_it.map(|item| item["Body"].as_str().unwrap().to_owned()).collect()
}

fn invoice(env: &Env, opportunity: &str) -> String {
    let record = env.record("Opportunity", opportunity);
    assert_eq!(record["Stripe_Sync_Status__c"], Value::Null, "{record}");
    record["Stripe_Invoice_Id__c"].as_str().unwrap().to_owned()
}

/// The deal is written, and posted once.
fn is_told_once(env: &Env, opportunity: &str, when: &str) {
    let expected = format!("Billed: Acme has Stripe invoice {} for A deal.", invoice(env, opportunity));
    assert_eq!(feed(env, opportunity), [expected], "{when}");
}

#[tokio::test]
async fn a_win_is_posted_when_its_invoice_is_named() {
    let env = Env::with(posting()).await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    is_told_once(&env, &opportunity, "once");
    assert_eq!(env.salesforce_calls().len(), 2, "one read and one write, as everywhere");
    env.sqs.put(&crate::operator::changed(&env, "again", &opportunity));
    env.settle().await;
    let pass = env.reconcile(PassKind::Deep).await;
    env.settle().await;
    assert!(pass.differences.is_empty());
    is_told_once(&env, &opportunity, "after everything");
}

#[tokio::test]
async fn nothing_is_posted_where_nobody_wants_it() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    invoice(&env, &opportunity);
    assert_eq!(feed(&env, &opportunity), [] as [&str; 0]);
}

/// The write is repeated where its answer was lost, and names what is named.
#[tokio::test]
async fn a_write_that_is_repeated_posts_nothing_more() {
    for fault in [Fault::AnswerLost, Fault::HalfBody, Fault::UnavailableHtml] {
        let env = Env::with(posting()).await;
        let opportunity = env.opportunity_won(&Deal::three_lines()).await;
        let rule = FaultRule::once("POST", "/services/data/**", fault.clone()).body_contains("PATCH");
        env.sandbox.salesforce.inject(rule);
        env.settle_for_days().await;
        let writes = env.salesforce_calls().len();
        assert!(writes > 2, "it was struck: {writes} calls");
        is_told_once(&env, &opportunity, &format!("{fault:?}"));
    }
}

/// Also where the write of a process lands that stood still, after another one has written the same.
#[tokio::test]
async fn dying_or_standing_still_at_any_moment_a_win_is_posted_once() {
    let begin = async || {
        let env = Env::with(posting()).await;
        let opportunity = env.opportunity_won(&Deal::three_lines()).await;
        (env, opportunity)
    };
    let (undisturbed, _) = begin().await;
    undisturbed.settle().await;
    let moments = undisturbed.fuse.passed();
    assert!(moments > 20, "{moments}");
    for moment in 0..moments {
        let (env, opportunity) = begin().await;
        env.fuse.arm(moment);
        assert_eq!(settle_over_deaths(&env, SignedDuration::from_secs(400)).await, 1);
        is_told_once(&env, &opportunity, &format!("died at {moment}"));
        let (env, opportunity) = begin().await;
        goes_on_while_it_stands_still(&env, moment).await;
        is_told_once(&env, &opportunity, &format!("stood still at {moment}"));
    }
}

/// It is one win, whatever it is billed by in the end.
#[tokio::test]
async fn a_deal_that_is_billed_anew_is_not_posted_anew() {
    let env = Env::with(Options { amendments: Amendments::VoidAndReissue, ..posting() }).await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let (first, told) = (invoice(&env, &opportunity), feed(&env, &opportunity));
    let line = env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem")).remove(0);
    env.update("OpportunityLineItem", line["Id"].as_str().unwrap(), json!({ "Quantity": 9 }));
    env.sqs.put(&crate::operator::changed(&env, "edited", &opportunity));
    env.settle_for_days().await;
    assert_ne!(first, invoice(&env, &opportunity));
    assert_eq!((told.len(), feed(&env, &opportunity)), (1, told));
}
