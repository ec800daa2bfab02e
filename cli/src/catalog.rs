//! `closedwon catalog`: which Stripe price each product of the organization's is billed with, found once and kept in step.

mod apply;
mod codes;
mod compare;
mod connect;
mod drift;
mod evidence;
mod matching;
mod outcome;
mod plan;
mod product;
mod read;
mod records;
mod report;
mod words;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Subcommand;
pub use connect::Connection;
use connect::{Decided, connect};
use domain::{PriceId, Product2Id};
use drift::Drift;
pub use outcome::{Outcome, Written};
pub use plan::{Creation, Edited, Left, Wishes};
pub use read::{CatalogError, Clients};
pub use records::Settings;
pub use report::{Entry, Mode, Report, State};
use serde::Serialize;

use crate::Exit;
use crate::progress::Progress;
use crate::terminal::Terminal;

#[derive(Debug, Subcommand)]
pub enum CatalogCommand {
    /// Shows the Stripe price that each product should be billed with, why, and what speaks against it. Changes nothing.
    Suggest {
        #[command(flatten)]
        connection: Connection,
        /// For programs, and to be edited and given to `apply --from`.
        #[arg(long)]
        json: bool,
    },
    /// Writes Stripe Price Id of the products whose price is certain, and of those for which a person named it.
    Apply {
        #[command(flatten)]
        connection: Connection,
        /// The price of a product, whatever speaks against it: 01t…=price_…. May be given several times.
        #[arg(long, value_name = "PRODUCT=PRICE", value_parser = accepted)]
        accept: Vec<(Product2Id, PriceId)>,
        /// What `suggest --json` wrote and a person edited: what is accepted in there, and nothing else.
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// Makes products and prices at Stripe where none was found, when a person has confirmed it.
        #[arg(long)]
        create: bool,
        /// Confirms it.
        #[arg(long, requires = "create")]
        yes: bool,
        /// Writes although the Stripe key is a live one.
        #[arg(long)]
        live: bool,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
}

impl CatalogCommand {
    fn is_json(&self) -> bool {
        match self {
            Self::Suggest { json, .. } | Self::Apply { json, .. } => *json,
        }
    }
}

fn accepted(text: &str) -> Result<(Product2Id, PriceId), String> {
    let (product, price) = text.split_once('=').ok_or("it is a product and a price: 01t…=price_…")?;
    let product = Product2Id::parse(product.trim()).map_err(|why| why.to_string())?;
    Ok((product, PriceId::parse(price.trim()).map_err(|why| why.to_string())?))
}

/// Does what was asked, and says how it ends and what it prints.
pub async fn run(command: &CatalogCommand, terminal: Terminal) -> (Exit, String) {
    let progress = terminal.progress(command.is_json());
    let done = match command {
        CatalogCommand::Suggest { connection, json } => suggest_with(connection, progress.as_ref())
            .await
            .map(|report| (report.exit(), if *json { report.to_json() } else { terminal.text(&report) })),
        CatalogCommand::Apply { connection, accept, from, create, yes, live, json } => {
            let edited = from.as_deref().map(edited).transpose();
            let wishes = edited.map(|edited| Wishes {
                accepted: accept.iter().cloned().collect(),
                edited,
                create: *create,
                tax_behavior: None,
            });
            let confirm = |creations: &[Creation], mode| *yes || confirmed(creations, mode);
            let applied = match wishes {
                Ok(wishes) => apply_with(connection, wishes, *live, confirm, progress.as_ref()).await,
                Err(why) => Err(why),
            };
            applied.map(|outcome| (outcome.exit(), if *json { outcome.to_json() } else { terminal.text(&outcome) }))
        }
    };
    progress.end();
    done.unwrap_or_else(|(exit, why)| {
        eprintln!("closedwon: {why}");
        (exit, String::new())
    })
}

const MATCHING: &str = "matching";

type Failed = (Exit, String);

async fn suggest_with(connection: &Connection, progress: &dyn Progress) -> Result<Report, Failed> {
    let (clients, Decided { settings, .. }) = connected(connection).await?;
    suggest(&clients, &settings, progress).await.map_err(|why| (Exit::Unavailable, why.to_string()))
}

async fn apply_with(
    connection: &Connection,
    wishes: Wishes,
    live: bool,
    confirm: impl FnOnce(&[Creation], Mode) -> bool,
    progress: &dyn Progress,
) -> Result<Outcome, Failed> {
    let (clients, Decided { settings, tax }) = connected(connection).await?;
    let wishes = Wishes { tax_behavior: tax.map(mapping::TaxBehavior::as_str), ..wishes };
    may_write(Mode::of(&clients.stripe), live, &wishes).map_err(|why| (Exit::Misunderstood, why))?;
    apply(&clients, &settings, &wishes, confirm, progress).await.map_err(|why| (Exit::Unavailable, why.to_string()))
}

async fn connected(connection: &Connection) -> Result<(Clients, Decided), Failed> {
    let (vendors, decided) = connection.read().map_err(|why| (Exit::Misunderstood, why.to_string()))?;
    let clients = connect(&vendors).await.map_err(|why| (Exit::Unavailable, why.to_string()))?;
    Ok((clients, decided))
}

fn edited(path: &std::path::Path) -> Result<Edited, Failed> {
    let why = |why: String| (Exit::Misunderstood, format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| why(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| why(format!("it is not what `suggest --json` writes: {error}")))
}

/// Ids of one mode mean nothing in the other.
fn may_write(mode: Mode, live: bool, wishes: &Wishes) -> Result<(), String> {
    if mode == Mode::Live && !live {
        return Err("the Stripe key is a live one: give --live to write with it".to_owned());
    }
    match wishes.edited.as_ref().map(|edited| edited.mode) {
        Some(of_file) if of_file != mode => {
            Err(format!("the file is of {} mode, and the Stripe key of {} mode", of_file.as_str(), mode.as_str()))
        }
        _ => Ok(()),
    }
}

/// Reads both catalogues, and changes nothing.
pub async fn suggest(clients: &Clients, settings: &Settings, progress: &dyn Progress) -> Result<Report, CatalogError> {
    let catalogues = read::read(clients, settings, progress).await?;
    progress.begin(MATCHING, None);
    let report = Report::of(Mode::of(&clients.stripe), catalogues);
    progress.end();
    Ok(report)
}

/// Reads both catalogues again, and writes what is certain and what was asked for. Prices are made only where `confirm` says so, which is
/// asked once and before anything is written.
pub async fn apply(
    clients: &Clients,
    settings: &Settings,
    wishes: &Wishes,
    confirm: impl FnOnce(&[Creation], Mode) -> bool,
    progress: &dyn Progress,
) -> Result<Outcome, CatalogError> {
    let mut catalogues = read::read(clients, settings, progress).await?;
    progress.begin(MATCHING, None);
    let of_file = wishes.edited.iter().flat_map(|edited| &edited.products).filter_map(|entry| entry.price.as_ref());
    let named: Vec<_> = wishes.accepted.values().chain(of_file).cloned().collect();
    let found = matching::matches(&catalogues.products, &catalogues.stripe);
    read::look_up(&clients.stripe, &mut catalogues.stripe, &named).await?;
    let plan = plan::plan(&catalogues.products, &catalogues.stripe, &found, wishes);
    let mode = Mode::of(&clients.stripe);
    let mut outcome = Outcome { mode, written: Vec::new(), left: plan.left, in_step: plan.in_step, stopped: None };
    let mut creations = plan.creations;
    // Somebody may be asked now.
    progress.end();
    if !creations.is_empty() && !confirm(&creations, mode) {
        let why = |creation: Creation| Left {
            why: format!("no price was found, and nobody confirmed that one of {} is to be made", creation.costs),
            product: creation.product,
            name: creation.name,
        };
        outcome.left.extend(creations.drain(..).map(why));
    }
    let mut done = apply::write_all(clients, plan.writes, &mut outcome, progress).await;
    if done.is_ok() {
        done = apply::create_all(clients, creations, &mut outcome, progress).await;
    }
    progress.end();
    outcome.stopped = done.err();
    Ok(outcome)
}

/// On a terminal somebody is asked; elsewhere nobody has confirmed anything.
fn confirmed(creations: &[Creation], mode: Mode) -> bool {
    if !io::stdin().is_terminal() {
        return false;
    }
    for creation in creations {
        eprintln!("  {} {}: {}", creation.product, creation.name, creation.costs);
    }
    eprint!("Make these {} prices at Stripe, in {} mode? [y/N] ", creations.len(), mode.as_str());
    let _ = io::stderr().flush();
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok_and(|_| matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn to_json(what: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(what).expect("texts, numbers and lists are JSON");
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_key_writes_only_where_that_is_said() {
        let wishes = Wishes::default();
        assert!(may_write(Mode::Live, false, &wishes).is_err());
        assert_eq!(may_write(Mode::Live, true, &wishes), Ok(()));
        assert_eq!(may_write(Mode::Test, false, &wishes), Ok(()));
        let of_file = Wishes { edited: Some(Edited { mode: Mode::Test, products: vec![] }), ..Wishes::default() };
        assert!(may_write(Mode::Live, true, &of_file).is_err());
        assert_eq!(may_write(Mode::Test, false, &of_file), Ok(()));
    }

    #[test]
    fn a_person_names_a_product_and_a_price() {
        let (product, price) = accepted("01t000000000001=price_1").expect("valid");
        assert_eq!((product.as_str(), price.as_str()), ("01t000000000001AAA", "price_1"));
        for text in ["01t000000000001", "price_1=01t000000000001", "01t000000000001=prod_1", "006000000000001=price_1"]
        {
            assert!(accepted(text).is_err(), "{text}");
        }
    }
}
