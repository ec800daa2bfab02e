//! `customer_details`: somebody who is only described, or a customer as they would be.

use super::super::super::error::Error;
use super::super::super::params::Params;
use super::super::super::state::{Call, State, text};
use super::super::super::{customers, tax_ids};
use super::of;
use serde_json::Value;

/// The customer who is meant, where one is described. They live in the copy, and no longer than that.
pub(super) fn apply(state: &mut State, call: &Call) -> Result<Option<String>, Error> {
    let Some(details) = call.params.get("customer_details").and_then(Value::as_object) else { return Ok(None) };
    if details.contains_key("tax") {
        return Err(Error::unmodelled("`customer_details[tax]`"));
    }
    let given = details.iter().filter(|(name, _)| *name != "tax_ids");
    let params: Params = given.map(|(name, value)| (name.clone(), value.clone())).collect();
    let id = match call.text("customer") {
        Some(id) => {
            customers::update(state, &of(call, vec![id.to_owned()], Value::Object(params)))?;
            id.to_owned()
        }
        None => text(&customers::create(state, &of(call, vec![], Value::Object(params)))?, "id").to_owned(),
    };
    if let Some(described) = details.get("tax_ids").and_then(Value::as_array) {
        tax_ids::end_of_customer(state, &id);
        for one in described {
            tax_ids::create(state, &of(call, vec![id.clone()], one.clone()))?;
        }
    }
    Ok(Some(id))
}
