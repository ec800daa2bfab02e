//! The world as the engine sees it. The cloud implements these with the clients; the simulator with itself.

#![allow(
    async_fn_in_trait,
    reason = "the ports are used through concrete types, whose futures are as Send as they are"
)]

use std::collections::BTreeMap;

use domain::{
    ChargeId, ConfigurationHash, CreditNoteId, CustomerId, DisputeId, InvoiceId, InvoicePaymentId, OrganizationId,
    PriceId, Record, ScheduleId, SubscriptionId,
};
use jiff::Timestamp;
use jiff::civil::Date;
use ledger::{Begun, CallEntry, Claim, Control, DueRuns, Held, LedgerError, Release, Statement, StoredRun, Watermark};
use mapping::{Channel, Message};
use queue::{Envelope, Parked, QueueError};
use stripe::webhook::Notification;
use stripe::{Cursor, Page};
use workflow::{Run, RunId};

/// Which world it is.
pub trait World {
    type Ledger: Ledger;
    type Stripe: Stripe;
    type Salesforce: Salesforce;
    type Reporter: Reporter;
    type Notifier: Notifier;
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
    async fn due_runs(&self, until: Timestamp, after: Option<&str>) -> Result<DueRuns, LedgerError>;
    async fn watermark(&self, org: &OrganizationId, name: &str) -> Result<Watermark, LedgerError>;
    async fn set_watermark(
        &self,
        org: &OrganizationId,
        name: &str,
        watermark: &mut Watermark,
        now: Timestamp,
    ) -> Result<(), LedgerError>;
    async fn keep_configuration(&self, hash: &ConfigurationHash, text: &str) -> Result<(), LedgerError>;
    async fn first_configuration(&self, hash: &ConfigurationHash) -> Result<ConfigurationHash, LedgerError>;
    async fn configuration(&self, hash: &ConfigurationHash) -> Result<Option<String>, LedgerError>;
    async fn save_statement(&self, org: &OrganizationId, statement: &Statement) -> Result<(), LedgerError>;
    async fn statement(&self, org: &OrganizationId, day: Date) -> Result<Option<Statement>, LedgerError>;
}

/// See `stripe::Client`.
pub trait Stripe {
    /// Whether what is asked from now on waits for its turn.
    fn in_turn(&self, _waits: bool) {}
    async fn write(&self, write: &stripe::Write, idempotency_key: &str) -> Result<stripe::Reply, stripe::Error>;
    async fn customer(&self, id: &CustomerId) -> Result<stripe::Customer, stripe::Error>;
    async fn tax_ids(&self, id: &CustomerId) -> Result<Vec<stripe::TaxIdObject>, stripe::Error>;
    async fn customers_created_since(&self, since: Timestamp) -> Result<Vec<stripe::Customer>, stripe::Error>;
    async fn customers_by_metadata(&self, key: &str, value: &str) -> Result<Vec<stripe::Customer>, stripe::Error>;
    async fn invoice(&self, id: &InvoiceId) -> Result<stripe::Invoice, stripe::Error>;
    async fn whole_invoice_metadata(&self, id: &InvoiceId) -> Result<BTreeMap<String, String>, stripe::Error>;
    async fn collecting(&self, id: &InvoiceId) -> Result<stripe::Collecting, stripe::Error>;
    async fn invoice_standing(&self, id: &InvoiceId) -> Result<stripe::InvoiceStanding, stripe::Error>;
    async fn invoice_of_credit_note(&self, id: &CreditNoteId) -> Result<InvoiceId, stripe::Error>;
    async fn invoices_of_charge(&self, id: &ChargeId) -> Result<Vec<InvoiceId>, stripe::Error>;
    async fn dispute(&self, id: &DisputeId) -> Result<stripe::Dispute, stripe::Error>;
    async fn subscription_of_schedule(&self, id: &ScheduleId) -> Result<Option<SubscriptionId>, stripe::Error>;
    async fn invoice_metadata(&self, id: &InvoiceId) -> Result<BTreeMap<String, String>, stripe::Error>;
    async fn invoice_lines(&self, id: &InvoiceId) -> Result<Vec<stripe::InvoiceLine>, stripe::Error>;
    async fn money_of_invoice(&self, id: &InvoiceId) -> Result<Vec<stripe::MoneyIn>, stripe::Error>;
    async fn invoice_payment(&self, id: &InvoicePaymentId) -> Result<stripe::InvoicePayment, stripe::Error>;
    async fn credit_notes_of_invoice(&self, id: &InvoiceId) -> Result<Vec<stripe::CreditNote>, stripe::Error>;
    async fn preview_renewal(&self, renewal: &stripe::RenewSubscription) -> Result<stripe::Preview, stripe::Error>;
    async fn billing_of_customer(&self, id: &CustomerId) -> Result<stripe::CustomerBilling, stripe::Error>;
    async fn invoices_of_customer(
        &self,
        id: &CustomerId,
        created_since: Timestamp,
    ) -> Result<Vec<stripe::Invoice>, stripe::Error>;
    async fn invoices_created_since(
        &self,
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<stripe::Invoice>, stripe::Error>;
    async fn customers_created_page(
        &self,
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<stripe::Customer>, stripe::Error>;
    async fn events_since(
        &self,
        types: &[&str],
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<Notification>, stripe::Error>;
    async fn pending_items(&self, id: &CustomerId) -> Result<Vec<stripe::PendingItem>, stripe::Error>;
    async fn prices(&self, ids: &[PriceId]) -> Result<Vec<stripe::Price>, stripe::Error>;
    async fn prices_by_lookup_key(&self, keys: &[String]) -> Result<Vec<stripe::Price>, stripe::Error>;
    async fn subscription(&self, id: &SubscriptionId) -> Result<stripe::Subscription, stripe::Error>;
    async fn subscription_metadata(&self, id: &SubscriptionId) -> Result<BTreeMap<String, String>, stripe::Error>;
    async fn subscription_items(&self, id: &SubscriptionId) -> Result<Vec<stripe::SubscriptionItem>, stripe::Error>;
    async fn subscriptions_of_customer(
        &self,
        id: &CustomerId,
        created_since: Timestamp,
    ) -> Result<Vec<stripe::Subscription>, stripe::Error>;
    async fn subscriptions_created_since(
        &self,
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<stripe::Subscription>, stripe::Error>;
    async fn customer_has_invoices(&self, id: &CustomerId) -> Result<bool, stripe::Error>;
}

/// See `salesforce::Client`.
pub trait Salesforce {
    /// What is used of the day's calls, as of the last answer.
    fn usage(&self) -> Option<salesforce::ApiUsage>;
    async fn read(&self, queries: &[String]) -> Result<Vec<Vec<Record>>, salesforce::Error>;
    async fn read_with_access(
        &self,
        queries: &[String],
        objects: &[&str],
    ) -> Result<salesforce::Answers, salesforce::Error>;
    async fn write(
        &self,
        updates: &[salesforce::Update],
        read_back: &[String],
    ) -> Result<Vec<Vec<Record>>, salesforce::Error>;
}

/// Puts an event where a person sees it, or where it is worked on.
pub trait Reporter {
    async fn enqueue(&self, envelopes: &[Envelope]) -> Result<(), QueueError>;
    async fn park(&self, envelope: &Envelope, parked: Parked) -> Result<(), QueueError>;
}

/// See `notify::Notifier`.
pub trait Notifier {
    async fn tell(&self, channel: Channel, message: &Message) -> Result<(), notify::Error>;
}
