//! What comes from Salesforce: a signed callout, the event relay, and what the login may be used for.

use super::*;

#[tokio::test]
async fn a_callout_that_is_refused_is_told_and_one_that_is_taken_asks_for_nothing() {
    let mut practice = Practice::healthy().await.set_up().await;
    practice.finds("salesforce.callout", Verdict::Ok, "takes a callout", "").await;
    assert!(practice.env.sqs.sent().is_empty(), "nothing is put on any queue: {:?}", practice.env.sqs.sent());
    practice.env.aws.secrets.put(CALLOUT, Some("whsec_YW5vdGhlciBzZWNyZXQgb2YgMjA="));
    practice.finds("salesforce.callout", Verdict::Failing, "signature_mismatch", "start them anew").await;
    practice.env.aws.secrets.put(CALLOUT, Some("changeme"));
    practice.finds("salesforce.callout", Verdict::Failing, "not usable", "at least 16 bytes").await;
    let callout = &practice.env.secrets()[2];
    practice.env.aws.secrets.put(CALLOUT, Some(callout));
    practice.env.salesforce_door.organization_id = domain::OrganizationId::parse("00D000000000009EAA").unwrap();
    practice.finds("salesforce.callout", Verdict::Failing, "organization_unknown", "SalesforceOrgId").await;
    assert!(practice.env.sqs.sent().is_empty(), "nothing is put on any queue: {:?}", practice.env.sqs.sent());
}

#[tokio::test]
async fn a_relay_that_does_not_run_is_told_as_salesforce_tells_it() {
    let practice = Practice::healthy().await.set_up().await;
    let relay_is = |fields: serde_json::Value| {
        let now_ms = practice.env.clock.now_ms();
        practice.env.sandbox.salesforce.with(|org| org.relay_is(now_ms, &fields)).unwrap();
    };
    practice.finds("salesforce.relay", Verdict::Ok, "events come by callout", "").await;
    let source = "aws.partner/salesforce.com/00D000000000001EAA/0YL000000000001AAA";
    relay_is(json!({
        "RemoteResource": source, "Status": "RUNNING", "LastRelayedEventTime": "2026-11-22T23:00:00.000+0000",
    }));
    let runs = format!("{source} is RUNNING; the last event was relayed at 2026-11-22T23:00:00");
    practice.finds("salesforce.relay", Verdict::Ok, &runs, "").await;
    relay_is(json!({
        "RemoteResource": "another", "Status": "STOPPED", "ErrorCode": "1", "ErrorMessage": "no such event bus",
        "ErrorTime": "2026-11-22T23:30:00.000+0000",
    }));
    let stopped = "the event relay to another is STOPPED: 1, no such event bus, 2026-11-22T23:30:00";
    practice.finds("salesforce.relay", Verdict::Failing, stopped, "set the relay's state to RUN").await;
    practice.env.sandbox.salesforce.with(|org| org.hide("EventRelayFeedback"));
    practice.finds("salesforce.relay", Verdict::NotChecked, "not shown to the integration user", "").await;
}

#[tokio::test]
async fn a_login_that_may_do_more_than_is_needed_is_told() {
    let practice = Practice::healthy().await.set_up().await;
    let scope = |scope| practice.env.sandbox.salesforce.with(|org| org.set_scope(scope));
    scope(Some("api refresh_token web"));
    let excess = "nothing needs: refresh_token, web";
    practice.finds("salesforce.scopes", Verdict::Warning, excess, "the scope api alone").await;
    scope(Some("chatter_api"));
    practice.finds("salesforce.scopes", Verdict::Failing, "lacks the scope api", "(api)").await;
    scope(None);
    practice.finds("salesforce.scopes", Verdict::NotChecked, "does not say", "").await;
}
