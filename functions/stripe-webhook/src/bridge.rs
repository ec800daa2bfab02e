//! Stripe's second door: an event destination in EventBridge. It needs no public address and no signature, since only AWS puts a partner's
//! events on a partner's bus. Source: docs.stripe.com/event-destinations/eventbridge.

use lambda_runtime::Error;
use platform::Metric;
use queue::Source;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::App;

/// What the source of a destination begins with; its id follows. Nobody else may send as `aws.*`.
const SOURCE_PREFIX: &str = "aws.partner/stripe.com/";

#[derive(Deserialize)]
struct Bridged<'a> {
    source: String,
    /// The whole event, as a webhook would bring it.
    #[serde(borrow)]
    detail: &'a RawValue,
}

pub(crate) async fn receive(app: &App, payload: &RawValue) -> Result<Value, Error> {
    let Ok(event) = serde_json::from_str::<Bridged<'_>>(payload.get()) else {
        let body = payload.get().as_bytes();
        return Ok(app.door.quarantine("event_unreadable", Source::StripeEventBridge, body).await.to_event_bridge()?);
    };
    if !event.source.starts_with(SOURCE_PREFIX) {
        app.door.count(Metric::Rejected, "source_unknown");
        return Ok(json!({ "status": "ignored_source" }));
    }
    let answer = crate::receive(app, event.detail.get().as_bytes(), Source::StripeEventBridge).await;
    Ok(answer.to_event_bridge()?)
}
