//! Which deals are billed, in the organization's own words.

use super::*;

#[tokio::test]
async fn renamed_stages() {
    let env = organization("renamed_stages", &[]).await;
    let elsewhere = env.opportunity_won(&Deal::three_lines()).await;
    let signed = env.enter(&Deal::three_lines()).await;
    env.update("Opportunity", &signed, json!({ "StageName": "Signed (Partner)" }));
    env.settle().await;
    assert_eq!(env.invoices().len(), 0, "Closed Won is no win here, and nobody told of the other");
    assert_eq!(sweep(&env).await, 1);
    assert_eq!(invoices(&env, &signed), [json!(["open", 11_000, true])]);
    env.pay(invoice_of(&env, &signed)["id"].as_str().unwrap()).await;
    env.settle().await;
    let record = env.record("Opportunity", &signed);
    assert_eq!(
        json!([record["StageName"], record["Stripe_Amount_Paid__c"], record["Payment_Received__c"]]),
        json!(["Settled", 110.0, true])
    );
    let left = env.record("Opportunity", &elsewhere);
    assert_eq!((&left["StageName"], &left["Stripe_Sync_Status__c"]), (&json!("Closed Won"), &Value::Null));
    let books = books(&env).await;
    assert_eq!([sums(&books.deals), sums(&books.paid)], [json!([["USD", 1, 11_000]]), json!([["USD", 1, 11_000]])]);
}

#[tokio::test]
async fn record_types() {
    let env = organization("record_types", &[("Opportunity", "RecordTypeId", Kind::Reference(&["RecordType"]))]).await;
    let record_type = |name: &str| {
        let fields = json!({ "Name": name, "DeveloperName": name, "SobjectType": "Opportunity" });
        env.insert("RecordType", fields)
    };
    let [new, services] = [record_type("New_Business"), record_type("Services")];
    let mut won = Vec::new();
    for of_type in [json!(new), json!(services), Value::Null] {
        let opportunity = env.enter(&Deal::three_lines()).await;
        env.update("Opportunity", &opportunity, json!({ "RecordTypeId": of_type }));
        env.close(&opportunity);
        won.push(opportunity);
    }
    env.settle().await;
    let [billed, others @ ..] = &won[..] else { panic!("{won:?}") };
    assert_eq!(invoices(&env, billed), [json!(["open", 11_000, true])]);
    assert_eq!(env.objects("customer").len(), 1, "of the others Stripe hears nothing");
    for other in others {
        let record = env.record("Opportunity", other);
        let told =
            ["Stripe_Sync_Status__c", "Stripe_Customer_Id__c", "Stripe_Invoice_Id__c"].map(|field| &record[field]);
        assert_eq!(told, [&Value::Null; 3], "and nobody is told in Salesforce");
    }
    let books_then = books(&env).await;
    assert_eq!(sums(&books_then.deals), json!([["USD", 1, 11_000]]));
    // It was of the wrong type.
    set(&env, &others[0], json!({ "RecordTypeId": new }));
    env.settle().await;
    assert_eq!((env.invoices().len(), &invoice_of(&env, &others[0])["total"]), (2, &json!(11_000)));
}

#[tokio::test]
async fn an_approval() {
    let mut env = organization("approval", &[("Opportunity", "Finance_Approved__c", CHECKBOX)]).await;
    env.expect_dead_letters();
    let at_the_limit = env.opportunity_won(&of("10000", 1_000_000)).await;
    let above = env.opportunity_won(&of("10000.01", 1_000_001)).await;
    env.settle().await;
    assert_eq!(invoices(&env, &at_the_limit), [json!(["open", 1_000_000, true])]);
    assert_eq!(env.invoices().len(), 1, "finance was not asked");
    let record = env.record("Opportunity", &above);
    assert_eq!(record["Stripe_Sync_Status__c"], "refused_by_rule");
    assert_eq!(
        record["Stripe_Sync_Error__c"],
        "Ask finance to tick Finance Approved: the deal is above 10,000 (rule \"Large deals\")"
    );
    set(&env, &above, json!({ "NextStep": "Ask finance" }));
    env.settle().await;
    assert_eq!((env.invoices().len(), code(&env, &above)), (1, json!("refused_by_rule")), "that was no approval");
    set(&env, &above, json!({ "Finance_Approved__c": true }));
    env.settle().await;
    assert_eq!((&invoice_of(&env, &above)["total"], code(&env, &above)), (&json!(1_000_001), Value::Null));
    assert_eq!(sums(&books(&env).await.invoices), json!([["USD", 2, 2_000_001]]));
}

#[tokio::test]
async fn a_skip_flag() {
    let env = organization("skip_flag", &[("Opportunity", "Do_Not_Bill__c", CHECKBOX)]).await;
    let billed = env.opportunity_won(&Deal::three_lines()).await;
    let by_hand = env.enter(&Deal::three_lines()).await;
    env.update("Opportunity", &by_hand, json!({ "Do_Not_Bill__c": true }));
    env.close(&by_hand);
    env.settle().await;
    assert_eq!(invoices(&env, &billed), [json!(["open", 11_000, true])]);
    assert_eq!((env.objects("customer").len(), code(&env, &by_hand)), (1, Value::Null));
    // It is no deal of the books, and no difference: somebody else bills it.
    assert_eq!(sums(&books(&env).await.deals), json!([["USD", 1, 11_000]]));
    // An edit of something else changes nothing of that.
    set(&env, &by_hand, json!({ "NextStep": "Send the invoice" }));
    env.settle().await;
    assert_eq!((env.invoices().len(), code(&env, &by_hand)), (1, Value::Null));
    set(&env, &by_hand, json!({ "Do_Not_Bill__c": false }));
    env.settle().await;
    assert_eq!((&invoice_of(&env, &by_hand)["total"], env.invoices().len()), (&json!(11_000), 2));
    assert_eq!(sums(&books(&env).await.deals), json!([["USD", 2, 22_000]]));
}
