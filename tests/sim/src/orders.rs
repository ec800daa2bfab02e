//! Every order in which Stripe can tell of one invoice and its subscription: whatever is told first and last, twice and late, Salesforce ends up
//! saying what the objects say.
//!
//! Eight things are told, of which the two failures are alike but for their ids: 20,160 orders of each end. What is told need not be so, and
//! the objects stand still meanwhile.

mod ends;
mod said;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use engine::PassKind;
use jiff::Timestamp;
use planted::Bug;
use queue::{Envelope, Source};
use stripe::webhook::{self, Notification};

use crate::reconciler;
use crate::world::Sim;
pub use ends::End;
use ends::Objects;
use said::Said;

/// What is told, in Stripe's names, and whether it is the subscription that it is about.
const HINTS: [(&str, bool); 7] = [
    ("invoice.finalized", false),
    ("invoice.sent", false),
    ("invoice.payment_failed", false),
    ("invoice.paid", false),
    ("invoice.voided", false),
    ("customer.subscription.updated", true),
    ("customer.subscription.deleted", true),
];

/// One of the orders: places in `HINTS`.
pub type Order = [usize; 8];

/// In which a payment fails twice.
const FIRST: Order = [0, 1, 2, 2, 3, 4, 5, 6];

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// How long the second delivery of an event comes after the first, where it is late.
const AGAIN_MS: i64 = 25 * MINUTE_MS;

/// How many failing orders are printed.
const PRINTED: usize = 20;

/// All of them, by the alphabet.
pub fn orders() -> Vec<Order> {
    std::iter::successors(Some(FIRST), |order| after(*order)).collect()
}

/// The next by the alphabet.
fn after(mut order: Order) -> Option<Order> {
    let place = (1..order.len()).rev().find(|place| order[place - 1] < order[*place])? - 1;
    let other = (place + 1..order.len()).rev().find(|other| order[*other] > order[place])?;
    order.swap(place, other);
    order[place + 1..].reverse();
    Some(order)
}

/// One order of one end, and how it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telling {
    pub end: End,
    pub order: Order,
    /// The place of the order among all of them. How late things come goes by it.
    pub number: usize,
}

impl Telling {
    /// The events are as old as what they tell of; or each is made when it is told.
    fn is_old(&self) -> bool {
        (self.number / 6).is_multiple_of(2)
    }

    fn again_ms(&self) -> i64 {
        if (self.number / 3).is_multiple_of(2) { 0 } else { AGAIN_MS }
    }

    /// What is waited for before the next is told: until nothing is under way, for a while longer, or not at all.
    fn waits_ms(&self, step: usize) -> i64 {
        match (self.number + step) % 3 {
            0 => MINUTE_MS,
            1 => 40 * MINUTE_MS,
            _ => 0,
        }
    }

    /// Plays it; why it is not as it should be, if it is not.
    fn play(&self) -> Result<(), String> {
        let sim = ends::begin();
        let played = catch_unwind(AssertUnwindSafe(|| self.play_in(&sim)));
        sim.end();
        played.unwrap_or_else(|_| Err("it panics".to_owned()))
    }

    fn play_in(&self, sim: &Rc<Sim>) -> Result<(), String> {
        let objects = self.end.happens(sim)?;
        let expected = Said::by_objects(sim, &objects);
        let happened_at = sim.now();
        for (step, place) in self.order.into_iter().enumerate() {
            pass_time(sim, 1000);
            // The second failure is an event of its own.
            let number = if self.order[..step].contains(&place) { HINTS.len() } else { place };
            let created = if self.is_old() { happened_at } else { sim.now() };
            self.deliver(sim, &notification(place, number, &objects, created))?;
            pass_time(sim, self.waits_ms(step));
        }
        pass_time(sim, AGAIN_MS + 10 * MINUTE_MS);
        Said::by_salesforce(sim).is_of(&expected.at_once(), "when all is told")?;
        follow_up(sim);
        let end = Said::by_objects(sim, &objects);
        end.is_of(&expected, "the objects")?;
        Said::by_salesforce(sim).is_of(&expected, "in the end")?;
        is_at_rest(sim)
    }

    /// As the door does it: what nobody follows is dropped.
    fn deliver(&self, sim: &Rc<Sim>, notification: &Notification) -> Result<(), String> {
        let event = webhook::event(notification).map_err(|why| why.to_string())?;
        let Some(event) = event.filter(|_| sim.settings.followed.wants(&notification.event_type)) else {
            return Ok(());
        };
        for delay_ms in [0, self.again_ms()] {
            let (id, event) = (notification.event_id.clone(), event.clone());
            sim.after(delay_ms, move |sim| {
                sim.enqueue(&Envelope::new(id, Source::StripeWebhook, event, sim.now()));
            });
        }
        Ok(())
    }
}

impl std::fmt::Display for Telling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.order.iter().map(|place| HINTS[*place].0).collect();
        write!(f, "{}, order {}: {}", self.end.name(), self.number, names.join(", "))
    }
}

fn notification(place: usize, number: usize, objects: &Objects, created: Timestamp) -> Notification {
    let (event_type, is_of_subscription) = HINTS[place];
    let about = if is_of_subscription { objects.subscription.to_string() } else { objects.invoice.to_string() };
    Notification {
        event_id: format!("evt_hint{number}"),
        event_type: event_type.to_owned(),
        livemode: false,
        created,
        object_id: Some(about),
        api_version: None,
    }
}

/// The clock stands where nothing happens.
fn pass_time(sim: &Rc<Sim>, ms: i64) {
    sim.after(ms, |_| {});
    sim.run_until(sim.now_ms() + ms);
}

/// Two days later somebody is asked to follow up what is unpaid; and what waited for a day in vain lies before a person by then.
fn follow_up(sim: &Rc<Sim>) {
    for hours in [49, 26] {
        pass_time(sim, hours * HOUR_MS);
        reconciler::start(sim, PassKind::Sweep);
        pass_time(sim, 10 * MINUTE_MS);
    }
}

fn is_at_rest(sim: &Rc<Sim>) -> Result<(), String> {
    let left = sim.queue.borrow().len() + sim.bulk.borrow().len();
    if left > 0 {
        return Err(format!("{left} messages are left"));
    }
    match sim.models.borrow().violations.first() {
        Some(violation) => Err(violation.to_string()),
        None => Ok(()),
    }
}

/// What so many orders came to.
#[derive(Debug, Default)]
pub struct Sum {
    pub orders: usize,
    /// In which order, and why.
    pub failed: Vec<(Telling, String)>,
}

/// Of each end every so-manieth order, on all cores; with a planted bug, if one is given.
pub fn exhaust(every: usize, bug: Option<Bug>) -> Sum {
    let orders = orders();
    let mut tellings = Vec::new();
    for (offset, end) in End::ALL.into_iter().enumerate() {
        let numbered = orders.iter().enumerate().skip(offset % every).step_by(every);
        tellings.extend(numbered.map(|(number, order)| Telling { end, order: *order, number }));
    }
    let next = AtomicUsize::new(0);
    let work = || {
        planted::plant(bug.as_slice());
        let mut failed = Vec::new();
        while let Some(telling) = tellings.get(next.fetch_add(1, Ordering::Relaxed)) {
            failed.extend(telling.play().err().map(|why| (*telling, why)));
        }
        failed
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut failed: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a telling's panic is caught")).collect()
    });
    failed.sort_by_key(|(telling, _)| (telling.end, telling.number));
    Sum { orders: tellings.len(), failed }
}

/// Prints what they came to; whether all of them ended as the objects are.
pub fn print(every: usize, bug: Option<Bug>) -> bool {
    let Sum { orders, failed } = exhaust(every, bug);
    for (telling, why) in failed.iter().take(PRINTED) {
        println!("VIOLATED {telling}: {why}");
    }
    println!("sim: orders={orders} violations={}", failed.len());
    failed.is_empty()
}
