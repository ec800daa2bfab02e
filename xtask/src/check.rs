//! `cargo xtask test` and its fast part, `check`. Every part is run even if another fails, every failure is shown, and
//! the last line adds everything up.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::binaries::Beside;
use crate::chaos;
use crate::clients;
use crate::deploy;
use crate::failure::{Context, Failure, Result};
use crate::played;
use crate::process::Supervisor;
use crate::progress::Progress;
use crate::report;
use crate::repository::{local, root};
use crate::stack::{self, Stack};
use crate::story::{self, Door};
use crate::tools::Tools;

pub fn check() -> Result<bool> {
    let mut tally = Tally::new()?;
    tally.fast_part();
    Ok(tally.sum_up())
}

pub fn test() -> Result<bool> {
    let mut tally = Tally::new()?;
    let (supervisor, progress) = (Arc::clone(&tally.supervisor), tally.progress);
    // Neither what is compiled for tests nor the tests themselves keep two cores busy all the time.
    let prepared = std::thread::scope(|scope| {
        let prepared = scope.spawn(|| prepare(&supervisor, progress));
        tally.fast_part();
        prepared.join().unwrap_or_else(|_| Err(Failure::new("it panicked")))
    });
    match tally.stack(prepared) {
        Some(stack) => tally.beside_the_stack(&stack),
        None => tally.simulation(),
    }
    Ok(tally.sum_up())
}

/// The release build, the tools and the simulation, while other things are tested.
fn prepare(supervisor: &Supervisor, progress: Progress) -> Result<Tools> {
    let tools = stack::prepare(supervisor, progress, Beside::Tests)?;
    tools.install_clients(supervisor, progress)?;
    let mut cargo = Beside::Tests.cargo();
    cargo.args(["test", "--no-run", "--locked", "--package", "sim", "--profile", "sim"]).current_dir(root());
    // Whoever plays it says what is wrong with it.
    let log = local("logs/sim-build.log")?;
    let built = supervisor.run("the simulation's build", &mut cargo, &log, Beside::Tests.longest_build());
    if let Err(failure) = built {
        progress.say(failure);
    }
    Ok(tools)
}

struct Tally {
    progress: Progress,
    supervisor: Arc<Supervisor>,
    passed: u64,
    failed: u64,
    failures: Vec<String>,
}

impl Tally {
    fn new() -> Result<Self> {
        let progress = Progress::start();
        Ok(Self {
            progress,
            supervisor: Arc::new(Supervisor::start(progress)?),
            passed: 0,
            failed: 0,
            failures: Vec::new(),
        })
    }

    fn fast_part(&mut self) {
        self.part("cargo fmt", |tally| tally.cargo(&["fmt", "--all", "--check"]));
        self.part("cargo clippy", |tally| {
            tally.cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"])
        });
        self.part("cargo test", |tally| tally.cargo_test(&["--workspace", "--exclude", "sim"]));
        // By itself, as it turns on what nothing that ships may carry; and as it is played, so that it is compiled once.
        self.part("the simulation", |tally| tally.cargo_test(&["--package", "sim", "--profile", "sim"]));
    }

    /// Some three thousand histories of four modes and five thousand of twelve more, every pair of crash points, every planted bug, a
    /// backlog, and orders of events: some minutes on two cores. Each pair is tried in one of its four ways here, and in all of them by
    /// `cargo xtask sim --crash-pairs`; one order in eight here, and each by `cargo xtask sim --orders`.
    fn simulation(&mut self) {
        for mode in ["all", "no-reconciler", "keys-ignored", "heavy-freezes"] {
            self.part(&format!("800 histories, {mode}"), |_| sim(&["--seeds", "800", "--mode", mode]));
        }
        let others = [
            "restored",
            "subscriptions",
            "subscriptions-heavily",
            "amendments",
            "amendments-heavily",
            "credits",
            "credits-heavily",
            "renewals",
            "renewals-heavily",
            "payments-failed",
            "payments-failed-heavily",
            "keys-ignored-heavily",
        ];
        for mode in others {
            self.part(&format!("400 histories, {mode}"), |_| sim(&["--seeds", "400", "--mode", mode]));
        }
        self.part("a backlog of payments", |_| sim(&["--drain", "5000"]));
        self.part("one order of events in eight", |_| sim(&["--orders", "--every", "8"]));
        self.part("every pair of crash points", |_| sim(&["--crash-pairs", "--in-turn"]));
        self.part("the kill matrix", |_| sim(&["--kill-matrix"]));
    }

    fn stack(&mut self, prepared: Result<Tools>) -> Option<Stack> {
        let mut tools = None;
        self.part("tools and release build", |_| {
            tools = Some(prepared?);
            Ok(())
        });
        let tools = tools?;
        self.part("sam validate --lint", |tally| deploy::validate(&tally.supervisor, &tools));
        let mut running = None;
        self.part("the stack", |tally| {
            running = Some(Stack::start(&tally.supervisor, tools, tally.progress)?);
            Ok(())
        });
        running
    }

    fn beside_the_stack(&mut self, stack: &Stack) {
        self.part("the story by callout", |tally| tally.story(stack, Door::Callout));
        self.part("the story by event relay", |tally| tally.story(stack, Door::Relay));
        let progress = self.progress;
        std::thread::scope(|scope| {
            // Most of it is spent waiting for messages to come back, and the simulation waits for nothing.
            let processes = cfg!(target_os = "linux")
                .then(|| scope.spawn(move || (story::killed::play(stack, progress), chaos(stack, progress))));
            self.simulation();
            if let Some(processes) = processes {
                let panicked = || Err(Failure::new("it panicked"));
                let (killed, chaos) = processes.join().unwrap_or_else(|_| (panicked(), panicked()));
                self.part("a worker that is killed", |_| killed);
                self.part("chaos", |_| chaos);
            }
        });
        self.part("stripe-python", |_| clients::stripe_python(stack));
        self.part("the Stripe CLI", |_| clients::stripe_cli(stack));
        self.part("simple-salesforce and the Stripe CLI", |_| clients::salesforce_and_stripe_cli(stack));
    }

    /// One part of the whole. It counts as one passed, beside what it counts itself.
    fn part(&mut self, name: &str, run: impl FnOnce(&mut Self) -> Result<()>) {
        self.progress.say(format_args!("{name} ..."));
        // A part that counts no failure of its own counts as one.
        let failed_before = self.failed;
        match run(self) {
            Ok(()) => {
                self.passed += 1;
                self.progress.say(format_args!("{name}: ok"));
            }
            Err(failure) => {
                self.progress.say(format_args!("{name}: FAILED\n{failure}"));
                self.failed = self.failed.max(failed_before + 1);
                self.failures.push(format!("{name}: {failure}"));
            }
        }
    }

    fn story(&mut self, stack: &Stack, door: Door) -> Result<()> {
        let story = story::play(stack, door, self.progress)?;
        println!("\nthe story by {door:?}\n{}", report::checks(&story));
        let holding = story.checks.iter().filter(|check| check.holds).count();
        self.passed += holding as u64;
        self.failed += (story.checks.len() - holding) as u64;
        if story.is_true() { Ok(()) } else { Err(Failure::new(report::checks(&story))) }
    }

    fn cargo(&self, arguments: &[&str]) -> Result<()> {
        let mut process = self.supervisor.spawn(cargo_command(arguments).stdin(Stdio::null()))?;
        loop {
            if let Some(status) = process.wait_for(Duration::from_secs(3600))? {
                let told = Failure::new(format!("cargo {} ({status})", arguments.join(" ")));
                return if status.success() { Ok(()) } else { Err(told) };
            }
        }
    }

    /// Cargo's own output is shown as it comes, and its counts are added up.
    fn cargo_test(&mut self, packages: &[&str]) -> Result<()> {
        let arguments = [&["test", "--locked", "--no-fail-fast"], packages].concat();
        let mut command = cargo_command(&arguments);
        let mut process = self.supervisor.spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let output = process.take_stdout().ok_or_else(|| Failure::new("cargo test has no standard output"))?;
        let mut failed = 0;
        for line in BufReader::new(output).lines() {
            let line = line.context("reading what cargo test says")?;
            println!("{line}");
            if let Some(counts) = counts(&line) {
                self.passed += counts.0;
                failed += counts.1;
            }
        }
        self.failed += failed;
        match process.wait_for(Duration::from_secs(60))? {
            Some(status) if status.success() && failed == 0 => Ok(()),
            _ => Err(Failure::new(format!("cargo test: {failed} tests failed; cargo's output says which"))),
        }
    }

    fn sum_up(self) -> bool {
        for failure in &self.failures {
            println!("\nFAILED {failure}");
        }
        println!("\n{} passed, {} failed", self.passed, self.failed);
        self.failed == 0
    }
}

fn chaos(stack: &Stack, progress: Progress) -> Result<()> {
    let outcome = chaos::play(stack, chaos::Options::new()?, progress)?;
    println!("\n{outcome}");
    if outcome.violations.is_empty() { Ok(()) } else { Err(Failure::new(outcome.violations.join("\n"))) }
}

fn sim(options: &[&str]) -> Result<()> {
    match played::sim(options)? {
        true => Ok(()),
        false => Err(Failure::new(format!("sim {}: its output says what broke", options.join(" ")))),
    }
}

fn cargo_command(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).current_dir(root());
    cargo
}

/// How many passed and failed, of a line `test result: ok. 12 passed; 0 failed; ...`.
fn counts(line: &str) -> Option<(u64, u64)> {
    let result = line.strip_prefix("test result: ")?;
    let count = |what: &str| {
        let before = result.split(what).next()?;
        before.rsplit(' ').next()?.parse().ok()
    };
    Some((count(" passed")?, count(" failed")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_counts_are_read() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s";
        assert_eq!(counts(line), Some((12, 3)));
        assert_eq!(counts("test result: ok. 0 passed; 0 failed; 0 ignored"), Some((0, 0)));
        assert_eq!(counts("test money::tests::shown ... ok"), None);
    }
}
