//! Stripe as it would be: what is written stays in memory, and whatever is read is read there first.

mod form;
mod lines;
pub(crate) mod memory;
mod refusals;
mod subscriptions;
mod tax;
mod writes;

use std::cell::RefCell;
use std::collections::BTreeMap;

use domain::{
    ChargeId, CreditNoteId, CustomerId, DisputeId, InvoiceId, InvoicePaymentId, PriceId, ScheduleId, SubscriptionId,
};
use jiff::Timestamp;
use stripe::webhook::Notification;
use stripe::{
    Client, Collecting, CreditNote, Cursor, Customer, CustomerBilling, Dispute, Error, Invoice, InvoiceLine,
    InvoicePayment, InvoiceStanding, MoneyIn, Page, PendingItem, Preview, Price, RenewSubscription, Reply,
    Subscription, SubscriptionItem, TaxIdObject, Write,
};

use super::journal::Journal;
pub(crate) use lines::amount;
pub(crate) use memory::{MARK, Memory};

/// Reads with the client that ships.
pub(crate) struct Unwritten {
    inner: Client,
    journal: Journal,
    pub(crate) memory: RefCell<Memory>,
}

/// It exists only here, so that Stripe cannot be asked for it.
fn is_made_here(id: &str) -> bool {
    id.contains(MARK)
}

impl Unwritten {
    pub(crate) fn over(inner: Client, journal: Journal) -> Self {
        Self { inner, journal, memory: RefCell::default() }
    }

    /// The invoice as it would be, with all its lines.
    async fn known_invoice(&self, id: &InvoiceId) -> Result<memory::Invoice, Error> {
        if self.memory.borrow().deleted.contains(id) {
            return Err(refusals::no_such("invoice", id.as_str(), None));
        }
        let found = self.memory.borrow().invoices.get(id).cloned();
        if let Some(found) = found {
            return Ok(found);
        }
        let shown = self.inner.invoice(id).await?;
        let lines = match shown.has_more_lines {
            true => self.inner.invoice_lines(id).await?,
            false => shown.lines.clone(),
        };
        Ok(memory::Invoice::known(shown, lines))
    }

    /// As they would be: those that are only here, and those that are there as they would be changed.
    fn laid_over(&self, mut invoices: Vec<Invoice>, is_asked_for: impl Fn(&Invoice) -> bool) -> Vec<Invoice> {
        let memory = self.memory.borrow();
        invoices.retain(|invoice| !memory.deleted.contains(&invoice.id) && !memory.invoices.contains_key(&invoice.id));
        let known = memory.invoices.values().map(memory::Invoice::shown);
        invoices.into_iter().chain(known.filter(is_asked_for)).collect()
    }

    fn subscriptions_laid_over(
        &self,
        mut there: Vec<Subscription>,
        is_asked_for: impl Fn(&Subscription) -> bool,
    ) -> Vec<Subscription> {
        let memory = self.memory.borrow();
        there.retain(|one| !memory.subscriptions.contains_key(&one.id));
        let known = memory.subscriptions.keys().filter_map(|id| memory.subscription(id));
        there.into_iter().chain(known.filter(is_asked_for)).collect()
    }
}

impl engine::Stripe for Unwritten {
    async fn write(&self, write: &Write, _idempotency_key: &str) -> Result<Reply, Error> {
        let method = if write.is_deletion() { "DELETE" } else { "POST" };
        let parameters = form_urlencoded::parse(write.body.as_bytes()).into_owned().collect();
        self.journal.requested(method, write.path.clone(), parameters);
        let answer = self.perform(write).await?;
        Ok(Reply { answer, request_id: None, replayed: false })
    }

    async fn customer(&self, id: &CustomerId) -> Result<Customer, Error> {
        let known = self.memory.borrow().customers.get(id).cloned();
        match known {
            Some(customer) => Ok(customer),
            None => self.inner.customer(id).await,
        }
    }

    async fn tax_ids(&self, id: &CustomerId) -> Result<Vec<TaxIdObject>, Error> {
        let known = self.memory.borrow().tax_ids.get(id).cloned();
        match known {
            Some(tax_ids) => Ok(tax_ids),
            None => self.inner.tax_ids(id).await,
        }
    }

    async fn customers_created_since(&self, since: Timestamp) -> Result<Vec<Customer>, Error> {
        let mut found = self.inner.customers_created_since(since).await?;
        found.extend(self.memory.borrow().customers.values().filter(|one| one.created >= since).cloned());
        Ok(found)
    }

    async fn customers_by_metadata(&self, key: &str, value: &str) -> Result<Vec<Customer>, Error> {
        let mut found = self.inner.customers_by_metadata(key, value).await?;
        let says = |one: &&Customer| one.metadata.get(key).is_some_and(|said| said == value);
        found.extend(self.memory.borrow().customers.values().filter(says).cloned());
        Ok(found)
    }

    async fn invoice(&self, id: &InvoiceId) -> Result<Invoice, Error> {
        if self.memory.borrow().deleted.contains(id) {
            return Err(refusals::no_such("invoice", id.as_str(), None));
        }
        let known = self.memory.borrow().invoices.get(id).map(memory::Invoice::shown);
        match known {
            Some(invoice) => Ok(invoice),
            None => self.inner.invoice(id).await,
        }
    }

    async fn whole_invoice_metadata(&self, id: &InvoiceId) -> Result<BTreeMap<String, String>, Error> {
        match is_made_here(id.as_str()) {
            true => Ok(self.invoice(id).await?.metadata),
            false => self.inner.whole_invoice_metadata(id).await,
        }
    }

    async fn collecting(&self, id: &InvoiceId) -> Result<Collecting, Error> {
        self.inner.collecting(id).await
    }

    async fn invoice_standing(&self, id: &InvoiceId) -> Result<InvoiceStanding, Error> {
        self.inner.invoice_standing(id).await
    }

    async fn invoice_of_credit_note(&self, id: &CreditNoteId) -> Result<InvoiceId, Error> {
        self.inner.invoice_of_credit_note(id).await
    }

    async fn invoices_of_charge(&self, id: &ChargeId) -> Result<Vec<InvoiceId>, Error> {
        self.inner.invoices_of_charge(id).await
    }

    async fn dispute(&self, id: &DisputeId) -> Result<Dispute, Error> {
        self.inner.dispute(id).await
    }

    async fn subscription_of_schedule(&self, id: &ScheduleId) -> Result<Option<SubscriptionId>, Error> {
        self.inner.subscription_of_schedule(id).await
    }

    async fn invoice_metadata(&self, id: &InvoiceId) -> Result<BTreeMap<String, String>, Error> {
        match is_made_here(id.as_str()) {
            true => Ok(self.invoice(id).await?.metadata),
            false => self.inner.invoice_metadata(id).await,
        }
    }

    async fn invoice_lines(&self, id: &InvoiceId) -> Result<Vec<InvoiceLine>, Error> {
        Ok(self.known_invoice(id).await?.lines.into_iter().map(|line| line.line).collect())
    }

    async fn money_of_invoice(&self, id: &InvoiceId) -> Result<Vec<MoneyIn>, Error> {
        match is_made_here(id.as_str()) {
            true => Ok(Vec::new()),
            false => self.inner.money_of_invoice(id).await,
        }
    }

    async fn invoice_payment(&self, id: &InvoicePaymentId) -> Result<InvoicePayment, Error> {
        self.inner.invoice_payment(id).await
    }

    async fn credit_notes_of_invoice(&self, id: &InvoiceId) -> Result<Vec<CreditNote>, Error> {
        let mut notes = match is_made_here(id.as_str()) {
            true => Vec::new(),
            false => self.inner.credit_notes_of_invoice(id).await?,
        };
        notes.extend(self.memory.borrow().notes.iter().filter(|note| note.invoice == *id).cloned());
        Ok(notes)
    }

    /// Asked of Stripe itself: nothing is changed by it.
    async fn preview_renewal(&self, renewal: &RenewSubscription) -> Result<Preview, Error> {
        let preview = self.previewed(renewal).await?;
        self.memory.borrow_mut().previews.insert(renewal.subscription.clone(), preview.clone());
        Ok(preview)
    }

    async fn billing_of_customer(&self, id: &CustomerId) -> Result<CustomerBilling, Error> {
        match is_made_here(id.as_str()) {
            true => Ok(CustomerBilling::default()),
            false => self.inner.billing_of_customer(id).await,
        }
    }

    async fn invoices_of_customer(&self, id: &CustomerId, created_since: Timestamp) -> Result<Vec<Invoice>, Error> {
        let there = match is_made_here(id.as_str()) {
            true => Vec::new(),
            false => self.inner.invoices_of_customer(id, created_since).await?,
        };
        Ok(self.laid_over(there, |one| one.customer.as_ref() == Some(id) && one.created >= created_since))
    }

    async fn invoices_created_since(&self, since: Timestamp, after: Option<&Cursor>) -> Result<Page<Invoice>, Error> {
        self.inner.invoices_created_since(since, after).await
    }

    async fn customers_created_page(&self, since: Timestamp, after: Option<&Cursor>) -> Result<Page<Customer>, Error> {
        self.inner.customers_created_page(since, after).await
    }

    async fn events_since(
        &self,
        types: &[&str],
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<Notification>, Error> {
        self.inner.events_since(types, since, after).await
    }

    async fn pending_items(&self, id: &CustomerId) -> Result<Vec<PendingItem>, Error> {
        match is_made_here(id.as_str()) {
            true => Ok(Vec::new()),
            false => self.inner.pending_items(id).await,
        }
    }

    async fn prices(&self, ids: &[PriceId]) -> Result<Vec<Price>, Error> {
        let known: Vec<_> = {
            let memory = self.memory.borrow();
            ids.iter().filter_map(|id| memory.prices.get(id).cloned()).collect()
        };
        let others: Vec<_> = ids.iter().filter(|id| known.iter().all(|price| price.id != **id)).cloned().collect();
        let mut found = if others.is_empty() { Vec::new() } else { self.inner.prices(&others).await? };
        found.extend(known);
        Ok(found)
    }

    async fn prices_by_lookup_key(&self, keys: &[String]) -> Result<Vec<Price>, Error> {
        let mut found = self.inner.prices_by_lookup_key(keys).await?;
        let memory = self.memory.borrow();
        let has_key = |price: &&Price| price.lookup_key.as_ref().is_some_and(|key| keys.contains(key));
        let known: Vec<_> = memory.prices.values().filter(has_key).cloned().collect();
        // The key would change over to the new one.
        found.retain(|price| known.iter().all(|known| known.lookup_key != price.lookup_key));
        found.extend(known);
        Ok(found)
    }

    async fn subscription(&self, id: &SubscriptionId) -> Result<Subscription, Error> {
        let known = self.memory.borrow().subscription(id);
        match known {
            Some(subscription) => Ok(subscription),
            None => self.inner.subscription(id).await,
        }
    }

    async fn subscription_metadata(&self, id: &SubscriptionId) -> Result<BTreeMap<String, String>, Error> {
        let known = self.memory.borrow().subscription(id);
        match known {
            Some(subscription) => Ok(subscription.metadata),
            None => self.inner.subscription_metadata(id).await,
        }
    }

    async fn subscription_items(&self, id: &SubscriptionId) -> Result<Vec<SubscriptionItem>, Error> {
        let known = self.memory.borrow().items(id);
        match known {
            Some(items) => Ok(items),
            None => self.inner.subscription_items(id).await,
        }
    }

    async fn subscriptions_of_customer(
        &self,
        id: &CustomerId,
        created_since: Timestamp,
    ) -> Result<Vec<Subscription>, Error> {
        let there = match is_made_here(id.as_str()) {
            true => Vec::new(),
            false => self.inner.subscriptions_of_customer(id, created_since).await?,
        };
        let is_its = |one: &Subscription| one.customer.as_ref() == Some(id) && one.created >= created_since;
        Ok(self.subscriptions_laid_over(there, is_its))
    }

    async fn subscriptions_created_since(
        &self,
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<Subscription>, Error> {
        self.inner.subscriptions_created_since(since, after).await
    }

    async fn customer_has_invoices(&self, id: &CustomerId) -> Result<bool, Error> {
        match is_made_here(id.as_str()) {
            true => Ok(false),
            false => self.inner.customer_has_invoices(id).await,
        }
    }
}
