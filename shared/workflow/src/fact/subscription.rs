//! What is seen of a subscription.

use domain::{PriceId, ProductId, SubscriptionId, SubscriptionItemId};
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::InvoiceSeen;

/// A subscription as Stripe just answered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionSeen {
    pub subscription_id: SubscriptionId,
    /// It was canceled, or never came about.
    pub is_over: bool,
    /// It ended with its term: everything of it is billed.
    pub has_run_out: bool,
    pub created: Timestamp,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    /// The first day of the term that it was renewed for last, if it was.
    pub renewed_from: Option<Date>,
    pub items: Vec<ItemSeen>,
    /// It has made another invoice than its first one.
    pub has_billed_more: bool,
    /// The invoice that it made first.
    pub invoice: Option<InvoiceSeen>,
}

/// An item of a subscription as Stripe just answered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemSeen {
    pub item_id: SubscriptionItemId,
    pub price_id: PriceId,
    pub product_id: Option<ProductId>,
    /// Of one, in minor units; `None` for a price in tiers, by usage, or of packages.
    #[serde(default, with = "rust_decimal::serde::str_option", skip_serializing_if = "Option::is_none")]
    pub unit_amount: Option<Decimal>,
    pub quantity: Option<i64>,
    /// How often it is billed; `None` for by the day or the week.
    pub months: Option<u32>,
    /// The period that it has billed last.
    #[serde(default)]
    pub period_start: Timestamp,
    pub period_end: Timestamp,
}
