//! Stripe's own parameter lists, read once from the operations file of the pinned API version.

use super::error::Error;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

#[derive(Debug, Deserialize)]
pub struct Schema {
    #[serde(flatten)]
    pub kind: Kind,
    #[serde(default)]
    pub optional: bool,
    #[serde(default, rename = "clear_with_empty_string")]
    pub clearable: bool,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Kind {
    String,
    Integer,
    Number,
    Boolean,
    DecimalString,
    #[serde(rename = "map<string,string>")]
    Map,
    Enum {
        values: Vec<String>,
    },
    Array {
        items: Box<Schema>,
    },
    Object {
        fields: BTreeMap<String, Schema>,
    },
    Union {
        of: Vec<Schema>,
    },
}

#[derive(Debug, Deserialize)]
pub struct Operation {
    #[serde(skip)]
    pub name: String,
    pub method: String,
    pub path: String,
    pub params: Schema,
}

#[derive(Deserialize)]
struct OperationsFile {
    operations: BTreeMap<String, Operation>,
}

#[derive(Deserialize)]
struct EnumsFile {
    api_versions: Vec<String>,
}

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let text = include_str!("../../../fixtures/stripe-operations-2026-10-28.endive.json");
    let file: OperationsFile = serde_json::from_str(text).expect("the operations file is part of this source tree");
    let named = file.operations.into_iter().map(|(name, operation)| Operation { name, ..operation });
    named.chain(ACCOUNT_OPERATIONS.map(|(name, path)| without_parameters(name, path))).collect()
});

static ENUMS: LazyLock<EnumsFile> = LazyLock::new(|| {
    let text = include_str!("../../../fixtures/stripe-enums-2026-10-28.endive.json");
    serde_json::from_str(text).expect("the enums file is part of this source tree")
});

/// Two reads that every tool makes to check its key, and what a payment became; the operations file stops at what makes a bill.
const ACCOUNT_OPERATIONS: [(&str, &str); 4] = [
    ("Account.retrieve_current", "/v1/account"),
    ("Balance.retrieve", "/v1/balance"),
    ("Charge.retrieve", "/v1/charges/{charge}"),
    ("Dispute.retrieve", "/v1/disputes/{dispute}"),
];

fn without_parameters(name: &str, path: &str) -> Operation {
    let text = || Schema { kind: Kind::String, optional: false, clearable: false };
    let expand = Schema { kind: Kind::Array { items: Box::new(text()) }, optional: true, clearable: false };
    let fields = BTreeMap::from([("expand".to_owned(), expand)]);
    let params = Schema { kind: Kind::Object { fields }, optional: false, clearable: false };
    Operation { name: name.into(), method: "GET".into(), path: path.into(), params }
}

pub fn api_versions() -> &'static [String] {
    &ENUMS.api_versions
}

/// An operation that is carried out by itself, or as a part of another.
pub fn named(name: &str) -> &'static Operation {
    OPERATIONS.iter().find(|operation| operation.name == name).expect("an operation of the file")
}

/// The operation a request addresses, and the ids in its path. `/customers/search` wins over `/customers/{customer}`.
pub fn find(method: &str, path: &str) -> Result<(&'static Operation, Vec<String>), Error> {
    let found = OPERATIONS
        .iter()
        .filter(|operation| operation.method == method)
        .filter_map(|operation| Some((operation, path_ids(&operation.path, path)?)))
        .min_by_key(|(_, ids)| ids.len());
    found.ok_or_else(|| Error::unrecognized_url(method, path))
}

fn path_ids(pattern: &str, path: &str) -> Option<Vec<String>> {
    let mut ids = Vec::new();
    let mut actual = path.split('/');
    for expected in pattern.split('/') {
        let segment = actual.next()?;
        if expected.starts_with('{') {
            if segment.is_empty() {
                return None;
            }
            ids.push(percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned());
        } else if expected != segment {
            return None;
        }
    }
    actual.next().is_none().then_some(ids)
}
