//! What expressions cost at start-up and for a deal: `cargo test --release -p rules -- --ignored --nocapture speed`.

use std::time::{Duration, Instant};

use super::*;

const TYPICAL: [&str; 30] = [
    "opportunity.StageName == 'Closed Won'",
    "opportunity.Amount",
    "opportunity.IsWon && opportunity.Amount > 0",
    "opportunity.Amount >= 50000",
    "opportunity.Type in ['New Business', 'Renewal', 'Upsell']",
    "account.Billing_Email__c",
    "default(opportunity.Purchase_Order__c, account.AccountNumber)",
    "has(account.Billing_Email__c) && account.Billing_Email__c.contains('@')",
    "account.BillingCountry in ['Germany', 'Austria', 'Switzerland']",
    "opportunity.RecordType.DeveloperName == 'New_Business'",
    "opportunity.Owner.Email.endsWith('@example.com')",
    "opportunity.CloseDate >= date('2026-01-01')",
    "opportunity.CloseDate + days(30)",
    "opportunity.Stripe_Start_Date__c > today",
    "default(opportunity.Stripe_Start_Date__c, today)",
    "opportunity.Amount * 0.9",
    "round(opportunity.Amount / 12, 2)",
    "sum(lines.map(l, l.TotalPrice)) == opportunity.Amount",
    "lines.exists(l, l.Product2.Family == 'Services')",
    "lines.all(l, has(l.Product2.Stripe_Price_Id__c))",
    "size(lines.filter(l, l.Quantity > 1)) > 0",
    "product.Family == 'Hardware' ? 'once' : 'monthly'",
    "line.Discount > 20 || line.UnitPrice < 1",
    "product.Stripe_Billing_Frequency__c.lowerAscii() in ['monthly', 'quarterly', 'annual']",
    "default(line.Discount, 0) <= 15 && line.Quantity < 1000",
    "'Deal ' + opportunity.Name + ' of ' + account.Name",
    "text(line.Quantity) + ' x ' + product.Name",
    "opportunity.Amount > 100000 ? 60 : opportunity.Amount > 10000 ? 30 : 14",
    "!opportunity.Skip_Billing__c",
    "opportunity.CloseDate - date(opportunity.CreatedDate) > 90",
];

#[test]
#[ignore = "it measures, and asserts nothing about time"]
#[allow(clippy::disallowed_methods, reason = "a clock is what this is about")]
fn speed() {
    const TIMES: u32 = 200;
    let deal = deal();
    let inputs = deal.inputs();
    let started = Instant::now();
    for _ in 0..TIMES {
        assert!(Schema::standard().field("Opportunity", "Amount").is_some());
    }
    let schema_time = started.elapsed() / TIMES;
    let schema = Schema::standard();
    let scope = scope(&schema);
    let compile = |source: &&str| Expression::compile(source, &scope, &Type::Any).expect("typical and right");
    let first = Instant::now();
    let mut compiled: Vec<_> = TYPICAL.iter().map(compile).collect();
    let first = first.elapsed();
    let started = Instant::now();
    for _ in 0..TIMES {
        compiled = TYPICAL.iter().map(compile).collect();
    }
    let compile_time = started.elapsed() / TIMES;
    let started = Instant::now();
    let mut decided = 0;
    for _ in 0..TIMES {
        decided = compiled.iter().filter(|expression| expression.evaluate(&inputs).is_ok()).count();
    }
    let evaluation: Duration = started.elapsed() / TIMES;
    println!(
        "schema {schema_time:?}; 30 expressions: the first time {first:?}, then {compile_time:?}; evaluated {evaluation:?}, {decided} decided"
    );
    assert_eq!(compiled.len(), TYPICAL.len());
}
