//! Prices that are made, and what comes between.

use closedwon::Exit;
use closedwon::catalog::Wishes;
use it::Env;
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use super::{applied, create, created, monthly, product, set, start, suggested};

/// What is missing at Stripe, and what was made of it.
fn made(env: &Env) -> (Vec<Value>, Vec<Value>) {
    (env.objects("product"), env.objects("price"))
}

#[tokio::test]
async fn a_price_is_made_where_a_person_confirms_it_and_once() {
    let env = start().await;
    let seat = product(&env, "Seat", Some("SEAT-1"), "12.00", Some("Annual"));
    let asked = created(&env, |creations, mode| {
        assert_eq!((creations.len(), creations[0].costs.as_str(), mode.as_str()), (1, "12.00 USD every year", "test"));
        false
    });
    let outcome = asked.await;
    assert_eq!((outcome.written.len(), outcome.exit(), made(&env).1.len()), (0, Exit::NeedsPerson, 0));
    assert_eq!(
        outcome.left[0].why,
        "no price was found, and nobody confirmed that one of 12.00 USD every year is to be made"
    );
    let outcome = applied(&env, &create(), true).await;
    assert_eq!((outcome.written.len(), outcome.written[0].created, outcome.exit()), (1, true, Exit::Well));
    let (products, prices) = made(&env);
    assert_eq!((products.len(), prices.len()), (1, 1));
    assert_eq!(set(&env, &seat), prices[0]["id"]);
    assert_eq!(prices[0]["recurring"]["interval"], "year");
    assert_eq!(
        (&prices[0]["unit_amount"], &prices[0]["lookup_key"]),
        (&json!(1200), &json!(format!("salesforce_{seat}")))
    );
    assert_eq!(prices[0]["metadata"], json!({ "salesforce_product_id": seat }));
    assert_eq!((&products[0]["name"], &products[0]["metadata"]["sku"]), (&json!("Seat"), &json!("SEAT-1")));
    let again = created(&env, |_, _| panic!("there is nothing to confirm"));
    let again = again.await;
    assert_eq!((again.written.len(), again.in_step, again.exit()), (0, 1, Exit::Well));
    assert_eq!(made(&env).1.len(), 1);
}

/// The process is gone, or Salesforce is, after the price was made and before it was written.
#[tokio::test]
async fn a_death_between_the_two_makes_nothing_twice() {
    let env = start().await;
    let seat = product(&env, "Seat", None, "12.00", None);
    let fault = FaultRule::once("POST", "/services/data/**", Fault::ServerError).body_contains("\"PATCH\"");
    env.sandbox.salesforce.inject(fault);
    let outcome = applied(&env, &create(), true).await;
    assert_eq!((outcome.written.len(), outcome.exit()), (0, Exit::Unavailable));
    assert!(outcome.to_string().contains("Run it again: what is done is not done twice."), "{outcome}");
    assert!(set(&env, &seat).is_null());
    assert_eq!((made(&env).0.len(), made(&env).1.len()), (1, 1));
    // What was made is found by what stands on it, and nobody has to confirm anything.
    let again = applied(&env, &Wishes::default(), false).await;
    assert_eq!((again.written.len(), again.written[0].created, again.exit()), (1, false, Exit::Well));
    let (products, prices) = made(&env);
    assert_eq!((products.len(), prices.len()), (1, 1));
    assert_eq!(set(&env, &seat), prices[0]["id"]);
}

#[tokio::test]
async fn an_answer_that_is_lost_makes_nothing_twice() {
    for fault in [Fault::AnswerLost, Fault::HalfBody, Fault::ServerErrorAfterCommit, Fault::ServerError] {
        let env = start().await;
        let seat = product(&env, "Seat", None, "12.00", Some("Monthly"));
        env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/prices", fault.clone()));
        assert_eq!(applied(&env, &create(), true).await.exit(), Exit::Unavailable, "{fault:?}");
        let again = applied(&env, &create(), true).await;
        assert_eq!((again.written.len(), again.exit()), (1, Exit::Well), "{fault:?}: {again}");
        let (products, prices) = made(&env);
        assert_eq!((products.len(), prices.len()), (1, 1), "{fault:?}");
        assert_eq!(set(&env, &seat), prices[0]["id"]);
    }
}

/// The answer of a write is lost: it was done, or it was not, and doing it again is the same.
#[tokio::test]
async fn a_write_whose_answer_is_lost_is_done_once_more() {
    let env = start().await;
    let seat = product(&env, "Seat", Some("SEAT-1"), "12.00", Some("Monthly"));
    let price = monthly(&env, "Seat", 1200, "&lookup_key=SEAT-1").await;
    let fault = FaultRule::once("POST", "/services/data/**", Fault::AnswerLost).body_contains("\"PATCH\"");
    env.sandbox.salesforce.inject(fault);
    assert_eq!(applied(&env, &Wishes::default(), true).await.exit(), Exit::Unavailable);
    let again = applied(&env, &Wishes::default(), true).await;
    assert_eq!((again.written.len(), again.in_step, again.exit()), (0, 1, Exit::Well));
    assert_eq!(set(&env, &seat), json!(price));
}

/// While a person reads what is to be confirmed, another one chooses prices by hand.
#[tokio::test]
async fn what_somebody_sets_meanwhile_stays() {
    let env = start().await;
    let certain = product(&env, "Support Gold", Some("SUP-1"), "100.00", Some("Monthly"));
    let missing = product(&env, "Seat", None, "12.00", Some("Monthly"));
    monthly(&env, "Support Gold", 10_000, "&lookup_key=SUP-1").await;
    let other = monthly(&env, "Helpdesk", 9900, "").await;
    let outcome = created(&env, |_, _| {
        for product in [&certain, &missing] {
            env.update("Product2", product, json!({ "Stripe_Price_Id__c": other }));
        }
        true
    });
    let outcome = outcome.await;
    assert_eq!((outcome.written.len(), outcome.left.len(), outcome.exit()), (0, 2, Exit::NeedsPerson), "{outcome}");
    let why = format!("somebody set {other} meanwhile, which stays");
    assert!(outcome.left.iter().all(|left| left.why == why), "{outcome}");
    assert!([&certain, &missing].iter().all(|product| set(&env, product) == json!(other)));
    assert_eq!(made(&env).1.len(), 2, "and no price is made that nobody needs");
}

/// Stripe repeats for a day what it answered to a key: a price that somebody archived since is not written.
#[tokio::test]
async fn a_price_that_was_made_and_archived_since_is_not_written() {
    let env = start().await;
    let seat = product(&env, "Seat", None, "12.00", Some("Monthly"));
    applied(&env, &create(), true).await;
    let price = set(&env, &seat).as_str().unwrap().to_owned();
    env.update("Product2", &seat, json!({ "Stripe_Price_Id__c": null }));
    env.stripe_post(&format!("/v1/prices/{price}"), "active=false").await;
    let of = made(&env).0[0]["id"].as_str().unwrap().to_owned();
    env.stripe_post(&format!("/v1/products/{of}"), "active=false").await;
    let outcome = applied(&env, &create(), true).await;
    assert_eq!(outcome.left[0].why, format!("{price} was made for it, and is archived"), "{outcome}");
    assert!(set(&env, &seat).is_null());
}

/// Two that run it at the same time confirm the same price, and there is one.
#[tokio::test]
async fn two_who_run_it_at_once_make_one_price() {
    let env = start().await;
    let seat = product(&env, "Seat", None, "12.00", Some("Monthly"));
    let wishes = create();
    let (one, other) = futures::join!(applied(&env, &wishes, true), applied(&env, &wishes, true));
    assert_eq!((made(&env).0.len(), made(&env).1.len()), (1, 1), "{one}{other}");
    assert_eq!(set(&env, &seat), made(&env).1[0]["id"]);
    assert_eq!(suggested(&env).await.exit(), Exit::Well);
}
