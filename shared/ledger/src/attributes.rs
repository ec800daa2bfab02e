//! Attributes, in and out.

use jiff::Timestamp;

use crate::table::{Item, Value};

pub(crate) fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

/// Counters start at nought and go up by one; none comes near the end of the range.
pub(crate) fn number(value: impl TryInto<i64>) -> Value {
    Value::Number(value.try_into().unwrap_or(i64::MAX))
}

/// Times are milliseconds since 1970 everywhere but in `expires_at`, which DynamoDB wants in seconds.
pub(crate) fn time(value: Timestamp) -> Value {
    Value::Number(value.as_millisecond())
}

pub(crate) fn item<const N: usize>(attributes: [(&str, Value); N]) -> Item {
    attributes.map(|(name, value)| (name.to_owned(), value)).into()
}

pub(crate) fn get_text(item: &Item, name: &str) -> Option<String> {
    match item.get(name) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

pub(crate) fn get_number<T: TryFrom<i64>>(item: &Item, name: &str) -> Option<T> {
    match item.get(name) {
        Some(Value::Number(number)) => T::try_from(*number).ok(),
        _ => None,
    }
}

pub(crate) fn get_time(item: &Item, name: &str) -> Option<Timestamp> {
    get_number(item, name).and_then(|milliseconds: i64| Timestamp::from_millisecond(milliseconds).ok())
}
