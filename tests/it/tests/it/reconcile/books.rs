//! The daily statement: both sides to the minor unit, and every difference with its cause.

use std::collections::BTreeMap;

use engine::{PassKind, Reconciled};
use it::{Deal, Env, Options};
use jiff::SignedDuration;
use ledger::{Books, Statement, Sums};
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use super::{causes, swept};

const CURRENCIES: [&str; 4] = ["USD", "EUR", "JPY", "KWD"];

async fn several_currencies() -> Env {
    let env = Env::with(Options { multi_currency: true, ..Options::default() }).await;
    swept(&env).await;
    env
}

async fn won(env: &Env, account: &str, lines: i64, currency: &str) -> String {
    let opportunity = env.opportunity_won(&Deal { account: account.into(), ..Deal::with_lines(lines, currency) }).await;
    env.settle().await;
    opportunity
}

/// The statement that the deep pass of the next morning makes.
async fn next_morning(env: &Env) -> Statement {
    env.advance(SignedDuration::from_hours(26));
    let reconciled = env.reconcile(PassKind::Deep).await;
    assert!(reconciled.is_finished, "{:?}", reconciled.pauses);
    let statement = reconciled.statement.expect("a deep pass makes one");
    let org = &env.worker.engine.scope.organization_id;
    let kept = env.ledger().statement(org, statement.day).await.unwrap();
    assert_eq!(kept.as_ref(), Some(&statement), "it is kept as it was made");
    statement
}

/// What Salesforce and Stripe themselves say, by another road than the product's.
fn at_salesforce(env: &Env) -> BTreeMap<String, (u64, i64)> {
    let mut sums = BTreeMap::new();
    for record in env.sandbox.salesforce.with(|org| org.records("Opportunity")) {
        let currency = record["CurrencyIsoCode"].as_str().unwrap().to_owned();
        let amount: rust_decimal::Decimal = record["Amount"].to_string().parse().unwrap();
        let scale = match currency.as_str() {
            "JPY" => 1,
            "KWD" => 1000,
            _ => 100,
        };
        let minor_units = i64::try_from((amount * rust_decimal::Decimal::from(scale)).normalize()).unwrap();
        let sum: &mut (u64, i64) = sums.entry(currency).or_default();
        *sum = (sum.0 + 1, sum.1 + minor_units);
    }
    sums
}

fn at_stripe(env: &Env, wanted: impl Fn(&Value) -> bool) -> BTreeMap<String, (u64, i64)> {
    let mut sums = BTreeMap::new();
    for invoice in env.invoices().into_iter().filter(wanted) {
        let currency = invoice["currency"].as_str().unwrap().to_ascii_uppercase();
        let sum: &mut (u64, i64) = sums.entry(currency).or_default();
        *sum = (sum.0 + 1, sum.1 + invoice["total"].as_i64().unwrap());
    }
    sums
}

fn plain(sums: &Sums) -> BTreeMap<String, (u64, i64)> {
    sums.0.iter().map(|(currency, sum)| (currency.to_string(), (sum.count, sum.minor_units))).collect()
}

fn of(books: &Books) -> Vec<&str> {
    books.differences.iter().map(|difference| difference.cause.as_str()).collect()
}

#[tokio::test]
async fn the_sums_equal_both_sides_to_the_minor_unit() {
    let env = several_currencies().await;
    for currency in CURRENCIES {
        for lines in [1, 3] {
            won(&env, currency, lines, currency).await;
        }
    }
    for invoice in env.invoices().iter().step_by(3) {
        env.pay(invoice["id"].as_str().unwrap()).await;
    }
    env.settle().await;
    let statement = next_morning(&env).await;
    assert_eq!(statement.day.to_string(), "2026-11-23");
    for books in [&statement.of_day, &statement.of_month] {
        assert_eq!(of(books), [""; 0]);
        assert_eq!(plain(&books.deals), at_salesforce(&env));
        assert_eq!(plain(&books.invoices), at_stripe(&env, |_| true));
        assert_eq!(plain(&books.deals), plain(&books.invoices));
        assert_eq!(plain(&books.paid), at_stripe(&env, |invoice| invoice["status"] == "paid"));
        assert_eq!(books.deals.0.len(), 4);
    }
    // The day after, the day's books are empty and the month's are the same.
    let next = next_morning(&env).await;
    assert_eq!((next.day.to_string().as_str(), next.of_day), ("2026-11-24", Books::default()));
    assert_eq!(next.of_month, statement.of_month);
}

/// The difference of this deal, alone.
fn cause<'a>(books: &'a Books, opportunity: &str) -> Vec<&'a str> {
    let of_deal =
        |found: &&ledger::Difference| found.opportunity_id.as_ref().is_some_and(|id| id.as_str() == opportunity);
    books.differences.iter().filter(of_deal).map(|found| found.cause.as_str()).collect()
}

#[tokio::test]
async fn each_planted_difference_has_its_cause() {
    let mut env = several_currencies().await;
    env.expect_dead_letters();
    let mut planted = Vec::new();
    for (index, what) in
        ["fine", "unnamed", "void", "marked", "unmarked", "lost", "edited", "refused", "second"].into_iter().enumerate()
    {
        let currency = CURRENCIES[index % 4];
        let mut deal = Deal { account: what.into(), ..Deal::with_lines(2, currency) };
        if what == "refused" {
            deal.email = None;
        }
        let opportunity = env.opportunity_won(&deal).await;
        env.settle().await;
        let record = env.record("Opportunity", &opportunity);
        let invoice = record["Stripe_Invoice_Id__c"].as_str().unwrap_or_default().to_owned();
        planted.push((what, opportunity, invoice));
    }
    let (mut opportunities, mut invoices) = (BTreeMap::new(), BTreeMap::new());
    for (what, opportunity, invoice) in &planted {
        opportunities.insert(*what, opportunity.clone());
        invoices.insert(*what, invoice.clone());
    }
    env.update("Opportunity", &opportunities["unnamed"], json!({ "Stripe_Invoice_Id__c": null }));
    env.stripe_post(&format!("/v1/invoices/{}/void", invoices["void"]), "").await;
    env.update("Opportunity", &opportunities["marked"], json!({ "Payment_Received__c": true }));
    env.pay(&invoices["unmarked"]).await;
    env.settle().await;
    env.update("Opportunity", &opportunities["unmarked"], json!({ "Payment_Received__c": false }));
    env.update("Opportunity", &opportunities["lost"], json!({ "StageName": "Closed Lost" }));
    let lines = env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem"));
    let line = lines.iter().find(|line| line["OpportunityId"] == json!(opportunities["edited"])).unwrap();
    env.update("OpportunityLineItem", line["Id"].as_str().unwrap(), json!({ "Quantity": 9 }));
    let org = &env.worker.engine.scope.organization_id;
    let second = env
        .stripe_post(
            "/v1/invoices",
            &format!(
                "customer={}&currency=usd&metadata[closedwon_environment]=test&metadata[sf_organization_id]={org}\
         &metadata[closedwon_run]=run%23{org}:{id}:opportunity_won:1&metadata[sf_opportunity_id]={id}",
                env.record("Opportunity", &opportunities["second"])["Stripe_Customer_Id__c"].as_str().unwrap(),
                id = opportunities["second"],
            ),
        )
        .await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    env.stripe_post(&format!("/v1/invoices/{second}/add_lines"), "lines[0][amount]=500&lines[0][description]=x").await;
    env.stripe_post(&format!("/v1/invoices/{second}/finalize"), "").await;
    // One was won, and nobody has been able to do anything about it since.
    let unbilled = env.enter(&Deal { account: "unbilled".into(), ..Deal::with_lines(1, "JPY") }).await;
    env.close(&unbilled);
    env.sandbox.salesforce.take_deliveries();
    env.sandbox.stripe.take_deliveries();
    let books = next_morning(&env).await.of_month;
    for (what, expected) in [
        ("fine", &[][..]),
        ("unnamed", &["invoice_not_named"]),
        ("void", &["void_at_stripe"]),
        ("marked", &["marked_not_paid"]),
        ("unmarked", &["paid_not_marked"]),
        ("lost", &["invoice_without_deal"]),
        ("edited", &["amount_differs"]),
        ("refused", &["refused:billing_email_missing"]),
        ("second", &["second_invoice"]),
    ] {
        assert_eq!(cause(&books, &opportunities[what]), expected, "{what}");
    }
    assert_eq!(cause(&books, &unbilled), ["not_billed_yet"]);
    assert_eq!(books.difference_count, 9);
    // Most of it is mended by what the pass put on the queue, or lies before a person with a reason.
    env.settle_for_days().await;
    let books = next_morning(&env).await.of_month;
    assert_eq!(cause(&books, &unbilled), [""; 0]);
    assert_eq!(cause(&books, &opportunities["edited"]), ["review:deal_changed_after_billing"]);
    // The refused deal is looked at once more, which says nothing new.
    let letters = env.sqs.dead_letters().len();
    env.settle().await;
    assert_eq!(env.sqs.dead_letters().len(), letters);
}

#[tokio::test]
async fn a_deal_that_is_won_this_minute_is_no_difference_yet() {
    let env = several_currencies().await;
    // It was won just before midnight, and the day's statement is made just after.
    env.advance(SignedDuration::from_hours(23) + SignedDuration::from_mins(50));
    let opportunity = env.opportunity_won(&Deal::with_lines(1, "EUR")).await;
    env.advance(SignedDuration::from_mins(20));
    let reconciled = env.reconcile(PassKind::Deep).await;
    assert_eq!(causes(&reconciled), [""; 0]);
    let books = reconciled.statement.unwrap().of_day;
    assert_eq!((plain(&books.deals), plain(&books.under_way)), (at_salesforce(&env), at_salesforce(&env)));
    env.settle().await;
    assert_ne!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], json!(null));
}

/// Ids and numbers, and nobody's name.
#[tokio::test]
async fn a_statement_names_nobody() {
    let env = several_currencies().await;
    let deal =
        Deal { account: "Zeisig & Co".into(), email: Some("kim@zeisig.example".into()), ..Deal::with_lines(1, "EUR") };
    env.opportunity_won(&deal).await;
    env.sandbox.salesforce.take_deliveries();
    let statement = next_morning(&env).await;
    assert_eq!(of(&statement.of_month), ["not_billed_yet"]);
    let text = serde_json::to_string(&statement).unwrap().to_lowercase();
    assert!(!text.contains("zeisig") && !text.contains('@'), "{text}");
    env.settle().await;
}

/// More of them than one call reads.
#[tokio::test]
async fn the_books_of_a_large_month_are_whole() {
    let env = Env::start().await;
    swept(&env).await;
    let account = env.account(&Deal::three_lines());
    for _ in 0..1_001 {
        let fields = json!({ "Name": "x", "AccountId": account, "StageName": "Closed Won", "CloseDate": "2026-11-30", "Amount": 10 });
        env.insert("Opportunity", fields);
    }
    env.sandbox.salesforce.take_deliveries();
    let books = next_morning(&env).await.of_month;
    assert_eq!(plain(&books.deals), BTreeMap::from([("USD".to_owned(), (1_001, 1_001_000))]));
    assert_eq!(books.difference_count, 1_001);
    env.sqs.purge();
}

/// It was won in one month, and is billed in the next, before Salesforce can be told of it: it is in the books of the first,
/// and its invoice stands for nothing else in those of the second.
#[tokio::test]
async fn an_invoice_of_a_deal_of_the_month_before_is_not_without_a_deal() {
    let env = Env::start().await;
    swept(&env).await;
    let at = |time: &str| time.parse::<jiff::Timestamp>().unwrap();
    env.advance(at("2026-11-30T23:50:00Z").duration_since(env.now()));
    let opportunity = env.opportunity_won(&Deal::with_lines(1, "USD")).await;
    env.deliver().await;
    env.advance(at("2026-12-01T00:05:00Z").duration_since(env.now()));
    let down = FaultRule::once("POST", "/services/data/**", Fault::UnavailableHtml).body_contains("PATCH").times(100);
    env.sandbox.salesforce.inject(down);
    env.work(10).await;
    assert_eq!(env.invoices()[0]["status"], "open");
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], json!(null));
    env.advance(at("2026-12-02T02:00:00Z").duration_since(env.now()));
    let reconciled = env.reconcile(PassKind::Deep).await;
    let statement = reconciled.statement.expect("a deep pass makes one");
    assert_eq!(of(&statement.of_month), [""; 0]);
    assert_eq!((statement.of_day, statement.of_month.invoices), (Books::default(), Sums::default()));
    env.sandbox.salesforce.clear_faults();
    env.settle_for_days().await;
    assert_ne!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], json!(null));
}

/// It was billed in one month, and taken back and won again in the next: the run names the invoice, which is older than
/// anything that is read for that month's books.
#[tokio::test]
async fn a_deal_that_is_won_again_has_the_invoice_of_the_month_before() {
    let env = Env::start().await;
    swept(&env).await;
    let at = |time: &str| time.parse::<jiff::Timestamp>().unwrap();
    let opportunity = won(&env, "Acme", 1, "USD").await;
    let invoice = env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"].as_str().unwrap().to_owned();
    env.advance(at("2026-12-05T12:00:00Z").duration_since(env.now()));
    for stage in ["Negotiation/Review", "Closed Won"] {
        env.update("Opportunity", &opportunity, json!({ "StageName": stage }));
        env.settle().await;
    }
    let books = next_morning(&env).await.of_month;
    assert_eq!(of(&books), [""; 0]);
    assert_eq!((plain(&books.deals), plain(&books.invoices)), (at_salesforce(&env), at_stripe(&env, |_| true)));
    // Stripe cannot be asked for it: then nothing is said, rather than that it is not there.
    let path = format!("/v1/invoices/{invoice}");
    env.sandbox.stripe.inject(FaultRule::once("GET", &path, Fault::RateLimited).times(10));
    env.advance(SignedDuration::from_hours(26));
    let limited = env.reconcile(PassKind::Deep).await;
    assert!(!limited.is_finished && limited.statement.is_none(), "{limited:?}");
    env.sandbox.stripe.clear_faults();
    assert_eq!(of(&next_morning(&env).await.of_month), [""; 0]);
    assert_eq!(env.invoices().len(), 1);
}

/// Two deep passes at once took each other's places, and left one open in which every part is done. Whoever asks for a deep pass then
/// gets one: that nothing is found has to mean that there is nothing.
#[tokio::test]
async fn a_deep_pass_that_was_left_open_hides_no_difference() {
    let env = Env::start().await;
    super::swept(&env).await;
    env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    env.advance(SignedDuration::from_hours(26));
    let found = |reconciled: Reconciled| {
        assert!(reconciled.is_finished, "{:?}", reconciled.pauses);
        reconciled.statement.map(|statement| statement.of_month.invoices)
    };
    let first = found(env.reconcile(PassKind::Deep).await);
    assert!(first.as_ref().is_some_and(|sums| !plain(sums).is_empty()), "{first:?}");
    // As the other one leaves it.
    let org = &env.worker.engine.scope.organization_id;
    let mut deep = env.ledger().watermark(org, "deep").await.unwrap();
    deep.began_at = deep.seen_until;
    env.ledger().set_watermark(org, "deep", &mut deep, env.now()).await.unwrap();
    env.advance(SignedDuration::from_hours(3));
    assert_eq!(found(env.reconcile(PassKind::Deep).await), first, "both sides are read again");
}
