//! Stripe Tax: whether a deal's amounts are with or without it, and whether an address is enough to know where a customer is.

use domain::{Address, CountryCode};
use serde::{Deserialize, Serialize};

use crate::{Code, CustomerDetails, Stop};

/// What the amounts in Salesforce are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxBehavior {
    /// Without tax: it comes on top.
    Exclusive,
    /// With tax: it is inside.
    Inclusive,
}

impl TaxBehavior {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exclusive => "exclusive",
            Self::Inclusive => "inclusive",
        }
    }

    /// What the operator wrote: `off`, or one of the two.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        match text {
            "off" => Ok(None),
            "exclusive" => Ok(Some(Self::Exclusive)),
            "inclusive" => Ok(Some(Self::Inclusive)),
            _ => Err("it must be off, exclusive or inclusive".to_owned()),
        }
    }
}

/// Refused before anything is written, as Stripe would refuse it at the end: a ZIP code in the United States, a province or a
/// postal code in Canada and India, elsewhere the country. A shipping address comes first, and where it does not do, no other is
/// tried (docs.stripe.com/tax/customer-locations).
pub(crate) fn located(customer: &CustomerDetails) -> Result<(), Stop> {
    match &customer.shipping {
        Some(shipping) => located_by(Some(shipping), "Shipping"),
        None => located_by(customer.address.as_ref(), "Billing"),
    }
}

fn located_by(address: Option<&Address>, which: &str) -> Result<(), Stop> {
    let country = address.and_then(|address| address.country.as_ref()).map(CountryCode::as_str);
    let has_zip_code = address.and_then(|address| address.postal_code.as_deref()).is_some_and(is_zip_code);
    let has_region = address.is_some_and(|address| address.state.is_some() || address.postal_code.is_some());
    let missing = match country {
        None => format!("{which} Country"),
        Some("US") if !has_zip_code => format!("the five digits of the ZIP code in {which} Zip/Postal Code"),
        Some("CA" | "IN") if !has_region => format!("{which} State/Province or {which} Zip/Postal Code"),
        Some(_) => return Ok(()),
    };
    let message = format!("Fill in {missing} on the account: without it Stripe cannot calculate the tax.");
    Err(Stop::refused(Code::TaxLocationUnknown, message))
}

/// `94107` or `94107-1234`.
fn is_zip_code(text: &str) -> bool {
    let has_five_digits = text.get(..5).is_some_and(|zip| zip.bytes().all(|digit| digit.is_ascii_digit()));
    has_five_digits && matches!(text.as_bytes().get(5), None | Some(b'-' | b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(country: Option<&str>, state: Option<&str>, postal_code: Option<&str>) -> Address {
        Address {
            line1: None,
            line2: None,
            city: None,
            state: state.map(str::to_owned),
            postal_code: postal_code.map(str::to_owned),
            country: country.map(|country| CountryCode::parse(country).expect("a country")),
        }
    }

    #[test]
    fn where_a_customer_is_must_be_known() {
        for (country, state, postal_code, is_known) in [
            (Some("DE"), None, None, true),
            (Some("US"), None, Some("94107"), true),
            (Some("US"), None, Some("94107-1234"), true),
            (Some("US"), Some("CA"), None, false),
            (Some("US"), None, Some("9410"), false),
            (Some("US"), None, Some("94107A"), false),
            (Some("US"), None, Some("ABCDE"), false),
            (Some("CA"), Some("ON"), None, true),
            (Some("CA"), None, Some("K1A 0B1"), true),
            (Some("CA"), None, None, false),
            (Some("IN"), None, None, false),
            (Some("IN"), Some("KA"), None, true),
            (None, Some("ON"), Some("94107"), false),
        ] {
            let found = located_by(Some(&address(country, state, postal_code)), "Billing");
            assert_eq!(found.is_ok(), is_known, "{country:?} {state:?} {postal_code:?}");
            assert!(found.is_ok() || found.is_err_and(|stop| stop.code == Code::TaxLocationUnknown));
        }
        assert!(located_by(None, "Billing").is_err_and(|stop| stop.message.contains("Billing Country")));
    }

    /// Stripe does not try the billing address where the shipping address does not do.
    #[test]
    fn a_shipping_address_comes_first() {
        let email = domain::BillingEmail::parse("ap@acme.example").expect("valid");
        let somewhere = CustomerDetails {
            address: Some(address(Some("DE"), None, None)),
            ..CustomerDetails::new("Acme".into(), email)
        };
        assert!(located(&somewhere).is_ok());
        let shipped = |shipping| CustomerDetails { shipping: Some(shipping), ..somewhere.clone() };
        assert!(located(&shipped(address(Some("US"), None, Some("94107")))).is_ok());
        let stop = located(&shipped(address(Some("US"), None, None))).expect_err("where in the United States?");
        assert!(stop.message.contains("Shipping Zip/Postal Code"), "{}", stop.message);
    }

    #[test]
    fn the_operator_says_how_amounts_are_meant() {
        for (text, expected) in
            [("off", None), ("exclusive", Some(TaxBehavior::Exclusive)), ("inclusive", Some(TaxBehavior::Inclusive))]
        {
            assert_eq!(TaxBehavior::parse(text), Ok(expected));
            assert!(expected.is_none_or(|behavior| behavior.as_str() == text));
        }
        assert!(TaxBehavior::parse("on").is_err());
    }
}
