//! `cargo xtask up | demo | test | check | chaos | sim | drain`: everything that runs the product on one machine.
//!
//! `up` starts an emulated AWS and the sandbox of Stripe and Salesforce and deploys the real template to it; `demo` plays
//! the main story on that stack; `test` is what has to pass; `check` is its fast part. Progress goes to stderr, results
//! to stdout. Only Rust and Python have to be there: the rest is installed inside the repository.

mod aws;
mod binaries;
mod bootstrap;
mod chaos;
mod check;
mod clients;
mod demo;
mod deploy;
mod emulator;
mod failure;
mod guarantees;
mod http;
mod money;
mod played;
mod process;
mod progress;
mod random;
mod report;
mod repository;
mod sandbox;
mod stack;
mod story;
mod timeline;
mod tools;
mod up;
mod vendors;

use std::process::ExitCode;

use crate::failure::{Context, Failure, Result};
use crate::story::Door;

const USAGE: &str = "cargo xtask <command>

  up                          the emulated AWS with the deployed template, and the sandbox; stays until ctrl-c
  demo [--json] [--door DOOR] plays Closed Won -> invoice -> paid on that stack, and checks every hop
                              DOOR: callout (signed HTTP callout, the default) or relay (EventBridge)
  test                        everything that has to pass, the story on the emulated AWS included
  check                       the fast part of it: formatting, lints, cargo's tests
  chaos [--deals N] [--seed S]
                              lets N deals (200) flow on that stack while processes are killed and the queue is
                              purged, and checks that each has exactly one invoice
  sim --seeds N [--mode M] [--from S]
                              plays N histories on virtual time, on all cores; modes: calm, all, no-reconciler,
                              keys-ignored, heavy-freezes, restored, subscriptions, and more
  sim --seed S [--mode M]     plays one history and prints it
  sim --kill-matrix [--seeds MAX]
                              plays every planted bug until it shows; one that survives fails
  sim --crash-pairs           plays small stories with every pair of deaths
  sim --orders [--every N]    tells of one invoice and its subscription in all orders, or in every Nth of them
  drain [--payments N]        lets N payments (5000) come in at once under both vendors' limits, over HTTP and in real time
  guarantees                  writes the kill matrix into docs/GUARANTEES.md";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Whether what was asked for came out well. An error is something that kept us from finding out.
fn run(arguments: &[&str]) -> Result<bool> {
    match arguments {
        ["up"] => up::run().map(|()| true),
        ["demo", options @ ..] => {
            let (json, door) = demo_options(options)?;
            demo::run(door, json)
        }
        ["test"] => check::test(),
        ["check"] => check::check(),
        ["chaos", options @ ..] => chaos::run(chaos_options(options)?),
        ["sim", options @ ..] => played::sim(options),
        ["drain", options @ ..] => played::drain(options),
        ["guarantees"] => guarantees::write(),
        _ => Err(Failure::new(format!("what should be done?\n\n{USAGE}"))),
    }
}

fn chaos_options(options: &[&str]) -> Result<chaos::Options> {
    let mut chosen = chaos::Options::new()?;
    for option in options.chunks(2) {
        match option {
            ["--deals", count] => chosen.deals = count.parse().context("reading --deals")?,
            ["--seed", seed] => chosen.seed = seed.parse().context("reading --seed")?,
            other => return Err(Failure::new(format!("chaos does not know {}\n\n{USAGE}", other.join(" ")))),
        }
    }
    if !chaos::DEALS.contains(&chosen.deals) {
        return Err(Failure::new(format!("chaos takes {} to {} deals", chaos::DEALS.start(), chaos::DEALS.end())));
    }
    Ok(chosen)
}

fn demo_options(options: &[&str]) -> Result<(bool, Door)> {
    let mut json = false;
    let mut door = Door::Callout;
    let mut rest = options;
    loop {
        rest = match rest {
            [] => return Ok((json, door)),
            ["--json", rest @ ..] => {
                json = true;
                rest
            }
            ["--door", "callout", rest @ ..] => {
                door = Door::Callout;
                rest
            }
            ["--door", "relay", rest @ ..] => {
                door = Door::Relay;
                rest
            }
            [option, ..] => return Err(Failure::new(format!("demo does not know {option}\n\n{USAGE}"))),
        }
    }
}
