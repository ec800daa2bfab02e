use domain::{Currency, FieldValue};
use mapping::Amendments;

use super::*;
use crate::{Credited, Refusal};

fn invoice_id() -> InvoiceId {
    InvoiceId::parse("in_1").expect("valid")
}

fn payment() -> Payment {
    let opportunity_id = OpportunityId::parse("006000000000001AAA").expect("valid");
    Payment { invoice_id: invoice_id(), opportunity_id, paid_at: Timestamp::UNIX_EPOCH, is_named: false }
}

fn seen(status: InvoiceStatus, names_opportunity: bool) -> Fact {
    let opportunity = ("sf_opportunity_id".to_owned(), "006000000000001AAA".to_owned());
    Fact::InvoiceRead(InvoiceSeen {
        amount_paid: 0,
        amount_due: 0,
        amount_remaining: 0,
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
    let named = Fact::BillingRead(record(&[("Stripe_Invoice_Id__c", text("in_0"))]));
    let point = Point::Paid { payment: payment() }.record(named, &settings(Amendments::VoidAndReissue));
    let point = point.expect("in order");
    assert_eq!((point.name(), point.status()), ("not_linked", Status::Open));
    let Next::Wait(stop) = point.next() else { panic!("{point:?}") };
    assert_eq!(stop.code, Code::InvoiceLinkedElsewhere);
    assert_eq!(point.clone().resume(), Point::Claimed { invoice_id: invoice_id() }, "it may be credited by now");
    let in_vain = after(point, Fact::Refused(Refusal { stop: stop.clone() }));
    assert_eq!(in_vain.stop(), Some(&stop));
}

fn after(point: Point, fact: Fact) -> Point {
    point.record(fact, &settings(Amendments::Review)).expect("in order")
}

#[test]
fn only_the_invoice_says_that_it_is_paid() {
    let claimed = || Point::Claimed { invoice_id: invoice_id() };
    for (fact, name, status) in [
        (seen(InvoiceStatus::Paid, true), "paid", Status::Open),
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

#[test]
fn the_opportunity_must_name_the_invoice_and_is_written_once() {
    let (paid, day) = (("Payment_Received__c", FieldValue::Boolean(true)), ("Paid_Date__c", text("1970-01-01")));
    let named = |id: &str| ("Stripe_Invoice_Id__c", text(id));
    for (fields, name) in [
        (vec![], "not_linked"),
        (vec![named("in_1")], "linked"),
        (vec![named("in_1"), paid.clone()], "linked"),
        (vec![named("in_1"), day.clone()], "linked"),
        (vec![named("in_1"), paid.clone(), day.clone()], "done"),
        (vec![named("in_2"), paid.clone(), day.clone()], "stopped"),
    ] {
        let point = after(Point::Paid { payment: payment() }, Fact::BillingRead(record(&fields)));
        assert_eq!(point.name(), name, "{fields:?}");
        let elsewhere = (name == "stopped").then_some(Code::InvoiceLinkedElsewhere);
        assert_eq!(point.stop().map(|stop| stop.code), elsewhere);
    }
    let linked = || Point::Linked { payment: payment() };
    let done = after(linked(), Fact::RecordsUpdated(vec![record(&[paid.clone(), day])]));
    assert_eq!((done.name(), done.status()), ("done", Status::Done));
    for records in [vec![record(&[paid])], vec![]] {
        let differs = after(linked(), Fact::RecordsUpdated(records));
        assert_eq!(differs.stop().map(|stop| stop.code), Some(Code::WriteBackDiffers));
    }
}

#[test]
fn a_person_is_told_once_for_one_cause() {
    let stop = Stop::review(Code::InvoiceNotLinked, "It names none.");
    let stopped = after(
        Point::NotLinked { payment: payment(), names_another: false },
        Fact::Refused(Refusal { stop: stop.clone() }),
    );
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
fn where_another_may_take_its_place_the_write_names_the_invoice() {
    let named = || Fact::BillingRead(record(&[("Stripe_Invoice_Id__c", text("in_1"))]));
    for (policy, is_named) in
        [(Amendments::Review, false), (Amendments::VoidAndReissue, false), (Amendments::CreditAndReissue, true)]
    {
        let point = Point::Paid { payment: payment() }.record(named(), &settings(policy)).expect("in order");
        let Next::Call(Call::UpdateRecords { updates }) = point.next() else { panic!("{point:?}") };
        assert_eq!(updates[0].fields.contains_key("Stripe_Invoice_Id__c"), is_named, "{policy:?}");
    }
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
        (credited(1000, 0), "paid"),
        // What was still due nobody paid, whoever wrote the note.
        (credited_before(600, 400, 1000), "stopped"),
        (credited_before(600, 400, 0), "stopped"),
        (credited_before(1000, 0, 0), "stopped"),
        (credited_before(600, 0, 0), "paid"),
        (credited(999, 999), "paid"),
        (credited(0, 0), "paid"),
    ] {
        let point = after(Point::Claimed { invoice_id: invoice_id() }, fact.clone());
        assert_eq!(point.name(), name, "{fact:?}");
        assert_eq!(point.status(), if name == "paid" { Status::Open } else { Status::Rejected });
    }
}
