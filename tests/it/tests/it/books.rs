//! Random deals over HTTP, from the records that sales enters to the invoice that Stripe holds. The same deals, a million of them, are
//! billed without HTTP by `cargo test -p workflow --test books`.
//!
//! `BOOKS=10000 cargo test -p it what_is_billed_over_http` plays more of them.

#[path = "../../../../shared/workflow/tests/books/case.rs"]
#[allow(dead_code, unreachable_pub, reason = "the other one needs more of it")]
mod case;

use case::{CURRENCIES, Case, Random};
use it::{Env, Options};
use jiff::SignedDuration;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// A world holds so many; searching it takes longer the more there are.
const DEALS_PER_WORLD: u64 = 50;

fn number(amount: Decimal) -> Value {
    serde_json::from_str(&amount.normalize().to_string()).unwrap()
}

impl Case {
    /// Entered as it is; what it comes to by Salesforce's own sum. `None` for one that Salesforce itself does not take.
    async fn enter(&self, env: &Env, account: &str, seed: u64) -> Option<(String, Case)> {
        let currency = self.currency.as_str();
        let price_book = env.sandbox.salesforce.with(|org| org.standard_pricebook_id().to_owned());
        let opportunity = env.insert(
            "Opportunity",
            json!({
                "Name": format!("Deal {seed}"),
                "AccountId": account,
                "StageName": "Negotiation/Review",
                "CloseDate": "2026-11-30",
                "Pricebook2Id": price_book,
                "CurrencyIsoCode": currency,
            }),
        );
        for line in &self.lines {
            let unit_amount = line.catalogue.normalize();
            let body = format!(
                "currency={}&unit_amount_decimal={unit_amount}&product_data[name]=Item",
                currency.to_ascii_lowercase()
            );
            let price = env.stripe_post("/v1/prices", &body).await["id"].clone();
            let product =
                json!({ "Name": "Item", "IsActive": true, "Stripe_Price_Id__c": price, "CurrencyIsoCode": currency });
            let product = env.insert("Product2", product);
            let entry = env.insert(
                "PricebookEntry",
                json!({
                    "Pricebook2Id": price_book,
                    "Product2Id": product,
                    "UnitPrice": number(line.list_price),
                    "IsActive": true,
                    "CurrencyIsoCode": currency,
                }),
            );
            env.insert(
                "OpportunityLineItem",
                json!({
                    "OpportunityId": opportunity,
                    "PricebookEntryId": entry,
                    "Quantity": number(line.quantity),
                    "UnitPrice": number(line.list_price),
                    "TotalPrice": number(line.total),
                }),
            );
        }
        let amount: Decimal = env.record("Opportunity", &opportunity)["Amount"].to_string().parse().ok()?;
        let lines = self.lines.iter().map(|line| case::Line { ..*line }).collect();
        Some((opportunity, Case { currency: self.currency, amount, lines }))
    }
}

/// How many were billed.
async fn play(seeds: std::ops::Range<u64>) -> u64 {
    let currencies: Vec<&str> = CURRENCIES.split_whitespace().collect();
    let mut env = Env::with(Options { multi_currency: true, ..Options::default() }).await;
    env.expect_dead_letters();
    let account = env.account(&it::Deal::three_lines());
    let mut billed = 0;
    for seed in seeds {
        let case = Case::generate(&mut Random(seed), &currencies);
        if case.lines.len() > 10 {
            continue;
        }
        let Some((opportunity, case)) = case.enter(&env, &account, seed).await else { continue };
        env.close(&opportunity);
        env.settle().await;
        env.advance(SignedDuration::from_secs(10));
        let record = env.record("Opportunity", &opportunity);
        let code = record["Stripe_Sync_Status__c"].as_str().map(str::to_owned);
        match case.judged() {
            Ok(minor_units) => {
                assert_eq!(code, None, "deal {seed}: {} {}", case.amount, case.currency);
                let id = record["Stripe_Invoice_Id__c"].clone();
                let invoice = env.invoices().into_iter().find(|invoice| invoice["id"] == id).unwrap();
                let currency = case.currency.as_str().to_ascii_lowercase();
                let found = (&invoice["total"], &invoice["currency"], &invoice["status"]);
                assert_eq!(found, (&json!(minor_units), &json!(currency), &json!("open")), "deal {seed}");
                billed += 1;
            }
            // One that does not ask to be billed is left in peace.
            Err(codes) if codes == [mapping::Code::AmountNotPositive] => assert_eq!(code, None, "deal {seed}"),
            Err(codes) => assert_eq!(code.as_deref(), Some(codes[0].as_str()), "deal {seed}: {codes:?}"),
        }
    }
    billed
}

#[tokio::test]
async fn what_is_billed_over_http_is_what_the_deal_comes_to_or_nothing() {
    let deals: u64 = std::env::var("BOOKS").ok().map_or(200, |deals| deals.parse().unwrap());
    let mut billed = 0;
    for world in 0..deals.div_ceil(DEALS_PER_WORLD) {
        billed += play(world * DEALS_PER_WORLD..deals.min((world + 1) * DEALS_PER_WORLD)).await;
    }
    println!("books: deals={deals} billed={billed}");
    assert!(billed > deals / 2, "{billed} of {deals}");
}
