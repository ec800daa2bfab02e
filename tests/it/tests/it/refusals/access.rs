//! Fields that the integration user may not edit, though something is to be written there once a deal is billed.

use jiff::SignedDuration;
use mapping::LineSource;

use super::*;
use crate::operator::changed;
use crate::subscriptions::contracts::{activate, selling_by_contract, won_with_contract};

fn grant(env: &Env, object: &str, field: &str, is_editable: Option<bool>) {
    env.sandbox.salesforce.with(|org| org.grant(object, field, is_editable));
}

/// Whoever mends it sends the events again.
async fn sent_again(env: &Env) {
    env.sqs.redrive();
    env.settle().await;
}

fn is_billed(env: &Env, opportunity: &str) {
    let record = env.record("Opportunity", opportunity);
    assert_eq!((env.invoices().len(), &record["Stripe_Sync_Status__c"]), (1, &Value::Null), "{record}");
    assert_eq!(record["Stripe_Invoice_Id__c"], env.invoices()[0]["id"]);
}

/// All of them are named, with everything else that stands in the way; nothing is at Stripe, and what is mended is billed. It is asked
/// in the call that reads the deal.
#[tokio::test]
async fn what_may_not_be_edited_is_told_with_everything_else_before_anything_is_at_stripe() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let withheld = [
        ("Opportunity", "Stripe_Invoice_Id__c", Some(false)),
        // One that may not even be read.
        ("Opportunity", "Paid_Date__c", None),
        ("Account", "Stripe_Customer_Id__c", Some(false)),
    ];
    withheld.iter().for_each(|(object, field, is_editable)| grant(&env, object, field, *is_editable));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    account(&env, &opportunity, json!({ "Billing_Email__c": null }));
    env.settle().await;
    let (noted, parked, invoices) = verdict(&env, &opportunity);
    assert_eq!((noted, parked, invoices), (json!("billing_email_missing"), vec![json!("billing_email_missing")], 0));
    assert!(env.stripe_calls_but_for_prices().is_empty(), "{:?}", env.stripe_calls());
    let said = env.record("Opportunity", &opportunity)["Stripe_Sync_Error__c"].as_str().unwrap().to_owned();
    assert!(said.contains("2 (field_not_editable)"), "{said}");
    for (object, field, _) in withheld {
        assert!(said.contains(&format!("{object}.{field}")), "{said}");
    }
    // One of both is mended: what is left is told.
    account(&env, &opportunity, json!({ "Billing_Email__c": "ap@acme.example" }));
    sent_again(&env).await;
    assert_eq!(verdict(&env, &opportunity).0, "field_not_editable");
    assert!(env.objects("customer").is_empty());
    withheld.iter().for_each(|(object, field, _)| grant(&env, object, field, Some(true)));
    env.clear_calls();
    sent_again(&env).await;
    is_billed(&env, &opportunity);
    assert_eq!(env.salesforce_calls().len(), 2, "a reading and a write-back: {:?}", env.salesforce_calls());
}

/// The note itself may not be written: the dead letter says it.
#[tokio::test]
async fn where_not_even_the_note_may_be_written_the_letter_says_it() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    grant(&env, "Opportunity", "Stripe_Sync_Status__c", Some(false));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert_eq!(verdict(&env, &opportunity), (Value::Null, vec![json!("field_not_editable")], 0));
    assert!(env.objects("customer").is_empty());
    grant(&env, "Opportunity", "Stripe_Sync_Status__c", Some(true));
    sent_again(&env).await;
    is_billed(&env, &opportunity);
}

/// It is believed for a quarter of an hour. What is taken away in that time the first write-back finds: the invoice is sent, a person is told,
/// and once it may be written it is, without a second invoice. The next deal is refused before that.
#[tokio::test]
async fn what_is_taken_away_a_moment_later_is_found_by_the_write_back() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let first = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    is_billed(&env, &first);
    grant(&env, "Opportunity", "Stripe_Invoice_URL__c", Some(false));
    let second = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert_eq!(verdict(&env, &second), (json!("salesforce_refused"), vec![json!("salesforce_refused")], 2));
    let third = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert_eq!((verdict(&env, &third).0, env.invoices().len()), (json!("field_not_editable"), 2));
    grant(&env, "Opportunity", "Stripe_Invoice_URL__c", Some(true));
    sent_again(&env).await;
    assert_eq!(env.invoices().len(), 3);
    for opportunity in [first, second, third] {
        let record = env.record("Opportunity", &opportunity);
        assert_eq!(
            (&record["Stripe_Sync_Status__c"], record["Stripe_Invoice_Id__c"].is_string()),
            (&Value::Null, true)
        );
    }
}

/// A draft that waits for an approval may wait for days: when it comes the question is asked anew, and the draft is taken away.
#[tokio::test]
async fn what_is_taken_away_while_a_draft_waits_refuses_it_before_it_is_sent() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    env.operate(json!({ "ceiling_USD": { "N": "10999" } }));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert_eq!(verdict(&env, &opportunity).0, "approval_required");
    grant(&env, "Opportunity", "Stripe_Invoice_URL__c", Some(false));
    env.advance(SignedDuration::from_hours(72));
    env.update("Opportunity", &opportunity, json!({ "Stripe_Approved_Amount__c": 110 }));
    env.sqs.put(&changed(&env, "msg_approved", &opportunity));
    env.settle().await;
    assert_eq!((verdict(&env, &opportunity).0, env.invoices().len()), (json!("field_not_editable"), 0));
    grant(&env, "Opportunity", "Stripe_Invoice_URL__c", Some(true));
    sent_again(&env).await;
    is_billed(&env, &opportunity);
}

/// The contract of a deal that begins a subscription, and nobody else's.
#[tokio::test]
async fn a_contract_that_may_not_be_written_refuses_the_deals_that_have_one() {
    let mut env = selling_by_contract(LineSource::OpportunityProducts).await;
    env.expect_dead_letters();
    grant(&env, "Contract", "Stripe_MRR__c", Some(false));
    let (opportunity, contract) = won_with_contract(&env, LineSource::OpportunityProducts).await;
    activate(&env, &contract);
    env.sqs.put(&changed(&env, "msg_activated", &opportunity));
    env.settle().await;
    assert_eq!(verdict(&env, &opportunity), (json!("field_not_editable"), vec![json!("field_not_editable")], 0));
    assert!(env.objects("subscription").is_empty() && env.objects("customer").is_empty());
    let once = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &once)["Stripe_Invoice_Id__c"], env.invoices()[0]["id"]);
    grant(&env, "Contract", "Stripe_MRR__c", Some(true));
    sent_again(&env).await;
    assert_eq!((env.objects("subscription").len(), env.invoices().len()), (1, 2));
}
