//! The call log: one entry for each outbound call, chained by hashes, so that a missing or altered one shows.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use workflow::RunId;

use crate::attributes::{get_text, item, number, text};
use crate::item::{Chain, StoredRun};
use crate::table::{Item, Table};
use crate::{Ledger, LedgerError};

/// How long entries are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

/// One call. It holds no body, no name and no address: what was sent is in the plan, and this says that it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEntry {
    pub at: Timestamp,
    /// `stripe`, `salesforce` or `queue`.
    pub system: String,
    /// What was asked for: `create_invoice`.
    pub call: String,
    /// The Stripe object or Salesforce record.
    pub target: Option<String>,
    pub idempotency_key: Option<String>,
    /// `ok`, `refused`, `no_effect`, `unknown`, `adopted`.
    pub outcome: String,
    /// The object that came of it; why, when it was not `ok`.
    pub detail: Option<String>,
    /// The vendor's id of the request, to ask its support about.
    pub request_id: Option<String>,
    pub duration_ms: i64,
}

#[derive(Serialize, Deserialize)]
struct Chained {
    previous: String,
    entry: CallEntry,
}

fn hash(document: &str) -> String {
    hex::encode(Sha256::digest(document))
}

impl Chain {
    /// The entry's item, and the chain with it.
    pub(crate) fn append(&self, run_id: &RunId, entry: &CallEntry) -> Result<(Item, Chain), LedgerError> {
        let key = run_id.to_string();
        let chained = Chained { previous: self.hash.clone(), entry: entry.clone() };
        let document = serde_json::to_string(&chained)
            .map_err(|why| LedgerError::Unreadable { key: key.clone(), why: why.to_string() })?;
        let next = Chain { length: self.length + 1, hash: hash(&document) };
        let item = item([
            ("pk", text(key)),
            ("sk", text(format!("call#{:08}", next.length))),
            ("subject", text(run_id.subject())),
            ("day", text(entry.at.to_string().chars().take(10).collect::<String>())),
            ("hash", text(&next.hash)),
            ("document", text(document)),
            ("expires_at", number(entry.at.saturating_add(KEPT).map_or(i64::MAX, Timestamp::as_second))),
        ]);
        Ok((item, next))
    }
}

/// Checks that entries follow each other without a gap and end at the head that the run holds.
pub fn verify_chain(documents: &[String], head: &str) -> Result<Vec<CallEntry>, String> {
    let mut previous = String::new();
    let mut entries = Vec::with_capacity(documents.len());
    for (index, document) in documents.iter().enumerate() {
        let chained: Chained = serde_json::from_str(document).map_err(|why| format!("entry {index}: {why}"))?;
        if chained.previous != previous {
            return Err(format!("entry {index} does not follow the one before it"));
        }
        previous = hash(document);
        entries.push(chained.entry);
    }
    if previous == head { Ok(entries) } else { Err("the last entry is not the head of the chain".into()) }
}

/// What is left of a run's log, each entry with its number: whatever is older than entries are kept may be gone, and nothing else.
fn verify_rest(numbered: Vec<(u64, String)>, stored: &StoredRun, now: Timestamp) -> Result<Vec<CallEntry>, String> {
    let is_old = |at: Timestamp| at.saturating_add(KEPT).is_ok_and(|until| until <= now);
    let (mut entries, mut last): (Vec<CallEntry>, Option<(u64, String)>) = (Vec::new(), None);
    // What was appended since the run was read is of no concern.
    for (number, document) in numbered.into_iter().filter(|(number, _)| *number <= stored.chain.length) {
        let chained: Chained = serde_json::from_str(&document).map_err(|why| format!("entry {number}: {why}"))?;
        // The table deletes them in no order.
        if is_old(chained.entry.at) {
            continue;
        }
        let follows = match &last {
            Some((before, hash)) => number == before + 1 && chained.previous == *hash,
            None => number == 1 && chained.previous.is_empty() || is_old(stored.created_at),
        };
        if !follows {
            return Err(format!("entry {number} does not follow the one before it"));
        }
        last = Some((number, hash(&document)));
        entries.push(chained.entry);
    }
    match last {
        Some((_, hash)) if hash == stored.chain.hash => Ok(entries),
        None if stored.chain.length == 0 || is_old(stored.updated_at) => Ok(entries),
        _ => Err("the last entry is not the head of the chain".into()),
    }
}

impl<T: Table> Ledger<T> {
    /// What is left of the call log of a run as it was read, in order and checked. Entries are kept for 400 days.
    pub async fn call_log_of(&self, stored: &StoredRun, now: Timestamp) -> Result<Vec<CallEntry>, LedgerError> {
        let key = stored.run.id.to_string();
        let numbered = self.entries(&key).await?;
        verify_rest(numbered, stored, now).map_err(|why| LedgerError::Unreadable { key, why })
    }

    /// The run's whole call log in order, checked: nothing of it may be gone, and nothing be there besides.
    pub async fn call_log(&self, id: &RunId) -> Result<Vec<CallEntry>, LedgerError> {
        let key = id.to_string();
        let Some(stored) = self.run(&key).await? else {
            return Ok(Vec::new());
        };
        let documents: Vec<_> = self.entries(&key).await?.into_iter().map(|(_, document)| document).collect();
        verify_chain(&documents, &stored.chain.hash).map_err(|why| LedgerError::Unreadable { key, why })
    }

    /// Each with its number, in order.
    async fn entries(&self, key: &str) -> Result<Vec<(u64, String)>, LedgerError> {
        let (mut numbered, mut after) = (Vec::new(), None);
        loop {
            let page = self.table.query(key, "call#", after).await?;
            numbered.extend(page.items.iter().filter_map(|item| {
                let number = get_text(item, "sk")?.strip_prefix("call#")?.parse().ok()?;
                Some((number, get_text(item, "document")?))
            }));
            after = page.next;
            if after.is_none() {
                return Ok(numbered);
            }
        }
    }
}
