use domain::{Currency, OpportunityId};
use jiff::SignedDuration;
use mapping::{Channel, Dues};

use super::*;
use crate::{CollectingSeen, InvoiceStatus, Refusal};

fn at(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
}

fn settings() -> Settings {
    let mut settings = Settings::new(Currency::parse("USD").expect("valid"));
    let policy = Notifications::of_everything(vec![Channel::Slack], "https://acme.my.salesforce.com", true);
    settings.notifications = Some(policy);
    settings
}

fn about(tells: Tells) -> About {
    About::Run { key: "run#1".into(), tells }
}

fn stop() -> (About, Tidings) {
    let stop = Box::new(Stop::refused(Code::NoLines, "Mend it."));
    let (opportunity_id, total, invoice_id) = (None, None, None);
    let tidings = Tidings::Stopped { opportunity_id, subject: "006".into(), total, invoice_id, stop };
    (about(Tells::Stopped { code: Code::NoLines }), tidings)
}

fn invoice_id() -> InvoiceId {
    InvoiceId::parse("in_1").expect("valid")
}

fn failed() -> (About, Tidings) {
    (about(Tells::Failed), Tidings::Failed { invoice_id: invoice_id() })
}

fn claimed(what: (About, Tidings)) -> Point {
    counted(what, 1)
}

fn counted((about, tidings): (About, Tidings), count: u32) -> Point {
    Point::claimed(Channel::Slack, about, tidings, count)
}

fn named(point: Point, minutes: i64) -> Point {
    point.record(Fact::NamesRead { deal: None, unread: None, at: at(minutes) }, &settings()).expect("in order")
}

fn then(point: Point, fact: Fact) -> Point {
    point.record(fact, &settings()).expect("in order")
}

fn told(point: Point, minutes: i64) -> Point {
    then(named(point, minutes), Fact::Told { at: at(minutes) })
}

/// It comes up again: for another event of the same, or since the time has come.
fn again(point: Point, what: (About, Tidings)) -> Point {
    point.resume().hearing(&claimed(what))
}

/// It has happened once more.
fn anew(point: Point, what: (About, Tidings)) -> Point {
    let count = point.notice().count + 1;
    point.resume().hearing(&counted(what, count))
}

/// What comes back within the hour is said when the hour is over.
#[test]
fn a_stop_is_said_once_an_hour() {
    let point = told(claimed(stop()), 0);
    assert_eq!((point.name(), point.status()), ("done", Status::Done));
    assert_eq!(again(point.clone(), stop()).next(), Next::End(End::Done), "it is no news");
    let resting = named(anew(point, stop()), 20);
    assert_eq!(resting.next(), Next::End(End::Resting { until: at(60) }));
    let Point::Telling { message, .. } = named(again(resting.clone(), stop()), 60) else { panic!("it is said") };
    assert!(!message.remarks.iter().any(|remark| remark.contains("said before")), "{:?}", message.remarks);
    let mended = again(resting, (stop().0, Tidings::Nothing));
    assert_eq!(mended.next(), Next::End(End::Done));
}

#[test]
fn what_happens_once_is_said_once() {
    let point = told(claimed((about(Tells::Won { by: "in_1".into() }), won())), 0);
    assert_eq!(anew(point, (about(Tells::Won { by: "in_1".into() }), won())).next(), Next::End(End::Done));
}

fn won() -> Tidings {
    Tidings::Won {
        opportunity_id: OpportunityId::parse("006000000000001AAA").expect("valid"),
        total: None,
        billed: None,
        invoice_id: Some(invoice_id()),
        subscription_id: None,
    }
}

/// Nobody answered, or whoever said it died: it waits until it would be news again, and says that it may be none.
#[test]
fn what_may_have_been_said_is_said_again_when_the_window_is_over() {
    let telling = named(claimed(stop()), 0).sending(at(0));
    let until = at(60);
    let unanswered = then(telling.clone(), Fact::ToldPerhaps);
    assert_eq!(unanswered.next(), Next::End(End::Resting { until }));
    let died = named(telling.resume(), 5);
    for resting in [unanswered, died] {
        assert_eq!((resting.next(), resting.status()), (Next::End(End::Resting { until }), Status::Open));
        assert_eq!(named(again(resting.clone(), stop()), 59).next(), Next::End(End::Resting { until }));
        let Point::Telling { message, .. } = named(again(resting, stop()), 60) else { panic!("it is said") };
        assert!(message.remarks[0].contains("said before"), "{:?}", message.remarks);
    }
}

/// Whoever is interrupted before anything was sent says it at once.
#[test]
fn what_was_not_sent_yet_is_in_no_doubt() {
    let telling = named(claimed(stop()), 0);
    assert_eq!(named(telling.resume(), 5).name(), "telling");
}

#[test]
fn whoever_never_answers_is_a_persons_business_after_a_day() {
    let mut point = claimed(stop());
    for hour in 0..25 {
        assert!(!matches!(point, Point::Stopped { .. }), "hour {hour}");
        point = then(named(point.resume(), hour * 60).sending(at(hour * 60)), Fact::ToldPerhaps);
    }
    assert_eq!(point.stop().map(|stop| (stop.code, stop.kind)), Some((Code::NotificationNotSent, Kind::Review)));
    let point = then(point, Fact::Reported);
    assert_eq!((point.status(), point.name()), (Status::Review, "stopped"));
}

/// For certain it was not said: it is tried again, and a day later a person hears of it.
#[test]
fn what_cannot_be_said_is_tried_again() {
    let why = Stop::review(Code::NotificationNotSent, "Slack answered 404 no_service.");
    let unsaid = then(named(claimed(stop()), 0).sending(at(0)), Fact::NotTold { stop: why.clone(), at: at(3) });
    assert_eq!(unsaid.next(), Next::Wait(why.clone()));
    assert_eq!(named(unsaid.clone().resume(), 1).name(), "telling", "at once, and not as if it had been said");
    assert_eq!(unsaid.unsaid_since(), Some(at(3)));
    let anew = anew(unsaid.clone(), stop());
    assert_eq!(anew.unsaid_since(), None, "what is news has a day of its own");
    let given_up = then(unsaid, Fact::Refused(Refusal { stop: why.clone() }));
    assert_eq!(given_up.next(), Next::Call(Call::Report { stop: why.clone() }));
    let said_before = given_up.already_said(Some(&why));
    assert_eq!(said_before.status(), Status::Review);
}

fn collecting(status: InvoiceStatus) -> Fact {
    let seen = CollectingSeen {
        opportunity_id: Some(OpportunityId::parse("006000000000001AAA").expect("valid")),
        invoice_id: invoice_id(),
        status,
        remaining: domain::Money::from_minor_units(100, Currency::parse("USD").expect("valid")),
        attempts: 1,
        next_attempt: None,
        number: None,
        page: None,
        reason: None,
        due_at: None,
    };
    Fact::CollectingRead { seen: Box::new(seen), at: at(0) }
}

#[test]
fn a_failure_is_told_as_it_stands_and_not_when_it_is_paid_since() {
    let point = claimed(failed());
    assert_eq!(point.next(), Next::Call(Call::ReadCollecting { invoice_id: invoice_id() }));
    let unpaid = then(point.clone(), collecting(InvoiceStatus::Open));
    assert!(matches!(&unpaid.notice().tidings, Tidings::Unpaid { failure } if failure.dues == Dues::Open));
    assert_eq!(named(unpaid, 0).name(), "telling");
    for over in [collecting(InvoiceStatus::Paid), collecting(InvoiceStatus::Void), Fact::InvoiceMissing] {
        assert_eq!(then(point.clone(), over).next(), Next::End(End::Done));
    }
}

#[test]
fn what_is_over_or_switched_off_is_not_said() {
    let over = again(named(claimed(stop()), 0), (stop().0, Tidings::Nothing));
    assert_eq!(over.next(), Next::End(End::Done));
    let off = Settings { notifications: None, ..settings() };
    let point =
        claimed(stop()).record(Fact::NamesRead { deal: None, unread: None, at: at(0) }, &off).expect("in order");
    assert_eq!(point.next(), Next::End(End::Done));
}

#[test]
fn a_fact_that_was_not_asked_for_is_an_error() {
    for point in [claimed(stop()), claimed(failed()), named(claimed(stop()), 0), told(claimed(stop()), 0)] {
        assert!(point.record(Fact::Reported, &settings()).is_err());
    }
}

/// The ledger holds what an older version wrote.
#[test]
fn a_run_is_named_as_ever() {
    let day = About::Day { day: jiff::civil::date(2026, 11, 28) };
    for (about, expected) in [
        (stop().0, "stopped:no_lines:run#1"),
        (failed().0, "failed:run#1"),
        (about(Tells::Won { by: "in_1".into() }), "won:in_1:run#1"),
        (day, "digest:2026-11-28"),
    ] {
        assert_eq!(about.to_string(), expected);
    }
}
