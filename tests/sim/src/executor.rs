//! Virtual time: a heap of what happens when, and the tasks that wait for it. Nothing here runs at once with anything
//! else, and nothing here knows what a real clock says.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;

pub type Task = Pin<Box<dyn Future<Output = ()>>>;
pub type Effect<S> = Box<dyn FnOnce(&Rc<S>)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskId(pub u64);

/// Things that happen at the same millisecond happen in the order in which they were decided.
struct Due<S> {
    at_ms: i64,
    sequence: u64,
    effect: Effect<S>,
}

impl<S> PartialEq for Due<S> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<S> Eq for Due<S> {}

impl<S> PartialOrd for Due<S> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<S> Ord for Due<S> {
    /// The heap gives the greatest first, so the earliest is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at_ms, other.sequence).cmp(&(self.at_ms, self.sequence))
    }
}

pub struct Executor<S> {
    now_ms: i64,
    sequence: u64,
    happened: u64,
    heap: BinaryHeap<Due<S>>,
    tasks: BTreeMap<TaskId, Task>,
    last_task: u64,
}

impl<S> Executor<S> {
    pub fn new(start_ms: i64) -> Self {
        Self {
            now_ms: start_ms,
            sequence: 0,
            happened: 0,
            heap: BinaryHeap::new(),
            tasks: BTreeMap::new(),
            last_task: 0,
        }
    }

    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// How many events there were.
    pub fn happened(&self) -> u64 {
        self.happened
    }

    /// `delay_ms` from now.
    pub fn after(&mut self, delay_ms: i64, effect: Effect<S>) {
        self.sequence += 1;
        let at_ms = self.now_ms.saturating_add(delay_ms.max(0));
        self.heap.push(Due { at_ms, sequence: self.sequence, effect });
    }

    /// The next event, if there is one until then. The clock is where it happens.
    pub fn next(&mut self, until_ms: i64) -> Option<Effect<S>> {
        if self.heap.peek().is_none_or(|due| due.at_ms > until_ms) {
            return None;
        }
        let due = self.heap.pop()?;
        self.now_ms = due.at_ms;
        self.happened += 1;
        Some(due.effect)
    }

    /// A task that nobody has polled yet.
    pub fn add(&mut self, task: Task) -> TaskId {
        self.last_task += 1;
        let id = TaskId(self.last_task);
        self.tasks.insert(id, task);
        id
    }

    /// Out of the executor's hands, to be polled or dropped where nothing is borrowed.
    pub fn take(&mut self, id: TaskId) -> Option<Task> {
        self.tasks.remove(&id)
    }

    pub fn put_back(&mut self, id: TaskId, task: Task) {
        self.tasks.insert(id, task);
    }

    pub fn is_alive(&self, id: TaskId) -> bool {
        self.tasks.contains_key(&id)
    }
}

/// Polls once; what wakes a task here is an event that polls it again.
pub fn poll(task: &mut Task) -> Poll<()> {
    task.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

pub fn timestamp(at_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(at_ms).expect("a history lasts days")
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn things_happen_in_the_order_of_time_and_then_of_decision() {
        let seen: Rc<RefCell<Vec<&str>>> = Rc::default();
        let mut executor = Executor::new(1000);
        for (delay, name) in [(5, "third"), (1, "first"), (5, "fourth"), (1, "second"), (9, "too late")] {
            executor.after(delay, Box::new(move |seen: &Rc<RefCell<Vec<&str>>>| seen.borrow_mut().push(name)));
        }
        let shared = Rc::new(Rc::clone(&seen));
        while let Some(effect) = executor.next(1005) {
            effect(&shared);
        }
        assert_eq!(*seen.borrow(), ["first", "second", "third", "fourth"]);
        assert_eq!((executor.now_ms(), executor.happened()), (1005, 4));
    }
}
