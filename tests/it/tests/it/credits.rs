//! Deals that are changed after they were paid, where what was paid is credited to the customer and the deal billed anew.

use domain::{Event, InvoiceId};
use engine::PassKind;
use it::{Deal, Env, Options, TO_CREDIT};
use jiff::SignedDuration;
use mapping::{Amendments, TaxBehavior};
use queue::{Envelope, Source};
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::amendments::{amend, code, invoices, just_amended, set_quantity};
use crate::crashes::{dies_at_every_moment, freezes_at_every_moment};
use crate::lost_answers::billed_once_with;
use crate::operator::{changed, restore};

async fn crediting(options: Options) -> Env {
    let permissions = [&options.permissions[..], &TO_CREDIT].concat();
    Env::with(Options { amendments: Amendments::CreditAndReissue, permissions, ..options }).await
}

/// A deal of 110 dollars that is billed.
async fn billed() -> (Env, String, String) {
    let env = crediting(Options::default()).await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    (env, opportunity, invoice)
}

/// And paid by card.
async fn paid() -> (Env, String) {
    let (env, opportunity, invoice) = billed().await;
    env.pay_by_card(&invoice).await;
    env.settle().await;
    assert_eq!(payment(&env, &opportunity), json!([true, "2026-11-23"]));
    env.clear_calls();
    (env, opportunity)
}

fn payment(env: &Env, opportunity: &str) -> Value {
    let record = env.record("Opportunity", opportunity);
    json!([record["Payment_Received__c"], record["Paid_Date__c"]])
}

fn balance(env: &Env) -> Value {
    env.objects("customer")[0]["balance"].clone()
}

fn credited(env: &Env) -> Vec<Value> {
    env.objects("credit_note").iter().map(|note| note["total"].clone()).collect()
}

/// What the customer is asked for is the difference; what the deal is billed by is one invoice that says what the deal says.
#[tokio::test]
async fn a_deal_that_grew_after_it_was_paid_asks_for_the_difference() {
    let (env, opportunity) = paid().await;
    let first = env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"].clone();
    amend(&env, &opportunity);
    env.settle().await;
    let expected = [json!(["paid", 11_000, false]), json!(["open", 12_000, true])];
    assert_eq!((invoices(&env, &opportunity), code(&env, &opportunity)), (expected.to_vec(), Value::Null));
    let second = env.invoices_that_count().remove(0);
    assert_eq!((&second["amount_due"], balance(&env), credited(&env)), (&json!(1000), json!(0), vec![json!(11_000)]));
    assert_eq!(payment(&env, &opportunity), json!([false, null]), "the new one is not paid");
    // It is credited before there is another.
    let calls: Vec<_> = env.stripe_calls_but_for_prices();
    let calls: Vec<_> = calls.iter().map(|call| call.replace(first.as_str().unwrap(), "in_1")).collect();
    let writes: Vec<_> = calls.iter().filter(|call| call.starts_with("POST")).take(2).collect();
    assert_eq!(writes, ["POST /v1/credit_notes", "POST /v1/invoices"], "{calls:?}");
    assert_eq!(
        calls.len(),
        11,
        "five looks, the credit and two at what became of it, and the three calls of a deal: {calls:?}"
    );
    // The call log names the note, for whoever asks what became of the money.
    let note = env.objects("credit_note")[0]["id"].as_str().unwrap().to_owned();
    assert!(env.aws.items().iter().any(|item| item.to_string().contains(&note)), "{note}");
    env.pay_by_card(second["id"].as_str().unwrap()).await;
    env.settle().await;
    assert_eq!(payment(&env, &opportunity)[0], true);
    // And with that everything is in order.
    env.advance(SignedDuration::from_hours(25));
    env.clear_calls();
    let pass = env.reconcile(PassKind::Deep).await;
    env.settle().await;
    assert!(pass.differences.is_empty(), "{:?}", pass.differences);
    let writes: Vec<_> = env.stripe_calls().into_iter().filter(|call| call.starts_with("POST")).collect();
    assert_eq!((writes, env.invoices().len(), env.sqs.dead_letters().len()), (vec![], 2, 0));
}

#[tokio::test]
async fn a_deal_that_shrank_after_it_was_paid_leaves_the_customer_a_credit() {
    let (env, opportunity) = paid().await;
    set_quantity(&env, &opportunity, 1);
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["paid", 11_000, false]), json!(["paid", 10_000, true])]);
    assert_eq!((balance(&env), code(&env, &opportunity)), (json!(-1000), Value::Null));
    assert_eq!(payment(&env, &opportunity)[0], true, "the balance has paid for it");
}

/// Each time what was paid is what there is to pay with, a voided one's part included.
#[tokio::test]
async fn a_deal_may_be_changed_again_before_and_after_it_is_paid() {
    let (env, opportunity) = paid().await;
    for (quantity, due) in [(3, 1000), (5, 3000), (4, 2000)] {
        set_quantity(&env, &opportunity, quantity);
        env.settle().await;
        let counts = env.invoices_that_count();
        assert_eq!((counts.len(), &counts[0]["amount_due"]), (1, &json!(due)), "{quantity}");
    }
    let last = env.invoices_that_count().remove(0)["id"].as_str().unwrap().to_owned();
    env.pay_by_card(&last).await;
    env.settle().await;
    set_quantity(&env, &opportunity, 6);
    env.settle().await;
    let statuses: Vec<_> = invoices(&env, &opportunity);
    let expected = [(11_000, "paid"), (12_000, "void"), (14_000, "void"), (13_000, "paid"), (15_000, "open")];
    let expected: Vec<_> = expected.map(|(total, status)| json!([status, total, status == "open"])).into();
    assert_eq!(statuses, expected);
    let counts = env.invoices_that_count();
    assert_eq!((&counts[0]["amount_due"], credited(&env)), (&json!(2000), vec![json!(11_000), json!(13_000)]));
}

/// Of fractions the number cannot be credited, and of tax nothing must be left.
#[tokio::test]
async fn everything_is_credited_to_the_cent() {
    for (tax, is_taxed_on_top) in
        [(None, false), (Some(TaxBehavior::Exclusive), true), (Some(TaxBehavior::Inclusive), false)]
    {
        let env = crediting(Options { tax, ..Options::default() }).await;
        let deal = Deal { country: "Germany".into(), ..Deal::negotiated("80", 8000, "79.99", "2.5") };
        let opportunity = env.opportunity_won(&deal).await;
        env.settle().await;
        let first = env.invoices().remove(0);
        let total = first["total"].as_i64().unwrap();
        assert_eq!(
            (total > 20_000, total),
            (is_taxed_on_top, if is_taxed_on_top { 23_798 } else { 19_998 }),
            "{tax:?}"
        );
        env.pay_by_card(first["id"].as_str().unwrap()).await;
        env.settle().await;
        amend(&env, &opportunity);
        env.settle().await;
        assert_eq!((credited(&env), code(&env, &opportunity)), (vec![json!(total)], Value::Null), "{tax:?}");
        assert_eq!(env.invoices_that_count().len(), 1, "{tax:?}");
    }
}

/// It came by bank, and somebody told Stripe.
#[tokio::test]
async fn what_was_paid_outside_of_stripe_is_credited_as_well() {
    let (env, opportunity, invoice) = billed().await;
    env.pay(&invoice).await;
    env.settle().await;
    amend(&env, &opportunity);
    env.settle().await;
    assert_eq!((env.invoices_that_count()[0]["amount_due"].clone(), balance(&env)), (json!(1000), json!(0)));
}

/// Paid between the look and the void: Stripe says so, and it is credited instead.
#[tokio::test]
async fn what_is_paid_while_it_is_voided_is_credited() {
    let (env, opportunity, invoice) = billed().await;
    amend(&env, &opportunity);
    env.deliver().await;
    env.fuse.count_anew();
    let before_the_void = 14;
    env.stands_still_at(before_the_void, async { env.pay_by_card(&invoice).await }).await;
    let calls = env.stripe_calls();
    assert!(calls.iter().any(|call| call.ends_with("/void")), "{calls:?}");
    env.settle_for_days().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["paid", 11_000, false]), json!(["open", 12_000, true])]);
    assert_eq!((credited(&env), payment(&env, &opportunity)[0].clone()), (vec![json!(11_000)], json!(false)));
    assert_eq!((env.sqs.dead_letters().len(), code(&env, &opportunity)), (0, Value::Null));
}

/// The customer would have it twice.
#[tokio::test]
async fn money_that_went_back_is_not_credited() {
    for (is_disputed, words) in [(false, "refunded"), (true, "disputed")] {
        let (mut env, opportunity) = paid().await;
        env.expect_dead_letters();
        let charge = env.objects("charge")[0]["id"].as_str().unwrap().to_owned();
        let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
        match is_disputed {
            true => env.sandbox.stripe.with(|stripe| stripe.dispute(&invoice)),
            false => drop(env.stripe_post("/v1/refunds", &format!("charge={charge}&amount=1")).await),
        }
        amend(&env, &opportunity);
        env.settle_for_days().await;
        assert_eq!(invoices(&env, &opportunity), [json!(["paid", 11_000, true])], "{words}");
        assert_eq!(
            (code(&env, &opportunity), credited(&env)),
            (json!("deal_changed_after_billing"), vec![]),
            "{words}"
        );
        let message = env.record("Opportunity", &opportunity)["Stripe_Sync_Error__c"].clone();
        assert!(message.as_str().unwrap().contains(words), "{message}");
        assert_eq!(payment(&env, &opportunity)[0], true, "{words}");
    }
}

#[tokio::test]
async fn what_cannot_pay_for_the_new_invoice_is_left_to_a_person() {
    let (mut env, opportunity) = paid().await;
    env.expect_dead_letters();
    let other =
        env.account(&Deal { account: "Other".into(), email: Some("ap@other.example".into()), ..Deal::three_lines() });
    env.advance(SignedDuration::from_mins(1));
    env.update("Opportunity", &opportunity, json!({ "AccountId": other }));
    env.sqs.put(&changed(&env, "moved", &opportunity));
    env.settle().await;
    assert_eq!(code(&env, &opportunity), "deal_changed_after_billing");
    let message = env.record("Opportunity", &opportunity)["Stripe_Sync_Error__c"].clone();
    assert!(message.as_str().unwrap().contains("another account"), "{message}");
    assert_eq!((env.invoices().len(), credited(&env)), (1, vec![]));

    // What is ticked in Salesforce, and not at Stripe, came another way.
    let (mut env, opportunity, _) = billed().await;
    env.expect_dead_letters();
    env.update("Opportunity", &opportunity, json!({ "Payment_Received__c": true }));
    amend(&env, &opportunity);
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["open", 11_000, true])]);
    assert_eq!(code(&env, &opportunity), "deal_changed_after_billing");
}

/// An amendment above the ceiling waits, and what was paid stays where it is.
#[tokio::test]
async fn above_the_ceiling_nothing_is_credited_before_somebody_approves() {
    let (mut env, opportunity) = paid().await;
    env.expect_dead_letters();
    env.operate(json!({ "ceiling_USD": { "N": "11999" } }));
    amend(&env, &opportunity);
    env.settle().await;
    assert_eq!((code(&env, &opportunity), credited(&env)), (json!("approval_required"), vec![]));
    env.advance(SignedDuration::from_mins(1));
    env.update("Opportunity", &opportunity, json!({ "Stripe_Approved_Amount__c": 120 }));
    env.sqs.redrive();
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["paid", 11_000, false]), json!(["open", 12_000, true])]);
}

/// Stripe says no: a person credits it, and asks for the rest.
#[tokio::test]
async fn what_stripe_does_not_credit_a_person_does() {
    let (mut env, opportunity) = paid().await;
    env.expect_dead_letters();
    let error = json!({ "type": "invalid_request_error", "message": "No." });
    let refusal = Fault::Status { status: 400, body: json!({ "error": error }).to_string() };
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/credit_notes", refusal));
    amend(&env, &opportunity);
    env.settle().await;
    assert_eq!((code(&env, &opportunity), env.invoices().len()), (json!("stripe_refused"), 1));
    let message = env.record("Opportunity", &opportunity)["Stripe_Sync_Error__c"].clone();
    assert!(message.as_str().unwrap().contains("by hand, then send the event again"), "{message}");
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.stripe_post("/v1/credit_notes", &format!("invoice={invoice}&amount=11000&credit_amount=11000")).await;
    // Whoever did it may have billed the deal by hand, so an event alone changes nothing.
    env.sqs.put(&changed(&env, "again", &opportunity));
    env.settle().await;
    assert_eq!((env.invoices().len(), code(&env, &opportunity)), (1, json!("deal_changed_after_billing")));
    env.sqs.redrive();
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["paid", 11_000, false]), json!(["open", 12_000, true])]);
    assert_eq!((payment(&env, &opportunity)[0].clone(), code(&env, &opportunity)), (json!(false), Value::Null));
}

/// The first invoice's payment is heard of when another has long taken its place.
#[tokio::test]
async fn a_payment_that_is_heard_of_late_says_nothing_of_the_new_invoice() {
    let (env, opportunity, invoice) = billed().await;
    env.stripe_post(&format!("/v1/invoices/{invoice}/pay"), "payment_method=pm_card_visa").await;
    env.sandbox.stripe.with(|stripe| stripe.forget_events("invoice.paid"));
    amend(&env, &opportunity);
    env.work(10).await;
    assert_eq!(env.invoices().len(), 2);
    let event = Event::InvoicePaid { invoice_id: InvoiceId::parse(&invoice).unwrap(), occurred_at: env.now() };
    env.sqs.put(&Envelope::new("late", Source::StripeWebhook, event, env.now()).to_json());
    env.settle_for_days().await;
    assert_eq!(payment(&env, &opportunity), json!([false, null]));
    assert_eq!((env.sqs.dead_letters().len(), code(&env, &opportunity)), (0, Value::Null));
}

/// A late write took the mark of the new invoice away again.
#[tokio::test]
async fn a_mark_that_a_late_write_took_away_is_put_back() {
    let (env, opportunity) = paid().await;
    set_quantity(&env, &opportunity, 1);
    env.settle().await;
    assert_eq!(payment(&env, &opportunity)[0], true);
    env.advance(SignedDuration::from_mins(1));
    env.update("Opportunity", &opportunity, json!({ "Payment_Received__c": false, "Paid_Date__c": null }));
    env.advance(SignedDuration::from_hours(25));
    env.reconcile(PassKind::Deep).await;
    env.settle().await;
    assert_eq!(payment(&env, &opportunity)[0], true);
    let pass = env.reconcile(PassKind::Deep).await;
    env.settle().await;
    assert!(pass.differences.is_empty(), "{:?}", pass.differences);
}

/// The ledger is restored to a time before the deal was changed.
#[tokio::test]
async fn a_credit_that_was_forgotten_is_not_made_twice() {
    for is_named in [true, false] {
        let (env, opportunity) = paid().await;
        let (backup, restored_to) = (env.aws.items(), env.now());
        if !is_named {
            // Salesforce names the first one still.
            env.sandbox.salesforce.inject(
                FaultRule { method: None, ..FaultRule::once("", "/**", Fault::UnavailableHtml) }.skip(2).times(1),
            );
        }
        amend(&env, &opportunity);
        env.deliver().await;
        env.work(1).await;
        if is_named {
            env.settle().await;
        }
        assert_eq!((credited(&env), env.invoices().len()), (vec![json!(11_000)], 2));
        restore(&env, &backup, restored_to);
        env.sqs.put(&changed(&env, "restored", &opportunity));
        env.settle_for_days().await;
        assert_eq!(invoices(&env, &opportunity), [json!(["paid", 11_000, false]), json!(["open", 12_000, true])]);
        assert_eq!((credited(&env), code(&env, &opportunity)), (vec![json!(11_000)], Value::Null), "named: {is_named}");
        assert_eq!(payment(&env, &opportunity)[0], false, "named: {is_named}");
    }
}

async fn amended() -> (Env, String) {
    just_amended(paid().await)
}

#[tokio::test]
async fn dying_while_it_is_credited_is_the_same_story() {
    dies_at_every_moment(amended, SignedDuration::from_secs(400)).await;
}

#[tokio::test]
async fn dying_while_it_is_credited_and_going_on_after_stripe_forgot_the_keys_is_the_same_story() {
    dies_at_every_moment(amended, SignedDuration::from_hours(25)).await;
}

#[tokio::test]
async fn standing_still_while_it_is_credited_is_the_same_story() {
    freezes_at_every_moment(amended).await;
}

#[tokio::test]
async fn answers_that_are_lost_while_it_is_credited_are_the_same_story() {
    for (fault, times) in [(Fault::AnswerLost, 1), (Fault::ServerError, 2)] {
        billed_once_with(amended, 12_000, fault, times).await;
    }
}

mod in_part;
mod late;
