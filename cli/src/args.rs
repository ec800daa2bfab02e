//! The command line.

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use domain::OrganizationId;

use crate::Subject;

#[derive(Debug, Parser)]
#[command(name = "closedwon", version, about = "Sets up a deployment of Closedwon, and asks it what it did, and why")]
pub struct Args {
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
        for line in ["", "explain", "explian 006gK000001AbCd", "explain 006gK000001AbCd --table t --organization 001"] {
            let error = Args::try_parse_from(["closedwon"].into_iter().chain(line.split_whitespace())).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
        let line = "closedwon explain in_1 --table t --organization 00D000000000001EAA --json";
        let Command::Explain { subject, json: true, .. } =
            Args::try_parse_from(line.split(' ')).expect("valid").command
        else {
            panic!("it is to be explained")
        };
        assert_eq!(subject.to_string(), "in_1");
    }
}
