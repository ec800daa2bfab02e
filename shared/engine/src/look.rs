//! Looking for the effect of a write whose key says nothing any more. Lists at Stripe are consistent; search is not, so
//! it only helps where a list does not reach back far enough.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use stripe::{Cursor, Page};
use workflow::{Call, Fact, Run};

use crate::convert::{self, stripe_pause};
use crate::{Engine, Pause, Scope, Stripe, World};

/// How far before the first sending an object may seem to be created: clocks differ.
const BEFORE: SignedDuration = SignedDuration::from_hours(2);

const MOST_PAGES: usize = 100;

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
            Call::AddTaxId { customer_id, tax_id } => match self.stripe.tax_ids(customer_id).await {
                Ok(there) => there.iter().any(|seen| tax_id.is(&seen.kind, &seen.value)).then_some(Fact::TaxIdAdded),
                Err(error) => return convert::read_again(call, &error).map(Look::Found),
            },
            Call::RemoveTaxId { customer_id, tax_id } => match self.stripe.tax_ids(customer_id).await {
                Ok(there) => there.iter().all(|seen| seen.id != *tax_id).then_some(Fact::TaxIdRemoved),
                Err(error) => return convert::read_again(call, &error).map(Look::Found),
            },
            Call::CreateInvoice { customer_id, .. } => {
                let mut found = match self.is_forgotten(run, call) {
                    false => self
                        .stripe
                        .invoices_of_customer(customer_id, since)
                        .await
                        .map_err(|error| stripe_pause(&error))?,
                    true => all(async |after| self.stripe.invoices_created_since(since, after).await).await?,
                };
                // A draft for a customer that is gone can never be sent.
                found.retain(|invoice| invoice.status.is_sent() || invoice.customer.as_ref() == Some(customer_id));
                maker.invoice(found).map(|invoice| Fact::InvoiceRead(convert::invoice(&invoice, &self.scope)))
            }
            Call::CreateSubscription(new) => {
                let found = match self.is_forgotten(run, call) {
                    false => {
                        let found = self.stripe.subscriptions_of_customer(&new.customer_id, since).await;
                        found.map_err(|error| stripe_pause(&error))?
                    }
                    true => all(async |after| self.stripe.subscriptions_created_since(since, after).await).await?,
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
            Call::RenewSubscription(extension) => {
                let seen = self.renewable_named(&extension.subscription_id).await;
                let seen = seen.map_err(|error| stripe_pause(&error))?;
                let is_renewed = seen.renewed_for.as_ref() == Some(&extension.opportunity_id);
                is_renewed.then(|| Fact::SubscriptionRenewed(Box::new(seen)))
            }
            // Setting a line to the agreed amount a second time changes nothing, nor does holding or disarming an invoice. A price that is made
            // twice does no harm.
            _ => None,
        };
        Ok(looked.map_or_else(|| Look::NotFound(call.clone()), Look::Found))
    }

    /// What it may have made is not in the ledger, which was restored: then the customer that it was made for may not be this one.
    fn is_forgotten(&self, run: &Run, call: &Call) -> bool {
        let operation = call.operation();
        run.restored.is_some() && operation.is_some_and(|operation| !run.intents.contains_key(&operation))
    }

    async fn invoice_fact(&self, invoice_id: &domain::InvoiceId) -> Result<Fact, Pause> {
        match self.stripe.invoice(invoice_id).await {
            Ok(invoice) => Ok(Fact::InvoiceRead(convert::invoice(&invoice, &self.scope))),
            Err(error) => convert::read_again(&Call::ReadInvoice { invoice_id: invoice_id.clone() }, &error),
        }
    }
}

/// Every page. A look that would read more than so many is given up rather than half believed.
async fn all<T>(page: impl AsyncFn(Option<&Cursor>) -> Result<Page<T>, stripe::Error>) -> Result<Vec<T>, Pause> {
    let (mut found, mut after) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let page = page(after.as_ref()).await.map_err(|error| stripe_pause(&error))?;
        found.extend(page.items.into_iter().filter_map(|listed| listed.object));
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
    Err(Pause::backoff(
        "page_limit",
        "there is more at Stripe since the restore than can be looked through for one deal",
    ))
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

    /// One that the customer has counts more than any draft; among drafts, the oldest.
    fn invoice(&self, found: Vec<stripe::Invoice>) -> Option<stripe::Invoice> {
        let is_draft = |invoice: &stripe::Invoice| invoice.status == stripe::InvoiceStatus::Draft;
        found
            .into_iter()
            // What a subscription made is not what this would make.
            .filter(|invoice| self.made(&invoice.metadata) && invoice.subscription.is_none())
            .filter(|invoice| invoice.status != stripe::InvoiceStatus::Void)
            .filter(|invoice| is_draft(invoice) || !planted!(LookSeesDraftsOnly))
            .min_by_key(|invoice| (is_draft(invoice), invoice.created, invoice.id.clone()))
    }

    /// One that is over counts as well if a customer has its invoice, but less than one that bills.
    fn subscription(&self, found: Vec<stripe::Subscription>) -> Option<stripe::Subscription> {
        let is_sent =
            |one: &stripe::Subscription| one.latest_invoice.as_ref().is_some_and(|invoice| invoice.status.is_sent());
        let made = found.into_iter().filter(|one| self.made(&one.metadata) && (!one.is_over || is_sent(one)));
        made.min_by_key(|one| (one.is_over, one.created, one.id.clone()))
    }
}

#[cfg(test)]
mod tests;
