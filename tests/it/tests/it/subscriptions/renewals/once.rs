//! Renewals that sell something once besides what goes on.

use mapping::Proration;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::inside::disturbed::changes_with;
use super::inside::{changed_by, difference, for_days, prorating, quarter, totals, upgrade};
use super::*;
use crate::crashes::settle_over_deaths;

/// 500.00 for onboarding, once, beside what the renewal has.
fn with_onboarding(env: &Env, second: &str) {
    let quote = quote_of(env, second);
    let named = env.sandbox.salesforce.with(|org| org.records("SBQQ__QuoteLine__c"));
    let product = named.iter().find(|line| line["SBQQ__Quote__c"] == quote).unwrap()["SBQQ__Product__c"].clone();
    env.quote_line(&quote, &line("Onboarding", 50_000, "500", "500", "1"), product.as_str());
    let amount: Decimal = env.record("Opportunity", second)["Amount"].to_string().parse().unwrap();
    env.update("Opportunity", second, json!({ "Amount": (amount + Decimal::from(500)).to_i64() }));
}

fn onboardings(env: &Env) -> Vec<Value> {
    let invoices = env.invoices().into_iter();
    let lines = invoices.flat_map(|invoice| env.invoice_lines(invoice["id"].as_str().unwrap()));
    lines.filter(|line| line["amount"] == 50_000 && line["metadata"]["sf_line_id"].is_string()).collect()
}

/// In its last month the subscription is told of it; the first invoice of the new term bills it, and no other does. Another
/// subscription of the customer begins in between, and takes nothing of it along.
#[tokio::test]
async fn it_comes_with_the_first_invoice_of_the_new_term() {
    let env = renewing(LineSource::CpqQuote).await;
    env.reconcile(PassKind::Sweep).await;
    let (account, _, start) = begun(&env).await;
    days(&env, 70);
    let second = renewal(&env, &account, &after(&start, 3)).await;
    with_onboarding(&env, &second);
    env.close(&second);
    env.settle().await;
    let record = env.record("Opportunity", &second);
    assert_eq!(record["Renewal_Stripe_Sub_Id__c"], subscriptions(&env)[0]["id"], "{record}");
    assert_eq!(record["Stripe_MRR__c"], 340.0, "what comes once is no recurring revenue");
    assert_eq!(totals(&env), [25_000; 3], "it is not billed yet");

    let lines = vec![line("Storage", 2_000, "240", "240", "1")];
    let other = env.enter_for(&account, &Deal { lines, ..deal() }).await;
    sell_by_the_month(&env, &other, term_of(&day(&env, 0), 1));
    env.close(&other);
    env.settle().await;
    let record = env.record("Opportunity", &other);
    assert_eq!(record["Stripe_Sync_Status__c"], Value::Null, "{record}");
    assert_eq!(totals(&env), [25_000, 25_000, 25_000, 24_000]);
    for _ in 0..7 {
        for_days(&env, 30).await;
    }
    let expected = [vec![25_000; 3], vec![24_000, 84_000], vec![34_000; 5]].concat();
    assert_eq!(totals(&env), expected, "with the first invoice of the new term");
    let [onboarding] = &onboardings(&env)[..] else { panic!("once") };
    let midnight: jiff::Timestamp = format!("{}T00:00:00Z", after(&start, 3)).parse().unwrap();
    assert_eq!(onboarding["period"], json!({ "start": midnight.as_second(), "end": midnight.as_second() }));
    assert_eq!(onboarding["discountable"], false);
}

/// Inside a period it comes with the invoice of the difference, or with the next one where the difference does; and where nothing
/// recurring changes.
#[tokio::test]
async fn inside_a_period_it_comes_with_the_difference_or_later() {
    for (proration, is_same, expected) in [
        (Proration::AlwaysInvoice, false, [75_000, 50_000, 105_000]),
        (Proration::CreateProrations, false, [75_000, 155_000, 0]),
        (Proration::None, false, [75_000, 155_000, 0]),
        (Proration::AlwaysInvoice, true, [75_000, 125_000, 0]),
    ] {
        let env = prorating(proration).await;
        let (account, start) = quarter(&env).await;
        let second = match is_same {
            false => upgrade(&env, &account, &start, 5).await,
            true => longer(&env, &account, &start, 5).await,
        };
        won_with_onboarding(&env, &second, 35).await;
        let record = env.record("Opportunity", &second);
        assert_eq!(record["Renewal_Stripe_Sub_Id__c"], subscriptions(&env)[0]["id"], "{record}");
        for_days(&env, 160).await;
        let mut expected: Vec<i64> = expected.into_iter().filter(|total| *total > 0).collect();
        if proration != Proration::None && !is_same {
            expected[1] += difference(&start);
        }
        assert_eq!(totals(&env), expected, "{proration:?}, {is_same}");
        assert_eq!(onboardings(&env).len(), 1);
        assert_eq!(subscriptions(&env)[0]["status"], "canceled");
    }
}

/// The same seats and support, from a month later on.
async fn longer(env: &Env, account: &str, start: &str, months: i32) -> String {
    let of = |quarter: i32| (quarter * months / 3).to_string();
    let lines = vec![line("Seat", 10_000, "900", &of(300), "2"), line("Support", 5_000, "900", &of(150), "1")];
    changed_by(env, account, start, months, lines).await
}

/// With onboarding, and won so many days later.
async fn won_with_onboarding(env: &Env, second: &str, days: i64) {
    with_onboarding(env, second);
    for_days(env, days).await;
    env.close(second);
    env.settle().await;
}

/// Nothing recurring changes, and the subscription ends with the period that it is in: its last invoice bills it. ("Any pending invoice
/// items that you've created are still charged at the end of the period": docs.stripe.com, api/subscriptions/cancel.)
#[tokio::test]
async fn it_comes_with_the_last_invoice_where_no_other_is_to_come() {
    let env = prorating(Proration::AlwaysInvoice).await;
    let (account, start) = quarter(&env).await;
    let second = longer(&env, &account, &start, 2).await;
    won_with_onboarding(&env, &second, 35).await;
    let record = env.record("Opportunity", &second);
    assert_eq!(record["Renewal_Stripe_Sub_Id__c"], subscriptions(&env)[0]["id"], "{record}");
    for_days(&env, 70).await;
    assert_eq!((totals(&env), onboardings(&env).len()), (vec![75_000, 50_000], 1));
    assert_eq!(subscriptions(&env)[0]["status"], "canceled");
}

/// One renewal waits for the next invoice with what it sold once; the next is invoiced at once, and takes it along, since it is due. It is no
/// stranger's, and nobody is asked to delete it.
#[tokio::test]
async fn what_an_earlier_renewal_sold_comes_with_the_next_invoice_whichever_that_is() {
    let env = prorating(Proration::AlwaysInvoice).await;
    let (account, start) = quarter(&env).await;
    let second = longer(&env, &account, &start, 5).await;
    won_with_onboarding(&env, &second, 33).await;
    assert_eq!(totals(&env), [75_000], "it waits");
    let third = upgrade(&env, &account, &start, 5).await;
    let later = term_of(&after(&start, 2), 4);
    env.update("SBQQ__Quote__c", &quote_of(&env, &third), later);
    for line in ["Seat", "Training"] {
        let net = if line == "Seat" { 1200 } else { 200 };
        env.update("SBQQ__QuoteLine__c", &quote_line_of(&env, &third, line), json!({ "SBQQ__NetTotal__c": net }));
    }
    env.update("Opportunity", &third, json!({ "Amount": 1400 }));
    for_days(&env, 30).await;
    env.close(&third);
    env.settle().await;
    let record = env.record("Opportunity", &third);
    assert_eq!(record["Stripe_Sync_Status__c"], Value::Null, "{record}");
    assert_eq!((env.invoices().len(), onboardings(&env).len()), (2, 1));
    assert!(totals(&env)[1] > 50_000, "{:?}", totals(&env));
    for_days(&env, 160).await;
    assert_eq!(onboardings(&env).len(), 1);
}

/// Whoever sets the deal back by hand is told of what no item of the subscription shows.
#[tokio::test]
async fn who_corrects_a_renewal_is_told_of_what_it_sold_once() {
    let mut env = renewing(LineSource::CpqQuote).await;
    env.expect_dead_letters();
    let (account, _, start) = begun(&env).await;
    days(&env, 70);
    let second = renewal(&env, &account, &after(&start, 3)).await;
    with_onboarding(&env, &second);
    env.close(&second);
    env.settle().await;
    env.update("Opportunity", &second, json!({ "StageName": "Closed Lost" }));
    env.sqs.put(&changed(&env, "msg_lost", &second));
    env.settle().await;
    let record = env.record("Opportunity", &second);
    let note = record["Stripe_Sync_Error__c"].as_str().unwrap_or_default();
    assert!(note.contains("500.00 USD for Onboarding") || note.contains("500.00 EUR for Onboarding"), "{record}");
}

async fn about_to_upgrade() -> (Env, String, String) {
    let env = prorating(Proration::AlwaysInvoice).await;
    let (account, start) = quarter(&env).await;
    let second = upgrade(&env, &account, &start, 2).await;
    with_onboarding(&env, &second);
    for_days(&env, 35).await;
    env.close(&second);
    (env, second, start)
}

async fn is_billed_once(env: &Env, second: &str, start: &str) {
    let record = env.record("Opportunity", second);
    assert_eq!(record["Renewal_Stripe_Sub_Id__c"], subscriptions(env)[0]["id"], "{record}");
    assert_eq!((totals(env), onboardings(env).len()), (vec![75_000, 50_000 + difference(start)], 1));
}

/// It is part of the change's one request: whatever happens to that, and to whoever sends it, it is billed once.
#[tokio::test]
async fn whatever_is_lost_on_the_way_it_is_billed_once() {
    for fault in [Fault::AnswerLost, Fault::ServerErrorAfterCommit, Fault::RateLimited] {
        for wait in [0, 25] {
            let (env, second, start) = about_to_upgrade().await;
            changes_with(&env, fault.clone(), wait).await;
            is_billed_once(&env, &second, &start).await;
        }
    }
    let (undisturbed, ..) = about_to_upgrade().await;
    undisturbed.fuse.count_anew();
    undisturbed.settle().await;
    for moment in 0..undisturbed.fuse.passed() {
        let (env, second, start) = about_to_upgrade().await;
        env.fuse.arm(moment);
        assert_eq!(settle_over_deaths(&env, SignedDuration::from_hours(25)).await, 1, "moment {moment}");
        is_billed_once(&env, &second, &start).await;
    }
}
