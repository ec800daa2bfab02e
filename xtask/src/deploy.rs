//! `template.yaml`, deployed with the SAM CLI as it would be to a real account.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::aws::{Aws, REGION};
use crate::failure::{Failure, Result};
use crate::process::Supervisor;
use crate::repository::local;
use crate::tools::Tools;

pub const STACK: &str = "closedwon";

/// What the template tells about what it made.
pub struct Outputs(BTreeMap<String, String>);

impl Outputs {
    pub fn get(&self, name: &str) -> Result<&str> {
        self.0.get(name).map(String::as_str).ok_or_else(|| Failure::new(format!("template.yaml has no output {name}")))
    }
}

pub fn deploy(supervisor: &Supervisor, tools: &Tools, aws: &Aws, parameters: &[(&str, &str)]) -> Result<Outputs> {
    let mut sam = tools.sam()?;
    sam.args(["deploy", "--template-file", "template.yaml", "--stack-name", STACK, "--region", REGION])
        .args(["--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar"])
        .env("AWS_ENDPOINT_URL", &aws.endpoint)
        .arg("--parameter-overrides")
        .args(parameters.iter().map(|(name, value)| format!("{name}={value}")));
    supervisor.run("sam deploy", &mut sam, &local("logs/sam-deploy.log")?, Duration::from_secs(180))?;
    Ok(Outputs(aws.stack_outputs(STACK)?.into_iter().collect()))
}

/// `sam validate --lint`, which needs no network.
pub fn validate(supervisor: &Supervisor, tools: &Tools) -> Result<()> {
    let mut sam = tools.sam()?;
    sam.args(["validate", "--lint", "--template", "template.yaml", "--region", REGION]);
    supervisor.run("sam validate --lint", &mut sam, &local("logs/sam-validate.log")?, Duration::from_secs(120))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::binaries::FUNCTIONS;
    use crate::repository::path;

    /// The names in quotes in a function's configuration that are written like environment variables.
    fn read_by(function: &str) -> BTreeSet<String> {
        let own = path("functions").join(function).join("src/config.rs");
        // What does the work is configured alike.
        let shared = ["lib.rs", "notifications.rs", "vendors.rs"].map(|file| path("shared/deployment/src").join(file));
        let mut sources = if own.exists() { vec![own] } else { shared.to_vec() };
        // Every one of them has the queues.
        let reads = |source: &std::path::PathBuf| std::fs::read_to_string(source).unwrap().contains("Places::read(");
        if sources.iter().any(reads) {
            sources.push(path("shared/queue/src/place.rs"));
        }
        let source: String = sources.iter().map(|source| std::fs::read_to_string(source).unwrap()).collect();
        let quoted = source.split('"').skip(1).step_by(2);
        let is_name = |text: &&str| {
            text.contains('_')
                && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        };
        quoted.filter(|text| is_name(text) || *text == "ENVIRONMENT").map(str::to_owned).collect()
    }

    /// The environment variables that the template gives to a function.
    fn given_to(function: &str) -> BTreeSet<String> {
        let template = std::fs::read_to_string(path("template.yaml")).unwrap();
        let resource = template.split(&format!("CodeUri: target/lambda/{function}/")).nth(1).unwrap();
        let variables = resource.split("        Variables:\n").nth(1).unwrap();
        let lines = variables.lines().take_while(|line| line.starts_with("          "));
        lines.filter_map(|line| line.trim().split_once(':')).map(|(name, _)| name.to_owned()).collect()
    }

    #[test]
    fn every_function_gets_the_variables_that_it_reads() {
        for function in FUNCTIONS {
            assert_eq!(given_to(function), read_by(function), "{function}");
        }
    }
}
