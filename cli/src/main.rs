//! `closedwon`: reads the command line, asks, and prints.

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use closedwon::Exit;
use closedwon::args::{Args, Command, Config};
use closedwon::config::{check, check_with_organization};
use closedwon::explain::explain;
use closedwon::preview;
use closedwon::setup::Vendor;
use closedwon::terminal::{Terminal, colour_of};
use ledger::Ledger;
use platform::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // What cannot be understood ends with 2 in there.
    let matches = Args::command().color(colour_of(std::env::args_os())).get_matches();
    let args = Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let terminal = Terminal::of_process(args.color);
    let (exit, text) = match args.command {
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Args::command(), "closedwon", &mut std::io::stdout());
            return ExitCode::SUCCESS;
        }
        Command::Config { command: Config::Check { file, org, json } } => {
            let checked = match org {
                false => check(&file),
                true => check_with_organization(&file).await,
            };
            match checked {
                Ok(checked) => (checked.exit(), if json { checked.to_json() } else { terminal.text(&checked) }),
                Err(why) => {
                    eprintln!("closedwon: {why}");
                    (Exit::Unavailable, String::new())
                }
            }
        }
        Command::Preview(asked) => match preview::run(&asked, Environment::from_process(), terminal).await {
            Ok(found) => found,
            Err(why) => {
                eprintln!("closedwon: {why}");
                (Exit::Unavailable, String::new())
            }
        },
        Command::Catalog { command } => closedwon::catalog::run(&command, terminal).await,
        Command::Explain { subject, table, organization, json } => {
            let aws = platform::sdk_config().await;
            let ledger = Ledger::new(aws_sdk_dynamodb::Client::new(&aws), table);
            match explain(&ledger, &organization, &subject, jiff::Timestamp::now()).await {
                Ok(story) => (story.exit(), if json { story.to_json() } else { terminal.text(&story) }),
                Err(why) => {
                    eprintln!("closedwon: {why}");
                    (Exit::Unavailable, String::new())
                }
            }
        }
        Command::Doctor(args) => match args.run(terminal.progress(args.json).as_ref()).await {
            Ok(report) => (report.exit(), if args.json { report.to_json() } else { terminal.text(&report) }),
            Err(why) => {
                eprintln!("closedwon: {why}");
                (why.exit(), String::new())
            }
        },
        Command::Setup { vendor: Vendor::Stripe(args) } => match args.run().await {
            Ok(report) => (report.exit(), if args.json { report.to_json() } else { terminal.text(&report) }),
            Err(why) => {
                eprintln!("closedwon: {why}");
                (Exit::Unavailable, String::new())
            }
        },
    };
    terminal.print(&text);
    ExitCode::from(exit as u8)
}
