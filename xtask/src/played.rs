//! What is played optimised: the volume simulation, and the backlog in real time.

use std::process::{Command, Stdio};

use crate::failure::{Failure, Result};
use crate::repository;

/// The simulation, on virtual time.
pub fn sim(options: &[&str]) -> Result<bool> {
    run("sim", "sim", options)
}

/// A backlog of payments against the sandbox, in real time.
pub fn drain(options: &[&str]) -> Result<bool> {
    run("bench", "drain", options)
}

/// Builds it and hands everything over. Its last line says what came of it, and so does the exit.
fn run(package: &str, binary: &str, options: &[&str]) -> Result<bool> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "--profile", "sim", "--package", package, "--bin", binary, "--"])
        .args(options)
        .current_dir(repository::root())
        .stdin(Stdio::null())
        .status()
        .map_err(|error| Failure::new(format!("cargo does not start: {error}")))?;
    Ok(status.success())
}
