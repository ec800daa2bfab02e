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

/// Salesforce holds what was written.
fn kept(updates: &[mapping::Update]) -> Fact {
    let record = |update: &mapping::Update| {
        let mut record = Record::default();
        update.fields.iter().for_each(|(path, value)| record.set(*path, value.clone()));
        record
    };
    Fact::RecordsUpdated(updates.iter().map(record).collect())
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
            Call::UpdateRecords { updates } if !code.is_empty() => kept(updates),
            Call::Report { .. } => Fact::Reported,
            _ => written(),
        }
    };
    let adds_to_it = noted(Code::ApprovalRequired.as_str());
    let (calls, stopped) = ends(run(Point::Ready { draft: draft(1), interrupted: false }), &adds_to_it);
    assert_eq!(calls, ["send_invoice", "update_records", "report"]);
    let (calls, stopped) = ends(stopped.resume(), &adds_to_it);
    assert_eq!(calls, ["read_invoice", "read_deal", "send_invoice"]);
    // Whoever takes it away gets it once more; not again and again, if it does not stay.
    let takes_it_away = noted("");
    let (calls, stopped) = ends(stopped.resume(), &takes_it_away);
    assert_eq!(calls, ["read_invoice", "read_deal", "send_invoice", "update_records"]);
    let (calls, stopped) = ends(stopped.resume(), &takes_it_away);
    assert_eq!(calls, ["read_invoice", "read_deal", "send_invoice"]);
    // But for a person who asks for it.
    let (calls, _) = ends(stopped.asked_for().resume(), &takes_it_away);
    assert_eq!(calls, ["read_invoice", "read_deal", "send_invoice", "update_records", "report"]);
}

/// A write-back that was given up lands after the note about it, and takes it away.
#[test]
fn a_note_that_a_late_write_took_away_is_written_again() {
    let invoice = draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000));
    let with_note = |note: Option<Code>| {
        move |call: &Call| match (call, without_the_link(call)) {
            (Call::UpdateRecords { updates }, _) if updates[0].fields.len() == 2 => kept(updates),
            (_, Fact::BillingRead(mut record)) => {
                record.set("Stripe_Sync_Code__c", note.map_or(FieldValue::Null, |code| text(code.as_str())));
                Fact::BillingRead(record)
            }
            (_, fact) => fact,
        }
    };
    let (_, stopped) = ends(run(Point::Sent { invoice, interrupted: false }), with_note(None));
    let (calls, stopped) = ends(stopped.resume(), with_note(Some(Code::WriteBackDiffers)));
    assert_eq!(calls, ["read_billing"]);
    let (calls, _) = ends(stopped.resume(), with_note(None));
    assert_eq!(calls, ["read_billing", "update_records"]);
}

/// The deal was edited after its invoice, and set back: it is right, and the opportunity must not go on saying otherwise.
#[test]
fn a_note_that_is_not_true_any_more_is_taken_away_once() {
    let invoice = draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000));
    let edited = |call: &Call| match call {
        Call::ReadDeal { .. } => Fact::DealRead(Box::new(deal(2))),
        Call::Report { .. } => Fact::Reported,
        _ => written(),
    };
    let (calls, stopped) = ends(run(Point::Done { invoice }.resume()), edited);
    assert_eq!(calls, ["read_deal", "update_records", "report"]);
    assert_eq!(stopped.stop().map(|stop| stop.code), Some(Code::DealChangedAfterBilling));
    let set_back = |keeps_note: bool| {
        move |call: &Call| {
            let mut deal = deal(1);
            deal.opportunity.set("Stripe_Sync_Code__c", text("deal_changed_after_billing"));
            match call {
                Call::ReadDeal { .. } => Fact::DealRead(Box::new(deal)),
                Call::UpdateRecords { updates } => {
                    assert_eq!(updates, &[mapping::no_note(&opportunity_id())]);
                    Fact::RecordsUpdated(vec![if keeps_note { deal.opportunity } else { Record::default() }])
                }
                call => panic!("{call:?}"),
            }
        }
    };
    let (calls, done) = ends(stopped.clone().resume(), set_back(false));
    assert_eq!((calls, done.status()), (vec!["read_deal", "update_records"], Status::Done));
    // Where something of the company's own puts it back, that is not fought.
    let (_, done) = ends(stopped.resume(), set_back(true));
    let (calls, done) = ends(done.resume(), set_back(true));
    assert_eq!((calls, done.status()), (vec!["read_deal"], Status::Done));
}
