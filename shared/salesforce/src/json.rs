//! Records in JSON, with every digit of every number. A float on the way would round money, so numbers stay the text that
//! Salesforce wrote until they are decimals, and the other way round.

use std::collections::BTreeMap;

use domain::{FieldValue, Record};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

type Object = BTreeMap<String, Box<RawValue>>;

/// A record with its parents flattened into dotted paths. `attributes` and sub-query results are left out.
pub(crate) fn record(raw: &RawValue) -> Result<Record, serde_json::Error> {
    let mut record = Record::default();
    flatten(&mut record, "", raw)?;
    Ok(record)
}

fn flatten(record: &mut Record, prefix: &str, raw: &RawValue) -> Result<(), serde_json::Error> {
    let object: Object = serde_json::from_str(raw.get())?;
    for (name, value) in object {
        if name == "attributes" {
            continue;
        }
        let path = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}.{name}")
        };
        match value.get().trim_start().as_bytes().first() {
            Some(b'{') => flatten(record, &path, &value)?,
            Some(b'[') | None => {}
            Some(b'n') => record.set(path, FieldValue::Null),
            Some(b't') => record.set(path, FieldValue::Boolean(true)),
            Some(b'f') => record.set(path, FieldValue::Boolean(false)),
            Some(b'"') => record.set(path, FieldValue::Text(serde_json::from_str(value.get())?)),
            Some(_) => record.set(path, number(value.get())?),
        }
    }
    Ok(())
}

fn number(text: &str) -> Result<FieldValue, serde_json::Error> {
    let text = text.trim();
    let decimal = Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text));
    decimal
        .map(FieldValue::Number)
        .map_err(|_| serde::de::Error::custom("a number has too many digits"))
}

/// Fields as the body of a write.
pub(crate) fn fields(fields: &BTreeMap<String, FieldValue>) -> Result<Box<RawValue>, serde_json::Error> {
    let object: BTreeMap<&str, Box<RawValue>> = fields
        .iter()
        .map(|(name, value)| {
            let text = match value {
                FieldValue::Null => "null".to_owned(),
                FieldValue::Text(text) => serde_json::to_string(text)?,
                FieldValue::Number(number) => number.to_string(),
                FieldValue::Boolean(flag) => flag.to_string(),
            };
            Ok((name.as_str(), RawValue::from_string(text)?))
        })
        .collect::<Result<_, serde_json::Error>>()?;
    serde_json::value::to_raw_value(&object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Record, serde_json::Error> {
        record(&RawValue::from_string(text.to_owned()).expect("JSON"))
    }

    #[test]
    fn parents_are_flattened_and_numbers_keep_their_digits() {
        let record = parse(
            r#"{"attributes":{"type":"Opportunity"},"Amount":48000.00,"Tiny":0.1,"Big":1e12,"Won":true,"Type":null,
                "Account":{"attributes":{},"Name":"Acme","Owner":{"Name":"Kim"}},"Contact":null,
                "Lines":{"totalSize":0}}"#,
        )
        .expect("a record");
        assert_eq!(record.number("Amount").map(|n| n.to_string()), Some("48000.00".into()));
        assert_eq!(record.number("Tiny").map(|n| n.to_string()), Some("0.1".into()));
        assert_eq!(
            record.number("Big").map(|n| n.to_string()),
            Some("1000000000000".into())
        );
        assert_eq!(record.text("Account.Owner.Name"), Some("Kim"));
        assert!(record.is_true("Won"));
        assert_eq!(record.get("Contact"), Some(&FieldValue::Null));
    }

    #[test]
    fn a_number_beyond_all_decimals_is_an_error_and_never_rounded() {
        assert!(parse(r#"{"Amount":1e300}"#).is_err());
        assert!(parse(r#"{"Amount":0.1234567890123456789012345678901}"#).is_err());
    }

    #[test]
    fn a_number_is_written_as_it_is() {
        let body = fields(&BTreeMap::from([
            ("Amount".to_owned(), FieldValue::Number("0.10".parse().expect("valid"))),
            ("Name".to_owned(), FieldValue::Text("a\"b".into())),
            ("Gone".to_owned(), FieldValue::Null),
        ]));
        assert_eq!(
            body.expect("JSON").get(),
            r#"{"Amount":0.10,"Gone":null,"Name":"a\"b"}"#
        );
    }
}
