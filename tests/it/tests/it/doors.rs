//! Bad inputs at every door, and the answer that each must get.
//!
//! The numbers of the rows are those of the project's list of bad inputs: Stripe's door 1-20, Salesforce's doors 21-32,
//! the queue 33-39, the vendors' answers 40-44, operation 45-52. Told elsewhere: 24-28, 30 and 31 in `refusals`, 32 in
//! `races`, 40-44 in `lost_answers` and `refusals`. Not here, because what they are about is not there: 48 (`doctor`),
//! 50 (a price map in a file), 52 (a kill switch).

mod bridge;
mod config;
mod queue;
mod relay;
mod salesforce;
mod stripe;

use std::collections::BTreeMap;

use it::{Env, Reply, printed_by};
use serde_json::Value;

/// What an input leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trace {
    /// No message, no item, no call.
    Nothing,
    /// So many messages on the work queue.
    Queued(usize),
    /// A note in the dead-letter queue.
    Note,
}

/// One input, made by its sender, and all that it may cause.
struct Row<Sender> {
    number: u8,
    name: &'static str,
    event: fn(&Sender) -> Value,
    status: u64,
    code: &'static str,
    trace: Trace,
    /// The metrics that count it, in this order.
    counted: &'static [&'static str],
}

impl<S> Row<S> {
    const fn refused(number: u8, name: &'static str, event: fn(&S) -> Value, status: u64, code: &'static str) -> Self {
        Self { number, name, event, status, code, trace: Trace::Nothing, counted: &["Rejected"] }
    }

    const fn queued(number: u8, name: &'static str, event: fn(&S) -> Value, status: u64) -> Self {
        let (trace, counted): (_, &[&str]) = (Trace::Queued(1), &["EventsQueued"]);
        Self { number, name, event, status, code: "queued", trace, counted }
    }

    const fn quarantined(number: u8, name: &'static str, event: fn(&S) -> Value) -> Self {
        let (trace, counted): (_, &[&str]) = (Trace::Note, &["Quarantined"]);
        Self { number, name, event, status: 200, code: "quarantined", trace, counted }
    }

    const fn ignored(number: u8, name: &'static str, event: fn(&S) -> Value) -> Self {
        let (trace, counted): (_, &[&str]) = (Trace::Nothing, &["EventsIgnored"]);
        Self { number, name, event, status: 200, code: "ignored", trace, counted }
    }

    const fn counted(self, counted: &'static [&'static str]) -> Self {
        Self { counted, ..self }
    }

    fn title(&self) -> String {
        format!("row {}: {}", self.number, self.name)
    }
}

/// How much there is on either queue, in the ledger, and of calls to Stripe and Salesforce.
fn traces(env: &Env) -> [usize; 5] {
    let (stripe, salesforce) = (env.stripe_calls().len(), env.salesforce_calls().len());
    [env.sqs.work().len(), env.sqs.dead_letters().len(), env.aws.items().len(), stripe, salesforce]
}

fn with_trace([work, notes, items, stripe, salesforce]: [usize; 5], trace: Trace) -> [usize; 5] {
    match trace {
        Trace::Nothing => [work, notes, items, stripe, salesforce],
        Trace::Queued(messages) => [work + messages, notes, items, stripe, salesforce],
        Trace::Note => [work, notes + 1, items, stripe, salesforce],
    }
}

/// Gives each row to the door, and compares the answer and what is left behind.
async fn play<S>(env: &Env, rows: &[Row<S>], sender: &S, door: impl AsyncFn(&Value) -> Reply) {
    for row in rows {
        // Read by `assert_counted`.
        println!("{}", row.title());
        let event = (row.event)(sender);
        let expected = with_trace(traces(env), row.trace);
        let reply = door(&event).await;
        assert_eq!((reply.status, reply.code()), (row.status, row.code), "{}", row.title());
        assert_eq!(traces(env), expected, "{} left a trace", row.title());
        assert_says_nothing_more(&reply, &row.title());
        assert_no_echo(&reply, &event, &row.title());
    }
    println!("row 0: what follows");
}

/// A code and the request's id, and not a word more.
fn assert_says_nothing_more(reply: &Reply, title: &str) {
    let key = if reply.status >= 400 { "error" } else { "status" };
    let fields = reply.body.as_object().unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), [key, "request_id"], "{title}");
    assert_eq!(fields["request_id"], "intake-1", "{title}");
    let code = reply.code();
    assert!(!code.is_empty() && code.bytes().all(|c| c.is_ascii_lowercase() || c == b'_' || c.is_ascii_digit()));
}

/// Six characters in a row are more than chance.
const ECHO: usize = 6;

/// Nothing of what was sent comes back: no piece of a header's value, nor of the body's values.
fn assert_no_echo(reply: &Reply, event: &Value, title: &str) {
    let mut sent: Vec<String> = Vec::new();
    leaves(&event["headers"], &mut sent);
    match event["body"].as_str().map(serde_json::from_str::<Value>) {
        Some(Ok(body)) => leaves(&body, &mut sent),
        _ => sent.extend(event["body"].as_str().map(str::to_owned)),
    }
    let mut said = Vec::new();
    leaves(&reply.body, &mut said);
    for said in said {
        for piece in said.as_bytes().windows(ECHO) {
            let echoes = sent.iter().any(|sent| sent.as_bytes().windows(ECHO).any(|sent| sent == piece));
            assert!(!echoes, "{title}: {} was sent and comes back", String::from_utf8_lossy(piece));
        }
    }
}

/// All texts and numbers of a document, without its keys.
fn leaves(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| leaves(value, into)),
        Value::Object(fields) => fields.values().for_each(|value| leaves(value, into)),
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => into.push(number.to_string()),
    }
}

/// The metrics that a test prints, under the title of the row that was played last.
fn counted_by(test: &str) -> BTreeMap<String, Vec<String>> {
    let mut counted = BTreeMap::<_, Vec<_>>::new();
    let mut title = String::new();
    for line in printed_by(test).lines() {
        if line.starts_with("row ") {
            title = line.to_owned();
            counted.entry(title.clone()).or_default();
        } else if let Some(name) = metric(line) {
            counted.entry(title.clone()).or_default().push(name);
        }
    }
    counted
}

/// The name of the metric, if the line counts one.
fn metric(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let metric = line.pointer("/_aws/CloudWatchMetrics/0/Metrics/0")?;
    assert_eq!(
        (&metric["Unit"], &line["_aws"]["CloudWatchMetrics"][0]["Namespace"]),
        (&"Count".into(), &"Closedwon".into())
    );
    let name = metric["Name"].as_str()?;
    assert_eq!(line[name], 1, "the metric's value stands under its name");
    Some(name.to_owned())
}

fn assert_counted<S>(test: &str, rows: &[Row<S>]) {
    let counted = counted_by(test);
    for row in rows {
        assert_eq!(counted[&row.title()], row.counted, "{}", row.title());
    }
}
