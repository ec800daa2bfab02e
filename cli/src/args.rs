//! The command line.

use std::path::PathBuf;

use clap::{ColorChoice, Parser, Subcommand};
use clap_complete::Shell;
use domain::OrganizationId;

use crate::Subject;
use crate::catalog::CatalogCommand;
use crate::preview::PreviewArgs;

#[derive(Debug, Parser)]
#[command(
    name = "closedwon",
    version,
    about = "Sets up a deployment of Closedwon, and asks it what it did and why, and what it would do"
)]
pub struct Args {
    /// When there are colours.
    #[arg(long, global = true, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tells the story of a deal, an account, an invoice or a subscription from the ledger. Changes nothing.
    Explain {
        /// Its id (006…, 001…, in_…, sub_…), or the address of its page.
        #[arg(value_parser = Subject::parse)]
        subject: Subject,
        /// The ledger's table.
        #[arg(long, env = "LEDGER_TABLE")]
        table: String,
        /// The id of the Salesforce organization (00D…).
        #[arg(long, env = "SALESFORCE_ORG_ID", value_parser = organization)]
        organization: OrganizationId,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// The configuration file.
    Config {
        #[command(subcommand)]
        command: Config,
    },
    /// Finds the Stripe price of each product in Salesforce, and keeps them in step.
    Catalog {
        #[command(subcommand)]
        command: Box<CatalogCommand>,
    },
    /// Shows what would happen to a deal if its event came now: every call, and what it comes to. Writes nothing.
    Preview(PreviewArgs),
    /// Checks whether a deployment can do its work, and says what mends what it finds. Changes nothing.
    Doctor(crate::doctor::DoctorArgs),
    /// Sets up what a deployment needs at a vendor. Run twice, it changes nothing.
    Setup {
        #[command(subcommand)]
        vendor: crate::setup::Vendor,
    },
    /// Writes what a shell needs to complete this command.
    Completions { shell: Shell },
}

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Says everything that is wrong with the file, each with its place. Changes nothing.
    Check {
        /// The file.
        #[arg(default_value = "infra/closedwon.toml")]
        file: PathBuf,
        /// Asks the Salesforce organization of the environment's variables which fields it has, too.
        #[arg(long)]
        org: bool,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
}

fn organization(text: &str) -> Result<OrganizationId, String> {
    OrganizationId::parse(text).map_err(|why| why.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_is_put_together_well() {
        Args::command().debug_assert();
    }

    #[test]
    fn what_is_misspelt_is_a_usage_error() {
        for line in [
            "",
            "explain",
            "explian 006gK000001AbCd",
            "config",
            "config chekc",
            "explain 006gK000001AbCd --table t --organization 001",
        ] {
            let error = Args::try_parse_from(["closedwon"].into_iter().chain(line.split_whitespace())).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
        let accept = "catalog apply --accept 01t000000000001=price_1";
        for (line, is_understood) in [
            ("catalog", false),
            ("catalog suggest --json", true),
            ("catalog suggest --live", false),
            ("catalog apply --create --yes --live --config other.toml", true),
            ("catalog apply --yes", false),
            ("catalog apply --stripe-tax exclusive", false),
            ("catalog apply --accept 01t000000000001=prod_1", false),
            (accept, true),
            (
                "catalog apply --from prices.json --accept 01t000000000001=price_1 --accept 01t000000000002=price_2",
                true,
            ),
        ] {
            let parsed = Args::try_parse_from(["closedwon"].into_iter().chain(line.split_whitespace()));
            assert_eq!(parsed.map_err(|error| error.exit_code()).err(), (!is_understood).then_some(2), "{line}");
        }
        for line in [
            "preview",
            "preview 001000000000001AAA",
            "preview 006000000000001AAA --soql x",
            "preview 006000000000001AAA --at tomorrow",
        ] {
            let error = Args::try_parse_from(["closedwon"].into_iter().chain(line.split_whitespace())).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
        let line = "closedwon preview --soql x --most 5 --at 2026-12-01 --json";
        let Command::Preview(PreviewArgs {
            shown: None, soql: Some(_), most: Some(5), at: Some(_), json: true, ..
        }) = Args::try_parse_from(line.split(' ')).expect("valid").command
        else {
            panic!("it is to be previewed")
        };
        let line = "closedwon explain in_1 --table t --organization 00D000000000001EAA --json";
        let Command::Explain { subject, json: true, .. } =
            Args::try_parse_from(line.split(' ')).expect("valid").command
        else {
            panic!("it is to be explained")
        };
        assert_eq!(subject.to_string(), "in_1");
    }
}
