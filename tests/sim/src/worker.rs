//! The worker: what `functions/retry-worker` does with a message, and the platform that hands messages to it.

use std::collections::BTreeMap;
use std::rc::Rc;

use engine::{Engine, Errand, Outcome, Queued};
use jiff::SignedDuration;
use planted::Bug;
use queue::Envelope;

use crate::executor::{TaskId, timestamp};
use crate::faults::{Fault, Operation, PROCESSES};
use crate::limits::Wait;
use crate::naive;
use crate::ports::{LedgerPort, NotifierPort, Process, ProcessClock, QueuePort, SalesforcePort, Simulated, StripePort};
use crate::queue::{Lane, Received, VISIBILITY_MS};
use crate::world::{NOBODY, Sim};

/// The function's timeout in `template.yaml`.
const TIMEOUT_MS: i64 = 60_000;

/// Who is at work.
pub struct Workers {
    active: BTreeMap<TaskId, (Lane, usize)>,
    pools: [Pool; 2],
    invocations: u64,
}

/// Those for one queue.
struct Pool {
    free: Vec<usize>,
    next_look_ms: Option<i64>,
}

impl Default for Workers {
    fn default() -> Self {
        Self::of(PROCESSES)
    }
}

impl Workers {
    /// So many for each queue.
    pub fn of(many: usize) -> Self {
        let pool = || Pool { free: (0..many).collect(), next_look_ms: None };
        Self { active: BTreeMap::new(), pools: [pool(), pool()], invocations: 0 }
    }

    fn pool(&mut self, lane: Lane) -> &mut Pool {
        &mut self.pools[lane as usize]
    }

    pub fn is_idle(&self) -> bool {
        self.active.is_empty()
    }
}

/// Sees to it that the queue is looked at when there is something in it and somebody is free.
pub fn look(sim: &Rc<Sim>) {
    look_at(sim, Lane::Work);
    look_at(sim, Lane::Bulk);
}

fn look_at(sim: &Rc<Sim>, lane: Lane) {
    let mut workers = sim.workers.borrow_mut();
    let pool = workers.pool(lane);
    if pool.free.is_empty() {
        return;
    }
    let Some(visible_ms) = sim.queue(lane).borrow().next_visible_ms() else { return };
    let at_ms = visible_ms.max(sim.now_ms()) + 1;
    if pool.next_look_ms.is_some_and(|planned_ms| planned_ms <= at_ms) {
        return;
    }
    pool.next_look_ms = Some(at_ms);
    sim.after(at_ms - sim.now_ms(), move |sim| {
        if sim.workers.borrow_mut().pool(lane).next_look_ms == Some(at_ms) {
            sim.workers.borrow_mut().pool(lane).next_look_ms = None;
            receive(sim, lane);
        }
    });
}

fn receive(sim: &Rc<Sim>, lane: Lane) {
    while !sim.workers.borrow_mut().pool(lane).free.is_empty() {
        // A message may be handed out again at once, or while it is still worked on.
        let hidden_ms =
            match sim.queue(lane).borrow().next_visible_ms().filter(|visible_ms| *visible_ms <= sim.now_ms()) {
                None => break,
                Some(_) => match sim.strike(NOBODY, Operation::ReceiveMessage, "") {
                    Some(Fault::DuplicateMessage) => sim.between(0, 500),
                    Some(_) => sim.between(1000, 40_000),
                    None => VISIBILITY_MS,
                },
            };
        let received = sim.queue(lane).borrow_mut().receive(sim.now_ms(), hidden_ms, &mut sim.random());
        match received {
            Some(received) => start(sim, Received { lane, ..received }),
            None => break,
        }
    }
    look_at(sim, lane);
}

/// What the next process is called in the history.
pub(crate) fn next_number(sim: &Rc<Sim>) -> u64 {
    let mut workers = sim.workers.borrow_mut();
    workers.invocations += 1;
    workers.invocations
}

/// An invocation of the function, for one message: `BatchSize` is 1.
fn start(sim: &Rc<Sim>, received: Received) {
    let number = next_number(sim);
    let slot = {
        let mut workers = sim.workers.borrow_mut();
        let pool = workers.pool(received.lane);
        let index = sim.random().index(pool.free.len());
        pool.free.remove(index)
    };
    if let Some(limits) = &sim.limits
        && received.lane == Lane::Work
        && received.receives == 1
    {
        let wait = Wait { at_ms: received.sent_ms, taken_ms: sim.now_ms() };
        limits.borrow_mut().waits.push(wait);
    }
    let lane = received.lane;
    sim.note(number, "receives", &format!("message {} for the {}. time", received.id, received.receives), "");
    let skew_ms = sim.faults.borrow().skews_ms[slot % PROCESSES];
    let mut process = None;
    let id = sim.spawn(|task| {
        let made = Rc::new(Process::new(sim, task, number, skew_ms, TIMEOUT_MS));
        process = Some(Rc::clone(&made));
        Box::pin(invocation(made, received))
    });
    sim.workers.borrow_mut().active.insert(id, (lane, slot));
    let process = process.expect("it was made a moment ago");
    end_at_deadline(sim, process, TIMEOUT_MS, Operation::Invocation);
    sim.resume(id);
}

/// The platform ends a process that takes too long. One that stood still is ended when it wakes up, or so much later.
pub(crate) fn end_at_deadline(sim: &Rc<Sim>, process: Rc<Process>, left_ms: i64, what: Operation) {
    sim.after(left_ms, move |sim| {
        let frozen_ms = process.frozen_ms.take();
        if !sim.is_alive(process.task) {
            return;
        }
        if frozen_ms > 0 && sim.chance(500) {
            return end_at_deadline(sim, process, frozen_ms, what);
        }
        sim.faults.borrow_mut().count(Fault::DeadlineKill, what);
        sim.note(process.number, what.name(), "", Fault::DeadlineKill.name());
        sim.kill(process.task);
    });
}

/// An invocation is over, however it ended.
pub fn ended(sim: &Rc<Sim>, id: TaskId) {
    let worked = sim.workers.borrow_mut().active.remove(&id);
    if let Some((lane, slot)) = worked {
        sim.workers.borrow_mut().pool(lane).free.push(slot);
        look_at(sim, lane);
    }
}

/// Mirrors `retry_worker::handle` for a batch of one.
async fn invocation(process: Rc<Process>, received: Received) {
    let deadline_ms = SignedDuration::from_millis(TIMEOUT_MS);
    let deadline = process.now().checked_add(deadline_ms).expect("a history lasts days");
    let envelope = Envelope::from_json(&received.body).expect("only envelopes are sent here");
    let owner = format!("request{}/message{}", process.number, received.id);
    let outcome = match planted::is(Bug::Naive) {
        true => naive::handle(&process, &envelope).await,
        false => {
            let queued = Queued { at: timestamp(received.sent_ms), taken_at: timestamp(received.first_received_ms) };
            let errand = Errand { envelope: &envelope, owner: owner.clone(), deadline, queued: Some(queued) };
            engine(&process).handle(&errand).await
        }
    };
    let sim = &process.sim;
    let queue = QueuePort(Rc::clone(&process));
    let answer = match outcome {
        Outcome::Retry(pause) if planted::is(Bug::DropsTheMessage) => {
            sim.note(process.number, "drops", pause.code, "");
            queue.delete(received).await
        }
        // The recipe knows of no delays: the function fails, and the message comes back when its time is over.
        Outcome::Retry(pause) if planted::is(Bug::Naive) => {
            return sim.note(process.number, "fails", &pause.detail, "");
        }
        Outcome::Retry(pause) => {
            sim.note(process.number, "gives back", pause.code, "");
            if pause.code == engine::RUN_IS_HELD && !process.has_lost_an_answer.get() {
                let (whose, table) = ((owner.as_str(), process.now()), sim.table.borrow());
                sim.models.borrow_mut().held_by_somebody(sim.now(), whose, table.items());
            }
            sim.count("a message was given back");
            if let Some(limits) = &sim.limits {
                *limits.borrow_mut().given_back.entry(pause.code).or_default() += 1;
            }
            let delay = engine::delay(pause.pace, received.receives, spread(received.id), process.now());
            queue.delay(received, i64::try_from(delay.as_millis()).unwrap_or(i64::MAX)).await
        }
        Outcome::Done { run } => {
            sim.note(process.number, "done", &run, "");
            queue.delete(received).await
        }
        Outcome::Ignored { code } => {
            sim.note(process.number, "ignored", &envelope.id, code);
            queue.delete(received).await
        }
        Outcome::Stopped { run, stop } => {
            sim.note(process.number, "stopped", &run, stop.code.as_str());
            queue.delete(received).await
        }
    };
    if answer.is_err() {
        sim.count("a message comes back by itself");
    }
}

pub(crate) fn engine(process: &Rc<Process>) -> Engine<Simulated> {
    Engine {
        ledger: ledger::Ledger::over(LedgerPort(Rc::clone(process))),
        stripe: StripePort(Rc::clone(process)),
        salesforce: SalesforcePort(Rc::clone(process)),
        reporter: QueuePort(Rc::clone(process)),
        notifier: NotifierPort(Rc::clone(process)),
        clock: ProcessClock(Rc::clone(process)),
        scope: process.sim.scope.clone(),
        settings: process.sim.settings.clone(),
        access: engine::Access::default(),
        rulebook: engine::Rulebook::default(),
        room: engine::Room::default(),
    }
}

/// Differs between messages and stays the same for one.
fn spread(message: u64) -> u32 {
    u32::try_from(message.wrapping_mul(7919) % 1000).expect("it is less than a thousand")
}
