//! `closedwon config check`: what the functions would say of the file, before it is deployed.

use std::fmt;
use std::path::Path;

use configuration::{Configuration, Problem};
use serde::Serialize;

use crate::Exit;

/// What became of the check.
#[derive(Debug, Serialize)]
pub struct Checked {
    pub file: String,
    /// By SHA-256, as every run has it.
    pub hash: Option<String>,
    pub problems: Vec<Said>,
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

#[derive(Debug, thiserror::Error)]
#[error("{file} cannot be read: {why}")]
pub struct Unreadable {
    file: String,
    why: std::io::Error,
}

/// What the file decides; nothing where something is wrong with it.
pub fn read(file: &Path) -> Result<Option<Configuration>, Unreadable> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|why| Unreadable { file: file.display().to_string(), why })?;
    Ok(Configuration::read(&text).ok())
}

pub fn check(file: &Path) -> Result<Checked, Unreadable> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|why| Unreadable { file: name.clone(), why })?;
    Ok(match Configuration::read(&text) {
        Ok(read) => Checked {
            file: name,
            hash: read.settings.configuration.map(String::from),
            problems: vec![],
            report: String::new(),
        },
        Err(problems) => {
            let report = configuration::report(&name, &text, &problems);
            Checked { file: name, hash: None, problems: problems.into_iter().map(Said::from).collect(), report }
        }
    })
}

impl From<Problem> for Said {
    fn from(problem: Problem) -> Self {
        let Problem { code, message, line, column, .. } = problem;
        Self { code, message, line, column }
    }
}

impl Checked {
    pub fn exit(&self) -> Exit {
        if self.problems.is_empty() { Exit::Well } else { Exit::NeedsPerson }
    }

    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("texts and numbers are JSON");
        format!("{text}\n")
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hash {
            Some(hash) => writeln!(f, "{}: nothing is wrong (sha256 {hash})", self.file),
            None => {
                let (many, s) = (self.problems.len(), if self.problems.len() == 1 { "" } else { "s" });
                write!(f, "{}\n{many} problem{s}: no function starts with this file.\n", self.report)
            }
        }
    }
}
