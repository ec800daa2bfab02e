//! What is remembered of an invoice that is looked after.

use std::fmt;

use domain::{CustomerId, DisputeId, InvoiceId, OpportunityId};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::doubt::Doubt;

/// What is looked after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    pub invoice_id: InvoiceId,
    /// When it was last read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Doubt::is_none")]
    pub doubt: Doubt,
    /// The opportunity was seen to name another one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub names_another: bool,
    /// It bills a later period of a subscription, which no opportunity names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_of_later_period: bool,
    /// What was to be written was overtaken, and it was read again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_overtaken: bool,
    /// Whom it bills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// An opportunity that was found to name it, whatever the invoice itself says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<OpportunityId>,
    /// Somebody has to answer these, which was not said yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disputes: Vec<Dispute>,
    /// These were said, whichever event told of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<DisputeId>,
}

/// A payment of the invoice that the customer's bank wants back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    pub dispute_id: DisputeId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_by: Option<Timestamp>,
}

impl fmt::Display for Dispute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.due_by {
            Some(due_by) => write!(f, "{} (by {})", self.dispute_id, TimeZone::UTC.to_datetime(due_by).date()),
            None => write!(f, "{}", self.dispute_id),
        }
    }
}

impl Watch {
    pub fn new(invoice_id: InvoiceId) -> Self {
        Self {
            invoice_id,
            seen_at: None,
            doubt: Doubt::None,
            names_another: false,
            is_of_later_period: false,
            was_overtaken: false,
            customer_id: None,
            found: None,
            disputes: Vec::new(),
            said: Vec::new(),
        }
    }

    pub(super) fn is_to_say(&self, id: &DisputeId) -> bool {
        self.disputes.iter().any(|dispute| dispute.dispute_id == *id)
    }

    pub(super) fn hear(&mut self, disputes: Vec<Dispute>) {
        for dispute in disputes {
            if !self.is_to_say(&dispute.dispute_id) && !self.said.contains(&dispute.dispute_id) {
                self.disputes.push(dispute);
            }
        }
    }

    /// What somebody has to answer, if there is anything.
    pub(super) fn disputed(&self) -> Option<String> {
        let disputes: Vec<_> = self.disputes.iter().map(ToString::to_string).collect();
        (!disputes.is_empty()).then(|| {
            format!(
                "A payment of invoice {} is disputed: the customer's bank asks for it back. Answer or accept the dispute in Stripe's \
                 dashboard: {}.",
                self.invoice_id,
                disputes.join(", ")
            )
        })
    }
}
