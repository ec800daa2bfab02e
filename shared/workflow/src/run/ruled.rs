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

    /// Why a rule left a failed payment to people.
    pub fn left_to_people(&self) -> Option<&str> {
        match &self.state {
            State::PaymentFailed(point) => point.watch().ruled.skipped.as_deref(),
            _ => None,
        }
    }
}
