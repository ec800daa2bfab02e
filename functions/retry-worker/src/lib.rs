#![doc = include_str!("../README.md")]

use std::panic::AssertUnwindSafe;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use deployment::{Parts, Tells};
use engine::{Clock, Cloud, Engine, Errand, Outcome, Pace, Pause, Queued, World};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, LambdaEvent};
use platform::{ConfigError, Environment, Metric};
use queue::{Envelope, Queue};

const SERVICE: &str = "retry-worker";

/// What one event needs at most: less time than this, and the message goes back untouched.
const ENOUGH_TIME: SignedDuration = SignedDuration::from_secs(16);

pub struct App<W: World> {
    pub engine: Engine<W>,
    pub queue: Queue,
}

impl App<Cloud> {
    pub async fn from_environment(environment: Environment) -> Result<Self, ConfigError> {
        let Parts { engine, queue } = deployment::from_environment(environment, Tells::People).await?;
        Ok(Self { engine, queue })
    }
}

/// A batch. The messages named in the answer come back; all others are done and deleted.
pub async fn handle<W: World>(app: &App<W>, event: LambdaEvent<SqsEvent>) -> SqsBatchResponse {
    let mut answer = SqsBatchResponse::default();
    for message in &event.payload.records {
        // One message's panic is that message's failure, and never its batch mates'.
        let work = AssertUnwindSafe(work(app, message, &event.context)).catch_unwind().await;
        let pause = match work {
            Ok(Ok(())) => continue,
            Ok(Err(pause)) => pause,
            Err(_) => Pause::new(Pace::Backoff, "panicked", "the worker panicked over this message"),
        };
        give_back(app, message, &pause).await;
        answer.add_failure(message.message_id.clone().unwrap_or_default());
    }
    answer
}

async fn work<W: World>(app: &App<W>, message: &SqsMessage, context: &Context) -> Result<(), Pause> {
    let now = app.engine.clock.now();
    let deadline =
        i64::try_from(context.deadline).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(now);
    if deadline.duration_since(now) < ENOUGH_TIME {
        return Err(Pause::new(
            Pace::Now,
            "out_of_time",
            "the batch took too long; the next invocation takes this one",
        ));
    }
    let body = message.body.as_deref().unwrap_or_default();
    let envelope = match Envelope::from_json(body) {
        Ok(envelope) => envelope,
        Err(error) => return put_aside(app, body, &error.to_string(), now).await,
    };
    let owner = format!("{}/{}", context.request_id, message.message_id.as_deref().unwrap_or_default());
    let outcome = app.engine.handle(&Errand { envelope: &envelope, owner, deadline, queued: queued(message) }).await;
    conclude(&envelope, outcome, app.engine.clock.now())
}

/// Logs and counts what became of an event, once, here.
fn conclude(envelope: &Envelope, outcome: Outcome, now: Timestamp) -> Result<(), Pause> {
    let count = |metric, code: &str| platform::count(SERVICE, metric, code, now);
    match outcome {
        Outcome::Done { run } => {
            count(Metric::RunsDone, envelope.event.name());
            tracing::info!(event.id = %envelope.id, run.id = %run, "done");
            Ok(())
        }
        Outcome::Ignored { code } => {
            count(Metric::EventsIgnored, code);
            tracing::info!(event.id = %envelope.id, code, "ignored");
            Ok(())
        }
        Outcome::Stopped { run, stop } => {
            let metric = if stop.needs_person() { Metric::RunsParked } else { Metric::RunsStopped };
            count(metric, stop.code.as_str());
            tracing::warn!(event.id = %envelope.id, run.id = %run, code = stop.code.as_str(), "stopped");
            Ok(())
        }
        Outcome::Retry(pause) => Err(pause),
    }
}

/// A message that cannot be understood is kept as it is, where a person sees it.
async fn put_aside<W: World>(app: &App<W>, body: &str, why: &str, now: Timestamp) -> Result<(), Pause> {
    platform::count(SERVICE, Metric::Quarantined, "message_unreadable", now);
    tracing::error!(why, "a message was put aside");
    app.queue.put_aside(body, "message_unreadable").await.map_err(|error| Pause::backoff("queue_unavailable", error))
}

async fn give_back<W: World>(app: &App<W>, message: &SqsMessage, pause: &Pause) {
    let now = app.engine.clock.now();
    let receives = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1);
    let delay = engine::delay(pause.pace, receives, spread(message), now);
    let metric = if pause.code.ends_with("_not_allowed") { Metric::AccessDenied } else { Metric::Retries };
    platform::count(SERVICE, metric, pause.code, now);
    tracing::warn!(
        message.id = message.message_id.as_deref(),
        message.receives = receives,
        code = pause.code,
        detail = %pause.detail,
        delay_s = delay.as_secs(),
        "given back for later"
    );
    if let Some(receipt_handle) = &message.receipt_handle
        && let Err(error) =
            app.queue.delay(message.event_source_arn.as_deref().unwrap_or_default(), receipt_handle, delay).await
    {
        tracing::warn!(%error, "the message comes back when its visibility timeout ends");
    }
}

/// What SQS says of when it got the message and when it gave it out for the first time.
fn queued(message: &SqsMessage) -> Option<Queued> {
    let time = |name: &str| Timestamp::from_millisecond(message.attributes.get(name)?.parse().ok()?).ok();
    Some(Queued { at: time("SentTimestamp")?, taken_at: time("ApproximateFirstReceiveTimestamp")? })
}

/// Differs between messages and stays the same for one, without a random number.
fn spread(message: &SqsMessage) -> u32 {
    let id = message.message_id.as_deref().unwrap_or_default();
    id.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)))
}
