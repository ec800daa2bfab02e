//! Stripe's objects, as much of them as is read. What Stripe adds to its answers later is ignored.

mod wire;

use std::collections::BTreeMap;
use std::fmt;

use domain::{Currency, CustomerId, InvoiceId, PriceId, ProductId};
use jiff::Timestamp;
use rust_decimal::Decimal;

pub(crate) use wire::{Deleted, List, Object, Unreadable, read};

/// A customer. Of a deleted one Stripe tells the id alone: the rest is empty then, and `created` is 1970.
#[derive(Clone, PartialEq, Eq)]
pub struct Customer {
    pub id: CustomerId,
    pub deleted: bool,
    pub email: Option<String>,
    pub metadata: BTreeMap<String, String>,
    pub created: Timestamp,
    pub livemode: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvoiceStatus {
    Draft,
    Open,
    Paid,
    Uncollectible,
    Void,
    /// A status that Stripe did not have when this was written, or none.
    Other,
}

/// An invoice. Amounts are in minor units of `currency`.
#[derive(Clone, PartialEq, Eq)]
pub struct Invoice {
    pub id: InvoiceId,
    pub status: InvoiceStatus,
    /// `None` for an invoice of an account of Stripe's second API version, which is never one of ours.
    pub customer: Option<CustomerId>,
    pub currency: Currency,
    pub subtotal: i64,
    pub total: i64,
    pub amount_due: i64,
    pub amount_paid: i64,
    pub amount_remaining: i64,
    pub auto_advance: bool,
    pub livemode: bool,
    pub created: Timestamp,
    /// `None` until the invoice is finalized. Whoever has it can see the invoice, so it is not printed.
    pub hosted_invoice_url: Option<String>,
    pub number: Option<String>,
    pub paid_at: Option<Timestamp>,
    pub metadata: BTreeMap<String, String>,
    /// The first page of the lines; `Client::invoice_lines` reads them all.
    pub lines: Vec<InvoiceLine>,
    pub has_more_lines: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceLine {
    /// `il_…`
    pub id: String,
    /// Minor units of `currency`, for the whole line.
    pub amount: i64,
    pub currency: Currency,
    pub quantity: Option<Decimal>,
    pub metadata: BTreeMap<String, String>,
    pub price: Option<PriceId>,
    pub product: Option<ProductId>,
}

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer")
            .field("id", &self.id)
            .field("deleted", &self.deleted)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Invoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invoice")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("currency", &self.currency)
            .field("total", &self.total)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}
