//! Rules of several steps.

use super::*;
use crate::subscriptions::{day, deal, make_price_recurring, make_recurring, subscriptions};

/// What is large is due later, and charged to a card where it is from abroad. Of those from abroad the last rule says otherwise.
const STEPS: &str = r#"
    [[won.rules]]
    name = "Large"
    when = 'opportunity.Amount >= 100'
    then = { days_until_due = 60, collection = "charge_automatically", rules = [
        { name = "Large, from abroad", when = 'account.BillingCountry != "United States"', then = { days_until_due = 'opportunity.Days__c + 5' } },
        { name = "Large, with a discount", when = 'opportunity.Percent_Off__c > 0', then = { discount_percent = 'opportunity.Percent_Off__c' } },
    ] }
    otherwise = { days_until_due = 7, rules = [
        { name = "Trifles", when = 'opportunity.Amount < 1', then = { skip = "It costs more to bill than it comes to" } },
    ] }

    [[won.rules]]
    name = "Strategic"
    when = 'opportunity.Strategic__c'
    then = { days_until_due = 90, collection = "send_invoice" }
"#;

const OWN: [Own; 3] = [
    ("Opportunity", "Days__c", NUMBER),
    ("Opportunity", "Percent_Off__c", Kind::Percent),
    ("Opportunity", "Strategic__c", CHECKBOX),
];

/// The customer has a card already.
async fn sold(env: &Env, deal: &Deal, fields: Value) -> String {
    let customer = env.stripe_post("/v1/customers", "name=Acme&email=ap@acme.example").await;
    let id = customer["id"].as_str().unwrap();
    let card = "invoice_settings[default_payment_method]=pm_card_visa";
    env.stripe_post(&format!("/v1/customers/{id}"), card).await;
    let account = env.account(deal);
    env.update("Account", &account, json!({ "Stripe_Customer_Id__c": id }));
    let opportunity = env.enter_for(&account, deal).await;
    env.update("Opportunity", &opportunity, fields);
    env.close(&opportunity);
    env.settle().await;
    opportunity
}

/// Each rule is asked in its turn, what stands in it after it, and what is decided later counts.
#[tokio::test]
async fn rules_are_asked_in_their_order_and_the_later_wins() {
    let env = started(options(STEPS, &OWN)).await;
    let american = || of("110", 11_000);
    let german = || Deal { country: "Germany".into(), ..american() };
    let none = json!({ "Percent_Off__c": 0 });
    for (deal, fields, status, collection, total, days) in [
        (american(), none.clone(), "paid", "charge_automatically", 11_000, None),
        (american(), json!({ "Percent_Off__c": 33.33 }), "paid", "charge_automatically", 7_334, None),
        (
            german(),
            json!({ "Percent_Off__c": 10, "Days__c": 20, "Strategic__c": true }),
            "open",
            "send_invoice",
            9_900,
            Some(90),
        ),
        (american(), json!({ "Percent_Off__c": 0, "Strategic__c": true }), "open", "send_invoice", 11_000, Some(90)),
        (of("99.99", 9_999), none.clone(), "open", "send_invoice", 9_999, Some(7)),
    ] {
        let opportunity = sold(&env, &deal, fields.clone()).await;
        let record = env.record("Opportunity", &opportunity);
        assert_eq!(record["Stripe_Sync_Status__c"], Value::Null, "{fields}: {record}");
        let invoice = invoice_of(&env, &opportunity);
        let found = json!([invoice["status"], invoice["collection_method"], invoice["total"]]);
        assert_eq!(found, json!([status, collection, total]), "{fields}");
        assert_eq!(invoice["due_date"].as_i64().map(|_| days_until_due(&invoice)), days, "{fields}");
    }
    let trifle = sold(&env, &of("0.99", 99), none).await;
    assert_eq!((env.invoices().len(), code(&env, &trifle)), (5, Value::Null));
    let books = books(&env).await;
    let total = 11_000 + 7_334 + 9_900 + 11_000 + 9_999;
    assert_eq!([sums(&books.deals), sums(&books.invoices)], [json!([["USD", 5, total]]), json!([["USD", 5, total]])]);
}

/// From abroad without a card: sent, and due by the nested rule's own calculation.
#[tokio::test]
async fn a_nested_rule_decides_after_the_one_that_it_stands_in() {
    let env = started(options(STEPS, &OWN)).await;
    let opportunity = env.enter(&Deal { country: "Germany".into(), ..of("110", 11_000) }).await;
    env.update("Opportunity", &opportunity, json!({ "Days__c": 20, "Percent_Off__c": 0 }));
    env.close(&opportunity);
    env.settle().await;
    let invoice = invoice_of(&env, &opportunity);
    assert_eq!(json!([invoice["total"], days_until_due(&invoice)]), json!([11_000, 25]));
}

const BILL_ONCE: &str = r#"
    [won]
    lines_from = "PLACE"

    [subscriptions]
    begin = "closed_won"

    [[won.rules]]
    name = "Paid in advance"
    when = 'opportunity.Paid_In_Advance__c'
    then = { bill_once = true, days_until_due = 10 }
"#;

/// Two seats for a year, by the month, and onboarding; in an organization of its own.
async fn sold_for_a_year(place: &str, in_advance: bool) -> (Env, String) {
    let own = [("Opportunity", "Paid_In_Advance__c", CHECKBOX)];
    let env = started(options(&BILL_ONCE.replace("PLACE", place), &own)).await;
    let opportunity = env.enter(&deal()).await;
    let of_deal = json!({
        "Stripe_Start_Date__c": day(&env, 0), "Stripe_Term_Months__c": 12, "Paid_In_Advance__c": in_advance,
    });
    env.update("Opportunity", &opportunity, of_deal);
    if place == "cpq_quote" {
        make_recurring(&env, &day(&env, 0));
    }
    let products = env.sandbox.salesforce.with(|org| org.records("Product2"));
    let seat = products.iter().find(|product| product["Name"] == "Seat").unwrap()["Id"].clone();
    env.update("Product2", seat.as_str().unwrap(), json!({ "Stripe_Billing_Frequency__c": "Monthly" }));
    make_price_recurring(&env, "Seat", 10_000, "month").await;
    env.close(&opportunity);
    env.settle().await;
    (env, opportunity)
}

/// The whole term is one invoice, and no subscription begins; wherever the lines are.
#[tokio::test]
async fn recurring_lines_are_billed_once_where_a_rule_says_so() {
    for place in ["opportunity_products", "cpq_quote"] {
        for (in_advance, total, begun, days) in [(true, 290_000, 0, 10), (false, 70_000, 1, 30)] {
            let (env, opportunity) = sold_for_a_year(place, in_advance).await;
            let record = env.record("Opportunity", &opportunity);
            assert_eq!(record["Stripe_Sync_Status__c"], Value::Null, "{place}: {record}");
            let invoice = invoice_of(&env, &opportunity);
            assert_eq!(json!([invoice["total"], days_until_due(&invoice)]), json!([total, days]), "{place}");
            assert_eq!(subscriptions(&env).len(), begun, "{place}");
            assert_eq!(record["Stripe_Subscription_Id__c"].is_string(), !in_advance, "{place}");
            assert_eq!(sums(&books(&env).await.deals), json!([["USD", 1, 290_000]]), "{place}");
        }
    }
}
