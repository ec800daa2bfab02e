use super::*;
use crate::doctor::finding::Verdict::{self, Failing, NotChecked, Ok as Well, Warning};

fn check(finding: &Finding, verdict: Verdict, text: &str) {
    assert!(finding.verdict == verdict && finding.text.contains(text), "{finding:?}");
    assert_eq!(finding.remedy.is_some(), matches!(verdict, Failing | Warning), "{finding:?}");
}

#[test]
fn a_relay_runs_or_its_status_is_told_as_it_is() {
    let with = |status: &str, error: Option<&str>| Relay {
        remote_resource: "aws.partner/salesforce.com/00D/0YL".into(),
        status: status.into(),
        error: error.map(str::to_owned),
        last_relayed: Some("2026-11-23T00:00:00Z".into()),
    };
    for (relays, verdict, text) in [
        (Ok(vec![]), Well, "by callout"),
        (Ok(vec![with("RUNNING", Some("an old one"))]), Well, "00D/0YL is RUNNING; the last event was relayed at 2026"),
        (
            Ok(vec![with("RUNNING", None), with("STOPPED", Some("1, no bus"))]),
            Failing,
            "0YL is STOPPED: 1, no bus; the last",
        ),
        (Ok(vec![with("A_WORD_OF_TOMORROW", None)]), Failing, "is A_WORD_OF_TOMORROW; the last"),
        (Ok(vec![Relay { status: "PAUSED".into(), ..Relay::default() }]), Failing, "no event was relayed yet"),
        (Err("not shown".into()), NotChecked, "not shown"),
    ] {
        check(&relay(&relays), verdict, text);
    }
}

#[test]
fn a_callout_that_is_refused_has_its_remedy() {
    let taken = |delivered| Ok(Callout::Delivered(delivered));
    let refused = |code: &str| taken(Delivered::Refused { status: 401, code: code.into() });
    for (answered, verdict, text, remedy) in [
        (taken(Delivered::Taken), Well, "takes a callout", ""),
        (refused("signature_mismatch"), Failing, "signature_mismatch", "SALESFORCE_WEBHOOK_SECRET_ARN"),
        (refused("organization_unknown"), Failing, "organization_unknown", "SalesforceOrgId"),
        (refused("timestamp_outside_tolerance"), Failing, "timestamp", "clock"),
        (refused("queue_unavailable"), Failing, "queue_unavailable", "log of salesforce-events"),
        (taken(Delivered::Foreign { status: 500 }), Failing, "does not answer for itself", "throttled"),
        (taken(Delivered::Foreign { status: 404 }), Failing, "no door of Closedwon", "SalesforceEventsUrl"),
        (Ok(Callout::Unsigned("it is blank".into())), Failing, "not usable: it is blank", "whsec_"),
        (Err("no address".into()), NotChecked, "no address", ""),
    ] {
        let finding = callout(&answered);
        check(&finding, verdict, text);
        assert!(finding.remedy.as_deref().unwrap_or_default().contains(remedy), "{finding:?}");
    }
}

#[test]
fn a_door_that_nobody_calls_is_told() {
    let hour = Timestamp::from_second(1_795_392_000).expect("valid");
    let [stripe, salesforce] = last_calls(&Ok(Some(hour)), &Ok(None));
    check(&stripe, Well, "2026-11-23T00:00:00Z");
    check(&salesforce, Warning, "nobody called Salesforce's door");
    assert!(salesforce.remedy.is_some_and(|remedy| remedy.contains("named credential")));
    let [stripe, salesforce] = last_calls(&Ok(None), &Err("not allowed".into()));
    check(&stripe, Warning, "nobody called Stripe's door");
    check(&salesforce, NotChecked, "not allowed");
}
