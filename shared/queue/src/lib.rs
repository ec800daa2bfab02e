#![doc = include_str!("../README.md")]

mod envelope;
mod place;
#[cfg(feature = "sqs")]
mod sqs;

pub use envelope::{Envelope, EnvelopeError, Parked, Quarantine, Source};
pub use place::{Places, SETTLE, settle};
#[cfg(feature = "sqs")]
pub use sqs::Queue;

/// The queue did not take it, or did not say so. The sender tries again; a message too many is harmless.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {why}")]
pub struct QueueError {
    doing: &'static str,
    why: String,
}

impl QueueError {
    /// For a queue that is not SQS.
    pub fn unavailable(doing: &'static str, why: impl Into<String>) -> Self {
        Self { doing, why: why.into() }
    }

    #[cfg(feature = "sqs")]
    fn new<E: std::error::Error>(doing: &'static str, error: &E) -> Self {
        let mut why = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            why.push_str(": ");
            why.push_str(&cause.to_string());
            source = cause.source();
        }
        Self { doing, why: why.chars().take(300).collect() }
    }
}
