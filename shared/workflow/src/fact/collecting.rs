//! How the collection of an invoice stands, as Stripe says it, and what Salesforce is to say of it.

use domain::{InvoiceId, Money, OpportunityId};
use jiff::Timestamp;
use mapping::{Dues, Failure};

use super::InvoiceStatus;

/// An invoice as Stripe just answered it, with what it tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectingSeen {
    pub invoice_id: InvoiceId,
    /// The deal that it bills; `None` where this deployment did not make it.
    pub opportunity_id: Option<OpportunityId>,
    pub status: InvoiceStatus,
    pub remaining: Money,
    pub attempts: u32,
    pub next_attempt: Option<Timestamp>,
    pub number: Option<String>,
    pub page: Option<String>,
    pub declined: Option<Declined>,
}

/// In Stripe's words: its code, the bank's, and a sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declined {
    pub code: Option<String>,
    pub decline_code: Option<String>,
    pub message: Option<String>,
}

impl Declined {
    fn reason(&self) -> Option<String> {
        let code = self.decline_code.as_ref().or(self.code.as_ref());
        let message = self.message.as_ref().map(|message| message.trim().trim_end_matches('.').to_owned());
        let given: Vec<_> = code.cloned().into_iter().chain(message).collect();
        let words = given.join(": ").split_whitespace().collect::<Vec<_>>().join(" ");
        Some(words).filter(|words| !words.is_empty())
    }
}

impl CollectingSeen {
    pub(crate) fn failure(self) -> Option<Failure> {
        let dues = match self.status {
            InvoiceStatus::Paid | InvoiceStatus::Void => Dues::Settled,
            InvoiceStatus::Open => Dues::Open,
            InvoiceStatus::Uncollectible => Dues::GivenUp,
            InvoiceStatus::Draft | InvoiceStatus::Other => Dues::Unknown,
        };
        Some(Failure {
            opportunity_id: self.opportunity_id?,
            invoice_id: self.invoice_id,
            dues,
            remaining: self.remaining,
            attempts: self.attempts,
            next_attempt: self.next_attempt,
            number: self.number,
            page: self.page,
            reason: self.declined.and_then(|declined| declined.reason()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(declined.reason().as_deref(), expected, "{declined:?}");
        }
    }
}
