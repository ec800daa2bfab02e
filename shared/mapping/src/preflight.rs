//! What stands in a deal's way, all of it, before anything is written.

use std::collections::BTreeMap;

use domain::{CustomerId, PriceId, Record};
use serde::{Deserialize, Serialize};

use crate::access::is_writable;
use crate::activation::contract_is_activated;
use crate::cancellation::is_to_go_on;
use crate::line::{price, product};
use crate::plan::{Looked, MOST_LINES, Planned, Reading, look_through};
use crate::stop::Refusals;
use crate::{CustomerDetails, Deal, Plan, Settings, Stop, customer_named_by};

/// The same before anything is written, with the customer that the account names. What the prices at Stripe say is not known yet.
pub fn preflight(deal: &Deal, settings: &Settings) -> Result<Findings, Stop> {
    let Looked { planned, mut refusals, recurs } = look_through(deal, settings, Reading::ToBegin)?;
    if let Some((plan, _)) = &planned {
        refusals.take(is_to_go_on(plan));
    }
    // What was begun goes on, whatever becomes of its contract.
    if planned.as_ref().is_some_and(|(plan, _)| plan.subscription.is_some()) {
        contract_is_activated(deal, settings)?;
    }
    let named = refusals.take(customer_named_by(&deal.opportunity)).map(|customer_id| Named { customer_id });
    refusals.take(is_writable(deal, settings, recurs));
    Ok(Findings { planned, named, refusals, prices: prices_named(&deal.lines, settings) })
}

/// Everything that is known of a deal without Stripe: what will be billed, or all that stands in its way. What stands in it at Stripe is
/// told together with that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    planned: Planned,
    /// The customer that the account names, unless what it names is none.
    named: Option<Named>,
    refusals: Refusals,
    /// With the products that name them.
    prices: BTreeMap<PriceId, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Named {
    customer_id: Option<CustomerId>,
}

impl Findings {
    pub fn plan(&self) -> Option<&Plan> {
        self.planned.as_ref().map(|(plan, _)| plan)
    }

    /// The prices that the deal's products name, each once and with the first of them, whether the deal can be billed or not.
    pub fn prices(&self) -> &BTreeMap<PriceId, String> {
        &self.prices
    }

    pub fn refuse(&mut self, stop: Stop) {
        self.refusals.extend([stop]);
    }

    pub fn finish(self) -> Result<((Plan, CustomerDetails), Option<CustomerId>), Stop> {
        self.refusals.or(self.planned.zip(self.named.map(|named| named.customer_id)))
    }
}

/// Of more lines than are ever billed nobody asks what they cost.
fn prices_named(records: &[Record], settings: &Settings) -> BTreeMap<PriceId, String> {
    let names = settings.line_source.names();
    let records: Vec<_> = records.iter().filter(|record| !names.is_included(record)).collect();
    let records = if records.len() > MOST_LINES as usize { Vec::new() } else { records };
    let mut prices = BTreeMap::new();
    for record in records {
        if let Ok(price) = price(record, names) {
            prices.entry(price).or_insert_with(|| product(record, names));
        }
    }
    prices
}
