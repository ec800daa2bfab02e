//! The configuration files that deals were planned under, by their hashes.

use domain::ConfigurationHash;

use crate::attributes::{get_text, item, number, text};
use crate::{Ledger, LedgerError, Put, SCHEMA, Table};

const FILE: &str = "file";

fn key(hash: &ConfigurationHash) -> String {
    format!("configuration#{hash}")
}

impl<T: Table> Ledger<T> {
    /// When this returns, the file's text is there. Whoever writes it again writes the same.
    pub async fn keep_configuration(&self, hash: &ConfigurationHash, file: &str) -> Result<(), LedgerError> {
        let stored =
            item([("pk", text(key(hash))), ("sk", text(FILE)), ("schema", number(SCHEMA)), ("document", text(file))]);
        self.table.put(Put { item: stored, condition: None }).await?;
        Ok(())
    }

    /// The text of a file that was kept.
    pub async fn configuration(&self, hash: &ConfigurationHash) -> Result<Option<String>, LedgerError> {
        let stored = self.table.get(&key(hash), FILE).await?;
        Ok(stored.map(|stored| get_text(&stored, "document").unwrap_or_default()))
    }
}
