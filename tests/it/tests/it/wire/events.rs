//! Events on their way to the doors: most arrive, some twice, some late, some never.

use it::{base64_event, http_event};
use sandbox::wire::{Delivery, Service};
use serde_json::Value;

use super::history::History;

impl History {
    /// What Stripe and Salesforce want to send now, and what was late.
    pub async fn deliver(&mut self) {
        let mut coming = std::mem::take(&mut self.late);
        let late = coming.len();
        coming.extend(self.env.sandbox.stripe.take_deliveries());
        coming.extend(self.env.sandbox.salesforce.take_deliveries());
        let (mut lost, mut again) = (0, 0);
        for (index, delivery) in coming.iter().enumerate() {
            match self.random.below(100) {
                // What was sent late is not lost as well: a sender gives up once.
                0..12 if index >= late => lost += 1,
                12..24 => self.late.push(delivery.clone()),
                24..36 => {
                    again += 1;
                    self.post(delivery).await;
                    self.post(delivery).await;
                }
                _ => self.post(delivery).await,
            }
        }
        for (what, times) in [("event lost", lost), ("event late", self.late.len()), ("event twice", again)] {
            self.notes.count_times(what, u64::try_from(times).unwrap());
        }
        self.line(format!("deliver {}: {lost} lost, {} late, {again} twice", coming.len(), self.late.len()));
    }

    /// Everything arrives, for once.
    pub async fn deliver_all(&mut self) {
        for delivery in std::mem::take(&mut self.late) {
            self.post(&delivery).await;
        }
    }

    /// Signed for now, by the road that it takes in the cloud. What the door does not take comes again.
    async fn post(&mut self, delivery: &Delivery) {
        let now = self.env.clock.now_ms();
        let is_stripe = delivery.url.ends_with("/stripe/webhook");
        let is_callout = delivery.url.ends_with("/salesforce/events");
        let signed = match is_stripe {
            true => self.env.sandbox.stripe.with(|stripe| stripe.redeliver(now, delivery)),
            false => self.env.sandbox.salesforce.with(|org| org.redeliver(now, delivery)),
        };
        let is_taken = if is_stripe {
            let event = self.gateway_event("/stripe/webhook", &signed);
            self.env.call_stripe(&event).await.status < 300
        } else if is_callout {
            let event = self.gateway_event("/salesforce/events", &signed);
            self.env.call_salesforce(&event).await.status < 300
        } else {
            let mut is_taken = true;
            for event in it::bridge_events(&signed, self.env.now()) {
                is_taken &= self.env.relay(&event).await.is_ok();
            }
            is_taken
        };
        if !is_taken {
            self.notes.count("event not taken");
            self.late.push(delivery.clone());
        }
    }

    /// As text or in base64, with header names as this or that gateway writes them.
    fn gateway_event(&mut self, path: &str, delivery: &Delivery) -> Value {
        let mut event = match self.random.chance(30) {
            true => {
                self.notes.count("event in base64");
                base64_event("POST", path, &delivery.headers, &delivery.body)
            }
            false => http_event("POST", path, &delivery.headers, &delivery.body),
        };
        if self.random.chance(20) {
            self.notes.count("event with title-case headers");
            let headers = event["headers"].as_object().unwrap();
            let titled = headers.iter().map(|(name, value)| (title_case(name), value.clone()));
            event["headers"] = titled.collect::<serde_json::Map<_, _>>().into();
        }
        event
    }
}

fn title_case(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("-")
}
