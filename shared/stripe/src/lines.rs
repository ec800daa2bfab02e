//! The lines of an invoice.

use std::collections::BTreeMap;

use domain::{Currency, CurrencyError, PriceId, ProductId, SubscriptionItemId};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::objects::{Expandable, HasId, Seconds};
use crate::tax::{Tax, TotalTax};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceLine {
    pub id: String,
    pub amount: i64,
    pub currency: Currency,
    pub quantity: Option<Decimal>,
    /// What of the amount is tax.
    pub tax_inside: i64,
    pub metadata: BTreeMap<String, String>,
    pub price: Option<PriceId>,
    pub product: Option<ProductId>,
    /// The item of the subscription that it bills, and from when on.
    pub subscription_item: Option<SubscriptionItemId>,
    pub period_start: Option<Timestamp>,
}

#[derive(Deserialize)]
pub(crate) struct InvoiceLineWire {
    id: String,
    amount: i64,
    currency: String,
    quantity: Option<i64>,
    quantity_decimal: Option<String>,
    taxes: Option<Vec<TotalTax>>,
    metadata: Option<BTreeMap<String, String>>,
    pricing: Option<PricingWire>,
    parent: Option<LineParent>,
    period: Option<PeriodWire>,
}

#[derive(Deserialize)]
struct LineParent {
    subscription_item_details: Option<LineOfItem>,
}

#[derive(Deserialize)]
struct LineOfItem {
    subscription_item: Option<String>,
}

#[derive(Deserialize)]
struct PeriodWire {
    start: Seconds,
}

#[derive(Deserialize)]
pub(crate) struct PricingWire {
    price_details: Option<PriceDetails>,
}

#[derive(Deserialize)]
struct PriceDetails {
    price: Option<Expandable>,
    product: Option<String>,
}

impl PricingWire {
    pub(crate) fn price(&self) -> Option<PriceId> {
        PriceId::parse(self.price_details.as_ref()?.price.as_ref()?.id()).ok()
    }

    pub(crate) fn product(&self) -> Option<ProductId> {
        ProductId::parse(self.price_details.as_ref()?.product.as_deref()?).ok()
    }

    pub(crate) fn rename(&mut self, price: &PriceId) {
        if let Some(details) = &mut self.price_details {
            details.price = Some(Expandable::Id(price.to_string()));
        }
    }

    pub(crate) fn into_price(self) -> Option<PriceId> {
        let price = self.price_details?.price?;
        PriceId::parse(&price.into_id()).ok()
    }
}

impl HasId for InvoiceLineWire {
    fn id(&self) -> &str {
        &self.id
    }
}

impl TryFrom<InvoiceLineWire> for InvoiceLine {
    type Error = CurrencyError;

    fn try_from(wire: InvoiceLineWire) -> Result<Self, Self::Error> {
        let details = wire.pricing.and_then(|pricing| pricing.price_details);
        let (price, product) = details.map_or((None, None), |details| (details.price, details.product));
        let taxes = Tax::of(None, wire.taxes.as_deref().unwrap_or_default());
        let decimal = wire.quantity_decimal.and_then(|quantity| quantity.parse().ok());
        Ok(Self {
            id: wire.id,
            amount: wire.amount,
            currency: Currency::parse(&wire.currency)?,
            quantity: decimal.or(wire.quantity.map(Decimal::from)),
            tax_inside: taxes.inside,
            metadata: wire.metadata.unwrap_or_default(),
            price: price.and_then(|price| PriceId::parse(&price.into_id()).ok()),
            product: product.and_then(|product| ProductId::parse(&product).ok()),
            subscription_item: wire
                .parent
                .and_then(|parent| parent.subscription_item_details)
                .and_then(|details| details.subscription_item)
                .and_then(|item| SubscriptionItemId::parse(&item).ok()),
            period_start: wire.period.map(|period| period.start.0),
        })
    }
}
