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
    let updating = known(told.clone()).give_way(for_news(second()), false);
    assert_eq!(updating.record(Fact::CustomerMissing).expect("in order"), known(told.clone()));
    let with_tax_id = CustomerDetails { tax_id: TaxId::parse(None, "DE123456789").ok(), ..newer(first()) };
    let looking = known(told.clone()).give_way(for_news(with_tax_id.clone()), false);
    assert_eq!(looking.name(), "tax_ids_looking");
    assert_eq!(looking.record(Fact::CustomerMissing).expect("in order"), known(told.clone()));
    let named = for_news(second()).record(Fact::CustomerMissing).expect("in order");
    assert_eq!(named, known(None));
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
    let point = there.give_way(unreadable(2), false);
    let stop = point.stop().expect("a person mends it");
    assert_eq!((stop.code, point.status()), (Code::BillingCountryUnknown, Status::Rejected));
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
    assert_eq!(refused.status(), Status::Rejected);
    assert!(!refused.has_news_from(&for_news(newer(second()))), "it says the same");
    assert!(refused.has_news_from(&for_news(details(3, "other@acme.example"))));
    assert_eq!(refused.give_way(unknown(newer(second())), false).name(), "updating");
}
