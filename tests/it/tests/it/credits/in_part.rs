//! Deals that are changed when a part of their invoice is paid: the rest is not asked for any more, and what was paid is the customer's.

use super::*;

fn pays(env: &Env, invoice: &str, amount: i64) {
    env.sandbox.stripe.with(|stripe| stripe.pay_part(invoice, amount));
}

/// Of 110 dollars, 40 came in.
async fn paid_in_part() -> (Env, String, String) {
    let (env, opportunity, invoice) = billed().await;
    pays(&env, &invoice, 4000);
    env.settle().await;
    assert_eq!(payment(&env, &opportunity)[0], false, "the rest is still asked for");
    env.clear_calls();
    (env, opportunity, invoice)
}

#[tokio::test]
async fn a_deal_that_is_changed_asks_for_what_is_not_paid() {
    let (env, opportunity, first) = paid_in_part().await;
    amend(&env, &opportunity);
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["paid", 11_000, false]), json!(["open", 12_000, true])]);
    let second = env.invoices_that_count().remove(0);
    assert_eq!((&second["amount_due"], balance(&env), code(&env, &opportunity)), (&json!(8000), json!(0), Value::Null));
    // The note is over everything, and gives back what was paid.
    let notes = env.objects("credit_note");
    let note = json!([notes[0]["type"], notes[0]["pre_payment_amount"], notes[0]["post_payment_amount"]]);
    assert_eq!((note, notes.len()), (json!(["mixed", 7000, 4000]), 1));
    // Stripe calls the first one paid by that. Nobody says so of the deal.
    assert_eq!(payment(&env, &opportunity), json!([false, null]));
    // What a paid one costs, and two looks more: Stripe's event that the first one is paid is asked about.
    assert_eq!((env.stripe_calls_but_for_prices().len(), env.sqs.dead_letters().len()), (13, 0));
    env.pay_by_card(second["id"].as_str().unwrap()).await;
    env.settle().await;
    assert_eq!(payment(&env, &opportunity)[0], true);
    env.advance(SignedDuration::from_hours(25));
    let pass = env.reconcile(PassKind::Deep).await;
    env.settle().await;
    assert!(pass.differences.is_empty(), "{:?}", pass.differences);
    assert_eq!(
        (env.invoices().len(), env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"] == first),
        (2, false)
    );
}

/// More than the deal comes to now: the customer keeps the rest.
#[tokio::test]
async fn a_deal_that_shrinks_below_what_is_paid_leaves_a_credit() {
    let (env, opportunity, invoice) = paid_in_part().await;
    pays(&env, &invoice, 6500);
    set_quantity(&env, &opportunity, 1);
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["paid", 11_000, false]), json!(["paid", 10_000, true])]);
    assert_eq!((balance(&env), payment(&env, &opportunity)[0].clone()), (json!(-500), json!(true)));
}

/// What a customer pays at any moment of all this is asked for once: it is on the old invoice, or the balance has it.
#[tokio::test]
async fn whatever_comes_in_meanwhile_is_not_asked_for_again() {
    let undisturbed = paid_in_part().await;
    amend(&undisturbed.0, &undisturbed.1);
    undisturbed.0.deliver().await;
    undisturbed.0.fuse.count_anew();
    undisturbed.0.work(1).await;
    let moments = undisturbed.0.fuse.passed();
    assert!(moments > 20, "the story has {moments} moments");
    let mut later = 0;
    for moment in 0..moments {
        let (env, opportunity, first) = paid_in_part().await;
        amend(&env, &opportunity);
        env.deliver().await;
        env.stands_still_at(moment, async { pays(&env, &first, 500) }).await;
        env.settle_for_days().await;
        let counts = env.invoices_that_count();
        let paid = env.invoices().iter().find(|one| one["id"] == *first).unwrap()["amount_paid"].as_i64().unwrap();
        later += i64::from(paid == 4500);
        let asked = (counts.len(), counts[0]["total"].as_i64(), counts[0]["amount_due"].as_i64());
        assert_eq!(asked, (1, Some(12_000), Some(12_000 - paid)), "moment {moment}: {paid}");
        assert_eq!((balance(&env), code(&env, &opportunity), env.sqs.dead_letters().len()), (json!(0), Value::Null, 0));
        assert_eq!(credited(&env), [json!(11_000)], "moment {moment}");
    }
    assert!(later > 5, "it came in before the note in {later} of them");
}

/// Money that went back, and what Salesforce says is paid while Stripe knows of a part only, is a person's business.
#[tokio::test]
async fn what_is_not_sure_to_be_here_is_left_to_a_person() {
    for is_refunded in [true, false] {
        let (mut env, opportunity, _) = paid_in_part().await;
        env.expect_dead_letters();
        if is_refunded {
            let charge = env.objects("charge")[0]["id"].as_str().unwrap().to_owned();
            env.stripe_post("/v1/refunds", &format!("charge={charge}&amount=1")).await;
        } else {
            env.update("Opportunity", &opportunity, json!({ "Payment_Received__c": true }));
        }
        amend(&env, &opportunity);
        env.settle_for_days().await;
        assert_eq!(invoices(&env, &opportunity), [json!(["open", 11_000, true])], "{is_refunded}");
        assert_eq!((code(&env, &opportunity), credited(&env)), (json!("deal_changed_after_billing"), vec![]));
    }
    // Without credits it is, as it was, too.
    let mut env = Env::with(Options { amendments: Amendments::VoidAndReissue, ..Options::default() }).await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    pays(&env, &invoice, 4000);
    amend(&env, &opportunity);
    env.settle().await;
    assert_eq!(code(&env, &opportunity), "deal_changed_after_billing");
    let message = env.record("Opportunity", &opportunity)["Stripe_Sync_Error__c"].clone();
    assert!(message.as_str().unwrap().contains("or a part of it"), "{message}");
}

async fn amended_in_part() -> (Env, String) {
    let (env, opportunity, _) = paid_in_part().await;
    just_amended((env, opportunity))
}

#[tokio::test]
async fn dying_meanwhile_is_the_same_story() {
    dies_at_every_moment(amended_in_part, SignedDuration::from_hours(25)).await;
}

#[tokio::test]
async fn answers_that_are_lost_meanwhile_are_the_same_story() {
    billed_once_with(amended_in_part, 12_000, Fault::AnswerLost, 1).await;
}
