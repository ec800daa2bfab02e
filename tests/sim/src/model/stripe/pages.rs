//! The lists that the reconciler reads page by page, newest first.

use domain::CustomerId;
use jiff::Timestamp;
use stripe::webhook::Notification;
use stripe::{Answer, Cursor, Error, Listed, Page};

use super::failure::Failure;
use super::{Stripe, Tells};

/// What a list answers at most. Stripe's hundred would never be reached here, and pages are to be turned.
const PAGE: usize = 7;

/// The page after the cursor, of objects that come newest first.
pub(super) fn page<T>(all: impl Iterator<Item = Listed<T>>, since: Timestamp, after: Option<&Cursor>) -> Page<T> {
    let after = after.map(Cursor::to_string);
    let after = after.as_deref().and_then(|text| text.split_once('@'));
    let comes_later = |listed: &Listed<T>| match after {
        None => true,
        Some((id, seconds)) => {
            let seconds: i64 = seconds.parse().expect("a cursor ends in seconds");
            (listed.created.as_second(), listed.id.as_str()) < (seconds, id)
        }
    };
    let mut listed: Vec<_> = all.filter(|listed| listed.created.as_second() >= since.as_second()).collect();
    listed.sort_by(|one, other| (other.created, &other.id).cmp(&(one.created, &one.id)));
    let mut rest: Vec<_> = listed.into_iter().filter(comes_later).collect();
    let has_more = rest.len() > PAGE;
    rest.truncate(PAGE);
    let next = rest.last().filter(|_| has_more);
    let next = next.and_then(|last| format!("{}@{}", last.id, last.created.as_second()).parse().ok());
    Page { items: rest, next }
}

impl Stripe {
    pub fn invoices_created_since(
        &mut self,
        now: Timestamp,
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<stripe::Invoice>, Error> {
        self.advance(now);
        let all = self.invoices.values().map(|invoice| {
            let shown = invoice.shown();
            Listed {
                id: shown.id.to_string(),
                created: shown.created,
                metadata: Some(shown.metadata.clone()),
                of_subscription: None,
                object: Some(shown),
            }
        });
        Ok(page(all, since, after))
    }

    pub fn customers_created_page(
        &mut self,
        now: Timestamp,
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<stripe::Customer>, Error> {
        self.advance(now);
        let there = self.customers.values().filter(|customer| customer.deleted.is_none());
        let all = there.map(|customer| Listed {
            id: customer.id.to_string(),
            created: customer.created,
            metadata: Some(customer.metadata.clone()),
            of_subscription: None,
            object: Some(customer.shown()),
        });
        Ok(page(all, since, after))
    }

    pub fn events_since(
        &mut self,
        now: Timestamp,
        types: &[String],
        since: Timestamp,
        after: Option<&Cursor>,
    ) -> Result<Page<Notification>, Error> {
        self.advance(now);
        let is_asked_for = |event: &&super::StripeEvent| types.iter().any(|name| name == event.type_name());
        let metadata = |event: &super::StripeEvent| match &event.tells {
            Tells::Paid(id) | Tells::Failed(id) | Tells::Closed(id) | Tells::Finalized(id) | Tells::Overdue(id) => {
                self.invoices.get(id).map(|invoice| invoice.shown().metadata)
            }
            // They have their own, and do not show their invoice's.
            Tells::Refunded(_) | Tells::Disputed(_) => Some(std::collections::BTreeMap::new()),
            // It has none, and does not show its invoice's.
            Tells::PaidPart(_) => None,
            Tells::Updated(id) | Tells::Deleted(id) => self.subscriptions.get(id).map(|one| one.metadata.clone()),
        };
        let of_subscription = |event: &super::StripeEvent| {
            let of = event.invoice().and_then(|id| self.invoices.get(id)?.shown().subscription)?;
            self.subscriptions.get(&of).map(|one| one.metadata.clone())
        };
        let all = self.events.iter().filter(is_asked_for).map(|event| Listed {
            id: event.id.clone(),
            created: event.at,
            metadata: metadata(event),
            of_subscription: of_subscription(event),
            object: Some(Notification {
                event_id: event.id.clone(),
                event_type: event.type_name().to_owned(),
                livemode: false,
                created: event.at,
                object_id: Some(event.about().to_owned()),
                api_version: None,
            }),
        });
        Ok(page(all, since, after))
    }

    pub fn customer_has_invoices(&mut self, now: Timestamp, id: &CustomerId) -> Result<bool, Error> {
        self.advance(now);
        Ok(self.invoices.values().any(|invoice| invoice.customer() == Some(id)))
    }

    pub(super) fn remove_customer(&mut self, now: Timestamp, id: &str) -> Result<Answer, Failure> {
        let customer = CustomerId::parse(id).ok().filter(|id| self.delete_customer(now, id));
        customer.map(|_| Answer::Deleted).ok_or_else(|| Failure::not_found("customer", id))
    }
}
