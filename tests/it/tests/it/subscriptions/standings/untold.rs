//! What cannot be told, what nobody is to be told, and what nobody was.

use super::*;

/// Somebody emptied the field: a person is told after a day, writes it there, and sends the event again.
#[tokio::test]
async fn one_that_its_deal_never_names_becomes_a_persons_business() {
    let (mut env, opportunity) = begun().await;
    env.expect_dead_letters();
    let subscription = id(&env);
    env.update("Opportunity", &opportunity, json!({ "Stripe_Subscription_Id__c": null }));
    change(&env, "metadata[note]=something").await;
    env.settle_for_days().await;
    let letters = env.sqs.dead_letters();
    assert_eq!((letters.len(), &letters[0]["parked"]["code"]), (1, &json!("subscription_not_linked")));
    // Another change says nothing new of that.
    change(&env, "metadata[note]=something+else").await;
    env.settle_for_days().await;
    assert_eq!(env.sqs.dead_letters().len(), 1);
    env.update("Opportunity", &opportunity, json!({ "Stripe_Subscription_Id__c": subscription }));
    cancel(&env);
    env.sqs.redrive();
    env.settle_for_days().await;
    is_canceled(&env, &opportunity, "redriven");
    assert!(env.sqs.dead_letters().is_empty());
}

/// The integration user may read the field and not write it: a person is told once, by the field's name.
#[tokio::test]
async fn what_salesforce_does_not_take_is_told() {
    let (mut env, opportunity) = begun().await;
    env.expect_dead_letters();
    let before = changed_at(&env, &opportunity);
    let body = json!({ "compositeResponse": [{
        "body": [{ "errorCode": "INVALID_FIELD_FOR_INSERT_UPDATE", "message": "Unable to create/update fields: Stripe_Current_MRR__c", "fields": ["Stripe_Current_MRR__c"] }],
        "httpHeaders": {}, "httpStatusCode": 400, "referenceId": "update0",
    }] });
    let refused = Fault::Status { status: 200, body: body.to_string() };
    env.sandbox.salesforce.inject(FaultRule::once("POST", "/services/data/**", refused).body_contains("PATCH"));
    cancel(&env);
    env.settle_for_days().await;
    assert_eq!(changed_at(&env, &opportunity), before);
    let letters = env.sqs.dead_letters();
    assert_eq!((letters.len(), &letters[0]["parked"]["code"]), (1, &json!("salesforce_refused")));
    assert!(letters[0]["parked"]["reason"].as_str().unwrap().contains("Stripe_Current_MRR__c"), "{letters:?}");
    env.sqs.redrive();
    env.settle_for_days().await;
    is_canceled(&env, &opportunity, "redriven");
}

/// What the deal says of its new subscription is lost with the queue: a sweep sees that nobody has ever looked at it.
#[tokio::test]
async fn one_that_nobody_has_looked_at_is_found() {
    let env = selling().await;
    env.reconcile(PassKind::Sweep).await;
    let opportunity = won(&env, &day(&env, 0)).await;
    env.deliver().await;
    env.work(1).await;
    assert!(env.record("Opportunity", &opportunity)["Stripe_Subscription_Id__c"].is_string());
    assert_eq!(env.sqs.work().len(), 1);
    env.sqs.purge();
    env.advance(SignedDuration::from_mins(15));
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    assert_eq!(of(&env, &opportunity)[..2], [json!("active"), json!(200.0)]);
    env.advance(SignedDuration::from_mins(15));
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    env.advance(SignedDuration::from_mins(15));
    assert_eq!(env.reconcile(PassKind::Sweep).await.requeued, 0);
}

/// What somebody sells by hand is counted and leaves no trace: nothing is written down, and Salesforce is not asked.
#[tokio::test]
async fn one_that_is_not_ours_is_ignored_without_a_trace() {
    let env = selling().await;
    let customer = env.stripe_post("/v1/customers", "name=Somebody&email=a@b.example").await;
    let price = env.stripe_price("By hand", 900, "usd").await;
    let of = env.objects("price").into_iter().find(|found| found["id"] == price).unwrap()["product"].clone();
    let body = format!("product={}&currency=usd&unit_amount=900&recurring[interval]=month", of.as_str().unwrap());
    let price = env.stripe_post("/v1/prices", &body).await;
    let body = format!(
        "customer={}&items[0][price]={}&collection_method=send_invoice&days_until_due=30",
        customer["id"].as_str().unwrap(),
        price["id"].as_str().unwrap()
    );
    env.stripe_post("/v1/subscriptions", &body).await;
    change(&env, "metadata[note]=by+hand").await;
    cancel(&env);
    env.settle().await;
    assert_eq!(env.aws.items(), [json!(null); 0]);
    assert_eq!(env.salesforce_calls(), [""; 0]);
}

/// Where nobody wants to see it, nobody is asked, and the fields need not be there.
#[tokio::test]
async fn where_it_is_off_nothing_is_told() {
    let off = Options { standings: mapping::Standings::Off, ..options(LineSource::CpqQuote) };
    let env = Env::with(off).await;
    let opportunity = won(&env, &day(&env, 0)).await;
    env.settle().await;
    env.clear_calls();
    cancel(&env);
    env.settle().await;
    env.advance(SignedDuration::from_mins(15));
    assert_eq!(env.reconcile(PassKind::Sweep).await.requeued, 0);
    assert_eq!(of(&env, &opportunity), [Value::Null, Value::Null, Value::Null, Value::Null]);
    assert!(!env.stripe_calls().iter().any(|call| call.contains(&id(&env))), "{:?}", env.stripe_calls());
}
