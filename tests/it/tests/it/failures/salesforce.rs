//! What our own writes cause in Salesforce, and what others' cause for ours.

use it::{Deal, Env};
use jiff::SignedDuration;
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use super::{billed_once, changed, note, run, run_id};

/// The outcomes of every write of this run to Salesforce.
async fn writes(env: &Env, opportunity: &str) -> Vec<String> {
    let log = env.ledger().call_log(&run_id(env, opportunity)).await.unwrap();
    log.into_iter().filter(|entry| entry.call == "update_records").map(|entry| entry.outcome).collect()
}

/// F27. The write-back changed the record, the change came back as an event, and the event was written back.
#[tokio::test]
async fn f27_an_unchanged_record_is_not_written() {
    for (country, code) in [("United States", Value::Null), ("Narnia", json!("billing_country_unknown"))] {
        let mut env = Env::start().await;
        env.expect_dead_letters();
        // Nobody has told the door which user we are, so that every echo reaches the worker.
        env.salesforce_door.integration_user_id = None;
        let relay = json!({
            "endpoint": "http://bus.test/", "bus": "salesforce", "source": "aws.partner/salesforce.com/00D000000000001EAA/x",
            "mode": "change_event",
        });
        env.trigger(json!({ "relay": relay }));
        let opportunity = env.opportunity_won(&Deal { country: country.into(), ..Deal::three_lines() }).await;
        let mut rounds = 0;
        while !env.deliver().await.is_empty() {
            while env.work(10).await != it::Worked::Nothing {}
            rounds += 1;
            assert!(rounds < 5, "{country}: it goes round and round");
        }
        assert_eq!(note(&env, &opportunity), code);
        assert_eq!(writes(&env, &opportunity).await, ["ok"], "{country}");
        let letters = env.sqs.dead_letters().len();
        let record = env.record("Opportunity", &opportunity);
        for number in 0..10 {
            env.advance(SignedDuration::from_mins(5));
            env.sqs.put(&changed(&env, &format!("msg_{number}"), &opportunity));
            env.settle().await;
        }
        assert_eq!(env.record("Opportunity", &opportunity), record, "{country}: not even touched");
        assert_eq!((writes(&env, &opportunity).await.len(), env.sqs.dead_letters().len()), (1, letters), "{country}");
    }
}

/// What a composite write is answered when a trigger of the organization ran into somebody's lock on the account.
fn locked_in_a_trigger() -> Fault {
    let message = "ClosedwonAudit: System.DmlException: Update failed. First exception on row 0; first error: \
        UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this record or 1 records: 001000000000001AAA: []";
    let part = |code: &str, message: &str, reference: &str| {
        json!({
            "body": [{ "errorCode": code, "message": message, "fields": [] }],
            "httpHeaders": {}, "httpStatusCode": 400, "referenceId": reference,
        })
    };
    let parts = [
        part("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message, "update0"),
        part("PROCESSING_HALTED", "The transaction was rolled back since another operation failed.", "update1"),
    ];
    Fault::Status { status: 200, body: json!({ "compositeResponse": parts }).to_string() }
}

/// F29. A lock showed up inside a trigger's message, was taken for a refusal, and all who had met it came back at once.
#[tokio::test]
async fn f29_a_row_lock_in_a_triggers_message_is_tried_again_each_at_its_own_time() {
    let env = Env::start().await;
    let mut deals = Vec::new();
    for number in 0..3 {
        deals.push(env.opportunity_won(&Deal { account: format!("Account {number}"), ..Deal::three_lines() }).await);
        env.deliver().await;
        // What differs between messages is made of their ids, which the queue of a story counts.
        for _ in 0..96 {
            env.sqs.put("in between");
            let last = env.sqs.work().pop().unwrap();
            env.sqs.delete(&last.id);
        }
    }
    let locked = FaultRule::once("POST", "/services/data/**", locked_in_a_trigger()).body_contains("PATCH");
    env.sandbox.salesforce.inject(locked.times(9));
    for wait in [0, 4, 9] {
        env.advance(SignedDuration::from_secs(wait));
        env.invoke(env.sqs.receive(10)).await;
        for deal in &deals {
            let stored = run(&env, deal).await;
            assert_eq!((stored.status.as_str(), stored.run.stop()), ("open", None), "after {wait} s");
            assert_eq!((note(&env, deal), env.sqs.work().len()), (Value::Null, 3), "after {wait} s");
        }
    }
    // Eighteen seconds by now, and up to a quarter more.
    let mut came_back = Vec::new();
    while let Some(next) = env.sqs.next_visible_ms().filter(|next| *next < env.clock.now_ms() + 100_000) {
        let wait = u32::try_from(next - env.clock.now_ms()).unwrap();
        env.clock.advance(wait);
        came_back.push(env.clock.now_ms());
        env.invoke(env.sqs.receive(10)).await;
    }
    assert!(came_back.len() > 1, "they all came back at {came_back:?}");
    for deal in &deals {
        let tries = ["no_effect", "no_effect", "no_effect", "ok"];
        assert_eq!(writes(&env, deal).await, tries, "account, ids and link are one write, and it was made once");
    }
    assert_eq!(env.invoices().len(), 3);
    env.settle().await;
}

/// F29, one deal by itself: what the customer has is not doubled by a write that had to wait.
#[tokio::test]
async fn f29_a_write_that_had_to_wait_bills_nothing_twice() {
    let env = Env::start().await;
    let locked = FaultRule::once("POST", "/services/data/**", locked_in_a_trigger()).body_contains("PATCH");
    env.sandbox.salesforce.inject(locked.times(8));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle_for_days().await;
    billed_once(&env, &opportunity, "after eight locks");
}
