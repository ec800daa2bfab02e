use domain::{OrganizationId, SubscriptionId};
use mapping::{Amendments, Kind};

use super::*;
use crate::{Intent, Operation, Run, RunId, State};

fn amending() -> Settings {
    Settings { amendments: Amendments::VoidAndReissue, ..settings() }
}

/// Billed for three lines of ten.
fn billed() -> Invoice {
    draft(3).into_invoice(&seen(InvoiceStatus::Open, 3, 1000))
}

fn code(point: &Point) -> Option<Code> {
    point.stop().map(|stop| stop.code)
}

fn reread(invoice: Invoice, deal: Deal, settings: &Settings) -> Point {
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
    for (invoice, deal, settings, name, why) in [
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

#[test]
fn only_what_nothing_is_paid_of_is_voided() {
    let point = |refused: Option<Stop>| Point::Amending { invoice: billed(), plan: draft(2).plan, refused };
    let why = || Some(Stop::refused(Code::StripeRefused, "Not so."));
    let of = |status| seen(status, 3, 1000);
    let in_part = || InvoiceSeen { amount_paid: 1, ..of(InvoiceStatus::Open) };
    for (refused, seen, name, code_expected) in [
        (None, of(InvoiceStatus::Open), "voiding", None),
        (None, in_part(), "stopped", Some(Code::DealChangedAfterBilling)),
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
    let other = |fact| point(None).record(fact, &amending()).expect("in order");
    assert_eq!(code(&other(Fact::InvoiceMissing)), Some(Code::InvoiceChangedInStripe));
    assert_eq!(code(&other(refused())), Some(Code::StripeRefused));
    assert_eq!(other(refused()).stop().map(|stop| stop.kind), Some(Kind::Review));
}

#[test]
fn a_deal_is_billed_anew_when_its_invoice_is_void_and_not_before() {
    let voiding = || Point::Voiding { invoice: billed(), plan: draft(2).plan };
    let Next::Call(Call::VoidInvoice { invoice_id, total, is_approved }) = voiding().next() else {
        panic!("{:?}", voiding().next());
    };
    assert_eq!((invoice_id.as_str(), total.minor_units(), is_approved), (INVOICE, 2000, false));
    let after = |fact| voiding().record(fact, &amending()).expect("in order");
    assert_eq!(after(invoice(InvoiceStatus::Void, 3, 1000)).name(), "claimed");
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

fn run(point: Point) -> Run {
    let organization_id = OrganizationId::parse("00D000000000001EAA").expect("valid");
    let id = RunId::OpportunityWon { organization_id, opportunity_id: opportunity_id() };
    Run::new(id, State::OpportunityWon(point))
}

fn intent(body: Option<&str>) -> Intent {
    Intent {
        generation: 0,
        epoch: 0,
        key: "cw1_1".into(),
        path: "/v1/invoices/in_1/void".into(),
        body: body.map(str::to_owned),
        first_sent: jiff::Timestamp::UNIX_EPOCH,
        last_sent: jiff::Timestamp::UNIX_EPOCH,
        replays_error: false,
        ambiguous: false,
    }
}

/// Once the request may be under way it is sent until it is answered; before that, the deal is asked first.
#[test]
fn there_is_no_way_back_from_a_void_that_may_be_under_way() {
    for (intent, name) in
        [(None, "revisiting"), (Some(intent(None)), "revisiting"), (Some(intent(Some(""))), "voiding")]
    {
        let mut run = run(Point::Voiding { invoice: billed(), plan: draft(2).plan });
        run.intents.extend(intent.map(|intent| (Operation::VoidInvoice, intent)));
        assert_eq!(run.resume().point(), name);
    }
    let looked = run(Point::Amending { invoice: billed(), plan: draft(2).plan, refused: None });
    assert_eq!(looked.resume().point(), "revisiting");
}

/// Until the next one is sent, Salesforce names the one that is void: that is as if it named none.
#[test]
fn an_invoice_that_was_replaced_is_not_taken_for_the_deals() {
    let mut voiding = run(Point::Voiding { invoice: billed(), plan: draft(2).plan });
    for operation in [Operation::CreateCustomer, Operation::SendInvoice, Operation::VoidInvoice] {
        voiding.intents.insert(operation, intent(None));
    }
    let claimed = voiding.record(invoice(InvoiceStatus::Void, 3, 1000), &amending()).expect("in order");
    assert_eq!(claimed.point(), "claimed");
    assert_eq!(claimed.replaced.iter().map(InvoiceId::as_str).collect::<Vec<_>>(), [INVOICE]);
    assert_eq!(claimed.intents.keys().copied().collect::<Vec<_>>(), [Operation::CreateCustomer]);
    let naming = |id: &str| {
        let mut deal = deal(2);
        deal.opportunity.set("Stripe_Invoice_Id__c", text(id));
        Fact::DealRead(Box::new(deal))
    };
    let planned = claimed.clone().record(naming(INVOICE), &amending()).expect("in order");
    assert_eq!(planned.point(), "planned");
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
