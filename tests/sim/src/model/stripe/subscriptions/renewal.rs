//! Time that passes for a subscription, and a change of its items that counts from its next period on.

use domain::SubscriptionItemId;

use super::*;

impl Subscription {
    /// The opportunity that it goes on for.
    pub fn renewed_for(&self) -> Option<&str> {
        self.metadata.get("sf_renewal_opportunity_id").map(String::as_str)
    }

    fn period_end(&self, now: Timestamp) -> Timestamp {
        let ends = (1..).map(|index| day_after(day_of(self.starts_at), index * self.months));
        ends.into_iter().find(|end| *end > now).unwrap_or(now)
    }
}

impl Stripe {
    /// Terms end, and periods begin.
    pub(in super::super) fn turn(&mut self, now: Timestamp) {
        let live = self.subscriptions.values_mut().filter(|one| one.canceled_by.is_none());
        for subscription in live {
            if subscription.ends_at.is_some_and(|ends_at| ends_at <= now) {
                subscription.canceled_by = Some(By::Stripe);
                subscription.has_run_out = true;
                count(&mut self.facts, "a term ended");
                continue;
            }
            let period_end = subscription.period_end(now);
            subscription.items.iter_mut().for_each(|item| item.period_end = period_end);
        }
    }

    pub fn take_renewed(&mut self) -> Vec<SubscriptionId> {
        std::mem::take(&mut self.renewed)
    }

    pub(in super::super) fn renew(&mut self, now: Timestamp, id: &str, mut form: Form) -> Result<Answer, Failure> {
        let proration = form.take("proration_behavior");
        let days_until_due = form.take("days_until_due");
        let cancel_at = form.take("cancel_at");
        form.take("automatic_tax[enabled]");
        let metadata = form.take_map("metadata");
        let changes = form.take_list("items");
        self.understood(now, &form, None)?;
        let found = SubscriptionId::parse(id).ok().and_then(|id| self.subscriptions.get(&id).cloned());
        let Some(mut subscription) = found else { return Err(Failure::not_found("subscription", id)) };
        if subscription.canceled_by.is_some() {
            let message = "A canceled subscription can only update its cancellation_details and metadata.";
            return Err(Failure::about("items", message));
        }
        if proration.as_deref() != Some("none") || days_until_due.is_none() {
            let detail = format!("{id} would be prorated, or have no days: {proration:?} {days_until_due:?}");
            self.violate(now, "nothing_is_prorated", detail);
        }
        let period_end = subscription.period_end(now);
        for (index, mut form) in changes.into_iter().enumerate() {
            let path = format!("items[{index}]");
            let item = form.take("id").and_then(|id| SubscriptionItemId::parse(&id).ok());
            let at = item.as_ref().map(|id| subscription.items.iter().position(|there| there.id == *id));
            if at == Some(None) {
                return Err(Failure::no_such("subscription item", id, &path));
            }
            if form.take("deleted").as_deref() == Some("true") {
                self.understood(now, &form, None)?;
                if let Some(Some(at)) = at {
                    subscription.items.remove(at);
                }
                continue;
            }
            let asked = self.asked_item(now, form, subscription.currency, &path)?;
            if asked.months != subscription.months {
                return Err(Failure::about(&path, "Every item of a subscription is billed alike."));
            }
            let id = match item {
                Some(id) => id,
                None => SubscriptionItemId::parse(&self.next_id("si")).expect("a prefix and digits"),
            };
            let item = SubscriptionItem { id, price: asked.price, quantity: Some(asked.quantity), period_end };
            match at.flatten() {
                Some(at) => subscription.items[at] = item,
                None => subscription.items.push(item),
            }
        }
        let mut prices: Vec<_> = subscription.items.iter().map(|item| item.price.id.clone()).collect();
        prices.sort();
        prices.dedup();
        if subscription.items.is_empty() || prices.len() < subscription.items.len() {
            return Err(Failure::about(
                "items",
                "Cannot have multiple Subscription Items with the same Price, or none.",
            ));
        }
        match cancel_at.as_deref() {
            None => {}
            Some("") => subscription.ends_at = None,
            Some(at) => {
                let at = at.parse().ok().and_then(|at| Timestamp::from_second(at).ok()).filter(|at| *at > now);
                subscription.ends_at =
                    Some(at.ok_or_else(|| Failure::about("cancel_at", "It has to be in the future."))?);
            }
        }
        subscription.metadata.extend(metadata);
        let renewed_for = subscription.renewed_for().map(str::to_owned);
        subscription.renewals.extend(renewed_for);
        let answer = self.shown_subscription(&subscription);
        self.renewed.push(subscription.id.clone());
        self.subscriptions.insert(subscription.id.clone(), subscription);
        count(&mut self.facts, "a subscription was renewed");
        Ok(Answer::Subscription(Box::new(answer)))
    }

    /// What a period of it bills, in minor units.
    pub fn each(&self, subscription: &Subscription) -> Option<i64> {
        let amounts = subscription.items.iter().map(|item| {
            let price = self.catalogue.prices.get(&item.price.id)?;
            price.unit_amount.checked_mul(item.quantity?.into())?.round().to_i64()
        });
        amounts.sum()
    }

    pub fn find_subscription(&self, id: &SubscriptionId) -> Option<&Subscription> {
        self.subscriptions.get(id)
    }
}
