//! After an interruption, and after the end.

use super::*;

#[test]
fn an_interrupted_run_looks_before_it_goes_on() {
    let sent = draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000));
    let points = [
        Point::Drafted { draft: draft(1), batch: 0 },
        Point::Filled { draft: draft(1), seen: seen(InvoiceStatus::Draft, 1, 1000) },
        Point::Ready { draft: draft(1), interrupted: false },
        Point::Sent { invoice: sent.clone(), interrupted: false },
        Point::Done { invoice: sent },
    ];
    for point in points {
        let resumed = point.clone().resume();
        let Next::Call(call) = resumed.next() else { panic!("{} does not look", point.name()) };
        assert!(!call.is_write(), "{} goes on with {}", point.name(), call.name());
        assert_eq!(resumed.clone().resume(), resumed, "resuming {} twice is resuming it once", point.name());
    }
}

/// What is known of a one-time deal's customer and draft stays known: its key leads on, and its draft simply goes.
#[test]
fn an_interrupted_one_time_deal_goes_on_with_its_customer_and_its_draft() {
    let Draft { plan, customer_id, once, .. } = draft(1);
    let basket = Basket { once, ..Basket::default() };
    let known = Point::CustomerKnown {
        is_apart: false,
        plan,
        customer_id,
        account_is_linked: false,
        interrupted: false,
        basket: basket.clone(),
        is_charged: None,
    };
    let Point::CustomerKnown { interrupted: true, basket: kept, .. } = known.resume() else {
        panic!("its key is forgotten")
    };
    assert_eq!(kept, basket);
    let abandoning = Point::Abandoning { draft: draft(1), stop: None };
    assert_eq!(abandoning.clone().resume(), abandoning);
}

/// Nobody has written to the opportunity yet.
fn nothing_written() -> Fact {
    Fact::BillingRead(Record::default())
}

#[test]
fn an_invoice_that_was_paid_without_our_knowing_is_written_back_and_the_deal_read_again() {
    let ready = Point::Ready { draft: draft(1), interrupted: false };
    let facts = vec![invoice(InvoiceStatus::Paid, 1, 1000), nothing_written(), written(), read(1)];
    let (calls, point) = tell(ready.resume(), facts);
    assert_eq!(calls, ["read_invoice", "read_billing", "update_records", "read_deal"]);
    assert_eq!(point.status(), Status::Done);
}

#[test]
fn an_invoice_that_is_open_without_our_knowing_is_sent_under_its_key() {
    let ready = Point::Ready { draft: draft(1), interrupted: false };
    let open = || invoice(InvoiceStatus::Open, 1, 1000);
    let (calls, point) = tell(ready.resume(), vec![open(), open(), nothing_written(), written(), read(2)]);
    assert_eq!(calls, ["read_invoice", "send_invoice", "read_billing", "update_records", "read_deal"]);
    // It was edited while we were away.
    assert_eq!(point.stop().map(|stop| stop.code), Some(Code::DealChangedAfterBilling));
}

#[test]
fn a_repeated_answer_about_lines_that_shows_a_sent_invoice_takes_nothing_away() {
    let open = || invoice(InvoiceStatus::Open, 1, 1000);
    let drafted = Point::Drafted { draft: draft(1), batch: 0 };
    let (calls, point) = tell(drafted, vec![open(), open(), nothing_written(), written(), read(1)]);
    assert_eq!(calls, ["add_lines 0: 1", "send_invoice", "read_billing", "update_records", "read_deal"]);
    assert_eq!(point.status(), Status::Done);
}

#[test]
fn a_review_at_the_pivot_looks_at_the_invoice_again_and_never_passes_by_itself() {
    for (status, amount, code) in [
        (InvoiceStatus::Void, 1000, Code::InvoiceChangedInStripe),
        (InvoiceStatus::Uncollectible, 1000, Code::InvoiceChangedInStripe),
        (InvoiceStatus::Open, 999, Code::InvoiceDiffersFromDeal),
    ] {
        let ready = Point::Ready { draft: draft(1), interrupted: false };
        let (_, point) = tell(ready.resume(), vec![invoice(status, 1, amount)]);
        assert_eq!(point.stop().map(|stop| stop.code), Some(code));
        assert_eq!(point.invoice_id().map(InvoiceId::as_str), Some(INVOICE), "the register stays");
        let (calls, point) = tell(point.resume(), vec![invoice(status, 1, amount)]);
        assert_eq!(calls, ["read_invoice"]);
        assert_eq!(point.stop().map(|stop| stop.code), Some(code));
    }
}

#[test]
fn an_invoice_that_vanished_while_it_was_sent_is_reviewed_and_a_draft_that_vanished_is_made_again() {
    let ready = Point::Ready { draft: draft(1), interrupted: false };
    let (_, point) = tell(ready, vec![Fact::InvoiceMissing, Fact::InvoiceMissing]);
    assert_eq!(point.stop().map(|stop| stop.code), Some(Code::InvoiceChangedInStripe));
    let drafted = Point::Drafted { draft: draft(1), batch: 0 };
    assert_eq!(tell(drafted, vec![Fact::InvoiceMissing, Fact::InvoiceMissing]).1, claimed());
}

#[test]
fn a_draft_that_cannot_be_deleted_does_not_go_in_circles() {
    let abandoning = Point::Abandoning { draft: draft(1), stop: None };
    let (calls, point) =
        tell(abandoning, vec![refused(), invoice(InvoiceStatus::Draft, 1, 1000), written(), Fact::Reported]);
    assert_eq!(calls, ["delete_draft", "read_invoice", "update_records", "report"]);
    assert_eq!(point.status(), Status::Review);
}

#[test]
fn a_deal_that_was_edited_meanwhile_is_planned_anew_before_the_pivot() {
    let resumed = Point::Ready { draft: draft(1), interrupted: false }.resume();
    let (calls, point) =
        tell(resumed, vec![invoice(InvoiceStatus::Draft, 1, 1000), read(2), Fact::DraftDeleted, read(2), priced()]);
    assert_eq!(calls, ["read_invoice", "read_deal", "delete_draft", "read_deal", "read_prices"]);
    assert!(matches!(point, Point::Planned { plan, .. } if plan.lines.len() == 2));
    let same = vec![invoice(InvoiceStatus::Draft, 1, 1000), read(1)];
    assert_eq!(tell(Point::Ready { draft: draft(1), interrupted: false }.resume(), same).1.name(), "ready");
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
fn a_refused_send_is_looked_at_before_the_draft_goes() {
    let ready = Point::Ready { draft: draft(1), interrupted: false };
    let (calls, point) =
        tell(ready.clone(), vec![refused(), invoice(InvoiceStatus::Draft, 1, 1000), Fact::DraftDeleted]);
    assert_eq!(calls, ["send_invoice", "read_invoice", "delete_draft"]);
    assert_eq!(point.stop().map(|stop| stop.code), Some(Code::StripeRefused));
    // Finalized and not sent: the customer may not have it.
    let (_, point) = tell(ready, vec![refused(), invoice(InvoiceStatus::Open, 1, 1000)]);
    assert_eq!(point.stop().map(|stop| stop.kind), Some(mapping::Kind::Review));
}

#[test]
fn a_fact_out_of_order_is_an_error() {
    assert!(claimed().record(Fact::DraftDeleted, &settings()).is_err());
    let done = Point::Done { invoice: draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000)) };
    assert!(done.record(invoice(InvoiceStatus::Void, 1, 1000), &settings()).is_err());
}

/// The gate compares amounts. What else was edited, and an invoice that was written on the opportunity meanwhile, only shows here.
#[test]
fn a_deal_that_was_edited_in_what_no_line_shows_is_planned_anew() {
    let comparing = || {
        let resumed = Point::Ready { draft: draft(1), interrupted: false }.resume();
        tell(resumed, vec![invoice(InvoiceStatus::Draft, 1, 1000)]).1
    };
    let with = |field: &str, value: FieldValue| {
        let mut deal = deal(1);
        deal.opportunity.set(field, value);
        tell(comparing(), vec![Fact::DealRead(Box::new(deal))]).1.name()
    };
    assert_eq!(comparing().name(), "comparing");
    assert_eq!(with("Stripe_Invoice_Id__c", text(INVOICE)), "ready");
    assert_eq!(with("Stripe_Invoice_Id__c", text("in_9")), "abandoning");
    assert_eq!(with("AccountId", text("001000000000002AAA")), "abandoning");
}

/// What is under way keeps its key while the draft is there.
#[test]
fn a_draft_that_is_there_keeps_its_keys() {
    let mut run = run(Point::Ready { draft: draft(1), interrupted: false }).resume();
    run.intents.insert(Operation::CreateInvoice, intent(None));
    for fact in [invoice(InvoiceStatus::Draft, 1, 1000), read(1)] {
        run = run.record(fact, &settings()).expect("in order");
        assert!(run.intents.contains_key(&Operation::CreateInvoice), "{}", run.point());
    }
}
