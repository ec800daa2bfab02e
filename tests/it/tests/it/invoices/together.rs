//! Several things become of an invoice within seconds: one look and one write tell of them all.

use super::*;

const SETTLE: SignedDuration = SignedDuration::from_secs(5);

async fn settling() -> (Env, String, String) {
    let (env, opportunity, invoice) =
        billed_with(Options { settle: SETTLE, ..following(Followed::everything()) }).await;
    env.settle_for_days().await;
    env.advance(SignedDuration::from_hours(1));
    (env, opportunity, invoice)
}

fn credit(invoice: &str, cents: u32) -> String {
    format!("invoice={invoice}&amount={cents}&reason=order_change")
}

#[tokio::test]
async fn what_becomes_of_an_invoice_within_seconds_is_told_by_one_look_and_one_write() {
    let (env, opportunity, invoice) = settling().await;
    env.clear_calls();
    for cents in [100, 200, 300] {
        env.stripe_post("/v1/credit_notes", &credit(&invoice, cents)).await;
        env.deliver().await;
        assert_eq!(env.work(10).await, it::Worked::Nothing, "it waits for more of its kind");
        env.advance(SignedDuration::from_secs(1));
    }
    env.stripe_post(&format!("/v1/invoices/{invoice}/mark_uncollectible"), "").await;
    env.settle_for_days().await;
    assert_eq!(standing(&env, &opportunity), json!(["uncollectible", 6.0, 0.0, false]));
    // Which invoice a credit note is of is asked for each; how it stands, and what the opportunity says, once.
    let looks = |what: &str| env.stripe_calls().iter().filter(|call| call.contains(what)).count();
    assert_eq!((looks("GET /v1/invoices/"), env.salesforce_calls().len()), (1, 2), "{:?}", env.stripe_calls());
    // What comes after that look is looked for.
    env.stripe_post("/v1/credit_notes", &credit(&invoice, 400)).await;
    env.settle_for_days().await;
    assert_eq!(standing(&env, &opportunity), json!(["uncollectible", 10.0, 0.0, false]));
}

/// Nothing is skipped that may have happened after the look: whoever looked first did it before the other came.
#[tokio::test]
async fn what_came_after_the_look_is_looked_for_again() {
    let (env, opportunity, invoice) = settling().await;
    env.stripe_post("/v1/credit_notes", &credit(&invoice, 100)).await;
    env.deliver().await;
    env.advance(SETTLE);
    let first = env.sqs.receive(10);
    assert_eq!(first.len(), 1);
    // It is slow: more comes in while it is in hand, and it comes to its look only after that.
    env.stripe_post("/v1/credit_notes", &credit(&invoice, 200)).await;
    env.deliver().await;
    env.advance(SignedDuration::from_secs(3));
    env.invoke(first).await;
    env.clear_calls();
    env.settle_for_days().await;
    assert!(env.stripe_calls().iter().any(|call| call.starts_with("GET /v1/invoices/")), "{:?}", env.stripe_calls());
    assert_eq!(standing(&env, &opportunity)[1], 3.0);
}

/// Deals and failures have a queue of their own, and what is given back goes to the one that it came from.
#[tokio::test]
async fn what_comes_by_the_thousand_is_on_a_queue_of_its_own() {
    let (env, opportunity, invoice) = settling().await;
    let won = env.enter(&Deal::three_lines()).await;
    env.close(&won);
    env.pay_by_card(&invoice).await;
    env.stripe_post("/v1/refunds", &format!("charge={}&amount=100", charge(&env))).await;
    env.sandbox.stripe.with(|stripe| stripe.tell("invoice.payment_failed", "invoice", &invoice));
    env.deliver().await;
    let queues = || -> Vec<(String, &str)> {
        let named =
            |body: &str| serde_json::from_str::<Value>(body).unwrap()["event"]["type"].as_str().unwrap().to_owned();
        env.sqs.work().iter().map(|message| (named(&message.body), message.queue)).collect()
    };
    let mut on = queues();
    on.sort();
    on.dedup();
    let expected = [
        ("charge_refunded", "bulk"),
        ("invoice_paid", "bulk"),
        ("opportunity_changed", "work"),
        ("payment_failed", "work"),
        ("payment_received", "bulk"),
    ];
    assert_eq!(on, expected.map(|(event, queue)| (event.to_owned(), queue)));
    // Nothing can be done now. A message that is given back to another queue than its own would be back after six minutes.
    env.sandbox.stripe.inject(sandbox::FaultRule::once("GET", "/**", sandbox::Fault::RateLimited).times(100));
    while env.work(10).await != it::Worked::Nothing {}
    let waits = env.sqs.next_visible_ms().unwrap() - env.clock.now_ms();
    assert!((2000..6000).contains(&waits), "{waits} ms");
    env.sandbox.stripe.clear_faults();
    env.settle_for_days().await;
    assert_eq!(standing(&env, &opportunity), json!(["paid", 0.0, 1.0, false]));
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
    assert!(env.record("Opportunity", &won)["Stripe_Invoice_Id__c"].is_string());
}
