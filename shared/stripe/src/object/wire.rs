//! The JSON of Stripe's objects, and its way into types.

use std::collections::BTreeMap;

use domain::{Currency, CustomerId, InvoiceId, PriceId, ProductId};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Customer, Invoice, InvoiceLine, InvoiceStatus};

/// The bytes are not the object that was asked for.
#[derive(Debug)]
pub(crate) struct Unreadable;

/// An object that has a wire form.
pub(crate) trait Object: Sized {
    type Wire: DeserializeOwned;
    /// What the member `object` says.
    const NAME: &'static str;

    fn from_wire(wire: Self::Wire) -> Result<Self, Unreadable>;
}

#[derive(Deserialize)]
struct Named {
    object: String,
}

/// Reads one object, and checks that it is the one that was asked for: a proxy's answer may be JSON as well.
pub(crate) fn read<T: Object>(body: &[u8]) -> Result<T, Unreadable> {
    let Named { object } = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    if object != T::NAME {
        return Err(Unreadable);
    }
    T::from_wire(serde_json::from_slice(body).map_err(|_| Unreadable)?)
}

/// One page, of a list or of a search.
pub(crate) struct List<T> {
    pub(crate) data: Vec<T>,
    pub(crate) has_more: bool,
    /// Where a search goes on.
    pub(crate) next_page: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct ListWire<W> {
    data: Vec<W>,
    has_more: bool,
    next_page: Option<String>,
}

impl<T: Object> List<T> {
    pub(crate) fn read(body: &[u8]) -> Result<Self, Unreadable> {
        Self::from_wire(serde_json::from_slice(body).map_err(|_| Unreadable)?)
    }

    fn from_wire(wire: ListWire<T::Wire>) -> Result<Self, Unreadable> {
        let data: Result<Vec<T>, Unreadable> = wire.data.into_iter().map(T::from_wire).collect();
        Ok(Self {
            data: data?,
            has_more: wire.has_more,
            next_page: wire.next_page,
        })
    }
}

/// The answer to a deletion.
pub(crate) struct Deleted;

#[derive(Deserialize)]
pub(crate) struct DeletedWire {
    deleted: bool,
}

impl Object for Deleted {
    type Wire = DeletedWire;
    const NAME: &'static str = "invoice";

    fn from_wire(wire: DeletedWire) -> Result<Self, Unreadable> {
        wire.deleted.then_some(Self).ok_or(Unreadable)
    }
}

/// An id, or the whole object where it was expanded.
#[derive(Deserialize)]
#[serde(untagged)]
enum Expandable {
    Id(String),
    Object { id: String },
}

impl Expandable {
    fn id(&self) -> &str {
        match self {
            Self::Id(id) | Self::Object { id } => id,
        }
    }
}

fn seconds(seconds: i64) -> Result<Timestamp, Unreadable> {
    Timestamp::from_second(seconds).map_err(|_| Unreadable)
}

fn currency(code: &str) -> Result<Currency, Unreadable> {
    Currency::parse(code).map_err(|_| Unreadable)
}

#[derive(Deserialize)]
pub(crate) struct CustomerWire {
    id: CustomerId,
    #[serde(default)]
    deleted: bool,
    email: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
    created: Option<i64>,
    livemode: Option<bool>,
}

impl Object for Customer {
    type Wire = CustomerWire;
    const NAME: &'static str = "customer";

    fn from_wire(wire: CustomerWire) -> Result<Self, Unreadable> {
        let (created, livemode) = match (wire.created, wire.livemode) {
            (Some(created), Some(livemode)) => (seconds(created)?, livemode),
            _ if wire.deleted => (Timestamp::UNIX_EPOCH, false),
            _ => return Err(Unreadable),
        };
        Ok(Self {
            id: wire.id,
            deleted: wire.deleted,
            email: wire.email,
            metadata: wire.metadata.unwrap_or_default(),
            created,
            livemode,
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct InvoiceWire {
    id: InvoiceId,
    status: Option<String>,
    customer: Option<Expandable>,
    currency: String,
    subtotal: i64,
    total: i64,
    amount_due: i64,
    amount_paid: i64,
    amount_remaining: i64,
    auto_advance: Option<bool>,
    livemode: bool,
    created: i64,
    hosted_invoice_url: Option<String>,
    number: Option<String>,
    status_transitions: Option<StatusTransitions>,
    metadata: Option<BTreeMap<String, String>>,
    lines: ListWire<LineWire>,
}

#[derive(Deserialize)]
struct StatusTransitions {
    paid_at: Option<i64>,
}

impl Object for Invoice {
    type Wire = InvoiceWire;
    const NAME: &'static str = "invoice";

    fn from_wire(wire: InvoiceWire) -> Result<Self, Unreadable> {
        let customer = wire.customer.map(|customer| CustomerId::parse(customer.id()));
        let lines = List::<InvoiceLine>::from_wire(wire.lines)?;
        let paid_at = wire.status_transitions.and_then(|transitions| transitions.paid_at);
        Ok(Self {
            id: wire.id,
            status: status(wire.status.as_deref()),
            customer: customer.transpose().map_err(|_| Unreadable)?,
            currency: currency(&wire.currency)?,
            subtotal: wire.subtotal,
            total: wire.total,
            amount_due: wire.amount_due,
            amount_paid: wire.amount_paid,
            amount_remaining: wire.amount_remaining,
            auto_advance: wire.auto_advance.unwrap_or_default(),
            livemode: wire.livemode,
            created: seconds(wire.created)?,
            hosted_invoice_url: wire.hosted_invoice_url,
            number: wire.number,
            paid_at: paid_at.map(seconds).transpose()?,
            metadata: wire.metadata.unwrap_or_default(),
            lines: lines.data,
            has_more_lines: lines.has_more,
        })
    }
}

fn status(status: Option<&str>) -> InvoiceStatus {
    match status {
        Some("draft") => InvoiceStatus::Draft,
        Some("open") => InvoiceStatus::Open,
        Some("paid") => InvoiceStatus::Paid,
        Some("uncollectible") => InvoiceStatus::Uncollectible,
        Some("void") => InvoiceStatus::Void,
        _ => InvoiceStatus::Other,
    }
}

#[derive(Deserialize)]
pub(crate) struct LineWire {
    id: String,
    amount: i64,
    currency: String,
    quantity: Option<i64>,
    quantity_decimal: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
    pricing: Option<PricingWire>,
}

#[derive(Deserialize)]
struct PricingWire {
    price_details: Option<PriceDetails>,
}

#[derive(Deserialize)]
struct PriceDetails {
    price: Option<Expandable>,
    product: Option<Expandable>,
}

impl Object for InvoiceLine {
    type Wire = LineWire;
    const NAME: &'static str = "line_item";

    fn from_wire(wire: LineWire) -> Result<Self, Unreadable> {
        let details = wire.pricing.and_then(|pricing| pricing.price_details);
        let (price, product) = details.map_or((None, None), |details| (details.price, details.product));
        // `quantity` is whole, and rounded where `quantity_decimal` is not.
        let quantity_decimal = wire.quantity_decimal.map(|text| Decimal::from_str_exact(&text));
        let quantity_decimal = quantity_decimal.transpose().map_err(|_| Unreadable)?;
        Ok(Self {
            id: wire.id,
            amount: wire.amount,
            currency: currency(&wire.currency)?,
            quantity: quantity_decimal.or_else(|| wire.quantity.map(Decimal::from)),
            metadata: wire.metadata.unwrap_or_default(),
            price: price.and_then(|price| PriceId::parse(price.id()).ok()),
            product: product.and_then(|product| ProductId::parse(product.id()).ok()),
        })
    }
}

#[cfg(test)]
mod tests;
