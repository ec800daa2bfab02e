//! Accounts that were edited while no deal of theirs was billed.

use super::*;

fn for_news(details: CustomerDetails) -> Point {
    let details = CustomerDetails { is_for_news: true, ..details };
    Point::for_news(account_id(), details, customer_id("cus_1"))
}

fn unreadable(modified: i64) -> Point {
    let at = Timestamp::from_second(modified).expect("in range");
    Point::unreadable(customer_id("cus_1"), at, Stop::refused(Code::BillingCountryUnknown, "Correct it."))
}

#[test]
fn a_known_customer_is_told_what_its_account_says() {
    let there = known(Some(first().told(None)));
    assert!(!there.has_news_from(&for_news(first())), "nothing is new");
    let newcomer = for_news(second());
    assert!(there.has_news_from(&newcomer));
    let updating = there.give_way(newcomer, false);
    assert_eq!(updating.name(), "updating");
    let told = updating.record(Fact::CustomerUpdated).expect("in order");
    assert!(told.name() == "known" && !told.has_news_from(&for_news(second())));
    // Without an address of its own it says nothing of the customer's, which a contact's may be.
    let silent = CustomerDetails { email: None, email_is_accounts: false, name: "Acme AG".into(), ..second() };
    let Next::Call(Call::UpdateCustomer { news, .. }) = told.give_way(for_news(newer(silent)), false).next() else {
        panic!("it is told")
    };
    assert_eq!((news.email, news.name.as_deref()), (None, Some("Acme AG")));
    // One that a person linked may be other accounts' as well.
    assert!(!known(None).has_news_from(&for_news(second())));
    assert_eq!(known(None).give_way(for_news(second()), false), known(None));
}

fn newer(details: CustomerDetails) -> CustomerDetails {
    CustomerDetails { modified_at: Timestamp::from_second(3).ok(), ..details }
}

/// No deal asks for it: whoever bills the next one finds that it is gone, and makes another.
#[test]
fn a_customer_that_is_gone_is_not_made() {
    let told = Some(first().told(None));
    let with_tax_id = CustomerDetails { tax_id: TaxId::parse(None, "DE123456789").ok(), ..newer(first()) };
    for (details, name) in [(second(), "updating"), (with_tax_id, "tax_ids_looking")] {
        let telling = known(told.clone()).give_way(for_news(details.clone()), false);
        assert_eq!(telling.name(), name);
        let gone = telling.record(Fact::CustomerMissing).expect("in order");
        assert_eq!((gone.name(), gone.customer_id()), ("known", Some(&customer_id("cus_1"))));
        assert!(!gone.has_news_from(&for_news(details)), "it is not asked for again");
    }
    let named = for_news(second()).record(Fact::CustomerMissing).expect("in order");
    assert_eq!(named.name(), "known");
    // A deal's is made anew.
    let updating = known(told).give_way(unknown(second()), false);
    assert_eq!(updating.record(Fact::CustomerMissing).expect("in order").name(), "unknown");
}

/// The account keeps its customer, and whoever has to mend it is told once, however often something else of the account is edited.
#[test]
fn what_cannot_be_told_is_told_of_once() {
    let told = Some(first().told(None));
    let there = known(told.clone());
    assert!(!there.has_news_from(&unreadable(1)), "it was read before");
    assert!(there.has_news_from(&unreadable(2)));
    assert!(!known(None).has_news_from(&unreadable(2)));
    let owed = there.give_way(unreadable(2), false);
    assert_eq!(owed.status(), Status::Open, "until a person is told");
    let Next::Call(Call::Report { stop }) = owed.next() else { panic!("a person is told") };
    let point = owed.record(Fact::Reported).expect("in order");
    assert_eq!((stop.code, point.status()), (Code::BillingCountryUnknown, Status::Rejected));
    assert_eq!(point.stop(), Some(&stop));
    assert_eq!(point.clone().give_way(unreadable(2), false), point, "the same event once more");
    assert_eq!(point.clone().give_way(unreadable(1), false), point, "an older one");
    // What was read before the account said so is not told, and nothing is billed on it.
    assert_eq!(point.clone().give_way(unknown(details(1, "old@acme.example")), false), point);
    assert_eq!(point.customer_id(), Some(&customer_id("cus_1")));
    assert!(!point.has_news_from(&unreadable(3)), "it says what it said");
    let other = Point::unreadable(
        customer_id("cus_1"),
        Timestamp::from_second(3).expect("in range"),
        Stop::refused(Code::BillingEmailInvalid, "Correct it."),
    );
    assert!(point.has_news_from(&other));
    // Mended, it is told what is new since it was told last.
    assert!(point.has_news_from(&for_news(newer(second()))));
    let mended = point.give_way(for_news(newer(second())), false);
    let Next::Call(Call::UpdateCustomer { news, .. }) = mended.next() else { panic!("it is told") };
    assert!(news.email.is_some() && news.name.is_none());
    // Whatever is under way goes on.
    for point in [unknown(first()), updating(second(), told.clone()), named("cus_1", true)] {
        assert_eq!(point.clone().give_way(unreadable(9), false), point);
    }
    assert_eq!(known(None).give_way(unreadable(9), false), known(None));
}

/// The same that Stripe did not take is not told again because something else of the account was edited; a deal tries it all the same.
#[test]
fn what_stripe_refused_is_not_told_again() {
    let refused = known(Some(first().told(None)))
        .give_way(for_news(second()), false)
        .record(Fact::Refused(Refusal { stop: refusal() }))
        .expect("in order");
    assert!(matches!(refused.next(), Next::Call(Call::Report { .. })), "a person is told");
    let refused = refused.record(Fact::Reported).expect("in order");
    assert_eq!(refused.status(), Status::Rejected);
    let again = refused.clone().give_way(for_news(newer(second())), false);
    assert_eq!((again.name(), again.status()), ("untold", Status::Rejected), "Stripe is not asked again");
    assert!(!refused.has_news_from(&for_news(newer(second()))), "it says the same");
    assert!(refused.has_news_from(&for_news(details(3, "other@acme.example"))));
    assert_eq!(refused.clone().give_way(unknown(newer(second())), false).name(), "updating");
    // A person asks for it, and if it is refused once more, that is said.
    let asked = refused.asked_for().give_way(for_news(newer(second())), false);
    assert_eq!(asked.name(), "updating");
    // Of what a deal met the deal has told; that the customer is not told goes on without it.
    let by_deal = untold(Some(first().told(None)));
    assert!(by_deal.has_news_from(&for_news(newer(second()))));
    let owed = by_deal.give_way(for_news(newer(second())), false);
    assert!(matches!(owed.next(), Next::Call(Call::Report { .. })), "{owed:?}");
}
