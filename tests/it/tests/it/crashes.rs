//! The process dies at every moment there is: before and after each call to DynamoDB, Stripe, Salesforce and SQS.

use it::{Deal, Env, Worked};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// Works until nothing is left; a process that died is followed by another when the message is visible again.
pub async fn settle_over_deaths(env: &Env, wait: SignedDuration) -> u32 {
    let mut deaths = 0;
    loop {
        env.deliver().await;
        match env.work(10).await {
            Worked::Something => {}
            Worked::Died => {
                deaths += 1;
                env.fuse.disarm();
                env.advance(wait);
            }
            Worked::Nothing => {
                let Some(next) = env.sqs.next_visible_ms() else {
                    return deaths;
                };
                env.clock.advance(u32::try_from((next - env.clock.now_ms()).max(1)).unwrap());
            }
        }
    }
}

/// What both sides hold in the end; ids differ between histories and are left out.
fn end_state(env: &Env, opportunity: &str) -> Value {
    let record = env.record("Opportunity", opportunity);
    let invoices: Vec<_> = env
        .invoices()
        .iter()
        .map(|invoice| json!({ "status": invoice["status"], "total": invoice["total"], "is_named": invoice["id"] == record["Stripe_Invoice_Id__c"], "tax_ids": invoice["customer_tax_ids"] }))
        .collect();
    json!({
        "customers": env.objects("customer").iter().map(|customer| json!([customer["email"], customer["address"]])).collect::<Vec<_>>(),
        "invoices": invoices,
        "paid": record["Payment_Received__c"],
        "code": record["Stripe_Sync_Status__c"],
        "dead_letters": env.sqs.dead_letters().len(),
    })
}

/// Until the invoice is paid. How often the process died.
async fn story(env: &Env, wait: SignedDuration) -> u32 {
    let mut deaths = settle_over_deaths(env, wait).await;
    let open: Vec<_> = env.invoices().into_iter().filter(|invoice| invoice["status"] == "open").collect();
    if let Some(invoice) = open.first() {
        env.pay(invoice["id"].as_str().unwrap()).await;
        deaths += settle_over_deaths(env, wait).await;
    }
    deaths
}

async fn won(deal: Deal) -> (Env, String) {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&deal).await;
    (env, opportunity)
}

/// Every moment of the story, each with a death at it, and then time passing.
pub async fn dies_at_every_moment(begin: impl AsyncFn() -> (Env, String), wait: SignedDuration) {
    let (undisturbed, opportunity) = begin().await;
    story(&undisturbed, wait).await;
    let expected = end_state(&undisturbed, &opportunity);
    assert_eq!(undisturbed.invoices_that_count().len(), 1);
    assert_eq!(expected["paid"], true);
    let moments = undisturbed.fuse.passed();
    assert!(moments > 30, "the story has {moments} moments");
    for moment in 0..moments {
        let (env, opportunity) = begin().await;
        env.fuse.arm(moment);
        assert_eq!(story(&env, wait).await, 1, "moment {moment}");
        assert_eq!(end_state(&env, &opportunity), expected, "died at moment {moment}");
    }
}

#[tokio::test]
async fn dying_at_any_moment_and_going_on_when_the_lease_ends_is_the_same_story() {
    dies_at_every_moment(async || won(Deal::three_lines()).await, SignedDuration::from_secs(400)).await;
}

#[tokio::test]
async fn dying_at_any_moment_and_going_on_after_stripe_forgot_the_keys_is_the_same_story() {
    dies_at_every_moment(async || won(Deal::three_lines()).await, SignedDuration::from_hours(25)).await;
}

#[tokio::test]
async fn dying_at_any_moment_of_a_negotiated_deal_is_the_same_story() {
    let negotiated = async || won(Deal::negotiated("100", 10_000, "80", "3")).await;
    dies_at_every_moment(negotiated, SignedDuration::from_secs(400)).await;
}

#[tokio::test]
async fn dying_at_any_moment_of_a_refusal_still_tells_and_reports_it() {
    let deal = || Deal { country: "Narnia".into(), ..Deal::three_lines() };
    let mut moments = 0;
    for moment in 0.. {
        let mut env = Env::start().await;
        env.expect_dead_letters();
        env.fuse.arm(moment);
        let opportunity = env.opportunity_won(&deal()).await;
        let deaths = settle_over_deaths(&env, SignedDuration::from_secs(400)).await;
        let record = env.record("Opportunity", &opportunity);
        assert_eq!(record["Stripe_Sync_Status__c"], "billing_country_unknown", "died at moment {moment}");
        let dead_letters = env.sqs.dead_letters();
        assert!((1..=2).contains(&dead_letters.len()), "died at moment {moment}: {dead_letters:?}");
        assert_eq!(dead_letters[0]["parked"]["code"], "billing_country_unknown");
        assert!(env.invoices().is_empty());
        if deaths == 0 {
            break;
        }
        moments += 1;
    }
    assert!(moments > 10, "{moments}");
}

#[tokio::test]
async fn a_process_that_freezes_past_its_lease_and_wakes_up_changes_nothing() {
    freezes_at_every_moment(async || won(Deal::three_lines()).await).await;
}

/// Whoever works on it stands still at this moment, another one goes on when the lease ends, and then the first wakes up.
pub async fn goes_on_while_it_stands_still(env: &Env, moment: u64) {
    env.deliver().await;
    let others = async {
        env.advance(SignedDuration::from_secs(400));
        env.settle_for_days().await;
    };
    env.stands_still_at(moment, others).await;
    env.settle_for_days().await;
}

pub async fn freezes_at_every_moment(begin: impl AsyncFn() -> (Env, String)) {
    let (undisturbed, opportunity) = begin().await;
    undisturbed.settle().await;
    let expected = end_state(&undisturbed, &opportunity);
    for moment in 0..undisturbed.fuse.passed() {
        let (env, opportunity) = begin().await;
        goes_on_while_it_stands_still(&env, moment).await;
        let invoices = env.invoices_that_count();
        assert_eq!(invoices.len(), 1, "froze at moment {moment}");
        assert_eq!(env.objects("customer").len(), 1, "froze at moment {moment}");
        assert_eq!(end_state(&env, &opportunity), expected, "froze at moment {moment}");
        assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], invoices[0]["id"]);
    }
}
