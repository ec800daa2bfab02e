//! Each port is a client.

use std::collections::BTreeMap;

use domain::{
    ChargeId, ConfigurationHash, CreditNoteId, CustomerId, DisputeId, InvoiceId, InvoicePaymentId, OrganizationId,
    PriceId, Record, ScheduleId, SubscriptionId,
};
use jiff::Timestamp;
use jiff::civil::Date;
use ledger::{Begun, CallEntry, Claim, Control, DueRuns, Held, LedgerError, Release, Statement, StoredRun, Watermark};
use stripe::webhook::Notification;
use stripe::{Cursor, Page};
use workflow::{Run, RunId};

use crate::ports;

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

    async fn due_runs(&self, until: Timestamp, after: Option<&str>) -> Result<DueRuns, LedgerError> {
        self.due_runs(until, after).await
    }

    async fn watermark(&self, org: &OrganizationId, name: &str) -> Result<Watermark, LedgerError> {
        self.watermark(org, name).await
    }

    async fn set_watermark(
        &self,
        org: &OrganizationId,
        name: &str,
        watermark: &mut Watermark,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        self.set_watermark(org, name, watermark, now).await
    }

    async fn keep_configuration(&self, hash: &ConfigurationHash, text: &str) -> Result<(), LedgerError> {
        self.keep_configuration(hash, text).await
    }

    async fn first_configuration(&self, hash: &ConfigurationHash) -> Result<ConfigurationHash, LedgerError> {
        self.first_configuration(hash).await
    }

    async fn configuration(&self, hash: &ConfigurationHash) -> Result<Option<String>, LedgerError> {
        self.configuration(hash).await
    }

    async fn save_statement(&self, org: &OrganizationId, statement: &Statement) -> Result<(), LedgerError> {
        self.save_statement(org, statement).await
    }

    async fn statement(&self, org: &OrganizationId, day: Date) -> Result<Option<Statement>, LedgerError> {
        self.statement(org, day).await
    }
}

impl ports::Stripe for stripe::Client {
    fn in_turn(&self, waits: bool) {
        self.in_turn(waits);
    }

    async fn write(&self, write: &stripe::Write, idempotency_key: &str) -> Result<stripe::Reply, stripe::Error> {
        self.write(write, idempotency_key).await
    }

    async fn customer(&self, id: &CustomerId) -> Result<stripe::Customer, stripe::Error> {
        self.customer(id).await
    }

    async fn tax_ids(&self, id: &CustomerId) -> Result<Vec<stripe::TaxIdObject>, stripe::Error> {
        self.tax_ids(id).await
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

    async fn whole_invoice_metadata(&self, id: &InvoiceId) -> Result<BTreeMap<String, String>, stripe::Error> {
        self.whole_invoice_metadata(id).await
    }

    async fn collecting(&self, id: &InvoiceId) -> Result<stripe::Collecting, stripe::Error> {
        self.collecting(id).await
    }

    async fn invoice_standing(&self, id: &InvoiceId) -> Result<stripe::InvoiceStanding, stripe::Error> {
        self.invoice_standing(id).await
    }

    async fn invoice_of_credit_note(&self, id: &CreditNoteId) -> Result<InvoiceId, stripe::Error> {
        self.invoice_of_credit_note(id).await
    }

    async fn invoices_of_charge(&self, id: &ChargeId) -> Result<Vec<InvoiceId>, stripe::Error> {
        self.invoices_of_charge(id).await
    }

    async fn dispute(&self, id: &DisputeId) -> Result<stripe::Dispute, stripe::Error> {
        self.dispute(id).await
    }

    async fn subscription_of_schedule(&self, id: &ScheduleId) -> Result<Option<SubscriptionId>, stripe::Error> {
        self.subscription_of_schedule(id).await
    }

    async fn invoice_metadata(&self, id: &InvoiceId) -> Result<BTreeMap<String, String>, stripe::Error> {
        self.invoice_metadata(id).await
    }

    async fn invoice_lines(&self, id: &InvoiceId) -> Result<Vec<stripe::InvoiceLine>, stripe::Error> {
        self.invoice_lines(id).await
    }

    async fn money_of_invoice(&self, id: &InvoiceId) -> Result<Vec<stripe::MoneyIn>, stripe::Error> {
        self.money_of_invoice(id).await
    }

    async fn invoice_payment(&self, id: &InvoicePaymentId) -> Result<stripe::InvoicePayment, stripe::Error> {
        self.invoice_payment(id).await
    }

    async fn credit_notes_of_invoice(&self, id: &InvoiceId) -> Result<Vec<stripe::CreditNote>, stripe::Error> {
        self.credit_notes_of_invoice(id).await
    }

    async fn preview_renewal(&self, renewal: &stripe::RenewSubscription) -> Result<stripe::Preview, stripe::Error> {
        self.preview_renewal(renewal).await
    }

    async fn billing_of_customer(&self, id: &CustomerId) -> Result<stripe::CustomerBilling, stripe::Error> {
        self.billing_of_customer(id).await
    }

    async fn invoices_of_customer(
        &self,
        id: &CustomerId,
        created_since: Timestamp,
    ) -> Result<Vec<stripe::Invoice>, stripe::Error> {
        self.invoices_of_customer(id, created_since).await
    }

    async fn invoices_created_since(
        &self,
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<stripe::Invoice>, stripe::Error> {
        self.invoices_created_since(since, after).await
    }

    async fn customers_created_page(
        &self,
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<stripe::Customer>, stripe::Error> {
        self.customers_created_page(since, after).await
    }

    async fn events_since(
        &self,
        types: &[&str],
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<Notification>, stripe::Error> {
        self.events_since(types, since, after).await
    }

    async fn pending_items(&self, id: &CustomerId) -> Result<Vec<stripe::PendingItem>, stripe::Error> {
        self.pending_items(id).await
    }

    async fn prices(&self, ids: &[PriceId]) -> Result<Vec<stripe::Price>, stripe::Error> {
        self.prices(ids).await
    }

    async fn prices_by_lookup_key(&self, keys: &[String]) -> Result<Vec<stripe::Price>, stripe::Error> {
        self.prices_by_lookup_key(keys).await
    }

    async fn subscription(&self, id: &SubscriptionId) -> Result<stripe::Subscription, stripe::Error> {
        self.subscription(id).await
    }

    async fn subscription_metadata(&self, id: &SubscriptionId) -> Result<BTreeMap<String, String>, stripe::Error> {
        self.subscription_metadata(id).await
    }

    async fn subscription_items(&self, id: &SubscriptionId) -> Result<Vec<stripe::SubscriptionItem>, stripe::Error> {
        self.subscription_items(id).await
    }

    async fn subscriptions_of_customer(
        &self,
        id: &CustomerId,
        created_since: Timestamp,
    ) -> Result<Vec<stripe::Subscription>, stripe::Error> {
        self.subscriptions_of_customer(id, created_since).await
    }

    async fn subscriptions_created_since(
        &self,
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<stripe::Subscription>, stripe::Error> {
        self.subscriptions_created_since(since, after).await
    }

    async fn customer_has_invoices(&self, id: &CustomerId) -> Result<bool, stripe::Error> {
        self.customer_has_invoices(id).await
    }
}

impl ports::Salesforce for salesforce::Client {
    fn usage(&self) -> Option<salesforce::ApiUsage> {
        self.api_usage()
    }

    async fn read(&self, queries: &[String]) -> Result<Vec<Vec<Record>>, salesforce::Error> {
        self.read(queries).await
    }

    async fn read_with_access(
        &self,
        queries: &[String],
        objects: &[&str],
    ) -> Result<salesforce::Answers, salesforce::Error> {
        self.read_with_access(queries, objects).await
    }

    async fn write(
        &self,
        updates: &[salesforce::Update],
        read_back: &[String],
    ) -> Result<Vec<Vec<Record>>, salesforce::Error> {
        self.write(updates, read_back).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_tells_the_time() {
        let (before, now) = (Timestamp::now(), ports::Clock::now(&SystemClock));
        assert!(before <= now && now <= Timestamp::now());
    }
}
