//! Deals whose contract is told with them.

use domain::{ContractId, SubscriptionId};

use super::*;
use crate::Refusal;
use crate::opportunity_won::contract::ContractWrite;

fn sent() -> Point {
    let mut invoice = draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1200));
    let money = invoice.plan.total;
    invoice.subscription = SubscriptionId::parse("sub_1").ok().map(|id| (id, money));
    invoice.plan.contract_id = ContractId::parse("800000000000001AAA").ok();
    Point::Sent { invoice, interrupted: false }
}

fn writes(point: &Point) -> Vec<mapping::Update> {
    match point.next() {
        Next::Call(Call::UpdateRecords { updates }) => updates,
        next => panic!("{next:?}"),
    }
}

fn objects(point: &Point) -> Vec<&'static str> {
    writes(point).iter().map(|update| update.object).collect()
}

/// The records as they are after the write; of the contract, as it was.
fn kept(point: &Point, keeps_contract: bool) -> Vec<Record> {
    let record = |update: &mapping::Update| {
        let mut record = Record::default();
        let fields = update.fields.iter().filter(|_| update.object != "Contract" || keeps_contract);
        fields.for_each(|(field, value)| record.set(*field, value.clone()));
        record
    };
    writes(point).iter().map(record).collect()
}

fn record_in(point: Point, fact: Fact) -> Point {
    point.record(fact, &settings()).expect("in order")
}

/// As the opportunity is read when the write-back was interrupted.
fn seen_after(point: &Point) -> Record {
    let mut record = Record::default();
    for update in writes(point).iter().filter(|update| update.object != "Contract") {
        let path = |field: &str| {
            if update.object == "Opportunity" { field.to_owned() } else { format!("{}.{field}", update.object) }
        };
        update.fields.iter().for_each(|(field, value)| record.set(path(field), value.clone()));
    }
    record
}

fn refused() -> Fact {
    Fact::Refused(Refusal { stop: Stop::refused(Code::SalesforceRefused, "no") })
}

fn is_told(point: &Point) {
    let stop = point.stop().expect("a person looks");
    assert_eq!(stop.code, Code::WriteBackDiffers);
    assert!(stop.message.contains("Contract.Stripe_Subscription_Id__c"), "{}", stop.message);
}

/// The deal's own record is written all the same, and when a person asks once more, the contract is as well.
#[test]
fn a_contract_that_cannot_be_written_does_not_keep_the_deal_from_it() {
    let point = sent();
    assert!(objects(&point).contains(&"Contract"));
    let without = record_in(point.clone(), refused());
    assert!(!objects(&without).contains(&"Contract") && objects(&without).contains(&"Opportunity"));
    let answer = Fact::RecordsUpdated(kept(&without, true));
    let told = record_in(without.clone(), answer);
    is_told(&told);
    // Interrupted in between, it is not forgotten.
    let verifying = without.clone().resume();
    is_told(&record_in(verifying, Fact::BillingRead(seen_after(&without))));
    // What nobody asked for leaves it as it is.
    is_told(&record_in(told.clone().resume(), Fact::BillingRead(seen_after(&point))));
    let again = record_in(told.asked_for().resume(), Fact::BillingRead(seen_after(&point)));
    assert!(objects(&again).contains(&"Contract"), "a person asks for it");
    let done = record_in(again.clone(), Fact::RecordsUpdated(kept(&again, true)));
    let Point::Revisiting { invoice } = &done else { panic!("{done:?}") };
    assert_eq!((invoice.contract, invoice.not_kept.len()), (ContractWrite::With, 0));
    // And if it still cannot be written, once more without it.
    let without = record_in(again, refused());
    assert!(!objects(&without).contains(&"Contract"));
    let stopped = record_in(without, refused());
    assert_eq!(stopped.stop().map(|stop| stop.code), Some(Code::SalesforceRefused), "it is the deal's own record");
}

#[test]
fn a_contract_that_keeps_nothing_is_told_of_and_written_again_when_asked_for() {
    let point = sent();
    let told = record_in(point.clone(), Fact::RecordsUpdated(kept(&point, false)));
    is_told(&told);
    is_told(&record_in(told.clone().resume(), Fact::BillingRead(seen_after(&point))));
    let again = record_in(told.asked_for().resume(), Fact::BillingRead(seen_after(&point)));
    assert!(objects(&again).contains(&"Contract"));
    // Dying before the answer, it is still owed.
    let again = record_in(again.resume(), Fact::BillingRead(seen_after(&point)));
    assert!(objects(&again).contains(&"Contract"));
}

/// With the note of what was wrong on it, as it is read after every event.
fn noted(point: &Point, told: &Point) -> Record {
    let mut record = seen_after(point);
    let stop = told.stop().expect("a person looks");
    let note = mapping::sync_note(&draft(1).plan.opportunity_id, stop);
    note.fields.iter().for_each(|(field, value)| record.set(*field, value.clone()));
    record
}

/// Its own note is no reason to write the deal again, which would be an event again: nothing is written until a person asks.
#[test]
fn a_deal_that_is_told_of_its_contract_is_left_as_it_is() {
    let point = sent();
    let without = record_in(point.clone(), refused());
    let left_out = record_in(without.clone(), Fact::RecordsUpdated(kept(&without, true)));
    let not_kept = record_in(point.clone(), Fact::RecordsUpdated(kept(&point, false)));
    for told in [left_out, not_kept] {
        let seen = noted(&point, &told);
        let later = record_in(told.clone().resume(), Fact::BillingRead(seen.clone()));
        is_told(&later);
        assert!(!matches!(later.next(), Next::Call(Call::UpdateRecords { .. })), "{:?}", later.next());
        // A person asks, and it is not kept once more: then that is remembered as well.
        let again = record_in(told.asked_for().resume(), Fact::BillingRead(seen.clone()));
        let once_more = record_in(again.clone(), Fact::RecordsUpdated(kept(&again, false)));
        is_told(&once_more);
        let later = record_in(once_more.clone().resume(), Fact::BillingRead(noted(&point, &once_more)));
        assert!(!matches!(later.next(), Next::Call(Call::UpdateRecords { .. })), "{:?}", later.next());
    }
}

/// It was not the contract's fault: when the rule is lifted, both are written.
#[test]
fn a_deal_whose_own_record_is_refused_is_written_with_its_contract_later() {
    let stopped = record_in(record_in(sent(), refused()), refused());
    assert_eq!(stopped.stop().map(|stop| stop.code), Some(Code::SalesforceRefused));
    let again = record_in(stopped.resume(), Fact::BillingRead(Record::default()));
    assert!(objects(&again).contains(&"Contract"));
}
