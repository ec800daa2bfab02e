//! Stripe, over its model.

use std::collections::BTreeMap;
use std::rc::Rc;

use domain::{
    ChargeId, CreditNoteId, CustomerId, DisputeId, InvoiceId, InvoicePaymentId, PriceId, ScheduleId, SubscriptionId,
};
use jiff::Timestamp;
use stripe::webhook::Notification;
use stripe::{Cursor, Customer, Error, Invoice, InvoiceLine, NoEffectReason, Page, Reply, UnknownReason, Write};

use super::{Outcome, Process, Request};
use crate::faults::{Fault, Operation};
use crate::model;
use crate::world::Sim;
use answered::Answered;

mod answered;
mod in_turn;

#[derive(Clone)]
pub struct StripePort(pub Rc<Process>);

impl<T: Answered> Outcome for Result<T, Error> {
    fn label(&self) -> &'static str {
        match self {
            Ok(answer) => answer.name(),
            Err(Error::Refused(_)) => "refused",
            Err(Error::NotAllowed { .. }) => "not allowed",
            Err(Error::IdempotencyMismatch { .. }) => "idempotency mismatch",
            Err(Error::NoEffect { .. }) => "no effect",
            Err(Error::Unknown { replayed: true, .. }) => "unknown, replayed",
            Err(Error::Unknown { .. }) => "unknown",
        }
    }
}

fn unknown<T>(reason: UnknownReason) -> Result<T, Error> {
    Err(Error::Unknown { reason, replayed: false, request_id: None })
}

fn no_effect<T>(reason: NoEffectReason) -> Result<T, Error> {
    Err(Error::NoEffect { reason, request_id: None })
}

fn operation_of(write: &Write) -> Operation {
    match write.operation {
        stripe::Operation::CreateCustomer => Operation::CreateCustomer,
        stripe::Operation::UpdateCustomer => Operation::UpdateCustomer,
        stripe::Operation::AddTaxId => Operation::AddTaxId,
        stripe::Operation::RemoveTaxId => Operation::RemoveTaxId,
        stripe::Operation::CreateInvoice => Operation::CreateInvoice,
        stripe::Operation::AddLines => Operation::AddLines,
        stripe::Operation::SendInvoice => Operation::SendInvoice,
        stripe::Operation::VoidInvoice => Operation::VoidInvoice,
        stripe::Operation::CreateCreditNote => Operation::CreditInvoice,
        stripe::Operation::DeleteInvoice => Operation::DeleteInvoice,
        stripe::Operation::DeleteCustomer => Operation::DeleteCustomer,
        stripe::Operation::CreatePrice => Operation::CreatePrice,
        stripe::Operation::CreateSubscription => Operation::CreateSubscription,
        stripe::Operation::HoldInvoice => Operation::HoldInvoice,
        stripe::Operation::DisarmInvoice => Operation::DisarmInvoice,
        stripe::Operation::RenewSubscription => Operation::RenewSubscription,
        stripe::Operation::EndSubscription => Operation::EndSubscription,
        stripe::Operation::CancelSubscription => Operation::CancelSubscription,
    }
}

impl StripePort {
    async fn call<T>(
        &self,
        operation: Operation,
        about: String,
        effect: impl FnOnce(&mut model::Stripe, Timestamp) -> Result<T, Error> + 'static,
    ) -> Result<T, Error>
    where
        T: 'static,
        Result<T, Error>: Outcome,
    {
        let endpoint = self.endpoint(operation, &about);
        if !self.takes_turn(endpoint.as_deref()).await {
            return no_effect(NoEffectReason::RateLimited { limit: None });
        }
        let request = Request { operation, about, unknown: || unknown(UnknownReason::Timeout) };
        let at = endpoint.clone();
        let answered = self.0.call(request, move |sim, fault| match in_turn::takes(sim, at.as_deref()) {
            true => arrive(sim, fault, effect),
            false => no_effect(NoEffectReason::RateLimited { limit: Some("endpoint-rate".to_owned()) }),
        });
        let answered = answered.await;
        if matches!(&answered, Err(Error::NoEffect { reason: NoEffectReason::RateLimited { .. }, .. })) {
            self.rest(endpoint.as_deref()).await;
        }
        answered
    }
}

/// What the request meets at Stripe.
fn arrive<T>(
    sim: &Rc<Sim>,
    fault: Option<Fault>,
    effect: impl FnOnce(&mut model::Stripe, Timestamp) -> Result<T, Error>,
) -> Result<T, Error> {
    let now = sim.now();
    let is_even = sim.chance(500);
    let stripe = &mut sim.models.borrow_mut().stripe;
    match fault {
        Some(Fault::RateLimited) => no_effect(NoEffectReason::RateLimited { limit: None }),
        Some(Fault::KeyInUse) => no_effect(NoEffectReason::KeyInUse),
        Some(Fault::ConnectFailed) => no_effect(NoEffectReason::ConnectFailed),
        Some(Fault::StripeOutage) if is_even => no_effect(NoEffectReason::ConnectFailed),
        Some(Fault::StripeOutage) => unknown(UnknownReason::ServerError { status: 503 }),
        Some(Fault::GatewayError) if is_even => unknown(UnknownReason::ServerError { status: 502 }),
        Some(Fault::GatewayError) => {
            // Somebody on the way back did not wait; Stripe did what it was asked for.
            let _ = effect(stripe, now);
            unknown(UnknownReason::ServerError { status: 504 })
        }
        Some(Fault::UnreadableAnswer) => {
            let _ = effect(stripe, now);
            unknown(UnknownReason::UnreadableAnswer)
        }
        Some(Fault::StoredErrorWithEffect | Fault::StoredErrorWithoutEffect) => {
            stripe.fail_next_with_500(fault == Some(Fault::StoredErrorWithEffect));
            effect(stripe, now)
        }
        _ => effect(stripe, now),
    }
}

/// How long a page is for a client that reads no second one.
const FIRST_PAGE: usize = 3;

fn first_page<T>(mut all: Vec<T>) -> Vec<T> {
    if planted::is(planted::Bug::FirstPageOnly) {
        all.truncate(FIRST_PAGE);
    }
    all
}

impl engine::Stripe for StripePort {
    fn in_turn(&self, waits: bool) {
        self.0.in_turn.set(waits);
    }

    async fn write(&self, write: &Write, idempotency_key: &str) -> Result<Reply, Error> {
        let (write, key) = (write.clone(), idempotency_key.to_owned());
        let about = write.path.trim_start_matches("/v1/").to_owned();
        let sim = &self.0.sim;
        sim.models.borrow_mut().sending(sim.now(), &key);
        let late_ms = self.0.now().as_millisecond() - self.0.deadline_ms;
        sim.models.borrow_mut().sending_late(sim.now(), &about, late_ms);
        if write.operation == stripe::Operation::SendInvoice {
            let id = about.split('/').nth(1).unwrap_or_default();
            sim.models.borrow_mut().sending_invoice(sim.now(), self.0.number, id);
        }
        let (sent_at, process) = (sim.now(), self.0.number);
        self.call(operation_of(&write), about, move |stripe, now| {
            stripe.watch_lines(now, &write, sent_at);
            let reply = stripe.write(now, &write, &key);
            if let Ok(Reply { answer: stripe::Answer::Invoice(invoice), replayed: false, .. }) = &reply {
                stripe.has_shown(process, &invoice.id);
            }
            reply
        })
        .await
    }

    async fn customer(&self, id: &CustomerId) -> Result<Customer, Error> {
        let id = id.clone();
        self.call(Operation::ReadCustomer, id.to_string(), move |stripe, now| stripe.customer(now, &id)).await
    }

    async fn tax_ids(&self, id: &CustomerId) -> Result<Vec<stripe::TaxIdObject>, Error> {
        let id = id.clone();
        self.call(Operation::ListTaxIds, id.to_string(), move |stripe, now| stripe.tax_ids(now, &id).map(first_page))
            .await
    }

    async fn customers_created_since(&self, since: Timestamp) -> Result<Vec<Customer>, Error> {
        let effect = move |stripe: &mut model::Stripe, now| stripe.customers_created_since(now, since).map(first_page);
        self.call(Operation::ListCustomers, since.to_string(), effect).await
    }

    async fn customers_by_metadata(&self, key: &str, value: &str) -> Result<Vec<Customer>, Error> {
        let (key, value) = (key.to_owned(), value.to_owned());
        let about = value.clone();
        let effect = move |stripe: &mut model::Stripe, now| stripe.customers_by_metadata(now, &key, &value);
        self.call(Operation::SearchCustomers, about, effect).await
    }

    async fn invoice(&self, id: &InvoiceId) -> Result<Invoice, Error> {
        let (id, process) = (id.clone(), self.0.number);
        self.call(Operation::ReadInvoice, id.to_string(), move |stripe, now| {
            stripe.has_shown(process, &id);
            stripe.invoice(now, &id)
        })
        .await
    }

    async fn invoice_metadata(&self, id: &InvoiceId) -> Result<BTreeMap<String, String>, Error> {
        let id = id.clone();
        self.call(Operation::ReadMetadata, id.to_string(), move |stripe, now| stripe.invoice_metadata(now, &id)).await
    }

    async fn whole_invoice_metadata(&self, id: &InvoiceId) -> Result<BTreeMap<String, String>, Error> {
        let (id, about) = (id.clone(), id.to_string());
        let effect = move |stripe: &mut model::Stripe, now| stripe.collecting(now, &id).map(|seen| seen.metadata);
        self.call(Operation::ReadMetadata, about, effect).await
    }

    async fn collecting(&self, id: &InvoiceId) -> Result<stripe::Collecting, Error> {
        let id = id.clone();
        self.call(Operation::ReadInvoice, id.to_string(), move |stripe, now| stripe.collecting(now, &id)).await
    }

    async fn invoice_standing(&self, id: &InvoiceId) -> Result<stripe::InvoiceStanding, Error> {
        let id = id.clone();
        self.call(Operation::ReadInvoice, id.to_string(), move |stripe, now| stripe.invoice_standing(now, &id)).await
    }

    async fn invoice_of_credit_note(&self, id: &CreditNoteId) -> Result<InvoiceId, Error> {
        let id = id.clone();
        self.call(Operation::ListCredits, id.to_string(), move |stripe, _| stripe.invoice_of_credit_note(&id)).await
    }

    async fn invoices_of_charge(&self, id: &ChargeId) -> Result<Vec<InvoiceId>, Error> {
        let id = id.clone();
        self.call(Operation::ReadPayments, id.to_string(), move |stripe, _| stripe.invoices_of_charge(&id)).await
    }

    async fn dispute(&self, id: &DisputeId) -> Result<stripe::Dispute, Error> {
        let id = id.clone();
        self.call(Operation::ReadPayments, id.to_string(), move |stripe, _| stripe.dispute(&id)).await
    }

    async fn subscription_of_schedule(&self, id: &ScheduleId) -> Result<Option<SubscriptionId>, Error> {
        let about = id.to_string();
        self.call(Operation::ReadSubscription, about.clone(), move |_, _| {
            Err(model::stripe::no_such("schedule", &about))
        })
        .await
    }

    async fn invoice_lines(&self, id: &InvoiceId) -> Result<Vec<InvoiceLine>, Error> {
        let id = id.clone();
        self.call(Operation::ReadLines, id.to_string(), move |stripe, now| {
            stripe.invoice_lines(now, &id).map(first_page)
        })
        .await
    }

    async fn money_of_invoice(&self, id: &InvoiceId) -> Result<Vec<stripe::MoneyIn>, Error> {
        let id = id.clone();
        self.call(Operation::ReadPayments, id.to_string(), move |stripe, now| stripe.money_of_invoice(now, &id)).await
    }

    async fn invoice_payment(&self, id: &InvoicePaymentId) -> Result<stripe::InvoicePayment, Error> {
        let id = id.clone();
        self.call(Operation::ReadInvoice, id.to_string(), move |stripe, now| stripe.invoice_payment(now, &id)).await
    }

    async fn credit_notes_of_invoice(&self, id: &InvoiceId) -> Result<Vec<stripe::CreditNote>, Error> {
        let id = id.clone();
        let about = id.to_string();
        self.call(Operation::ListCredits, about, move |stripe, now| stripe.credit_notes_of_invoice(now, &id)).await
    }

    async fn preview_renewal(&self, renewal: &stripe::RenewSubscription) -> Result<stripe::Preview, Error> {
        let (renewal, about) = (renewal.clone(), renewal.subscription.to_string());
        let effect = move |stripe: &mut model::Stripe, now| stripe.preview_renewal(now, &renewal);
        self.call(Operation::PreviewRenewal, about, effect).await
    }

    async fn billing_of_customer(&self, id: &CustomerId) -> Result<stripe::CustomerBilling, Error> {
        let id = id.clone();
        let about = id.to_string();
        self.call(Operation::ReadCustomer, about, move |stripe, now| stripe.billing_of_customer(now, &id)).await
    }

    async fn invoices_of_customer(&self, id: &CustomerId, since: Timestamp) -> Result<Vec<Invoice>, Error> {
        let (id, about) = (id.clone(), id.to_string());
        let effect =
            move |stripe: &mut model::Stripe, now| stripe.invoices_of_customer(now, &id, since).map(first_page);
        self.call(Operation::ListInvoices, about, effect).await
    }

    async fn invoices_created_since(&self, since: Timestamp, after: Option<&Cursor>) -> Result<Page<Invoice>, Error> {
        let after = after.cloned();
        let effect = move |stripe: &mut model::Stripe, now| stripe.invoices_created_since(now, since, after.as_ref());
        self.call(Operation::ListInvoices, since.to_string(), effect).await
    }

    async fn customers_created_page(&self, since: Timestamp, after: Option<&Cursor>) -> Result<Page<Customer>, Error> {
        let after = after.cloned();
        let effect = move |stripe: &mut model::Stripe, now| stripe.customers_created_page(now, since, after.as_ref());
        self.call(Operation::ListCustomers, since.to_string(), effect).await
    }

    async fn events_since(
        &self,
        types: &[&str],
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<Notification>, Error> {
        let types: Vec<_> = types.iter().map(|name| (*name).to_owned()).collect();
        let after = after.cloned();
        let effect = move |stripe: &mut model::Stripe, now| stripe.events_since(now, &types, since, after.as_ref());
        self.call(Operation::ListEvents, since.to_string(), effect).await
    }

    async fn pending_items(&self, id: &CustomerId) -> Result<Vec<stripe::PendingItem>, Error> {
        let (id, about) = (id.clone(), id.to_string());
        self.call(Operation::ListPrices, about, move |stripe, _| Ok(stripe.pending_items(&id))).await
    }

    async fn prices(&self, ids: &[PriceId]) -> Result<Vec<stripe::Price>, Error> {
        let (about, ids) = (ids.first().map(ToString::to_string).unwrap_or_default(), ids.to_vec());
        self.call(Operation::ReadPrice, about, move |stripe, _| Ok(stripe.prices(&ids))).await
    }

    async fn prices_by_lookup_key(&self, keys: &[String]) -> Result<Vec<stripe::Price>, Error> {
        let keys = keys.to_vec();
        let effect = move |stripe: &mut model::Stripe, _| Ok(stripe.prices_by_lookup_key(&keys));
        self.call(Operation::ListPrices, String::new(), effect).await
    }

    async fn subscription(&self, id: &SubscriptionId) -> Result<stripe::Subscription, Error> {
        let id = id.clone();
        let about = id.to_string();
        self.call(Operation::ReadSubscription, about, move |stripe, now| stripe.subscription(now, &id)).await
    }

    async fn subscription_metadata(&self, id: &SubscriptionId) -> Result<BTreeMap<String, String>, Error> {
        let (id, about) = (id.clone(), id.to_string());
        let effect = move |stripe: &mut model::Stripe, now| stripe.subscription_metadata(now, &id);
        self.call(Operation::ReadMetadata, about, effect).await
    }

    async fn subscription_items(&self, id: &SubscriptionId) -> Result<Vec<stripe::SubscriptionItem>, Error> {
        let id = id.clone();
        self.call(Operation::ReadSubscription, id.to_string(), move |stripe, _| stripe.subscription_items(&id)).await
    }

    async fn subscriptions_of_customer(
        &self,
        id: &CustomerId,
        since: Timestamp,
    ) -> Result<Vec<stripe::Subscription>, Error> {
        let (id, about) = (id.clone(), id.to_string());
        let effect =
            move |stripe: &mut model::Stripe, now| Ok(first_page(stripe.subscriptions_of_customer(now, &id, since)));
        self.call(Operation::ListSubscriptions, about, effect).await
    }

    async fn subscriptions_created_since(
        &self,
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<stripe::Subscription>, Error> {
        let after = after.cloned();
        let effect =
            move |stripe: &mut model::Stripe, now| Ok(stripe.subscriptions_created_since(now, since, after.as_ref()));
        self.call(Operation::ListSubscriptions, since.to_string(), effect).await
    }

    async fn customer_has_invoices(&self, id: &CustomerId) -> Result<bool, Error> {
        let (id, about) = (id.clone(), id.to_string());
        let effect = move |stripe: &mut model::Stripe, now| stripe.customer_has_invoices(now, &id);
        self.call(Operation::ListInvoices, about, effect).await
    }
}
