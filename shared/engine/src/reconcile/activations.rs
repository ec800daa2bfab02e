//! Orders and contracts that were activated, and that nobody told us of: that does not change the opportunity whose deal waits for it.

use domain::Event;
use jiff::Timestamp;
use mapping::{Activated, Cursor, activations};
use queue::Envelope;
use workflow::{Run, Status};

use super::deals::{PAGE, parse, print};
use super::place::Place;
use super::truth::SWEEP;
use super::{MOST_PAGES, OVERLAP, Walk, page_limit};
use crate::advance::ledger_pause;
use crate::{Engine, Ledger, Pause, World};

impl<W: World> Engine<W> {
    /// Kind by kind. Which one a walk is at stands before its cursor.
    pub(super) async fn activated(&self, mut place: Place, walk: &mut Walk) -> Result<(), Pause> {
        // What was activated before anybody looked here is billed by whoever billed it then.
        let since = super::before(place.seen_until().unwrap_or(walk.waiting_since), OVERLAP);
        let kinds = activations(&self.settings);
        let (first, mut after) = place.cursor().and_then(at).unwrap_or_default();
        let mut pages = 0;
        for (index, kind) in kinds.iter().enumerate().skip(first) {
            loop {
                if pages == MOST_PAGES {
                    return Err(page_limit());
                }
                pages += 1;
                self.time_left(walk)?;
                let query = kind.query(since, after.as_ref(), PAGE);
                let found = self.records_seen(&query, |record| kind.seen(record)).await?;
                let mut envelopes = Vec::new();
                for activated in &found {
                    envelopes.extend(self.untold(activated, since).await?);
                }
                self.requeue(envelopes, walk).await?;
                after = found.last().filter(|_| found.len() >= PAGE as usize).map(Activated::cursor);
                let Some(cursor) = &after else { break };
                self.advance_to(&mut place, format!("{index}/{}", print(cursor))).await?;
            }
        }
        self.close(&mut place).await
    }

    /// An event, if nobody has looked at the deal since. What was activated long ago is no news, however often it has been edited since.
    async fn untold(&self, activated: &Activated, since: Timestamp) -> Result<Option<Envelope>, Pause> {
        let (Some(opportunity_id), Some(activated_at)) = (activated.opportunity_id.clone(), activated.activated_at)
        else {
            return Ok(None);
        };
        if activated_at < since {
            return Ok(None);
        }
        let run = self.ledger.run(&self.run_of_deal(&opportunity_id).to_string()).await;
        let run = run.map_err(|error| ledger_pause(&error))?;
        let id = format!("{SWEEP}{}:{}", activated.record_id, activated_at.as_millisecond());
        let is_untold = run.is_none_or(|run| is_news(&run.run, run.updated_at, activated_at, &id));
        let event = Event::OpportunityChanged { opportunity_id, occurred_at: activated_at };
        Ok(is_untold.then(|| self.envelope(id, event)))
    }
}

/// Whether the deal may be another one than its run knows. One that waits, or was refused, is looked at once, since it may have been
/// read just before.
fn is_news(run: &Run, updated_at: Timestamp, activated_at: Timestamp, id: &str) -> bool {
    !run.has_answered(id) && (run.status() == Status::Rejected || updated_at < activated_at)
}

fn at(cursor: &str) -> Option<(usize, Option<Cursor>)> {
    let (kind, cursor) = cursor.split_once('/')?;
    Some((kind.parse().ok()?, Some(parse(cursor)?)))
}

#[cfg(test)]
mod tests {
    use mapping::{Code, Stop};

    use super::*;
    use crate::samples::{claimed, deal, opportunity_id, stopped};

    #[test]
    fn a_walk_goes_on_at_its_kind_and_its_record() {
        let cursor = Cursor { modified_at: Timestamp::UNIX_EPOCH, record_id: "801000000000001AAA".into() };
        assert_eq!(at(&format!("1/{}", print(&cursor))), Some((1, Some(cursor))));
        for other in ["", "1", "x/801000000000001AAA@0", "1/801000000000001AAA"] {
            assert_eq!(at(other), None, "{other}");
        }
    }

    #[test]
    fn an_activation_is_news_once() {
        let [earlier, now] = [0, 1].map(|second| Timestamp::from_second(second).expect("in range"));
        let waits = Stop::not_billable(Code::ContractNotActivated, "x");
        for (point, updated_at, is_answered, expected) in [
            (stopped(opportunity_id(), waits.clone(), claimed()), now, false, true),
            (stopped(opportunity_id(), waits, claimed()), earlier, true, false),
            (claimed(), earlier, false, true),
            (claimed(), now, false, false),
        ] {
            let mut run = deal(point);
            if is_answered {
                run.answer("sweep:801:1");
            }
            assert_eq!(is_news(&run, updated_at, now, "sweep:801:1"), expected, "{:?} {updated_at}", run.status());
        }
    }
}
