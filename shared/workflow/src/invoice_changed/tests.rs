use domain::{Currency, FieldValue, Followed, Money};
use jiff::SignedDuration;
use mapping::{Amendments, CREDITED, DISPUTED, INVOICE_STATUS, REFUNDED, Update};

use super::*;
use crate::Refusal;

const DEAL: &str = "006000000000001AAA";

fn settings() -> Settings {
    Settings { followed: Followed::everything(), ..Settings::new(Currency::parse("EUR").expect("valid")) }
}

fn invoice_id() -> InvoiceId {
    InvoiceId::parse("in_1").expect("valid")
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_793_577_600 + minute * 60).expect("in range")
}

fn money(minor_units: i64) -> Money {
    Money::from_minor_units(minor_units, Currency::parse("EUR").expect("valid"))
}

fn seen(status: InvoiceStatus) -> InvoiceStandingSeen {
    InvoiceStandingSeen {
        invoice_id: invoice_id(),
        opportunity_id: OpportunityId::parse(DEAL).ok(),
        status,
        due_at: Some(at(60)),
        total: money(1200),
        credited: money(0),
        refunded: money(0),
        is_disputed: false,
        not_finalized: None,
        is_of_later_period: false,
        customer_id: None,
    }
}

fn read(seen: InvoiceStandingSeen, minute: i64) -> Fact {
    Fact::InvoiceStandingRead { seen: Box::new(seen), at: at(minute) }
}

/// What the opportunity says: which invoice is its, and how that stands.
fn billing(invoice: &str, status: &str) -> Record {
    let mut record = Record::default();
    for (field, value) in [("Id", DEAL), ("Stripe_Invoice_Id__c", invoice), (INVOICE_STATUS, status)] {
        if !value.is_empty() {
            record.set(field, FieldValue::Text(value.into()));
        }
    }
    record
}

fn after(point: Point, facts: impl IntoIterator<Item = Fact>) -> Point {
    under(point, facts, &settings())
}

fn under(point: Point, facts: impl IntoIterator<Item = Fact>, settings: &Settings) -> Point {
    facts.into_iter().fold(point, |point, fact| point.record(fact, settings).expect("in order"))
}

fn claimed() -> Point {
    Point::claimed(invoice_id(), None)
}

fn written(point: &Point) -> Update {
    match point.next() {
        Next::Call(Call::UpdateRecords { updates }) => {
            <[Update; 1]>::try_from(updates).expect("one").into_iter().next().expect("one")
        }
        next => panic!("{next:?}"),
    }
}

/// As Salesforce answers a write that it has kept.
fn kept(point: &Point) -> Fact {
    let mut record = billing("in_1", "");
    written(point).fields.into_iter().for_each(|(field, value)| record.set(field, value));
    Fact::RecordsUpdated(vec![record])
}

fn code(point: &Point) -> Option<(Code, Kind)> {
    point.stop().map(|stop| (stop.code, stop.kind))
}

#[test]
fn what_has_become_of_it_is_told_where_its_opportunity_names_it() {
    assert_eq!(claimed().next(), Next::Call(Call::ReadInvoiceStanding { invoice_id: invoice_id() }));
    let credited = InvoiceStandingSeen { credited: money(250), ..seen(InvoiceStatus::Open) };
    let telling = after(claimed(), [read(credited, 0), Fact::BillingRead(billing("in_1", ""))]);
    let fields = written(&telling).fields;
    assert_eq!(fields[INVOICE_STATUS], FieldValue::Text("open".into()));
    assert_eq!(fields[CREDITED], FieldValue::Number("2.50".parse().expect("a number")));
    let answer = kept(&telling);
    let done = after(telling, [answer]);
    assert_eq!((done.next(), done.status()), (Next::End(End::Done), Status::Done));
    assert!(done.was_seen_since(at(-11)) && !done.was_seen_since(at(-9)), "{done:?}");
}

/// By the invoice as it was read, whichever event told of it; an open one by the day on which it was due.
#[test]
fn each_status_has_its_word() {
    for (status, minute, word) in [
        (InvoiceStatus::Open, 59, Some("open")),
        (InvoiceStatus::Open, 60, Some("overdue")),
        (InvoiceStatus::Paid, 99, Some("paid")),
        (InvoiceStatus::Void, 99, Some("void")),
        (InvoiceStatus::Uncollectible, 99, Some("uncollectible")),
        (InvoiceStatus::Draft, 99, None),
        (InvoiceStatus::Other, 99, None),
    ] {
        let point = after(claimed(), [read(seen(status), minute)]);
        match word {
            None => assert_eq!(point.next(), Next::End(End::Done), "{status:?}"),
            Some(word) => {
                let told = after(point.clone(), [Fact::BillingRead(billing("in_1", word))]);
                assert_eq!(told.next(), Next::End(End::Done), "{status:?}");
                let telling = after(point, [Fact::BillingRead(billing("in_1", "else"))]);
                assert_eq!(written(&telling).fields[INVOICE_STATUS], FieldValue::Text(word.into()));
            }
        }
    }
}

fn dispute(id: &str) -> Dispute {
    Dispute { dispute_id: domain::DisputeId::parse(id).expect("valid"), due_by: Some(at(24 * 60)) }
}

#[test]
fn a_dispute_is_shown_and_waits_for_a_person_once() {
    let disputed = || InvoiceStandingSeen { is_disputed: true, refunded: money(5), ..seen(InvoiceStatus::Paid) };
    let claimed = Point::claimed(invoice_id(), Some(dispute("du_1")));
    let telling = after(claimed, [read(disputed(), 0), Fact::BillingRead(billing("in_1", "paid"))]);
    let fields = written(&telling).fields;
    let refunded = FieldValue::Number("0.05".parse().expect("a number"));
    assert_eq!((&fields[DISPUTED], &fields[REFUNDED]), (&FieldValue::Boolean(true), &refunded));
    let answer = kept(&telling);
    let stopped = after(telling, [answer.clone()]);
    assert_eq!(code(&stopped), Some((Code::PaymentDisputed, Kind::Review)));
    assert!(stopped.stop().is_some_and(|stop| stop.message.contains("du_1 (by 2026-11-03)")), "{stopped:?}");
    let reported = after(stopped, [Fact::Reported]);
    assert_eq!(reported.status(), Status::Review);
    // A later event of the same invoice says nothing of it any more; another dispute does.
    let Fact::RecordsUpdated(records) = answer else { panic!() };
    let facts = || [read(disputed(), 30), Fact::BillingRead(records[0].clone())];
    assert_eq!(after(reported.clone().resume(), facts()).next(), Next::End(End::Done));
    let again = reported.resume().hearing(Point::claimed(invoice_id(), Some(dispute("du_2"))));
    let stop = after(again, facts()).stop().cloned().expect("a stop");
    assert!(stop.message.contains("du_2") && !stop.message.contains("du_1"), "{}", stop.message);
}

/// Another event said it, while its own waited to be worked on; and a person who sends the letter again asks for it.
#[test]
fn a_dispute_that_was_said_is_said_again_only_to_who_asks() {
    let told = || [read(seen(InvoiceStatus::Paid), 0), Fact::BillingRead(billing("in_1", "paid"))];
    let claimed = || Point::claimed(invoice_id(), Some(dispute("du_1")));
    let reported = after(after(claimed(), told()), [Fact::Reported]);
    for (point, is_said) in [(reported.clone().resume(), false), (reported.asked_for().resume(), true)] {
        let again = after(point.clone(), told());
        assert_eq!(again.next(), Next::End(End::Done), "another event");
        assert_eq!(code(&after(again.resume().hearing(claimed()), told())).is_some(), is_said, "its own, later");
        assert_eq!(code(&after(point.hearing(claimed()), told())).is_some(), is_said, "its own");
    }
}

/// Whoever is looking for the invoice's deal hears of it, too.
#[test]
fn a_dispute_is_heard_while_a_deal_is_looked_for() {
    let seeking = after(claimed(), [read(seen(InvoiceStatus::Paid), 0), Fact::RecordMissing]);
    let heard = seeking.resume().hearing(Point::claimed(invoice_id(), Some(dispute("du_1"))));
    assert!(heard.is_urgent());
    let stopped = after(heard.clone(), [looked_up(&[])]);
    let message = &stopped.stop().expect("a stop").message;
    assert!(message.contains("du_1") && message.contains("is gone or hidden"), "{message}");
    let told = after(heard, [looked_up(&["006000000000002AAA"]), read(seen(InvoiceStatus::Paid), 1)]);
    let told = after(told, [Fact::BillingRead(billing("in_1", "paid"))]);
    assert_eq!(code(&told), Some((Code::PaymentDisputed, Kind::Review)));
}

/// Whatever else is in the way, it is said, and that with it; and two that come together are said together.
#[test]
fn a_dispute_is_not_forgotten() {
    let first = || Point::claimed(invoice_id(), Some(dispute("du_1")));
    let refused = || Fact::Refused(Refusal { stop: Stop::refused(Code::SalesforceRefused, "No.") });
    let facts = || [read(seen(InvoiceStatus::Paid), 0), Fact::BillingRead(billing("in_1", "paid"))];
    // The opportunity is gone, and no other event may ever come.
    for in_the_way in [vec![refused()], vec![Fact::RecordMissing, looked_up(&[])]] {
        let stopped = after(after(first(), [read(seen(InvoiceStatus::Paid), 0)]), in_the_way.clone());
        assert_eq!(code(&stopped), Some((Code::PaymentDisputed, Kind::Review)), "{in_the_way:?}");
        assert!(stopped.is_to_say(&dispute("du_1")) && !stopped.is_to_say(&dispute("du_2")));
        let message = &stopped.stop().expect("a stop").message;
        assert!(message.contains("du_1 (by 2026-11-03). Besides: "), "{message}");
        let reported = after(stopped, [Fact::Reported]);
        assert!(!reported.is_to_say(&dispute("du_1")));
        // What was in the way is said by itself where it still is.
        let again = after(after(reported.resume(), [read(seen(InvoiceStatus::Paid), 1)]), in_the_way);
        assert!(again.stop().is_some_and(|stop| stop.code != Code::PaymentDisputed), "{again:?}");
    }
    let both = first().hearing(Point::claimed(invoice_id(), Some(dispute("du_2"))));
    let message = after(both, facts()).stop().cloned().expect("a stop").message;
    assert!(message.contains("du_1") && message.contains("du_2"), "{message}");
    // Of a later period, whose deal names no invoice at all.
    let later = InvoiceStandingSeen { is_of_later_period: true, ..seen(InvoiceStatus::Paid) };
    let claimed = Point::claimed(invoice_id(), Some(dispute("du_1")));
    let point = after(claimed, [read(later, 0), Fact::BillingRead(billing("", ""))]);
    assert_eq!(code(&point), Some((Code::PaymentDisputed, Kind::Review)));
}

#[test]
fn a_later_periods_invoice_that_stripe_cannot_finalize_waits_for_a_person() {
    let stuck = || InvoiceStandingSeen {
        not_finalized: Some("No tax id.".into()),
        is_of_later_period: true,
        ..seen(InvoiceStatus::Draft)
    };
    let point = after(claimed(), [read(stuck(), 0)]);
    assert_eq!(code(&point), Some((Code::InvoiceNotFinalized, Kind::Review)));
    let message = &point.stop().expect("a stop").message;
    assert!(message.contains("12.00 EUR") && message.ends_with("Stripe says: No tax id."), "{message}");
    // It was finalized in the end.
    let finalized = InvoiceStandingSeen { status: InvoiceStatus::Open, ..stuck() };
    assert_eq!(after(point.resume(), [read(finalized, 1)]).name(), "seen");
    let settings = Settings { followed: Followed::parse("invoice.overdue").expect("known"), ..settings() };
    assert_eq!(under(claimed(), [read(stuck(), 0)], &settings).next(), Next::End(End::Done));
    // A deal's own draft is its run's, which says so itself.
    let own = InvoiceStandingSeen { is_of_later_period: false, ..stuck() };
    assert_eq!(after(claimed(), [read(own, 0)]).next(), Next::End(End::Done));
}

/// A later period's invoice is not its opportunity's; nor is one that another took the place of. Only where that can happen is it looked at
/// once more, by when it may have come to be named.
#[test]
fn an_opportunity_that_names_another_is_left_alone() {
    let facts = || [read(seen(InvoiceStatus::Void), 0), Fact::BillingRead(billing("in_2", ""))];
    assert_eq!(after(claimed(), facts()).next(), Next::End(End::Done));
    let reissuing = Settings { amendments: Amendments::VoidAndReissue, ..settings() };
    let doubting = under(claimed(), facts(), &reissuing);
    let until = at(0).checked_add(QUIET).expect("in range");
    assert_eq!(doubting.next(), Next::End(End::Resting { until }));
    assert_eq!(under(doubting.resume(), facts(), &reissuing).next(), Next::End(End::Done));
}

#[test]
fn one_that_is_not_named_yet_is_waited_for() {
    let point = after(claimed(), [read(seen(InvoiceStatus::Open), 0), Fact::BillingRead(billing("", ""))]);
    assert!(matches!(point.next(), Next::Wait(stop) if stop.code == Code::InvoiceNotLinked), "{point:?}");
    assert_eq!(point.clone().resume(), claimed_at(0));
    // After a day it is looked up.
    let Next::Wait(stop) = point.next() else { panic!("it waits") };
    let seeking = after(point, [Fact::Refused(Refusal { stop })]);
    assert!(matches!(seeking.clone().resume().next(), Next::Call(Call::LookUp { .. })), "{seeking:?}");
    let stopped = after(seeking.clone(), [looked_up(&[])]);
    assert_eq!(stopped.stop().map(|stop| stop.code), Some(Code::InvoiceNotLinked));
    let other = "006000000000002AAA";
    let told = after(
        seeking,
        [looked_up(&[other]), read(seen(InvoiceStatus::Open), 1), Fact::BillingRead(billing("in_1", ""))],
    );
    let Next::Call(Call::UpdateRecords { updates }) = told.next() else { panic!("{told:?}") };
    assert_eq!(updates[0].id, other);
    // That one is gone, names another, or is in another currency.
    let found = Watch { found: OpportunityId::parse(other).ok(), ..Watch::new(invoice_id()) };
    let found = after(Point::Claimed { watch: found }, [read(seen(InvoiceStatus::Open), 2)]);
    for fact in [Fact::RecordMissing, Fact::BillingRead(billing("in_2", ""))] {
        let left = after(found.clone(), [fact]);
        assert!(matches!(&left, Point::Claimed { watch } if watch.found.is_none()), "{left:?}");
    }
    let dollars = Settings { multi_currency: true, ..settings() };
    let in_dollars = under(found, [Fact::BillingRead(billing("in_1", ""))], &dollars);
    assert_eq!(in_dollars.stop().map(|stop| stop.code), Some(Code::InvoiceInAnotherCurrency));
    let again = after(in_dollars, [Fact::Reported]).resume();
    assert!(matches!(again, Point::Claimed { watch } if watch.found.is_none()));
    // The deal that the invoice itself names may name it again.
    let left = after(told.resume(), [read(seen(InvoiceStatus::Open), 2), Fact::BillingRead(billing("", ""))]);
    assert!(matches!(left.resume(), Point::Claimed { watch } if watch.found.is_none()));
}

fn looked_up(named_by: &[&str]) -> Fact {
    let with_id = |id: &&str| {
        let mut record = Record::default();
        record.set("Id", FieldValue::Text((*id).to_owned()));
        record
    };
    let answers = vec![named_by.iter().map(with_id).collect()];
    Fact::LookedUp(Box::new(mapping::Whereabouts::of(answers)))
}

fn claimed_at(minute: i64) -> Point {
    Point::Claimed { watch: Watch { seen_at: Some(at(minute)), ..Watch::new(invoice_id()) } }
}

/// The write may happen yet, when something else has been told.
#[test]
fn after_a_write_without_an_answer_it_is_looked_at_once_more() {
    let telling = after(claimed(), [read(seen(InvoiceStatus::Open), 0), Fact::BillingRead(billing("in_1", ""))]);
    let facts = |minute| [read(seen(InvoiceStatus::Void), minute), Fact::BillingRead(billing("in_1", "void"))];
    let doubting = after(telling.resume(), facts(1));
    let until = at(1).checked_add(QUIET).expect("in range");
    assert_eq!((doubting.next(), doubting.status()), (Next::End(End::Resting { until }), Status::Open));
    let minutes = QUIET.as_mins() + 1;
    assert_eq!(after(doubting.resume(), facts(minutes)).next(), Next::End(End::Done));
}

/// It was paid between the reading and the write, which its own run has told.
#[test]
fn what_was_overtaken_is_read_again() {
    let telling = after(claimed(), [read(seen(InvoiceStatus::Open), 99), Fact::BillingRead(billing("in_1", "open"))]);
    let overtaken = after(telling.clone(), [Fact::RecordsUpdated(vec![billing("in_1", "paid")])]);
    assert!(matches!(overtaken.next(), Next::Call(Call::ReadInvoiceStanding { .. })), "{overtaken:?}");
    let facts = [read(seen(InvoiceStatus::Paid), 100), Fact::BillingRead(billing("in_1", "paid"))];
    assert!(matches!(after(overtaken, facts).next(), Next::End(End::Resting { .. })));
    // It says paid all the same, and Stripe does not: that is said when no late write can have made it so, and not tried for ever.
    let open = |minute| [read(seen(InvoiceStatus::Open), minute), Fact::BillingRead(billing("in_1", "open"))];
    let says_paid = || Fact::RecordsUpdated(vec![billing("in_1", "paid")]);
    let again = after(after(telling.clone(), [says_paid()]), open(100));
    let resting = after(again, [says_paid()]);
    assert!(matches!(resting.next(), Next::End(End::Resting { .. })), "{resting:?}");
    let later = 101 + QUIET.as_mins();
    let stopped = after(after(resting.resume(), open(later)), [says_paid()]);
    assert_eq!(code(&stopped), Some((Code::WriteBackDiffers, Kind::Review)), "{stopped:?}");
    // Something else than us keeps it from being written.
    let differs = after(telling, [Fact::RecordsUpdated(vec![billing("in_1", "open")])]);
    assert_eq!(code(&differs), Some((Code::WriteBackDiffers, Kind::Review)));
    assert!(differs.stop().is_some_and(|stop| stop.message.contains(INVOICE_STATUS)));
}

#[test]
fn whatever_is_in_its_way_is_said() {
    let refusal = || Fact::Refused(Refusal { stop: Stop::refused(Code::SalesforceRefused, "no") });
    let at_seen = after(claimed(), [read(seen(InvoiceStatus::Open), 0)]);
    let telling = after(at_seen.clone(), [Fact::BillingRead(billing("in_1", ""))]);
    let nobodys = InvoiceStandingSeen { opportunity_id: None, ..seen(InvoiceStatus::Open) };
    for (point, fact, expected) in [
        (claimed(), Fact::InvoiceMissing, (Code::InvoiceNotFound, Kind::Review)),
        (claimed(), read(nobodys, 0), (Code::NotOurs, Kind::NotBillable)),
        (claimed(), refusal(), (Code::SalesforceRefused, Kind::Review)),
        (at_seen.clone(), refusal(), (Code::SalesforceRefused, Kind::Review)),
        (at_seen.clone(), Fact::RecordMissing, (Code::OpportunityNotFound, Kind::Review)),
        (telling.clone(), refusal(), (Code::SalesforceRefused, Kind::Review)),
        (telling.clone(), Fact::RecordsUpdated(vec![Record::default()]), (Code::OpportunityNotFound, Kind::Review)),
    ] {
        let stopped = after(point, [fact]);
        // Another deal may have it.
        let is_sought = expected.0 == Code::OpportunityNotFound;
        let stopped = if is_sought { after(stopped, [looked_up(&[])]) } else { stopped };
        assert_eq!(code(&stopped), Some(expected));
    }
    assert!(telling.record(Fact::Reported, &settings()).is_err());
    assert!(QUIET > SignedDuration::ZERO);
}
