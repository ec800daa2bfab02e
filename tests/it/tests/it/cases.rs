//! What Stripe could not collect is a case in Salesforce, and a task where it is unpaid still after two days.

use engine::PassKind;
use it::{Env, Options};
use jiff::SignedDuration;
use mapping::CasePolicy;
use serde_json::{Value, json};

use crate::payment::billed_with;

mod interrupted;
mod order;
mod owners;
mod periods;
mod policy;

async fn billed() -> (Env, String, String) {
    billed_with(Options::default()).await
}

fn with(policy: CasePolicy) -> Options {
    Options { payment_cases: Some(policy), ..Options::default() }
}

/// Stripe tries once more, and tells of it.
pub(crate) fn fails(env: &Env, invoice: &str) {
    env.sandbox.stripe.with(|stripe| stripe.attempt_fails(invoice, "InsufficientFunds", None));
}

pub(crate) fn cases(env: &Env) -> Vec<Value> {
    env.sandbox.salesforce.with(|org| org.records("Case"))
}

pub(crate) fn tasks(env: &Env) -> Vec<Value> {
    env.sandbox.salesforce.with(|org| org.records("Task"))
}

pub(crate) fn the_case(env: &Env) -> Value {
    let cases = cases(env);
    assert_eq!(cases.len(), 1, "{cases:?}");
    cases[0].clone()
}

/// Whether they are closed: the case, and the task if there is one.
fn closed(env: &Env) -> Value {
    json!([the_case(env)["IsClosed"], tasks(env).iter().map(|task| task["IsClosed"].clone()).collect::<Vec<_>>()])
}

/// Two days go by, and the reconciler looks for what is due.
async fn two_days_later(env: &Env) {
    env.advance(SignedDuration::from_hours(49));
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
}

fn account_of(env: &Env, opportunity: &str) -> String {
    env.record("Opportunity", opportunity)["AccountId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_failure_opens_a_case_that_says_what_there_is_to_know() {
    let (env, opportunity, invoice) = billed().await;
    let next = env.now().as_second() + 3 * 86_400;
    env.sandbox.stripe.with(|stripe| stripe.attempt_fails(&invoice, "ExpiredCard", Some(next)));
    env.settle().await;
    let case = the_case(&env);
    let account = account_of(&env, &opportunity);
    let owner = env.record("Account", &account)["OwnerId"].clone();
    let expected = json!([invoice, account, owner, "Medium", false]);
    let told =
        ["Stripe_Invoice_Id__c", "AccountId", "OwnerId", "Priority", "IsClosed"].map(|field| case[field].clone());
    assert_eq!(json!(told), expected);
    let (number, page) = (&env.invoices()[0]["number"], &env.invoices()[0]["hosted_invoice_url"]);
    let (number, page) = (number.as_str().unwrap(), page.as_str().unwrap());
    assert_eq!(case["Subject"], format!("Stripe could not collect invoice {number}"));
    let said = format!(
        "Stripe could not collect 110.00 USD for invoice {number} ({invoice}). It bills opportunity {opportunity}. Attempts of Stripe's \
         own so far: 1. The next is on 2026-11-26 (UTC). Why it failed: expired_card: Your card has expired. The customer can pay here: \
         {page}"
    );
    assert_eq!(case["Description"], said);
    assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (2, 2), "{:?}", env.stripe_calls());
}

/// It is one case, which tells of the last failure; from the third on it is urgent.
#[tokio::test]
async fn later_failures_are_told_in_the_same_case() {
    let (env, _, invoice) = billed().await;
    for (attempt, priority) in [(1, "Medium"), (2, "Medium"), (3, "High"), (4, "High")] {
        fails(&env, &invoice);
        env.settle().await;
        let case = the_case(&env);
        assert_eq!(case["Priority"], priority, "attempt {attempt}");
        let said = case["Description"].as_str().unwrap();
        assert!(said.contains(&format!("so far: {attempt}. Stripe does not try again by itself.")), "{said}");
        env.advance(SignedDuration::from_hours(3));
    }
}

#[tokio::test]
async fn when_nothing_is_due_any_more_case_and_task_are_closed() {
    for end in ["paid", "in parts", "out of band", "void", "credited"] {
        let (env, opportunity, invoice) = billed().await;
        fails(&env, &invoice);
        env.settle().await;
        two_days_later(&env).await;
        assert_eq!(closed(&env), json!([false, [false]]), "{end}");
        env.clear_calls();
        match end {
            "paid" => env.pay_by_card(&invoice).await,
            "out of band" => env.pay(&invoice).await,
            "void" => drop(env.stripe_post(&format!("/v1/invoices/{invoice}/void"), "").await),
            "credited" => drop(env.stripe_post("/v1/credit_notes", &format!("invoice={invoice}&amount=11000")).await),
            _ => {
                env.sandbox.stripe.with(|stripe| stripe.pay_part(&invoice, 4000));
                env.settle().await;
                assert!(the_case(&env)["Description"].as_str().unwrap().contains("collect 70.00 USD"));
                env.sandbox.stripe.with(|stripe| stripe.pay_part(&invoice, 7000));
            }
        }
        env.settle().await;
        assert_eq!(closed(&env), json!([true, [true]]), "{end}");
        assert_eq!(
            env.record("Opportunity", &opportunity)["Payment_Received__c"],
            !["void", "credited"].contains(&end),
            "{end}"
        );
        if end == "out of band" {
            assert_eq!(
                env.salesforce_calls().len(),
                3,
                "the payment, a look, both are closed: {:?}",
                env.salesforce_calls()
            );
        }
    }
}

/// What is paid by then asks nobody, and a payment that fails after that opens nothing.
#[tokio::test]
async fn what_is_paid_in_time_is_followed_up_by_nobody() {
    let (env, _, invoice) = billed().await;
    fails(&env, &invoice);
    let failed = env.sandbox.stripe.take_deliveries();
    env.pay_by_card(&invoice).await;
    env.settle().await;
    assert_eq!(cases(&env).len(), 0);
    for delivery in &failed {
        env.post(delivery).await;
    }
    env.settle().await;
    two_days_later(&env).await;
    assert_eq!((cases(&env).len(), tasks(&env).len()), (0, 0));
    let (env, _, invoice) = billed().await;
    fails(&env, &invoice);
    env.settle().await;
    env.pay_by_card(&invoice).await;
    env.settle().await;
    two_days_later(&env).await;
    assert_eq!(closed(&env), json!([true, []]));
}

/// Written off is not paid: the case stays, says so, and is closed when somebody pays all the same.
#[tokio::test]
async fn what_is_written_off_is_told_and_stays_open() {
    let (env, _, invoice) = billed().await;
    fails(&env, &invoice);
    env.settle().await;
    env.stripe_post(&format!("/v1/invoices/{invoice}/mark_uncollectible"), "").await;
    env.settle().await;
    let case = the_case(&env);
    assert_eq!(case["IsClosed"], false);
    assert!(case["Description"].as_str().unwrap().contains("is marked uncollectible at Stripe: 110.00 USD"));
    env.pay(&invoice).await;
    env.settle().await;
    assert_eq!(closed(&env), json!([true, []]));
}

/// Two days after the first failure, however often it failed since: a task for whoever has the case, about the case, once.
#[tokio::test]
async fn what_is_unpaid_after_two_days_is_followed_up() {
    let (env, _, invoice) = billed().await;
    fails(&env, &invoice);
    env.settle().await;
    env.advance(SignedDuration::from_hours(47));
    fails(&env, &invoice);
    env.settle().await;
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    assert_eq!(tasks(&env).len(), 0, "an hour is left");
    env.advance(SignedDuration::from_hours(2));
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    let [task] = <[Value; 1]>::try_from(tasks(&env)).unwrap();
    let case = the_case(&env);
    assert_eq!(
        json!([task["WhatId"], task["OwnerId"], task["ActivityDate"], task["Stripe_Id__c"], task["IsClosed"]]),
        json!([case["Id"], case["OwnerId"], "2026-11-25", invoice, false])
    );
    fails(&env, &invoice);
    env.settle().await;
    two_days_later(&env).await;
    assert_eq!(tasks(&env).len(), 1);
}

/// Whoever closes it, or takes it away, has decided. A task is another matter: the invoice is unpaid still.
#[tokio::test]
async fn what_a_person_closed_or_took_away_stays_so() {
    for is_deleted in [false, true] {
        let (env, opportunity, invoice) = billed().await;
        fails(&env, &invoice);
        env.settle().await;
        let id = the_case(&env)["Id"].as_str().unwrap().to_owned();
        match is_deleted {
            false => env.update("Case", &id, json!({ "Status": "Closed" })),
            true => env.sandbox.salesforce.with(|org| org.delete(0, "Case", &id)).unwrap(),
        }
        let said = cases(&env).first().map(|case| case["Description"].clone());
        fails(&env, &invoice);
        env.settle().await;
        two_days_later(&env).await;
        let left: Vec<_> =
            cases(&env).iter().map(|case| (case["IsClosed"].clone(), Some(case["Description"].clone()))).collect();
        assert_eq!(left, if is_deleted { vec![] } else { vec![(json!(true), said)] });
        assert_eq!(tasks(&env)[0]["WhatId"], if is_deleted { json!(opportunity) } else { json!(id) });
        env.pay_by_card(&invoice).await;
        env.settle().await;
        assert_eq!(tasks(&env)[0]["IsClosed"], true);
    }
}

/// Somebody else's invoice is nobody's business here, and leaves no trace.
#[tokio::test]
async fn what_somebody_else_could_not_collect_is_theirs() {
    let (env, _, _) = billed().await;
    let customer = env.stripe_post("/v1/customers", "name=Somebody&email=a@b.example").await;
    let customer = customer["id"].as_str().unwrap();
    let made = env.stripe_post("/v1/invoices", &format!("customer={customer}&currency=usd")).await;
    let theirs = made["id"].as_str().unwrap();
    env.stripe_post(&format!("/v1/invoices/{theirs}/add_lines"), "lines[0][amount]=500&lines[0][description]=x").await;
    env.stripe_post(&format!("/v1/invoices/{theirs}/finalize"), "").await;
    fails(&env, theirs);
    env.settle().await;
    env.stripe_post(&format!("/v1/invoices/{theirs}/void"), "").await;
    env.settle().await;
    assert_eq!((cases(&env).len(), env.salesforce_calls().len()), (0, 0));
    let run = format!("run#00D000000000001EAA:{theirs}:payment_failed:1");
    assert!(env.ledger().run(&run).await.unwrap().is_none());
}

#[tokio::test]
async fn a_failure_whose_event_is_lost_is_found() {
    let (env, _, invoice) = billed().await;
    fails(&env, &invoice);
    env.sandbox.stripe.take_deliveries();
    env.advance(SignedDuration::from_mins(20));
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    assert_eq!(closed(&env), json!([false, []]));
    env.pay_by_card(&invoice).await;
    env.sandbox.stripe.take_deliveries();
    env.advance(SignedDuration::from_mins(20));
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    assert_eq!(closed(&env), json!([true, []]));
    asks_for_nothing_more(&env).await;
}

/// What becomes of it is lost while it rests: that is asked for within the hour, and not when it is followed up.
#[tokio::test]
async fn what_is_lost_while_it_rests_is_found_soon() {
    for lost in ["void", "part", "failure"] {
        let (env, _, invoice) = billed().await;
        fails(&env, &invoice);
        env.settle().await;
        env.advance(SignedDuration::from_mins(40));
        match lost {
            "void" => drop(env.stripe_post(&format!("/v1/invoices/{invoice}/void"), "").await),
            "part" => env.sandbox.stripe.with(|stripe| stripe.pay_part(&invoice, 4000)),
            _ => fails(&env, &invoice),
        }
        env.sandbox.stripe.take_deliveries();
        env.advance(SignedDuration::from_mins(20));
        env.reconcile(PassKind::Sweep).await;
        env.settle().await;
        let case = the_case(&env);
        let said = case["Description"].as_str().unwrap();
        let (is_closed, words) = match lost {
            "void" => (true, "so far: 1."),
            "part" => (false, "collect 70.00 USD"),
            _ => (false, "so far: 2."),
        };
        assert_eq!(case["IsClosed"], is_closed, "{lost}");
        assert!(said.contains(words), "{lost}: {said}");
        env.advance(SignedDuration::from_mins(20));
        asks_for_nothing_more(&env).await;
    }
}

/// No event of Stripe's is asked for once more.
async fn asks_for_nothing_more(env: &Env) {
    env.reconcile(PassKind::Sweep).await;
    let asked: Vec<_> = env.sqs.work().into_iter().filter(|message| message.body.contains("evt_")).collect();
    assert!(asked.is_empty(), "{asked:?}");
    env.settle().await;
}
