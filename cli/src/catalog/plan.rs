//! What `apply` is going to do: what is certain, what a person named, and what is to be made. Everything else is left as it is.

use std::collections::{BTreeMap, BTreeSet};

use domain::{PriceId, Product2Id};
use serde::{Deserialize, Serialize};
use stripe::{CatalogPriceOf, CreateCatalogPrice};

use super::codes::names_product;
use super::drift::{Drift, drifts};
use super::matching::{Match, can_be_created};
use super::product::{Billed, Product, StripeCatalog};
use super::report::{Mode, State};
use super::words::Rarity;

/// What a person asked for.
#[derive(Debug, Default)]
pub struct Wishes {
    /// The price of a product, by name.
    pub accepted: BTreeMap<Product2Id, PriceId>,
    /// What `suggest --json` wrote and a person edited. Then nothing is done that is not in there.
    pub edited: Option<Edited>,
    /// Prices are to be made where there are none.
    pub create: bool,
    /// Of those: `exclusive` or `inclusive`.
    pub tax_behavior: Option<&'static str>,
}

/// As much of a report as is read again.
#[derive(Debug, Deserialize)]
pub struct Edited {
    pub mode: Mode,
    pub products: Vec<EditedEntry>,
}

#[derive(Debug, Deserialize)]
pub struct EditedEntry {
    pub product: Product2Id,
    pub state: State,
    pub set: Option<String>,
    pub price: Option<PriceId>,
    pub accept: bool,
}

#[derive(Debug, Default)]
pub struct Plan {
    pub writes: Vec<PlannedWrite>,
    pub creations: Vec<Creation>,
    pub left: Vec<Left>,
    pub in_step: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedWrite {
    pub product: Product2Id,
    pub name: String,
    pub price: PriceId,
    /// What stands there, and is to be there still.
    pub replaces: Option<String>,
    /// What speaks against it, of what a person named all the same.
    pub against: Vec<String>,
}

/// A price that is to be made, with its product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creation {
    pub product: Product2Id,
    pub name: String,
    /// What it costs, and how often.
    pub costs: String,
    pub price: CreateCatalogPrice,
}

/// What waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    pub product: Product2Id,
    pub name: String,
    pub why: String,
}

enum Wish {
    Price { price: PriceId, is_named: bool },
    Create,
    Nothing,
}

pub fn plan(products: &[Product], stripe: &StripeCatalog, found: &[Match], wishes: &Wishes) -> Plan {
    let edited: BTreeMap<_, _> =
        wishes.edited.iter().flat_map(|edited| &edited.products).map(|entry| (&entry.product, entry)).collect();
    let mut plan = Plan::default();
    for (product, found) in products.iter().zip(found) {
        let state = State::of(product, found);
        let of_file = edited.get(&product.id).copied();
        match wish(product, state, found, of_file, wishes) {
            Ok(Wish::Price { price, .. }) if product.price_id.as_deref() == Some(price.as_str()) => match state {
                State::InStep => plan.in_step += 1,
                _ => plan.left.push(left(product, waits(product, state, found))),
            },
            Ok(Wish::Price { price, is_named }) => match checked(product, stripe, found, &price, is_named) {
                Ok(against) => plan.writes.push(PlannedWrite {
                    product: product.id.clone(),
                    name: product.name.clone(),
                    price,
                    replaces: product.price_id.clone(),
                    against,
                }),
                Err(why) => plan.left.push(left(product, why)),
            },
            Ok(Wish::Create) => match creation(product, stripe, wishes.tax_behavior) {
                Some(creation) => plan.creations.push(creation),
                None => plan.left.push(left(product, waits(product, state, found))),
            },
            Ok(Wish::Nothing) if state == State::InStep => plan.in_step += 1,
            Ok(Wish::Nothing) => plan.left.push(left(product, waits(product, state, found))),
            Err(why) => plan.left.push(left(product, why)),
        }
    }
    plan.left.extend(unknown(products, &edited, wishes));
    plan
}

fn left(product: &Product, why: String) -> Left {
    Left { product: product.id.clone(), name: product.name.clone(), why }
}

/// Products that somebody named and that are not there.
fn unknown(products: &[Product], edited: &BTreeMap<&Product2Id, &EditedEntry>, wishes: &Wishes) -> Vec<Left> {
    let known: BTreeSet<_> = products.iter().map(|product| &product.id).collect();
    let of_file = edited.values().filter(|entry| entry.accept).map(|entry| &entry.product);
    let named: BTreeSet<_> = wishes.accepted.keys().chain(of_file).filter(|id| !known.contains(id)).collect();
    let why = "it is no active product of the organization";
    named.into_iter().map(|id| Left { product: id.clone(), name: String::new(), why: why.to_owned() }).collect()
}

fn wish(
    product: &Product,
    state: State,
    found: &Match,
    of_file: Option<&EditedEntry>,
    wishes: &Wishes,
) -> Result<Wish, String> {
    if let Some(price) = wishes.accepted.get(&product.id) {
        return Ok(Wish::Price { price: price.clone(), is_named: true });
    }
    let certain = found.price.clone().filter(|_| state == State::Certain);
    let is_creatable = state == State::Missing && found.conflicts.is_empty() && wishes.create;
    if wishes.edited.is_none() {
        return Ok(match certain {
            Some(price) => Wish::Price { price, is_named: false },
            None if is_creatable => Wish::Create,
            None => Wish::Nothing,
        });
    }
    let Some(entry) = of_file.filter(|entry| entry.accept) else { return Ok(Wish::Nothing) };
    let Some(price) = entry.price.clone() else {
        return if is_creatable { Ok(Wish::Create) } else { Err("it is accepted, and no price is named".to_owned()) };
    };
    if product.price_id.as_deref() == Some(price.as_str()) {
        return Ok(Wish::Price { price, is_named: true });
    }
    if product.price_id != entry.set {
        return Err(format!(
            "somebody set {} since the file was written",
            product.price_id.as_deref().unwrap_or("nothing")
        ));
    }
    match (entry.state, certain) {
        // What the file calls certain was accepted by nobody.
        (State::Certain, Some(certain)) if certain == price => Ok(Wish::Price { price, is_named: false }),
        (State::Certain, _) => Err(format!("{price} is not certain any more: name it with --accept")),
        _ => Ok(Wish::Price { price, is_named: true }),
    }
}

/// What speaks against a price, or why it cannot be written at all.
fn checked(
    product: &Product,
    stripe: &StripeCatalog,
    found: &Match,
    price: &PriceId,
    is_named: bool,
) -> Result<Vec<String>, String> {
    let with = Product { price_id: Some(price.to_string()), ..product.clone() };
    let wrong = drifts(&with, stripe, &Rarity::default());
    let is_unusable =
        |drift: &&Drift| matches!(drift, Drift::NotAPriceId | Drift::Gone | Drift::Archived | Drift::ProductArchived);
    match wrong.iter().find(is_unusable) {
        Some(Drift::Archived) => return Err(format!("{price} is archived")),
        Some(Drift::ProductArchived) => return Err(format!("the product of {price} is archived")),
        Some(_) => return Err(format!("{price} is not there at Stripe")),
        None if !is_named => return Ok(Vec::new()),
        None => {}
    }
    let of_match = found.conflicts.iter().filter(|_| found.price.as_ref() == Some(price)).map(ToString::to_string);
    let against: BTreeSet<_> = wrong.iter().map(told).chain(of_match).collect();
    Ok(against.into_iter().collect())
}

fn told(drift: &Drift) -> String {
    match drift {
        Drift::Differs(conflict) => conflict.to_string(),
        drift => drift.to_string(),
    }
}

/// Why nothing is done of itself.
fn waits(product: &Product, state: State, found: &Match) -> String {
    let price = found.price.as_ref().map(PriceId::as_str);
    let conflicts = || found.conflicts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let next = price.map(|price| format!("; {price} may take its place")).unwrap_or_default();
    match (state, price) {
        (State::Drifted, _) => {
            let drifts = found.drifts.iter().filter(|drift| drift.needs_person()).map(ToString::to_string);
            format!("{}{next}", drifts.collect::<Vec<_>>().join("; "))
        }
        (State::Doubtful, Some(price)) => format!("{price} is doubtful: {}", conflicts()),
        (State::Probable, Some(price)) => format!("{price} is probable: accept it, or name another one"),
        (State::Certain, Some(price)) => format!("{price} is certain, and not accepted in the file"),
        _ if !found.conflicts.is_empty() => format!("no price was found; {}", conflicts()),
        _ if can_be_created(product) => "no price was found: --create makes one".to_owned(),
        _ => "no price was found, and without a list price and a frequency none can be made".to_owned(),
    }
}

/// Under which key a price names its product in Salesforce, and its Stripe product too.
pub const PRODUCT_ID: &str = "salesforce_product_id";

fn creation(product: &Product, stripe: &StripeCatalog, tax_behavior: Option<&'static str>) -> Option<Creation> {
    let cost = *product.costs.first().filter(|_| can_be_created(product))?;
    let metadata = BTreeMap::from([(PRODUCT_ID.to_owned(), product.id.to_string())]);
    // One that somebody made for it has the price, and there is no second one.
    let known = stripe.products.values().find(|of| of.active && names_product(&of.metadata, &product.id) == Some(true));
    let of = match known {
        Some(known) => CatalogPriceOf::Product(known.id.clone()),
        None => {
            let mut metadata = metadata.clone();
            metadata.extend(product.codes.first().map(|code| ("sku".to_owned(), code.clone())));
            CatalogPriceOf::NewProduct { name: product.name.clone(), metadata }
        }
    };
    let months = if let Billed::Months(months) = product.billed { Some(months) } else { None };
    let price = CreateCatalogPrice {
        of,
        currency: cost.currency,
        unit_amount: cost.unit_amount,
        months,
        tax_behavior,
        lookup_key: format!("salesforce_{}", product.id),
        metadata,
    };
    let costs = format!("{cost} {}", product.billed);
    Some(Creation { product: product.id.clone(), name: product.name.clone(), costs, price })
}

#[cfg(test)]
mod tests;
