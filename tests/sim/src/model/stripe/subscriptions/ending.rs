//! Subscriptions that are told another end.

use super::*;

impl Stripe {
    /// Nothing that is billed is cut, and no period is left half billed.
    pub(in super::super) fn end_subscription(
        &mut self,
        now: Timestamp,
        id: &str,
        mut form: Form,
    ) -> Result<Answer, Failure> {
        let cancel_at = form.take("cancel_at");
        let proration = form.take("proration_behavior");
        let metadata = form.take_map("metadata");
        self.understood(now, &form, None)?;
        let found = SubscriptionId::parse(id).ok().and_then(|id| self.subscriptions.get(&id).cloned());
        let Some(mut subscription) = found else { return Err(Failure::not_found("subscription", id)) };
        if subscription.canceled_by.is_some() {
            let message = "A canceled subscription can only update its cancellation_details and metadata.";
            return Err(Failure::about("cancel_at", message));
        }
        subscription.ends_at = match cancel_at.as_deref() {
            None => return Err(Failure::malformed("parameter_missing", "cancel_at")),
            Some("") => None,
            Some(at) => {
                let at = at.parse().ok().and_then(|at| Timestamp::from_second(at).ok()).filter(|at| *at > now);
                Some(at.ok_or_else(|| Failure::about("cancel_at", "It has to be in the future."))?)
            }
        };
        subscription.metadata.extend(metadata);
        subscription.metadata.retain(|_, value| !value.is_empty());
        subscription.to_end_since = subscription.is_to_end().then_some(now);
        let start = day_of(subscription.starts_at);
        let cuts = |end: Timestamp, item: &SubscriptionItem| {
            let Recurrence::Months(months) = item.price.recurrence else { return true };
            let is_boundary =
                (0u32..).map(|index| day_after(start, index * months)).find(|day| *day >= end) == Some(end);
            !is_boundary || end < item.period_end
        };
        if let Some(end) = subscription.ends_at
            && (proration.as_deref() != Some("none") || subscription.items.iter().any(|item| cuts(end, item)))
        {
            self.violate(now, "no_period_is_cut", format!("{id} ends at {end}, by {proration:?}"));
        }
        let answer = self.shown_subscription(&subscription);
        self.tell(now, Tells::Updated(subscription.id.clone()));
        self.subscriptions.insert(subscription.id.clone(), subscription);
        count(&mut self.facts, "a subscription was told another end");
        Ok(Answer::Subscription(Box::new(answer)))
    }
}
