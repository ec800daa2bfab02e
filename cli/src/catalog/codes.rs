//! Codes: a SKU or product code of Salesforce's, where it is written at Stripe.

use std::collections::BTreeMap;

use domain::Product2Id;

/// A code as it is compared: without case, and with one hyphen for whatever separates its parts. Parts stay apart: `A-1.0` is not `A-10`.
pub fn normal(text: &str) -> Option<String> {
    let mut code = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            c if c.is_alphanumeric() => code.extend(c.to_lowercase()),
            _ if code.is_empty() || code.ends_with('-') => {}
            _ => code.push('-'),
        }
    }
    let code = code.trim_end_matches('-');
    // A single letter or digit says nothing.
    (code.chars().count() > 1).then(|| code.to_owned())
}

/// Words that a lookup key has after the code, for how often and in what.
const TERMS: [&str; 27] = [
    "month",
    "monthly",
    "mo",
    "m",
    "year",
    "yearly",
    "yr",
    "y",
    "annual",
    "annually",
    "quarter",
    "quarterly",
    "q",
    "semiannual",
    "once",
    "onetime",
    "one",
    "time",
    "price",
    "usd",
    "eur",
    "gbp",
    "jpy",
    "chf",
    "cad",
    "aud",
    "default",
];

/// Whether this key is the code with nothing but terms behind it.
pub fn is_code_with_terms(key: &str, code: &str) -> bool {
    let rest = key.strip_prefix(code).and_then(|rest| rest.strip_prefix('-'));
    rest.is_some_and(|rest| rest.split('-').all(|word| TERMS.contains(&word)))
}

/// Names under which people write a code into metadata, without what separates their words.
const CODE_KEYS: [&str; 16] = [
    "sku",
    "productsku",
    "itemsku",
    "stockkeepingunit",
    "code",
    "productcode",
    "itemcode",
    "productnumber",
    "itemnumber",
    "partnumber",
    "articlenumber",
    "materialnumber",
    "itemid",
    "article",
    "erpcode",
    "erpid",
];

/// Whose field it is may stand before the name.
const OWNERS: [&str; 6] = ["salesforce", "sfdc", "sf", "crm", "netsuite", "erp"];

fn squeezed(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_code_key(key: &str) -> bool {
    let key = squeezed(key);
    let of_owner = OWNERS.iter().filter_map(|owner| key.strip_prefix(owner));
    std::iter::once(key.as_str()).chain(of_owner).any(|key| CODE_KEYS.contains(&key))
}

/// A key that names something of Salesforce's, and not what was there before or belongs to it.
fn is_id_key(key: &str) -> bool {
    const OTHERS: [&str; 9] = ["old", "prev", "replac", "former", "parent", "bundle", "success", "predecess", "relat"];
    let key = squeezed(key);
    let is_salesforces = ["salesforce", "sfdc", "product2", "crm"].iter().any(|owner| key.contains(owner));
    (is_salesforces || key == "sfid" || key == "sfproductid") && !OTHERS.iter().any(|other| key.contains(other))
}

/// The codes that metadata name.
pub fn in_metadata(metadata: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, String)> {
    metadata.iter().filter(|(key, _)| is_code_key(key)).filter_map(|(key, value)| Some((key.as_str(), normal(value)?)))
}

/// Whether metadata name this product by its id; `Some(false)` where they name another one.
pub fn names_product(metadata: &BTreeMap<String, String>, id: &Product2Id) -> Option<bool> {
    let named = metadata.iter().filter(|(key, _)| is_id_key(key));
    let ids: Vec<_> = named.filter_map(|(_, value)| Product2Id::parse(value.trim()).ok()).collect();
    if ids.is_empty() { None } else { Some(ids.contains(id)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_equal_whatever_their_case_and_separators() {
        for (text, expected) in [
            ("PRO-100", Some("pro-100")),
            (" pro_100 ", Some("pro-100")),
            ("Pro 100/", Some("pro-100")),
            ("A-1.0", Some("a-1-0")),
            ("A-10", Some("a-10")),
            ("ÄB.1", Some("äb-1")),
            ("7", None),
            ("--", None),
            ("", None),
        ] {
            assert_eq!(normal(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_lookup_key_may_say_how_often_after_the_code() {
        for (key, expected) in [
            ("pro-100-monthly", true),
            ("pro-100-one-time", true),
            ("pro-100-yearly-eur", true),
            ("pro-100", false),
            ("pro-1000", false),
            ("pro-100-plus", false),
            ("pro-100-2", false),
        ] {
            assert_eq!(is_code_with_terms(key, "pro-100"), expected, "{key}");
        }
    }

    #[test]
    fn metadata_name_codes_under_names_that_people_use() {
        let metadata = |key: &str| BTreeMap::from([(key.to_owned(), "PRO_100".to_owned())]);
        for key in
            ["sku", "SKU", "product_code", "Salesforce Product Code", "sf_sku", "netsuite_item_id", "part-number"]
        {
            let found: Vec<_> = in_metadata(&metadata(key)).map(|(_, code)| code).collect();
            assert_eq!(found, ["pro-100"], "{key}");
        }
        for key in ["replaces", "old_sku", "tax_code", "bundle_of", "promo_code", "tier"] {
            assert_eq!(in_metadata(&metadata(key)).count(), 0, "{key}");
        }
    }

    #[test]
    fn metadata_name_a_product_by_its_id() {
        let id = Product2Id::parse("01t000000000001").expect("valid");
        for (key, value, expected) in [
            ("salesforce_product_id", "01t000000000001AAA", Some(true)),
            ("Product2Id", " 01t000000000001 ", Some(true)),
            ("sf_id", "01t000000000002", Some(false)),
            ("replaces_salesforce_product", "01t000000000001AAA", None),
            ("salesforce_product_id", "PRO-100", None),
            ("note", "01t000000000001AAA", None),
        ] {
            let metadata = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            assert_eq!(names_product(&metadata, &id), expected, "{key} {value}");
        }
    }
}
