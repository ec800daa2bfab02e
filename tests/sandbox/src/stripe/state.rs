//! What the fake Stripe remembers, and the few ways everything else reads and changes it.

use super::error::Error;
use super::params::Params;
use super::schema::Operation;
use super::subscriptions::Debit;
use super::timers::Due;
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// One call on its way through an operation. Ids are those of the path, in its order; `params` are checked and typed.
pub struct Call {
    pub operation: &'static Operation,
    pub ids: Vec<String>,
    pub params: Params,
}

impl Call {
    pub fn id(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name).and_then(Value::as_str)
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        self.params.get(name).and_then(Value::as_i64)
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        self.params.get(name).and_then(Value::as_bool)
    }
}

/// The objects of one kind, in the order they were created.
#[derive(Debug, Default, Clone)]
pub struct Table {
    order: Vec<String>,
    rows: HashMap<String, Value>,
}

impl Table {
    pub fn get(&self, id: &str) -> Option<&Value> {
        self.rows.get(id)
    }

    pub fn put(&mut self, id: &str, value: Value) {
        if self.rows.insert(id.to_owned(), value).is_none() {
            self.order.push(id.to_owned());
        }
    }

    pub fn remove(&mut self, id: &str) -> Option<Value> {
        self.order.retain(|other| other != id);
        self.rows.remove(id)
    }

    pub fn oldest_first(&self) -> impl DoubleEndedIterator<Item = &Value> {
        self.order.iter().filter_map(|id| self.rows.get(id))
    }

    pub fn newest_first(&self) -> impl Iterator<Item = &Value> {
        self.oldest_first().rev()
    }
}

/// What an invoice knows and does not show: the order of its lines, and the terms until it is finalized.
#[derive(Debug, Default, Clone)]
pub struct InvoiceSheet {
    pub lines: Vec<Line>,
    pub days_until_due: Option<i64>,
    /// The automatic tax of each line, by its id.
    pub taxes: HashMap<String, Value>,
}

#[derive(Debug, Clone)]
pub struct Line {
    pub id: String,
    pub of: LineOf,
}

#[derive(Debug, Clone)]
pub enum LineOf {
    /// An invoice item, which is where its amount and its words are.
    Item(String),
    /// A period of a subscription's item: the line as it is shown, but for its id and its invoice.
    Period(Box<Value>),
}

impl Line {
    pub fn invoice_item(&self) -> Option<&str> {
        match &self.of {
            LineOf::Item(id) => Some(id),
            LineOf::Period(_) => None,
        }
    }
}

/// A webhook delivery that waits for its signature.
#[derive(Debug, Clone)]
pub struct Unsigned {
    pub endpoint: String,
    pub event: String,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone)]
pub struct State {
    pub account_id: String,
    pub account_name: String,
    pub account_country: String,
    pub default_currency: String,
    pub api_version: String,
    pub search_lag_s: i64,
    /// In percent, by the country where tax is collected.
    pub tax_rates: BTreeMap<String, Decimal>,
    /// Unix seconds of the call being handled.
    pub now: i64,
    /// The request being handled, as its events name it; none for what Stripe does by itself.
    pub request: Value,
    pub sheets: HashMap<String, InvoiceSheet>,
    /// The ids of an invoice's payments by its own, oldest first.
    pub payments: HashMap<String, Vec<String>>,
    pub secrets: HashMap<String, String>,
    pub inline_prices: HashSet<String>,
    /// What is to be looked at, and when.
    pub timers: BTreeSet<(i64, Due)>,
    /// What was billed for the current period of a subscription's item, by the item.
    pub debits: HashMap<String, Vec<Debit>>,
    pub outbox: Vec<Unsigned>,
    tables: BTreeMap<&'static str, Table>,
    last_id: u64,
}

impl State {
    pub fn new(config: &super::Config) -> Self {
        Self {
            account_id: config.account_id.clone(),
            account_name: config.account_name.clone(),
            account_country: config.account_country.clone(),
            default_currency: config.default_currency.clone(),
            api_version: config.api_version.clone(),
            search_lag_s: config.search_lag_s,
            tax_rates: config.tax_rates.clone(),
            now: 0,
            request: Value::Null,
            sheets: HashMap::new(),
            payments: HashMap::new(),
            secrets: HashMap::new(),
            inline_prices: HashSet::new(),
            timers: BTreeSet::new(),
            debits: HashMap::new(),
            outbox: Vec::new(),
            tables: BTreeMap::new(),
            last_id: 0,
        }
    }

    /// `in_1Sandbox0000000000000042`: Stripe's shape, from a counter that all kinds of objects share.
    pub fn new_id(&mut self, prefix: &str) -> String {
        self.last_id += 1;
        format!("{prefix}_1Sandbox{:016}", self.last_id)
    }

    pub fn table(&self, object: &'static str) -> &Table {
        static EMPTY: std::sync::LazyLock<Table> = std::sync::LazyLock::new(Table::default);
        self.tables.get(object).unwrap_or_else(|| &EMPTY)
    }

    pub fn table_mut(&mut self, object: &'static str) -> &mut Table {
        self.tables.entry(object).or_default()
    }

    pub fn put(&mut self, object: &'static str, value: Value) {
        let id = text(&value, "id").to_owned();
        self.table_mut(object).put(&id, value);
    }

    /// The object a path names.
    pub fn named(&self, object: &'static str, id: &str) -> Result<&Value, Error> {
        self.table(object).get(id).ok_or_else(|| Error::not_found(noun(object), id))
    }

    /// The object a parameter names. A deleted one is as good as none.
    pub fn referenced(&self, object: &'static str, id: &str, param: &str) -> Result<&Value, Error> {
        let found = self.table(object).get(id).filter(|value| !is_deleted(value));
        found.ok_or_else(|| Error::no_such(noun(object), id, param))
    }

    /// As the API shows it: an invoice with its lines and, while a draft, its customer's particulars; a subscription with its items.
    pub fn shown(&self, object: &'static str, value: &Value) -> Value {
        match object {
            "invoice" => self.shown_invoice(value),
            "subscription" => self.shown_subscription(value),
            "subscription_item" => self.shown_subscription_item(value),
            _ => value.clone(),
        }
    }
}

/// What error messages call an object.
fn noun(object: &'static str) -> &'static str {
    match object {
        "invoice_payment" => "invoice payment",
        "webhook_endpoint" => "webhook endpoint",
        "subscription_item" => "subscription item",
        "credit_note" => "credit note",
        "subscription_schedule" => "subscription schedule",
        "payment_intent" => "payment_intent",
        other => other,
    }
}

pub fn is_deleted(value: &Value) -> bool {
    value["deleted"] == Value::Bool(true)
}

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

pub fn int(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap_or_default()
}

/// Copies the named parameters that are present; an empty string clears.
pub fn assign(target: &mut Value, params: &Params, names: &[&str]) {
    for name in names {
        match params.get(*name) {
            None => {}
            Some(Value::String(cleared)) if cleared.is_empty() => target[*name] = Value::Null,
            Some(value) => target[*name] = value.clone(),
        }
    }
}
