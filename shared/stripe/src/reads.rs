//! What is read. Lists are strongly consistent; search lags behind writes, usually by less than a minute.

use domain::{CustomerId, InvoiceId};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::error::{Error, UnknownReason};
use crate::objects::{CustomerWire, InvoiceLineWire, InvoiceWire, List};
use crate::{Client, Customer, Invoice, InvoiceLine};

/// What a list answers at most.
const PAGE: usize = 100;

/// Ten thousand objects. A look that would read more is given up rather than half believed.
const MOST_PAGES: usize = 100;

/// What pages are found by.
trait HasId {
    fn id(&self) -> &str;
}

impl HasId for Customer {
    fn id(&self) -> &str {
        self.id.as_str()
    }
}

impl HasId for Invoice {
    fn id(&self) -> &str {
        self.id.as_str()
    }
}

impl HasId for InvoiceLine {
    fn id(&self) -> &str {
        &self.id
    }
}

fn unreadable<E>(_: E) -> Error {
    Error::Unknown {
        reason: UnknownReason::UnreadableAnswer,
        replayed: false,
        request_id: None,
    }
}

impl Client {
    /// The customer as it is now; a deleted one says so.
    pub async fn customer(&self, id: &CustomerId) -> Result<Customer, Error> {
        Ok(self
            .get::<CustomerWire>(&format!("/v1/customers/{id}"), "")
            .await?
            .into())
    }

    pub async fn invoice(&self, id: &InvoiceId) -> Result<Invoice, Error> {
        let wire: InvoiceWire = self.get(&format!("/v1/invoices/{id}"), "").await?;
        Invoice::try_from(wire).map_err(unreadable)
    }

    /// Every line of the invoice.
    pub async fn invoice_lines(&self, id: &InvoiceId) -> Result<Vec<InvoiceLine>, Error> {
        self.list::<InvoiceLineWire, _>(&format!("/v1/invoices/{id}/lines"), &[])
            .await
    }

    /// Every invoice of the customer in any status, deleted drafts excepted.
    pub async fn invoices_of_customer(&self, id: &CustomerId, created_since: Timestamp) -> Result<Vec<Invoice>, Error> {
        let since = created_since.as_second().to_string();
        self.list::<InvoiceWire, _>("/v1/invoices", &[("customer", id.as_str()), ("created[gte]", &since)])
            .await
    }

    pub async fn customers_created_since(&self, since: Timestamp) -> Result<Vec<Customer>, Error> {
        let since = since.as_second().to_string();
        self.list::<CustomerWire, _>("/v1/customers", &[("created[gte]", &since)])
            .await
    }

    /// By search, so one that was made a moment ago may be missing.
    pub async fn customers_by_metadata(&self, key: &str, value: &str) -> Result<Vec<Customer>, Error> {
        let query = format!("metadata[\"{}\"]:\"{}\"", escaped(key), escaped(value));
        let mut found = Vec::new();
        let mut page: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut params = form_urlencoded::Serializer::new(String::new());
            params
                .append_pair("query", &query)
                .append_pair("limit", &PAGE.to_string());
            if let Some(page) = &page {
                params.append_pair("page", page);
            }
            let list: List<CustomerWire> = self.get("/v1/customers/search", &params.finish()).await?;
            found.extend(list.data.into_iter().map(Customer::from));
            page = list.next_page;
            if !list.has_more || page.is_none() {
                return Ok(found);
            }
        }
        Err(unreadable(()))
    }

    async fn list<W, T>(&self, path: &str, filter: &[(&str, &str)]) -> Result<Vec<T>, Error>
    where
        W: DeserializeOwned,
        T: TryFrom<W> + HasId,
    {
        let mut found: Vec<T> = Vec::new();
        for _ in 0..MOST_PAGES {
            let mut params = form_urlencoded::Serializer::new(String::new());
            params.extend_pairs(filter).append_pair("limit", &PAGE.to_string());
            if let Some(last) = found.last() {
                params.append_pair("starting_after", last.id());
            }
            let list: List<W> = self.get(path, &params.finish()).await?;
            let was_empty = list.data.is_empty();
            for wire in list.data {
                found.push(T::try_from(wire).map_err(unreadable)?);
            }
            if !list.has_more || was_empty {
                return Ok(found);
            }
        }
        Err(unreadable(()))
    }
}

/// For a quoted value of Stripe's search language.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
