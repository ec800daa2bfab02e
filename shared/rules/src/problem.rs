//! What is the matter with an expression, for whoever wrote it.

use std::fmt;
use std::ops::Range;

/// Whether an expression with it can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    Error,
    Warning,
}

/// One thing that is wrong in an expression, or may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The same for the same kind of problem, for programs.
    pub code: &'static str,
    pub weight: Weight,
    /// Bytes of the expression.
    pub at: Range<usize>,
    /// A sentence that says what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The candidate that `name` may have been meant to be: the same but for its case, underscores or `__c`, one with a slip or
/// two in it, or one that it is the beginning of.
pub(crate) fn near<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = plain(name);
    let most = if plain.len() < 8 { 1 } else { 2 };
    candidates
        .filter_map(|candidate| Some((distance(name, &plain, candidate, most)?, candidate)))
        .min()
        .map(|best| best.1)
}

fn distance(name: &str, plain_name: &str, candidate: &str, most: usize) -> Option<usize> {
    let plain_candidate = plain(candidate);
    // A distance is at least the difference of the lengths, and that is cheaper to know.
    let (short, long) = (plain_name.len().min(plain_candidate.len()), plain_name.len().max(plain_candidate.len()));
    if long - short <= most {
        let distance = strsim::osa_distance(plain_name, &plain_candidate);
        // Of two short names everything is near everything.
        if distance <= most && distance * 2 < long {
            return Some(distance);
        }
    }
    let rest = candidate.strip_prefix(name)?;
    (name.len() >= 4 && rest.starts_with(|c: char| c.is_ascii_uppercase())).then_some(most + rest.len())
}

fn plain(name: &str) -> String {
    let name = name.strip_suffix("__c").or(name.strip_suffix("__r")).unwrap_or(name);
    name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect()
}

/// `, did you mean X?` after what is not known, or a full stop.
pub(crate) fn did_you_mean(near: Option<&str>) -> String {
    near.map_or_else(|| ".".to_owned(), |near| format!(": did you mean {near}?"))
}

/// `a, b and c`.
pub(crate) fn listed(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_near() {
        let names = ["StageName", "Amount", "AccountId", "IsWon", "Billing_Email__c", "Type", "Id"];
        for (name, meant) in [
            ("Stage", Some("StageName")),
            ("stagename", Some("StageName")),
            ("Ammount", Some("Amount")),
            ("Amuont", Some("Amount")),
            ("BillingEmail", Some("Billing_Email__c")),
            ("Bilings_Email__c", Some("Billing_Email__c")),
            ("Tpye", Some("Type")),
            ("Score__c", None),
            ("ID", Some("Id")),
            ("Ix", None),
            ("Territory", None),
            ("", None),
        ] {
            assert_eq!(near(name, names.into_iter()), meant, "{name}");
        }
    }
}
