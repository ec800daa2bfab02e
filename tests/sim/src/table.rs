//! DynamoDB as far as the ledger uses it: items under two keys, conditions, transactions that are all or nothing.

use std::collections::BTreeMap;

use ledger::{Condition, Item, Put, PutAnswer, Reason, TransactAnswer, Value};

type Key = (String, String);

#[derive(Debug, Default)]
pub struct Table {
    items: BTreeMap<Key, Item>,
    /// Every condition is said to hold: the broken ledger that the harness has to catch.
    pub forgets_conditions: bool,
    /// What was replaced by what, since the last call of `take_committed`.
    committed: Vec<Committed>,
}

/// One item that was put.
#[derive(Debug, Clone)]
pub struct Committed {
    pub old: Option<Item>,
    pub new: Item,
}

impl Table {
    pub fn get(&self, pk: &str, sk: &str) -> Option<Item> {
        self.items.get(&(pk.to_owned(), sk.to_owned())).cloned()
    }

    pub fn put(&mut self, put: &Put) -> PutAnswer {
        match self.refusal(put) {
            Some(old) => PutAnswer::Failed(old),
            None => {
                self.commit(&put.item);
                PutAnswer::Done
            }
        }
    }

    pub fn transact(&mut self, puts: &[Put]) -> TransactAnswer {
        let refusals: Vec<_> = puts.iter().map(|put| self.refusal(put)).collect();
        if refusals.iter().any(Option::is_some) {
            let reason = |refusal: Option<Option<Item>>| refusal.map_or(Reason::None, Reason::ConditionFailed);
            return TransactAnswer::Canceled(refusals.into_iter().map(reason).collect());
        }
        puts.iter().for_each(|put| self.commit(&put.item));
        TransactAnswer::Done
    }

    /// Up to `limit` items whose sort key begins so, after this one.
    pub fn query(&self, pk: &str, sk_prefix: &str, after: Option<&str>, limit: usize) -> Vec<Item> {
        let from = (pk.to_owned(), after.unwrap_or(sk_prefix).to_owned());
        self.items
            .range(from..)
            .take_while(|((found, sk), _)| found == pk && sk.starts_with(sk_prefix))
            .filter(|((_, sk), _)| after.is_none_or(|after| sk.as_str() > after))
            .take(limit)
            .map(|(_, item)| item.clone())
            .collect()
    }

    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.values()
    }

    pub fn take_committed(&mut self) -> Vec<Committed> {
        std::mem::take(&mut self.committed)
    }

    /// As if runs had a time to live: those that were saved last before this.
    pub fn forget_runs_before(&mut self, at_ms: i64) {
        let is_old = |item: &Item| matches!(item.get("updated_at"), Some(Value::Number(saved)) if *saved < at_ms);
        self.items.retain(|(_, sk), item| sk != "run" || !is_old(item));
    }

    /// The old item, if the condition does not hold on it.
    fn refusal(&self, put: &Put) -> Option<Option<Item>> {
        let old = self.items.get(&key(&put.item));
        let holds = |condition: &Condition| condition.holds(old);
        let may = self.forgets_conditions || put.condition.as_ref().is_none_or(holds);
        (!may).then(|| old.cloned())
    }

    fn commit(&mut self, item: &Item) {
        let old = self.items.insert(key(item), item.clone());
        self.committed.push(Committed { old, new: item.clone() });
    }
}

fn key(item: &Item) -> Key {
    (text(item, "pk").to_owned(), text(item, "sk").to_owned())
}

/// An attribute's text, or nothing.
pub fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    match item.get(name) {
        Some(Value::Text(text)) => text,
        _ => "",
    }
}
