//! Where a run is: the point of its workflow, and what is asked of every point alike.

use mapping::Stop;
use serde::{Deserialize, Serialize};

use super::Next;
use crate::{
    account_customer, invoice_changed, invoice_paid, notification, opportunity_won, payment_failed,
    subscription_changed,
};

/// Where a run is in its workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "workflow", content = "point", rename_all = "snake_case")]
pub enum State {
    OpportunityWon(opportunity_won::Point),
    AccountCustomer(account_customer::Point),
    InvoicePaid(invoice_paid::Point),
    PaymentFailed(payment_failed::Point),
    InvoiceChanged(invoice_changed::Point),
    SubscriptionChanged(subscription_changed::Point),
    Notification(notification::Point),
}

/// What every point answers.
macro_rules! of_point {
    ($state:expr, $method:ident) => {
        match $state {
            State::OpportunityWon(point) => point.$method(),
            State::AccountCustomer(point) => point.$method(),
            State::InvoicePaid(point) => point.$method(),
            State::PaymentFailed(point) => point.$method(),
            State::InvoiceChanged(point) => point.$method(),
            State::SubscriptionChanged(point) => point.$method(),
            State::Notification(point) => point.$method(),
        }
    };
}

impl State {
    pub(super) fn next(&self) -> Next {
        of_point!(self, next)
    }

    pub(super) fn name(&self) -> &'static str {
        of_point!(self, name)
    }

    pub(super) fn status(&self) -> Status {
        of_point!(self, status)
    }

    pub(super) fn stop(&self) -> Option<&Stop> {
        of_point!(self, stop)
    }
}

/// How the run stands, for the index of unfinished runs and for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Open,
    Done,
    /// Not billed, with a reason; nothing is at Stripe.
    Rejected,
    /// A person must decide.
    Review,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Rejected => "rejected",
            Self::Review => "review",
        }
    }
}

/// A fact came back that the point does not ask for. It says that the code is wrong, never the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {fact} cannot follow the point {point}")]
pub struct OutOfOrder {
    pub point: &'static str,
    pub fact: &'static str,
}
