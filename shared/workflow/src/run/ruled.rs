//! What rules said of a run, for whoever asks why.

use mapping::Ruled;

use crate::{Run, State};

impl Run {
    /// The rules that decided something, in their order: of what a deal bills, of the stage that it is moved to when it is paid, of how a
    /// failed payment is looked after, and of whether people are told.
    pub fn by_rules(&self) -> &[String] {
        match &self.state {
            State::OpportunityWon(point) => point.plan().map_or(&[], |plan| &plan.by_rules),
            _ => self.ruled().map_or(&[], |(_, ruled)| &ruled.by),
        }
    }

    /// What a rule skipped, and why.
    pub fn skipped(&self) -> Option<(&'static str, &str)> {
        let (what, ruled) = self.ruled()?;
        Some((what, ruled.skipped.as_deref()?))
    }

    /// With what it is where nothing is to be done.
    fn ruled(&self) -> Option<(&'static str, &Ruled)> {
        Some(match &self.state {
            State::InvoicePaid(point) => ("stays in its stage", &point.payment()?.ruled),
            State::PaymentFailed(point) => ("no case", &point.watch().ruled),
            State::Notification(point) => ("not told", &point.notice().ruled),
            _ => return None,
        })
    }
}
