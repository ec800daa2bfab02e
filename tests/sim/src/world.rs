//! One history: virtual time, the models of the vendors, table and queue, what goes wrong, and who hears of what.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::Poll;

use domain::{Event, OpportunityId, Urgency};
use engine::Scope;
use jiff::Timestamp;
use mapping::Settings;
use queue::{Envelope, Source};

use crate::crashes::Script;
use crate::executor::{Executor, Task, TaskId, poll, timestamp};
use crate::faults::{Fault, Faults, Operation};
use crate::limits::Limits;
use crate::model::{Facts, Models, SalesforceEvent, StripeEvent, Violation, count};
use crate::operator::Operator;
use crate::options::Mode;
use crate::queue::{DeadLetter, Lane, Queue};
use crate::random::Random;
use crate::reconciler::Passes;
use crate::table::Table;
use crate::trace::{Line, Trace};
use crate::worker::{self, Workers};

/// As `template.yaml` has it.
const SETTLING_MS: i64 = 5000;

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Ten times what a history takes. One that takes more is going in circles.
const MOST_EVENTS: u64 = 60_000;

/// The world itself, among those who do something.
pub const NOBODY: u64 = 0;

pub struct Sim {
    pub mode: Mode,
    pub scope: Scope,
    pub settings: Settings,
    pub models: RefCell<Models>,
    pub table: RefCell<Table>,
    pub queue: RefCell<Queue>,
    /// Of what comes by the thousand, where limits make it one of its own.
    pub bulk: RefCell<Queue>,
    pub limits: Option<RefCell<Limits>>,
    pub faults: RefCell<Faults>,
    pub workers: RefCell<Workers>,
    pub passes: RefCell<Passes>,
    /// Where nothing happens by chance: what is to happen, and the calls that were made so far.
    pub script: Option<Script>,
    pub calls: RefCell<Vec<Operation>>,
    pub operator: RefCell<Operator>,
    pub facts: RefCell<Facts>,
    /// Whether the organization's flow also tells of what we write ourselves.
    pub own_writes_are_told: bool,
    trace: RefCell<Trace>,
    executor: RefCell<Executor<Sim>>,
    random: RefCell<Random>,
}

pub struct Parts {
    pub mode: Mode,
    pub scope: Scope,
    pub settings: Settings,
    pub models: Models,
    pub faults: Faults,
    pub trace: Trace,
    pub random: Random,
    pub start_ms: i64,
    pub script: Option<Script>,
    pub limits: Option<Limits>,
}

/// How long an event is hidden at first. Both queues of work are one here, from which anything visible may be received next.
pub fn settling_ms(envelope: &Envelope) -> i64 {
    if envelope.event.urgency() == Urgency::Settled { SETTLING_MS } else { 0 }
}

impl Sim {
    pub fn new(mut parts: Parts) -> Rc<Self> {
        Rc::new(Self {
            mode: parts.mode,
            scope: parts.scope,
            settings: parts.settings,
            models: RefCell::new(parts.models),
            table: RefCell::default(),
            queue: RefCell::default(),
            bulk: RefCell::default(),
            limits: parts.limits.map(RefCell::new),
            faults: RefCell::new(parts.faults),
            workers: RefCell::default(),
            passes: RefCell::default(),
            script: parts.script,
            calls: RefCell::default(),
            operator: RefCell::default(),
            facts: RefCell::default(),
            own_writes_are_told: parts.random.chance(500),
            trace: RefCell::new(parts.trace),
            executor: RefCell::new(Executor::new(parts.start_ms)),
            random: RefCell::new(parts.random),
        })
    }

    pub fn queue(&self, lane: Lane) -> &RefCell<Queue> {
        match lane {
            Lane::Work => &self.queue,
            Lane::Bulk => &self.bulk,
        }
    }

    pub fn lane(&self, envelope: &Envelope) -> Lane {
        let is_bulk = self.limits.is_some() && envelope.event.urgency() != Urgency::First;
        if is_bulk { Lane::Bulk } else { Lane::Work }
    }

    /// Whether the account that this opportunity hangs on can be held for a write, where that is asked.
    pub fn holds_account_of(&self, opportunity_id: &str) -> bool {
        let Some(limits) = &self.limits else { return true };
        let id = OpportunityId::parse(opportunity_id).ok();
        let models = self.models.borrow();
        let account = id.and_then(|id| models.salesforce.opportunity(&id)?.account_id.clone());
        account.is_none_or(|account| limits.borrow_mut().locks(account.as_str(), self.now_ms()))
    }

    pub fn now_ms(&self) -> i64 {
        self.executor.borrow().now_ms()
    }

    pub fn now(&self) -> Timestamp {
        timestamp(self.now_ms())
    }

    pub fn events(&self) -> u64 {
        self.executor.borrow().happened()
    }

    pub fn between(&self, low: i64, high: i64) -> i64 {
        self.random.borrow_mut().between(low, high)
    }

    pub fn chance(&self, per_mille: u32) -> bool {
        self.random.borrow_mut().chance(per_mille)
    }

    pub fn random(&self) -> std::cell::RefMut<'_, Random> {
        self.random.borrow_mut()
    }

    pub fn count(&self, fact: &'static str) {
        count(&mut self.facts.borrow_mut(), fact);
    }

    pub fn violate(&self, rule: &'static str, detail: String) {
        self.models.borrow_mut().violations.push(Violation::new(self.now(), rule, detail));
    }

    pub fn note(&self, who: u64, what: &str, about: &str, outcome: &str) {
        self.trace.borrow_mut().note(Line { at_ms: self.now_ms(), who, what, about, outcome });
    }

    /// What goes wrong with this operation, if anything does. It is counted and written down.
    pub fn strike(&self, who: u64, operation: Operation, about: &str) -> Option<Fault> {
        let fault = self.faults.borrow_mut().strike(operation, self.now_ms())?;
        self.note(who, operation.name(), about, fault.name());
        Some(fault)
    }

    /// What goes wrong with a call. Where there is a script, by the script.
    pub fn strike_call(self: &Rc<Self>, who: u64, operation: Operation, about: &str) -> Option<Fault> {
        let Some(script) = self.script else { return self.strike(who, operation, about) };
        let number = self.calls.borrow().len();
        self.calls.borrow_mut().push(operation);
        let fault = script.strikes(number)?;
        self.faults.borrow_mut().count(fault, operation);
        self.note(who, operation.name(), about, fault.name());
        if script.is_later {
            // Whoever else is at work ends what it began; nobody takes up anything for a day.
            let until_ms = self.now_ms() + 25 * HOUR_MS;
            self.after(1, move |sim| sim.queue.borrow_mut().hide_all(until_ms));
        }
        Some(fault)
    }

    pub fn after(&self, delay_ms: i64, effect: impl FnOnce(&Rc<Sim>) + 'static) {
        self.executor.borrow_mut().after(delay_ms, Box::new(effect));
    }

    pub fn spawn(self: &Rc<Self>, make: impl FnOnce(TaskId) -> Task) -> TaskId {
        // The task's own future knows its id, so a place is taken before there is a future.
        let id = self.executor.borrow_mut().add(Box::pin(async {}));
        let task = make(id);
        self.executor.borrow_mut().put_back(id, task);
        id
    }

    /// Lets a task go on until it waits for something.
    pub fn resume(self: &Rc<Self>, id: TaskId) {
        let Some(mut task) = self.executor.borrow_mut().take(id) else { return };
        match poll(&mut task) {
            Poll::Pending => self.executor.borrow_mut().put_back(id, task),
            Poll::Ready(()) => {
                drop(task);
                worker::ended(self, id);
            }
        }
    }

    /// The process is gone. What it has sent is on its way all the same.
    pub fn kill(self: &Rc<Self>, id: TaskId) {
        let Some(task) = self.executor.borrow_mut().take(id) else { return };
        drop(task);
        worker::ended(self, id);
    }

    pub fn is_alive(&self, id: TaskId) -> bool {
        self.executor.borrow().is_alive(id)
    }

    /// Everything until then; false if there is no end of it.
    pub fn run_until(self: &Rc<Self>, until_ms: i64) -> bool {
        loop {
            let next = self.executor.borrow_mut().next(until_ms);
            let Some(effect) = next else { return true };
            effect(self);
            if self.limits.is_none() && self.events() > MOST_EVENTS {
                return false;
            }
        }
    }

    /// After anything that changes a vendor or the table: what must be true at every moment, and who hears of it.
    pub fn settle(self: &Rc<Self>) {
        let now = self.now();
        let (stripe_events, salesforce_events) = {
            let mut models = self.models.borrow_mut();
            for committed in self.table.borrow_mut().take_committed() {
                models.committed(now, committed.old.as_deref(), &committed.new);
            }
            models.settle(now);
            (models.stripe.take_events(), models.salesforce.take_events())
        };
        stripe_events.into_iter().for_each(|event| self.tell_of_stripe(&event));
        salesforce_events
            .into_iter()
            .filter(|event| !event.is_ours || self.own_writes_are_told)
            .for_each(|event| self.tell_of_change(event));
    }

    pub fn tell_of_stripe(self: &Rc<Self>, event: &StripeEvent) {
        self.deliver(Operation::StripeEvent, &event.id, event.about(), Source::StripeWebhook, event.event());
    }

    fn tell_of_change(self: &Rc<Self>, SalesforceEvent { id, opportunity_id, at, .. }: SalesforceEvent) {
        let event = Event::OpportunityChanged { opportunity_id: opportunity_id.clone(), occurred_at: at };
        self.deliver(Operation::SalesforceEvent, &id, opportunity_id.as_str(), Source::SalesforceCallout, event);
    }

    /// A sender tells of an event, once or more often, soon or late. A door that does not answer is tried again, which is
    /// nothing but late.
    fn deliver(self: &Rc<Self>, operation: Operation, id: &str, about: &str, source: Source, event: Event) {
        let fault = match self.script {
            Some(script) if !script.story.is_told() => Some(Fault::EventLost),
            Some(script) if script.is_doubled => Some(Fault::EventDuplicated),
            _ => self.strike(NOBODY, operation, about),
        };
        let soon_ms = self.between(100, 5000);
        let mut deliveries = vec![(soon_ms, id.to_owned())];
        match fault {
            Some(Fault::EventDuplicated) => {
                // A sender's retry has the same id; a trigger that fired twice has not.
                let twice = if self.chance(500) { id.to_owned() } else { format!("{id}b") };
                let soon_too_ms = if self.script.is_some() { soon_ms } else { self.between(0, 2 * MINUTE_MS) };
                deliveries.push((soon_too_ms, twice));
            }
            Some(Fault::EventLate) => deliveries[0].0 = self.between(MINUTE_MS, 12 * HOUR_MS),
            Some(Fault::EventReplayed) => deliveries.push((self.between(DAY_MS, 3 * DAY_MS), id.to_owned())),
            Some(Fault::EventLost) => deliveries.clear(),
            Some(Fault::EventNeverMade) => {
                self.models.borrow_mut().stripe.forget_event(id);
                deliveries.clear();
            }
            _ => {}
        }
        for (delay_ms, id) in deliveries {
            let event = event.clone();
            let about = about.to_owned();
            self.after(delay_ms, move |sim| {
                sim.note(NOBODY, operation.name(), &about, &id);
                sim.enqueue(&Envelope::new(id, source, event, sim.now()));
            });
        }
    }

    pub fn enqueue(self: &Rc<Self>, envelope: &Envelope) {
        let queue = self.queue(self.lane(envelope));
        queue.borrow_mut().send(self.now_ms(), envelope.to_json().into(), settling_ms(envelope));
        worker::look(self);
    }

    /// A person sends dead letters again: all of them, or those that were only received too often.
    pub fn redrive(self: &Rc<Self>, is_chosen: impl Fn(&DeadLetter) -> bool) {
        let (again, stay) = self.queue.borrow_mut().dead.drain(..).partition(is_chosen);
        self.queue.borrow_mut().dead = stay;
        let again: Vec<DeadLetter> = again;
        self.operator.borrow_mut().redrives += u32::from(!again.is_empty());
        for letter in again {
            self.note(NOBODY, "redrive", letter.code.as_deref().unwrap_or("received too often"), "");
            self.queue.borrow_mut().send(self.now_ms(), letter.body, 0);
        }
        worker::look(self);
    }

    /// What is still planned holds the history that it is planned in; without this nothing would ever be freed.
    pub fn end(&self) {
        let executor = self.executor.replace(Executor::new(0));
        drop(executor);
    }

    pub fn hash(&self) -> u64 {
        self.trace.borrow().hash()
    }

    pub fn take_lines(&self) -> Vec<String> {
        self.trace.replace(Trace::new(false)).into_lines()
    }
}
