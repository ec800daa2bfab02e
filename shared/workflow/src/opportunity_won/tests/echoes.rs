//! The note of a stop is an edit of the opportunity, and an edit may come back as an event. That must end somewhere.

use super::*;
use crate::{Run, RunId, State};

fn run(point: Point) -> Run {
    let organization_id = domain::OrganizationId::parse("00D000000000001EAA").expect("valid");
    let id = RunId::OpportunityWon { organization_id, opportunity_id: opportunity_id() };
    Run::new(id, State::OpportunityWon(point))
}

/// Answers the run's calls until it ends; which calls it made.
fn ends(mut run: Run, mut answer: impl FnMut(&Call) -> Fact) -> (Vec<&'static str>, Run) {
    let mut calls = Vec::new();
    loop {
        match run.next() {
            Next::Call(call) => {
                calls.push(call.name());
                assert!(calls.len() < 20, "{calls:?}");
                run = run.record(answer(&call), &settings()).expect("in order");
            }
            Next::End(_) => return (calls, run),
            next => panic!("{next:?}"),
        }
    }
}

/// Field-level security takes one field away from every write.
fn without_the_link(call: &Call) -> Fact {
    let names = |record: &mut Record| {
        record.set("Stripe_Customer_Id__c", text("cus_1"));
        record.set("Stripe_Invoice_Id__c", text(INVOICE));
        record.set("Account.Stripe_Customer_Id__c", text("cus_1"));
    };
    let mut record = Record::default();
    names(&mut record);
    match call {
        Call::UpdateRecords { .. } => Fact::RecordsUpdated(vec![record.clone(), record]),
        Call::ReadBilling { .. } => Fact::BillingRead(record),
        Call::Report { .. } => Fact::Reported,
        call => panic!("{call:?}"),
    }
}

#[test]
fn a_write_back_that_is_not_kept_is_not_written_again_for_its_own_echo() {
    let invoice = draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000));
    let (calls, stopped) = ends(run(Point::Sent { invoice, interrupted: false }), without_the_link);
    assert_eq!(calls, ["update_records", "update_records", "report"]);
    let stop = stopped.stop().cloned();
    assert_eq!(stop.as_ref().map(|stop| stop.code), Some(Code::WriteBackDiffers));
    for _ in 0..3 {
        let (calls, again) = ends(stopped.clone().resume(), without_the_link);
        assert_eq!((calls, again.stop().cloned()), (vec!["read_billing"], stop.clone()));
    }
    // A person has mended it and sends the event again, or has not.
    let (calls, _) = ends(stopped.clone().asked_for().resume(), without_the_link);
    assert_eq!(calls, ["read_billing", "update_records", "update_records", "report"]);
}

/// A stop that needs no reading of the deal, as of an invoice that was voided.
#[test]
fn the_same_stop_is_said_once_until_the_goal_is_reached() {
    let voided = |call: &Call| match call {
        Call::ReadInvoice { .. } => Fact::InvoiceRead(seen(InvoiceStatus::Void, 1, 1000)),
        Call::Report { .. } => Fact::Reported,
        _ => written(),
    };
    let (calls, stopped) = ends(run(Point::Ready { draft: draft(1), interrupted: false }.resume()), voided);
    assert_eq!(calls, ["read_invoice", "update_records", "report"]);
    let (calls, stopped) = ends(stopped.resume(), voided);
    assert_eq!(calls, ["read_invoice"]);
    // Another cause is said.
    let differs = |call: &Call| match call {
        Call::ReadInvoice { .. } => Fact::InvoiceRead(seen(InvoiceStatus::Paid, 1, 999)),
        call => voided(call),
    };
    let (calls, stopped) = ends(stopped.resume(), differs);
    assert_eq!(calls, ["read_invoice", "update_records", "report"]);
    // A person who sends the event again is told again; the note stands there.
    let (calls, _) = ends(stopped.asked_for().resume(), differs);
    assert_eq!(calls, ["read_invoice", "report"]);
}

/// Something of the company's own adds to every note. To put it right again would be an edit for each look, without end.
#[test]
fn a_note_that_somebody_added_to_is_left_as_it_is() {
    let ceiling = Money::from_minor_units(999, Currency::parse("EUR").expect("valid"));
    let noted = |code: &'static str| {
        move |call: &Call| match call {
            Call::ReadInvoice { .. } => Fact::InvoiceRead(seen(InvoiceStatus::Draft, 1, 1000)),
            Call::ReadDeal { .. } => {
                let mut deal = deal(1);
                deal.opportunity.set("Stripe_Sync_Code__c", text(code));
                deal.opportunity.set("Stripe_Sync_Message__c", text("[to finance] It is above the ceiling."));
                Fact::DealRead(Box::new(deal))
            }
            Call::SendInvoice { .. } => Fact::NotApproved { ceiling },
            Call::Report { .. } => Fact::Reported,
            _ => written(),
        }
    };
    let adds_to_it = noted(Code::ApprovalRequired.as_str());
    let (calls, stopped) = ends(run(Point::Ready { draft: draft(1), interrupted: false }), &adds_to_it);
    assert_eq!(calls, ["send_invoice", "update_records", "report"]);
    let (calls, stopped) = ends(stopped.resume(), &adds_to_it);
    assert_eq!(calls, ["read_invoice", "read_deal", "send_invoice"]);
    // Whoever takes it away gets it once more.
    let (calls, _) = ends(stopped.resume(), noted(""));
    assert_eq!(calls, ["read_invoice", "read_deal", "send_invoice", "update_records"]);
}
