//! Every invoice of ours against its run and its deal.

use std::collections::{BTreeMap, BTreeSet};

use domain::OpportunityId;
use mapping::{DealSeen, deals_query};
use stripe::{Invoice, InvoiceStatus, Listed};
use workflow::{Run, RunId};

use super::difference::Cause;
use super::place::Place;
use super::truth::{Truth, Verdict};
use super::{MOST_PAGES, Walk, page_limit};
use crate::advance::ledger_pause;
use crate::convert::stripe_pause;
use crate::{Engine, Ledger, Pause, Stripe, World};

/// An invoice of ours with everything that the ledger says about it.
struct Ours {
    invoice: Invoice,
    opportunity_id: OpportunityId,
    run_id: RunId,
    run: Option<Run>,
    link: Option<RunId>,
    payment: Option<Run>,
}

impl<W: World> Engine<W> {
    pub(super) async fn true_invoices(&self, mut place: Place, days: i64, walk: &mut Walk) -> Result<(), Pause> {
        let since = place.days_back(days);
        let mut after = self.stripe_cursor(&mut place).await?;
        for _ in 0..MOST_PAGES {
            self.time_left(walk)?;
            let page = self.stripe.invoices_created_since(since, after.as_ref()).await;
            let page = page.map_err(|error| stripe_pause(&error))?;
            self.page_of_invoices(page.items, walk).await?;
            let Some(next) = page.next else { return self.close(&mut place).await };
            self.advance_to(&mut place, next.to_string()).await?;
            after = Some(next);
        }
        Err(page_limit())
    }

    async fn page_of_invoices(&self, listed: Vec<Listed<Invoice>>, walk: &mut Walk) -> Result<(), Pause> {
        let mut ours = Vec::new();
        for listed in listed {
            if let Some((invoice, opportunity_id)) = self.ours(listed, walk) {
                ours.push(self.with_runs(invoice, opportunity_id).await?);
            }
        }
        let deals = self.deals_of(&ours).await?;
        let mut envelopes = Vec::new();
        for mut ours in ours {
            let deal = deals.get(&ours.opportunity_id);
            if deal.is_some_and(|deal| deal.is_marked_paid) && ours.invoice.status != InvoiceStatus::Paid {
                // It may have been paid and marked since the list was made.
                ours.invoice = self.stripe.invoice(&ours.invoice.id).await.map_err(|error| stripe_pause(&error))?;
            }
            for verdict in self.judge(&ours, deal, walk) {
                match verdict {
                    Verdict::Mend { id, event } => envelopes.push(self.envelope(id, event)),
                    Verdict::Orphan => self.delete_draft(&mut ours, walk).await?,
                    Verdict::Differs(difference) => walk.differs(difference),
                }
            }
        }
        self.requeue(envelopes, walk).await
    }

    /// What this deployment made, and for which deal. The rest of the account is not looked at.
    pub(super) fn ours(&self, listed: Listed<Invoice>, walk: &mut Walk) -> Option<(Invoice, OpportunityId)> {
        let metadata = listed.metadata.as_ref().filter(|metadata| self.scope.made(metadata))?;
        let opportunity_id = metadata.get("sf_opportunity_id").and_then(|id| OpportunityId::parse(id).ok());
        let run = opportunity_id.as_ref().map(|id| self.run_of_deal(id).to_string());
        let is_named = run.is_some() && metadata.get("closedwon_run") == run.as_ref();
        let invoice_id = listed.invoice_id();
        match (listed.object, opportunity_id) {
            (Some(invoice), Some(opportunity_id)) if is_named => Some((invoice, opportunity_id)),
            (Some(invoice), _) => {
                walk.differs(Cause::InvoiceWithoutRun.of_invoice(&invoice));
                None
            }
            (None, _) => {
                walk.differs(Cause::Unreadable.of_invoice_id(invoice_id));
                None
            }
        }
    }

    async fn with_runs(&self, invoice: Invoice, opportunity_id: OpportunityId) -> Result<Ours, Pause> {
        let run_id = self.run_of_deal(&opportunity_id);
        let run = self.known_run(&run_id).await?;
        let link = match invoice.status {
            InvoiceStatus::Draft => {
                self.ledger.run_of_invoice(&invoice.id).await.map_err(|error| ledger_pause(&error))?
            }
            _ => None,
        };
        let payment = match invoice.status {
            InvoiceStatus::Paid => self.known_run(&self.run_of_payment(&invoice.id)).await?,
            _ => None,
        };
        Ok(Ours { invoice, opportunity_id, run_id, run, link, payment })
    }

    pub(super) async fn known_run(&self, id: &RunId) -> Result<Option<Run>, Pause> {
        let stored = self.ledger.run(&id.to_string()).await.map_err(|error| ledger_pause(&error))?;
        Ok(stored.map(|stored| stored.run))
    }

    /// The deals of a page, in one call. Drafts are nothing that a deal knows of.
    async fn deals_of(&self, ours: &[Ours]) -> Result<BTreeMap<OpportunityId, DealSeen>, Pause> {
        let sent = ours.iter().filter(|ours| ours.invoice.status != InvoiceStatus::Draft);
        let ids: BTreeSet<_> = sent.map(|ours| ours.opportunity_id.clone()).collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let deals = self.deals(&deals_query(&ids.into_iter().collect::<Vec<_>>(), &self.settings)).await?;
        Ok(deals.into_iter().map(|deal| (deal.opportunity_id.clone(), deal)).collect())
    }

    fn judge(&self, ours: &Ours, deal: Option<&DealSeen>, walk: &Walk) -> Vec<Verdict> {
        let truth = Truth {
            invoice: &ours.invoice,
            opportunity_id: &ours.opportunity_id,
            run_id: &ours.run_id,
            run: ours.run.as_ref(),
            link: ours.link.as_ref(),
            payment: ours.payment.as_ref(),
            deal,
            restored: walk.restored,
            now: self.now(),
        };
        truth.judge()
    }

    /// Takes away a draft that nobody will come back to, as is asked again. Whoever takes it up in this very moment finds it gone, and makes
    /// another one; whoever has sent it is protected by Stripe, which deletes nothing but drafts.
    async fn delete_draft(&self, ours: &mut Ours, walk: &mut Walk) -> Result<(), Pause> {
        ours.run = self.known_run(&ours.run_id).await?;
        if self.judge(ours, None, walk) != [Verdict::Orphan] {
            return Ok(());
        }
        let id = &ours.invoice.id;
        self.delete(&stripe::Write::delete_invoice(id), id.as_str(), walk).await
    }

    pub(super) async fn delete(&self, write: &stripe::Write, id: &str, walk: &mut Walk) -> Result<(), Pause> {
        self.allowed().await?;
        // It may have stood still meanwhile, and what was looked at is long ago.
        self.time_left(walk)?;
        match self.stripe.write(write, &format!("orphan:{id}")).await {
            Ok(_) => {
                tracing::warn!(stripe.object_id = %id, "an orphan was deleted");
                walk.done.orphans_deleted += 1;
                Ok(())
            }
            // It is gone, or it is no orphan any more.
            Err(stripe::Error::Refused(refusal)) => {
                tracing::info!(stripe.object_id = %id, status = refusal.status, "an orphan was not deleted");
                Ok(())
            }
            Err(error) => Err(stripe_pause(&error)),
        }
    }
}
