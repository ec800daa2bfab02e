//! Deals whose recurring lines are billed at several intervals: one subscription, whose invoices bill what falls together.

use mapping::Renewals;

use super::renewals::{after, days, quote_line_of, quote_of, term_of};
use super::*;
use crate::crashes::{goes_on_while_it_stands_still, settle_over_deaths};

/// Over a year: 2,400.00 for seats by the month, 400.00 for hosting by the quarter, 600.00 for support at once; and 500.00 of onboarding.
fn sold() -> Deal {
    let lines = vec![
        line("Seat", 10_000, "1200", "1200", "2"),
        line("Hosting", 9_000, "360", "400", "1"),
        line("Support", 60_000, "600", "600", "1"),
        line("Onboarding", 50_000, "500", "500", "1"),
    ];
    Deal { lines, ..deal() }
}

const FREQUENCIES: [(&str, &str); 3] = [("Seat", "Monthly"), ("Hosting", "Quarterly"), ("Support", "Annual")];

/// The catalogue has seats by the month and support by the year, and hosting only at another price.
async fn with_catalogue(env: &Env) {
    make_price_recurring(env, "Seat", 10_000, "month").await;
    make_price_recurring(env, "Support", 60_000, "year").await;
}

/// These frequencies, for so many months from this day on.
fn sell(env: &Env, opportunity: &str, start: &str, months: i32) {
    env.update("SBQQ__Quote__c", &quote_of(env, opportunity), term_of(start, months));
    for (product, frequency) in FREQUENCIES {
        let recurring = json!({ "SBQQ__ChargeType__c": "Recurring", "SBQQ__BillingFrequency__c": frequency });
        env.update("SBQQ__QuoteLine__c", &quote_line_of(env, opportunity, product), recurring);
    }
}

async fn about_to_begin(env: &Env, start: &str) -> String {
    let opportunity = env.enter(&sold()).await;
    sell(env, &opportunity, start, 12);
    with_catalogue(env).await;
    env.clear_calls();
    env.close(&opportunity);
    opportunity
}

fn totals(env: &Env) -> Vec<i64> {
    env.invoices().iter().map(|invoice| invoice["total"].as_i64().unwrap()).collect()
}

const FIRST: i64 = 20_000 + 10_000 + 60_000 + 50_000;

/// There is one subscription, and its first invoice is sent, with the first period of each item and what is sold once.
fn is_begun_once(env: &Env, opportunity: &str) {
    let record = env.record("Opportunity", opportunity);
    assert_eq!(record["Stripe_Sync_Status__c"], Value::Null, "{record}");
    let live: Vec<_> = subscriptions(env).into_iter().filter(|one| one["status"] == "active").collect();
    assert_eq!(live.len(), 1, "{live:?}");
    assert_eq!(record["Stripe_Subscription_Id__c"], live[0]["id"]);
    let sent: Vec<_> = env.invoices().into_iter().filter(|invoice| invoice["status"] == "open").collect();
    assert_eq!((sent.len(), &sent[0]["total"]), (1, &json!(FIRST)));
    assert_eq!(sent[0]["id"], record["Stripe_Invoice_Id__c"]);
}

/// A year passes: twelve invoices, of which four have the quarter's hosting and one the year's support; and they come to the deal's
/// amount, to the cent.
#[tokio::test]
async fn what_falls_together_is_billed_together_and_comes_to_the_deal() {
    let env = selling().await;
    let opportunity = about_to_begin(&env, &day(&env, 0)).await;
    env.settle().await;
    is_begun_once(&env, &opportunity);
    // 200.00, a third of 100.00, and a twelfth of 600.00.
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_MRR__c"], 283.33);
    // Only hosting's price is made, and looked for before that: two calls more than four products at the catalogue's prices cost.
    let posts: Vec<_> = operations(&env).into_iter().filter(|call| call.starts_with("POST")).collect();
    let held = env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"].as_str().unwrap().to_owned();
    assert_eq!(posts, ["POST customers", "POST prices", "POST subscriptions", &format!("POST {held}"), "POST send"]);
    // And how it stands: a look, and Salesforce asked and told.
    assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (11 + 1, 2 + 2), "{:?}", env.stripe_calls());
    let pass = env.reconcile(PassKind::Deep).await;
    assert!(pass.differences.is_empty(), "{pass:?}");
    days(&env, 400);
    let month = 20_000;
    let quarter = month + 10_000;
    let expected = [FIRST, month, month, quarter, month, month, quarter, month, month, quarter, month, month];
    assert_eq!(totals(&env), expected);
    assert_eq!(expected.iter().sum::<i64>(), 390_000);
    assert_eq!(env.record("Opportunity", &opportunity)["Amount"], 3900.0);
    assert_eq!(subscriptions(&env)[0]["status"], "canceled");
}

/// Every period that has gone by, of each item, is on the first invoice.
#[tokio::test]
async fn what_began_earlier_is_billed_from_its_first_day() {
    let env = selling().await;
    let start = after(&day(&env, -1), -4);
    let opportunity = about_to_begin(&env, &start).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], Value::Null);
    assert_eq!(totals(&env), [5 * 20_000 + 2 * 10_000 + 60_000 + 50_000]);
    let pass = env.reconcile(PassKind::Deep).await;
    assert!(pass.differences.is_empty(), "{pass:?}");
    days(&env, 400);
    assert_eq!((totals(&env).len(), totals(&env).iter().sum::<i64>()), (8, 390_000));
}

/// Nothing is made before its day.
#[tokio::test]
async fn what_is_to_come_waits_for_its_day() {
    let env = selling().await;
    let opportunity = about_to_begin(&env, &day(&env, 3)).await;
    env.settle().await;
    assert_eq!((subscriptions(&env).len(), totals(&env).len()), (0, 0));
    days(&env, 3);
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    is_begun_once(&env, &opportunity);
}

/// Without an end, each line's amount is that of one of its own periods.
#[tokio::test]
async fn without_an_end_each_amount_is_one_period() {
    let env = Env::with(options(LineSource::OpportunityProducts)).await;
    let opportunity = env.enter(&sold()).await;
    for product in env.sandbox.salesforce.with(|org| org.records("Product2")) {
        let of = FREQUENCIES.iter().find(|(name, _)| product["Name"] == *name);
        let frequency = json!({ "Stripe_Billing_Frequency__c": of.map(|(_, frequency)| *frequency) });
        env.update("Product2", product["Id"].as_str().unwrap(), frequency);
    }
    env.update("Opportunity", &opportunity, json!({ "Stripe_Start_Date__c": day(&env, 0) }));
    env.close(&opportunity);
    env.settle().await;
    days(&env, 370);
    let totals = totals(&env);
    assert_eq!((totals.len(), totals[0], totals[1], totals[3], totals[12]), (13, 390_000, 240_000, 280_000, 340_000));
    assert_eq!(subscriptions(&env)[0]["cancel_at"], Value::Null);
}

/// What does not divide into months may divide into quarters.
#[tokio::test]
async fn what_does_not_divide_is_told_product_by_product() {
    let mut env = selling().await;
    env.expect_dead_letters();
    let opportunity = about_to_begin(&env, &day(&env, 0)).await;
    let seats = quote_line_of(&env, &opportunity, "Seat");
    env.update("SBQQ__QuoteLine__c", &seats, json!({ "SBQQ__NetTotal__c": 2400.04 }));
    env.update("Opportunity", &opportunity, json!({ "Amount": 3900.04 }));
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!(record["Stripe_Sync_Status__c"], "amount_not_divisible");
    let message = record["Stripe_Sync_Error__c"].as_str().unwrap();
    assert!(message.contains("Seat costs 2400.04 USD over the term, to be divided into 12 equal parts"), "{message}");
    let hosting = quote_line_of(&env, &opportunity, "Hosting");
    env.update("SBQQ__QuoteLine__c", &seats, json!({ "SBQQ__NetTotal__c": 2400 }));
    env.update("SBQQ__QuoteLine__c", &hosting, json!({ "SBQQ__NetTotal__c": 400.04 }));
    env.sqs.put(&changed(&env, "msg_again", &opportunity));
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], Value::Null);
    assert_eq!(totals(&env), [FIRST + 1]);
}

/// A renewal changes one rhythm. What has several ends, and begins anew.
#[tokio::test]
async fn a_renewal_of_several_frequencies_is_refused_with_the_way_out() {
    let mut env = Env::with(Options { renewals: Renewals::Extend, ..options(LineSource::CpqQuote) }).await;
    env.expect_dead_letters();
    let account = env.account(&sold());
    let first = env.enter_for(&account, &sold()).await;
    let start = day(&env, 0);
    sell(&env, &first, &start, 12);
    env.close(&first);
    env.settle().await;
    let next = after(&start, 12);
    let several = env.enter_for(&account, &sold()).await;
    sell(&env, &several, &next, 12);
    let one = env.enter_for(&account, &Deal { lines: vec![line("Seat", 10_000, "1200", "1200", "3")], ..deal() }).await;
    env.update("SBQQ__Quote__c", &quote_of(&env, &one), term_of(&next, 12));
    let monthly = json!({ "SBQQ__ChargeType__c": "Recurring", "SBQQ__BillingFrequency__c": "Monthly" });
    env.update("SBQQ__QuoteLine__c", &quote_line_of(&env, &one, "Seat"), monthly);
    let mut codes = Vec::new();
    for renewal in [&several, &one] {
        env.update("Opportunity", renewal, json!({ "Type": "Renewal" }));
        env.clear_calls();
        env.close(renewal);
        env.settle().await;
        let record = env.record("Opportunity", renewal);
        let message = record["Stripe_Sync_Error__c"].as_str().unwrap();
        assert!(message.contains("change the opportunity's type"), "{record}");
        assert!(!message.contains("Make them fit"), "nothing would: {message}");
        codes.push(record["Stripe_Sync_Status__c"].as_str().unwrap().to_owned());
        assert!(env.stripe_calls().iter().all(|call| call.starts_with("GET")), "{:?}", env.stripe_calls());
    }
    assert_eq!(codes, ["frequencies_mixed", "renewal_differs"]);
    // It ends; and as a deal of its own the renewal begins another subscription, from the first day after it.
    days(&env, 366);
    env.update("Opportunity", &several, json!({ "Type": "Existing Business" }));
    env.sqs.put(&changed(&env, "msg_own", &several));
    env.settle().await;
    let record = env.record("Opportunity", &several);
    assert_eq!((&record["Stripe_Sync_Status__c"], subscriptions(&env).len()), (&Value::Null, 2), "{record}");
    days(&env, 366);
    assert_eq!(totals(&env).iter().sum::<i64>(), 2 * 390_000);
}

#[tokio::test]
async fn dying_at_any_moment_is_the_same_story() {
    let undisturbed = selling().await;
    let opportunity = about_to_begin(&undisturbed, &day(&undisturbed, 0)).await;
    undisturbed.fuse.count_anew();
    undisturbed.settle().await;
    is_begun_once(&undisturbed, &opportunity);
    let moments = undisturbed.fuse.passed();
    assert!(moments > 20, "the story has {moments} moments");
    for wait in [SignedDuration::from_secs(400), SignedDuration::from_hours(25)] {
        for moment in 0..moments {
            let env = selling().await;
            let opportunity = about_to_begin(&env, &day(&env, 0)).await;
            env.fuse.arm(moment);
            assert_eq!(settle_over_deaths(&env, wait).await, 1, "moment {moment}");
            is_begun_once(&env, &opportunity);
        }
    }
}

#[tokio::test]
async fn standing_still_at_any_moment_is_the_same_story() {
    let undisturbed = selling().await;
    about_to_begin(&undisturbed, &day(&undisturbed, 0)).await;
    undisturbed.fuse.count_anew();
    undisturbed.settle().await;
    for moment in 0..undisturbed.fuse.passed() {
        let env = selling().await;
        let opportunity = about_to_begin(&env, &day(&env, 0)).await;
        goes_on_while_it_stands_still(&env, moment).await;
        is_begun_once(&env, &opportunity);
    }
}

#[tokio::test]
async fn answers_that_are_lost_are_the_same_story() {
    for path in ["/v1/prices", "/v1/subscriptions", "/v1/invoices/*", "/v1/invoices/*/send"] {
        for fault in [Fault::AnswerLost, Fault::HalfBody, Fault::ServerErrorAfterCommit] {
            let env = selling().await;
            let opportunity = about_to_begin(&env, &day(&env, 0)).await;
            env.sandbox.stripe.inject(FaultRule::once("POST", path, fault));
            env.settle_for_days().await;
            is_begun_once(&env, &opportunity);
        }
    }
}
