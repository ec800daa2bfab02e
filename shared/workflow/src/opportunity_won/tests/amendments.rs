use domain::SubscriptionId;
use mapping::{Amendments, Kind};

use super::*;
use crate::Credited;

pub(super) fn amending() -> Settings {
    Settings { amendments: Amendments::VoidAndReissue, ..settings() }
}

/// Billed for three lines of ten.
pub(super) fn billed() -> Invoice {
    draft(3).into_invoice(&seen(InvoiceStatus::Open, 3, 1000))
}

pub(super) fn code(point: &Point) -> Option<Code> {
    point.stop().map(|stop| stop.code)
}

pub(super) fn reread(invoice: Invoice, deal: Deal, settings: &Settings) -> Point {
    Point::Revisiting { invoice }.record(Fact::DealRead(Box::new(deal)), settings).expect("in order")
}

#[test]
fn a_deal_that_changed_is_billed_anew_only_where_that_is_wanted_and_can_be() {
    let of_term = || Invoice {
        subscription: SubscriptionId::parse("sub_1").ok().map(|id| (id, billed().plan.total)),
        ..billed()
    };
    let without_price = || {
        let mut deal = deal(2);
        deal.lines[0].set("Product2.Stripe_Price_Id__c", FieldValue::Null);
        deal
    };
    let without_email = || {
        let mut deal = deal(2);
        deal.opportunity.set("Account.Billing_Email__c", FieldValue::Null);
        deal
    };
    let reopened = || {
        let mut deal = deal(2);
        deal.opportunity.set("StageName", text("Negotiation"));
        deal
    };
    let ticked = || {
        let mut deal = deal(2);
        deal.opportunity.set("Payment_Received__c", FieldValue::Boolean(true));
        deal
    };
    for (invoice, deal, settings, name, why) in [
        (billed(), ticked(), amending(), "amending", "somebody says that it is paid: Stripe is asked"),
        (billed(), deal(3), amending(), "done", "it is the same"),
        (billed(), deal(2), settings(), "stopped", "nobody asked for it"),
        (billed(), deal(2), amending(), "amending", "it is another"),
        (of_term(), deal(2), amending(), "stopped", "a subscription is not voided"),
        (billed(), without_price(), amending(), "stopped", "it cannot be billed"),
        (billed(), without_email(), amending(), "stopped", "nobody would get it"),
        (billed(), reopened(), amending(), "stopped", "it is not won any more"),
    ] {
        let point = reread(invoice, deal, &settings);
        assert_eq!(point.name(), name, "{why}");
        assert_eq!(code(&point), (name == "stopped").then_some(Code::DealChangedAfterBilling), "{why}");
        assert_eq!(point.invoice_id().map(InvoiceId::as_str), Some(INVOICE), "{why}");
    }
    let message = |deal: Deal| reread(billed(), deal, &amending()).stop().expect("stopped").message.clone();
    assert!(message(without_price()).contains("cannot be billed as it is now. "), "{}", message(without_price()));
    assert!(message(reopened()).contains("set the deal back"), "{}", message(reopened()));
}

pub(super) fn looking(refused: Option<Stop>, is_untouched: bool) -> Point {
    Point::Amending { invoice: billed(), plan: draft(2).plan, refused, is_untouched, payment: Default::default() }
}

fn voiding() -> Point {
    Point::Voiding { invoice: billed(), plan: draft(2).plan, payment: Default::default() }
}

#[test]
fn only_what_nothing_is_paid_of_is_voided() {
    let point = |refused: Option<Stop>| looking(refused, false);
    let why = || Some(Stop::refused(Code::StripeRefused, "Not so."));
    let of = |status| seen(status, 3, 1000);
    let in_part = || InvoiceSeen { amount_paid: 1, ..of(InvoiceStatus::Open) };
    let credited =
        || InvoiceSeen { credited: Credited { before: 1, ..Credited::default() }, ..of(InvoiceStatus::Open) };
    let void_in_part = || InvoiceSeen { amount_paid: 1, ..of(InvoiceStatus::Void) };
    for (refused, seen, name, code_expected) in [
        (None, of(InvoiceStatus::Open), "amending", None),
        (None, in_part(), "stopped", Some(Code::DealChangedAfterBilling)),
        (None, credited(), "stopped", Some(Code::DealChangedAfterBilling)),
        (None, void_in_part(), "stopped", Some(Code::DealChangedAfterBilling)),
        (why(), credited(), "stopped", Some(Code::DealChangedAfterBilling)),
        (None, of(InvoiceStatus::Paid), "stopped", Some(Code::DealChangedAfterBilling)),
        (None, of(InvoiceStatus::Uncollectible), "stopped", Some(Code::DealChangedAfterBilling)),
        (None, of(InvoiceStatus::Other), "stopped", Some(Code::DealChangedAfterBilling)),
        (None, of(InvoiceStatus::Void), "claimed", None),
        (why(), of(InvoiceStatus::Open), "stopped", Some(Code::StripeRefused)),
        (why(), in_part(), "stopped", Some(Code::DealChangedAfterBilling)),
        (why(), of(InvoiceStatus::Paid), "stopped", Some(Code::DealChangedAfterBilling)),
        (why(), of(InvoiceStatus::Void), "claimed", None),
    ] {
        let title = format!("{:?} {}, refused: {}", seen.status, seen.amount_paid, refused.is_some());
        let point = point(refused).record(Fact::InvoiceRead(seen), &amending()).expect("in order");
        assert_eq!((point.name(), code(&point)), (name, code_expected), "{title}");
        if let Some(stop) = point.stop() {
            assert_eq!(stop.kind, Kind::Review, "{title}");
            assert_eq!(point.invoice_id().map(InvoiceId::as_str), Some(INVOICE), "{title}: it is still the deal's");
        }
    }
    // Each is told what is in its way.
    for (seen, words) in [
        (of(InvoiceStatus::Uncollectible), "it was written off"),
        (credited(), "a part of it is credited"),
        (in_part(), "it is paid, or a part of it"),
        (of(InvoiceStatus::Paid), "it is paid, or a part of it"),
    ] {
        let title = format!("{:?} {:?}", seen.status, seen.credited);
        let point = point(None).record(Fact::InvoiceRead(seen), &amending()).expect("in order");
        let message = &point.stop().expect("stopped").message;
        assert!(message.contains(words), "{title}: {message}");
    }
    let other = |fact| point(None).record(fact, &amending()).expect("in order");
    assert_eq!(code(&other(Fact::InvoiceMissing)), Some(Code::InvoiceChangedInStripe));
    assert_eq!(code(&other(refused())), Some(Code::StripeRefused));
    assert_eq!(other(refused()).stop().map(|stop| stop.kind), Some(Kind::Review));
}

#[test]
fn a_deal_is_billed_anew_when_its_invoice_is_void_and_not_before() {
    let Next::Call(Call::VoidInvoice { invoice_id, total, is_approved }) = voiding().next() else {
        panic!("{:?}", voiding().next());
    };
    assert_eq!((invoice_id.as_str(), total.minor_units(), is_approved), (INVOICE, 2000, false));
    let after = |fact| voiding().record(fact, &amending()).expect("in order");
    assert_eq!(after(invoice(InvoiceStatus::Void, 3, 1000)).name(), "claimed");
    assert_eq!(
        after(invoice(InvoiceStatus::Open, 3, 1000)).name(),
        "stopped",
        "an answer that says otherwise is not asked for again"
    );
    assert_eq!(after(Fact::InvoiceNotVoided).name(), "revisiting", "what the deal says now is asked first");
    let paid = after(invoice(InvoiceStatus::Paid, 3, 1000));
    assert_eq!(code(&paid), Some(Code::DealChangedAfterBilling));
    let Point::Amending { refused: Some(_), .. } = after(refused()) else { panic!("it is looked at again") };
    assert_eq!(code(&after(Fact::InvoiceMissing)), Some(Code::InvoiceChangedInStripe));
    let (ceiling, total) = (draft(1).plan.total, draft(2).plan.total);
    let waits = after(Fact::NotApproved { ceiling, total });
    assert_eq!(
        (code(&waits), waits.invoice_id().map(InvoiceId::as_str)),
        (Some(Code::ApprovalRequired), Some(INVOICE))
    );
    assert!(waits.stop().expect("stopped").message.starts_with("The deal's 20.00 EUR"), "{:?}", waits.stop());
    assert_eq!(waits.resume().name(), "revisiting", "an approval is an edit");
}

/// Once the request may be under way it is sent until it is answered; before that, the deal is asked first.
#[test]
fn there_is_no_way_back_from_a_void_that_may_be_under_way() {
    for (intent, name) in
        [(None, "revisiting"), (Some(intent(None)), "revisiting"), (Some(intent(Some(""))), "voiding")]
    {
        let mut run = run(voiding());
        run.intents.extend(intent.map(|intent| (Operation::VoidInvoice, intent)));
        assert_eq!(run.resume().point(), name);
    }
    let looked = run(looking(None, false));
    assert_eq!(looked.resume().point(), "revisiting");
}

/// A price that is archived keeps the invoice that is there.
#[test]
fn what_its_products_cost_is_asked_before_the_void() {
    let amending = || looking(None, true);
    let (calls, point) = tell(amending(), vec![priced()]);
    assert_eq!((calls, point.name()), (vec!["read_prices".to_owned()], "voiding"));
    let archived = Fact::PricesRead(vec![PriceSeen { is_active: false, ..listed(1000) }]);
    let (_, point) = tell(amending(), vec![archived]);
    assert_eq!(
        (code(&point), point.invoice_id().map(InvoiceId::as_str)),
        (Some(Code::DealChangedAfterBilling), Some(INVOICE))
    );
    let message = &point.stop().expect("stopped").message;
    assert!(message.contains("cannot be billed as it is now. ") && message.contains("is archived"), "{message}");
}

/// Until the next one is sent, Salesforce names the one that is void: that is as if it named none.
#[test]
fn an_invoice_that_was_replaced_is_not_taken_for_the_deals() {
    let mut replacing = run(voiding());
    for operation in [Operation::CreateCustomer, Operation::SendInvoice, Operation::VoidInvoice] {
        replacing.intents.insert(operation, intent(None));
    }
    let claimed = replacing.record(invoice(InvoiceStatus::Void, 3, 1000), &amending()).expect("in order");
    assert_eq!(claimed.point(), "claimed");
    assert_eq!(claimed.replaced.iter().map(InvoiceId::as_str).collect::<Vec<_>>(), [INVOICE]);
    assert_eq!(claimed.intents.keys().copied().collect::<Vec<_>>(), [Operation::CreateCustomer]);
    let naming = |id: &str| {
        let mut deal = deal(2);
        deal.opportunity.set("Stripe_Invoice_Id__c", text(id));
        Fact::DealRead(Box::new(deal))
    };
    let planned = claimed.clone().record(naming(INVOICE), &amending()).expect("in order");
    assert_eq!(planned.point(), "preflight");
    assert_eq!(claimed.record(naming("in_other"), &amending()).expect("in order").point(), "invoice_named");

    // A write-back of it that came late is put right, as often as the deal is looked at.
    let second = Invoice { invoice_id: InvoiceId::parse("in_2").expect("valid"), plan: draft(2).plan, ..billed() };
    let mut done = run(Point::Revisiting { invoice: second.clone() });
    done.replaced.push(InvoiceId::parse(INVOICE).expect("valid"));
    assert_eq!(done.clone().record(naming(INVOICE), &amending()).expect("in order").point(), "verifying");
    assert_eq!(done.clone().record(naming("in_2"), &amending()).expect("in order").point(), "done");
    let billing = |id: &str| {
        let mut record = Record::default();
        record.set("Stripe_Invoice_Id__c", text(id));
        Fact::BillingRead(record)
    };
    done.state = State::OpportunityWon(Point::Verifying { invoice: second });
    assert_eq!(done.clone().record(billing(INVOICE), &amending()).expect("in order").point(), "sent");
    let elsewhere = done.record(billing("in_other"), &amending()).expect("in order");
    assert_eq!(elsewhere.stop().map(|stop| stop.code), Some(Code::AlreadyBilled));
}

/// A redrive is a decision; an event is none.
#[test]
fn what_a_person_voided_is_billed_anew_only_when_a_person_asks() {
    let amending_run = || run(looking(None, false));
    let void = || invoice(InvoiceStatus::Void, 3, 1000);
    let stopped = amending_run().record(void(), &amending()).expect("in order");
    let stop = stopped.stop().expect("stopped").clone();
    assert_eq!((stop.code, stopped.replaced.len()), (Code::DealChangedAfterBilling, 0));
    assert!(stop.message.contains("voided by hand"), "{}", stop.message);
    let again = |run: Run| Run { state: amending_run().state, ..run };
    assert_eq!(again(stopped.clone()).record(void(), &amending()).expect("in order").stop(), Some(&stop));
    let asked = again(stopped.asked_for()).record(void(), &amending()).expect("in order");
    assert_eq!((asked.point(), asked.replaced.len(), asked.asked), ("claimed", 1, true));
    // After a restore it may have been voided by us.
    let restored = crate::Restored { epoch: 1, since: jiff::Timestamp::UNIX_EPOCH };
    let run = Run { restored: Some(restored), ..amending_run() };
    assert_eq!(run.record(void(), &amending()).expect("in order").point(), "claimed");
}

#[test]
fn a_deal_that_is_changed_for_ever_comes_before_a_person() {
    let open = || invoice(InvoiceStatus::Open, 3, 1000);
    let looked = |replacements, asked| {
        let amending_run = run(looking(None, false));
        let run = Run { replacements, ..amending_run };
        let run = if asked { Run { state: run.state.clone(), ..run.asked_for() } } else { run };
        run.record(open(), &amending()).expect("in order")
    };
    assert_eq!(
        (looked(4, false).point(), looked(5, false).point(), looked(5, true).point()),
        ("amending", "stopped", "amending")
    );
    assert_eq!(looked(5, true).replacements, 0);
    let replacing = Run { replacements: 3, ..run(voiding()) };
    let claimed = replacing.record(invoice(InvoiceStatus::Void, 3, 1000), &amending()).expect("in order");
    assert_eq!(claimed.replacements, 4);
}

/// Nobody would look for an invoice that is void.
#[test]
fn a_deal_whose_invoice_is_void_says_so_when_it_is_not_billed() {
    let claimed = || {
        let mut run = run(claimed());
        run.replaced.push(InvoiceId::parse(INVOICE).expect("valid"));
        run
    };
    let with = |path: &str, value: FieldValue, names: &str| {
        let mut deal = deal(2);
        deal.opportunity.set("Stripe_Invoice_Id__c", text(names));
        deal.opportunity.set(path, value);
        let read = claimed().record(Fact::DealRead(Box::new(deal)), &amending()).expect("in order");
        match read.point() {
            "preflight" => read.record(priced(), &amending()).expect("in order"),
            _ => read,
        }
    };
    let refused = with("Account.Billing_Email__c", FieldValue::Null, INVOICE);
    let stop = refused.stop().expect("stopped");
    assert_eq!((stop.code, stop.kind), (Code::BillingEmailMissing, Kind::Refused));
    assert!(
        stop.message.ends_with("Invoice in_1 is void or credited, and the customer has no other."),
        "{}",
        stop.message
    );
    let told = refused.clone().record(Fact::RecordsUpdated(vec![]), &amending()).expect("in order");
    assert_eq!(told.stop(), Some(stop), "it is said once");
    let reopened = with("StageName", text("Negotiation"), INVOICE);
    let stop = reopened.stop().expect("stopped");
    assert_eq!((stop.code, stop.kind, reopened.status()), (Code::DealChangedAfterBilling, Kind::Review, Status::Open));
    // A person has emptied the field: that is how it should be.
    let agreed = with("StageName", text("Negotiation"), "");
    assert_eq!(agreed.status(), Status::Rejected);
    assert!(!agreed.stop().expect("stopped").message.contains("is void"), "{:?}", agreed.stop());
}

/// The ledger was restored to a time before the deal was billed anew.
#[test]
fn a_forgotten_replacement_is_found_by_the_invoice_that_is_named() {
    let restored = crate::Restored { epoch: 1, since: jiff::Timestamp::UNIX_EPOCH };
    let naming_another = || {
        let mut deal = deal(3);
        deal.opportunity.set("Stripe_Invoice_Id__c", text("in_2"));
        Fact::DealRead(Box::new(deal))
    };
    let done = || Run { restored: Some(restored), ..run(Point::Revisiting { invoice: billed() }) };
    assert_eq!(
        Run { restored: None, ..done() }.record(naming_another(), &amending()).expect("in order").point(),
        "done"
    );
    assert_eq!(done().record(naming_another(), &settings()).expect("in order").point(), "done");
    let doubted = done().record(naming_another(), &amending()).expect("in order");
    assert_eq!(doubted.point(), "doubting");
    for (status, point) in
        [(InvoiceStatus::Void, "claimed"), (InvoiceStatus::Open, "done"), (InvoiceStatus::Paid, "done")]
    {
        let run = doubted.clone().record(invoice(status, 3, 1000), &amending()).expect("in order");
        assert_eq!((run.point(), run.replaced.len()), (point, usize::from(point == "claimed")), "{status:?}");
    }
    // What the note is about is over, and it goes, whatever the opportunity names.
    let mut noted = deal(3);
    noted.opportunity.set("Stripe_Invoice_Id__c", text("in_2"));
    noted.opportunity.set(mapping::NOTE_CODE, text("deal_changed_after_billing"));
    let doubted = done().record(Fact::DealRead(Box::new(noted)), &amending()).expect("in order");
    let run = doubted.record(invoice(InvoiceStatus::Open, 3, 1000), &amending()).expect("in order");
    assert_eq!(run.point(), "clearing");
    // It had not been written back.
    let mut record = Record::default();
    record.set("Stripe_Invoice_Id__c", text("in_2"));
    let verifying = Run { state: State::OpportunityWon(Point::Verifying { invoice: billed() }), ..done() };
    let doubted = verifying.record(Fact::BillingRead(record), &amending()).expect("in order");
    assert_eq!(doubted.point(), "doubting");
    assert_eq!(doubted.clone().resume().point(), "verifying");
    let void = doubted.clone().record(invoice(InvoiceStatus::Void, 3, 1000), &amending()).expect("in order");
    assert_eq!(void.point(), "claimed");
    let gone = doubted.clone().record(Fact::InvoiceMissing, &amending()).expect("in order");
    assert_eq!(gone.stop().map(|stop| stop.code), Some(Code::InvoiceChangedInStripe));
    let refused = doubted.clone().record(refused(), &amending()).expect("in order");
    assert_eq!(refused.stop().map(|stop| stop.code), Some(Code::StripeRefused));
    let open = doubted.record(invoice(InvoiceStatus::Open, 3, 1000), &amending()).expect("in order");
    assert_eq!(open.stop().map(|stop| stop.code), Some(Code::AlreadyBilled));
}

/// Only a deal that stands still because it names another invoice may have been billed anew.
#[test]
fn only_what_names_another_invoice_is_doubted() {
    for (code, name) in [(Code::AlreadyBilled, "doubting"), (Code::WriteBackDiffers, "stopped")] {
        let stopped = Point::Sent { invoice: billed(), interrupted: false }.stopped(Stop::review(code, "."));
        assert_eq!(stopped.doubted().name(), name, "{code:?}");
    }
}

#[test]
fn a_forgotten_sending_and_replacement_of_a_draft_is_found_as_well() {
    let restored = Some(crate::Restored { epoch: 1, since: jiff::Timestamp::UNIX_EPOCH });
    let checking = || run(Point::Checking { draft: draft(3), stage: Stage::Gate {}, refused: None });
    for (restored, settings, status, point) in [
        (restored, amending(), InvoiceStatus::Void, "claimed"),
        (restored, amending(), InvoiceStatus::Draft, "comparing"),
        (restored, settings(), InvoiceStatus::Void, "stopped"),
        (None, amending(), InvoiceStatus::Void, "stopped"),
    ] {
        let run = Run { restored, ..checking() };
        let run = run.record(invoice(status, 3, 1000), &settings).expect("in order");
        assert_eq!((run.point(), run.replaced.len()), (point, usize::from(point == "claimed")), "{status:?}");
    }
}
