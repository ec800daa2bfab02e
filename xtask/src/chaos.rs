//! `cargo xtask chaos`: many deals flow through the real binaries on the emulated AWS while their processes are killed at
//! random and the work queue is purged once. The reconciler brings everything home; then each system is asked by itself
//! whether every deal has exactly one invoice.
//!
//! The seed decides on the deals and on what is tried when. What the processes are doing at that moment is nobody's choice.

mod audit;
mod deals;
mod flow;
mod killer;

use std::fmt::{Display, Formatter};
use std::ops::RangeInclusive;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::binaries::Beside;
use crate::failure::{Failure, Result};
use crate::process::Supervisor;
use crate::progress::Progress;
use crate::random::Random;
use crate::stack::{self, Stack};
use crate::story::{Door, now_ms};
use audit::{Before, audit};
use flow::Flow;
use killer::{Killer, Stage, Toll};

/// Fewer would leave nothing to purge; the accounts of more would not fit into one query.
pub const DEALS: RangeInclusive<usize> = 40..=1_000;

/// How late the vendors answer, in milliseconds. Most deaths are to come while an answer is on its way.
const SLOW_MS: u64 = 350;

#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub deals: usize,
    pub seed: u64,
}

impl Options {
    /// What a run of all the tests plays.
    pub fn new() -> Result<Self> {
        Ok(Self { deals: 200, seed: now_ms()?.unsigned_abs() % 1_000_000 })
    }

    fn most_workers_killed(self) -> usize {
        self.deals / 5
    }

    /// How many processes must have been killed in the middle of an invocation. Fewer prove nothing.
    fn least_interrupted(self) -> usize {
        self.deals / 8
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    options: Options,
    toll: Toll,
    /// Invocations that ended because their process was killed.
    interrupted: usize,
    /// Messages that were on the work queue when it was purged.
    purged: u64,
    /// Events that the reconciler put on the work queue.
    requeued: u64,
    /// Messages that were sent back from the dead-letter queue.
    redriven: usize,
    took: Duration,
    pub violations: Vec<String>,
}

impl Display for Outcome {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        let Toll { workers, doors, reconcilers, spared } = self.toll;
        write!(
            formatter,
            "chaos: deals={} seed={} kills={} (workers={workers} doors={doors} reconcilers={reconcilers}) \
             interrupted={} spared={spared} purged={} requeued={} redriven={} seconds={} violations={}",
            self.options.deals,
            self.options.seed,
            self.toll.all(),
            self.interrupted,
            self.purged,
            self.requeued,
            self.redriven,
            self.took.as_secs(),
            self.violations.len(),
        )
    }
}

pub fn run(options: Options) -> Result<bool> {
    if !cfg!(target_os = "linux") {
        return Err(Failure::new("chaos looks for the functions' processes in /proc, so it needs Linux"));
    }
    let progress = Progress::start();
    let supervisor = Supervisor::start(progress)?;
    let tools = stack::prepare(&supervisor, progress, Beside::Nothing)?;
    let stack = Stack::start(&supervisor, tools, progress)?;
    let outcome = play(&stack, options, progress)?;
    for violation in &outcome.violations {
        println!("violation: {violation}");
    }
    println!("{outcome}");
    Ok(outcome.violations.is_empty())
}

pub fn play(stack: &Stack, options: Options, progress: Progress) -> Result<Outcome> {
    let started = Instant::now();
    let mut random = Random::new(options.seed);
    stack.set_door(Door::Callout)?;
    let before = Before::look(stack)?;
    let interrupted_before = interrupted(stack)?;
    let deals = deals::enter(stack, options.deals, &mut random)?;
    let (deal_count, account_count) = (deals.deals.len(), deals.accounts.len());
    let seed = options.seed;
    progress.say(format_args!("chaos with seed {seed}: {deal_count} deals of {account_count} accounts are entered"));

    slow_down(stack)?;
    let stage = Stage::default();
    let mut flow = Flow::new(stack, &stage, &deals, progress);
    flow.sell_first(&mut random)?;
    let most_killed = options.most_workers_killed();
    let killer = Killer::new(stack, &stage, Random::new(seed.wrapping_add(1)));
    let toll = std::thread::scope(|scope| {
        let killer = scope.spawn(|| killer.run(most_killed));
        let sold = flow.sell(most_killed, &mut random);
        stage.is_over.store(true, Ordering::Relaxed);
        let toll = killer.join().map_err(|_| Failure::new("the killer panicked"))?;
        sold.and(toll)
    });
    stack.sandbox.forget_faults()?;
    let toll = toll?;
    progress.say(format_args!("every deal is won, and {} processes were killed; bringing home", toll.all()));

    let mut violations = flow.bring_home()?;
    violations.extend(audit(stack, &before, &deals)?);
    let (interrupted, least) = (interrupted(stack)? - interrupted_before, options.least_interrupted());
    if interrupted < least {
        violations
            .push(format!("only {interrupted} processes died in the middle of work; {least} would prove something"));
    }
    if flow.purged == 0 {
        violations.push("nothing was on the work queue when it was purged, which proves nothing".to_owned());
    }
    let Flow { purged, requeued, redriven, .. } = flow;
    Ok(Outcome { options, toll, interrupted, purged, requeued, redriven, took: started.elapsed(), violations })
}

/// Lets many calls take their effect at once and their answers take their time, so that many a death comes in between.
fn slow_down(stack: &Stack) -> Result<()> {
    let slow = |path: &str| {
        json!({
            "method": "POST", "path": path, "times": 1_000_000, "fault": { "kind": "slow", "delay_ms": SLOW_MS }
        })
    };
    let at_stripe = json!([slow("/v1/customers"), slow("/v1/invoices"), slow("/v1/invoices/*/send")]);
    stack.sandbox.inject(&stack.sandbox.stripe_url, &at_stripe)?;
    stack.sandbox.inject(&stack.sandbox.salesforce_url, &slow("/services/data/*/composite"))
}

fn interrupted(stack: &Stack) -> Result<usize> {
    let outputs = ["RetryWorkerFunctionName", "SalesforceEventsFunctionName", "ReconcilerFunctionName"];
    let counts = outputs.iter().map(|output| stack.emulator.interrupted(stack.outputs.get(output)?));
    counts.sum()
}
