//! What a test prints, read from a second process: the test harness keeps a test's own output from it.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A story takes seconds. One that takes this long hangs.
const LONGEST: Duration = Duration::from_secs(180);

/// Everything that the test of this path writes to standard output and standard error, at the most talkative log level.
pub fn printed_by(test: &str) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap())
        // With one thread the harness would write its own words into the first line.
        .args(["--exact", test, "--include-ignored", "--nocapture", "--test-threads=2"])
        .env("AWS_LAMBDA_LOG_LEVEL", "TRACE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = reader(child.stdout.take().unwrap());
    let errors = reader(child.stderr.take().unwrap());
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > LONGEST {
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(10));
    };
    let printed = output.join().unwrap() + &errors.join().unwrap();
    assert!(status.success() && printed.contains("1 passed"), "{test} failed or is no test: {printed}");
    printed
}

fn reader(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    })
}
