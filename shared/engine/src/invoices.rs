//! What becomes of invoices beside their payment: what is seen of them, and which invoice an event is about.

use domain::{CustomerId, Event, InvoiceId, Money, Neighbour, ScheduleId, SubscriptionId};
use mapping::{Code, Stop, account_naming_query};
use queue::{Envelope, Source};
use workflow::invoice_changed::{self, Dispute};
use workflow::{Fact, InvoiceStandingSeen, Run, RunId, State};

use crate::convert;
use crate::standing::{ids_are_written, is_seen};
use crate::triage::{Triage, known};
use crate::{Clock, Engine, Errand, Outcome, Pause, Reporter, Scope, Stripe, World};

impl<W: World> Engine<W> {
    pub(crate) async fn read_invoice_standing(&self, id: &InvoiceId) -> Result<Fact, stripe::Error> {
        let at = self.clock.now();
        let seen = self.stripe.invoice_standing(id).await?;
        Ok(Fact::InvoiceStandingRead { seen: Box::new(standing(seen, &self.scope)), at })
    }

    pub(crate) fn run_of_standing(&self, invoice_id: &InvoiceId) -> RunId {
        let organization_id = self.scope.organization_id.clone();
        RunId::InvoiceChanged { organization_id, invoice_id: invoice_id.clone() }
    }

    /// Of several invoices at once, those that are ours. Somebody else's leaves no trace here.
    pub(crate) async fn invoices_changed(
        &self,
        invoice_ids: &[InvoiceId],
        dispute: Option<&Dispute>,
        errand: &Errand<'_>,
    ) -> Result<Vec<Run>, Pause> {
        let mut runs = Vec::new();
        for invoice_id in invoice_ids.iter().filter(|_| self.settings.followed.follows_invoices()) {
            let stored = self.kept(&self.run_of_standing(invoice_id)).await?;
            if dispute.is_none() && stored.as_ref().is_some_and(|run| is_seen(run, errand)) {
                continue;
            }
            if stored.is_some() || self.is_made_here(self.stripe.whole_invoice_metadata(invoice_id).await)? {
                let point = invoice_changed::Point::claimed(invoice_id.clone(), dispute.cloned());
                runs.push(Run::new(self.run_of_standing(invoice_id), State::InvoiceChanged(point)));
            }
        }
        Ok(runs)
    }

    /// The invoices that an event is about that names something else.
    pub(crate) async fn invoices_of(&self, event: &Event) -> Result<About, Pause> {
        let found = match event {
            Event::InvoiceChanged { invoice_id, .. } => Ok(vec![invoice_id.clone()]),
            Event::CreditNoteCreated { credit_note_id, .. } => {
                self.stripe.invoice_of_credit_note(credit_note_id).await.map(|invoice_id| vec![invoice_id])
            }
            Event::ChargeRefunded { charge_id, .. } => self.stripe.invoices_of_charge(charge_id).await,
            Event::DisputeCreated { dispute_id, .. } => {
                let found = known(self.stripe.dispute(dispute_id).await)?;
                let waits = found.as_ref().filter(|found| found.needs_response);
                return Ok(About {
                    dispute: waits.map(|found| Dispute { dispute_id: dispute_id.clone(), due_by: found.due_by }),
                    invoice_ids: found.map(|found| found.invoices).unwrap_or_default(),
                });
            }
            _ => Ok(Vec::new()),
        };
        Ok(About { invoice_ids: known(found)?.unwrap_or_default(), dispute: None })
    }

    pub(crate) async fn subscription_of(&self, schedule_id: &ScheduleId) -> Result<Option<SubscriptionId>, Pause> {
        Ok(known(self.stripe.subscription_of_schedule(schedule_id).await)?.flatten())
    }

    /// Its subscriptions have ended with it, which Stripe tells by itself. The next deal of the account has another one made.
    pub(crate) async fn customer_deleted(
        &self,
        customer_id: &CustomerId,
        errand: &Errand<'_>,
    ) -> Result<Triage, Pause> {
        let ignored = |code| Ok(Triage::Ended(Outcome::Ignored { code }));
        if !self.settings.followed.has(Neighbour::CustomerDeleted) {
            return ignored("not_followed");
        }
        if known(self.stripe.customer(customer_id).await)?.is_some_and(|customer| !customer.deleted) {
            return ignored("customer_is_there");
        }
        let naming = self.ask_again_later(&[account_naming_query(customer_id)]).await?;
        let account = naming.into_iter().flatten().next();
        let Some(account_id) = account.as_ref().and_then(|account| account.text("Id")) else {
            return ignored("customer_of_no_account");
        };
        let message = format!(
            "Somebody deleted customer {customer_id} at Stripe, which account {account_id} names. Its subscriptions ended with it; the \
             account's next deal gets a customer anew."
        );
        let stop = Stop::review(Code::CustomerDeleted, message);
        let run = format!("event#{}", errand.envelope.id);
        let parked = self.reporter.park(errand.envelope, convert::parked(&stop, &run, self.now())).await;
        parked.map_err(|error| Pause::backoff("queue_unavailable", error))?;
        Ok(Triage::Ended(Outcome::Stopped { run, stop }))
    }

    /// A deal that is billed by another invoice than before says so when Salesforce names that: what stands there is about the one before.
    pub(crate) async fn announce_invoice(&self, ended: &mut Run) -> Result<(), Pause> {
        let is_written = !ended.replaced.is_empty() && ids_are_written(ended);
        let news = ended.invoice_id().filter(|id| is_written && ended.announced_invoice.as_ref() != Some(*id)).cloned();
        let Some(invoice_id) = news.filter(|_| self.settings.followed.shows_invoices()) else { return Ok(()) };
        let now = self.clock.now();
        let id = format!("named:{}:{invoice_id}", ended.id.subject());
        let event = Event::InvoiceChanged { invoice_id: invoice_id.clone(), occurred_at: now };
        self.enqueue(&[Envelope::new(id, Source::Worker, event, now)]).await?;
        ended.announced_invoice = Some(invoice_id);
        Ok(())
    }
}

/// What an event is about.
pub(crate) struct About {
    pub(crate) invoice_ids: Vec<InvoiceId>,
    /// It waits for an answer of ours.
    pub(crate) dispute: Option<Dispute>,
}

fn standing(seen: stripe::InvoiceStanding, scope: &Scope) -> InvoiceStandingSeen {
    let money = |minor_units| Money::from_minor_units(minor_units, seen.currency);
    InvoiceStandingSeen {
        opportunity_id: convert::billed_for(&seen.metadata, scope),
        customer_id: seen.customer,
        status: convert::invoice_status(seen.status),
        due_at: seen.due_at,
        total: money(seen.total),
        credited: money(seen.credited),
        refunded: money(seen.refunded),
        is_disputed: seen.is_disputed && !planted!(HidesDisputes),
        invoice_id: seen.id,
        not_finalized: seen.not_finalized,
        is_of_later_period: seen.is_of_later_period,
    }
}
