//! The release binaries: the four functions as Lambda wants them, and the sandbox.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::failure::{Context, Result};
use crate::process::Supervisor;
use crate::progress::Progress;
use crate::repository::{local, path, root};

pub const FUNCTIONS: [&str; 4] = ["stripe-webhook", "salesforce-events", "retry-worker", "reconciler"];

/// Those that do the work, and read what the organization decided.
const WORKING: [&str; 2] = ["retry-worker", "reconciler"];
const CONFIGURATION: &str = "infra/closedwon.toml";

/// What else goes on while something is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    Nothing,
    /// Tests, which go first: the build takes what they leave.
    Tests,
}

impl Beside {
    pub fn cargo(self) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        match self {
            Self::Nothing => Command::new(cargo),
            Self::Tests => {
                let mut nice = Command::new("nice");
                nice.args(["-n", "10"]).arg(cargo);
                nice
            }
        }
    }

    /// A build that takes what tests leave ends soon after they have, however long they took.
    pub const fn longest_build(self) -> Duration {
        match self {
            Self::Nothing => Duration::from_secs(2400),
            Self::Tests => Duration::from_secs(4500),
        }
    }
}

/// Builds all of it with one cargo, so that shared dependencies are compiled once, and puts each function where
/// `template.yaml` looks for it.
pub fn build(supervisor: &Supervisor, progress: Progress, beside: Beside) -> Result<()> {
    progress.say("building the functions and the sandbox (a first release build takes minutes)");
    let mut cargo = beside.cargo();
    cargo.args(["build", "--release", "--locked", "--package", "sandbox"]).current_dir(root());
    for function in FUNCTIONS {
        cargo.args(["--package", function]);
    }
    supervisor.run("the release build", &mut cargo, &local("logs/cargo-build.log")?, beside.longest_build())?;
    for function in FUNCTIONS {
        let folder = path("target/lambda").join(function);
        std::fs::create_dir_all(&folder).context(format_args!("creating {}", folder.display()))?;
        // A copy in place would change a file that may still be running; a renamed one is new.
        let fresh = folder.join("bootstrap.new");
        std::fs::copy(released(function), &fresh).context(format_args!("copying {function}"))?;
        std::fs::rename(&fresh, folder.join("bootstrap")).context(format_args!("placing {function}"))?;
        if WORKING.contains(&function) {
            std::fs::copy(path(CONFIGURATION), folder.join("closedwon.toml")).context("packaging the configuration")?;
        }
    }
    progress.say("the functions and the sandbox are built");
    Ok(())
}

pub fn released(name: &str) -> PathBuf {
    path("target/release").join(name)
}
