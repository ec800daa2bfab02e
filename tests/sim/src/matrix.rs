//! Every planted bug, played under the modes that must show it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use planted::{Bug, Place};

use crate::options::Mode;
use crate::run::{History, Plan, run};

/// The recipe of the articles is not only to break, but to break nearly everywhere.
pub const NAIVE_SEEDS: u64 = 200;
const NAIVE_BREAKS_PERCENT: u64 = 80;

/// What became of a bug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    pub bug: Bug,
    /// The one that killed it, or the first that did not.
    pub mode: Mode,
    /// The number of the seed, and the rule that noticed.
    pub killed: Option<(u64, &'static str)>,
    pub most: u64,
}

/// The bugs that are mistakes, and not only guards that can be turned down.
pub fn mistakes() -> impl Iterator<Item = Bug> {
    Bug::ALL.iter().copied().filter(|bug| !bug.modes().is_empty())
}

pub fn modes(bug: Bug) -> impl Iterator<Item = Mode> {
    bug.modes().iter().map(|name| Mode::parse(name).expect("a test sees to it that each mode is one"))
}

pub fn fate(bug: Bug, most: u64) -> Fate {
    let mut fates = modes(bug).map(|mode| {
        let plan = Plan { bug: Some(bug), ..Plan::new(1, mode) };
        Fate { bug, mode, killed: first_failure(plan, most), most }
    });
    let first = fates.next().expect("a mistake has a mode");
    if first.killed.is_some() { first } else { fates.find(|fate| fate.killed.is_some()).unwrap_or(first) }
}

/// The first of so many seeds whose history breaks a rule, and the rule that was broken first. Which thread was how fast
/// makes no difference: a seed is left out only if an earlier one has failed.
pub fn first_failure(plan: Plan, seeds: u64) -> Option<(u64, &'static str)> {
    let next = AtomicU64::new(plan.seed);
    let end = AtomicU64::new(plan.seed + seeds);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end.load(Ordering::Relaxed) {
                return None;
            }
            let violations = run(Plan { seed, ..plan }).violations;
            // Where the same history breaks without the bug, it says nothing about the bug.
            let is_clean = || run(Plan { seed, bug: None, ..plan }).violations.is_empty();
            if let Some(violation) = violations.first().filter(|_| plan.bug.is_none() || is_clean()) {
                end.fetch_min(seed, Ordering::Relaxed);
                return Some((seed, violation.rule));
            }
        }
    };
    on_all_cores(work).into_iter().flatten().min()
}

/// In how many of its seeds the recipe of the articles breaks, and in how many of them it is not only its keys.
pub fn naive_breaks() -> (u64, u64) {
    let plan = Plan { bug: Some(Bug::Naive), ..Plan::new(1, Mode::All) };
    let mut breaks = (0, 0);
    for violations in each(plan, NAIVE_SEEDS, |history| history.violations) {
        let is_about_keys = |rule: &str| matches!(rule, "one_body_under_one_key" | "no_old_key");
        breaks.0 += u64::from(!violations.is_empty());
        breaks.1 += u64::from(violations.iter().any(|violation| !is_about_keys(violation.rule)));
    }
    breaks
}

/// What so many seeds came to, in any order.
fn each<T: Send>(plan: Plan, seeds: u64, what: impl Fn(History) -> T + Sync) -> Vec<T> {
    let next = AtomicU64::new(plan.seed);
    let work = || {
        let seeds = std::iter::from_fn(|| {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            (seed < plan.seed + seeds).then_some(seed)
        });
        seeds.map(|seed| what(run(Plan { seed, ..plan }))).collect::<Vec<_>>()
    };
    on_all_cores(work).into_iter().flatten().collect()
}

fn on_all_cores<T: Send>(work: impl Fn() -> T + Sync) -> Vec<T> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(&work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a history's panic is caught")).collect()
    })
}

fn place(place: Place) -> &'static str {
    match place {
        Place::Workflow => "workflow",
        Place::Engine => "engine",
        Place::Ledger => "ledger",
        Place::Around => "around",
    }
}

impl Fate {
    pub fn row(&self) -> String {
        let Self { bug, mode, killed, most } = self;
        let (by, rule) = match killed {
            Some((seed, rule)) => (format!("seed {seed} of {most}"), format!("`{rule}`")),
            None => (format!("none of {most}"), "SURVIVES".to_owned()),
        };
        let (what, story) = (bug.what(), bug.story());
        format!("| `{}` | {what} | {} | {story} | {} | {by} | {rule} |", bug.slug(), place(bug.place()), mode.name())
    }
}

/// Prints the table, row by row. True when nothing survives and the recipe breaks nearly everywhere.
pub fn print(most: u64) -> bool {
    let began = Instant::now();
    // A bug may end in a panic; that is a violation like any other.
    std::panic::set_hook(Box::new(|_| {}));
    println!("| bug | what is wrong | where | failure story | mode | killed by | rule that noticed |");
    println!("|---|---|---|---|---|---|---|");
    let (mut bugs, mut killed) = (0, 0);
    for bug in mistakes() {
        let fate = fate(bug, most);
        println!("{}", fate.row());
        bugs += 1;
        killed += u64::from(fate.killed.is_some());
    }
    let (breaks, beyond_keys) = naive_breaks();
    println!(
        "\nnaive: {breaks} of {NAIVE_SEEDS} seeds break, {beyond_keys} of them in what is billed and not only in keys"
    );
    let (survivors, seconds) = (bugs - killed, began.elapsed().as_secs());
    println!("kill-matrix: bugs={bugs} killed={killed} survivors={survivors} seconds={seconds}");
    survivors == 0 && breaks * 100 >= NAIVE_SEEDS * NAIVE_BREAKS_PERCENT
}

#[cfg(test)]
mod tests;
