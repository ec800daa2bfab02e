//! How the money of an invoice is asked for.

use serde::{Deserialize, Serialize};

/// In Stripe's words. Of a subscription's invoices, which go by its own, every one is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    /// The customer gets it, and pays within the days that were agreed.
    #[default]
    SendInvoice,
    /// The customer's default payment method is charged at once, if there is one; else it is sent.
    ChargeAutomatically,
}

impl Collection {
    /// As the configuration writes it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "send_invoice" => Ok(Self::SendInvoice),
            "charge_automatically" => Ok(Self::ChargeAutomatically),
            _ => Err("it must be send_invoice or charge_automatically".to_owned()),
        }
    }

    pub fn charges(self) -> bool {
        self == Self::ChargeAutomatically
    }

    pub fn sends(&self) -> bool {
        *self == Self::SendInvoice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_is_one_of_its_names() {
        assert_eq!(Collection::parse("send_invoice"), Ok(Collection::default()));
        assert_eq!(Collection::parse("charge_automatically"), Ok(Collection::ChargeAutomatically));
        assert_eq!([Collection::SendInvoice, Collection::ChargeAutomatically].map(Collection::charges), [false, true]);
        assert_eq!([Collection::SendInvoice, Collection::ChargeAutomatically].map(|one| one.sends()), [true, false]);
        for text in ["", "charge", "Send_Invoice"] {
            assert!(Collection::parse(text).is_err(), "{text}");
        }
    }
}
