//! Accounts that are edited while no deal of theirs is billed: a sweep finds them, and their customers are told.

use engine::PassKind;

use super::*;
use crate::crashes::settle_over_deaths;

/// The next sweep, and what comes of it: how many events it put on the queue.
async fn sweep(env: &Env) -> u64 {
    env.advance(SignedDuration::from_mins(15));
    let pass = env.reconcile(PassKind::Sweep).await;
    assert!(pass.is_finished && pass.differences.is_empty(), "{pass:?}");
    env.settle().await;
    pass.requeued
}

/// Billed, and at rest: the reconciler has seen whatever came with that.
async fn at_rest(env: &Env) -> String {
    env.reconcile(PassKind::Sweep).await;
    let account = env.account(&Deal::three_lines());
    billed(env, &account).await;
    // The write-back to the account is an edit, and no news.
    assert_eq!(sweep(env).await, 0);
    account
}

#[tokio::test]
async fn a_customer_is_told_without_a_deal() {
    let env = Env::start().await;
    let account = at_rest(&env).await;
    let before = customer(&env);
    edit(
        &env,
        &account,
        json!({ "Billing_Email__c": "billing@acme.example", "BillingCity": "Hamburg", "Name": "Acme AG" }),
    );
    env.clear_calls();
    assert_eq!(sweep(&env).await, 1);
    let after = customer(&env);
    let of = |customer: &Value| ["name", "email"].map(|field| customer[field].clone());
    assert_eq!(
        (of(&after), &after["address"]["city"]),
        ([json!("Acme AG"), json!("billing@acme.example")], &json!("Hamburg"))
    );
    assert_eq!((&after["id"], &after["phone"]), (&before["id"], &before["phone"]));
    let told: Vec<_> = env.stripe_calls().into_iter().filter(|call| call.starts_with("POST")).collect();
    assert_eq!(told, [format!("POST /v1/customers/{}", after["id"].as_str().unwrap())]);
    // Edited otherwise, it says the same; and what the next deal says is no news either.
    edit(&env, &account, json!({ "Website": "https://acme.example" }));
    env.clear_calls();
    assert_eq!(sweep(&env).await, 0);
    assert!(env.stripe_calls().iter().all(|call| call.starts_with("GET")), "{:?}", env.stripe_calls());
    billed(&env, &account).await;
    assert!(!env.stripe_calls().iter().any(|call| call.starts_with("POST /v1/customers")), "{:?}", env.stripe_calls());
}

/// A tax id is an object of its own, and comes and goes as with a deal.
#[tokio::test]
async fn a_tax_id_is_told_without_a_deal() {
    let env = Env::start().await;
    let account = at_rest(&env).await;
    let ids = |env: &Env| env.objects("tax_id").iter().map(|one| one["value"].clone()).collect::<Vec<_>>();
    for value in ["DE123456789", "DE987654321"] {
        edit(&env, &account, json!({ "Tax_Id__c": value }));
        assert_eq!(sweep(&env).await, 1);
        assert_eq!(ids(&env), [value]);
    }
}

/// Without an address of its own the account says nothing of the customer's, who was made with that of a deal's contact.
#[tokio::test]
async fn a_contacts_address_stays() {
    let env = Env::start().await;
    let account = at_rest(&env).await;
    let email = customer(&env)["email"].clone();
    edit(&env, &account, json!({ "Billing_Email__c": null, "Phone": "+49 30 1" }));
    assert_eq!(sweep(&env).await, 1);
    let seen = customer(&env);
    assert_eq!((&seen["email"], &seen["phone"]), (&email, &json!("+49 30 1")));
}

/// What is not to be told lies before a person, once; and when it is mended, no deal is needed for that either.
#[tokio::test]
async fn what_cannot_be_told_is_told_of_once() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let account = at_rest(&env).await;
    edit(&env, &account, json!({ "BillingCountry": "Narnia", "Billing_Email__c": "new@acme.example" }));
    assert_eq!(sweep(&env).await, 1);
    let letters = env.sqs.dead_letters();
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!(
        (&letter["parked"]["code"], &letter["event"]["account_id"]),
        (&json!("billing_country_unknown"), &json!(account))
    );
    assert!(letter["parked"]["reason"].as_str().unwrap().contains("Correct Billing Country"), "{letter}");
    let before = customer(&env);
    for website in ["https://a.example", "https://b.example"] {
        edit(&env, &account, json!({ "Website": website }));
        assert_eq!(sweep(&env).await, 0);
    }
    assert_eq!((customer(&env), env.sqs.dead_letters().len()), (before, 1));
    edit(&env, &account, json!({ "BillingCountry": "Germany" }));
    assert_eq!(sweep(&env).await, 1);
    let after = customer(&env);
    assert_eq!((&after["email"], &after["address"]["country"]), (&json!("new@acme.example"), &json!("DE")));
}

/// Whoever bills the next deal finds that it is gone, and makes another.
#[tokio::test]
async fn a_customer_that_was_deleted_is_not_made_without_a_deal() {
    let env = Env::start().await;
    let account = at_rest(&env).await;
    let id = customer(&env)["id"].as_str().unwrap().to_owned();
    env.stripe_delete(&format!("/v1/customers/{id}"));
    edit(&env, &account, json!({ "Name": "Acme AG" }));
    sweep(&env).await;
    let live = |env: &Env| env.objects("customer").into_iter().filter(|one| one["deleted"] != true).collect::<Vec<_>>();
    assert!(live(&env).is_empty());
    let second = billed(&env, &account).await;
    let live = live(&env);
    assert_eq!((live.len(), &live[0]["name"]), (1, &json!("Acme AG")));
    assert_eq!(env.record("Opportunity", &second)["Stripe_Customer_Id__c"], live[0]["id"]);
}

/// One that a person linked may be other accounts' as well; and who was never billed is nobody's customer.
#[tokio::test]
async fn only_customers_of_ours_are_told() {
    let env = Env::start().await;
    env.reconcile(PassKind::Sweep).await;
    let named = env.stripe_post("/v1/customers", "name=By+hand&email=by.hand@acme.example").await;
    let linked = env.account(&Deal::three_lines());
    edit(&env, &linked, json!({ "Stripe_Customer_Id__c": named["id"] }));
    billed(&env, &linked).await;
    for account in [linked, env.account(&Deal::three_lines())] {
        edit(&env, &account, json!({ "Name": "Acme AG", "Stripe_Customer_Id__c": named["id"] }));
        assert_eq!(sweep(&env).await, 0);
    }
    assert_eq!(customer(&env)["name"], "By hand");
}

async fn about_to_be_told() -> Env {
    let env = Env::start().await;
    let account = at_rest(&env).await;
    let news = json!({ "Billing_Email__c": "billing@acme.example", "Tax_Id__c": "DE123456789" });
    edit(&env, &account, news);
    env.advance(SignedDuration::from_mins(15));
    env
}

fn is_told(env: &Env) {
    assert_eq!(customer(env)["email"], "billing@acme.example");
    let ids: Vec<_> = env.objects("tax_id").iter().map(|one| one["value"].clone()).collect();
    assert_eq!(ids, ["DE123456789"]);
}

/// Whoever tells it dies: it is told all the same, and once.
#[tokio::test]
async fn dying_while_it_is_told_without_a_deal_is_the_same_story() {
    let undisturbed = about_to_be_told().await;
    undisturbed.reconcile(PassKind::Sweep).await;
    undisturbed.fuse.count_anew();
    undisturbed.settle().await;
    is_told(&undisturbed);
    let moments = undisturbed.fuse.passed();
    assert!(moments > 10, "the story has {moments} moments");
    for wait in [SignedDuration::from_secs(400), SignedDuration::from_hours(25)] {
        for moment in 0..moments {
            let env = about_to_be_told().await;
            env.reconcile(PassKind::Sweep).await;
            env.fuse.arm(moment);
            assert_eq!(settle_over_deaths(&env, wait).await, 1, "moment {moment}");
            is_told(&env);
        }
    }
}

#[tokio::test]
async fn answers_that_are_lost_while_it_is_told_without_a_deal_are_the_same_story() {
    for path in ["/v1/customers/*", "/v1/customers/*/tax_ids"] {
        for fault in [Fault::AnswerLost, Fault::ServerErrorAfterCommit, Fault::RateLimited] {
            let env = about_to_be_told().await;
            env.sandbox.stripe.inject(FaultRule::once("POST", path, fault));
            env.reconcile(PassKind::Sweep).await;
            env.settle_for_days().await;
            is_told(&env);
        }
    }
}

/// The note says what to mend on the account, and somebody does: no deal has to be touched for that. What else is edited there leaves it as
/// it is, and nobody is told twice.
#[tokio::test]
async fn a_refused_deal_goes_on_when_its_account_is_mended() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    env.reconcile(PassKind::Sweep).await;
    let account = env.account(&Deal { country: "Narnia".into(), ..Deal::three_lines() });
    let opportunity = billed(&env, &account).await;
    let status = |env: &Env| env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"].clone();
    assert_eq!((status(&env), env.sqs.dead_letters().len()), (json!("billing_country_unknown"), 1));
    // Its first states are looked at again, and then no more.
    for _ in 0..5 {
        sweep(&env).await;
    }
    env.advance(SignedDuration::from_hours(3));
    let letters = env.sqs.dead_letters().len();
    edit(&env, &account, json!({ "Website": "https://acme.example" }));
    assert_eq!(sweep(&env).await, 0);
    // One thing for another: the note says the other one.
    edit(&env, &account, json!({ "BillingCountry": "Germany", "Tax_Id__c": "see the file" }));
    assert_eq!(sweep(&env).await, 1);
    assert_eq!((status(&env), env.sqs.dead_letters().len()), (json!("tax_id_invalid"), letters + 1));
    edit(&env, &account, json!({ "Tax_Id__c": null }));
    env.advance(SignedDuration::from_mins(15));
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    assert_eq!((status(&env), env.invoices().len()), (Value::Null, 1));
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], env.invoices()[0]["id"]);
}
