use domain::OpportunityId;
use workflow::Restored;

use super::*;
use crate::samples;

fn scope(environment: &str) -> Scope {
    Scope {
        environment: environment.into(),
        stripe_account_id: None,
        organization_id: samples::organization_id(),
        livemode: false,
    }
}

fn run_id(id: &str) -> RunId {
    samples::run_of(OpportunityId::parse(id).expect("valid"))
}

fn run() -> Run {
    samples::deal(samples::claimed())
}

fn minutes(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::from_mins(minutes)).expect("in range")
}

fn intent(replays_error: bool) -> Intent {
    Intent { replays_error, ..samples::intent(minutes(0)) }
}

#[test]
fn keys_are_stable_short_and_of_one_operation_only() {
    let one = run_id("006000000000001AAA");
    let key = scope("production").key(&one, Operation::CreateInvoice, 0, 0);
    assert_eq!(key.len(), 40);
    assert_eq!(key, scope("production").key(&one, Operation::CreateInvoice, 0, 0));
    let account = Scope { stripe_account_id: Some("acct_1".into()), ..scope("production") };
    for other in [
        scope("staging").key(&one, Operation::CreateInvoice, 0, 0),
        account.key(&one, Operation::CreateInvoice, 0, 0),
        scope("production").key(&run_id("006000000000002AAA"), Operation::CreateInvoice, 0, 0),
        scope("production").key(&one, Operation::SendInvoice, 0, 0),
        scope("production").key(&one, Operation::CreateInvoice, 0, 1),
        scope("production").key(&one, Operation::CreateInvoice, 1, 0),
        scope("production").key(&one, Operation::AddLines { batch: 0 }, 0, 0),
        scope("production").key(&one, Operation::AddLines { batch: 1 }, 0, 0),
    ] {
        assert_ne!(key, other);
    }
}

#[test]
fn a_key_is_trusted_for_23_hours_and_not_after_a_replayed_error() {
    assert_eq!(trust(&intent(false), &run(), minutes(0)), Trust::SameKey);
    assert_eq!(trust(&intent(false), &run(), minutes(23 * 60 - 1)), Trust::SameKey);
    assert_eq!(trust(&intent(false), &run(), minutes(23 * 60)), Trust::Look);
    assert_eq!(trust(&intent(true), &run(), minutes(9)), Trust::Wait { until: minutes(10) });
    assert_eq!(trust(&intent(true), &run(), minutes(10)), Trust::Look);
    let late = Intent { last_sent: minutes(23 * 60), ..intent(false) };
    assert_eq!(trust(&late, &run(), minutes(23 * 60 + 9)), Trust::Wait { until: minutes(23 * 60 + 10) });
}

/// What is decided on what was seen is sent for an hour, and looked for an hour after the last attempt.
#[test]
fn what_was_decided_is_not_sent_much_later() {
    assert_eq!(decided(&intent(false), minutes(59)), Trust::SameKey);
    assert_eq!(decided(&intent(false), minutes(60)), Trust::Look);
    let tried_again = Intent { last_sent: minutes(50), ..intent(false) };
    assert_eq!(decided(&tried_again, minutes(59)), Trust::SameKey);
    assert_eq!(decided(&tried_again, minutes(60)), Trust::Wait { until: minutes(110) });
    assert_eq!(decided(&tried_again, minutes(110)), Trust::Look);
}

#[test]
fn after_a_restore_no_earlier_key_is_trusted_and_what_may_have_been_made_is_doubted() {
    let since = minutes(-60);
    let restored = Run { restored: Some(Restored { epoch: 1, since }), ..run() };
    assert_eq!(trust(&intent(false), &restored, minutes(10)), Trust::Look);
    assert_eq!(trust(&Intent { epoch: 1, ..intent(false) }, &restored, minutes(10)), Trust::SameKey);
    for operation in [Operation::CreateCustomer, Operation::CreateInvoice, Operation::AddLines { batch: 0 }] {
        assert_eq!(doubted_since(&run(), operation), None);
        assert_eq!(doubted_since(&restored, operation), Some(since));
    }
    // The draft was made after the restore: what is on it is known.
    let mut anew = restored;
    anew.intents.insert(Operation::CreateInvoice, Intent { epoch: 1, ..intent(false) });
    assert_eq!(doubted_since(&anew, Operation::AddLines { batch: 0 }), None);
    assert_eq!(doubted_since(&anew, Operation::SendInvoice), None);
    assert_eq!(doubted_since(&anew, Operation::CreateInvoice), Some(since));
}

/// Two deployments may share a Stripe account, and two organizations a deployment's name: only both together are ours.
#[test]
fn only_what_carries_the_environment_and_the_organization_is_ours() {
    let ours = scope("production");
    let of = |environment: &str, organization: &str| {
        [("closedwon_environment", environment), ("sf_organization_id", organization)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    };
    assert!(ours.made(&of("production", "00D000000000001EAA")));
    assert!(!ours.made(&of("staging", "00D000000000001EAA")));
    assert!(!ours.made(&of("production", "00D000000000002EAA")));
    assert!(!ours.made(&std::collections::BTreeMap::new()));
    let record = ("sf_opportunity_id", "006000000000001AAA");
    assert!(ours.made(&ours.metadata(&run_id("006000000000001AAA"), record)));
}
