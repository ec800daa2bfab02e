//! Stripe as far as the product uses it: customers, invoices with their lines, a catalogue, idempotency keys. Requests are
//! the bytes that the client would send; answers are the client's own types. It is synchronous, knows no faults, and
//! watches what must be true at every moment.

mod credits;
mod customers;
mod disputes;
mod failing;
mod failure;
mod form;
mod invoice;
mod keys;
mod lines;
mod operations;
mod overdue;
mod pages;
mod people;
mod reads;
mod standings;
mod subscriptions;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use domain::{Currency, CustomerId, InvoiceId, PriceId, ProductId, SubscriptionId};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use stripe::{Answer, Error, Operation, Reply, Write};

use super::{Facts, Violation, count};
pub use customers::Customer;
pub use disputes::dispute_of;

pub use failing::Failures;
use failure::Failure;
pub use invoice::Invoice;
use keys::{Keys, Known};
pub use reads::no_such;
pub use standings::Tells;
pub use subscriptions::{Debit, Subscription, day_after};

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Us,
    Person,
    /// Stripe itself, an hour after an `auto_advance` draft was made.
    Stripe,
}

/// What Stripe sends to the webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeEvent {
    pub id: String,
    pub tells: Tells,
    pub at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Price {
    pub product: ProductId,
    pub currency: Currency,
    /// Minor units.
    pub unit_amount: Decimal,
    pub is_active: bool,
    /// How often it comes back, if it does.
    pub months: Option<u32>,
    pub lookup_key: Option<String>,
}

#[derive(Debug, Default)]
pub struct Catalogue {
    pub prices: BTreeMap<PriceId, Price>,
}

impl Catalogue {
    fn has_product(&self, product: &ProductId) -> bool {
        self.prices.values().any(|price| price.product == *product)
    }
}

/// An invoice that has just become more than a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finalized {
    pub invoice_id: InvoiceId,
    pub by: By,
}

/// A draft that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    pub by: By,
    pub opportunity: Option<String>,
    /// A person had changed it before.
    pub touched_by_hand: bool,
}

#[derive(Debug, Default)]
pub struct Stripe {
    /// The mode in which no key is remembered, so that every request is a new one.
    pub keys_ignored: bool,
    /// How long search does not see what was made, or deleted.
    pub search_lag: SignedDuration,
    pub catalogue: Catalogue,
    pub facts: Facts,
    pub violations: Vec<Violation>,
    customers: BTreeMap<CustomerId, Customer>,
    invoices: BTreeMap<InvoiceId, Invoice>,
    /// Each invoice as it was when a process was last answered about it.
    shown_to: BTreeMap<(u64, InvoiceId), Invoice>,
    subscriptions: BTreeMap<SubscriptionId, Subscription>,
    /// What goes on for a customer without us.
    sold_by_hand: BTreeMap<CustomerId, Currency>,
    /// Who was refused a subscription in which currency.
    combined: BTreeSet<(CustomerId, Currency)>,
    deleted_invoices: BTreeMap<InvoiceId, Deleted>,
    /// Items that wait for a customer's next invoice.
    pending: BTreeMap<CustomerId, Vec<stripe::InvoiceLine>>,
    /// Whose items an invoice of a later period took along, and when last.
    taken_along: BTreeMap<CustomerId, Timestamp>,
    /// Since when each of them waits.
    waits_since: BTreeMap<String, Timestamp>,
    advancing: BTreeSet<(Timestamp, InvoiceId)>,
    /// Invoices of later periods, and when they are paid or not.
    paying: BTreeSet<(Timestamp, InvoiceId)>,
    finalized: Vec<Finalized>,
    /// What we voided or credited just now.
    voided: Vec<InvoiceId>,
    /// How the settings have the rest of a period prorated.
    pub proration: mapping::Proration,
    /// What we renewed just now.
    renewed: Vec<SubscriptionId>,
    /// Who has a card is charged, where that is asked for.
    pub charges: bool,
    credits: credits::Credits,
    keys: Keys,
    events: Vec<StripeEvent>,
    /// Payments may fail, and Stripe tells of that, and of what is given up.
    pub payments_fail: bool,
    failures: BTreeMap<InvoiceId, Failures>,
    /// How long after an invoice's day Stripe tells of it, if its dashboard says so; and when of each.
    pub overdue_after: Option<SignedDuration>,
    falling_due: BTreeSet<(Timestamp, InvoiceId)>,
    /// Whose payments a bank wants back, and since when.
    disputed: BTreeMap<InvoiceId, Timestamp>,
    /// Of what became of them once there is no event.
    never_told_invoices: BTreeSet<InvoiceId>,
    /// Of what became of them last there is no event.
    never_told: BTreeSet<SubscriptionId>,
    /// When something became of each of them last.
    changed: BTreeMap<SubscriptionId, Timestamp>,
    events_taken: usize,
    failing: Option<bool>,
    last_id: u64,
}

/// Stripe counts time in whole seconds.
fn second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).expect("a second of a timestamp is a timestamp")
}

impl Stripe {
    /// The next write ends with a server error, after its effect or without it, and the error is kept under its key.
    pub fn fail_next_with_500(&mut self, with_effect: bool) {
        self.failing = Some(with_effect);
    }

    pub fn write(&mut self, now: Timestamp, write: &Write, key: &str) -> Result<Reply, Error> {
        self.advance(now);
        let request_id = Some(self.next_id("req"));
        let reply = |answer, replayed| Reply { answer, request_id, replayed };
        if matches!(
            write.operation,
            Operation::RemoveTaxId
                | Operation::DeleteInvoice
                | Operation::DeleteCustomer
                | Operation::CancelSubscription
        ) {
            // Stripe ignores the key of a deletion.
            return self.execute(now, write).map(|answer| reply(answer, false)).map_err(|failure| failure.error);
        }
        let is_again = self.keys.was_seen(key);
        if let Some((rule, detail)) = self.keys.watch(now, write, key) {
            self.violations.push(Violation::new(now, rule, detail));
        }
        let known = if self.keys_ignored { Known::New } else { self.keys.look_up(now, write, key) };
        match known {
            Known::Replay(Ok(answer)) => {
                count(&mut self.facts, "an answer was replayed");
                self.violations
                    .extend(self.keys.watch_replay(key, false).map(|(rule, why)| Violation::new(now, rule, why)));
                Ok(reply(answer, true))
            }
            Known::Replay(Err(error)) => {
                count(&mut self.facts, "an error was replayed");
                self.violations
                    .extend(self.keys.watch_replay(key, true).map(|(rule, why)| Violation::new(now, rule, why)));
                Err(failure::replayed(&error))
            }
            Known::OtherRequest => Err(Error::IdempotencyMismatch { request_id: None }),
            Known::New => {
                if is_again {
                    count(&mut self.facts, "a key came again and was not known");
                }
                self.watch_second_key(now, write, key);
                let outcome = self.execute(now, write);
                match outcome {
                    Err(Failure { error, is_kept: false }) => Err(error),
                    Ok(answer) => {
                        self.keys.keep(now, write, key, Ok(answer.clone()));
                        Ok(reply(answer, false))
                    }
                    Err(Failure { error, is_kept: true }) => {
                        self.keys.keep(now, write, key, Err(error.clone()));
                        Err(error)
                    }
                }
            }
        }
    }

    /// A request that makes something comes a second time, under another key, while what the first one made is still there.
    fn watch_second_key(&mut self, now: Timestamp, write: &Write, key: &str) {
        let makes_something = matches!(
            write.operation,
            Operation::CreateCustomer | Operation::CreateInvoice | Operation::CreateSubscription
        );
        if !makes_something || self.keys_ignored || !key.starts_with("cw1_") {
            return;
        }
        let mut made = self.keys.made_under_another(now, write, key);
        let there = made.find_map(|answer| match answer {
            // One that a person voided does not count: after a restore nobody knows of it.
            Answer::Invoice(invoice) => {
                let there = self.invoices.get(&invoice.id).filter(|invoice| invoice.is_draft() || invoice.is_live());
                there.map(|invoice| invoice.id().to_string())
            }
            Answer::Customer(customer) => {
                let there = self.customers.get(&customer.id).filter(|customer| customer.deleted.is_none());
                there.map(|customer| customer.id.to_string())
            }
            Answer::Subscription(subscription) => {
                let there = self.subscriptions.get(&subscription.id).filter(|one| one.canceled_by.is_none());
                there.map(|one| one.id.to_string())
            }
            Answer::Price(_) | Answer::TaxIdAdded | Answer::CreditNote(_) | Answer::Deleted => None,
        });
        drop(made);
        if let Some(there) = there {
            let detail = format!("{there} was made by the same request, under another key");
            self.violate(now, "one_key_for_one_request", detail);
        }
    }

    /// A change of an invoice's lines that was under way when we sent the invoice. Where keys are remembered, it would have
    /// changed nothing.
    pub fn watch_lines(&mut self, now: Timestamp, write: &Write, sent_at: Timestamp) {
        let changes_lines = write.operation == Operation::AddLines;
        let id = write.path.split('/').nth(3).and_then(|id| InvoiceId::parse(id).ok());
        let invoice = id.and_then(|id| self.invoices.get(&id)).filter(|_| changes_lines && self.keys_ignored);
        let is_overtaken = |invoice: &&Invoice| {
            invoice.finalized_by == Some(By::Us) && invoice.finalized_at.is_some_and(|finalized| finalized > sent_at)
        };
        if let Some(invoice) = invoice.filter(is_overtaken) {
            let detail = format!("{} was sent, and its lines were still to change", invoice.id());
            self.violate(now, "nothing_is_sent_while_its_lines_change", detail);
        }
    }

    fn execute(&mut self, now: Timestamp, write: &Write) -> Result<Answer, Failure> {
        match self.failing.take() {
            None => self.perform(now, write),
            Some(with_effect) => {
                if with_effect {
                    // Whatever it came to, nobody is told.
                    let _ = self.perform(now, write);
                }
                Err(Failure::internal())
            }
        }
    }

    /// Events since the last call, oldest first.
    pub fn take_events(&mut self) -> Vec<StripeEvent> {
        let new = self.events[self.events_taken..].to_vec();
        self.events_taken = self.events.len();
        new
    }

    /// An event that Stripe never generated: its list of events does not have it either.
    pub fn forget_event(&mut self, id: &str) {
        let invoices = self.events.iter().filter(|event| event.id == id).filter_map(StripeEvent::of_invoice);
        self.never_told_invoices.extend(invoices);
        self.never_told.extend(self.events.iter().filter(|event| event.id == id).filter_map(StripeEvent::subscription));
        self.events.retain(|event| event.id != id);
        self.events_taken = self.events_taken.min(self.events.len());
    }

    /// What became more than a draft since the last call.
    pub fn take_voided(&mut self) -> Vec<InvoiceId> {
        std::mem::take(&mut self.voided)
    }

    pub fn take_finalized(&mut self) -> Vec<Finalized> {
        std::mem::take(&mut self.finalized)
    }

    pub fn invoices(&self) -> impl Iterator<Item = &Invoice> {
        self.invoices.values()
    }

    pub fn customers(&self) -> impl Iterator<Item = &Customer> {
        self.customers.values()
    }

    pub fn find_invoice(&self, id: &InvoiceId) -> Option<&Invoice> {
        self.invoices.get(id)
    }

    pub fn find_customer(&self, id: &CustomerId) -> Option<&Customer> {
        self.customers.get(id)
    }

    /// Drafts that are gone.
    pub fn deleted_invoices(&self) -> &BTreeMap<InvoiceId, Deleted> {
        &self.deleted_invoices
    }

    fn remove_draft(&mut self, id: &InvoiceId, by: By) {
        if let Some(invoice) = self.invoices.remove(id) {
            let opportunity = invoice.says("sf_opportunity_id").map(str::to_owned);
            let touched_by_hand = invoice.touched_by_hand;
            self.deleted_invoices.insert(id.clone(), Deleted { by, opportunity, touched_by_hand });
        }
    }

    /// Six digits, so that the order of ids is the order of creation.
    fn next_id(&mut self, prefix: &str) -> String {
        self.last_id += 1;
        format!("{prefix}_{:06}", self.last_id)
    }

    fn violate(&mut self, now: Timestamp, rule: &'static str, detail: String) {
        self.violations.push(Violation::new(now, rule, detail));
    }
}
