//! Changes of a subscription's items: from its next period on, or for the rest of this one.

use domain::SubscriptionItemId;
use stripe::{Preview, PreviewLine};

use super::*;

impl Subscription {
    /// The opportunity that it goes on for.
    pub fn renewed_for(&self) -> Option<&str> {
        self.metadata.get("sf_renewal_opportunity_id").map(String::as_str)
    }

    /// Stripe was told that its deal says so.
    pub fn is_to_end(&self) -> bool {
        self.metadata.contains_key("sf_canceled_on")
    }

    /// Takes back what was billed of the item from then on.
    fn give_back(&mut self, item: &SubscriptionItemId, at: Timestamp) -> Vec<Prorated> {
        let mut given_back = Vec::new();
        for debit in self.debits.iter_mut().filter(|debit| debit.item == *item && debit.end > at) {
            let start = debit.start.max(at);
            let amount = -share(debit.amount, (start, debit.end), (debit.start, debit.end));
            given_back.push(Prorated { amount, start, end: debit.end, price: None });
            debit.amount += amount;
            debit.end = start;
            debit.is_prorated = true;
        }
        given_back
    }

    fn charge(&mut self, item: &SubscriptionItem, at: Timestamp) -> Prorated {
        let (start, end) = (item.period_start, item.period_end);
        let amount = share(cost(item), (at, end), (start, end));
        self.debits.push(Debit { item: item.id.clone(), amount, start: at, end, is_prorated: true });
        Prorated { amount, start: at, end, price: Some(item.price.id.clone()) }
    }
}

/// A line of what a change is billed by.
#[derive(Debug, Clone)]
struct Prorated {
    amount: i64,
    start: Timestamp,
    end: Timestamp,
    price: Option<PriceId>,
}

/// By the second.
fn share(amount: i64, part: (Timestamp, Timestamp), whole: (Timestamp, Timestamp)) -> i64 {
    let seconds = |(start, end): (Timestamp, Timestamp)| Decimal::from(end.as_second() - start.as_second());
    let exact = Decimal::from(amount) * seconds(part) / seconds(whole);
    exact.round().to_i64().unwrap_or_default()
}

impl Stripe {
    pub fn take_renewed(&mut self) -> Vec<SubscriptionId> {
        std::mem::take(&mut self.renewed)
    }

    /// What it would be billed by at once. Nothing is changed.
    pub fn preview_renewal(&mut self, now: Timestamp, renewal: &stripe::RenewSubscription) -> Result<Preview, Error> {
        self.advance(now);
        let write = stripe::Write::renew_subscription(renewal);
        let (mut changed, lines) = self
            .changed(now, renewal.subscription.as_str(), Form::parse(&write.body), true)
            .map_err(|failure| failure.error)?;
        let once = changed.bill_once();
        let waiting = self.pending.get(&changed.customer).cloned().unwrap_or_default();
        let prorations = lines.iter().map(|line| PreviewLine {
            amount: line.amount,
            price: line.price.clone(),
            prorates: Some(changed.id.clone()),
            metadata: BTreeMap::new(),
            period_start: line.start,
            period_end: line.end,
        });
        let others = once.iter().chain(&waiting).map(|line| PreviewLine {
            amount: line.amount,
            price: None,
            prorates: None,
            metadata: line.metadata.clone(),
            period_start: now,
            period_end: now,
        });
        let lines: Vec<_> = prorations.chain(others).collect();
        let total = lines.iter().map(|line| line.amount).sum();
        count(&mut self.facts, "a change was previewed");
        Ok(Preview { currency: changed.currency, total, tax: stripe::Tax::default(), lines, has_more_lines: false })
    }

    pub(in super::super) fn renew(&mut self, now: Timestamp, id: &str, form: Form) -> Result<Answer, Failure> {
        let is_invoiced = form.says("proration_behavior") == Some("always_invoice");
        let (mut subscription, lines) = self.changed(now, id, form, false)?;
        let renewed_for = subscription.renewed_for().map(str::to_owned);
        if is_invoiced && !lines.is_empty() {
            self.invoice_difference(now, &mut subscription, &lines);
        }
        subscription.renewals.extend(renewed_for);
        let answer = self.shown_subscription(&subscription);
        self.tell(now, Tells::Updated(subscription.id.clone()));
        self.renewed.push(subscription.id.clone());
        self.subscriptions.insert(subscription.id.clone(), subscription);
        count(&mut self.facts, "a subscription was renewed");
        Ok(Answer::Subscription(Box::new(answer)))
    }

    /// A draft that Stripe sends within the hour. What is credited by it is not kept as a balance here.
    fn invoice_difference(&mut self, now: Timestamp, subscription: &mut Subscription, lines: &[Prorated]) {
        let (customer, currency) = (subscription.customer.clone(), subscription.currency);
        let id = InvoiceId::parse(&self.next_id("in")).expect("a prefix and digits");
        let mut invoice = Invoice::draft(id.clone(), customer.clone(), currency, now);
        for line in lines {
            let line_id = self.next_id("il");
            invoice.lines.push(InvoiceLine {
                id: line_id,
                amount: line.amount,
                currency,
                quantity: None,
                tax_inside: 0,
                metadata: BTreeMap::new(),
                price: line.price.clone(),
                product: None,
                subscription_item: None,
                period_start: Some(line.start),
            });
        }
        invoice.lines.extend(subscription.bill_once());
        let waiting = self.pending.remove(&customer).unwrap_or_default();
        let long_ago = |at: &Timestamp| now.duration_since(*at) > SignedDuration::from_hours(3);
        let taken = waiting.iter().find(|line| self.waits_since.get(&line.id).is_some_and(long_ago));
        if let Some(line) = taken {
            let detail = format!("{} was changed, and its invoice {id} has {}", subscription.id, line.id);
            self.violate(now, "nothing_that_waits_is_taken_along", detail);
        }
        invoice.lines.extend(waiting.into_iter().map(|line| InvoiceLine { currency, ..line }));
        invoice.recount();
        invoice.changes(subscription);
        let renewed_for = subscription.renewed_for().map(str::to_owned);
        if subscription.differences.iter().any(|(deal, _)| *deal == renewed_for) {
            let detail = format!("{} was billed for its change to {renewed_for:?} again, by {id}", subscription.id);
            self.violate(now, "a_change_is_billed_once", detail);
        }
        self.advancing.insert((now.saturating_add(ADVANCES_AFTER).unwrap_or(now), id.clone()));
        self.invoices.insert(id.clone(), invoice);
        subscription.latest = id.clone();
        subscription.differences.push((renewed_for, id));
        count(&mut self.facts, "a change was invoiced at once");
    }

    /// The subscription as it would be, and what of it is prorated.
    fn changed(
        &mut self,
        now: Timestamp,
        id: &str,
        mut form: Form,
        is_preview: bool,
    ) -> Result<(Subscription, Vec<Prorated>), Failure> {
        let proration = form.take("proration_behavior");
        let proration_date = form.take("proration_date").and_then(|at| at.parse().ok());
        let proration_date = proration_date.and_then(|at| Timestamp::from_second(at).ok());
        let days_until_due = form.take("days_until_due");
        let cancel_at = form.take("cancel_at");
        form.take("automatic_tax[enabled]");
        form.take("expand[0]");
        let metadata = form.take_map("metadata");
        let changes = form.take_list("items");
        let once = form.take_list("add_invoice_items");
        self.understood(now, &form, None)?;
        let found = SubscriptionId::parse(id).ok().and_then(|id| self.subscriptions.get(&id).cloned());
        let Some(mut subscription) = found else { return Err(Failure::not_found("subscription", id)) };
        if subscription.canceled_by.is_some() {
            let message = "A canceled subscription can only update its cancellation_details and metadata.";
            return Err(Failure::about("items", message));
        }
        if !is_preview && !subscription.has_one_frequency() {
            self.violate(now, "what_is_mixed_is_not_renewed", format!("{id} has items of several frequencies"));
        }
        let (start, end) = subscription.period(now);
        let first_day: Option<Date> = metadata.get("sf_renewal_first_day").and_then(|day| day.parse().ok());
        let from = first_day.map(|day| day_after(day, 0));
        let at = proration_date.unwrap_or(now);
        if proration_date.is_some_and(|at| at < start || at > end) {
            return Err(Failure::about("proration_date", "It must be within the current period."));
        }
        for (index, mut form) in once.into_iter().enumerate() {
            form.rename("price", "pricing[price]");
            let path = format!("add_invoice_items[{index}]");
            let is_discounted = form.take("discountable").as_deref() != Some("false");
            let shown: Vec<_> = ["start", "end"]
                .map(|name| {
                    (form.take(&format!("period[{name}][type]")), form.take(&format!("period[{name}][timestamp]")))
                })
                .into();
            let day = from.map(|from| (Some("timestamp".to_owned()), Some(from.as_second().to_string())));
            if is_discounted || shown.iter().any(|shown| Some(shown) != day.as_ref()) {
                let detail = format!("{id}: {path} may be discounted, or is for {shown:?}");
                self.violate(now, "what_is_sold_once_is_billed_whole", detail);
            }
            let line = lines::read(&mut form, &self.catalogue, subscription.currency, &path)?;
            let line = InvoiceLine { id: self.next_id("il"), ..line };
            let deal = metadata.get("sf_renewal_opportunity_id").cloned();
            subscription.once.push(Once { deal, line, is_billed: false });
        }
        let prorates = proration.as_deref() != Some("none");
        let mut lines = Vec::new();
        let mut changes_any = false;
        for (index, mut form) in changes.into_iter().enumerate() {
            let path = format!("items[{index}]");
            let item = form.take("id").and_then(|id| SubscriptionItemId::parse(&id).ok());
            let position = item.as_ref().map(|id| subscription.items.iter().position(|there| there.id == *id));
            if position == Some(None) {
                return Err(Failure::no_such("subscription item", id, &path));
            }
            if form.take("deleted").as_deref() == Some("true") {
                self.understood(now, &form, None)?;
                changes_any = true;
                if let Some(Some(position)) = position {
                    let gone = subscription.items.remove(position);
                    lines.extend(prorates.then(|| subscription.give_back(&gone.id, at)).into_iter().flatten());
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
            let (period_start, period_end) = (start, end);
            let item =
                SubscriptionItem { id, price: asked.price, quantity: Some(asked.quantity), period_start, period_end };
            let old = position.flatten().map(|position| subscription.items[position].clone());
            let is_other = old.is_none_or(|old| old.price.id != item.price.id || old.quantity != item.quantity);
            changes_any |= is_other;
            if is_other && prorates {
                lines.extend(subscription.give_back(&item.id, at));
                lines.push(subscription.charge(&item, at));
            }
            match position.flatten() {
                Some(position) => subscription.items[position] = item,
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
        // Where the term begins with the next period nothing is prorated, and nothing where no item changes; inside one it is, as of its
        // first day, once that has come.
        let is_inside = changes_any && from.is_some_and(|from| (start..end).contains(&from));
        let is_right = match (proration.as_deref(), is_inside, self.proration) {
            (Some("none"), true, mapping::Proration::None) => true,
            (Some("none"), false, _) => !changes_any || from == Some(end),
            (Some("create_prorations"), true, mapping::Proration::CreateProrations)
            | (Some("always_invoice"), true, mapping::Proration::AlwaysInvoice) => Some(at) == from,
            _ => false,
        };
        let is_early = is_inside && from.is_some_and(|from| from > now);
        // Whoever stood still may ask what a change would cost that another has made.
        if !is_preview && (!is_right || is_early || days_until_due.is_none()) {
            let detail =
                format!("{id} at {at} by {proration:?}, from {from:?} on, in {start}..{end}; {days_until_due:?} days");
            self.violate(now, "a_change_counts_from_its_first_day", detail);
        }
        subscription.metadata.extend(metadata);
        Ok((subscription, lines))
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
