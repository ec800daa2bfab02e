//! Accounts that were edited while no deal of theirs was billed. A subscription's invoices go on, and go to where Stripe was last told.

use domain::Event;
use mapping::{AccountSeen, account_seen, accounts_query};
use queue::Envelope;
use workflow::{RunId, Status};

use super::deals::{PAGE, parse, print};
use super::place::Place;
use super::{MOST_PAGES, OVERLAP, Walk, page_limit};
use crate::advance::has_news;
use crate::{Engine, Pause, World};

impl<W: World> Engine<W> {
    pub(super) async fn edited_accounts(&self, mut place: Place, walk: &mut Walk) -> Result<(), Pause> {
        let since = super::before(place.seen_until().unwrap_or(walk.in_use_since), OVERLAP);
        let mut after = place.cursor().and_then(parse);
        for _ in 0..MOST_PAGES {
            self.time_left(walk)?;
            let query = accounts_query(since, after.as_ref(), PAGE, &self.settings);
            let accounts = self.records_seen(&query, |record| account_seen(record, &self.settings)).await?;
            let mut envelopes = Vec::new();
            for account in &accounts {
                envelopes.extend(self.untold_account(account).await?);
            }
            self.requeue(envelopes, walk).await?;
            after = accounts.last().filter(|_| accounts.len() >= PAGE as usize).map(AccountSeen::cursor);
            let Some(cursor) = &after else { return self.close(&mut place).await };
            self.advance_to(&mut place, print(cursor)).await?;
        }
        Err(page_limit())
    }

    /// An event, if its customer is ours and has not been told. One that is being told may be told what the account said before.
    async fn untold_account(&self, account: &AccountSeen) -> Result<Option<Envelope>, Pause> {
        let run_id = self.run_of_account(&account.account_id);
        let Some(run) = self.known_run(&run_id).await? else { return Ok(None) };
        let newcomer = self.account_news(&run, account);
        let is_untold = run.status() == Status::Open || newcomer.is_some_and(|newcomer| has_news(&run, &newcomer));
        let (account_id, occurred_at) = (account.account_id.clone(), account.modified_at);
        let id = format!("account:{account_id}:{}", occurred_at.as_millisecond());
        Ok(is_untold.then(|| self.envelope(id, Event::AccountChanged { account_id, occurred_at })))
    }

    /// What a letter about a customer asks for when it is sent again, whoever came along while that was told: its account is read.
    pub(crate) fn of_account(&self, id: &RunId) -> Option<Envelope> {
        let RunId::AccountCustomer { account_id, .. } = id else { return None };
        let (account_id, occurred_at) = (account_id.clone(), self.now());
        let id = format!("account:{account_id}:{}", occurred_at.as_millisecond());
        Some(self.envelope(id, Event::AccountChanged { account_id, occurred_at }))
    }

    pub(crate) fn run_of_account(&self, account_id: &domain::AccountId) -> RunId {
        RunId::AccountCustomer {
            organization_id: self.scope.organization_id.clone(),
            account_id: account_id.clone(),
            livemode: self.scope.livemode,
        }
    }
}
