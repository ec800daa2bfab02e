//! The run's item. Attributes that conditions and people look at stand beside the run, which is one JSON document.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use workflow::{Run, RunId, Status};

use crate::attributes::{get_number, get_text, get_time, item, number, text, time};
use crate::table::{Item, Value};
use crate::{LedgerError, SCHEMA};

pub(crate) const RUN: &str = "run";
pub(crate) const LINK: &str = "link";

/// The partition of the sparse index of open runs. One is enough for a few writes a second; the sweeper reads it whole.
pub(crate) const OPEN: &str = "run";

pub(crate) fn link_key(stripe_id: &str) -> String {
    format!("link#{stripe_id}")
}

/// A run as it stands in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRun {
    pub run: Run,
    pub status: String,
    /// Goes up with every taking; an earlier holder's saves fail on it.
    pub fence: u64,
    /// Goes up with every save.
    pub version: u64,
    pub owner: String,
    /// Until when the run belongs to its owner. Its end never means "safe to redo"; it means "look first".
    pub lease_until: Timestamp,
    /// How often the run was taken up.
    pub attempts: u32,
    /// Since when the run waits for the other side, if it does.
    pub waiting_since: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub(crate) chain: Chain,
    pub(crate) registers: Registers,
}

/// The head of the run's call log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Chain {
    pub(crate) length: u64,
    pub(crate) hash: String,
}

/// The ids that money hangs on, as the table holds them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Registers {
    pub(crate) customer_id: Option<String>,
    pub(crate) invoice_id: Option<String>,
}

impl Registers {
    /// Each workflow has one: a deal's customer is decided by the account's own run.
    pub(crate) fn of(run: &Run) -> Self {
        let customer_id = match run.id {
            RunId::AccountCustomer { .. } => run.customer_id().map(ToString::to_string),
            RunId::OpportunityWon { .. }
            | RunId::InvoicePaid { .. }
            | RunId::PaymentFailed { .. }
            | RunId::InvoiceChanged { .. }
            | RunId::SubscriptionChanged { .. }
            | RunId::Notification { .. } => None,
        };
        Self { customer_id, invoice_id: run.invoice_id().map(ToString::to_string) }
    }
}

/// A run that belongs to us until `lease_until`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub stored: StoredRun,
    /// Nobody worked on it before: there is nothing to look for.
    pub is_new: bool,
}

#[derive(Deserialize)]
struct Document {
    run: Run,
}

#[derive(Serialize)]
struct DocumentOf<'a> {
    run: &'a Run,
}

impl StoredRun {
    pub(crate) fn read(key: &str, item: &Item) -> Result<Self, LedgerError> {
        let unreadable = |why: &str| LedgerError::Unreadable { key: key.to_owned(), why: why.to_owned() };
        let schema: u32 = get_number(item, "schema").ok_or_else(|| unreadable("it has no schema version"))?;
        if schema > SCHEMA {
            return Err(unreadable("a newer version wrote it; deploy that version again"));
        }
        let document = get_text(item, "document").ok_or_else(|| unreadable("it has no document"))?;
        let Document { run } = serde_json::from_str(&document)
            .map_err(|why| unreadable(&format!("its document does not parse (column {})", why.column())))?;
        let missing = || unreadable("an attribute is missing");
        Ok(Self {
            run,
            status: get_text(item, "status").ok_or_else(missing)?,
            fence: get_number(item, "fence").ok_or_else(missing)?,
            version: get_number(item, "version").ok_or_else(missing)?,
            owner: get_text(item, "owner").ok_or_else(missing)?,
            lease_until: get_time(item, "lease_until").ok_or_else(missing)?,
            attempts: get_number(item, "attempts").ok_or_else(missing)?,
            waiting_since: get_time(item, "waiting_since"),
            created_at: get_time(item, "created_at").ok_or_else(missing)?,
            updated_at: get_time(item, "updated_at").ok_or_else(missing)?,
            chain: Chain {
                length: get_number(item, "call_count").ok_or_else(missing)?,
                hash: get_text(item, "call_hash").ok_or_else(missing)?,
            },
            registers: Registers {
                customer_id: get_text(item, "stripe_customer_id"),
                invoice_id: get_text(item, "stripe_invoice_id"),
            },
        })
    }

    /// The item. `next_check_at` and `open` exist only while the run is not finished, which keeps the index sparse.
    pub(crate) fn write(&self, next_check_at: Timestamp) -> Result<Item, LedgerError> {
        let key = self.run.id.to_string();
        let document = serde_json::to_string(&DocumentOf { run: &self.run })
            .map_err(|why| LedgerError::Unreadable { key: key.clone(), why: why.to_string() })?;
        let mut item = item([
            ("pk", text(key)),
            ("sk", text(RUN)),
            ("schema", number(SCHEMA)),
            ("workflow", text(self.run.id.workflow())),
            ("subject", text(self.run.id.subject())),
            ("status", text(&self.status)),
            ("point", text(self.run.point())),
            ("document", text(document)),
            ("fence", number(self.fence)),
            ("version", number(self.version)),
            ("owner", text(&self.owner)),
            ("lease_until", time(self.lease_until)),
            ("attempts", number(self.attempts)),
            ("created_at", time(self.created_at)),
            ("updated_at", time(self.updated_at)),
            ("call_count", number(self.chain.length)),
            ("call_hash", text(&self.chain.hash)),
        ]);
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                item.insert(name.to_owned(), value);
            }
        };
        set("stripe_customer_id", self.registers.customer_id.clone().map(text));
        set("stripe_invoice_id", self.registers.invoice_id.clone().map(text));
        set("epoch", self.run.restored.map(|restored| number(restored.epoch)));
        set("waiting_since", self.waiting_since.map(time));
        set("code", self.run.stop().map(|stop| text(stop.code.as_str())));
        set("reason", self.run.stop().map(|stop| text(&stop.message)));
        if self.run.status() == Status::Open && !planted!(HidesOpenRuns) {
            set("open", Some(text(OPEN)));
            set("next_check_at", Some(time(next_check_at)));
        }
        Ok(item)
    }
}

/// The reverse link, so that an invoice of Stripe's leads to its run.
pub(crate) fn link(stripe_id: &str, run_id: &RunId, now: Timestamp) -> Result<Item, LedgerError> {
    let key = link_key(stripe_id);
    let document = serde_json::to_string(run_id)
        .map_err(|why| LedgerError::Unreadable { key: key.clone(), why: why.to_string() })?;
    Ok(item([
        ("pk", text(key)),
        ("sk", text(LINK)),
        ("schema", number(SCHEMA)),
        ("run", text(run_id.to_string())),
        ("run_id", text(document)),
        ("subject", text(run_id.subject())),
        ("created_at", time(now)),
    ]))
}

pub(crate) fn run_id_of_link(key: &str, item: &Item) -> Result<RunId, LedgerError> {
    let unreadable = |why: String| LedgerError::Unreadable { key: key.to_owned(), why };
    if get_number::<u32>(item, "schema").is_none_or(|schema| schema > SCHEMA) {
        return Err(unreadable("a newer version wrote it; deploy that version again".into()));
    }
    let document = get_text(item, "run_id").ok_or_else(|| unreadable("it names no run".into()))?;
    serde_json::from_str(&document).map_err(|why| unreadable(why.to_string()))
}
