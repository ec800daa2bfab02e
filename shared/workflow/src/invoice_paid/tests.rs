mod whose;

use domain::{Currency, FieldValue, Money};
use jiff::Timestamp;
use mapping::{Amendments, Amounts};
use whose::nobodys;

use super::*;
use crate::{Credited, InvoiceSeen, InvoiceStatus, Refusal};

fn invoice_id() -> InvoiceId {
    InvoiceId::parse("in_1").expect("valid")
}

fn payment() -> Received {
    let opportunity_id = OpportunityId::parse("006000000000001AAA").expect("valid");
    let money = |minor_units| Money::from_minor_units(minor_units, Currency::parse("EUR").expect("valid"));
    let amounts = Some(Amounts { paid: money(1000), remaining: money(0) });
    Received {
        invoice_id: invoice_id(),
        opportunity_id,
        paid_at: Some(Timestamp::UNIX_EPOCH),
        amounts,
        stage: None,
        won_stages: vec![mapping::WON.to_owned()],
        shows_status: false,
        customer_id: None,
        is_found: false,
        ruled: Default::default(),
        undecided: None,
    }
}

/// For an event that says that all of it is paid.
fn claimed(looks_first: bool) -> Point {
    Point::Claimed { invoice_id: invoice_id(), said: Said::Whole, looks_first, found: None }
}

fn seen(status: InvoiceStatus, names_opportunity: bool) -> Fact {
    let opportunity = ("sf_opportunity_id".to_owned(), "006000000000001AAA".to_owned());
    Fact::InvoiceRead(InvoiceSeen {
        amount_paid: 0,
        amount_due: 1000,
        amount_remaining: if status == InvoiceStatus::Paid { 0 } else { 1000 },
        credited: Default::default(),
        invoice_id: invoice_id(),
        is_ours: true,
        customer_id: None,
        status,
        currency: Currency::parse("EUR").expect("valid"),
        subtotal: 1000,
        total: 1000,
        tax: Default::default(),
        auto_advance: false,
        is_charged: false,
        hosted_invoice_url: None,
        invoice_pdf: None,
        paid_at: (status == InvoiceStatus::Paid).then_some(Timestamp::UNIX_EPOCH),
        metadata: Some(opportunity).filter(|_| names_opportunity).into_iter().collect(),
        subscription_id: None,
        first_lines: vec![],
        has_more_lines: false,
    })
}

fn record(fields: &[(&str, FieldValue)]) -> Record {
    let mut record = Record::default();
    fields.iter().for_each(|(path, value)| record.set(*path, value.clone()));
    record
}

fn text(value: &str) -> FieldValue {
    FieldValue::Text(value.into())
}

fn settings(amendments: Amendments) -> Settings {
    Settings { amendments, ..Settings::new(Currency::parse("EUR").expect("valid")) }
}

/// Where invoices are replaced, the opportunity may name the one before for a moment; after a day it is a person's business.
#[test]
fn an_opportunity_that_names_what_was_replaced_is_waited_for() {
    let named = Fact::PaidRead { record: record(&[("Stripe_Invoice_Id__c", text("in_0"))]), unread: None };
    let point = Point::Paid { payment: payment() }.record(named, &settings(Amendments::VoidAndReissue));
    let point = point.expect("in order");
    assert_eq!((point.name(), point.status()), ("not_linked", Status::Open));
    let Next::Wait(stop) = point.next() else { panic!("{point:?}") };
    assert_eq!(stop.code, Code::InvoiceLinkedElsewhere);
    assert_eq!(point.clone().resume(), claimed(true), "it may be credited by now");
    let in_vain = after(point, Fact::Refused(Refusal { stop: stop.clone() }));
    assert_eq!(after(in_vain, nobodys()).stop().map(|stop| stop.code), Some(stop.code));
}

fn after(point: Point, fact: Fact) -> Point {
    point.record(fact, &settings(Amendments::Review)).expect("in order")
}

#[test]
fn only_the_invoice_says_that_it_is_paid() {
    let claimed = || claimed(false);
    for (fact, name, status) in [
        (seen(InvoiceStatus::Paid, true), "linked", Status::Open),
        (seen(InvoiceStatus::Open, true), "unpaid", Status::Open),
        (Fact::InvoiceMissing, "unpaid", Status::Open),
        (seen(InvoiceStatus::Paid, false), "stopped", Status::Rejected),
        (Fact::Refused(Refusal { stop: Stop::refused(Code::StripeRefused, "No.") }), "stopped", Status::Open),
    ] {
        let point = after(claimed(), fact);
        assert_eq!((point.name(), point.status()), (name, status));
    }
    assert_eq!((claimed().name(), claimed().stop()), ("claimed", None));
    let late = claimed().record(Fact::Reported, &settings(Amendments::Review)).expect_err("out of order");
    assert_eq!((late.point, late.fact), ("claimed", "reported"));
}

/// Nothing was to be paid, or the customer's balance paid for all of it, or somebody marked it so: it is paid, and says what came in.
#[test]
fn what_is_paid_without_a_payment_is_paid() {
    let zero = |due, total| match seen(InvoiceStatus::Paid, true) {
        Fact::InvoiceRead(seen) => {
            Fact::InvoiceRead(InvoiceSeen { amount_due: due, total, amount_remaining: 0, ..seen })
        }
        fact => fact,
    };
    for (due, total, came_in) in [(0, 0, 0), (0, 1000, 0), (1000, 1000, 1000)] {
        let Point::Linked { payment, .. } = after(claimed(false), zero(due, total)) else { panic!("it is told") };
        assert!(payment.paid_at.is_some());
        let told = payment.amounts.map(|amounts| (amounts.paid.minor_units(), amounts.remaining.minor_units()));
        assert_eq!(told, Some((came_in, 0)));
    }
}

/// What may have been told before is looked for first.
#[test]
fn what_is_new_is_written_at_once() {
    for (looks_first, name) in [(false, "linked"), (true, "paid")] {
        let point = after(claimed(looks_first), seen(InvoiceStatus::Paid, true));
        assert_eq!(
            point,
            if looks_first {
                Point::Paid { payment: payment() }
            } else {
                Point::Linked { payment: payment(), looked: false }
            }
        );
        assert_eq!(point.name(), name);
    }
    assert_eq!(claimed(false).resume(), claimed(true), "it may have come as far as the write");
}

/// What came in of one that is open stands there as a part; more of it, and all of it, is told in its turn.
#[test]
fn a_part_is_told_as_a_part() {
    let in_part = |status, remaining| match seen(status, true) {
        Fact::InvoiceRead(seen) => Fact::InvoiceRead(InvoiceSeen { amount_remaining: remaining, ..seen }),
        fact => fact,
    };
    let said = |is_whole| Point::claimed(invoice_id(), is_whole);
    for (is_whole, status, remaining, name) in [
        (false, InvoiceStatus::Open, 600, "linked"),
        (false, InvoiceStatus::Uncollectible, 600, "linked"),
        (false, InvoiceStatus::Open, 1000, "unpaid"),
        (false, InvoiceStatus::Void, 600, "unpaid"),
        (false, InvoiceStatus::Paid, 0, "linked"),
        // Stripe says that it is paid whole, so it is waited for.
        (true, InvoiceStatus::Open, 600, "unpaid"),
    ] {
        let point = after(said(is_whole), in_part(status, remaining));
        assert_eq!(point.name(), name, "{is_whole} {status:?} {remaining}");
    }
    let Point::Linked { payment, looked: false } = after(said(false), in_part(InvoiceStatus::Open, 600)) else {
        panic!("it is told")
    };
    let told = [("Stripe_Invoice_Id__c", text("in_1")), ("Id", text("006000000000001AAA"))];
    let number = |text: &str| FieldValue::Number(text.parse().expect("a number"));
    let amounts = [("Stripe_Amount_Paid__c", number("4")), ("Stripe_Amount_Remaining__c", number("6"))];
    let kept = record(&[told.clone(), amounts].concat());
    let done = after(Point::Linked { payment: payment.clone(), looked: true }, Fact::RecordsUpdated(vec![kept]));
    assert_eq!((done.status(), done.is_of_a_part()), (Status::Done, true));
    // More of it was told meanwhile, or somebody ticked it: it was not to be written.
    for more in [("Stripe_Amount_Paid__c", number("7")), ("Payment_Received__c", FieldValue::Boolean(true))] {
        let more = record(&[told.to_vec(), vec![more]].concat());
        let point = after(Point::Linked { payment: payment.clone(), looked: true }, Fact::RecordsUpdated(vec![more]));
        assert_eq!(point.status(), Status::Done);
    }
    // It may have come to name the invoice between the condition and the reading.
    let unseen = Point::Linked { payment: payment.clone(), looked: false };
    let again = after(unseen, Fact::RecordsUpdated(vec![record(&told)]));
    assert_eq!(again.name(), "paid");
    let lost = after(Point::Linked { payment, looked: true }, Fact::RecordsUpdated(vec![record(&told)]));
    assert_eq!(lost.stop().map(|stop| stop.code), Some(Code::WriteBackDiffers));
    // The next event, whichever it is, asks the invoice.
    let again = done.resume();
    assert_eq!(
        again.clone(),
        Point::Claimed { invoice_id: invoice_id(), said: Said::Part, looks_first: true, found: None }
    );
    assert_eq!(again.hearing(&said(true)), claimed(true));
}

#[test]
fn the_opportunity_must_name_the_invoice_and_is_written_once() {
    let amount = ("Stripe_Amount_Paid__c", FieldValue::Number(10.into()));
    let nothing = ("Stripe_Amount_Remaining__c", FieldValue::Number(0.into()));
    let (paid, day) = (("Payment_Received__c", FieldValue::Boolean(true)), ("Paid_Date__c", text("1970-01-01")));
    let named = |id: &str| ("Stripe_Invoice_Id__c", text(id));
    for (fields, name) in [
        (vec![], "not_linked"),
        (vec![named("in_1")], "linked"),
        (vec![named("in_1"), paid.clone()], "linked"),
        (vec![named("in_1"), day.clone()], "linked"),
        (vec![named("in_1"), paid.clone(), day.clone()], "done"),
        (vec![named("in_2"), paid.clone(), day.clone()], "seeking"),
    ] {
        let point = after(Point::Paid { payment: payment() }, Fact::PaidRead { record: record(&fields), unread: None });
        assert_eq!(point.name(), name, "{fields:?}");
        if name == "seeking" {
            let elsewhere = after(point, nobodys()).stop().map(|stop| stop.code);
            assert_eq!(elsewhere, Some(Code::InvoiceLinkedElsewhere));
        }
    }
    let linked = || Point::Linked { payment: payment(), looked: true };
    let id = ("Id", text("006000000000001AAA"));
    let whole = [id.clone(), named("in_1"), paid.clone(), day, amount, nothing];
    let done = after(linked(), Fact::RecordsUpdated(vec![record(&whole)]));
    assert_eq!((done.name(), done.status()), ("done", Status::Done));
    for (fields, code) in [
        (vec![id.clone(), named("in_1"), paid], Code::WriteBackDiffers),
        (vec![id.clone(), named("in_2")], Code::InvoiceLinkedElsewhere),
        (vec![], Code::OpportunityNotFound),
    ] {
        let differs = after(linked(), Fact::RecordsUpdated(vec![record(&fields)]));
        let differs = if differs.name() == "seeking" { after(differs, nobodys()) } else { differs };
        assert_eq!(differs.stop().map(|stop| stop.code), Some(code));
    }
    assert_eq!(after(linked(), Fact::RecordsUpdated(vec![record(&[id])])).name(), "not_linked");
}

#[test]
fn a_person_is_told_once_for_one_cause() {
    let stop = Stop::review(Code::WriteBackDiffers, "It keeps nothing.");
    let refused = Fact::Refused(Refusal { stop: stop.clone() });
    let stopped = after(Point::Linked { payment: payment(), looked: true }, refused);
    assert_eq!((stopped.status(), stopped.next()), (Status::Open, Next::Call(Call::Report { stop: stop.clone() })));
    let reported = after(stopped.clone(), Fact::Reported);
    assert_eq!((reported.status(), reported.next()), (Status::Review, Next::End(End::Stopped(stop.clone()))));
    let other = Stop::review(Code::NotPaid, "It is not.");
    assert_eq!(stopped.clone().already_said(Some(&stop)).status(), Status::Review);
    assert_eq!(reported.already_said(None).status(), Status::Review);
    for parked in [None, Some(&other)] {
        assert_eq!(stopped.clone().already_said(parked).status(), Status::Open);
    }
}

/// What was written may be taken away by a write that comes late: another event asks what is there.
#[test]
fn a_payment_that_was_marked_is_looked_at_again_when_somebody_asks() {
    assert_eq!(Point::Done { payment: payment() }.resume(), Point::Paid { payment: payment() });
}

/// A late payment must not be marked beside the name of another invoice.
#[test]
fn it_is_written_only_where_the_opportunity_names_the_invoice() {
    let point = Point::Linked { payment: payment(), looked: true };
    let Next::Call(Call::UpdateRecords { updates }) = point.next() else { panic!("{point:?}") };
    assert_eq!(updates[0].only_where[0], ("Stripe_Invoice_Id__c", mapping::Filter::Is("in_1".into())));
}

/// The event of a payment that was credited meanwhile: there is nothing to mark, and nobody has to act.
#[test]
fn what_was_credited_is_not_marked_as_paid() {
    let credited_before = |before, after, by_us| match seen(InvoiceStatus::Paid, true) {
        Fact::InvoiceRead(seen) => {
            Fact::InvoiceRead(InvoiceSeen { credited: Credited { before, after, by_us }, ..seen })
        }
        fact => fact,
    };
    let credited = |after, by_us| credited_before(0, after, by_us);
    for (fact, name) in [
        (credited(1000, 1000), "stopped"),
        // Somebody else gave it back, or a part of it, and nothing took its place.
        (credited(1000, 0), "linked"),
        // What was still due nobody paid, whoever wrote the note.
        (credited_before(600, 400, 1000), "stopped"),
        (credited_before(600, 400, 0), "stopped"),
        (credited_before(1000, 0, 0), "stopped"),
        (credited_before(600, 0, 0), "linked"),
        (credited(999, 999), "linked"),
        (credited(0, 0), "linked"),
    ] {
        let point = after(claimed(false), fact.clone());
        assert_eq!(point.name(), name, "{fact:?}");
        assert_eq!(point.status(), if name == "linked" { Status::Open } else { Status::Rejected });
    }
}

/// A person may have moved it on; where it is won still, somebody keeps it there.
#[test]
fn a_stage_that_is_not_kept_is_told() {
    let settings = Settings { paid_stage: Some("Paid".into()), ..settings(Amendments::Review) };
    let whole = record(&[
        ("Id", text("006000000000001AAA")),
        ("Stripe_Invoice_Id__c", text("in_1")),
        ("Payment_Received__c", FieldValue::Boolean(true)),
        ("Paid_Date__c", text("1970-01-01")),
        ("Stripe_Amount_Paid__c", FieldValue::Number(10.into())),
        ("Stripe_Amount_Remaining__c", FieldValue::Number(0.into())),
    ]);
    let in_stage = |stage: &str| record(&[("StageName", text(stage))]);
    for (looked, stage, point) in [
        (false, "Paid", "done"),
        (true, "Onboarding", "done"),
        (false, "Closed Won", "paid"),
        (true, "Closed Won", "stopped"),
    ] {
        let seen = claimed(false).record(seen(InvoiceStatus::Paid, true), &settings).expect("in order");
        let Point::Linked { payment, .. } = seen else { panic!("it is written at once") };
        let written = Point::Linked { payment, looked };
        let Next::Call(Call::UpdateRecords { updates }) = written.next() else { panic!("it is written") };
        assert_eq!(updates.len(), 2);
        let told = written.record(Fact::RecordsUpdated(vec![whole.clone(), in_stage(stage)]), &settings);
        assert_eq!(told.expect("in order").name(), point, "{stage}");
    }
}
