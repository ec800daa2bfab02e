//! A run: one business operation on one record, and everything that is known about it.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ConfigurationHash, Currency, CustomerId, InvoiceId, Money, SubscriptionId};
use jiff::{SignedDuration, Timestamp};
use mapping::{Code, Settings, Stop};
use serde::{Deserialize, Serialize};

use crate::{Fact, Intent, InvoiceStatus, Operation, Restored, opportunity_won};

mod id;
mod next;
mod notes;
mod replaced;
mod ruled;
mod state;
mod telling;

pub use id::RunId;
pub use next::{End, Next, WantedCustomer};
pub use state::{OutOfOrder, State, Status};
pub use telling::Told;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub state: State,
    pub intents: BTreeMap<Operation, Intent>,
    /// The generation that the next intent of an operation gets.
    pub generations: BTreeMap<Operation, u32>,
    /// The last events that this run has answered, so that a second delivery costs nothing.
    pub answered: Vec<String>,
    /// The ledger was restored since this run began, or before: it may have done more than it knows, so whatever it would
    /// make for the first time is looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<Restored>,
    /// What stands on the opportunity as a note, and what was put before a person, since the run last reached its goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noted: Option<Stop>,
    /// The words of that note as Salesforce kept them, and how often one was written since the run last reached its goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note_kept: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub notes_written: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<Stop>,
    /// A request that changes the invoice's lines, or what is known of the customer, may be under way until then: nothing is sent to the
    /// customer before, and nothing newer is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_at: Option<Timestamp>,
    /// The invoices of this deal that are void or credited since it was billed anew. Salesforce names the last of them until the next is sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<InvoiceId>,
    /// One of them was paid: that the opportunity is marked as paid says nothing of the one in its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unmarks: bool,
    /// How many of them since a person asked for it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub replacements: u32,
    /// A person asked for it once more, and it has not reached its goal since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked: bool,
    /// The subscription of which others were told that Salesforce names it by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced: Option<SubscriptionId>,
    /// The invoice in the place of another one of which others were told that Salesforce names it by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced_invoice: Option<InvoiceId>,
    /// What somebody was told of it last, unless it is of a version that told nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// Of one that tells how something stands: when the last event that it looked for was first taken from its queue, by the queue's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
    /// Of an account's customer: the currencies for which the account has another one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub apart: BTreeSet<Currency>,
    /// The configuration file that a deal was planned under, and whatever else was last judged under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<ConfigurationHash>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// How many answered events a run remembers. A deal sees a handful; a sender's retries come within minutes.
const ANSWERED_KEPT: usize = 20;

impl Run {
    pub fn new(id: RunId, state: State) -> Self {
        Self {
            id,
            state,
            intents: BTreeMap::new(),
            generations: BTreeMap::new(),
            answered: Vec::new(),
            restored: None,
            quiet_at: None,
            noted: None,
            note_kept: None,
            notes_written: 0,
            parked: None,
            replaced: Vec::new(),
            unmarks: false,
            replacements: 0,
            asked: false,
            announced: None,
            announced_invoice: None,
            told: Some(Told::default()),
            taken_at: None,
            apart: BTreeSet::new(),
            configuration: None,
        }
    }

    pub fn next(&self) -> Next {
        self.state.next()
    }

    /// Takes in what came of the call that `next` asked for.
    pub fn record(mut self, fact: Fact, settings: &Settings) -> Result<Self, OutOfOrder> {
        let (fact, named) = self.but_for_replaced(fact);
        if let Some(what_to_do) = self.keeps_its_invoice(&fact) {
            return Ok(self.kept(what_to_do));
        }
        let was_paid = match &fact {
            Fact::InvoiceRead(seen) => seen.status == InvoiceStatus::Paid,
            Fact::SettlementRead(settlement) => settlement.invoice.status == InvoiceStatus::Paid,
            _ => false,
        };
        if let Some(draft) = self.forgotten(&fact, settings).cloned() {
            self.gives_up(draft.invoice_id, was_paid);
            self.state = State::OpportunityWon(opportunity_won::Point::claimed(draft.plan));
            return Ok(self);
        }
        let was_stopped = self.stop().is_some();
        if !self.is_planned() {
            self.configuration = settings.configuration.clone();
        }
        match &fact {
            Fact::DraftDeleted | Fact::InvoiceMissing => self.retire_invoice_operations(),
            Fact::CustomerMissing => self.retire(Operation::CreateCustomer),
            Fact::Reported => self.parked = self.stop().cloned(),
            _ => {}
        }
        self = self.noting(&fact);
        let had_subscription = self.subscription_id().is_some();
        let replaceable = self.replaceable().cloned();
        self.state = match self.state {
            State::OpportunityWon(point) => State::OpportunityWon(point.record(fact, settings)?),
            State::AccountCustomer(point) => State::AccountCustomer(point.record(fact)?),
            State::InvoicePaid(point) => State::InvoicePaid(point.record(fact, settings)?),
            State::PaymentFailed(point) => State::PaymentFailed(point.record(fact, settings)?),
            State::InvoiceChanged(point) => State::InvoiceChanged(point.record(fact, settings)?),
            State::SubscriptionChanged(point) => State::SubscriptionChanged(point.record(fact, settings)?),
            State::Notification(point) => State::Notification(point.record(fact, settings)?),
        };
        if had_subscription && self.subscription_id().is_none() {
            self.retire_invoice_operations();
        }
        if let Some(invoice_id) = replaceable.filter(|_| self.invoice_id().is_none()) {
            self.gives_up(invoice_id, was_paid);
        }
        self = self.with_replaced(named, was_stopped, settings);
        self.state = match self.state {
            State::OpportunityWon(point) => {
                State::OpportunityWon(point.already_said(self.noted.as_ref(), self.parked.as_ref()))
            }
            State::InvoicePaid(point) => State::InvoicePaid(point.already_said(self.parked.as_ref())),
            State::PaymentFailed(point) => State::PaymentFailed(point.already_said(self.parked.as_ref())),
            State::InvoiceChanged(point) => {
                let parked = self.parked.as_ref().filter(|_| !planted!(SaysDisputesAgain));
                State::InvoiceChanged(point.already_said(parked))
            }
            State::SubscriptionChanged(point) => State::SubscriptionChanged(point.already_said(self.parked.as_ref())),
            State::Notification(point) => State::Notification(point.already_said(self.parked.as_ref())),
            state @ State::AccountCustomer(_) => state,
        };
        let is_told = matches!(&self.state, State::PaymentFailed(point) if point.is_told());
        if self.status() == Status::Done || is_told {
            (self.noted, self.parked, self.note_kept, self.notes_written) = (None, None, None, 0);
            self.asked = false;
        }
        Ok(self)
    }

    /// A person asks for it once more: it is to be said once more why the run stands still, if it does.
    pub fn asked_for(mut self) -> Self {
        self.parked = None;
        self.notes_written = 0;
        (self.asked, self.replacements) = (true, 0);
        self.state = match self.state {
            State::OpportunityWon(point) => State::OpportunityWon(point.asked_for()),
            State::AccountCustomer(point) => State::AccountCustomer(point.asked_for()),
            State::InvoiceChanged(point) => State::InvoiceChanged(point.asked_for()),
            state @ (State::InvoicePaid(_)
            | State::PaymentFailed(_)
            | State::SubscriptionChanged(_)
            | State::Notification(_)) => state,
        };
        self.untold()
    }

    /// Where to go on after an interruption, or when a new event arrives for a run that had ended.
    pub fn resume(self) -> Self {
        let mut run = self.unless_written();
        // Which price has which number is decided anew. One that is made twice does no harm.
        if let State::OpportunityWon(opportunity_won::Point::Pricing { start, .. }) = &run.state {
            for index in 0..u16::try_from(start.basket.items.len()).unwrap_or(u16::MAX) {
                run.retire(Operation::CreatePrice { index });
            }
        }
        let is_open = |operation| run.intents.get(&operation).is_some_and(Intent::is_open);
        let (voids, credits) = (is_open(Operation::VoidInvoice), is_open(Operation::CreditInvoice));
        let (begins, renews) = (is_open(Operation::CreateSubscription), is_open(Operation::RenewSubscription));
        let ends = is_open(Operation::EndSubscription);
        run.state = match run.state {
            // Nothing has been sent yet: what waits for the customer, and what the deal says, is asked anew.
            State::OpportunityWon(opportunity_won::Point::Subscribing { start, .. })
                if !begins && !planted!(BeginsAfterAll) =>
            {
                State::OpportunityWon(opportunity_won::Point::claimed(start.plan))
            }
            State::OpportunityWon(opportunity_won::Point::Renewal(renewal)) if !renews => {
                State::OpportunityWon(renewal.unless_ready())
            }
            State::OpportunityWon(opportunity_won::Point::Ending(ending)) if !ends => {
                State::OpportunityWon(ending.unless_ready())
            }
            // Nothing has been sent yet: what the deal says now is asked first.
            State::OpportunityWon(opportunity_won::Point::Voiding { invoice, .. }) if !voids => {
                State::OpportunityWon(opportunity_won::Point::Revisiting { invoice })
            }
            State::OpportunityWon(opportunity_won::Point::Crediting { invoice, .. }) if !credits => {
                State::OpportunityWon(opportunity_won::Point::Revisiting { invoice })
            }
            State::OpportunityWon(point) => State::OpportunityWon(point.resume()),
            State::AccountCustomer(point) => State::AccountCustomer(point.resume()),
            State::InvoicePaid(point) => State::InvoicePaid(point.resume()),
            State::PaymentFailed(point) => State::PaymentFailed(point.resume()),
            State::InvoiceChanged(point) => State::InvoiceChanged(point.resume()),
            State::SubscriptionChanged(point) => State::SubscriptionChanged(point.resume()),
            State::Notification(point) => State::Notification(point.resume()),
        };
        run
    }

    /// Takes up a run that somebody else began. What the newcomer brings along is fresher than what a customer's run was
    /// begun with, unless a customer may already be under way.
    pub fn take_up(self, mut newcomer: Self) -> Self {
        let mut run = self.remembering().resume();
        run.apart.append(&mut newcomer.apart);
        let under_way = run.intents.values().any(Intent::is_open);
        match (run.state, newcomer.state) {
            (State::AccountCustomer(point), State::AccountCustomer(brought)) => {
                Self { state: State::AccountCustomer(point.give_way(brought, under_way)), ..run }
            }
            (State::InvoicePaid(point), State::InvoicePaid(brought)) => {
                Self { state: State::InvoicePaid(point.hearing(&brought)), ..run }
            }
            (State::InvoiceChanged(point), State::InvoiceChanged(brought)) => {
                Self { state: State::InvoiceChanged(point.hearing(brought)), ..run }
            }
            (State::Notification(point), State::Notification(brought)) => {
                // What was put before a person was older news.
                let is_news = brought.notice().count > point.notice().count;
                let parked = run.parked.filter(|_| !is_news);
                Self { state: State::Notification(point.hearing(&brought)), parked, ..run }
            }
            (state, _) => Self { state, ..run },
        }
    }

    /// It is brought on for an event, and will look.
    #[must_use]
    pub fn taken(mut self, taken_at: Option<Timestamp>) -> Self {
        if matches!(self.state, State::InvoiceChanged(_) | State::SubscriptionChanged(_)) {
            self.taken_at = self.taken_at.max(taken_at);
        }
        self
    }

    /// Whether what was on its queue at that moment is told: it has looked since, and has ended. Queues have many hosts, whose clocks may
    /// differ by some thousandths of a second.
    pub fn has_told(&self, queued_at: Timestamp) -> bool {
        let is_after = |taken_at: Timestamp| taken_at.duration_since(queued_at) > SignedDuration::from_secs(1);
        self.status() == Status::Done && self.taken_at.is_some_and(is_after)
    }

    pub fn point(&self) -> &'static str {
        self.state.name()
    }

    pub fn status(&self) -> Status {
        self.state.status()
    }

    /// Why it stands still, if it does.
    pub fn stop(&self) -> Option<&Stop> {
        self.state.stop()
    }

    /// Where a deal's run is. The others are about something that a deal has made.
    fn deal(&self) -> Option<&opportunity_won::Point> {
        match &self.state {
            State::OpportunityWon(point) => Some(point),
            State::AccountCustomer(_)
            | State::InvoicePaid(_)
            | State::PaymentFailed(_)
            | State::InvoiceChanged(_)
            | State::SubscriptionChanged(_)
            | State::Notification(_) => None,
        }
    }

    /// What it bills is decided, and is compared with the deal as it was read then: other rules do not change it, nor what is billed in
    /// its place.
    pub fn is_planned(&self) -> bool {
        self.deal().is_some_and(|point| !point.plans_anew() || !self.replaced.is_empty())
    }

    /// The Stripe customer that this run settled on.
    pub fn customer_id(&self) -> Option<&CustomerId> {
        match &self.state {
            State::AccountCustomer(point) => point.customer_id(),
            _ => self.deal()?.customer_id(),
        }
    }

    /// The Stripe invoice that this run settled on. In the ledger it is a write-once register.
    pub fn invoice_id(&self) -> Option<&InvoiceId> {
        self.deal()?.invoice_id()
    }

    /// The Stripe subscription that this run settled on.
    pub fn subscription_id(&self) -> Option<&SubscriptionId> {
        self.deal()?.subscription_id()
    }

    /// What the deal comes to, and what of it its invoice bills.
    pub fn billed(&self) -> Option<(Money, Money)> {
        self.deal()?.billed()
    }

    /// The deal waits for the first day of its term or for its contract, or is billed by the subscription that it renewed.
    pub fn is_billed_later(&self) -> bool {
        let Some(point) = self.deal() else { return false };
        self.waits_for_contract()
            || matches!(point, opportunity_won::Point::Scheduled { .. })
            || matches!(point, opportunity_won::Point::Renewal(_)) && point.status() == Status::Done
    }

    pub fn waits_for_contract(&self) -> bool {
        self.stop().is_some_and(|stop| stop.code == Code::ContractNotActivated)
    }

    /// How often the ledger had been restored when the run was last taken up.
    pub fn epoch(&self) -> u64 {
        self.restored.map_or(0, |restored| restored.epoch)
    }

    /// Nothing happened under the operation's key, for certain, so its next attempt is a new one.
    pub fn retire(&mut self, operation: Operation) {
        if let Some(intent) = self.intents.remove(&operation) {
            self.generations.insert(operation, intent.generation + u32::from(!planted!(RetiresNoKey)));
        }
    }

    /// The draft is gone, or its subscription is over. Its keys would replay answers about an invoice that no longer exists.
    fn retire_invoice_operations(&mut self) {
        let operations: Vec<_> =
            self.intents.keys().copied().filter(|operation| *operation != Operation::CreateCustomer).collect();
        if planted!(KeepsKeysOfDeletedDraft) {
            self.intents.remove(&Operation::CreateInvoice);
        }
        for operation in operations {
            self.retire(operation);
        }
    }

    pub fn has_answered(&self, event_id: &str) -> bool {
        self.answered.iter().any(|answered| answered == event_id)
    }

    pub fn answer(&mut self, event_id: &str) {
        if !self.has_answered(event_id) {
            if self.answered.len() == ANSWERED_KEPT {
                self.answered.remove(0);
            }
            self.answered.push(event_id.to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
