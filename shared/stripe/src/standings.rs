//! How an invoice stands, and which invoice an event is about that names something else.

use std::collections::BTreeMap;

use domain::{ChargeId, CreditNoteId, Currency, CustomerId, DisputeId, InvoiceId, ScheduleId, SubscriptionId};
use jiff::Timestamp;
use serde::Deserialize;

use crate::carried::{Carried, InvoiceParent};
use crate::credits::{ChargeWire, PaymentWire};
use crate::error::Error;
use crate::objects::{Expandable, HasId, Seconds};
use crate::reads::unreadable;
use crate::{Client, InvoiceStatus};

/// An invoice, as far as its opportunity says how it stands. Amounts in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceStanding {
    pub id: InvoiceId,
    /// An invoice that somebody else made may be billed to something that is no customer.
    pub customer: Option<CustomerId>,
    pub status: InvoiceStatus,
    pub currency: Currency,
    pub due_at: Option<Timestamp>,
    pub total: i64,
    /// What credit notes took off it, before and after it was paid.
    pub credited: i64,
    /// What was given back of its payments.
    pub refunded: i64,
    /// The bank of whoever paid wants a payment back, or wanted it once.
    pub is_disputed: bool,
    /// Why it could not be finalized the last time, in Stripe's words.
    pub not_finalized: Option<String>,
    /// It bills a later period of a subscription than the first.
    pub is_of_later_period: bool,
    /// Its own, over that of its subscription.
    pub metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct StandingWire {
    id: InvoiceId,
    customer: Option<Expandable>,
    status: Option<InvoiceStatus>,
    currency: String,
    due_date: Option<Seconds>,
    total: i64,
    amount_paid: i64,
    pre_payment_credit_notes_amount: i64,
    post_payment_credit_notes_amount: i64,
    last_finalization_error: Option<NotFinalized>,
    billing_reason: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
    parent: Option<InvoiceParent>,
}

#[derive(Deserialize)]
struct NotFinalized {
    code: Option<String>,
    message: Option<String>,
}

impl NotFinalized {
    /// In one line.
    fn words(self) -> String {
        let given: Vec<_> = self.code.into_iter().chain(self.message).collect();
        given.join(": ").split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// An object that belongs to a payment, by which its invoice is found.
#[derive(Deserialize)]
struct OfPayment {
    id: String,
    payment_intent: Option<Expandable>,
}

/// Whether it waits for us: docs.stripe.com/api/disputes/object.
#[derive(Deserialize)]
struct DisputeWire {
    status: String,
    evidence_details: Option<EvidenceDetails>,
}

#[derive(Deserialize)]
struct EvidenceDetails {
    due_by: Option<Seconds>,
}

/// A dispute, by the invoices that the disputed payment paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    pub invoices: Vec<InvoiceId>,
    /// It is not decided, and nobody has answered it.
    pub needs_response: bool,
    pub due_by: Option<Timestamp>,
}

#[derive(Deserialize)]
struct OfInvoice {
    id: String,
    invoice: Expandable,
}

impl HasId for OfInvoice {
    fn id(&self) -> &str {
        &self.id
    }
}

#[derive(Deserialize)]
struct ScheduleWire {
    id: String,
    subscription: Option<Expandable>,
    released_subscription: Option<String>,
}

impl Client {
    /// What became of its payments is asked where there are any.
    pub async fn invoice_standing(&self, id: &InvoiceId) -> Result<InvoiceStanding, Error> {
        let wire: StandingWire = self.get(&format!("/v1/invoices/{id}"), "").await?;
        let mut charges = Vec::new();
        if wire.amount_paid > 0 {
            charges.extend(self.payments_of_invoice(id).await?.into_iter().filter_map(PaymentWire::charge));
        }
        wire.with(&charges).filter(|seen| seen.id == *id).ok_or_else(|| unreadable(()))
    }

    pub async fn invoice_of_credit_note(&self, id: &CreditNoteId) -> Result<InvoiceId, Error> {
        let wire: OfInvoice = self.get(&format!("/v1/credit_notes/{id}"), "").await?;
        InvoiceId::parse(&wire.invoice.into_id()).ok().filter(|_| wire.id == id.as_str()).ok_or_else(|| unreadable(()))
    }

    /// A charge pays several invoices, or none.
    pub async fn invoices_of_charge(&self, id: &ChargeId) -> Result<Vec<InvoiceId>, Error> {
        self.invoices_by(&format!("/v1/charges/{id}"), id.as_str()).await
    }

    pub async fn dispute(&self, id: &DisputeId) -> Result<Dispute, Error> {
        let path = format!("/v1/disputes/{id}");
        let wire: DisputeWire = self.get(&path, "").await?;
        Ok(Dispute {
            invoices: self.invoices_by(&path, id.as_str()).await?,
            needs_response: wire.status.ends_with("needs_response"),
            due_by: wire.evidence_details.and_then(|details| details.due_by).map(|seconds| seconds.0),
        })
    }

    /// "Only return invoice payments associated by this payment intent ID": api/invoice-payment/list.
    async fn invoices_by(&self, path: &str, id: &str) -> Result<Vec<InvoiceId>, Error> {
        let wire: OfPayment = self.get(path, "").await?;
        if wire.id != id {
            return Err(unreadable(()));
        }
        let Some(intent) = wire.payment_intent else { return Ok(Vec::new()) };
        let filter = [("payment[type]", "payment_intent"), ("payment[payment_intent]", intent.id())];
        let payments: Vec<OfInvoice> = self.list("/v1/invoice_payments", &filter).await?;
        let read: Option<Vec<_>> =
            payments.into_iter().map(|one| InvoiceId::parse(&one.invoice.into_id()).ok()).collect();
        read.ok_or_else(|| unreadable(()))
    }

    /// The one that it is for, or was for until it was released.
    pub async fn subscription_of_schedule(&self, id: &ScheduleId) -> Result<Option<SubscriptionId>, Error> {
        let wire: ScheduleWire = self.get(&format!("/v1/subscription_schedules/{id}"), "").await?;
        if wire.id != id.as_str() {
            return Err(unreadable(()));
        }
        let named = wire.subscription.map(Expandable::into_id).or(wire.released_subscription);
        match named.map(|named| SubscriptionId::parse(&named)) {
            None => Ok(None),
            Some(Ok(subscription_id)) => Ok(Some(subscription_id)),
            Some(Err(malformed)) => Err(unreadable(malformed)),
        }
    }
}

impl StandingWire {
    fn with(self, charges: &[ChargeWire]) -> Option<InvoiceStanding> {
        let carried = Carried { metadata: self.metadata, billing_reason: self.billing_reason, parent: self.parent };
        Some(InvoiceStanding {
            id: self.id,
            customer: self.customer.and_then(|customer| CustomerId::parse(&customer.into_id()).ok()),
            status: self.status.unwrap_or(InvoiceStatus::Other),
            currency: Currency::parse(&self.currency).ok()?,
            due_at: self.due_date.map(|seconds| seconds.0),
            total: self.total,
            credited: self.pre_payment_credit_notes_amount.checked_add(self.post_payment_credit_notes_amount)?,
            refunded: charges.iter().try_fold(0_i64, |sum, charge| sum.checked_add(charge.amount_refunded))?,
            is_disputed: charges.iter().any(|charge| charge.disputed),
            not_finalized: self.last_finalization_error.map(NotFinalized::words),
            is_of_later_period: carried.subscription().is_some() && !carried.is_first(),
            metadata: carried.into_whole_metadata(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVOICE: &str = r#"{"id":"in_1","status":"paid","currency":"eur","total":1200,"amount_paid":1200,"due_date":1800000000,
        "pre_payment_credit_notes_amount":100,"post_payment_credit_notes_amount":50,"last_finalization_error":null,
        "metadata":{"b":"2"},"parent":{"subscription_details":{"subscription":"sub_1","metadata":{"a":"1","b":"1"}}}}"#;

    fn payment(status: &str, intent: &str) -> PaymentWire {
        let text = format!(
            r#"{{"id":"inpay_1","status":"{status}","amount_paid":1000,"payment":{{"type":"payment_intent","payment_intent":{intent}}}}}"#
        );
        serde_json::from_str(&text).expect("readable")
    }

    #[test]
    fn an_invoice_says_what_was_credited_and_its_charges_what_was_given_back() {
        let wire = || serde_json::from_str::<StandingWire>(INVOICE).expect("readable");
        let charge = |refunded: i64, disputed: bool| {
            let text =
                format!(r#"{{"id":"pi_1","latest_charge":{{"amount_refunded":{refunded},"disputed":{disputed}}}}}"#);
            payment("paid", &text).charge().expect("a charge")
        };
        let seen = wire().with(&[charge(30, false), charge(4, true)]).expect("an invoice");
        assert_eq!((seen.credited, seen.refunded, seen.is_disputed), (150, 34, true));
        assert_eq!(charge(1200, false).amount_refunded, 1000, "the rest is another invoice's");
        assert!(seen.is_of_later_period);
        let first = INVOICE.replace(r#""metadata":{"b""#, r#""billing_reason":"subscription_create","metadata":{"b""#);
        let first: StandingWire = serde_json::from_str(&first).expect("readable");
        assert!(!first.with(&[]).expect("an invoice").is_of_later_period);
        assert_eq!(seen.due_at.map(Timestamp::as_second), Some(1_800_000_000));
        assert_eq!(seen.metadata, [("a", "1"), ("b", "2")].map(|(key, value)| (key.into(), value.into())).into());
        let seen = wire().with(&[]).expect("an invoice");
        assert_eq!((seen.refunded, seen.is_disputed, seen.not_finalized), (0, false, None));
    }

    /// One that was paid outside of Stripe, and one that is told by its id alone.
    #[test]
    fn a_payment_without_a_charge_says_nothing() {
        for intent in ["null", r#""pi_1""#, r#"{"latest_charge":null}"#, r#"{"latest_charge":"ch_1"}"#] {
            assert!(payment("paid", intent).charge().is_none(), "{intent}");
        }
    }

    #[test]
    fn why_it_was_not_finalized_is_said_in_one_line() {
        for (error, expected) in [
            (r#"{"code":"tax_missing","message":"No tax\n id."}"#, "tax_missing: No tax id."),
            (r#"{"code":null,"message":"No."}"#, "No."),
            ("{}", ""),
        ] {
            let text =
                INVOICE.replace(r#""last_finalization_error":null"#, &format!(r#""last_finalization_error":{error}"#));
            let wire: StandingWire = serde_json::from_str(&text).expect("readable");
            assert_eq!(wire.with(&[]).expect("an invoice").not_finalized.as_deref(), Some(expected));
        }
    }
}
