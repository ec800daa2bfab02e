//! The reads. Lists are strongly consistent and newest first; search lags behind.

use std::collections::BTreeMap;

use domain::{CustomerId, InvoiceId};
use jiff::Timestamp;
use stripe::Error;

use super::failure::Failure;
use super::{Stripe, StripeEvent};
use crate::model::count;

pub fn no_such(noun: &str, id: &str) -> Error {
    Failure::not_found(noun, id).error
}

impl Stripe {
    pub fn customer(&mut self, now: Timestamp, id: &CustomerId) -> Result<stripe::Customer, Error> {
        self.advance(now);
        let found = self.customers.get(id);
        found.map(super::Customer::shown).ok_or_else(|| no_such("customer", id.as_str()))
    }

    pub fn tax_ids(&mut self, now: Timestamp, id: &CustomerId) -> Result<Vec<stripe::TaxIdObject>, Error> {
        self.advance(now);
        let found = self.customers.get(id).filter(|customer| customer.deleted.is_none());
        let customer = found.ok_or_else(|| no_such("customer", id.as_str()))?;
        Ok(customer.tax_ids.iter().rev().cloned().collect())
    }

    pub fn customers_created_since(
        &mut self,
        now: Timestamp,
        since: Timestamp,
    ) -> Result<Vec<stripe::Customer>, Error> {
        self.advance(now);
        let since = since.as_second();
        let listed = self.customers.values().rev();
        let listed = listed.filter(|customer| customer.deleted.is_none() && customer.created.as_second() >= since);
        Ok(listed.map(super::Customer::shown).collect())
    }

    /// What the index knows: neither what was made a moment ago, nor that something was deleted a moment ago.
    pub fn customers_by_metadata(
        &mut self,
        now: Timestamp,
        key: &str,
        value: &str,
    ) -> Result<Vec<stripe::Customer>, Error> {
        self.advance(now);
        let indexed = now.saturating_sub(self.search_lag).unwrap_or(now);
        let found = self.customers.values().rev().filter(|customer| {
            customer.metadata.get(key).is_some_and(|found| found == value)
                && customer.created <= indexed
                && customer.deleted.is_none_or(|deleted| deleted > indexed)
        });
        let found: Vec<_> = found.map(super::Customer::shown_undeleted).collect();
        if found.iter().any(|found| self.customers[&found.id].deleted.is_some()) {
            count(&mut self.facts, "search found a deleted customer");
        }
        let hidden = self.customers.values().any(|customer| {
            customer.metadata.get(key).is_some_and(|found| found == value) && customer.created > indexed
        });
        if hidden {
            count(&mut self.facts, "search did not see a customer yet");
        }
        Ok(found)
    }

    pub fn invoice(&mut self, now: Timestamp, id: &InvoiceId) -> Result<stripe::Invoice, Error> {
        self.advance(now);
        let found = self.invoices.get(id);
        found.map(super::Invoice::shown).ok_or_else(|| no_such("invoice", id.as_str()))
    }

    pub fn invoice_metadata(&mut self, now: Timestamp, id: &InvoiceId) -> Result<BTreeMap<String, String>, Error> {
        self.invoice(now, id).map(|invoice| invoice.metadata)
    }

    pub fn invoice_lines(&mut self, now: Timestamp, id: &InvoiceId) -> Result<Vec<stripe::InvoiceLine>, Error> {
        self.advance(now);
        let found = self.invoices.get(id);
        found.map(|invoice| invoice.lines.clone()).ok_or_else(|| no_such("invoice", id.as_str()))
    }

    pub fn invoices_of_customer(
        &mut self,
        now: Timestamp,
        id: &CustomerId,
        created_since: Timestamp,
    ) -> Result<Vec<stripe::Invoice>, Error> {
        self.advance(now);
        let since = created_since.as_second();
        let listed = self.invoices.values().rev();
        let listed = listed.filter(|invoice| invoice.customer() == Some(id) && invoice.created().as_second() >= since);
        Ok(listed.map(super::Invoice::shown).collect())
    }

    /// Every event that Stripe generated, oldest first.
    pub fn events(&self) -> &[StripeEvent] {
        &self.events
    }
}
