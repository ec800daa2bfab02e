//! The world as the engine sees it. The cloud implements these with the clients; the simulator with itself.

#![allow(
    async_fn_in_trait,
    reason = "the ports are used through concrete types, whose futures are as Send as they are"
)]

use std::collections::BTreeMap;

use domain::{CustomerId, InvoiceId, Record};
use jiff::Timestamp;
use ledger::{Begun, CallEntry, Claim, Control, Held, LedgerError, Release, StoredRun};
use queue::{Envelope, Parked, QueueError};
use workflow::{Run, RunId};

/// Which world it is.
pub trait World {
    type Ledger: Ledger;
    type Stripe: Stripe;
    type Salesforce: Salesforce;
    type Reporter: Reporter;
    type Clock: Clock;
}

pub trait Clock {
    fn now(&self) -> Timestamp;
}

/// See `ledger::Ledger` for what is true when each returns.
pub trait Ledger {
    async fn begin(&self, new: Run, claim: &Claim) -> Result<Begun, LedgerError>;
    async fn save(
        &self,
        held: &mut Held,
        run: Run,
        calls: &[CallEntry],
        release: Release,
        now: Timestamp,
    ) -> Result<(), LedgerError>;
    async fn run_of_invoice(&self, invoice_id: &InvoiceId) -> Result<Option<RunId>, LedgerError>;
    async fn run(&self, key: &str) -> Result<Option<StoredRun>, LedgerError>;
    async fn control(&self, now: Timestamp) -> Result<Control, LedgerError>;
}

/// See `stripe::Client`.
pub trait Stripe {
    async fn write(&self, write: &stripe::Write, idempotency_key: &str) -> Result<stripe::Reply, stripe::Error>;
    async fn customer(&self, id: &CustomerId) -> Result<stripe::Customer, stripe::Error>;
    async fn customers_created_since(&self, since: Timestamp) -> Result<Vec<stripe::Customer>, stripe::Error>;
    async fn customers_by_metadata(&self, key: &str, value: &str) -> Result<Vec<stripe::Customer>, stripe::Error>;
    async fn invoice(&self, id: &InvoiceId) -> Result<stripe::Invoice, stripe::Error>;
    async fn invoice_metadata(&self, id: &InvoiceId) -> Result<BTreeMap<String, String>, stripe::Error>;
    async fn invoice_lines(&self, id: &InvoiceId) -> Result<Vec<stripe::InvoiceLine>, stripe::Error>;
    async fn invoices_of_customer(
        &self,
        id: &CustomerId,
        created_since: Timestamp,
    ) -> Result<Vec<stripe::Invoice>, stripe::Error>;
}

/// See `salesforce::Client`.
pub trait Salesforce {
    async fn read(&self, queries: &[String]) -> Result<Vec<Vec<Record>>, salesforce::Error>;
    async fn write(
        &self,
        updates: &[salesforce::Update],
        read_back: &[String],
    ) -> Result<Vec<Vec<Record>>, salesforce::Error>;
}

/// Puts an event where a person sees it.
pub trait Reporter {
    async fn park(&self, envelope: &Envelope, parked: Parked) -> Result<(), QueueError>;
}
