//! One deal's way through the systems: each hop with its time, taken from what the sandbox saw and the ledger recorded.

use serde::Serialize;
use serde_json::Value;

use crate::progress::seconds;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hop {
    pub hop: &'static str,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// Milliseconds since the hop before.
    pub latency_ms: i64,
}

/// What the timeline is made of.
pub struct Sources<'a> {
    pub closed_won_at_ms: i64,
    pub paid_at_ms: i64,
    /// The request logs of the two sandboxes, oldest first.
    pub stripe: &'a [Value],
    pub salesforce: &'a [Value],
    /// The logs of the two functions that take events in: when, and what.
    pub stripe_webhook: &'a [(i64, String)],
    pub salesforce_events: &'a [(i64, String)],
    /// The ledger's run items.
    pub runs: &'a [Value],
}

pub fn build(sources: &Sources<'_>) -> Vec<Hop> {
    let (won, paid) = (sources.closed_won_at_ms, sources.paid_at_ms);
    let before_payment = |at_ms: &i64| *at_ms < paid;
    // The story itself reads the invoice just before it is paid, often in the same millisecond; a worker never that soon.
    let after_payment = paid + 1;
    let won_run = run_created(sources.runs, "opportunity_won");
    let candidates = [
        ("Salesforce: opportunity set to Closed Won", Some(won)),
        ("salesforce-events: event received", invoked(sources.salesforce_events, won)),
        ("retry-worker: deal read from Salesforce", composite(sources.salesforce, won).next()),
        ("retry-worker: run claimed in the ledger", won_run),
        ("Stripe: what the products cost is read", request(sources.stripe, won, "GET", "/v1/prices/", "")),
        ("Stripe: customer created", request(sources.stripe, won, "POST", "/v1/customers", "")),
        ("Stripe: draft invoice created", request(sources.stripe, won, "POST", "/v1/invoices", "")),
        ("Stripe: lines added", request(sources.stripe, won, "POST", "/v1/invoices/", "/add_lines")),
        ("Stripe: invoice finalized and sent", request(sources.stripe, won, "POST", "/v1/invoices/", "/send")),
        ("Salesforce: ids written back", composite(sources.salesforce, won).filter(before_payment).last()),
        ("Stripe: invoice paid by the customer", Some(paid)),
        ("stripe-webhook: invoice.paid received", invoked(sources.stripe_webhook, paid)),
        (
            "retry-worker: invoice read again from Stripe",
            request(sources.stripe, after_payment, "GET", "/v1/invoices/", ""),
        ),
        ("Salesforce: opportunity marked paid", composite(sources.salesforce, paid).last()),
    ];
    let mut hops: Vec<Hop> = candidates
        .into_iter()
        .filter_map(|(hop, at_ms)| at_ms.map(|at_ms| Hop { hop, at_ms, latency_ms: 0 }))
        .collect();
    // Stable, so that hops of the same millisecond keep the order in which they must have happened.
    hops.sort_by_key(|hop| hop.at_ms);
    for index in 1..hops.len() {
        hops[index].latency_ms = hops[index].at_ms - hops[index - 1].at_ms;
    }
    hops
}

fn at(entry: &Value) -> Option<i64> {
    entry["at_ms"].as_i64()
}

/// The first request of this kind that succeeded at or after a time.
fn request(log: &[Value], since: i64, method: &str, prefix: &str, suffix: &str) -> Option<i64> {
    let path_is = |path: &str| {
        if suffix.is_empty() && !prefix.ends_with('/') {
            path == prefix
        } else {
            path.starts_with(prefix) && path.ends_with(suffix)
        }
    };
    log.iter()
        .filter(|entry| entry["method"] == method && entry["path"].as_str().is_some_and(path_is) && succeeded(entry))
        .filter_map(at)
        .find(|at_ms| *at_ms >= since)
}

/// Our functions are the only ones that use Salesforce's composite resource here.
fn composite(log: &[Value], since: i64) -> impl Iterator<Item = i64> {
    log.iter()
        .filter(|entry| entry["path"].as_str().is_some_and(|path| path.ends_with("/composite")) && succeeded(entry))
        .filter_map(at)
        .filter(move |at_ms| *at_ms >= since)
}

/// When a function was first invoked at or after a time. Its platform log tells when an invocation was over, and how
/// long it took; the next hop may begin before it is over, as the work is queued before the sender is answered.
fn invoked(log: &[(i64, String)], since: i64) -> Option<i64> {
    log.iter()
        .filter_map(|(at_ms, line)| {
            let (_, rest) = line.strip_prefix("REPORT ")?.split_once("\tDuration: ")?;
            let milliseconds: i64 = rest.split([' ', '.']).next()?.parse().ok()?;
            Some(at_ms - milliseconds)
        })
        .find(|at_ms| *at_ms >= since)
}

fn run_created(runs: &[Value], workflow: &str) -> Option<i64> {
    runs.iter().find(|run| run["workflow"] == workflow).and_then(|run| run["created_at"].as_i64())
}

fn succeeded(entry: &Value) -> bool {
    entry["status"].as_i64().is_some_and(|status| (200..300).contains(&status))
}

/// The timeline for people.
pub fn shown(hops: &[Hop]) -> String {
    let start = hops.first().map_or(0, |hop| hop.at_ms);
    let mut text = String::new();
    for hop in hops {
        let since_start = Duration::from_millis(u64::try_from(hop.at_ms - start).unwrap_or(0));
        text.push_str(&format!("  {:>8}  {:>+7} ms  {}\n", seconds(since_start), hop.latency_ms, hop.hop));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(at_ms: i64, duration_ms: i64) -> (i64, String) {
        (at_ms, format!("REPORT RequestId: 1-2\tDuration: {duration_ms} ms\tBilled Duration: {duration_ms} ms"))
    }

    #[test]
    fn hops_stand_in_the_order_of_time_with_their_latencies() {
        let stripe = [
            json!({ "at_ms": 90, "method": "POST", "path": "/v1/customers", "status": 200 }),
            json!({ "at_ms": 130, "method": "POST", "path": "/v1/customers", "status": 429 }),
            json!({ "at_ms": 140, "method": "POST", "path": "/v1/customers", "status": 200 }),
            json!({ "at_ms": 150, "method": "POST", "path": "/v1/invoices", "status": 200 }),
            json!({ "at_ms": 160, "method": "POST", "path": "/v1/invoices/in_1/add_lines", "status": 200 }),
            json!({ "at_ms": 170, "method": "POST", "path": "/v1/invoices/in_1/send", "status": 200 }),
            json!({ "at_ms": 300, "method": "GET", "path": "/v1/invoices/in_1", "status": 200 }),
            json!({ "at_ms": 320, "method": "GET", "path": "/v1/invoices/in_1", "status": 200 }),
        ];
        let path = "/services/data/v67.0/composite";
        let salesforce = [
            json!({ "at_ms": 120, "method": "POST", "path": path, "status": 200 }),
            json!({ "at_ms": 180, "method": "POST", "path": path, "status": 200 }),
            json!({ "at_ms": 330, "method": "POST", "path": path, "status": 200 }),
        ];
        let hops = build(&Sources {
            closed_won_at_ms: 100,
            paid_at_ms: 300,
            stripe: &stripe,
            salesforce: &salesforce,
            stripe_webhook: &[report(319, 9)],
            salesforce_events: &[report(50, 7), report(115, 5)],
            runs: &[json!({ "workflow": "opportunity_won", "created_at": 125 })],
        });
        let times: Vec<(i64, i64)> = hops.iter().map(|hop| (hop.at_ms, hop.latency_ms)).collect();
        let expected = [
            (100, 0),
            (110, 10),
            (120, 10),
            (125, 5),
            (140, 15),
            (150, 10),
            (160, 10),
            (170, 10),
            (180, 10),
            (300, 120),
            (310, 10),
            (320, 10),
            (330, 10),
        ];
        assert_eq!(times, expected);
        assert!(hops[4].hop.contains("customer created"), "{hops:?}");
    }
}
