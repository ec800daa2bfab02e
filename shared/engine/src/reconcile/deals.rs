//! Won deals that changed, and that nobody told us of.

use domain::{Event, OpportunityId, Record};
use jiff::{SignedDuration, Timestamp};
use mapping::{Cursor, DealSeen, RecordQuery, deal_seen, won_query};
use queue::Envelope;
use workflow::{Run, RunId, Status};

use super::place::Place;
use super::statement::asks;
use super::truth::{SWEEP, changed_id};
use super::{MOST_PAGES, OVERLAP, Walk, page_limit};
use crate::advance::ledger_pause;
use crate::{Engine, Ledger, Pause, World};

/// How many records a page has at most. A bulk load gives as many the same moment, so pages go on by moment and id.
pub(super) const PAGE: u32 = 200;

/// How many states of a refused deal are looked at although nothing says that it was edited.
const FEW: usize = 3;

/// Clocks differ by less than this.
pub(super) const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);

impl<W: World> Engine<W> {
    pub(super) async fn won_deals(&self, mut place: Place, walk: &mut Walk) -> Result<(), Pause> {
        // What the first pass of all overlaps with is what an earlier one would have seen.
        let since = super::before(place.seen_until().unwrap_or(walk.in_use_since), OVERLAP);
        let mut after = place.cursor().and_then(parse);
        for _ in 0..MOST_PAGES {
            self.time_left(walk)?;
            let deals = self.deals(&won_query(since, after.as_ref(), PAGE, &self.settings)).await?;
            let mut envelopes = Vec::new();
            for deal in &deals {
                if self.is_missed(deal, walk).await? {
                    envelopes.push(self.changed(deal));
                }
            }
            self.requeue(envelopes, walk).await?;
            let is_last = deals.len() < PAGE as usize;
            after = deals.last().map(DealSeen::cursor);
            match &after {
                Some(cursor) if !is_last => self.advance_to(&mut place, print(cursor)).await?,
                _ => return self.close(&mut place).await,
            }
        }
        Err(page_limit())
    }

    /// Whether nobody has looked at the deal since it changed. A deal that was won before we were here is billed by whoever
    /// billed it then, and one that does not ask to be billed has nothing to be missed.
    async fn is_missed(&self, deal: &DealSeen, walk: &Walk) -> Result<bool, Pause> {
        let run = self.ledger.run(&self.run_of_deal(&deal.opportunity_id).to_string()).await;
        match run.map_err(|error| ledger_pause(&error))? {
            Some(run) => Ok(may_have_changed(&run.run, run.updated_at, deal.modified_at)
                && !run.run.has_answered(&changed_id(deal))),
            None => Ok(asks(deal) && deal.stage_since >= super::before(walk.in_use_since, OVERLAP)),
        }
    }

    /// The event that tells of the deal as it is now.
    pub(super) fn changed(&self, deal: &DealSeen) -> Envelope {
        let (opportunity_id, occurred_at) = (deal.opportunity_id.clone(), deal.modified_at);
        self.envelope(changed_id(deal), Event::OpportunityChanged { opportunity_id, occurred_at })
    }

    pub(super) fn run_of_deal(&self, opportunity_id: &OpportunityId) -> RunId {
        let organization_id = self.scope.organization_id.clone();
        RunId::OpportunityWon { organization_id, opportunity_id: opportunity_id.clone() }
    }

    /// Opportunities by a query, one call.
    pub(super) async fn deals(&self, query: &RecordQuery) -> Result<Vec<DealSeen>, Pause> {
        self.records_seen(query, |record| deal_seen(record, &self.settings)).await
    }

    /// Records by a query, one call; and none of them, if one says too little to be judged by.
    pub(super) async fn records_seen<T>(
        &self,
        query: &RecordQuery,
        seen: impl Fn(&Record) -> Option<T>,
    ) -> Result<Vec<T>, Pause> {
        let records = self.ask_again_later(std::slice::from_ref(query)).await?.into_iter().flatten();
        let unreadable = || Pause::backoff("salesforce_unreadable", "a record came without its id and times");
        records.map(|record| seen(&record)).collect::<Option<Vec<_>>>().ok_or_else(unreadable)
    }
}

/// Whether the deal is another one than the run knows. One that was refused may have been mended between the reading and the note
/// about it, so its next states are looked at as well, even though the first of them is the note. A few of them: where something
/// answers each note with an edit, that would never end. What is before a person waits for that person; and one that is billed
/// has written to the deal since it read it, and that its amount had changed by then is seen from its invoice.
fn may_have_changed(run: &Run, updated_at: Timestamp, modified_at: Timestamp) -> bool {
    let is_unread = updated_at < modified_at;
    // The run's time is a worker's, and the record's is Salesforce's.
    let may_be_unread = super::before(updated_at, CLOCKS_DIFFER) < modified_at;
    is_unread || run.status() == Status::Rejected && (may_be_unread || sweeps_answered(run) < FEW)
}

fn sweeps_answered(run: &Run) -> usize {
    run.answered.iter().filter(|id| id.starts_with(SWEEP)).count()
}

pub(super) fn print(cursor: &Cursor) -> String {
    format!("{}@{}", cursor.record_id, cursor.modified_at.as_millisecond())
}

pub(super) fn parse(text: &str) -> Option<Cursor> {
    let (id, milliseconds) = text.split_once('@')?;
    let modified_at = Timestamp::from_millisecond(milliseconds.parse().ok()?).ok()?;
    Some(Cursor { modified_at, record_id: id.to_owned() })
}

#[cfg(test)]
mod tests {
    use mapping::{Code, Stop};

    use super::*;
    use crate::samples::{claimed, deal, opportunity_id, stopped};

    #[test]
    fn a_cursor_survives_being_written_down() {
        let cursor = Cursor { modified_at: Timestamp::UNIX_EPOCH, record_id: opportunity_id().to_string() };
        assert_eq!(parse(&print(&cursor)), Some(cursor));
        assert_eq!(parse("006000000000001AAA"), None);
    }

    fn run(stop: Option<Stop>, answered: &[String]) -> Run {
        let point = match stop {
            Some(stop) => stopped(opportunity_id(), stop, claimed()),
            None => claimed(),
        };
        Run { answered: answered.to_vec(), ..deal(point) }
    }

    /// What is newer than the run is looked at in any case; what is not, only a few times, and only where a note of ours may
    /// have hidden that a person had mended the deal.
    #[test]
    fn a_refused_deal_is_looked_at_a_few_times_more_and_no_other_without_a_change() {
        let sweep = |number: usize| format!("{SWEEP}{number}");
        let few: Vec<_> = (0..FEW).map(sweep).collect();
        let fewer_and_another = [few[1..].to_vec(), vec!["evt_1".to_owned()]].concat();
        let refused = || Some(Stop::refused(Code::NoLines, "empty"));
        let in_review = Some(Stop::review(Code::NoLines, "a person decides"));
        let [earlier, now, later] = [0, 600, 601].map(|second| Timestamp::from_second(second).expect("in range"));
        // Its worker's clock may be that much ahead.
        let just_now = Timestamp::from_second(1).expect("in range");
        assert!(may_have_changed(&run(refused(), &few), now, just_now));
        assert!(!may_have_changed(&run(None, &[]), now, just_now));
        assert!(!may_have_changed(&run(None, &[]), now, now), "it was read when it was changed");
        for (run, may) in [
            (run(refused(), &[]), true),
            (run(refused(), &fewer_and_another), true),
            (run(refused(), &few), false),
            (run(in_review, &[]), false),
            (run(None, &[]), false),
        ] {
            assert_eq!(may_have_changed(&run, now, earlier), may, "{:?} {:?}", run.status(), run.answered);
            assert!(may_have_changed(&run, now, later), "{:?} {:?}", run.status(), run.answered);
        }
    }
}
