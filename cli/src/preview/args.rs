//! What is asked of `closedwon preview`.

use std::path::PathBuf;

use clap::Args;
use domain::OpportunityId;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::Subject;

#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// The opportunity's id (006…), or the address of its page.
    #[arg(value_parser = opportunity, required_unless_present = "soql", conflicts_with = "soql")]
    pub opportunity: Option<OpportunityId>,
    /// Of all opportunities that this query finds: `SELECT Id FROM Opportunity WHERE …`.
    #[arg(long)]
    pub soql: Option<String>,
    /// As if it were this moment (2026-12-01, or 2026-12-01T09:00:00Z). What stands in Salesforce and at Stripe is what stands there now.
    #[arg(long, value_parser = moment)]
    pub at: Option<Timestamp>,
    /// Of so many at most.
    #[arg(long, default_value_t = 50, conflicts_with = "opportunity")]
    pub most: usize,
    /// The configuration file that decides, deployed or not.
    #[arg(long, default_value = "infra/closedwon.toml")]
    pub config: PathBuf,
    /// For programs.
    #[arg(long)]
    pub json: bool,
}

fn opportunity(text: &str) -> Result<OpportunityId, String> {
    match Subject::parse(text) {
        Ok(Subject::Opportunity(id)) => Ok(id),
        Ok(other) => Err(format!("{other} is no opportunity (006…)")),
        Err(why) => Err(why.to_string()),
    }
}

/// A day begins at midnight in UTC, as the terms of subscriptions do.
fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<Date>().ok().map(mapping::midnight);
    let at = text.parse::<Timestamp>().ok().or_else(day);
    at.ok_or_else(|| "it is no day (2026-12-01) and no moment (2026-12-01T09:00:00Z)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_midnight() {
        for (text, expected) in [
            ("2026-12-01", Some("2026-12-01T00:00:00Z")),
            ("2026-12-01T09:00:00Z", Some("2026-12-01T09:00:00Z")),
            ("2026-12-01T09:00:00+01:00", Some("2026-12-01T08:00:00Z")),
            ("tomorrow", None),
            ("2026-13-01", None),
        ] {
            assert_eq!(moment(text).ok().map(|at| at.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn only_an_opportunity_is_previewed() {
        assert!(
            opportunity("https://acme.lightning.force.com/lightning/r/Opportunity/006000000000001AAA/view").is_ok()
        );
        for text in ["001000000000001AAA", "in_1", "", "006"] {
            assert!(opportunity(text).is_err(), "{text}");
        }
    }
}
