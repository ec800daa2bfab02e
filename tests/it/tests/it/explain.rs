//! `closedwon explain`: whoever asks what became of a deal is told, by whatever id they have.

use closedwon::explain::{Story, explain};
use closedwon::{Exit, Subject};
use domain::OrganizationId;
use it::{Deal, Env, Options};
use serde_json::{Value, json};

async fn story(env: &Env, id: &str) -> Story {
    let organization: OrganizationId = env.worker.engine.scope.organization_id.clone();
    explain(&env.ledger(), &organization, &Subject::parse(id).unwrap(), env.now()).await.unwrap()
}

fn workflows(story: &Story) -> Vec<&'static str> {
    story.chapters.iter().map(|chapter| chapter.workflow).collect()
}

async fn paid() -> (Env, String, String) {
    let (env, opportunity, invoice) = crate::payment::billed_with(Options::default()).await;
    env.pay(&invoice).await;
    env.settle().await;
    (env, opportunity, invoice)
}

#[tokio::test]
async fn a_deal_is_told_with_every_call_and_its_payment() {
    let (env, opportunity, invoice) = paid().await;
    let told = story(&env, &opportunity).await;
    assert_eq!((told.exit(), workflows(&told)), (Exit::Well, vec!["opportunity_won", "invoice_paid"]));
    let text = told.to_string();
    for said in [
        format!(
            "Billing of opportunity {opportunity}\n  Done: the customer has the invoice, and Salesforce names it (done)\n"
        ),
        format!("  invoice: {invoice}\n"),
        "  billed: 110.00 USD\n".to_owned(),
        format!("stripe create_invoice {}", env.objects("customer")[0]["id"].as_str().unwrap()),
        format!("Payment of invoice {invoice}\n  Done: the opportunity says what came in (done)\n"),
        format!("  told on: {opportunity}\n"),
    ] {
        assert!(text.contains(&said), "{said}\n{text}");
    }
    // Whatever was asked of the vendors stands there, in that order, and with Stripe's id of the request.
    let calls: Vec<_> = told.chapters[0].calls.iter().map(|call| call.call.as_str()).collect();
    let sent = calls.iter().position(|call| *call == "send_invoice").unwrap();
    assert!(calls[..sent].contains(&"create_invoice") && calls[sent..].contains(&"update_records"), "{calls:?}");
    assert!(told.chapters[0].calls[sent].request_id.as_deref().is_some_and(|id| id.starts_with("req_")));
    // By its invoice it is the same story, told once.
    let of_invoice = story(&env, &format!("https://dashboard.stripe.com/test/invoices/{invoice}")).await;
    assert_eq!(of_invoice.chapters.len(), 2);
    let account = env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
    let of_account = story(&env, &account).await;
    assert_eq!(workflows(&of_account), ["account_customer"]);
    assert!(of_account.to_string().contains("Done: the account has its customer (known)"), "{of_account}");
}

#[tokio::test]
async fn programs_read_the_same_as_json() {
    let (env, opportunity, invoice) = paid().await;
    let told: Value = serde_json::from_str(&story(&env, &opportunity).await.to_json()).unwrap();
    let deal = &told["chapters"][0];
    assert_eq!((&told["subject"], &deal["status"]), (&json!(opportunity), &json!("done")));
    assert!(deal["made"].as_array().unwrap().contains(&json!(["invoice", invoice])), "{deal}");
    let sent = deal["calls"].as_array().unwrap().iter().find(|call| call["call"] == "send_invoice").unwrap();
    assert_eq!((&sent["outcome"], &sent["target"]), (&json!("ok"), &json!(invoice)));
}

/// Why it was not billed, whose business that is, and what to do.
#[tokio::test]
async fn a_refusal_is_told_with_what_mends_it() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal { email: None, ..Deal::three_lines() }).await;
    env.settle().await;
    let told = story(&env, &opportunity).await;
    assert_eq!(told.exit(), Exit::NeedsPerson);
    let stopped = told.chapters[0].stopped.as_ref().unwrap();
    let code = env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"].as_str().unwrap().to_owned();
    assert!(code.contains(stopped.code), "{code}: {}", stopped.code);
    let text = told.to_string();
    for said in
        ["  Waits for a person: it stands still, for this reason (stopped)\n", stopped.message.as_str(), stopped.remedy]
    {
        assert!(text.contains(said), "{said}\n{text}");
    }
}

/// A deal's subscription, and what became of it.
#[tokio::test]
async fn a_subscription_is_part_of_its_deals_story() {
    let env = Env::with(crate::subscriptions::options(mapping::LineSource::CpqQuote)).await;
    let opportunity = crate::subscriptions::won(&env, &crate::subscriptions::day(&env, 0)).await;
    env.settle().await;
    let told = story(&env, &opportunity).await;
    assert!(workflows(&told).contains(&"subscription_changed"), "{told}");
    let subscription = env.objects("subscription")[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(workflows(&story(&env, &subscription).await), ["subscription_changed"]);
}

/// What somebody changed in the ledger, or took out of it, is not told as if it had happened.
#[tokio::test]
async fn a_story_that_was_tampered_with_is_not_told() {
    let (env, opportunity, _) = paid().await;
    let items = env.aws.items();
    let is_call = |item: &&Value| {
        item["sk"]["S"].as_str().is_some_and(|key| key.starts_with("call#"))
            && item["pk"]["S"].as_str().is_some_and(|key| key.contains(&opportunity))
    };
    let mut entry = items.iter().find(is_call).unwrap().clone();
    entry["document"]["S"] = json!(entry["document"]["S"].as_str().unwrap().replace("\"ok\"", "\"no\""));
    env.aws.put(&entry);
    let organization = env.worker.engine.scope.organization_id.clone();
    let why =
        explain(&env.ledger(), &organization, &Subject::parse(&opportunity).unwrap(), env.now()).await.unwrap_err();
    assert!(why.to_string().contains("chain") || why.to_string().contains("does not follow"), "{why}");
}

/// Calls are kept for 400 days, and the run for ever.
#[tokio::test]
async fn a_deal_is_told_when_its_calls_are_gone() {
    let (env, opportunity, _) = paid().await;
    for _ in 0..21 {
        env.advance(jiff::SignedDuration::from_hours(24 * 20));
    }
    let told = story(&env, &opportunity).await;
    assert!(told.chapters.iter().all(|chapter| chapter.calls.is_empty()), "{told}");
    assert!(told.to_string().contains("Done: the customer has the invoice"), "{told}");
}

/// Whoever waits says what for.
#[tokio::test]
async fn what_is_waited_for_is_told() {
    let (mut env, opportunity, invoice) = crate::payment::billed_with(Options::default()).await;
    env.expect_dead_letters();
    env.update("Opportunity", &opportunity, json!({ "Stripe_Invoice_Id__c": null }));
    env.pay(&invoice).await;
    env.settle().await;
    let text = story(&env, &invoice).await.to_string();
    assert!(text.contains("  waits for the other side since 2026-"), "{text}");
    assert!(
        text.contains(&format!(
            "  if that never comes: Invoice {invoice} is paid, and opportunity {opportunity} names no"
        )),
        "{text}"
    );
    env.settle_for_days().await;
    assert_eq!(story(&env, &invoice).await.exit(), Exit::NeedsPerson);
}

#[tokio::test]
async fn what_nobody_has_told_of_is_unknown() {
    let env = Env::with(Options::default()).await;
    let told = story(&env, "006000000000001AAA").await;
    assert_eq!(told.exit(), Exit::Unknown);
    assert!(told.to_string().starts_with("Nothing is kept under 006000000000001AAA: "), "{told}");
    let nobodys = story(&env, "in_nobodys").await;
    assert_eq!((nobodys.exit(), nobodys.chapters.len()), (Exit::Unknown, 0));
}
