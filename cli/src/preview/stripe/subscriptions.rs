//! Subscriptions that would be begun, changed, or ended.

use std::collections::BTreeMap;

use domain::{InvoiceId, SubscriptionId, SubscriptionItemId};
use engine::Clock;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rust_decimal::Decimal;
use stripe::{
    Answer, CancellationDetails, Error, InvoiceLine, Preview, Price, Recurrence, RenewSubscription, SubscriptionItem,
    Tax, TaxBehavior, TaxStatus,
};

use super::Unwritten;
use super::form::Form;
use super::lines::{amount, keys};
use super::memory::{Invoice, Line, Subscription};
use super::refusals::{about, no_such, refused};
use super::writes::{currency_of, missing, second};

/// So many months after the first day, in UTC.
fn day_after(start: Timestamp, months: u32) -> Option<Timestamp> {
    let first = TimeZone::UTC.to_datetime(start);
    let day = first.checked_add(Span::new().try_months(i64::from(months)).ok()?).ok()?;
    TimeZone::UTC.to_timestamp(day).ok()
}

/// The periods that have begun, each with its end. There is always one: a subscription begins when it begins.
fn begun(start: Timestamp, months: u32, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let day = |period: u32| day_after(start, period.checked_mul(months.max(1))?);
    let periods = (0..).map_while(|period| Some((day(period)?, day(period + 1)?)));
    periods.take_while(|(first, _)| *first == start || *first <= now).collect()
}

fn moment(form: &Form, name: &str) -> Option<Timestamp> {
    form.parsed(name).and_then(|seconds| Timestamp::from_second(seconds).ok())
}

/// An item as it is asked for.
struct Asked {
    price: Price,
    quantity: i64,
    amount: i64,
    months: u32,
    keys: String,
}

impl Unwritten {
    pub(super) async fn create_subscription(&self, form: &Form) -> Result<Answer, Error> {
        let now = self.journal.now();
        let currency = currency_of(form).ok_or_else(|| missing("currency"))?;
        let customer = self.of_customer(form.get("customer").unwrap_or_default()).await?.id;
        let start = moment(form, "backdate_start_date").ok_or_else(|| missing("backdate_start_date"))?;
        let ends_at = moment(form, "cancel_at");
        if ends_at.is_some_and(|end| end <= now) {
            return Err(about("cancel_at", "`cancel_at` must be in the future."));
        }
        self.in_one_currency(&customer, currency).await?;
        let (id, invoice_id) = {
            let mut memory = self.memory.borrow_mut();
            (memory.new_id("sub", SubscriptionId::parse), memory.new_id("in", InvoiceId::parse))
        };
        let mut invoice = Invoice::draft(invoice_id.clone(), customer.clone(), currency, second(now));
        let (mut items, mut keys_of) = (Vec::new(), BTreeMap::new());
        for (index, wanted) in form.list("items").iter().enumerate() {
            let asked = self.asked(wanted, currency, &format!("items[{index}]")).await?;
            let item_id = self.memory.borrow_mut().new_id("si", SubscriptionItemId::parse);
            let periods = begun(start, asked.months, now);
            for period in &periods {
                invoice.lines.push(self.of_period(&asked, &item_id, *period, currency));
            }
            let (period_start, period_end) = periods.last().copied().unwrap_or((start, start));
            keys_of.insert(item_id.to_string(), asked.keys.clone());
            let (price, quantity) = (asked.price, Some(asked.quantity));
            items.push(SubscriptionItem { id: item_id, price, quantity, period_start, period_end });
        }
        for (index, once) in form.list("add_invoice_items").iter().enumerate() {
            invoice.lines.push(self.line(once, currency, &format!("add_invoice_items[{index}]")).await?);
        }
        let metadata = form.map("metadata");
        invoice.days_until_due = form.parsed("days_until_due");
        invoice.automatic_tax = form.get("automatic_tax[enabled]") == Some("true");
        invoice.shown.auto_advance = true;
        invoice.shown.subscription = Some(id.clone());
        invoice.shown.is_first = true;
        // The client reads an invoice's own metadata and that of the subscription whose first one it is as one.
        invoice.shown.metadata = metadata.clone();
        self.tax(&mut invoice).await?;
        if invoice.shown.tax.status == Some(TaxStatus::RequiresLocationInputs) {
            return Err(super::refusals::location_invalid());
        }
        let shown = stripe::Subscription {
            id: id.clone(),
            customer: Some(customer),
            status: "active".into(),
            is_over: false,
            has_run_out: false,
            metadata,
            created: second(now),
            starts_at: Some(start),
            ends_at,
            currency,
            oddity: None,
            is_collection_paused: false,
            has_discount: false,
            cancellation: CancellationDetails::default(),
            items,
            has_more_items: false,
            latest_invoice: None,
        };
        let days_until_due = invoice.days_until_due;
        self.keep(invoice);
        let latest = Some(invoice_id);
        Ok(self.keep_subscription(Subscription {
            shown,
            keys: keys_of,
            latest,
            days_until_due,
            is_new: true,
            prorated: None,
        }))
    }

    fn of_period(
        &self,
        asked: &Asked,
        item_id: &SubscriptionItemId,
        (start, end): (Timestamp, Timestamp),
        currency: domain::Currency,
    ) -> Line {
        let line = InvoiceLine {
            id: self.memory.borrow_mut().new_text("il"),
            amount: asked.amount,
            currency,
            quantity: Some(asked.quantity.into()),
            tax_inside: 0,
            metadata: BTreeMap::new(),
            price: Some(asked.price.id.clone()),
            product: asked.price.product.clone(),
            subscription_item: Some(item_id.clone()),
            period_start: Some(start),
        };
        Line {
            line,
            description: None,
            keys: asked.keys.clone(),
            tax_behavior: asked.price.tax_behavior,
            ends_at: Some(end),
        }
    }

    fn keep_subscription(&self, subscription: Subscription) -> Answer {
        let id = subscription.shown.id.clone();
        let mut memory = self.memory.borrow_mut();
        let shown = subscription.shown.clone();
        memory.subscriptions.insert(id.clone(), subscription);
        Answer::Subscription(Box::new(memory.subscription(&id).unwrap_or(shown)))
    }

    async fn asked(&self, form: &Form, currency: domain::Currency, param: &str) -> Result<Asked, Error> {
        let price = self.price(form.get("price").unwrap_or_default(), currency, &format!("{param}[price]")).await?;
        let quantity = form.parsed::<i64>("quantity").unwrap_or(1);
        let Recurrence::Months(months) = price.recurrence else {
            return Err(about(param, "The price specified is not a recurring one."));
        };
        let amount = price.unit_amount.and_then(|one| amount(one, Decimal::from(quantity)));
        let amount = amount.ok_or_else(|| about(param, "The amount is too large."))?;
        Ok(Asked { price, quantity, amount, months, keys: keys(form) })
    }

    /// As it would be, with all its items.
    async fn known_subscription(&self, id: &str) -> Result<Subscription, Error> {
        let id = &SubscriptionId::parse(id).map_err(|_| no_such("subscription", id, None))?;
        let known = self.memory.borrow().subscriptions.get(id).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let mut shown = self.inner.subscription(id).await?;
        if shown.has_more_items {
            shown.items = self.inner.subscription_items(id).await?;
            shown.has_more_items = false;
        }
        let (keys, latest, days_until_due) = (BTreeMap::new(), None, None);
        Ok(Subscription { shown, keys, latest, days_until_due, is_new: false, prorated: None })
    }

    pub(super) async fn change_subscription(&self, id: &str, form: &Form) -> Result<Answer, Error> {
        let mut subscription = self.known_subscription(id).await?;
        if subscription.shown.is_over {
            return Err(refused("A canceled subscription can only update its cancellation_details and metadata."));
        }
        let currency = subscription.shown.currency;
        let period = subscription.shown.items.first().map(|item| (item.period_start, item.period_end));
        for (index, wanted) in form.list("items").iter().enumerate() {
            let item_id = wanted.get("id").and_then(|id| SubscriptionItemId::parse(id).ok());
            let items = &mut subscription.shown.items;
            let there = item_id.as_ref().and_then(|id| items.iter().position(|item| item.id == *id));
            if let (Some(item_id), None) = (&item_id, there) {
                return Err(no_such("subscription item", item_id.as_str(), Some(&format!("items[{index}][id]"))));
            }
            if wanted.get("deleted") == Some("true") {
                there.map(|index| items.remove(index));
                continue;
            }
            let asked = self.asked(wanted, currency, &format!("items[{index}]")).await?;
            let new_id = || self.memory.borrow_mut().new_id("si", SubscriptionItemId::parse);
            let item_id = item_id.unwrap_or_else(new_id);
            let now = second(self.journal.now());
            let (period_start, period_end) = period.unwrap_or((now, now));
            subscription.keys.insert(item_id.to_string(), asked.keys.clone());
            let (price, quantity) = (asked.price, Some(asked.quantity));
            let item = SubscriptionItem { id: item_id, price, quantity, period_start, period_end };
            match there {
                Some(index) => subscription.shown.items[index] = item,
                None => subscription.shown.items.push(item),
            }
        }
        match form.get("cancel_at") {
            None => {}
            Some("") => subscription.shown.ends_at = None,
            Some(_) => {
                let end = moment(form, "cancel_at").filter(|end| *end > self.journal.now());
                subscription.shown.ends_at =
                    Some(end.ok_or_else(|| about("cancel_at", "`cancel_at` must be in the future."))?);
            }
        }
        subscription.days_until_due = form.parsed("days_until_due");
        // What is empty is taken away.
        subscription.shown.metadata.extend(form.map("metadata"));
        subscription.shown.metadata.retain(|_, value| !value.is_empty());
        let is_invoiced = form.get("proration_behavior") == Some("always_invoice");
        subscription.prorated = moment(form, "proration_date").map(|at| (at, is_invoiced));
        if is_invoiced {
            subscription.latest = self.invoice_difference(&subscription).or(subscription.latest);
        }
        Ok(self.keep_subscription(subscription))
    }

    /// What the change would be billed by at once, as Stripe said when it was asked.
    fn invoice_difference(&self, subscription: &Subscription) -> Option<InvoiceId> {
        let (customer, now) = (subscription.shown.customer.clone()?, self.journal.now());
        let preview = self.memory.borrow().previews.get(&subscription.shown.id).cloned()?;
        if preview.lines.is_empty() {
            return None;
        }
        let id = self.memory.borrow_mut().new_id("in", InvoiceId::parse);
        let mut invoice = Invoice::draft(id.clone(), customer, preview.currency, second(now));
        for line in &preview.lines {
            let id = self.memory.borrow_mut().new_text("il");
            invoice.lines.push(Line {
                line: InvoiceLine {
                    id,
                    amount: line.amount,
                    currency: preview.currency,
                    quantity: None,
                    tax_inside: 0,
                    metadata: line.metadata.clone(),
                    price: line.price.clone(),
                    product: None,
                    subscription_item: None,
                    period_start: Some(line.period_start),
                },
                description: None,
                keys: String::new(),
                tax_behavior: TaxBehavior::Unspecified,
                ends_at: Some(line.period_end),
            });
        }
        invoice.days_until_due = subscription.days_until_due;
        invoice.automatic_tax = preview.tax != Tax::default();
        invoice.knows_tax = true;
        invoice.recount();
        let status = invoice.automatic_tax.then_some(TaxStatus::Complete);
        invoice.shown.tax = Tax { status, ..preview.tax };
        // As Stripe added it up.
        invoice.ask_for(preview.total);
        invoice.shown.subscription = Some(subscription.shown.id.clone());
        invoice.shown.auto_advance = true;
        self.keep(invoice);
        Some(id)
    }

    pub(super) async fn cancel_subscription(&self, id: &str) -> Result<Answer, Error> {
        let mut subscription = self.known_subscription(id).await?;
        subscription.shown.is_over = true;
        subscription.shown.status = "canceled".into();
        self.keep_subscription(subscription);
        Ok(Answer::Deleted)
    }

    /// A price that exists only here is not known to Stripe, so its terms stand in its place; and where the answer names the price that
    /// Stripe makes of them for the moment, the one from here is meant.
    pub(super) async fn previewed(&self, renewal: &RenewSubscription) -> Result<Preview, Error> {
        let made: Vec<Price> = self.memory.borrow().prices.values().cloned().collect();
        if made.is_empty() {
            return self.inner.preview_renewal(renewal).await;
        }
        self.inner.preview_renewal_with(renewal, &made).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_period_that_has_begun_is_billed() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let days = |start: &str, months, now: &str| {
            let periods = begun(at(start), months, at(now));
            periods.iter().map(|(first, _)| first.to_string()[..10].to_owned()).collect::<Vec<_>>()
        };
        let start = "2026-10-31T00:00:00Z";
        assert_eq!(days(start, 1, "2026-11-23T00:00:00Z"), ["2026-10-31"]);
        assert_eq!(days(start, 1, "2026-11-30T00:00:00Z"), ["2026-10-31", "2026-11-30"]);
        assert_eq!(days(start, 1, "2027-01-30T23:59:59Z"), ["2026-10-31", "2026-11-30", "2026-12-31"]);
        assert_eq!(days(start, 12, "2027-10-30T23:59:59Z"), ["2026-10-31"]);
        assert_eq!(days(start, 1, "2026-01-01T00:00:00Z"), ["2026-10-31"], "it begins when it begins");
    }
}
