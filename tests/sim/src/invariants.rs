//! What must be true: at every moment, and when everything has come to rest.
//!
//! Nothing here asks the product what it thinks. The deal's bill is worked out from the record, the invoice is looked at as
//! Stripe holds it, and what the ledger says is compared with both.

mod books;
mod cases;
mod commits;
mod disputes;
mod ended;
mod endings;
mod heard;
mod intents;
mod invoices;
mod leftovers;
mod outside;
mod paid;
mod periods;
mod quiet;
mod renewed;
mod replaced;
mod sent;
mod standings;
#[cfg(test)]
mod tests;
mod told;

use std::collections::{BTreeMap, BTreeSet};

use domain::{AccountId, CustomerId, OpportunityId};
use jiff::Timestamp;

use crate::model::bill::{Bill, Judgement};
use crate::model::stripe::{By, Invoice};
use crate::model::{Models, Violation};
pub use ended::Ended;
pub(crate) use standings::standing;

/// What is remembered from one moment to the next.
#[derive(Debug, Default)]
pub struct Watch {
    /// The customer that each account was billed through last.
    billed_through: BTreeMap<(AccountId, Option<String>), CustomerId>,
    /// The deals as each process read them last.
    read_by: BTreeMap<(u64, OpportunityId), Judgement>,
    /// When each deal was first read by anybody.
    first_read: BTreeMap<OpportunityId, Timestamp>,
    /// The keys that some run's item has held.
    saved_keys: BTreeSet<String>,
    /// What people were told.
    posted: Vec<heard::Posted>,
    /// What became of each run of an invoice whose payment is disputed.
    disputes: BTreeMap<String, disputes::Told>,
}

/// The deal that an invoice of ours is for.
fn deal_of(invoice: &Invoice) -> Option<OpportunityId> {
    let is_ours = invoice.says("closedwon_run").is_some();
    invoice.says("sf_opportunity_id").filter(|_| is_ours).and_then(|id| OpportunityId::parse(id).ok())
}

/// Why the invoice is not what the bill says; `None` when it is.
fn difference(invoice: &Invoice, bill: &Bill) -> Option<String> {
    let Some(total) = bill.first_total(invoice.created()) else {
        return Some("its term has not begun".to_owned());
    };
    if invoice.currency() != bill.currency || invoice.total() != total {
        let (comes_to, currency) = (invoice.total(), invoice.currency());
        return Some(format!("it comes to {comes_to} {currency}, the deal to {total} {}", bill.currency));
    }
    if bill.term.is_some() != invoice.is_of_subscription() {
        return Some("it is of a subscription, or the deal is".to_owned());
    }
    if bill.term.is_some() {
        return difference_of_term(invoice, bill);
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

/// Each recurring line once for every period that has begun, as a part of some item; and each other line once.
fn difference_of_term(invoice: &Invoice, bill: &Bill) -> Option<String> {
    let mut missing: BTreeMap<(String, Option<jiff::Timestamp>), i64> = BTreeMap::new();
    for (id, line) in &bill.lines {
        let begun = bill.periods_begun(line, invoice.created());
        let starts: Vec<_> = begun.map_or(vec![None], |begun| begun.into_iter().map(Some).collect());
        missing.extend(starts.into_iter().map(|start| ((id.as_str().to_owned(), start), bill.each(line))));
    }
    for line in &invoice.lines {
        let of_item = invoice.keys_of_items.get(&line.id).map(String::as_str);
        let keys = of_item.or(line.metadata.get("sf_line_id").map(String::as_str)).unwrap_or_default();
        let start = line.period_start.filter(|_| of_item.is_some());
        let mut amount = 0;
        for key in keys.split(' ') {
            let Some(planned) = missing.remove(&(key.to_owned(), start)) else {
                return Some(format!("line {} is not of the deal, or there twice", line.id));
            };
            amount += planned;
        }
        if line.amount != amount {
            return Some(format!("line {} comes to {}, in the deal to {amount}", line.id, line.amount));
        }
    }
    missing.into_keys().next().map(|(key, _)| format!("line {key} is missing"))
}

impl Models {
    /// Whether the deal's amount is the one that this invoice bills, or bills the beginning of.
    fn bills_amount(&self, invoice: &Invoice, amount: Option<i64>) -> bool {
        if !invoice.is_of_subscription() {
            return amount == Some(invoice.total());
        }
        let opportunity = deal_of(invoice).and_then(|id| self.salesforce.opportunity(&id));
        let mut read = opportunity.into_iter().flat_map(|one| one.readings.iter().filter_map(|(_, seen)| seen.bill()));
        read.any(|bill| Some(bill.total) == amount && difference(invoice, bill).is_none())
    }

    fn violate(&mut self, now: jiff::Timestamp, rule: &'static str, detail: String) {
        self.violations.push(Violation::new(now, rule, detail));
    }

    /// Whether people had their hands in how this deal is billed, so that the outcome is theirs to judge.
    fn is_meddled_with(&self, opportunity_id: &OpportunityId) -> bool {
        let Some(opportunity) = self.salesforce.opportunity(opportunity_id) else {
            return true;
        };
        let account = opportunity.account_id.as_ref().and_then(|id| self.salesforce.account(id));
        // What came with it after nothing had been seen to wait is a person's doing, too.
        let by_hand = |invoice: &Invoice| {
            invoice.touched_by_hand
                || invoice.finalized_by == Some(By::Person)
                || invoice.lines.iter().any(|line| self.stripe.had_waited(line))
        };
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
            || self
                .stripe
                .subscriptions()
                .any(|one| one.canceled_by == Some(By::Person) && one.made_for() == Some(opportunity_id.as_str()))
            || self.stripe.customers().any(|customer| customer.deleted.is_some() && of_account(&customer.metadata))
    }
}
