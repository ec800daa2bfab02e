//! Log lines and metrics, both on standard output, which Lambda takes to CloudWatch.

use jiff::Timestamp;
use serde_json::json;
use tracing::level_filters::LevelFilter;

/// JSON lines at the level of `AWS_LAMBDA_LOG_LEVEL`. Lines of the SDK and of HTTP clients below warnings are left out:
/// they may hold headers and addresses.
pub fn init_logging() {
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::prelude::*;

    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").ok();
    let level = level.and_then(|level| level.parse::<LevelFilter>().ok()).unwrap_or(LevelFilter::INFO);
    let ours = [
        "deployment",
        "engine",
        "intake",
        "ledger",
        "platform",
        "queue",
        "reconciler",
        "retry_worker",
        "salesforce",
        "salesforce_events",
        "stripe",
        "stripe_webhook",
    ];
    let targets =
        Targets::new().with_default(LevelFilter::WARN.min(level)).with_targets(ours.map(|name| (name, level)));
    let lines =
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
    // A second initialisation in one process (tests) keeps the first.
    let _ = tracing_subscriber::registry().with(lines.with_filter(targets)).try_init();
}

/// What is counted. The names stand in alarms, so they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    EventsQueued,
    EventsIgnored,
    Rejected,
    PreviousSecretUsed,
    Quarantined,
    WrongMode,
    RunsDone,
    RunsStopped,
    RunsParked,
    Retries,
    AccessDenied,
    EventsRequeued,
    OrphansDeleted,
    Differences,
    ReconcilerSucceeded,
    ReconcilerUnfinished,
    StatementsMade,
}

impl Metric {
    pub fn name(self) -> &'static str {
        match self {
            Self::EventsQueued => "EventsQueued",
            Self::EventsIgnored => "EventsIgnored",
            Self::Rejected => "Rejected",
            Self::PreviousSecretUsed => "PreviousSecretUsed",
            Self::Quarantined => "Quarantined",
            Self::WrongMode => "WrongMode",
            Self::RunsDone => "RunsDone",
            Self::RunsStopped => "RunsStopped",
            Self::RunsParked => "RunsParked",
            Self::Retries => "Retries",
            Self::AccessDenied => "AccessDenied",
            Self::EventsRequeued => "EventsRequeued",
            Self::OrphansDeleted => "OrphansDeleted",
            Self::Differences => "Differences",
            Self::ReconcilerSucceeded => "ReconcilerSucceeded",
            Self::ReconcilerUnfinished => "ReconcilerUnfinished",
            Self::StatementsMade => "StatementsMade",
        }
    }
}

/// One more of it, in CloudWatch's embedded metric format. `code` is a property of the line, not a dimension: it explains
/// the count without making a metric of its own.
pub fn count(service: &'static str, metric: Metric, code: &str, now: Timestamp) {
    add(service, metric, 1, code, now);
}

/// So many more of it. Nought says that somebody looked and found none, which is how an alarm ends.
pub fn add(service: &'static str, metric: Metric, value: u64, code: &str, now: Timestamp) {
    let line = json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": "Closedwon",
                "Dimensions": [["service"]],
                "Metrics": [{ "Name": metric.name(), "Unit": "Count" }],
            }],
        },
        "service": service,
        "code": code,
        metric.name(): value,
    });
    println!("{line}");
}
