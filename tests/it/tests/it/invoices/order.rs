//! In whatever order and however often Stripe's events of one invoice come, Salesforce says in the end what the invoice does.

use sandbox::wire::Delivery;

use super::*;

/// What can be told of one invoice and its subscription, whether it is so or not: an event is a hint, and the object is read.
const HINTS: [(&str, &str); 8] = [
    ("invoice.finalized", "invoice"),
    ("invoice.sent", "invoice"),
    ("invoice.payment_failed", "invoice"),
    ("invoice.payment_failed", "invoice"),
    ("invoice.paid", "invoice"),
    ("invoice.voided", "invoice"),
    ("customer.subscription.updated", "subscription"),
    ("customer.subscription.deleted", "subscription"),
];

/// So many orders of the eight, of which there are 40,320, each another one, by a walk that comes to all of them.
const TRIED: u64 = 40;
const STRIDE: u64 = 8_171;

/// The order with this number, of all orders of the eight.
fn order(mut number: u64) -> Vec<usize> {
    let mut left: Vec<usize> = (0..HINTS.len()).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let count = left.len() as u64;
        order.push(left.remove(usize::try_from(number % count).unwrap()));
        number /= count;
    }
    order
}

#[test]
fn every_order_has_a_number() {
    let all: std::collections::BTreeSet<_> = (0..40_320).map(|number| order(number * STRIDE % 40_320)).collect();
    assert_eq!(all.len(), 40_320);
}

/// Everything that Salesforce says of the deal, its contract, its case and its tasks.
fn said(env: &Env, opportunity: &str) -> Value {
    let record = env.record("Opportunity", opportunity);
    let fields = [
        "Payment_Received__c",
        "Paid_Date__c",
        "Stripe_Amount_Paid__c",
        "Stripe_Subscription_Status__c",
        "Stripe_Current_MRR__c",
    ];
    let of = |object: &str, fields: &[&str]| {
        let records = env.sandbox.salesforce.with(|org| org.records(object));
        let shown = records.iter().map(|record| fields.iter().map(|field| record[*field].clone()).collect::<Vec<_>>());
        json!(shown.collect::<Vec<_>>())
    };
    let cases = of("Case", &["IsClosed", "Priority"]);
    json!([standing(env, opportunity), fields.map(|field| record[field].clone()), cases, of("Task", &["IsClosed"])])
}

/// A deal whose subscription is begun, and what became of it; Stripe told nobody of that.
async fn happened(end: &str) -> (Env, String, [String; 2]) {
    let mut env = Env::with(subscribing()).await;
    env.expect_dead_letters();
    env.reconcile(PassKind::Sweep).await;
    let opportunity = crate::subscriptions::won(&env, &crate::subscriptions::day(&env, 0)).await;
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    let [invoice, subscription] =
        ["Stripe_Invoice_Id__c", "Stripe_Subscription_Id__c"].map(|field| record[field].as_str().unwrap().to_owned());
    env.advance(SignedDuration::from_hours(1));
    match end {
        "paid" => {
            for _ in 0..2 {
                env.sandbox.stripe.with(|stripe| stripe.attempt_fails(&invoice, "InsufficientFunds", None));
            }
            env.pay_by_card(&invoice).await;
        }
        "void" => drop(env.stripe_post(&format!("/v1/invoices/{invoice}/void"), "").await),
        "canceled" => env.stripe_delete(&format!("/v1/subscriptions/{subscription}")),
        _ => env.sandbox.stripe.with(|stripe| stripe.attempt_fails(&invoice, "InsufficientFunds", None)),
    }
    drop(env.sandbox.stripe.take_deliveries());
    env.advance(SignedDuration::from_secs(1));
    (env, opportunity, [invoice, subscription])
}

/// As the endpoint gets it.
fn hint(env: &Env, number: usize, ids: &[String; 2]) -> Delivery {
    let (event_type, object) = HINTS[number];
    let id = if object == "invoice" { &ids[0] } else { &ids[1] };
    env.sandbox.stripe.with(|stripe| stripe.tell(event_type, object, id));
    let deliveries = env.sandbox.stripe.take_deliveries();
    <[Delivery; 1]>::try_from(deliveries).ok().unwrap().into_iter().next().unwrap()
}

/// Told in one order or another, each twice, at once and hours later, it all ends alike: as the objects are.
#[tokio::test]
async fn whatever_is_told_in_whatever_order_the_objects_decide() {
    for (which, end) in ["paid", "void", "canceled", "unpaid"].into_iter().enumerate() {
        let mut expected = None;
        for tried in 0..TRIED / 4 {
            let number = (tried * 4 + which as u64) * STRIDE % 40_320;
            let (env, opportunity, ids) = happened(end).await;
            for (step, hinted) in order(number).into_iter().enumerate() {
                let delivery = hint(&env, hinted, &ids);
                for _ in 0..2 {
                    env.post(&delivery).await;
                }
                // At once, in a while, or together with the next.
                match step % 3 {
                    0 => env.settle().await,
                    1 => {
                        env.settle().await;
                        env.advance(SignedDuration::from_mins(40));
                    }
                    _ => {}
                }
            }
            env.settle().await;
            env.advance(SignedDuration::from_hours(49));
            let pass = env.reconcile(PassKind::Sweep).await;
            assert!(pass.is_finished, "{:?}", pass.pauses);
            env.settle_for_days().await;
            let said = said(&env, &opportunity);
            let first = expected.get_or_insert_with(|| said.clone());
            assert_eq!(said, *first, "{end}, order {number}");
            // That it is paid and does not say so is put before a person after a day, and changes nothing.
            let lie = if end == "paid" { vec![] } else { vec!["not_paid".to_owned()] };
            assert_eq!(parked(&env), lie, "{end}, order {number}");
        }
        let expected = expected.unwrap();
        let status = expected[0][0].as_str().unwrap();
        let is_paid = expected[1][0] == true;
        match end {
            "paid" => assert_eq!((status, is_paid), ("paid", true)),
            "void" => assert_eq!((status, is_paid), ("void", false)),
            "canceled" => assert_eq!(expected[1][3], "canceled"),
            _ => assert_eq!((status, expected[2][0][0].clone()), ("open", json!(false))),
        }
    }
}
