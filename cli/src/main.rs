//! `closedwon`: reads the command line, asks, and prints.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use closedwon::Exit;
use closedwon::args::{Args, Command, Config};
use closedwon::config::{check, check_with_organization};
use closedwon::explain::explain;
use closedwon::preview;
use closedwon::setup::Vendor;
use ledger::Ledger;
use platform::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // What cannot be understood ends with 2 in there.
    let args = Args::parse();
    let (exit, text) = match args.command {
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Args::command(), "closedwon", &mut io::stdout());
            return ExitCode::SUCCESS;
        }
        Command::Config { command: Config::Check { file, org, json } } => {
            let checked = match org {
                false => check(&file),
                true => check_with_organization(&file).await,
            };
            match checked {
                Ok(checked) => (checked.exit(), if json { checked.to_json() } else { checked.to_string() }),
                Err(why) => {
                    eprintln!("closedwon: {why}");
                    (Exit::Unavailable, String::new())
                }
            }
        }
        Command::Preview(asked) => match preview::run(&asked, Environment::from_process()).await {
            Ok(found) => found,
            Err(why) => {
                eprintln!("closedwon: {why}");
                (Exit::Unavailable, String::new())
            }
        },
        Command::Catalog { command } => closedwon::catalog::run(&command).await,
        Command::Explain { subject, table, organization, json } => {
            let aws = platform::sdk_config().await;
            let ledger = Ledger::new(aws_sdk_dynamodb::Client::new(&aws), table);
            match explain(&ledger, &organization, &subject, jiff::Timestamp::now()).await {
                Ok(story) => (story.exit(), if json { story.to_json() } else { story.to_string() }),
                Err(why) => {
                    eprintln!("closedwon: {why}");
                    (Exit::Unavailable, String::new())
                }
            }
        }
        Command::Doctor(args) => match args.run().await {
            Ok(report) => (report.exit(), if args.json { report.to_json() } else { report.to_string() }),
            Err(why) => {
                eprintln!("closedwon: {why}");
                (why.exit(), String::new())
            }
        },
        Command::Setup { vendor: Vendor::Stripe(args) } => match args.run().await {
            Ok(report) => (report.exit(), if args.json { report.to_json() } else { report.to_string() }),
            Err(why) => {
                eprintln!("closedwon: {why}");
                (Exit::Unavailable, String::new())
            }
        },
    };
    // Whoever reads it may have read enough.
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::from(exit as u8)
}
