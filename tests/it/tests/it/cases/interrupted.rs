//! Whoever looks after a failure dies, or stands still, at any moment.

use super::*;
use crate::crashes::settle_over_deaths;
use crate::operator::restore;

async fn failed() -> (Env, String) {
    let (env, _, invoice) = billed().await;
    fails(&env, &invoice);
    env.fuse.count_anew();
    (env, invoice)
}

/// The moments of opening a case, and of closing it.
async fn moments() -> [u64; 2] {
    let (env, invoice) = failed().await;
    env.settle().await;
    let opening = env.fuse.passed();
    env.fuse.count_anew();
    env.pay(&invoice).await;
    env.settle().await;
    let closing = env.fuse.passed();
    assert!(opening > 8 && closing > 16, "{opening} {closing}");
    [opening, closing]
}

/// There is one case, and the task comes in its time.
#[tokio::test]
async fn dying_at_any_moment_makes_one_case_and_one_task() {
    let [opening, _] = moments().await;
    for moment in 0..opening {
        let (env, _) = failed().await;
        env.fuse.arm(moment);
        assert_eq!(settle_over_deaths(&env, SignedDuration::from_secs(400)).await, 1);
        assert_eq!(closed(&env), json!([false, []]), "died at {moment}");
        two_days_later(&env).await;
        two_days_later(&env).await;
        assert_eq!(closed(&env), json!([false, [false]]), "died at {moment}");
        let states: Vec<_> = cases(&env).iter().map(|case| case["Priority"].clone()).collect();
        assert_eq!(states, ["Medium"]);
    }
}

#[tokio::test]
async fn dying_while_it_is_closed_closes_it_all_the_same() {
    let [_, closing] = moments().await;
    for moment in 0..closing {
        let (env, invoice) = failed().await;
        env.settle().await;
        two_days_later(&env).await;
        env.pay(&invoice).await;
        env.fuse.count_anew();
        env.fuse.arm(moment);
        assert_eq!(settle_over_deaths(&env, SignedDuration::from_secs(400)).await, 1);
        assert_eq!(closed(&env), json!([true, [true]]), "died at {moment}");
    }
}

/// It is paid while somebody stands still who is about to open the case: that comes late, and is closed when nobody can be under way any more.
#[tokio::test]
async fn whoever_stands_still_while_it_is_paid_does_not_have_the_last_word() {
    let [opening, _] = moments().await;
    let mut came_late = 0;
    for moment in 0..opening {
        let (env, invoice) = failed().await;
        let meanwhile = async {
            env.pay(&invoice).await;
            env.advance(SignedDuration::from_secs(400));
            env.settle_for_days().await;
            cases(&env).len()
        };
        let before = env.stands_still_at(moment, meanwhile).await;
        came_late += u32::from(before < cases(&env).len());
        env.settle_for_days().await;
        two_days_later(&env).await;
        let open: Vec<_> = cases(&env).into_iter().filter(|case| case["IsClosed"] == false).collect();
        assert_eq!((open.len(), tasks(&env).len()), (0, 0), "stood still at {moment}");
        assert!(cases(&env).len() <= 1);
    }
    assert!(came_late > 0, "nobody opened it late");
}

/// An older failure is told late: what is known of the last one stands there in the end.
#[tokio::test]
async fn what_is_told_late_is_told_anew() {
    let failed_twice = async || {
        let (env, invoice) = failed().await;
        env.settle().await;
        fails(&env, &invoice);
        env.fuse.count_anew();
        (env, invoice)
    };
    let (undisturbed, _) = failed_twice().await;
    undisturbed.settle().await;
    for moment in 0..undisturbed.fuse.passed() {
        let (env, invoice) = failed_twice().await;
        let meanwhile = async {
            fails(&env, &invoice);
            env.advance(SignedDuration::from_secs(400));
            env.settle_for_days().await;
        };
        env.stands_still_at(moment, meanwhile).await;
        env.settle_for_days().await;
        env.advance(SignedDuration::from_mins(61));
        env.reconcile(PassKind::Sweep).await;
        env.settle_for_days().await;
        let case = the_case(&env);
        let said = case["Description"].as_str().unwrap();
        assert!(said.contains("so far: 3."), "stood still at {moment}: {said}");
        assert_eq!(case["Priority"], "High");
    }
}

/// The answer to the task is lost, or to the case: there is one of each.
#[tokio::test]
async fn an_answer_that_is_lost_makes_nothing_twice() {
    use sandbox::{Fault, FaultRule};
    for part in ["Stripe_Invoice_Id__c/in_", "Stripe_Id__c/in_"] {
        let (env, _) = failed().await;
        let rule = FaultRule::once("POST", "/services/data/**", Fault::AnswerLost).body_contains(part);
        env.sandbox.salesforce.inject(rule.times(2));
        env.settle_for_days().await;
        env.advance(SignedDuration::from_hours(49));
        env.reconcile(PassKind::Sweep).await;
        env.settle_for_days().await;
        two_days_later(&env).await;
        assert_eq!(closed(&env), json!([false, [false]]), "{part}");
    }
}

/// The ledger is as it was before the failure: the case is found, and closed when it is paid.
#[tokio::test]
async fn a_case_that_the_ledger_has_forgotten_is_found_again() {
    let (env, _, invoice) = billed().await;
    let (backup, restored_to) = (env.aws.items(), env.now());
    fails(&env, &invoice);
    env.settle().await;
    restore(&env, &backup, restored_to);
    fails(&env, &invoice);
    env.settle().await;
    assert!(the_case(&env)["Description"].as_str().unwrap().contains("so far: 2."));
    env.pay(&invoice).await;
    env.settle().await;
    assert_eq!(closed(&env), json!([true, []]));
}
