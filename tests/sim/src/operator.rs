//! What an operator does to the deployment: throws the kill switch, sets ceilings, purges the work queue, restores the
//! ledger from a backup.

use std::collections::BTreeMap;
use std::rc::Rc;

use ledger::{Item, Put, Value};

use crate::faults::{Fault, Operation};
use crate::options::Mode;
use crate::world::{NOBODY, Sim};

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A backup of a table that nobody had used yet is no backup. By then the reconciler has run for the first time.
const IN_USE_MS: i64 = 4 * HOUR_MS;

/// What stands in the control item.
#[derive(Debug, Default)]
pub struct Operator {
    /// How many have thrown the switch and not taken it back.
    stopped: u32,
    /// By currency, in minor units.
    ceilings: BTreeMap<&'static str, i64>,
    /// How often dead letters were sent again.
    pub redrives: u32,
    /// How often the queue was purged.
    pub purges: u32,
    epoch: i64,
    restored_to_ms: i64,
}

impl Operator {
    pub fn is_stopped(&self) -> bool {
        self.stopped > 0
    }

    pub fn restores(&self) -> u32 {
        u32::try_from(self.epoch).unwrap_or(u32::MAX)
    }

    fn item(&self) -> Item {
        let mut item: Item = [("pk", "control"), ("sk", "control#operator")]
            .map(|(name, text)| (name.to_owned(), Value::Text(text.to_owned())))
            .into();
        if self.is_stopped() {
            item.insert("stopped".to_owned(), Value::Text("something is wrong".to_owned()));
        }
        for (currency, ceiling) in &self.ceilings {
            item.insert(format!("ceiling_{currency}"), Value::Number(*ceiling));
        }
        if self.epoch > 0 {
            item.insert("epoch".to_owned(), Value::Number(self.epoch));
            item.insert("restored_to".to_owned(), Value::Number(self.restored_to_ms));
        }
        item
    }
}

/// What is going to be done until then.
pub fn schedule(sim: &Rc<Sim>, until_ms: i64) {
    let now_ms = sim.now_ms();
    if sim.chance(250) {
        // Most deals of this world are below a million minor units.
        let ceilings = ["USD", "EUR", "JPY", "KWD"].map(|currency| (currency, sim.between(50_000, 1_500_000)));
        sim.operator.borrow_mut().ceilings = ceilings.into();
        sim.models.borrow_mut().ceilings = ceilings.into();
        write(sim);
    }
    if Fault::KillSwitch.comes_in(sim.mode) && sim.chance(250) {
        let (at_ms, lasts_ms) = (sim.between(0, until_ms - now_ms), sim.between(MINUTE_MS, 8 * HOUR_MS));
        sim.after(at_ms, move |sim| stop_for(sim, lasts_ms));
    }
    if Fault::QueuePurged.comes_in(sim.mode) && sim.chance(200) {
        let at_ms = sim.between(0, until_ms - now_ms);
        sim.after(at_ms, |sim| {
            strike(sim, Fault::QueuePurged);
            sim.operator.borrow_mut().purges += 1;
            sim.queue.borrow_mut().purge();
        });
    }
    let (per_mille, times) = if sim.mode == Mode::Restored { (1000, 3) } else { (150, 1) };
    if Fault::LedgerRestored.comes_in(sim.mode) && sim.chance(per_mille) {
        sim.table.borrow_mut().remembers = true;
        for _ in 0..times {
            let at_ms = sim.between(IN_USE_MS + HOUR_MS, until_ms - now_ms);
            sim.after(at_ms, move |sim| restore(sim, now_ms + IN_USE_MS));
        }
    }
}

fn strike(sim: &Rc<Sim>, fault: Fault) {
    sim.faults.borrow_mut().count(fault, Operation::People);
    sim.note(NOBODY, Operation::People.name(), "", fault.name());
}

fn stop_for(sim: &Rc<Sim>, lasts_ms: i64) {
    strike(sim, Fault::KillSwitch);
    throw(sim, 1);
    sim.after(lasts_ms, |sim| throw(sim, -1));
}

fn throw(sim: &Rc<Sim>, by: i32) {
    let mut operator = sim.operator.borrow_mut();
    operator.stopped = operator.stopped.saturating_add_signed(by);
    drop(operator);
    write(sim);
}

/// As README has it: the switch, a quarter of an hour, the backup with a raised epoch, and the switch off again.
fn restore(sim: &Rc<Sim>, earliest_ms: i64) {
    let back_ms = sim.between(MINUTE_MS, 12 * HOUR_MS);
    throw(sim, 1);
    sim.after(25 * MINUTE_MS, move |sim| {
        strike(sim, Fault::LedgerRestored);
        let to_ms = (sim.now_ms() - back_ms).max(earliest_ms);
        sim.table.borrow_mut().restore(to_ms);
        let mut operator = sim.operator.borrow_mut();
        operator.restored_to_ms = to_ms;
        operator.epoch += 1;
        drop(operator);
        write(sim);
        throw(sim, -1);
    });
}

fn write(sim: &Rc<Sim>) {
    let item = sim.operator.borrow().item();
    sim.note(NOBODY, "control", if sim.operator.borrow().is_stopped() { "stopped" } else { "" }, "");
    sim.table.borrow_mut().put(sim.now_ms(), &Put { item, condition: None });
}
