use domain::{Currency, Followed, WebhookEndpointId};
use jiff::Timestamp;

use super::*;
use crate::doctor::finding::Verdict::{self, Failing, NotChecked, Ok as Well, Warning};
use crate::setup::version_of;

fn settings() -> Settings {
    Settings::new(Currency::parse("USD").expect("valid"))
}

fn check(finding: &Finding, verdict: Verdict, text: &str) {
    assert!(finding.verdict == verdict && finding.text.contains(text), "{finding:?}");
    assert_eq!(finding.remedy.is_some(), matches!(verdict, Failing | Warning), "{finding:?}");
}

#[test]
fn a_key_is_of_the_right_kind_and_mode() {
    let of = |is_full, is_live| Ok(Key { is_full, is_live });
    for (known, livemode, takes_full, verdict, text) in [
        (of(false, true), true, false, Well, "of live mode"),
        (of(false, false), true, false, Failing, "of test mode, and the deployment is for live mode"),
        (of(false, true), false, false, Failing, "of live mode, and the deployment is for test mode"),
        (of(true, true), true, false, Failing, "full key"),
        (of(true, true), true, true, Warning, "full key"),
        (of(true, true), false, true, Failing, "mode"),
        (Err("the secret cannot be read".to_owned()), true, false, Failing, "cannot be read"),
    ] {
        check(&key(&known, livemode, takes_full), verdict, text);
    }
}

#[test]
fn what_is_set_up_decides_what_the_key_needs() {
    let reach = |settings: &Settings, resource| needed(settings).get(&resource).copied();
    let least = Settings { payment_cases: None, ..settings() };
    assert_eq!(needed(&least).len(), 5);
    assert_eq!(reach(&least, Resource::Prices), Some(Reach::Read));
    assert_eq!(reach(&settings(), Resource::PaymentIntents), Some(Reach::Read));
    let all = Settings {
        subscriptions: Subscriptions::ClosedWon,
        amendments: Amendments::CreditAndReissue,
        followed: Followed::everything(),
        ..settings()
    };
    assert_eq!(reach(&all, Resource::Prices), Some(Reach::Write));
    assert_eq!(reach(&all, Resource::CreditNotes), Some(Reach::Write));
    assert_eq!(needed(&all).len(), 11);
    assert!(EXCESS.iter().all(|(resource, _)| reach(&all, *resource).is_none()));
}

#[test]
fn what_is_missing_goes_before_what_is_not_known() {
    let needed = BTreeMap::from([(Resource::Customers, Reach::Write), (Resource::Events, Reach::Read)]);
    let answers = |customers: Known<bool>, events: Known<bool>| {
        Ok(Answers::from([
            ((Resource::Customers, Reach::Write), customers),
            ((Resource::Events, Reach::Read), events),
            ((Resource::Refunds, Reach::Write), Ok(false)),
            ((Resource::WebhookEndpoints, Reach::Write), Ok(true)),
        ]))
    };
    let lost = || Err("no answer in time".to_owned());
    for (answers, verdict, text) in [
        (answers(Ok(true), Ok(true)), Well, "write on Customers, read on Events"),
        (answers(Ok(false), lost()), Failing, "lacks write on Customers"),
        (answers(lost(), Ok(true)), Failing, "no answer in time"),
        (answers(Err("rate limited (endpoint-rate)".into()), Ok(true)), Warning, "too often"),
        (Err("of the other mode".into()), NotChecked, "other mode"),
    ] {
        check(&permissions(&needed, &answers), verdict, text);
    }
    check(&excess(&answers(Ok(true), Ok(true))), Warning, "the key has write on Webhook Endpoints");
}

fn an_endpoint(events: &[&str]) -> WebhookEndpoint {
    WebhookEndpoint {
        id: WebhookEndpointId::parse("we_1").expect("valid"),
        url: "https://door.example/stripe/webhook".into(),
        api_version: Some(stripe::API_VERSION.into()),
        enabled_events: events.iter().map(|event| (*event).to_owned()).collect(),
        is_enabled: true,
        livemode: false,
        created: Timestamp::UNIX_EPOCH,
        metadata: BTreeMap::new(),
    }
}

#[test]
fn an_endpoint_is_what_setup_would_make_it() {
    const EVENTS: [&str; 2] = ["invoice.paid", "invoice.voided"];
    let held = || Held::Secret { version: version_of(&WebhookEndpointId::parse("we_1").expect("valid")) };
    let with = |change: &dyn Fn(&mut WebhookEndpoint)| {
        let mut endpoint = an_endpoint(&EVENTS);
        change(&mut endpoint);
        Ok(vec![endpoint])
    };
    let two = [
        an_endpoint(&EVENTS),
        WebhookEndpoint { id: WebhookEndpointId::parse("we_2").expect("valid"), ..an_endpoint(&EVENTS) },
    ];
    for (found, verdict, text) in [
        (with(&|_| ()), Well, "one endpoint"),
        (Ok(vec![]), Failing, "no endpoint"),
        (with(&|one| one.is_enabled = false), Failing, "enable we_1"),
        (with(&|one| one.api_version = None), Failing, "default version"),
        (with(&|one| one.enabled_events.truncate(1)), Failing, "add invoice.voided"),
        (with(&|one| one.enabled_events.push("invoice.sent".into())), Warning, "drop invoice.sent"),
        (Ok(two.to_vec()), Failing, "we_1, we_2"),
        (Err("may not see".to_owned()), NotChecked, "may not see"),
    ] {
        check(&endpoint(&found, &Ok(held()), &EVENTS), verdict, text);
    }
    // A secret that is missing is one finding, and not two.
    check(&endpoint(&with(&|_| ()), &Ok(Held::Nothing), &EVENTS), Well, "we_1");
    check(&signing_secret(&Ok(Held::Nothing), None), Failing, "holds no signing secret");
    check(&signing_secret(&Ok(Held::Nothing), Some("it is blank")), Failing, "it is blank");
    check(&signing_secret(&Ok(held()), None), Well, "whsec_");
}

#[test]
fn what_the_door_answers_has_its_remedy() {
    let refused = |code: &str| Ok(Delivered::Refused { status: 401, code: code.into() });
    for (delivered, verdict, text, remedy) in [
        (Ok(Delivered::Taken), Well, "takes", ""),
        (refused("signature_mismatch"), Failing, "401, signature_mismatch", "start them anew"),
        (refused("timestamp_outside_tolerance"), Failing, "tolerance", "clock"),
        (refused("ignored_mode"), Failing, "ignored_mode", "StripeLivemode"),
        (Ok(Delivered::Foreign { status: 404 }), Failing, "404", "StripeWebhookUrl"),
        (Err("nothing answers".to_owned()), NotChecked, "nothing answers", ""),
    ] {
        let finding = delivery(&delivered);
        check(&finding, verdict, text);
        assert!(finding.remedy.unwrap_or_default().contains(remedy), "{remedy}");
    }
}

#[test]
fn a_clock_may_be_a_little_off() {
    for (skew, verdict, text) in
        [(0, Well, ""), (-30, Well, ""), (31, Warning, "31 seconds ahead of"), (-301, Warning, "301 seconds behind")]
    {
        check(&clock(&Ok(skew)), verdict, text);
    }
    check(&clock(&Err("not reached".into())), NotChecked, "not reached");
}

#[test]
fn customers_of_two_currencies_are_no_duplicates() {
    let customer = |id: &str, account: &str, currency: &str, deleted| Customer {
        id: domain::CustomerId::parse(id).expect("valid"),
        deleted,
        metadata: [("sf_account_id", account), ("sf_currency", currency), ("sf_organization_id", "00D")]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        created: Timestamp::UNIX_EPOCH,
    };
    let first = || customer("cus_1", "001A", "", false);
    for (others, verdict, text) in [
        (vec![customer("cus_2", "001A", "EUR", false)], Well, "all 2"),
        (vec![customer("cus_2", "001B", "", false), customer("cus_3", "001A", "", true)], Well, "all 3"),
        (vec![customer("cus_2", "", "", false), customer("cus_3", "", "", false)], Well, "all 3"),
        (vec![customer("cus_2", "001A", "", false)], Warning, "account 001A has cus_1 and cus_2"),
    ] {
        let all = [vec![first()], others].concat();
        check(&customers(&Ok((all, true))), verdict, text);
    }
}

#[test]
fn pace_and_proration_are_read_from_the_settings() {
    check(&pace(25), Well, "25");
    check(&pace(26), Warning, "26");
    for (renewals, how, verdict) in [
        (Renewals::Off, Proration::None, Well),
        (Renewals::Extend, Proration::AlwaysInvoice, Well),
        (Renewals::Extend, Proration::CreateProrations, Well),
        (Renewals::Extend, Proration::None, Warning),
    ] {
        check(&proration(&Settings { renewals, proration: how, ..settings() }), verdict, "");
    }
}
