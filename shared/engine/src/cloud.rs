//! The world that is the cloud.

use mapping::{Channel, Message};
use queue::{Envelope, Parked, QueueError};

use crate::clients::SystemClock;
use crate::ports;

/// DynamoDB, SQS, Stripe, Salesforce, and the system's clock.
pub struct Cloud;

impl ports::World for Cloud {
    type Ledger = ledger::Ledger<ledger::DynamoDb>;
    type Stripe = stripe::Client;
    type Salesforce = salesforce::Client;
    type Reporter = queue::Queue;
    type Notifier = notify::Notifier;
    type Clock = SystemClock;
}

impl ports::Reporter for queue::Queue {
    async fn park(&self, envelope: &Envelope, parked: Parked) -> Result<(), QueueError> {
        self.park(envelope, parked).await
    }

    async fn enqueue(&self, envelopes: &[Envelope]) -> Result<(), QueueError> {
        self.enqueue(envelopes).await
    }
}

impl ports::Notifier for notify::Notifier {
    async fn tell(&self, channel: Channel, message: &Message) -> Result<(), notify::Error> {
        self.tell(channel, message).await
    }
}
