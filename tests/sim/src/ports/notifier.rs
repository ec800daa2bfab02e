//! Where people are told, over its model.

use std::rc::Rc;

use mapping::{Channel, Message};
use notify::Error;

use super::{Outcome, Process, Request};
use crate::faults::{Fault, Operation};
use crate::table::text;
use crate::world::Sim;

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
                    let count = told_count(sim, &message.about);
                    sim.models.borrow_mut().posted(sim.now(), channel, &message, restores, count);
                    Ok(())
                }
            })
            .await
    }
}

/// How often there was something to tell of the run that a message is about.
fn told_count(sim: &Sim, about: &str) -> u32 {
    let table = sim.table.borrow();
    let is_it = |item: &&ledger::Item| {
        text(item, "sk") == "run" && !text(item, "pk").starts_with("notification#") && about.ends_with(text(item, "pk"))
    };
    let document = table.items().find(is_it).map(|item| text(item, "document")).unwrap_or_default();
    let document: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    document["run"]["told"]["count"].as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or_default()
}
