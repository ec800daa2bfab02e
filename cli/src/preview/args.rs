//! What is asked of `closedwon preview`.

use std::path::PathBuf;

use clap::Args;
use domain::{ListViewId, OpportunityId};
use jiff::Timestamp;
use jiff::civil::Date;

use super::lists::ListName;
use crate::Subject;
use crate::subject::words;

#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// An opportunity's id (006…) or the address of its page; or a list view's id (00B…) or its address in Lightning, for all that it shows.
    #[arg(value_parser = Shown::parse, required_unless_present = "soql", conflicts_with = "soql", value_name = "OPPORTUNITY|LIST_VIEW")]
    pub shown: Option<Shown>,
    /// Of all opportunities that this query finds: `SELECT Id FROM Opportunity WHERE …`.
    #[arg(long)]
    pub soql: Option<String>,
    /// As if it were this moment (2026-12-01, or 2026-12-01T09:00:00Z). What stands in Salesforce and at Stripe is what stands there now.
    #[arg(long, value_parser = moment)]
    pub at: Option<Timestamp>,
    /// Of a list view or a query, so many deals at most [default: 50].
    #[arg(long)]
    pub most: Option<usize>,
    /// The configuration file that decides, deployed or not.
    #[arg(long, default_value = "infra/closedwon.toml")]
    pub config: PathBuf,
    /// For programs.
    #[arg(long)]
    pub json: bool,
}

const MOST: usize = 50;

/// What is to be previewed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted<'a> {
    Deal(&'a OpportunityId),
    List(&'a ListName, usize),
    Query(&'a str, usize),
}

impl PreviewArgs {
    pub(super) fn wanted(&self) -> Result<Wanted<'_>, &'static str> {
        let most = self.most.unwrap_or(MOST);
        match (&self.shown, &self.soql) {
            (Some(Shown::Deal(_)), _) if self.most.is_some() => Err("--most is of many deals, and one is asked for"),
            (Some(Shown::Deal(id)), _) => Ok(Wanted::Deal(id)),
            (Some(Shown::List(name)), _) => Ok(Wanted::List(name, most)),
            (None, Some(soql)) => Ok(Wanted::Query(soql, most)),
            (None, None) => Err("an opportunity, a list view or a query is to be given"),
        }
    }
}

/// What a person has in front of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    Deal(OpportunityId),
    List(ListName),
}

impl Shown {
    /// An id, or the address of a page that shows it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(name) = list_of_address(text)? {
            return Ok(Self::List(name));
        }
        match Subject::parse(text) {
            Ok(Subject::Opportunity(id)) => return Ok(Self::Deal(id)),
            Ok(other) => return Err(format!("{other} is no opportunity (006…) and no list view (00B…)")),
            Err(_) => {}
        }
        let id = words(text).find_map(|word| ListViewId::parse(word).ok());
        let none = || "there is no id in it of an opportunity (006…) or of a list view (00B…)".to_owned();
        id.map(|id| Self::List(ListName::Id(id))).ok_or_else(none)
    }
}

/// `…/lightning/o/Opportunity/list?filterName=…`, with the list view's id or its developer name.
fn list_of_address(text: &str) -> Result<Option<ListName>, String> {
    let Some((page, query)) = text.trim().split_once("/list?") else { return Ok(None) };
    let Some((_, object)) = page.rsplit_once("/lightning/o/") else { return Ok(None) };
    if object != "Opportunity" {
        return Err(format!("it is a list of {object}, and only opportunities are previewed"));
    }
    let query = query.split('#').next().unwrap_or_default();
    let filter = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "filterName");
    let Some((_, filter)) = filter else {
        return Err("the address does not say which list view it is of (filterName)".to_owned());
    };
    if let Ok(id) = ListViewId::parse(&filter) {
        return Ok(Some(ListName::Id(id)));
    }
    // Lightning's own ones, like what was looked at lately (__Recent), begin with underscores, and Salesforce says of none what it shows.
    let is_name = filter.starts_with(|c: char| c.is_ascii_alphabetic())
        && filter.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match is_name {
        true => Ok(Some(ListName::DeveloperName(filter.into_owned()))),
        false => {
            Err(format!("{filter} is no list view that somebody made: choose one in Salesforce, and give its address"))
        }
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

    fn name(text: &str) -> Shown {
        Shown::List(ListName::DeveloperName(text.to_owned()))
    }

    #[test]
    fn deals_and_list_views_are_told_apart_wherever_they_were_copied_from() {
        let deal = || Shown::Deal(OpportunityId::parse("006000000000001AAA").expect("valid"));
        let list = || Shown::List(ListName::Id(ListViewId::parse("00B000000000001EAA").expect("valid")));
        let lightning = "https://acme.lightning.force.com/lightning";
        for (text, expected) in [
            ("006000000000001AAA".to_owned(), deal()),
            (format!("{lightning}/r/Opportunity/006000000000001AAA/view"), deal()),
            ("00B000000000001".to_owned(), list()),
            (format!("{lightning}/o/Opportunity/list?filterName=00B000000000001EAA"), list()),
            (format!("{lightning}/o/Opportunity/list?0.source=alohaHeader&filterName=00B000000000001#x"), list()),
            ("https://acme.my.salesforce.com/006?fcf=00B000000000001".to_owned(), list()),
            (format!(" {lightning}/o/Opportunity/list?filterName=Won_this_month "), name("Won_this_month")),
        ] {
            assert_eq!(Shown::parse(&text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_told_why() {
        let list = |rest: &str| format!("https://acme.lightning.force.com/lightning/o/{rest}");
        for (text, why) in [
            (list("Account/list?filterName=00B000000000001EAA"), "it is a list of Account"),
            (list("Opportunity/list?filterName=__Recent"), "__Recent is no list view"),
            (list("Opportunity/list?filterName=a%27%20OR"), "is no list view"),
            (list("Opportunity/list?filterName="), "is no list view"),
            (list("Opportunity/list?x=1"), "(filterName)"),
            (list("Opportunity/home"), "there is no id"),
            ("001000000000001AAA".to_owned(), "is no opportunity"),
            ("in_1".to_owned(), "is no opportunity"),
            (String::new(), "there is no id"),
            ("006".to_owned(), "there is no id"),
        ] {
            let told = Shown::parse(&text).expect_err(&text);
            assert!(told.contains(why), "{text}: {told}");
        }
    }

    #[test]
    fn many_deals_have_a_limit_and_one_has_none() {
        let args = |shown: Option<Shown>, soql: Option<&str>, most| PreviewArgs {
            shown,
            soql: soql.map(str::to_owned),
            at: None,
            most,
            config: PathBuf::new(),
            json: false,
        };
        let deal = OpportunityId::parse("006000000000001AAA").expect("valid");
        let one = |most| args(Some(Shown::Deal(deal.clone())), None, most);
        assert_eq!(one(None).wanted(), Ok(Wanted::Deal(&deal)));
        assert!(one(Some(5)).wanted().is_err());
        let listed = ListName::DeveloperName("Won".into());
        assert_eq!(args(Some(name("Won")), None, Some(5)).wanted(), Ok(Wanted::List(&listed, 5)));
        assert_eq!(args(None, Some("SELECT"), None).wanted(), Ok(Wanted::Query("SELECT", 50)));
        assert!(args(None, None, None).wanted().is_err());
    }
}
