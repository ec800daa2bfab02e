//! A customer has subscriptions in one currency at a time.

use domain::{Currency, CustomerId};
use jiff::Timestamp;

use crate::model::count;
use crate::model::stripe::Stripe;
use crate::model::stripe::failure::Failure;

impl Stripe {
    pub(super) fn in_one_currency(&mut self, customer: &CustomerId, currency: Currency) -> Result<(), Failure> {
        let mut live = self.subscriptions.values().filter(|one| one.customer == *customer && one.canceled_by.is_none());
        let of_live = live.find(|one| one.currency != currency).map(|one| one.currency);
        let by_hand = self.sold_by_hand.get(customer).copied().filter(|sold| *sold != currency);
        match of_live.or(by_hand) {
            None => Ok(()),
            Some(other) => {
                count(&mut self.facts, "a customer had a subscription in another currency");
                Err(Failure::currencies_combined(other))
            }
        }
    }

    /// A customer that a person made, with something that goes on in a currency.
    pub fn make_customer_with_subscription(&mut self, now: Timestamp, email: &str, currency: Currency) -> CustomerId {
        let id = self.make_customer(now, email);
        self.sold_by_hand.insert(id.clone(), currency);
        id
    }
}
