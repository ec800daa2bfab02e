//! What the configuration asks for is empty: nothing is guessed, and the deal goes on when it is filled in.

use super::*;

/// The deal waits for this field, and nothing of it is at Stripe.
fn waits_for(env: &Env, opportunity: &str, key: &str, field: &str) {
    let record = env.record("Opportunity", opportunity);
    assert_eq!(record["Stripe_Sync_Status__c"], "rule_undecided", "{record}");
    let said = record["Stripe_Sync_Error__c"].as_str().unwrap();
    assert!(said.contains(key) && said.contains(field), "{said}");
    assert_eq!((env.invoices().len(), env.objects("customer").len()), (0, 0));
}

fn is_billed(env: &Env, opportunity: &str, total: i64) {
    assert_eq!(invoices(env, opportunity), [json!(["open", total, true])]);
    assert_eq!(code(env, opportunity), Value::Null);
}

/// Won by this file, with one field of the organization's own.
async fn won(file: &str, own: Own) -> (Env, String) {
    let mut env = started(options(file, &[own])).await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    (env, opportunity)
}

#[tokio::test]
async fn a_rule_that_asks_for_an_empty_field_waits_for_it() {
    let file = r#"
        [[won.rules]]
        name = "Risky customers"
        when = 'opportunity.Risk__c > 3'
        then = { refuse = "Ask for money in advance" }
    "#;
    let (env, opportunity) = won(file, ("Opportunity", "Risk__c", NUMBER)).await;
    waits_for(&env, &opportunity, "rule \"Risky customers\"", "opportunity.Risk__c");
    set(&env, &opportunity, json!({ "Risk__c": 3 }));
    env.settle().await;
    is_billed(&env, &opportunity, 11_000);
}

#[tokio::test]
async fn whether_a_deal_is_billed_at_all_waits_for_it_too() {
    let file = "[won]\nwhen = 'opportunity.Probability_At_Win__c >= 50'";
    let (env, opportunity) = won(file, ("Opportunity", "Probability_At_Win__c", NUMBER)).await;
    waits_for(&env, &opportunity, "won.when", "opportunity.Probability_At_Win__c");
    set(&env, &opportunity, json!({ "Probability_At_Win__c": 50 }));
    env.settle().await;
    is_billed(&env, &opportunity, 11_000);
}

/// It is not taken for a deal without an amount, which nobody would hear of.
#[tokio::test]
async fn an_amount_that_comes_to_nothing_waits_for_what_is_empty() {
    let file = "[deal]\namount = 'opportunity.Net__c * 2'";
    let (env, opportunity) = won(file, ("Opportunity", "Net__c", Kind::Currency)).await;
    waits_for(&env, &opportunity, "deal.amount", "opportunity.Net__c");
    set(&env, &opportunity, json!({ "Net__c": 55 }));
    env.settle().await;
    is_billed(&env, &opportunity, 11_000);
    assert_eq!(sums(&books(&env).await.deals), json!([["USD", 1, 11_000]]));
}

#[tokio::test]
async fn a_line_that_cannot_be_read_is_named() {
    let file = "[line]\nquantity = 'line.Boxes__c * 2'";
    let (env, opportunity) = won(file, ("OpportunityLineItem", "Boxes__c", NUMBER)).await;
    waits_for(&env, &opportunity, "line.quantity of line 1", "line.Boxes__c");
    let lines = env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem"));
    let fill = |index: usize| {
        env.update("OpportunityLineItem", lines[index]["Id"].as_str().unwrap(), json!({ "Boxes__c": 1 }));
        tell_of(&env, &opportunity);
    };
    fill(0);
    fill(1);
    env.settle().await;
    waits_for(&env, &opportunity, "line.quantity of line 3", "line.Boxes__c");
    fill(2);
    env.settle().await;
    is_billed(&env, &opportunity, 11_000);
    let at_stripe = env.invoice_lines(invoice_of(&env, &opportunity)["id"].as_str().unwrap());
    let quantities: Vec<_> = at_stripe.iter().map(|line| line["quantity"].clone()).collect();
    assert_eq!(quantities, [2, 2, 2]);
}

/// The customer is told nothing by halves: what else changed on the account waits as well.
#[tokio::test]
async fn an_account_that_cannot_be_read_changes_nothing_at_stripe() {
    let file = "[customer]\nname = 'account.Legal_Name__c + \" \" + account.Legal_Form__c'";
    let own = [("Account", "Legal_Name__c", TEXT), ("Account", "Legal_Form__c", TEXT)];
    let mut env = started(options(file, &own)).await;
    env.expect_dead_letters();
    let opportunity = env.enter(&Deal::three_lines()).await;
    let account = account_of(&env, &opportunity);
    env.update("Account", &account, json!({ "Legal_Name__c": "Acme", "Legal_Form__c": "GmbH" }));
    env.close(&opportunity);
    env.settle().await;
    is_billed(&env, &opportunity, 11_000);
    let customer = || env.objects("customer").remove(0);
    let before = customer();
    assert_eq!(before["name"], "Acme GmbH");
    assert_eq!(sweep(&env).await, 0);
    env.update("Account", &account, json!({ "Legal_Form__c": null, "Billing_Email__c": "new@acme.example" }));
    env.clear_calls();
    assert_eq!(sweep(&env).await, 1);
    assert_eq!(customer(), before);
    assert!(env.stripe_calls().iter().all(|call| call.starts_with("GET")), "{:?}", env.stripe_calls());
    let letters = env.sqs.dead_letters();
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!(letter["parked"]["code"], "rule_undecided");
    let said = letter["parked"]["reason"].as_str().unwrap();
    assert!(said.contains("customer.name") && said.contains("account.Legal_Form__c"), "{said}");
    env.update("Account", &account, json!({ "Legal_Form__c": "AG" }));
    assert_eq!(sweep(&env).await, 1);
    let after = customer();
    assert_eq!(json!([after["name"], after["email"]]), json!(["Acme AG", "new@acme.example"]));
}
