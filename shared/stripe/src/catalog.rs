//! The whole catalogue, for whoever compares it with another one: products and prices, page by page and newest first.

use std::collections::BTreeMap;

use domain::ProductId;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::pages::{Cursor, Listed, Page, carried};
use crate::prices::PriceWire;
use crate::{Client, Price};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogProduct {
    pub id: ProductId,
    pub name: String,
    pub active: bool,
    pub metadata: BTreeMap<String, String>,
}

/// A price with what people wrote on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogPrice {
    pub price: Price,
    /// Customers do not see it.
    pub nickname: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct ProductWire {
    id: ProductId,
    name: Option<String>,
    active: bool,
    metadata: Option<BTreeMap<String, String>>,
}

impl From<ProductWire> for CatalogProduct {
    fn from(wire: ProductWire) -> Self {
        Self {
            id: wire.id,
            name: wire.name.unwrap_or_default(),
            active: wire.active,
            metadata: wire.metadata.unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
struct CatalogPriceWire {
    #[serde(flatten)]
    price: PriceWire,
    nickname: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
}

impl From<CatalogPriceWire> for CatalogPrice {
    fn from(wire: CatalogPriceWire) -> Self {
        Self {
            price: wire.price.into(),
            nickname: wire.nickname.filter(|nickname| !nickname.is_empty()),
            metadata: wire.metadata.unwrap_or_default(),
        }
    }
}

fn read<W: for<'a> Deserialize<'a>, T: From<W>>(raw: &RawValue) -> Option<Listed<T>> {
    Listed::read(raw, carried(raw), |text| serde_json::from_str::<W>(text).ok().map(T::from))
}

impl Client {
    /// Products, active and archived.
    pub async fn catalog_products(&self, after: Option<&Cursor>) -> Result<Page<CatalogProduct>, Error> {
        self.page("/v1/products", &[], Timestamp::UNIX_EPOCH, after, read::<ProductWire, _>).await
    }

    /// Prices that are active. One that only an old kind of id can name cannot be read, and is listed without its object.
    pub async fn catalog_prices(&self, after: Option<&Cursor>) -> Result<Page<CatalogPrice>, Error> {
        let filter = [("active", "true")];
        self.page("/v1/prices", &filter, Timestamp::UNIX_EPOCH, after, read::<CatalogPriceWire, _>).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn raw(value: &serde_json::Value) -> Box<RawValue> {
        RawValue::from_string(value.to_string()).expect("JSON")
    }

    #[test]
    fn a_price_is_read_with_what_people_wrote_on_it() {
        let mut wire = json!({
            "id": "price_1", "object": "price", "created": 1, "product": "prod_1", "active": true, "currency": "eur",
            "lookup_key": "pro_monthly", "unit_amount_decimal": "1250", "billing_scheme": "per_unit",
            "transform_quantity": null, "recurring": { "interval": "month", "interval_count": 1, "usage_type": "licensed" },
            "tax_behavior": "exclusive", "nickname": "Pro, by the month", "metadata": { "sku": "PRO-1" },
        });
        let seen = read::<CatalogPriceWire, CatalogPrice>(&raw(&wire)).and_then(|listed| listed.object).expect("read");
        assert_eq!(seen.nickname.as_deref(), Some("Pro, by the month"));
        assert_eq!(seen.metadata.get("sku").map(String::as_str), Some("PRO-1"));
        assert_eq!(seen.price.lookup_key.as_deref(), Some("pro_monthly"));
        // One that is called otherwise than prices are called hides nothing else of its page.
        wire["id"] = json!("gold-monthly");
        let listed = read::<CatalogPriceWire, CatalogPrice>(&raw(&wire)).expect("listed");
        assert_eq!((listed.id.as_str(), listed.object.is_none()), ("gold-monthly", true));
    }

    #[test]
    fn a_product_is_read_whether_it_is_active_or_not() {
        let wire = json!({ "id": "support-gold", "created": 1, "name": "Support", "active": false, "metadata": {} });
        let seen = read::<ProductWire, CatalogProduct>(&raw(&wire)).and_then(|listed| listed.object).expect("read");
        assert_eq!((seen.id.as_str(), seen.name.as_str(), seen.active), ("support-gold", "Support", false));
    }
}
