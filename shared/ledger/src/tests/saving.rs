//! Saving a run.

use super::*;

fn call(number: i64) -> CallEntry {
    CallEntry {
        at: at(number),
        system: "stripe".into(),
        call: "create_invoice".into(),
        target: Some(format!("in_{number}")),
        idempotency_key: None,
        outcome: "ok".into(),
        detail: None,
        request_id: None,
        duration_ms: 1,
    }
}

#[tokio::test]
async fn what_is_saved_is_there_with_its_calls_and_its_link() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    let mut first = held(&ledger, claimed(1), &claim("first", event("evt_1"), 0)).await;
    ledger.save(&mut first, drafted(1, "in_1"), &[call(1), call(2)], Release::Keep, at(5)).await.expect("saved");
    assert_eq!((first.stored.version, first.stored.lease_until, first.is_new), (2, at(90), false));
    ledger.save(&mut first, drafted(1, "in_1"), &[call(3)], Release::Keep, at(6)).await.expect("saved");
    let there = ledger.run(&run_id(1).to_string()).await.expect("available").expect("it is there");
    assert_eq!((there.version, there.updated_at, &there.run), (3, at(6), &drafted(1, "in_1")));
    assert_eq!(ledger.run_of_invoice(&invoice_id()).await.expect("available"), Some(run_id(1)));
    let other = InvoiceId::parse("in_2").expect("valid");
    assert_eq!(ledger.run_of_invoice(&other).await.expect("available"), None);
    memory.change("link#in_1", "link", |link| {
        drop(link.insert("schema".into(), crate::attributes::number(crate::SCHEMA + 1)))
    });
    let newer = ledger.run_of_invoice(&invoice_id()).await;
    assert!(matches!(newer, Err(LedgerError::Unreadable { .. })), "{newer:?}");
    // Three entries are more than a page.
    assert_eq!(ledger.call_log(&run_id(1)).await.expect("whole"), [call(1), call(2), call(3)]);
    assert_eq!(ledger.call_log(&run_id(2)).await.expect("whole"), []);
    let entry = memory.item(&run_id(1).to_string(), "call#00000003").expect("it is there");
    assert_eq!(get_text(&entry, "day").as_deref(), Some("2026-11-02"));
    assert_eq!(get_number(&entry, "expires_at"), Some(at(3).as_second() + 400 * 24 * 3600));
    memory.change(&run_id(1).to_string(), "call#00000002", |entry| {
        let document = get_text(entry, "document").expect("it has one").replace("\"ok\"", "\"unknown\"");
        entry.insert("document".into(), crate::attributes::text(document));
    });
    let broken = ledger.call_log(&run_id(1)).await.expect_err("altered");
    assert!(matches!(broken, LedgerError::Unreadable { .. }), "{broken:?}");
}

/// The table deletes what is older than entries are kept, in no order. What is younger must be there, up to when the run was read.
#[tokio::test]
async fn what_is_left_of_a_call_log_is_checked() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    let mut held = held(&ledger, claimed(1), &claim("first", event("evt_1"), 0)).await;
    ledger.save(&mut held, drafted(1, "in_1"), &[call(1), call(2)], Release::Keep, at(5)).await.expect("saved");
    let before = held.stored.clone();
    ledger.save(&mut held, drafted(1, "in_1"), &[call(3)], Release::Keep, at(6)).await.expect("saved");
    let later = |seconds| at(seconds).checked_add(jiff::SignedDuration::from_hours(400 * 24)).expect("in range");
    let calls = |numbers: &[i64]| numbers.iter().map(|number| call(*number)).collect::<Vec<_>>();
    for (now, left) in [(at(6), &[1, 2, 3][..]), (later(1), &[2, 3]), (later(2), &[3]), (later(6), &[])] {
        assert_eq!(ledger.call_log_of(&held.stored, now).await.expect("whole"), calls(left), "{now}");
    }
    assert_eq!(ledger.call_log_of(&before, at(6)).await.expect("whole"), calls(&[1, 2]));
    memory.change(&run_id(1).to_string(), "call#00000002", |entry| drop(entry.remove("document")));
    assert_eq!(ledger.call_log_of(&held.stored, later(2)).await.expect("it was to go"), calls(&[3]));
    for stored in [&held.stored, &before] {
        let broken = ledger.call_log_of(stored, at(6)).await.expect_err("one is missing");
        assert!(matches!(broken, LedgerError::Unreadable { .. }), "{broken:?}");
    }
}

/// When the run is looked at again, and since when it waits.
#[tokio::test]
async fn a_run_that_is_given_back_says_when_to_look_again() {
    let quarter = 15 * 60;
    for (release, lease_until, check_at, waits) in [
        (Release::Keep, 90, 90, false),
        (Release::Now, 10, 10 + quarter, false),
        (Release::Until(at(500)), 10, 500, false),
        (Release::Until(at(3)), 10, 10, false),
        (Release::Waiting, 10, 10 + quarter, true),
    ] {
        let memory = Memory::default();
        let ledger = Ledger::over(&memory);
        let mut first = held(&ledger, claimed(1), &claim("first", event("evt_1"), 0)).await;
        ledger.save(&mut first, claimed(1), &[], release, at(10)).await.expect("saved");
        assert_eq!(first.stored.lease_until, at(lease_until), "{release:?}");
        assert_eq!(first.stored.waiting_since, waits.then(|| at(10)), "{release:?}");
        let item = memory.item(&run_id(1).to_string(), "run").expect("it is there");
        assert_eq!(get_number(&item, "next_check_at"), Some(at(check_at).as_millisecond()), "{release:?}");
        // It goes on waiting from when it began to, until it has reached its goal.
        ledger.save(&mut first, claimed(1), &[], Release::Waiting, at(20)).await.expect("saved");
        assert_eq!(first.stored.waiting_since, Some(at(if waits { 10 } else { 20 })), "{release:?}");
        ledger.save(&mut first, claimed(1), &[], Release::Now, at(30)).await.expect("saved");
        assert!(first.stored.waiting_since.is_some());
    }
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    let mut customer = held(&ledger, known(), &claim("first", event("evt_1"), 0)).await;
    ledger.save(&mut customer, known(), &[], Release::Waiting, at(1)).await.expect("saved");
    ledger.save(&mut customer, known(), &[], Release::Now, at(2)).await.expect("saved");
    assert_eq!((customer.stored.waiting_since, customer.stored.status.as_str()), (None, "done"));
    let item = memory.item(&known().id.to_string(), "run").expect("it is there");
    assert_eq!((item.get("open"), item.get("next_check_at")), (None, None), "what has ended is not in the index");
    assert_eq!(get_text(&item, "stripe_customer_id").as_deref(), Some("cus_1"));
}

#[tokio::test]
async fn a_stop_stands_beside_the_run_for_people() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    let mut first = held(&ledger, claimed(1), &claim("first", event("evt_1"), 0)).await;
    let stopped = stopped(Stop::review(Code::NotPaid, "It is not paid."));
    ledger.save(&mut first, stopped, &[], Release::Now, at(1)).await.expect("saved");
    assert_eq!(first.stored.status, "review");
    let item = memory.item(&run_id(1).to_string(), "run").expect("it is there");
    let texts =
        ["status", "code", "reason", "point", "workflow", "subject"].map(|name| get_text(&item, name).expect("there"));
    let subject = run_id(1).subject().to_owned();
    assert_eq!(texts, ["review", "not_paid", "It is not paid.", "stopped", "opportunity_won", &subject]);
    assert_eq!(item.get("open"), None);
}

#[tokio::test]
async fn a_holder_that_lost_the_run_saves_nothing() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    let mut first = held(&ledger, claimed(1), &claim("first", event("evt_1"), 0)).await;
    let mut second = held(&ledger, claimed(1), &claim("second", event("evt_2"), 90)).await;
    let lost = ledger.save(&mut first, drafted(1, "in_1"), &[call(1)], Release::Keep, at(91)).await;
    assert!(matches!(lost, Err(LedgerError::Lost)), "{lost:?}");
    assert_eq!(ledger.run_of_invoice(&invoice_id()).await.expect("available"), None, "not even the link");
    ledger.save(&mut second, drafted(1, "in_1"), &[], Release::Keep, at(92)).await.expect("saved");
    // Each of these alone is enough to know that it is somebody else's.
    let key = run_id(1).to_string();
    for (name, value) in [
        ("fence", crate::attributes::number(9)),
        ("version", crate::attributes::number(9)),
        ("owner", crate::attributes::text("third")),
        ("stripe_invoice_id", crate::attributes::text("in_9")),
        ("stripe_customer_id", crate::attributes::text("cus_9")),
    ] {
        let before = memory.item(&key, "run").expect("it is there");
        memory.change(&key, "run", |item| drop(item.insert(name.into(), value)));
        let lost = ledger.save(&mut second.clone(), drafted(1, "in_1"), &[], Release::Keep, at(93)).await;
        assert!(matches!(lost, Err(LedgerError::Lost)), "{name}: {lost:?}");
        memory.change(&key, "run", |item| *item = before);
    }
}

#[tokio::test]
async fn a_save_whose_answer_was_lost_is_known_again() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    let mut first = held(&ledger, claimed(1), &claim("first", event("evt_1"), 0)).await;
    memory.loses_an_answer.set(true);
    ledger.save(&mut first, drafted(1, "in_1"), &[call(1)], Release::Keep, at(1)).await.expect("it was saved");
    assert_eq!(first.stored.version, 2);
}

#[tokio::test]
async fn saves_that_meet_another_one_are_tried_four_times() {
    for (conflicts, is_saved) in [(0, true), (1, true), (3, true), (4, false)] {
        let memory = Memory::default();
        let ledger = Ledger::over(&memory);
        let mut first = held(&ledger, claimed(1), &claim("first", event("evt_1"), 0)).await;
        memory.conflicts.set(conflicts);
        let saved = ledger.save(&mut first, claimed(1), &[], Release::Keep, at(1)).await;
        assert_eq!(saved.is_ok(), is_saved, "{conflicts}");
        assert!(is_saved || matches!(saved, Err(LedgerError::Unavailable(_))), "{saved:?}");
        assert_eq!(memory.pauses.get(), conflicts.min(3));
    }
}

#[tokio::test]
async fn one_invoice_belongs_to_one_deal_and_a_deal_has_one_invoice() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    let mut first = held(&ledger, claimed(1), &claim("first", event("evt_1"), 0)).await;
    ledger.save(&mut first, drafted(1, "in_1"), &[], Release::Keep, at(1)).await.expect("saved");
    let mut other = held(&ledger, claimed(2), &claim("other", event("evt_2"), 0)).await;
    let taken = ledger.save(&mut other, drafted(2, "in_1"), &[call(1)], Release::Keep, at(1)).await;
    assert!(matches!(&taken, Err(LedgerError::LinkTaken(id)) if id == "in_1"), "{taken:?}");
    let changed = ledger.save(&mut first, drafted(1, "in_2"), &[], Release::Keep, at(2)).await;
    assert!(matches!(changed, Err(LedgerError::RegisterChanged { .. })), "{changed:?}");
    // Its draft was deleted: the next one is its own again, and so is the one that it had.
    ledger.save(&mut first, claimed(1), &[], Release::Keep, at(3)).await.expect("given up");
    ledger.save(&mut first, drafted(1, "in_1"), &[], Release::Keep, at(4)).await.expect("its own link");
    let mut customer = held(&ledger, known(), &claim("first", event("evt_1"), 0)).await;
    ledger.save(&mut customer, known(), &[], Release::Keep, at(1)).await.expect("saved");
    let customer_id = CustomerId::parse("cus_2").expect("valid");
    let point = workflow::account_customer::Point::Known { customer_id, told: None };
    let another = Run { state: State::AccountCustomer(point), ..known() };
    let changed = ledger.save(&mut customer, another, &[], Release::Keep, at(2)).await;
    assert!(matches!(changed, Err(LedgerError::RegisterChanged { .. })), "{changed:?}");
}

#[test]
fn a_status_is_what_the_run_says() {
    assert_eq!(drafted(1, "in_1").status(), Status::Open);
    assert_eq!(known().status(), Status::Done);
}
