//! The ledger's table.

use std::rc::Rc;

use jiff::Timestamp;
use ledger::{Item, Page, Put, PutAnswer, Reason, TransactAnswer, Unavailable, Value};

use super::{Outcome, Process, Request, Switch};
use crate::faults::{Fault, Operation};
use crate::table::text;
use crate::world::Sim;

/// After its last save, a run that may expire does so.
const EXPIRES_MS: i64 = 2 * 24 * 60 * 60 * 1000;

/// Small, so that pages are turned.
const PAGE: usize = 10;

#[derive(Clone)]
pub struct LedgerPort(pub Rc<Process>);

impl<T: Outcome> Outcome for Result<T, Unavailable> {
    fn label(&self) -> &'static str {
        self.as_ref().map_or("unavailable", Outcome::label)
    }
}

impl Outcome for Option<Item> {
    fn label(&self) -> &'static str {
        if self.is_some() { "found" } else { "not found" }
    }
}

impl Outcome for PutAnswer {
    fn label(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "condition failed",
        }
    }
}

impl Outcome for TransactAnswer {
    fn label(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Canceled(reasons) if reasons.contains(&Reason::Conflict) => "conflict",
            Self::Canceled(_) => "condition failed",
        }
    }
}

impl Outcome for Page {
    fn label(&self) -> &'static str {
        if self.next.is_some() { "a page" } else { "the last page" }
    }
}

impl LedgerPort {
    async fn call<T>(
        &self,
        operation: Operation,
        about: String,
        effect: impl FnOnce(&Rc<Sim>, Option<Fault>) -> T + 'static,
    ) -> Result<T, Unavailable>
    where
        T: 'static,
        Result<T, Unavailable>: Outcome,
    {
        let unknown = || Err(Unavailable("no answer in time".to_owned()));
        let request = Request { operation, about, unknown };
        let process = Rc::clone(&self.0);
        self.0
            .call(request, move |sim, fault| match fault {
                Some(Fault::Throttled | Fault::LedgerOutage) => {
                    process.has_lost_an_answer.set(true);
                    Err(Unavailable("throttled".to_owned()))
                }
                fault => {
                    if planted::is(planted::Bug::RunsExpire) {
                        sim.table.borrow_mut().forget_runs_before(sim.now_ms() - EXPIRES_MS);
                    }
                    Ok(effect(sim, fault))
                }
            })
            .await
    }
}

/// What the history calls a run's item: how far it is, and by whose hand.
fn describe(item: &Item) -> String {
    let number = |name: &str| match item.get(name) {
        Some(Value::Number(number)) => *number,
        _ => 0,
    };
    match text(item, "point") {
        "" => text(item, "pk").to_owned(),
        point => format!("{} {point} {}.{}", text(item, "subject"), number("fence"), number("version")),
    }
}

impl ledger::Table for LedgerPort {
    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, Unavailable> {
        let (pk, sk) = (pk.to_owned(), sk.to_owned());
        let about = pk.clone();
        self.call(Operation::LedgerGet, about, move |sim, _| sim.table.borrow().get(&pk, &sk)).await
    }

    async fn put(&self, put: Put) -> Result<PutAnswer, Unavailable> {
        let about = describe(&put.item);
        self.call(Operation::LedgerPut, about, move |sim, fault| {
            let mut table = sim.table.borrow_mut();
            if fault == Some(Fault::OwnWriteConflict) {
                table.put(sim.now_ms(), &put);
            }
            table.put(sim.now_ms(), &put)
        })
        .await
    }

    async fn transact(&self, puts: Vec<Put>) -> Result<TransactAnswer, Unavailable> {
        let about = puts.first().map(|put| describe(&put.item)).unwrap_or_default();
        self.call(Operation::LedgerTransact, about, move |sim, fault| {
            let mut table = sim.table.borrow_mut();
            match fault {
                Some(Fault::TransactionConflict) => {
                    let mut reasons: Vec<_> = puts.iter().map(|_| Reason::None).collect();
                    reasons[0] = Reason::Conflict;
                    return TransactAnswer::Canceled(reasons);
                }
                Some(Fault::OwnWriteConflict) => drop(table.transact(sim.now_ms(), &puts)),
                _ => {}
            }
            table.transact(sim.now_ms(), &puts)
        })
        .await
    }

    async fn query(&self, pk: &str, sk_prefix: &str, after: Option<Item>) -> Result<Page, Unavailable> {
        let (pk, sk_prefix, about) = (pk.to_owned(), sk_prefix.to_owned(), pk.to_owned());
        let process = Rc::clone(&self.0);
        self.call(Operation::LedgerQuery, about, move |sim, _| {
            let after = after.as_ref().map(|item| text(item, "sk"));
            if pk == "control" {
                let is_on = sim.operator.borrow().is_stopped();
                process.switch.set(if is_on { Switch::IsOn } else { Switch::IsOff });
            }
            let mut items = sim.table.borrow().query(&pk, &sk_prefix, after, PAGE + 1);
            let has_more = items.len() > PAGE;
            items.truncate(PAGE);
            Page { next: items.last().filter(|_| has_more).cloned(), items }
        })
        .await
    }

    async fn due(&self, until: Timestamp, after: Option<Item>) -> Result<Page, Unavailable> {
        self.call(Operation::LedgerQuery, "open runs".to_owned(), move |sim, _| {
            let table = sim.table.borrow();
            let is_due = |item: &&Item| item.contains_key("open") && place(item).0 <= until.as_millisecond();
            let mut items: Vec<Item> = table.items().filter(is_due).cloned().collect();
            items.sort_by_key(place);
            items.retain(|item| after.as_ref().is_none_or(|after| place(item) > place(after)));
            let has_more = items.len() > PAGE;
            items.truncate(PAGE);
            Page { next: items.last().filter(|_| has_more).cloned(), items }
        })
        .await
    }

    async fn pause(&self, tries: u32) {
        self.0.sleep(40 * i64::from(tries)).await;
    }
}

/// Where an item stands in the index of open runs.
fn place(item: &Item) -> (i64, String) {
    let at = match item.get("next_check_at") {
        Some(Value::Number(at)) => *at,
        _ => i64::MAX,
    };
    (at, text(item, "pk").to_owned())
}
