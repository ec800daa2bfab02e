//! The processes of our functions, as the emulated AWS runs them: one `bootstrap` for each invocation that is under way at
//! the same time, kept warm between invocations. This needs `/proc`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::failure::{Context, Result};
use crate::stack::Stack;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bootstrap {
    pub id: u32,
    program: PathBuf,
}

impl Bootstrap {
    /// The living processes of one function of this stack, and no other process: the emulator that we started is the
    /// parent, the program is a `bootstrap` that it unpacked in its own folder, and it was told to be this function.
    pub fn of(stack: &Stack, function: &str) -> Result<Vec<Self>> {
        let scratch = stack.emulator.scratch()?.canonicalize().context("looking for the emulator's folder")?;
        let parent = format!("PPid:\t{}", stack.emulator.process_id());
        let name = format!("AWS_LAMBDA_FUNCTION_NAME={function}");
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").context("listing processes")?.flatten() {
            let Ok(id) = entry.file_name().to_string_lossy().parse() else { continue };
            // A process may end while it is looked at.
            let Ok(program) = fs::read_link(entry.path().join("exe")) else { continue };
            let Ok(status) = fs::read_to_string(entry.path().join("status")) else { continue };
            let Ok(environment) = fs::read(entry.path().join("environ")) else { continue };
            let is_child = status.lines().any(|line| line == parent);
            let is_unpacked = program.starts_with(&scratch) && program.ends_with("bootstrap");
            let is_named = environment.split(|byte| *byte == 0).any(|variable| variable == name.as_bytes());
            if is_child && is_unpacked && is_named {
                found.push(Self { id, program });
            }
        }
        Ok(found)
    }

    /// Whether the id still belongs to the program that it was found with.
    fn is_there(&self) -> bool {
        fs::read_link(format!("/proc/{}/exe", self.id)).is_ok_and(|program| program == self.program)
    }
}

/// Stops processes in the middle of whatever they do; they know nothing of it.
pub fn freeze(processes: &[Bootstrap]) -> Result<()> {
    signal("STOP", processes).map(drop)
}

pub fn thaw(processes: &[Bootstrap]) -> Result<()> {
    signal("CONT", processes).map(drop)
}

/// Ends processes as a machine that fails would: nothing is finished, nothing is told to anybody. Answers how many.
pub fn kill(processes: &[Bootstrap]) -> Result<usize> {
    signal("KILL", processes)
}

fn signal(signal: &str, processes: &[Bootstrap]) -> Result<usize> {
    let mut reached = 0;
    for process in processes.iter().filter(|process| process.is_there()) {
        let mut kill = Command::new("kill");
        kill.args(["-s", signal, &process.id.to_string()]).stdin(Stdio::null()).stdout(Stdio::null());
        reached += usize::from(kill.stderr(Stdio::null()).status().context("running kill")?.success());
    }
    Ok(reached)
}
