//! Many seeds on all cores, and what they came to together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::faults::{Counts, Operation};
use crate::model::Facts;
use crate::options::Mode;
use crate::run::{History, Plan, run};

/// Every so many seeds, one is played twice.
const TWICE: u64 = 500;

/// From so many seeds on, each fault must have struck somewhere and each operation must have been struck by something.
pub const ENOUGH: u64 = 2000;

/// And from so many on, each fault must have struck each operation that it can strike.
pub const PLENTY: u64 = 200_000;

const YEAR_MS: u64 = 365 * 24 * 60 * 60 * 1000;

#[derive(Debug, Default)]
pub struct Total {
    pub seeds: u64,
    pub events: u64,
    pub virtual_ms: u64,
    pub counts: Counts,
    pub facts: Facts,
    /// How many violations there were, by rule.
    pub rules: BTreeMap<&'static str, u64>,
    /// The first seeds that failed, in their order.
    pub failed: Vec<u64>,
    /// Seeds whose second history was another one.
    pub undetermined: Vec<u64>,
}

impl Total {
    fn add(&mut self, seed: u64, history: History) {
        self.seeds += 1;
        self.events += history.events;
        self.virtual_ms += history.virtual_ms;
        self.counts.merge(&history.counts);
        for (fact, times) in history.facts {
            *self.facts.entry(fact).or_default() += times;
        }
        if !history.violations.is_empty() {
            self.failed.push(seed);
        }
        for violation in history.violations {
            *self.rules.entry(violation.rule).or_default() += 1;
        }
    }

    fn merge(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.events += other.events;
        self.virtual_ms += other.virtual_ms;
        self.counts.merge(&other.counts);
        for (fact, times) in other.facts {
            *self.facts.entry(fact).or_default() += times;
        }
        for (rule, times) in other.rules {
            *self.rules.entry(rule).or_default() += times;
        }
        self.failed.extend(other.failed);
        self.undetermined.extend(other.undetermined);
    }

    pub fn violations(&self) -> u64 {
        self.rules.values().sum()
    }

    /// What can happen under this mode and never did, as far as so many seeds must have seen it. An outage that begins in the half
    /// second between two calls of one run needs very many.
    pub fn never(&self, mode: Mode) -> Vec<String> {
        let cells: Vec<_> = self.counts.table(mode).collect();
        if self.seeds >= PLENTY {
            let unseen = cells.iter().filter(|(.., times)| *times == 0);
            return unseen.map(|(fault, operation, _)| format!("{} × {}", fault.name(), operation.name())).collect();
        }
        let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
        for (fault, operation, times) in &cells {
            *seen.entry(fault.name()).or_default() += times;
            *seen.entry(operation.name()).or_default() += times;
        }
        // What only a customer that was made twice brings about, a few thousand histories need not see.
        let is_rare = |name: &str| name == Operation::DeleteCustomer.name();
        seen.into_iter()
            .filter(|(name, times)| *times == 0 && !is_rare(name))
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    /// The line that sums it up.
    pub fn line(&self, mode: Mode) -> String {
        let tenths = self.virtual_ms * 10 / YEAR_MS;
        format!(
            "sim: mode={} seeds={} events={} faults={} years={}.{} violations={}",
            mode.name(),
            self.seeds,
            self.events,
            self.counts.total(),
            tenths / 10,
            tenths % 10,
            self.violations()
        )
    }
}

/// The plan of each seed is this one's, with its own number.
pub fn many(plan: Plan, seeds: u64) -> Total {
    let from = plan.seed;
    let next = AtomicU64::new(from);
    let work = || {
        let mut total = Total::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= from + seeds {
                return total;
            }
            let history = run(Plan { seed, ..plan });
            if seed.is_multiple_of(TWICE) && run(Plan { seed, ..plan }).hash != history.hash {
                total.undetermined.push(seed);
            }
            total.add(seed, history);
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut total = Total::default();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().for_each(|thread| total.merge(thread.join().expect("a history's panic is caught")));
    });
    total.failed.sort_unstable();
    total.undetermined.sort_unstable();
    total
}
