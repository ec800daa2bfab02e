//! Time that passes for a subscription: periods begin and are billed, by an invoice of their own that Stripe sends within the hour, and
//! terms end.

use super::*;

/// When the customer of such an invoice pays, if they do.
const PAID_AFTER: SignedDuration = SignedDuration::from_hours(5);
const PAID_LATE: SignedDuration = SignedDuration::from_hours(24);

impl Subscription {
    /// The period that it is in, by its longest interval.
    pub fn period(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        self.period_of(self.months, now)
    }

    fn period_of(&self, months: u32, now: Timestamp) -> (Timestamp, Timestamp) {
        (0..).map(|index| self.whole_period(months, index)).find(|(_, end)| *end > now).expect("time ends nowhere")
    }

    /// How often an item is billed.
    pub fn months_of(item: &SubscriptionItem) -> Option<u32> {
        match item.price.recurrence {
            Recurrence::Months(months) => Some(months),
            _ => None,
        }
    }

    /// The first and the last moment of a period, counted from its first day.
    pub fn whole_period(&self, months: u32, index: u32) -> (Timestamp, Timestamp) {
        let day = |index: u32| day_after(day_of(self.starts_at), index * months);
        (day(index), day(index + 1))
    }

    pub fn has_one_frequency(&self) -> bool {
        self.items.iter().all(|item| item.price.recurrence == Recurrence::Months(self.months))
    }

    /// When the next period begins of any of its items, if that is by now and before its end.
    fn turns_at(&self, now: Timestamp) -> Option<Timestamp> {
        let next = self.items.iter().map(|item| item.period_end).min()?;
        (next <= now && self.ends_at.is_none_or(|ends_at| next < ends_at)).then_some(next)
    }

    fn is_due(&self, now: Timestamp) -> bool {
        self.canceled_by.is_none() && (self.turns_at(now).is_some() || self.ends_at.is_some_and(|at| at <= now))
    }

    /// Those of its items whose period begins then.
    fn turn_at(&mut self, at: Timestamp) -> Vec<SubscriptionItem> {
        let mut turned = Vec::new();
        for index in 0..self.items.len() {
            let item = &self.items[index];
            let Some(months) = Self::months_of(item) else { continue };
            if item.period_end == at {
                let (start, end) = self.period_of(months, at);
                let item = SubscriptionItem { period_start: start, period_end: end, ..item.clone() };
                self.items[index] = item.clone();
                self.debits.push(debit(&item, start, end));
                turned.push(item);
            }
        }
        turned
    }
}

impl Stripe {
    pub(in super::super) fn turn(&mut self, now: Timestamp) {
        let due: Vec<_> = self.subscriptions.values().filter(|one| one.is_due(now)).map(|one| one.id.clone()).collect();
        for id in due {
            let Some(mut subscription) = self.subscriptions.get(&id).cloned() else { continue };
            while let Some(at) = subscription.turns_at(now) {
                self.bill_period(&mut subscription, at);
            }
            if subscription.ends_at.is_some_and(|ends_at| ends_at <= now) {
                subscription.canceled_by = Some(By::Stripe);
                subscription.has_run_out = true;
                // By its last invoice.
                subscription.bill_once();
                count(&mut self.facts, "a term ended");
                self.tell(now, Tells::Deleted(id.clone()));
            }
            self.subscriptions.insert(id, subscription);
        }
        self.pay_periods(now);
    }

    /// What falls together is on one invoice, and whatever waits for the customer comes along.
    fn bill_period(&mut self, subscription: &mut Subscription, at: Timestamp) {
        let id = InvoiceId::parse(&self.next_id("in")).expect("a prefix and digits");
        let (customer, currency) = (subscription.customer.clone(), subscription.currency);
        let mut invoice = Invoice::draft(id.clone(), customer.clone(), currency, at);
        let turned = subscription.turn_at(at);
        for item in &turned {
            invoice.lines.push(InvoiceLine {
                id: self.next_id("il"),
                amount: cost(item),
                currency,
                quantity: item.quantity.map(Decimal::from),
                tax_inside: 0,
                metadata: BTreeMap::new(),
                price: Some(item.price.id.clone()),
                product: item.price.product.clone(),
                subscription_item: Some(item.id.clone()),
                period_start: Some(item.period_start),
            });
        }
        if turned.len() < subscription.items.len() {
            count(&mut self.facts, "a period of some items was billed");
        }
        invoice.lines.extend(subscription.bill_once());
        let waiting = self.pending.remove(&customer).unwrap_or_default();
        if !waiting.is_empty() {
            self.taken_along.insert(customer, at);
            count(&mut self.facts, "a later invoice took along what lay around");
        }
        invoice.lines.extend(waiting.into_iter().map(|line| InvoiceLine { currency, ..line }));
        invoice.recount();
        invoice.changes(subscription);
        self.advancing.insert((at.saturating_add(ADVANCES_AFTER).unwrap_or(at), id.clone()));
        self.paying.insert((at.saturating_add(PAID_AFTER).unwrap_or(at), id.clone()));
        self.invoices.insert(id.clone(), invoice);
        self.tell(at, Tells::Updated(subscription.id.clone()));
        subscription.latest = id;
        count(&mut self.facts, "a later period was billed");
    }

    /// An hour after they were made they are sent, and some hours later paid.
    fn pay_periods(&mut self, now: Timestamp) {
        while let Some((at, id)) = self.paying.first().filter(|(at, _)| *at <= now).cloned() {
            self.paying.pop_first();
            self.send_due(at);
            // Every other customer pays; another is late, and pays a day later or not at all.
            let pays = id.as_str().bytes().last().is_some_and(|digit| digit.is_multiple_of(2));
            let of = self.invoices.get(&id).and_then(|invoice| invoice.shown().subscription);
            let is_late = of.as_ref().and_then(|of| self.subscriptions.get(of)).is_some_and(|one| one.is_past_due);
            if (pays || is_late) && self.pay(at, &id) {
                count(&mut self.facts, "a later invoice was paid");
            } else if !pays && !is_late && id.as_str().bytes().last().is_some_and(|digit| !digit.is_multiple_of(3)) {
                self.paying.insert((at.saturating_add(PAID_LATE).unwrap_or(at), id.clone()));
            }
            if !pays && !is_late {
                self.fail_payment(at, &id);
            }
            if let Some(of) = of {
                self.is_paid_in_time(at, &of, pays || is_late);
            }
        }
    }

    /// Whatever Stripe does by itself until then.
    pub fn catch_up(&mut self, now: Timestamp) {
        self.advance(now);
    }
}
