//! What a run is called.

use std::fmt;

use domain::{AccountId, Currency, InvoiceId, OpportunityId, OrganizationId, SubscriptionId};
use mapping::Channel;
use serde::{Deserialize, Serialize};

use crate::About;

/// The unit of exactly-once effect. There is one item per id in the ledger, for ever.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "workflow", rename_all = "snake_case")]
pub enum RunId {
    OpportunityWon {
        organization_id: OrganizationId,
        opportunity_id: OpportunityId,
    },
    /// With a currency it is the customer of its subscriptions in that currency, beside the one that it has for everything else.
    AccountCustomer {
        organization_id: OrganizationId,
        account_id: AccountId,
        livemode: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<Currency>,
    },
    InvoicePaid {
        organization_id: OrganizationId,
        invoice_id: InvoiceId,
    },
    PaymentFailed {
        organization_id: OrganizationId,
        invoice_id: InvoiceId,
    },
    InvoiceChanged {
        organization_id: OrganizationId,
        invoice_id: InvoiceId,
    },
    SubscriptionChanged {
        organization_id: OrganizationId,
        subscription_id: SubscriptionId,
    },
    /// What one of the places where people look is told of one thing.
    Notification {
        organization_id: OrganizationId,
        channel: Channel,
        about: About,
    },
}

impl RunId {
    pub fn workflow(&self) -> &'static str {
        match self {
            Self::OpportunityWon { .. } => "opportunity_won",
            Self::AccountCustomer { .. } => "account_customer",
            Self::InvoicePaid { .. } => "invoice_paid",
            Self::PaymentFailed { .. } => "payment_failed",
            Self::InvoiceChanged { .. } => "invoice_changed",
            Self::SubscriptionChanged { .. } => "subscription_changed",
            Self::Notification { .. } => "notification",
        }
    }

    /// The Salesforce record or Stripe object that the run is about.
    pub fn subject(&self) -> &str {
        match self {
            Self::OpportunityWon { opportunity_id, .. } => opportunity_id.as_str(),
            Self::AccountCustomer { account_id, .. } => account_id.as_str(),
            Self::InvoicePaid { invoice_id, .. }
            | Self::PaymentFailed { invoice_id, .. }
            | Self::InvoiceChanged { invoice_id, .. } => invoice_id.as_str(),
            Self::SubscriptionChanged { subscription_id, .. } => subscription_id.as_str(),
            Self::Notification { about: About::Run { key, .. }, .. } => key,
            Self::Notification { about: About::Day { .. }, .. } => "statement",
        }
    }
}

/// The key in the ledger. The last part of a run is its revision: the first billing of a deal is revision 1.
impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpportunityWon { organization_id, opportunity_id } => {
                write!(f, "run#{organization_id}:{opportunity_id}:opportunity_won:1")
            }
            Self::AccountCustomer { organization_id, account_id, livemode, currency } => {
                let mode = if *livemode { "live" } else { "test" };
                let currency = currency.map_or_else(|| "any".to_owned(), |currency| currency.to_stripe());
                write!(f, "customer#{organization_id}:{account_id}:{currency}:{mode}")
            }
            Self::InvoicePaid { organization_id, invoice_id } => {
                write!(f, "run#{organization_id}:{invoice_id}:invoice_paid:1")
            }
            Self::PaymentFailed { organization_id, invoice_id } => {
                write!(f, "run#{organization_id}:{invoice_id}:payment_failed:1")
            }
            Self::InvoiceChanged { organization_id, invoice_id } => {
                write!(f, "run#{organization_id}:{invoice_id}:invoice_changed:1")
            }
            Self::SubscriptionChanged { organization_id, subscription_id } => {
                write!(f, "run#{organization_id}:{subscription_id}:subscription_changed:1")
            }
            Self::Notification { organization_id, channel, about } => {
                write!(f, "notification#{organization_id}:{channel}:{about}")
            }
        }
    }
}
