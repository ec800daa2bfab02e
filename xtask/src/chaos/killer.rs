//! Ends processes of the functions at moments that nobody chose, most of them while they work.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bootstrap::{self, Bootstrap};
use crate::failure::Result;
use crate::random::Random;
use crate::stack::Stack;

/// A process that was seen this long ago is past its cold start. The emulated AWS answers a death during the start by
/// ending the function's other processes too, which would be its doing and not ours.
const STARTED_WITHIN: Duration = Duration::from_secs(2);

/// How long the emulated AWS may take over what a frozen process had sent.
const SETTLES_WITHIN: Duration = Duration::from_millis(100);

/// A run that its holder saved this lately is being worked on; one that was saved earlier belongs to a dead one.
const AT_WORK_MS: i64 = 5_000;

/// How many of a function's processes are at work most of the time that any is.
const OFTEN_AT_WORK: usize = 5;

/// What the one who sells and the one who kills know of each other.
#[derive(Default)]
pub struct Stage {
    /// How many bursts of deals were won.
    pub bursts: AtomicUsize,
    /// The reconciler is at work.
    pub is_sweeping: AtomicBool,
    /// How many workers were killed.
    pub workers: AtomicUsize,
    pub is_over: AtomicBool,
}

/// How many processes of each function were killed.
#[derive(Debug, Default, Clone, Copy)]
pub struct Toll {
    pub workers: usize,
    pub doors: usize,
    pub reconcilers: usize,
    /// How often a worker lived on since the lines of an invoice were being written.
    pub spared: usize,
}

impl Toll {
    pub fn all(&self) -> usize {
        self.workers + self.doors + self.reconcilers
    }
}

pub struct Killer<'a> {
    stack: &'a Stack,
    stage: &'a Stage,
    random: Random,
    first_seen: HashMap<Bootstrap, Instant>,
    toll: Toll,
}

/// What the workers are at, as far as the ledger can tell.
#[derive(Debug, PartialEq, Eq)]
enum Moment {
    Idle,
    /// A worker writes the lines of an invoice. A death there is made good by ten minutes of waiting, until no request can
    /// be under way any more; that moment belongs to the tests that move the time.
    Lines,
    AtWork,
}

impl<'a> Killer<'a> {
    pub fn new(stack: &'a Stack, stage: &'a Stage, random: Random) -> Self {
        Self { stack, stage, random, first_seen: HashMap::new(), toll: Toll::default() }
    }

    /// Kills until it is over, or as many workers as it may.
    pub fn run(mut self, most_workers: usize) -> Result<Toll> {
        let outputs = &self.stack.outputs;
        let (worker, door, reconciler) = (
            outputs.get("RetryWorkerFunctionName")?,
            outputs.get("SalesforceEventsFunctionName")?,
            outputs.get("ReconcilerFunctionName")?,
        );
        let mut bursts = self.bursts();
        while !self.stage.is_over.load(Ordering::Relaxed) {
            for function in [worker, door, reconciler] {
                self.grown_up(function)?;
            }
            if self.stage.is_sweeping.load(Ordering::Relaxed) && self.random.between(1, 2) == 1 {
                self.pause(0, 150);
                self.toll.reconcilers += self.kill_some(reconciler)?;
            }
            if self.bursts() != bursts && self.random.between(1, 3) == 1 {
                self.pause(0, 150);
                self.toll.doors += self.kill_some(door)?;
            }
            bursts = self.bursts();
            if self.toll.workers < most_workers {
                self.toll.workers += self.kill_workers(worker, most_workers - self.toll.workers)?;
                self.stage.workers.store(self.toll.workers, Ordering::Relaxed);
            }
            self.pause_until_burst(bursts, 50, 500);
        }
        Ok(self.toll)
    }

    fn bursts(&self) -> usize {
        self.stage.bursts.load(Ordering::Relaxed)
    }

    /// One or two processes of a function whose invocations are too short to be looked into. The emulated AWS hands work to
    /// the oldest one that is free.
    fn kill_some(&mut self, function: &str) -> Result<usize> {
        let mut processes = self.grown_up(function)?;
        processes.sort_unstable_by_key(|process| process.id);
        processes.truncate(OFTEN_AT_WORK);
        self.random.shuffle(&mut processes);
        processes.truncate(self.random.index(2) + 1);
        bootstrap::kill(&processes)
    }

    /// The workers are held still while we look at what they are doing, so that it is still true when one is killed.
    fn kill_workers(&mut self, function: &str, most: usize) -> Result<usize> {
        let mut doomed = self.grown_up(function)?;
        if doomed.is_empty() {
            return Ok(0);
        }
        let all = Bootstrap::of(self.stack, function)?;
        bootstrap::freeze(&all)?;
        let moment = self.moment();
        let killed = match &moment {
            Ok(Moment::AtWork) => {
                self.random.shuffle(&mut doomed);
                doomed.truncate(self.random.index(doomed.len()) + 1);
                doomed.truncate(most);
                bootstrap::kill(&doomed)
            }
            Ok(Moment::Lines) => {
                self.toll.spared += 1;
                Ok(0)
            }
            Ok(Moment::Idle) | Err(_) => Ok(0),
        };
        bootstrap::thaw(&all)?;
        moment?;
        killed
    }

    /// Everything that the frozen workers sent has arrived when two looks see the same.
    fn moment(&self) -> Result<Moment> {
        let table = self.stack.outputs.get("LedgerTableName")?;
        let mut before = None;
        loop {
            std::thread::sleep(SETTLES_WITHIN);
            let runs = self.stack.aws().open_runs(table)?;
            let versions: Vec<_> = runs.iter().map(|run| (run["pk"].clone(), run["version"].clone())).collect();
            if before.as_ref() == Some(&versions) {
                return Ok(moment_of(&runs, super::now_ms()?));
            }
            before = Some(versions);
        }
    }

    /// The processes of a function that are past their cold start.
    fn grown_up(&mut self, function: &str) -> Result<Vec<Bootstrap>> {
        let now = Instant::now();
        let mut processes = Bootstrap::of(self.stack, function)?;
        processes.retain(|process| {
            let first_seen = *self.first_seen.entry(process.clone()).or_insert(now);
            now.duration_since(first_seen) >= STARTED_WITHIN
        });
        Ok(processes)
    }

    /// Ends early when a burst of deals is won, which is when the door is at work.
    fn pause_until_burst(&mut self, bursts: usize, from_ms: u64, to_ms: u64) {
        let until = Instant::now() + Duration::from_millis(self.random.between(from_ms, to_ms));
        while Instant::now() < until && self.bursts() == bursts {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn pause(&mut self, from_ms: u64, to_ms: u64) {
        std::thread::sleep(Duration::from_millis(self.random.between(from_ms, to_ms)));
    }
}

fn moment_of(open_runs: &[Value], now_ms: i64) -> Moment {
    let mut moment = Moment::Idle;
    for run in open_runs {
        let is_held = run["lease_until"].as_i64().is_some_and(|until| until > now_ms);
        let is_at_work = run["updated_at"].as_i64().is_some_and(|at| now_ms - at < AT_WORK_MS);
        if is_held && is_at_work {
            if writes_lines(run) {
                return Moment::Lines;
            }
            moment = Moment::AtWork;
        }
    }
    moment
}

/// Whether a change of an invoice's lines is under way, or was when the holder died.
pub fn writes_lines(run: &Value) -> bool {
    let document: Value = run["document"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let run = &document["run"];
    let intents = run["intents"].as_object().into_iter().flatten();
    let mut of_lines = intents.filter(|(operation, _)| operation.starts_with("add_lines"));
    of_lines.any(|(_, intent)| !intent["body"].is_null()) || !run["quiet_at"].is_null()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(intents: &Value, lease_until: i64) -> Value {
        let document = json!({ "run": { "intents": intents } }).to_string();
        json!({ "document": document, "lease_until": lease_until, "updated_at": 90 })
    }

    #[test]
    fn a_worker_is_spared_only_while_lines_are_on_their_way() {
        let (idle, sent) = (json!({}), json!({ "send_invoice": { "body": "a=b" } }));
        let (under_way, settled) =
            (json!({ "add_lines.0": { "body": "a=b" } }), json!({ "add_lines.0": { "body": null } }));
        for (intents, lease_until, expected) in [
            (&idle, 200, Moment::AtWork),
            (&sent, 200, Moment::AtWork),
            (&settled, 200, Moment::AtWork),
            (&under_way, 200, Moment::Lines),
            (&sent, 50, Moment::Idle),
        ] {
            assert_eq!(moment_of(&[run(intents, lease_until)], 100), expected, "{intents} until {lease_until}");
        }
        assert_eq!(moment_of(&[run(&sent, 9_000), run(&under_way, 9_000)], 8_000), Moment::Idle, "they died long ago");
        assert_eq!(moment_of(&[run(&sent, 200), run(&under_way, 200)], 100), Moment::Lines);
    }
}
