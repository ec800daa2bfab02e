//! Automatic tax, as far as an invoice shows it: where the customer is, whether that is enough to know, and one rate a country.
//! Stripe computes by product and by town; what a caller can get wrong is the location, and that is what this models.

use super::error::Error;
use super::invoices::lines;
use super::state::{State, int, text};
use super::tax_ids;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Where a customer is for tax: their shipping address if there is one, and then no other; else the address.
pub fn location(customer: &Value) -> Option<Value> {
    let (address, source) = match customer["shipping"].is_object() {
        true => (&customer["shipping"]["address"], "shipping_destination"),
        false => (&customer["address"], "billing_address"),
    };
    let (country, postal_code) = (text(address, "country"), text(address, "postal_code"));
    let state = address["state"].as_str().filter(|state| !state.is_empty());
    let is_enough = match country {
        "" => false,
        "US" => postal_code.len() >= 5 && postal_code.chars().take(5).all(|digit| digit.is_ascii_digit()),
        "CA" | "IN" => state.is_some() || !postal_code.is_empty(),
        _ => true,
    };
    is_enough.then(|| json!({ "country": country, "state": state, "source": source }))
}

/// `customer.tax`, which is shown when it is asked for.
pub fn of_customer(state: &State, customer: &Value) -> Value {
    let location = location(customer);
    let status = match &location {
        None => "unrecognized_location",
        Some(at) if rate(state, at).is_none() => "not_collecting",
        Some(_) => "supported",
    };
    json!({ "automatic_tax": status, "ip_address": null, "location": location, "provider": "stripe" })
}

pub fn check_location(customer: &Value, param: &str) -> Result<(), Error> {
    match location(customer) {
        Some(_) => Ok(()),
        None => Err(invalid_location().param(param)),
    }
}

pub fn invalid_location() -> Error {
    let message = "The customer's location isn't recognized. Set a valid customer address in order to automatically \
                   calculate tax.";
    Error::refused(message).code("customer_tax_location_invalid")
}

/// Percent, where tax is collected.
fn rate(state: &State, location: &Value) -> Option<Decimal> {
    state.tax_rates.get(text(location, "country")).copied()
}

fn is_business_elsewhere(state: &State, customer: &Value, location: &Value) -> bool {
    let is_elsewhere = text(location, "country") != state.account_country;
    is_elsewhere && tax_ids::of(state, text(customer, "id")).iter().any(|one| one["type"] == "eu_vat")
}

/// What each line of an invoice is taxed with, by the line's id; none where the location is not enough to know.
pub fn of_lines(state: &State, invoice: &Value) -> Option<HashMap<String, Value>> {
    let customer = state.table("customer").get(text(invoice, "customer"))?;
    let location = location(customer)?;
    let mut taxes = HashMap::new();
    for line in lines::of(state, text(invoice, "id")) {
        let price = state.table("price").get(text(&line["pricing"]["price_details"], "price"));
        let is_inclusive = price.is_some_and(|price| price["tax_behavior"] == "inclusive");
        let (percent, reason) = match (rate(state, &location), text(customer, "tax_exempt")) {
            (_, "exempt") => (Decimal::ZERO, "customer_exempt"),
            (_, "reverse") => (Decimal::ZERO, "reverse_charge"),
            (None, _) => (Decimal::ZERO, "not_collecting"),
            // A business in another country of the European Union accounts for the tax itself.
            _ if is_business_elsewhere(state, customer, &location) => (Decimal::ZERO, "reverse_charge"),
            (Some(percent), _) => (percent, "standard_rated"),
        };
        let amount = Decimal::from(int(&line, "amount"));
        let exact = match is_inclusive {
            true => amount - amount * Decimal::ONE_HUNDRED / (Decimal::ONE_HUNDRED + percent),
            false => amount * percent / Decimal::ONE_HUNDRED,
        };
        let rounded = exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        let tax = i64::try_from(rounded).unwrap_or_default();
        let tax = json!({
            "amount": tax,
            "tax_behavior": if is_inclusive { "inclusive" } else { "exclusive" },
            "tax_rate_details": { "tax_rate": format!("txr_1Sandbox{}", text(&location, "country")) },
            "taxability_reason": reason,
            "taxable_amount": if is_inclusive { int(&line, "amount") - tax } else { int(&line, "amount") },
            "type": "tax_rate_details",
        });
        taxes.insert(text(&line, "id").to_owned(), tax);
    }
    Some(taxes)
}

/// The taxes of all lines, one for each behavior and reason.
pub fn sums(taxes: &HashMap<String, Value>) -> Vec<Value> {
    let mut sums: Vec<Value> = Vec::new();
    for tax in taxes.values() {
        let same = |sum: &&mut Value| ["tax_behavior", "taxability_reason"].iter().all(|name| sum[*name] == tax[*name]);
        match sums.iter_mut().find(same) {
            None => sums.push(tax.clone()),
            Some(sum) => {
                for name in ["amount", "taxable_amount"] {
                    sum[name] = (int(sum, name) + int(tax, name)).into();
                }
            }
        }
    }
    sums.sort_by_key(|sum| text(sum, "tax_behavior").to_owned());
    sums
}

/// Of these, what comes on top, and what is inside already.
pub fn split(sums: &[Value]) -> (i64, i64) {
    let of =
        |behavior: &str| sums.iter().filter(|sum| sum["tax_behavior"] == behavior).map(|sum| int(sum, "amount")).sum();
    (of("exclusive"), of("inclusive"))
}
