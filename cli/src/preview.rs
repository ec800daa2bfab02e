//! What would happen to a deal if its event came now: the engine that ships, in a world that does not write.

mod args;
mod command;
mod described;
mod journal;
mod ledger;
mod lists;
mod many;
mod salesforce;
mod stripe;
mod table;
mod told;
mod words;

use ::ledger::{DynamoDb, Ledger};
pub use args::{PreviewArgs, Shown};
pub use command::run;
use deployment::Sight;
use domain::{Event, OpportunityId};
use engine::{Access, Engine, Errand, Ledger as _, Outcome, Pace, Pause, Room, World};
use jiff::{SignedDuration, Timestamp};
use journal::Journal;
use ledger::Remembered;
pub use lists::{ListError, ListName, list};
pub use many::{Many, many};
use queue::{Envelope, Source};
use table::Overlay;
pub use told::{
    Call, End, Invoice, InvoiceFate, Item, Line, Preview, Request, Subscription, SubscriptionFate, Tax, Told,
};
use workflow::RunId;

struct Unwritten;

impl World for Unwritten {
    type Ledger = Remembered<DynamoDb>;
    type Stripe = stripe::Unwritten;
    type Salesforce = salesforce::Unwritten;
    type Reporter = Journal;
    type Notifier = Journal;
    type Clock = Journal;
}

/// As the template gives the worker.
const INVOCATION: SignedDuration = SignedDuration::from_mins(5);

/// How often it is tried again where the queue would let it be tried again at once.
const TRIES: u32 = 3;

/// Why nobody knows what would happen.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unforeseen(String);

/// At this moment, with Stripe, Salesforce and the ledger as they are now.
pub async fn preview(sight: &Sight, opportunity_id: &OpportunityId, at: Timestamp) -> Result<Preview, Unforeseen> {
    let journal = Journal::new(at);
    let ledger = Ledger::over(Overlay::over(sight.table.clone()));
    let engine: Engine<Unwritten> = Engine {
        ledger: Remembered { ledger, journal: journal.clone() },
        stripe: stripe::Unwritten::over(sight.stripe.clone(), journal.clone()),
        salesforce: salesforce::Unwritten::over(sight.salesforce.clone(), journal.clone()),
        reporter: journal.clone(),
        notifier: journal.clone(),
        clock: journal.clone(),
        scope: sight.scope.clone(),
        settings: sight.settings.clone(),
        rulebook: sight.rulebook(),
        access: Access::default(),
        room: Room::default(),
    };
    let event = Event::OpportunityChanged { opportunity_id: opportunity_id.clone(), occurred_at: at };
    // No event has this id, so that a run which has ended takes it up as it would any new one.
    let envelope = Envelope::new(format!("preview:{opportunity_id}:{at}"), Source::SalesforceCallout, event, at);
    let outcome = handle(&engine, &envelope, at).await;
    let calls = journal.calls();
    for due in journal.queued().iter().filter(|one| matches!(one.event, Event::NotificationDue { .. })) {
        handle(&engine, due, at).await;
    }
    let organization_id = sight.scope.organization_id.clone();
    let run_id = RunId::OpportunityWon { organization_id, opportunity_id: opportunity_id.clone() };
    let stored = engine.ledger.run(&run_id.to_string()).await.map_err(|why| Unforeseen(why.to_string()))?;
    let end = told::end(outcome, stored.as_ref().map(|stored| &stored.run))?;
    let memory = engine.stripe.memory.into_inner();
    Ok(told::preview(opportunity_id, at, end, &journal, calls, &memory, stored.as_ref().map(|stored| &stored.run)))
}

async fn handle(engine: &Engine<Unwritten>, envelope: &Envelope, at: Timestamp) -> Outcome {
    let deadline = at.saturating_add(INVOCATION).unwrap_or(at);
    let errand = Errand { envelope, owner: "preview".to_owned(), deadline, queued: None };
    // The engine's future is a large one.
    let mut outcome = Box::pin(engine.handle(&errand)).await;
    for _ in 1..TRIES {
        // What the customer was being told would be told by then.
        if !matches!(outcome, Outcome::Retry(Pause { pace: Pace::Backoff, code: engine::RUN_IS_HELD, .. })) {
            break;
        }
        outcome = Box::pin(engine.handle(&errand)).await;
    }
    outcome
}
