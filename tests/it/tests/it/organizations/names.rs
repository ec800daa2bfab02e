//! Fields that are written, under names of the organization's own.

use super::*;

const FILE: &str = r#"
[fields.opportunity]
Stripe_Invoice_Id__c = "Rechnung__c"
Payment_Received__c = "Bezahlt__c"
Stripe_Sync_Status__c = "Stand__c"
[fields.account]
Stripe_Customer_Id__c = "Kunde__c"
[changes]
amendments = "void_and_reissue"
"#;

const OWN: [Own; 4] = [
    ("Opportunity", "Rechnung__c", TEXT),
    ("Opportunity", "Bezahlt__c", CHECKBOX),
    ("Opportunity", "Stand__c", TEXT),
    ("Account", "Kunde__c", TEXT),
];

/// The integration user may edit them.
async fn named() -> Env {
    let env = started(options(FILE, &OWN)).await;
    for (object, field, _) in OWN {
        env.sandbox.salesforce.with(|org| org.grant(object, field, Some(true)));
    }
    env
}

/// Billed, amended, billed anew and paid: all of it stands in the organization's fields, and nothing in the package's.
#[tokio::test]
async fn what_is_written_stands_where_the_organization_wants_it() {
    let env = named().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let first = env.invoices()[0]["id"].clone();
    assert_eq!(env.record("Opportunity", &opportunity)["Rechnung__c"], first);
    crate::amendments::amend(&env, &opportunity);
    env.settle().await;
    let named = env.record("Opportunity", &opportunity)["Rechnung__c"].clone();
    let open: Vec<_> = env.invoices().into_iter().filter(|invoice| invoice["status"] == "open").collect();
    assert_eq!((open.len(), &open[0]["id"], open[0]["total"].as_i64()), (1, &named, Some(12_000)));
    env.pay(named.as_str().unwrap()).await;
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!(
        (&record["Bezahlt__c"], &record["Rechnung__c"], &record["Stand__c"]),
        (&json!(true), &named, &Value::Null)
    );
    assert_eq!((&record["Payment_Received__c"], &record["Stripe_Invoice_Id__c"]), (&json!(false), &Value::Null));
    let account = env.record("Account", record["AccountId"].as_str().unwrap());
    assert_eq!(account["Kunde__c"], env.objects("customer")[0]["id"]);
    assert_eq!(account["Stripe_Customer_Id__c"], Value::Null);
    // And the reconciler, which reads them, too, finds nothing to mend.
    assert_eq!(sweep(&env).await, 0);
    books(&env).await;
}

/// A note is written there too, and taken away when the deal is mended.
#[tokio::test]
async fn a_refusal_is_noted_there() {
    let mut env = named().await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal { email: None, ..Deal::three_lines() }).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stand__c"], "billing_email_missing");
    let account = env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
    env.update("Account", &account, json!({ "Billing_Email__c": "ap@acme.example" }));
    tell_of(&env, &opportunity);
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!((&record["Stand__c"], &record["Rechnung__c"]), (&Value::Null, &env.invoices()[0]["id"]));
}

/// Before anything is at Stripe, as with the package's own, and by the name that an administrator knows.
#[tokio::test]
async fn what_may_not_be_written_there_is_told_before() {
    let mut env = started(options(FILE, &OWN)).await;
    env.expect_dead_letters();
    env.sandbox.salesforce.with(|org| org.grant("Opportunity", "Stand__c", Some(true)));
    env.sandbox.salesforce.with(|org| org.grant("Account", "Kunde__c", Some(true)));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!((env.invoices().len(), &record["Stand__c"]), (0, &json!("field_not_editable")));
    let message = record["Stripe_Sync_Error__c"].as_str().unwrap();
    assert!(message.contains("Opportunity.Bezahlt__c, Opportunity.Rechnung__c"), "{message}");
}
