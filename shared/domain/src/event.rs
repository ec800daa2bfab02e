//! The closed set of things that happen outside and matter here.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, ChargeId, CreditNoteId, Currency, CustomerId, DisputeId, InvoiceId, InvoicePaymentId, OpportunityId,
    ScheduleId, SubscriptionId,
};

/// A hint that something may have to be done. Events are never truth: the record or object is read again before anything
/// is decided, so neither their order nor their age nor their number matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// An opportunity was won, or one that may be won was edited.
    OpportunityChanged { opportunity_id: OpportunityId, occurred_at: Timestamp },
    /// An account that has a customer was edited, and the customer is to be told: the account's own, or the one that it has for
    /// subscriptions in a currency.
    AccountChanged {
        account_id: AccountId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<Currency>,
        occurred_at: Timestamp,
    },
    /// Stripe says that an invoice is paid.
    InvoicePaid { invoice_id: InvoiceId, occurred_at: Timestamp },
    /// Stripe says that something came in for an invoice: all of it, or a part.
    PaymentReceived { invoice_payment_id: InvoicePaymentId, occurred_at: Timestamp },
    /// Stripe could not collect an invoice: a payment was declined, or there was nothing to charge.
    PaymentFailed { invoice_id: InvoiceId, occurred_at: Timestamp },
    /// An invoice is not to be collected any more: it is void, or given up.
    InvoiceClosed { invoice_id: InvoiceId, occurred_at: Timestamp },
    /// An invoice was finalized, or could not be.
    InvoiceChanged { invoice_id: InvoiceId, occurred_at: Timestamp },
    /// The day on which an invoice was due has gone by, and it is not paid.
    InvoiceOverdue { invoice_id: InvoiceId, occurred_at: Timestamp },
    /// Something of an invoice was credited, or that was taken back.
    CreditNoteCreated { credit_note_id: CreditNoteId, occurred_at: Timestamp },
    /// Something of a payment was given back.
    ChargeRefunded { charge_id: ChargeId, occurred_at: Timestamp },
    /// A customer's bank wants a payment back.
    DisputeCreated { dispute_id: DisputeId, occurred_at: Timestamp },
    /// Somebody deleted a customer at Stripe.
    CustomerDeleted { customer_id: CustomerId, occurred_at: Timestamp },
    /// Something has become of what is scheduled for a subscription.
    ScheduleChanged { schedule_id: ScheduleId, occurred_at: Timestamp },
    /// Something has become of a subscription, or Salesforce names it since a moment ago.
    SubscriptionChanged { subscription_id: SubscriptionId, occurred_at: Timestamp },
    /// The reconciler found a run that is not finished and that nobody works on; its key in the ledger.
    RunDue { run: String, occurred_at: Timestamp },
    /// A run has come to an end that somebody is to be told of; its key in the ledger, and how often it has come to one by then.
    NotificationDue { run: String, count: u32, occurred_at: Timestamp },
    /// A day's statement is made, and somebody is to be told of it.
    DigestDue { day: Date, occurred_at: Timestamp },
    /// Salesforce lost change events and cannot say which records they were about (`GAP_OVERFLOW`).
    OpportunitiesLost { occurred_at: Timestamp },
}

/// How soon an event is worked on, where many wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// A deal, or something that went wrong and that somebody acts on: before everything else.
    First,
    /// What comes by the thousand on the first of a month, and is worked off in its turn.
    InTurn,
    /// How something stands. Several events about one record come within seconds, and one look after the last of them tells of them all.
    Settled,
}

impl Event {
    pub fn urgency(&self) -> Urgency {
        match self {
            Self::OpportunityChanged { .. }
            | Self::PaymentFailed { .. }
            | Self::InvoiceOverdue { .. }
            | Self::DisputeCreated { .. }
            | Self::CustomerDeleted { .. }
            | Self::RunDue { .. }
            | Self::NotificationDue { .. }
            | Self::DigestDue { .. }
            | Self::OpportunitiesLost { .. } => Urgency::First,
            // A part of a payment is told of at once too: the rest may take a month.
            Self::AccountChanged { .. } | Self::InvoicePaid { .. } | Self::PaymentReceived { .. } => Urgency::InTurn,
            // That an invoice is void or written off closes its case, which nobody waits for by the second.
            Self::InvoiceClosed { .. }
            | Self::InvoiceChanged { .. }
            | Self::CreditNoteCreated { .. }
            | Self::ChargeRefunded { .. }
            | Self::ScheduleChanged { .. }
            | Self::SubscriptionChanged { .. } => Urgency::Settled,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::OpportunityChanged { .. } => "opportunity_changed",
            Self::AccountChanged { .. } => "account_changed",
            Self::InvoicePaid { .. } => "invoice_paid",
            Self::PaymentReceived { .. } => "payment_received",
            Self::PaymentFailed { .. } => "payment_failed",
            Self::InvoiceClosed { .. } => "invoice_closed",
            Self::InvoiceChanged { .. } => "invoice_changed",
            Self::InvoiceOverdue { .. } => "invoice_overdue",
            Self::CreditNoteCreated { .. } => "credit_note_created",
            Self::ChargeRefunded { .. } => "charge_refunded",
            Self::DisputeCreated { .. } => "dispute_created",
            Self::CustomerDeleted { .. } => "customer_deleted",
            Self::ScheduleChanged { .. } => "schedule_changed",
            Self::SubscriptionChanged { .. } => "subscription_changed",
            Self::RunDue { .. } => "run_due",
            Self::NotificationDue { .. } => "notification_due",
            Self::DigestDue { .. } => "digest_due",
            Self::OpportunitiesLost { .. } => "opportunities_lost",
        }
    }

    pub fn occurred_at(&self) -> Timestamp {
        match self {
            Self::OpportunityChanged { occurred_at, .. }
            | Self::AccountChanged { occurred_at, .. }
            | Self::InvoicePaid { occurred_at, .. }
            | Self::PaymentReceived { occurred_at, .. }
            | Self::PaymentFailed { occurred_at, .. }
            | Self::InvoiceClosed { occurred_at, .. }
            | Self::InvoiceChanged { occurred_at, .. }
            | Self::InvoiceOverdue { occurred_at, .. }
            | Self::CreditNoteCreated { occurred_at, .. }
            | Self::ChargeRefunded { occurred_at, .. }
            | Self::DisputeCreated { occurred_at, .. }
            | Self::CustomerDeleted { occurred_at, .. }
            | Self::ScheduleChanged { occurred_at, .. }
            | Self::SubscriptionChanged { occurred_at, .. }
            | Self::RunDue { occurred_at, .. }
            | Self::NotificationDue { occurred_at, .. }
            | Self::DigestDue { occurred_at, .. }
            | Self::OpportunitiesLost { occurred_at } => *occurred_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The queue holds what an older version wrote.
    #[test]
    fn an_event_is_written_down_as_ever() {
        let at = Timestamp::from_second(1_793_577_600).expect("in range");
        let opportunity_id = OpportunityId::parse("006000000000001AAA").expect("valid");
        let account_id = AccountId::parse("001000000000001AAA").expect("valid");
        let invoice_id = InvoiceId::parse("in_1").expect("valid");
        let invoice_payment_id = InvoicePaymentId::parse("inpay_1").expect("valid");
        let subscription_id = SubscriptionId::parse("sub_1").expect("valid");
        for (event, rest) in [
            (
                Event::OpportunityChanged { opportunity_id, occurred_at: at },
                r#""opportunity_id":"006000000000001AAA","#,
            ),
            (
                Event::AccountChanged { account_id: account_id.clone(), currency: None, occurred_at: at },
                r#""account_id":"001000000000001AAA","#,
            ),
            (
                Event::AccountChanged { account_id, currency: Currency::parse("USD").ok(), occurred_at: at },
                r#""account_id":"001000000000001AAA","currency":"USD","#,
            ),
            (Event::InvoicePaid { invoice_id: invoice_id.clone(), occurred_at: at }, r#""invoice_id":"in_1","#),
            (Event::PaymentFailed { invoice_id: invoice_id.clone(), occurred_at: at }, r#""invoice_id":"in_1","#),
            (Event::InvoiceClosed { invoice_id, occurred_at: at }, r#""invoice_id":"in_1","#),
            (Event::PaymentReceived { invoice_payment_id, occurred_at: at }, r#""invoice_payment_id":"inpay_1","#),
            (
                Event::InvoiceChanged { invoice_id: InvoiceId::parse("in_1").expect("valid"), occurred_at: at },
                r#""invoice_id":"in_1","#,
            ),
            (
                Event::InvoiceOverdue { invoice_id: InvoiceId::parse("in_1").expect("valid"), occurred_at: at },
                r#""invoice_id":"in_1","#,
            ),
            (
                Event::CreditNoteCreated {
                    credit_note_id: CreditNoteId::parse("cn_1").expect("valid"),
                    occurred_at: at,
                },
                r#""credit_note_id":"cn_1","#,
            ),
            (
                Event::ChargeRefunded { charge_id: ChargeId::parse("ch_1").expect("valid"), occurred_at: at },
                r#""charge_id":"ch_1","#,
            ),
            (
                Event::DisputeCreated { dispute_id: DisputeId::parse("du_1").expect("valid"), occurred_at: at },
                r#""dispute_id":"du_1","#,
            ),
            (
                Event::CustomerDeleted { customer_id: CustomerId::parse("cus_1").expect("valid"), occurred_at: at },
                r#""customer_id":"cus_1","#,
            ),
            (
                Event::ScheduleChanged {
                    schedule_id: ScheduleId::parse("sub_sched_1").expect("valid"),
                    occurred_at: at,
                },
                r#""schedule_id":"sub_sched_1","#,
            ),
            (Event::SubscriptionChanged { subscription_id, occurred_at: at }, r#""subscription_id":"sub_1","#),
            (Event::RunDue { run: "run#1".into(), occurred_at: at }, r#""run":"run#1","#),
            (Event::NotificationDue { run: "run#1".into(), count: 2, occurred_at: at }, r#""run":"run#1","count":2,"#),
            (Event::DigestDue { day: jiff::civil::date(2026, 11, 1), occurred_at: at }, r#""day":"2026-11-01","#),
            (Event::OpportunitiesLost { occurred_at: at }, ""),
        ] {
            let written = serde_json::to_string(&event).expect("written");
            assert_eq!(written, format!(r#"{{"type":"{}",{rest}"occurred_at":"{at}"}}"#, event.name()));
            assert_eq!(serde_json::from_str::<Event>(&written).expect("read"), event);
            assert_eq!(event.occurred_at(), at);
        }
    }
}
