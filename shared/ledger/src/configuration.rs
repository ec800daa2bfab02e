//! The configuration files that deals were planned under, by their hashes.

use domain::ConfigurationHash;

use crate::attributes::{get_text, item, number, text};
use crate::{Condition, Ledger, LedgerError, Put, PutAnswer, SCHEMA, Table};

const FILE: &str = "file";
const FIRST: &str = "configuration#first";

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

    /// The first file that was ever kept here: what was planned before there were files was planned as it says. When this returns, it is
    /// this one or the one that was before it.
    pub async fn first_configuration(&self, hash: &ConfigurationHash) -> Result<ConfigurationHash, LedgerError> {
        let stored = item([
            ("pk", text(FIRST.to_owned())),
            ("sk", text(FILE)),
            ("schema", number(SCHEMA)),
            ("hash", text(hash.to_string())),
        ]);
        let why = |why: String| LedgerError::Unreadable { key: FIRST.to_owned(), why };
        match self.table.put(Put::when(stored, Condition::Absent)).await? {
            PutAnswer::Done => Ok(hash.clone()),
            PutAnswer::Failed(Some(first)) => {
                let first = get_text(&first, "hash").unwrap_or_default();
                ConfigurationHash::parse(&first).map_err(|no_hash| why(no_hash.to_string()))
            }
            PutAnswer::Failed(None) => Err(why("it is there and was not shown".to_owned())),
        }
    }

    /// The text of a file that was kept.
    pub async fn configuration(&self, hash: &ConfigurationHash) -> Result<Option<String>, LedgerError> {
        let stored = self.table.get(&key(hash), FILE).await?;
        Ok(stored.and_then(|stored| get_text(&stored, "document")))
    }
}
