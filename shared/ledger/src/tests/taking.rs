//! Taking a run.

use workflow::Restored;

use super::*;

#[tokio::test]
async fn a_run_is_made_once_and_belongs_to_its_maker_until_the_lease_ends() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    let first = held(&ledger, claimed(1), &claim("first", event("evt_1"), 0)).await;
    assert!(first.is_new);
    assert_eq!((first.stored.fence, first.stored.version, first.stored.attempts), (1, 1, 1));
    for seconds in [1, 89] {
        let busy = ledger.begin(claimed(1), &claim("second", event("evt_2"), seconds)).await.expect("available");
        assert!(matches!(busy, Begun::Busy { until } if until == at(90)), "{busy:?}");
    }
    let second = held(&ledger, claimed(1), &claim("second", event("evt_2"), 90)).await;
    assert!(!second.is_new);
    let stored = &second.stored;
    assert_eq!((stored.fence, stored.version, stored.attempts), (2, 2, 2));
    assert_eq!((stored.owner.as_str(), stored.lease_until, stored.updated_at), ("second", at(180), at(90)));
    assert_eq!((stored.created_at, stored.run.id.clone()), (at(0), run_id(1)));
    let item = memory.item(&run_id(1).to_string(), "run").expect("it is there");
    assert_eq!(get_text(&item, "open").as_deref(), Some("run"));
    assert_eq!(get_number(&item, "next_check_at"), Some(at(180).as_millisecond()));
    assert_eq!(ledger.run(&run_id(1).to_string()).await.expect("available").map(|run| run.fence), Some(2));
    assert_eq!(ledger.run(&run_id(2).to_string()).await.expect("available"), None);
}

#[tokio::test]
async fn whoever_loses_the_answer_knows_its_own_run_again() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    memory.loses_an_answer.set(true);
    let made = held(&ledger, claimed(1), &claim("first", event("evt_1"), 0)).await;
    assert!(made.is_new && made.stored.version == 1);
    memory.loses_an_answer.set(true);
    let taken = held(&ledger, claimed(1), &claim("second", event("evt_2"), 90)).await;
    assert!(!taken.is_new && taken.stored.version == 2);
    // The same name later is not the same attempt.
    let busy = ledger.begin(claimed(1), &claim("second", event("evt_3"), 91)).await.expect("available");
    assert!(matches!(busy, Begun::Busy { .. }), "{busy:?}");
}

/// Two find the same lease ended; the table lets one of them through.
#[tokio::test]
async fn one_of_two_takes_it_over() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    held(&ledger, claimed(1), &claim("first", event("evt_1"), 0)).await;
    let key = run_id(1).to_string();
    let before = memory.item(&key, "run").expect("it is there");
    let winner = held(&ledger, claimed(1), &claim("second", event("evt_2"), 90)).await;
    // What the loser had read is what was there before.
    for (name, taken) in [("fence", 1), ("version", 1)] {
        let old = crate::StoredRun::read(&key, &before).expect("readable");
        memory.change(&key, "run", |item| drop(item.insert(name.into(), crate::attributes::number(taken))));
        let answer = ledger.take_over(old, &claim("third", event("evt_3"), 90)).await.expect("available");
        assert!(matches!(answer, Begun::Busy { until } if until == winner.stored.lease_until), "{name}: {answer:?}");
        memory.change(&key, "run", |item| drop(item.insert(name.into(), crate::attributes::number(2))));
    }
}

#[tokio::test]
async fn an_ended_run_is_taken_up_for_what_it_has_not_answered() {
    let refused = || stopped(Stop::refused(Code::NoLines, "None."));
    let for_new = [("evt_1", false), ("evt_2", true)];
    for (run, reopen, is_taken_up) in for_new
        .map(|(id, expected)| (refused(), event(id), expected))
        .into_iter()
        .chain(for_new.map(|(id, expected)| (known(), event(id), expected)))
        .chain([
            (refused(), Reopen::UnlessDone, true),
            (known(), Reopen::UnlessDone, false),
            (refused(), Reopen::Always, true),
            (known(), Reopen::Always, true),
            (claimed(1), event("evt_1"), true),
        ])
    {
        let memory = Memory::default();
        let ledger = Ledger::over(&memory);
        let run = Run { answered: vec!["evt_1".into()], ..run };
        left(&ledger, run.clone(), 0).await;
        let begun = ledger.begin(run.clone(), &claim("second", reopen.clone(), 1)).await.expect("available");
        match begun {
            Begun::Held(held) => assert!(is_taken_up && held.stored.run.answered == run.answered, "{reopen:?}"),
            Begun::Answered(there) => assert!(!is_taken_up && *there == run, "{reopen:?}"),
            other => panic!("{other:?}"),
        }
    }
}

/// After a restore every run is looked at once more, and what it said before may not stand any more.
#[tokio::test]
async fn a_run_learns_of_a_restore_when_it_is_taken() {
    let restored = |epoch| Some(Restored { epoch, since: at(-100) });
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    let stop = Stop::refused(Code::NoLines, "None.");
    let run = Run { answered: vec!["evt_1".into()], noted: Some(stop.clone()), ..stopped(stop) };
    left(&ledger, run.clone(), 0).await;
    // Whoever takes it up first dies before it has looked: the event is still to be answered then.
    for (epoch, is_taken_up, answers) in
        [(0, false, false), (1, true, false), (1, true, true), (1, false, false), (2, true, true)]
    {
        let told = Claim { restored: restored(epoch).filter(|_| epoch > 0), ..claim("next", event("evt_1"), 1) };
        match ledger.begin(run.clone(), &told).await.expect("available") {
            Begun::Held(mut held) => {
                assert!(is_taken_up, "{epoch}");
                assert_eq!((held.stored.run.restored, &held.stored.run.noted), (restored(epoch), &None));
                let mut taken = held.stored.run.clone();
                if answers {
                    taken.answer("evt_1");
                    taken.noted.clone_from(&run.noted);
                }
                ledger.save(&mut held, taken, &[], Release::Now, at(1)).await.expect("saved");
            }
            other => assert!(!is_taken_up, "{epoch}: {other:?}"),
        }
    }
    // A later restore that went less far back does not make it forget how far the first one went.
    let third = Claim { restored: Some(Restored { epoch: 3, since: at(-5) }), ..claim("next", event("evt_1"), 1) };
    let mut third = held(&ledger, run.clone(), &third).await;
    assert_eq!(third.stored.run.restored, restored(3));
    let mut as_it_is = third.stored.run.clone();
    as_it_is.answer("evt_1");
    ledger.save(&mut third, as_it_is, &[], Release::Now, at(1)).await.expect("saved");
    let late = Claim { restored: restored(1), ..claim("late", event("evt_1"), 1) };
    let begun = ledger.begin(run, &late).await.expect("available");
    assert!(matches!(begun, Begun::Answered(_)), "an older control item changes nothing: {begun:?}");
    let fresh = Claim { restored: restored(2), ..claim("first", event("evt_1"), 1) };
    assert_eq!(held(&ledger, claimed(7), &fresh).await.stored.run.restored, restored(2));
}

/// A holder that died may have sent something until the end of its lease; one that gave the run back has not.
#[tokio::test]
async fn what_a_dead_holder_may_have_sent_is_doubted() {
    for (gives_back, taken_at, last_sent) in [(false, 90, 90), (false, 300, 90), (true, 90, 5)] {
        let memory = Memory::default();
        let ledger = Ledger::over(&memory);
        let mut first = held(&ledger, claimed(1), &claim("first", event("evt_1"), 0)).await;
        let mut run = first.stored.run.clone();
        run.intents.insert(Operation::CreateInvoice, intent());
        run.intents.insert(Operation::CreateCustomer, Intent { body: None, ..intent() });
        let release = if gives_back { Release::Now } else { Release::Keep };
        ledger.save(&mut first, run, &[], release, at(5)).await.expect("saved");
        let second = held(&ledger, claimed(1), &claim("second", event("evt_2"), taken_at)).await;
        let open = &second.stored.run.intents[&Operation::CreateInvoice];
        assert_eq!((open.last_sent, open.ambiguous), (at(last_sent), !gives_back), "taken at {taken_at}");
        let settled = &second.stored.run.intents[&Operation::CreateCustomer];
        assert_eq!((settled.last_sent, settled.ambiguous), (at(0), false), "what was answered is not doubted");
    }
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_left_alone() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    left(&ledger, claimed(1), 0).await;
    let key = run_id(1).to_string();
    for (name, value) in
        [("schema", crate::attributes::number(crate::SCHEMA + 1)), ("document", crate::attributes::text("{}"))]
    {
        let before = memory.item(&key, "run").expect("it is there");
        memory.change(&key, "run", |item| drop(item.insert(name.into(), value)));
        let error = ledger.begin(claimed(1), &claim("second", Reopen::Always, 1)).await.expect_err("unreadable");
        assert!(matches!(error, LedgerError::Unreadable { .. }), "{error:?}");
        memory.change(&key, "run", |item| *item = before);
    }
}
