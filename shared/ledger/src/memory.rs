//! A table in memory, for this crate's own tests: the conditions and transactions of DynamoDB, pages of two, and on demand what
//! goes wrong with it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::attributes::{get_number, get_text, get_time};
use crate::table::{Item, Page, Put, PutAnswer, Reason, Table, TransactAnswer, Unavailable};

const PAGE: usize = 2;

#[derive(Debug, Default)]
pub(crate) struct Memory {
    items: RefCell<BTreeMap<(String, String), Item>>,
    /// The answer to the next write that succeeds is lost, and the SDK tries once more.
    pub loses_an_answer: Cell<bool>,
    /// So many of the next transactions meet another one.
    pub conflicts: Cell<u32>,
    pub pauses: Cell<u32>,
    /// How many were asked for.
    pub writes: Cell<u32>,
}

fn key(item: &Item) -> (String, String) {
    (get_text(item, "pk").expect("a key"), get_text(item, "sk").expect("a key"))
}

impl Memory {
    pub fn item(&self, pk: &str, sk: &str) -> Option<Item> {
        self.items.borrow().get(&(pk.to_owned(), sk.to_owned())).cloned()
    }

    /// As somebody else would change it.
    pub fn change(&self, pk: &str, sk: &str, change: impl FnOnce(&mut Item)) {
        change(self.items.borrow_mut().get_mut(&(pk.to_owned(), sk.to_owned())).expect("it is there"));
    }

    fn refusal(&self, put: &Put) -> Option<Option<Item>> {
        let items = self.items.borrow();
        let old = items.get(&key(&put.item));
        let holds = put.condition.as_ref().is_none_or(|condition| condition.holds(old));
        (!holds).then(|| old.cloned())
    }

    fn write(&self, puts: &[Put]) -> TransactAnswer {
        let refusals: Vec<_> = puts.iter().map(|put| self.refusal(put)).collect();
        if refusals.iter().any(Option::is_some) {
            let reasons = refusals.into_iter().map(|refusal| refusal.map_or(Reason::None, Reason::ConditionFailed));
            return TransactAnswer::Canceled(reasons.collect());
        }
        for put in puts {
            self.items.borrow_mut().insert(key(&put.item), put.item.clone());
        }
        TransactAnswer::Done
    }

    fn page(found: Vec<Item>, after: Option<Item>) -> Page {
        let is_after = |item: &Item| after.as_ref().is_none_or(|after| key(item) > key(after));
        let mut items: Vec<Item> = found.into_iter().filter(is_after).collect();
        let has_more = items.len() > PAGE;
        items.truncate(PAGE);
        let next = items.last().cloned().filter(|_| has_more);
        Page { items, next }
    }
}

impl Table for &Memory {
    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, Unavailable> {
        Ok(self.item(pk, sk))
    }

    async fn put(&self, put: Put) -> Result<PutAnswer, Unavailable> {
        match self.transact(vec![put]).await? {
            TransactAnswer::Done => Ok(PutAnswer::Done),
            TransactAnswer::Canceled(mut reasons) => match reasons.remove(0) {
                Reason::ConditionFailed(old) => Ok(PutAnswer::Failed(old)),
                other => Err(Unavailable(format!("{other:?}"))),
            },
        }
    }

    async fn transact(&self, puts: Vec<Put>) -> Result<TransactAnswer, Unavailable> {
        self.writes.set(self.writes.get() + 1);
        if self.conflicts.get() > 0 {
            self.conflicts.set(self.conflicts.get() - 1);
            return Ok(TransactAnswer::Canceled(vec![Reason::Conflict; puts.len()]));
        }
        let answer = self.write(&puts);
        let is_lost = answer == TransactAnswer::Done && self.loses_an_answer.take();
        if is_lost { Ok(self.write(&puts)) } else { Ok(answer) }
    }

    async fn query(&self, pk: &str, sk_prefix: &str, after: Option<Item>) -> Result<Page, Unavailable> {
        let items = self.items.borrow();
        let found = items.iter().filter(|((found, sk), _)| found == pk && sk.starts_with(sk_prefix));
        Ok(Memory::page(found.map(|(_, item)| item.clone()).collect(), after))
    }

    async fn due(&self, until: Timestamp, after: Option<Item>) -> Result<Page, Unavailable> {
        let items = self.items.borrow();
        let is_due = |item: &&Item| {
            item.contains_key("open") && get_time(item, "next_check_at").is_some_and(|check_at| check_at <= until)
        };
        let mut found: Vec<Item> = items.values().filter(is_due).cloned().collect();
        found.sort_by_key(|item| get_number::<i64>(item, "next_check_at"));
        Ok(Memory::page(found, after))
    }

    async fn pause(&self, _tries: u32) {
        self.pauses.set(self.pauses.get() + 1);
    }
}
