//! After an interruption, and after the end.

use super::*;

#[test]
fn an_interrupted_run_looks_before_it_goes_on() {
    let sent = draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000));
    let points = [
        Point::Drafted { draft: draft(1), batch: 0 },
        Point::Filled { draft: draft(1), seen: seen(InvoiceStatus::Draft, 1, 1000), corrected: false },
        Point::Correcting { draft: draft(1), corrections: vec![], batch: 0 },
        Point::Ready { draft: draft(1) },
        Point::Sent { invoice: sent.clone() },
        Point::Done { invoice: sent },
    ];
    for point in points {
        let resumed = point.clone().resume();
        let Next::Call(call) = resumed.next() else { panic!("{} does not look", point.name()) };
        assert!(!call.is_write(), "{} goes on with {}", point.name(), call.name());
        assert_eq!(resumed.clone().resume(), resumed, "resuming {} twice is resuming it once", point.name());
    }
}

#[test]
fn an_invoice_that_was_sent_without_our_knowing_is_sent() {
    let (calls, point) = tell(Point::Ready { draft: draft(1) }.resume(), vec![invoice(InvoiceStatus::Paid, 1, 1000)]);
    assert_eq!(calls, ["read_invoice"]);
    assert_eq!(point.name(), "sent");
    let (_, point) = tell(Point::Ready { draft: draft(1) }.resume(), vec![invoice(InvoiceStatus::Void, 1, 1000)]);
    assert_eq!(point.stop().map(|stop| stop.code), Some(Code::InvoiceChangedInStripe));
    let (_, point) = tell(Point::Ready { draft: draft(1) }.resume(), vec![invoice(InvoiceStatus::Open, 1, 999)]);
    assert_eq!(point.stop().map(|stop| stop.code), Some(Code::InvoiceDiffersFromDeal));
}

#[test]
fn a_deal_that_was_edited_meanwhile_is_planned_anew_before_the_pivot() {
    let resumed = Point::Ready { draft: draft(1) }.resume();
    let (calls, point) =
        tell(resumed, vec![invoice(InvoiceStatus::Draft, 1, 1000), read(2), Fact::DraftDeleted, read(2)]);
    assert_eq!(calls, ["read_invoice", "read_deal", "delete_draft", "read_deal"]);
    assert!(matches!(point, Point::Planned { plan, .. } if plan.lines.len() == 2));
    let same = vec![invoice(InvoiceStatus::Draft, 1, 1000), read(1)];
    assert_eq!(tell(Point::Ready { draft: draft(1) }.resume(), same).1.name(), "ready");
}

#[test]
fn a_deal_that_was_edited_after_its_invoice_is_reviewed() {
    let done = Point::Done { invoice: draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000)) };
    assert_eq!(tell(done.clone().resume(), vec![read(1)]).1, done);
    let (_, point) = tell(done.clone().resume(), vec![read(2), written(), Fact::Reported]);
    assert_eq!(point.stop().map(|stop| stop.code), Some(Code::DealChangedAfterBilling));
    // Set back, it is the deal that was billed.
    assert_eq!(tell(point.resume(), vec![read(1)]).1, done);
}

#[test]
fn a_draft_that_somebody_deleted_is_made_again() {
    let (_, point) = tell(Point::Drafted { draft: draft(1), batch: 0 }, vec![Fact::InvoiceMissing]);
    assert_eq!(point, claimed());
}

#[test]
fn a_refused_send_is_looked_at_before_the_draft_goes() {
    let ready = Point::Ready { draft: draft(1) };
    let (calls, point) =
        tell(ready.clone(), vec![refused(), invoice(InvoiceStatus::Draft, 1, 1000), Fact::DraftDeleted]);
    assert_eq!(calls, ["send_invoice", "read_invoice", "delete_draft"]);
    assert_eq!(point.stop().map(|stop| stop.code), Some(Code::StripeRefused));
    let (_, point) = tell(ready, vec![refused(), invoice(InvoiceStatus::Open, 1, 1000)]);
    assert_eq!(point.name(), "sent");
}

#[test]
fn a_fact_out_of_order_is_an_error() {
    assert!(claimed().record(Fact::DraftDeleted, &settings()).is_err());
    let done = Point::Done { invoice: draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000)) };
    assert!(done.record(invoice(InvoiceStatus::Void, 1, 1000), &settings()).is_err());
}
