use domain::{Currency, FieldValue};
use mapping::{CURRENT_MRR, LineSource, STATUS, Subscriptions};

use super::*;
use crate::{Cancellation, Refusal, StandingSeen, SubscriptionStatus};

const DEAL: &str = "006000000000001AAA";

fn settings() -> Settings {
    Settings {
        subscriptions: Subscriptions::ContractActivated,
        line_source: LineSource::OpportunityProducts,
        ..Settings::new(Currency::parse("USD").expect("valid"))
    }
}

fn subscription_id() -> SubscriptionId {
    SubscriptionId::parse("sub_1").expect("valid")
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_793_577_600 + minute * 60).expect("in range")
}

fn seen(status: SubscriptionStatus) -> StandingSeen {
    StandingSeen {
        subscription_id: subscription_id(),
        opportunity_id: OpportunityId::parse(DEAL).ok(),
        customer_id: None,
        is_renewed: true,
        status,
        is_collection_paused: false,
        has_discount: false,
        currency: Currency::parse("USD").expect("valid"),
        items: vec![],
        cancellation: Cancellation::default(),
    }
}

fn read_at(minute: i64) -> Fact {
    Fact::StandingRead { seen: Box::new(seen(SubscriptionStatus::Active)), at: at(minute) }
}

fn record(fields: &[(&str, &str)]) -> Record {
    let mut record = Record::default();
    for (field, value) in fields {
        record.set(*field, FieldValue::Text((*value).into()));
    }
    record
}

fn deal() -> Record {
    record(&[("Id", DEAL), ("Stripe_Subscription_Id__c", "sub_1"), ("ContractId", "800000000000001AAA")])
}

fn contract() -> Record {
    record(&[("Id", "800000000000001AAA"), ("Stripe_Subscription_Id__c", "sub_1")])
}

fn naming(opportunities: Vec<Record>, contracts: Vec<Record>) -> Fact {
    Fact::NamingRead(Naming { opportunities, contracts, tasks: vec![] })
}

fn after(point: Point, facts: impl IntoIterator<Item = Fact>) -> Point {
    facts.into_iter().fold(point, |point, fact| point.record(fact, &settings()).expect("in order"))
}

fn updates(point: &Point) -> Vec<Update> {
    match point.next() {
        Next::Call(Call::UpdateRecords { updates }) => updates,
        next => panic!("{next:?}"),
    }
}

/// As Salesforce answers a write that it has kept.
fn kept(point: &Point) -> Fact {
    let records = updates(point).into_iter().map(|update| {
        let mut record = Record::default();
        update.fields.into_iter().for_each(|(field, value)| record.set(field, value));
        record
    });
    Fact::RecordsUpdated(records.collect())
}

fn claimed() -> Point {
    Point::claimed(subscription_id())
}

fn telling() -> Point {
    after(claimed(), [read_at(0), naming(vec![deal()], vec![contract()])])
}

fn refusal(code: Code) -> Fact {
    Fact::Refused(Refusal { stop: Stop::refused(code, "no") })
}

fn code(point: &Point) -> Option<(Code, Kind)> {
    point.stop().map(|stop| (stop.code, stop.kind))
}

#[test]
fn what_has_become_of_it_is_told_to_the_deal_and_its_contract() {
    assert_eq!(claimed().next(), Next::Call(Call::ReadStanding { subscription_id: subscription_id() }));
    let point = telling();
    let written = updates(&point);
    assert_eq!(written.iter().map(|update| update.object).collect::<Vec<_>>(), ["Opportunity", "Contract"]);
    assert!(written.iter().all(|update| update.fields[STATUS] == FieldValue::Text("active".into())));
    let answer = kept(&point);
    let done = after(point, [answer]);
    assert_eq!((done.next(), done.status()), (Next::End(End::Done), Status::Done));
    assert!(done.was_seen_since(at(-11)) && !done.was_seen_since(at(-9)), "{done:?}");
}

/// Every write may start somebody's automation.
#[test]
fn what_is_told_already_is_not_written() {
    let mut told = deal();
    updates(&telling())[0].fields.iter().for_each(|(field, value)| told.set(*field, value.clone()));
    let done = after(claimed(), [read_at(0), naming(vec![told], vec![])]);
    assert_eq!(done.status(), Status::Done);
}

/// It may come late and say what is over, so after ten minutes it is looked once more; and whoever comes before that leaves the doubt.
#[test]
fn after_a_write_that_was_not_answered_it_is_looked_once_more() {
    let point = telling().resume();
    assert_eq!(point.next(), Next::Call(Call::ReadStanding { subscription_id: subscription_id() }));
    let mut told = deal();
    updates(&telling())[0].fields.iter().for_each(|(field, value)| told.set(*field, value.clone()));
    let again = || naming(vec![told.clone()], vec![]);
    let doubting = after(point, [read_at(1), again()]);
    assert_eq!((doubting.next(), doubting.status()), (Next::End(End::Resting { until: at(11) }), Status::Open));
    // Another event comes meanwhile.
    let doubting = after(doubting.resume(), [read_at(5), again()]);
    assert_eq!(doubting.next(), Next::End(End::Resting { until: at(11) }));
    let done = after(doubting.resume(), [read_at(11), again()]);
    assert_eq!(done.next(), Next::End(End::Done));
    // One that was written in doubt keeps it.
    let told_late = after(telling().resume(), [read_at(1), naming(vec![deal()], vec![])]);
    let answer = kept(&told_late);
    assert_eq!(after(told_late, [answer]).next(), Next::End(End::Resting { until: at(11) }));
}

#[test]
fn a_deal_that_does_not_name_it_yet_is_waited_for() {
    let waiting = after(claimed(), [read_at(0), naming(vec![record(&[("Id", DEAL)])], vec![])]);
    assert!(matches!(waiting.next(), Next::Wait(stop) if stop.code == Code::SubscriptionNotLinked), "{waiting:?}");
    assert!(matches!(waiting.clone().resume(), Point::Claimed { .. }));
    let seeking = after(waiting, [refusal(Code::SubscriptionNotLinked)]);
    let Next::Call(Call::LookUp { search }) = seeking.clone().resume().next() else { panic!("{seeking:?}") };
    assert_eq!(search.lost.id(), "sub_1");
    let stopped = after(seeking, [looked_up(&[])]);
    assert_eq!(code(&stopped), Some((Code::SubscriptionNotLinked, Kind::Review)));
    assert!(matches!(stopped.next(), Next::Call(Call::Report { .. })));
    let ended = after(stopped, [Fact::Reported]);
    assert_eq!(
        (ended.status(), ended.next()),
        (Status::Review, Next::End(End::Stopped(ended.stop().expect("one").clone())))
    );
}

/// A deal that was edited before its first invoice was sent has another subscription instead, and one that is gone misses nothing.
#[test]
fn one_that_is_over_and_that_nobody_names_is_told_nobody() {
    let over = || Fact::StandingRead { seen: Box::new(seen(SubscriptionStatus::Canceled)), at: at(0) };
    for opportunities in [vec![record(&[("Id", DEAL)])], vec![]] {
        assert_eq!(after(claimed(), [over(), naming(opportunities, vec![])]).status(), Status::Done);
    }
}

/// What concerns nobody here leaves nothing to do; what is gone is a person's business.
#[test]
fn what_cannot_be_told_says_why() {
    let stranger = Fact::StandingRead {
        seen: Box::new(StandingSeen { opportunity_id: None, ..seen(SubscriptionStatus::Active) }),
        at: at(0),
    };
    let rejected = after(claimed(), [stranger]);
    assert_eq!((code(&rejected), rejected.status()), (Some((Code::NotOurs, Kind::NotBillable)), Status::Rejected));
    for (facts, expected) in [
        (vec![Fact::SubscriptionMissing], Code::SubscriptionNotFound),
        (vec![refusal(Code::StripeRefused)], Code::StripeRefused),
        (vec![read_at(0), naming(vec![], vec![])], Code::OpportunityNotFound),
        (vec![read_at(0), refusal(Code::SalesforceRefused)], Code::SalesforceRefused),
    ] {
        let stopped = after(claimed(), facts);
        // Another deal may have it.
        let is_sought = expected == Code::OpportunityNotFound;
        let stopped = if is_sought { after(stopped, [looked_up(&[])]) } else { stopped };
        assert_eq!(code(&stopped), Some((expected, Kind::Review)));
        let said = stopped.clone().already_said(stopped.stop());
        assert_eq!(said.status(), Status::Review, "the same is not said twice");
        assert!(matches!(stopped.resume(), Point::Claimed { .. }), "a new event begins again");
    }
    assert!(claimed().record(Fact::Reported, &settings()).is_err());
}

#[test]
fn what_salesforce_does_not_keep_is_named() {
    let point = telling();
    let Fact::RecordsUpdated(mut records) = kept(&point) else { panic!("{point:?}") };
    records[1].set(CURRENT_MRR, FieldValue::Null);
    let stopped = after(point, [Fact::RecordsUpdated(records)]);
    assert_eq!(code(&stopped), Some((Code::WriteBackDiffers, Kind::Review)));
    let message = &stopped.stop().expect("one").message;
    assert!(message.contains("Contract.Stripe_Current_MRR__c") && !message.contains("Opportunity."), "{message}");
}

/// The deal's own record is written all the same, and a person is told of the contract.
#[test]
fn a_contract_that_may_not_be_edited_does_not_keep_the_deal_from_being_told() {
    let alone = after(telling(), [refusal(Code::SalesforceRefused)]);
    assert_eq!(updates(&alone).iter().map(|update| update.object).collect::<Vec<_>>(), ["Opportunity"]);
    let answer = kept(&alone);
    assert_eq!(code(&after(alone.clone(), [answer])), Some((Code::SalesforceRefused, Kind::Review)));
    assert_eq!(code(&after(alone, [refusal(Code::SalesforceRefused)])), Some((Code::SalesforceRefused, Kind::Review)));
    // Where there is only the contract to tell, there is nothing else to try.
    let mut told = deal();
    updates(&telling())[0].fields.iter().for_each(|(field, value)| told.set(*field, value.clone()));
    let only = after(claimed(), [read_at(0), naming(vec![told], vec![contract()])]);
    assert_eq!(code(&after(only, [refusal(Code::SalesforceRefused)])), Some((Code::SalesforceRefused, Kind::Review)));
}

/// The deal that it is billed for comes first, and each earlier one by itself: one that takes no write does not keep the others from being
/// told, and a person is told of the first.
#[test]
fn nobodys_refusal_keeps_another_from_being_told() {
    let earlier = |number: u32| {
        let id = format!("0060000000000{number:02}AAA");
        record(&[("Id", &id), ("Renewal_Stripe_Sub_Id__c", "sub_1"), (STATUS, "active")])
    };
    let all: Vec<_> = (10..13).map(earlier).chain([deal()]).collect();
    let mut point = after(claimed(), [read_at(0), naming(all, vec![contract()])]);
    let mut told = vec![];
    for is_refused in [false, true, false, true] {
        let records = updates(&point);
        told.push(records.iter().map(|update| (update.object, update.fields[STATUS].clone())).collect::<Vec<_>>());
        let answer = if is_refused { refusal(Code::SalesforceRefused) } else { kept(&point) };
        point = after(point, [answer]);
    }
    let text = |text: &str| FieldValue::Text(text.into());
    let renewed = || vec![("Opportunity", text("renewed"))];
    let current = vec![("Opportunity", text("active")), ("Contract", text("active"))];
    assert_eq!(told, [current, renewed(), renewed(), renewed()]);
    assert_eq!(code(&point), Some((Code::SalesforceRefused, Kind::Review)));
}

/// A write that comes late may be what is not kept, and may overwrite what is told now: a person is told when that is over.
#[test]
fn in_doubt_nobody_is_told_of_a_refusal_before_it_is_quiet() {
    let alone = after(telling().resume(), [read_at(1), naming(vec![deal()], vec![])]);
    let doubting = after(alone, [refusal(Code::SalesforceRefused)]);
    assert_eq!(doubting.next(), Next::End(End::Resting { until: at(11) }));
    let again = after(doubting.resume(), [read_at(12), naming(vec![deal()], vec![])]);
    assert_eq!(code(&after(again, [refusal(Code::SalesforceRefused)])), Some((Code::SalesforceRefused, Kind::Review)));
}

/// When all that can be is told, whatever was not; and once.
#[test]
fn somebody_is_asked_to_look_after_the_customer() {
    let ended = |minute| Fact::StandingRead { seen: Box::new(seen(SubscriptionStatus::Canceled)), at: at(minute) };
    let telling = || after(claimed(), [ended(0), naming(vec![deal()], vec![])]);
    let task = |point: &Point| {
        let updates = updates(point);
        assert_eq!((updates.len(), updates[0].object, updates[0].id.as_str()), (1, "Task", "sub_1"));
        updates[0].fields["ActivityDate"].clone()
    };
    let told = kept(&telling());
    for (said, left_out) in
        [(told.clone(), None), (refusal(Code::SalesforceRefused), Some((Code::SalesforceRefused, Kind::Review)))]
    {
        let asking = after(telling(), [said]);
        assert_eq!((asking.name(), task(&asking)), ("asking", FieldValue::Text("2026-11-02".into())));
        let done = after(asking, [Fact::RecordsUpdated(vec![record(&[("Id", "00T000000000001AAA")])])]);
        assert_eq!(code(&done), left_out);
        // What became of the task is theirs.
        let again = after(done.resume(), [ended(60), naming(vec![deal()], vec![])]);
        assert_eq!(after(again, [told.clone()]).status(), Status::Done);
    }
    let asking = after(telling(), [told]);
    assert_eq!(asking.clone().resume().name(), "claimed", "whether it is there is seen");
    let lost = after(asking.clone(), [Fact::RecordsUpdated(vec![Record::default()])]);
    assert_eq!(code(&lost), Some((Code::WriteBackDiffers, Kind::Review)));
    let refused = after(asking, [refusal(Code::SalesforceRefused)]);
    assert_eq!(code(&refused), Some((Code::SalesforceRefused, Kind::Review)));
}

const OTHER: &str = "006000000000002AAA";

fn looked_up(named_by: &[&str]) -> Fact {
    let answers = vec![named_by.iter().map(|id| record(&[("Id", id)])).collect()];
    Fact::LookedUp(Box::new(mapping::Whereabouts::of(answers)))
}

/// Somebody moved it to another deal. One that renewed it for a term is not moved by that the earlier one names it.
#[test]
fn the_deal_that_was_found_to_name_it_is_the_one_that_it_is_billed_for() {
    let moved = || vec![record(&[("Id", DEAL)]), record(&[("Id", OTHER), ("Stripe_Subscription_Id__c", "sub_1")])];
    for (is_renewed, is_moved) in [(false, true), (true, false)] {
        let watch = Watch::new(SubscriptionId::parse("sub_1").expect("valid"));
        let opportunity_id = OpportunityId::parse(DEAL).expect("valid");
        let waiting = Point::NotLinked { watch, opportunity_id, is_renewed };
        let point = after(waiting, [refusal(Code::SubscriptionNotLinked), looked_up(&[OTHER])]);
        assert_eq!(matches!(&point, Point::Claimed { watch } if watch.found.is_some()), is_moved, "{point:?}");
        if is_moved {
            let read = |is_renewed| {
                let seen = Box::new(StandingSeen { is_renewed, ..seen(SubscriptionStatus::Active) });
                Fact::StandingRead { seen, at: at(0) }
            };
            let telling = after(point.clone(), [read(false), naming(moved(), vec![])]);
            assert!(updates(&telling).iter().any(|update| update.id == OTHER), "{telling:?}");
            let told = after(telling.clone(), [kept(&telling)]);
            assert_eq!(told.status(), Status::Done, "{told:?}");
            // Whoever renewed it since has it.
            let Next::Call(Call::ReadNaming { standing }) = after(point.clone(), [read(true)]).next() else { panic!() };
            assert_eq!(standing.opportunity_id.as_str(), DEAL);
            let left = after(point, [read(false), naming(vec![], vec![])]);
            assert!(matches!(&left, Point::Claimed { watch } if watch.found.is_none()), "{left:?}");
        }
    }
}
