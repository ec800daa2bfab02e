//! What is read of Stripe's objects. The shapes on the wire are private; a field that is not here is not needed.

use std::collections::BTreeMap;

use domain::{Currency, CustomerId, InvoiceId, PriceId, ProductId};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    pub id: CustomerId,
    /// A deleted customer is answered with nothing but its id.
    pub deleted: bool,
    pub metadata: BTreeMap<String, String>,
    pub created: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceStatus {
    Draft,
    Open,
    Paid,
    Uncollectible,
    Void,
    /// A status that Stripe added later.
    #[serde(other)]
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    pub id: InvoiceId,
    pub status: InvoiceStatus,
    pub customer: CustomerId,
    pub currency: Currency,
    /// Minor units, here and below.
    pub subtotal: i64,
    pub total: i64,
    pub amount_due: i64,
    pub amount_paid: i64,
    pub amount_remaining: i64,
    pub auto_advance: bool,
    pub livemode: bool,
    pub created: Timestamp,
    /// From finalizing on.
    pub hosted_invoice_url: Option<String>,
    pub number: Option<String>,
    pub paid_at: Option<Timestamp>,
    pub metadata: BTreeMap<String, String>,
    /// The first ten; `Client::invoice_lines` reads them all.
    pub lines: Vec<InvoiceLine>,
    pub has_more_lines: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceLine {
    pub id: String,
    pub amount: i64,
    pub currency: Currency,
    pub quantity: Option<Decimal>,
    pub metadata: BTreeMap<String, String>,
    pub price: Option<PriceId>,
    pub product: Option<ProductId>,
}

/// An object, or only its id where it was not expanded.
#[derive(Deserialize)]
#[serde(untagged)]
enum Expandable {
    Id(String),
    Object { id: String },
}

impl Expandable {
    fn into_id(self) -> String {
        match self {
            Self::Id(id) | Self::Object { id } => id,
        }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct Seconds(Timestamp);

impl TryFrom<i64> for Seconds {
    type Error = jiff::Error;

    fn try_from(seconds: i64) -> Result<Self, Self::Error> {
        Timestamp::from_second(seconds).map(Self)
    }
}

#[derive(Deserialize)]
pub(crate) struct List<T> {
    pub(crate) data: Vec<T>,
    #[serde(default)]
    pub(crate) has_more: bool,
    /// Search only.
    #[serde(default)]
    pub(crate) next_page: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct CustomerWire {
    id: CustomerId,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    metadata: Option<BTreeMap<String, String>>,
    created: Option<Seconds>,
}

impl From<CustomerWire> for Customer {
    fn from(wire: CustomerWire) -> Self {
        Self {
            id: wire.id,
            deleted: wire.deleted,
            metadata: wire.metadata.unwrap_or_default(),
            created: wire.created.map_or(Timestamp::UNIX_EPOCH, |seconds| seconds.0),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct InvoiceWire {
    id: InvoiceId,
    status: Option<InvoiceStatus>,
    customer: Expandable,
    currency: Currency,
    subtotal: i64,
    total: i64,
    amount_due: i64,
    amount_paid: i64,
    amount_remaining: i64,
    #[serde(default)]
    auto_advance: bool,
    livemode: bool,
    created: Seconds,
    hosted_invoice_url: Option<String>,
    number: Option<String>,
    status_transitions: Option<StatusTransitions>,
    metadata: Option<BTreeMap<String, String>>,
    lines: List<InvoiceLineWire>,
}

#[derive(Deserialize)]
struct StatusTransitions {
    paid_at: Option<Seconds>,
}

impl TryFrom<InvoiceWire> for Invoice {
    type Error = domain::IdError;

    fn try_from(wire: InvoiceWire) -> Result<Self, Self::Error> {
        Ok(Self {
            id: wire.id,
            status: wire.status.unwrap_or(InvoiceStatus::Other),
            customer: CustomerId::parse(&wire.customer.into_id())?,
            currency: wire.currency,
            subtotal: wire.subtotal,
            total: wire.total,
            amount_due: wire.amount_due,
            amount_paid: wire.amount_paid,
            amount_remaining: wire.amount_remaining,
            auto_advance: wire.auto_advance,
            livemode: wire.livemode,
            created: wire.created.0,
            hosted_invoice_url: wire.hosted_invoice_url,
            number: wire.number,
            paid_at: wire
                .status_transitions
                .and_then(|transitions| transitions.paid_at)
                .map(|seconds| seconds.0),
            metadata: wire.metadata.unwrap_or_default(),
            lines: wire.lines.data.into_iter().map(InvoiceLine::from).collect(),
            has_more_lines: wire.lines.has_more,
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct InvoiceLineWire {
    id: String,
    amount: i64,
    currency: Currency,
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
    product: Option<String>,
}

impl From<InvoiceLineWire> for InvoiceLine {
    fn from(wire: InvoiceLineWire) -> Self {
        let details = wire.pricing.and_then(|pricing| pricing.price_details);
        let (price, product) = details.map_or((None, None), |details| (details.price, details.product));
        let decimal = wire.quantity_decimal.and_then(|quantity| quantity.parse().ok());
        Self {
            id: wire.id,
            amount: wire.amount,
            currency: wire.currency,
            quantity: decimal.or(wire.quantity.map(Decimal::from)),
            metadata: wire.metadata.unwrap_or_default(),
            price: price.and_then(|price| PriceId::parse(&price.into_id()).ok()),
            product: product.and_then(|product| ProductId::parse(&product).ok()),
        }
    }
}
