//! The engine's ports over the models: every call is a request that arrives and an answer that arrives, each after a
//! while, and everything in between can go wrong.

mod ledger;
mod notifier;
mod queue;
mod salesforce;
mod stripe;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use jiff::Timestamp;

use crate::executor::{TaskId, timestamp};
use crate::faults::{Fault, Operation, System};
use crate::limits::Limits;
use crate::options::Mode;
use crate::world::Sim;
pub use ledger::LedgerPort;
pub use notifier::NotifierPort;
pub use queue::QueuePort;
pub use salesforce::SalesforcePort;
pub use stripe::StripePort;

/// How long the clients wait for an answer.
const TIMEOUT_MS: i64 = 10_000;

/// How long after the client has given up a request may still land.
const LATEST_MS: i64 = 5 * 60 * 1000;

/// The world of the simulation.
pub struct Simulated;

impl engine::World for Simulated {
    type Ledger = ::ledger::Ledger<LedgerPort>;
    type Stripe = StripePort;
    type Salesforce = SalesforcePort;
    type Reporter = QueuePort;
    type Notifier = NotifierPort;
    type Clock = ProcessClock;
}

/// Whoever makes calls: one invocation, in a process with a clock of its own.
pub struct Process {
    pub sim: Rc<Sim>,
    pub task: TaskId,
    /// For the history.
    pub number: u64,
    pub skew_ms: i64,
    /// How long it stood still. Nobody ends a process that does not run.
    pub frozen_ms: Cell<i64>,
    /// When it will be ended, by its own clock.
    pub deadline_ms: i64,
    /// Some answer never came, or was none, so it cannot know what it holds.
    pub has_lost_an_answer: Cell<bool>,
    /// What it asks of Stripe waits for its turn.
    pub in_turn: Cell<bool>,
    /// What the operator had decided when it last asked, until it writes to a vendor.
    pub switch: Cell<Switch>,
}

/// What a process knows of the kill switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// It has not asked since its last write.
    NotAsked,
    IsOff,
    IsOn,
}

impl Process {
    pub fn new(sim: &Rc<Sim>, task: TaskId, number: u64, skew_ms: i64, timeout_ms: i64) -> Self {
        let deadline_ms = sim.now_ms() + skew_ms + timeout_ms;
        let (frozen_ms, has_lost_an_answer, switch) = (0.into(), false.into(), Switch::NotAsked.into());
        let (sim, in_turn) = (Rc::clone(sim), false.into());
        Self { sim, task, number, skew_ms, frozen_ms, deadline_ms, has_lost_an_answer, in_turn, switch }
    }

    /// Nothing is sent to a vendor without having asked whether anything may be sent; but for what keeps Stripe from sending it.
    fn asks_before(&self, operation: Operation) {
        if operation == Operation::HoldInvoice {
            return;
        }
        let is_sent = operation.is_write()
            && matches!(operation.system(), System::Stripe | System::Salesforce | System::Notifier);
        if is_sent && self.switch.replace(Switch::NotAsked) != Switch::IsOff {
            let detail =
                format!("#{} sends {} without having asked, or against the switch", self.number, operation.name());
            self.sim.violate("nothing_is_sent_when_stopped", detail);
        }
    }

    pub fn now(&self) -> Timestamp {
        timestamp(self.sim.now_ms() + self.skew_ms)
    }
}

#[derive(Clone)]
pub struct ProcessClock(pub Rc<Process>);

impl engine::Clock for ProcessClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// What an answer is called in the history.
pub(crate) trait Outcome {
    fn label(&self) -> &'static str;
}

/// One call: to what, about what, and what the caller hears when nobody answers in time.
pub(crate) struct Request<T> {
    pub(crate) operation: Operation,
    pub(crate) about: String,
    pub(crate) unknown: fn() -> T,
}

/// When things happen, counted from now.
struct Timing {
    /// The process ends.
    dies_ms: Option<i64>,
    arrives_ms: Option<i64>,
    /// The answer to what arrived, that much after it did.
    answer_ms: Option<i64>,
    gives_up_ms: Option<i64>,
}

impl Process {
    /// Makes the call. `effect` is what happens where it arrives; it is told of a fault that is that side's own.
    pub(crate) async fn call<T: Outcome + 'static>(
        self: &Rc<Self>,
        request: Request<T>,
        effect: impl FnOnce(&Rc<Sim>, Option<Fault>) -> T + 'static,
    ) -> T {
        let Request { operation, about, unknown } = request;
        self.asks_before(operation);
        let fault = self.sim.strike_call(self.number, operation, &about);
        let timing = self.timing(fault, operation.system());
        if timing.gives_up_ms.is_some() {
            self.has_lost_an_answer.set(true);
        }
        let slot: Slot<T> = Rc::default();
        if let Some(dies_ms) = timing.dies_ms {
            let task = self.task;
            self.sim.after(dies_ms, move |sim| sim.kill(task));
        }
        if let Some(gives_up_ms) = timing.gives_up_ms {
            self.answer_later(gives_up_ms, unknown(), &slot);
        }
        if let Some(arrives_ms) = timing.arrives_ms {
            let (process, slot) = (Rc::clone(self), Rc::clone(&slot));
            self.sim.after(arrives_ms, move |sim| {
                let answer = effect(sim, fault);
                sim.note(process.number, operation.name(), &about, answer.label());
                sim.settle();
                if let Some(answer_ms) = timing.answer_ms {
                    process.answer_later(answer_ms, answer, &slot);
                }
            });
        }
        Waiting { slot }.await
    }

    fn answer_later<T: 'static>(&self, delay_ms: i64, answer: T, slot: &Slot<T>) {
        let (task, slot) = (self.task, Rc::clone(slot));
        self.sim.after(delay_ms, move |sim| {
            *slot.borrow_mut() = Some(answer);
            sim.resume(task);
        });
    }

    pub(crate) async fn sleep(&self, delay_ms: i64) {
        let slot: Slot<()> = Rc::default();
        self.answer_later(delay_ms, (), &slot);
        Waiting { slot }.await;
    }

    fn timing(&self, fault: Option<Fault>, system: System) -> Timing {
        let mut faults = self.sim.faults.borrow_mut();
        let longest_freeze_ms = faults.longest_freeze_ms;
        let random = faults.random();
        let (there, back) = match self.sim.limits {
            Some(_) => Limits::latency(system, random),
            None => (random.between(2, 80), random.between(2, 80)),
        };
        let usual = Timing { dies_ms: None, arrives_ms: Some(there), answer_ms: Some(back), gives_up_ms: None };
        let is_aimed = self.sim.mode == Mode::KeysIgnoredHeavily;
        let late_ms = |random: &mut crate::random::Random| {
            // Mostly soon after, now and then as late as can be; or just when somebody has tried again.
            let (soon_per_mille, soon_ms) = if is_aimed { (800, 5000) } else { (500, 15_000) };
            let longest_ms = if random.chance(soon_per_mille) { soon_ms } else { LATEST_MS };
            random.between(1, longest_ms)
        };
        match fault {
            Some(Fault::CrashBefore) => Timing { dies_ms: Some(there), arrives_ms: None, answer_ms: None, ..usual },
            Some(Fault::CrashAfter) => Timing { dies_ms: Some(there + 1), answer_ms: None, ..usual },
            Some(Fault::CrashInFlight) => {
                // Aimed, it lands about when the dead one's lease has ended.
                let late_ms = if is_aimed { random.between(75_000, 115_000) } else { late_ms(random) };
                Timing { dies_ms: Some(there), arrives_ms: Some(there + late_ms), answer_ms: None, ..usual }
            }
            Some(Fault::FreezeBefore) => {
                let frozen_ms = random.between(1000, longest_freeze_ms);
                self.frozen_ms.set(self.frozen_ms.get() + frozen_ms);
                Timing { arrives_ms: Some(there + frozen_ms), ..usual }
            }
            Some(Fault::FreezeAfter) => {
                let frozen_ms = random.between(1000, longest_freeze_ms);
                self.frozen_ms.set(self.frozen_ms.get() + frozen_ms);
                Timing { answer_ms: Some(back + frozen_ms), ..usual }
            }
            Some(Fault::Slow) => Timing { answer_ms: Some(random.between(3000, TIMEOUT_MS - 100)), ..usual },
            Some(Fault::NeverArrives) => {
                Timing { arrives_ms: None, answer_ms: None, gives_up_ms: Some(TIMEOUT_MS), ..usual }
            }
            Some(Fault::AnswerLost) => {
                let gives_up_ms = if random.chance(500) { there + back } else { TIMEOUT_MS };
                Timing { answer_ms: None, gives_up_ms: Some(gives_up_ms), ..usual }
            }
            Some(Fault::LandsLate) => {
                let arrives_ms = Some(TIMEOUT_MS + late_ms(random));
                Timing { arrives_ms, answer_ms: None, gives_up_ms: Some(TIMEOUT_MS), ..usual }
            }
            _ => usual,
        }
    }
}

type Slot<T> = Rc<RefCell<Option<T>>>;

/// Until the answer is there. The event that brings it lets the task go on.
struct Waiting<T> {
    slot: Slot<T>,
}

impl<T> Future for Waiting<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        match self.slot.borrow_mut().take() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        }
    }
}
