//! What we write comes back by both sides, and is answered by no other write.

use domain::{Followed, InvoiceId, OpportunityId};
use it::{Deal, Env, Options, PERMISSIONS, TO_FOLLOW, Worked};
use jiff::SignedDuration;
use serde_json::{Value, json};
use workflow::RunId;

const CHANGES: &str = "aws.partner/salesforce.com/00D000000000001EAA/x";

/// Every change of an opportunity is told of, whoever made it, and so is everything at Stripe; nobody knows which changes are ours.
async fn everything_is_told() -> Env {
    let permissions = [&PERMISSIONS[..], &TO_FOLLOW].concat();
    let mut env = Env::with(Options { followed: Followed::everything(), permissions, ..Options::default() }).await;
    env.salesforce_door.integration_user_id = None;
    env.trigger(json!({ "relay": { "endpoint": "http://bus.test/", "bus": "salesforce", "source": CHANGES, "mode": "change_event" } }));
    env
}

/// Tells everybody of everything until nobody has anything to tell; how often that went to and fro.
async fn rounds(env: &Env) -> usize {
    let mut rounds = 0;
    loop {
        let told = env.deliver().await.len();
        while env.work(10).await != Worked::Nothing {}
        match env.sqs.next_visible_ms() {
            Some(next) => env.clock.advance(u32::try_from((next - env.clock.now_ms()).max(1)).unwrap()),
            None if told == 0 => return rounds,
            None => rounds += 1,
        }
        assert!(rounds < 8, "it goes round and round");
    }
}

/// How often something was written: at Stripe by us, and in Salesforce, whatever it was.
async fn writes(env: &Env, opportunity: &str, invoice: &str) -> (usize, usize) {
    let posts = env.stripe_calls().iter().filter(|call| call.starts_with("POST") || call.starts_with("DELETE")).count();
    let organization_id = env.worker.engine.scope.organization_id.clone();
    let invoice_id = InvoiceId::parse(invoice).unwrap();
    let runs = [
        RunId::OpportunityWon {
            organization_id: organization_id.clone(),
            opportunity_id: OpportunityId::parse(opportunity).unwrap(),
        },
        RunId::InvoicePaid { organization_id: organization_id.clone(), invoice_id: invoice_id.clone() },
        RunId::InvoiceChanged { organization_id: organization_id.clone(), invoice_id: invoice_id.clone() },
        RunId::PaymentFailed { organization_id, invoice_id },
    ];
    let mut written = 0;
    for run in &runs {
        let log = env.ledger().call_log(run).await.unwrap();
        written += log.iter().filter(|entry| entry.call == "update_records").count();
    }
    (posts, written)
}

/// A deal's whole life. Each step costs so many writes at Stripe and in Salesforce, by everything that was told of it, and the next look costs none.
#[tokio::test]
async fn what_we_write_is_answered_by_no_other_write() {
    let env = everything_is_told().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    rounds(&env).await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    let mut before = writes(&env, &opportunity, &invoice).await;
    // The customer, the draft, its lines and the sending; and the ids, the customer on the account with them, and that it is open.
    assert_eq!(before, (4, 2), "{:?}", env.stripe_calls());
    type Step = (&'static str, (usize, usize));
    let steps: [Step; 5] = [
        // The opportunity; and the case.
        ("overdue", (0, 2)),
        ("credited", (0, 2)),
        ("paid", (0, 2)),
        ("refunded", (0, 1)),
        // The customer is told once.
        ("renamed", (1, 0)),
    ];
    for (step, costs) in steps {
        env.advance(SignedDuration::from_hours(1));
        match step {
            "overdue" => env.advance(SignedDuration::from_hours(24 * 30)),
            "credited" => drop(
                env.stripe_post("/v1/credit_notes", &format!("invoice={invoice}&amount=1000&reason=order_change"))
                    .await,
            ),
            "paid" => env.pay_by_card(&invoice).await,
            "refunded" => {
                let charge = env.objects("charge")[0]["id"].as_str().unwrap().to_owned();
                drop(env.stripe_post("/v1/refunds", &format!("charge={charge}&amount=100")).await);
            }
            _ => {
                let account = env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
                env.update("Account", &account, json!({ "Phone": "+1 555 0100" }));
                env.advance(SignedDuration::from_mins(16));
                env.reconcile(engine::PassKind::Sweep).await;
            }
        }
        rounds(&env).await;
        let after = writes(&env, &opportunity, &invoice).await;
        let cost = (after.0 - before.0, after.1 - before.1);
        assert_eq!(cost, costs, "{step}");
        before = after;
    }
    // An hour of looking at everything again.
    let record = env.record("Opportunity", &opportunity);
    for _ in 0..4 {
        env.advance(SignedDuration::from_mins(16));
        env.reconcile(engine::PassKind::Sweep).await;
        rounds(&env).await;
    }
    assert_eq!(writes(&env, &opportunity, &invoice).await, before);
    assert_eq!(env.record("Opportunity", &opportunity), record, "not even touched");
    assert_eq!(env.sqs.dead_letters(), Vec::<Value>::new());
}
