//! The queues, as a worker's process uses them.

use std::rc::Rc;

use queue::{Envelope, Parked, QueueError};

use super::{Outcome, Process, Request};
use crate::faults::Operation;
use crate::queue::Received;
use crate::worker;
use crate::world::settling_ms;

#[derive(Clone)]
pub struct QueuePort(pub Rc<Process>);

impl Outcome for Result<(), QueueError> {
    fn label(&self) -> &'static str {
        if self.is_ok() { "ok" } else { "unavailable" }
    }
}

fn unknown<T>() -> Result<T, QueueError> {
    Err(QueueError::unavailable("talking to the queue", "no answer in time"))
}

impl engine::Reporter for QueuePort {
    async fn enqueue(&self, envelopes: &[Envelope]) -> Result<(), QueueError> {
        let place = |envelope: &Envelope| (envelope.to_json(), self.0.sim.lane(envelope), settling_ms(envelope));
        let bodies: Vec<_> = envelopes.iter().map(place).collect();
        let request = Request { operation: Operation::Enqueue, about: format!("{} events", bodies.len()), unknown };
        self.0
            .call(request, move |sim, _| {
                for (body, lane, hidden_ms) in bodies {
                    sim.queue(lane).borrow_mut().send(sim.now_ms(), body.into(), hidden_ms);
                }
                worker::look(sim);
                Ok(())
            })
            .await
    }

    async fn park(&self, envelope: &Envelope, parked: Parked) -> Result<(), QueueError> {
        let (code, sent_at) = (parked.code.clone(), self.0.sim.now());
        let said = parked.clone();
        let body = envelope.parked_for(parked).to_json();
        let about = format!("{} {code}", envelope.id);
        let request = Request { operation: Operation::Park, about, unknown };
        self.0
            .call(request, move |sim, _| {
                let is_asked_for = sim.operator.borrow().restores() + sim.operator.borrow().redrives > 0;
                sim.models.borrow_mut().is_parked(sim.now(), sent_at, &said, is_asked_for);
                sim.queue.borrow_mut().bury(sim.now_ms(), body.into(), Some(code));
                sim.count("a person was told of an event");
                Ok(())
            })
            .await
    }
}

impl QueuePort {
    /// The message is done, and the platform deletes it.
    pub async fn delete(&self, received: Received) -> Result<(), QueueError> {
        let about = format!("message {}", received.id);
        let request = Request { operation: Operation::DeleteMessage, about, unknown };
        self.0
            .call(request, move |sim, _| {
                let is_gone = sim.queue(received.lane).borrow_mut().delete(&received, &mut sim.random());
                if !is_gone {
                    sim.count("a message came back though it was deleted");
                }
                Ok(())
            })
            .await
    }

    pub async fn delay(&self, received: Received, delay_ms: i64) -> Result<(), QueueError> {
        let about = format!("message {} by {} s", received.id, delay_ms / 1000);
        let request = Request { operation: Operation::DelayMessage, about, unknown };
        self.0
            .call(request, move |sim, _| {
                let hidden = sim.queue(received.lane).borrow_mut().hide(sim.now_ms(), &received, delay_ms);
                worker::look(sim);
                hidden.map_err(|why| QueueError::unavailable("giving a message back for later", why))
            })
            .await
    }
}
