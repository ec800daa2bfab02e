//! Refused deals whose account was edited: the note asks for that, and an account's edit leaves the opportunity as it is.

use domain::Event;
use mapping::{DealMended, deal_mended, mended_query, stays_refused};
use queue::Envelope;
use workflow::{Fact, Status};

use super::deals::{CLOCKS_DIFFER, PAGE, parse, print};
use super::place::Place;
use super::truth::SWEEP;
use super::{MOST_PAGES, OVERLAP, Walk, page_limit};
use crate::advance::ledger_pause;
use crate::{Engine, Ledger, Pause, World, convert};

impl<W: World> Engine<W> {
    pub(super) async fn mended_deals(&self, mut place: Place, walk: &mut Walk) -> Result<(), Pause> {
        let since = super::before(place.seen_until().unwrap_or(walk.in_use_since), OVERLAP);
        let mut after = place.cursor().and_then(parse);
        for _ in 0..MOST_PAGES {
            self.time_left(walk)?;
            let found =
                self.records_seen(&mended_query(since, after.as_ref(), PAGE, &self.settings), deal_mended).await?;
            for mended in &found {
                if let Some(envelope) = self.may_be_billed_now(mended, walk).await? {
                    self.requeue(vec![envelope], walk).await?;
                }
            }
            after = found.last().filter(|_| found.len() >= PAGE as usize).map(DealMended::cursor);
            let Some(cursor) = &after else { return self.close(&mut place).await };
            self.advance_to(&mut place, print(cursor)).await?;
        }
        Err(page_limit())
    }

    /// An event, if it was refused before the account was edited, and would not be for the same reason now: nobody is told twice of what
    /// nobody has mended.
    async fn may_be_billed_now(&self, mended: &DealMended, walk: &Walk) -> Result<Option<Envelope>, Pause> {
        let DealMended { opportunity_id, account_modified_at } = mended;
        let run = self.ledger.run(&self.run_of_deal(opportunity_id).to_string()).await;
        let id = format!("{SWEEP}{opportunity_id}:account:{}", account_modified_at.as_millisecond());
        let refused = run.map_err(|error| ledger_pause(&error))?.filter(|run| {
            // The run's time is a worker's, and the record's is Salesforce's.
            let was_refused_before = super::before(run.updated_at, CLOCKS_DIFFER) < *account_modified_at;
            run.run.status() == Status::Rejected && was_refused_before && !run.run.has_answered(&id)
        });
        if refused.is_none() {
            return Ok(None);
        }
        self.time_left(walk)?;
        let read = self.read_deal(opportunity_id, &self.settings).await;
        let read = read.map_err(|error| convert::salesforce_pause(&error, self.now()))?;
        let Fact::DealRead(deal) = read else { return Ok(None) };
        let (opportunity_id, occurred_at) = (opportunity_id.clone(), *account_modified_at);
        let event = Event::OpportunityChanged { opportunity_id, occurred_at };
        Ok((!stays_refused(&deal, &self.settings)).then(|| self.envelope(id, event)))
    }
}
