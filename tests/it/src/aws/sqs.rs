//! SQS as far as it is used here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use sandbox::Clock;
use serde_json::{Value, json};

use super::{BULK_QUEUE, WORK_QUEUE};

/// Where the template sends a message after so many receives.
const MOST_RECEIVES: u32 = 16;

#[derive(Debug, Clone)]
pub struct Message {
    pub id: String,
    pub body: String,
    pub receives: u32,
    /// The name of its queue.
    pub queue: &'static str,
    pub sent_at_ms: i64,
    pub first_received_at_ms: Option<i64>,
    visible_at_ms: i64,
}

#[derive(Debug, Default)]
struct Queues {
    /// Both queues of work, in the order in which messages came.
    work: Vec<Message>,
    dead_letter: Vec<Message>,
    next_id: u64,
    /// Every body that was ever sent, for the canary.
    sent: Vec<String>,
    is_down: bool,
    /// What somebody changed by hand, by the queue's name and the attribute's.
    changed: BTreeMap<(String, String), String>,
}

/// The queues with visibility timeouts, receive counts and a redrive policy.
#[derive(Debug, Clone)]
pub struct Sqs {
    queues: Arc<Mutex<Queues>>,
    clock: Clock,
}

/// Six times the worker's timeout, as the template has it.
const VISIBILITY_MS: i64 = 360_000;

impl Sqs {
    pub fn new(clock: Clock) -> Self {
        Self { queues: Arc::default(), clock }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Queues) -> T) -> T {
        work(&mut self.queues.lock().unwrap())
    }

    pub fn set_down(&self, is_down: bool) {
        self.with(|queues| queues.is_down = is_down);
    }

    /// Hands out visible messages of both queues as the event source does. Those received too often go to the dead-letter queue.
    pub fn receive(&self, most: usize) -> Vec<Message> {
        self.receive_those(most, |_| true)
    }

    /// The same of one queue, by its name.
    pub fn receive_from(&self, queue: &str, most: usize) -> Vec<Message> {
        self.receive_those(most, |message| message.queue == queue)
    }

    fn receive_those(&self, most: usize, is_wanted: impl Fn(&Message) -> bool) -> Vec<Message> {
        let now = self.clock.now_ms();
        self.with(|queues| {
            let is_spent = |message: &mut Message| message.visible_at_ms <= now && message.receives >= MOST_RECEIVES;
            queues.dead_letter.extend(queues.work.extract_if(.., is_spent));
            let is_next = |message: &&mut Message| message.visible_at_ms <= now && is_wanted(message);
            let visible = queues.work.iter_mut().filter(is_next).take(most);
            visible
                .map(|message| {
                    message.receives += 1;
                    message.first_received_at_ms.get_or_insert(now);
                    message.visible_at_ms = now + VISIBILITY_MS;
                    message.clone()
                })
                .collect()
        })
    }

    /// What a person does in the console.
    pub fn change(&self, queue: &str, attribute: &str, value: &str) {
        self.with(|queues| queues.changed.insert((queue.to_owned(), attribute.to_owned()), value.to_owned()));
    }

    /// As the template makes the queue, but for what was changed by hand.
    fn attributes(&self, url: &str) -> (u16, Value) {
        let name = url.rsplit('/').next().unwrap_or_default();
        let arn = |name: &str| format!("arn:aws:sqs:eu-central-1:1:{name}");
        let mut attributes = json!({
            "QueueArn": arn(name),
            "VisibilityTimeout": (VISIBILITY_MS / 1000).to_string(),
            "MessageRetentionPeriod": "345600",
        });
        match name {
            "work" | "bulk" => {
                let redrive = json!({ "deadLetterTargetArn": arn("dead-letter"), "maxReceiveCount": MOST_RECEIVES });
                attributes["RedrivePolicy"] = redrive.to_string().into();
            }
            "dead-letter" => attributes["MessageRetentionPeriod"] = "1209600".into(),
            _ => return (400, json!({ "__type": "com.amazonaws.sqs#QueueDoesNotExist" })),
        }
        self.with(|queues| {
            let count = match name {
                "dead-letter" => queues.dead_letter.len(),
                _ => queues.work.iter().filter(|message| message.queue == name).count(),
            };
            attributes["ApproximateNumberOfMessages"] = count.to_string().into();
            for ((_, attribute), value) in queues.changed.iter().filter(|((queue, _), _)| queue == name) {
                attributes[attribute] = value.clone().into();
            }
        });
        (200, json!({ "Attributes": attributes }))
    }

    pub fn delete(&self, id: &str) {
        self.with(|queues| queues.work.retain(|message| message.id != id));
    }

    pub fn put(&self, body: &str) {
        self.send(WORK_QUEUE, body, 0);
    }

    pub fn work(&self) -> Vec<Message> {
        self.with(|queues| queues.work.clone())
    }

    /// Whether there is such a message, visible or not.
    pub fn has(&self, is_it: impl Fn(&Message) -> bool) -> bool {
        self.with(|queues| queues.work.iter().any(is_it))
    }

    pub fn dead_letters(&self) -> Vec<Value> {
        self.with(|queues| {
            queues
                .dead_letter
                .iter()
                .map(|message| serde_json::from_str(&message.body).unwrap_or(Value::Null))
                .collect()
        })
    }

    /// Empties the work queue, as an operator's slip does.
    pub fn purge(&self) {
        self.with(|queues| queues.work.clear());
    }

    /// Moves everything back, as a person's redrive does.
    pub fn redrive(&self) {
        self.redrive_those(|_| true);
    }

    /// Moves those back whose body is wanted.
    pub fn redrive_those(&self, is_wanted: impl Fn(&str) -> bool) {
        let letters = self.with(|queues| std::mem::take(&mut queues.dead_letter));
        let (wanted, kept): (Vec<_>, Vec<_>) = letters.into_iter().partition(|message| is_wanted(&message.body));
        self.with(|queues| queues.dead_letter = kept);
        wanted.iter().for_each(|message| self.put(&message.body));
    }

    pub fn sent(&self) -> Vec<String> {
        self.with(|queues| queues.sent.clone())
    }

    /// When the next message can be received, if one is hidden.
    pub fn next_visible_ms(&self) -> Option<i64> {
        self.with(|queues| queues.work.iter().map(|message| message.visible_at_ms).min())
    }

    fn send(&self, queue: &str, body: &str, delay_s: i64) -> String {
        let now = self.clock.now_ms();
        self.with(|queues| {
            queues.next_id += 1;
            let id = format!("message-{:06}", queues.next_id);
            queues.sent.push(body.to_owned());
            let (is_work, queue) = match queue {
                WORK_QUEUE => (true, "work"),
                BULK_QUEUE => (true, "bulk"),
                _ => (false, "dead-letter"),
            };
            let message = Message {
                id: id.clone(),
                body: body.to_owned(),
                receives: 0,
                queue,
                sent_at_ms: now,
                first_received_at_ms: None,
                visible_at_ms: now + delay_s * 1000,
            };
            if is_work {
                queues.work.push(message)
            } else {
                queues.dead_letter.push(message)
            }
            id
        })
    }

    pub(super) fn answer(&self, operation: &str, body: &Value) -> (u16, Value) {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        if self.with(|queues| queues.is_down) {
            return (503, json!({ "__type": "ServiceUnavailable" }));
        }
        match operation {
            "SendMessage" => {
                let delay_s = body["DelaySeconds"].as_i64().unwrap_or_default();
                let id = self.send(text("QueueUrl"), text("MessageBody"), delay_s);
                (200, json!({ "MessageId": id }))
            }
            "SendMessageBatch" => {
                let entries = body["Entries"].as_array().cloned().unwrap_or_default();
                let successful: Vec<_> = entries
                    .iter()
                    .map(|entry| {
                        let delay_s = entry["DelaySeconds"].as_i64().unwrap_or_default();
                        let text_of = entry["MessageBody"].as_str().unwrap_or_default();
                        let id = self.send(text("QueueUrl"), text_of, delay_s);
                        json!({ "Id": entry["Id"], "MessageId": id, "MD5OfMessageBody": "" })
                    })
                    .collect();
                (200, json!({ "Successful": successful, "Failed": [] }))
            }
            "GetQueueAttributes" => self.attributes(text("QueueUrl")),
            "ChangeMessageVisibility" => {
                let seconds = body["VisibilityTimeout"].as_i64().unwrap_or_default();
                let visible_at_ms = self.clock.now_ms() + seconds * 1000;
                let (receipt, url) = (text("ReceiptHandle").to_owned(), text("QueueUrl").to_owned());
                self.with(|queues| {
                    let its_own = |message: &&mut Message| url.ends_with(&format!("/{}", message.queue));
                    let message = queues.work.iter_mut().filter(its_own).find(|message| message.id == receipt);
                    match message {
                        Some(message) => {
                            message.visible_at_ms = visible_at_ms;
                            (200, json!({}))
                        }
                        None => (400, json!({ "__type": "MessageNotInflight" })),
                    }
                })
            }
            _ => (400, json!({ "__type": "UnknownOperationException" })),
        }
    }
}
