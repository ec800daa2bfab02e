//! The queues at AWS.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use jiff::SignedDuration;

use crate::{Envelope, Parked, Places, Quarantine, QueueError};

/// SQS takes ten messages in one call.
const BATCH: usize = 10;

/// The longest that a message can be hidden: `ChangeMessageVisibility` takes 12 hours from the receive on.
const LONGEST_DELAY: SignedDuration = SignedDuration::from_secs(12 * 60 * 60 - 300);

#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    places: Places,
}

impl Queue {
    pub fn new(client: Client, places: Places) -> Self {
        Self { client, places }
    }

    /// When this returns, every event is on a queue of work. On an error some may be; sending them all again is safe.
    pub async fn enqueue(&self, envelopes: &[Envelope]) -> Result<(), QueueError> {
        const DOING: &str = "putting events on a queue of work";
        if let [envelope] = envelopes {
            let (url, delay) = self.places.of(envelope.event.urgency());
            let sent = self.client.send_message().queue_url(url).message_body(envelope.to_json());
            return sent
                .set_delay_seconds(delay)
                .send()
                .await
                .map(drop)
                .map_err(|error| QueueError::new(DOING, &error));
        }
        for url in [&self.places.work, &self.places.bulk] {
            let placed = envelopes.iter().map(|envelope| (envelope, self.places.of(envelope.event.urgency())));
            let entries = placed
                .filter(|(_, (place, _))| place == url)
                .enumerate()
                .map(|(index, (envelope, (_, delay)))| {
                    let entry = SendMessageBatchRequestEntry::builder().set_delay_seconds(delay);
                    // Unique within its batch.
                    entry.id(index.to_string()).message_body(envelope.to_json()).build()
                })
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| QueueError::new(DOING, &error))?;
            for batch in entries.chunks(BATCH) {
                let sent = self.client.send_message_batch().queue_url(url).set_entries(Some(batch.to_vec()));
                let answer = sent.send().await.map_err(|error| QueueError::new(DOING, &error))?;
                if let Some(failed) = answer.failed().first() {
                    return Err(QueueError { doing: DOING, why: format!("SQS refused an entry: {}", failed.code()) });
                }
            }
        }
        Ok(())
    }

    /// When this returns, the event lies in the dead-letter queue with its reason, where the alarm sees it.
    pub async fn park(&self, envelope: &Envelope, parked: Parked) -> Result<(), QueueError> {
        let code = parked.code.clone();
        self.dead_letter("parking an event", envelope.parked_for(parked).to_json(), &code).await
    }

    /// When this returns, there is a note in the dead-letter queue about an input that could not be understood.
    pub async fn quarantine(&self, note: &Quarantine) -> Result<(), QueueError> {
        self.dead_letter("quarantining an input", note.to_json(), &note.quarantined).await
    }

    /// When this returns, a message that could not be understood lies in the dead-letter queue as it was.
    pub async fn put_aside(&self, body: &str, code: &str) -> Result<(), QueueError> {
        self.dead_letter("putting a message aside", body.to_owned(), code).await
    }

    async fn dead_letter(&self, doing: &'static str, body: String, code: &str) -> Result<(), QueueError> {
        let code = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(code)
            .build()
            .map_err(|error| QueueError::new(doing, &error))?;
        self.client
            .send_message()
            .queue_url(&self.places.dead_letter)
            .message_body(body)
            .message_attributes("code", code)
            .send()
            .await
            .map(drop)
            .map_err(|error| QueueError::new(doing, &error))
    }

    /// Gives a received message back for later, to the queue that it came from. If this fails, the queue's own visibility timeout brings
    /// it back.
    pub async fn delay(
        &self,
        event_source_arn: &str,
        receipt_handle: &str,
        delay: SignedDuration,
    ) -> Result<(), QueueError> {
        let seconds = delay.clamp(SignedDuration::ZERO, LONGEST_DELAY).as_secs();
        self.client
            .change_message_visibility()
            .queue_url(self.places.named(event_source_arn))
            .receipt_handle(receipt_handle)
            .visibility_timeout(i32::try_from(seconds).unwrap_or(0))
            .send()
            .await
            .map(drop)
            .map_err(|error| QueueError::new("giving a message back for later", &error))
    }
}
