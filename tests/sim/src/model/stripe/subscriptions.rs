//! Subscriptions that are sent, from a first day on: their first invoice is a draft that Stripe finalizes after an hour, and so are those
//! of later periods.

mod currencies;
mod ending;
mod periods;
mod prices;
mod reads;
mod renewal;
mod waiting;

use std::collections::BTreeMap;

use domain::{Currency, CustomerId, InvoiceId, PriceId, ProductId, SubscriptionId, SubscriptionItemId};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use stripe::{Answer, Error, InvoiceLine, Listed, Page, Recurrence, SubscriptionItem, TaxBehavior};

use super::failure::Failure;
use super::form::Form;
use super::invoice::Invoice;
use super::operations::ADVANCES_AFTER;
use super::{By, Price, Stripe, Tells, lines, pages, second};
use crate::model::count;

pub use waiting::Once;

#[derive(Debug, Clone)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub customer: CustomerId,
    pub metadata: BTreeMap<String, String>,
    pub created: Timestamp,
    pub starts_at: Timestamp,
    pub ends_at: Option<Timestamp>,
    pub currency: Currency,
    /// Of each of its invoices.
    pub days_until_due: Option<u32>,
    /// How many the longest period has.
    pub months: u32,
    pub items: Vec<SubscriptionItem>,
    /// What was billed of its items, by whichever invoice.
    pub debits: Vec<Debit>,
    pub invoice: InvoiceId,
    /// The invoice that it made last.
    pub latest: InvoiceId,
    /// What changes were billed by at once, and for which deal.
    pub differences: Vec<(Option<String>, InvoiceId)>,
    pub canceled_by: Option<By>,
    pub has_run_out: bool,
    pub is_past_due: bool,
    /// The deals that it was renewed for.
    pub renewals: std::collections::BTreeSet<String>,
    /// What they sold once.
    pub once: Vec<Once>,
    /// When it was told that its deal says it ends.
    pub to_end_since: Option<Timestamp>,
}

/// What was billed of an item, and for which time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debit {
    pub item: SubscriptionItemId,
    pub amount: i64,
    pub start: Timestamp,
    pub end: Timestamp,
    /// It is of a part of a period.
    pub is_prorated: bool,
}

impl Subscription {
    /// The opportunity that it was made for, by us.
    pub fn made_for(&self) -> Option<&str> {
        self.metadata.get("closedwon_run")?;
        self.metadata.get("sf_opportunity_id").map(String::as_str)
    }
}

/// The first days of so many months, counted from the first one.
pub fn day_after(start: Date, months: u32) -> Timestamp {
    let day = start.checked_add(Span::new().months(i64::from(months))).expect("a history is of this century");
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).expect("a midnight")
}

impl Stripe {
    pub fn subscriptions(&self) -> impl Iterator<Item = &Subscription> {
        self.subscriptions.values()
    }

    pub(super) fn create_subscription(&mut self, now: Timestamp, mut form: Form) -> Result<Answer, Failure> {
        let missing = |param: &str| Failure::malformed("parameter_missing", param);
        let customer = form.take("customer").and_then(|id| CustomerId::parse(&id).ok());
        let customer = customer.ok_or_else(|| missing("customer"))?;
        let currency = form.take("currency").and_then(|code| Currency::parse(&code).ok());
        let currency = currency.ok_or_else(|| missing("currency"))?;
        let is_sent = form.take("collection_method").as_deref() == Some("send_invoice");
        let is_flexible = form.take("billing_mode[type]").as_deref() == Some("flexible");
        let days_until_due = form.take("days_until_due").and_then(|days| days.parse().ok());
        let mut seconds = |name: &str| form.take(name).and_then(|text| text.parse::<i64>().ok());
        let (start, end) = (seconds("backdate_start_date"), seconds("cancel_at"));
        let start = start.and_then(|start| Timestamp::from_second(start).ok());
        let start = start.ok_or_else(|| missing("backdate_start_date"))?;
        form.take("proration_behavior");
        form.take("expand[0]");
        let metadata = form.take_map("metadata");
        let items = form.take_list("items");
        let once = form.take_list("add_invoice_items");
        self.understood(now, &form, None)?;
        if !is_flexible {
            return Err(Failure::about(
                "billing_mode",
                "Only in the flexible mode is what began earlier billed by whole periods.",
            ));
        }
        if !is_sent || days_until_due.is_none() || start > now || end.is_some_and(|end| end <= now.as_second()) {
            return Err(Failure::about("backdate_start_date", "It is sent, and it has begun and not ended."));
        }
        let Some(known) = self.customers.get(&customer).filter(|customer| customer.deleted.is_none()) else {
            return Err(Failure::no_such("customer", customer.as_str(), "customer"));
        };
        if known.email.is_none() {
            return Err(Failure::refused("Missing email: an invoice that is sent needs somebody to be sent to."));
        }
        self.in_one_currency(&customer, currency)?;
        let mut asked = Vec::new();
        for (index, form) in items.into_iter().enumerate() {
            asked.push(self.asked_item(now, form, currency, &format!("items[{index}]"))?);
        }
        if asked.is_empty() {
            return Err(missing("items"));
        }
        let mut once_lines = Vec::new();
        for (index, mut form) in once.into_iter().enumerate() {
            form.rename("price", "pricing[price]");
            once_lines.push(lines::read(&mut form, &self.catalogue, currency, &format!("add_invoice_items[{index}]"))?);
        }
        // Each item is billed for its own periods, and each of these is a part of the longest.
        let months = asked.iter().map(|asked| asked.months).max().unwrap_or(1);
        if asked.iter().any(|asked| asked.months < months) {
            count(&mut self.facts, "items of several intervals were begun");
        }
        let (id, invoice_id) = (self.next_id("sub"), self.next_id("in"));
        let id = SubscriptionId::parse(&id).expect("a prefix and digits");
        let invoice_id = InvoiceId::parse(&invoice_id).expect("a prefix and digits");
        let mut invoice = Invoice::draft(invoice_id.clone(), customer.clone(), currency, now);
        let (mut items, mut debits) = (Vec::new(), Vec::new());
        for asked in asked {
            let item_id = SubscriptionItemId::parse(&self.next_id("si")).expect("a prefix and digits");
            let months = asked.months;
            let first_day = |period: u32| day_after(day_of(start), period * months);
            let begun = (0..).take_while(|period| first_day(*period) <= now).count();
            let begun = u32::try_from(begun).unwrap_or(1);
            for period in 0..begun {
                let line_id = self.next_id("il");
                invoice.keys_of_items.insert(line_id.clone(), asked.keys.clone());
                invoice.lines.push(InvoiceLine {
                    id: line_id,
                    amount: asked.amount,
                    currency,
                    quantity: Some(asked.quantity.into()),
                    tax_inside: 0,
                    metadata: BTreeMap::new(),
                    price: Some(asked.price.id.clone()),
                    product: asked.price.product.clone(),
                    subscription_item: Some(item_id.clone()),
                    period_start: Some(first_day(period)),
                });
            }
            let item = SubscriptionItem {
                id: item_id,
                price: asked.price,
                quantity: Some(asked.quantity),
                period_start: first_day(begun - 1),
                period_end: first_day(begun),
            };
            debits.extend((0..begun).map(|period| debit(&item, first_day(period), first_day(period + 1))));
            items.push(item);
        }
        for asked in once_lines {
            let id = self.next_id("il");
            invoice.lines.push(InvoiceLine { id, ..asked });
        }
        // Whatever waits for the customer comes along.
        let pending = self.pending.remove(&customer).unwrap_or_default();
        invoice.lines.extend(pending.into_iter().map(|line| InvoiceLine { currency, ..line }));
        invoice.recount();
        let created = second(now);
        let subscription = Subscription {
            id: id.clone(),
            customer,
            metadata,
            created,
            starts_at: start,
            ends_at: end.and_then(|end| Timestamp::from_second(end).ok()),
            currency,
            days_until_due,
            months,
            debits,
            items,
            invoice: invoice_id.clone(),
            latest: invoice_id.clone(),
            differences: Vec::new(),
            canceled_by: None,
            has_run_out: false,
            is_past_due: false,
            renewals: std::collections::BTreeSet::new(),
            once: Vec::new(),
            to_end_since: None,
        };
        invoice.of_subscription(&subscription);
        self.advancing.insert((now.saturating_add(ADVANCES_AFTER).unwrap_or(now), invoice_id.clone()));
        self.invoices.insert(invoice_id, invoice);
        let answer = self.shown_subscription(&subscription);
        self.subscriptions.insert(id, subscription);
        count(&mut self.facts, "a subscription was begun");
        Ok(Answer::Subscription(Box::new(answer)))
    }

    fn asked_item(
        &mut self,
        now: Timestamp,
        mut form: Form,
        currency: Currency,
        path: &str,
    ) -> Result<AskedItem, Failure> {
        let param = format!("{path}[price]");
        let price = form.take("price").ok_or_else(|| Failure::malformed("parameter_missing", &param))?;
        let quantity = form.take("quantity").and_then(|text| text.parse::<i64>().ok()).unwrap_or(1);
        let keys = form.take("metadata[sf_line_id]").unwrap_or_default();
        self.understood(now, &form, None)?;
        let known = PriceId::parse(&price).ok().and_then(|id| self.catalogue.prices.get(&id).map(|price| (id, price)));
        let Some((id, known)) = known else { return Err(Failure::no_such("price", &price, &param)) };
        let Some(months) = known.months.filter(|_| known.is_active && known.currency == currency) else {
            return Err(Failure::about(
                &param,
                "The price must be active, recurring, and in the subscription's currency.",
            ));
        };
        let exact = known.unit_amount.checked_mul(Decimal::from(quantity));
        let amount = exact.and_then(|exact| exact.round().to_i64());
        let amount = amount.ok_or_else(|| Failure::about(&param, "The amount is too large."))?;
        Ok(AskedItem { price: prices::shown_price(&id, known), quantity, amount, months, keys })
    }

    /// Whatever its status is: what an invoice carries can always be written.
    pub(super) fn hold(&mut self, now: Timestamp, id: &str, mut form: Form) -> Result<Answer, Failure> {
        let auto_advance = form.take("auto_advance").as_deref() == Some("true");
        let metadata = form.take_map("metadata");
        self.understood(now, &form, None)?;
        let invoice = self.named(id)?;
        invoice.describe(metadata, auto_advance);
        Ok(Answer::Invoice(Box::new(invoice.shown())))
    }

    /// Only a draft's collection method can be changed.
    pub(super) fn disarm(&mut self, now: Timestamp, id: &str, mut form: Form) -> Result<Answer, Failure> {
        let is_collected = form.take("collection_method").as_deref() == Some("charge_automatically");
        let is_held = form.take("auto_advance").as_deref() == Some("false");
        self.understood(now, &form, None)?;
        let invoice = self.named(id)?;
        invoice.editable()?;
        invoice.is_disarmed = is_collected && is_held;
        invoice.stop_advancing();
        let answer = Answer::Invoice(Box::new(invoice.shown()));
        count(&mut self.facts, "a first invoice was disarmed");
        Ok(answer)
    }

    /// Whether a person had left the line for the customer's next invoice, whichever that would be.
    pub fn had_waited(&self, line: &InvoiceLine) -> bool {
        self.waits_since.contains_key(&line.id)
    }

    pub(super) fn cancel(&mut self, now: Timestamp, id: &str, by: By) -> Result<Answer, Failure> {
        let found = SubscriptionId::parse(id).ok().and_then(|id| self.subscriptions.get_mut(&id));
        let Some(subscription) = found.filter(|found| found.canceled_by.is_none()) else {
            return Err(Failure::not_found("subscription", id));
        };
        subscription.canceled_by = Some(by);
        // What it was still to bill comes with whatever the customer gets next.
        let (customer, left) = (subscription.customer.clone(), subscription.bill_once());
        let (invoice_id, created) = (subscription.invoice.clone(), subscription.created);
        if let Some(invoice) = self.invoices.get_mut(&invoice_id) {
            invoice.stop_advancing();
            // One that was left after the run had looked, a day before it began the subscription at most, is not seen.
            let long_ago = |at: &Timestamp| created.duration_since(*at) > SignedDuration::from_hours(25);
            let is_anothers = |line: &InvoiceLine| self.waits_since.get(&line.id).is_some_and(long_ago);
            let takes_along = !invoice.touched_by_hand && invoice.lines.iter().any(is_anothers);
            if by == By::Us && takes_along {
                let detail = format!("{id} was canceled, and with {invoice_id} went what had waited for the customer");
                self.violate(now, "nothing_that_waits_is_taken_away", detail);
            } else if by == By::Us && invoice.is_live() && invoice.finalized_by != Some(By::Person) {
                let detail = format!("{id} was canceled, and the customer has {invoice_id}");
                self.violate(now, "a_sent_subscription_is_never_canceled", detail);
            }
        }
        for line in left {
            self.waits_since.insert(line.id.clone(), now);
            self.pending.entry(customer.clone()).or_default().push(line);
        }
        self.tell(now, Tells::Deleted(SubscriptionId::parse(id).expect("it was found by it")));
        count(&mut self.facts, if by == By::Us { "we canceled a subscription" } else { "a subscription was canceled" });
        Ok(Answer::Deleted)
    }

    /// A person does it, to the one that was made for this deal.
    pub fn cancel_by_hand(&mut self, now: Timestamp, opportunity_id: &str) -> bool {
        let live = |one: &&Subscription| one.canceled_by.is_none() && one.made_for() == Some(opportunity_id);
        let id = self.subscriptions.values().find(live).map(|one| one.id.to_string());
        id.is_some_and(|id| self.cancel(now, &id, By::Person).is_ok())
    }

    /// A deleted customer has no subscriptions any more.
    pub(super) fn cancel_all_of(&mut self, now: Timestamp, customer: &CustomerId) {
        let of_customer = self.subscriptions.values().filter(|one| one.customer == *customer);
        let ids: Vec<_> = of_customer.map(|one| one.id.to_string()).collect();
        for id in ids {
            let _ = self.cancel(now, &id, By::Stripe);
        }
    }
}

/// What the item costs for the whole of a period.
fn debit(item: &SubscriptionItem, start: Timestamp, end: Timestamp) -> Debit {
    Debit { item: item.id.clone(), amount: cost(item), start, end, is_prorated: false }
}

fn cost(item: &SubscriptionItem) -> i64 {
    let exact = item.price.unit_amount.zip(item.quantity).map(|(one, quantity)| one * Decimal::from(quantity));
    exact.and_then(|exact| exact.round().to_i64()).unwrap_or_default()
}

struct AskedItem {
    price: stripe::Price,
    quantity: i64,
    amount: i64,
    months: u32,
    keys: String,
}

fn day_of(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}
