//! Configuration from environment variables, read once at start.

use std::collections::BTreeMap;
use std::fmt::Display;

/// Everything that is wrong with the configuration, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is not usable: {}", problems.join("; "))]
pub struct ConfigError {
    pub problems: Vec<String>,
}

/// The variables, and the problems found so far. Nothing fails until `finish`, so that one start tells all of them.
#[derive(Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    problems: Vec<String>,
}

impl Environment {
    pub fn from_process() -> Self {
        Self::new(std::env::vars())
    }

    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { variables: variables.into_iter().collect(), problems: Vec::new() }
    }

    pub fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// The value, or `None` when it is not set or blank. Blank counts as not set because a template cannot omit one.
    pub fn optional(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    pub fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problem(format!("{name} is not set"));
            String::new()
        })
    }

    /// A required value in a type of its own. The value is never repeated in the problem: it may be a secret put into the
    /// wrong variable.
    pub fn parsed<T, E: Display>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let value = self.optional(name);
        let Some(value) = value else {
            self.problem(format!("{name} is not set"));
            return None;
        };
        parse(&value).map_err(|why| self.problem(format!("{name} is not valid: {why}"))).ok()
    }

    /// The same of one that may be left out.
    pub fn parsed_if_set<T, E: Display>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        self.optional(name).and_then(|_| self.parsed(name, parse))
    }

    pub fn flag(&mut self, name: &str) -> bool {
        self.parsed(name, |value| match value {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("it must be true or false"),
        })
        .unwrap_or_default()
    }

    /// The ARN of a secret. A secret itself in its place is refused: it would stand in the template, in the console and in
    /// every stack event.
    pub fn secret_arn(&mut self, name: &str) -> String {
        self.parsed(name, |value| {
            if value.starts_with("arn:") { Ok(value.to_owned()) } else { Err("it must be the ARN of a secret") }
        })
        .unwrap_or_default()
    }

    pub fn finish<T>(self, config: Option<T>) -> Result<T, ConfigError> {
        match config {
            Some(config) if self.problems.is_empty() => Ok(config),
            _ => Err(ConfigError { problems: self.problems }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_told_together_and_no_value_is_repeated() {
        let mut environment = Environment::new([
            ("LIVEMODE".to_owned(), "yes".to_owned()),
            ("KEY_ARN".to_owned(), "rk_live_abc".to_owned()),
            ("BLANK".to_owned(), "  ".to_owned()),
        ]);
        environment.required("QUEUE_URL");
        environment.required("BLANK");
        environment.flag("LIVEMODE");
        environment.secret_arn("KEY_ARN");
        let error = environment.finish(Some(())).expect_err("refused");
        assert_eq!(error.problems.len(), 4);
        let text = error.to_string();
        assert!(text.contains("QUEUE_URL") && text.contains("BLANK") && text.contains("LIVEMODE"));
        assert!(!text.contains("rk_live_abc") && !text.contains("yes"));
    }
}
