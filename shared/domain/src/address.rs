//! Where somebody is.

use serde::{Deserialize, Serialize};

use crate::CountryCode;

#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    pub line1: Option<String>,
    pub line2: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub postal_code: Option<String>,
    pub country: Option<CountryCode>,
}

impl Address {
    /// Every part by the name that Stripe has for it.
    pub fn parts(&self) -> [(&'static str, Option<&str>); 6] {
        let Self { line1, line2, city, state, postal_code, country } = self;
        [
            ("line1", line1.as_deref()),
            ("line2", line2.as_deref()),
            ("city", city.as_deref()),
            ("state", state.as_deref()),
            ("postal_code", postal_code.as_deref()),
            ("country", country.as_ref().map(CountryCode::as_str)),
        ]
    }
}

/// Addresses of people have no place in a log.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Under these names Stripe reads it, and what was told of a customer is remembered by them.
    #[test]
    fn every_part_has_stripes_name() {
        let text = |text: &str| Some(text.to_owned());
        let address = Address {
            line1: text("Unter den Linden 1"),
            line2: None,
            city: text("Berlin"),
            state: text("BE"),
            postal_code: text("10117"),
            country: CountryCode::parse("Germany").ok(),
        };
        let parts = [
            ("line1", Some("Unter den Linden 1")),
            ("line2", None),
            ("city", Some("Berlin")),
            ("state", Some("BE")),
            ("postal_code", Some("10117")),
            ("country", Some("DE")),
        ];
        assert_eq!(address.parts(), parts);
    }
}
