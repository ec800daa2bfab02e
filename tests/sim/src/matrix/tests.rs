//! The machinery of the matrix; the matrix itself is played by the command.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;
use crate::guards::Guard;

#[test]
fn every_bug_has_a_name_of_its_own_and_modes_that_exist() {
    let slugs: BTreeSet<_> = Bug::ALL.iter().map(|bug| bug.slug()).collect();
    assert_eq!(slugs.len(), Bug::ALL.len());
    for bug in Bug::ALL {
        for name in bug.modes() {
            assert!(Mode::parse(name).is_some(), "{} names the mode {name}", bug.slug());
        }
    }
}

/// What is no mistake by itself is at least a guard that some mode turns down.
#[test]
fn whatever_no_mode_shows_is_a_guard() {
    let guards: Vec<Bug> = Mode::ALL.iter().filter_map(|mode| mode.guard_off()).map(Guard::bug).collect();
    for bug in Bug::ALL.iter().filter(|bug| bug.modes().is_empty()) {
        assert!(guards.contains(bug), "nothing shows {}", bug.slug());
    }
    assert!(mistakes().count() >= 30);
}

fn sources(dir: &Path, text: &mut String) {
    for entry in fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        match entry.extension() {
            Some(extension) if extension == "rs" => text.push_str(&fs::read_to_string(&entry).expect("a text")),
            _ if entry.is_dir() => sources(&entry, text),
            _ => {}
        }
    }
}

#[test]
fn every_bug_is_made_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (mut shipped, mut around) = (String::new(), String::new());
    for dir in ["shared/engine/src", "shared/ledger/src", "shared/workflow/src"] {
        sources(&root.join(dir), &mut shipped);
    }
    sources(&root.join("tests/sim/src"), &mut around);
    for bug in Bug::ALL {
        let is_made = match bug.place() {
            Place::Around => {
                around.contains(&format!("planted::is(Bug::{bug:?})"))
                    || around.contains(&format!("planted::is(planted::Bug::{bug:?})"))
            }
            _ => shipped.contains(&format!("planted!({bug:?})")),
        };
        assert!(is_made, "{bug:?} is in the table only");
    }
}

#[test]
fn what_is_planted_does_not_leak_into_the_next_history() {
    let clean = run(Plan::new(1, Mode::All)).hash;
    let broken = run(Plan { bug: Some(Bug::GateIsOpen), ..Plan::new(1, Mode::Without(Guard::Leases)) });
    assert_ne!(broken.hash, clean);
    assert!(Bug::ALL.iter().all(|bug| !planted::is(*bug)));
    assert_eq!(run(Plan::new(1, Mode::All)).hash, clean);
}

#[test]
fn the_first_failure_is_the_smallest_seed_whoever_plays_it() {
    let plan = Plan { bug: Some(Bug::SwallowsReports), ..Plan::new(1, Mode::All) };
    let alone = (1..=20).find(|seed| !run(Plan { seed: *seed, ..plan }).violations.is_empty()).expect("it shows");
    for _ in 0..2 {
        assert_eq!(first_failure(plan, 20).map(|(seed, _)| seed), Some(alone));
    }
    assert_eq!(first_failure(Plan::new(1, Mode::Calm), 2), None);
}

#[test]
fn a_row_says_what_came_of_a_bug() {
    let killed = Fate { bug: Bug::NoFence, mode: Mode::All, killed: Some((7, "a_rule")), most: 9 };
    assert_eq!(
        killed.row(),
        "| `no-fence` | a holder that lost the run saves all the same | ledger | F5 | all | seed 7 of 9 | `a_rule` |"
    );
    assert!(Fate { killed: None, ..killed }.row().ends_with("| none of 9 | SURVIVES |"));
}

#[test]
fn the_recipe_breaks() {
    let plan = Plan { bug: Some(Bug::Naive), ..Plan::new(1, Mode::All) };
    let broken = each(plan, 10, |history| !history.violations.is_empty());
    // Four of five, and the matrix counts them; so few seeds may be a little better.
    assert!(broken.iter().filter(|is_broken| **is_broken).count() >= 6, "{broken:?}");
}

#[test]
fn a_mode_without_a_guard_plants_it_and_judges_the_rest() {
    for mode in Mode::ALL {
        assert!(mode.judges("what_is_sent_is_what_was_read") && mode.judges("nobody_but_us_finalizes"));
        assert!(mode.judges("a_pointer_never_changes") && mode.judges("an_account_is_billed_itself"));
        let is_second_layer = mode.guard_off() != Some(Guard::Intents);
        assert_eq!(mode.judges("one_invoice_per_deal"), is_second_layer);
    }
    assert!(!Mode::Without(Guard::Leases).judges("a_lease_is_respected"));
}

/// `cargo xtask guarantees` writes the table anew. Which seed it was may differ by then; which mistakes there are may not.
#[test]
fn the_guarantees_name_every_mistake() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/GUARANTEES.md");
    let document = fs::read_to_string(path).expect("a text");
    let (_, matrix) = document.split_once("<!-- kill-matrix: generated").expect("it has the matrix");
    let rows = matrix.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, mistakes().count());
    for bug in mistakes() {
        assert!(matrix.contains(&format!("| `{}` |", bug.slug())), "{} is not in the matrix", bug.slug());
    }
    assert!(!matrix.contains("SURVIVES"));
}
