//! A customer has subscriptions in one currency at a time.

use std::collections::BTreeMap;

use domain::{AccountId, Currency, CustomerId};
use jiff::Timestamp;

use crate::model::count;
use crate::model::stripe::failure::Failure;
use crate::model::stripe::{By, Stripe};

impl Stripe {
    pub(super) fn in_one_currency(&mut self, customer: &CustomerId, currency: Currency) -> Result<(), Failure> {
        let mut live = self.subscriptions.values().filter(|one| one.customer == *customer && one.canceled_by.is_none());
        let of_live = live.find(|one| one.currency != currency).map(|one| one.currency);
        let by_hand = self.sold_by_hand.get(customer).copied().filter(|sold| *sold != currency);
        let mut waiting = self.pending.get(customer).into_iter().flatten().map(|line| line.currency);
        match of_live.or(by_hand).or_else(|| waiting.find(|waiting| *waiting != currency)) {
            None => Ok(()),
            Some(other) => {
                self.combined.insert((customer.clone(), currency));
                count(&mut self.facts, "a customer had a subscription in another currency");
                Err(Failure::currencies_combined(other))
            }
        }
    }

    /// Whether any customer of the account was ever refused a subscription in this currency, or one of whom nobody knows whose it is.
    pub fn was_combined(&self, account: &str, currency: &str) -> bool {
        self.combined.iter().any(|(id, of)| {
            let says = self.customers.get(id).and_then(|one| one.metadata.get("sf_account_id"));
            of.to_stripe() == currency && says.is_none_or(|says| says == account)
        })
    }

    /// One of ours that has something by somebody else's hand.
    pub fn make_own_customer_with_subscription(
        &mut self,
        now: Timestamp,
        account: &AccountId,
        currency: Currency,
    ) -> CustomerId {
        let metadata = BTreeMap::from([("sf_account_id".to_owned(), account.to_string())]);
        let id = self.new_customer(now, By::Us, Some("ap@acme.example".to_owned()), metadata);
        self.sold_by_hand.insert(id.clone(), currency);
        id
    }
}
