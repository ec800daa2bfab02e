//! Subscriptions and the prices that they are made of.

use std::collections::BTreeMap;

use domain::{Currency, CurrencyError, CustomerId, PriceId, SubscriptionId, SubscriptionItemId};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::objects::{Expandable, HasId, InvoiceWire, List, Seconds};
use crate::params::{InvoiceLineParams, Operation};
use crate::prices::PriceWire;
use crate::reads::unreadable;
use crate::{Client, Invoice, Price, Write};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub customer: Option<CustomerId>,
    /// In Stripe's words.
    pub status: String,
    /// It bills nothing any more, and never will again.
    pub is_over: bool,
    /// It is over because its end came, and not before.
    pub has_run_out: bool,
    pub metadata: BTreeMap<String, String>,
    pub created: Timestamp,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    pub currency: Currency,
    /// Why it does not simply send an invoice each period, if so: `is paused`.
    pub oddity: Option<&'static str>,
    pub is_collection_paused: bool,
    pub has_discount: bool,
    pub cancellation: CancellationDetails,
    /// The first ten; `Client::subscription_items` reads them all.
    pub items: Vec<SubscriptionItem>,
    pub has_more_items: bool,
    /// The invoice that it made last, where that was asked for.
    pub latest_invoice: Option<Box<Invoice>>,
}

impl Subscription {
    /// Later ones come with another period, or with a change.
    pub fn has_begun_with(&self, invoice: &Invoice) -> bool {
        invoice.is_first && invoice.subscription.as_ref() == Some(&self.id)
    }
}

/// Why it was canceled, or is to be: docs.stripe.com, api/subscriptions/object, `cancellation_details`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct CancellationDetails {
    pub reason: Option<String>,
    /// What the customer chose of Stripe's list.
    pub feedback: Option<String>,
    pub comment: Option<String>,
}

/// Something that waits for an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingItem {
    /// Whose invoices it comes with; otherwise with the next one of the customer.
    pub subscription: Option<SubscriptionId>,
    /// `None` where it is none that is known here.
    pub currency: Option<Currency>,
    pub metadata: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionItem {
    pub id: SubscriptionItemId,
    pub price: Price,
    pub quantity: Option<i64>,
    /// The period that it has billed last.
    pub period_start: Timestamp,
    pub period_end: Timestamp,
}

pub struct CreateSubscription {
    pub customer: CustomerId,
    pub currency: Currency,
    pub days_until_due: u32,
    pub automatic_tax: bool,
    pub starts_at: Timestamp,
    pub ends_at: Option<Timestamp>,
    pub items: Vec<NewItem>,
    /// What is billed once, with the first invoice. Its lines have no description of their own.
    pub once: Vec<InvoiceLineParams>,
    pub metadata: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
pub struct NewItem {
    pub price: PriceId,
    pub quantity: i64,
    pub metadata: BTreeMap<String, String>,
}

impl Write {
    /// Its first invoice is a draft for about an hour. The whole of every period is billed from its first day on, and nothing is
    /// collected.
    pub fn create_subscription(params: &CreateSubscription) -> Self {
        let items: Vec<_> = params
            .items
            .iter()
            .map(|item| json!({ "price": item.price.as_str(), "quantity": item.quantity, "metadata": item.metadata }))
            .collect();
        let once: Vec<_> = params.once.iter().map(|line| Value::Object(line.of_subscription())).collect();
        let params = json!({
            "customer": params.customer.as_str(),
            "currency": params.currency.to_stripe(),
            "collection_method": "send_invoice",
            // Items of several intervals, and whole periods of what began earlier, are this mode's: docs.stripe.com/billing/subscriptions/billing-mode.
            "billing_mode": { "type": "flexible" },
            "days_until_due": params.days_until_due,
            "backdate_start_date": params.starts_at.as_second(),
            "proration_behavior": "create_prorations",
            "cancel_at": params.ends_at.map(Timestamp::as_second),
            "automatic_tax": params.automatic_tax.then(|| json!({ "enabled": true })),
            "items": items,
            "add_invoice_items": once,
            "metadata": params.metadata,
            "expand": ["latest_invoice"],
        });
        Self::new(Operation::CreateSubscription, "/v1/subscriptions".into(), &params)
    }

    /// From now on only we finalize it; and whoever looks at it in Stripe's dashboard sees there whose it is, as on any other invoice
    /// of ours.
    pub fn hold_invoice(invoice: &domain::InvoiceId, metadata: &BTreeMap<String, String>) -> Self {
        let params = json!({ "auto_advance": false, "metadata": metadata });
        Self::new(Operation::HoldInvoice, format!("/v1/invoices/{invoice}"), &params)
    }

    /// From now on it cannot be sent. Stripe refuses it for what is not a draft any more, and then it was sent: of two requests, one
    /// comes first. ("You can only manually send an invoice if its collection method is 'send_invoice'.")
    pub fn disarm_invoice(invoice: &domain::InvoiceId) -> Self {
        let params = json!({ "auto_advance": false, "collection_method": "charge_automatically" });
        Self::new(Operation::DisarmInvoice, format!("/v1/invoices/{invoice}"), &params)
    }

    /// At once. Nothing is given back, and a draft of it stays a draft: `prorate` and `invoice_now` are off unless they are sent.
    pub fn cancel_subscription(subscription: &SubscriptionId) -> Self {
        Self::new(Operation::CancelSubscription, format!("/v1/subscriptions/{subscription}"), &Value::Null)
    }
}

impl Client {
    /// With the invoice that it made last.
    pub async fn subscription(&self, id: &SubscriptionId) -> Result<Subscription, Error> {
        let wire: SubscriptionWire = self.get(&format!("/v1/subscriptions/{id}"), "expand[0]=latest_invoice").await?;
        Subscription::try_from(wire).map_err(unreadable)
    }

    pub async fn subscription_items(&self, id: &SubscriptionId) -> Result<Vec<SubscriptionItem>, Error> {
        let wires: Vec<ItemWire> = self.list("/v1/subscription_items", &[("subscription", id.as_str())]).await?;
        Ok(wires.into_iter().map(SubscriptionItem::from).collect())
    }

    /// What waits for an invoice of the customer. Scheduled invoices of other subscriptions than its own leave an item out:
    /// docs.stripe.com, api/invoiceitems/create, `subscription`.
    pub async fn pending_items(&self, id: &CustomerId) -> Result<Vec<PendingItem>, Error> {
        let wires: Vec<PendingWire> =
            self.list("/v1/invoiceitems", &[("customer", id.as_str()), ("pending", "true")]).await?;
        Ok(wires.into_iter().map(PendingItem::from).collect())
    }

    /// In any status, with the invoices that they made last. One in a currency outside ISO 4217 is left out: it cannot be ours.
    pub async fn subscriptions_of_customer(
        &self,
        id: &CustomerId,
        created_since: Timestamp,
    ) -> Result<Vec<Subscription>, Error> {
        let since = created_since.as_second().to_string();
        let filter = [
            ("customer", id.as_str()),
            ("status", "all"),
            ("created[gte]", since.as_str()),
            ("expand[0]", "data.latest_invoice"),
        ];
        let wires: Vec<SubscriptionWire> = self.list("/v1/subscriptions", &filter).await?;
        let known = wires.into_iter().filter(|wire| Currency::parse(&wire.currency).is_ok());
        known.map(Subscription::try_from).collect::<Result<_, _>>().map_err(unreadable)
    }
}

#[derive(Deserialize)]
pub(crate) struct SubscriptionWire {
    id: SubscriptionId,
    status: String,
    customer: Option<Expandable>,
    currency: String,
    metadata: Option<BTreeMap<String, String>>,
    created: Seconds,
    start_date: Option<Seconds>,
    cancel_at: Option<Seconds>,
    ended_at: Option<Seconds>,
    collection_method: Option<String>,
    pause_collection: Option<Value>,
    cancellation_details: Option<CancellationDetails>,
    #[serde(default)]
    discounts: Vec<Value>,
    items: List<ItemWire>,
    latest_invoice: Option<LatestInvoice>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum LatestInvoice {
    #[allow(dead_code, reason = "only says that it was not expanded")]
    Id(String),
    Object(Box<InvoiceWire>),
}

#[derive(Deserialize)]
pub(crate) struct ItemWire {
    id: SubscriptionItemId,
    price: PriceWire,
    quantity: Option<i64>,
    current_period_start: Seconds,
    current_period_end: Seconds,
    #[serde(default)]
    discounts: Vec<Value>,
}

#[derive(Deserialize)]
struct PendingWire {
    id: String,
    currency: String,
    parent: Option<PendingParent>,
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct PendingParent {
    subscription_details: Option<PendingOf>,
}

#[derive(Deserialize)]
struct PendingOf {
    subscription: Option<SubscriptionId>,
}

impl From<PendingWire> for PendingItem {
    fn from(wire: PendingWire) -> Self {
        let parent = wire.parent.and_then(|parent| parent.subscription_details);
        Self {
            subscription: parent.and_then(|of| of.subscription),
            currency: Currency::parse(&wire.currency).ok(),
            metadata: wire.metadata.unwrap_or_default(),
        }
    }
}

impl HasId for PendingWire {
    fn id(&self) -> &str {
        &self.id
    }
}

impl HasId for SubscriptionWire {
    fn id(&self) -> &str {
        self.id.as_str()
    }
}

impl HasId for ItemWire {
    fn id(&self) -> &str {
        self.id.as_str()
    }
}

fn oddity(wire: &SubscriptionWire) -> Option<&'static str> {
    match wire.status.as_str() {
        "unpaid" => return Some("is unpaid"),
        "paused" => return Some("is paused"),
        "incomplete" => return Some("is incomplete"),
        _ => {}
    }
    if is_collection_paused(wire) {
        return Some("has its collection paused");
    }
    if wire.collection_method.as_deref().is_some_and(|method| method != "send_invoice") {
        return Some("is charged automatically");
    }
    (!wire.discounts.is_empty()).then_some("has a discount")
}

fn is_collection_paused(wire: &SubscriptionWire) -> bool {
    wire.pause_collection.as_ref().is_some_and(|pause| !pause.is_null())
}

impl TryFrom<SubscriptionWire> for Subscription {
    type Error = CurrencyError;

    fn try_from(wire: SubscriptionWire) -> Result<Self, Self::Error> {
        let (oddity, is_collection_paused) = (oddity(&wire), is_collection_paused(&wire));
        let latest_invoice = match wire.latest_invoice {
            Some(LatestInvoice::Object(invoice)) => Some(Box::new(Invoice::try_from(*invoice)?)),
            Some(LatestInvoice::Id(_)) | None => None,
        };
        Ok(Self {
            id: wire.id,
            customer: wire.customer.and_then(|customer| CustomerId::parse(&customer.into_id()).ok()),
            is_over: matches!(wire.status.as_str(), "canceled" | "incomplete_expired"),
            has_run_out: match (&wire.ended_at, &wire.cancel_at) {
                (Some(ended_at), Some(cancel_at)) => ended_at.0 >= cancel_at.0,
                _ => false,
            },
            metadata: wire.metadata.unwrap_or_default(),
            created: wire.created.0,
            starts_at: wire.start_date.map(|at| at.0),
            ends_at: wire.cancel_at.map(|at| at.0),
            currency: Currency::parse(&wire.currency)?,
            oddity,
            is_collection_paused,
            has_discount: !wire.discounts.is_empty() || wire.items.data.iter().any(|item| !item.discounts.is_empty()),
            cancellation: wire.cancellation_details.unwrap_or_default(),
            status: wire.status,
            items: wire.items.data.into_iter().map(SubscriptionItem::from).collect(),
            has_more_items: wire.items.has_more,
            latest_invoice,
        })
    }
}

impl From<ItemWire> for SubscriptionItem {
    fn from(wire: ItemWire) -> Self {
        Self {
            id: wire.id,
            price: wire.price.into(),
            quantity: wire.quantity,
            period_start: wire.current_period_start.0,
            period_end: wire.current_period_end.0,
        }
    }
}
