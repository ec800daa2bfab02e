//! Subscriptions as Stripe shows them.

use super::*;

impl Stripe {
    pub(super) fn shown_subscription(&self, subscription: &Subscription) -> stripe::Subscription {
        let embedded = 10;
        stripe::Subscription {
            id: subscription.id.clone(),
            customer: Some(subscription.customer.clone()),
            status: subscription.status().to_owned(),
            is_over: subscription.canceled_by.is_some(),
            has_run_out: subscription.has_run_out,
            oddity: None,
            is_collection_paused: false,
            has_discount: false,
            cancellation: stripe::CancellationDetails::default(),
            metadata: subscription.metadata.clone(),
            created: subscription.created,
            starts_at: Some(subscription.starts_at),
            ends_at: subscription.ends_at,
            currency: subscription.currency,
            items: subscription.items.iter().take(embedded).cloned().collect(),
            has_more_items: subscription.items.len() > embedded,
            latest_invoice: self.invoices.get(&subscription.latest).map(|invoice| Box::new(invoice.shown())),
        }
    }

    pub fn subscription(&mut self, now: Timestamp, id: &SubscriptionId) -> Result<stripe::Subscription, Error> {
        self.advance(now);
        let found = self.subscriptions.get(id).map(|found| self.shown_subscription(found));
        found.ok_or_else(|| Failure::not_found("subscription", id.as_str()).error)
    }

    pub fn subscription_items(&mut self, id: &SubscriptionId) -> Result<Vec<SubscriptionItem>, Error> {
        let found = self.subscriptions.get(id).map(|found| found.items.clone());
        found.ok_or_else(|| Failure::not_found("subscription", id.as_str()).error)
    }

    pub fn subscriptions_of_customer(
        &mut self,
        now: Timestamp,
        id: &CustomerId,
        since: Timestamp,
    ) -> Vec<stripe::Subscription> {
        self.advance(now);
        let listed = self.subscriptions.values().rev();
        let listed = listed.filter(|one| one.customer == *id && one.created.as_second() >= since.as_second());
        listed.map(|one| self.shown_subscription(one)).collect()
    }

    pub fn subscriptions_created_since(
        &mut self,
        now: Timestamp,
        since: Timestamp,
        after: Option<&stripe::Cursor>,
    ) -> Page<stripe::Subscription> {
        self.advance(now);
        let all = self.subscriptions.values().map(|one| Listed {
            id: one.id.to_string(),
            created: one.created,
            metadata: Some(one.metadata.clone()),
            of_subscription: None,
            object: Some(self.shown_subscription(one)),
        });
        pages::page(all, since, after)
    }
}
