//! Event → the run that it is about.

use std::collections::BTreeMap;

use domain::{AccountId, Currency, Event, InvoiceId, InvoicePaymentId};
use jiff::Timestamp;
use mapping::{AccountSeen, Code, Stop, StrayInvoices, account_query, account_seen};
use workflow::{Run, RunId, State, Status, account_customer, invoice_paid, opportunity_won};

use crate::advance::ledger_pause;
use crate::convert;
use crate::intent::is_claimed;
use crate::invoices::About;
use crate::{Engine, Errand, Ledger, Outcome, Pause, RUN_IS_HELD, Reporter, Stripe, World};

pub(crate) enum Triage {
    /// At least one. Each is brought on, whatever becomes of the others.
    Runs(Vec<Run>),
    Ended(Outcome),
}

impl<W: World> Engine<W> {
    pub(crate) async fn triage(&self, errand: &Errand<'_>) -> Result<Triage, Pause> {
        let organization_id = self.scope.organization_id.clone();
        match &errand.envelope.event {
            Event::OpportunityChanged { opportunity_id, .. } => {
                let opportunity_id = opportunity_id.clone();
                let point = opportunity_won::Point::Claimed { opportunity_id: opportunity_id.clone() };
                let id = RunId::OpportunityWon { organization_id, opportunity_id };
                Ok(Triage::Runs(vec![Run::new(id, State::OpportunityWon(point))]))
            }
            Event::AccountChanged { account_id, currency, occurred_at } => {
                self.account_changed(account_id, *currency, *occurred_at).await
            }
            Event::InvoicePaid { invoice_id, .. } => self.payment(invoice_id, true, errand).await,
            Event::PaymentReceived { invoice_payment_id, .. } => {
                match self.payment_in_part(invoice_payment_id).await? {
                    Some(invoice_id) => self.payment(&invoice_id, false, errand).await,
                    None => Ok(Triage::Ended(Outcome::Ignored { code: "not_paid_in_part" })),
                }
            }
            Event::PaymentFailed { invoice_id, .. } => self.payment_failed(invoice_id, errand).await,
            Event::InvoiceClosed { invoice_id, .. } => {
                let failed = self.failure_to_end(invoice_id, errand).await?;
                // Its case is closed whether that is shown or not.
                let shown = if self.settings.followed.follows_ends() { std::slice::from_ref(invoice_id) } else { &[] };
                let changed = self.invoices_changed(shown, None, errand).await?;
                Ok(runs(failed.into_iter().chain(changed), "nothing_failed"))
            }
            Event::InvoiceOverdue { invoice_id, .. } => {
                let changed = self.invoices_changed(std::slice::from_ref(invoice_id), None, errand).await?;
                if planted!(LeavesOverdueAlone) {
                    return Ok(runs(changed, "payment_cases_off"));
                }
                match self.payment_failed(invoice_id, errand).await? {
                    Triage::Runs(failed) => Ok(Triage::Runs(changed.into_iter().chain(failed).collect())),
                    Triage::Ended(Outcome::Ignored { code }) => Ok(runs(changed, code)),
                    ended @ Triage::Ended(_) => Ok(ended),
                }
            }
            event @ (Event::InvoiceChanged { .. }
            | Event::CreditNoteCreated { .. }
            | Event::ChargeRefunded { .. }
            | Event::DisputeCreated { .. }) => {
                if !self.settings.followed.follows_invoices() {
                    return Ok(Triage::Ended(Outcome::Ignored { code: "not_followed" }));
                }
                let About { invoice_ids, dispute } = self.invoices_of(event).await?;
                let mut changed = self.invoices_changed(&invoice_ids, dispute.as_ref(), errand).await?;
                // What is credited is not due any more, and its case says how much is.
                if matches!(event, Event::CreditNoteCreated { .. }) {
                    for invoice_id in &invoice_ids {
                        changed.extend(self.failure_to_end(invoice_id, errand).await?);
                    }
                }
                Ok(runs(changed, Code::NotOurs.as_str()))
            }
            // A key that need not be allowed to read subscriptions is not asked for their schedules.
            Event::ScheduleChanged { .. } if !self.settings.mirrors_standings() => {
                Ok(Triage::Ended(Outcome::Ignored { code: "standings_off" }))
            }
            Event::ScheduleChanged { schedule_id, .. } => match self.subscription_of(schedule_id).await? {
                Some(subscription_id) => self.subscription_changed(&subscription_id, errand).await,
                None => Ok(Triage::Ended(Outcome::Ignored { code: "schedule_without_subscription" })),
            },
            Event::CustomerDeleted { customer_id, .. } => self.customer_deleted(customer_id, errand).await,
            Event::SubscriptionChanged { subscription_id, .. } => {
                self.subscription_changed(subscription_id, errand).await
            }
            Event::NotificationDue { run, count, occurred_at } => self.notification(run, *count, *occurred_at).await,
            Event::DigestDue { day, .. } => self.digest(*day).await,
            Event::RunDue { run, .. } => {
                let kept = self.kept_as(run).await?;
                let is_asked_for = errand.envelope.parked.is_some();
                let is_wanted = |run: &Run| match run.state {
                    State::SubscriptionChanged(_) => self.settings.mirrors_standings(),
                    State::InvoiceChanged(_) => self.settings.followed.follows_invoices(),
                    _ => true,
                };
                let is_due = |run: &Run| is_wanted(run) && (is_asked_for || run.status() == Status::Open);
                match kept.filter(is_due) {
                    Some(run) => Ok(Triage::Runs(vec![self.as_it_stands(run).await?])),
                    None => Ok(Triage::Ended(Outcome::Ignored { code: "run_not_due" })),
                }
            }
            Event::OpportunitiesLost { occurred_at } => {
                let message = format!(
                    "Salesforce lost change events around {occurred_at} and cannot say of which opportunities: look for \
                     opportunities that were won then and name no Stripe invoice, and send their events again."
                );
                let stop = Stop::review(Code::ChangeEventsLost, message);
                let run = format!("event#{}", errand.envelope.id);
                self.reporter
                    .park(errand.envelope, convert::parked(&stop, &run, self.now()))
                    .await
                    .map_err(|error| Pause::backoff("queue_unavailable", error))?;
                Ok(Triage::Ended(Outcome::Stopped { run, stop }))
            }
        }
    }

    /// The invoice that the payment is for, unless all of it is paid: Stripe says so in an event of its own, which is asked for if it
    /// never comes.
    pub(crate) async fn payment_in_part(&self, id: &InvoicePaymentId) -> Result<Option<InvoiceId>, Pause> {
        let payment = known(self.stripe.invoice_payment(id).await)?;
        Ok(payment.filter(|payment| !payment.is_whole).map(|payment| payment.invoice_id))
    }

    /// What came in for an invoice of ours; or for one that nobody claims, if those are looked up; or for one that was not collected before, of whichever period it is.
    async fn payment(&self, invoice_id: &InvoiceId, is_whole: bool, errand: &Errand<'_>) -> Result<Triage, Pause> {
        let paid = self.is_told(invoice_id).await?.then(|| {
            let point = invoice_paid::Point::claimed(invoice_id.clone(), is_whole);
            Run::new(self.run_of_payment(invoice_id), State::InvoicePaid(point))
        });
        let failed = self.failure_to_end(invoice_id, errand).await?;
        Ok(runs(paid.into_iter().chain(failed), Code::NotOurs.as_str()))
    }

    /// As the account is now. Only a customer that a deal has made is told anything.
    async fn account_changed(
        &self,
        account_id: &AccountId,
        currency: Option<Currency>,
        occurred_at: Timestamp,
    ) -> Result<Triage, Pause> {
        let ignored = |code| Ok(Triage::Ended(Outcome::Ignored { code }));
        let run_id = self.run_of_account(account_id, currency);
        let stored = self.ledger.run(&run_id.to_string()).await.map_err(|error| ledger_pause(&error))?;
        let Some(stored) = stored else { return ignored("account_without_customer") };
        if matches!(&stored.run.state, State::AccountCustomer(point) if point.was_told_since(occurred_at)) {
            return ignored("account_told");
        }
        let read = self.ask_again_later(&[account_query(account_id, &self.settings)]).await?;
        let Some(record) = read.into_iter().flatten().next() else { return ignored("account_not_found") };
        let unreadable = || Pause::backoff("salesforce_unreadable", "an account came without its id and times");
        let account = account_seen(&record, &self.settings).ok_or_else(unreadable)?;
        match self.account_news(&stored.run, &account) {
            Some(run) => Ok(Triage::Runs(vec![run])),
            // A deal may be making it of what the account said before.
            None if stored.run.status() == Status::Open => {
                Err(Pause::backoff(RUN_IS_HELD, "the account's customer is being made"))
            }
            None => ignored("account_without_customer"),
        }
    }

    /// The run as it would begin with what the account says, if it has a customer.
    pub(crate) fn account_news(&self, run: &Run, account: &AccountSeen) -> Option<Run> {
        let customer_id = run.customer_id()?.clone();
        let point = match account.details.clone() {
            Ok(details) => account_customer::Point::for_news(account.account_id.clone(), details, customer_id),
            Err(stop) => account_customer::Point::unreadable(customer_id, account.modified_at, stop),
        };
        Some(Run::new(run.id.clone(), State::AccountCustomer(point)))
    }

    /// A run as it was last saved.
    pub(crate) async fn kept(&self, id: &RunId) -> Result<Option<Run>, Pause> {
        self.kept_as(&id.to_string()).await
    }

    pub(crate) async fn kept_as(&self, key: &str) -> Result<Option<Run>, Pause> {
        let stored = self.ledger.run(key).await;
        Ok(stored.map_err(|error| ledger_pause(&error))?.map(|stored| stored.run))
    }

    pub(crate) fn looks_up_strays(&self) -> bool {
        self.settings.stray_invoices == StrayInvoices::LookedUp
    }

    /// What comes in for it is told: it is ours, or nobody claims it and such are looked up.
    pub(crate) async fn is_told(&self, invoice_id: &InvoiceId) -> Result<bool, Pause> {
        if self.is_ours(invoice_id).await? {
            return Ok(true);
        }
        if !self.looks_up_strays() {
            return Ok(false);
        }
        // A later period's says so by its subscription only.
        let metadata = known(self.stripe.whole_invoice_metadata(invoice_id).await)?;
        Ok(metadata.is_some_and(|metadata| !is_claimed(&metadata)))
    }

    /// An invoice is ours when the ledger links it. Where it does not, the invoice's own metadata is asked before it is
    /// ignored: a ledger that was restored from a backup may have forgotten it. No more than that is read, since what
    /// somebody else billed may be nothing that a whole invoice of ours could be.
    async fn is_ours(&self, invoice_id: &InvoiceId) -> Result<bool, Pause> {
        let link = self.ledger.run_of_invoice(invoice_id).await;
        if link.map_err(|error| ledger_pause(&error))?.is_some() {
            return Ok(true);
        }
        self.is_made_here(self.stripe.invoice_metadata(invoice_id).await)
    }

    /// By what an object says of whose it is; what does not exist is nobody's.
    pub(crate) fn is_made_here(
        &self,
        metadata: Result<BTreeMap<String, String>, stripe::Error>,
    ) -> Result<bool, Pause> {
        Ok(known(metadata)?.is_some_and(|metadata| self.scope.made(&metadata)))
    }
}

/// What Stripe does not know is not there.
pub(crate) fn known<T>(found: Result<T, stripe::Error>) -> Result<Option<T>, Pause> {
    match found {
        Err(stripe::Error::Refused(refusal)) if refusal.status == 404 => Ok(None),
        found => found.map(Some).map_err(|error| convert::stripe_pause(&error)),
    }
}

fn runs(runs: impl IntoIterator<Item = Run>, or_ignored: &'static str) -> Triage {
    let runs: Vec<_> = runs.into_iter().collect();
    if runs.is_empty() { Triage::Ended(Outcome::Ignored { code: or_ignored }) } else { Triage::Runs(runs) }
}
