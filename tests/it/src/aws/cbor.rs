//! CBOR, which CloudWatch speaks (Smithy RPC v2), as JSON. A time is a number of seconds under `TIME`, and every other number a whole one.

use aws_smithy_cbor::data::Type;
use aws_smithy_cbor::decode::DeserializeError;
use aws_smithy_cbor::{Decoder, Encoder};
use aws_smithy_types::DateTime;
use serde_json::{Map, Value, json};

/// The one key of what stands for a time.
pub(super) const TIME: &str = "seconds";

/// The one key of what is written as a double.
pub(super) const DOUBLE: &str = "double";

pub(super) fn read(bytes: &[u8]) -> Result<Value, DeserializeError> {
    value(&mut Decoder::new(bytes))
}

fn value(decoder: &mut Decoder<'_>) -> Result<Value, DeserializeError> {
    Ok(match decoder.datatype()? {
        Type::Map | Type::MapIndef => {
            let count = decoder.map()?;
            let mut map = Map::new();
            while goes_on(decoder, count, map.len())? {
                let key = decoder.string()?;
                map.insert(key, value(decoder)?);
            }
            map.into()
        }
        Type::Array | Type::ArrayIndef => {
            let count = decoder.list()?;
            let mut list = Vec::new();
            while goes_on(decoder, count, list.len())? {
                list.push(value(decoder)?);
            }
            list.into()
        }
        Type::String | Type::StringIndef => decoder.string()?.into(),
        Type::Bool => decoder.boolean()?.into(),
        Type::Tag => json!({ TIME: decoder.timestamp()?.secs() }),
        Type::Null => decoder.null().map(|()| Value::Null)?,
        _ => decoder.long()?.into(),
    })
}

/// What says no count ends with a mark.
fn goes_on(decoder: &mut Decoder<'_>, count: Option<u64>, read: usize) -> Result<bool, DeserializeError> {
    if let Some(count) = count {
        return Ok(u64::try_from(read).is_ok_and(|read| read < count));
    }
    let has_ended = decoder.datatype()? == Type::Break;
    if has_ended {
        decoder.skip()?;
    }
    Ok(!has_ended)
}

pub(super) fn write(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    put(&mut encoder, value);
    encoder.into_writer()
}

fn put(encoder: &mut Encoder, value: &Value) {
    match value {
        Value::Null => drop(encoder.null()),
        Value::Bool(is) => drop(encoder.boolean(*is)),
        Value::Number(number) => drop(encoder.long(number.as_i64().unwrap())),
        Value::String(text) => drop(encoder.str(text)),
        Value::Array(list) => {
            encoder.array(list.len());
            list.iter().for_each(|value| put(encoder, value));
        }
        Value::Object(map) => {
            if let Some(seconds) = map.get(TIME).and_then(Value::as_i64) {
                encoder.timestamp(&DateTime::from_secs(seconds));
            } else if let Some(number) = map.get(DOUBLE).and_then(Value::as_i64) {
                encoder.double(i32::try_from(number).unwrap().into());
            } else {
                encoder.map(map.len());
                for (key, value) in map {
                    encoder.str(key);
                    put(encoder, value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let said = json!({ "a": [1, -2, "b", true, null], "c": { "d": { TIME: 1_795_392_000 } }, "e": {} });
        assert_eq!(read(&write(&said)).unwrap(), said);
        let mut without_counts = Encoder::new(Vec::new());
        without_counts.begin_map().str("a").begin_array().long(1).end().end();
        assert_eq!(read(&without_counts.into_writer()).unwrap(), json!({ "a": [1] }));
        assert!(read(&[]).is_err());
    }
}
