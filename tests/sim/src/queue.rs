//! SQS as far as the product uses it: a standard queue that hides what was received, counts receives, gives up after
//! sixteen, and keeps nothing longer than four days; and its dead-letter queue.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::random::Random;

/// As `template.yaml` has it: the visibility timeout is six times the function's.
pub const VISIBILITY_MS: i64 = 360 * 1000;
const MOST_RECEIVES: u32 = 16;
const KEPT_MS: i64 = 4 * 24 * 60 * 60 * 1000;

/// Of so many visible ones, those that became visible first, one is received. A host of SQS knows no more of a long queue either.
const LOOKED_AT: usize = 64;

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

/// Which of the two queues of work. Where there are no limits one is as good as two: any message may be received next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    Work,
    Bulk,
}

/// One receive of a message.
#[derive(Debug, Clone)]
pub struct Received {
    pub lane: Lane,
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
    /// In the order in which they were sent.
    messages: BTreeMap<u64, Message>,
    /// The same by when they are visible.
    by_visibility: BTreeSet<(i64, u64)>,
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
        self.by_visibility.insert((visible_ms, self.last_id));
    }

    /// One of the visible messages, whichever, hidden for so long.
    pub fn receive(&mut self, now_ms: i64, hidden_ms: i64, random: &mut Random) -> Option<Received> {
        self.expire(now_ms);
        self.give_up(now_ms);
        let visible = self.visible(now_ms);
        if visible.is_empty() {
            return None;
        }
        let id = *random.pick(&visible);
        self.last_receipt += 1;
        self.hide_until(id, now_ms + hidden_ms);
        let message = self.messages.get_mut(&id)?;
        message.receives += 1;
        message.received_ms = now_ms;
        message.receipt = self.last_receipt;
        Some(Received {
            lane: Lane::Work,
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
            self.remove(received.id);
        }
        !self.messages.contains_key(&received.id)
    }

    /// Hides a received message for so long from now; an error if the receive is over.
    pub fn hide(&mut self, now_ms: i64, received: &Received, hidden_ms: i64) -> Result<(), &'static str> {
        let message = self.messages.get(&received.id).ok_or("the message does not exist")?;
        if message.receipt != received.receipt || message.visible_ms <= now_ms {
            return Err("the message is not in flight");
        }
        if now_ms + hidden_ms > message.received_ms + LONGEST_HIDDEN_MS {
            return Err("total visibility is beyond twelve hours");
        }
        self.hide_until(received.id, now_ms + hidden_ms);
        Ok(())
    }

    /// When there is something to receive, if nothing changes.
    pub fn next_visible_ms(&self) -> Option<i64> {
        self.by_visibility.first().map(|(visible_ms, _)| *visible_ms)
    }

    pub fn bury(&mut self, at_ms: i64, body: Rc<str>, code: Option<String>) {
        self.dead.push(DeadLetter { body, at_ms, code });
    }

    /// Nothing is received before then.
    pub fn hide_all(&mut self, until_ms: i64) {
        self.hidden_until_ms = until_ms;
        let hidden: Vec<u64> = self.messages.keys().copied().collect();
        for id in hidden {
            self.hide_until(id, self.messages[&id].visible_ms.max(until_ms));
        }
    }

    pub fn purge(&mut self) {
        self.messages.clear();
        self.by_visibility.clear();
    }

    fn hide_until(&mut self, id: u64, visible_ms: i64) {
        let Some(message) = self.messages.get_mut(&id) else { return };
        self.by_visibility.remove(&(message.visible_ms, id));
        message.visible_ms = visible_ms;
        self.by_visibility.insert((visible_ms, id));
    }

    fn remove(&mut self, id: u64) -> Option<Message> {
        let message = self.messages.remove(&id)?;
        self.by_visibility.remove(&(message.visible_ms, id));
        Some(message)
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

    fn visible(&self, now_ms: i64) -> Vec<u64> {
        let visible = self.by_visibility.range(..=(now_ms, u64::MAX)).take(LOOKED_AT);
        let mut visible: Vec<u64> = visible.map(|(_, id)| *id).collect();
        visible.sort_unstable();
        visible
    }

    fn expire(&mut self, now_ms: i64) {
        while let Some((id, message)) = self.messages.first_key_value() {
            if now_ms - message.sent_ms < KEPT_MS {
                break;
            }
            self.remove(*id);
            self.expired += 1;
        }
    }

    /// What has been received sixteen times goes to the dead-letter queue instead of a seventeenth receive.
    fn give_up(&mut self, now_ms: i64) {
        let mut worn = self.visible(now_ms);
        worn.retain(|id| self.messages[id].receives >= MOST_RECEIVES);
        for id in worn {
            if let Some(message) = self.remove(id) {
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
