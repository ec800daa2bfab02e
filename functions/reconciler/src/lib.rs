#![doc = include_str!("../README.md")]

use deployment::Tells;
use engine::{Clock, Cloud, Engine, Pass, PassKind, Reconciled, World};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent};
use ledger::{Books, Statement};
use platform::{ConfigError, Environment, Metric};
use serde::{Deserialize, Serialize};

const SERVICE: &str = "reconciler";

/// A log line holds 256 kB; the ledger has the rest.
const MOST_LOGGED: usize = 200;

pub struct App<W: World> {
    pub engine: Engine<W>,
}

impl App<Cloud> {
    pub async fn from_environment(environment: Environment) -> Result<Self, ConfigError> {
        let parts = deployment::from_environment(environment, Tells::Nobody).await?;
        Ok(Self { engine: parts.engine })
    }
}

/// What the schedule sends.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub pass: Requested,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requested {
    Sweep,
    Deep,
}

/// What came of a pass, for whoever invokes it by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub finished: bool,
    pub requeued: u64,
    pub orphans_deleted: u64,
    pub differences: usize,
    pub statement_of: Option<String>,
}

/// One pass. One that was told to slow down, or ran out of time, is no error: the next one goes on where it stopped. It is
/// no success either, and an alarm counts those.
pub async fn handle<W: World>(app: &App<W>, event: LambdaEvent<Request>) -> Result<Summary, Error> {
    let deadline = i64::try_from(event.context.deadline)?;
    let kind = match event.payload.pass {
        Requested::Sweep => PassKind::Sweep,
        Requested::Deep => PassKind::Deep,
    };
    let pass = Pass { kind, deadline: Timestamp::from_millisecond(deadline)? };
    let reconciled = app.engine.reconcile(&pass).await;
    tell(kind, &reconciled, app.engine.clock.now());
    Ok(Summary {
        finished: reconciled.is_finished,
        requeued: reconciled.requeued,
        orphans_deleted: reconciled.orphans_deleted,
        differences: reconciled.differences.len(),
        statement_of: reconciled.statement.map(|statement| statement.day.to_string()),
    })
}

/// Logs and counts what a pass found, once, here.
fn tell(kind: PassKind, reconciled: &Reconciled, now: Timestamp) {
    let name = match kind {
        PassKind::Sweep => "sweep",
        PassKind::Deep => "deep",
    };
    let add = |metric, value| platform::add(SERVICE, metric, value, name, now);
    add(Metric::EventsRequeued, reconciled.requeued);
    add(Metric::OrphansDeleted, reconciled.orphans_deleted);
    add(Metric::Differences, u64::try_from(reconciled.differences.len()).unwrap_or(u64::MAX));
    for difference in reconciled.differences.iter().take(MOST_LOGGED) {
        tracing::warn!(difference = json(difference), "the two sides differ");
    }
    for (part, pause) in &reconciled.pauses {
        platform::count(SERVICE, Metric::ReconcilerUnfinished, pause.code, now);
        tracing::warn!(part, code = pause.code, detail = %pause.detail, "a part of the pass is not finished");
    }
    if reconciled.is_finished {
        add(Metric::ReconcilerSucceeded, 1);
    }
    if let Some(statement) = &reconciled.statement {
        add(Metric::StatementsMade, 1);
        tracing::info!(statement = json(&logged(statement)), "the statement of {}", statement.day);
    }
    tracing::info!(pass = name, finished = reconciled.is_finished, requeued = reconciled.requeued, "pass ended");
}

/// Every number, and as many differences as a line takes.
fn logged(statement: &Statement) -> Statement {
    let shortened = |books: &Books| {
        let differences = books.differences.iter().take(MOST_LOGGED).cloned().collect();
        Books { differences, ..books.clone() }
    };
    Statement { of_day: shortened(&statement.of_day), of_month: shortened(&statement.of_month), ..statement.clone() }
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("ids, numbers and times have a form in JSON")
}
