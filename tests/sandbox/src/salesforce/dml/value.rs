//! One value of one field: what each type takes, and what it answers to the rest.

use rust_decimal::Decimal;

use crate::salesforce::error::{self, ApiError};
use crate::salesforce::id;
use crate::salesforce::json::{self, Json};
use crate::salesforce::org::{Org, is_deleted};
use crate::salesforce::schema::{Field, Kind};
use crate::salesforce::time;

/// Currency and number fields have sixteen digits before the point, two of which a currency needs behind it.
const MAX_NUMBER: i64 = 9_999_999_999_999_999;

pub fn checked(org: &Org, field: &Field, value: &Json) -> Result<Json, ApiError> {
    // An empty string clears a field, as null does.
    if value.is_null() || value.text().is_some_and(|text| text.trim().is_empty()) {
        return if field.kind == Kind::Checkbox { Err(wrong_type(field, value)) } else { Ok(Json::Null) };
    }
    match field.kind {
        Kind::Checkbox => match value {
            Json::Bool(value) => Ok((*value).into()),
            _ => Err(wrong_type(field, value)),
        },
        Kind::Currency | Kind::Number | Kind::Percent | Kind::Integer => number(field, value),
        Kind::Date => parsed(field, value, time::parse_date),
        Kind::DateTime => parsed(field, value, time::parse_datetime),
        Kind::Reference(targets) => reference(org, field, targets, value),
        Kind::Email => email(field, value),
        _ => text(field, value),
    }
}

fn number(field: &Field, value: &Json) -> Result<Json, ApiError> {
    let number = match value {
        Json::Number(number) => Some(*number),
        // A number in quotes is read as a number.
        Json::Text(text) => json::decimal(text.trim()),
        _ => None,
    };
    let number = number.ok_or_else(|| wrong_type(field, value))?;
    if field.kind == Kind::Integer && number.fract() != Decimal::ZERO {
        return Err(wrong_type(field, value));
    }
    if number.abs() > Decimal::from(MAX_NUMBER) {
        let message = format!("{}: value outside of valid range on numeric field: {number}", field.label);
        return Err(ApiError::new(400, "NUMBER_OUTSIDE_VALID_RANGE", message).on(&field.name));
    }
    Ok(number.into())
}

fn parsed(field: &Field, value: &Json, parse: fn(&str) -> Option<String>) -> Result<Json, ApiError> {
    let parsed = value.text().and_then(parse);
    parsed.map(Json::from).ok_or_else(|| wrong_type(field, value))
}

fn reference(org: &Org, field: &Field, targets: &[&str], value: &Json) -> Result<Json, ApiError> {
    let given = value.text().ok_or_else(|| wrong_type(field, value))?;
    let malformed = || error::malformed_id(&field.label, given, Some(&field.name));
    let id = id::normalize(given).ok_or_else(malformed)?;
    let object = org.schema.by_prefix(&id).ok_or_else(malformed)?;
    if !targets.contains(&object.name.as_str()) {
        return Err(malformed());
    }
    match org.store.get(&object.name, &id) {
        None => Err(ApiError::new(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id").on(&field.name)),
        Some(record) if is_deleted(record) => {
            Err(ApiError::new(400, "ENTITY_IS_DELETED", "entity is deleted").on(&field.name))
        }
        // Object reference, INACTIVE_OWNER_OR_USER: an inactive user is given nothing.
        Some(record) if field.name == "OwnerId" && record.get("IsActive") == Some(&false.into()) => {
            let message = format!("operation performed with inactive user [{id}]");
            Err(ApiError::new(400, "INACTIVE_OWNER_OR_USER", message).on(&field.name))
        }
        Some(_) => Ok(id.into()),
    }
}

fn email(field: &Field, value: &Json) -> Result<Json, ApiError> {
    let given = value.text().ok_or_else(|| wrong_type(field, value))?;
    let is_plain =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "@,;<>()".contains(c));
    let valid = given.split_once('@').is_some_and(|(local, domain)| {
        is_plain(local)
            && is_plain(domain)
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
    });
    if !valid {
        let message = format!("{}: invalid email address: {given}", field.label);
        return Err(ApiError::new(400, "INVALID_EMAIL_ADDRESS", message).on(&field.name));
    }
    text(field, value)
}

fn text(field: &Field, value: &Json) -> Result<Json, ApiError> {
    let text = match value {
        Json::Text(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        Json::Bool(value) => value.to_string(),
        _ => return Err(wrong_type(field, value)),
    };
    let max = field.kind.max_length();
    if text.chars().count() > max {
        let shown: String = text.chars().take(255).collect();
        let message = format!("{}: data value too large: {shown} (max length={max})", field.label);
        return Err(ApiError::new(400, "STRING_TOO_LONG", message).on(&field.name));
    }
    Ok(text.into())
}

fn wrong_type(field: &Field, value: &Json) -> ApiError {
    let token = match value {
        Json::Text(_) => "VALUE_STRING",
        Json::Number(_) => "VALUE_NUMBER",
        Json::Bool(_) => "VALUE_BOOLEAN",
        Json::Null => "VALUE_NULL",
        Json::List(_) => "START_ARRAY",
        Json::Object(_) => "START_OBJECT",
    };
    let kind = field.kind.describe_name();
    let message = format!("Cannot deserialize instance of {kind} from {token} value {value} for field {}", field.name);
    error::malformed_json(&message)
}
