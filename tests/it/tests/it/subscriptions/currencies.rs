//! An account whose subscriptions are in several currencies: Stripe takes one a customer, so it gets another one for the second.

use mapping::Renewals;

use super::renewals::{after, days, sell_by_the_month, term_of};
use super::*;
use crate::crashes::{goes_on_while_it_stands_still, settle_over_deaths};
use crate::operator::restore;

async fn selling_abroad() -> Env {
    let abroad = Options { multi_currency: true, renewals: Renewals::Extend, ..options(LineSource::CpqQuote) };
    Env::with(abroad).await
}

fn sold_in(currency: &str) -> Deal {
    Deal { lines: vec![line("Seat", 10_000, "300", "300", "2")], currency: currency.into(), ..deal() }
}

/// Three months of seats, won and not billed yet.
async fn won_in(env: &Env, account: &str, currency: &str) -> String {
    let opportunity = env.enter_for(account, &sold_in(currency)).await;
    sell_by_the_month(env, &opportunity, term_of(&day(env, 0), 3));
    env.clear_calls();
    env.close(&opportunity);
    opportunity
}

/// An account with a subscription in dollars, and a deal in euros that is won.
async fn second_won(env: &Env) -> (String, String) {
    let account = env.account(&deal());
    won_in(env, &account, "USD").await;
    env.settle().await;
    let second = won_in(env, &account, "EUR").await;
    (account, second)
}

/// The same, where the one in dollars was sold by hand.
async fn won_beside(env: &Env) -> (String, String) {
    let linked = env.stripe_post("/v1/customers", "name=Acme&email=ap@acme.example").await;
    let linked = linked["id"].as_str().unwrap().to_owned();
    subscribe_by_hand(env, &linked, "usd").await;
    let account = env.account(&deal());
    env.update("Account", &account, json!({ "Stripe_Customer_Id__c": linked }));
    let opportunity = won_in(env, &account, "EUR").await;
    (account, opportunity)
}

async fn both_begun(env: &Env) -> (String, String) {
    let begun = second_won(env).await;
    env.settle().await;
    begun
}

fn customer_of(env: &Env, currency: &str) -> Value {
    let subscriptions = subscriptions(env);
    let of: Vec<_> =
        subscriptions.iter().filter(|one| one["currency"] == currency && one["status"] != "canceled").collect();
    assert_eq!(of.len(), 1, "{currency}: {subscriptions:?}");
    let customers = env.objects("customer");
    customers.into_iter().find(|one| one["id"] == of[0]["customer"]).unwrap()
}

/// One subscription in each, each with a customer of its own; and the account goes on naming the first.
fn is_begun_apart(env: &Env, account: &str, second: &str) {
    let record = env.record("Opportunity", second);
    assert_eq!(record["Stripe_Sync_Status__c"], Value::Null, "{record}");
    let (first, other) = (customer_of(env, "usd"), customer_of(env, "eur"));
    assert_ne!(first["id"], other["id"]);
    assert_eq!((&record["Stripe_Customer_Id__c"], env.objects("customer").len()), (&other["id"], 2));
    assert_eq!(env.record("Account", account)["Stripe_Customer_Id__c"], first["id"]);
    let sent: Vec<_> = env.invoices().into_iter().filter(|invoice| invoice["currency"] == "eur").collect();
    let [sent] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((&sent["status"], &sent["total"], &sent["customer"]), (&json!("open"), &json!(20_000), &other["id"]));
}

#[tokio::test]
async fn a_second_currency_gets_a_customer_of_its_own() {
    let env = selling_abroad().await;
    let (account, second) = both_begun(&env).await;
    is_begun_apart(&env, &account, &second);
    let (first, other) = (customer_of(&env, "usd"), customer_of(&env, "eur"));
    assert_eq!(
        (&other["metadata"]["sf_currency"], &other["metadata"]["sf_account_id"]),
        (&json!("eur"), &json!(account))
    );
    assert_eq!((&other["description"], &first["description"]), (&json!("Subscriptions in EUR"), &Value::Null));
    for field in ["name", "email", "address"] {
        assert_eq!(other[field], first[field], "{field}");
    }
    // Stripe's refusal, the prices once more, and a customer: five calls more than where the first one takes it.
    let posts: Vec<_> = operations(&env).into_iter().filter(|call| call.starts_with("POST")).collect();
    let held = env.record("Opportunity", &second)["Stripe_Invoice_Id__c"].as_str().unwrap().to_owned();
    let held = format!("POST {held}");
    assert_eq!(
        posts,
        ["POST prices", "POST subscriptions", "POST customers", "POST subscriptions", &held, "POST send"]
    );
    // Beside them a look at how it stands, which Salesforce is told.
    assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (12 + 1, 3 + 2), "{:?}", env.stripe_calls());
    // From then on it is known, and Stripe is not asked what it refuses.
    let third = won_in(&env, &account, "EUR").await;
    env.settle().await;
    let record = env.record("Opportunity", &third);
    assert_eq!(record["Stripe_Customer_Id__c"], other["id"], "{record}");
    let begins = operations(&env).iter().filter(|call| *call == "POST subscriptions").count();
    assert_eq!((begins, env.objects("customer").len()), (1, 2));
    // What is billed once may be in any currency, and goes to the account's own.
    let once = env.enter_for(&account, &sold_in("EUR")).await;
    env.close(&once);
    env.settle().await;
    assert_eq!(env.record("Opportunity", &once)["Stripe_Customer_Id__c"], first["id"]);
    // Nothing of it is taken for a leftover, or for a difference.
    env.advance(SignedDuration::from_hours(3));
    let pass = env.reconcile(PassKind::Deep).await;
    assert_eq!((pass.orphans_deleted, pass.differences.len()), (0, 0), "{pass:?}");
    assert!(env.objects("customer").iter().all(|one| one["deleted"].is_null()));
}

/// It is the account's, and hears what its account says.
#[tokio::test]
async fn an_edit_of_the_account_reaches_both() {
    let env = selling_abroad().await;
    env.reconcile(PassKind::Sweep).await;
    let (account, _) = both_begun(&env).await;
    env.advance(SignedDuration::from_mins(15));
    assert_eq!(env.reconcile(PassKind::Sweep).await.requeued, 0, "the write-backs are no news");
    env.update("Account", &account, json!({ "Billing_Email__c": "billing@acme.example" }));
    env.advance(SignedDuration::from_mins(15));
    assert_eq!(env.reconcile(PassKind::Sweep).await.requeued, 2);
    env.settle().await;
    for customer in env.objects("customer") {
        assert_eq!(customer["email"], "billing@acme.example", "{customer}");
    }
    env.advance(SignedDuration::from_mins(15));
    assert_eq!(env.reconcile(PassKind::Sweep).await.requeued, 0);
    // What cannot be told is told of for each, and mended for each.
    let mut env = env;
    env.expect_dead_letters();
    for (country, letters) in [("Narnia", 2), ("Germany", 0)] {
        env.update("Account", &account, json!({ "BillingCountry": country }));
        env.advance(SignedDuration::from_mins(15));
        env.reconcile(PassKind::Sweep).await;
        if letters == 0 {
            env.sqs.redrive();
        }
        env.settle().await;
        assert_eq!(env.sqs.dead_letters().len(), letters, "{country}");
    }
    for customer in env.objects("customer") {
        assert_eq!(customer["address"]["country"], "DE", "{customer}");
    }
}

/// A year's renewal of the second goes to the second's customer, whether it is named or looked for.
#[tokio::test]
async fn a_renewal_finds_its_subscription() {
    for (is_named, is_restored) in [(false, false), (true, false), (true, true)] {
        let env = selling_abroad().await;
        let (backup, restored_to) = (env.aws.items(), env.now());
        let (account, second) = both_begun(&env).await;
        if is_restored {
            restore(&env, &backup, restored_to);
        }
        let next = after(&day(&env, 0), 3);
        let renewal = env.enter_for(&account, &sold_in("EUR")).await;
        sell_by_the_month(&env, &renewal, term_of(&next, 3));
        let named = env.record("Opportunity", &second)["Stripe_Subscription_Id__c"].clone();
        env.update("Opportunity", &renewal, json!({ "Type": "Renewal" }));
        if is_named {
            env.update("Opportunity", &renewal, json!({ "Renewal_Stripe_Sub_Id__c": named }));
        }
        if is_restored {
            // Its own deal comes first, as after every restore.
            env.sqs.put(&changed(&env, "restored", &second));
            env.settle().await;
            is_begun_apart(&env, &account, &second);
        }
        days(&env, 70);
        env.update("Account", &account, json!({ "Billing_Email__c": "billing@acme.example" }));
        env.close(&renewal);
        env.settle().await;
        assert_eq!(
            customer_of(&env, "eur")["email"],
            "billing@acme.example",
            "its customer hears what the account says"
        );
        let record = env.record("Opportunity", &renewal);
        let message = format!("named {is_named}, restored {is_restored}: {record}");
        assert_eq!(record["Stripe_Sync_Status__c"], Value::Null, "{message}");
        assert_eq!(
            (&record["Renewal_Stripe_Sub_Id__c"], &record["Stripe_Customer_Id__c"]),
            (&named, &customer_of(&env, "eur")["id"])
        );
        assert_eq!(
            env.record("Account", &account)["Stripe_Customer_Id__c"],
            customer_of(&env, "usd")["id"],
            "{message}"
        );
        assert_eq!(env.objects("customer").len(), 2, "{message}");
    }
}

/// Somebody deletes it in the dashboard: the next deal in its currency gets another one, and the first is nobody's doubt.
#[tokio::test]
async fn one_that_is_deleted_is_made_again() {
    let env = selling_abroad().await;
    let (account, _) = both_begun(&env).await;
    let (first, other) = (customer_of(&env, "usd"), customer_of(&env, "eur"));
    env.stripe_delete(&format!("/v1/customers/{}", other["id"].as_str().unwrap()));
    let third = won_in(&env, &account, "EUR").await;
    env.settle().await;
    let record = env.record("Opportunity", &third);
    let again = customer_of(&env, "eur");
    assert_eq!(
        (&record["Stripe_Sync_Status__c"], &record["Stripe_Customer_Id__c"]),
        (&Value::Null, &again["id"]),
        "{record}"
    );
    assert_ne!(again["id"], other["id"]);
    assert_eq!(
        (customer_of(&env, "usd")["id"].clone(), env.record("Account", &account)["Stripe_Customer_Id__c"].clone()),
        (first["id"].clone(), first["id"].clone())
    );
}

/// Two deals in the second currency at once end at one customer.
#[tokio::test]
async fn two_deals_at_once_share_it() {
    let env = selling_abroad().await;
    let account = env.account(&deal());
    won_in(&env, &account, "USD").await;
    env.settle().await;
    let (one, two) = (won_in(&env, &account, "EUR").await, won_in(&env, &account, "EUR").await);
    env.settle().await;
    let of = |opportunity: &str| env.record("Opportunity", opportunity)["Stripe_Customer_Id__c"].clone();
    assert!(of(&one).is_string() && of(&one) == of(&two), "{} {}", of(&one), of(&two));
    assert_eq!((env.objects("customer").len(), subscriptions(&env).len()), (2, 3));
}

#[tokio::test]
async fn dying_at_any_moment_is_the_same_story() {
    let undisturbed = selling_abroad().await;
    let (account, second) = won_beside(&undisturbed).await;
    undisturbed.fuse.count_anew();
    undisturbed.settle().await;
    is_begun_apart(&undisturbed, &account, &second);
    let moments = undisturbed.fuse.passed();
    assert!(moments > 25, "the story has {moments} moments");
    for moment in 0..moments {
        let env = selling_abroad().await;
        let (account, second) = won_beside(&env).await;
        env.fuse.arm(moment);
        let wait = if moment % 2 == 0 { SignedDuration::from_secs(400) } else { SignedDuration::from_hours(25) };
        assert_eq!(settle_over_deaths(&env, wait).await, 1, "moment {moment}");
        is_begun_apart(&env, &account, &second);
    }
}

#[tokio::test]
async fn standing_still_at_any_moment_is_the_same_story() {
    let undisturbed = selling_abroad().await;
    won_beside(&undisturbed).await;
    undisturbed.fuse.count_anew();
    undisturbed.settle().await;
    for moment in 0..undisturbed.fuse.passed() {
        let env = selling_abroad().await;
        let (account, second) = won_beside(&env).await;
        goes_on_while_it_stands_still(&env, moment).await;
        is_begun_apart(&env, &account, &second);
    }
}

/// Until it is known that no attempt before it has begun one, none is begun elsewhere.
#[tokio::test]
async fn a_refusal_after_an_attempt_that_was_not_answered_is_no_answer() {
    let env = selling_abroad().await;
    let (account, second) = won_beside(&env).await;
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/subscriptions", Fault::AnswerLost));
    let began = env.now();
    env.settle_for_days().await;
    is_begun_apart(&env, &account, &second);
    let made = customer_of(&env, "eur")["created"].as_i64().unwrap();
    assert!(made - began.as_second() >= 600, "it was made after {} seconds", made - began.as_second());
}

#[tokio::test]
async fn answers_that_are_lost_are_the_same_story() {
    for path in ["/v1/subscriptions", "/v1/customers", "/v1/invoices/*/send"] {
        for fault in [Fault::AnswerLost, Fault::HalfBody, Fault::ServerErrorAfterCommit] {
            let env = selling_abroad().await;
            let (account, second) = won_beside(&env).await;
            env.sandbox.stripe.inject(FaultRule::once("POST", path, fault));
            env.settle_for_days().await;
            is_begun_apart(&env, &account, &second);
        }
    }
}

/// Somebody sold the second customer something in a third currency: then a person is told, and no third customer is made.
#[tokio::test]
async fn one_that_is_in_use_otherwise_keeps_the_deal_from_being_billed() {
    let mut env = selling_abroad().await;
    env.expect_dead_letters();
    let (account, _) = both_begun(&env).await;
    let other = customer_of(&env, "eur")["id"].as_str().unwrap().to_owned();
    let own: Vec<_> = subscriptions(&env).into_iter().filter(|one| one["customer"] == *other).collect();
    env.stripe_delete(&format!("/v1/subscriptions/{}", own[0]["id"].as_str().unwrap()));
    let stray = subscribe_by_hand(&env, &other, "gbp").await;
    let third = won_in(&env, &account, "EUR").await;
    env.settle().await;
    let record = env.record("Opportunity", &third);
    assert_eq!(record["Stripe_Sync_Status__c"], "currencies_combined", "{record}");
    let message = record["Stripe_Sync_Error__c"].as_str().unwrap();
    assert!(message.contains("end or delete it") && message.contains("with currency gbp"), "{message}");
    assert_eq!(env.objects("customer").len(), 2);
    // It ends, and somebody sends the event again.
    env.stripe_delete(&format!("/v1/subscriptions/{stray}"));
    env.sqs.redrive();
    env.settle().await;
    let record = env.record("Opportunity", &third);
    assert_eq!(
        (&record["Stripe_Sync_Status__c"], &record["Stripe_Customer_Id__c"]),
        (&Value::Null, &json!(other)),
        "{record}"
    );
}

/// What waits in another currency would not come with the first invoice: it keeps the subscription from beginning, as Stripe says.
#[tokio::test]
async fn what_waits_in_another_currency_counts_as_well() {
    for (currency, code) in [("usd", Value::Null), ("eur", json!("pending_items"))] {
        let mut env = selling_abroad().await;
        env.expect_dead_letters();
        let linked = env.stripe_post("/v1/customers", "name=Acme&email=ap@acme.example").await;
        let linked = linked["id"].as_str().unwrap().to_owned();
        let item = format!("customer={linked}&currency={currency}&amount=500&description=Travel");
        env.stripe_post("/v1/invoiceitems", &item).await;
        let account = env.account(&deal());
        env.update("Account", &account, json!({ "Stripe_Customer_Id__c": linked }));
        let opportunity = won_in(&env, &account, "EUR").await;
        env.settle().await;
        let record = env.record("Opportunity", &opportunity);
        assert_eq!(record["Stripe_Sync_Status__c"], code, "{currency}: {record}");
        if code == Value::Null {
            assert_ne!(record["Stripe_Customer_Id__c"], linked);
            assert_eq!(env.invoices()[0]["total"], 20_000, "the item is not on it");
        }
    }
}

/// Somebody copies the id from an opportunity: the account's own is not that one, also where the ledger knows of none.
#[tokio::test]
async fn an_account_does_not_take_it_for_its_own() {
    let mut env = selling_abroad().await;
    env.expect_dead_letters();
    let (backup, restored_to) = (env.aws.items(), env.now());
    let (account, second) = both_begun(&env).await;
    let (first, other) = (customer_of(&env, "usd")["id"].clone(), customer_of(&env, "eur")["id"].clone());
    restore(&env, &backup, restored_to);
    env.update("Account", &account, json!({ "Stripe_Customer_Id__c": other }));
    let once = env.enter_for(&account, &sold_in("EUR")).await;
    env.close(&once);
    env.settle().await;
    let record = env.record("Opportunity", &once);
    assert_eq!(record["Stripe_Sync_Status__c"], "customer_belongs_elsewhere", "{record}");
    assert!(
        record["Stripe_Sync_Error__c"].as_str().unwrap().contains("for its subscriptions in EUR alone"),
        "{record}"
    );
    env.update("Account", &account, json!({ "Stripe_Customer_Id__c": null }));
    env.sqs.redrive();
    env.settle().await;
    let named = |object: &str, id: &str| env.record(object, id)["Stripe_Customer_Id__c"].clone();
    assert_eq!([named("Opportunity", &once), named("Account", &account)], [first.clone(), first]);
    assert_eq!((named("Opportunity", &second), env.objects("customer").len()), (other, 2));
}

/// A customer that a person linked stays the account's, and what it was sold by hand counts as well.
#[tokio::test]
async fn what_somebody_sold_by_hand_counts_as_well() {
    let env = selling_abroad().await;
    let (account, opportunity) = won_beside(&env).await;
    let linked = env.record("Account", &account)["Stripe_Customer_Id__c"].clone();
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    let other = customer_of(&env, "eur");
    assert_eq!((&record["Stripe_Sync_Status__c"], &record["Stripe_Customer_Id__c"]), (&Value::Null, &other["id"]));
    assert_eq!((&other["metadata"]["sf_currency"], &other["email"]), (&json!("eur"), &json!("ap@acme.example")));
    assert_eq!(env.record("Account", &account)["Stripe_Customer_Id__c"], linked);
}

async fn subscribe_by_hand(env: &Env, customer: &str, currency: &str) -> String {
    let product = env.stripe_post("/v1/products", "name=Elsewhere").await;
    let body = format!(
        "customer={customer}&collection_method=send_invoice&days_until_due=30&items[0][price_data][currency]={currency}\
         &items[0][price_data][unit_amount]=1000&items[0][price_data][recurring][interval]=month&items[0][price_data][product]={}",
        product["id"].as_str().unwrap()
    );
    env.stripe_post("/v1/subscriptions", &body).await["id"].as_str().unwrap().to_owned()
}
