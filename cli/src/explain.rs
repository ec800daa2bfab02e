//! What became of a record, from the ledger: its runs, and those of what they made.

mod story;
mod words;

use std::collections::BTreeSet;

use domain::{AccountId, Currency, InvoiceId, OpportunityId, OrganizationId, SubscriptionId};
use jiff::Timestamp;
use ledger::{Ledger, LedgerError, Table};
use mapping::Channel;
pub use story::{Call, Chapter, Stopped, Story};
use workflow::{About, Run, RunId, State};

use crate::Subject;

/// Reads and changes nothing. Every entry of the call logs is checked against their chains.
pub async fn explain<T: Table>(
    ledger: &Ledger<T>,
    organization_id: &OrganizationId,
    subject: &Subject,
    now: Timestamp,
) -> Result<Story, LedgerError> {
    let mut reader = Reader { ledger, organization_id, now, chapters: Vec::new(), read: BTreeSet::new() };
    match subject {
        Subject::Opportunity(id) => reader.deal(id).await?,
        Subject::Account(id) => reader.account(id).await?,
        Subject::Invoice(id) => {
            if let Some(RunId::OpportunityWon { opportunity_id, .. }) = ledger.run_of_invoice(id).await? {
                reader.deal(&opportunity_id).await?;
            }
        }
        Subject::Subscription(id) => reader.subscription(id).await?,
    }
    // One that replaced another is in its deal's story by now; one of a later period is in nobody's.
    if let Subject::Invoice(id) = subject {
        reader.invoice(id).await?;
    }
    Ok(Story { subject: subject.to_string(), chapters: reader.chapters })
}

struct Reader<'a, T> {
    ledger: &'a Ledger<T>,
    organization_id: &'a OrganizationId,
    now: Timestamp,
    chapters: Vec<Chapter>,
    /// The keys of what was looked for.
    read: BTreeSet<String>,
}

impl<T: Table> Reader<'_, T> {
    /// The deal, its invoices in the order in which they took each other's place, and its subscription.
    async fn deal(&mut self, id: &OpportunityId) -> Result<(), LedgerError> {
        let (organization_id, opportunity_id) = (self.organization_id.clone(), id.clone());
        let Some(run) = self.chapter(RunId::OpportunityWon { organization_id, opportunity_id }).await? else {
            return Ok(());
        };
        for invoice_id in run.replaced.iter().chain(run.invoice_id()) {
            self.invoice(invoice_id).await?;
        }
        match run.subscription_id() {
            Some(id) => self.subscription(id).await,
            None => Ok(()),
        }
    }

    /// Its customer, in either of Stripe's modes, and those that it has for other currencies.
    async fn account(&mut self, id: &AccountId) -> Result<(), LedgerError> {
        for livemode in [true, false] {
            let Some(run) = self.customer(id, livemode, None).await? else { continue };
            for currency in run.apart {
                self.customer(id, livemode, Some(currency)).await?;
            }
        }
        Ok(())
    }

    async fn customer(
        &mut self,
        id: &AccountId,
        livemode: bool,
        currency: Option<Currency>,
    ) -> Result<Option<Run>, LedgerError> {
        let (organization_id, account_id) = (self.organization_id.clone(), id.clone());
        self.chapter(RunId::AccountCustomer { organization_id, account_id, livemode, currency }).await
    }

    async fn invoice(&mut self, id: &InvoiceId) -> Result<(), LedgerError> {
        let of = || (self.organization_id.clone(), id.clone());
        let (paid, failed, changed) = (of(), of(), of());
        for id in [
            RunId::InvoicePaid { organization_id: paid.0, invoice_id: paid.1 },
            RunId::PaymentFailed { organization_id: failed.0, invoice_id: failed.1 },
            RunId::InvoiceChanged { organization_id: changed.0, invoice_id: changed.1 },
        ] {
            self.chapter(id).await?;
        }
        Ok(())
    }

    async fn subscription(&mut self, id: &SubscriptionId) -> Result<(), LedgerError> {
        let (organization_id, subscription_id) = (self.organization_id.clone(), id.clone());
        self.chapter(RunId::SubscriptionChanged { organization_id, subscription_id }).await.map(drop)
    }

    /// One run, once, if there is one; and what people were told of it last.
    async fn chapter(&mut self, id: RunId) -> Result<Option<Run>, LedgerError> {
        let key = id.to_string();
        let Some(run) = self.one(id).await? else { return Ok(None) };
        if let Some(tells) = run.told.as_ref().and_then(|told| told.last.clone().or(told.what.clone())) {
            for channel in [Channel::Slack, Channel::Email] {
                let about = About::Run { key: key.clone(), tells: tells.clone() };
                let organization_id = self.organization_id.clone();
                self.one(RunId::Notification { organization_id, channel, about }).await?;
            }
        }
        Ok(Some(run))
    }

    async fn one(&mut self, id: RunId) -> Result<Option<Run>, LedgerError> {
        let key = id.to_string();
        if !self.read.insert(key.clone()) {
            return Ok(None);
        }
        let Some(stored) = self.ledger.run(&key).await? else { return Ok(None) };
        let calls = self.ledger.call_log_of(&stored, self.now).await?;
        self.chapters.push(Chapter::new(&stored, calls));
        Ok(Some(stored.run))
    }
}

/// The deal on which something that is not a deal's own run was told last, where the run says so.
fn told_on(state: &State) -> Option<OpportunityId> {
    match state {
        State::InvoicePaid(workflow::invoice_paid::Point::Done { payment }) => Some(payment.opportunity_id.clone()),
        _ => None,
    }
}
