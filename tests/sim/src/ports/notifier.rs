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
                    let news = news_of(sim, channel, &message.about);
                    sim.models.borrow_mut().posted(sim.now(), channel, &message, restores, news);
                    Ok(())
                }
            })
            .await
    }
}

/// Which piece of news of its run it is that is said, by what was saved before it was sent.
fn news_of(sim: &Sim, channel: Channel, about: &str) -> u32 {
    let table = sim.table.borrow();
    let organization_id = &sim.scope.organization_id;
    let key = format!("notification#{organization_id}:{channel}:{about}");
    let is_it = |item: &&ledger::Item| text(item, "sk") == "run" && text(item, "pk") == key;
    let document = table.items().find(is_it).map(|item| text(item, "document")).unwrap_or_default();
    let document: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let point = document["run"]["state"]["point"].as_object().and_then(|point| point.values().next());
    let count = point.and_then(|point| point["notice"]["count"].as_u64());
    count.and_then(|count| u32::try_from(count).ok()).unwrap_or_default()
}
