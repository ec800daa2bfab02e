#![doc = include_str!("../README.md")]

mod answer;
mod request;

use std::sync::Arc;

use jiff::Timestamp;
use platform::Metric;
use queue::{Envelope, Quarantine, Queue, Source};
use sha2::{Digest, Sha256};

pub use answer::Answer;
pub use request::{Request, open};

/// What a door needs: where events go, and what time it is.
#[derive(Clone)]
pub struct Door {
    pub service: &'static str,
    pub queue: Queue,
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Door {
    pub fn count(&self, metric: Metric, code: &str) {
        platform::count(self.service, metric, code, (self.now)());
    }

    /// Queue first, then answer: a sender that hears "yes" never sends again.
    pub async fn enqueue(&self, envelopes: &[Envelope], accepted: Answer) -> Answer {
        match self.queue.enqueue(envelopes).await {
            Ok(()) => {
                for envelope in envelopes {
                    self.count(Metric::EventsQueued, envelope.event.name());
                    tracing::info!(event.id = %envelope.id, event.name = envelope.event.name(), "queued");
                }
                accepted
            }
            Err(error) => {
                tracing::error!(%error, "the work queue did not take an event; the sender will try again");
                Answer::error(503, "queue_unavailable")
            }
        }
    }

    /// An authentic input that cannot be understood: a note for a person, and "yes" to the sender, whom sending it again
    /// would not help.
    pub async fn quarantine(&self, code: &'static str, source: Source, body: &[u8]) -> Answer {
        let note = Quarantine {
            quarantined: code.to_owned(),
            source,
            sha256: hex::encode(Sha256::digest(body)),
            bytes: body.len(),
            received_at: (self.now)(),
        };
        self.count(Metric::Quarantined, code);
        match self.queue.quarantine(&note).await {
            Ok(()) => Answer::ok("quarantined"),
            Err(error) => {
                tracing::error!(%error, "the note about an unreadable input was not taken; the sender will try again");
                Answer::error(503, "queue_unavailable")
            }
        }
    }

    /// Logs and counts an answer, and writes it in the form of API Gateway.
    pub fn answer(&self, answer: Answer, request_id: &str) -> serde_json::Value {
        if answer.is_rejection() {
            self.count(Metric::Rejected, answer.code());
            tracing::warn!(
                answer.code = answer.code(),
                answer.status = answer.status(),
                request.id = request_id,
                "rejected"
            );
        }
        answer.to_api_gateway(request_id)
    }
}
