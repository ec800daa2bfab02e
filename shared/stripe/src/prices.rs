//! Prices: what one of a product costs, and how often.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Currency, PriceId, ProductId};
use futures::future::try_join_all;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::objects::{Expandable, List};
use crate::params::Operation;
use crate::reads::unreadable;
use crate::{Client, Write};

/// So many prices are read by themselves, and so many of them at once: Stripe answers 25 requests a second for one address.
const FEW: usize = 10;
const AT_ONCE: usize = 5;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    pub id: PriceId,
    pub product: Option<ProductId>,
    pub active: bool,
    /// `None` for one that deals are not billed in.
    pub currency: Option<Currency>,
    /// Of one, in minor units. `None` for a price in tiers or of the payer's choice, or one that counts packages or usage.
    pub unit_amount: Option<Decimal>,
    pub recurrence: Recurrence,
    pub tax_behavior: TaxBehavior,
    pub lookup_key: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recurrence {
    Once,
    Months(u32),
    /// By the day or the week.
    Other,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxBehavior {
    Exclusive,
    Inclusive,
    #[default]
    #[serde(other)]
    Unspecified,
}

pub struct CreatePrice {
    pub product: ProductId,
    pub currency: Currency,
    /// Minor units, at most twelve decimals.
    pub unit_amount: Decimal,
    pub months: u32,
    pub tax_behavior: Option<&'static str>,
    pub lookup_key: String,
    pub metadata: BTreeMap<String, String>,
}

impl Write {
    /// One price for one product, amount, currency and interval: whoever finds it by its key uses it again. If the key belongs to
    /// a price that does not fit any more, it changes over.
    pub fn create_price(params: &CreatePrice) -> Self {
        let params = json!({
            "product": params.product.as_str(),
            "currency": params.currency.to_stripe(),
            "unit_amount_decimal": params.unit_amount.normalize().to_string(),
            "recurring": recurring(params.months),
            "tax_behavior": params.tax_behavior,
            "lookup_key": params.lookup_key,
            "transfer_lookup_key": true,
            "metadata": params.metadata,
        });
        Self::new(Operation::CreatePrice, "/v1/prices".into(), &params)
    }
}

impl TaxBehavior {
    /// As a parameter; none where it is the account's default.
    pub(crate) fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Exclusive => Some("exclusive"),
            Self::Inclusive => Some("inclusive"),
            Self::Unspecified => None,
        }
    }
}

/// `recurring`, in the longest unit that it is a whole number of.
pub(crate) fn recurring(months: u32) -> Value {
    let (interval, count) = if months.is_multiple_of(12) { ("year", months / 12) } else { ("month", months) };
    json!({ "interval": interval, "interval_count": count })
}

impl Price {
    /// `price_data` of a recurring price.
    pub(crate) fn terms(&self) -> Option<Value> {
        let Recurrence::Months(months) = self.recurrence else { return None };
        Some(json!({
            "currency": self.currency?.to_stripe(),
            "product": self.product.as_ref()?.as_str(),
            "unit_amount_decimal": self.unit_amount?.normalize().to_string(),
            "recurring": recurring(months),
            "tax_behavior": self.tax_behavior.as_str(),
        }))
    }
}

impl Client {
    /// Those that there are of these prices, in no order. A few are read by themselves. Of more, most are found on the newest pages of all
    /// active ones, a hundred with a call and a page for each ten: few companies have more than some hundreds.
    pub async fn prices(&self, ids: &[PriceId]) -> Result<Vec<Price>, Error> {
        let mut left: BTreeSet<&PriceId> = ids.iter().collect();
        let mut found = Vec::with_capacity(left.len());
        let mut after = None;
        let most_pages = if left.len() > FEW { left.len() / FEW } else { 0 };
        for _ in 0..most_pages {
            let page = self.active_prices(after.as_ref()).await?;
            let prices = page.items.into_iter().filter_map(|listed| listed.object);
            found.extend(prices.filter(|price| left.remove(&price.id)));
            after = page.next;
            if left.is_empty() || after.is_none() {
                break;
            }
        }
        let left: Vec<_> = left.into_iter().collect();
        for together in left.chunks(AT_ONCE) {
            let read = together.iter().map(|id| self.price(id));
            found.extend(try_join_all(read).await?.into_iter().flatten());
        }
        Ok(found)
    }

    async fn price(&self, id: &PriceId) -> Result<Option<Price>, Error> {
        match self.get::<PriceWire>(&format!("/v1/prices/{id}"), "").await {
            Ok(price) => Ok(Some(price.into())),
            Err(Error::Refused(refusal)) if refusal.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The active prices that have these keys, at most ten.
    pub async fn prices_by_lookup_key(&self, keys: &[String]) -> Result<Vec<Price>, Error> {
        let mut params = form_urlencoded::Serializer::new(String::new());
        params.append_pair("active", "true").append_pair("limit", "100");
        keys.iter().enumerate().for_each(|(index, key)| {
            params.append_pair(&format!("lookup_keys[{index}]"), key);
        });
        let list: List<PriceWire> = self.get("/v1/prices", &params.finish()).await?;
        if list.has_more { Err(unreadable(())) } else { Ok(list.data.into_iter().map(Price::from).collect()) }
    }
}

#[derive(Deserialize)]
pub(crate) struct PriceWire {
    id: PriceId,
    product: Option<Expandable>,
    active: bool,
    currency: String,
    unit_amount_decimal: Option<String>,
    billing_scheme: Option<String>,
    transform_quantity: Option<Value>,
    recurring: Option<RecurringWire>,
    #[serde(default)]
    tax_behavior: Option<TaxBehavior>,
    lookup_key: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct RecurringWire {
    interval: String,
    interval_count: u32,
    usage_type: Option<String>,
}

impl Recurrence {
    pub(crate) fn of(recurring: Option<&RecurringWire>) -> Self {
        let Some(recurring) = recurring else { return Self::Once };
        match recurring.interval.as_str() {
            "month" => Self::Months(recurring.interval_count),
            "year" => recurring.interval_count.checked_mul(12).map_or(Self::Other, Self::Months),
            _ => Self::Other,
        }
    }
}

impl From<PriceWire> for Price {
    fn from(wire: PriceWire) -> Self {
        let is_by_usage =
            wire.recurring.as_ref().is_some_and(|recurring| recurring.usage_type.as_deref() == Some("metered"));
        let is_plain =
            wire.billing_scheme.as_deref() == Some("per_unit") && wire.transform_quantity.is_none() && !is_by_usage;
        let unit_amount = wire.unit_amount_decimal.and_then(|amount| amount.parse().ok()).filter(|_| is_plain);
        let recurrence = Recurrence::of(wire.recurring.as_ref());
        Self {
            id: wire.id,
            product: wire.product.and_then(|product| ProductId::parse(&product.into_id()).ok()),
            active: wire.active,
            currency: Currency::parse(&wire.currency).ok(),
            unit_amount,
            recurrence,
            tax_behavior: wire.tax_behavior.unwrap_or_default(),
            lookup_key: wire.lookup_key,
        }
    }
}

#[cfg(test)]
mod tests;
