//! A customer's numbers with tax authorities.

use super::error::Error;
use super::list;
use super::state::{Call, State, is_deleted, text};
use serde_json::{Value, json};

/// Of each kind that the sandbox knows the form of, what it begins with and how many characters follow. Others are taken as they are.
const FORMS: [(&str, &[&str], std::ops::RangeInclusive<usize>); 3] = [
    (
        "eu_vat",
        &[
            "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU", "IE", "IT", "LT", "LU",
            "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "XI",
        ],
        8..=12,
    ),
    ("gb_vat", &["GB", "XI"], 9..=12),
    ("ch_vat", &["CHE"], 9..=12),
];

fn plain(value: &str) -> String {
    value.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// At the creation of a customer, or later.
pub fn add(state: &mut State, customer: &str, data: &Value, param: &str) -> Result<Value, Error> {
    let (kind, value) = (text(data, "type"), text(data, "value"));
    let number = plain(value);
    let is_well_formed = match FORMS.iter().find(|(known, ..)| *known == kind) {
        None => !number.is_empty(),
        Some((_, beginnings, length)) => beginnings
            .iter()
            .any(|beginning| number.strip_prefix(beginning).is_some_and(|rest| length.contains(&rest.len()))),
    };
    if !is_well_formed {
        return Err(Error::invalid(param, format!("Invalid value for {kind}.")).code("tax_id_invalid"));
    }
    let is_there =
        of(state, customer).iter().any(|one| text(one, "type") == kind && plain(text(one, "value")) == number);
    if is_there {
        let message = format!("A tax ID with type `{kind}` and value `{value}` already exists for this customer.");
        return Err(Error::refused(message).code("resource_already_exists").param(param));
    }
    let tax_id = json!({
        "id": state.new_id("txi"),
        "object": "tax_id",
        "country": kind.get(..2).map(str::to_ascii_uppercase).filter(|country| country != "EU").or_else(|| number.get(..2).map(str::to_owned)),
        "created": state.now,
        "customer": customer,
        "customer_account": null,
        "livemode": false,
        "owner": { "customer": customer, "type": "customer" },
        "type": kind,
        "value": value,
        "verification": null,
    });
    state.put("tax_id", tax_id.clone());
    state.emit("customer.tax_id.created", "tax_id", &tax_id);
    Ok(tax_id)
}

/// Oldest first.
pub fn of(state: &State, customer: &str) -> Vec<Value> {
    state.table("tax_id").oldest_first().filter(|one| text(one, "customer") == customer).cloned().collect()
}

pub fn end_of_customer(state: &mut State, customer: &str) {
    for tax_id in of(state, customer) {
        state.table_mut("tax_id").remove(text(&tax_id, "id"));
    }
}

fn check_customer(state: &State, call: &Call) -> Result<(), Error> {
    match is_deleted(state.named("customer", call.id())?) {
        true => Err(Error::not_found("customer", call.id())),
        false => Ok(()),
    }
}

pub fn create(state: &mut State, call: &Call) -> Result<Value, Error> {
    check_customer(state, call)?;
    let data = json!({ "type": call.params["type"], "value": call.params["value"] });
    add(state, call.id(), &data, "value")
}

fn named(state: &State, call: &Call) -> Result<Value, Error> {
    check_customer(state, call)?;
    let id = call.ids.get(1).map_or("", String::as_str);
    let found = state.named("tax_id", id)?;
    if text(found, "customer") == call.id() { Ok(found.clone()) } else { Err(Error::not_found("tax_id", id)) }
}

pub fn retrieve(state: &mut State, call: &Call) -> Result<Value, Error> {
    named(state, call)
}

pub fn delete(state: &mut State, call: &Call) -> Result<Value, Error> {
    let tax_id = named(state, call)?;
    let id = text(&tax_id, "id");
    state.table_mut("tax_id").remove(id);
    state.emit("customer.tax_id.deleted", "tax_id", &tax_id);
    Ok(json!({ "id": id, "object": "tax_id", "deleted": true }))
}

pub fn list(state: &mut State, call: &Call) -> Result<Value, Error> {
    check_customer(state, call)?;
    let rows = state.table("tax_id").newest_first().filter(|row| text(row, "customer") == call.id());
    list::page(call, rows, "tax_id", &format!("/v1/customers/{}/tax_ids", call.id()))
}
