//! Records in JSON, with every digit of every number. A float on the way would round money, so numbers stay the text that
//! Salesforce wrote until they are decimals, and the other way round.

use std::collections::BTreeMap;

use domain::{FieldValue, Record};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

/// How many digits a decimal has at most.
const LONGEST: i32 = 29;

type Object = BTreeMap<String, Box<RawValue>>;

/// A record with its parents flattened into dotted paths. `attributes` and the results of sub-queries, which have
/// `records`, are left out.
pub(crate) fn record(raw: &RawValue) -> Result<Record, serde_json::Error> {
    let mut record = Record::default();
    flatten(&mut record, "", raw)?;
    Ok(record)
}

fn flatten(record: &mut Record, prefix: &str, raw: &RawValue) -> Result<(), serde_json::Error> {
    let object: Object = serde_json::from_str(raw.get())?;
    if !prefix.is_empty() && object.contains_key("records") {
        return Ok(());
    }
    for (name, value) in object {
        if name == "attributes" {
            continue;
        }
        let path = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value.get().trim_start().as_bytes().first() {
            Some(b'{') => flatten(record, &path, &value)?,
            Some(b'[') | None => {}
            Some(b'n') => record.set(path, FieldValue::Null),
            Some(b't') => record.set(path, FieldValue::Boolean(true)),
            Some(b'f') => record.set(path, FieldValue::Boolean(false)),
            Some(b'"') => record.set(path, FieldValue::Text(serde_json::from_str(value.get())?)),
            Some(_) => record.set(path, number(value.get())),
        }
    }
    Ok(())
}

/// A number that no decimal holds to the last digit stays the text that it is: whoever needs a number finds none, and
/// the record can be read all the same.
fn number(text: &str) -> FieldValue {
    let text = text.trim();
    decimal(text).map_or_else(|| FieldValue::Text(text.to_owned()), FieldValue::Number)
}

/// A JSON number with every digit, or `None`. By hand, because the decimal's own parser rounds a long mantissa when there
/// is an exponent.
fn decimal(text: &str) -> Option<Decimal> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut digits = format!("{whole}{fraction}").trim_start_matches('0').to_owned();
    let mut scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    if digits.is_empty() {
        return Some(Decimal::ZERO);
    }
    // An exponent moves the point past the last digit, and zeros fill the gap. More of them than these fit nowhere.
    if scale < -LONGEST {
        return None;
    }
    while scale < 0 {
        digits.push('0');
        scale += 1;
    }
    // Zeros after the last decimal say nothing, and are kept as long as there is room for them.
    loop {
        let coefficient = format!("{sign}{digits}").parse().ok();
        let exact = coefficient
            .and_then(|coefficient| Decimal::try_from_i128_with_scale(coefficient, u32::try_from(scale).ok()?).ok());
        if exact.is_some() || scale == 0 || !digits.ends_with('0') {
            return exact;
        }
        digits.pop();
        scale -= 1;
    }
}

/// Fields as the body of a write.
pub(crate) fn fields(fields: &BTreeMap<String, FieldValue>) -> Result<Box<RawValue>, serde_json::Error> {
    let object: BTreeMap<&str, Box<RawValue>> = fields
        .iter()
        .map(|(name, value)| {
            let text = match value {
                FieldValue::Null => "null".to_owned(),
                // `@{part.field}` is how a composite request refers to the answer of another part, texts included.
                FieldValue::Text(text) => serde_json::to_string(&text.replace("@{", "@ {"))?,
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
                "Lines":{"totalSize":1,"done":true,"records":[{"Amount":1}]},
                "Account2":{"Lines":{"totalSize":0,"done":true,"records":[]}}}"#,
        )
        .expect("a record");
        assert_eq!(record.number("Amount").map(|n| n.to_string()), Some("48000.00".into()));
        assert_eq!(record.number("Tiny").map(|n| n.to_string()), Some("0.1".into()));
        assert_eq!(record.number("Big").map(|n| n.to_string()), Some("1000000000000".into()));
        assert_eq!(record.text("Account.Owner.Name"), Some("Kim"));
        assert!(record.is_true("Won"));
        assert_eq!(record.get("Contact"), Some(&FieldValue::Null));
        assert!(record.iter().all(|(path, _)| !path.contains("Lines")), "{record:?}");
    }

    #[test]
    fn numbers_are_exact_or_none() {
        for (text, expected) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("0e99999", "0"),
            ("48000.00", "48000.00"),
            ("-0.10", "-0.10"),
            ("1e12", "1000000000000"),
            ("1.5E+3", "1500"),
            ("1.50e1", "15.0"),
            ("12345e-2", "123.45"),
            ("1e-28", "0.0000000000000000000000000001"),
            ("1e28", "10000000000000000000000000000"),
            // All 28 digits of the mantissa, which a rounding parser would cut.
            ("1.234567890123456789012345678e3", "1234.567890123456789012345678"),
            ("79228162514264337593543950335", "79228162514264337593543950335"),
            ("79228162514264337593543950335.000", "79228162514264337593543950335"),
            (&format!("0.1{}", "0".repeat(60)), "0.1000000000000000000000000000"),
        ] {
            let found = decimal(text).map(|number| number.to_string());
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_number_beyond_all_decimals_stays_text_and_hides_nothing_else() {
        for text in [
            "1e30",
            "1e-30",
            "-1e300",
            "1e-2147483648",
            "1e99999999999",
            "79228162514264337593543950336",
            "0.1234567890123456789012345678901",
            "1.2345678901234567890123456789e-5",
        ] {
            let record = parse(&format!(r#"{{"Amount":{text},"Name":"Acme"}}"#)).expect("a record");
            assert_eq!(record.number("Amount"), None, "{text}");
            assert_eq!(record.get("Amount"), Some(&FieldValue::Text(text.to_owned())));
            assert_eq!(record.text("Name"), Some("Acme"));
        }
    }

    #[test]
    fn a_text_is_never_a_reference_to_another_part() {
        let texts = [("A".to_owned(), FieldValue::Text("@{query0.Id} and @@{x}".into()))];
        assert_eq!(fields(&BTreeMap::from(texts)).expect("JSON").get(), r#"{"A":"@ {query0.Id} and @@ {x}"}"#);
    }

    #[test]
    fn a_number_is_written_as_it_is() {
        let body = fields(&BTreeMap::from([
            ("Amount".to_owned(), FieldValue::Number("0.10".parse().expect("valid"))),
            ("Name".to_owned(), FieldValue::Text("a\"b".into())),
            ("Gone".to_owned(), FieldValue::Null),
        ]));
        assert_eq!(body.expect("JSON").get(), r#"{"Amount":0.10,"Gone":null,"Name":"a\"b"}"#);
    }
}
