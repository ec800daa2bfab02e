//! The recipe's calls: each is tried three times, with short waits.

use std::collections::BTreeMap;
use std::rc::Rc;

use domain::{AccountId, CustomerId, InvoiceId, OpportunityId};
use engine::{Salesforce, Stripe};
use mapping::{CustomerDetails, Deal, Filter, PlanLine, RecordQuery, Settings, Update, deal_queries};
use salesforce::soql::{Literal, Op, Select};
use stripe::{Answer, CreateCustomer, InvoiceLineParams, Pricing, Quantity, Write};

use super::key;
use crate::ports::{Process, SalesforcePort, StripePort};

const TRIES: u32 = 3;
const FIRST_WAIT_MS: i64 = 500;

/// It did not work, three times or for good.
pub(super) struct Failed(pub(super) String);

pub(super) struct Calls {
    process: Rc<Process>,
    stripe: StripePort,
    salesforce: SalesforcePort,
}

impl Calls {
    pub(super) fn new(process: &Rc<Process>) -> Self {
        Self {
            process: Rc::clone(process),
            stripe: StripePort(Rc::clone(process)),
            salesforce: SalesforcePort(Rc::clone(process)),
        }
    }

    async fn thrice<T, E: std::fmt::Display>(
        &self,
        call: impl AsyncFn() -> Result<T, E>,
        passes: fn(&E) -> bool,
    ) -> Result<T, E> {
        let mut wait_ms = FIRST_WAIT_MS;
        for _ in 1..TRIES {
            match call().await {
                Err(error) if passes(&error) => self.process.sleep(wait_ms).await,
                answer => return answer,
            }
            wait_ms += wait_ms;
        }
        call().await
    }

    pub(super) async fn read_deal(&self, id: &OpportunityId, settings: &Settings) -> Result<Option<Deal>, Failed> {
        let queries: Vec<_> = deal_queries(id, settings).iter().map(soql).collect();
        let answers = self.thrice(async || self.salesforce.read(&queries).await, salesforce_passes).await;
        let mut answers = answers.map_err(failed)?.into_iter();
        let mut next = || answers.next().unwrap_or_default();
        let (opportunity, lines, contact) = (next().into_iter().next(), next(), next().into_iter().next());
        Ok(opportunity.map(|opportunity| Deal { opportunity, lines, primary_contact: contact, ..Deal::default() }))
    }

    pub(super) async fn update(&self, updates: &[Update]) -> Result<(), Failed> {
        let updates: Vec<_> = updates
            .iter()
            .map(|update| salesforce::Update {
                object: update.object.to_owned(),
                id: update.id.clone(),
                fields: update.fields.iter().map(|(field, value)| ((*field).to_owned(), value.clone())).collect(),
                // A recipe writes whatever is there.
                external_id: None,
                only_where: None,
            })
            .collect();
        let written = self.thrice(async || self.salesforce.write(&updates, &[]).await, salesforce_passes).await;
        written.map(drop).map_err(failed)
    }

    pub(super) async fn write(&self, write: Write, key: &str) -> Result<Answer, Failed> {
        let written = self.thrice(async || self.stripe.write(&write, key).await, stripe_passes).await;
        written.map(|reply| reply.answer).map_err(failed)
    }

    pub(super) async fn create_customer(
        &self,
        account_id: &AccountId,
        details: &CustomerDetails,
    ) -> Result<CustomerId, Failed> {
        let write = Write::create_customer(&CreateCustomer {
            description: None,
            name: details.name.clone(),
            email: details.email.clone(),
            phone: details.phone.clone(),
            address: details.address.clone(),
            shipping: None,
            exempt: None,
            tax_id: None,
            metadata: metadata("sf_account_id", account_id.as_str()),
        });
        match self.write(write, &key(account_id, "customer")).await? {
            Answer::Customer(customer) => Ok(customer.id),
            _ => Err(Failed("no customer came back".to_owned())),
        }
    }

    /// The line at the agreed amount, of the product that the catalogue's price is of.
    pub(super) async fn agreed(&self, line: &PlanLine) -> Result<InvoiceLineParams, Failed> {
        let ids = [line.price.clone()];
        let prices = self.thrice(async || self.stripe.prices(&ids).await, stripe_passes).await.map_err(failed)?;
        let product = prices.into_iter().find(|price| price.active).and_then(|price| price.product);
        let product = product.ok_or_else(|| Failed("the price cannot be used".to_owned()))?;
        let (currency, unit_amount_decimal) = (line.amount.currency(), line.amount.minor_units().into());
        Ok(InvoiceLineParams {
            description: line.description.clone(),
            metadata: [("sf_line_id".to_owned(), line.key.to_string())].into(),
            quantity: Quantity::Whole(1),
            pricing: Pricing::Product { product, currency, unit_amount_decimal, tax_behavior: None },
        })
    }

    /// Nothing, if it is no invoice of ours.
    pub(super) async fn read_invoice(&self, id: &InvoiceId) -> Result<Option<stripe::Invoice>, Failed> {
        match self.thrice(async || self.stripe.invoice(id).await, stripe_passes).await {
            Ok(invoice) => Ok(Some(invoice)),
            Err(stripe::Error::Refused(_)) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

fn failed(why: impl std::fmt::Display) -> Failed {
    Failed(why.to_string())
}

fn stripe_passes(error: &stripe::Error) -> bool {
    matches!(error, stripe::Error::NoEffect { .. } | stripe::Error::Unknown { .. })
}

fn salesforce_passes(error: &salesforce::Error) -> bool {
    matches!(error, salesforce::Error::Busy { .. } | salesforce::Error::Unknown { .. })
}

fn soql(query: &RecordQuery) -> String {
    let mut select = Select::from(query.object).fields(&query.fields);
    for (field, filter) in &query.filter {
        select = match filter {
            Filter::Is(text) => select.filter(field, Op::Eq, Literal::Text(text.clone())),
            _ => select.filter(field, Op::Eq, Literal::Boolean(true)),
        };
    }
    select.to_string()
}

pub(super) fn metadata(key: &str, value: &str) -> BTreeMap<String, String> {
    [("closedwon_run", "recipe"), (key, value)].map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

pub(super) fn invoice(answer: Answer) -> Result<stripe::Invoice, Failed> {
    match answer {
        Answer::Invoice(invoice) => Ok(*invoice),
        _ => Err(Failed("no invoice came back".to_owned())),
    }
}
