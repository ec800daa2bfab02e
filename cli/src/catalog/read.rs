//! Both catalogues, read whole.

use std::collections::BTreeSet;

use domain::PriceId;
use stripe::{CatalogPrice, Cursor, Page};

use super::product::{Product, StripeCatalog};
use super::records::{Settings, products, queries};
use crate::progress::Progress;

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("{0}")]
    Stripe(#[from] stripe::Error),
    #[error("{0}{hint}", hint = hint(.0))]
    Salesforce(#[from] salesforce::Error),
    /// Half a catalogue is none.
    #[error("the account has more products or prices than are read ({0} pages)")]
    TooLong(usize),
}

/// A field that a user may not see is answered as if there were none.
fn hint(error: &salesforce::Error) -> &'static str {
    let codes = ["INVALID_FIELD", "INVALID_TYPE", "INSUFFICIENT_ACCESS_OR_READONLY", "INVALID_FIELD_FOR_INSERT_UPDATE"];
    let code = match error {
        salesforce::Error::Refused(refusal) => refusal.error_code.as_str(),
        salesforce::Error::NotAllowed { error_code, .. } => error_code.as_str(),
        _ => return "",
    };
    if codes.contains(&code) {
        "; the user needs the permission sets Closedwon Integration and Closedwon Catalog"
    } else {
        ""
    }
}

/// A hundred thousand products or prices.
const MOST_PAGES: usize = 1000;

pub struct Clients {
    pub stripe: stripe::Client,
    pub salesforce: salesforce::Client,
}

pub struct Catalogues {
    pub products: Vec<Product>,
    pub stripe: StripeCatalog,
    /// Prices that cannot be named in Salesforce: from before prices had ids of their own.
    pub unnameable: Vec<String>,
}

pub async fn read(clients: &Clients, settings: &Settings, progress: &dyn Progress) -> Result<Catalogues, CatalogError> {
    progress.begin("reading Salesforce's products", None);
    let records = clients.salesforce.read(&queries(settings)).await?;
    let [of_products, entries] = &records[..] else {
        return Err(salesforce::Error::Unknown { reason: "an answer is missing".into() }.into());
    };
    let products = products(of_products, entries, settings);
    let stripe = &clients.stripe;
    let mut catalog = StripeCatalog::default();
    let mut unnameable = Vec::new();
    progress.begin("reading Stripe's products, pages", None);
    let of_stripe = pages(async |after| stripe.catalog_products(after.as_ref()).await, |_| {}, progress).await?;
    catalog.products.extend(of_stripe.into_iter().map(|product| (product.id.clone(), product)));
    progress.begin("reading Stripe's prices, pages", None);
    let prices =
        pages(async |after| stripe.catalog_prices(after.as_ref()).await, |id| unnameable.push(id), progress).await?;
    catalog.prices.extend(prices.into_iter().map(|price| (price.price.id.clone(), price)));
    let set: BTreeSet<_> = products.iter().filter_map(|product| product.price_id.as_deref()).collect();
    let set: Vec<_> = set.into_iter().filter_map(|id| PriceId::parse(id).ok()).collect();
    look_up(stripe, &mut catalog, &set).await?;
    Ok(Catalogues { products, stripe: catalog, unnameable })
}

/// Those of these prices that are not active, and therefore not on the list, where they are there at all.
pub async fn look_up(
    stripe: &stripe::Client,
    catalog: &mut StripeCatalog,
    ids: &[PriceId],
) -> Result<(), CatalogError> {
    let unlisted: Vec<_> = ids.iter().filter(|id| !catalog.prices.contains_key(*id)).cloned().collect();
    for price in stripe.prices(&unlisted).await? {
        let price = CatalogPrice { price, nickname: None, metadata: Default::default() };
        catalog.prices.insert(price.price.id.clone(), price);
    }
    Ok(())
}

async fn pages<T>(
    page: impl AsyncFn(Option<Cursor>) -> Result<Page<T>, stripe::Error>,
    mut unreadable: impl FnMut(String),
    progress: &dyn Progress,
) -> Result<Vec<T>, CatalogError> {
    let (mut found, mut after) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let page = page(after).await?;
        progress.step();
        for listed in page.items {
            match listed.object {
                Some(object) => found.push(object),
                None => unreadable(listed.id),
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
    Err(CatalogError::TooLong(MOST_PAGES))
}
