use domain::{Currency, FieldValue, Money, OpportunityId};
use jiff::SignedDuration;

use super::*;
use crate::{CollectingSeen, InvoiceStatus, Refusal};

fn settings() -> Settings {
    Settings::new(Currency::parse("EUR").expect("valid"))
}

fn at(hours: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
}

fn collecting(status: InvoiceStatus) -> CollectingSeen {
    CollectingSeen {
        invoice_id: InvoiceId::parse("in_1").expect("valid"),
        opportunity_id: OpportunityId::parse("006000000000001AAA").ok(),
        status,
        remaining: Money::from_minor_units(500, Currency::parse("EUR").expect("valid")),
        attempts: 1,
        next_attempt: None,
        number: None,
        page: None,
        reason: None,
        due_at: None,
    }
}

fn read(status: InvoiceStatus, hours: i64) -> Fact {
    Fact::CollectingRead { seen: Box::new(collecting(status)), at: at(hours) }
}

fn record(fields: &[(&str, FieldValue)]) -> Record {
    let mut record = Record::default();
    fields.iter().for_each(|(path, value)| record.set(*path, value.clone()));
    record
}

fn text(text: &str) -> FieldValue {
    FieldValue::Text(text.into())
}

fn case(is_closed: bool) -> Record {
    record(&[("Id", text("500a")), (IS_CLOSED, FieldValue::Boolean(is_closed))])
}

fn found(case: Option<Record>) -> Fact {
    Fact::CaseRead(Box::new(CaseSeen {
        opportunity: Some(record(&[("Id", text("006a"))])),
        case,
        task: None,
        unread: None,
    }))
}

fn claimed() -> Point {
    Point::claimed(InvoiceId::parse("in_1").expect("valid"))
}

fn after(point: Point, facts: impl IntoIterator<Item = Fact>) -> Point {
    facts.into_iter().fold(point, |point, fact| point.record(fact, &settings()).expect("in order"))
}

fn until(point: &Point) -> Option<Timestamp> {
    match point {
        Point::Resting { until, .. } => Some(*until),
        _ => None,
    }
}

#[test]
fn a_failure_opens_a_case_and_rests_until_it_is_followed_up() {
    let seen = after(claimed(), [read(InvoiceStatus::Open, 0)]);
    assert!(matches!(seen.next(), Next::Call(Call::ReadCase { .. })));
    let telling = after(seen, [found(None)]);
    assert!(matches!(telling.next(), Next::Call(Call::UpdateRecords { updates }) if updates.len() == 1));
    let resting = after(telling, [Fact::RecordsUpdated(vec![case(false)])]);
    assert_eq!((until(&resting), resting.status()), (Some(at(48)), Status::Open));
    // It is unpaid still: whoever has the case is asked, and then nothing is left to do.
    let asking = after(resting.resume(), [read(InvoiceStatus::Open, 48), found(Some(case(false)))]);
    let Point::Telling { dunning, .. } = &asking else { panic!("{asking:?}") };
    assert!(matches!(dunning.task, Some(TaskStep::Make { .. })));
    let done = after(asking, [Fact::RecordsUpdated(vec![case(false), record(&[("Id", text("00Ta"))])])]);
    assert_eq!((done.status(), done.is_over()), (Status::Done, false));
}

#[test]
fn what_is_settled_is_closed_and_over() {
    let resting =
        after(claimed(), [read(InvoiceStatus::Open, 0), found(None), Fact::RecordsUpdated(vec![case(false)])]);
    for status in [InvoiceStatus::Paid, InvoiceStatus::Void] {
        let closing = after(resting.clone().resume(), [read(status, 1), found(Some(case(false)))]);
        assert!(
            matches!(&closing, Point::Telling { dunning, .. } if matches!(dunning.case, Some(CaseStep::Close { .. })))
        );
        let over = after(closing.clone(), [Fact::RecordsUpdated(vec![case(true)])]);
        assert!(over.is_over() && over.status() == Status::Done);
        // One that a person took away in that moment is theirs.
        assert!(after(closing.clone(), [Fact::RecordsUpdated(vec![Record::default()])]).is_over());
        let stopped = after(closing, [Fact::RecordsUpdated(vec![case(false)])]);
        assert_eq!(stopped.stop().map(|stop| stop.code), Some(Code::WriteBackDiffers));
    }
    // Of what never failed before it was paid there is nothing to close.
    assert!(after(claimed(), [read(InvoiceStatus::Paid, 0), found(None)]).is_over());
}

/// A write whose answer nobody saw may land yet: it is looked at once more when none can be under way.
#[test]
fn after_a_write_that_was_never_answered_it_is_looked_at_once_more() {
    let telling = after(claimed(), [read(InvoiceStatus::Open, 0), found(None)]);
    let again = after(telling.clone().resume(), [read(InvoiceStatus::Paid, 1), found(None)]);
    let quiet_at = at(1) + LONGEST_STANDSTILL;
    assert_eq!(until(&again), Some(quiet_at));
    let Point::Claimed { watch } = again.resume() else { panic!("it is read anew") };
    let late = Fact::CollectingRead { seen: Box::new(collecting(InvoiceStatus::Paid)), at: quiet_at };
    let closing = after(Point::Claimed { watch }, [late, found(Some(case(false)))]);
    assert!(after(closing, [Fact::RecordsUpdated(vec![case(true)])]).is_over());
    // What a late write made of it may be what is refused: no person is told before it is quiet.
    let refused = Fact::Refused(Refusal { stop: Stop::refused(Code::SalesforceRefused, "No.") });
    let waits = after(telling.resume(), [read(InvoiceStatus::Open, 1), refused]);
    assert_eq!(until(&waits), Some(quiet_at));
}

#[test]
fn what_cannot_be_looked_after_is_told() {
    let gone = Fact::CaseRead(Box::default());
    let refused = || Fact::Refused(Refusal { stop: Stop::refused(Code::SalesforceRefused, "No.") });
    for (facts, code, status) in [
        (vec![Fact::InvoiceMissing], Code::InvoiceNotFound, Status::Open),
        (vec![read(InvoiceStatus::Open, 0), gone], Code::OpportunityNotFound, Status::Open),
        (vec![read(InvoiceStatus::Open, 0), refused()], Code::SalesforceRefused, Status::Open),
        (vec![read(InvoiceStatus::Open, 0), found(None), refused()], Code::SalesforceRefused, Status::Open),
        (
            vec![read(InvoiceStatus::Open, 0), found(None), Fact::RecordsUpdated(vec![Record::default()])],
            Code::WriteBackDiffers,
            Status::Open,
        ),
        (vec![refused()], Code::SalesforceRefused, Status::Open),
    ] {
        let stopped = after(claimed(), facts);
        assert_eq!((stopped.stop().map(|stop| stop.code), stopped.status()), (Some(code), status), "{stopped:?}");
        let told = after(stopped.clone(), [Fact::Reported]);
        assert_eq!(told.status(), Status::Review);
        let said_before = stopped.clone().already_said(stopped.stop());
        assert_eq!(said_before.status(), Status::Review);
        assert!(matches!(told.resume(), Point::Claimed { .. }));
    }
    let theirs = CollectingSeen { opportunity_id: None, ..collecting(InvoiceStatus::Open) };
    let ignored = after(claimed(), [Fact::CollectingRead { seen: Box::new(theirs), at: at(0) }]);
    assert_eq!((ignored.status(), ignored.stop().map(|stop| stop.code)), (Status::Rejected, Some(Code::NotOurs)));
}

/// What was not kept was not taken away by a person: it is made once that is mended.
#[test]
fn a_case_that_was_not_kept_is_opened_when_it_is_sent_again() {
    let opening = |point| after(point, [read(InvoiceStatus::Open, 0), found(None)]);
    let stopped = after(opening(claimed()), [Fact::RecordsUpdated(vec![Record::default()]), Fact::Reported]);
    assert_eq!(stopped.status(), Status::Review);
    assert!(matches!(opening(stopped.resume()), Point::Telling { .. }));
    let opened = after(opening(claimed()), [Fact::RecordsUpdated(vec![case(false)])]);
    assert!(matches!(opening(opened.resume()), Point::Resting { .. }), "one that was kept and is gone stays away");
}

#[test]
fn what_is_no_invoice_to_be_paid_is_nobodys_business() {
    for status in [InvoiceStatus::Draft, InvoiceStatus::Other] {
        let done = after(claimed(), [read(status, 0), found(None)]);
        assert_eq!((done.status(), done.is_over()), (Status::Done, false));
    }
}

#[test]
fn what_was_seen_since_tells_nothing_new() {
    let resting =
        after(claimed(), [read(InvoiceStatus::Open, 1), found(None), Fact::RecordsUpdated(vec![case(false)])]);
    assert!(resting.rests() && resting.was_seen_since(at(0)) && !resting.was_seen_since(at(1)));
    assert!(!claimed().was_seen_since(at(0)));
    let error = claimed().record(Fact::Reported, &settings()).expect_err("nothing was reported");
    assert_eq!((error.point, error.fact), ("claimed", "reported"));
}

/// What was told of before, and went well since, is told again when it goes wrong again.
#[test]
fn a_stop_that_comes_again_after_it_went_well_is_told_again() {
    let id = crate::RunId::PaymentFailed {
        organization_id: domain::OrganizationId::parse("00D000000000001EAA").expect("valid"),
        invoice_id: InvoiceId::parse("in_1").expect("valid"),
    };
    let play = |run: crate::Run, facts: Vec<Fact>| {
        facts.into_iter().fold(run, |run, fact| run.record(fact, &settings()).expect("in order"))
    };
    let refused = || Fact::Refused(Refusal { stop: Stop::refused(Code::SalesforceRefused, "No.") });
    let again = |run: crate::Run, what: Fact| play(run.resume(), vec![read(InvoiceStatus::Open, 0), found(None), what]);
    let run = crate::Run::new(id, crate::State::PaymentFailed(claimed()));
    let told = play(again(run, refused()), vec![Fact::Reported]);
    let silent = again(told.clone(), refused());
    assert_eq!((silent.status(), silent.parked.is_some()), (Status::Review, true), "it is known");
    let well = again(told, Fact::RecordsUpdated(vec![case(false)]));
    let Point::Resting { watch, .. } = &(match &well.state {
        crate::State::PaymentFailed(point) => point.clone(),
        state => panic!("{state:?}"),
    }) else {
        panic!("{well:?}")
    };
    assert_eq!((watch.doubt.is_none(), well.parked.clone()), (true, None));
}

#[test]
fn what_is_switched_off_meanwhile_is_let_go() {
    let off = Settings { payment_cases: None, ..settings() };
    let done = claimed().record(read(InvoiceStatus::Open, 0), &off).expect("in order");
    assert_eq!((done.status(), done.is_over()), (Status::Done, false));
}
