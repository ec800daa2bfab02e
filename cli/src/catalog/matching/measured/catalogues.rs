//! The two catalogues that people make of one market.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Currency, PriceId, Product2Id, ProductId};
use rust_decimal::Decimal;
use stripe::{CatalogPrice, CatalogProduct, Price, Recurrence, TaxBehavior};

use super::market::{Thing, market, rate};
use super::noise::{how_often, sku_as_written, written};
use super::random::Random;
use crate::catalog::product::{Billed, Cost, Product, StripeCatalog};

pub struct Catalogues {
    pub products: Vec<Product>,
    pub stripe: StripeCatalog,
    /// The price of each product; nothing where there is none.
    pub truth: Vec<Option<PriceId>>,
}

const CURRENCIES: [&str; 4] = ["USD", "EUR", "GBP", "JPY"];

pub fn catalogues(seed: u64, size: usize) -> Catalogues {
    let mut random = Random::new(seed);
    let things = market(&mut random, size + size / 10);
    let mut maker = Maker { random, next: 0, stripe: StripeCatalog::default() };
    let mut known = Known::default();
    let mut sold = Vec::new();
    for (index, thing) in things.iter().enumerate() {
        // The last tenth is sold at Stripe alone.
        let in_salesforce = index < size;
        let is_missing = in_salesforce && maker.random.chance(3);
        let other = currencies(&mut maker.random, thing);
        let id = product2_id(index);
        let price = (!is_missing).then(|| maker.offer(thing, &id, &other, &things, &mut known));
        if in_salesforce {
            sold.push((salesforce(&mut maker.random, thing, id, &other), price));
        }
    }
    clones(&mut maker.random, &mut sold);
    maker.random.shuffle(&mut sold);
    let (products, truth) = sold.into_iter().unzip();
    Catalogues { products, stripe: maker.stripe, truth }
}

/// Products that somebody cloned in Salesforce, for a special price: the code came along, and at Stripe there is none of them.
fn clones(random: &mut Random, sold: &mut Vec<(Product, Option<PriceId>)>) {
    for number in 0..sold.len() / 100 {
        let (mut clone, _) = sold[random.below(sold.len())].clone();
        clone.id = product2_id(900_000 + number);
        clone.costs.truncate(1);
        if random.chance(70) {
            clone.costs[0].unit_amount *= Decimal::TWO;
            clone.name.push_str(" (special)");
        }
        sold.push((clone, None));
    }
}

fn product2_id(index: usize) -> Product2Id {
    Product2Id::parse(&format!("01t{index:012}")).expect("valid")
}

fn cost(hundredths: i64, currency: &str) -> Cost {
    let currency = Currency::parse(currency).expect("valid");
    Cost::from_major_units(Decimal::new(hundredths, 2), currency).expect("small")
}

/// In which other currencies it is sold, and for how much.
fn currencies(random: &mut Random, thing: &Thing) -> Vec<Cost> {
    if !random.chance(30) {
        return Vec::new();
    }
    let others = CURRENCIES.iter().filter(|currency| **currency != thing.currency);
    let others: Vec<_> = others.filter(|_| random.chance(60)).copied().collect();
    let dollars = thing.hundredths / rate(thing.currency);
    others
        .into_iter()
        .map(|currency| {
            // Often the same number, sometimes one that follows the exchange.
            let near = if random.chance(60) { dollars } else { dollars * 9 / 1000 * 100 + 900 };
            cost(near * rate(currency), currency)
        })
        .collect()
}

fn salesforce(random: &mut Random, thing: &Thing, id: Product2Id, other: &[Cost]) -> Product {
    let is_renamed = random.chance(4);
    let mut name = written(random, &thing.name, is_renamed);
    if thing.every > 0 && random.chance(20) {
        name = format!("{name} ({})", how_often(thing.every));
    }
    let sku = (!random.chance(15)).then(|| sku_as_written(random, &thing.sku));
    // The list price went up, and nobody told Stripe.
    let raised = if random.chance(4) { thing.hundredths / 10 / 100 * 100 } else { 0 };
    let mut costs = vec![cost(thing.hundredths + raised, thing.currency)];
    costs.extend(other);
    let every = thing.every;
    let billed = if every == 0 { Billed::Once } else { Billed::Months(every) };
    Product { id, name, codes: sku.into_iter().collect(), billed, costs, costs_elsewhere: Vec::new(), price_id: None }
}

/// Products that further prices may be of.
#[derive(Default)]
struct Known {
    /// What is billed otherwise and is the same thing is a price of the same product, most of the time.
    groups: BTreeMap<usize, ProductId>,
    /// Now and then all tiers are prices of one product, and what is written on each price tells them apart.
    families: BTreeMap<usize, Option<ProductId>>,
}

struct Maker {
    random: Random,
    next: usize,
    stripe: StripeCatalog,
}

impl Maker {
    fn number(&mut self) -> usize {
        self.next += 1;
        // Ids say nothing of their order.
        self.next * 7919 % 1_000_003
    }

    fn offer(&mut self, thing: &Thing, id: &Product2Id, other: &[Cost], all: &[Thing], known: &mut Known) -> PriceId {
        let of_family = known.families.entry(thing.family).or_insert_with(|| {
            let base = &thing.name[..thing.name.len() - thing.tier_words];
            let is_one = thing.tier_words > 0 && self.random.chance(12);
            let name = is_one.then(|| written(&mut self.random, base, false));
            name.map(|name| self.store_product(name, true, BTreeMap::new()))
        });
        if let Some(product) = of_family.clone() {
            return self.prices(thing, &product, id, other, true);
        }
        let shared = known.groups.get(&thing.group).filter(|_| self.random.chance(80)).cloned();
        let product = shared.unwrap_or_else(|| self.product(thing, id, all));
        known.groups.insert(thing.group, product.clone());
        let price = self.prices(thing, &product, id, other, false);
        // Somebody copied it to try something out, with all that is written on it.
        if self.random.chance(1) {
            self.copy(&product);
        }
        price
    }

    fn product(&mut self, thing: &Thing, id: &Product2Id, all: &[Thing]) -> ProductId {
        let is_renamed = self.random.chance(4);
        let name = written(&mut self.random, &thing.name, is_renamed);
        let mut metadata = BTreeMap::new();
        if self.random.chance(45) {
            let key = self.random.pick(&["sku", "SKU", "product_code", "sku", "item_code"]);
            // Somebody copied a product and forgot what stands on it.
            let sku = if self.random.chance(1) { self.random.below(all.len()) } else { all.len() };
            let sku = all.get(sku).map_or_else(|| thing.sku.clone(), |other| other.sku.clone());
            metadata.insert(key.to_owned(), sku_as_written(&mut self.random, &sku));
        }
        if self.random.chance(4) {
            metadata.insert("salesforce_product_id".to_owned(), id.to_string());
        }
        if self.random.chance(20) {
            metadata.insert("tax_category".to_owned(), "saas".to_owned());
        }
        let product = self.store_product(name.clone(), true, metadata.clone());
        // What it was before, archived and still there under the same name.
        if self.random.chance(4) {
            let old = self.store_product(name, false, metadata);
            self.price(&old, cost(thing.hundredths, thing.currency), thing.every, true, None);
        }
        product
    }

    fn store_product(&mut self, name: String, active: bool, metadata: BTreeMap<String, String>) -> ProductId {
        let id = ProductId::parse(&format!("prod_{}", self.number())).expect("valid");
        let product = CatalogProduct { id: id.clone(), name, active, metadata };
        self.stripe.products.insert(id.clone(), product);
        id
    }

    fn price(
        &mut self,
        product: &ProductId,
        cost: Cost,
        every: u32,
        active: bool,
        lookup_key: Option<String>,
    ) -> PriceId {
        let id = PriceId::parse(&format!("price_{}", self.number())).expect("valid");
        let nickname = self.random.chance(30).then(|| format!("{} {}", how_often(every), cost.currency));
        let price = Price {
            id: id.clone(),
            product: Some(product.clone()),
            active,
            currency: Some(cost.currency),
            unit_amount: Some(cost.unit_amount),
            recurrence: if every == 0 { Recurrence::Once } else { Recurrence::Months(every) },
            tax_behavior: TaxBehavior::Unspecified,
            lookup_key,
        };
        self.stripe.prices.insert(id.clone(), CatalogPrice { price, nickname, metadata: BTreeMap::new() });
        id
    }

    fn copy(&mut self, product: &ProductId) {
        let of = self.stripe.products[product].clone();
        let copy = self.store_product(of.name, true, of.metadata);
        let prices: Vec<_> = self
            .stripe
            .prices
            .values()
            .filter(|price| price.price.product.as_ref() == Some(product))
            .cloned()
            .collect();
        for price in prices {
            // A lookup key belongs to one price, and stays where it is.
            let id = PriceId::parse(&format!("price_{}", self.number())).expect("valid");
            let copied = Price { id: id.clone(), product: Some(copy.clone()), lookup_key: None, ..price.price };
            self.stripe.prices.insert(id, CatalogPrice { price: copied, ..price });
        }
    }

    /// The price of the thing, and others of the same product.
    fn prices(
        &mut self,
        thing: &Thing,
        product: &ProductId,
        id: &Product2Id,
        other: &[Cost],
        is_tier: bool,
    ) -> PriceId {
        let before: BTreeSet<_> = self.stripe.prices.keys().cloned().collect();
        let price = self.prices_of(thing, product, id, other);
        let tier = thing.name[thing.name.len() - thing.tier_words..].join(" ");
        for (_, price) in self.stripe.prices.iter_mut().filter(|(id, _)| is_tier && !before.contains(*id)) {
            let rest = price.nickname.take().unwrap_or_default();
            price.nickname = Some(format!("{tier} {rest}").trim().to_owned());
        }
        price
    }

    fn prices_of(&mut self, thing: &Thing, product: &ProductId, id: &Product2Id, other: &[Cost]) -> PriceId {
        let key = match self.random.below(10) {
            0 | 1 => Some(thing.sku.to_lowercase()),
            2 | 3 => Some(format!("{}_{}", thing.name.join("_").to_lowercase(), how_often(thing.every))),
            4 => Some(format!("{}_{}", thing.sku.to_lowercase(), how_often(thing.every))),
            _ => None,
        };
        let home = cost(thing.hundredths, thing.currency);
        let price = self.price(product, home, thing.every, true, key);
        if self.random.chance(3)
            && let Some(price) = self.stripe.prices.get_mut(&price)
        {
            price.metadata.insert("salesforce_id".to_owned(), id.to_string());
        }
        for other in other {
            if self.random.chance(85) {
                self.price(product, *other, thing.every, true, None);
            }
        }
        // By the year as well, where only the month is sold in Salesforce.
        if thing.every == 1 && self.random.chance(25) {
            self.price(product, cost(thing.hundredths * 11, thing.currency), 12, true, None);
        }
        if self.random.chance(25) {
            let before = thing.hundredths * 9 / 1000 * 100;
            self.price(product, cost(before.max(100), thing.currency), thing.every, false, None);
        }
        price
    }
}
