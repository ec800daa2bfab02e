//! Stripe's form encoding: `a[b]=`, `a[0]=`, indices always written, empty containers vanish.

use serde_json::Value;

/// Encodes parameters in their order. A null is left out; to clear a field send an empty string.
pub fn encode(params: &Value) -> String {
    let mut pairs = Vec::new();
    if let Value::Object(fields) = params {
        for (name, value) in fields {
            push(&mut pairs, name.clone(), value);
        }
    }
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn push(pairs: &mut Vec<(String, String)>, name: String, value: &Value) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => pairs.push((name, flag.to_string())),
        Value::Number(number) => pairs.push((name, number.to_string())),
        Value::String(text) => pairs.push((name, text.clone())),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                push(pairs, format!("{name}[{index}]"), item);
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                push(pairs, format!("{name}[{key}]"), field);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_official_clients_vectors_pass() {
        let file: Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/stripe-form-encoding-vectors.json"))
                .expect("JSON");
        let vectors = file["vectors"].as_array().expect("a list");
        assert_eq!(vectors.len(), 7);
        for vector in vectors {
            let body = encode(&vector["params"]);
            assert_eq!(body, vector["body"].as_str().expect("text"), "{}", vector["name"]);
            let pairs: Vec<_> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
            let expected: Vec<(String, String)> = serde_json::from_value(vector["pairs"].clone()).expect("pairs");
            assert_eq!(pairs, expected, "{}", vector["name"]);
        }
    }

    #[test]
    fn a_null_is_left_out() {
        assert_eq!(encode(&serde_json::json!({ "a": null, "b": { "c": null }, "d": 1 })), "d=1");
    }
}
