//! Door one: a callout, signed as Standard Webhooks are.

use intake::{Answer, Request};
use lambda_runtime::LambdaEvent;
use platform::Metric;
use queue::{Envelope, Source};
use salesforce::callout;
use salesforce::signature::{self, SignatureError};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::App;

pub(crate) async fn receive(app: &App, event: LambdaEvent<Box<RawValue>>) -> Value {
    let answer = match intake::open(&event.payload) {
        Ok(request) => accept(app, &request).await,
        Err(answer) => {
            if answer.status() == 413 {
                app.door.count(Metric::Quarantined, answer.code());
            }
            answer
        }
    };
    app.door.answer(answer, &event.context.request_id)
}

async fn accept(app: &App, request: &Request) -> Answer {
    let (id, sent_at) = match verify(app, request) {
        Ok(verified) => verified,
        Err(answer) => return answer,
    };
    let Ok(callout) = callout::decode(&request.body, sent_at) else {
        return app.door.quarantine("callout_unreadable", Source::SalesforceCallout, &request.body).await;
    };
    // A sandbox that was copied from production keeps its secrets, and must not bill production's deals.
    if callout.organization_id != app.organization_id {
        return Answer::error(401, "organization_unknown");
    }
    match callout.event {
        Some(event) => {
            let envelope = Envelope::new(id, Source::SalesforceCallout, event, (app.door.now)());
            app.door.enqueue(&[envelope], Answer::accepted("queued")).await
        }
        None => {
            app.door.count(Metric::EventsIgnored, "callout_type_unknown");
            Answer::ok("ignored")
        }
    }
}

/// The message's id and when it was sent.
fn verify(app: &App, request: &Request) -> Result<(String, jiff::Timestamp), Answer> {
    let header = |name| request.header(name).unwrap_or_default();
    let (id, timestamp, signatures) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let now = (app.door.now)();
    match signature::verify(id, timestamp, signatures, &request.body, &app.secrets.accepted(now), now) {
        Ok(verified) => {
            if verified.secret_index > 0 {
                app.door.count(Metric::PreviousSecretUsed, "salesforce");
            }
            Ok((id.to_owned(), verified.sent_at))
        }
        Err(SignatureError::InvalidId) => Err(Answer::error(400, "webhook_id_invalid")),
        Err(SignatureError::Missing) => Err(Answer::error(401, "signature_missing")),
        Err(SignatureError::Malformed) => Err(Answer::error(401, "signature_malformed")),
        Err(SignatureError::NoMatch) => Err(Answer::error(401, "signature_mismatch")),
        Err(SignatureError::OutsideTolerance) => Err(Answer::error(401, "timestamp_outside_tolerance")),
    }
}
