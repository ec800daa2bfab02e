//! Idempotency keys: what they are made of, and for how long they are believed.

use std::collections::BTreeSet;

use it::{Deal, Env};
use jiff::SignedDuration;
use sandbox::{Fault, FaultRule};

use super::{billed_once, posts};

/// A deal whose answer to this write got lost after its effect, and the key that it was sent under.
async fn lost_at(path: &str) -> (Env, String, String) {
    let env = Env::start().await;
    env.sandbox.stripe.inject(FaultRule::once("POST", path, Fault::AnswerLost));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.deliver().await;
    env.work(1).await;
    let (_, key) = posts(&env).pop().expect("it was sent");
    (env, opportunity, key)
}

/// F10. Stripe forgets a key after 24 hours, and a retry after that charged a second time.
#[tokio::test]
async fn f10_a_key_is_believed_for_less_than_twenty_three_hours() {
    let hours = SignedDuration::from_hours;
    for path in ["/v1/customers", "/v1/invoices", "/v1/invoices/*/add_lines", "/v1/invoices/*/send"] {
        for (wait, is_believed) in [
            (hours(23) - SignedDuration::from_secs(1), true),
            (hours(23), false),
            (hours(25), false),
            (hours(72), false),
        ] {
            let (env, opportunity, key) = lost_at(path).await;
            env.advance(wait);
            env.clear_calls();
            env.settle_for_days().await;
            let title = format!("{path} after {wait:#}");
            let is_sent_again = posts(&env).iter().any(|(_, sent)| *sent == key);
            assert_eq!(is_sent_again, is_believed, "{title}: {:?}", posts(&env));
            let operation = path.rsplit('/').next().unwrap();
            let is_written = posts(&env).iter().any(|(path, _)| path.ends_with(operation));
            assert_eq!(is_written, is_believed, "{title}: what is found is not written again");
            billed_once(&env, &opportunity, &title);
        }
    }
}

/// F10, where nothing had happened: the look finds nothing, and only then there is a second key.
#[tokio::test]
async fn f10_what_is_not_found_is_made_under_the_next_key() {
    let env = Env::start().await;
    env.sandbox.stripe.inject(FaultRule::once("POST", "/v1/invoices", Fault::UnavailableHtml));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.deliver().await;
    env.work(1).await;
    let (_, key) = posts(&env).pop().unwrap();
    env.advance(SignedDuration::from_hours(25));
    env.clear_calls();
    env.settle_for_days().await;
    let look = env.stripe_calls().iter().position(|call| call == "GET /v1/invoices");
    let made = env.stripe_calls().iter().position(|call| call == "POST /v1/invoices");
    assert!(look.is_some() && look < made, "{:?}", env.stripe_calls());
    assert!(posts(&env).iter().all(|(_, sent)| *sent != key));
    billed_once(&env, &opportunity, "made at the second attempt");
}

/// What a deal sends in a world that is this old, as this deployment, and whose first request of each kind fails.
async fn sent(hours: i64, environment: &str) -> Vec<(String, String)> {
    let mut env = Env::start().await;
    env.worker.engine.scope.environment = environment.to_owned();
    env.advance(SignedDuration::from_hours(hours));
    for path in ["/v1/customers", "/v1/invoices", "/v1/invoices/*/add_lines", "/v1/invoices/*/send"] {
        env.sandbox.stripe.inject(FaultRule::once("POST", path, Fault::ServerError));
    }
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle_for_days().await;
    billed_once(&env, &opportunity, environment);
    posts(&env)
}

/// F11. Keys were random, or had the time in them, so that each attempt was a new charge.
#[tokio::test]
async fn f11_a_key_is_derived_from_what_is_done_and_from_nothing_else() {
    let first = sent(0, "test").await;
    assert_eq!(first, sent(31, "test").await, "another day and another process send the same keys");
    for attempts in first.chunks(2) {
        assert_eq!(attempts[0], attempts[1], "both attempts of {} have one key", attempts[0].0);
    }
    let keys: BTreeSet<_> = first.iter().map(|(_, key)| key.clone()).collect();
    assert_eq!((first.len(), keys.len()), (8, 4), "four writes, each sent twice");
    for key in &keys {
        let digits = key.strip_prefix("cw1_").expect("the version of the recipe stands in front");
        let is_digest = digits.len() == 36 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        assert!(is_digest, "{key} says something about somebody");
    }
    let elsewhere = sent(0, "staging").await;
    assert!(elsewhere.iter().all(|(_, key)| !keys.contains(key)), "two deployments never answer for each other");
}

/// F11, the other mistake: a key of the account would make the second deal an echo of the first.
#[tokio::test]
async fn f11_two_deals_of_one_account_share_no_key() {
    let env = Env::start().await;
    let account = env.account(&Deal::three_lines());
    for _ in 0..2 {
        let opportunity = env.enter_for(&account, &Deal::three_lines()).await;
        env.close(&opportunity);
        env.settle().await;
    }
    let sent = posts(&env);
    let keys: BTreeSet<_> = sent.iter().map(|(_, key)| key).collect();
    assert_eq!((sent.len(), keys.len()), (7, 7), "one customer, and three writes for each deal");
    assert_eq!(env.invoices().len(), 2);
}

/// F12. A key outlived what it had made: it went on answering with an object that was deleted long ago.
#[tokio::test]
async fn f12_a_replayed_success_is_read_again_before_it_is_believed() {
    for (path, object) in [("/v1/customers", "customer"), ("/v1/invoices", "invoice")] {
        let (env, opportunity, key) = lost_at(path).await;
        let deleted = env.objects(object)[0]["id"].as_str().unwrap().to_owned();
        env.stripe_delete(&format!("{path}/{deleted}"));
        env.clear_calls();
        env.settle_for_days().await;
        let requests = env.sandbox.stripe.requests();
        let replay = requests.iter().position(|request| request.replayed).expect("Stripe still knows the key");
        assert_eq!((&requests[replay].path[..], requests[replay].idempotency_key.as_ref()), (path, Some(&key)));
        let calls = &env.stripe_calls()[replay + 1..];
        assert_eq!(calls[0], format!("GET {path}/{deleted}"), "it is read before anything is done with it");
        assert!(calls.contains(&format!("POST {path}")), "and made under the next key: {calls:?}");
        assert_eq!(posts(&env).iter().filter(|(_, sent)| *sent == key).count(), 1);
        billed_once(&env, &opportunity, path);
        assert!(env.invoices().iter().all(|invoice| invoice["id"] != deleted.as_str()));
        assert_ne!(env.record("Opportunity", &opportunity)["Stripe_Customer_Id__c"], deleted.as_str());
    }
}
