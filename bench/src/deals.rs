//! Whose deals they are: of which payments come in at once; of which one fails meanwhile; and which are won then.

use it::{Deal, Env};
use serde_json::json;

use crate::Plan;

/// Deals of one account. Two writes that hang on one account at once are one too many.
const DEALS_EACH: usize = 5;

/// So many are won and billed at a time.
const AT_A_TIME: usize = 100;

pub struct Billed {
    pub opportunity: String,
    /// Empty where it was not billed.
    pub invoice: String,
}

pub struct Deals {
    pub paid: Vec<Billed>,
    pub failing: Vec<Billed>,
    pub later: Vec<String>,
}

impl Deals {
    /// What is to be paid is billed, and nothing is under way any more.
    pub async fn bill(env: &Env, plan: &Plan) -> Self {
        let before = plan.payments + plan.first();
        let mut entered = enter(env, before + plan.first()).await;
        let later = entered.split_off(before);
        for (number, some) in entered.chunks(AT_A_TIME).enumerate() {
            some.iter().for_each(|opportunity| env.close(opportunity));
            env.settle().await;
            if number % 10 == 9 {
                eprintln!("bench: {} of {before} deals are billed", (number + 1) * AT_A_TIME);
            }
        }
        env.settle_for_days().await;
        let mut billed: Vec<_> = entered.into_iter().map(|opportunity| named(env, opportunity)).collect();
        let failing = billed.split_off(plan.payments);
        Self { paid: billed, failing, later }
    }
}

/// The deal with the invoice that it names.
fn named(env: &Env, opportunity: String) -> Billed {
    let invoice =
        env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"].as_str().unwrap_or_default().to_owned();
    Billed { opportunity, invoice }
}

/// All of one product, as a month's invoices are.
async fn enter(env: &Env, many: usize) -> Vec<String> {
    let price_book = env.sandbox.salesforce.with(|org| org.standard_pricebook_id().to_owned());
    let price = env.stripe_price("Product", 1000, "USD").await;
    let product = env.insert("Product2", json!({ "Name": "Product", "IsActive": true, "Stripe_Price_Id__c": price }));
    let entry = json!({ "Pricebook2Id": price_book, "Product2Id": product, "UnitPrice": 10, "IsActive": true });
    let entry = env.insert("PricebookEntry", entry);
    let mut account = String::new();
    let mut entered = Vec::new();
    for number in 0..many {
        if number % DEALS_EACH == 0 {
            account = env.account(&customer(number / DEALS_EACH));
        }
        let opportunity = json!({
            "Name": format!("Deal {number}"),
            "AccountId": account,
            "StageName": "Negotiation/Review",
            "CloseDate": "2026-11-30",
            "Type": "New Customer",
            "Pricebook2Id": price_book,
        });
        let opportunity = env.insert("Opportunity", opportunity);
        let line = json!({ "OpportunityId": opportunity, "PricebookEntryId": entry, "Quantity": 3, "UnitPrice": 10 });
        env.insert("OpportunityLineItem", line);
        entered.push(opportunity);
    }
    entered
}

fn customer(number: usize) -> Deal {
    let email = format!("ap@customer{number}.example");
    Deal { account: format!("Customer {number}"), email: Some(email), ..Deal::three_lines() }
}
