//! Where people are told, over its model.

use std::rc::Rc;

use mapping::{Channel, Message};
use notify::Error;

use super::{Outcome, Process, Request};
use crate::faults::{Fault, Operation};

#[derive(Clone)]
pub struct NotifierPort(pub Rc<Process>);

type Answer = Result<(), Error>;

impl Outcome for Answer {
    fn label(&self) -> &'static str {
        match self {
            Ok(()) => "ok",
            Err(Error::NotSent(_)) => "not sent",
            Err(Error::Unknown(_)) => "unknown",
        }
    }
}

fn unknown() -> Answer {
    Err(Error::Unknown("no answer in time".to_owned()))
}

impl engine::Notifier for NotifierPort {
    async fn tell(&self, channel: Channel, message: &Message) -> Answer {
        let about = format!("{channel} {}", message.about);
        let request = Request { operation: Operation::Tell, about, unknown };
        let (message, restores) = (message.clone(), self.0.sim.operator.borrow().restores());
        self.0
            .call(request, move |sim, fault| match fault {
                Some(Fault::RateLimited | Fault::ConnectFailed) => Err(Error::NotSent("not now".to_owned())),
                _ => {
                    sim.models.borrow_mut().posted(sim.now(), channel, &message, restores);
                    Ok(())
                }
            })
            .await
    }
}
