//! What would be done, in the order in which it would be, and the clock of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use domain::FieldValue;
use engine::{Clock, Notifier, Reporter};
use jiff::{SignedDuration, Timestamp};
use ledger::CallEntry;
use mapping::{Channel, Message};
use queue::{Envelope, Parked, QueueError};

/// A request that would change something, to the parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) at: Timestamp,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) parameters: Vec<(String, String)>,
}

/// A call, and the workflow whose run would make it.
pub(crate) type Noted = (&'static str, CallEntry);

#[derive(Debug)]
struct Inner {
    began_at: Timestamp,
    looks: Cell<i64>,
    entries: RefCell<Vec<Noted>>,
    requests: RefCell<Vec<Request>>,
    queued: RefCell<Vec<Envelope>>,
    told: RefCell<Vec<(Channel, Message)>>,
}

/// Shared by all ports of one preview.
#[derive(Debug, Clone)]
pub(crate) struct Journal(Rc<Inner>);

/// Time stands still, but for so much at each look at it: whatever is noted later has a later time.
const TICK: SignedDuration = SignedDuration::from_micros(1);

impl Clock for Journal {
    fn now(&self) -> Timestamp {
        let looks = self.0.looks.get();
        self.0.looks.set(looks.saturating_add(1));
        let since = TICK.saturating_mul(i32::try_from(looks).unwrap_or(i32::MAX));
        self.0.began_at.saturating_add(since).unwrap_or(self.0.began_at)
    }
}

impl Journal {
    pub(crate) fn new(began_at: Timestamp) -> Self {
        let (looks, entries, requests) = (Cell::new(0), RefCell::default(), RefCell::default());
        let (queued, told) = (RefCell::default(), RefCell::default());
        Self(Rc::new(Inner { began_at, looks, entries, requests, queued, told }))
    }

    /// What the engine notes in its call log.
    pub(crate) fn called(&self, workflow: &'static str, calls: &[CallEntry]) {
        self.0.entries.borrow_mut().extend(calls.iter().map(|entry| (workflow, entry.clone())));
    }

    pub(crate) fn requested(&self, method: &'static str, path: String, parameters: Vec<(String, String)>) {
        let at = self.now();
        self.0.requests.borrow_mut().push(Request { at, method, path, parameters });
    }

    /// Each call with the requests by which it would change something. A run notes its calls when it is saved, after those of the
    /// customer's run that it waited for, so they are put in the order in which they were begun.
    pub(crate) fn calls(&self) -> Vec<(Noted, Vec<Request>)> {
        let mut entries = self.0.entries.borrow().clone();
        entries.sort_by_key(|(_, entry)| entry.at);
        let requests = self.0.requests.borrow();
        let ends: Vec<_> = entries.iter().skip(1).map(|(_, entry)| Some(entry.at)).chain([None]).collect();
        let of = |(noted, end): (Noted, Option<Timestamp>)| {
            let is_its = |request: &&Request| request.at >= noted.1.at && end.is_none_or(|end| request.at < end);
            let its = requests.iter().filter(is_its).cloned().collect();
            (noted, its)
        };
        entries.into_iter().zip(ends).map(of).collect()
    }

    /// The events that would be put on the work queue.
    pub(crate) fn queued(&self) -> Vec<Envelope> {
        self.0.queued.borrow().clone()
    }

    pub(crate) fn told(&self) -> Vec<(Channel, Message)> {
        self.0.told.borrow().clone()
    }
}

/// As people read it.
pub(crate) fn shown(value: &FieldValue) -> String {
    match value {
        FieldValue::Null => String::new(),
        FieldValue::Text(text) => text.clone(),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Boolean(flag) => flag.to_string(),
    }
}

impl Reporter for Journal {
    async fn enqueue(&self, envelopes: &[Envelope]) -> Result<(), QueueError> {
        self.0.queued.borrow_mut().extend_from_slice(envelopes);
        Ok(())
    }

    /// The outcome tells of it, and why.
    async fn park(&self, _: &Envelope, _: Parked) -> Result<(), QueueError> {
        Ok(())
    }
}

impl Notifier for Journal {
    async fn tell(&self, channel: Channel, message: &Message) -> Result<(), notify::Error> {
        self.0.told.borrow_mut().push((channel, message.clone()));
        Ok(())
    }
}
