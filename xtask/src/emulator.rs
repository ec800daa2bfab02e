//! The emulated AWS: one process on one free port of the loopback interface, with nothing on disk outside `target/`.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::aws::{Aws, REGION};
use crate::failure::{Context, Failure, Result};
use crate::http::Http;
use crate::process::{Process, Supervisor};
use crate::repository::{local, shown, tail};
use crate::tools::Tools;

const READY_WITHIN: Duration = Duration::from_secs(60);

const LOG: &str = "logs/emulated-aws.log";

/// The emulator's temporary folder, where it unpacks the functions too.
const SCRATCH: &str = "emulated-aws/tmp";

pub struct Emulator {
    pub aws: Aws,
    process: Process,
}

impl Emulator {
    pub fn start(supervisor: &Supervisor, tools: &Tools) -> Result<Self> {
        let port = free_port()?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let log = local(LOG)?;
        let scratch = local(SCRATCH)?;
        std::fs::create_dir_all(&scratch).context("creating the emulator's scratch folder")?;
        let output = File::create(&log).context("creating the emulator's log")?;
        let errors = output.try_clone().context("sharing the emulator's log")?;
        let mut command = Command::new(tools.program("ministack"));
        command
            // The functions inherit this environment, so it holds nothing of the person's own.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &scratch)
            .env("TMPDIR", &scratch)
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            // The emulator hands this on to the functions, which would call the real AWS otherwise.
            .env("AWS_ENDPOINT_URL", &endpoint)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_DEFAULT_REGION", REGION)
            .env("MINISTACK_REGION", REGION)
            // Two services would listen on further ports, and containers are not wanted even where Docker is there.
            .env("SFTP_ENABLED", "0")
            .env("IOT_MTLS_ENABLED", "0")
            .env("DOCKER_HOST", "unix:///nonexistent")
            .current_dir(&scratch)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors);
        let mut process = supervisor.spawn(&mut command)?;

        let http = Http::new(Duration::from_secs(2));
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if http.get(&format!("{endpoint}/_ministack/ready")).is_ok_and(|answer| answer.status == 200) {
                return Ok(Self { aws: Aws::new(endpoint), process });
            }
            let ended = process.ended()?;
            if ended.is_some() || Instant::now() >= deadline {
                let how = ended.map_or("did not become ready".to_owned(), |status| format!("ended ({status})"));
                return Err(Failure::new(format!(
                    "the emulated AWS {how}; its log is {}\n{}",
                    shown(&log),
                    tail(&log, 20)
                )));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Where everything lies that the emulator starts.
    pub fn scratch(&self) -> Result<PathBuf> {
        local(SCRATCH)
    }

    /// How many invocations of a function ended because its process was gone before it answered.
    pub fn interrupted(&self, function: &str) -> Result<usize> {
        let log = std::fs::read(local(LOG)?).context("reading the emulator's log")?;
        let sign = format!("Lambda {function}: Runtime exited before returning a response");
        Ok(String::from_utf8_lossy(&log).lines().filter(|line| line.contains(&sign)).count())
    }
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?;
    Ok(listener.local_addr().context("looking for a free port")?.port())
}
