//! What is sold: a seed decides on the deals, and the vendors' own APIs take them in.

use serde_json::{Value, json};

use crate::failure::{Context, Result};
use crate::money::plain;
use crate::random::Random;
use crate::stack::Stack;

const PRODUCTS: usize = 8;
const DEALS_PER_ACCOUNT: usize = 5;
/// How many records Salesforce takes in one call.
const BATCH: usize = 200;
const DECIMALS: usize = 2;

pub struct Account {
    pub id: String,
    pub email: String,
}

pub struct Deal {
    pub opportunity: String,
    /// Index of its account.
    pub account: usize,
    /// What its lines come to, in minor units.
    pub lines: Vec<i64>,
}

impl Deal {
    pub fn amount(&self) -> i64 {
        self.lines.iter().sum()
    }
}

pub struct Deals {
    pub accounts: Vec<Account>,
    pub deals: Vec<Deal>,
}

impl Deals {
    /// Whether the customer of this account is made before anything is killed.
    pub fn is_early(&self, account: usize) -> bool {
        account < self.accounts.len() / 2
    }
}

struct Product {
    entry: String,
    /// Minor units.
    price: u64,
}

struct Line {
    product: usize,
    quantity: u64,
    /// Minor units; for some lines less than the catalogue says.
    price: u64,
}

impl Line {
    fn sold(random: &mut Random, products: &[Product]) -> Self {
        let product = random.index(products.len());
        let catalogue = products[product].price;
        let is_negotiated = random.between(1, 4) == 1;
        let price = if is_negotiated { random.between(1, catalogue) } else { catalogue };
        Self { product, quantity: random.between(1, 30), price }
    }

    fn amount(&self) -> Result<i64> {
        i64::try_from(self.quantity * self.price).context("adding up a line")
    }
}

/// Enters accounts, products with their prices at Stripe, and opportunities with one to four lines that are not won yet.
pub fn enter(stack: &Stack, count: usize, random: &mut Random) -> Result<Deals> {
    let salesforce = stack.sandbox.salesforce()?;
    let pricebooks = salesforce.query("SELECT Id FROM Pricebook2 WHERE IsStandard = true")?;
    let pricebook = crate::aws::text(pricebooks.first().unwrap_or(&Value::Null), "Id")?;
    let products = products(stack, pricebook, random)?;

    let number = super::now_ms()?;
    let emails: Vec<String> =
        (0..count.div_ceil(DEALS_PER_ACCOUNT)).map(|index| format!("ap+{number}-{index}@chaos.example")).collect();
    let accounts = emails.iter().enumerate().map(|(index, email)| {
        json!({
            "Name": format!("Chaos {index}"), "Billing_Email__c": email, "BillingStreet": "1 Main Street",
            "BillingCity": "San Francisco", "BillingState": "CA", "BillingPostalCode": "94105", "BillingCountry": "US"
        })
    });
    let ids = in_batches(accounts.collect(), |batch| salesforce.create_all("Account", batch))?;
    let accounts: Vec<Account> = ids.into_iter().zip(emails).map(|(id, email)| Account { id, email }).collect();

    let owners: Vec<usize> = (0..count).map(|_| random.index(accounts.len())).collect();
    let opportunities = owners.iter().enumerate().map(|(index, owner)| {
        json!({
            "Name": format!("Chaos {number}-{index}"), "AccountId": accounts[*owner].id, "Type": "New Customer",
            "StageName": "Negotiation/Review", "CloseDate": "2026-12-31", "Pricebook2Id": pricebook
        })
    });
    let opportunities = in_batches(opportunities.collect(), |batch| salesforce.create_all("Opportunity", batch))?;

    let mut records = Vec::new();
    let mut deals = Vec::new();
    for (opportunity, account) in opportunities.into_iter().zip(owners) {
        let lines: Vec<Line> = (0..random.between(1, 4)).map(|_| Line::sold(random, &products)).collect();
        for line in &lines {
            records.push(json!({
                "OpportunityId": opportunity, "PricebookEntryId": products[line.product].entry,
                "Quantity": line.quantity, "UnitPrice": decimal(line.price)?
            }));
        }
        deals.push(Deal { opportunity, account, lines: lines.iter().map(Line::amount).collect::<Result<_>>()? });
    }
    in_batches(records, |batch| salesforce.create_all("OpportunityLineItem", batch))?;
    Ok(Deals { accounts, deals })
}

fn products(stack: &Stack, pricebook: &str, random: &mut Random) -> Result<Vec<Product>> {
    let (stripe, salesforce) = (stack.sandbox.stripe(), stack.sandbox.salesforce()?);
    let mut products = Vec::new();
    for index in 0..PRODUCTS {
        let (name, price) = (format!("Chaos product {index}"), random.between(1, 500_000));
        let unit_amount = price.to_string();
        let parameters = [("currency", "usd"), ("unit_amount", &unit_amount), ("product_data[name]", &name)];
        let at_stripe = stripe.post("/v1/prices", &parameters)?;
        let product = json!({ "Name": name, "IsActive": true, "Stripe_Price_Id__c": at_stripe["id"] });
        let product = salesforce.create("Product2", &product)?;
        let entry = json!({
            "Pricebook2Id": pricebook, "Product2Id": product, "UnitPrice": decimal(price)?, "IsActive": true
        });
        products.push(Product { entry: salesforce.create("PricebookEntry", &entry)?, price });
    }
    Ok(products)
}

/// Decimals go over the wire as they are written here, so they are put into the JSON as text.
fn decimal(minor_units: u64) -> Result<Value> {
    serde_json::from_str(&plain(minor_units, DECIMALS)).context("writing a price")
}

fn in_batches(records: Vec<Value>, save: impl Fn(Vec<Value>) -> Result<Vec<String>>) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for batch in records.chunks(BATCH) {
        ids.extend(save(batch.to_vec())?);
    }
    Ok(ids)
}
