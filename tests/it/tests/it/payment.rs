//! A paid invoice marks its opportunity paid.

use engine::PassKind;
use it::{Deal, Env, Options};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::crashes::settle_over_deaths;

mod line;
mod stage;
mod strays;

#[tokio::test]
async fn the_opportunity_says_that_it_is_paid_and_when() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], false);
    env.advance(SignedDuration::from_hours(49));
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.pay(&invoice).await;
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!((&record["Payment_Received__c"], &record["Paid_Date__c"]), (&json!(true), &json!("2026-11-25")));
    assert_eq!(amounts(&env, &opportunity), json!([110.0, 0.0]));
}

/// What came in, and what has not yet.
fn amounts(env: &Env, opportunity: &str) -> Value {
    let record = env.record("Opportunity", opportunity);
    json!([record["Stripe_Amount_Paid__c"], record["Stripe_Amount_Remaining__c"]])
}

async fn billed() -> (Env, String, String) {
    billed_with(Options::default()).await
}

/// A deal whose invoice is sent.
pub(crate) async fn billed_with(options: Options) -> (Env, String, String) {
    let env = Env::with(options).await;
    // From now on statements are made.
    env.reconcile(PassKind::Sweep).await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.clear_calls();
    env.fuse.count_anew();
    (env, opportunity, invoice)
}

async fn billed_by_somebody_else(env: &Env) -> String {
    let customer = env.stripe_post("/v1/customers", "name=Somebody&email=a@b.example").await;
    let customer = customer["id"].as_str().unwrap();
    let invoice = env.stripe_post("/v1/invoices", &format!("customer={customer}&currency=usd")).await;
    let invoice = invoice["id"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/invoices/{invoice}/add_lines"), "lines[0][amount]=500&lines[0][description]=x").await;
    env.stripe_post(&format!("/v1/invoices/{invoice}/finalize"), "").await;
    invoice
}

fn pays(env: &Env, invoice: &str, amount: i64) {
    env.sandbox.stripe.with(|stripe| stripe.pay_part(invoice, amount));
}

/// Each part shows as such, and the last one as the payment. A part costs two calls at Stripe, whose event names the payment alone.
#[tokio::test]
async fn what_comes_in_by_parts_stands_there_part_by_part() {
    let (env, opportunity, invoice) = billed().await;
    assert_eq!(amounts(&env, &opportunity), json!([null, null]));
    for (part, told, calls) in [(4000, json!([40.0, 70.0]), (2, 1)), (2500, json!([65.0, 45.0]), (2, 2))] {
        env.advance(SignedDuration::from_mins(30));
        pays(&env, &invoice, part);
        env.settle().await;
        let record = env.record("Opportunity", &opportunity);
        assert_eq!((&record["Payment_Received__c"], &record["Paid_Date__c"]), (&json!(false), &json!(null)));
        assert_eq!(amounts(&env, &opportunity), told);
        assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), calls);
        env.clear_calls();
    }
    pays(&env, &invoice, 4500);
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!((&record["Payment_Received__c"], amounts(&env, &opportunity)), (&json!(true), json!([110.0, 0.0])));
}

/// In whatever order Stripe's events of parts and of the whole come, and however often, the opportunity says in the end what the invoice does.
#[tokio::test]
async fn events_of_payments_may_come_in_any_order() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (env, opportunity, invoice) = billed().await;
        pays(&env, &invoice, 4000);
        let first = env.sandbox.stripe.take_deliveries();
        pays(&env, &invoice, 2500);
        let second = env.sandbox.stripe.take_deliveries();
        env.pay_by_card(&invoice).await;
        let whole = env.sandbox.stripe.take_deliveries();
        let deliveries = [first, second, whole];
        for index in order {
            for delivery in deliveries[index].iter().rev() {
                env.post(delivery).await;
                env.post(delivery).await;
            }
            env.settle().await;
            // A signature is good for five minutes.
            env.advance(SignedDuration::from_secs(90));
        }
        let record = env.record("Opportunity", &opportunity);
        assert_eq!((&record["Payment_Received__c"], amounts(&env, &opportunity)), (&json!(true), json!([110.0, 0.0])));
        assert!(env.sqs.dead_letters().is_empty(), "{order:?}");
    }
}

/// The worker stands still as it says that a part came in, until all of it has: its write comes late and changes nothing. Or it dies.
#[tokio::test]
async fn a_part_that_is_said_late_takes_nothing_back() {
    let begin = async || {
        let (env, opportunity, invoice) = billed().await;
        pays(&env, &invoice, 4000);
        env.fuse.count_anew();
        (env, opportunity, invoice)
    };
    let is_told = |env: &Env, opportunity: &str, told: Value, when: String| {
        let record = env.record("Opportunity", opportunity);
        assert_eq!(json!([record["Payment_Received__c"], amounts(env, opportunity)]), told, "{when}");
    };
    let (undisturbed, opportunity, _) = begin().await;
    undisturbed.settle().await;
    is_told(&undisturbed, &opportunity, json!([false, [40.0, 70.0]]), "undisturbed".into());
    let moments = undisturbed.fuse.passed();
    assert!(moments > 8, "{moments}");
    for moment in 0..moments {
        let (env, opportunity, invoice) = begin().await;
        let meanwhile = async {
            env.pay_by_card(&invoice).await;
            env.advance(SignedDuration::from_secs(400));
            env.settle_for_days().await;
        };
        env.stands_still_at(moment, meanwhile).await;
        env.settle_for_days().await;
        is_told(&env, &opportunity, json!([true, [110.0, 0.0]]), format!("stood still at {moment}"));
        let (env, opportunity, _) = begin().await;
        env.fuse.arm(moment);
        assert_eq!(settle_over_deaths(&env, SignedDuration::from_secs(400)).await, 1);
        is_told(&env, &opportunity, json!([false, [40.0, 70.0]]), format!("died at {moment}"));
    }
}

/// A person has ticked it, and said another day: that stays, and what came in for it is theirs as well.
#[tokio::test]
async fn what_a_person_has_ticked_and_dated_stays() {
    let (env, opportunity, invoice) = billed().await;
    env.update("Opportunity", &opportunity, json!({ "Payment_Received__c": true, "Paid_Date__c": "2026-11-01" }));
    env.pay(&invoice).await;
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!((&record["Payment_Received__c"], &record["Paid_Date__c"]), (&json!(true), &json!("2026-11-01")));
    assert!(env.sqs.dead_letters().is_empty());
    // One that is ticked alone gets its day.
    let (env, opportunity, invoice) = billed().await;
    env.update("Opportunity", &opportunity, json!({ "Payment_Received__c": true }));
    env.pay(&invoice).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Paid_Date__c"], "2026-11-23");
}

/// What somebody else bills is paid in part: nobody asks for that here, and a sweep brings nothing back.
#[tokio::test]
async fn a_part_of_what_somebody_else_billed_is_left_alone() {
    let (env, _, _) = billed().await;
    env.reconcile(PassKind::Sweep).await;
    let invoice = billed_by_somebody_else(&env).await;
    pays(&env, &invoice, 200);
    env.settle().await;
    for _ in 0..3 {
        env.advance(SignedDuration::from_mins(16));
        assert_eq!(env.reconcile(PassKind::Sweep).await.requeued, 0);
    }
}

/// An event of a part that never arrives is asked for, as that of the whole is.
#[tokio::test]
async fn a_part_that_nobody_told_of_is_found() {
    let (env, opportunity, invoice) = billed().await;
    env.reconcile(PassKind::Sweep).await;
    pays(&env, &invoice, 4000);
    env.sandbox.stripe.take_deliveries();
    env.advance(SignedDuration::from_mins(16));
    assert_eq!(env.reconcile(PassKind::Sweep).await.requeued, 1);
    env.settle().await;
    assert_eq!(amounts(&env, &opportunity), json!([40.0, 70.0]));
    // The deal has changed by that, which its own run looks at; the payment is answered.
    env.advance(SignedDuration::from_mins(16));
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    for _ in 0..3 {
        env.advance(SignedDuration::from_mins(16));
        assert_eq!(env.reconcile(PassKind::Sweep).await.requeued, 0);
    }
}

#[tokio::test]
async fn a_second_event_for_the_same_payment_writes_nothing() {
    let (env, opportunity, invoice) = billed().await;
    env.pay(&invoice).await;
    let deliveries = env.sandbox.stripe.take_deliveries();
    for delivery in &deliveries {
        env.post(delivery).await;
    }
    env.settle().await;
    let modified = env.record("Opportunity", &opportunity)["SystemModstamp"].clone();
    env.clear_calls();
    env.advance(SignedDuration::from_secs(60));
    for delivery in &deliveries {
        env.post(delivery).await;
    }
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["SystemModstamp"], modified);
    assert_eq!(env.salesforce_calls(), [""; 0]);
}

#[tokio::test]
async fn an_invoice_that_is_not_ours_is_ignored_without_a_trace() {
    let env = Env::start().await;
    let invoice = billed_by_somebody_else(&env).await;
    env.pay(&invoice).await;
    env.settle().await;
    assert_eq!(env.aws.items(), [json!(null); 0]);
    assert_eq!(env.salesforce_calls(), [""; 0]);
}

#[tokio::test]
async fn a_payment_that_overtakes_the_write_back_waits_for_it() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    // Salesforce is down just when the ids are to be written back.
    let outage = sandbox::FaultRule::once("POST", "/services/data/**", sandbox::Fault::UnavailableHtml);
    env.sandbox.salesforce.inject(outage.body_contains("PATCH").times(3));
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.pay(&invoice).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], false);
    env.settle_for_days().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
}

#[tokio::test]
async fn a_payment_that_is_never_linked_becomes_a_persons_business() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.update("Opportunity", &opportunity, json!({ "Stripe_Invoice_Id__c": null }));
    env.pay(&invoice).await;
    env.settle_for_days().await;
    assert_eq!(env.sqs.dead_letters()[0]["parked"]["code"], "invoice_not_linked");
    // Another event about it does not make it wait for another day, nor tell anybody twice.
    let organization = env.worker.engine.scope.organization_id.clone();
    let occurred_at = env.now();
    let event = domain::Event::InvoicePaid { invoice_id: domain::InvoiceId::parse(&invoice).unwrap(), occurred_at };
    let again = queue::Envelope::new("evt_again", queue::Source::StripeWebhook, event, env.now());
    env.sqs.put(&again.to_json());
    env.settle().await;
    let run = env.ledger().run(&format!("run#{organization}:{invoice}:invoice_paid:1")).await.unwrap().unwrap();
    assert_eq!(run.status, "review");
    assert_eq!(env.sqs.dead_letters().len(), 1);
    // Somebody mends it and sends the event again.
    env.update("Opportunity", &opportunity, json!({ "Stripe_Invoice_Id__c": invoice }));
    env.sqs.redrive();
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
    assert!(env.sqs.dead_letters().is_empty());
}
