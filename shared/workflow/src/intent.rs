//! What is about to be sent, written down before it is sent.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// After this long no request that was sent is still under way.
pub const QUIET: SignedDuration = SignedDuration::from_mins(10);

/// The writes that an idempotency key protects. At most one of each is under way in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Operation {
    CreateCustomer,
    UpdateCustomer,
    AddTaxId,
    RemoveTaxId,
    CreateInvoice,
    AddLines {
        batch: u16,
    },
    /// Of an older program, whose intents are still read. Nothing asks for it any more.
    CorrectLines {
        batch: u16,
    },
    SendInvoice,
    VoidInvoice,
    CreditInvoice,
    CreatePrice {
        index: u16,
    },
    CreateSubscription,
    HoldInvoice,
    DisarmInvoice,
    RenewSubscription,
    EndSubscription,
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CreateCustomer => f.write_str("create_customer"),
            Self::UpdateCustomer => f.write_str("update_customer"),
            Self::AddTaxId => f.write_str("add_tax_id"),
            Self::RemoveTaxId => f.write_str("remove_tax_id"),
            Self::CreateInvoice => f.write_str("create_invoice"),
            Self::AddLines { batch } => write!(f, "add_lines.{batch}"),
            Self::CorrectLines { batch } => write!(f, "correct_lines.{batch}"),
            Self::SendInvoice => f.write_str("send_invoice"),
            Self::VoidInvoice => f.write_str("void_invoice"),
            Self::CreditInvoice => f.write_str("credit_invoice"),
            Self::CreatePrice { index } => write!(f, "create_price.{index}"),
            Self::CreateSubscription => f.write_str("create_subscription"),
            Self::HoldInvoice => f.write_str("hold_invoice"),
            Self::DisarmInvoice => f.write_str("disarm_invoice"),
            Self::RenewSubscription => f.write_str("renew_subscription"),
            Self::EndSubscription => f.write_str("end_subscription"),
        }
    }
}

impl From<Operation> for String {
    fn from(operation: Operation) -> String {
        operation.to_string()
    }
}

impl TryFrom<String> for Operation {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let batch = |number: &str| number.parse::<u16>().map_err(|_| format!("{text} is no operation"));
        match text.split_once('.').unwrap_or((&text, "")) {
            ("create_customer", "") => Ok(Self::CreateCustomer),
            ("update_customer", "") => Ok(Self::UpdateCustomer),
            ("add_tax_id", "") => Ok(Self::AddTaxId),
            ("remove_tax_id", "") => Ok(Self::RemoveTaxId),
            ("create_invoice", "") => Ok(Self::CreateInvoice),
            ("send_invoice", "") => Ok(Self::SendInvoice),
            ("void_invoice", "") => Ok(Self::VoidInvoice),
            ("credit_invoice", "") => Ok(Self::CreditInvoice),
            ("create_subscription", "") => Ok(Self::CreateSubscription),
            ("hold_invoice", "") => Ok(Self::HoldInvoice),
            ("disarm_invoice", "") => Ok(Self::DisarmInvoice),
            ("renew_subscription", "") => Ok(Self::RenewSubscription),
            ("end_subscription", "") => Ok(Self::EndSubscription),
            ("create_price", number) => Ok(Self::CreatePrice { index: batch(number)? }),
            ("correct_lines", number) => Ok(Self::CorrectLines { batch: batch(number)? }),
            ("add_lines", number) => Ok(Self::AddLines { batch: batch(number)? }),
            _ => Err(format!("{text} is no operation")),
        }
    }
}

/// One write, as it was decided. The body is kept to the byte: a newer version of this program may encode the same
/// parameters differently, and Stripe answers another body under the same key with an error.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Goes up when a new key is needed: after a definite refusal, or when a key is too old to be trusted.
    pub generation: u32,
    /// How often the ledger had been restored when it was written.
    #[serde(default)]
    pub epoch: u64,
    pub key: String,
    pub path: String,
    /// Taken away once the answer is known: it may hold a name and an address.
    pub body: Option<String>,
    pub first_sent: Timestamp,
    pub last_sent: Timestamp,
    /// Stripe replayed a server error under this key: the same key will never give another answer.
    pub replays_error: bool,
    /// Of some attempt nobody knows what became of it: it may still be on its way to Stripe.
    #[serde(default)]
    pub ambiguous: bool,
}

/// The ledger was restored from a backup: what happened after `since` is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// Goes up with every restore. It is part of every key that is made afterwards, since earlier ones may have been used in
    /// the time that was lost.
    pub epoch: u64,
    pub since: Timestamp,
}

impl Restored {
    /// Of what two restores may have taken away, all is looked for: the earlier may not have been looked for yet.
    pub fn after(self, earlier: Option<Self>) -> Self {
        let since = earlier.map_or(self.since, |earlier| earlier.since.min(self.since));
        Self { since, ..self }
    }
}

impl std::fmt::Debug for Intent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intent").field("generation", &self.generation).field("path", &self.path).finish_non_exhaustive()
    }
}

impl Intent {
    /// Sent, or about to be, and not yet answered for certain.
    pub fn is_open(&self) -> bool {
        self.body.is_some()
    }

    pub fn settle(&mut self) {
        self.body = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Their names are part of every key and of every stored run.
    #[test]
    fn an_operation_is_written_down_as_ever() {
        for (operation, written) in [
            (Operation::CreateCustomer, "create_customer"),
            (Operation::UpdateCustomer, "update_customer"),
            (Operation::AddTaxId, "add_tax_id"),
            (Operation::RemoveTaxId, "remove_tax_id"),
            (Operation::CreateInvoice, "create_invoice"),
            (Operation::AddLines { batch: 0 }, "add_lines.0"),
            (Operation::AddLines { batch: 2 }, "add_lines.2"),
            (Operation::CorrectLines { batch: 1 }, "correct_lines.1"),
            (Operation::SendInvoice, "send_invoice"),
            (Operation::VoidInvoice, "void_invoice"),
            (Operation::CreditInvoice, "credit_invoice"),
            (Operation::CreatePrice { index: 3 }, "create_price.3"),
            (Operation::CreateSubscription, "create_subscription"),
            (Operation::HoldInvoice, "hold_invoice"),
            (Operation::DisarmInvoice, "disarm_invoice"),
            (Operation::RenewSubscription, "renew_subscription"),
            (Operation::EndSubscription, "end_subscription"),
            (Operation::UpdateCustomer, "update_customer"),
            (Operation::AddTaxId, "add_tax_id"),
            (Operation::RemoveTaxId, "remove_tax_id"),
        ] {
            assert_eq!(operation.to_string(), written);
            assert_eq!(String::from(operation), written);
            assert_eq!(Operation::try_from(written.to_owned()), Ok(operation));
        }
        for text in ["", "create_customer.1", "send_invoice.x", "add_lines", "add_lines.x", "add_lines.-1", "pay"] {
            assert_eq!(Operation::try_from(text.to_owned()), Err(format!("{text} is no operation")));
        }
    }

    #[test]
    fn of_two_restores_the_earlier_moment_counts() {
        let second = |second| Timestamp::from_second(second).expect("in range");
        let restored = |epoch, since| Restored { epoch, since: second(since) };
        assert_eq!(restored(2, 500).after(None), restored(2, 500));
        assert_eq!(restored(2, 500).after(Some(restored(1, 100))), restored(2, 100));
        assert_eq!(restored(2, 100).after(Some(restored(1, 500))), restored(2, 100));
    }

    #[test]
    fn an_intent_is_open_until_it_is_settled() {
        let at = Timestamp::UNIX_EPOCH;
        let mut intent = Intent {
            generation: 1,
            epoch: 0,
            key: "cw1_1".into(),
            path: "/v1/customers".into(),
            body: Some("name=Acme".into()),
            first_sent: at,
            last_sent: at,
            replays_error: false,
            ambiguous: false,
        };
        assert!(intent.is_open());
        assert!(!format!("{intent:?}").contains("Acme"), "a body may be about people");
        intent.settle();
        assert!(!intent.is_open());
    }
}
