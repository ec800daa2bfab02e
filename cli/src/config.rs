//! `closedwon config check`: what the functions would say of the file, before it is deployed.

mod organization;

use std::fmt;
use std::path::Path;

use configuration::{Configuration, Missing, Problem, Reading};
use serde::Serialize;

use crate::Exit;
use crate::paint::{Paint, Tone};

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
    /// Each problem and each warning with its line of the file.
    #[serde(skip)]
    reports: [String; 2],
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
    let reports = [&problems, &warnings].map(|said| configuration::report(&name, text, said));
    let said = |problems: Vec<Problem>| problems.into_iter().map(Said::from).collect();
    Checked {
        file: name,
        hash,
        problems: said(problems),
        warnings: said(warnings),
        organization: false,
        missing: Vec::new(),
        reports,
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

/// A problem is three lines: what is wrong, the line of the file, and the marks below it. Its code and its marks are painted.
fn shown(f: &mut fmt::Formatter<'_>, report: &str, said: &[Said], tone: Tone) -> fmt::Result {
    let paint = Paint::of(f);
    let mut lines = report.lines();
    for Said { code, message, .. } in said {
        let [head, line, marks] = [(); 3].map(|()| lines.next().unwrap_or_default());
        let place = head.strip_suffix(message.as_str()).and_then(|head| head.strip_suffix(": ")?.strip_suffix(code));
        match place {
            Some(place) => writeln!(f, "{place}{}: {message}", paint.toned(tone, code))?,
            None => writeln!(f, "{head}")?,
        }
        let blank = marks.trim_end_matches('^');
        writeln!(f, "{line}\n{blank}{}", paint.toned(tone, &marks[blank.len()..]))?;
    }
    Ok(())
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let paint = Paint::of(f);
        let [problems, warnings] = &self.reports;
        shown(f, problems, &self.problems, Tone::Bad)?;
        if !self.warnings.is_empty() {
            let about = match self.organization {
                true => "What may be wrong:",
                false => "What only the organization knows (closedwon config check --org asks it):",
            };
            writeln!(f, "{about}")?;
            shown(f, warnings, &self.warnings, Tone::Care)?;
        }
        for Lacking { object, field } in &self.missing {
            writeln!(f, "{object}: the integration user sees no {}", paint.toned(Tone::Bad, field))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paint::{RED, YELLOW, painted};

    #[test]
    fn a_problem_is_painted_where_it_is_and_reads_as_before() {
        let file = Path::new("closedwon.toml");
        for (text, paints) in [
            ("[won]\nstages = 3\n", vec![(RED, "wrong_type"), (RED, "^")]),
            ("stages", vec![(RED, "^")]),
            ("[deal]\nsettlement = \"Ours__c\"\n\tx = 1", vec![]),
            ("[won]\nwhen = 'opportunity.TerritoryCode == \"x\"'\n", vec![(YELLOW, "unknown_field")]),
            ("", vec![]),
        ] {
            let reading = Reading::of(text, None);
            let both = reading.configuration.as_ref().err().into_iter().flatten().chain(&reading.warnings);
            let blocks: Vec<_> =
                both.map(|one| configuration::report("closedwon.toml", text, std::slice::from_ref(one))).collect();
            let checked = checked(file, text, reading);
            painted(&checked, &paints);
            for block in blocks {
                assert!(checked.to_string().contains(&block), "{block}\n{checked}");
            }
        }
    }
}
