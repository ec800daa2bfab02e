#![doc = include_str!("../README.md")]

/// A mistake that only the simulation can switch on, to show that it would be found.
#[cfg(feature = "planted")]
macro_rules! planted {
    ($bug:ident) => {
        planted::is(planted::Bug::$bug)
    };
}
#[cfg(not(feature = "planted"))]
macro_rules! planted {
    ($bug:ident) => {
        false
    };
}

mod attributes;
mod begin;
mod call_log;
mod configuration;
mod control;
#[cfg(feature = "dynamodb")]
mod dynamodb;
mod item;
#[cfg(test)]
mod memory;
mod save;
mod statement;
mod sweep;
mod table;
mod turns;

use domain::InvoiceId;
use workflow::RunId;

pub use begin::{Begun, Claim, Reopen};
pub use call_log::{CallEntry, verify_chain};
pub use control::Control;
#[cfg(feature = "dynamodb")]
pub use dynamodb::{DynamoDb, OPEN_RUNS};
pub use item::{Held, StoredRun};
pub use save::Release;
pub use statement::{Amount, Books, Difference, Statement, Sum, Sums};
pub use sweep::{DueRun, DueRuns, Watermark};
pub use table::{Condition, Item, Page, Put, PutAnswer, Reason, Table, Test, TransactAnswer, Unavailable, Value};
pub use turns::Turns;

/// The version of the item's layout. A table that a newer version has written to is read-only for this one. In 1, all lines of a
/// subscription had the interval of its term: a program that knows no other would drop a line's own.
const SCHEMA: u32 = 2;

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Somebody else has taken the run since. Whatever was to be saved is theirs to find out now.
    #[error("the run was taken over by another worker")]
    Lost,
    /// The table did not answer, or not in time. The write may have happened.
    #[error("the ledger is not available: {0}")]
    Unavailable(String),
    /// The invoice or customer already belongs to another run.
    #[error("{0} is already linked to another run")]
    LinkTaken(String),
    /// A register that is written once was to be changed.
    #[error("the run already settled on {stored}, not on {given}")]
    RegisterChanged { stored: String, given: String },
    /// A newer version of this program has written to the table. This one only reads.
    #[error("the table has layout {0}, this version knows layout {SCHEMA}: deploy the newer version again")]
    Newer(u32),
    /// The item was written by a newer version of this program, or is damaged.
    #[error("the item {key} cannot be read: {why}")]
    Unreadable { key: String, why: String },
}

impl From<Unavailable> for LedgerError {
    fn from(Unavailable(why): Unavailable) -> Self {
        Self::Unavailable(why)
    }
}

/// The ledger in its table. Cheap to clone where the table is.
#[derive(Debug, Clone)]
pub struct Ledger<T> {
    table: T,
}

#[cfg(feature = "dynamodb")]
impl Ledger<DynamoDb> {
    pub fn new(client: aws_sdk_dynamodb::Client, table: impl Into<String>) -> Self {
        Self::over(DynamoDb::new(client, table))
    }
}

impl<T: Table> Ledger<T> {
    pub fn over(table: T) -> Self {
        Self { table }
    }

    /// The run that made an invoice, by a strongly consistent read.
    pub async fn run_of_invoice(&self, invoice_id: &InvoiceId) -> Result<Option<RunId>, LedgerError> {
        let key = item::link_key(invoice_id.as_str());
        let Some(link) = self.table.get(&key, item::LINK).await? else {
            return Ok(None);
        };
        item::run_id_of_link(&key, &link).map(Some)
    }

    /// A run as it is now, by a strongly consistent read, without taking it.
    pub async fn run(&self, key: &str) -> Result<Option<StoredRun>, LedgerError> {
        self.table.get(key, item::RUN).await?.map(|stored| StoredRun::read(key, &stored)).transpose()
    }
}

#[cfg(test)]
mod tests;
