//! How the collection of an invoice goes: what is still due, what Stripe tried, and why it did not work.

use std::collections::BTreeMap;

use domain::{Currency, InvoiceId};
use jiff::Timestamp;
use serde::Deserialize;

use crate::carried::{Carried, InvoiceParent};
use crate::error::Error;
use crate::objects::{Expanded, List, Seconds};
use crate::reads::unreadable;
use crate::{Client, InvoiceStatus};

/// An invoice, as far as somebody has to know it who runs after its payment.
#[derive(Clone, PartialEq, Eq)]
pub struct Collecting {
    pub id: InvoiceId,
    pub status: InvoiceStatus,
    pub currency: Currency,
    /// Minor units.
    pub amount_remaining: i64,
    /// "The first attempt and automatic retries": one that a person asks for is not counted. api/invoices/object.
    pub attempt_count: u32,
    /// `None` where Stripe does not try by itself (any more).
    pub next_attempt: Option<Timestamp>,
    /// Of one that is sent to the customer.
    pub due_at: Option<Timestamp>,
    pub number: Option<String>,
    pub hosted_invoice_url: Option<String>,
    /// Why the last attempt failed, while nothing was paid since.
    pub declined: Option<Declined>,
    /// Its own, over that of its subscription.
    pub metadata: BTreeMap<String, String>,
}

/// Whoever has the hosted page's address sees the invoice and the customer's name, so it is left out.
impl std::fmt::Debug for Collecting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collecting")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("currency", &self.currency)
            .field("amount_remaining", &self.amount_remaining)
            .field("attempt_count", &self.attempt_count)
            .field("next_attempt", &self.next_attempt)
            .field("declined", &self.declined)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

/// In Stripe's words. `decline_code` is the bank's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Declined {
    pub code: Option<String>,
    pub decline_code: Option<String>,
    pub message: Option<String>,
}

impl Declined {
    /// The bank's code, or else Stripe's, and the sentence; in one line.
    pub fn words(&self) -> Option<String> {
        let code = self.decline_code.as_ref().or(self.code.as_ref());
        let message = self.message.as_ref().map(|message| message.trim().trim_end_matches('.').to_owned());
        let given: Vec<_> = code.cloned().into_iter().chain(message).collect();
        let words = given.join(": ").split_whitespace().collect::<Vec<_>>().join(" ");
        Some(words).filter(|words| !words.is_empty())
    }
}

#[derive(Deserialize)]
struct CollectingWire {
    id: InvoiceId,
    status: Option<InvoiceStatus>,
    currency: String,
    amount_remaining: i64,
    attempt_count: u32,
    next_payment_attempt: Option<Seconds>,
    due_date: Option<Seconds>,
    number: Option<String>,
    hosted_invoice_url: Option<String>,
    payments: Option<List<PaymentWire>>,
    metadata: Option<BTreeMap<String, String>>,
    parent: Option<InvoiceParent>,
}

#[derive(Deserialize)]
struct PaymentWire {
    status: String,
    is_default: bool,
    payment: HowPaid,
}

#[derive(Deserialize)]
struct HowPaid {
    payment_intent: Option<Expanded<IntentWire>>,
}

#[derive(Deserialize)]
struct IntentWire {
    last_payment_error: Option<Declined>,
}

impl CollectingWire {
    /// Of the payments that are asked for still, the one that Stripe charges by itself before any other.
    fn declined(&mut self) -> Option<Declined> {
        let mut payments = self.payments.take().map(|payments| payments.data).unwrap_or_default();
        payments.retain(|payment| payment.status == "open");
        payments.sort_by_key(|payment| !payment.is_default);
        let intents = payments.into_iter().filter_map(|payment| payment.payment.payment_intent?.object());
        intents.into_iter().find_map(|intent| intent.last_payment_error)
    }

    fn into_collecting(mut self) -> Option<Collecting> {
        let declined = self.declined();
        let carried = Carried { metadata: self.metadata, billing_reason: None, parent: self.parent };
        Some(Collecting {
            id: self.id,
            status: self.status.unwrap_or(InvoiceStatus::Other),
            currency: Currency::parse(&self.currency).ok()?,
            amount_remaining: self.amount_remaining,
            attempt_count: self.attempt_count,
            next_attempt: self.next_payment_attempt.map(|seconds| seconds.0),
            due_at: self.due_date.map(|seconds| seconds.0),
            number: self.number,
            hosted_invoice_url: self.hosted_invoice_url,
            declined,
            metadata: carried.into_whole_metadata(),
        })
    }
}

/// "Expand payments": why one failed is said by its payment intent and not by the invoice. Four levels are the most: api/expanding_objects.
const WITH_INTENTS: &str = "expand[]=payments.data.payment.payment_intent";

impl Client {
    pub async fn collecting(&self, id: &InvoiceId) -> Result<Collecting, Error> {
        let wire: CollectingWire = self.get(&format!("/v1/invoices/{id}"), WITH_INTENTS).await?;
        wire.into_collecting().filter(|seen| seen.id == *id).ok_or_else(|| unreadable(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payments: &str, rest: &str) -> Collecting {
        let text = format!(
            r#"{{"id":"in_1","status":"open","currency":"eur","amount_remaining":1200,"attempt_count":2,"payments":{payments}{rest}}}"#
        );
        serde_json::from_str::<CollectingWire>(&text).expect("readable").into_collecting().expect("an invoice")
    }

    fn payment(status: &str, is_default: bool, intent: &str) -> String {
        format!(
            r#"{{"id":"inpay_1","status":"{status}","is_default":{is_default},"payment":{{"type":"payment_intent","payment_intent":{intent}}}}}"#
        )
    }

    fn list(payments: &[String]) -> String {
        format!(r#"{{"object":"list","has_more":false,"data":[{}]}}"#, payments.join(","))
    }

    #[test]
    fn why_it_failed_is_said_by_the_payment_that_is_still_asked_for() {
        let error = |code: &str| {
            format!(
                r#"{{"id":"pi_1","last_payment_error":{{"code":"card_declined","decline_code":"{code}","message":"No.","type":"card_error"}}}}"#
            )
        };
        let none = r#"{"id":"pi_1","last_payment_error":null}"#;
        for (payments, expected) in [
            (vec![], None),
            (vec![payment("open", true, none)], None),
            (vec![payment("open", true, &error("expired_card"))], Some("expired_card")),
            (vec![payment("open", true, r#""pi_1""#)], None),
            (vec![payment("paid", true, &error("expired_card"))], None),
            (vec![payment("canceled", true, &error("a")), payment("open", false, &error("b"))], Some("b")),
            (vec![payment("open", false, &error("a")), payment("open", true, &error("b"))], Some("b")),
            (vec![payment("open", false, &error("a")), payment("open", true, none)], Some("a")),
        ] {
            let seen = read(&list(&payments), "");
            let declined = seen.declined.as_ref().and_then(|declined| declined.decline_code.as_deref());
            assert_eq!(declined, expected, "{payments:?}");
        }
        assert_eq!(read("null", "").declined, None);
        let record = r#"{"object":"list","has_more":false,"data":[{"status":"open","is_default":true,"payment":{"type":"payment_record"}}]}"#;
        assert_eq!(read(record, "").declined, None);
    }

    #[test]
    fn a_reason_is_the_banks_word_before_stripes_and_a_sentence_in_one_line() {
        let text = |text: &str| Some(text.to_owned());
        for (code, decline_code, message, expected) in [
            (None, None, None, None),
            (
                text("card_declined"),
                text("expired_card"),
                text("It has\nexpired."),
                Some("expired_card: It has expired"),
            ),
            (text("card_declined"), None, None, Some("card_declined")),
            (None, None, text(" . "), None),
        ] {
            let declined = Declined { code, decline_code, message };
            assert_eq!(declined.words().as_deref(), expected, "{declined:?}");
        }
    }

    /// One of a later period has no metadata of its own.
    #[test]
    fn an_invoice_of_any_period_says_whose_it_is() {
        let of = r#","next_payment_attempt":1800000000,"parent":{"subscription_details":{"subscription":"sub_1","metadata":{"a":"1","b":"1"}}}"#;
        let seen = read("null", &format!(r#"{of},"metadata":{{"b":"2"}}"#));
        let expected = [("a", "1"), ("b", "2")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(seen.metadata, expected.into());
        assert_eq!((seen.attempt_count, seen.amount_remaining), (2, 1200));
        assert_eq!(seen.next_attempt.map(Timestamp::as_second), Some(1_800_000_000));
        assert!(read("null", "").metadata.is_empty() && !format!("{seen:?}").contains("hosted"));
    }
}
