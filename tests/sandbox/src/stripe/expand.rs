//! `expand[]`: ids replaced by the objects they name, along a path of at most four steps.

use super::error::Error;
use super::payments;
use super::state::{State, text};
use super::tax;
use serde_json::Value;

const DEEPEST: usize = 4;

pub fn expand(state: &State, answer: &mut Value, paths: &Value) -> Result<(), Error> {
    for path in paths.as_array().into_iter().flatten().filter_map(Value::as_str) {
        let steps: Vec<&str> = path.split('.').collect();
        let on_a_list = matches!(text(answer, "object"), "list" | "search_result");
        let depth = steps.len() - usize::from(on_a_list && steps[0] == "data");
        if depth > DEEPEST {
            let message = format!("You cannot expand more than {DEEPEST} levels of a property: {path}");
            return Err(Error::invalid("expand", message));
        }
        walk(state, answer, &steps, path)?;
    }
    Ok(())
}

fn walk(state: &State, value: &mut Value, steps: &[&str], path: &str) -> Result<(), Error> {
    let Some((step, rest)) = steps.split_first() else {
        return Ok(());
    };
    match value {
        Value::Array(elements) => elements.iter_mut().try_for_each(|element| walk(state, element, steps, path)),
        Value::Object(_) => {
            // What objects show only when asked.
            if value["object"] == "customer" && *step == "tax" && value.get("tax").is_none() {
                value["tax"] = tax::of_customer(state, value);
            }
            if value["object"] == "invoice" && *step == "payments" && value.get("payments").is_none() {
                value["payments"] = payments::of_invoice(state, text(value, "id"));
            }
            let Some(child) = value.get_mut(*step) else {
                return Err(cannot_be_expanded(path));
            };
            if let Some(id) = child.as_str() {
                let table = table_of(step).ok_or_else(|| cannot_be_expanded(path))?;
                if let Some(object) = state.table(table).get(id) {
                    *child = state.shown(table, object);
                }
            }
            walk(state, child, rest, path)
        }
        // Nothing to expand in a field that is empty.
        _ => Ok(()),
    }
}

fn cannot_be_expanded(path: &str) -> Error {
    let message = format!("This property cannot be expanded ({path}).");
    Error::invalid("expand", message)
}

fn table_of(field: &str) -> Option<&'static str> {
    Some(match field {
        "customer" => "customer",
        "product" => "product",
        "price" | "default_price" => "price",
        "invoice" | "latest_invoice" | "latest_revision" => "invoice",
        "subscription" => "subscription",
        "schedule" => "subscription_schedule",
        "payment_intent" => "payment_intent",
        "charge" | "latest_charge" => "charge",
        _ => return None,
    })
}
