//! What is promised of customers whose accounts change by themselves.

use domain::{AccountId, Currency};
use workflow::RunId;

use super::ended::Ended;
use crate::model::stripe::{By, Customer};
use crate::model::{Models, count};

impl Models {
    /// Where the reconciler ran, and no ledger was restored: a customer of ours is at its account's address of e-mail, or somebody is told
    /// why not. One that people meddled with is theirs.
    pub(super) fn customers_are_told(&mut self, ended: &Ended<'_>) {
        let customers: Vec<_> = self.stripe.customers().filter(|one| one.made_by == By::Us).cloned().collect();
        self.accounts_keep_their_own(ended, &customers);
        if ended.differences.is_none() || ended.restores > 0 {
            return;
        }
        for customer in customers.iter().filter(|customer| customer.deleted.is_none()) {
            let account_id = customer.metadata.get("sf_account_id").and_then(|id| AccountId::parse(id).ok());
            let account = account_id.as_ref().and_then(|id| self.salesforce.account(id)).cloned();
            let Some(account) = account.filter(|account| {
                // Of another one that it has for a currency it names nothing.
                let named = account.stripe_customer_id.as_deref();
                let is_its_own =
                    named == Some(customer.id.as_str()) || named.is_some() && customer.currency().is_some();
                !account.customer_named_by_hand && is_its_own
            }) else {
                continue;
            };
            let run_id = RunId::AccountCustomer {
                organization_id: ended.organization_id.clone(),
                account_id: account.id.clone(),
                livemode: false,
                currency: customer.currency().and_then(|currency| Currency::parse(currency).ok()),
            };
            let Some(run) = ended.run(&run_id) else { continue };
            let own = account.billing_email.as_deref();
            if !account.can_be_told() {
                // It was never another one since it has a customer, or a person is told.
                let is_told = ended.has_reasoned_letter(&run_id.to_string());
                if run.status() == "rejected" && !is_told {
                    self.violate(ended.now, "who_is_not_told_is_told_of", format!("{}: {own:?}", account.id));
                }
                count(&mut self.facts, "an account could not be told");
                continue;
            }
            if own.is_some() && customer.email.as_deref() != own {
                let detail =
                    format!("{} ({}) is at {:?}, its account at {own:?}", customer.id, run.status(), customer.email);
                self.violate(ended.now, "a_customer_is_where_its_account_is", detail);
            }
            if account.emails.len() > 1 {
                count(&mut self.facts, "a customer heard of another address");
                if customer.currency().is_some() {
                    count(&mut self.facts, "a second customer heard of another address");
                }
            }
        }
    }

    /// What an account names is for everything, and never the one that it has for subscriptions in a currency.
    fn accounts_keep_their_own(&mut self, ended: &Ended<'_>, customers: &[Customer]) {
        let accounts: Vec<_> =
            self.salesforce.accounts().filter(|account| !account.customer_named_by_hand).cloned().collect();
        for account in accounts {
            let named = customers.iter().find(|one| account.stripe_customer_id.as_deref() == Some(one.id.as_str()));
            if let Some(named) = named.filter(|named| named.currency().is_some()) {
                let detail = format!("{} names {}", account.id, named.id);
                self.violate(ended.now, "an_account_names_its_own_customer", detail);
            }
        }
    }
}
