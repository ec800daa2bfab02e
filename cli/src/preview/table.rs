//! The ledger's table as it would be: what is written stays in memory, over what really stands there.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::Timestamp;
use ledger::{Item, Page, Put, PutAnswer, Reason, Table, TransactAnswer, Unavailable, Value};

pub(crate) struct Overlay<T> {
    inner: T,
    written: RefCell<BTreeMap<(String, String), Item>>,
}

impl<T: Table> Overlay<T> {
    pub(crate) fn over(inner: T) -> Self {
        Self { inner, written: RefCell::default() }
    }

    /// Why the put would not happen.
    async fn refusal(&self, put: &Put) -> Result<Option<Reason>, Unavailable> {
        let (pk, sk) = key(&put.item);
        let old = self.get(&pk, &sk).await?;
        let holds = put.condition.as_ref().is_none_or(|condition| condition.holds(old.as_ref()));
        Ok((!holds).then_some(Reason::ConditionFailed(old)))
    }

    fn keep(&self, item: Item) {
        self.written.borrow_mut().insert(key(&item), item);
    }
}

/// Every item has one: it is the table's.
fn key(item: &Item) -> (String, String) {
    let text = |name: &str| match item.get(name) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    (text("pk"), text("sk"))
}

impl<T: Table> Table for Overlay<T> {
    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, Unavailable> {
        let written = self.written.borrow().get(&(pk.to_owned(), sk.to_owned())).cloned();
        match written {
            Some(item) => Ok(Some(item)),
            None => self.inner.get(pk, sk).await,
        }
    }

    async fn put(&self, put: Put) -> Result<PutAnswer, Unavailable> {
        match self.refusal(&put).await? {
            Some(Reason::ConditionFailed(old)) => Ok(PutAnswer::Failed(old)),
            Some(_) | None => {
                self.keep(put.item);
                Ok(PutAnswer::Done)
            }
        }
    }

    async fn transact(&self, puts: Vec<Put>) -> Result<TransactAnswer, Unavailable> {
        let mut reasons = Vec::with_capacity(puts.len());
        for put in &puts {
            reasons.push(self.refusal(put).await?.unwrap_or(Reason::None));
        }
        if reasons.iter().any(|reason| *reason != Reason::None) {
            return Ok(TransactAnswer::Canceled(reasons));
        }
        puts.into_iter().for_each(|put| self.keep(put.item));
        Ok(TransactAnswer::Done)
    }

    /// One page, with everything: partitions are small, but for call logs, which nobody reads here.
    async fn query(&self, pk: &str, sk_prefix: &str, after: Option<Item>) -> Result<Page, Unavailable> {
        let (mut items, mut next) = (BTreeMap::new(), after);
        loop {
            let page = self.inner.query(pk, sk_prefix, next).await?;
            items.extend(page.items.into_iter().map(|item| (key(&item), item)));
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        let written = self.written.borrow();
        let of_partition = written.iter().filter(|((of, sk), _)| of == pk && sk.starts_with(sk_prefix));
        items.extend(of_partition.map(|(key, item)| (key.clone(), item.clone())));
        Ok(Page { items: items.into_values().collect(), next: None })
    }

    async fn due(&self, until: Timestamp, after: Option<Item>) -> Result<Page, Unavailable> {
        self.inner.due(until, after).await
    }

    async fn pause(&self, tries: u32) {
        self.inner.pause(tries).await;
    }
}

#[cfg(test)]
mod tests {
    use ledger::{Condition, Test};

    use super::*;

    /// A table that holds one item, and that nobody may write to.
    struct Stands;

    fn item(sk: &str, number: i64) -> Item {
        let text = |text: &str| Value::Text(text.to_owned());
        [("pk", text("run#1")), ("sk", text(sk)), ("number", Value::Number(number))]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    impl Table for Stands {
        async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, Unavailable> {
            Ok((pk == "run#1" && sk == "b").then(|| item("b", 1)))
        }

        async fn put(&self, _: Put) -> Result<PutAnswer, Unavailable> {
            panic!("a preview writes nothing")
        }

        async fn transact(&self, _: Vec<Put>) -> Result<TransactAnswer, Unavailable> {
            panic!("a preview writes nothing")
        }

        async fn query(&self, _: &str, _: &str, after: Option<Item>) -> Result<Page, Unavailable> {
            Ok(match after {
                None => Page { items: vec![item("b", 1)], next: Some(item("b", 1)) },
                Some(_) => Page { items: vec![item("d", 1)], next: None },
            })
        }

        async fn due(&self, _: Timestamp, _: Option<Item>) -> Result<Page, Unavailable> {
            Ok(Page::default())
        }

        async fn pause(&self, _: u32) {}
    }

    #[tokio::test]
    async fn what_is_written_is_seen_and_only_here() {
        let table = Overlay::over(Stands);
        let unless_there = |item| Put::when(item, Condition::Absent);
        assert_eq!(table.put(unless_there(item("b", 2))).await, Ok(PutAnswer::Failed(Some(item("b", 1)))));
        assert_eq!(table.put(unless_there(item("c", 2))).await, Ok(PutAnswer::Done));
        assert_eq!(table.put(unless_there(item("c", 3))).await, Ok(PutAnswer::Failed(Some(item("c", 2)))));
        let is_one = || Condition::All(vec![Test::Is("number", Value::Number(1))]);
        let both = vec![Put::when(item("b", 5), is_one()), Put::when(item("c", 5), is_one())];
        let refused = TransactAnswer::Canceled(vec![Reason::None, Reason::ConditionFailed(Some(item("c", 2)))]);
        assert_eq!(table.transact(both).await, Ok(refused));
        assert_eq!(table.get("run#1", "b").await, Ok(Some(item("b", 1))), "all of them or none");
        assert_eq!(table.transact(vec![Put::when(item("b", 5), is_one())]).await, Ok(TransactAnswer::Done));
        let page = table.query("run#1", "", None).await.expect("there");
        assert_eq!(page, Page { items: vec![item("b", 5), item("c", 2), item("d", 1)], next: None });
    }
}
