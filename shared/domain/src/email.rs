//! The address that an invoice is sent to.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    #[error("the billing e-mail is empty")]
    Empty,
    #[error("the billing e-mail is longer than 512 characters")]
    TooLong,
    #[error("the billing e-mail is not one address of the form name@example.com")]
    Malformed,
}

/// One trimmed e-mail address of at most 512 characters, which is what Stripe takes. Debug never prints it: an address
/// belongs to a person and has no place in a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BillingEmail(String);

impl BillingEmail {
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidEmail::Empty);
        }
        if text.chars().count() > 512 {
            return Err(InvalidEmail::TooLong);
        }
        let (local, host) = text.rsplit_once('@').ok_or(InvalidEmail::Malformed)?;
        let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '<' | '>' | '"' | '@');
        let host_is_dotted =
            host.contains('.') && host.split('.').all(|label| !label.is_empty() && !label.starts_with('-'));
        if local.is_empty() || local.starts_with('.') || local.ends_with('.') || !host_is_dotted {
            return Err(InvalidEmail::Malformed);
        }
        if local.contains(bad) || host.contains(bad) {
            return Err(InvalidEmail::Malformed);
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BillingEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BillingEmail(…)")
    }
}

impl TryFrom<String> for BillingEmail {
    type Error = InvalidEmail;

    fn try_from(text: String) -> Result<Self, InvalidEmail> {
        Self::parse(&text)
    }
}

impl From<BillingEmail> for String {
    fn from(email: BillingEmail) -> String {
        email.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_and_nothing_else() {
        for text in ["ap@acme.example", " ap@acme.example\n", "a.b+c@sub.acme.example", "büro@acme.example"] {
            assert_eq!(BillingEmail::parse(text).map(String::from), Ok(text.trim().to_owned()));
        }
        for text in [
            "ap",
            "ap@",
            "@acme.example",
            "ap@acme",
            "a b@acme.example",
            "a@b.example, c@d.example",
            "a@b@c.example",
            ".ap@acme.example",
            "ap.@acme.example",
            "ap@acme..example",
            "ap@.example",
            "ap@-acme.example",
            "ap@acme.",
        ] {
            assert_eq!(BillingEmail::parse(text), Err(InvalidEmail::Malformed), "{text}");
        }
        assert_eq!(BillingEmail::parse("  "), Err(InvalidEmail::Empty));
        let longest = format!("{}@acme.example", "a".repeat(512 - 13));
        assert_eq!(BillingEmail::parse(&longest).map(|email| email.as_str().len()), Ok(512));
        assert_eq!(BillingEmail::parse(&format!("a{longest}")), Err(InvalidEmail::TooLong));
        assert_eq!(BillingEmail::parse(&format!("{}@acme.example", "a".repeat(512))), Err(InvalidEmail::TooLong));
    }

    #[test]
    fn debug_does_not_print_it() {
        let email = BillingEmail::parse("ap@acme.example").expect("valid");
        assert!(!format!("{email:?}").contains("acme"));
    }
}
