//! Customers that were made for an account which then settled on another one: whoever loses a race leaves one behind.

use domain::{AccountId, Currency, CustomerId};
use mapping::account_naming_query;
use stripe::{Customer, Listed};
use workflow::Status;

use super::place::Place;
use super::truth::SETTLES_WITHIN;
use super::{MOST_PAGES, Walk, page_limit};
use crate::convert::stripe_pause;
use crate::write::CURRENCY;
use crate::{Engine, Pause, Stripe, World};

impl<W: World> Engine<W> {
    pub(super) async fn unused_customers(&self, mut place: Place, days: i64, walk: &mut Walk) -> Result<(), Pause> {
        let since = place.days_back(days);
        let mut after = self.stripe_cursor(&mut place).await?;
        for _ in 0..MOST_PAGES {
            self.time_left(walk)?;
            let page = self.stripe.customers_created_page(since, after.as_ref()).await;
            let page = page.map_err(|error| stripe_pause(&error))?;
            for listed in &page.items {
                if let Some(customer_id) = self.orphan(listed).await? {
                    let write = stripe::Write::delete_customer(&customer_id);
                    self.delete(&write, customer_id.as_str(), walk).await?;
                }
            }
            let Some(next) = page.next else { return self.close(&mut place).await };
            self.advance_to(&mut place, next.to_string()).await?;
            after = Some(next);
        }
        Err(page_limit())
    }

    /// The customer, if it is ours, was never used, and nobody names it. Where there is no run, the ledger may have
    /// forgotten it.
    async fn orphan(&self, listed: &Listed<Customer>) -> Result<Option<CustomerId>, Pause> {
        let is_old = self.now().duration_since(listed.created) >= SETTLES_WITHIN;
        let metadata = listed.metadata.as_ref().filter(|metadata| is_old && self.scope.made(metadata));
        let (Some(metadata), Ok(customer_id)) = (metadata, CustomerId::parse(&listed.id)) else { return Ok(None) };
        let Some(account_id) = metadata.get("sf_account_id").and_then(|id| AccountId::parse(id).ok()) else {
            return Ok(None);
        };
        let currency = metadata.get(CURRENCY).and_then(|currency| Currency::parse(currency).ok());
        let run_id = self.run_of_account(&account_id, currency);
        if metadata.get("closedwon_run") != Some(&run_id.to_string()) {
            return Ok(None);
        }
        let Some(run) = self.known_run(&run_id).await? else { return Ok(None) };
        let names_another = run.customer_id().is_some_and(|named| *named != customer_id);
        if run.status() != Status::Done || !names_another {
            return Ok(None);
        }
        if self.stripe.customer_has_invoices(&customer_id).await.map_err(|error| stripe_pause(&error))? {
            return Ok(None);
        }
        let naming = self.ask_again_later(&[account_naming_query(&customer_id)]).await?;
        Ok(naming.into_iter().flatten().next().is_none().then_some(customer_id))
    }
}
