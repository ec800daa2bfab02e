use jiff::Timestamp;

use super::*;

const EVENTS: [&str; 2] = ["invoice.paid", "invoice.voided"];

fn id(text: &str) -> WebhookEndpointId {
    WebhookEndpointId::parse(text).expect("valid")
}

/// As this command made it, with its secret kept.
fn ours(text: &str) -> WebhookEndpoint {
    WebhookEndpoint {
        id: id(text),
        url: "https://door.example/stripe/webhook".into(),
        api_version: Some(stripe::API_VERSION.into()),
        enabled_events: EVENTS.map(str::to_owned).into(),
        is_enabled: true,
        livemode: false,
        created: Timestamp::UNIX_EPOCH,
        metadata: [(STORED.0.to_owned(), STORED.1.to_owned())].into(),
    }
}

fn with(mut endpoint: WebhookEndpoint, change: impl FnOnce(&mut WebhookEndpoint)) -> WebhookEndpoint {
    change(&mut endpoint);
    endpoint
}

fn by_hand(text: &str) -> WebhookEndpoint {
    with(ours(text), |one| one.metadata.clear())
}

fn half_made(text: &str) -> WebhookEndpoint {
    with(ours(text), |one| drop(one.metadata.insert(MADE.0.into(), MADE.1.into())))
}

fn instead_of(old: &str, new: WebhookEndpoint) -> WebhookEndpoint {
    with(new, |one| drop(one.metadata.insert(REPLACES.into(), old.into())))
}

fn of_version(version: Option<&str>, endpoint: WebhookEndpoint) -> WebhookEndpoint {
    with(endpoint, |one| one.api_version = version.map(str::to_owned))
}

fn disabled(endpoint: WebhookEndpoint) -> WebhookEndpoint {
    with(endpoint, |one| one.is_enabled = false)
}

fn of(text: &str) -> Held {
    Held::Secret { version: version_of(&id(text)) }
}

fn check(found: &[WebhookEndpoint], held: Held, replace: bool, expected: Result<&[Step], Problem>) {
    let plan = plan(&Wanted { events: &EVENTS, replace }, found, &held).map(|plan| plan.steps);
    assert_eq!(plan, expected.map(<[Step]>::to_vec), "{found:?} with {held:?}");
}

#[test]
fn what_is_as_it_has_to_be_stays() {
    check(&[ours("we_1")], of("we_1"), false, Ok(&[]));
    // Somebody put the secret there, of an endpoint made in the dashboard or of ours that was rolled.
    let rolled = || Held::Secret { version: "8d5f".into() };
    check(&[by_hand("we_1")], rolled(), false, Ok(&[]));
    check(&[ours("we_1")], rolled(), false, Ok(&[]));
    // One that was replaced, and was disabled then.
    check(&[instead_of("we_1", ours("we_2")), disabled(by_hand("we_1"))], of("we_2"), false, Ok(&[]));
}

#[test]
fn what_is_missing_is_made() {
    let create = [Step::Create { replaces: None }];
    check(&[], Held::Nothing, false, Ok(&create));
    // The secret of one that is somewhere else, and in use there.
    check(&[], of("we_0"), false, Err(Problem::HeldForAnother));
    check(&[], of("we_0"), true, Ok(&create));
}

/// Two who set up at the same time, or an endpoint that somebody deleted.
#[test]
fn a_secret_that_was_stored_for_another_is_not_taken_for_its_own() {
    let why = Why::AnothersSecret;
    check(&[ours("we_1")], of("we_2"), false, Err(Problem::ToReplace { endpoint: id("we_1"), why: why.clone() }));
    let (replaced, later) = (disabled(ours("we_1")), of("we_2"));
    check(&[replaced], later, false, Err(Problem::ToReplace { endpoint: id("we_1"), why }));
}

#[test]
fn what_can_be_changed_is_changed() {
    let other = |events: &[&str]| {
        with(by_hand("we_1"), |one| one.enabled_events = events.iter().map(|name| (*name).to_owned()).collect())
    };
    let follow = |more: &[&str], less: &[&str]| {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Step::Follow { endpoint: id("we_1"), more: owned(more), less: owned(less) }
    };
    check(&[other(&["*"])], of("we_1"), false, Ok(&[follow(&EVENTS, &["*"])]));
    check(&[other(&["invoice.voided"])], of("we_1"), false, Ok(&[follow(&["invoice.paid"], &[])]));
    check(&[other(&["invoice.voided", "invoice.paid"])], of("we_1"), false, Ok(&[]));
    check(&[disabled(ours("we_1"))], of("we_1"), false, Ok(&[Step::Enable(id("we_1"))]));
}

#[test]
fn what_cannot_be_changed_is_replaced_when_that_is_asked_for() {
    let replaced = [Step::Create { replaces: Some(id("we_1")) }, Step::Retire(id("we_1"))];
    for (endpoint, held, why) in [
        (of_version(Some("2025-03-31.basil"), ours("we_1")), of("we_1"), Why::Version(Some("2025-03-31.basil".into()))),
        (of_version(None, by_hand("we_1")), of("we_1"), Why::Version(None)),
        (by_hand("we_1"), Held::Nothing, Why::NoSecret),
        (ours("we_1"), Held::Nothing, Why::NoSecret),
    ] {
        let problem = Problem::ToReplace { endpoint: id("we_1"), why };
        check(std::slice::from_ref(&endpoint), held.clone(), false, Err(problem));
        check(&[endpoint], held, true, Ok(&replaced));
    }
}

#[test]
fn an_interrupted_run_is_taken_to_its_end() {
    // Before the secret was kept: whatever is kept is another's.
    let again = [Step::TakeAway(id("we_1")), Step::Create { replaces: None }];
    check(&[half_made("we_1")], Held::Nothing, false, Ok(&again));
    check(&[half_made("we_1")], of("we_0"), false, Ok(&again));
    // After it was kept, and before the endpoint says so.
    check(&[half_made("we_1")], of("we_1"), false, Ok(&[Step::Mark(id("we_1"))]));
    // While one was replaced: the old one is untouched, and is asked about again.
    let found = [instead_of("we_1", half_made("we_2")), of_version(None, by_hand("we_1"))];
    let problem = Problem::ToReplace { endpoint: id("we_1"), why: Why::Version(None) };
    check(&found, of("we_1"), false, Err(problem));
    let again = [Step::TakeAway(id("we_2")), Step::Create { replaces: Some(id("we_1")) }, Step::Retire(id("we_1"))];
    check(&found, of("we_1"), true, Ok(&again));
    // And after its secret was kept.
    let found = [instead_of("we_1", ours("we_2")), of_version(None, by_hand("we_1"))];
    let problem = Problem::ToRetire { old: id("we_1"), new: id("we_2") };
    check(&found, of("we_2"), false, Err(problem));
    check(&found, of("we_2"), true, Ok(&[Step::Retire(id("we_1"))]));
}

#[test]
fn of_several_none_is_guessed() {
    let several = || Err(Problem::Several(vec![id("we_1"), id("we_2")]));
    for replace in [false, true] {
        check(&[ours("we_1"), by_hand("we_2")], of("we_1"), replace, several());
        check(&[disabled(ours("we_1")), disabled(by_hand("we_2"))], of("we_1"), replace, several());
    }
    // One that somebody disabled is not heard.
    check(&[ours("we_1"), disabled(by_hand("we_2"))], of("we_1"), false, Ok(&[]));
}
