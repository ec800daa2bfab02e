#![doc = include_str!("../README.md")]

mod bridge;
mod config;

use intake::{Answer, Request};
use lambda_runtime::{Error, LambdaEvent};
use platform::Metric;
use queue::{Envelope, Source};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;
use stripe::signature::{self, SignatureError};
use stripe::webhook;

pub use config::{App, signing_secrets};

/// EventBridge says what it brings; API Gateway does not have this.
#[derive(Deserialize)]
struct Peek {
    #[serde(rename = "detail-type")]
    detail_type: Option<IgnoredAny>,
}

/// One event of either door. An error makes EventBridge deliver again; Stripe's webhook hears a status.
pub async fn handle(app: &App, event: LambdaEvent<Box<RawValue>>) -> Result<Value, Error> {
    match serde_json::from_str::<Peek>(event.payload.get()) {
        Ok(Peek { detail_type: Some(_) }) => bridge::receive(app, &event.payload).await,
        _ => Ok(delivered(app, event).await),
    }
}

/// One delivery, in API Gateway's form, to its answer.
async fn delivered(app: &App, event: LambdaEvent<Box<RawValue>>) -> Value {
    let answer = match intake::open(&event.payload) {
        Ok(request) => match verify(app, &request) {
            Ok(()) => receive(app, &request.body, Source::StripeWebhook).await,
            Err(answer) => answer,
        },
        Err(answer) => {
            if answer.status() == 413 {
                app.door.count(Metric::Quarantined, answer.code());
            }
            answer
        }
    };
    app.door.answer(answer, &event.context.request_id)
}

/// An event of Stripe's, by whichever way it came: who sent it is known by now.
async fn receive(app: &App, body: &[u8], source: Source) -> Answer {
    let Ok(notification) = webhook::decode(body) else {
        return app.door.quarantine("event_unreadable", source, body).await;
    };
    // A test event at the live endpoint would bill play money, a live one at the test endpoint would be lost.
    if notification.livemode != app.livemode {
        app.door.count(Metric::WrongMode, &notification.event_type);
        return Answer::ok("ignored_mode");
    }
    if !app.followed.wants(&notification.event_type) && !webhook::closes_cases(&notification.event_type) {
        app.door.count(Metric::EventsIgnored, &notification.event_type);
        return Answer::ok("ignored");
    }
    match webhook::event(&notification) {
        Ok(Some(event)) => {
            let envelope = Envelope::new(&notification.event_id, source, event, (app.door.now)());
            app.door.enqueue(&[envelope], Answer::ok("queued")).await
        }
        Ok(None) => {
            app.door.count(Metric::EventsIgnored, &notification.event_type);
            Answer::ok("ignored")
        }
        Err(_) => app.door.quarantine("event_unreadable", source, body).await,
    }
}

fn verify(app: &App, request: &Request) -> Result<(), Answer> {
    let Some(header) = request.headers.get("stripe-signature") else {
        return Err(Answer::error(401, "signature_missing"));
    };
    let header = header.to_str().map_err(|_| Answer::error(401, "signature_malformed"))?;
    let now = (app.door.now)();
    match signature::verify(header, &request.body, &app.secrets.accepted(now), now) {
        Ok(0) => Ok(()),
        Ok(_) => {
            app.door.count(Metric::PreviousSecretUsed, "stripe");
            Ok(())
        }
        Err(SignatureError::Malformed) => Err(Answer::error(401, "signature_malformed")),
        Err(SignatureError::NoMatch) => Err(Answer::error(401, "signature_mismatch")),
        Err(SignatureError::OutsideTolerance) => Err(Answer::error(401, "timestamp_outside_tolerance")),
    }
}
