//! What is asked about: an id, wherever it was copied from.

use std::fmt;

use domain::{AccountId, InvoiceId, OpportunityId, SubscriptionId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Opportunity(OpportunityId),
    Account(AccountId),
    Invoice(InvoiceId),
    Subscription(SubscriptionId),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no id in it of an opportunity (006…), an account (001…), an invoice (in_…) or a subscription (sub_…)"
)]
pub struct UnknownSubject;

/// What may be ids.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

impl Subject {
    /// The id itself, or the address of a page of Salesforce or Stripe that shows it.
    pub fn parse(text: &str) -> Result<Self, UnknownSubject> {
        words(text).find_map(Self::of_id).ok_or(UnknownSubject)
    }

    fn of_id(id: &str) -> Option<Self> {
        let opportunity = || OpportunityId::parse(id).ok().map(Self::Opportunity);
        let account = || AccountId::parse(id).ok().map(Self::Account);
        let invoice = || InvoiceId::parse(id).ok().map(Self::Invoice);
        // A schedule's id begins alike.
        let subscription =
            || SubscriptionId::parse(id).ok().filter(|_| !id.starts_with("sub_sched_")).map(Self::Subscription);
        opportunity().or_else(account).or_else(invoice).or_else(subscription)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opportunity(id) => id.fmt(f),
            Self::Account(id) => id.fmt(f),
            Self::Invoice(id) => id.fmt(f),
            Self::Subscription(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_wherever_it_was_copied_from() {
        for (text, id) in [
            ("006000000000001AAA", Some("006000000000001AAA")),
            (
                "https://acme.lightning.force.com/lightning/r/Opportunity/006000000000001AAA/view",
                Some("006000000000001AAA"),
            ),
            ("https://acme.my.salesforce.com/001000000000001AAA", Some("001000000000001AAA")),
            ("https://dashboard.stripe.com/test/invoices/in_1Abc?lang=en", Some("in_1Abc")),
            (" sub_1Abc ", Some("sub_1Abc")),
            ("https://dashboard.stripe.com/customers/cus_1", None),
            ("sub_sched_1Abc", None),
            ("", None),
            ("006", None),
        ] {
            let found = Subject::parse(text).ok().map(|subject| subject.to_string());
            assert_eq!(found.as_deref(), id, "{text}");
        }
    }
}
