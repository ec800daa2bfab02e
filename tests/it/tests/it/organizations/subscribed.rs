//! Subscriptions where nothing of Salesforce CPQ is installed.

use super::*;
use crate::subscriptions::{day, deal, make_price_recurring, subscriptions};

const OWN: [Own; 3] = [
    ("Product2", "Billing_Cycle__c", Kind::Picklist),
    ("Opportunity", "Go_Live__c", Kind::Date),
    ("Opportunity", "Contract_Years__c", NUMBER),
];

/// Two seats at 1,200.00 for a year, by the month, and 500.00 of onboarding.
async fn entered(env: &Env) -> String {
    let opportunity = env.enter(&deal()).await;
    let products = env.sandbox.salesforce.with(|org| org.records("Product2"));
    let seat = products.iter().find(|product| product["Name"] == "Seat").unwrap()["Id"].clone();
    env.update("Product2", seat.as_str().unwrap(), json!({ "Billing_Cycle__c": "Monthly" }));
    make_price_recurring(env, "Seat", 10_000, "month").await;
    opportunity
}

#[tokio::test]
async fn no_cpq() {
    let env = organization("no_cpq", &OWN).await;
    let opportunity = entered(&env).await;
    env.update("Opportunity", &opportunity, json!({ "Go_Live__c": day(&env, 0), "Contract_Years__c": 1 }));
    env.sandbox.salesforce.with(|org| org.take_queries());
    env.close(&opportunity);
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    let [subscription] = <[Value; 1]>::try_from(subscriptions(&env)).unwrap();
    assert_eq!(
        json!([record["Stripe_Sync_Status__c"], record["Stripe_Subscription_Id__c"], record["Stripe_MRR__c"]]),
        json!([null, subscription["id"], 200.0])
    );
    assert_eq!(invoices(&env, &opportunity), [json!(["open", 20_000 + 50_000, true])]);
    let queries = env.sandbox.salesforce.with(|org| org.take_queries()).join("\n");
    for (field, is_read) in [
        ("Product2.Billing_Cycle__c", true),
        ("Go_Live__c", true),
        ("Contract_Years__c", true),
        ("Stripe_Billing_Frequency__c", false),
        ("Stripe_Start_Date__c", false),
        ("Stripe_Term_Months__c", false),
    ] {
        assert_eq!(queries.contains(field), is_read, "{field}: {queries}");
    }
    assert!(!queries.contains("SBQQ__"), "{queries}");
    let books = books(&env).await;
    assert_eq!([sums(&books.deals), sums(&books.later)], [json!([["USD", 1, 290_000]]), json!([["USD", 1, 220_000]])]);
    // The year passes, and comes to what was sold.
    for _ in 0..400 {
        env.advance(SignedDuration::from_hours(24));
        env.let_stripe_catch_up();
        env.sandbox.stripe.take_deliveries();
    }
    let totals: Vec<_> = env.invoices().iter().map(|invoice| invoice["total"].as_i64().unwrap()).collect();
    assert_eq!((totals.len(), totals.iter().sum::<i64>()), (12, 290_000));
    assert_eq!(subscriptions(&env)[0]["status"], "canceled");
}

/// Nobody said for how long it was sold: nothing is begun that would have no end.
#[tokio::test]
async fn a_term_that_nobody_entered_is_asked_for() {
    let mut env = organization("no_cpq", &OWN).await;
    env.expect_dead_letters();
    let opportunity = entered(&env).await;
    env.update("Opportunity", &opportunity, json!({ "Go_Live__c": day(&env, 0) }));
    env.close(&opportunity);
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!(record["Stripe_Sync_Status__c"], "rule_undecided");
    let said = record["Stripe_Sync_Error__c"].as_str().unwrap();
    assert!(said.contains("deal.term_months") && said.contains("Contract_Years__c"), "{said}");
    assert_eq!((subscriptions(&env).len(), env.invoices().len()), (0, 0));
    set(&env, &opportunity, json!({ "Contract_Years__c": 2 }));
    env.settle().await;
    // 2,400.00 of seats over 24 months.
    assert_eq!(invoices(&env, &opportunity), [json!(["open", 10_000 + 50_000, true])]);
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_MRR__c"], 100.0);
}
