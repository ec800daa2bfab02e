//! Everything in the account, page by page and newest first, for whoever compares it with what should be there. Lists are
//! strongly consistent. Most of what is in them is somebody else's, so nothing that cannot be read hides the rest.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use domain::{CustomerId, InvoiceId};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::carried::Carried;
use crate::error::Error;
use crate::objects::{CustomerWire, InvoiceWire, List};
use crate::prices::PriceWire;
use crate::reads::{PAGE, unreadable};
use crate::subscriptions::SubscriptionWire;
use crate::webhook::{self, Notification};
use crate::{Client, Customer, Invoice, Price, Subscription};

/// The last object of a page. Its time is kept because it may be deleted before the next page is asked for, and Stripe
/// does not go on after an object that it does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    id: String,
    created: Timestamp,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.created.as_second())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a cursor is an id and a time, id@seconds")]
pub struct InvalidCursor;

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (id, seconds) = text.split_once('@').ok_or(InvalidCursor)?;
        let seconds = seconds.parse().map_err(|_| InvalidCursor)?;
        let created = Timestamp::from_second(seconds).map_err(|_| InvalidCursor)?;
        Ok(Self { id: id.to_owned(), created })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<Listed<T>>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
}

/// As much of an object as is always there, and the object if it is one that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    pub id: String,
    pub created: Timestamp,
    /// What the object carries, or for an event what the object that it is about carried then; `None` where it is not
    /// said.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Of an event of an invoice: what its subscription carried, of whichever period it is.
    pub of_subscription: Option<BTreeMap<String, String>>,
    pub object: Option<T>,
}

#[derive(Deserialize)]
struct Head {
    id: String,
    created: i64,
}

#[derive(Deserialize)]
struct OfEvent {
    data: DataOfEvent,
}

#[derive(Deserialize)]
struct DataOfEvent {
    object: Carried,
}

impl<T> Listed<T> {
    pub(crate) fn read(
        raw: &RawValue,
        metadata: Option<BTreeMap<String, String>>,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<Self> {
        let head: Head = serde_json::from_str(raw.get()).ok()?;
        let created = Timestamp::from_second(head.created).ok()?;
        Some(Self { id: head.id, created, metadata, of_subscription: None, object: read(raw.get()) })
    }
}

pub(crate) fn carried(raw: &RawValue) -> Option<BTreeMap<String, String>> {
    serde_json::from_str::<Carried>(raw.get()).ok().and_then(Carried::into_metadata)
}

impl Client {
    /// Invoices in any status that were made since then, deleted drafts excepted.
    pub async fn invoices_created_since(
        &self,
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<Invoice>, Error> {
        let read =
            |text: &str| serde_json::from_str::<InvoiceWire>(text).ok().and_then(|wire| Invoice::try_from(wire).ok());
        self.page("/v1/invoices", &[], since, after, |raw| Listed::read(raw, carried(raw), read)).await
    }

    /// Customers that were made since then, deleted ones excepted.
    pub async fn customers_created_page(
        &self,
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<Customer>, Error> {
        let read = |text: &str| serde_json::from_str::<CustomerWire>(text).ok().map(Customer::from);
        self.page("/v1/customers", &[], since, after, |raw| Listed::read(raw, carried(raw), read)).await
    }

    /// Events of these types (at most twenty) that Stripe made since then. It keeps them for 30 days.
    pub async fn events_since(
        &self,
        types: &[&str],
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<Notification>, Error> {
        let names: Vec<_> = (0..types.len()).map(|index| format!("types[{index}]")).collect();
        let filter: Vec<_> = names.iter().map(String::as_str).zip(types.iter().copied()).collect();
        let read = |text: &str| webhook::decode(text.as_bytes()).ok();
        let of_event = |raw: &RawValue| {
            let carried = serde_json::from_str::<OfEvent>(raw.get()).ok().map(|event| event.data.object);
            let of_subscription = carried.as_ref().and_then(Carried::of_subscription).cloned();
            let listed = Listed::read(raw, carried.and_then(Carried::into_metadata), read)?;
            Some(Listed { of_subscription, ..listed })
        };
        self.page("/v1/events", &filter, since, after, of_event).await
    }

    /// Whether the customer has an invoice in any status.
    pub async fn customer_has_invoices(&self, id: &CustomerId) -> Result<bool, Error> {
        let query = params(&[("customer", id.as_str()), ("limit", "1")]);
        let list: List<Box<RawValue>> = self.get("/v1/invoices", &query).await?;
        Ok(!list.data.is_empty() || list.has_more)
    }

    /// Subscriptions in any status that were made since then, with the invoices that they made last.
    pub async fn subscriptions_created_since(
        &self,
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<Subscription>, Error> {
        let read = |text: &str| {
            serde_json::from_str::<SubscriptionWire>(text).ok().and_then(|wire| Subscription::try_from(wire).ok())
        };
        let filter = [("status", "all"), ("expand[0]", "data.latest_invoice")];
        self.page("/v1/subscriptions", &filter, since, after, |raw| Listed::read(raw, carried(raw), read)).await
    }

    /// Prices that are active, whenever they were made.
    pub(crate) async fn active_prices(&self, after: Option<&Cursor>) -> Result<Page<Price>, Error> {
        let read = |text: &str| serde_json::from_str::<PriceWire>(text).ok().map(Price::from);
        let filter = [("active", "true")];
        self.page("/v1/prices", &filter, Timestamp::UNIX_EPOCH, after, |raw| Listed::read(raw, None, read)).await
    }

    pub(crate) async fn page<T>(
        &self,
        path: &str,
        filter: &[(&str, &str)],
        since: Timestamp,
        after: Option<&Cursor>,
        read: impl Fn(&RawValue) -> Option<Listed<T>>,
    ) -> Result<Page<T>, Error> {
        let (since, limit) = (since.as_second().to_string(), PAGE.to_string());
        let mut query = filter.to_vec();
        query.extend([("created[gte]", since.as_str()), ("limit", limit.as_str())]);
        let list: List<Box<RawValue>> = match after {
            None => self.get(path, &params(&query)).await?,
            Some(after) => {
                let next = [&query[..], &[("starting_after", after.id.as_str())]].concat();
                match self.get(path, &params(&next)).await {
                    // It was deleted meanwhile. What was made in the same second or before comes again or next.
                    Err(Error::Refused(refusal)) if refusal.code.as_deref() == Some("resource_missing") => {
                        let until = after.created.as_second().to_string();
                        let next = [&query[..], &[("created[lte]", until.as_str())]].concat();
                        self.get(path, &params(&next)).await?
                    }
                    answer => answer?,
                }
            }
        };
        let items = list.data.iter().map(|raw| read(raw)).collect::<Option<Vec<_>>>().ok_or_else(|| unreadable(()))?;
        let last = items.last().map(|item| Cursor { id: item.id.clone(), created: item.created });
        match (list.has_more, last) {
            (false, _) => Ok(Page { items, next: None }),
            (true, Some(last)) => Ok(Page { items, next: Some(last) }),
            // There is more, and no way to it: what was found so far is not the answer.
            (true, None) => Err(unreadable(())),
        }
    }
}

fn params(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The invoice that an object of the list is about, whatever else of it can be read.
impl Listed<Invoice> {
    pub fn invoice_id(&self) -> Option<InvoiceId> {
        InvoiceId::parse(&self.id).ok()
    }
}
