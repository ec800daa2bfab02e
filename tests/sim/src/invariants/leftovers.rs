//! What must not be left when everything has come to rest: drafts and customers that belong to nothing, writes without
//! end, logs with holes.

use std::collections::{BTreeMap, BTreeSet};

use ledger::Item;

use super::commits::{number, text};
use super::deal_of;
use super::ended::Ended;
use crate::model::salesforce::{Automation, Opportunity};
use crate::model::{Models, count};

/// A deal's write-back and its payment are two writes. Each change by a person may bring a note, and one that takes it
/// away; an answer that was lost may bring a write twice.
const WRITES_PER_DEAL: u32 = 8;
const WRITES_PER_CHANGE: u32 = 4;

/// Each time that a person sends the event of such a deal again, it is written and noted once more.
const WRITES_AGAINST_AUTOMATION: u32 = 16;

impl Models {
    pub(super) fn nothing_lies_around(&mut self, ended: &Ended<'_>) {
        let pointers: BTreeSet<_> = ended.items.iter().filter_map(|item| text(item, "stripe_invoice_id")).collect();
        let is_orphan = |id: &str| !pointers.contains(id);
        // A draft of a subscription that was canceled stays a draft, and nobody collects it.
        let over: BTreeSet<_> =
            self.stripe.subscriptions().filter(|one| one.canceled_by.is_some()).map(|one| &one.invoice).collect();
        let drafts = self.stripe.invoices().filter(|invoice| invoice.is_draft() && deal_of(invoice).is_some());
        let drafts = drafts.filter(|draft| !over.contains(draft.id()));
        let orphans: Vec<_> = drafts.map(|draft| draft.id().to_string()).filter(|id| is_orphan(id)).collect();
        let live = self.stripe.subscriptions().filter(|one| one.canceled_by.is_none() && one.made_for().is_some());
        let mut of_deal: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for one in live {
            of_deal.entry(one.made_for().unwrap_or_default().to_owned()).or_default().push(one.id.to_string());
        }
        for orphan in orphans {
            self.left_over(ended, "no_orphan_drafts", orphan);
        }
        for (deal, subscriptions) in of_deal.into_iter().filter(|(_, subscriptions)| subscriptions.len() > 1) {
            self.left_over(ended, "one_subscription_per_deal", format!("{deal}: {}", subscriptions.join(", ")));
        }
        let mut of_account: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for customer in self.stripe.customers().filter(|customer| customer.deleted.is_none()) {
            if let Some(account_id) = customer.metadata.get("sf_account_id") {
                let place = (account_id.clone(), customer.currency().map(str::to_owned));
                of_account.entry(place).or_default().push(customer.id.to_string());
            }
        }
        for ((account_id, _), customers) in of_account.into_iter().filter(|(_, customers)| customers.len() > 1) {
            self.left_over(ended, "one_customer_per_account", format!("{account_id}: {}", customers.join(", ")));
        }
        self.currencies_are_kept_apart(ended);
        self.writes_are_bounded(ended);
    }

    /// A customer for subscriptions in a currency is there only where Stripe took none for another one of the account; and what is begun in that
    /// currency afterwards is this one's, unless the ledger has forgotten it.
    fn currencies_are_kept_apart(&mut self, ended: &Ended<'_>) {
        let mut broken = Vec::new();
        for customer in self.stripe.customers() {
            let (Some(currency), Some(account)) = (customer.currency(), customer.metadata.get("sf_account_id")) else {
                continue;
            };
            if !self.stripe.was_combined(account, currency) {
                broken
                    .push(("only_who_needs_it_is_two_customers", format!("{} of {account}: {currency}", customer.id)));
            }
            let elsewhere = self.stripe.subscriptions().filter(|one| {
                let of = self.stripe.find_customer(&one.customer);
                one.currency.to_stripe() == currency
                    && one.created > customer.created
                    && of.is_some_and(|of| of.currency().is_none() && of.metadata.get("sf_account_id") == Some(account))
            });
            if let Some(other) = elsewhere.last().filter(|_| ended.restores == 0 && customer.deleted.is_none()) {
                broken
                    .push(("what_is_apart_stays_apart", format!("{} in {currency} is {}'s", other.id, other.customer)));
            }
        }
        for (rule, detail) in broken {
            self.violate(ended.now, rule, detail);
        }
    }

    /// The reconciler collects what a lost answer leaves. Without it, it is only counted.
    fn left_over(&mut self, ended: &Ended<'_>, rule: &'static str, detail: String) {
        if ended.differences.is_some() {
            self.violate(ended.now, rule, detail);
        } else {
            count(&mut self.facts, "something was left for the reconciler");
        }
    }

    fn writes_are_bounded(&mut self, ended: &Ended<'_>) {
        let asked_again = ended.restores + ended.redrives;
        let most = |one: &Opportunity| {
            let is_fought = one.automation != Automation::None;
            let against_automation = if is_fought { WRITES_AGAINST_AUTOMATION } else { 0 };
            WRITES_PER_DEAL + against_automation + WRITES_PER_CHANGE * (one.changes_by_people + asked_again)
        };
        let over = self.salesforce.opportunities().filter(|one| one.our_writes > most(one));
        let over = over
            .map(|one| format!("{} was written {} times, {} changes", one.id, one.our_writes, one.changes_by_people));
        for detail in over.collect::<Vec<_>>() {
            self.violate(ended.now, "writes_are_bounded", detail);
        }
    }

    /// Every run's call log follows itself without a gap, and ends at the head that the run holds.
    pub(super) fn logs_are_whole(&mut self, ended: &Ended<'_>) {
        let mut logs: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
        let mut heads: BTreeMap<&str, &Item> = BTreeMap::new();
        for item in ended.items.iter().copied() {
            let (pk, sk) = (text(item, "pk").unwrap_or_default(), text(item, "sk").unwrap_or_default());
            if sk.starts_with("call#") {
                logs.entry(pk).or_default().insert(sk, text(item, "document").unwrap_or_default().to_owned());
            } else if sk == "run" {
                heads.insert(pk, item);
            }
        }
        for (pk, head) in heads {
            let documents: Vec<String> = logs.remove(pk).unwrap_or_default().into_values().collect();
            let verified = ledger::verify_chain(&documents, text(head, "call_hash").unwrap_or_default());
            let length = i64::try_from(documents.len()).unwrap_or(i64::MAX);
            if let Err(why) = verified {
                self.violate(ended.now, "the_log_is_whole", format!("{pk}: {why}"));
            } else if length != number(head, "call_count") {
                self.violate(ended.now, "the_log_is_whole", format!("{pk} has {length} entries"));
            }
        }
        for pk in logs.into_keys() {
            self.violate(ended.now, "the_log_is_whole", format!("{pk} has a log and no run"));
        }
    }
}
