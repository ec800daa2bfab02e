//! What goes wrong between a function and AWS, on demand.

use std::sync::{Arc, Mutex};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// Too many requests; nothing happened.
    Throttled,
    /// The request is lost on its way.
    RequestLost,
    /// The effect takes place, and the answer is lost.
    AnswerLost,
    /// The SDK sends again after a lost answer, and the second attempt meets what the first one has done.
    SentTwice,
}

impl Disturbance {
    pub const ALL: [Self; 4] = [Self::Throttled, Self::RequestLost, Self::AnswerLost, Self::SentTwice];

    pub fn name(self) -> &'static str {
        match self {
            Self::Throttled => "aws throttled",
            Self::RequestLost => "aws request lost",
            Self::AnswerLost => "aws answer lost",
            Self::SentTwice => "aws sent twice",
        }
    }
}

/// What is still to come, and what has happened.
#[derive(Debug, Clone, Default)]
pub(super) struct Disturbances(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// How many requests go well first.
    waiting: Vec<(u32, Disturbance)>,
    struck: Vec<Disturbance>,
}

impl Disturbances {
    pub(super) fn add(&self, skip: u32, disturbance: Disturbance) {
        self.0.lock().unwrap().waiting.push((skip, disturbance));
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap().waiting.clear();
    }

    pub(super) fn struck(&self) -> Vec<Disturbance> {
        self.0.lock().unwrap().struck.clone()
    }

    /// What this request suffers.
    pub(super) fn strike(&self) -> Option<Disturbance> {
        let mut state = self.0.lock().unwrap();
        let due = state.waiting.iter().position(|(skip, _)| *skip == 0);
        state.waiting.iter_mut().for_each(|(skip, _)| *skip = skip.saturating_sub(1));
        let (_, disturbance) = state.waiting.remove(due?);
        state.struck.push(disturbance);
        Some(disturbance)
    }
}
