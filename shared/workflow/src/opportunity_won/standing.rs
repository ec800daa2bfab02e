//! A won opportunity that stands still: why, and to whom that was said.

use domain::Record;
use mapping::Stop;

use super::{Invoice, Point};

impl Point {
    /// A stop that was told and reported before, for the same cause, is not told and reported again: the note is itself an
    /// event.
    pub(crate) fn already_said(self, noted: Option<&Stop>, parked: Option<&Stop>) -> Self {
        match self {
            Self::Stopped { opportunity_id, stop, told, reported, back_to } => Self::Stopped {
                told: told || noted == Some(&stop),
                reported: reported || parked == Some(&stop),
                opportunity_id,
                stop,
                back_to,
            },
            point => point,
        }
    }

    /// A person asks for the event once more: what Salesforce did not keep may be kept now.
    pub(crate) fn asked_for(self) -> Self {
        match self {
            Self::Stopped { opportunity_id, stop, told, reported, back_to } => {
                let back_to = match *back_to {
                    Self::Sent { invoice, interrupted } => {
                        let contract = invoice.contract.asked_for(&invoice.not_kept);
                        Self::Sent { invoice: Invoice { not_kept: Vec::new(), contract, ..invoice }, interrupted }
                    }
                    Self::Renewal(renewal) => Self::Renewal(Box::new(renewal.asked_for())),
                    point => point,
                };
                Self::Stopped { opportunity_id, stop, told, reported, back_to: Box::new(back_to) }
            }
            point => point,
        }
    }

    /// Stands still at this point until somebody acts. What nobody has to act on is neither told nor reported.
    pub(super) fn stopped(self, stop: Stop) -> Self {
        let quiet = !stop.needs_person();
        Self::Stopped {
            opportunity_id: self.opportunity_id(),
            stop,
            told: quiet,
            reported: quiet,
            back_to: Box::new(self),
        }
    }

    /// The same, without writing a note that the opportunity already carries.
    pub(super) fn stopped_unless_noted(self, stop: Stop, opportunity: &Record) -> Self {
        let noted = mapping::sync_note(&self.opportunity_id(), &stop).differences(opportunity).is_empty();
        self.stopped_noted(stop, noted)
    }

    pub(super) fn stopped_noted(self, stop: Stop, noted: bool) -> Self {
        match self.stopped(stop) {
            Self::Stopped { opportunity_id, stop, told, reported, back_to } => {
                Self::Stopped { opportunity_id, stop, told: told || noted, reported, back_to }
            }
            point => point,
        }
    }
}
