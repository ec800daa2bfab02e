//! The worker's function, and the event source that invokes it.

use std::sync::atomic::Ordering;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use jiff::SignedDuration;
use retry_worker::App;

use super::Env;
use crate::gateway::lambda_event;
use crate::{Message, TestWorld};

impl Env {
    /// `false` if the process died. Messages that it did not answer for come back when their visibility ends.
    pub async fn invoke(&self, messages: Vec<Message>) -> bool {
        self.invoke_process(&self.worker, messages).await
    }

    /// One more process of the worker's function. A process has one invocation at a time, so whoever wants several at once needs several.
    pub fn another_process(&self) -> App<TestWorld> {
        self.parts.worker()
    }

    /// The same by a process of one's own.
    pub async fn invoke_process(&self, process: &App<TestWorld>, messages: Vec<Message>) -> bool {
        let number = self.invocations.fetch_add(1, Ordering::Relaxed);
        let mut event = SqsEvent::default();
        for message in &messages {
            let mut record = SqsMessage::default();
            record.message_id = Some(message.id.clone());
            record.receipt_handle = Some(message.id.clone());
            record.body = Some(message.body.clone());
            record.event_source_arn = Some(format!("arn:aws:sqs:eu-central-1:1:{}", message.queue));
            record.attributes.insert("ApproximateReceiveCount".into(), message.receives.to_string());
            record.attributes.insert("SentTimestamp".into(), message.sent_at_ms.to_string());
            let first = message.first_received_at_ms.unwrap_or_default().to_string();
            record.attributes.insert("ApproximateFirstReceiveTimestamp".into(), first);
            event.records.push(record);
        }
        let deadline = self.now().checked_add(SignedDuration::from_secs(60)).unwrap();
        let event = lambda_event(event, &format!("invocation-{number}"), deadline);
        let Some(answer) = self.fuse.until_blown(retry_worker::handle(process, event)).await else {
            return false;
        };
        for message in &messages {
            let failed = answer.batch_item_failures.iter().any(|failure| failure.item_identifier == message.id);
            if !failed {
                self.sqs.delete(&message.id);
            }
        }
        true
    }
}
