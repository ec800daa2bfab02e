//! Ids as types, so that an account can never be billed by an opportunity's id.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("a Salesforce id has 15 or 18 letters and digits")]
    NotASalesforceId,
    #[error(
        "the last three characters of the 18-character Salesforce id do not match the first fifteen, which would end with {expected}"
    )]
    WrongChecksum { expected: String },
    #[error("a {object} id begins with {prefix}")]
    WrongPrefix { object: &'static str, prefix: &'static str },
    #[error("a Stripe {object} id is {prefix} followed by letters and digits")]
    NotAStripeId { object: &'static str, prefix: &'static str },
}

/// The three characters that make a 15-character id safe to compare without case: bit i of each is set when character i
/// of its block of five is upper case.
fn checksum(first_fifteen: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    first_fifteen
        .chunks(5)
        .map(|block| {
            let index =
                block.iter().enumerate().fold(0usize, |bits, (i, c)| bits | (usize::from(c.is_ascii_uppercase()) << i));
            char::from(ALPHABET[index])
        })
        .collect()
}

/// Normalises to 18 characters: APIs answer 18, formulas and reports 15, and both must become one key.
fn salesforce_id(text: &str, object: &'static str, prefix: &'static str) -> Result<String, IdError> {
    if !matches!(text.len(), 15 | 18) || !text.bytes().all(|c| c.is_ascii_alphanumeric()) {
        return Err(IdError::NotASalesforceId);
    }
    if !text.starts_with(prefix) {
        return Err(IdError::WrongPrefix { object, prefix });
    }
    let (first_fifteen, given) = text.split_at(15);
    let expected = checksum(first_fifteen.as_bytes());
    if !given.is_empty() && !given.eq_ignore_ascii_case(&expected) {
        return Err(IdError::WrongChecksum { expected });
    }
    Ok(format!("{first_fifteen}{expected}"))
}

fn stripe_id(text: &str, object: &'static str, prefix: &'static str) -> Result<String, IdError> {
    let valid = text.strip_prefix(prefix).is_some_and(|rest| {
        !rest.is_empty() && rest.len() <= 200 && rest.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
    });
    if valid { Ok(text.to_owned()) } else { Err(IdError::NotAStripeId { object, prefix }) }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $parse:ident($object:literal, $prefix:literal);)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn parse(text: &str) -> Result<Self, IdError> {
                $parse(text, $object, $prefix).map(Self)
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A Salesforce organization (`00D…`), always 18 characters.
    OrganizationId = salesforce_id("Organization", "00D");
    /// A Salesforce user (`005…`), always 18 characters.
    UserId = salesforce_id("User", "005");
    /// A Salesforce account (`001…`), always 18 characters.
    AccountId = salesforce_id("Account", "001");
    /// A Salesforce opportunity (`006…`), always 18 characters.
    OpportunityId = salesforce_id("Opportunity", "006");
    /// A Salesforce contract (`800…`), always 18 characters.
    ContractId = salesforce_id("Contract", "800");
    /// A Salesforce queue (`00G…`), always 18 characters.
    QueueId = salesforce_id("Queue", "00G");
    /// A list view in Salesforce (`00B…`), always 18 characters.
    ListViewId = salesforce_id("ListView", "00B");
    /// A product in Salesforce (`Product2`, `01t…`), always 18 characters. Stripe's product is `ProductId`.
    Product2Id = salesforce_id("Product2", "01t");
    /// A line of a deal in Salesforce, always 18 characters: an opportunity's (`00k…`), an order's (`802…`), or a quote's, whose
    /// prefix differs from one organization to the next.
    LineItemId = salesforce_id("line item", "");
    /// A Stripe customer (`cus_…`).
    CustomerId = stripe_id("customer", "cus_");
    /// A Stripe invoice (`in_…`).
    InvoiceId = stripe_id("invoice", "in_");
    InvoicePaymentId = stripe_id("invoice payment", "inpay_");
    /// A Stripe credit note (`cn_…`).
    CreditNoteId = stripe_id("credit note", "cn_");
    /// A Stripe charge (`ch_…`, or `py_…` where it is no card that is charged).
    ChargeId = stripe_charge_id("charge", "ch_");
    /// A Stripe dispute (`du_…`, or `dp_…` for older ones).
    DisputeId = stripe_dispute_id("dispute", "du_");
    /// A schedule of a Stripe subscription (`sub_sched_…`).
    ScheduleId = stripe_id("subscription schedule", "sub_sched_");
    /// A Stripe subscription (`sub_…`).
    SubscriptionId = stripe_id("subscription", "sub_");
    /// An item of a Stripe subscription (`si_…`).
    SubscriptionItemId = stripe_id("subscription item", "si_");
    /// A tax id of a Stripe customer, as an object (`txi_…`).
    TaxIdId = stripe_id("tax id", "txi_");
    /// A webhook endpoint at Stripe (`we_…`).
    WebhookEndpointId = stripe_id("webhook endpoint", "we_");
    /// A Stripe price (`price_…`, or `plan_…` for those made before prices existed).
    PriceId = stripe_price_id("price", "price_");
    /// A Stripe product. Products made with an id of the user's own keep it, so no prefix is asked for.
    ProductId = stripe_product_id("product", "");
}

fn stripe_price_id(text: &str, object: &'static str, prefix: &'static str) -> Result<String, IdError> {
    stripe_id(text, object, "plan_").or_else(|_| stripe_id(text, object, prefix))
}

fn stripe_charge_id(text: &str, object: &'static str, prefix: &'static str) -> Result<String, IdError> {
    stripe_id(text, object, "py_").or_else(|_| stripe_id(text, object, prefix))
}

fn stripe_dispute_id(text: &str, object: &'static str, prefix: &'static str) -> Result<String, IdError> {
    stripe_id(text, object, "dp_").or_else(|_| stripe_id(text, object, prefix))
}

fn stripe_product_id(text: &str, object: &'static str, prefix: &'static str) -> Result<String, IdError> {
    let valid = !text.is_empty() && text.len() <= 200 && text.bytes().all(|c| c.is_ascii_graphic());
    if valid { Ok(text.to_owned()) } else { Err(IdError::NotAStripeId { object, prefix }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_characters_become_eighteen() {
        let id = OpportunityId::parse("006xx0000012AbC").expect("valid");
        assert_eq!(id.as_str().len(), 18);
        assert_eq!(OpportunityId::parse(id.as_str()), Ok(id));
    }

    #[test]
    fn the_checksum_is_salesforces() {
        assert_eq!(AccountId::parse("001000000000001").expect("valid").as_str(), "001000000000001AAA");
        assert_eq!(AccountId::parse("001D000000IRFmaIAH").expect("valid").as_str(), "001D000000IRFmaIAH");
        assert_eq!(AccountId::parse("001D000000IRFma").expect("valid").as_str(), "001D000000IRFmaIAH");
    }

    #[test]
    fn a_wrong_id_is_refused() {
        for (text, expected) in [
            ("", IdError::NotASalesforceId),
            ("../006000000000001", IdError::NotASalesforceId),
            ("006000000000001' OR Name != '", IdError::NotASalesforceId),
            ("001000000000001AAA", IdError::WrongPrefix { object: "Opportunity", prefix: "006" }),
            ("006000000000001AAB", IdError::WrongChecksum { expected: "AAA".into() }),
        ] {
            assert_eq!(OpportunityId::parse(text), Err(expected), "{text}");
        }
        for text in ["", "in_", "cus_1", "in_1/../x", "in_1?x", "in_ 1"] {
            assert!(InvoiceId::parse(text).is_err(), "{text}");
        }
        assert!(PriceId::parse("price_1Abc").is_ok());
        assert!(PriceId::parse("plan_1Abc").is_ok());
        assert!(PriceId::parse("prod_1Abc").is_err());
    }

    #[test]
    fn a_product_may_have_an_id_of_the_users_own() {
        for text in ["prod_1Abc", "support-gold", &"x".repeat(200)] {
            assert_eq!(ProductId::parse(text).map(|id| id.to_string()), Ok((*text).to_owned()));
        }
        for text in ["", "support gold", "süpport", &"x".repeat(201)] {
            let expected = IdError::NotAStripeId { object: "product", prefix: "" };
            assert_eq!(ProductId::parse(text), Err(expected), "{text}");
        }
    }
}
