#![doc = include_str!("../README.md")]

mod asked;
mod decided;
mod escapes;
mod expressions;
mod fields;
mod keys;
mod near;
mod organization;
mod page;
mod problem;
mod rule;
mod settings;
mod spelling;
mod tree;
mod users;
mod values;
mod words;

use domain::ConfigurationHash;
use jiff::SignedDuration;
use mapping::{Rule, Settings, TellDecision};
use rules::Schema;
use sha2::{Digest, Sha256};

pub use organization::Missing;
pub use page::page;
pub use problem::{Problem, report};

/// How the file is called, in the repository and beside the functions.
pub const FILE_NAME: &str = "closedwon.toml";

/// A rule that nobody can read any more is no rule. A deal's run may have to keep it, too, and an item of the ledger is not endless.
pub const LONGEST: usize = 64 * 1024;

/// What the file decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// But for what a deployment adds: the ways to tell people, and which neighbours' events are followed.
    pub settings: Settings,
    pub told: Told,
    /// How many requests a second Stripe takes from the account at each endpoint.
    pub requests_per_second: u16,
}

/// What people are told of, wherever they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub wins: bool,
    pub refusals: bool,
    pub failures: bool,
    pub digests: bool,
    /// For how long the same is not said again.
    pub window: SignedDuration,
    /// What is decided otherwise about some of it, in this order.
    pub rules: Vec<Rule<TellDecision>>,
}

impl Configuration {
    /// The file's text → what it decides, or everything that is wrong with it.
    pub fn read(text: &str) -> Result<Self, Vec<Problem>> {
        Reading::of(text, None).configuration
    }

    /// A file that an older version took, as it was read then: what is only judged of a file is not asked again. Deals may be under way by it,
    /// and whoever could mend it has mended the file of the day.
    pub fn read_kept(text: &str) -> Result<Self, Vec<Problem>> {
        Reading::by(text, None, false).configuration
    }

    /// What an empty file decides.
    pub fn standard() -> Self {
        Self::read("").unwrap_or_else(|_| unreachable!("a test reads it"))
    }
}

/// What the file comes to, with what may be wrong in it and may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub configuration: Result<Configuration, Vec<Problem>>,
    /// Fields and values that only the organization knows whether it has. A file with them can be used.
    pub warnings: Vec<Problem>,
}

impl Reading {
    /// With an organization's own schema nothing else exists, and a field that it does not have is a problem.
    pub fn of(text: &str, organization: Option<&Schema>) -> Self {
        Self::by(text, organization, true)
    }

    fn by(text: &str, organization: Option<&Schema>, is_judged: bool) -> Self {
        if text.len() > LONGEST {
            let message = format!("The file is longer than {LONGEST} bytes: shorten it.");
            let problems = vec![Problem::new("too_long", 0..0, message).placed(text)];
            return Self { configuration: Err(problems), warnings: Vec::new() };
        }
        let placed = |mut problems: Vec<Problem>| -> Vec<Problem> {
            problems.sort_by_key(|problem| problem.at.start);
            problems.into_iter().map(|problem| problem.placed(text)).collect()
        };
        let (mut problems, mut warnings) = (Vec::new(), Vec::new());
        let values = tree::tree(text, organization, is_judged, &mut problems, &mut warnings);
        let configuration = settings::configuration(&values, hash(text), &mut problems);
        if let Some(Configuration { settings, .. }) = configuration.as_ref().filter(|_| is_judged) {
            settings::judge(settings, &values, organization, &mut problems);
        }
        let configuration = configuration.filter(|_| problems.is_empty()).ok_or_else(|| placed(problems));
        Self { configuration, warnings: placed(warnings) }
    }
}

/// What `sha256sum` says of it.
fn hash(text: &str) -> ConfigurationHash {
    ConfigurationHash::of(&Sha256::digest(text).into())
}

#[cfg(test)]
mod tests;
