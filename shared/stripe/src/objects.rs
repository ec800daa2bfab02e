//! What is read of Stripe's objects. The shapes on the wire are private; a field that is not here is not needed.

use std::collections::BTreeMap;

use domain::{Currency, CurrencyError, CustomerId, InvoiceId, SubscriptionId, TaxIdId};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::carried::{Carried, InvoiceParent};
use crate::lines::{InvoiceLine, InvoiceLineWire};
use crate::tax::{AutomaticTax, Tax, TotalTax};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    pub id: CustomerId,
    /// A deleted customer is answered with nothing but its id.
    pub deleted: bool,
    pub metadata: BTreeMap<String, String>,
    pub created: Timestamp,
}

/// A customer's number with a tax authority. Debug never prints it: that of a sole trader belongs to a person.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct TaxIdObject {
    pub id: TaxIdId,
    /// One of Stripe's names, or one that was added later.
    #[serde(rename = "type")]
    pub kind: String,
    pub value: String,
}

impl HasId for TaxIdObject {
    fn id(&self) -> &str {
        self.id.as_str()
    }
}

impl std::fmt::Debug for TaxIdObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaxIdObject").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
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

impl InvoiceStatus {
    /// A customer has it, whatever has become of it since; one that is void does not count any more.
    pub fn is_sent(self) -> bool {
        !matches!(self, Self::Draft | Self::Void)
    }
}

#[derive(Clone, PartialEq, Eq)]
pub struct Invoice {
    pub id: InvoiceId,
    pub status: InvoiceStatus,
    /// An invoice that somebody else made may be billed to something that is no customer.
    pub customer: Option<CustomerId>,
    pub currency: Currency,
    /// Minor units, here and below.
    pub subtotal: i64,
    pub total: i64,
    pub tax: Tax,
    pub amount_due: i64,
    pub amount_paid: i64,
    pub amount_remaining: i64,
    /// By credit notes before it was paid, and after.
    pub credited_before: i64,
    pub credited_after: i64,
    pub auto_advance: bool,
    /// It is collected from the customer's payment method, and not sent.
    pub is_charged: bool,
    pub livemode: bool,
    pub created: Timestamp,
    /// From finalizing on.
    pub hosted_invoice_url: Option<String>,
    pub invoice_pdf: Option<String>,
    pub number: Option<String>,
    pub paid_at: Option<Timestamp>,
    pub metadata: BTreeMap<String, String>,
    /// The subscription that it bills, if it is not a one-off.
    pub subscription: Option<SubscriptionId>,
    /// It is what its subscription began with.
    pub is_first: bool,
    /// The first ten; `Client::invoice_lines` reads them all.
    pub lines: Vec<InvoiceLine>,
    pub has_more_lines: bool,
}

impl Invoice {
    /// Nothing is left to pay, and all of it was credited.
    pub fn is_credited(&self) -> bool {
        self.status == InvoiceStatus::Paid && self.total > 0 && self.credited_before + self.credited_after == self.total
    }

    /// It is called paid because of a credit note over what was still due, and not because somebody paid it.
    pub fn is_paid_by_note(&self) -> bool {
        self.is_credited() && self.credited_before > 0
    }

    /// What it comes to without the tax that was added.
    pub fn before_tax(&self) -> i64 {
        self.tax.without_added(self.total)
    }
}

/// Whoever has the hosted page's address sees the invoice and the customer's name, so it is left out.
impl std::fmt::Debug for Invoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invoice")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("customer", &self.customer)
            .field("currency", &self.currency)
            .field("subtotal", &self.subtotal)
            .field("total", &self.total)
            .field("tax", &self.tax)
            .field("amount_due", &self.amount_due)
            .field("amount_paid", &self.amount_paid)
            .field("amount_remaining", &self.amount_remaining)
            .field("credited_before", &self.credited_before)
            .field("credited_after", &self.credited_after)
            .field("auto_advance", &self.auto_advance)
            .field("is_charged", &self.is_charged)
            .field("livemode", &self.livemode)
            .field("created", &self.created)
            .field("paid_at", &self.paid_at)
            .field("metadata", &self.metadata)
            .field("subscription", &self.subscription)
            .field("is_first", &self.is_first)
            .field("lines", &self.lines)
            .field("has_more_lines", &self.has_more_lines)
            .finish_non_exhaustive()
    }
}

/// An object, or only its id where it was not expanded.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Expandable {
    Id(String),
    Object { id: String },
}

impl Expandable {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Id(id) | Self::Object { id } => id,
        }
    }

    pub(crate) fn into_id(self) -> String {
        match self {
            Self::Id(id) | Self::Object { id } => id,
        }
    }
}

/// It was asked for with its object. An id alone says nothing, nor does anything else.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Expanded<T> {
    Object(T),
    Other(IgnoredAny),
}

impl<T> Expanded<T> {
    pub(crate) fn object(self) -> Option<T> {
        match self {
            Self::Object(object) => Some(object),
            Self::Other(_) => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct Seconds(pub(crate) Timestamp);

impl TryFrom<i64> for Seconds {
    type Error = jiff::Error;

    fn try_from(seconds: i64) -> Result<Self, Self::Error> {
        Timestamp::from_second(seconds).map(Self)
    }
}

/// A page of a list. Nothing here has a default: a page that does not say whether it is the last one is not believed,
/// since an object that was overlooked would be made a second time.
#[derive(Deserialize)]
pub(crate) struct List<T> {
    #[serde(rename = "object")]
    _object: IsList,
    pub(crate) data: Vec<T>,
    pub(crate) has_more: bool,
}

#[derive(Deserialize)]
enum IsList {
    #[serde(rename = "list")]
    List,
}

/// A page of a search, which goes on under a name of its own.
#[derive(Deserialize)]
pub(crate) struct SearchResult<T> {
    #[serde(rename = "object")]
    _object: IsSearchResult,
    pub(crate) data: Vec<T>,
    pub(crate) has_more: bool,
    pub(crate) next_page: Option<String>,
}

#[derive(Deserialize)]
enum IsSearchResult {
    #[serde(rename = "search_result")]
    SearchResult,
}

/// What pages go on after.
pub(crate) trait HasId {
    fn id(&self) -> &str;
}

/// What a deletion is answered with.
#[derive(Deserialize)]
pub(crate) struct DeletedWire {
    pub(crate) id: String,
    pub(crate) deleted: bool,
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

impl HasId for CustomerWire {
    fn id(&self) -> &str {
        self.id.as_str()
    }
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
    customer: Option<Expandable>,
    currency: String,
    subtotal: i64,
    total: i64,
    amount_due: i64,
    amount_paid: i64,
    amount_remaining: i64,
    pre_payment_credit_notes_amount: i64,
    post_payment_credit_notes_amount: i64,
    auto_advance: Option<bool>,
    collection_method: Option<String>,
    livemode: bool,
    created: Seconds,
    hosted_invoice_url: Option<String>,
    invoice_pdf: Option<String>,
    number: Option<String>,
    status_transitions: Option<StatusTransitions>,
    metadata: Option<BTreeMap<String, String>>,
    billing_reason: Option<String>,
    automatic_tax: Option<AutomaticTax>,
    total_taxes: Option<Vec<TotalTax>>,
    parent: Option<InvoiceParent>,
    lines: List<InvoiceLineWire>,
}

#[derive(Deserialize)]
struct StatusTransitions {
    paid_at: Option<Seconds>,
}

impl HasId for InvoiceWire {
    fn id(&self) -> &str {
        self.id.as_str()
    }
}

impl InvoiceWire {
    /// Whether its currency is one that deals are billed in. Ours always is.
    pub(crate) fn has_known_currency(&self) -> bool {
        Currency::parse(&self.currency).is_ok()
    }
}

impl TryFrom<InvoiceWire> for Invoice {
    type Error = CurrencyError;

    fn try_from(wire: InvoiceWire) -> Result<Self, Self::Error> {
        let carried = Carried { metadata: wire.metadata, billing_reason: wire.billing_reason, parent: wire.parent };
        Ok(Self {
            id: wire.id,
            status: wire.status.unwrap_or(InvoiceStatus::Other),
            customer: wire.customer.and_then(|customer| CustomerId::parse(&customer.into_id()).ok()),
            currency: Currency::parse(&wire.currency)?,
            subtotal: wire.subtotal,
            total: wire.total,
            tax: Tax::of(wire.automatic_tax.as_ref(), wire.total_taxes.as_deref().unwrap_or_default()),
            amount_due: wire.amount_due,
            amount_paid: wire.amount_paid,
            amount_remaining: wire.amount_remaining,
            credited_before: wire.pre_payment_credit_notes_amount,
            credited_after: wire.post_payment_credit_notes_amount,
            auto_advance: wire.auto_advance.unwrap_or_default(),
            is_charged: wire.collection_method.as_deref() == Some("charge_automatically"),
            livemode: wire.livemode,
            created: wire.created.0,
            hosted_invoice_url: wire.hosted_invoice_url,
            invoice_pdf: wire.invoice_pdf,
            number: wire.number,
            paid_at: wire.status_transitions.and_then(|transitions| transitions.paid_at).map(|seconds| seconds.0),
            subscription: carried.subscription(),
            is_first: carried.is_first(),
            metadata: carried.into_metadata().unwrap_or_default(),
            lines: wire.lines.data.into_iter().map(InvoiceLine::try_from).collect::<Result<_, _>>()?,
            has_more_lines: wire.lines.has_more,
        })
    }
}
