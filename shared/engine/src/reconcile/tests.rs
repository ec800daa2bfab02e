use ledger::Watermark;

use super::*;

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

/// Two parts of one name would share a watermark, and each would skip what the other had seen.
#[test]
fn every_part_keeps_its_own_place() {
    let names: BTreeSet<_> = SWEEP.iter().chain(&DEEP).map(|part| part.name()).collect();
    assert_eq!(names.len(), SWEEP.len() + DEEP.len());
}

#[test]
fn a_walk_goes_so_many_days_back_from_when_it_began() {
    let now = second(1_000_000_000);
    let under_way = Watermark { began_at: Some(second(900_000_000)), ..Watermark::default() };
    for (watermark, days, since) in [
        (Watermark::default(), 3, 1_000_000_000 - 3 * 86_400),
        (Watermark::default(), 90, 1_000_000_000 - 90 * 86_400),
        (under_way, 3, 900_000_000 - 3 * 86_400),
    ] {
        assert_eq!(Place::at("customers", watermark, now).days_back(days), second(since));
    }
}

#[test]
fn a_failure_keeps_those_parts_waiting_that_need_the_same_system() {
    let pause = |code| Pause::backoff(code, "");
    let waiting = |code| {
        let failed = system(&pause(code));
        let parts = SWEEP.iter().chain(&DEEP[3..]);
        let waits = parts.filter(|part| failed == "here" || part.needs(failed));
        waits.map(|part| part.name()).collect::<Vec<_>>()
    };
    for code in ["stripe_rate_limited", "stripe_unknown_outcome"] {
        assert_eq!(waiting(code), ["events", "subscriptions", "invoices", "customers", "statement"], "{code}");
    }
    for code in ["salesforce_busy", "salesforce_limit_reached"] {
        assert_eq!(
            waiting(code),
            ["deals", "activations", "invoices", "customers", "accounts", "mended", "statement"],
            "{code}"
        );
    }
    // That one part has more than a pass reads, or that another pass is at it, says nothing of the others.
    for code in ["page_limit", "another_pass"] {
        assert!(waiting(code).is_empty(), "{code}");
    }
    for code in ["ledger_unavailable", "queue_unavailable", "out_of_time"] {
        assert_eq!(waiting(code).len(), SWEEP.len() + 1, "{code}");
    }
}

/// It began once and came to its end, however often the pass is taken up again; one that ended before is to be done again.
#[test]
fn a_deep_part_is_done_once_in_a_deep_pass() {
    let place = |seen_until: Option<i64>| {
        let watermark = Watermark { seen_until: seen_until.map(second), ..Watermark::default() };
        Place::at("invoices_deep", watermark, second(100))
    };
    for (seen_until, deep_since, is_done) in [
        (None, None, false),
        (None, Some(10), false),
        (Some(10), None, false),
        (Some(9), Some(10), false),
        (Some(10), Some(10), true),
        (Some(11), Some(10), true),
    ] {
        let found = place(seen_until).is_done_since(deep_since.map(second));
        assert_eq!(found, is_done, "seen until {seen_until:?}, deep since {deep_since:?}");
    }
}

/// The next pass may take it up again at once: neither waits for anything.
#[test]
fn more_than_one_pass_reads_is_left_to_the_next() {
    assert_eq!((page_limit().pace, page_limit().code), (Pace::Now, "page_limit"));
}
