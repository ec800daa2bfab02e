//! What Stripe would refuse, in its own words, where that can be known without asking for it.

use domain::Currency;
use stripe::{Error, Refusal};

fn of(status: u16, code: Option<&str>, param: Option<&str>, message: String) -> Error {
    let (code, param) = (code.map(str::to_owned), param.map(str::to_owned));
    let error_type = Some("invalid_request_error".to_owned());
    Error::Refused(Refusal { status, error_type, code, param, decline_code: None, message, request_id: None })
}

pub(super) fn refused(message: impl Into<String>) -> Error {
    of(400, None, None, message.into())
}

pub(super) fn about(param: &str, message: impl Into<String>) -> Error {
    of(400, None, Some(param), message.into())
}

/// An object that a path names is not there, or one that a parameter names.
pub(super) fn no_such(object: &str, id: &str, param: Option<&str>) -> Error {
    let status = if param.is_some() { 400 } else { 404 };
    of(status, Some("resource_missing"), Some(param.unwrap_or("id")), format!("No such {object}: '{id}'"))
}

pub(super) fn not_editable() -> Error {
    of(400, Some("invoice_not_editable"), None, "This invoice is no longer editable.".into())
}

/// An invoice can be begun without knowing where its customer is taxed, and a subscription cannot.
pub(super) fn location_invalid() -> Error {
    let message = "The customer's location isn't recognized. Set a valid customer address in order to automatically calculate tax.";
    of(400, Some("customer_tax_location_invalid"), Some("automatic_tax"), message.into())
}

pub(super) fn currencies_combined(other: Currency) -> Error {
    refused(format!(
        "You cannot combine currencies on a single customer. This customer has an active subscription, subscription schedule, discount, \
         quote, or invoice item with currency {}",
        other.to_stripe()
    ))
}
