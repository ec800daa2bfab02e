//! The table as the ledger needs it: conditional puts, one transaction, strongly consistent reads, and the sparse index of
//! unfinished runs. DynamoDB implements it, and so does the simulation's memory, so that both run the same ledger.

#![allow(async_fn_in_trait, reason = "the table is used through concrete types, whose futures are as Send as they are")]

use std::collections::BTreeMap;

use jiff::Timestamp;

/// One item. `pk` and `sk` are its key.
pub type Item = BTreeMap<String, Value>;

/// Texts and whole numbers are all that the ledger stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Number(i64),
}

/// What must hold for one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    Is(&'static str, Value),
    Missing(&'static str),
    Below(&'static str, i64),
}

impl Test {
    fn holds(&self, item: &Item) -> bool {
        match self {
            Self::Is(name, value) => item.get(*name) == Some(value),
            Self::Missing(name) => !item.contains_key(*name),
            Self::Below(name, most) => matches!(item.get(*name), Some(Value::Number(number)) if number < most),
        }
    }
}

/// What must hold for the item that a put would replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// There is none.
    Absent,
    /// There is none, or this holds for it.
    AbsentOr(Test),
    /// There is one, and all of these hold for it.
    All(Vec<Test>),
}

impl Condition {
    /// The meaning of a condition, for tables that do not evaluate it themselves.
    pub fn holds(&self, old: Option<&Item>) -> bool {
        match self {
            Self::Absent => old.is_none(),
            Self::AbsentOr(test) => old.is_none_or(|item| test.holds(item)),
            Self::All(tests) => old.is_some_and(|item| tests.iter().all(|test| test.holds(item))),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    pub item: Item,
    pub condition: Option<Condition>,
}

impl Put {
    pub fn when(item: Item, condition: Condition) -> Self {
        Self { item, condition: Some(condition) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutAnswer {
    Done,
    /// The condition does not hold; the item that is there.
    Failed(Option<Item>),
}

/// Why one put of a transaction kept the transaction from happening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It did not.
    None,
    /// The condition does not hold; the item that is there.
    ConditionFailed(Option<Item>),
    /// Another write of the same item was under way.
    Conflict,
    Other(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactAnswer {
    Done,
    /// One reason for each put, in their order. Nothing was written.
    Canceled(Vec<Reason>),
}

/// The table did not answer, or not in time. A write may have happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// A page of items in the order of their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    pub items: Vec<Item>,
    /// Where the next page begins, if there is one; as opaque as the table likes.
    pub next: Option<Item>,
}

pub trait Table {
    /// Strongly consistent.
    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, Unavailable>;

    async fn put(&self, put: Put) -> Result<PutAnswer, Unavailable>;

    /// All of them or none.
    async fn transact(&self, puts: Vec<Put>) -> Result<TransactAnswer, Unavailable>;

    /// The items of one partition whose sort key begins so, in order. Strongly consistent.
    async fn query(&self, pk: &str, sk_prefix: &str, after: Option<Item>) -> Result<Page, Unavailable>;

    /// Unfinished runs whose `next_check_at` is not later than this, earliest first. The index is eventually consistent, so a
    /// run in it is a hint.
    async fn due(&self, until: Timestamp, after: Option<Item>) -> Result<Page, Unavailable>;

    /// Passes when a transaction that met another one is worth another try.
    async fn pause(&self, tries: u32);
}
