//! What a run asks for.

use domain::{AccountId, Currency, CustomerId};
use jiff::Timestamp;
use mapping::{CustomerDetails, Stop};

use crate::Call;

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Make this call and record what came of it.
    Call(Call),
    /// Bring the account's own run to its end first; what it found is recorded here.
    EnsureCustomer(WantedCustomer),
    /// The other side is not there yet. Look again later; after a day it is a person's business.
    Wait(Stop),
    End(End),
}

/// Whom a deal asks to be billed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedCustomer {
    pub account_id: AccountId,
    pub details: CustomerDetails,
    pub named_by_salesforce: Option<CustomerId>,
    /// The customer that Stripe does not know any more, if the account had one.
    pub gone: Option<CustomerId>,
    /// The currency that it is to have a subscription in.
    pub recurs_in: Option<Currency>,
    /// The account's customer has something active in another currency, so another one is to be for this.
    pub is_apart: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Done,
    /// There is nothing to do before then, and nobody has to act.
    Resting {
        until: Timestamp,
    },
    Stopped(Stop),
}
