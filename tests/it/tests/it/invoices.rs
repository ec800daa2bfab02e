//! What becomes of a deal's invoice beside its payment stands on its opportunity, and comes before a person where one has to act.

use domain::Followed;
use engine::PassKind;
use it::{Deal, Env, Options, PERMISSIONS, TO_FOLLOW};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::payment::billed_with;

mod interrupted;
mod limit;
mod order;
mod switched;
mod together;

fn following(followed: Followed) -> Options {
    Options { followed, permissions: [&PERMISSIONS[..], &TO_FOLLOW].concat(), ..Options::default() }
}

/// Deals whose subscriptions are followed, too.
fn subscribing() -> Options {
    Options {
        followed: Followed::everything(),
        permissions: [&crate::subscriptions::PERMISSIONS[..], &TO_FOLLOW].concat(),
        ..crate::subscriptions::options(mapping::LineSource::CpqQuote)
    }
}

async fn billed() -> (Env, String, String) {
    billed_with(following(Followed::everything())).await
}

/// How the invoice stands, what was credited, what was refunded, and whether it is disputed.
fn standing(env: &Env, opportunity: &str) -> Value {
    let record = env.record("Opportunity", opportunity);
    let fields = [
        "Stripe_Invoice_Status__c",
        "Stripe_Amount_Credited__c",
        "Stripe_Amount_Refunded__c",
        "Stripe_Payment_Disputed__c",
    ];
    json!(fields.map(|field| record[field].clone()))
}

fn charge(env: &Env) -> String {
    env.objects("charge")[0]["id"].as_str().unwrap().to_owned()
}

/// What lies before a person: the codes.
fn parked(env: &Env) -> Vec<String> {
    let letters = env.sqs.dead_letters();
    letters.iter().map(|letter| letter["parked"]["code"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn an_opportunity_says_how_its_invoice_stands() {
    let (env, opportunity, invoice) = billed().await;
    assert_eq!(standing(&env, &opportunity), json!(["open", 0.0, 0.0, false]));
    for (act, body, told) in [
        ("mark_uncollectible", "", json!(["uncollectible", 0.0, 0.0, false])),
        ("void", "", json!(["void", 0.0, 0.0, false])),
    ] {
        env.advance(SignedDuration::from_hours(1));
        env.clear_calls();
        env.stripe_post(&format!("/v1/invoices/{invoice}/{act}"), body).await;
        env.settle().await;
        assert_eq!(standing(&env, &opportunity), told);
        // A look and a write; and one look at Stripe whose it is, and one how it stands.
        assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (1, 2), "{:?}", env.stripe_calls());
    }
}

/// One that is sent and not paid in time: nobody's payment failed, and somebody has to ask for it all the same.
#[tokio::test]
async fn one_that_is_overdue_says_so_and_has_a_case() {
    let (env, opportunity, invoice) = billed().await;
    env.advance(SignedDuration::from_hours(24 * 30));
    env.settle().await;
    assert_eq!(standing(&env, &opportunity), json!(["overdue", 0.0, 0.0, false]));
    let cases = || env.sandbox.salesforce.with(|org| org.records("Case"));
    let number = env.invoices()[0]["number"].as_str().unwrap().to_owned();
    let (case, due) = (cases()[0].clone(), crate::subscriptions::day(&env, 0));
    assert_eq!((cases().len(), &case["Subject"]), (1, &json!(format!("Stripe invoice {number} is overdue"))));
    let said = case["Description"].as_str().unwrap();
    let begins = format!("Invoice {number} ({invoice}) was due on {due}, and 110.00 USD of it is not paid.");
    assert!(said.starts_with(&begins) && !said.contains("Stripe does not try again"), "{said}");
    env.pay(&invoice).await;
    env.settle().await;
    assert_eq!((standing(&env, &opportunity)[0].clone(), &cases()[0]["IsClosed"]), (json!("paid"), &json!(true)));
}

#[tokio::test]
async fn what_is_credited_is_seen() {
    let (env, opportunity, invoice) = billed().await;
    env.stripe_post("/v1/credit_notes", &format!("invoice={invoice}&amount=1050&reason=order_change")).await;
    env.settle().await;
    assert_eq!(standing(&env, &opportunity), json!(["open", 10.5, 0.0, false]));
    // By a mistake, which is taken back.
    let note = env.stripe_post("/v1/credit_notes", &format!("invoice={invoice}&amount=500&reason=order_change")).await;
    env.settle().await;
    assert_eq!(standing(&env, &opportunity)[1], 15.5);
    env.stripe_post(&format!("/v1/credit_notes/{}/void", note["id"].as_str().unwrap()), "").await;
    env.settle().await;
    assert_eq!(standing(&env, &opportunity), json!(["open", 10.5, 0.0, false]));
    env.pay_by_card(&invoice).await;
    env.settle().await;
    assert_eq!(standing(&env, &opportunity), json!(["paid", 10.5, 0.0, false]));
    let body = format!("invoice={invoice}&amount=200&credit_amount=200&reason=order_change");
    env.stripe_post("/v1/credit_notes", &body).await;
    env.settle().await;
    assert_eq!(standing(&env, &opportunity), json!(["paid", 12.5, 0.0, false]));
    assert!(parked(&env).is_empty());
}

/// The event names a charge, which knows nothing of an invoice.
#[tokio::test]
async fn what_is_refunded_is_seen_part_by_part() {
    let (env, opportunity, invoice) = billed().await;
    env.pay_by_card(&invoice).await;
    env.settle().await;
    for (amount, told) in [(4000, 40.0), (7000, 110.0)] {
        env.stripe_post("/v1/refunds", &format!("charge={}&amount={amount}", charge(&env))).await;
        env.settle().await;
        assert_eq!(standing(&env, &opportunity), json!(["paid", 0.0, told, false]));
    }
    assert_eq!(env.record("Opportunity", &opportunity)["Payment_Received__c"], true, "it was paid");
    assert!(parked(&env).is_empty());
}

/// Money is at stake until a day that only Stripe's dashboard names, so it comes before a person, once.
#[tokio::test]
async fn a_disputed_payment_is_seen_and_comes_before_a_person() {
    let (mut env, opportunity, invoice) = billed().await;
    env.expect_dead_letters();
    env.pay_by_card(&invoice).await;
    env.settle().await;
    env.sandbox.stripe.with(|stripe| stripe.dispute(&invoice));
    let deliveries = env.sandbox.stripe.take_deliveries();
    for _ in 0..2 {
        for delivery in &deliveries {
            env.post(delivery).await;
        }
        env.settle().await;
    }
    assert_eq!(standing(&env, &opportunity), json!(["paid", 0.0, 0.0, true]));
    assert_eq!(parked(&env), ["payment_disputed"]);
    let reason = env.sqs.dead_letters()[0]["parked"]["reason"].as_str().unwrap().to_owned();
    let dispute = env.objects("dispute")[0]["id"].as_str().unwrap().to_owned();
    assert!(reason.contains(&invoice) && reason.contains(&format!("{dispute} (by 2026-11-30)")), "{reason}");
    // What comes after it says the same, and nobody hears it twice.
    env.advance(SignedDuration::from_hours(1));
    env.stripe_post("/v1/refunds", &format!("charge={}&amount=100", charge(&env))).await;
    env.settle().await;
    assert_eq!((standing(&env, &opportunity)[2].clone(), parked(&env).len()), (json!(1.0), 1));
}

/// A later period's invoice that Stripe cannot finalize is nobody's to pay, and nothing else would tell of it.
#[tokio::test]
async fn one_that_cannot_be_finalized_comes_before_a_person() {
    let mut env = Env::with(subscribing()).await;
    env.expect_dead_letters();
    let opportunity = crate::subscriptions::won(&env, &crate::subscriptions::day(&env, 0)).await;
    env.settle().await;
    let first = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.pay(&first).await;
    env.settle().await;
    let customer = env.invoices()[0]["customer"].as_str().unwrap().to_owned();
    env.sandbox.stripe.with(|stripe| stripe.lose_email(&customer));
    for _ in 0..32 {
        env.advance(SignedDuration::from_hours(24));
        env.settle().await;
    }
    assert_eq!(parked(&env), ["invoice_not_finalized"]);
    let reason = env.sqs.dead_letters()[0]["parked"]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains(&opportunity) && reason.contains("Stripe says: "), "{reason}");
    assert_eq!(standing(&env, &opportunity)[0], "paid", "that is the first one's");
}

#[tokio::test]
async fn a_customer_that_an_account_names_and_somebody_deleted_comes_before_a_person() {
    let (mut env, opportunity, _) = billed().await;
    env.expect_dead_letters();
    let nobodys = env.stripe_post("/v1/customers", "name=Somebody").await["id"].as_str().unwrap().to_owned();
    env.stripe_delete(&format!("/v1/customers/{nobodys}"));
    env.settle().await;
    assert!(parked(&env).is_empty());
    let account = env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
    let customer = env.record("Account", &account)["Stripe_Customer_Id__c"].as_str().unwrap().to_owned();
    env.stripe_delete(&format!("/v1/customers/{customer}"));
    env.settle().await;
    assert_eq!(parked(&env), ["customer_deleted"]);
    let reason = env.sqs.dead_letters()[0]["parked"]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains(&customer) && reason.contains(&account), "{reason}");
}

/// What takes another one's place is told as it is, though what stands there is about the one before.
#[tokio::test]
async fn an_invoice_in_anothers_place_says_how_it_stands() {
    for finalized in [true, false] {
        let followed = if finalized { Followed::everything() } else { Followed::parse("invoice.voided").unwrap() };
        let amendments = mapping::Amendments::VoidAndReissue;
        let (env, opportunity, first) = billed_with(Options { amendments, ..following(followed) }).await;
        let line = env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem"))[0].clone();
        let quantity = line["Quantity"].as_f64().unwrap() + 1.0;
        env.update("OpportunityLineItem", line["Id"].as_str().unwrap(), json!({ "Quantity": quantity }));
        env.update("Opportunity", &opportunity, json!({ "Name": "Another name" }));
        env.advance(SignedDuration::from_mins(16));
        env.reconcile(PassKind::Sweep).await;
        env.settle().await;
        assert_ne!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], json!(first));
        assert_eq!(standing(&env, &opportunity), json!(["open", 0.0, 0.0, false]), "{finalized}");
        env.settle_for_days().await;
        assert_eq!(standing(&env, &opportunity)[0], "open");
    }
}

/// Salesforce's calls for a paid invoice are one, with everything that it says.
#[tokio::test]
async fn a_payment_costs_one_call_with_its_status_and_its_stage() {
    for paid_stage in [None, Some("Paid")] {
        let (env, opportunity, invoice) =
            billed_with(Options { paid_stage, ..following(Followed::everything()) }).await;
        env.pay(&invoice).await;
        env.settle().await;
        assert_eq!((env.salesforce_calls().len(), standing(&env, &opportunity)[0].clone()), (1, json!("paid")));
        let record = env.record("Opportunity", &opportunity);
        assert_eq!(record["StageName"], paid_stage.unwrap_or("Closed Won"));
        assert!(env.sqs.dead_letters().is_empty());
    }
}

/// What never arrives is found among Stripe's events.
#[tokio::test]
async fn what_never_arrives_is_found() {
    type Act = (&'static str, fn(&str, &str) -> (String, String), Value);
    let acts: [Act; 3] = [
        (
            "credited",
            |invoice, _| {
                (
                    "/v1/credit_notes".into(),
                    format!("invoice={invoice}&amount=100&credit_amount=100&reason=order_change"),
                )
            },
            json!(["paid", 1.0, 0.0, false]),
        ),
        (
            "refunded",
            |_, charge| ("/v1/refunds".into(), format!("charge={charge}&amount=100")),
            json!(["paid", 0.0, 1.0, false]),
        ),
        ("nothing", |_, _| ("/v1/customers".into(), "name=x".into()), json!(["paid", 0.0, 0.0, false])),
    ];
    for (name, act, told) in acts {
        let (env, opportunity, invoice) = billed().await;
        env.pay_by_card(&invoice).await;
        env.settle().await;
        let (path, body) = act(&invoice, &charge(&env));
        env.stripe_post(&path, &body).await;
        drop(env.sandbox.stripe.take_deliveries());
        env.advance(SignedDuration::from_mins(20));
        env.reconcile(PassKind::Sweep).await;
        env.settle().await;
        assert_eq!(standing(&env, &opportunity), told, "{name}");
        // And that is all.
        env.clear_calls();
        env.advance(SignedDuration::from_mins(20));
        env.reconcile(PassKind::Sweep).await;
        env.settle().await;
        assert_eq!(env.sqs.work().len(), 0);
        assert!(!env.salesforce_calls().iter().any(|call| call.contains("PATCH")), "{:?}", env.salesforce_calls());
    }
}

/// Something becomes of it before the deal's own run has written its id there.
#[tokio::test]
async fn one_that_is_not_named_yet_is_waited_for() {
    let env = Env::with(following(Followed::everything())).await;
    let opportunity = env.enter(&Deal::three_lines()).await;
    env.settle().await;
    env.close(&opportunity);
    env.refuses_once("POST /services/data/*/composite", 503, "SERVER_UNAVAILABLE");
    env.settle_for_days().await;
    assert_eq!(standing(&env, &opportunity), json!(["open", 0.0, 0.0, false]));
    assert!(env.sqs.dead_letters().is_empty());
}
