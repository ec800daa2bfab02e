//! Writes what was planned, and says what came of it. Each write is asked for in the same call that looks whether the value is still the
//! one that was seen; each price is made under a key of its own, so that a second attempt makes no second one.

use std::collections::BTreeMap;

use domain::{FieldValue, PriceId, Product2Id};
use salesforce::Update;
use sha2::{Digest, Sha256};
use stripe::{Answer, Write};

use super::outcome::{Outcome, Written};
use super::plan::{Creation, Left, PlannedWrite};
use super::read::Clients;
use super::records::{PRICE_ID, PRODUCT, id_of, set_query, where_set};
use crate::progress::{Progress, Silent};

/// Salesforce takes five queries in a call, and one of them reads back.
const TOGETHER: usize = 4;

/// The other end of a failure: nothing more is tried.
type Stopped = String;

pub async fn write_all(
    clients: &Clients,
    writes: Vec<PlannedWrite>,
    outcome: &mut Outcome,
    progress: &dyn Progress,
) -> Result<(), Stopped> {
    progress.begin("writing to Salesforce", Some(writes.len()));
    for together in writes.chunks(TOGETHER) {
        match write(clients, together).await {
            Ok(set) => together.iter().for_each(|write| note(write, &set, outcome)),
            // One that is refused hides what became of the others: each by itself.
            Err(salesforce::Error::Refused(_)) => {
                for one in together {
                    match write(clients, std::slice::from_ref(one)).await {
                        Ok(set) => note(one, &set, outcome),
                        Err(error @ salesforce::Error::Refused(_)) => {
                            outcome.left.push(left(&one.product, &one.name, error.to_string()));
                        }
                        Err(error) => return Err(error.to_string()),
                    }
                }
            }
            Err(error) => return Err(error.to_string()),
        }
        together.iter().for_each(|_| progress.step());
    }
    Ok(())
}

type Set = BTreeMap<Product2Id, Option<String>>;

/// Writes those whose value is the one that was seen, and answers what all of them hold then.
async fn write(clients: &Clients, writes: &[PlannedWrite]) -> Result<Set, salesforce::Error> {
    let update = |write: &PlannedWrite| Update {
        object: PRODUCT.to_owned(),
        id: write.product.to_string(),
        fields: BTreeMap::from([(PRICE_ID.to_owned(), FieldValue::Text(write.price.to_string()))]),
        external_id: None,
        only_where: Some(where_set(&write.product, write.replaces.as_deref())),
    };
    let updates: Vec<_> = writes.iter().map(update).collect();
    let read_back = [set_query(writes.iter().map(|write| &write.product))];
    let records = clients.salesforce.write(&updates, &read_back).await?;
    Ok(set(records.iter().flatten()))
}

fn set<'a>(records: impl IntoIterator<Item = &'a domain::Record>) -> Set {
    let records = records.into_iter();
    records.filter_map(|record| Some((id_of(record)?, record.text(PRICE_ID).map(str::to_owned)))).collect()
}

fn note(write: &PlannedWrite, set: &Set, outcome: &mut Outcome) {
    let now = set.get(&write.product);
    if now.and_then(Option::as_deref) == Some(write.price.as_str()) {
        outcome.written.push(Written {
            product: write.product.clone(),
            name: write.name.clone(),
            price: write.price.clone(),
            replaced: write.replaces.clone(),
            against: write.against.clone(),
            created: false,
        });
        return;
    }
    let why = match now {
        None => "it is not there any more".to_owned(),
        Some(now) if *now == write.replaces => {
            format!("{} was not taken: an automation of the organization may have put it back", write.price)
        }
        Some(now) => meanwhile(now.as_deref()),
    };
    outcome.left.push(left(&write.product, &write.name, why));
}

fn meanwhile(now: Option<&str>) -> String {
    format!("somebody set {} meanwhile, which stays", now.unwrap_or("nothing"))
}

fn left(product: &Product2Id, name: &str, why: String) -> Left {
    Left { product: product.clone(), name: name.to_owned(), why }
}

/// Makes each price, and writes it before the next one is made: whatever breaks off, at most one is made and not written, and it is found
/// by what stands on it.
pub async fn create_all(
    clients: &Clients,
    creations: Vec<Creation>,
    outcome: &mut Outcome,
    progress: &dyn Progress,
) -> Result<(), Stopped> {
    progress.begin("making prices at Stripe", Some(creations.len()));
    for creation in creations {
        progress.step();
        // Somebody may have chosen another one while this was being confirmed.
        let query = [set_query([&creation.product])];
        let records = clients.salesforce.read(&query).await.map_err(|error| error.to_string())?;
        match set(records.iter().flatten()).get(&creation.product) {
            Some(None) => {}
            now => {
                let why = now.map_or("it is not there any more".to_owned(), |now| meanwhile(now.as_deref()));
                outcome.left.push(left(&creation.product, &creation.name, why));
                continue;
            }
        }
        match create(clients, &creation).await {
            Ok(price) => {
                let (product, name) = (creation.product, creation.name);
                let write = PlannedWrite { product, name, price, replaces: None, against: Vec::new() };
                let before = outcome.written.len();
                write_all(clients, vec![write], outcome, &Silent).await?;
                outcome.written[before..].iter_mut().for_each(|written| written.created = true);
            }
            Err(Failure::Refused(why)) => outcome.left.push(left(&creation.product, &creation.name, why)),
            Err(Failure::Stopped(why)) => return Err(why),
        }
    }
    Ok(())
}

enum Failure {
    Refused(String),
    Stopped(Stopped),
}

async fn create(clients: &Clients, creation: &Creation) -> Result<PriceId, Failure> {
    let write = Write::create_catalog_price(&creation.price);
    let reply = clients.stripe.write(&write, &key_of(&write)).await.map_err(|error| match error {
        stripe::Error::Refused(_) => Failure::Refused(error.to_string()),
        error => Failure::Stopped(error.to_string()),
    })?;
    let Answer::Price(price) = reply.answer else {
        return Err(Failure::Stopped("Stripe answered with something that is no price".to_owned()));
    };
    // What Stripe repeats was so then: somebody may have archived it since.
    let is_active = if reply.replayed {
        let now = clients.stripe.prices(std::slice::from_ref(&price.id)).await;
        now.map_err(|error| Failure::Stopped(error.to_string()))?.iter().any(|price| price.active)
    } else {
        price.active
    };
    if is_active {
        Ok(price.id)
    } else {
        Err(Failure::Refused(format!("{} was made for it, and is archived", price.id)))
    }
}

/// Of what is asked for, and nothing else: the same price asked for twice is one price.
fn key_of(write: &Write) -> String {
    let digest = Sha256::new().chain_update(&write.path).chain_update([0]).chain_update(&write.body).finalize();
    format!("closedwon_catalog_{}", hex::encode(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_has_one_key_as_long_as_it_is_the_same_price() {
        let price = |unit_amount: i64| {
            Write::create_catalog_price(&stripe::CreateCatalogPrice {
                of: stripe::CatalogPriceOf::Product(domain::ProductId::parse("prod_1").expect("valid")),
                currency: domain::Currency::parse("USD").expect("valid"),
                unit_amount: unit_amount.into(),
                months: None,
                tax_behavior: None,
                lookup_key: "salesforce_01t000000000001AAA".into(),
                metadata: BTreeMap::new(),
            })
        };
        let key = key_of(&price(100));
        assert_eq!((key.len(), key.starts_with("closedwon_catalog_")), (82, true));
        assert_eq!(key, key_of(&price(100)));
        assert_ne!(key, key_of(&price(101)));
    }
}
