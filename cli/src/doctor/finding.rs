//! What a check says.

use std::fmt;

use serde::Serialize;

use crate::Exit;
use crate::paint::{Paint, Tone};

/// A fact, or why it is not known.
pub type Known<T> = Result<T, String>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// It does not work, or will not.
    Failing,
    NotChecked,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A name that stays: `stripe.key`.
    pub check: &'static str,
    pub verdict: Verdict,
    pub text: String,
    pub remedy: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, text: text.into(), remedy: None }
    }

    pub(super) fn warning(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Warning, text: text.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn failing(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Failing, text: text.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn not_checked(check: &'static str, why: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::NotChecked, text: why.into(), remedy: None }
    }
}

/// Every check of one deployment, in the order in which one mends.
#[derive(Debug, Serialize)]
pub struct Report {
    pub findings: Vec<Finding>,
}

impl Report {
    pub fn exit(&self) -> Exit {
        match self.count(Verdict::Failing) {
            0 => Exit::Well,
            _ => Exit::NeedsPerson,
        }
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).map(|text| text + "\n").unwrap_or_default()
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paint = Paint::of(f);
        for Finding { check, verdict, text, remedy } in &self.findings {
            let verdict = match verdict {
                Verdict::Ok => paint.toned(Tone::Good, "ok"),
                Verdict::Warning => paint.toned(Tone::Care, "warning"),
                Verdict::Failing => paint.toned(Tone::Bad, "FAILING"),
                Verdict::NotChecked => paint.toned(Tone::Plain, "not checked"),
            };
            writeln!(f, "{verdict:<12}{check:<24}{text}")?;
            if let Some(remedy) = remedy {
                writeln!(f, "{:<36}-> {remedy}", "")?;
            }
        }
        let [failing, warnings, unchecked] =
            [Verdict::Failing, Verdict::Warning, Verdict::NotChecked].map(|verdict| self.count(verdict));
        writeln!(f, "{failing} failing, {warnings} warnings, {unchecked} not checked, of {}", self.findings.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paint::{GREEN, RED, YELLOW, painted};

    #[test]
    fn verdicts_are_painted_and_columns_stay_where_they_are() {
        let findings = vec![
            Finding::ok("stripe.key", "a restricted key"),
            Finding::warning("stripe.clock", "90 s behind", "Set it."),
            Finding::failing("aws.ledger", "it is not there", "Deploy."),
            Finding::not_checked("stripe.delivery", "no address"),
        ];
        let coloured = painted(&Report { findings }, &[(GREEN, "ok"), (YELLOW, "warning"), (RED, "FAILING")]);
        assert!(coloured.contains("ok\x1b[0m          stripe.key              a restricted key\n"), "{coloured:?}");
        assert!(coloured.contains("\nnot checked stripe.delivery         no address\n"), "{coloured:?}");
    }
}
