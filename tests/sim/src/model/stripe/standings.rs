//! How subscriptions stand, and what Stripe tells of that.

use domain::{ChargeId, DisputeId, Event, InvoiceId, InvoicePaymentId, SubscriptionId};
use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};
use stripe::{Error, InvoiceStatus};

use super::reads::no_such;
use super::{Stripe, StripeEvent, Subscription, second};

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tells {
    Paid(InvoiceId),
    PaidPart(InvoicePaymentId),
    Failed(InvoiceId),
    /// It is void, or written off.
    Closed(InvoiceId),
    Finalized(InvoiceId),
    Overdue(InvoiceId),
    Refunded(ChargeId),
    Disputed(DisputeId),
    Updated(SubscriptionId),
    Deleted(SubscriptionId),
}

impl StripeEvent {
    pub fn paid(id: String, invoice_id: InvoiceId, at: Timestamp) -> Self {
        Self { id, tells: Tells::Paid(invoice_id), at }
    }

    pub fn subscription(&self) -> Option<SubscriptionId> {
        match &self.tells {
            Tells::Paid(_)
            | Tells::PaidPart(_)
            | Tells::Failed(_)
            | Tells::Closed(_)
            | Tells::Finalized(_)
            | Tells::Overdue(_)
            | Tells::Refunded(_)
            | Tells::Disputed(_) => None,
            Tells::Updated(id) | Tells::Deleted(id) => Some(id.clone()),
        }
    }

    pub fn invoice(&self) -> Option<&InvoiceId> {
        match &self.tells {
            Tells::Paid(id) | Tells::Failed(id) | Tells::Closed(id) | Tells::Finalized(id) | Tells::Overdue(id) => {
                Some(id)
            }
            Tells::PaidPart(_) | Tells::Refunded(_) | Tells::Disputed(_) | Tells::Updated(_) | Tells::Deleted(_) => {
                None
            }
        }
    }

    /// The invoice that it is about in the end: a payment, a charge and a dispute have the number of theirs.
    pub fn of_invoice(&self) -> Option<InvoiceId> {
        let (_, number) = self.about().split_once('_')?;
        match &self.tells {
            Tells::Updated(_) | Tells::Deleted(_) => None,
            _ => InvoiceId::parse(&format!("in_{number}")).ok(),
        }
    }

    /// It tells of how an invoice stands, beside its payment.
    pub(super) fn is_of_standing(&self) -> bool {
        matches!(
            self.tells,
            Tells::Finalized(_) | Tells::Overdue(_) | Tells::Closed(_) | Tells::Refunded(_) | Tells::Disputed(_)
        )
    }

    pub fn about(&self) -> &str {
        match &self.tells {
            Tells::Paid(id) | Tells::Failed(id) | Tells::Closed(id) | Tells::Finalized(id) | Tells::Overdue(id) => {
                id.as_str()
            }
            Tells::Refunded(id) => id.as_str(),
            Tells::Disputed(id) => id.as_str(),
            Tells::PaidPart(id) => id.as_str(),
            Tells::Updated(id) | Tells::Deleted(id) => id.as_str(),
        }
    }

    pub(super) fn type_name(&self) -> &'static str {
        match &self.tells {
            Tells::Paid(_) => "invoice.paid",
            Tells::PaidPart(_) => "invoice_payment.paid",
            Tells::Failed(_) => "invoice.payment_failed",
            Tells::Closed(_) => "invoice.voided",
            Tells::Finalized(_) => "invoice.finalized",
            Tells::Overdue(_) => "invoice.overdue",
            Tells::Refunded(_) => "charge.refunded",
            Tells::Disputed(_) => "charge.dispute.created",
            Tells::Updated(_) => "customer.subscription.updated",
            Tells::Deleted(_) => "customer.subscription.deleted",
        }
    }

    /// As the webhook's door hands it on.
    pub fn event(&self) -> Event {
        let occurred_at = self.at;
        match &self.tells {
            Tells::Paid(id) => Event::InvoicePaid { invoice_id: id.clone(), occurred_at },
            Tells::PaidPart(id) => Event::PaymentReceived { invoice_payment_id: id.clone(), occurred_at },
            Tells::Failed(id) => Event::PaymentFailed { invoice_id: id.clone(), occurred_at },
            Tells::Closed(id) => Event::InvoiceClosed { invoice_id: id.clone(), occurred_at },
            Tells::Finalized(id) => Event::InvoiceChanged { invoice_id: id.clone(), occurred_at },
            Tells::Overdue(id) => Event::InvoiceOverdue { invoice_id: id.clone(), occurred_at },
            Tells::Refunded(id) => Event::ChargeRefunded { charge_id: id.clone(), occurred_at },
            Tells::Disputed(id) => Event::DisputeCreated { dispute_id: id.clone(), occurred_at },
            Tells::Updated(id) | Tells::Deleted(id) => {
                Event::SubscriptionChanged { subscription_id: id.clone(), occurred_at }
            }
        }
    }
}

impl Subscription {
    /// In Stripe's words.
    pub fn status(&self) -> &'static str {
        match self.canceled_by {
            Some(_) => "canceled",
            None if self.is_past_due => "past_due",
            None => "active",
        }
    }

    /// What it bills a month, in minor units.
    pub fn monthly(&self) -> Decimal {
        let of = |item: &stripe::SubscriptionItem| {
            let months = Self::months_of(item).map(Decimal::from)?;
            Some(item.price.unit_amount? * Decimal::from(item.quantity?) * Decimal::from(12) / months)
        };
        let year: Decimal = self.items.iter().filter_map(of).sum();
        (year / Decimal::from(12)).round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
    }

    /// The deal that it is billed for.
    pub fn billed_for(&self) -> Option<&str> {
        self.made_for().map(|began| self.renewed_for().unwrap_or(began))
    }
}

impl Stripe {
    /// A payment has the number of its invoice.
    pub fn invoice_payment(&mut self, now: Timestamp, id: &InvoicePaymentId) -> Result<stripe::InvoicePayment, Error> {
        self.advance(now);
        let id = InvoiceId::parse(&id.as_str().replacen("inpay_", "in_", 1)).expect("a prefix and digits");
        let invoice = self.invoices.get(&id).ok_or_else(|| no_such("invoice payment", id.as_str()))?;
        Ok(stripe::InvoicePayment { is_whole: invoice.status() == InvoiceStatus::Paid, invoice_id: id })
    }

    pub(super) fn tell_of_part(&mut self, at: Timestamp, invoice_id: &InvoiceId) {
        let id = invoice_id.as_str().replacen("in_", "inpay_", 1);
        self.tell(at, Tells::PaidPart(InvoicePaymentId::parse(&id).expect("a prefix and digits")));
    }

    /// Where nobody looks after what becomes of invoices, nobody is told of it.
    pub(super) fn tell_of_standing(&mut self, at: Timestamp, tells: Tells) {
        if self.payments_fail {
            self.tell(at, tells);
        }
    }

    /// Of what period it may be, it says whose it is.
    pub fn invoice_standing(&mut self, now: Timestamp, id: &InvoiceId) -> Result<stripe::InvoiceStanding, Error> {
        let metadata = self.collecting(now, id)?.metadata;
        let is_refunded = self.is_refunded(id);
        let found = self.invoices.get(id).ok_or_else(|| no_such("invoice", id.as_str()))?;
        let shown = found.shown();
        Ok(stripe::InvoiceStanding {
            customer: shown.customer,
            status: shown.status,
            currency: shown.currency,
            due_at: found.due_at(),
            total: shown.total,
            credited: found.credited(),
            refunded: if is_refunded { found.paid_in_cash() } else { 0 },
            is_disputed: self.is_disputed(id),
            not_finalized: None,
            is_of_later_period: shown.subscription.is_some() && shown.metadata.is_empty(),
            metadata,
            id: shown.id,
        })
    }

    /// A charge has the number of its invoice.
    pub fn invoices_of_charge(&mut self, id: &ChargeId) -> Result<Vec<InvoiceId>, Error> {
        Ok(vec![InvoiceId::parse(&id.as_str().replacen("ch_", "in_", 1)).expect("a prefix and digits")])
    }

    pub(super) fn tell(&mut self, at: Timestamp, tells: Tells) {
        if let Tells::Updated(id) | Tells::Deleted(id) = &tells {
            self.never_told.remove(id);
            self.changed.insert(id.clone(), at);
        }
        let id = self.next_id("evt");
        self.events.push(StripeEvent { id, tells, at: second(at) });
    }

    pub fn changed_at(&self, id: &SubscriptionId) -> Option<Timestamp> {
        self.changed.get(id).copied()
    }

    pub fn was_invoice_never_told(&self, id: &InvoiceId) -> bool {
        self.never_told_invoices.contains(id)
    }

    /// Whether Stripe made no event of what became of it last.
    pub fn was_never_told(&self, id: &SubscriptionId) -> bool {
        self.never_told.contains(id)
    }

    pub fn subscription_metadata(
        &mut self,
        now: Timestamp,
        id: &SubscriptionId,
    ) -> Result<std::collections::BTreeMap<String, String>, Error> {
        self.subscription(now, id).map(|found| found.metadata)
    }

    /// One of its later invoices was paid in time, or was not.
    pub(super) fn is_paid_in_time(&mut self, at: Timestamp, id: &SubscriptionId, is_paid: bool) {
        let Some(subscription) = self.subscriptions.get_mut(id).filter(|one| one.canceled_by.is_none()) else { return };
        if subscription.is_past_due == is_paid {
            subscription.is_past_due = !is_paid;
            let fact =
                if is_paid { "a subscription was past due, and is active" } else { "a subscription was past due" };
            crate::model::count(&mut self.facts, fact);
            self.tell(at, Tells::Updated(id.clone()));
        }
    }
}
