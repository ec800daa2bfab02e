//! A won opportunity becomes one sent invoice.

use it::{Deal, Env, Line, Options};
use serde_json::{Value, json};

/// What people look at: the opportunity's billing fields and the invoice behind them.
pub fn billing(env: &Env, opportunity: &str) -> Value {
    let record = env.record("Opportunity", opportunity);
    let account = env.record("Account", record["AccountId"].as_str().unwrap());
    let invoice_id = record["Stripe_Invoice_Id__c"].clone();
    let invoice = env.invoices().into_iter().find(|invoice| invoice["id"] == invoice_id).unwrap_or_default();
    json!({
        "customer_is_linked": record["Stripe_Customer_Id__c"] == invoice["customer"]
            && account["Stripe_Customer_Id__c"] == invoice["customer"],
        "url_is_linked": record["Stripe_Invoice_URL__c"] == invoice["hosted_invoice_url"]
            && record["Stripe_Invoice_PDF__c"] == invoice["invoice_pdf"] && record["Stripe_Invoice_PDF__c"].is_string(),
        "code": record["Stripe_Sync_Status__c"],
        "status": invoice["status"],
        "currency": invoice["currency"],
        "total": invoice["total"],
        "collection_method": invoice["collection_method"],
        "auto_advance": invoice["auto_advance"],
    })
}

/// Each line's amount and quantity at Stripe equals Salesforce's, to the minor unit.
pub fn assert_lines_equal(env: &Env, opportunity: &str) {
    let record = env.record("Opportunity", opportunity);
    let lines = env.invoice_lines(record["Stripe_Invoice_Id__c"].as_str().unwrap());
    let items: Vec<_> = env
        .sandbox
        .salesforce
        .with(|org| org.records("OpportunityLineItem"))
        .into_iter()
        .filter(|item| item["OpportunityId"] == opportunity)
        .collect();
    assert_eq!(lines.len(), items.len());
    let currency = lines[0]["currency"].as_str().unwrap().to_ascii_uppercase();
    let currency = domain::Currency::parse(&currency).unwrap();
    for item in items {
        let line = lines.iter().find(|line| line["metadata"]["sf_line_id"] == item["Id"]).unwrap();
        let amount = item["TotalPrice"].to_string().parse().unwrap();
        let amount = domain::Money::from_major_units(amount, currency).unwrap();
        assert_eq!(line["amount"].as_i64().unwrap(), amount.minor_units(), "{item}");
    }
}

#[tokio::test]
async fn three_products_become_a_sent_invoice_and_its_ids_are_written_back() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    let replies = env.deliver().await;
    assert!(replies.iter().any(|reply| (reply.status, reply.code()) == (202, "queued")), "{replies:?}");
    env.settle().await;
    assert_eq!(
        billing(&env, &opportunity),
        json!({
            "customer_is_linked": true,
            "url_is_linked": true,
            "code": null,
            "status": "open",
            "currency": "usd",
            "total": 2 * 1000 + 3 * 2000 + 3000,
            "collection_method": "send_invoice",
            "auto_advance": false,
        })
    );
    assert_lines_equal(&env, &opportunity);
    assert_eq!(env.invoices().len(), 1);
    assert_eq!(env.objects("customer").len(), 1);
}

#[tokio::test]
async fn every_number_of_lines_and_every_currency_is_billed_to_the_minor_unit() {
    for currency in ["USD", "EUR", "JPY", "KWD"] {
        let env = Env::with(Options { multi_currency: true, ..Options::default() }).await;
        for count in [1, 3, 120] {
            let deal = Deal { account: format!("{currency} {count}"), ..Deal::with_lines(count, currency) };
            let opportunity = env.opportunity_won(&deal).await;
            env.settle().await;
            let billing = billing(&env, &opportunity);
            assert_eq!(billing["status"], "open", "{count} lines in {currency}");
            assert_eq!(billing["currency"], currency.to_ascii_lowercase());
            assert_lines_equal(&env, &opportunity);
        }
        assert_eq!(env.invoices().len(), 3);
    }
}

#[tokio::test]
async fn negotiated_prices_are_billed_and_keep_their_product() {
    for (list_price, stripe, unit_price, quantity) in [
        ("100", 10_000, "80", "3"),
        // One unit does not have a price in whole cents: the line is billed as one item.
        ("10", 1_000, "33.33", "3"),
        ("0.15", 15, "0.10", "7"),
        // The catalogue at Stripe is wrong, the deal is not.
        ("100", 9_999, "100", "2"),
        // Half a day.
        ("900", 90_000, "900", "0.5"),
        ("1000", 100_000, "999.99", "1.25"),
    ] {
        let env = Env::start().await;
        let opportunity = env.opportunity_won(&Deal::negotiated(list_price, stripe, unit_price, quantity)).await;
        env.settle().await;
        assert_eq!(billing(&env, &opportunity)["status"], "open", "{unit_price} × {quantity}");
        assert_lines_equal(&env, &opportunity);
        let line = env.invoice_lines(env.invoices()[0]["id"].as_str().unwrap()).remove(0);
        assert!(line["pricing"]["price_details"]["product"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn two_wrong_prices_that_cancel_out_among_many_lines_are_found() {
    let env = Env::start().await;
    let mut deal = Deal::with_lines(30, "USD");
    let negotiate =
        |line: &mut Line, by: i64| line.unit_price = (line.list_price.parse::<i64>().unwrap() + by).to_string();
    for (index, by) in [(20, 6), (23, -6)] {
        deal.lines[index].quantity = "1".into();
        negotiate(&mut deal.lines[index], by);
    }
    let opportunity = env.opportunity_won(&deal).await;
    env.settle().await;
    assert_eq!(billing(&env, &opportunity)["status"], "open");
    assert_lines_equal(&env, &opportunity);
}

#[tokio::test]
async fn a_second_deal_of_the_account_uses_its_customer() {
    let env = Env::start().await;
    let account = env.account(&Deal::three_lines());
    for lines in [1, 2] {
        let opportunity = env.enter_for(&account, &Deal::with_lines(lines, "USD")).await;
        env.close(&opportunity);
        env.settle().await;
        assert_eq!(billing(&env, &opportunity)["customer_is_linked"], true);
    }
    assert_eq!((env.invoices().len(), env.objects("customer").len()), (2, 1));
}

#[tokio::test]
async fn a_customer_that_salesforce_names_is_used_if_it_is_there() {
    let env = Env::start().await;
    let named = env.stripe_post("/v1/customers", "name=By+hand&email=ap@acme.example").await;
    let gone = "cus_gone";
    for (customer, expected) in [(named["id"].as_str().unwrap(), 1), (gone, 2)] {
        let account = env.account(&Deal { account: customer.to_owned(), ..Deal::three_lines() });
        env.update("Account", &account, json!({ "Stripe_Customer_Id__c": customer }));
        let opportunity = env.enter_for(&account, &Deal::three_lines()).await;
        env.close(&opportunity);
        env.settle().await;
        assert_eq!(billing(&env, &opportunity)["customer_is_linked"], true);
        assert_eq!(env.objects("customer").len(), expected, "{customer}");
    }
}

#[tokio::test]
async fn every_call_is_in_the_call_log_and_the_log_is_unbroken() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let id = workflow::RunId::OpportunityWon {
        organization_id: env.salesforce_door.organization_id.clone(),
        opportunity_id: domain::OpportunityId::parse(&opportunity).unwrap(),
    };
    let log = env.ledger().call_log(&id).await.unwrap();
    let calls: Vec<_> = log.iter().map(|entry| format!("{} {}", entry.call, entry.outcome)).collect();
    assert_eq!(
        calls,
        ["read_deal ok", "read_prices ok", "create_invoice ok", "add_lines ok", "send_invoice ok", "update_records ok"]
    );
    let writes = |entry: &&ledger::CallEntry| entry.system == "stripe" && entry.call != "read_prices";
    assert!(log.iter().filter(writes).all(|entry| entry.request_id.is_some()));
    let run = env.ledger().run(&id.to_string()).await.unwrap().unwrap();
    assert_eq!(run.status, "done");
    assert!(run.run.intents.values().all(|intent| intent.body.is_none()), "a settled intent keeps no body");
}
