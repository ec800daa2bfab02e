//! `cargo xtask drain`: a backlog of payments against the sandbox in real time, optimised.

use std::process::{Command, Stdio};

use crate::failure::{Failure, Result};
use crate::repository;

/// Builds it and hands everything over. Its last line says what came of it, and so does the exit.
pub fn run(options: &[&str]) -> Result<bool> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "--profile", "sim", "--package", "bench", "--bin", "drain", "--"])
        .args(options)
        .current_dir(repository::root())
        .stdin(Stdio::null())
        .status()
        .map_err(|error| Failure::new(format!("cargo does not start: {error}")))?;
    Ok(status.success())
}
