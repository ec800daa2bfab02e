//! Random histories through the real clients: Stripe's, Salesforce's and the AWS SDK, over HTTP, against the sandbox and an
//! embedded DynamoDB.
//!
//! The volume simulation plays such histories by the hundred thousand over models. What models cannot show is the wire:
//! encodings, base64, the case of headers, pages, time limits, half an answer, the vendors' own words for an error. So
//! here are a hundred and more: a few deals of a few accounts; events that are late, doubled or lost; whatever the sandbox can do
//! to an answer; processes that die or freeze; people who edit, pay, void and delete meanwhile; an operator who stops
//! everything. Then nothing goes wrong any more, and when all has come to rest, it must be in order.
//!
//! `watch` holds what must be true at every moment, `rest` what must be true in the end. A history is drawn from its seed.
//! What depends on the system's time, an answer that came too late for a busy machine, is not: a seed that failed once
//! may need a few tries. Some seeds alone, told step by step:
//!
//! ```text
//! WIRE_SEEDS=17..18 cargo test --package it --test it wire::histories_hold -- --nocapture
//! ```

mod bill;
mod events;
mod history;
mod notes;
mod noticed;
mod people;
mod rest;
mod trouble;
mod watch;
mod world;

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::thread::JoinHandle;

use futures::{FutureExt, StreamExt};
use it::Disturbance;

use notes::{Counts, Notes};

/// While one waits for an answer that comes too late, others go on.
const AT_ONCE: usize = 4;

/// What plays in a minute or so where two processors have nothing else to do.
const SEEDS: Range<u64> = 150..300;

const THREADS: u64 = 2;

const STACK: usize = 64 * 1024 * 1024;

/// What has to have happened, or the histories prove nothing.
const SOMETIMES: &[&str] = &[
    "stripe rate_limited",
    "stripe server_error",
    "stripe server_error_stored",
    "stripe server_error_after_commit",
    "stripe unavailable_html",
    "stripe slow",
    "stripe half_body",
    "stripe answer_lost",
    "stripe in_use",
    "stripe status",
    "salesforce rate_limited",
    "salesforce server_error",
    "salesforce server_error_stored",
    "salesforce server_error_after_commit",
    "salesforce unavailable_html",
    "salesforce slow",
    "salesforce half_body",
    "salesforce answer_lost",
    "salesforce in_use",
    "salesforce status",
    "connection refused",
    "door: callouts",
    "door: platform events",
    "door: change events",
    "event lost",
    "event late",
    "event twice",
    "event not taken",
    "event in base64",
    "event with title-case headers",
    "died",
    "died in a pass",
    "died, and a day passed",
    "froze",
    "worked in parallel",
    "a day passed",
    "switch",
    "found by a pass",
    "draft left behind",
    "orphan collected",
    "deal edited",
    "deal reopened",
    "deal won again",
    "deal mended",
    "deal deleted",
    "invoice paid",
    "invoice voided",
    "invoice deleted by hand",
    "invoice finalized by hand",
    "customer deleted by hand",
    "letter sent again by a person",
    "billed in usd",
    "billed in eur",
    "billed in jpy",
    "billed in kwd",
    "billed more than a hundred lines",
    "ended done",
    "ended paid",
    "ended refused: billing_country_unknown",
    "ended refused: billing_email_missing",
    "ended refused: lines_not_billable",
    "ended refused: no_lines",
    "ended refused: not_closed_won",
    "ended in review: deal_changed_after_billing",
    "ended in review: invoice_changed_in_stripe",
];

/// Plays the history; what broke, with the steps that led there.
async fn played(seed: u64) -> (Counts, Option<String>) {
    let notes = Notes::default();
    let outcome = AssertUnwindSafe(Box::pin(history::play(seed, notes.clone()))).catch_unwind().await;
    if let Err(panic) = outcome {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or(panic.downcast_ref::<&str>().copied());
        notes.violation("nothing_panics", words.unwrap_or("without a word"));
    }
    let told = notes.told();
    let is_asked_for = std::env::var("WIRE_SEEDS").is_ok();
    if is_asked_for {
        println!("seed {seed}\n{}\n", told.lines.join("\n"));
    }
    let broken = (!told.violations.is_empty())
        .then(|| format!("seed {seed}: {}\n{}", told.violations.join("\n    and "), told.lines.join("\n")));
    (told.counts, broken)
}

/// The seeds of the environment, if it names some.
fn asked_for() -> Option<Range<u64>> {
    let seeds = std::env::var("WIRE_SEEDS").ok()?;
    let (from, to) = seeds.split_once("..").expect("WIRE_SEEDS is from..to");
    Some(from.parse().expect("a number")..to.parse().expect("a number"))
}

/// The sum over these histories, and what broke.
async fn play_all(seeds: impl Iterator<Item = u64>) -> (Counts, Vec<String>) {
    let mut sum = Counts::new();
    let mut broken = Vec::new();
    let mut histories = futures::stream::iter(seeds).map(played).buffer_unordered(AT_ONCE);
    while let Some((counts, why)) = histories.next().await {
        add(&mut sum, counts);
        broken.extend(why);
    }
    (sum, broken)
}

fn add(sum: &mut Counts, counts: Counts) {
    counts.into_iter().for_each(|(what, times)| *sum.entry(what).or_default() += times);
}

/// A thread of their own for every other history. The futures of several at once are more than a test's own stack takes.
fn begin(seeds: Range<u64>, thread: u64) -> JoinHandle<(Counts, Vec<String>)> {
    let play = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play_all(seeds.filter(|seed| seed % THREADS == thread)))
    };
    std::thread::Builder::new().stack_size(STACK).spawn(play).unwrap()
}

#[test]
fn histories_hold() {
    let seeds = asked_for().unwrap_or(SEEDS);
    let threads: Vec<_> = (0..THREADS).map(|thread| begin(seeds.clone(), thread)).collect();
    let (mut sum, mut broken) = (Counts::new(), Vec::new());
    for thread in threads {
        let (counts, why) = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        add(&mut sum, counts);
        broken.extend(why);
    }
    let summed: Vec<_> = sum.iter().map(|(what, times)| format!("{times:7} {what}")).collect();
    println!("{}", summed.join("\n"));
    assert!(broken.is_empty(), "{} histories are broken\n{}", broken.len(), broken.join("\n\n"));
    if asked_for().is_none() {
        let sometimes = SOMETIMES.iter().copied().chain(Disturbance::ALL.map(Disturbance::name));
        let never: Vec<_> = sometimes.filter(|what| sum.get(*what).copied().unwrap_or_default() == 0).collect();
        assert!(never.is_empty(), "this never happened: {never:?}");
    }
}
