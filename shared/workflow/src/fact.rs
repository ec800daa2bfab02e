//! What comes back from the calls: facts, and what was seen of the vendors' objects.

mod collecting;
mod invoice;
mod renewal;
mod standing;
mod subscription;

use std::collections::BTreeMap;

pub use collecting::CollectingSeen;
use domain::{Currency, CustomerId, InvoiceId, Money, PriceId, ProductId, SubscriptionId, SubscriptionItemId};
pub use invoice::InvoiceStandingSeen;
use jiff::Timestamp;
use mapping::{CaseSeen, Deal, Naming, Stop, TaxBehavior, TaxIdSeen, Whereabouts};
pub use renewal::{PreviewLineSeen, PreviewSeen, RenewableSeen};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
pub use standing::{Cancellation, StandingSeen, SubscriptionStatus};
pub use subscription::{ItemSeen, SubscriptionSeen};

use crate::{Credited, Settlement};

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    DealRead(Box<Deal>),
    /// The record is gone, or the integration user cannot see it.
    RecordMissing,
    BillingRead(domain::Record),
    /// The same of one whose invoice is paid; and why what rules ask of it could not be read.
    PaidRead {
        record: domain::Record,
        unread: Option<String>,
    },
    /// The records as they were read back, one for each update, in the same order.
    RecordsUpdated(Vec<domain::Record>),
    /// The customer's metadata, unless the customer is deleted.
    CustomerRead {
        customer_id: CustomerId,
        metadata: BTreeMap<String, String>,
    },
    CustomerMissing,
    PaymentMethodRead {
        is_any: bool,
    },
    CustomerCreated {
        customer_id: CustomerId,
    },
    /// One that the run had made before, with whatever was known then.
    CustomerFound {
        customer_id: CustomerId,
    },
    CustomerUpdated,
    TaxIdsRead(Vec<TaxIdSeen>),
    TaxIdAdded,
    /// By us, or it had been taken away before.
    TaxIdRemoved,
    /// The account's customer, from its own run.
    CustomerKnown {
        customer_id: CustomerId,
        /// It is the one for subscriptions in the deal's currency, beside the one that the account names.
        is_apart: bool,
    },
    /// The account's customer cannot be made.
    CustomerStopped(Stop),
    InvoiceRead(InvoiceSeen),
    InvoiceMissing,
    LinesRead(Vec<LineSeen>),
    DraftDeleted,
    /// Those that there are of the prices that were asked for.
    PricesRead(Vec<PriceSeen>),
    PriceCreated(PriceSeen),
    PendingRead {
        is_any: bool,
    },
    SubscriptionRead(Box<SubscriptionSeen>),
    /// One that may have been begun before was not, and will not be any more.
    SubscriptionNotBegun,
    /// What may be the subscription that a deal renews.
    RenewableSeen {
        found: Vec<RenewableSeen>,
        at: Timestamp,
    },
    RenewalPreviewed(Box<PreviewSeen>),
    SubscriptionRenewed(Box<RenewableSeen>),
    /// One that may have been renewed before was not, and will not be any more.
    SubscriptionNotRenewed,
    /// Stripe: an invoice that was to be voided or credited is not, and no request is under way any more.
    InvoiceNotVoided,
    SettlementRead(Box<Settlement>),
    SubscriptionCanceled,
    StandingRead {
        seen: Box<StandingSeen>,
        at: Timestamp,
    },
    SubscriptionMissing,
    /// What the records say that name a subscription.
    NamingRead(Naming),
    CollectingRead {
        seen: Box<CollectingSeen>,
        at: Timestamp,
    },
    InvoiceStandingRead {
        seen: Box<InvoiceStandingSeen>,
        at: Timestamp,
    },
    /// What Salesforce has about an invoice that was not collected.
    CaseRead(Box<CaseSeen>),
    /// What the deal is called and whose it is, if there is one that may be read.
    NamesRead {
        deal: Option<domain::Record>,
        /// Why what rules ask of it could not be read.
        unread: Option<String>,
        at: Timestamp,
    },
    /// Who names what was looked for.
    LookedUp(Box<Whereabouts>),
    /// It was said.
    Told {
        at: Timestamp,
    },
    /// It may have been said.
    ToldPerhaps,
    /// It was not said, for certain.
    NotTold {
        stop: Stop,
        at: Timestamp,
    },
    /// A definite no: nothing happened, and asking again changes nothing until somebody mends something.
    Refused(Refusal),
    Reported,
    /// The invoice is above what is sent without an approval, and nobody has given one. Nothing was sent.
    NotApproved {
        ceiling: Money,
        total: Money,
    },
}

impl Fact {
    /// What it is, without what it holds: that may be about people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::DealRead(_) => "deal_read",
            Self::RecordMissing => "record_missing",
            Self::BillingRead(_) => "billing_read",
            Self::PaidRead { .. } => "paid_read",
            Self::RecordsUpdated(_) => "records_updated",
            Self::CustomerRead { .. } => "customer_read",
            Self::CustomerMissing => "customer_missing",
            Self::PaymentMethodRead { .. } => "payment_method_read",
            Self::CustomerCreated { .. } => "customer_created",
            Self::CustomerFound { .. } => "customer_found",
            Self::CustomerUpdated => "customer_updated",
            Self::TaxIdsRead(_) => "tax_ids_read",
            Self::TaxIdAdded => "tax_id_added",
            Self::TaxIdRemoved => "tax_id_removed",
            Self::CustomerKnown { .. } => "customer_known",
            Self::CustomerStopped(_) => "customer_stopped",
            Self::InvoiceRead(_) => "invoice_read",
            Self::InvoiceMissing => "invoice_missing",
            Self::LinesRead(_) => "lines_read",
            Self::DraftDeleted => "draft_deleted",
            Self::PricesRead(_) => "prices_read",
            Self::PriceCreated(_) => "price_created",
            Self::PendingRead { .. } => "pending_read",
            Self::SubscriptionRead(_) => "subscription_read",
            Self::SubscriptionNotBegun => "subscription_not_begun",
            Self::RenewableSeen { .. } => "renewable_seen",
            Self::RenewalPreviewed(_) => "renewal_previewed",
            Self::SubscriptionRenewed(_) => "subscription_renewed",
            Self::SubscriptionNotRenewed => "subscription_not_renewed",
            Self::InvoiceNotVoided => "invoice_not_voided",
            Self::SettlementRead(_) => "settlement_read",
            Self::SubscriptionCanceled => "subscription_canceled",
            Self::StandingRead { .. } => "standing_read",
            Self::SubscriptionMissing => "subscription_missing",
            Self::NamingRead(_) => "naming_read",
            Self::CollectingRead { .. } => "collecting_read",
            Self::InvoiceStandingRead { .. } => "invoice_standing_read",
            Self::CaseRead(_) => "case_read",
            Self::NamesRead { .. } => "names_read",
            Self::LookedUp(_) => "looked_up",
            Self::Told { .. } => "told",
            Self::ToldPerhaps => "told_perhaps",
            Self::NotTold { .. } => "not_told",
            Self::Refused(_) => "refused",
            Self::Reported => "reported",
            Self::NotApproved { .. } => "not_approved",
        }
    }
}

/// Why a vendor said no, in the vendor's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub stop: Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceStatus {
    Draft,
    Open,
    Paid,
    Uncollectible,
    Void,
    /// A status that Stripe added after this was written.
    Other,
}

impl InvoiceStatus {
    /// A customer has it, whatever has become of it since; one that is void does not count any more.
    pub(crate) fn is_sent(self) -> bool {
        !matches!(self, Self::Draft | Self::Void)
    }
}

/// An invoice as Stripe just answered it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceSeen {
    pub invoice_id: InvoiceId,
    /// This deployment made it.
    #[serde(default)]
    pub is_ours: bool,
    #[serde(default)]
    pub customer_id: Option<CustomerId>,
    pub status: InvoiceStatus,
    pub currency: Currency,
    pub subtotal: i64,
    pub total: i64,
    #[serde(default)]
    pub amount_paid: i64,
    /// What its customer was asked for when it was finalized, less what was credited since.
    #[serde(default)]
    pub amount_due: i64,
    #[serde(default)]
    pub amount_remaining: i64,
    #[serde(default)]
    pub credited: Credited,
    #[serde(default)]
    pub tax: TaxSeen,
    pub auto_advance: bool,
    /// It is collected from the customer's payment method, and not sent.
    #[serde(default)]
    pub is_charged: bool,
    pub hosted_invoice_url: Option<String>,
    pub invoice_pdf: Option<String>,
    pub paid_at: Option<Timestamp>,
    pub metadata: BTreeMap<String, String>,
    /// The subscription that it bills, if it is not a one-off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<SubscriptionId>,
    /// The first lines; Stripe embeds at most ten.
    pub first_lines: Vec<LineSeen>,
    pub has_more_lines: bool,
}

impl InvoiceSeen {
    /// What came in for it, the customer's balance included, and was not credited.
    pub(crate) fn settled(&self) -> i64 {
        self.total.saturating_sub(self.amount_remaining)
    }

    /// Nothing of it was paid or credited. What the customer's balance paid of it comes back when it is voided.
    pub(crate) fn is_untouched(&self) -> bool {
        !self.is_begun_to_be_paid() && self.credited.is_nothing()
    }

    /// Something came in, by Stripe or outside of it.
    pub(crate) fn is_begun_to_be_paid(&self) -> bool {
        self.amount_paid > 0 || self.amount_remaining < self.amount_due
    }

    /// What was paid of it, by Stripe or outside of it.
    pub(crate) fn received(&self) -> i64 {
        self.amount_due.saturating_sub(self.amount_remaining)
    }

    fn is_credited_whole(&self) -> bool {
        self.total > 0 && self.credited.before + self.credited.after == self.total
    }

    /// Stripe calls it paid because of a credit note over what was still due, and not because somebody paid it.
    pub(crate) fn is_paid_by_note(&self) -> bool {
        self.is_credited_whole() && self.credited.before > 0
    }

    /// It does not count any more, and its deal may be billed by another: it is void, and nothing was paid of it; or it is paid, and
    /// all of it was credited.
    pub(crate) fn is_given_up(&self) -> bool {
        match self.status {
            InvoiceStatus::Void => self.amount_paid == 0,
            InvoiceStatus::Paid => self.is_credited_whole(),
            // It is about to be.
            InvoiceStatus::Open => self.amount_remaining == 0 && self.is_credited_whole(),
            _ => false,
        }
    }

    /// What was credited by hand, its deal may be billed by hand again, too.
    pub(crate) fn is_credited_by_hand(&self) -> bool {
        self.status != InvoiceStatus::Void && self.is_given_up() && self.credited.by_us != self.total
    }
}

/// What of it is tax, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxSeen {
    /// Added to the subtotal.
    pub on_top: i64,
    /// Part of the subtotal.
    pub inside: i64,
    pub status: TaxStatus,
}

/// How far Stripe's automatic tax has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxStatus {
    #[default]
    Off,
    Complete,
    LocationMissing,
    Failed,
}

/// The hosted page opens the invoice for anyone who has its address.
impl std::fmt::Debug for InvoiceSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = f.debug_struct("InvoiceSeen");
        fields.field("invoice_id", &self.invoice_id).field("status", &self.status).field("total", &self.total);
        fields.finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineSeen {
    /// The plan line it was made for, from its metadata.
    pub key: Option<String>,
    pub amount: i64,
    /// The item of the subscription that it bills, and from when on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_item: Option<SubscriptionItemId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_start: Option<Timestamp>,
}

/// How often a price comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// Never.
    Once,
    Months(u32),
    /// By the day or the week.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceSeen {
    pub price_id: PriceId,
    pub product_id: Option<ProductId>,
    pub is_active: bool,
    pub currency: Option<Currency>,
    /// Of one, in minor units; `None` for a price in tiers, by usage, or of packages.
    pub unit_amount: Option<Decimal>,
    pub every: Every,
    pub tax: Option<TaxBehavior>,
}

impl PriceSeen {
    pub fn costs(&self, currency: Currency, unit_amount: Decimal, every: Every) -> bool {
        self.currency == Some(currency) && self.unit_amount == Some(unit_amount) && self.every == every
    }

    /// One that says nothing follows the account's default, which the gate looks at.
    pub fn is_taxed_as(&self, tax: Option<TaxBehavior>) -> bool {
        tax.is_none() || self.tax.is_none() || self.tax == tax
    }
}

#[cfg(test)]
mod tests;
