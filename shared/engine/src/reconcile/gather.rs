//! Reading both sides for the statement, and making it.

use std::collections::BTreeSet;
use std::ops::Range;

use domain::OpportunityId;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ledger::Statement;
use mapping::{DealSeen, deals_query, won_query};

use super::place::Place;
use super::statement::{KnownRun, Sides};
use super::{OVERLAP, Walk, page_limit};
use crate::advance::ledger_pause;
use crate::convert::stripe_pause;
use crate::{Engine, Ledger, Pause, Stripe, World};

/// A statement is made of one reading of both sides, so it is not continued by the next pass. Half a million deals and
/// fifty thousand invoices in a month are far more than a pass has time for, and a bound on what it holds in memory.
const MOST_PAGES: usize = 500;
const PAGE: u32 = 1000;

/// An event that is lost was on the queue for a few days at most, or stood before a restore of as many.
const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How many ids one query names. A query has room for some four thousand.
const IDS: usize = 200;

/// The day before, and its month so far.
struct Times {
    day: Date,
    of_day: Range<Timestamp>,
    of_month: Range<Timestamp>,
    /// That, and on the first days of a month the last ones of the one before: what was lost then is found.
    looked_through: Range<Timestamp>,
}

impl Times {
    /// What was over before we were here is not in our books.
    fn new(at: Timestamp, in_use_since: Timestamp) -> Option<Self> {
        let midnight = |day: Date| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok();
        let today = TimeZone::UTC.to_datetime(at).date();
        let day = today.yesterday().ok()?;
        let (end, from) = (midnight(today)?, super::before(in_use_since, OVERLAP));
        let of_day = midnight(day)?.max(from)..end;
        let of_month = midnight(day.first_of_month())?.max(from)..end;
        let looked_through = super::before(end, LOOKED_BACK).max(from).min(of_month.start)..end;
        Some(Self { day, of_day, of_month, looked_through })
    }
}

impl<W: World> Engine<W> {
    pub(super) async fn statement(&self, mut place: Place, walk: &mut Walk) -> Result<(), Pause> {
        let asked_at = walk.deep_since.unwrap_or(place.began_at());
        let out_of_range = || Pause::backoff("clock_out_of_range", "there is no day before this one");
        let times = Times::new(asked_at, walk.in_use_since).ok_or_else(out_of_range)?;
        let sides = self.sides(&times.looked_through, walk).await?;
        let now = self.now();
        let (of_day, of_month) = (sides.books(&times.of_day, now), sides.books(&times.of_month, now));
        let statement = Statement { day: times.day, made_at: now, of_day, of_month };
        let saved = self.ledger.save_statement(&self.scope.organization_id, &statement).await;
        saved.map_err(|error| ledger_pause(&error))?;
        let unheard_of =
            sides.unheard_of(&times.looked_through, now).into_iter().map(|deal| self.changed(deal)).collect();
        self.requeue(unheard_of, walk).await?;
        self.announce_digest(&statement).await?;
        self.close(&mut place).await?;
        walk.done.differences.extend(statement.of_month.differences.iter().cloned());
        walk.done.statement = Some(statement);
        Ok(())
    }

    async fn sides(&self, time: &Range<Timestamp>, walk: &mut Walk) -> Result<Sides, Pause> {
        let mut sides = Sides::default();
        self.read_won_deals(&mut sides, time, walk).await?;
        self.read_invoices(&mut sides, time, walk).await?;
        self.read_other_deals(&mut sides, walk).await?;
        for opportunity_id in sides.unexplained(time) {
            self.time_left(walk)?;
            self.read_run(&mut sides, opportunity_id).await?;
        }
        Ok(sides)
    }

    /// Whoever was won in this time has changed since it began.
    async fn read_won_deals(&self, sides: &mut Sides, time: &Range<Timestamp>, walk: &Walk) -> Result<(), Pause> {
        let mut after = None;
        for _ in 0..MOST_PAGES {
            self.time_left(walk)?;
            let deals = self.deals(&won_query(time.start, after.as_ref(), PAGE, &self.settings)).await?;
            let is_last = deals.len() < PAGE as usize;
            after = deals.last().map(DealSeen::cursor);
            sides.deals.extend(deals.into_iter().map(|deal| (deal.opportunity_id.clone(), deal)));
            if is_last {
                return Ok(());
            }
        }
        Err(page_limit())
    }

    async fn read_invoices(&self, sides: &mut Sides, time: &Range<Timestamp>, walk: &mut Walk) -> Result<(), Pause> {
        let mut after = None;
        for _ in 0..MOST_PAGES {
            self.time_left(walk)?;
            let page = self.stripe.invoices_created_since(time.start, after.as_ref()).await;
            let page = page.map_err(|error| stripe_pause(&error))?;
            for listed in page.items {
                if let Some((invoice, opportunity_id)) = self.ours(listed, walk) {
                    sides.invoices.insert(invoice.id.clone(), (opportunity_id, invoice));
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
        Err(page_limit())
    }

    /// Deals of invoices that are not among the won ones: lost again, gone, or won in another time and not changed since.
    async fn read_other_deals(&self, sides: &mut Sides, walk: &Walk) -> Result<(), Pause> {
        let sent = sides.invoices.values().filter(|(_, invoice)| invoice.status.is_sent());
        let unknown: BTreeSet<_> = sent.map(|(of, _)| of.clone()).filter(|of| !sides.deals.contains_key(of)).collect();
        for ids in unknown.into_iter().collect::<Vec<_>>().chunks(IDS) {
            self.time_left(walk)?;
            let deals = self.deals(&deals_query(ids, &self.settings)).await?;
            sides.deals.extend(deals.into_iter().map(|deal| (deal.opportunity_id.clone(), deal)));
        }
        Ok(())
    }

    /// The run of a deal that is not clear, and its invoice where that is older than what was read.
    async fn read_run(&self, sides: &mut Sides, opportunity_id: OpportunityId) -> Result<(), Pause> {
        let stored = self.ledger.run(&self.run_of_deal(&opportunity_id).to_string()).await;
        let Some(stored) = stored.map_err(|error| ledger_pause(&error))? else { return Ok(()) };
        if let Some(invoice_id) = stored.run.invoice_id().filter(|id| !sides.invoices.contains_key(id)) {
            match self.stripe.invoice(invoice_id).await {
                Ok(invoice) => {
                    sides.invoices.insert(invoice.id.clone(), (opportunity_id.clone(), invoice));
                }
                Err(stripe::Error::Refused(refusal)) if refusal.status == 404 => {}
                Err(error) => return Err(stripe_pause(&error)),
            }
        }
        let known = KnownRun { created_at: stored.created_at, updated_at: stored.updated_at, run: stored.run };
        sides.runs.insert(opportunity_id, known);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_of_the_first_is_about_the_whole_month_before() {
        let long_ago = Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::from_hours(24)).expect("in range");
        let span = |at: &str, in_use_since: Timestamp| {
            let times = Times::new(at.parse().expect("valid"), in_use_since).expect("in range");
            let print = |time: &Range<Timestamp>| format!("{}..{}", time.start, time.end);
            (times.day.to_string(), print(&times.of_day), print(&times.of_month))
        };
        assert_eq!(
            span("2026-12-01T00:10:00Z", long_ago),
            (
                "2026-11-30".into(),
                "2026-11-30T00:00:00Z..2026-12-01T00:00:00Z".into(),
                "2026-11-01T00:00:00Z..2026-12-01T00:00:00Z".into()
            )
        );
        let installed = "2026-11-24T09:00:00Z".parse().expect("valid");
        assert_eq!(
            span("2026-11-25T02:10:00Z", installed),
            (
                "2026-11-24".into(),
                "2026-11-24T07:00:00Z..2026-11-25T00:00:00Z".into(),
                "2026-11-24T07:00:00Z..2026-11-25T00:00:00Z".into()
            )
        );
    }

    /// On the first days of a month, a deal of the one before that was lost is found all the same.
    #[test]
    fn what_was_lost_at_the_end_of_a_month_is_looked_for_in_the_next() {
        let long_ago = Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::from_hours(24)).expect("in range");
        let installed = "2026-11-24T09:00:00Z".parse().expect("valid");
        for (at, in_use_since, expected) in [
            ("2026-12-01T00:10:00Z", long_ago, "2026-11-01T00:00:00Z..2026-12-01T00:00:00Z"),
            ("2026-12-03T00:10:00Z", long_ago, "2026-11-26T00:00:00Z..2026-12-03T00:00:00Z"),
            ("2026-12-03T00:10:00Z", installed, "2026-11-26T00:00:00Z..2026-12-03T00:00:00Z"),
        ] {
            let times = Times::new(at.parse().expect("valid"), in_use_since).expect("in range");
            assert_eq!(format!("{}..{}", times.looked_through.start, times.looked_through.end), expected);
        }
    }
}
