//! What is seen of a subscription that goes on, and of what that would be billed by.

use std::collections::BTreeMap;

use domain::{Currency, CustomerId, LineItemId, OpportunityId, PriceId, SubscriptionId};
use jiff::Timestamp;
use jiff::civil::Date;

use super::{InvoiceSeen, ItemSeen};

/// A subscription that may be renewed, as Stripe just answered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewableSeen {
    pub subscription_id: SubscriptionId,
    /// This deployment began it.
    pub is_ours: bool,
    pub is_over: bool,
    pub customer_id: Option<CustomerId>,
    pub currency: Currency,
    pub ends_at: Option<Timestamp>,
    pub items: Vec<ItemSeen>,
    /// The run that began it, and whether that has settled on it: until then it may still be taken away.
    pub begun_by: Option<String>,
    pub is_settled: bool,
    /// When its first period began.
    pub begun_at: Option<Timestamp>,
    /// Why it does not simply send an invoice each period, if so: `is paused`.
    pub oddity: Option<&'static str>,
    /// The deal that renewed it last, and from which day on.
    pub renewed_for: Option<OpportunityId>,
    pub renewed_from: Option<Date>,
    /// From which day on its deal says that it is not billed any more, as it was told.
    pub canceled_on: Option<Date>,
    /// What deals that renewed it sold once besides, each in minor units. Later renewals leave it there.
    pub sold_once: BTreeMap<OpportunityId, i64>,
    /// The invoice that it made last.
    pub last_invoice: Option<InvoiceSeen>,
}

/// What a change of a subscription would be billed by at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewSeen {
    pub currency: Currency,
    /// In minor units, with tax; below zero, it is credited to the customer's balance.
    pub total: i64,
    /// What of it is tax that was added to its lines.
    pub added_tax: i64,
    pub lines: Vec<PreviewLineSeen>,
    /// These are all of its lines.
    pub is_whole: bool,
    /// Something would be billed that is no proration of this subscription, and nothing that a renewal of it has sold once.
    pub brings_more: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewLineSeen {
    /// The line of a deal that it bills, where that is billed once: of this one, or of one that renewed the subscription before and was
    /// to be billed by its next invoice. Otherwise it is a proration.
    pub sold_once: Option<LineItemId>,
    pub price_id: Option<PriceId>,
    pub amount: i64,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
}
