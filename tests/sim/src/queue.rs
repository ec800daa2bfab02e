//! SQS as far as the product uses it: a standard queue that hides what was received, counts receives, gives up after
//! sixteen, and keeps nothing longer than four days; and its dead-letter queue.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::random::Random;

/// As `template.yaml` has it: the visibility timeout is six times the function's.
pub const VISIBILITY_MS: i64 = 360 * 1000;
const MOST_RECEIVES: u32 = 16;
const KEPT_MS: i64 = 4 * 24 * 60 * 60 * 1000;

/// What hides a message counts from its receive, and not longer than this.
const LONGEST_HIDDEN_MS: i64 = 12 * 60 * 60 * 1000;

#[derive(Debug, Clone)]
struct Message {
    body: Rc<str>,
    sent_ms: i64,
    visible_ms: i64,
    received_ms: i64,
    first_received_ms: Option<i64>,
    receives: u32,
    /// Of the latest receive. An older one does not delete for certain, and does not change the visibility.
    receipt: u64,
}

/// One receive of a message.
#[derive(Debug, Clone)]
pub struct Received {
    pub id: u64,
    pub body: Rc<str>,
    pub receives: u32,
    pub receipt: u64,
    pub sent_ms: i64,
    pub first_received_ms: i64,
}

/// What lies in the dead-letter queue.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    pub body: Rc<str>,
    pub at_ms: i64,
    /// It was put there with a reason; otherwise it was received too often.
    pub code: Option<String>,
}

#[derive(Debug, Default)]
pub struct Queue {
    messages: BTreeMap<u64, Message>,
    pub dead: Vec<DeadLetter>,
    last_id: u64,
    last_receipt: u64,
    /// Nothing is received before then.
    hidden_until_ms: i64,
    /// Messages that grew too old. Nothing may live here only.
    pub expired: u64,
}

impl Queue {
    pub fn send(&mut self, now_ms: i64, body: Rc<str>, hidden_ms: i64) {
        self.last_id += 1;
        let visible_ms = (now_ms + hidden_ms).max(self.hidden_until_ms);
        let message = Message {
            body,
            sent_ms: now_ms,
            visible_ms,
            received_ms: now_ms,
            first_received_ms: None,
            receives: 0,
            receipt: 0,
        };
        self.messages.insert(self.last_id, message);
    }

    /// One of the visible messages, whichever, hidden for so long.
    pub fn receive(&mut self, now_ms: i64, hidden_ms: i64, random: &mut Random) -> Option<Received> {
        self.expire(now_ms);
        self.give_up(now_ms);
        let visible: Vec<u64> = self.visible(now_ms).collect();
        if visible.is_empty() {
            return None;
        }
        let id = *random.pick(&visible);
        self.last_receipt += 1;
        let message = self.messages.get_mut(&id)?;
        message.receives += 1;
        message.received_ms = now_ms;
        message.visible_ms = now_ms + hidden_ms;
        message.receipt = self.last_receipt;
        Some(Received {
            id,
            body: Rc::clone(&message.body),
            receives: message.receives,
            receipt: self.last_receipt,
            sent_ms: message.sent_ms,
            first_received_ms: *message.first_received_ms.get_or_insert(now_ms),
        })
    }

    /// Whether it is gone. With an older receipt than the latest it may stay.
    pub fn delete(&mut self, received: &Received, random: &mut Random) -> bool {
        let is_latest = self.messages.get(&received.id).is_some_and(|message| message.receipt == received.receipt);
        if is_latest || random.chance(500) {
            self.messages.remove(&received.id);
        }
        !self.messages.contains_key(&received.id)
    }

    /// Hides a received message for so long from now; an error if the receive is over.
    pub fn hide(&mut self, now_ms: i64, received: &Received, hidden_ms: i64) -> Result<(), &'static str> {
        let message = self.messages.get_mut(&received.id).ok_or("the message does not exist")?;
        if message.receipt != received.receipt || message.visible_ms <= now_ms {
            return Err("the message is not in flight");
        }
        if now_ms + hidden_ms > message.received_ms + LONGEST_HIDDEN_MS {
            return Err("total visibility is beyond twelve hours");
        }
        message.visible_ms = now_ms + hidden_ms;
        Ok(())
    }

    /// When there is something to receive, if nothing changes.
    pub fn next_visible_ms(&self) -> Option<i64> {
        self.messages.values().map(|message| message.visible_ms).min()
    }

    pub fn bury(&mut self, at_ms: i64, body: Rc<str>, code: Option<String>) {
        self.dead.push(DeadLetter { body, at_ms, code });
    }

    /// Nothing is received before then.
    pub fn hide_all(&mut self, until_ms: i64) {
        self.hidden_until_ms = until_ms;
        for message in self.messages.values_mut() {
            message.visible_ms = message.visible_ms.max(until_ms);
        }
    }

    pub fn purge(&mut self) {
        self.messages.clear();
    }

    /// What is still to be worked on.
    pub fn bodies(&self) -> impl Iterator<Item = &str> {
        self.messages.values().map(|message| &*message.body)
    }

    pub fn len(&self) -> usize {
        self.messages.len()
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    fn visible(&self, now_ms: i64) -> impl Iterator<Item = u64> + '_ {
        self.messages.iter().filter(move |(_, message)| message.visible_ms <= now_ms).map(|(id, _)| *id)
    }

    fn expire(&mut self, now_ms: i64) {
        let before = self.messages.len();
        self.messages.retain(|_, message| now_ms - message.sent_ms < KEPT_MS);
        self.expired += (before - self.messages.len()) as u64;
    }

    /// What has been received sixteen times goes to the dead-letter queue instead of a seventeenth receive.
    fn give_up(&mut self, now_ms: i64) {
        let worn: Vec<u64> = self.visible(now_ms).filter(|id| self.messages[id].receives >= MOST_RECEIVES).collect();
        for id in worn {
            if let Some(message) = self.messages.remove(&id) {
                self.bury(now_ms, message.body, None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> (Queue, Random) {
        let mut queue = Queue::default();
        queue.send(0, "a".into(), 0);
        (queue, Random::new(1))
    }

    #[test]
    fn what_was_received_is_hidden_and_comes_back() {
        let (mut queue, mut random) = queue();
        let first = queue.receive(0, 100, &mut random).expect("it is there");
        assert!(queue.receive(99, 100, &mut random).is_none());
        let second = queue.receive(100, 100, &mut random).expect("it is back");
        assert_eq!((first.receives, second.receives), (1, 2));
        assert!(queue.hide(150, &first, 1000).is_err(), "an old receipt hides nothing");
        assert_eq!(queue.hide(150, &second, 1000), Ok(()));
        assert!(queue.receive(1149, 100, &mut random).is_none());
        assert!(queue.delete(&second, &mut random) && queue.is_empty());
    }

    #[test]
    fn sixteen_receives_are_the_last() {
        let (mut queue, mut random) = queue();
        for time in 0..16 {
            assert!(queue.receive(time, 1, &mut random).is_some());
        }
        assert!(queue.receive(16, 1, &mut random).is_none());
        assert_eq!((queue.len(), queue.dead.len()), (0, 1));
        assert!(queue.dead[0].code.is_none());
    }

    #[test]
    fn nothing_is_kept_longer_than_four_days() {
        let (mut queue, mut random) = queue();
        assert!(queue.receive(KEPT_MS, 1, &mut random).is_none());
        assert_eq!((queue.len(), queue.dead.len(), queue.expired), (0, 0, 1));
    }

    #[test]
    fn hiding_ends_twelve_hours_after_the_receive() {
        let (mut queue, mut random) = queue();
        let received = queue.receive(0, VISIBILITY_MS, &mut random).expect("it is there");
        assert!(queue.hide(1000, &received, LONGEST_HIDDEN_MS).is_err());
        assert_eq!(queue.hide(1000, &received, LONGEST_HIDDEN_MS - 1000), Ok(()));
    }
}
