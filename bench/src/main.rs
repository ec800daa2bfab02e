//! `drain --payments N`: plays a backlog against the sandbox in real time, and prints what it came to.

use std::io::{self, BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

use bench::{Plan, drain};

const USAGE: &str = "usage: drain [--payments N]   N invoices are paid within two seconds (5000)";

/// Said to the second process, which plays.
const PLAYS: &str = "--plays";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let came = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => print_without_metrics("5000"),
        ["--payments", payments] if payments.parse::<usize>().is_ok() => print_without_metrics(payments),
        [PLAYS, payments] => play(payments),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match came {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("drain: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The functions write their metrics to standard output, where Lambda takes them from: a line of JSON for each event, which says nothing here.
fn print_without_metrics(payments: &str) -> io::Result<bool> {
    let mut playing = Command::new(std::env::current_exe()?).args([PLAYS, payments]).stdout(Stdio::piped()).spawn()?;
    for line in playing.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines()) {
        let line = line?;
        if !line.starts_with('{') {
            println!("{line}");
        }
    }
    Ok(playing.wait()?.success())
}

fn play(payments: &str) -> io::Result<bool> {
    let payments = payments.parse().map_err(io::Error::other)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let drained = runtime.block_on(drain(&Plan::new(payments)));
    println!("{drained}");
    let violations = drained.violations();
    for violation in &violations {
        println!("VIOLATED {violation}");
    }
    println!("bench: drain={payments} violations={}", violations.len());
    Ok(violations.is_empty())
}
