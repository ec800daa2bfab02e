#![doc = include_str!("../README.md")]

mod callout;
mod config;
mod relay;

use lambda_runtime::{Error, LambdaEvent};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

pub use config::{App, signing_secrets};

/// EventBridge says what it brings; API Gateway does not have this.
#[derive(Deserialize)]
struct Peek {
    #[serde(rename = "detail-type")]
    detail_type: Option<String>,
}

/// One event of either door. An error makes EventBridge deliver again; API Gateway's senders hear a status.
pub async fn handle(app: &App, event: LambdaEvent<Box<RawValue>>) -> Result<Value, Error> {
    let Peek { detail_type } = serde_json::from_str(event.payload.get())?;
    match detail_type {
        Some(_) => relay::receive(app, &event.payload).await,
        None => Ok(callout::receive(app, event).await),
    }
}
