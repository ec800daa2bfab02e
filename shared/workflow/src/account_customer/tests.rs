mod edited;

use domain::TaxId;
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
    Point::Updating { account_id: account_id(), details, customer_id: customer_id("cus_1"), told, going: vec![] }
}

/// What the second deal says was refused.
fn untold(told: Option<Told>) -> Point {
    let modified_at = second().modified_at;
    let refused = Some(second().told(told.as_ref()));
    Point::Untold {
        customer_id: customer_id("cus_1"),
        told,
        modified_at,
        refused,
        stop: refusal(),
        letter: Letter::None,
    }
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
    assert_eq!(
        (id, news),
        (customer_id("cus_1"), mapping::CustomerNews { email: email.flatten(), ..Default::default() })
    );
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

fn tax_id(value: &str) -> TaxId {
    TaxId::parse(None, value).expect("valid")
}

fn taxed(details: CustomerDetails, value: &str) -> CustomerDetails {
    CustomerDetails { tax_id: Some(tax_id(value)), ..details }
}

/// Numbers that begin with a country are of the European Union, others of the United States.
fn there(ids: &[(&str, &str)]) -> Fact {
    let seen = |(id, value): &(&str, &str)| mapping::TaxIdSeen {
        id: TaxIdId::parse(id).expect("valid"),
        kind: if value.starts_with(|c: char| c.is_ascii_digit()) { "us_ein" } else { "eu_vat" }.to_owned(),
        value: (*value).to_owned(),
    };
    Fact::TaxIdsRead(ids.iter().map(seen).collect())
}

/// What is asked of a customer's tax ids, and what becomes of the customer.
fn told_tax_id(mut point: Point, there: Fact) -> (Vec<&'static str>, Point) {
    let (mut calls, mut there) = (Vec::new(), Some(there));
    while let Next::Call(call) = point.next() {
        calls.push(call.name());
        let fact = match call {
            Call::UpdateCustomer { .. } => Fact::CustomerUpdated,
            Call::ReadTaxIds { .. } => there.take().expect("they are read once"),
            Call::AddTaxId { .. } => Fact::TaxIdAdded,
            Call::RemoveTaxId { .. } => Fact::TaxIdRemoved,
            call => panic!("{} is no call for a tax id", call.name()),
        };
        point = point.record(fact).expect("in order").resume();
    }
    (calls, point)
}

/// The one that was told before goes, and those of its type, when the new one is there; another that a person added stays.
#[test]
fn a_customer_has_the_tax_id_of_its_account() {
    let (old, new) = ("DE111111111", "DE222222222");
    let before = taxed(first(), old).told(None);
    let renamed = |details: CustomerDetails| CustomerDetails { name: "Acme SE".into(), ..details };
    for (told, details, ids, expected) in [
        // The first one; a person was quicker; it replaces another; and the account has none any more.
        (first().told(None), taxed(details(2, "ap@acme.example"), new), vec![], vec!["read_tax_ids", "add_tax_id"]),
        (
            first().told(None),
            taxed(details(2, "ap@acme.example"), new),
            vec![("txi_9", "de 222222222")],
            vec!["read_tax_ids"],
        ),
        (
            before.clone(),
            taxed(details(2, "ap@acme.example"), new),
            vec![("txi_7", "77-7777777"), ("txi_1", old)],
            vec!["read_tax_ids", "add_tax_id", "remove_tax_id"],
        ),
        (before.clone(), details(2, "ap@acme.example"), vec![("txi_1", old)], vec!["read_tax_ids", "remove_tax_id"]),
        (before.clone(), details(2, "ap@acme.example"), vec![("txi_7", "DE777777777")], vec!["read_tax_ids"]),
        // Of its type it is the only one.
        (
            first().told(None),
            taxed(details(2, "ap@acme.example"), new),
            vec![("txi_7", "DE777777777"), ("txi_2", new), ("txi_8", "DE888888888"), ("txi_9", "99-9999999")],
            vec!["read_tax_ids", "remove_tax_id", "remove_tax_id"],
        ),
        // With other news, which come first.
        (
            before.clone(),
            renamed(taxed(details(2, "ap@acme.example"), new)),
            vec![("txi_1", old), ("txi_2", new)],
            vec!["update_customer", "read_tax_ids", "remove_tax_id"],
        ),
        (before.clone(), renamed(taxed(details(2, "ap@acme.example"), old)), vec![], vec!["update_customer"]),
    ] {
        let point = known(Some(told.clone())).give_way(unknown(details.clone()), false);
        let (calls, point) = told_tax_id(point, there(&ids));
        assert_eq!((calls, &point), (expected, &known(Some(details.told(Some(&told))))), "{ids:?}");
        assert!(!point.has_news_from(&unknown(details)), "it is told once");
    }
    // Of one of ours that nobody remembers, all is told; what a person added is not taken away.
    let (calls, _) = told_tax_id(updating(taxed(first(), new), None), there(&[("txi_7", "77-7777777")]));
    assert_eq!(calls, ["update_customer", "read_tax_ids", "add_tax_id"]);
    let (calls, _) = told_tax_id(updating(first(), None), there(&[]));
    assert_eq!(calls, ["update_customer"]);
    // One that was made with it needs nothing more.
    let made = unknown(taxed(first(), new)).record(Fact::CustomerCreated { customer_id: customer_id("cus_1") });
    let later = taxed(details(2, "ap@acme.example"), new);
    assert!(!made.expect("in order").has_news_from(&unknown(later)));
}

/// Until it is told, whoever reads the same of the account has it to say.
#[test]
fn a_tax_id_that_is_not_told_yet_is_not_forgotten() {
    let told = Some(first().told(None));
    let newer = || taxed(details(2, "billing@acme.example"), "DE222222222");
    let point = updating(newer(), told.clone()).record(Fact::CustomerUpdated).expect("in order");
    assert_eq!((point.name(), point.status()), ("tax_ids_looking", Status::Open));
    assert_eq!(point.customer_id(), Some(&customer_id("cus_1")));
    let again = point.clone().give_way(unknown(newer()), false);
    assert_eq!(again, point);
    let adding = again.record(there(&[])).expect("in order");
    assert_eq!((adding.name(), adding.clone().resume()), ("tax_id_adding", adding.clone()));
    assert_eq!(adding.clone().give_way(unknown(first()), true), adding, "it may be under way");
    let doubted = adding.clone().give_way(named("cus_1", true), false);
    assert_eq!(doubted.name(), "named");
    // Stripe does not take it: nobody is billed, and the next reading of the account says it again.
    let refused = adding.clone().record(Fact::Refused(Refusal { stop: refusal() })).expect("in order");
    assert_eq!((refused.status(), refused.stop()), (Status::Rejected, Some(&refusal())));
    assert!(!refused.has_news_from(&unknown(newer())));
    let mended = taxed(details(3, "billing@acme.example"), "DE333333333");
    assert!(refused.has_news_from(&unknown(mended.clone())));
    assert_eq!(refused.give_way(unknown(mended), false).name(), "tax_ids_looking");
    assert_eq!(adding.record(Fact::CustomerMissing).expect("in order"), unknown(newer()));
}

/// The account says something else again while the former one is still to go: what was begun is brought to an end.
#[test]
fn a_tax_id_that_is_changed_back_leaves_no_other_behind() {
    let (former, new) = ("DE111111111", "DE222222222");
    let told = taxed(first(), former).told(None);
    let ids = |point: Point| told_tax_id(point, there(&[("txi_1", former), ("txi_2", new)]));
    let changed = taxed(details(2, "ap@acme.example"), new);
    let removing = known(Some(told)).give_way(unknown(changed), false);
    let removing = removing.record(there(&[("txi_1", former)])).expect("in order");
    let removing = removing.record(Fact::TaxIdAdded).expect("in order");
    assert_eq!(removing.name(), "tax_id_removing");
    let back = taxed(details(3, "ap@acme.example"), former);
    let (calls, point) = ids(removing.clone().give_way(unknown(back.clone()), false));
    assert_eq!(calls, ["read_tax_ids", "remove_tax_id"], "the new one goes");
    assert!(matches!(&point, Point::Known { told: Some(told), .. } if !back.tax_id_is_new(told)), "{point:?}");
    // It has none any more: both go.
    let none = details(3, "ap@acme.example");
    let (calls, _) = ids(removing.clone().give_way(unknown(none), false));
    assert_eq!(calls, ["read_tax_ids", "remove_tax_id", "remove_tax_id"]);
    // And so they do when there is other news besides.
    let (calls, _) = ids(removing.clone().give_way(unknown(details(3, "billing@acme.example")), false));
    assert_eq!(calls, ["update_customer", "read_tax_ids", "remove_tax_id", "remove_tax_id"]);
    // Who read the account before has nothing to say.
    let earlier = taxed(details(1, "ap@acme.example"), former);
    assert_eq!(removing.clone().give_way(unknown(earlier), false), removing);
    // What Stripe refused, or a doubt interrupted, is looked at again.
    let refused = removing.clone().record(Fact::Refused(Refusal { stop: refusal() })).expect("in order");
    let again = refused.give_way(unknown(taxed(details(3, "ap@acme.example"), new)), false);
    assert_eq!(ids(again).0, ["read_tax_ids", "remove_tax_id"]);
    let doubted = removing.give_way(named("cus_1", true), false);
    let there = doubted.record(read(Some(ACCOUNT))).expect("in order");
    assert!(there.has_news_from(&unknown(taxed(details(2, "ap@acme.example"), new))), "{there:?}");
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

/// Whoever doubts another customer than this one has only not heard of it; and what may be under way is brought to an end first.
#[test]
fn a_doubt_of_another_customer_changes_no_tax_ids() {
    let told = taxed(first(), "DE111111111").told(None);
    let looking = known(Some(told)).give_way(unknown(taxed(details(2, "ap@acme.example"), "DE222222222")), false);
    assert_eq!(looking.name(), "tax_ids_looking");
    for (doubted, is_under_way, name) in [
        ("cus_1", false, "named"),
        ("cus_1", true, "tax_ids_looking"),
        ("cus_2", false, "tax_ids_looking"),
        ("cus_2", true, "tax_ids_looking"),
    ] {
        assert_eq!(
            looking.clone().give_way(named(doubted, true), is_under_way).name(),
            name,
            "{doubted} {is_under_way}"
        );
    }
}
