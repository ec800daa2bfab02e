//! What must be true: at every moment, and when everything has come to rest.
//!
//! Nothing here asks the product what it thinks. The deal's bill is worked out from the record, the invoice is looked at as
//! Stripe holds it, and what the ledger says is compared with both.

mod books;
mod commits;
mod intents;
mod leftovers;
mod outside;
mod quiet;
mod sent;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use domain::{AccountId, CustomerId, OpportunityId};

use crate::model::bill::{Bill, Judgement};
use crate::model::stripe::{By, Invoice};
use crate::model::{Models, Violation};
pub use quiet::Ended;

/// What is remembered from one moment to the next.
#[derive(Debug, Default)]
pub struct Watch {
    /// The customer that each account was billed through last.
    billed_through: BTreeMap<AccountId, CustomerId>,
    /// The deals as each process read them last.
    read_by: BTreeMap<(u64, OpportunityId), Judgement>,
    /// The keys that some run's item has held.
    saved_keys: BTreeSet<String>,
}

/// The deal that an invoice of ours is for.
fn deal_of(invoice: &Invoice) -> Option<OpportunityId> {
    let is_ours = invoice.says("closedwon_run").is_some();
    invoice.says("sf_opportunity_id").filter(|_| is_ours).and_then(|id| OpportunityId::parse(id).ok())
}

/// Why the invoice is not what the bill says; `None` when it is.
fn difference(invoice: &Invoice, bill: &Bill) -> Option<String> {
    if invoice.currency() != bill.currency || invoice.total() != bill.total {
        let (total, currency) = (invoice.total(), invoice.currency());
        return Some(format!("it comes to {total} {currency}, the deal to {} {}", bill.total, bill.currency));
    }
    if invoice.lines.len() != bill.lines.len() {
        return Some(format!("it has {} lines, the deal {}", invoice.lines.len(), bill.lines.len()));
    }
    let mut lines: BTreeMap<_, _> = bill.lines.iter().map(|(id, line)| (id.as_str(), line)).collect();
    for line in &invoice.lines {
        let key = line.metadata.get("sf_line_id").map(String::as_str).unwrap_or_default();
        let Some(planned) = lines.remove(key) else {
            return Some(format!("line {} is not of the deal, or there twice", line.id));
        };
        let quantity = line.quantity.unwrap_or_default();
        // What the quantity does not divide is billed as one.
        if line.amount != planned.amount || (quantity != planned.quantity && quantity != rust_decimal::Decimal::ONE) {
            return Some(format!("line {key} comes to {}, in the deal to {}", line.amount, planned.amount));
        }
    }
    None
}

impl Models {
    fn violate(&mut self, now: jiff::Timestamp, rule: &'static str, detail: String) {
        self.violations.push(Violation::new(now, rule, detail));
    }

    /// Whether people had their hands in how this deal is billed, so that the outcome is theirs to judge.
    fn is_meddled_with(&self, opportunity_id: &OpportunityId) -> bool {
        let Some(opportunity) = self.salesforce.opportunity(opportunity_id) else {
            return true;
        };
        let account = opportunity.account_id.as_ref().and_then(|id| self.salesforce.account(id));
        let by_hand = |invoice: &Invoice| invoice.touched_by_hand || invoice.finalized_by == Some(By::Person);
        let of_deal = |invoice: &&Invoice| invoice.says("sf_opportunity_id") == Some(opportunity_id.as_str());
        let deleted = self.stripe.deleted_invoices().values();
        let of_account = |metadata: &BTreeMap<String, String>| {
            metadata.get("sf_account_id").map(String::as_str) == opportunity.account_id.as_ref().map(AccountId::as_str)
        };
        opportunity.invoice_named_by_hand
            || opportunity.automation != Default::default()
            || account.is_some_and(|account| account.customer_named_by_hand)
            || self.stripe.invoices().filter(of_deal).any(by_hand)
            || deleted
                .filter(|gone| gone.by == By::Person || gone.touched_by_hand)
                .any(|gone| gone.opportunity.as_deref() == Some(opportunity_id.as_str()))
            || self.stripe.customers().any(|customer| customer.deleted.is_some() && of_account(&customer.metadata))
    }
}
