//! `cargo xtask demo`: the stack, the story, and what came of it.

use std::io::Write;

use crate::binaries::Beside;
use crate::failure::{Context, Result};
use crate::process::Supervisor;
use crate::progress::Progress;
use crate::report;
use crate::stack::{self, Stack};
use crate::story::{self, Door};

pub fn run(door: Door, json: bool) -> Result<bool> {
    let progress = Progress::start();
    let supervisor = Supervisor::start(progress)?;
    let tools = stack::prepare(&supervisor, progress, Beside::Nothing)?;
    let stack = Stack::start(&supervisor, tools, progress)?;
    let story = story::play(&stack, door, progress)?;
    let result = if json { format!("{:#}\n", report::json(&story)) } else { report::text(&story, &stack) };
    std::io::stdout().write_all(result.as_bytes()).context("printing the result")?;
    let failed = story.checks.iter().filter(|check| !check.holds).count();
    if failed == 0 {
        progress.say(format_args!("the story holds: {} checks", story.checks.len()));
    } else {
        eprint!("{}", report::checks(&story));
        progress.say(format_args!("{failed} of {} checks do not hold", story.checks.len()));
    }
    Ok(story.is_true())
}
