//! Accounts that were edited while no deal of theirs was billed. A subscription's invoices go on, and go to where Stripe was last told.

use domain::{AccountId, Currency, Event};
use jiff::Timestamp;
use mapping::{AccountSeen, account_seen, accounts_query};
use queue::Envelope;
use workflow::{Run, RunId, Status};

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
                envelopes.extend(self.untold_customers(account).await?);
            }
            self.requeue(envelopes, walk).await?;
            after = accounts.last().filter(|_| accounts.len() >= PAGE as usize).map(AccountSeen::cursor);
            let Some(cursor) = &after else { return self.close(&mut place).await };
            self.advance_to(&mut place, print(cursor)).await?;
        }
        Err(page_limit())
    }

    /// An event for each of its customers that is ours and has not been told.
    async fn untold_customers(&self, account: &AccountSeen) -> Result<Vec<Envelope>, Pause> {
        let Some(first) = self.known_run(&self.run_of_account(&account.account_id, None)).await? else {
            return Ok(Vec::new());
        };
        let mut envelopes: Vec<_> = self.untold_customer(&first, None, account).into_iter().collect();
        for currency in first.apart.iter().copied().filter(|_| !planted!(TellsTheFirstOnly)) {
            let other = self.known_run(&self.run_of_account(&account.account_id, Some(currency))).await?;
            envelopes.extend(other.and_then(|other| self.untold_customer(&other, Some(currency), account)));
        }
        Ok(envelopes)
    }

    /// One that is being told may be told what the account said before.
    fn untold_customer(&self, run: &Run, currency: Option<Currency>, account: &AccountSeen) -> Option<Envelope> {
        let newcomer = self.account_news(run, account);
        let is_untold = run.status() == Status::Open || newcomer.is_some_and(|newcomer| has_news(run, &newcomer));
        is_untold.then(|| self.account_changed_envelope(&account.account_id, currency, account.modified_at))
    }

    fn account_changed_envelope(&self, account_id: &AccountId, currency: Option<Currency>, at: Timestamp) -> Envelope {
        let of = currency.map(|currency| format!(":{}", currency.to_stripe())).unwrap_or_default();
        let id = format!("account:{account_id}{of}:{}", at.as_millisecond());
        let account_id = account_id.clone();
        self.envelope(id, Event::AccountChanged { account_id, currency, occurred_at: at })
    }

    /// What a letter about a customer asks for when it is sent again, whoever came along while that was told: its account is read.
    pub(crate) fn of_account(&self, id: &RunId) -> Option<Envelope> {
        let RunId::AccountCustomer { account_id, currency, .. } = id else { return None };
        Some(self.account_changed_envelope(account_id, *currency, self.now()))
    }

    /// Of the customer that it has for everything, or of that for subscriptions in a currency.
    pub(crate) fn run_of_account(&self, account_id: &AccountId, currency: Option<Currency>) -> RunId {
        RunId::AccountCustomer {
            organization_id: self.scope.organization_id.clone(),
            account_id: account_id.clone(),
            livemode: self.scope.livemode,
            currency,
        }
    }
}
