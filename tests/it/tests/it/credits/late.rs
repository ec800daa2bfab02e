//! What was decided, and what is so by the time when it is done.

use sandbox::FaultRule;

use super::*;

/// Nothing is credited by us there, so the key need not be allowed to read credit notes.
#[tokio::test]
async fn without_credits_a_credit_note_by_hand_is_told_with_the_permissions_of_before() {
    let mut env = Env::with(Options { amendments: Amendments::VoidAndReissue, ..Options::default() }).await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.pay_by_card(&invoice).await;
    env.stripe_post("/v1/credit_notes", &format!("invoice={invoice}&amount=2000&credit_amount=2000")).await;
    env.settle().await;
    assert_eq!(payment(&env, &opportunity)[0], true);
    amend(&env, &opportunity);
    env.settle().await;
    assert_eq!(code(&env, &opportunity), "deal_changed_after_billing");
    assert_eq!(invoices(&env, &opportunity), [json!(["paid", 11_000, true])]);
}

/// The void could not be sent for an hour; the deal was set back, and the invoice paid. It is right as it is.
#[tokio::test]
async fn a_deal_that_was_set_back_before_its_invoice_was_paid_is_not_credited() {
    let (env, opportunity, invoice) = billed().await;
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/invoices/*/void", Fault::UnavailableHtml));
    amend(&env, &opportunity);
    env.deliver().await;
    env.work(1).await;
    set_quantity(&env, &opportunity, 2);
    env.pay_by_card(&invoice).await;
    env.settle_for_days().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["paid", 11_000, true])]);
    assert_eq!((credited(&env), code(&env, &opportunity)), (vec![], Value::Null));
}

/// The credit is decided on, and Stripe is away when it is asked for.
async fn not_credited_yet() -> (Env, String) {
    let (mut env, opportunity) = paid().await;
    env.expect_dead_letters();
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/credit_notes", Fault::UnavailableHtml));
    amend(&env, &opportunity);
    env.deliver().await;
    env.work(1).await;
    assert_eq!(credited(&env), [] as [Value; 0]);
    (env, opportunity)
}

/// The credit could not be sent for an hour, and the money went back meanwhile.
#[tokio::test]
async fn a_credit_that_could_not_be_sent_for_long_is_thought_over() {
    for is_refunded in [true, false] {
        let (env, opportunity) = not_credited_yet().await;
        env.advance(SignedDuration::from_hours(2));
        let charge = env.objects("charge")[0]["id"].as_str().unwrap().to_owned();
        match is_refunded {
            true => drop(env.stripe_post("/v1/refunds", &format!("charge={charge}")).await),
            false => set_quantity(&env, &opportunity, 2),
        }
        env.settle_for_days().await;
        assert_eq!(invoices(&env, &opportunity), [json!(["paid", 11_000, true])], "refunded: {is_refunded}");
        let expected = if is_refunded { json!("deal_changed_after_billing") } else { Value::Null };
        assert_eq!((credited(&env), code(&env, &opportunity)), (vec![], expected), "refunded: {is_refunded}");
    }
}

/// Finance credits it by hand while ours waits: the deal may be billed by hand as well, so a person is asked.
#[tokio::test]
async fn a_credit_by_hand_while_ours_waits_is_no_order_to_bill() {
    let (env, opportunity) = not_credited_yet().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.stripe_post("/v1/credit_notes", &format!("invoice={invoice}&amount=11000&credit_amount=11000")).await;
    env.settle_for_days().await;
    assert_eq!((env.invoices().len(), code(&env, &opportunity)), (1, json!("deal_changed_after_billing")));
    env.sqs.redrive();
    env.settle_for_days().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["paid", 11_000, false]), json!(["open", 12_000, true])]);
    assert_eq!((payment(&env, &opportunity)[0].clone(), credited(&env)), (json!(false), vec![json!(11_000)]));
}

/// There is nobody any more who could have the credit.
#[tokio::test]
async fn a_deleted_customer_is_credited_nothing() {
    let (mut env, opportunity) = paid().await;
    env.expect_dead_letters();
    let customer = env.objects("customer")[0]["id"].as_str().unwrap().to_owned();
    env.stripe_delete(&format!("/v1/customers/{customer}"));
    amend(&env, &opportunity);
    env.settle().await;
    assert_eq!((credited(&env), code(&env, &opportunity)), (vec![], json!("deal_changed_after_billing")));
    let message = env.record("Opportunity", &opportunity)["Stripe_Sync_Error__c"].clone();
    assert!(message.as_str().unwrap().contains("customer is deleted"), "{message}");
}
