//! What a run that has come to an end has to tell, and whether it was told.

use jiff::Timestamp;
use mapping::{Stop, Tidings};
use serde::{Deserialize, Serialize};

use super::{Next, Run, RunId, State, Status};
use crate::Tells;

/// What somebody was told of a run last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// How often there was something to tell.
    pub count: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<Tells>,
    /// In which words, where it was a reason to stop: the same code for another field is news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// What there was to tell last, whether it stands or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Tells>,
}

impl Run {
    /// What there is to tell of it, now that it has come to an end.
    pub fn tells(&self) -> Option<Tells> {
        if let Some(stop) = self.stop().filter(|stop| stop.needs_person() && self.status() != Status::Open) {
            // What keeps an account's customer from being told stands in the way of its deal, which tells of it; unless none asked.
            let is_its_own = !matches!(self.state, State::AccountCustomer(_)) || self.parked.as_ref() == Some(stop);
            let is_notice = matches!(self.state, State::Notification(_));
            return (is_its_own && !is_notice).then_some(Tells::Stopped { code: stop.code });
        }
        match &self.state {
            State::PaymentFailed(point) if point.is_unpaid() => Some(Tells::Failed),
            State::OpportunityWon(_) if self.status() == Status::Done => {
                let invoice = self.invoice_id().map(ToString::to_string);
                let by = invoice.or_else(|| self.subscription_id().map(ToString::to_string))?;
                Some(Tells::Won { by })
            }
            _ => None,
        }
    }

    /// It has come to no end, nor does it rest: what there is to tell of it is not certain yet.
    pub fn is_at_work(&self) -> bool {
        self.status() == Status::Open && !matches!(self.next(), Next::End(_))
    }

    /// What there is to say of that, if it stands.
    pub fn tidings(&self, tells: &Tells) -> Tidings {
        if self.tells().as_ref() != Some(tells) {
            return Tidings::Nothing;
        }
        let total = self.billed().map(|(total, _)| total);
        match (tells, &self.id, self.stop()) {
            (Tells::Failed, RunId::PaymentFailed { invoice_id, .. }, _) => {
                Tidings::Failed { invoice_id: invoice_id.clone() }
            }
            (Tells::Stopped { .. }, id, Some(stop)) => Tidings::Stopped {
                opportunity_id: match id {
                    RunId::OpportunityWon { opportunity_id, .. } => Some(opportunity_id.clone()),
                    _ => None,
                },
                subject: id.subject().to_owned(),
                total,
                invoice_id: self.invoice_id().cloned(),
                stop: Box::new(stop.clone()),
            },
            (Tells::Won { .. }, RunId::OpportunityWon { opportunity_id, .. }, _) => Tidings::Won {
                opportunity_id: opportunity_id.clone(),
                total,
                billed: self.billed().map(|(_, billed)| billed),
                invoice_id: self.invoice_id().cloned(),
                subscription_id: self.subscription_id().cloned(),
            },
            _ => Tidings::Nothing,
        }
    }

    /// What is news by now. It is remembered as told. What comes back after it was over is news again.
    pub fn news(&mut self) -> Option<(Tells, u32)> {
        let (tells, stop) = (self.tells(), self.stop().cloned());
        let told = self.told.get_or_insert_default();
        let Some(tells) = tells else {
            told.what = None;
            return None;
        };
        if told.what.as_ref() == Some(&tells) && told.stop == stop {
            return None;
        }
        (told.count, told.what, told.stop) = (told.count.saturating_add(1), Some(tells.clone()), stop);
        told.last = Some(tells.clone());
        Some((tells, told.count))
    }

    /// What a run of an earlier version has come to is old news.
    pub(super) fn remembering(mut self) -> Self {
        if self.told.is_none() {
            self.told = Some(Told { count: 0, what: self.tells(), stop: self.stop().cloned(), last: None });
        }
        self
    }

    /// A message to people is on its way from now on.
    pub fn sending(self, now: Timestamp) -> Self {
        match self.state {
            State::Notification(point) => Self { state: State::Notification(point.sending(now)), ..self },
            state => Self { state, ..self },
        }
    }

    /// A person asks for it once more, and is told once more.
    pub(super) fn untold(mut self) -> Self {
        if let Some(told) = &mut self.told {
            told.what = None;
        }
        self
    }
}
