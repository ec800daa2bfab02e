//! Deals whose event is lost, where what decides about them stands elsewhere: the reconciler reads many at once, and sees each as its own
//! run does.

use super::*;

/// It is won, and nobody hears of it but the reconciler.
async fn is_found(env: &Env, opportunity: &str, total: i64) {
    env.close(opportunity);
    env.sandbox.salesforce.take_deliveries();
    assert_eq!(sweep(env).await, 1, "it is missed");
    assert_eq!(invoices(env, opportunity), [json!(["open", total, true])]);
    assert_eq!(sums(&books(env).await.deals), json!([["USD", 1, total]]));
}

/// A condition asks of what is mapped.
#[tokio::test]
async fn a_country_that_is_blank() {
    let file = r#"
[customer]
country = 'default(account.BillingCountry, "Germany")'
[won]
when = 'account.BillingCountry == "Germany"'
"#;
    let env = started(options(file, &[])).await;
    let opportunity = env.enter(&Deal::three_lines()).await;
    let account = account_of(&env, &opportunity);
    env.update("Account", &account, json!({ "BillingCountry": null, "BillingState": null }));
    is_found(&env, &opportunity, 11_000).await;
}

/// What an amount is calculated of hangs on a record that is not there.
#[tokio::test]
async fn a_partner_who_is_none() {
    let file = "[deal]\namount = 'opportunity.Net__c + default(opportunity.Contract.ContractTerm, 0)'\n";
    let env = started(options(file, &[("Opportunity", "Net__c", NUMBER)])).await;
    let opportunity = env.enter(&Deal::three_lines()).await;
    env.update("Opportunity", &opportunity, json!({ "Net__c": 110 }));
    is_found(&env, &opportunity, 11_000).await;
}

/// A discount asks of what is mapped, and the package's own field says otherwise.
#[tokio::test]
async fn a_term_in_years() {
    let file = r#"
[deal]
term_months = 'opportunity.years__c * 12'
[[won.rules]]
name = "Two years and more"
when = 'opportunity.Stripe_Term_Months__c >= 24'
then = { discount_percent = 10 }
"#;
    let env = started(options(file, &[("Opportunity", "Years__c", NUMBER)])).await;
    let opportunity = env.enter(&Deal::three_lines()).await;
    env.update("Opportunity", &opportunity, json!({ "Years__c": 2 }));
    is_found(&env, &opportunity, 9_900).await;
}

/// What comes to nothing is not taken for what is empty.
#[tokio::test]
async fn nobody_is_left_out_by_what_comes_to_nothing() {
    let file = r#"
[customer]
country = 'account.Region__c.trim()'
[[won.rules]]
name = "Abroad"
when = 'account.BillingCountry != "Germany"'
then = { skip = "Deals abroad are billed by hand" }
"#;
    let mut env = started(options(file, &[("Account", "Region__c", TEXT)])).await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert_eq!(code(&env, &opportunity), "rule_undecided");
}
