//! What organizations write: each compiles, and comes to something for an ordinary deal, or says which field is empty.

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

/// Of a field that is empty here: whoever wrote it is told which, and what mends it.
const OF_WHAT_IS_EMPTY: [&str; 5] = [
    "opportunity.Stripe_Start_Date__c > today",
    "line.Discount > 20 || line.UnitPrice < 1",
    "product.Stripe_Billing_Frequency__c.lowerAscii() in ['monthly', 'quarterly', 'annual']",
    "text(line.Quantity) + ' x ' + product.Name",
    "!opportunity.Skip_Billing__c",
];

#[test]
fn what_is_typical_compiles_and_comes_to_something_or_says_what_is_empty() {
    let schema = Schema::standard();
    let scope = scope(&schema);
    let deal = deal();
    let inputs = deal.inputs();
    let mut undecided = Vec::new();
    for source in TYPICAL {
        let compiled = Expression::compile(source, &scope, &Type::Any);
        let compiled = compiled.unwrap_or_else(|problems| panic!("{source}: {problems:?}"));
        if let Err(why) = compiled.evaluate(&inputs) {
            assert!(why.message.contains("is empty, and") && why.message.contains("fill it in"), "{source}: {why:?}");
            undecided.push(source);
        }
    }
    assert_eq!(undecided, OF_WHAT_IS_EMPTY);
}
