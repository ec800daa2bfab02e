//! Deals whose lines are on a Salesforce CPQ quote or on an order.

use engine::PassKind;
use it::{Deal, Env, Line, Options};
use jiff::SignedDuration;
use mapping::LineSource;
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::operator::changed;

async fn selling_with(line_source: LineSource) -> Env {
    Env::with(Options { line_source, ..Options::default() }).await
}

/// Two at list price, one negotiated, and a fraction.
fn deal() -> Deal {
    let line = |product: &str, stripe_minor_units: i64, list_price: &str, unit_price: &str, quantity: &str| Line {
        product: product.into(),
        stripe_minor_units,
        list_price: list_price.into(),
        unit_price: unit_price.into(),
        quantity: quantity.into(),
    };
    let lines = vec![
        line("Onboarding", 150_000, "1500", "1500", "1"),
        line("Training day", 80_000, "800", "640", "3"),
        line("Consulting hour", 20_000, "200", "200", "2.5"),
    ];
    Deal { lines, ..Deal::three_lines() }
}

const TOTAL: i64 = 150_000 + 3 * 64_000 + 50_000;

fn activate(env: &Env) {
    for order in env.sandbox.salesforce.with(|org| org.records("Order")) {
        env.update("Order", order["Id"].as_str().unwrap(), json!({ "Status": "Activated" }));
    }
}

/// The invoice comes to the deal's amount, and each of its lines leads back to one there.
fn is_billed(env: &Env, opportunity: &str, object: &str) {
    let record = env.record("Opportunity", opportunity);
    assert_eq!(record["Stripe_Sync_Status__c"], Value::Null, "{record}");
    let invoices = env.invoices();
    assert_eq!(invoices.len(), 1);
    assert_eq!((&invoices[0]["status"], &invoices[0]["total"]), (&json!("open"), &json!(TOTAL)));
    assert_eq!(invoices[0]["id"], record["Stripe_Invoice_Id__c"]);
    let lines = env.invoice_lines(invoices[0]["id"].as_str().unwrap());
    assert_eq!(lines.len(), 3);
    let there = env.sandbox.salesforce.with(|org| org.records(object));
    for line in lines {
        assert!(there.iter().any(|record| record["Id"] == line["metadata"]["sf_line_id"]), "{line}");
    }
}

#[tokio::test]
async fn the_primary_quotes_lines_are_billed_at_their_net_amounts() {
    let env = selling_with(LineSource::CpqQuote).await;
    let opportunity = env.enter(&deal()).await;
    let primary =
        env.sandbox.salesforce.with(|org| org.records("SBQQ__Quote__c"))[0]["Id"].as_str().unwrap().to_owned();
    env.update("SBQQ__Quote__c", &primary, json!({ "SBQQ__PaymentTerms__c": "Net 60" }));
    let dear = Line { unit_price: "9999".into(), ..deal().lines[0].clone() };
    // Another quote of the deal, a line that the customer did not take, and a component that its bundle pays for.
    env.quote_line(&env.quote(&opportunity, false), &dear, None);
    let optional = env.quote_line(&primary, &dear, None);
    env.update("SBQQ__QuoteLine__c", &optional, json!({ "SBQQ__Optional__c": true }));
    let component = env.quote_line(&primary, &Line { unit_price: "0".into(), ..dear }, None);
    let bundle = env.sandbox.salesforce.with(|org| org.records("SBQQ__QuoteLine__c"))[0]["Id"].clone();
    env.update("SBQQ__QuoteLine__c", &component, json!({ "SBQQ__RequiredBy__c": bundle }));
    env.clear_calls();
    env.close(&opportunity);
    env.settle().await;
    is_billed(&env, &opportunity, "SBQQ__QuoteLine__c");
    let invoice = &env.invoices()[0];
    let days = (invoice["due_date"].as_i64().unwrap() - invoice["effective_at"].as_i64().unwrap()) / (24 * 60 * 60);
    assert_eq!(days, 60, "{invoice}");
    assert_eq!(env.salesforce_calls().len(), 2, "one read and one write, as everywhere");
}

#[tokio::test]
async fn an_activated_orders_products_are_billed() {
    let env = selling_with(LineSource::Orders).await;
    let opportunity = env.enter(&deal()).await;
    activate(&env);
    env.clear_calls();
    env.close(&opportunity);
    env.settle().await;
    is_billed(&env, &opportunity, "OrderItem");
    assert_eq!(env.salesforce_calls().len(), 2, "one read and one write, as everywhere");
}

/// The opportunity does not change by it. A Flow on the order tells of it, or nobody does, and the next sweep finds it.
#[tokio::test]
async fn an_order_that_is_activated_after_the_win_is_billed() {
    for is_told in [true, false] {
        let mut env = selling_with(LineSource::Orders).await;
        env.expect_dead_letters();
        env.reconcile(PassKind::Sweep).await;
        let opportunity = env.opportunity_won(&deal()).await;
        env.settle().await;
        let record = env.record("Opportunity", &opportunity);
        assert_eq!(record["Stripe_Sync_Status__c"], "no_lines");
        assert!(record["Stripe_Sync_Error__c"].as_str().unwrap().starts_with("Activate an order"), "{record}");
        let writes = env.stripe_calls().into_iter().filter(|call| call.starts_with("POST")).count();
        assert_eq!(writes, 0, "nothing is written before everything is known");
        // Long enough for every sweep that looks at a refused deal's first states.
        for _ in 0..5 {
            env.advance(SignedDuration::from_mins(31));
            env.reconcile(PassKind::Sweep).await;
            env.settle().await;
        }
        activate(&env);
        match is_told {
            true => env.sqs.put(&changed(&env, "msg_activated", &opportunity)),
            false => assert_eq!(env.reconcile(PassKind::Sweep).await.requeued, 1),
        }
        env.settle().await;
        is_billed(&env, &opportunity, "OrderItem");
        env.advance(SignedDuration::from_mins(15));
        let pass = env.reconcile(PassKind::Sweep).await;
        env.settle().await;
        assert!(pass.is_finished && pass.requeued <= 1 && pass.differences.is_empty(), "{pass:?}");
        env.advance(SignedDuration::from_mins(15));
        assert_eq!(env.reconcile(PassKind::Sweep).await.requeued, 0, "an activation is looked at once");
        assert_eq!(env.invoices().len(), 1);
    }
}

/// An order of no opportunity is nobody's, and one that was activated before we were here is billed by whoever billed it then.
#[tokio::test]
async fn activations_of_nobody_and_of_long_ago_are_left_alone() {
    let env = selling_with(LineSource::Orders).await;
    let opportunity = env.enter(&deal()).await;
    activate(&env);
    env.close(&opportunity);
    env.sandbox.salesforce.take_deliveries();
    let account = env.record("Opportunity", &opportunity)["AccountId"].clone();
    let nobodys = json!({ "AccountId": account, "EffectiveDate": "2026-11-30", "Status": "Activated" });
    env.insert("Order", nobodys);
    env.advance(SignedDuration::from_hours(3));
    // An edit, long after.
    let order = env.sandbox.salesforce.with(|org| org.records("Order"))[0]["Id"].as_str().unwrap().to_owned();
    env.update("Order", &order, json!({ "EffectiveDate": "2026-12-01" }));
    let pass = env.reconcile(PassKind::Sweep).await;
    assert!(pass.is_finished && pass.requeued == 0, "{pass:?}");
    assert_eq!(env.stripe_calls().iter().filter(|call| call.starts_with("POST")).count(), 0);
}

/// As many as a bulk load brings, at one moment: every page of them is read, and a limit in the middle loses none.
#[tokio::test]
async fn a_bulk_of_activations_is_read_to_its_end() {
    let env = selling_with(LineSource::Orders).await;
    env.reconcile(PassKind::Sweep).await;
    let opportunity = env.enter(&deal()).await;
    let account = env.record("Opportunity", &opportunity)["AccountId"].clone();
    for _ in 0..250 {
        let nobodys = json!({ "AccountId": account, "EffectiveDate": "2026-11-30", "Status": "Activated" });
        env.insert("Order", nobodys);
    }
    env.advance(SignedDuration::from_secs(1));
    let order = env.sandbox.salesforce.with(|org| org.records("Order"))[0]["Id"].as_str().unwrap().to_owned();
    env.update("Order", &order, json!({ "Status": "Activated" }));
    env.advance(SignedDuration::from_mins(15));
    // Won deals, the first page, and not the second.
    env.sandbox.salesforce.inject(FaultRule::once("POST", "/services/data/**", Fault::RateLimited).skip(2));
    let limited = env.reconcile(PassKind::Sweep).await;
    assert_eq!((limited.is_finished, limited.requeued, limited.pauses[0].0), (false, 0, "activations"));
    env.clear_calls();
    let resumed = env.reconcile(PassKind::Sweep).await;
    assert_eq!((resumed.is_finished, resumed.requeued), (true, 1), "{resumed:?}");
    assert_eq!(env.salesforce_calls().len(), 2 + 2, "the first page is not read again");
    env.settle().await;
    assert_eq!(env.invoices().len(), 0, "it is not won");
}

/// What is wrong with a quote is told at once, with the line's own name.
#[tokio::test]
async fn a_quote_that_cannot_be_billed_says_everything_at_once() {
    let mut env = selling_with(LineSource::CpqQuote).await;
    env.expect_dead_letters();
    let opportunity = env.enter(&Deal { email: None, ..deal() }).await;
    let lines = env.sandbox.salesforce.with(|org| org.records("SBQQ__QuoteLine__c"));
    env.update("SBQQ__QuoteLine__c", lines[0]["Id"].as_str().unwrap(), json!({ "SBQQ__Product__c": null }));
    env.update("SBQQ__QuoteLine__c", lines[1]["Id"].as_str().unwrap(), json!({ "SBQQ__ChargeType__c": "Recurring" }));
    env.close(&opportunity);
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!(record["Stripe_Sync_Status__c"], "billing_email_missing");
    let message = record["Stripe_Sync_Error__c"].as_str().unwrap();
    for words in [
        "Mend 2 things. 1 (billing_email_missing): ",
        "2 (lines_not_billable): ",
        "line 1 (Onboarding): fill in Stripe Price Id on the product",
        "line 2 (Training day): its charge type is Recurring",
    ] {
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(env.sqs.dead_letters()[0]["parked"]["code"], "billing_email_missing");
    assert_eq!(env.stripe_calls_but_for_prices(), [] as [String; 0], "what it costs is asked, and nothing is done");
}
