//! Checks a decoded form against an operation's parameter list and gives it types.
//!
//! What comes out: integers and booleans as JSON's own, decimals and enums as strings, and an empty string wherever a
//! caller clears a clearable field.

use super::error::Error;
use super::form::Node;
use super::schema::{Kind, Operation, Schema};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub type Params = Map<String, Value>;

const LONGEST_STRING: usize = 5000;
const MOST_METADATA_KEYS: usize = 50;
const LONGEST_METADATA_KEY: usize = 40;
const LONGEST_METADATA_VALUE: usize = 500;

/// The typed parameters, or the first complaint, unknown parameters before anything else.
pub fn check(operation: &Operation, form: Vec<(String, Node)>) -> Result<Params, Error> {
    let Kind::Object { fields } = &operation.params.kind else {
        return Ok(Params::new());
    };
    object("", fields, form)
}

fn object(path: &str, fields: &BTreeMap<String, Schema>, form: Vec<(String, Node)>) -> Result<Params, Error> {
    let unknown: Vec<String> =
        form.iter().filter(|(name, _)| !fields.contains_key(name)).map(|(name, _)| join(path, name)).collect();
    if let Some(first) = unknown.first() {
        let plural = if unknown.len() > 1 { "s" } else { "" };
        let message = format!("Received unknown parameter{plural}: {}", unknown.join(", "));
        return Err(Error::invalid(first, message).code("parameter_unknown"));
    }
    let mut params = Params::new();
    for (name, node) in form {
        let at = join(path, &name);
        let value = value(&at, &fields[&name], node)?;
        params.insert(name, value);
    }
    match fields.iter().find(|(name, schema)| !schema.optional && !params.contains_key(*name)) {
        Some((name, _)) => Err(Error::missing(&join(path, name))),
        None => Ok(params),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}[{name}]") }
}

fn value(path: &str, schema: &Schema, node: Node) -> Result<Value, Error> {
    if node == Node::Text(String::new()) {
        let is_clearable = |schema: &Schema| schema.clearable;
        let clearable = match &schema.kind {
            Kind::Union { of } => schema.clearable || of.iter().any(is_clearable),
            _ => schema.clearable,
        };
        let clearable = clearable || is_part_of_address(path);
        return if clearable { Ok(Value::String(String::new())) } else { Err(cannot_be_unset(path)) };
    }
    match (&schema.kind, node) {
        (Kind::Union { of }, node) => union(path, of, node),
        (Kind::Object { fields }, Node::Map(map)) => Ok(Value::Object(object(path, fields, map)?)),
        (Kind::Array { items }, Node::Map(map)) => array(path, items, map),
        (Kind::Map, Node::Map(map)) => string_map(path, map),
        (Kind::Object { .. } | Kind::Map, Node::Text(_)) => Err(Error::invalid(path, "Invalid object")),
        (Kind::Array { .. }, Node::Text(_)) => Err(Error::invalid(path, "Invalid array")),
        (kind, Node::Text(text)) => scalar(path, kind, text),
        (_, Node::Map(_)) => Err(Error::invalid(path, "Invalid string: a nested value was given")),
    }
}

/// The list does not say so of the parts of a customer's address. But Stripe's own gateway for WooCommerce
/// (github.com/woocommerce/woocommerce-gateway-stripe, `includes/class-wc-stripe-customer.php`) sends them empty with every update
/// where a shop's customer has none.
fn is_part_of_address(path: &str) -> bool {
    path.strip_prefix("address[").is_some_and(|part| part.ends_with(']') && !part.contains('['))
}

fn cannot_be_unset(path: &str) -> Error {
    let message = format!(
        "You passed an empty string for '{path}'. We assume empty values are an attempt to unset a parameter; however \
         '{path}' cannot be unset. You should remove '{path}' from your request or supply a non-empty value."
    );
    Error::invalid(path, message).code("parameter_invalid_empty")
}

fn scalar(path: &str, kind: &Kind, text: String) -> Result<Value, Error> {
    match kind {
        Kind::Integer => text
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| Error::invalid(path, format!("Invalid integer: {text}")).code("parameter_invalid_integer")),
        Kind::Boolean => match text.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(Error::invalid(path, format!("Invalid boolean: {text}"))),
        },
        Kind::Number | Kind::DecimalString => decimal(path, text),
        Kind::Enum { values } if !values.contains(&text) => Err(not_one_of(path, values)),
        _ if text.chars().count() > LONGEST_STRING => {
            Err(Error::invalid(path, format!("Invalid string: must be at most {LONGEST_STRING} characters")))
        }
        _ => Ok(Value::String(text)),
    }
}

fn decimal(path: &str, text: String) -> Result<Value, Error> {
    let fraction_digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let plain = text.chars().all(|character| character.is_ascii_digit() || "-.".contains(character));
    if !plain || text.parse::<Decimal>().is_err() || fraction_digits > 12 {
        return Err(Error::invalid(path, format!("Invalid decimal: {text}; must have at most 12 decimal places")));
    }
    Ok(Value::String(text))
}

fn not_one_of(path: &str, values: &[String]) -> Error {
    let list = match values {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    };
    Error::invalid(path, format!("Invalid {path}: must be one of {list}"))
}

/// The first member that accepts the value; the last complaint when none does.
fn union(path: &str, of: &[Schema], node: Node) -> Result<Value, Error> {
    let mut complaint = Error::invalid(path, "Invalid value");
    for member in of {
        match value(path, member, node.clone()) {
            Ok(value) => return Ok(value),
            Err(error) => complaint = error,
        }
    }
    Err(complaint)
}

fn array(path: &str, items: &Schema, map: Vec<(String, Node)>) -> Result<Value, Error> {
    let mut numbered = Vec::with_capacity(map.len());
    for (key, node) in map {
        let index: u32 = key.parse().map_err(|_| Error::invalid(path, "Invalid array"))?;
        numbered.push((index, node));
    }
    numbered.sort_by_key(|(index, _)| *index);
    let checked: Result<Vec<Value>, Error> =
        numbered.into_iter().map(|(index, node)| value(&format!("{path}[{index}]"), items, node)).collect();
    Ok(Value::Array(checked?))
}

/// A map of strings, which is `metadata` nearly everywhere; an empty value unsets its key.
fn string_map(path: &str, map: Vec<(String, Node)>) -> Result<Value, Error> {
    if map.len() > MOST_METADATA_KEYS {
        return Err(too_many_keys(path));
    }
    let mut checked = Params::new();
    for (key, node) in map {
        let at = join(path, &key);
        let Node::Text(text) = node else {
            return Err(Error::invalid(&at, "Metadata values must be strings."));
        };
        if key.chars().count() > LONGEST_METADATA_KEY {
            let message = format!("Metadata keys can have up to {LONGEST_METADATA_KEY} characters.");
            return Err(Error::invalid(&at, message));
        }
        let length = text.chars().count();
        if length > LONGEST_METADATA_VALUE {
            let message = format!(
                "Metadata values can have up to {LONGEST_METADATA_VALUE} characters, but you passed in a value that is \
                 {length} characters."
            );
            return Err(Error::invalid(&at, message));
        }
        checked.insert(key, Value::String(text));
    }
    Ok(Value::Object(checked))
}

fn too_many_keys(path: &str) -> Error {
    Error::invalid(path, format!("Metadata can have up to {MOST_METADATA_KEYS} keys."))
}

/// Merges `metadata` the way every update does: an empty value unsets its key, an empty string unsets them all.
pub fn merge_metadata(target: &mut Value, params: &Params, name: &str) -> Result<(), Error> {
    match params.get(name) {
        None => {}
        Some(Value::Object(changes)) => {
            let mut merged = target.as_object().cloned().unwrap_or_default();
            for (key, value) in changes {
                match value.as_str() {
                    None | Some("") => drop(merged.shift_remove(key)),
                    Some(_) => drop(merged.insert(key.clone(), value.clone())),
                }
            }
            if merged.len() > MOST_METADATA_KEYS {
                return Err(too_many_keys(name));
            }
            *target = Value::Object(merged);
        }
        Some(_) => *target = Value::Object(Params::new()),
    }
    Ok(())
}
