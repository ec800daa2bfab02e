use jiff::Timestamp;

use super::*;
use crate::Refusal;

const ACCOUNT: &str = "001000000000001AAA";

fn account_id() -> AccountId {
    AccountId::parse(ACCOUNT).expect("valid")
}

fn customer_id(id: &str) -> CustomerId {
    CustomerId::parse(id).expect("valid")
}

fn details(modified: i64, email: &str) -> CustomerDetails {
    let email = domain::BillingEmail::parse(email).expect("valid");
    CustomerDetails { modified_at: Timestamp::from_second(modified).ok(), ..CustomerDetails::new("Acme".into(), email) }
}

fn first() -> CustomerDetails {
    details(1, "ap@acme.example")
}

fn second() -> CustomerDetails {
    details(2, "billing@acme.example")
}

fn named(id: &str, doubted: bool) -> Point {
    let (account_id, details) = (account_id(), first());
    Point::Named { account_id, details, customer_id: customer_id(id), doubted, told: None }
}

fn unknown(details: CustomerDetails) -> Point {
    Point::Unknown { account_id: account_id(), details }
}

fn known(told: Option<Told>) -> Point {
    Point::Known { customer_id: customer_id("cus_1"), told }
}

fn updating(details: CustomerDetails, told: Option<Told>) -> Point {
    Point::Updating { account_id: account_id(), details, customer_id: customer_id("cus_1"), told }
}

/// What the second deal says was refused.
fn untold(told: Option<Told>) -> Point {
    let modified_at = second().modified_at;
    Point::Untold { customer_id: customer_id("cus_1"), told, modified_at, stop: refusal() }
}

fn read(owner: Option<&str>) -> Fact {
    let owner = owner.map(|owner| ("sf_account_id".to_owned(), owner.to_owned()));
    Fact::CustomerRead { customer_id: customer_id("cus_1"), metadata: owner.into_iter().collect() }
}

fn refusal() -> Stop {
    Stop::refused(Code::StripeRefused, "no")
}

/// A customer without our metadata was linked by a person, and what it says of itself stays, since it may be other accounts' as well.
/// One of ours, of whom nothing is remembered, is told everything.
#[test]
fn a_customer_that_salesforce_names_is_taken_unless_it_is_anothers() {
    for (owner, expected) in [
        (None, ("known", Some("cus_1"), None, Status::Done)),
        (Some(ACCOUNT), ("updating", Some("cus_1"), None, Status::Open)),
        (Some("001000000000002AAA"), ("stopped", None, Some(Code::CustomerBelongsElsewhere), Status::Rejected)),
    ] {
        let point = named("cus_1", false).record(read(owner)).expect("in order");
        let id = point.customer_id().map(CustomerId::as_str);
        assert_eq!((point.name(), id, point.stop().map(|stop| stop.code), point.status()), expected, "{owner:?}");
    }
    assert_eq!(named("cus_1", false).record(read(None)).expect("in order"), known(None));
    let gone = named("cus_1", false).record(Fact::CustomerMissing).expect("in order");
    assert_eq!((gone.name(), gone.status(), gone.customer_id(), gone.stop()), ("unknown", Status::Open, None, None));
    let late = gone.record(Fact::Reported).expect_err("out of order");
    assert_eq!((late.point, late.fact), ("unknown", "reported"));
    assert_eq!(named("cus_1", false).name(), "named");
    let refused = named("cus_1", false).record(Fact::Refused(Refusal { stop: refusal() })).expect("in order");
    assert_eq!(refused.stop(), Some(&refusal()));
}

#[test]
fn what_is_new_is_told_and_remembered() {
    let told = first().told(None);
    let made = unknown(first()).record(Fact::CustomerCreated { customer_id: customer_id("cus_1") }).expect("in order");
    assert_eq!(made, known(Some(told.clone())));
    // One that had been made before may have been told something else.
    let found = unknown(second()).record(Fact::CustomerFound { customer_id: customer_id("cus_1") });
    assert_eq!(found.expect("in order"), updating(second(), None));
    // A later deal says another address, and nothing else that is new.
    let point = made.give_way(unknown(second()), false);
    let Next::Call(Call::UpdateCustomer { customer_id: id, news }) = point.next() else { panic!("it is told") };
    let email = Some(second().email);
    assert_eq!((id, news), (customer_id("cus_1"), mapping::CustomerNews { email, ..Default::default() }));
    assert_eq!((point.status(), point.customer_id()), (Status::Open, Some(&customer_id("cus_1"))));
    let done = point.clone().record(Fact::CustomerUpdated).expect("in order");
    assert_eq!(done, known(Some(second().told(Some(&told)))));
    assert_eq!(done.status(), Status::Done);
    // Stripe does not take it: the account keeps its customer, and nobody is billed.
    let refused = point.clone().record(Fact::Refused(Refusal { stop: refusal() })).expect("in order");
    assert_eq!(refused, untold(Some(told.clone())));
    assert_eq!((refused.status(), refused.stop()), (Status::Rejected, Some(&refusal())));
    assert_eq!(refused.next(), Next::End(End::Stopped(refusal())));
    // It has been deleted meanwhile.
    assert_eq!(point.record(Fact::CustomerMissing).expect("in order"), unknown(second()));
    // One of ours that nobody remembers.
    let Next::Call(Call::UpdateCustomer { news, .. }) = updating(second(), None).next() else { panic!("told") };
    assert_eq!(Some(news), second().news_since(None));
}

#[test]
fn who_may_say_anew_whom_the_customer_is_for() {
    let told = || Some(first().told(None));
    let again = |told| Point::Named {
        account_id: account_id(),
        details: first(),
        customer_id: customer_id("cus_1"),
        doubted: true,
        told,
    };
    let news = || updating(second(), told());
    let stopped = || Point::Stopped { account_id: account_id(), stop: refusal() };
    for (there, newcomer, under_way, expected) in [
        // A doubt of this very one; what it was told is kept.
        (known(told()), named("cus_1", true), false, again(told())),
        (known(told()), named("cus_2", true), false, known(told())),
        (known(told()), unknown(first()), false, known(told())),
        (known(told()), unknown(second()), false, news()),
        (known(told()), named("cus_2", false), false, known(told())),
        // A person linked it.
        (known(None), unknown(second()), false, known(None)),
        (news(), unknown(first()), true, news()),
        (news(), unknown(first()), false, known(told())),
        (news(), named("cus_1", true), false, again(told())),
        (news(), named("cus_1", true), true, news()),
        (untold(told()), unknown(second()), false, news()),
        (untold(told()), unknown(second()), true, news()),
        (untold(told()), unknown(first()), false, known(told())),
        (untold(told()), named("cus_1", true), false, again(told())),
        (unknown(first()), named("cus_1", false), false, named("cus_1", false)),
        (unknown(first()), named("cus_1", false), true, unknown(first())),
        (named("cus_1", false), unknown(first()), false, unknown(first())),
        (named("cus_1", false), unknown(first()), true, named("cus_1", false)),
        (named("cus_1", true), unknown(first()), false, named("cus_1", true)),
        (named("cus_1", true), named("cus_2", false), false, named("cus_1", true)),
        (stopped(), unknown(first()), false, unknown(first())),
    ] {
        let what = format!("{there:?} {newcomer:?} {under_way}");
        assert_eq!(there.give_way(newcomer, under_way), expected, "{what}");
    }
}

#[test]
fn only_who_knows_better_takes_up_a_customer_that_is_known() {
    let told = Some(first().told(None));
    for (there, newcomer, expected) in [
        (known(told.clone()), unknown(second()), true),
        (known(told.clone()), unknown(first()), false),
        (known(told.clone()), named("cus_1", false), false),
        (known(None), unknown(second()), false),
        (updating(first(), told.clone()), unknown(second()), false),
        (untold(told.clone()), unknown(second()), false),
        (untold(told.clone()), unknown(first()), false),
        (untold(told.clone()), unknown(details(3, "right@acme.example")), true),
        (known(told.clone()), known(told), false),
    ] {
        assert_eq!(there.has_news_from(&newcomer), expected, "{there:?} {newcomer:?}");
    }
}
