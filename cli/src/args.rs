//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use domain::OrganizationId;

use crate::Subject;

#[derive(Debug, Parser)]
#[command(name = "closedwon", version, about = "Asks Closedwon what it did and why, and what it would do")]
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
    /// The configuration file.
    Config {
        #[command(subcommand)]
        command: Config,
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
        let line = "closedwon explain in_1 --table t --organization 00D000000000001EAA --json";
        let Command::Explain { subject, json: true, .. } =
            Args::try_parse_from(line.split(' ')).expect("valid").command
        else {
            panic!("it is to be explained")
        };
        assert_eq!(subject.to_string(), "in_1");
    }
}
