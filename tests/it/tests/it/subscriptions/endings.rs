//! Subscriptions that end before their term does: the opportunity says from which day on nothing more is billed.

use mapping::Renewals;

use super::renewals::{after, days, quote_line_of, quote_of, sell_by_the_month, term_of};
use super::*;
use crate::crashes::{goes_on_while_it_stands_still, settle_over_deaths};

/// Two seats by the month for a year, begun today, and onboarding; sent.
async fn begun() -> (Env, String, String) {
    let env = selling().await;
    let start = day(&env, 0);
    let opportunity = won(&env, &start).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], Value::Null);
    env.clear_calls();
    (env, opportunity, start)
}

fn cancel_on(env: &Env, opportunity: &str, on: Option<&str>) {
    env.update("Opportunity", opportunity, json!({ "Stripe_Cancel_On__c": on }));
    env.sqs.put(&changed(env, &format!("msg_{}", on.unwrap_or("none")), opportunity));
}

/// At the beginning of this day.
fn midnight(day: &str) -> Value {
    format!("{day}T00:00:00Z").parse::<jiff::Timestamp>().unwrap().as_second().into()
}

fn ends_at(env: &Env) -> Value {
    subscriptions(env)[0]["cancel_at"].clone()
}

fn billed(env: &Env) -> (usize, i64) {
    let totals: Vec<_> = env.invoices().iter().map(|invoice| invoice["total"].as_i64().unwrap()).collect();
    (totals.len(), totals.iter().sum())
}

/// Nothing is given back and nothing cut: three months are billed, and then nothing more.
#[tokio::test]
async fn a_subscription_ends_on_the_day_that_the_opportunity_says() {
    let (env, opportunity, start) = begun().await;
    let on = after(&start, 3);
    cancel_on(&env, &opportunity, Some(&on));
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], Value::Null);
    assert_eq!(ends_at(&env), midnight(&on));
    // Two looks at the deal, one at the subscription, and one change; of which Stripe tells, and nothing is new of how it stands.
    let id = subscriptions(&env)[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(operations(&env), [format!("GET {id}"), format!("POST {id}"), format!("GET {id}")]);
    assert_eq!(env.salesforce_calls().len(), 2 + 1, "{:?}", env.salesforce_calls());
    let pass = env.reconcile(PassKind::Deep).await;
    assert!(pass.differences.is_empty(), "{pass:?}");
    days(&env, 200);
    assert_eq!(billed(&env), (3, 3 * 20_000 + 50_000));
    assert_eq!(subscriptions(&env)[0]["status"], "canceled");
    // What is over stays over, and is no difference.
    env.sqs.put(&changed(&env, "msg_again", &opportunity));
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], Value::Null);
}

/// Without the day, or with another one, it ends then; and all of the term is billed if it was only a thought.
#[tokio::test]
async fn second_thoughts_are_told_as_well() {
    let (env, opportunity, start) = begun().await;
    for on in [Some(6), Some(4), None] {
        let on = on.map(|months| after(&start, months));
        cancel_on(&env, &opportunity, on.as_deref());
        env.settle().await;
        assert_eq!(ends_at(&env), midnight(&on.unwrap_or_else(|| after(&start, 12))));
    }
    days(&env, 400);
    assert_eq!(billed(&env), (12, 240_000 + 50_000));
}

/// Nothing is changed, and the sentence says when it can end.
#[tokio::test]
async fn what_is_billed_is_not_canceled() {
    let (mut env, opportunity, start) = begun().await;
    env.expect_dead_letters();
    let term = ends_at(&env);
    for (on, sentence) in [
        (start.clone(), format!("is billed until {}", after(&start, 1))),
        (day(&env, 40), format!("{} or a later one", after(&start, 1))),
        (after(&start, 13), "empty Stripe Cancel On".to_owned()),
    ] {
        env.clear_calls();
        cancel_on(&env, &opportunity, Some(&on));
        env.settle().await;
        let record = env.record("Opportunity", &opportunity);
        assert_eq!(record["Stripe_Sync_Status__c"], "cancellation_not_possible", "{on}");
        let message = record["Stripe_Sync_Error__c"].as_str().unwrap();
        assert!(message.contains(&sentence), "{message}");
        assert!(env.stripe_calls().iter().all(|call| call.starts_with("GET")), "{:?}", env.stripe_calls());
        assert_eq!((ends_at(&env), record["Stripe_Invoice_Id__c"].is_string()), (term.clone(), true));
    }
    // Mended, it is told, and the note goes.
    cancel_on(&env, &opportunity, Some(&after(&start, 2)));
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!((&record["Stripe_Sync_Status__c"], ends_at(&env)), (&Value::Null, midnight(&after(&start, 2))));
}

/// A deal that says so when it is won says two things.
#[tokio::test]
async fn what_has_not_begun_is_not_canceled() {
    let mut env = selling().await;
    env.expect_dead_letters();
    let start = day(&env, 0);
    let opportunity = won(&env, &start).await;
    cancel_on(&env, &opportunity, Some(&after(&start, 3)));
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], "term_not_billable");
    assert_eq!(subscriptions(&env).len(), 0);
    cancel_on(&env, &opportunity, None);
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], Value::Null);
}

/// Seats by the month, from this day on.
async fn sold(env: &Env, account: &str, from: &str, months: i32, price: &str) -> String {
    let lines = vec![line("Seat", 10_000, price, price, "1")];
    let opportunity = env.enter_for(account, &Deal { lines, ..deal() }).await;
    sell_by_the_month(env, &opportunity, term_of(from, months));
    opportunity
}

/// Whoever renewed it last says when it ends; and one that is to end is not renewed beyond that.
#[tokio::test]
async fn the_deal_that_renewed_it_says_when_it_ends() {
    let mut env = Env::with(Options { renewals: Renewals::Extend, ..options(LineSource::CpqQuote) }).await;
    env.expect_dead_letters();
    let account = env.account(&deal());
    let start = day(&env, 0);
    let first = sold(&env, &account, &start, 3, "300").await;
    env.close(&first);
    env.settle().await;
    days(&env, 65);
    let second = sold(&env, &account, &after(&start, 3), 6, "720").await;
    env.update("Opportunity", &second, json!({ "Type": "Renewal" }));
    env.close(&second);
    env.settle().await;
    let id = subscriptions(&env)[0]["id"].clone();
    assert_eq!(env.record("Opportunity", &second)["Renewal_Stripe_Sub_Id__c"], id);
    assert_eq!(ends_at(&env), midnight(&after(&start, 9)));
    let on = after(&start, 5);
    cancel_on(&env, &first, Some(&on));
    env.settle().await;
    let record = env.record("Opportunity", &first);
    assert_eq!(record["Stripe_Sync_Status__c"], "cancellation_not_possible");
    assert!(record["Stripe_Sync_Error__c"].as_str().unwrap().contains(&second), "{record}");
    cancel_on(&env, &first, None);
    cancel_on(&env, &second, Some(&on));
    env.settle().await;
    for opportunity in [&first, &second] {
        assert_eq!(env.record("Opportunity", opportunity)["Stripe_Sync_Status__c"], Value::Null);
    }
    assert_eq!(ends_at(&env), midnight(&on));
    days(&env, 200);
    assert_eq!(billed(&env), (5, 3 * 10_000 + 2 * 12_000));
}

/// A deal that renews what is to end would let it go on: it is refused, and the way out is to take the day back first.
#[tokio::test]
async fn what_is_to_end_is_not_renewed_before_that_is_taken_back() {
    let mut env = Env::with(Options { renewals: Renewals::Extend, ..options(LineSource::CpqQuote) }).await;
    env.expect_dead_letters();
    let account = env.account(&deal());
    let start = day(&env, 0);
    let first = sold(&env, &account, &start, 12, "1200").await;
    env.close(&first);
    env.settle().await;
    let on = after(&start, 3);
    cancel_on(&env, &first, Some(&on));
    env.settle().await;
    days(&env, 35);
    let second = sold(&env, &account, &after(&start, 2), 10, "1500").await;
    env.update("Opportunity", &second, json!({ "Type": "Renewal" }));
    env.close(&second);
    env.settle().await;
    let record = env.record("Opportunity", &second);
    assert_eq!(record["Stripe_Sync_Status__c"], "renewal_differs", "{record}");
    assert!(record["Stripe_Sync_Error__c"].as_str().unwrap().contains("empty Stripe Cancel On there"), "{record}");
    assert_eq!(ends_at(&env), midnight(&on));
    cancel_on(&env, &first, None);
    env.settle().await;
    env.sqs.put(&changed(&env, "msg_second", &second));
    env.settle().await;
    let record = env.record("Opportunity", &second);
    assert_eq!((&record["Stripe_Sync_Status__c"], ends_at(&env)), (&Value::Null, midnight(&after(&start, 12))));
}

/// It ends when nothing of it is billed any more, which is where the longest of its periods ends.
#[tokio::test]
async fn several_frequencies_end_together() {
    let mut env = selling().await;
    env.expect_dead_letters();
    let start = day(&env, 0);
    let lines = vec![line("Seat", 10_000, "1200", "1200", "1"), line("Support", 60_000, "600", "600", "1")];
    let opportunity = env.enter(&Deal { lines, ..deal() }).await;
    sell_by_the_month(&env, &opportunity, term_of(&start, 12));
    let half_yearly = json!({ "SBQQ__BillingFrequency__c": "Semiannual" });
    env.update("SBQQ__QuoteLine__c", &quote_line_of(&env, &opportunity, "Support"), half_yearly);
    env.close(&opportunity);
    env.settle().await;
    assert!(quote_of(&env, &opportunity).len() > 10);
    cancel_on(&env, &opportunity, Some(&after(&start, 3)));
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!(record["Stripe_Sync_Status__c"], "cancellation_not_possible");
    assert!(record["Stripe_Sync_Error__c"].as_str().unwrap().contains(&after(&start, 6)), "{record}");
    cancel_on(&env, &opportunity, Some(&after(&start, 6)));
    env.settle().await;
    assert_eq!(ends_at(&env), midnight(&after(&start, 6)));
    days(&env, 300);
    assert_eq!(billed(&env), (6, 6 * 10_000 + 30_000));
}

/// The kill switch stops it after it was decided; and when that is off again the day is another one.
#[tokio::test]
async fn what_waited_for_the_switch_is_thought_over() {
    let (env, opportunity, on) = about_to_end().await;
    env.operate(json!({ "stopped": { "S": "an audit" } }));
    env.deliver().await;
    env.work(10).await;
    assert_ne!(ends_at(&env), midnight(&on), "nothing was sent");
    env.advance(SignedDuration::from_hours(3));
    cancel_on(&env, &opportunity, None);
    env.operate(json!({}));
    env.settle_for_days().await;
    let start = after(&on, -3);
    is_told_once(&env, &opportunity, &after(&start, 12)).await;
}

/// It is told once, whatever happened on the way.
async fn is_told_once(env: &Env, opportunity: &str, on: &str) {
    let record = env.record("Opportunity", opportunity);
    assert_eq!((&record["Stripe_Sync_Status__c"], ends_at(env)), (&Value::Null, midnight(on)), "{record}");
    assert_eq!((subscriptions(env).len(), billed(env).0), (1, 1));
}

async fn about_to_end() -> (Env, String, String) {
    let (env, opportunity, start) = begun().await;
    let on = after(&start, 3);
    cancel_on(&env, &opportunity, Some(&on));
    (env, opportunity, on)
}

#[tokio::test]
async fn answers_that_are_lost_are_the_same_story() {
    for fault in [
        Fault::AnswerLost,
        Fault::HalfBody,
        Fault::ServerErrorAfterCommit,
        Fault::ServerErrorStored,
        Fault::RateLimited,
    ] {
        for wait in [0, 25] {
            let (env, opportunity, on) = about_to_end().await;
            env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/subscriptions/*", fault.clone()));
            env.deliver().await;
            env.work(10).await;
            env.advance(SignedDuration::from_hours(wait));
            env.settle_for_days().await;
            is_told_once(&env, &opportunity, &on).await;
        }
    }
}

/// Nobody knows what became of it, and a day later somebody has thought again: what counts is what the deal says then.
async fn taken_back_a_day_later(every_time: Fault, is_told: bool) {
    let (env, opportunity, on) = about_to_end().await;
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/subscriptions/*", every_time).times(u32::MAX));
    env.deliver().await;
    env.work(10).await;
    assert_eq!(ends_at(&env) == midnight(&on), is_told);
    env.advance(SignedDuration::from_hours(25));
    env.sandbox.stripe.clear_faults();
    cancel_on(&env, &opportunity, None);
    env.settle_for_days().await;
    let start = after(&on, -3);
    is_told_once(&env, &opportunity, &after(&start, 12)).await;
}

#[tokio::test]
async fn what_never_arrived_is_not_told_a_day_later() {
    taken_back_a_day_later(Fault::RateLimited, false).await;
}

#[tokio::test]
async fn what_was_told_and_never_answered_is_not_forgotten() {
    taken_back_a_day_later(Fault::AnswerLost, true).await;
}

#[tokio::test]
async fn dying_at_any_moment_is_the_same_story() {
    let (undisturbed, opportunity, on) = about_to_end().await;
    undisturbed.fuse.count_anew();
    undisturbed.settle().await;
    is_told_once(&undisturbed, &opportunity, &on).await;
    let moments = undisturbed.fuse.passed();
    assert!(moments > 10, "the story has {moments} moments");
    for wait in [SignedDuration::from_secs(400), SignedDuration::from_hours(25)] {
        for moment in 0..moments {
            let (env, opportunity, on) = about_to_end().await;
            env.fuse.arm(moment);
            assert_eq!(settle_over_deaths(&env, wait).await, 1, "moment {moment}");
            is_told_once(&env, &opportunity, &on).await;
        }
    }
}

#[tokio::test]
async fn standing_still_at_any_moment_is_the_same_story() {
    let (undisturbed, ..) = about_to_end().await;
    undisturbed.fuse.count_anew();
    undisturbed.settle().await;
    for moment in 0..undisturbed.fuse.passed() {
        let (env, opportunity, on) = about_to_end().await;
        goes_on_while_it_stands_still(&env, moment).await;
        is_told_once(&env, &opportunity, &on).await;
    }
}
