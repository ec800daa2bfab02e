//! Whose an invoice is: what it carries itself, and what it carries of its subscription.

use std::collections::BTreeMap;

use domain::SubscriptionId;
use serde::Deserialize;

use crate::objects::Expandable;

/// As much of an invoice as says whose it is.
#[derive(Deserialize)]
pub(crate) struct Carried {
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    pub(crate) billing_reason: Option<String>,
    pub(crate) parent: Option<InvoiceParent>,
}

#[derive(Deserialize)]
pub(crate) struct InvoiceParent {
    subscription_details: Option<InvoiceOfSubscription>,
}

#[derive(Deserialize)]
struct InvoiceOfSubscription {
    subscription: Option<Expandable>,
    metadata: Option<BTreeMap<String, String>>,
}

impl Carried {
    pub(crate) fn subscription(&self) -> Option<SubscriptionId> {
        let details = self.parent.as_ref()?.subscription_details.as_ref()?;
        SubscriptionId::parse(details.subscription.as_ref()?.id()).ok()
    }

    pub(crate) fn of_subscription(&self) -> Option<&BTreeMap<String, String>> {
        self.parent.as_ref()?.subscription_details.as_ref()?.metadata.as_ref()
    }

    /// What its subscription said when the invoice was made, and over it what the invoice says itself: of any period.
    pub(crate) fn into_whole_metadata(self) -> BTreeMap<String, String> {
        let details = self.parent.and_then(|parent| parent.subscription_details);
        let mut metadata = details.and_then(|details| details.metadata).unwrap_or_default();
        metadata.extend(self.metadata.unwrap_or_default());
        metadata
    }

    /// The first invoice of a subscription: `billing_reason` is said when it is made, and stays.
    pub(crate) fn is_first(&self) -> bool {
        self.billing_reason.as_deref() == Some("subscription_create")
    }

    /// The invoice's own metadata; and the first invoice of a subscription, which has none of its own unless somebody writes it,
    /// carries what the subscription said when it was made. A later one is of the subscription alone.
    pub(crate) fn into_metadata(self) -> Option<BTreeMap<String, String>> {
        let is_first = self.is_first();
        let of_parent = self.parent.and_then(|parent| parent.subscription_details).filter(|_| is_first);
        match (of_parent.and_then(|details| details.metadata), self.metadata) {
            (Some(mut metadata), own) => {
                metadata.extend(own.unwrap_or_default());
                Some(metadata)
            }
            (None, own) => own,
        }
    }
}
