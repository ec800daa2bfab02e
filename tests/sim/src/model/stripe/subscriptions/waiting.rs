//! What waits for a customer's next invoice, or for a subscription's.

use domain::{CustomerId, SubscriptionId};
use jiff::Timestamp;
use stripe::InvoiceLine;

use super::{Stripe, Subscription};

/// What comes with the next invoice, and then never again.
#[derive(Debug, Clone)]
pub struct Once {
    pub deal: Option<String>,
    pub line: InvoiceLine,
    pub is_billed: bool,
}

impl Subscription {
    /// What was sold once, and is still to be billed.
    pub fn waiting(&self) -> impl Iterator<Item = &Once> {
        self.once.iter().filter(|once| !once.is_billed)
    }

    pub(super) fn bill_once(&mut self) -> Vec<InvoiceLine> {
        let waiting = self.once.iter_mut().filter(|once| !once.is_billed);
        waiting
            .map(|once| {
                once.is_billed = true;
                once.line.clone()
            })
            .collect()
    }
}

impl Stripe {
    pub fn pending_items(&self, id: &CustomerId) -> Vec<stripe::PendingItem> {
        let of_customer = self.pending.get(id).into_iter().flatten().map(|line| (None, line));
        let its = self.subscriptions.values().filter(|one| one.customer == *id);
        let of_subscriptions = its.flat_map(|one| one.waiting().map(|once| (Some(one.id.clone()), &once.line)));
        let item = |(subscription, line): (Option<SubscriptionId>, &InvoiceLine)| stripe::PendingItem {
            subscription,
            currency: Some(line.currency),
            metadata: line.metadata.clone(),
        };
        of_customer.chain(of_subscriptions).map(item).collect()
    }

    /// Something that is no renewal's.
    pub fn stranger_waits_for(&self, id: &CustomerId) -> bool {
        self.pending.get(id).is_some_and(|pending| !pending.is_empty())
    }

    /// For a customer of the account; or it did then, and an invoice of a later period took it along since, of which nobody hears who was
    /// refused for it.
    pub fn anything_waits_or_waited_for(&self, account: &domain::AccountId, then: Option<Timestamp>) -> bool {
        let is_of_account = |id: &CustomerId| {
            let says = self.customers.get(id).and_then(|one| one.metadata.get("sf_account_id"));
            says.is_some_and(|id| id == account.as_str())
        };
        self.pending.iter().any(|(id, pending)| !pending.is_empty() && is_of_account(id))
            || self.taken_along.iter().any(|(id, at)| is_of_account(id) && then.is_none_or(|then| then <= *at))
    }
}
