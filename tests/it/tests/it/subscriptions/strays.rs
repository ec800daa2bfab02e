//! Subscriptions of ours that no deal settled on, and what looks like one.

use super::*;

/// A deal that is billed by its subscription, and another subscription that says the same of itself, with these changes.
async fn beside(changes: &[(&str, &str)]) -> (Env, String, Value) {
    let env = selling().await;
    let opportunity = won(&env, &day(&env, 0)).await;
    env.settle().await;
    let first = subscriptions(&env).remove(0);
    let mut body = format!(
        "customer={}&collection_method=send_invoice&days_until_due=30&items[0][price]={}",
        first["customer"].as_str().unwrap(),
        env.objects("price").iter().find(|price| price["recurring"].is_object()).unwrap()["id"].as_str().unwrap()
    );
    for (key, value) in first["metadata"].as_object().unwrap() {
        let value = changes.iter().find(|(name, _)| name == key).map_or(value.as_str().unwrap(), |(_, value)| value);
        body.push_str(&format!("&metadata[{key}]={value}"));
    }
    let second = env.stripe_post("/v1/subscriptions", &body).await;
    assert!(second["id"].is_string(), "{second}");
    (env, opportunity, second)
}

fn status(env: &Env, subscription: &Value) -> Value {
    subscriptions(env).iter().find(|one| one["id"] == subscription["id"]).unwrap()["status"].clone()
}

/// It is taken away before Stripe sends its first invoice, but not while somebody may be about to settle on it.
#[tokio::test]
async fn one_that_no_deal_settled_on_is_taken_away_within_the_hour() {
    let (env, _, second) = beside(&[]).await;
    env.advance(SignedDuration::from_mins(14));
    assert_eq!(env.reconcile(PassKind::Sweep).await.orphans_deleted, 0);
    assert_eq!(status(&env, &second), "active");
    env.advance(SignedDuration::from_mins(2));
    let pass = env.reconcile(PassKind::Sweep).await;
    assert_eq!((pass.orphans_deleted, pass.differences.len()), (1, 0), "{pass:?}");
    assert_eq!(status(&env, &second), "canceled");
    assert_eq!(subscriptions(&env).iter().filter(|one| one["status"] == "active").count(), 1, "the deal's own stays");
}

/// A customer has its invoice: it is for a person to say which of the two is right.
#[tokio::test]
async fn one_that_a_customer_has_an_invoice_of_is_told() {
    let (env, opportunity, second) = beside(&[]).await;
    env.advance(SignedDuration::from_hours(2));
    env.let_stripe_catch_up();
    let pass = env.reconcile(PassKind::Deep).await;
    assert_eq!((status(&env, &second), pass.orphans_deleted), (json!("active"), 0));
    let told: Vec<_> = pass.differences.iter().filter(|one| one.cause == "second_subscription").collect();
    let [told] = told[..] else { panic!("{pass:?}") };
    assert_eq!(told.opportunity_id.as_ref().map(ToString::to_string), Some(opportunity));
    assert!(told.invoice_id.is_some() && told.at_stripe.is_some(), "{told:?}");
}

/// What another deployment, another run or a person made is theirs.
#[tokio::test]
async fn one_that_we_did_not_make_is_left_alone() {
    for changes in [
        ("closedwon_environment", "elsewhere"),
        ("closedwon_run", "run#00D000000000001EAA:006000000000009AAA:opportunity_won:1"),
        ("sf_opportunity_id", "none"),
    ] {
        let (env, _, second) = beside(&[changes]).await;
        for (wait, kind) in [(16, PassKind::Sweep), (120, PassKind::Deep)] {
            env.advance(SignedDuration::from_mins(wait));
            let pass = env.reconcile(kind).await;
            let told = pass.differences.iter().any(|one| one.cause == "second_subscription");
            assert_eq!((pass.orphans_deleted, told), (0, false), "{changes:?}: {pass:?}");
        }
        assert_eq!(status(&env, &second), "active", "{changes:?}");
    }
}
