//! The ledger that ships, over a table that nobody writes to. What a run notes of its calls is noted here as well.

use domain::{ConfigurationHash, InvoiceId, OrganizationId};
use jiff::Timestamp;
use jiff::civil::Date;
use ledger::{
    Begun, CallEntry, Claim, Control, DueRuns, Held, Ledger, LedgerError, Release, Statement, StoredRun, Table,
    Watermark,
};
use workflow::{Run, RunId};

use super::journal::Journal;
use super::table::Overlay;

pub(crate) struct Remembered<T> {
    pub(crate) ledger: Ledger<Overlay<T>>,
    pub(crate) journal: Journal,
}

impl<T: Table> engine::Ledger for Remembered<T> {
    async fn begin(&self, new: Run, claim: &Claim) -> Result<Begun, LedgerError> {
        self.ledger.begin(new, claim).await
    }

    async fn save(
        &self,
        held: &mut Held,
        run: Run,
        calls: &[CallEntry],
        release: Release,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        self.journal.called(run.id.workflow(), calls);
        self.ledger.save(held, run, calls, release, now).await
    }

    async fn keep_configuration(&self, hash: &ConfigurationHash, text: &str) -> Result<(), LedgerError> {
        self.ledger.keep_configuration(hash, text).await
    }

    async fn first_configuration(&self, hash: &ConfigurationHash) -> Result<ConfigurationHash, LedgerError> {
        self.ledger.first_configuration(hash).await
    }

    async fn configuration(&self, hash: &ConfigurationHash) -> Result<Option<String>, LedgerError> {
        self.ledger.configuration(hash).await
    }

    async fn run_of_invoice(&self, invoice_id: &InvoiceId) -> Result<Option<RunId>, LedgerError> {
        self.ledger.run_of_invoice(invoice_id).await
    }

    async fn run(&self, key: &str) -> Result<Option<StoredRun>, LedgerError> {
        self.ledger.run(key).await
    }

    async fn control(&self, now: Timestamp) -> Result<Control, LedgerError> {
        self.ledger.control(now).await
    }

    async fn due_runs(&self, until: Timestamp, after: Option<&str>) -> Result<DueRuns, LedgerError> {
        self.ledger.due_runs(until, after).await
    }

    async fn watermark(&self, org: &OrganizationId, name: &str) -> Result<Watermark, LedgerError> {
        self.ledger.watermark(org, name).await
    }

    async fn set_watermark(
        &self,
        org: &OrganizationId,
        name: &str,
        watermark: &mut Watermark,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        self.ledger.set_watermark(org, name, watermark, now).await
    }

    async fn save_statement(&self, org: &OrganizationId, statement: &Statement) -> Result<(), LedgerError> {
        self.ledger.save_statement(org, statement).await
    }

    async fn statement(&self, org: &OrganizationId, day: Date) -> Result<Option<Statement>, LedgerError> {
        self.ledger.statement(org, day).await
    }
}
