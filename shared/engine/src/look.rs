//! Looking for the effect of a write whose key says nothing any more. Lists at Stripe are consistent; search is not, so
//! it only helps where a list does not reach back far enough.

use std::collections::BTreeMap;

use domain::{CustomerId, TaxId};
use jiff::{SignedDuration, Timestamp};
use stripe::{Cursor, Page};
use workflow::{Call, Fact, Run};

use crate::convert::{self, stripe_pause};
use crate::{Engine, Pause, Scope, Stripe, World};

/// How far before the first sending an object may seem to be created: clocks differ.
const BEFORE: SignedDuration = SignedDuration::from_hours(2);

/// For how long after the moment of a restore it is looked among the objects of all customers. DynamoDB goes back 35 days at most, and
/// what was lost is taken up again within days.
const WIDELY: SignedDuration = SignedDuration::from_hours(42 * 24);

/// In so many pages of a hundred. Beyond that it is looked among the customer's own only, as it is where nothing was restored.
const MOST_PAGES: usize = 20;

pub(crate) enum Look {
    /// It had happened: this is what it made.
    Found(Fact),
    /// It had not. It is to be sent anew, as given: what is there already is left out.
    NotFound(Call),
}

impl<W: World> Engine<W> {
    /// `since` is when it may have happened first.
    pub(crate) async fn look(&self, run: &Run, call: &Call, since: Timestamp) -> Result<Look, Pause> {
        let since = since.saturating_sub(BEFORE).unwrap_or(since);
        let maker = Maker { scope: &self.scope, run: run.id.to_string() };
        let looked = match call {
            _ if planted!(LookFindsNothing) => None,
            Call::CreateCustomer { account_id, .. } => {
                let mut found =
                    self.stripe.customers_created_since(since).await.map_err(|error| stripe_pause(&error))?;
                match self.stripe.customers_by_metadata("sf_account_id", account_id.as_str()).await {
                    Ok(by_search) => found.extend(by_search),
                    // Not every account has search. The list reaches back to the first sending in any case.
                    Err(stripe::Error::Refused(_)) => {}
                    Err(error) => return Err(stripe_pause(&error)),
                }
                maker.customer(found).map(|customer| Fact::CustomerFound { customer_id: customer.id })
            }
            Call::AddTaxId { customer_id, tax_id } => match self.has_tax_id(customer_id, tax_id).await {
                Ok(is_there) => is_there.then_some(Fact::TaxIdAdded),
                Err(error) => return convert::read_again(call, &error).map(Look::Found),
            },
            Call::RemoveTaxId { customer_id, tax_id } => match self.stripe.tax_ids(customer_id).await {
                Ok(there) => there.iter().all(|seen| seen.id != *tax_id).then_some(Fact::TaxIdRemoved),
                Err(error) => return convert::read_again(call, &error).map(Look::Found),
            },
            Call::CreateInvoice { customer_id, .. } => {
                let widely = async |after: Option<&Cursor>| self.stripe.invoices_created_since(since, after).await;
                let found = match looks_widely(run, call, self.now()) {
                    true => all(&maker, widely).await?,
                    false => None,
                };
                let mut found = match found {
                    Some(found) => found,
                    None => {
                        let of_customer = self.stripe.invoices_of_customer(customer_id, since).await;
                        of_customer.map_err(|error| stripe_pause(&error))?
                    }
                };
                // A draft for a customer that is gone can never be sent.
                found.retain(|invoice| invoice.status.is_sent() || invoice.customer.as_ref() == Some(customer_id));
                let found = self.but_for_credited(found, &maker).await.map_err(|error| stripe_pause(&error))?;
                maker.invoice(found).map(|invoice| Fact::InvoiceRead(convert::invoice(&invoice, &self.scope)))
            }
            Call::CreateSubscription(new) => {
                let widely = async |after: Option<&Cursor>| self.stripe.subscriptions_created_since(since, after).await;
                let found = match looks_widely(run, call, self.now()) {
                    true => all(&maker, widely).await?,
                    false => None,
                };
                let found = match found {
                    Some(found) => found,
                    None => {
                        match self.stripe.subscriptions_of_customer(&new.customer_id, since).await {
                            Ok(of_customer) => of_customer,
                            // Of a customer that is not there is none.
                            Err(stripe::Error::Refused(why)) if why.code.as_deref() == Some("resource_missing") => {
                                vec![]
                            }
                            Err(error) => return Err(stripe_pause(&error)),
                        }
                    }
                };
                match maker.subscription(found) {
                    Some(oldest) => Some(self.subscription_seen(&oldest).await.map_err(|error| stripe_pause(&error))?),
                    None => None,
                }
            }
            Call::AddLines { invoice_id, batch, lines } => {
                let there = match self.stripe.invoice_lines(invoice_id).await {
                    Ok(there) => there,
                    Err(error) => {
                        let call = Call::ReadLines { invoice_id: invoice_id.clone() };
                        return convert::read_again(&call, &error).map(Look::Found);
                    }
                };
                let keys: Vec<_> = there.iter().filter_map(|line| convert::line(line).key).collect();
                let missing: Vec<_> = lines
                    .iter()
                    .filter(|line| !keys.iter().any(|key| key == line.line.key.as_str()))
                    .cloned()
                    .collect();
                if !missing.is_empty() {
                    let invoice_id = invoice_id.clone();
                    return Ok(Look::NotFound(Call::AddLines { invoice_id, batch: *batch, lines: missing }));
                }
                Some(self.invoice_fact(invoice_id).await?)
            }
            Call::SendInvoice { invoice_id, .. } => {
                let fact = self.invoice_fact(invoice_id).await?;
                let is_draft =
                    matches!(&fact, Fact::InvoiceRead(seen) if seen.status == workflow::InvoiceStatus::Draft);
                (!is_draft).then_some(fact)
            }
            Call::VoidInvoice { invoice_id, .. } => {
                let fact = self.invoice_fact(invoice_id).await?;
                let is_open = matches!(&fact, Fact::InvoiceRead(seen) if seen.status == workflow::InvoiceStatus::Open);
                (!is_open).then_some(fact)
            }
            Call::CreditInvoice(credit) => {
                let fact = self.invoice_fact(&credit.invoice_id).await?;
                let is_credited = matches!(&fact, Fact::InvoiceRead(seen) if seen.credited.after != 0);
                (is_credited || fact == Fact::InvoiceMissing).then_some(fact)
            }
            Call::RenewSubscription(extension) => {
                let seen = self.renewable_named(&extension.subscription_id).await;
                let seen = seen.map_err(|error| stripe_pause(&error))?;
                // Another deal may have changed it since. What was sold once is not sold again by that.
                let id = &extension.opportunity_id;
                let is_renewed = seen.renewed_for.as_ref() == Some(id) || seen.sold_once.contains_key(id);
                is_renewed.then(|| Fact::SubscriptionRenewed(Box::new(seen)))
            }
            // That it ends then says nothing by itself: it may have ended with its term before. It says which day it was told.
            Call::EndSubscription { subscription_id, on, at, .. } => {
                let seen = self.renewable_named(subscription_id).await;
                let seen = seen.map_err(|error| stripe_pause(&error))?;
                let is_told = seen.canceled_on == *on && seen.ends_at == *at;
                is_told.then(|| Fact::SubscriptionRenewed(Box::new(seen)))
            }
            // Holding or disarming an invoice a second time changes nothing. A price that is made twice does no harm.
            _ => None,
        };
        Ok(looked.map_or_else(|| Look::NotFound(call.clone()), Look::Found))
    }

    pub(crate) async fn has_tax_id(&self, customer_id: &CustomerId, tax_id: &TaxId) -> Result<bool, stripe::Error> {
        let there = self.stripe.tax_ids(customer_id).await?;
        Ok(there.iter().any(|seen| tax_id.is(&seen.kind, &seen.value)))
    }

    /// Without what the run has credited: there is another in its place.
    async fn but_for_credited(
        &self,
        found: Vec<stripe::Invoice>,
        maker: &Maker<'_>,
    ) -> Result<Vec<stripe::Invoice>, stripe::Error> {
        let mut counting = Vec::new();
        for invoice in found {
            let is_ours = maker.made(&invoice.metadata)
                && invoice.is_credited()
                && self.credited_by_maker(&invoice).await? == invoice.total;
            if !is_ours {
                counting.push(invoice);
            }
        }
        Ok(counting)
    }

    async fn invoice_fact(&self, invoice_id: &domain::InvoiceId) -> Result<Fact, Pause> {
        match self.invoice_seen(invoice_id).await {
            Ok(seen) => Ok(Fact::InvoiceRead(seen)),
            Err(error) => convert::read_again(&Call::ReadInvoice { invoice_id: invoice_id.clone() }, &error),
        }
    }
}

/// The ledger was restored, and what the run may have made is not in it: then the customer that it was made for may have been deleted
/// since, and is not this one.
fn looks_widely(run: &Run, call: &Call, now: Timestamp) -> bool {
    let is_without_intent = call.operation().is_some_and(|operation| !run.intents.contains_key(&operation));
    let is_recent = run.restored.is_some_and(|restored| now.duration_since(restored.since) < WIDELY);
    is_without_intent && is_recent
}

/// Every page, if they are not too many. One of ours that cannot be read is not taken for one that is not there.
async fn all<T>(
    maker: &Maker<'_>,
    page: impl AsyncFn(Option<&Cursor>) -> Result<Page<T>, stripe::Error>,
) -> Result<Option<Vec<T>>, Pause> {
    let (mut found, mut after) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let page = page(after.as_ref()).await.map_err(|error| stripe_pause(&error))?;
        for listed in page.items {
            match (listed.object, listed.metadata) {
                (Some(object), _) => found.push(object),
                (None, Some(metadata)) if !maker.made(&metadata) => {}
                (None, _) => return Err(Pause::backoff("stripe_unreadable", format!("{} cannot be read", listed.id))),
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Whose write it was: which of what is found can be its effect.
struct Maker<'a> {
    scope: &'a Scope,
    run: String,
}

impl Maker<'_> {
    fn made(&self, metadata: &BTreeMap<String, String>) -> bool {
        planted!(LookTakesAnything) || self.scope.made(metadata) && metadata.get("closedwon_run") == Some(&self.run)
    }

    fn customer(&self, found: Vec<stripe::Customer>) -> Option<stripe::Customer> {
        let made = found.into_iter().filter(|customer| !customer.deleted && self.made(&customer.metadata));
        made.min_by_key(|customer| (customer.created, customer.id.clone()))
    }

    /// One that the customer has counts more than any draft; among drafts, the oldest. One that a person credited counts less than any
    /// that may be in its place.
    fn invoice(&self, found: Vec<stripe::Invoice>) -> Option<stripe::Invoice> {
        let is_draft = |invoice: &stripe::Invoice| invoice.status == stripe::InvoiceStatus::Draft;
        found
            .into_iter()
            // What a subscription made is not what this would make.
            .filter(|invoice| self.made(&invoice.metadata) && invoice.subscription.is_none())
            .filter(|invoice| invoice.status != stripe::InvoiceStatus::Void)
            .filter(|invoice| is_draft(invoice) || !planted!(LookSeesDraftsOnly))
            .min_by_key(|invoice| (invoice.is_credited(), is_draft(invoice), invoice.created, invoice.id.clone()))
    }

    /// One that is over counts as well if a customer has its invoice, but less than one that bills.
    fn subscription(&self, found: Vec<stripe::Subscription>) -> Option<stripe::Subscription> {
        let is_sent =
            |one: &stripe::Subscription| one.latest_invoice.as_ref().is_some_and(|invoice| invoice.status.is_sent());
        // One that ended with its term still bills it.
        let is_to_be_sent = |one: &stripe::Subscription| {
            let first = one.latest_invoice.as_ref().map(|invoice| invoice.status);
            one.has_run_out && first == Some(stripe::InvoiceStatus::Draft)
        };
        let counts = |one: &stripe::Subscription| !one.is_over || is_to_be_sent(one) || is_sent(one);
        let made = found.into_iter().filter(|one| self.made(&one.metadata) && counts(one));
        made.min_by_key(|one| (one.is_over, one.created, one.id.clone()))
    }
}

#[cfg(test)]
mod tests;
