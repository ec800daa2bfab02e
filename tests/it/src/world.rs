//! The cloud's world with the sandbox's time, and a fuse around every call to the outside. Each call goes through the port that
//! ships, as in the cloud.

use std::collections::BTreeMap;

use domain::{
    ChargeId, ConfigurationHash, CreditNoteId, CustomerId, DisputeId, FieldValue, InvoiceId, InvoicePaymentId,
    OrganizationId, PriceId, Record, ScheduleId, SubscriptionId,
};
use engine::World;
use jiff::Timestamp;
use jiff::civil::Date;
use ledger::{Begun, CallEntry, Claim, Control, DueRuns, Held, LedgerError, Release, Statement, StoredRun, Watermark};
use mapping::{Channel, Message};
use queue::{Envelope, Parked, QueueError};
use sandbox::Clock;
use stripe::webhook::Notification;
use stripe::{Cursor, Page};
use workflow::{Run, RunId};

use crate::Fuse;

pub struct TestWorld;

impl World for TestWorld {
    type Ledger = Fused<ledger::Ledger<ledger::DynamoDb>>;
    type Stripe = Fused<stripe::Client>;
    type Salesforce = Fused<salesforce::Client>;
    type Reporter = Fused<queue::Queue>;
    type Notifier = Fused<notify::Notifier>;
    type Clock = SandboxClock;
}

pub struct SandboxClock(pub Clock);

impl engine::Clock for SandboxClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.now_ms()).unwrap()
    }
}

pub struct Fused<T> {
    pub inner: T,
    pub fuse: Fuse,
}

impl<T> Fused<T> {
    async fn call<A>(&self, call: impl Future<Output = A>) -> A {
        self.fuse.moment().await;
        let answer = call.await;
        self.fuse.moment().await;
        answer
    }
}

impl engine::Ledger for Fused<ledger::Ledger<ledger::DynamoDb>> {
    async fn begin(&self, new: Run, claim: &Claim) -> Result<Begun, LedgerError> {
        self.call(engine::Ledger::begin(&self.inner, new, claim)).await
    }

    async fn save(
        &self,
        held: &mut Held,
        run: Run,
        calls: &[CallEntry],
        release: Release,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        self.call(engine::Ledger::save(&self.inner, held, run, calls, release, now)).await
    }

    async fn run_of_invoice(&self, invoice_id: &InvoiceId) -> Result<Option<RunId>, LedgerError> {
        self.call(engine::Ledger::run_of_invoice(&self.inner, invoice_id)).await
    }

    async fn run(&self, key: &str) -> Result<Option<StoredRun>, LedgerError> {
        self.call(engine::Ledger::run(&self.inner, key)).await
    }

    async fn control(&self, now: Timestamp) -> Result<Control, LedgerError> {
        self.call(engine::Ledger::control(&self.inner, now)).await
    }

    async fn due_runs(&self, until: Timestamp, after: Option<&str>) -> Result<DueRuns, LedgerError> {
        self.call(engine::Ledger::due_runs(&self.inner, until, after)).await
    }

    async fn watermark(&self, org: &OrganizationId, name: &str) -> Result<Watermark, LedgerError> {
        self.call(engine::Ledger::watermark(&self.inner, org, name)).await
    }

    async fn set_watermark(
        &self,
        org: &OrganizationId,
        name: &str,
        watermark: &mut Watermark,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        self.call(engine::Ledger::set_watermark(&self.inner, org, name, watermark, now)).await
    }

    async fn keep_configuration(&self, hash: &ConfigurationHash, text: &str) -> Result<(), LedgerError> {
        self.call(engine::Ledger::keep_configuration(&self.inner, hash, text)).await
    }

    async fn first_configuration(&self, hash: &ConfigurationHash) -> Result<ConfigurationHash, LedgerError> {
        self.call(engine::Ledger::first_configuration(&self.inner, hash)).await
    }

    async fn configuration(&self, hash: &ConfigurationHash) -> Result<Option<String>, LedgerError> {
        self.call(engine::Ledger::configuration(&self.inner, hash)).await
    }

    async fn save_statement(&self, org: &OrganizationId, statement: &Statement) -> Result<(), LedgerError> {
        self.call(engine::Ledger::save_statement(&self.inner, org, statement)).await
    }

    async fn statement(&self, org: &OrganizationId, day: Date) -> Result<Option<Statement>, LedgerError> {
        self.call(engine::Ledger::statement(&self.inner, org, day)).await
    }
}

impl engine::Stripe for Fused<stripe::Client> {
    fn in_turn(&self, waits: bool) {
        self.inner.in_turn(waits);
    }

    async fn write(&self, write: &stripe::Write, idempotency_key: &str) -> Result<stripe::Reply, stripe::Error> {
        let parameters = form_urlencoded::parse(write.body.as_bytes()).into_owned().collect();
        let key = (!write.is_deletion()).then(|| idempotency_key.to_owned());
        self.fuse.note((write.path.clone(), parameters, key));
        self.call(engine::Stripe::write(&self.inner, write, idempotency_key)).await
    }

    async fn customer(&self, id: &CustomerId) -> Result<stripe::Customer, stripe::Error> {
        self.call(engine::Stripe::customer(&self.inner, id)).await
    }

    async fn tax_ids(&self, id: &CustomerId) -> Result<Vec<stripe::TaxIdObject>, stripe::Error> {
        self.call(engine::Stripe::tax_ids(&self.inner, id)).await
    }

    async fn customers_created_since(&self, since: Timestamp) -> Result<Vec<stripe::Customer>, stripe::Error> {
        self.call(engine::Stripe::customers_created_since(&self.inner, since)).await
    }

    async fn customers_by_metadata(&self, key: &str, value: &str) -> Result<Vec<stripe::Customer>, stripe::Error> {
        self.call(engine::Stripe::customers_by_metadata(&self.inner, key, value)).await
    }

    async fn invoice(&self, id: &InvoiceId) -> Result<stripe::Invoice, stripe::Error> {
        self.call(engine::Stripe::invoice(&self.inner, id)).await
    }

    async fn whole_invoice_metadata(&self, id: &InvoiceId) -> Result<BTreeMap<String, String>, stripe::Error> {
        self.call(engine::Stripe::whole_invoice_metadata(&self.inner, id)).await
    }

    async fn collecting(&self, id: &InvoiceId) -> Result<stripe::Collecting, stripe::Error> {
        self.call(engine::Stripe::collecting(&self.inner, id)).await
    }

    async fn invoice_standing(&self, id: &InvoiceId) -> Result<stripe::InvoiceStanding, stripe::Error> {
        self.call(engine::Stripe::invoice_standing(&self.inner, id)).await
    }

    async fn invoice_of_credit_note(&self, id: &CreditNoteId) -> Result<InvoiceId, stripe::Error> {
        self.call(engine::Stripe::invoice_of_credit_note(&self.inner, id)).await
    }

    async fn invoices_of_charge(&self, id: &ChargeId) -> Result<Vec<InvoiceId>, stripe::Error> {
        self.call(engine::Stripe::invoices_of_charge(&self.inner, id)).await
    }

    async fn dispute(&self, id: &DisputeId) -> Result<stripe::Dispute, stripe::Error> {
        self.call(engine::Stripe::dispute(&self.inner, id)).await
    }

    async fn subscription_of_schedule(&self, id: &ScheduleId) -> Result<Option<SubscriptionId>, stripe::Error> {
        self.call(engine::Stripe::subscription_of_schedule(&self.inner, id)).await
    }

    async fn invoice_metadata(&self, id: &InvoiceId) -> Result<BTreeMap<String, String>, stripe::Error> {
        self.call(engine::Stripe::invoice_metadata(&self.inner, id)).await
    }

    async fn invoice_lines(&self, id: &InvoiceId) -> Result<Vec<stripe::InvoiceLine>, stripe::Error> {
        self.call(engine::Stripe::invoice_lines(&self.inner, id)).await
    }

    async fn money_of_invoice(&self, id: &InvoiceId) -> Result<Vec<stripe::MoneyIn>, stripe::Error> {
        self.call(engine::Stripe::money_of_invoice(&self.inner, id)).await
    }

    async fn invoice_payment(&self, id: &InvoicePaymentId) -> Result<stripe::InvoicePayment, stripe::Error> {
        self.call(engine::Stripe::invoice_payment(&self.inner, id)).await
    }

    async fn credit_notes_of_invoice(&self, id: &InvoiceId) -> Result<Vec<stripe::CreditNote>, stripe::Error> {
        self.call(engine::Stripe::credit_notes_of_invoice(&self.inner, id)).await
    }

    async fn preview_renewal(&self, renewal: &stripe::RenewSubscription) -> Result<stripe::Preview, stripe::Error> {
        self.call(engine::Stripe::preview_renewal(&self.inner, renewal)).await
    }

    async fn billing_of_customer(&self, id: &CustomerId) -> Result<stripe::CustomerBilling, stripe::Error> {
        self.call(engine::Stripe::billing_of_customer(&self.inner, id)).await
    }

    async fn invoices_of_customer(
        &self,
        id: &CustomerId,
        created_since: Timestamp,
    ) -> Result<Vec<stripe::Invoice>, stripe::Error> {
        self.call(engine::Stripe::invoices_of_customer(&self.inner, id, created_since)).await
    }

    async fn invoices_created_since(
        &self,
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<stripe::Invoice>, stripe::Error> {
        self.call(engine::Stripe::invoices_created_since(&self.inner, since, after)).await
    }

    async fn customers_created_page(
        &self,
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<stripe::Customer>, stripe::Error> {
        self.call(engine::Stripe::customers_created_page(&self.inner, since, after)).await
    }

    async fn events_since(
        &self,
        types: &[&str],
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<Notification>, stripe::Error> {
        self.call(engine::Stripe::events_since(&self.inner, types, since, after)).await
    }

    async fn pending_items(&self, id: &CustomerId) -> Result<Vec<stripe::PendingItem>, stripe::Error> {
        self.call(engine::Stripe::pending_items(&self.inner, id)).await
    }

    async fn prices(&self, ids: &[PriceId]) -> Result<Vec<stripe::Price>, stripe::Error> {
        self.call(engine::Stripe::prices(&self.inner, ids)).await
    }

    async fn prices_by_lookup_key(&self, keys: &[String]) -> Result<Vec<stripe::Price>, stripe::Error> {
        self.call(engine::Stripe::prices_by_lookup_key(&self.inner, keys)).await
    }

    async fn subscription(&self, id: &SubscriptionId) -> Result<stripe::Subscription, stripe::Error> {
        self.call(engine::Stripe::subscription(&self.inner, id)).await
    }

    async fn subscription_metadata(&self, id: &SubscriptionId) -> Result<BTreeMap<String, String>, stripe::Error> {
        self.call(engine::Stripe::subscription_metadata(&self.inner, id)).await
    }

    async fn subscription_items(&self, id: &SubscriptionId) -> Result<Vec<stripe::SubscriptionItem>, stripe::Error> {
        self.call(engine::Stripe::subscription_items(&self.inner, id)).await
    }

    async fn subscriptions_of_customer(
        &self,
        id: &CustomerId,
        created_since: Timestamp,
    ) -> Result<Vec<stripe::Subscription>, stripe::Error> {
        self.call(engine::Stripe::subscriptions_of_customer(&self.inner, id, created_since)).await
    }

    async fn subscriptions_created_since(
        &self,
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<stripe::Subscription>, stripe::Error> {
        self.call(engine::Stripe::subscriptions_created_since(&self.inner, since, after)).await
    }

    async fn customer_has_invoices(&self, id: &CustomerId) -> Result<bool, stripe::Error> {
        self.call(engine::Stripe::customer_has_invoices(&self.inner, id)).await
    }
}

impl engine::Salesforce for Fused<salesforce::Client> {
    fn usage(&self) -> Option<salesforce::ApiUsage> {
        engine::Salesforce::usage(&self.inner)
    }

    async fn read(&self, queries: &[String]) -> Result<Vec<Vec<Record>>, salesforce::Error> {
        self.call(engine::Salesforce::read(&self.inner, queries)).await
    }

    async fn read_with_access(
        &self,
        queries: &[String],
        objects: &[&str],
    ) -> Result<salesforce::Answers, salesforce::Error> {
        self.call(engine::Salesforce::read_with_access(&self.inner, queries, objects)).await
    }

    async fn write(
        &self,
        updates: &[salesforce::Update],
        read_back: &[String],
    ) -> Result<Vec<Vec<Record>>, salesforce::Error> {
        for update in updates {
            let fields = update.fields.iter().map(|(field, value)| (field.clone(), text(value)));
            self.fuse.note((format!("/sobjects/{}/{}", update.object, update.id), fields.collect(), None));
        }
        self.call(engine::Salesforce::write(&self.inner, updates, read_back)).await
    }
}

fn text(value: &FieldValue) -> String {
    match value {
        FieldValue::Null => String::new(),
        FieldValue::Text(text) => text.clone(),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Boolean(flag) => flag.to_string(),
    }
}

impl engine::Reporter for Fused<queue::Queue> {
    async fn park(&self, envelope: &Envelope, parked: Parked) -> Result<(), QueueError> {
        self.call(engine::Reporter::park(&self.inner, envelope, parked)).await
    }

    async fn enqueue(&self, envelopes: &[Envelope]) -> Result<(), QueueError> {
        self.call(engine::Reporter::enqueue(&self.inner, envelopes)).await
    }
}

impl engine::Notifier for Fused<notify::Notifier> {
    async fn tell(&self, channel: Channel, message: &Message) -> Result<(), notify::Error> {
        self.call(engine::Notifier::tell(&self.inner, channel, message)).await
    }
}
