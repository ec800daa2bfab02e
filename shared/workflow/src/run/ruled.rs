//! What rules said of a run, for whoever asks why.

use crate::{Run, State};

impl Run {
    /// The rules that decided something, in their order: of what a deal bills, of the stage that it is moved to when it is paid, of how a
    /// failed payment is looked after, and of whether people are told.
    pub fn by_rules(&self) -> &[String] {
        match &self.state {
            State::OpportunityWon(point) => point.plan().map_or(&[], |plan| &plan.by_rules),
            State::InvoicePaid(point) => point.payment().map_or(&[], |payment| &payment.by_rules),
            State::PaymentFailed(point) => &point.watch().ruled.by,
            State::Notification(point) => &point.notice().by_rules,
            State::AccountCustomer(_) | State::InvoiceChanged(_) | State::SubscriptionChanged(_) => &[],
        }
    }

    /// What a rule skipped, and why.
    pub fn skipped(&self) -> Option<(&'static str, &str)> {
        let (what, why) = match &self.state {
            State::PaymentFailed(point) => ("no case", point.watch().ruled.skipped.as_ref()),
            State::InvoicePaid(point) => {
                ("stays in its stage", point.payment().and_then(|payment| payment.stays.as_ref()))
            }
            State::Notification(point) => ("not told", point.notice().kept_back.as_ref()),
            _ => return None,
        };
        Some((what, why?))
    }
}
