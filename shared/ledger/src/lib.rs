#![doc = include_str!("../README.md")]

mod attributes;
mod begin;
mod call_log;
mod item;
mod save;

use aws_sdk_dynamodb::Client;
use domain::InvoiceId;
use workflow::RunId;

pub use begin::{Begun, Claim, Reopen};
pub use call_log::{CallEntry, verify_chain};
pub use item::{Held, StoredRun};
pub use save::Release;

/// The version of the item's layout. A table that a newer version has written to is read-only for this one.
const SCHEMA: u32 = 1;

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
    /// The item was written by a newer version of this program, or is damaged.
    #[error("the item {key} cannot be read: {why}")]
    Unreadable { key: String, why: String },
}

/// A table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ledger {
    client: Client,
    table: String,
}

impl Ledger {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// The run that made an invoice, by a strongly consistent read.
    pub async fn run_of_invoice(&self, invoice_id: &InvoiceId) -> Result<Option<RunId>, LedgerError> {
        let key = item::link_key(invoice_id.as_str());
        let Some(link) = self.get(&key, item::LINK).await? else {
            return Ok(None);
        };
        item::run_id_of_link(&key, &link).map(Some)
    }

    /// A run as it is now, by a strongly consistent read, without taking it.
    pub async fn run(&self, id: &RunId) -> Result<Option<StoredRun>, LedgerError> {
        let key = id.to_string();
        self.get(&key, item::RUN).await?.map(|stored| StoredRun::read(&key, &stored)).transpose()
    }

    async fn get(&self, pk: &str, sk: &str) -> Result<Option<attributes::Item>, LedgerError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", attributes::text(pk))
            .key("sk", attributes::text(sk))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| unavailable("reading", &error))?;
        Ok(answer.item)
    }
}

/// The SDK's own words for what went wrong, down to the cause; they name the error and the table, never an item.
fn unavailable<E: std::error::Error>(doing: &str, error: &E) -> LedgerError {
    let mut text = format!("{doing}: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    LedgerError::Unavailable(text.chars().take(300).collect())
}
