//! The whole catalogue, for whoever compares it with another one: products and prices, page by page and newest first.

use std::collections::BTreeMap;

use domain::{Currency, ProductId};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::pages::{Cursor, Listed, Page, carried};
use crate::params::Operation;
use crate::prices::{PriceWire, recurring};
use crate::{Client, Price, Write};

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

/// A price for the catalogue, that people go on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateCatalogPrice {
    pub of: CatalogPriceOf,
    pub currency: Currency,
    /// Minor units, at most twelve decimals.
    pub unit_amount: Decimal,
    /// How often it comes back; `None` for one that is charged once.
    pub months: Option<u32>,
    pub tax_behavior: Option<&'static str>,
    pub lookup_key: String,
    pub metadata: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogPriceOf {
    Product(ProductId),
    /// One that is made with the price, in the same request: there is never one without the other.
    NewProduct {
        name: String,
        metadata: BTreeMap<String, String>,
    },
}

impl Write {
    /// A lookup key belongs to one active price, and is not taken from another one here: where there is one already, Stripe refuses.
    pub fn create_catalog_price(params: &CreateCatalogPrice) -> Self {
        let (product, product_data) = match &params.of {
            CatalogPriceOf::Product(id) => (Some(id.as_str()), None),
            CatalogPriceOf::NewProduct { name, metadata } => {
                (None, Some(json!({ "name": name, "metadata": metadata })))
            }
        };
        let params = json!({
            "product": product,
            "product_data": product_data,
            "currency": params.currency.to_stripe(),
            "unit_amount_decimal": params.unit_amount.normalize().to_string(),
            "recurring": params.months.map(recurring),
            "tax_behavior": params.tax_behavior,
            "lookup_key": params.lookup_key,
            "metadata": params.metadata,
        });
        Self::new(Operation::CreatePrice, "/v1/prices".into(), &params)
    }
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
    fn a_price_is_made_with_its_product_or_for_one_that_is_there() {
        let metadata = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
        let new = CatalogPriceOf::NewProduct { name: "Support".into(), metadata: metadata.clone() };
        let known = CatalogPriceOf::Product(ProductId::parse("prod_1").expect("valid"));
        for (of, months, expected) in [
            (
                new,
                Some(12),
                "product_data[name]=Support&product_data[metadata][k]=v&currency=eur&unit_amount_decimal=12.5\
                 &recurring[interval]=year&recurring[interval_count]=1&lookup_key=key&metadata[k]=v",
            ),
            (known, None, "product=prod_1&currency=eur&unit_amount_decimal=12.5&lookup_key=key&metadata[k]=v"),
        ] {
            let write = Write::create_catalog_price(&CreateCatalogPrice {
                of,
                currency: Currency::parse("EUR").expect("valid"),
                unit_amount: "12.50".parse().expect("valid"),
                months,
                tax_behavior: None,
                lookup_key: "key".into(),
                metadata: metadata.clone(),
            });
            assert_eq!(write.path, "/v1/prices");
            assert_eq!(write.body.replace("%5B", "[").replace("%5D", "]"), expected);
        }
    }

    #[test]
    fn a_product_is_read_whether_it_is_active_or_not() {
        let wire = json!({ "id": "support-gold", "created": 1, "name": "Support", "active": false, "metadata": {} });
        let seen = read::<ProductWire, CatalogProduct>(&raw(&wire)).and_then(|listed| listed.object).expect("read");
        assert_eq!((seen.id.as_str(), seen.name.as_str(), seen.active), ("support-gold", "Support", false));
    }
}
