//! What deals cost, and where that stands.

use std::collections::BTreeSet;

use it::Line;

use super::*;
use crate::won::assert_lines_equal;

/// What a query asks for.
fn selected(query: &str) -> BTreeSet<String> {
    let fields = query.strip_prefix("SELECT ").unwrap().split(" FROM ").next().unwrap();
    fields.split(',').map(|field| field.trim().to_owned()).collect()
}

/// A deal is won and billed: every query that Salesforce was asked for that, in their order.
async fn asked(env: &Env, opportunity: &str) -> Vec<String> {
    env.sandbox.salesforce.with(|org| org.take_queries());
    env.clear_calls();
    env.close(opportunity);
    env.deliver().await;
    env.work(10).await;
    let calls = env.salesforce_calls();
    let queries = env.sandbox.salesforce.with(|org| org.take_queries());
    let read = "POST /services/data/v67.0/composite";
    assert_eq!(calls, [read, read], "one read and one write, as everywhere");
    env.settle().await;
    queries
}

/// Where the organization has a field of its own the package's is not read, and that is all there is to it: nothing else is, and in no
/// other call.
#[tokio::test]
async fn prices_elsewhere() {
    let env = organization(
        "prices_elsewhere",
        &[("Product2", "Billing_Price__c", TEXT), ("OpportunityLineItem", "Invoice_Text__c", TEXT)],
    )
    .await;
    let opportunity = env.enter(&Deal::three_lines()).await;
    for product in env.sandbox.salesforce.with(|org| org.records("Product2")) {
        let price = product["Stripe_Price_Id__c"].clone();
        let moved = json!({ "Billing_Price__c": price, "Stripe_Price_Id__c": "see the other field" });
        env.update("Product2", product["Id"].as_str().unwrap(), moved);
    }
    let line = env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem")).remove(0);
    env.update("OpportunityLineItem", line["Id"].as_str().unwrap(), json!({ "Invoice_Text__c": "Seats, first year" }));
    let own = asked(&env, &opportunity).await;
    assert_eq!(invoices(&env, &opportunity), [json!(["open", 11_000, true])]);
    assert_lines_equal(&env, &opportunity);
    let lines = env.invoice_lines(invoice_of(&env, &opportunity)["id"].as_str().unwrap());
    let mut said: Vec<_> = lines.iter().map(|line| line["description"].as_str().unwrap()).collect();
    said.sort_unstable();
    assert_eq!(said, ["Product 002", "Product 003", "Seats, first year"]);

    let standard = started(options("", &[])).await;
    let opportunity = standard.enter(&Deal::three_lines()).await;
    let asked = asked(&standard, &opportunity).await;
    assert_eq!(own.len(), asked.len());
    for (own, standard) in own.iter().zip(&asked) {
        let (own_fields, fields) = (selected(own), selected(standard));
        let only = |these: &BTreeSet<String>, those: &BTreeSet<String>| -> Vec<_> {
            these.difference(those).cloned().collect()
        };
        let (more, less) = (only(&own_fields, &fields), only(&fields, &own_fields));
        match own.contains(" FROM OpportunityLineItem ") {
            true => {
                assert_eq!(more, ["Invoice_Text__c", "Product2.Billing_Price__c"]);
                assert_eq!(less, ["Description", "Product2.Stripe_Price_Id__c"]);
            }
            false => assert_eq!((more, less), (vec![], vec![]), "{own}"),
        }
    }
    assert!(own.iter().any(|query| query.contains(" FROM OpportunityLineItem ")), "{own:?}");
}

/// Salesforce does not know the field, or does not let the integration user see it: nothing is billed by halves.
#[tokio::test]
async fn a_field_that_is_not_there_is_told() {
    let mut env = Env::with(options(&fixture("organizations/prices_elsewhere"), &[])).await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle_for_days().await;
    assert_eq!((env.invoices().len(), env.objects("customer").len()), (0, 0));
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], Value::Null);
    let letter = env.sqs.dead_letters().remove(0);
    assert!(
        letter.to_string().contains("Billing_Price__c") || letter.to_string().contains("Invoice_Text__c"),
        "{letter}"
    );
}

#[tokio::test]
async fn two_currencies() {
    let file = fixture("organizations/two_currencies");
    let env = started(Options { org_currency: "EUR", ..options(&file, &[]) }).await;
    let euros = Deal { currency: "EUR".into(), ..Deal::negotiated("10", 1_000, "33.33", "3") };
    let [euros, dollars] = [env.opportunity_won(&euros).await, env.opportunity_won(&Deal::three_lines()).await];
    env.settle().await;
    for (opportunity, currency, total, days) in [(&euros, "eur", 9_999, 30), (&dollars, "usd", 11_000, 45)] {
        let invoice = invoice_of(&env, opportunity);
        assert_eq!(
            json!([invoice["currency"], invoice["total"], days_until_due(&invoice)]),
            json!([currency, total, days])
        );
        assert_lines_equal(&env, opportunity);
        assert_eq!(code(&env, opportunity), Value::Null);
    }
    env.pay(invoice_of(&env, &euros)["id"].as_str().unwrap()).await;
    env.settle().await;
    let paid = |opportunity: &str| env.record("Opportunity", opportunity)["Stripe_Amount_Paid__c"].clone();
    assert_eq!([paid(&euros), paid(&dollars)], [json!(99.99), Value::Null]);
    let books = books(&env).await;
    assert_eq!(sums(&books.deals), json!([["EUR", 1, 9_999], ["USD", 1, 11_000]]));
    assert_eq!(sums(&books.paid), json!([["EUR", 1, 9_999]]));
}

/// 53.37 less 12.5 % is 46.69875: 46.70, of which each line gets its share, and the cent that is left over by rounding them down goes to
/// the one that lost most by it.
#[tokio::test]
async fn a_partner_discount() {
    let env = organization("partner_discount", &[]).await;
    // What a rule asks of a standard field the permission set does not know.
    env.sandbox.salesforce.with(|org| org.grant("Account", "Type", Some(false)));
    let line = |product: &str, price: &str, stripe_minor_units: i64| Line {
        product: product.into(),
        stripe_minor_units,
        list_price: price.into(),
        unit_price: price.into(),
        quantity: "1".into(),
    };
    let lines = vec![line("Desk", "33.33", 3_333), line("Chair", "19.99", 1_999), line("Screw", "0.05", 5)];
    let deal = Deal { lines, ..Deal::three_lines() };
    let sold_to = async |account_type: &str| {
        let account = env.account(&deal);
        env.update("Account", &account, json!({ "Type": account_type }));
        let opportunity = env.enter_for(&account, &deal).await;
        env.close(&opportunity);
        env.settle().await;
        opportunity
    };
    let [partner, customer] = [sold_to("Partner").await, sold_to("Customer").await];
    for (opportunity, total, lines) in [(&partner, 4_670, [2_917, 1_749, 4]), (&customer, 5_337, [3_333, 1_999, 5])] {
        let invoice = invoice_of(&env, opportunity);
        assert_eq!((&invoice["status"], &invoice["total"]), (&json!("open"), &json!(total)));
        let at_stripe = env.invoice_lines(invoice["id"].as_str().unwrap());
        let amount = |name: &str| at_stripe.iter().find(|line| line["description"] == name).unwrap()["amount"].clone();
        assert_eq!(["Desk", "Chair", "Screw"].map(amount), lines.map(|amount| json!(amount)));
        let record = env.record("Opportunity", opportunity);
        assert_eq!(json!([record["Amount"], record["Stripe_Sync_Status__c"]]), json!([53.37, null]));
    }
    let due = json!([["USD", 2, 4_670 + 5_337]]);
    let sent = books(&env).await;
    assert_eq!([sums(&sent.deals), sums(&sent.invoices)], [due.clone(), due.clone()]);
    env.pay(invoice_of(&env, &partner)["id"].as_str().unwrap()).await;
    env.settle().await;
    let record = env.record("Opportunity", &partner);
    let paid =
        ["Stripe_Amount_Paid__c", "Stripe_Amount_Remaining__c", "Payment_Received__c"].map(|field| &record[field]);
    assert_eq!(json!(paid), json!([46.7, 0.0, true]));
    let paid = books(&env).await;
    assert_eq!([sums(&paid.invoices), sums(&paid.paid)], [due, json!([["USD", 1, 4_670]])]);
    assert_eq!(env.invoices().len(), 2);
}
