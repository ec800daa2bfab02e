//! Processes that die and freeze, answers that are lost, and people who change things meanwhile.

use super::*;
use crate::crashes::{dies_at_every_moment, freezes_at_every_moment};
use crate::lost_answers::billed_once_with;

/// Begun, held, and not sent, since Stripe is busy.
async fn held(env: &Env) -> String {
    let busy = FaultRule::once("POST", "/v1/invoices/*/send", Fault::RateLimited).times(u32::MAX);
    env.sandbox.stripe.inject(busy);
    let opportunity = won(env, &day(env, 0)).await;
    env.settle().await;
    let invoice = env.invoices()[0].clone();
    assert_eq!((&invoice["status"], &invoice["auto_advance"]), (&json!("draft"), &json!(false)));
    opportunity
}

/// Edited before it was sent: the subscription that was begun is taken away, and the one that is sent is what the deal says.
#[tokio::test]
async fn a_deal_that_is_edited_before_it_is_sent_gets_another_subscription() {
    let env = selling().await;
    let opportunity = held(&env).await;
    // For as long as it is busy nobody sends it, and nobody takes it away.
    env.advance(SignedDuration::from_hours(3));
    env.reconcile(PassKind::Deep).await;
    assert_eq!((env.invoices().len(), &env.invoices()[0]["status"]), (1, &json!("draft")));
    let once = env.sandbox.salesforce.with(|org| org.records("SBQQ__QuoteLine__c"))[1]["Id"].clone();
    env.update("SBQQ__QuoteLine__c", once.as_str().unwrap(), json!({ "SBQQ__NetTotal__c": 400 }));
    env.update("Opportunity", &opportunity, json!({ "Amount": 2800 }));
    env.sandbox.stripe.clear_faults();
    env.settle_for_days().await;
    let statuses: Vec<_> = subscriptions(&env).iter().map(|subscription| subscription["status"].clone()).collect();
    assert_eq!(statuses, ["canceled", "active"]);
    let record = env.record("Opportunity", &opportunity);
    assert_eq!(record["Stripe_Subscription_Id__c"], subscriptions(&env)[1]["id"], "{record}");
    let sent: Vec<_> = env.invoices().into_iter().filter(|invoice| invoice["status"] == "open").collect();
    assert_eq!((sent.len(), &sent[0]["total"]), (1, &json!(60_000)));
    env.advance(SignedDuration::from_hours(24));
    let pass = env.reconcile(PassKind::Deep).await;
    assert!(pass.differences.is_empty() && pass.orphans_deleted == 0, "{pass:?}");
}

/// A person cancels it in Stripe's dashboard before it was sent: it is said, and asked for again it is made anew.
#[tokio::test]
async fn a_subscription_that_was_canceled_by_hand_is_not_sent() {
    let mut env = selling().await;
    env.expect_dead_letters();
    let opportunity = held(&env).await;
    let id = subscriptions(&env)[0]["id"].as_str().unwrap().to_owned();
    env.stripe_delete(&format!("/v1/subscriptions/{id}"));
    env.sandbox.stripe.clear_faults();
    env.settle_for_days().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], "invoice_changed_in_stripe");
    assert_eq!(env.invoices().iter().filter(|invoice| invoice["status"] == "open").count(), 0);
    env.sqs.put(&changed(&env, "msg_again", &opportunity));
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    let named = (&record["Stripe_Sync_Status__c"], &record["Stripe_Subscription_Id__c"]);
    assert_eq!(named, (&Value::Null, &subscriptions(&env)[1]["id"]));
}

/// A month passes while the first invoice waits. It is sent all the same; but an edit does not cancel what has billed on.
#[tokio::test]
async fn a_subscription_that_has_billed_on_is_not_canceled() {
    for is_edited in [false, true] {
        let mut env = selling().await;
        env.expect_dead_letters();
        let opportunity = held(&env).await;
        // The queue keeps a message for four days; the reconciler says it again.
        env.sqs.purge();
        env.advance(SignedDuration::from_hours(33 * 24));
        env.let_stripe_catch_up();
        env.sandbox.stripe.take_deliveries();
        assert_eq!(env.invoices().len(), 2, "the second month has been billed");
        if is_edited {
            env.update("Opportunity", &opportunity, json!({ "Amount": 2800 }));
            let once = env.sandbox.salesforce.with(|org| org.records("SBQQ__QuoteLine__c"))[1]["Id"].clone();
            env.update("SBQQ__QuoteLine__c", once.as_str().unwrap(), json!({ "SBQQ__NetTotal__c": 400 }));
        }
        env.sandbox.stripe.clear_faults();
        env.reconcile(PassKind::Sweep).await;
        env.settle().await;
        assert_eq!((subscriptions(&env).len(), &subscriptions(&env)[0]["status"]), (1, &json!("active")));
        let first = env.invoices().into_iter().find(|invoice| invoice["total"] == 70_000).unwrap();
        let code = &env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"];
        match is_edited {
            false => assert_eq!((&first["status"], code), (&json!("open"), &Value::Null)),
            true => assert_eq!((&first["status"], code), (&json!("draft"), &json!("deal_changed_after_billing"))),
        }
    }
}

/// For two hours nobody can hold it, so Stripe sends it, and it is paid before anybody has written on it whose it is: it carries
/// what its subscription says.
#[tokio::test]
async fn a_first_invoice_that_is_paid_before_anybody_held_it_is_the_deals() {
    let env = selling().await;
    let busy = FaultRule::once("POST", "/v1/invoices/*", Fault::RateLimited).times(u32::MAX);
    env.sandbox.stripe.inject(busy);
    let opportunity = won(&env, &day(&env, 0)).await;
    env.settle().await;
    env.advance(SignedDuration::from_hours(2));
    env.let_stripe_catch_up();
    let invoice = env.invoices()[0].clone();
    assert_eq!((&invoice["status"], &invoice["metadata"]), (&json!("open"), &json!({})));
    env.stripe_post(&format!("/v1/invoices/{}/pay", invoice["id"].as_str().unwrap()), "paid_out_of_band=true").await;
    env.settle_for_days().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!((&record["Stripe_Invoice_Id__c"], &record["Payment_Received__c"]), (&invoice["id"], &json!(true)));
    assert_eq!(env.invoices().len(), 1);
    let pass = env.reconcile(PassKind::Deep).await;
    assert!(pass.differences.is_empty() && pass.requeued == 0, "{pass:?}");
}

/// The switch stops everything but what keeps Stripe from sending: whoever has begun a subscription still holds its first invoice.
#[tokio::test]
async fn the_kill_switch_leaves_no_first_invoice_to_stripe() {
    let undisturbed = selling().await;
    won(&undisturbed, &day(&undisturbed, 0)).await;
    undisturbed.settle().await;
    let mut held = 0;
    for moment in 0..undisturbed.fuse.passed() {
        let env = selling().await;
        won(&env, &day(&env, 0)).await;
        env.deliver().await;
        env.clear_calls();
        let switch = async {
            env.operate(json!({ "stopped": { "S": "stop" } }));
        };
        env.stands_still_at(moment, switch).await;
        let was_sent = env.stripe_calls().iter().any(|call| call.ends_with("/send"));
        env.advance(SignedDuration::from_hours(2));
        env.let_stripe_catch_up();
        let open = env.invoices().iter().filter(|invoice| invoice["status"] == "open").count();
        assert_eq!(open, usize::from(was_sent), "the switch was thrown at moment {moment}");
        held += usize::from(!was_sent && !env.invoices().is_empty());
        env.operate(json!({}));
        env.settle_for_days().await;
        let statuses: Vec<_> = env.invoices().iter().map(|invoice| invoice["status"].clone()).collect();
        assert_eq!(statuses, ["open"], "the switch was thrown at moment {moment}");
    }
    assert!(held > 2, "{held}");
}

/// One price of the catalogue and one that has to be made.
async fn won_in_part_agreed() -> (Env, String) {
    let env = selling().await;
    let lines = vec![
        line("Seat", 10_000, "1200", "1200", "2"),
        line("Support", 5_000, "600", "480", "1"),
        line("Onboarding", 50_000, "500", "500", "1"),
    ];
    let opportunity = env.enter(&Deal { lines, ..deal() }).await;
    make_recurring(&env, &day(&env, 0));
    let support = env.sandbox.salesforce.with(|org| org.records("SBQQ__QuoteLine__c"))[1]["Id"].clone();
    let recurring = json!({ "SBQQ__ChargeType__c": "Recurring", "SBQQ__BillingFrequency__c": "Monthly" });
    env.update("SBQQ__QuoteLine__c", support.as_str().unwrap(), recurring);
    make_price_recurring(&env, "Seat", 10_000, "month").await;
    env.clear_calls();
    env.close(&opportunity);
    (env, opportunity)
}

const FIRST_INVOICE: i64 = 20_000 + 4_000 + 50_000;

#[tokio::test]
async fn dying_at_any_moment_is_the_same_story() {
    dies_at_every_moment(won_in_part_agreed, SignedDuration::from_secs(400)).await;
}

/// By then Stripe has sent the first invoice itself, if nobody had held it, and has forgotten every key.
#[tokio::test]
async fn dying_at_any_moment_for_a_day_is_the_same_story() {
    dies_at_every_moment(won_in_part_agreed, SignedDuration::from_hours(25)).await;
}

#[tokio::test]
async fn freezing_at_any_moment_changes_nothing() {
    freezes_at_every_moment(won_in_part_agreed).await;
}

#[tokio::test]
async fn answers_that_say_nothing_for_certain_at_each_call() {
    for (fault, times) in [
        (Fault::AnswerLost, 1),
        (Fault::AnswerLost, 3),
        (Fault::HalfBody, 1),
        (Fault::ServerErrorStored, 1),
        (Fault::ServerErrorAfterCommit, 1),
        (Fault::RateLimited, 3),
        (Fault::InUse, 2),
    ] {
        billed_once_with(won_in_part_agreed, FIRST_INVOICE, fault, times).await;
    }
}

/// An answer shows ten items. Looked for a day later, the subscription that was begun is known by all of its eleven.
#[tokio::test]
async fn one_of_eleven_items_whose_answer_was_lost_is_found_again() {
    let env = selling().await;
    let lines = (1..=11).map(|n| line(&format!("Seat {n}"), 1_000, "120", "120", "1")).collect();
    let opportunity = env.enter(&Deal { lines, ..deal() }).await;
    for record in env.sandbox.salesforce.with(|org| org.records("SBQQ__QuoteLine__c")) {
        let recurring = json!({ "SBQQ__ChargeType__c": "Recurring", "SBQQ__BillingFrequency__c": "Monthly" });
        env.update("SBQQ__QuoteLine__c", record["Id"].as_str().unwrap(), recurring);
    }
    env.update("SBQQ__Quote__c", &first(&env, "SBQQ__Quote__c"), year_from(&day(&env, 0)));
    for n in 1..=11 {
        make_price_recurring(&env, &format!("Seat {n}"), 1_000, "month").await;
    }
    let answerless = FaultRule::once("POST", "/v1/subscriptions", Fault::AnswerLost);
    env.sandbox.stripe.inject(answerless);
    env.close(&opportunity);
    env.deliver().await;
    env.work(10).await;
    assert_eq!((subscriptions(&env).len(), &env.invoices()[0]["status"]), (1, &json!("draft")));
    env.settle_for_days().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!((subscriptions(&env).len(), env.invoices().len()), (1, 1));
    assert_eq!((&env.invoices()[0]["status"], &env.invoices()[0]["total"]), (&json!("open"), &json!(11_000)));
    assert_eq!(record["Stripe_Subscription_Id__c"], subscriptions(&env)[0]["id"], "{record}");
}
