//! What is read. Lists are strongly consistent; search lags behind writes, usually by less than a minute.

use std::collections::BTreeMap;

use domain::{CustomerId, InvoiceId, SubscriptionId};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::carried::Carried;
use crate::error::{Error, UnknownReason};
use crate::lines::InvoiceLineWire;
use crate::objects::{CustomerWire, HasId, InvoiceWire, List, SearchResult};
use crate::{Client, Customer, Invoice, InvoiceLine, TaxIdObject};

#[derive(Deserialize)]
struct Whose {
    id: String,
    #[serde(flatten)]
    carried: Carried,
}

/// What a list answers at most.
pub(crate) const PAGE: usize = 100;

/// Ten thousand objects. A look that would read more is given up rather than half believed.
const MOST_PAGES: usize = 100;

pub(crate) fn unreadable<E>(_: E) -> Error {
    Error::Unknown { reason: UnknownReason::UnreadableAnswer, replayed: false, request_id: None }
}

impl Client {
    /// The customer as it is now; a deleted one says so.
    pub async fn customer(&self, id: &CustomerId) -> Result<Customer, Error> {
        Ok(self.get::<CustomerWire>(&format!("/v1/customers/{id}"), "").await?.into())
    }

    pub async fn invoice(&self, id: &InvoiceId) -> Result<Invoice, Error> {
        let wire: InvoiceWire = self.get(&format!("/v1/invoices/{id}"), "").await?;
        Invoice::try_from(wire).map_err(unreadable)
    }

    /// What the invoice says of whose it is, and nothing else of it: an invoice that somebody else made may hold what we never bill,
    /// and must not fail to be read for that.
    pub async fn invoice_metadata(&self, id: &InvoiceId) -> Result<BTreeMap<String, String>, Error> {
        self.metadata(&format!("/v1/invoices/{id}"), id.as_str()).await
    }

    /// The same, with what its subscription said when it was made: of whichever period it is.
    pub async fn whole_invoice_metadata(&self, id: &InvoiceId) -> Result<BTreeMap<String, String>, Error> {
        let wire: Whose = self.get(&format!("/v1/invoices/{id}"), "").await?;
        if wire.id == id.as_str() { Ok(wire.carried.into_whole_metadata()) } else { Err(unreadable(())) }
    }

    /// The same of a subscription.
    pub async fn subscription_metadata(&self, id: &SubscriptionId) -> Result<BTreeMap<String, String>, Error> {
        self.metadata(&format!("/v1/subscriptions/{id}"), id.as_str()).await
    }

    async fn metadata(&self, path: &str, id: &str) -> Result<BTreeMap<String, String>, Error> {
        let wire: Whose = self.get(path, "").await?;
        let metadata = wire.carried.into_metadata().unwrap_or_default();
        if wire.id == id { Ok(metadata) } else { Err(unreadable(())) }
    }

    /// Every line of the invoice.
    pub async fn invoice_lines(&self, id: &InvoiceId) -> Result<Vec<InvoiceLine>, Error> {
        let wires: Vec<InvoiceLineWire> = self.list(&format!("/v1/invoices/{id}/lines"), &[]).await?;
        let lines = wires.into_iter().map(InvoiceLine::try_from);
        lines.collect::<Result<_, _>>().map_err(unreadable)
    }

    /// Every invoice of the customer in any status, deleted drafts excepted. One in a currency outside ISO 4217 is left
    /// out: it cannot be ours, and must not hide those that are.
    pub async fn invoices_of_customer(&self, id: &CustomerId, created_since: Timestamp) -> Result<Vec<Invoice>, Error> {
        let since = created_since.as_second().to_string();
        let filter = [("customer", id.as_str()), ("created[gte]", since.as_str())];
        let wires: Vec<InvoiceWire> = self.list("/v1/invoices", &filter).await?;
        let known = wires.into_iter().filter(InvoiceWire::has_known_currency);
        let invoices = known.map(Invoice::try_from);
        invoices.collect::<Result<_, _>>().map_err(unreadable)
    }

    /// Every one.
    pub async fn tax_ids(&self, id: &CustomerId) -> Result<Vec<TaxIdObject>, Error> {
        self.list(&format!("/v1/customers/{id}/tax_ids"), &[]).await
    }

    pub async fn customers_created_since(&self, since: Timestamp) -> Result<Vec<Customer>, Error> {
        let since = since.as_second().to_string();
        let wires: Vec<CustomerWire> = self.list("/v1/customers", &[("created[gte]", &since)]).await?;
        Ok(wires.into_iter().map(Customer::from).collect())
    }

    /// By search, so one that was made a moment ago may be missing.
    pub async fn customers_by_metadata(&self, key: &str, value: &str) -> Result<Vec<Customer>, Error> {
        let query = format!("metadata[\"{}\"]:\"{}\"", escaped(key), escaped(value));
        let mut found = Vec::new();
        let mut page: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut params = form_urlencoded::Serializer::new(String::new());
            params.append_pair("query", &query).append_pair("limit", &PAGE.to_string());
            if let Some(page) = &page {
                params.append_pair("page", page);
            }
            let result: SearchResult<CustomerWire> = self.get("/v1/customers/search", &params.finish()).await?;
            let is_empty = result.data.is_empty();
            found.extend(result.data.into_iter().map(Customer::from));
            if !result.has_more {
                return Ok(found);
            }
            // There is more, and no way to it: what was found so far is not the answer.
            if is_empty || result.next_page.is_none() {
                return Err(unreadable(()));
            }
            page = result.next_page;
        }
        Err(unreadable(()))
    }

    pub(crate) async fn list<T: DeserializeOwned + HasId>(
        &self,
        path: &str,
        filter: &[(&str, &str)],
    ) -> Result<Vec<T>, Error> {
        let mut found: Vec<T> = Vec::new();
        for _ in 0..MOST_PAGES {
            let mut params = form_urlencoded::Serializer::new(String::new());
            params.extend_pairs(filter).append_pair("limit", &PAGE.to_string());
            if let Some(last) = found.last() {
                params.append_pair("starting_after", last.id());
            }
            let list: List<T> = self.get(path, &params.finish()).await?;
            let is_empty = list.data.is_empty();
            found.extend(list.data);
            if !list.has_more {
                return Ok(found);
            }
            // There is more, and no way to it: what was found so far is not the answer.
            if is_empty {
                return Err(unreadable(()));
            }
        }
        Err(unreadable(()))
    }
}

/// For a quoted value of Stripe's search language.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
