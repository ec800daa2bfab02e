//! Random deals over HTTP, from the records that sales enters to the invoices that Stripe holds, over the whole term of those that come
//! back. The same deals, a million of them, are billed without HTTP by `cargo test -p workflow --test books`.
//!
//! `BOOKS=10000 cargo test -p it what_is_billed_over_http` plays more of them.

#[path = "../../../../shared/workflow/tests/books/case.rs"]
#[allow(dead_code, unreachable_pub, reason = "the other one needs more of it")]
pub(crate) mod case;

use std::collections::BTreeMap;
use std::ops::Range;

use case::{Billed, CURRENCIES, Case, Random, frequency};
use it::{Env, Options};
use jiff::{SignedDuration, Span, civil::Date, tz::TimeZone};
use mapping::{LineSource, Subscriptions};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::subscriptions::PERMISSIONS;

/// A world holds so many; searching it takes longer the more there are.
const DEALS_PER_WORLD: u64 = 50;

fn number(amount: Decimal) -> Value {
    serde_json::from_str(&amount.normalize().to_string()).unwrap()
}

impl Case {
    /// Entered as it is; what it comes to by Salesforce's own sum. `None` for one that Salesforce itself does not take.
    pub(crate) async fn enter(&self, env: &Env, account: &str, seed: u64) -> Option<(String, Case)> {
        let currency = self.currency.as_str();
        let opportunity = env.insert(
            "Opportunity",
            json!({
                "Name": format!("Deal {seed}"),
                "AccountId": account,
                "StageName": "Negotiation/Review",
                "CloseDate": "2026-11-30",
                "Pricebook2Id": price_book(env),
                "CurrencyIsoCode": currency,
                "Stripe_Start_Date__c": self.term.map(|term| term.starts(today(env)).to_string()),
                "Stripe_Term_Months__c": self.term.and_then(|term| term.months),
            }),
        );
        let mut entries: BTreeMap<usize, String> = BTreeMap::new();
        for line in &self.lines {
            let entry = match entries.get(&line.product) {
                Some(entry) => entry.clone(),
                None => line.enter_product(env, currency).await,
            };
            entries.insert(line.product, entry.clone());
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
        Some((opportunity, Case { amount, lines, ..*self }))
    }
}

impl case::Line {
    /// With its price, as a person makes it who has the account's full key. Answers its entry in the price book.
    async fn enter_product(&self, env: &Env, currency: &str) -> String {
        let unit_amount = self.catalogue.normalize();
        let comes_back = self.catalogue_every.map_or(String::new(), |months| match months {
            12 => "&recurring[interval]=year".to_owned(),
            _ => format!("&recurring[interval]=month&recurring[interval_count]={months}"),
        });
        let currency_of_stripe = currency.to_ascii_lowercase();
        let body = format!(
            "currency={currency_of_stripe}&unit_amount_decimal={unit_amount}&product_data[name]=Item{comes_back}"
        );
        let price = env.stripe_post("/v1/prices", &body).await["id"].clone();
        let fields = json!({
            "Name": "Item",
            "IsActive": true,
            "Stripe_Price_Id__c": price,
            "Stripe_Billing_Frequency__c": self.every.map(frequency),
            "CurrencyIsoCode": currency,
        });
        let product = env.insert("Product2", fields);
        let entry = json!({
            "Pricebook2Id": price_book(env),
            "Product2Id": product,
            "UnitPrice": number(self.list_price),
            "IsActive": true,
            "CurrencyIsoCode": currency,
        });
        env.insert("PricebookEntry", entry)
    }
}

fn price_book(env: &Env) -> String {
    env.sandbox.salesforce.with(|org| org.standard_pricebook_id().to_owned())
}

fn today(env: &Env) -> Date {
    TimeZone::UTC.to_datetime(env.now()).date()
}

/// What was billed, by its subscription.
struct Begun {
    seed: u64,
    subscription: String,
    case: Case,
}

#[derive(Default)]
struct Tally {
    billed: u64,
    subscriptions: u64,
    invoices: usize,
}

async fn play(seeds: Range<u64>, tally: &mut Tally) {
    let currencies: Vec<&str> = CURRENCIES.split_whitespace().collect();
    let line_source = LineSource::OpportunityProducts;
    let (subscriptions, permissions) = (Subscriptions::ClosedWon, PERMISSIONS.to_vec());
    let options = Options { multi_currency: true, line_source, subscriptions, permissions, ..Options::default() };
    let mut env = Env::with(options).await;
    env.expect_dead_letters();
    let account = env.account(&it::Deal::three_lines());
    let mut begun = Vec::new();
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
            Ok(Billed { first_invoice, .. }) => {
                assert_eq!(
                    code, None,
                    "deal {seed}: {} {} {}",
                    case.amount, case.currency, record["Stripe_Sync_Error__c"]
                );
                let id = record["Stripe_Invoice_Id__c"].clone();
                let invoice = env.invoices().into_iter().find(|invoice| invoice["id"] == id).unwrap();
                let currency = case.currency.as_str().to_ascii_lowercase();
                // Nothing is due of an invoice over nothing.
                let status = if first_invoice == 0 { "paid" } else { "open" };
                let found = (&invoice["total"], &invoice["currency"], &invoice["status"]);
                assert_eq!(found, (&json!(first_invoice), &json!(currency), &json!(status)), "deal {seed}");
                tally.billed += 1;
                let subscription = record["Stripe_Subscription_Id__c"].as_str().map(str::to_owned);
                assert_eq!(subscription.is_some(), case.term.is_some(), "deal {seed}");
                begun.extend(subscription.map(|subscription| Begun { seed, subscription, case }));
            }
            Err(codes) => {
                // One that does not ask to be billed is left in peace.
                let asks = codes != [mapping::Code::AmountNotPositive];
                assert_eq!(code.as_deref(), asks.then(|| codes[0].as_str()), "deal {seed}: {codes:?}");
                let is_its = |object: &Value| object["metadata"]["sf_opportunity_id"] == *opportunity;
                let made = env.invoices().into_iter().chain(env.objects("subscription")).filter(is_its).count();
                assert_eq!(made, 0, "deal {seed} is refused, and Stripe has something of it");
            }
        }
    }
    tally.subscriptions += begun.len() as u64;
    tally.invoices += over_their_terms(&env, &begun);
}

/// Every year after, all invoices of each subscription come to what is billed by then; and once its term is over, to the deal's amount.
fn over_their_terms(env: &Env, begun: &[Begun]) -> usize {
    let first_day = today(env);
    for years in 1..=4 {
        let day = first_day.checked_add(Span::new().months(12 * years)).unwrap();
        while today(env) < day {
            env.advance(SignedDuration::from_hours(24 * 5));
            env.let_stripe_catch_up();
            env.sandbox.stripe.take_deliveries();
        }
        assert_eq!(today(env).first_of_month(), day.first_of_month(), "each month is counted once");
        let invoices = env.invoices();
        for Begun { seed, subscription, case } in begun {
            let of_it = invoices
                .iter()
                .filter(|invoice| invoice["parent"]["subscription_details"]["subscription"] == **subscription);
            let is_sent = |invoice: &&Value| ["open", "paid"].iter().any(|status| invoice["status"] == *status);
            let billed: i64 = of_it.filter(is_sent).map(|invoice| invoice["total"].as_i64().unwrap()).sum();
            let months = u32::try_from(12 * years).unwrap();
            assert_eq!(
                billed,
                case.billed_after(months),
                "deal {seed} after {years} years: {} {}",
                case.amount,
                case.currency
            );
            let is_over = case.term.unwrap().months.is_some_and(|term| term <= months);
            let sold = case.amount * case.minor_units_in_one();
            assert!(!is_over || Decimal::from(billed) == sold, "deal {seed} came to {billed}, and not to {sold}");
        }
    }
    env.invoices().len()
}

#[tokio::test]
async fn what_is_billed_over_http_is_what_the_deal_comes_to_or_nothing() {
    let deals: u64 = std::env::var("BOOKS").ok().map_or(200, |deals| deals.parse().unwrap());
    let mut tally = Tally::default();
    for world in 0..deals.div_ceil(DEALS_PER_WORLD) {
        play(world * DEALS_PER_WORLD..deals.min((world + 1) * DEALS_PER_WORLD), &mut tally).await;
    }
    let Tally { billed, subscriptions, invoices } = tally;
    println!("books: deals={deals} billed={billed} subscriptions={subscriptions} invoices={invoices}");
    assert!(billed > deals / 2 && subscriptions > deals / 8, "{billed} with {subscriptions} subscriptions of {deals}");
}
