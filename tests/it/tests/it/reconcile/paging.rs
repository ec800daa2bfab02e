//! Long ways, short times, and vendors that ask to slow down.

use domain::OpportunityId;
use engine::PassKind;
use it::{Deal, Env};
use jiff::SignedDuration;
use lambda_runtime::{Context, LambdaEvent};
use sandbox::{Fault, FaultRule};
use serde_json::json;

use super::{billed_once, succeeded_at, swept};

fn body(env: &Env) -> Vec<String> {
    env.sqs.work().into_iter().map(|message| message.body).collect()
}

#[tokio::test]
async fn two_hundred_and_fifty_open_runs_are_all_found() {
    let env = Env::start().await;
    swept(&env).await;
    // Nobody works on them: each was begun, and its worker died.
    for number in 0..250 {
        let id = OpportunityId::parse(&format!("006{number:012}")).unwrap();
        let organization_id = env.worker.engine.scope.organization_id.clone();
        let point = workflow::opportunity_won::Point::Claimed { opportunity_id: id.clone() };
        let run_id = workflow::RunId::OpportunityWon { organization_id, opportunity_id: id };
        let run = workflow::Run::new(run_id, workflow::State::OpportunityWon(point));
        let claim = ledger::Claim {
            owner: "dead".into(),
            reopen: ledger::Reopen::Always,
            now: env.now(),
            lease_until: env.now(),
            restored: None,
        };
        env.ledger().begin(run, &claim).await.unwrap();
    }
    env.advance(SignedDuration::from_mins(16));
    let reconciled = env.reconcile(PassKind::Sweep).await;
    assert!(reconciled.is_finished, "{:?}", reconciled.pauses);
    assert_eq!(reconciled.requeued, 250);
    let asked: std::collections::BTreeSet<_> = body(&env).into_iter().filter(|body| body.contains("run_due")).collect();
    assert_eq!(asked.len(), 250);
    env.sqs.purge();
}

#[tokio::test]
async fn a_bulk_load_of_one_moment_is_read_to_its_end() {
    let env = Env::start().await;
    swept(&env).await;
    // All of them change in the same millisecond, and none has a run.
    let account = env.account(&Deal::three_lines());
    for _ in 0..401 {
        let fields = json!({ "Name": "x", "AccountId": account, "StageName": "Closed Won", "CloseDate": "2026-11-30", "Amount": 10 });
        env.insert("Opportunity", fields);
    }
    env.sandbox.salesforce.take_deliveries();
    env.clear_calls();
    let reconciled = env.reconcile(PassKind::Sweep).await;
    assert!(reconciled.is_finished);
    assert_eq!(reconciled.requeued, 401);
    assert_eq!(env.salesforce_calls().len(), 3 + 2, "one call a page, one for accounts and one for refused deals");
    let mut bodies = body(&env);
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 401);
    env.sqs.purge();
}

#[tokio::test]
async fn a_limit_in_the_middle_is_no_success_and_the_next_pass_goes_on_where_it_stopped() {
    let env = Env::start().await;
    swept(&env).await;
    let first_success = succeeded_at(&env, "sweep").await;
    let account = env.account(&Deal::three_lines());
    for _ in 0..401 {
        let fields = json!({ "Name": "x", "AccountId": account, "StageName": "Closed Won", "CloseDate": "2026-11-30", "Amount": 10 });
        env.insert("Opportunity", fields);
    }
    env.sandbox.salesforce.take_deliveries();
    env.advance(SignedDuration::from_mins(15));
    // The second page is refused.
    env.sandbox.salesforce.inject(FaultRule::once("POST", "/services/data/**", Fault::RateLimited).skip(1));
    let limited = env.reconcile(PassKind::Sweep).await;
    assert!(!limited.is_finished);
    assert_eq!(
        (limited.requeued, limited.pauses[0].0, limited.pauses[0].1.code),
        (200, "deals", "salesforce_limit_reached")
    );
    assert_eq!(succeeded_at(&env, "sweep").await, first_success);
    assert!(succeeded_at(&env, "events").await > first_success, "Stripe is asked all the same");
    env.advance(SignedDuration::from_mins(15));
    env.clear_calls();
    let resumed = env.reconcile(PassKind::Sweep).await;
    assert!(resumed.is_finished, "{:?}", resumed.pauses);
    assert_eq!((resumed.requeued, env.salesforce_calls().len()), (201, 2 + 2), "the first page is not read again");
    assert!(succeeded_at(&env, "sweep").await > first_success);
    env.sqs.purge();
}

#[tokio::test]
async fn a_walk_through_stripes_events_goes_on_at_the_page_where_it_stopped() {
    let env = Env::start().await;
    swept(&env).await;
    // Of somebody else, and paid at once, since there is nothing to pay.
    let customer = env.stripe_post("/v1/customers", "name=x").await["id"].as_str().unwrap().to_owned();
    for _ in 0..201 {
        let invoice = env.stripe_post("/v1/invoices", &format!("customer={customer}")).await;
        let path = format!("/v1/invoices/{}", invoice["id"].as_str().unwrap());
        env.stripe_post(&format!("{path}/add_lines"), "lines[0][amount]=0&lines[0][description]=x").await;
        env.stripe_post(&format!("{path}/finalize"), "").await;
    }
    env.sandbox.stripe.take_deliveries();
    env.clear_calls();
    env.sandbox.stripe.inject(FaultRule::once("GET", "/v1/events", Fault::RateLimited).skip(1));
    assert!(!env.reconcile(PassKind::Sweep).await.is_finished);
    assert!(env.reconcile(PassKind::Sweep).await.is_finished);
    let pages = env.stripe_calls().into_iter().filter(|call| call == "GET /v1/events").count();
    assert_eq!(pages, 4, "three pages, one of which was refused once");
    assert!(env.sqs.work().is_empty());
}

#[tokio::test]
async fn stripes_limit_stops_what_needs_stripe_and_nothing_else() {
    let env = Env::start().await;
    swept(&env).await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.sandbox.salesforce.take_deliveries();
    env.advance(SignedDuration::from_mins(16));
    env.sandbox.stripe.inject(FaultRule::once("GET", "/v1/events", Fault::RateLimited));
    env.clear_calls();
    let limited = env.reconcile(PassKind::Sweep).await;
    assert!(!limited.is_finished);
    assert_eq!(limited.pauses.iter().map(|(part, _)| *part).collect::<Vec<_>>(), ["events"]);
    assert_eq!(env.stripe_calls(), ["GET /v1/events"], "nobody who asks to slow down is asked again");
    env.settle().await;
    billed_once(&env, &opportunity);
}

#[tokio::test]
async fn a_pass_without_time_does_nothing_and_says_so() {
    let env = Env::start().await;
    env.clear_calls();
    let reconciled = env.reconcile_within(PassKind::Deep, SignedDuration::from_secs(19)).await;
    assert!(!reconciled.is_finished);
    assert!(reconciled.pauses.iter().any(|(_, pause)| pause.code == "out_of_time"));
    assert_eq!(env.stripe_calls().len() + env.salesforce_calls().len(), 0);
    // A deep pass that was begun is brought to its end by the sweeps.
    let reconciled = env.reconcile(PassKind::Sweep).await;
    assert!(reconciled.is_finished && reconciled.statement.is_some());
    assert!(succeeded_at(&env, "deep").await.is_some());
    assert!(env.reconcile(PassKind::Sweep).await.statement.is_none(), "once a day is enough");
}

#[tokio::test]
async fn two_reconcilers_at_once_do_no_harm() {
    let env = Env::start().await;
    swept(&env).await;
    let missed = env.opportunity_won(&Deal::three_lines()).await;
    env.sandbox.salesforce.take_deliveries();
    env.advance(SignedDuration::from_hours(2));
    let (one, other) = futures::join!(env.reconcile(PassKind::Deep), env.reconcile(PassKind::Deep));
    assert!(one.is_finished || other.is_finished, "{:?} {:?}", one.pauses, other.pauses);
    env.settle().await;
    billed_once(&env, &missed);
    assert!(swept(&env).await.is_finished);
}

#[tokio::test]
async fn a_reconciler_that_dies_at_any_moment_leaves_nothing_undone() {
    let mut moment = 0;
    loop {
        let env = Env::start().await;
        swept(&env).await;
        let missed = env.opportunity_won(&Deal::with_lines(1, "USD")).await;
        env.sandbox.salesforce.take_deliveries();
        env.advance(SignedDuration::from_mins(16));
        env.fuse.arm(moment);
        let has_died = env.fuse.until_blown(env.reconcile(PassKind::Deep)).await.is_none();
        env.fuse.disarm();
        env.advance(SignedDuration::from_mins(16));
        let again = env.reconcile(PassKind::Deep).await;
        assert!(again.is_finished, "died at {moment}: {:?}", again.pauses);
        env.settle().await;
        billed_once(&env, &missed);
        if !has_died {
            assert!(moment > 50, "it died at {moment} moments only");
            return;
        }
        moment += 1;
    }
}

#[tokio::test]
async fn a_deep_pass_that_was_never_begun_is_made_up_for() {
    let env = Env::start().await;
    swept(&env).await;
    env.advance(SignedDuration::from_hours(26));
    assert!(swept(&env).await.statement.is_none());
    env.advance(SignedDuration::from_secs(1));
    let made = swept(&env).await.statement.expect("it is overdue");
    assert_eq!(made.day.to_string(), "2026-11-23");
    env.advance(SignedDuration::from_mins(15));
    assert!(swept(&env).await.statement.is_none());
}

/// As the schedule invokes it.
#[tokio::test]
async fn the_schedules_events_are_understood_and_others_are_not() {
    let env = Env::start().await;
    let invoke = async |payload: serde_json::Value| {
        let mut context = Context::default();
        context.deadline = u64::try_from(env.clock.now_ms() + 300_000).unwrap();
        let request = serde_json::from_value(payload).map_err(|error| error.to_string())?;
        let answer = reconciler::handle(&env.reconciler, LambdaEvent::new(request, context)).await;
        answer.map_err(|error| error.to_string())
    };
    let swept = invoke(json!({ "pass": "sweep" })).await.unwrap();
    assert!(swept.finished && swept.statement_of.is_none());
    let deep = invoke(json!({ "pass": "deep" })).await.unwrap();
    assert_eq!((deep.finished, deep.statement_of.as_deref()), (true, Some("2026-11-22")));
    for payload in [json!({ "pass": "shallow" }), json!({}), json!({ "pass": "sweep", "extra": 1 })] {
        assert!(invoke(payload).await.is_err());
    }
}
