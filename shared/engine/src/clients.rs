//! The world that is the cloud: each port is a client.

use std::collections::BTreeMap;

use domain::{CustomerId, InvoiceId, Record};
use jiff::Timestamp;
use ledger::{Begun, CallEntry, Claim, Control, Held, LedgerError, Release, StoredRun};
use queue::{Envelope, Parked, QueueError};
use workflow::{Run, RunId};

use crate::ports;

/// DynamoDB, SQS, Stripe, Salesforce, and the system's clock.
pub struct Cloud;

impl ports::World for Cloud {
    type Ledger = ledger::Ledger;
    type Stripe = stripe::Client;
    type Salesforce = salesforce::Client;
    type Reporter = queue::Queue;
    type Clock = SystemClock;
}

#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl ports::Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

impl<T: ledger::Table> ports::Ledger for ledger::Ledger<T> {
    async fn begin(&self, new: Run, claim: &Claim) -> Result<Begun, LedgerError> {
        self.begin(new, claim).await
    }

    async fn save(
        &self,
        held: &mut Held,
        run: Run,
        calls: &[CallEntry],
        release: Release,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        self.save(held, run, calls, release, now).await
    }

    async fn run_of_invoice(&self, invoice_id: &InvoiceId) -> Result<Option<RunId>, LedgerError> {
        self.run_of_invoice(invoice_id).await
    }

    async fn run(&self, key: &str) -> Result<Option<StoredRun>, LedgerError> {
        self.run(key).await
    }

    async fn control(&self, now: Timestamp) -> Result<Control, LedgerError> {
        self.control(now).await
    }
}

impl ports::Stripe for stripe::Client {
    async fn write(&self, write: &stripe::Write, idempotency_key: &str) -> Result<stripe::Reply, stripe::Error> {
        self.write(write, idempotency_key).await
    }

    async fn customer(&self, id: &CustomerId) -> Result<stripe::Customer, stripe::Error> {
        self.customer(id).await
    }

    async fn customers_created_since(&self, since: Timestamp) -> Result<Vec<stripe::Customer>, stripe::Error> {
        self.customers_created_since(since).await
    }

    async fn customers_by_metadata(&self, key: &str, value: &str) -> Result<Vec<stripe::Customer>, stripe::Error> {
        self.customers_by_metadata(key, value).await
    }

    async fn invoice(&self, id: &InvoiceId) -> Result<stripe::Invoice, stripe::Error> {
        self.invoice(id).await
    }

    async fn invoice_metadata(&self, id: &InvoiceId) -> Result<BTreeMap<String, String>, stripe::Error> {
        self.invoice_metadata(id).await
    }

    async fn invoice_lines(&self, id: &InvoiceId) -> Result<Vec<stripe::InvoiceLine>, stripe::Error> {
        self.invoice_lines(id).await
    }

    async fn invoices_of_customer(
        &self,
        id: &CustomerId,
        created_since: Timestamp,
    ) -> Result<Vec<stripe::Invoice>, stripe::Error> {
        self.invoices_of_customer(id, created_since).await
    }
}

impl ports::Salesforce for salesforce::Client {
    async fn read(&self, queries: &[String]) -> Result<Vec<Vec<Record>>, salesforce::Error> {
        self.read(queries).await
    }

    async fn write(
        &self,
        updates: &[salesforce::Update],
        read_back: &[String],
    ) -> Result<Vec<Vec<Record>>, salesforce::Error> {
        self.write(updates, read_back).await
    }
}

impl ports::Reporter for queue::Queue {
    async fn park(&self, envelope: &Envelope, parked: Parked) -> Result<(), QueueError> {
        self.park(envelope, parked).await
    }
}
