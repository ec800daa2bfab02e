//! Turns at something that takes only so many a second.

use super::*;
use crate::Turns;
use jiff::SignedDuration;

const AT: &str = "GET /v1/invoices/:id";
const EVERY: SignedDuration = SignedDuration::from_millis(40);

fn turns(ahead_ms: i64) -> Turns {
    let (ahead, longest) = (SignedDuration::from_millis(ahead_ms), SignedDuration::from_secs(1));
    Turns { every: EVERY, ahead, longest }
}

/// The waits of so many that come at once, in milliseconds.
async fn waits(ledger: &Ledger<&Memory>, count: usize, ahead_ms: i64, now: Timestamp) -> Vec<Option<i128>> {
    let mut waits = Vec::new();
    for _ in 0..count {
        waits.push(ledger.turn(AT, turns(ahead_ms), now).await.expect("a table").map(|wait| wait.as_millis()));
    }
    waits
}

#[tokio::test]
async fn whoever_comes_waits_for_a_turn_of_its_own() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    assert_eq!(waits(&ledger, 4, 0, at(0)).await, [Some(0), Some(40), Some(80), Some(120)]);
    // Another line is another matter.
    assert_eq!(ledger.turn("GET /v1/prices", turns(0), at(0)).await.expect("a table"), Some(SignedDuration::ZERO));
    // After a rest what was not used is gone, but for a little.
    assert_eq!(waits(&ledger, 2, 0, at(10)).await, [Some(0), Some(40)]);
    assert_eq!(waits(&ledger, 5, 120, at(20)).await, [Some(0), Some(0), Some(0), Some(0), Some(40)]);
}

#[tokio::test]
async fn a_turn_too_far_away_is_not_taken() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    let all = waits(&ledger, 30, 0, at(0)).await;
    assert_eq!((all[25], all[26], all[29]), (Some(1000), None, None));
    assert_eq!(waits(&ledger, 1, 0, at(1)).await, [Some(40)], "what was not taken is nobody's");
}

#[tokio::test]
async fn nobody_takes_a_turn_while_it_rests() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    assert_eq!(waits(&ledger, 1, 0, at(0)).await, [Some(0)]);
    // Thirty that were refused at once are one reason to rest.
    for _ in 0..30 {
        ledger.rest(AT, SignedDuration::from_millis(500), at(0)).await.expect("a table");
    }
    assert_eq!(waits(&ledger, 2, 0, at(0)).await, [Some(500), Some(540)]);
    // What is taken beyond that stays taken.
    ledger.rest(AT, SignedDuration::from_millis(500), at(0)).await.expect("a table");
    assert_eq!(waits(&ledger, 1, 0, at(0)).await, [Some(580)]);
}

/// A clock that is ten minutes ahead must not hold up everybody for ten minutes; and what somebody wrote there by hand, for ever.
#[tokio::test]
async fn a_turn_of_a_wrong_clock_holds_up_nobody() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    assert_eq!(waits(&ledger, 1, 0, at(600)).await, [Some(0)]);
    assert_eq!(waits(&ledger, 2, 0, at(0)).await, [Some(0), Some(40)]);
    memory.change(&format!("turns#{AT}"), "turns", |item| drop(item.remove("free_at")));
    assert_eq!(waits(&ledger, 2, 0, at(0)).await, [Some(0), Some(40)]);
}
