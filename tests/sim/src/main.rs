use std::io::Write;
use std::process::ExitCode;

use sim::many::{ENOUGH, Total, many};
use sim::matrix;
use sim::options::{Mode, Options, USAGE, What};
use sim::run::{Plan, run};
use sim::{crashes, drain, orders};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many failing histories are printed.
const PRINTED: usize = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match Options::parse(&arguments) {
        Ok(Options { mode, bug, what: What::One { seed } }) => one(Plan { bug, ..Plan::new(seed, mode) }),
        Ok(Options { mode, bug, what: What::Many { from, seeds } }) => {
            print_many(Plan { bug, ..Plan::new(from, mode) }, seeds)
        }
        Ok(Options { what: What::Crashes { is_in_turn }, .. }) => {
            return if crashes::print(is_in_turn) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        Ok(Options { what: What::Drain { payments }, .. }) => {
            return if drain::print(payments) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        Ok(Options { bug, what: What::Orders { every }, .. }) => {
            return if orders::print(every, bug) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        Ok(Options { what: What::Matrix { seeds }, .. }) => {
            return if matrix::print(seeds) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        Err(why) => {
            eprintln!("sim: {why}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    // Whoever reads the output may have gone away.
    result.unwrap_or(ExitCode::FAILURE)
}

/// A history, and its hash at the end.
fn one(plan: Plan) -> std::io::Result<ExitCode> {
    let history = run(plan.told());
    let (seed, mode) = (plan.seed, plan.mode);
    let mut out = std::io::stdout().lock();
    for line in &history.lines {
        writeln!(out, "{line}")?;
    }
    for violation in &history.violations {
        writeln!(out, "VIOLATION {violation}")?;
    }
    let faults = history.counts.total();
    writeln!(
        out,
        "sim: mode={} seed={seed} events={} faults={faults} hash={:016x}",
        mode.name(),
        history.events,
        history.hash
    )?;
    Ok(if history.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_many(plan: Plan, seeds: u64) -> std::io::Result<ExitCode> {
    let total = many(plan, seeds);
    let mode = plan.mode;
    for seed in total.failed.iter().take(PRINTED) {
        println!("seed {seed}:");
        one(Plan { seed: *seed, ..plan })?;
        println!();
    }
    let never = total.never(mode);
    print_sums(mode, &total, &never);
    let is_thin = seeds >= ENOUGH && !never.is_empty();
    println!("{}", total.line(mode));
    let is_good = total.violations() == 0 && total.undetermined.is_empty() && !is_thin;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_sums(mode: Mode, total: &Total, never: &[String]) {
    for (fact, times) in &total.facts {
        println!("{times:>12}  {fact}");
    }
    for cell in never {
        println!("       never  {cell}");
    }
    for (rule, times) in &total.rules {
        println!("VIOLATED {times} times: {rule}");
    }
    if !total.failed.is_empty() {
        let seeds: Vec<String> = total.failed.iter().take(20).map(u64::to_string).collect();
        println!("{} seeds failed under {}: {} …", total.failed.len(), mode.name(), seeds.join(", "));
    }
    for seed in &total.undetermined {
        println!("seed {seed} played twice was two histories");
    }
}
