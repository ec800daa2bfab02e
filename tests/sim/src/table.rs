//! DynamoDB as far as the ledger uses it: items under two keys, conditions, transactions that are all or nothing, and a
//! backup of every moment.

use std::collections::BTreeMap;
use std::rc::Rc;

use ledger::{Condition, Item, Put, PutAnswer, Reason, TransactAnswer, Value};

type Key = (String, String);

#[derive(Debug, Default)]
pub struct Table {
    items: BTreeMap<Key, Rc<Item>>,
    /// Every condition is said to hold: the broken ledger that the harness has to catch.
    pub forgets_conditions: bool,
    /// What was replaced by what, since the last call of `take_committed`.
    committed: Vec<Committed>,
    /// Whether what was replaced is kept, for a restore.
    pub remembers: bool,
    replaced: Vec<Replaced>,
}

/// One item that was put.
#[derive(Debug, Clone)]
pub struct Committed {
    pub old: Option<Rc<Item>>,
    pub new: Rc<Item>,
}

#[derive(Debug)]
struct Replaced {
    at_ms: i64,
    key: Key,
    old: Option<Rc<Item>>,
}

impl Table {
    pub fn get(&self, pk: &str, sk: &str) -> Option<Item> {
        self.items.get(&(pk.to_owned(), sk.to_owned())).map(|item| Item::clone(item))
    }

    pub fn put(&mut self, now_ms: i64, put: &Put) -> PutAnswer {
        match self.refusal(put) {
            Some(old) => PutAnswer::Failed(old),
            None => {
                self.commit(now_ms, &put.item);
                PutAnswer::Done
            }
        }
    }

    pub fn transact(&mut self, now_ms: i64, puts: &[Put]) -> TransactAnswer {
        let refusals: Vec<_> = puts.iter().map(|put| self.refusal(put)).collect();
        if refusals.iter().any(Option::is_some) {
            let reason = |refusal: Option<Option<Item>>| refusal.map_or(Reason::None, Reason::ConditionFailed);
            return TransactAnswer::Canceled(refusals.into_iter().map(reason).collect());
        }
        puts.iter().for_each(|put| self.commit(now_ms, &put.item));
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
            .map(|(_, item)| Item::clone(item))
            .collect()
    }

    /// Whether the run that bills this record is no longer held by an owner whose name begins like this.
    pub fn is_run_of_another(&self, record: &str, owner: &str) -> bool {
        let is_its = |(pk, sk): &Key| sk == "run" && pk.ends_with(&format!(":{record}:opportunity_won:1"));
        let run = self.items.iter().find(|(key, _)| is_its(key));
        run.is_some_and(|(_, run)| !matches!(run.get("owner"), Some(Value::Text(found)) if found.starts_with(owner)))
    }

    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.values().map(|item| &**item)
    }

    pub fn take_committed(&mut self) -> Vec<Committed> {
        std::mem::take(&mut self.committed)
    }

    /// The table as it was then. What was put since is gone.
    pub fn restore(&mut self, to_ms: i64) {
        while let Some(last) = self.replaced.pop_if(|last| last.at_ms > to_ms) {
            match last.old {
                Some(old) => self.items.insert(last.key, old),
                None => self.items.remove(&last.key),
            };
        }
    }

    /// As if runs had a time to live: those that were saved last before this.
    pub fn forget_runs_before(&mut self, at_ms: i64) {
        let is_old = |item: &Item| matches!(item.get("updated_at"), Some(Value::Number(saved)) if *saved < at_ms);
        self.items.retain(|(_, sk), item| sk != "run" || !is_old(item));
    }

    /// The old item, if the condition does not hold on it.
    fn refusal(&self, put: &Put) -> Option<Option<Item>> {
        let old = self.items.get(&key(&put.item)).map(|item| &**item);
        let holds = |condition: &Condition| condition.holds(old);
        let may = self.forgets_conditions || put.condition.as_ref().is_none_or(holds);
        (!may).then(|| old.cloned())
    }

    fn commit(&mut self, now_ms: i64, item: &Item) {
        let (key, new) = (key(item), Rc::new(item.clone()));
        let old = self.items.insert(key.clone(), Rc::clone(&new));
        if self.remembers {
            self.replaced.push(Replaced { at_ms: now_ms, key, old: old.clone() });
        }
        self.committed.push(Committed { old, new });
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

#[cfg(test)]
mod tests {
    use super::*;

    fn put(sk: &str, version: i64) -> Put {
        let mut item: Item =
            [("pk", "run"), ("sk", sk)].map(|(name, text)| (name.to_owned(), Value::Text(text.into()))).into();
        item.insert("version".to_owned(), Value::Number(version));
        Put { item, condition: None }
    }

    #[test]
    fn a_restored_table_is_as_it_was() {
        let mut table = Table { remembers: true, ..Table::default() };
        table.put(10, &put("a", 1));
        table.put(20, &put("a", 2));
        let then: Vec<Item> = table.items().cloned().collect();
        table.put(30, &put("a", 3));
        table.put(40, &put("b", 1));
        table.restore(20);
        assert_eq!(table.items().cloned().collect::<Vec<_>>(), then);
        table.restore(5);
        assert_eq!(table.items().count(), 0);
    }
}
