//! Payments of invoices that the deal which they are for does not name, or that name no deal at all.

use mapping::StrayInvoices;

use super::*;

async fn looking_up() -> (Env, String, String) {
    billed_with(Options { stray_invoices: StrayInvoices::LookedUp, ..Options::default() }).await
}

/// A deal that is won, and billed by hand: by an invoice for this customer that says nothing of a deal.
async fn by_hand(env: &Env, customer: &str) -> String {
    let invoice = env.stripe_post("/v1/invoices", &format!("customer={customer}&currency=usd")).await;
    let invoice = invoice["id"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/invoices/{invoice}/add_lines"), "lines[0][amount]=500&lines[0][description]=x").await;
    env.stripe_post(&format!("/v1/invoices/{invoice}/finalize"), "").await;
    invoice
}

/// Another deal of the same account, as a person enters one that is not to be billed here.
fn entered_by_hand(env: &Env, opportunity: &str, fields: Value) -> String {
    let account = env.record("Opportunity", opportunity)["AccountId"].clone();
    let mut other = json!({
        "Name": "Another", "AccountId": account, "StageName": "Negotiation/Review", "CloseDate": "2026-11-30",
    });
    for (field, value) in fields.as_object().unwrap() {
        other[field] = value.clone();
    }
    env.insert("Opportunity", other)
}

fn deleted(env: &Env, opportunity: &str) {
    let now = env.clock.now_ms();
    env.sandbox.salesforce.with(|org| org.delete(now, "Opportunity", opportunity)).unwrap();
}

fn customer(env: &Env) -> String {
    env.objects("customer")[0]["id"].as_str().unwrap().to_owned()
}

fn letters(env: &Env) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |letter: Value| (text(&letter["parked"]["code"]), text(&letter["parked"]["reason"]));
    env.sqs.dead_letters().into_iter().map(of).collect()
}

/// Two deals were merged: the one that is left has the invoice's id, and the invoice names the other one, which was deleted.
#[tokio::test]
async fn where_its_deal_was_merged_into_another_that_one_is_told() {
    let (env, opportunity, invoice) = billed_with(following()).await;
    env.update("Opportunity", &opportunity, json!({ "Stripe_Invoice_Id__c": null }));
    let left = entered_by_hand(&env, &opportunity, json!({ "Stripe_Invoice_Id__c": invoice }));
    deleted(&env, &opportunity);
    env.stripe_post(&format!("/v1/invoices/{invoice}/void"), "").await;
    env.settle_for_days().await;
    assert_eq!(env.record("Opportunity", &left)["Stripe_Invoice_Status__c"], "void");
    let (env, opportunity, invoice) = billed_with(following()).await;
    env.update("Opportunity", &opportunity, json!({ "Stripe_Invoice_Id__c": null }));
    let left = entered_by_hand(&env, &opportunity, json!({ "Stripe_Invoice_Id__c": invoice }));
    deleted(&env, &opportunity);
    env.pay_by_card(&invoice).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &left)["Payment_Received__c"], true, "there is nothing to wait for");
}

/// Somebody moves the id, and moves it back.
#[tokio::test]
async fn the_deal_that_has_its_id_is_told_after_a_day() {
    let (env, opportunity, invoice) = billed_with(following()).await;
    env.update("Opportunity", &opportunity, json!({ "Stripe_Invoice_Id__c": null }));
    let left = entered_by_hand(&env, &opportunity, json!({ "Stripe_Invoice_Id__c": invoice }));
    pays(&env, &invoice, 4000);
    env.settle().await;
    assert_eq!(amounts(&env, &left), json!([null, null]), "the deal's own run may be about to write it back");
    env.settle_for_days().await;
    assert_eq!((amounts(&env, &left), amounts(&env, &opportunity)), (json!([40.0, 70.0]), json!([null, null])));
    // What comes next is told there at once.
    env.clear_calls();
    env.pay_by_card(&invoice).await;
    env.settle().await;
    let record = env.record("Opportunity", &left);
    assert_eq!((&record["Payment_Received__c"], &record["Stripe_Invoice_Status__c"]), (&json!(true), &json!("paid")));
    assert_eq!(amounts(&env, &left), json!([110.0, 0.0]));
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], false);
    // Whichever deal has it is found by the reconciler as well, once.
    env.update("Opportunity", &left, json!({ "Stripe_Invoice_Id__c": null }));
    env.update("Opportunity", &opportunity, json!({ "Stripe_Invoice_Id__c": invoice }));
    env.advance(SignedDuration::from_hours(2));
    env.reconcile(PassKind::Deep).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true);
    env.advance(SignedDuration::from_hours(2));
    assert_eq!(env.reconcile(PassKind::Deep).await.requeued, 0);
}

fn following() -> Options {
    let followed = domain::Followed::everything();
    Options { followed, permissions: [&it::PERMISSIONS[..], &it::TO_FOLLOW].concat(), ..Options::default() }
}

/// With what a person needs to decide it.
#[tokio::test]
async fn one_that_no_deal_has_is_put_before_a_person_with_what_is_known_of_it() {
    let (mut env, opportunity, invoice) = billed().await;
    env.expect_dead_letters();
    let account = env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
    env.update("Opportunity", &opportunity, json!({ "Stripe_Invoice_Id__c": null }));
    env.pay(&invoice).await;
    env.settle_for_days().await;
    let [(code, reason)] = &letters(&env)[..] else { panic!("{:?}", letters(&env)) };
    assert_eq!(code, "invoice_not_linked");
    let customer = customer(&env);
    for said in [
        &invoice,
        &opportunity,
        &format!("customer {customer} is that of account {account}"),
        &format!("name none: {opportunity}."),
    ] {
        assert!(reason.contains(said.as_str()), "{said}: {reason}");
    }
    // Nobody looks again while nothing happens.
    for kind in [PassKind::Sweep, PassKind::Deep] {
        env.advance(SignedDuration::from_hours(24));
        assert_eq!(env.reconcile(kind).await.requeued, 0, "{kind:?}");
    }
    env.settle().await;
    assert_eq!(letters(&env).len(), 1);
}

/// Finance bills a deal by hand, and writes the invoice's id where ours would stand.
#[tokio::test]
async fn an_invoice_that_was_made_by_hand_is_followed_by_its_id() {
    let (env, opportunity, _) = looking_up().await;
    let invoice = by_hand(&env, &customer(&env)).await;
    let other = entered_by_hand(&env, &opportunity, json!({ "Stripe_Invoice_Id__c": invoice }));
    env.settle().await;
    env.clear_calls();
    env.pay(&invoice).await;
    env.settle().await;
    let record = env.record("Opportunity", &other);
    assert_eq!((&record["Payment_Received__c"], amounts(&env, &other)), (&json!(true), json!([5.0, 0.0])));
    // Whose it is, twice; and itself, twice. It is looked up, looked at, and written.
    assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (4, 3));
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], false);
}

/// It may be written down later. After a day it is for a person to say.
#[tokio::test]
async fn one_by_hand_that_no_deal_has_is_waited_for_and_then_put_before_a_person() {
    let (mut env, opportunity, _) = looking_up().await;
    env.expect_dead_letters();
    let invoice = by_hand(&env, &customer(&env)).await;
    env.pay(&invoice).await;
    env.settle().await;
    assert!(letters(&env).is_empty());
    env.settle_for_days().await;
    let [(code, reason)] = &letters(&env)[..] else { panic!("{:?}", letters(&env)) };
    assert!(code == "invoice_without_deal" && reason.contains("none of whose won deals is without one"), "{reason}");
    let other = entered_by_hand(&env, &opportunity, json!({ "Stripe_Invoice_Id__c": invoice }));
    env.sqs.redrive();
    env.settle().await;
    assert_eq!(env.record("Opportunity", &other)["Payment_Received__c"], true);
    assert!(letters(&env).is_empty());
    // One that is written down in time is not put before anybody.
    let second = by_hand(&env, &customer(&env)).await;
    env.pay(&second).await;
    env.settle().await;
    let late = entered_by_hand(&env, &opportunity, json!({ "Stripe_Invoice_Id__c": second }));
    env.settle_for_days().await;
    assert_eq!(env.record("Opportunity", &late)["Payment_Received__c"], true);
    assert!(letters(&env).is_empty());
}

/// A customer that nobody in Salesforce has ever heard of, and what another deployment made.
#[tokio::test]
async fn a_customer_that_is_not_in_salesforce_is_nobodys_business() {
    let (env, _, _) = looking_up().await;
    let invoice = billed_by_somebody_else(&env).await;
    env.settle().await;
    env.clear_calls();
    env.pay(&invoice).await;
    env.settle().await;
    assert_eq!(env.salesforce_calls().len(), 2, "it was looked up, by its id and by its customer");
    let run = env.ledger().run(&run_of(&env, &invoice)).await.unwrap().unwrap();
    assert_eq!(run.status, "rejected");
    let others = by_hand(&env, &customer(&env)).await;
    env.stripe_post(&format!("/v1/invoices/{others}"), "metadata[closedwon_environment]=elsewhere").await;
    env.clear_calls();
    env.pay(&others).await;
    env.settle_for_days().await;
    assert_eq!(env.salesforce_calls().len(), 0, "it is another deployment's");
    assert!(env.ledger().run(&run_of(&env, &others)).await.unwrap().is_none());
}

fn run_of(env: &Env, invoice: &str) -> String {
    format!("run#{}:{invoice}:invoice_paid:1", env.worker.engine.scope.organization_id)
}

/// The invoices of a subscription of ours come by themselves, and no deal names those of later periods.
#[tokio::test]
async fn a_later_period_of_ours_is_no_stray() {
    let options = crate::subscriptions::options(mapping::LineSource::CpqQuote);
    let env = Env::with(Options { stray_invoices: StrayInvoices::LookedUp, ..options }).await;
    crate::subscriptions::won(&env, &crate::subscriptions::day(&env, 0)).await;
    env.settle().await;
    for _ in 0..20 {
        env.advance(SignedDuration::from_hours(24 * 20));
        env.let_stripe_catch_up();
    }
    env.settle_for_days().await;
    let invoices = env.invoices();
    let later = invoices.iter().find(|one| one["billing_reason"] == "subscription_cycle" && one["status"] == "open");
    let later = later.unwrap_or_else(|| panic!("{invoices:?}"))["id"].as_str().unwrap().to_owned();
    env.pay(&later).await;
    env.settle_for_days().await;
    assert!(letters(&env).is_empty());
    assert!(env.ledger().run(&run_of(&env, &later)).await.unwrap().is_none());
}

/// The worker dies at every moment of it.
#[tokio::test]
async fn whoever_dies_while_it_is_looked_up_changes_nothing() {
    let begin = async || {
        let (env, opportunity, invoice) = billed().await;
        env.update("Opportunity", &opportunity, json!({ "Stripe_Invoice_Id__c": null }));
        let left = entered_by_hand(&env, &opportunity, json!({ "Stripe_Invoice_Id__c": invoice }));
        env.pay(&invoice).await;
        env.settle().await;
        // A day later.
        env.advance(SignedDuration::from_hours(25));
        env.fuse.count_anew();
        (env, left)
    };
    let (undisturbed, left) = begin().await;
    undisturbed.settle_for_days().await;
    assert_eq!(amounts(&undisturbed, &left), json!([110.0, 0.0]));
    let moments = undisturbed.fuse.passed();
    assert!(moments > 15, "{moments}");
    for moment in 0..moments {
        let (env, left) = begin().await;
        env.fuse.arm(moment);
        settle_over_deaths(&env, SignedDuration::from_mins(10)).await;
        assert_eq!(amounts(&env, &left), json!([110.0, 0.0]), "moment {moment}");
    }
}

/// Stripe's event was lost. The reconciler asks for it, of a stray as of any other, and once.
#[tokio::test]
async fn a_lost_event_of_one_by_hand_is_found() {
    let (env, opportunity, _) = looking_up().await;
    let invoice = by_hand(&env, &customer(&env)).await;
    let other = entered_by_hand(&env, &opportunity, json!({ "Stripe_Invoice_Id__c": invoice }));
    let foreign = billed_by_somebody_else(&env).await;
    env.settle().await;
    for invoice in [&invoice, &foreign] {
        env.pay(invoice).await;
    }
    drop(env.sandbox.stripe.take_deliveries());
    env.advance(SignedDuration::from_hours(2));
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &other)["Payment_Received__c"], true);
    env.advance(SignedDuration::from_hours(2));
    assert_eq!(env.reconcile(PassKind::Sweep).await.requeued, 0);
}

/// Its amounts cannot stand on an opportunity in another currency.
#[tokio::test]
async fn one_in_another_currency_is_for_a_person_to_enter() {
    let (mut env, opportunity, _) =
        billed_with(Options { stray_invoices: StrayInvoices::LookedUp, multi_currency: true, ..Options::default() })
            .await;
    env.expect_dead_letters();
    let invoice = by_hand(&env, &customer(&env)).await;
    let fields = json!({ "Stripe_Invoice_Id__c": invoice, "CurrencyIsoCode": "EUR" });
    let other = entered_by_hand(&env, &opportunity, fields);
    env.pay(&invoice).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &other)["Payment_Received__c"], false);
    assert_eq!(letters(&env)[0].0, "invoice_in_another_currency");
}
