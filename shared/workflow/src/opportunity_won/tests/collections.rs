//! Who is charged, and who gets an invoice to pay.

use mapping::Collection;

use super::*;

fn charging() -> Settings {
    Settings { collection: Collection::ChargeAutomatically, ..settings() }
}

fn known(plan: Plan, is_charged: Option<bool>) -> Point {
    let Draft { customer_id, .. } = draft(1);
    let basket = Basket { once: draft(1).once, ..Basket::default() };
    Point::CustomerKnown {
        is_apart: false,
        plan,
        customer_id,
        account_is_linked: true,
        interrupted: false,
        basket,
        is_charged,
    }
}

fn charged_plan() -> Plan {
    Plan { collection: Collection::ChargeAutomatically, ..draft(1).plan }
}

fn after(point: Point, fact: Fact) -> Point {
    point.record(fact, &charging()).expect("in order")
}

fn created(point: &Point) -> bool {
    match point.next() {
        Next::Call(Call::CreateInvoice { is_charged, .. }) => is_charged,
        next => panic!("{next:?}"),
    }
}

#[test]
fn a_customer_is_asked_for_a_payment_method_only_where_that_is_wanted() {
    assert!(!created(&known(draft(1).plan, None)));
    let point = known(charged_plan(), None);
    let Next::Call(Call::ReadPaymentMethod { customer_id }) = point.next() else { panic!("{:?}", point.next()) };
    assert_eq!(customer_id, draft(1).customer_id);
    for is_any in [true, false] {
        let read = after(known(charged_plan(), None), Fact::PaymentMethodRead { is_any });
        assert_eq!((created(&read), created(&read.clone().resume())), (is_any, is_any), "the body stays what it was");
    }
    assert_eq!(after(known(charged_plan(), None), Fact::CustomerMissing).name(), "customer_gone");
    assert_eq!(after(known(charged_plan(), None), refused()).name(), "stopped");
}

/// A draft says itself how it is collected, also one that was made before a restore.
#[test]
fn a_draft_that_is_charged_is_finalized_and_not_sent() {
    for is_charged in [true, false] {
        let empty = InvoiceSeen {
            is_charged,
            first_lines: vec![],
            subtotal: 0,
            total: 0,
            ..seen(InvoiceStatus::Draft, 1, 1000)
        };
        let drafted = after(known(charged_plan(), Some(is_charged)), Fact::InvoiceRead(empty));
        let Point::Drafted { draft, .. } = &drafted else { panic!("{drafted:?}") };
        assert_eq!(draft.is_charged, is_charged);
        let filled = InvoiceSeen { is_charged, ..seen(InvoiceStatus::Draft, 1, 1000) };
        let ready = after(drafted, Fact::InvoiceRead(filled));
        let Next::Call(Call::SendInvoice { is_charged: sent, .. }) = ready.next() else { panic!("{:?}", ready.next()) };
        assert_eq!(sent, is_charged);
        for status in [InvoiceStatus::Open, InvoiceStatus::Paid] {
            let sent = after(ready.clone(), Fact::InvoiceRead(InvoiceSeen { is_charged, ..seen(status, 1, 1000) }));
            assert_eq!(sent.name(), "sent", "{status:?}");
        }
    }
}

/// What was meant to be sent must not be charged, nor the other way round.
#[test]
fn a_draft_whose_collection_somebody_changed_is_not_the_plan() {
    for is_charged in [true, false] {
        let draft = Draft { is_charged, ..draft(1) };
        let filled = |is_charged| InvoiceSeen { is_charged, ..seen(InvoiceStatus::Draft, 1, 1000) };
        let looked = |seen| after(Point::Drafted { draft: draft.clone(), batch: 0 }, Fact::InvoiceRead(seen)).name();
        assert_eq!(looked(filled(is_charged)), "ready");
        assert_eq!(looked(filled(!is_charged)), "abandoning");
    }
}
