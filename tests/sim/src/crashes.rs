//! Every pair of crash points of every workflow: at each call of a story, before it leaves, after its effect and while it is under
//! way; each with the work going on at once and a day later, and with its events delivered once and twice. And each single one of
//! the reconciler's.

mod stories;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::faults::{Fault, Operation, System};
use crate::model::Violation;
use crate::run::{History, rehearse};
pub use stories::Story;

/// The ways to die at a call that differ. A call that changes nothing might as well not have been made; and what lands late in the
/// ledger fails on its condition or is the same as in time, which the random histories try.
fn ways(operation: Operation) -> &'static [Fault] {
    match (operation.is_write(), operation.system()) {
        (_, System::World) => &[],
        (false, _) => &[Fault::CrashBefore],
        (true, System::Ledger | System::Queue) => &[Fault::CrashBefore, Fault::CrashAfter],
        (true, System::Stripe | System::Salesforce | System::Notifier) => {
            &[Fault::CrashBefore, Fault::CrashAfter, Fault::CrashInFlight]
        }
    }
}

/// The process that makes this call of the story, counted from its beginning, dies of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Death {
    pub call: usize,
    pub way: Fault,
}

/// One telling of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Script {
    pub story: Story,
    pub first: Option<Death>,
    pub second: Option<Death>,
    /// After a death nobody works for 25 hours; otherwise the work goes on when the message is visible again.
    pub is_later: bool,
    /// Every event is delivered twice, at once.
    pub is_doubled: bool,
}

impl Script {
    pub fn new(story: Story) -> Self {
        Self { story, first: None, second: None, is_later: false, is_doubled: false }
    }

    /// What happens to the process that makes this call.
    pub fn strikes(&self, call: usize) -> Option<Fault> {
        let deaths = [self.first, self.second];
        deaths.into_iter().flatten().find(|death| death.call == call).map(|death| death.way)
    }
}

/// What a telling came to, and the calls that were made in it.
pub struct Rehearsal {
    pub history: History,
    pub calls: Vec<Operation>,
}

/// What all tellings of one story came to.
#[derive(Debug, Default)]
pub struct Sum {
    pub histories: u64,
    pub events: u64,
    pub points: usize,
    pub failed: Vec<(Script, Violation)>,
}

impl Sum {
    fn add(&mut self, script: Script, rehearsal: &Rehearsal) {
        self.histories += 1;
        self.events += rehearsal.history.events;
        self.failed.extend(rehearsal.history.violations.first().map(|violation| (script, violation.clone())));
    }

    fn merge(&mut self, other: Self) {
        self.histories += other.histories;
        self.events += other.events;
        self.failed.extend(other.failed);
    }
}

/// The deaths that calls from this one on can bring.
fn deaths(calls: &[Operation], from: usize) -> impl Iterator<Item = Death> + '_ {
    let later = calls.iter().enumerate().skip(from);
    later.flat_map(|(call, operation)| {
        ways(*operation).iter().filter(|way| way.hits(*operation)).map(move |way| Death { call, way: *way })
    })
}

/// The ways that a pair of deaths is told in: work goes on at once or later, and events come once or twice.
const WAYS: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

/// Every telling, on all cores; or each pair in one of its ways, which takes a quarter of the time.
pub fn exhaust(story: Story, is_in_turn: bool) -> Sum {
    let mut scripts = Vec::new();
    let mut sum = Sum::default();
    for (is_later, is_doubled) in WAYS.into_iter().take(story.variants()) {
        let undisturbed = Script { is_later, is_doubled, ..Script::new(story) };
        let rehearsal = rehearse(undisturbed, false);
        sum.add(undisturbed, &rehearsal);
        let firsts: Vec<_> = deaths(&rehearsal.calls, 0).collect();
        sum.points = sum.points.max(firsts.len());
        scripts.extend(firsts.into_iter().map(|first| Script { first: Some(first), ..undisturbed }));
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut sum = Sum::default();
        while let Some(script) = scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
            with_every_second(*script, is_in_turn, &mut sum);
        }
        sum
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().for_each(|thread| sum.merge(thread.join().expect("a history's panic is caught")));
    });
    sum
}

/// Until the first death, two tellings are the same; so what comes after it is known from the one without a second.
fn with_every_second(script: Script, is_in_turn: bool, sum: &mut Sum) {
    let rehearsal = rehearse(script, false);
    sum.add(script, &rehearsal);
    if !script.story.has_pairs() {
        return;
    }
    let after = script.first.map_or(0, |death| death.call + 1);
    for second in deaths(&rehearsal.calls, after) {
        let script = Script { second: Some(second), ..script };
        if is_in_turn && !is_its_turn(script) {
            continue;
        }
        sum.add(script, &rehearse(script, false));
    }
}

/// Whether this is the way in which its pair is tried when each is tried once. What one way calls by a number another may not, so a
/// few pairs come up twice or not at all.
fn is_its_turn(script: Script) -> bool {
    let calls: usize = [script.first, script.second].into_iter().flatten().map(|death| death.call).sum();
    WAYS[calls % WAYS.len()] == (script.is_later, script.is_doubled)
}

/// Plays all stories and prints what they came to; whether every one of them held.
pub fn print(is_in_turn: bool) -> bool {
    let (mut histories, mut events, mut violations) = (0, 0, 0);
    for story in Story::ALL {
        let sum = exhaust(*story, is_in_turn);
        println!("{:<10} {:>5} crash points  {:>8} histories", story.name(), sum.points, sum.histories);
        if let Some((script, _)) = sum.failed.first() {
            let history = rehearse(*script, true).history;
            history.lines.iter().for_each(|line| println!("{line}"));
            for (script, violation) in sum.failed.iter().take(20) {
                println!("VIOLATION {violation}\n  {script:?}");
            }
        }
        histories += sum.histories;
        events += sum.events;
        violations += sum.failed.len();
    }
    println!("crash-pairs: stories={} histories={histories} events={events} violations={violations}", Story::ALL.len());
    violations == 0
}

#[cfg(test)]
mod tests;
