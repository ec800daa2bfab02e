//! Child processes that never outlive us.
//!
//! Each child leads its own process group and is ended by its own id. A `Process` ends its group when it is dropped,
//! which covers success, errors and panics. What drop cannot cover, ctrl-c and a kill, is covered by the reaper: a small
//! shell that reads the ids of our children from a pipe, and ends what is left when the pipe closes because we are gone.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::failure::{Context, Failure, Result};
use crate::progress::Progress;
use crate::repository::{shown, tail};

const REAPER: &str = r#"
trap '' INT TERM HUP
groups=
while read -r sign group; do
  kept=
  for known in $groups; do [ "$known" = "$group" ] || kept="$kept $known"; done
  [ "$sign" = + ] && kept="$kept $group"
  groups=$kept
done
for group in $groups; do kill -s TERM -- "-$group" 2>/dev/null; done
tries=0
while [ $tries -lt 30 ]; do
  alive=
  for group in $groups; do kill -s 0 -- "-$group" 2>/dev/null && alive=yes; done
  [ -z "$alive" ] && exit 0
  sleep 0.1
  tries=$((tries + 1))
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
"#;

/// How long a child may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(3);

/// How often something long says where it is.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);

#[derive(Clone)]
pub struct Supervisor {
    reaper: Arc<Reaper>,
    progress: Progress,
}

struct Reaper {
    child: Child,
}

impl Reaper {
    fn tell(&self, sign: char, group: u32) {
        if let Some(mut pipe) = self.child.stdin.as_ref() {
            // A reaper that is gone leaves us with drop alone, which is no reason to stop.
            // In one write, as others tell it things at the same time.
            let _ = pipe.write_all(format!("{sign} {group}\n").as_bytes());
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

impl Supervisor {
    pub fn start(progress: Progress) -> Result<Self> {
        let child = Command::new("sh")
            .args(["-c", REAPER])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("starting sh, which ends our children when we cannot")?;
        Ok(Self { reaper: Arc::new(Reaper { child }), progress })
    }

    pub fn spawn(&self, command: &mut Command) -> Result<Process> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.process_group(0).spawn().context(format_args!("starting {name}"))?;
        self.reaper.tell('+', child.id());
        Ok(Process { child, reaper: self.reaper.clone() })
    }

    /// Runs a command to its end, everything it says going to a log; an error shows the log's last lines. What takes long
    /// is seen to go on.
    pub fn run(&self, what: &str, command: &mut Command, log: &Path, within: Duration) -> Result<()> {
        let file = File::create(log).context(format_args!("creating {}", log.display()))?;
        let errors = file.try_clone().context("sharing the log")?;
        let mut process = self.spawn(command.stdin(Stdio::null()).stdout(file).stderr(errors))?;
        let deadline = Instant::now() + within;
        let status = loop {
            if let Some(status) = process.wait_for(SIGN_OF_LIFE)? {
                break status;
            }
            if Instant::now() >= deadline {
                let (seconds, log_name, end) = (within.as_secs(), shown(log), tail(log, 20));
                return Err(Failure::new(format!(
                    "{what} did not end within {seconds} s; its log is {log_name}\n{end}"
                )));
            }
            self.progress.say(format_args!("{what}: {}", tail(log, 1).trim()));
        };
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("{what} failed ({status}); its log is {}\n{}", shown(log), tail(log, 30))))
    }
}

pub struct Process {
    child: Child,
    reaper: Arc<Reaper>,
}

impl Process {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Its exit status if it has ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("looking after a child process")
    }

    pub fn wait_for(&mut self, within: Duration) -> Result<Option<ExitStatus>> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(Some(status));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal_group(&self, signal: &str) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("sh")
            .args(["-c", "kill -s \"$0\" -- \"$1\"", signal, &group])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The id of a leader that has ended and was waited for may be somebody else's by now.
        if !matches!(self.ended(), Ok(Some(_))) {
            self.signal_group("TERM");
            if !matches!(self.wait_for(GRACE), Ok(Some(_))) {
                self.signal_group("KILL");
                let _ = self.child.wait();
            }
        }
        self.reaper.tell('-', self.child.id());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_process_takes_its_own_children_along() {
        let supervisor = Supervisor::start(Progress::start()).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & echo $!; wait"]).stdout(Stdio::piped());
        let mut process = supervisor.spawn(&mut command).unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(process.take_stdout().unwrap()), &mut line).unwrap();
        let grandchild = line.trim().to_owned();
        drop(process);
        let deadline = Instant::now() + Duration::from_secs(3);
        while alive(&grandchild) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!alive(&grandchild));
    }

    #[test]
    fn the_reaper_ends_what_nobody_dropped() {
        let supervisor = Supervisor::start(Progress::start()).unwrap();
        let mut process = supervisor.spawn(Command::new("sleep").arg("60")).unwrap();
        // Closing the pipe is what the operating system does when we are killed.
        let mut reaper =
            Command::new("sh").args(["-c", REAPER]).stdin(Stdio::piped()).process_group(0).spawn().unwrap();
        writeln!(reaper.stdin.take().unwrap(), "+ {}", process.child.id()).unwrap();
        let status = process.wait_for(Duration::from_secs(5)).unwrap();
        reaper.wait().unwrap();
        assert!(status.is_some_and(|status| !status.success()));
    }

    fn alive(process: &str) -> bool {
        let state = Command::new("ps").args(["-o", "stat=", "-p", process]).output().unwrap().stdout;
        let state = String::from_utf8(state).unwrap();
        !state.trim().is_empty() && !state.trim().starts_with('Z')
    }
}
