//! Whom the organization bills, and when they pay.

use super::*;

fn customer_of(env: &Env, opportunity: &str) -> Value {
    let named = env.record("Opportunity", opportunity)["Stripe_Customer_Id__c"].clone();
    env.objects("customer").into_iter().find(|customer| customer["id"] == named).unwrap()
}

/// As Stripe has it: name, address of e-mail, telephone number and city.
fn told(env: &Env, opportunity: &str) -> Value {
    let customer = customer_of(env, opportunity);
    json!([customer["name"], customer["email"], customer["phone"], customer["address"]["city"]])
}

#[tokio::test]
async fn person_accounts() {
    let env = organization(
        "person_accounts",
        &[
            ("Account", "IsPersonAccount", CHECKBOX),
            ("Account", "FirstName", TEXT),
            ("Account", "LastName", TEXT),
            ("Account", "PersonEmail", Kind::Email),
            ("Account", "PersonMobilePhone", Kind::Phone),
            ("Account", "PersonMailingCity", TEXT),
        ],
    )
    .await;
    let person = env.enter(&Deal { email: None, ..Deal::three_lines() }).await;
    let account = account_of(&env, &person);
    let of_person = json!({
        "IsPersonAccount": true, "FirstName": "Ada", "LastName": "Byron", "PersonEmail": "ada@byron.example",
        "PersonMobilePhone": "+44 20 7946 0000", "PersonMailingCity": "London",
    });
    env.update("Account", &account, of_person);
    let company = env.enter(&Deal::three_lines()).await;
    for opportunity in [&person, &company] {
        env.close(opportunity);
    }
    env.settle().await;
    for opportunity in [&person, &company] {
        assert_eq!((&invoice_of(&env, opportunity)["total"], code(&env, opportunity)), (&json!(11_000), Value::Null));
    }
    assert_eq!(told(&env, &person), json!(["Ada Byron", "ada@byron.example", "+44 20 7946 0000", "London"]));
    assert_eq!(told(&env, &company), json!(["Acme", "ap@acme.example", null, "Springfield"]));
    assert_eq!(sweep(&env).await, 0);
    // She moves, and nobody sells her anything: the account is read by itself, in the same words.
    env.update(
        "Account",
        &account,
        json!({ "FirstName": null, "LastName": "Lovelace", "PersonMailingCity": "Ockham" }),
    );
    env.sandbox.salesforce.with(|org| org.take_queries());
    assert_eq!(sweep(&env).await, 1);
    assert_eq!(told(&env, &person), json!(["Lovelace", "ada@byron.example", "+44 20 7946 0000", "Ockham"]));
    let queries = env.sandbox.salesforce.with(|org| org.take_queries());
    let of_account = queries.iter().find(|query| query.contains(" FROM Account ")).unwrap();
    assert!(of_account.contains("PersonMailingCity"), "{of_account}");
    assert_eq!((env.objects("customer").len(), env.invoices().len()), (2, 2));
}

#[tokio::test]
async fn terms_of_the_account() {
    let mut env = organization("account_terms", &[("Account", "Net_Terms__c", NUMBER)]).await;
    env.expect_dead_letters();
    let won = async |terms: Value| {
        let opportunity = env.enter(&Deal::three_lines()).await;
        env.update("Account", &account_of(&env, &opportunity), json!({ "Net_Terms__c": terms }));
        env.close(&opportunity);
        env.settle().await;
        opportunity
    };
    for (terms, days) in [(json!(60), 60), (Value::Null, 14), (json!(0), 0)] {
        let invoice = invoice_of(&env, &won(terms).await);
        assert_eq!(json!([invoice["total"], days_until_due(&invoice)]), json!([11_000, days]));
    }
    // More than a year is a typing mistake, and half a day is none.
    for terms in [json!(600), json!(30.5)] {
        let opportunity = won(terms).await;
        let record = env.record("Opportunity", &opportunity);
        assert_eq!(record["Stripe_Sync_Status__c"], "rule_undecided");
        assert!(record["Stripe_Sync_Error__c"].as_str().unwrap().starts_with("terms.days_until_due"), "{record}");
        env.update("Account", &account_of(&env, &opportunity), json!({ "Net_Terms__c": 30 }));
        assert!(sweep(&env).await > 0, "an account's edit brings it back");
        assert_eq!((days_until_due(&invoice_of(&env, &opportunity)), code(&env, &opportunity)), (30, Value::Null));
    }
    assert_eq!(sums(&books(&env).await.invoices), json!([["USD", 5, 55_000]]));
}
