//! `closedwon config check`: what the functions would say of the file, before it is deployed.

mod organization;

use std::fmt;
use std::path::Path;

use configuration::{Configuration, Missing, Problem, Reading};
use serde::Serialize;

use crate::Exit;

pub use organization::{check_against, check_with_organization};

/// What became of the check.
#[derive(Debug, Serialize)]
pub struct Checked {
    pub file: String,
    /// By SHA-256, as every run has it.
    pub hash: Option<String>,
    pub problems: Vec<Said>,
    /// What only the organization knows. A file with warnings can be deployed.
    pub warnings: Vec<Said>,
    /// Whether the organization was asked.
    pub organization: bool,
    /// Fields that the product needs and that its user in Salesforce does not see.
    pub missing: Vec<Lacking>,
    #[serde(skip)]
    report: String,
}

/// One problem, for programs.
#[derive(Debug, Serialize)]
pub struct Said {
    pub code: &'static str,
    pub message: String,
    /// Both from 1; columns are characters.
    pub line: usize,
    pub column: usize,
}

/// A field that is not seen.
#[derive(Debug, Serialize)]
pub struct Lacking {
    pub object: String,
    pub field: String,
}

/// What the file decides; nothing where something is wrong with it.
pub fn read(file: &Path) -> Result<Option<Configuration>, Unchecked> {
    Ok(Configuration::read(&text(file)?).ok())
}

#[derive(Debug, thiserror::Error)]
pub enum Unchecked {
    #[error("{file} cannot be read: {why}")]
    File { file: String, why: std::io::Error },
    #[error("Salesforce cannot be asked: {}", .0.join("; "))]
    Environment(Vec<String>),
    #[error("Salesforce cannot be asked: {0}")]
    Salesforce(#[from] salesforce::Error),
}

/// By the file alone.
pub fn check(file: &Path) -> Result<Checked, Unchecked> {
    let text = text(file)?;
    Ok(checked(file, &text, Reading::of(&text, None)))
}

fn text(file: &Path) -> Result<String, Unchecked> {
    std::fs::read_to_string(file).map_err(|why| Unchecked::File { file: file.display().to_string(), why })
}

fn checked(file: &Path, text: &str, reading: Reading) -> Checked {
    let name = file.display().to_string();
    let Reading { configuration, warnings } = reading;
    let (hash, problems) = match configuration {
        Ok(Configuration { settings, .. }) => (settings.configuration.map(String::from), Vec::new()),
        Err(problems) => (None, problems),
    };
    let mut report = configuration::report(&name, text, &problems);
    if !warnings.is_empty() {
        report += "What only the organization knows (closedwon config check --org asks it):\n";
        report += &configuration::report(&name, text, &warnings);
    }
    let said = |problems: Vec<Problem>| problems.into_iter().map(Said::from).collect();
    Checked {
        file: name,
        hash,
        problems: said(problems),
        warnings: said(warnings),
        organization: false,
        missing: Vec::new(),
        report,
    }
}

impl From<Problem> for Said {
    fn from(problem: Problem) -> Self {
        let Problem { code, message, line, column, .. } = problem;
        Self { code, message, line, column }
    }
}

impl From<Missing> for Lacking {
    fn from(Missing { object, field }: Missing) -> Self {
        Self { object, field }
    }
}

impl Checked {
    pub fn exit(&self) -> Exit {
        if self.problems.is_empty() && self.missing.is_empty() { Exit::Well } else { Exit::NeedsPerson }
    }

    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("texts and numbers are JSON");
        format!("{text}\n")
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        f.write_str(&self.report)?;
        for Lacking { object, field } in &self.missing {
            writeln!(f, "{object}: the integration user sees no {field}")?;
        }
        if !self.missing.is_empty() {
            f.write_str(
                "  Deploy infra/salesforce/force-app and assign the permission set Closedwon Integration, or let the user see these fields.\n",
            )?;
        }
        let asked = if self.organization { ", and the organization has every field" } else { "" };
        match &self.hash {
            Some(hash) if self.exit() == Exit::Well && self.warnings.is_empty() => {
                writeln!(f, "{}: nothing is wrong{asked} (sha256 {hash})", self.file)
            }
            Some(hash) if self.exit() == Exit::Well => {
                writeln!(f, "{}: {} (sha256 {hash})", self.file, many(self.warnings.len(), "warning"))
            }
            Some(_) => {
                writeln!(f, "\n{} that deals need: none is billed before that.", many(self.missing.len(), "field"))
            }
            None if self.organization => {
                writeln!(
                    f,
                    "\n{}: the organization does not have what this file reads.",
                    many(self.problems.len(), "problem")
                )
            }
            None => writeln!(f, "\n{}: no function starts with this file.", many(self.problems.len(), "problem")),
        }
    }
}
